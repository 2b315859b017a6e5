//! One CallManager or several: who registers, how quickly keepalives are answered, what is refused.

use super::colour::{BAD, GOOD, ODD, PLAIN, WORST};
use super::dashboard::{Dashboard, Row};
use super::panel::{Panel, TO_CALLMANAGER};
use super::query::Query;
use super::variable::callmanagers;

pub(crate) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "phonewatch-callmanager",
        title: "phonewatch / CallManager",
        description: "What the mirror port shows of each CallManager: registrations, keepalives, connections, marking.",
        variables: vec![callmanagers()],
        rows: vec![
            Row {
                title: "Now",
                panels: now(),
            },
            Row {
                title: "Registrations",
                panels: registrations(),
            },
            Row {
                title: "Keepalives",
                panels: keepalives(),
            },
            Row {
                title: "Connections and network",
                panels: connections(),
            },
        ],
    }
}

fn now() -> Vec<Panel> {
    vec![
        Panel::stat(
            "Registered phones",
            "Phones that are registered with each of the chosen CallManagers now.",
        )
        .query(Query::over_time(
            "sum by (callmanager) (phonewatch_callmanager_registered_phones{%server})",
            "{{callmanager}}",
        ))
        .thresholds(&[(0.0, WORST), (1.0, GOOD)])
        .size(8, 5),
        Panel::stat(
            "Keepalive p99",
            "99 of 100 keepalives were acknowledged within this time, lately. Phones wait for seconds before they give up: \
             a tenth of a second is a slow server or path.",
        )
        .query(Query::over_time(
            "histogram_quantile(0.99, sum by (le) (rate(phonewatch_keepalive_rtt_seconds_bucket{%server}[$__rate_interval])))",
            "p99",
        ))
        .unit("s")
        .thresholds(&[(0.0, GOOD), (0.1, ODD), (1.0, WORST)])
        .size(4, 5),
        Panel::stat(
            "Gaps of the server",
            "Outages in which the CallManager did not acknowledge keepalives, in the time shown.",
        )
        .query(Query::now(
            r#"sum(increase(phonewatch_keepalive_gaps_total{direction="callmanager", %server}[$__range]))"#,
            "gaps",
        ))
        .thresholds(&[(0.0, GOOD), (1.0, WORST)])
        .size(3, 5),
        Panel::stat(
            "Failed connections",
            "Connection attempts that were refused, not answered or found no way, in the time shown.",
        )
        .query(Query::now(
            r#"sum(increase(phonewatch_tcp_connects_total{result!="established", %server}[$__range]))"#,
            "failed",
        ))
        .thresholds(&[(0.0, GOOD), (1.0, BAD)])
        .size(3, 5),
        Panel::stat("Rejects", "Registrations that were rejected in the time shown.")
            .query(Query::now(
                "sum(increase(phonewatch_registration_rejects_total{%server}[$__range]))",
                "rejects",
            ))
            .thresholds(&[(0.0, GOOD), (1.0, BAD)])
            .size(3, 5),
        Panel::stat(
            "Critical findings",
            "Critical findings that hold now and in which one of the chosen CallManagers has a part: that it is down, or \
             what its phones suffer from.",
        )
        .query(Query::over_time(
            &format!(
                "sum({}) or 0 * sum(phonewatch_callmanager_registered_phones{{%server}})",
                findings(r#"severity="critical", %sensor"#)
            ),
            "critical",
        ))
        .thresholds(&[(0.0, GOOD), (1.0, WORST)])
        .size(3, 5),
    ]
}

fn registrations() -> Vec<Panel> {
    vec![
        Panel::areas(
            "Registered phones over time",
            "A step down in one and up in another is a failover.",
        )
        .query(Query::over_time(
            "sum by (callmanager) (phonewatch_callmanager_registered_phones{%server})",
            "{{callmanager}}",
        ))
        .size(12, 8),
        Panel::bars(
            "Registrations by kind",
            "Registrations that were acknowledged: the first of a phone (`new`), again with the same server (`re`), or from \
             another one (`failover`, `failback`, `move`).",
        )
        .query(Query::increases("phonewatch_registrations_total{%server}", &["kind"]))
        .colours([
            ("new", PLAIN),
            ("re", ODD),
            ("failover", BAD),
            ("failback", GOOD),
            ("move", "purple"),
        ])
        .size(12, 8),
        Panel::bars(
            "Registrations that ended",
            "By cause: who closed the connection, a reset, an Unregister, or silence.",
        )
        .query(Query::increases_above_zero("phonewatch_unregistrations_total{%server}", &["callmanager", "cause"]))
        .size(12, 8),
        Panel::bars("Rejected registrations", "By the reason that the CallManager gave.")
            .query(Query::increases_above_zero("phonewatch_registration_rejects_total{%server}", &["callmanager", "reason"]))
            .size(12, 8),
    ]
}

fn keepalives() -> Vec<Panel> {
    vec![
        Panel::heat_map(
            "Keepalive round trip",
            "How long keepalives took to be acknowledged, in the way this CallManager acknowledges: in SCCP or in TCP alone. \
             A second band above the first is a second path, or a server that is busy now and then.",
        )
        .query(Query::buckets(
            "sum by (le) (increase(phonewatch_keepalive_rtt_seconds_bucket{%server}[$__rate_interval]))",
        ))
        .size(12, 9),
        Panel::lines(
            "Keepalive round trip by server",
            "The median and the slowest of a hundred.",
        )
        .query(Query::over_time(
            "histogram_quantile(0.5, sum by (callmanager, le) (rate(phonewatch_keepalive_rtt_seconds_bucket{%server}[$__rate_interval])))",
            "{{callmanager}} median",
        ))
        .query(Query::over_time(
            "histogram_quantile(0.99, sum by (callmanager, le) (rate(phonewatch_keepalive_rtt_seconds_bucket{%server}[$__rate_interval])))",
            "{{callmanager}} p99",
        ))
        .unit("s")
        .size(12, 9),
        Panel::bars(
            "Keepalive gaps",
            "Outages, each counted once: `callmanager` did not acknowledge, or `phone` was silent on a registered connection.",
        )
        .query(Query::over_time(
            "sum by (callmanager, direction) (increase(phonewatch_keepalive_gaps_total{%server}[$__rate_interval]))",
            "{{callmanager}}: by the {{direction}}",
        ))
        .size(12, 8),
        Panel::lines(
            "Keepalives acknowledged",
            "Registered phones send one every 30 s unless configured otherwise; where this falls while phones stay \
             registered, the sensor or the path misses frames.",
        )
        .query(Query::over_time(
            "sum by (callmanager) (rate(phonewatch_keepalive_rtt_seconds_count{%server}[$__rate_interval]))",
            "{{callmanager}}",
        ))
        .unit("cps")
        .size(12, 8),
    ]
}

fn connections() -> Vec<Panel> {
    vec![
        Panel::bars(
            "Connections by result",
            "TCP connection attempts to the SCCP port. `refused`: no CallManager service listens. `unanswered`: the server is \
             dark or something drops the packets.",
        )
        .query(Query::increases("phonewatch_tcp_connects_total{%server}", &["result"]))
        .colours([
            ("established", GOOD),
            ("refused", WORST),
            ("unanswered", BAD),
            ("unreachable", "purple"),
        ])
        .size(12, 8),
        Panel::ranking(
            "Refused by server",
            "Connections that each CallManager refused in the time shown.",
        )
        .query(Query::now(
            r#"sort_desc(sum by (callmanager) (increase(phonewatch_tcp_connects_total{result="refused", %server}[$__range])) > 0)"#,
            "{{callmanager}}",
        ))
        .link(
            "This CallManager",
            &format!("{TO_CALLMANAGER}${{__field.labels.callmanager}}"),
        )
        .thresholds(&[(0.0, ODD), (10.0, WORST)])
        .size(12, 8),
        Panel::table(
            "Findings by server",
            "What holds now, by the CallManager that has a part in it: it is down, or its phones suffer from it or from the \
             network in front of it. `phonewatch explain CODE` says what a finding means and what is to be done.",
        )
        .query(Query::rows(&format!(
            "sum by (server, severity, code) ({})",
            findings("%sensor")
        )))
        .columns(
            &[
                ("server", "CallManager"),
                ("severity", "Severity"),
                ("code", "Finding"),
                ("Value", "How many"),
            ],
            "How many",
        )
        .size(12, 8),
        Panel::lines(
            "Marking and path",
            "Findings of phones that hold now and come from the network between them and the CallManager: marks (DSCP) that \
             were taken off, TCP in trouble, a firewall that ends sessions.",
        )
        .query(Query::over_time(
            &format!(
                "sum by (server, code) ({})",
                findings(
                    r#"code=~"qos_not_trusted|tcp_trouble|tcp_refused|tcp_no_answer|firewall_timeout|registration_no_answer", %sensor"#
                )
            ),
            "{{server}}: {{code}}",
        ))
        .size(12, 8),
    ]
}

/// The findings with these matchers in which one of the chosen CallManagers has a part. Other servers have findings too.
fn findings(matchers: &str) -> String {
    format!(
        "phonewatch_server_findings{{{matchers}}} and on (job, instance, server) \
         label_join(phonewatch_callmanager_registered_phones{{%server}}, \"server\", \"\", \"callmanager\")"
    )
}
