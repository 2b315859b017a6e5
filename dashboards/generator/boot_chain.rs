//! The boot chain: link, DHCP, DNS, TFTP, TCP, Register. How long each stage takes, and which one fails.

use phonewatch::phone::Stage;

use super::colour::{self, BAD, GOOD, ODD, WORST};
use super::dashboard::{Dashboard, Row};
use super::panel::Panel;
use super::query::Query;

pub(crate) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "phonewatch-boot-chain",
        title: "phonewatch / Boot chain",
        description: "From the wall socket to the registration: how long each stage takes and where phones get stuck.",
        variables: Vec::new(),
        rows: vec![
            Row {
                title: "Now",
                panels: now(),
            },
            Row {
                title: "Durations by stage",
                panels: durations(),
            },
            Row {
                title: "Failures by stage",
                panels: failures(),
            },
            Row {
                title: "Each stage by itself",
                panels: stages(),
            },
        ],
    }
}

fn now() -> Vec<Panel> {
    vec![
        Panel::stat("Boots", "Phones that went through the whole chain and registered, in the time shown.").query(
            Query::now(
                r#"sum(increase(phonewatch_boot_stage_seconds_count{stage="total", %sensor}[$__range]))"#,
                "boots",
            ),
        ),
        Panel::stat("Median boot", "Half of the boots in the time shown were quicker than this.")
            .query(Query::now(
                r#"histogram_quantile(0.5, sum by (le) (increase(phonewatch_boot_stage_seconds_bucket{stage="total", %sensor}[$__range])))"#,
                "median",
            ))
            .unit("s")
            .thresholds(&[(0.0, GOOD), (60.0, ODD), (120.0, BAD)]),
        Panel::stat("Slow boots", "95 of 100 boots in the time shown were quicker than this.")
            .query(Query::now(
                r#"histogram_quantile(0.95, sum by (le) (increase(phonewatch_boot_stage_seconds_bucket{stage="total", %sensor}[$__range])))"#,
                "p95",
            ))
            .unit("s")
            .thresholds(&[(0.0, GOOD), (120.0, ODD), (240.0, BAD)]),
        Panel::stat("On their way", "Phones that are between the wall socket and CallManager now.")
            .query(Query::over_time(
                r#"sum(phonewatch_phones{stage=~"link|dhcp|dns|tftp|connecting|registering", %sensor})"#,
                "on their way",
            ))
            .thresholds(&[(0.0, GOOD), (1.0, ODD)]),
        Panel::stat("Rejected", "Phones that reached a CallManager and were refused, and are still.")
            .query(Query::over_time(
                r#"sum(phonewatch_phones{stage="rejected", %sensor})"#,
                "rejected",
            ))
            .thresholds(&[(0.0, GOOD), (1.0, WORST)]),
        Panel::stat("Booting again and again", "Phones that start over and over and do not come up.")
            .query(Query::over_time(
                r#"sum(phonewatch_findings{code="boot_loop", %sensor})"#,
                "boot loops",
            ))
            .thresholds(&[(0.0, GOOD), (1.0, WORST)]),
    ]
}

fn durations() -> Vec<Panel> {
    let quantile = |share: &str| {
        format!(
            "histogram_quantile({share}, sum by (stage, le) (rate(phonewatch_boot_stage_seconds_bucket{{%sensor}}[$__rate_interval])))"
        )
    };
    vec![
        Panel::lines("Median duration", "How long the stages of half of the boots took at most.")
            .query(Query::over_time(&quantile("0.5"), "{{stage}}"))
            .unit("s"),
        Panel::lines("Slowest boots", "How long the stages of 95 of 100 boots took at most.")
            .query(Query::over_time(&quantile("0.95"), "{{stage}}"))
            .unit("s"),
        Panel::ranking("Mean duration", "How long each stage took on average in the time shown.")
            .query(Query::now(
                "sort_desc(sum by (stage) (increase(phonewatch_boot_stage_seconds_sum{%sensor}[$__range])) \
                 / (sum by (stage) (increase(phonewatch_boot_stage_seconds_count{%sensor}[$__range])) > 0))",
                "{{stage}}",
            ))
            .unit("s")
            .thresholds(&[(0.0, GOOD), (60.0, ODD), (120.0, BAD)]),
        Panel::heat_map(
            "Whole boots",
            "How long phones took from their first sign of life to their registration. Phones that all come back at once after \
             a power cut show as one dark column.",
        )
        .query(Query::buckets(
            r#"sum by (le) (increase(phonewatch_boot_stage_seconds_bucket{stage="total", %sensor}[$__rate_interval]))"#,
        ))
        .size(12, 8),
        Panel::areas("Phones on their way", "Where the phones are that are not registered.")
            .query(Query::over_time(
                r#"sum by (stage) (phonewatch_phones{stage!="registered", %sensor})"#,
                "{{stage}}",
            ))
            .colours(Stage::ALL.map(|stage| (stage.label(), colour::of_stage(stage))))
            .size(12, 8),
    ]
}

fn failures() -> Vec<Panel> {
    let failed = |stage: &str, expression: &str| {
        let expression = format!("sum(increase({expression}[$__rate_interval]))");
        Query::over_time(&expression, stage)
    };
    vec![
        Panel::bars(
            "Failures",
            "What went wrong at each stage: DHCP refusals, names that were not resolved, transfers that failed, connections \
             that were not established, registrations that were rejected. A phone tries again and counts again.",
        )
        .query(failed("dhcp", r#"phonewatch_dhcp_replies_total{type="nak", %sensor}"#))
        .query(failed(
            "dns",
            r#"phonewatch_dns_lookups_total{result!="answered", %sensor}"#,
        ))
        .query(failed(
            "tftp",
            r#"phonewatch_tftp_transfers_total{result!="completed", %sensor}"#,
        ))
        .query(failed(
            "connecting",
            r#"phonewatch_tcp_connects_total{result!="established", %sensor}"#,
        ))
        .query(failed("registering", "phonewatch_registration_rejects_total{%sensor}"))
        .colours(
            [Stage::Dhcp, Stage::Dns, Stage::Tftp, Stage::Connecting, Stage::Registering]
                .map(|stage| (stage.label(), colour::of_stage(stage))),
        )
        .size(12, 9),
        Panel::table(
            "Findings of the boot chain",
            "What holds now about phones that do not come up, or come up badly, by code.",
        )
        .query(Query::rows(
            r#"sum by (severity, code) (phonewatch_findings{code=~"dhcp_.*|dns_.*|tftp_.*|config_.*|firmware_.*|tcp_refused|tcp_no_answer|registration_rejected|registration_no_answer|boot_loop|slow_registration|voice_vlan_mismatch|duplicate_address|static_address|alternate_tftp|auto_registered", %sensor}) > 0"#,
        ))
        .columns(
            &[("severity", "Severity"), ("code", "Finding"), ("Value", "How many")],
            "How many",
        )
        .size(12, 9),
    ]
}

fn stages() -> Vec<Panel> {
    vec![
        dhcp_messages(
            "DHCP: asked and answered",
            "DISCOVERs should meet OFFERs, and REQUESTs ACKs, one each.",
        ),
        Panel::bars("DNS lookups", "Names that phones looked up, by how they were answered.")
            .query(Query::increases("phonewatch_dns_lookups_total{%sensor}", &["result"]))
            .colours([("answered", GOOD)]),
        Panel::bars(
            "TFTP transfers",
            "Files that phones asked for, by how that ended. Some that are not found are usual: phones ask for language files \
             and lists that nobody has.",
        )
        .query(Query::increases_above_zero("phonewatch_tftp_transfers_total{%sensor}", &["server", "result"])),
        Panel::bars("Connections", "TCP connection attempts to CallManagers, by how they ended.")
            .query(Query::increases("phonewatch_tcp_connects_total{%sensor}", &["result"]))
            .colours([
                ("established", GOOD),
                ("refused", WORST),
                ("unanswered", BAD),
                ("unreachable", "purple"),
            ]),
        Panel::bars("Rejected registrations", "By the reason that the CallManager gave.").query(Query::increases_above_zero("phonewatch_registration_rejects_total{%sensor}", &["reason"])),
        Panel::ranking(
            "Reset reasons",
            "Why phones ended the session before the present one, as they said in the time shown.",
        )
        .query(Query::now(
            "sort_desc(sum by (reason) (increase(phonewatch_reset_reasons_total{%sensor}[$__range])) > 0)",
            "{{reason}}",
        )),
    ]
}

/// What phones ask of DHCP and what servers answer, by type.
pub(super) fn dhcp_messages(title: &'static str, description: &'static str) -> Panel {
    Panel::lines(title, description)
        .query(Query::over_time(
            "sum by (type) (rate(phonewatch_dhcp_requests_total{%sensor}[$__rate_interval]))",
            "{{type}}",
        ))
        .query(Query::over_time(
            "sum by (type) (rate(phonewatch_dhcp_replies_total{%sensor}[$__rate_interval]))",
            "{{type}} (server)",
        ))
        .colours([("ack (server)", GOOD), ("nak (server)", WORST)])
        .unit("cps")
}
