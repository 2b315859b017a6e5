//! All phones: how many are registered, where the others are, and what is wrong with whom.

use phonewatch::phone::{Role, Stage};

use super::boot_chain::dhcp_messages;
use super::colour::{self, BAD, GOOD, ODD, WORST};
use super::dashboard::{Dashboard, Row};
use super::panel::{Panel, TO_CALLMANAGER, TO_PHONE};
use super::query::Query;
use super::table::STAGE;

pub(crate) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "phonewatch-fleet",
        title: "phonewatch / Fleet",
        description: "How many phones are registered and with whom, what is wrong now, and with which phones. A phone that several \
                      of the chosen sensors see counts once for each: choose one instance, or show \
                      site:phonewatch_phone_up:sum of the recording rules, which counts each phone once.",
        variables: Vec::new(),
        rows: vec![
            Row {
                title: "Now",
                panels: now(),
            },
            Row {
                title: "Where the phones are",
                panels: places(),
            },
            Row {
                title: "What is wrong",
                panels: causes(),
            },
            Row {
                title: "The worst phones",
                panels: worst(),
            },
        ],
    }
}

fn now() -> Vec<Panel> {
    vec![
        Panel::stat(
            "Registered",
            "Phones that are registered with a CallManager now. A phone that two of the chosen sensors see counts twice: \
             choose one instance then.",
        )
        .query(Query::over_time(
            r#"sum(phonewatch_phones{stage="registered", %sensor})"#,
            "registered",
        ))
        .thresholds(&[(0.0, GOOD)]),
        Panel::stat(
            "Not registered",
            "Phones that are seen and not registered: they boot, are stuck on their way, rejected or lost.",
        )
        .query(Query::over_time(
            r#"sum(phonewatch_phones{stage!="registered", %sensor})"#,
            "not registered",
        ))
        .thresholds(&[(0.0, GOOD), (1.0, WORST)]),
        Panel::stat(
            "Share registered",
            "Of all phones that are seen, how many are registered.",
        )
        .query(Query::over_time(
            r#"sum(phonewatch_phones{stage="registered", %sensor}) / sum(phonewatch_phones{%sensor})"#,
            "registered",
        ))
        .unit("percentunit")
        .at_most(1.0)
        .thresholds(&[(0.0, WORST), (0.95, ODD), (0.99, GOOD)]),
        Panel::stat(
            "On a fallback server",
            "Phones that are registered with a secondary, a tertiary or an SRST router: the primary is not well, or \
             they cannot reach it.",
        )
        .query(Query::over_time(
            r#"sum(phonewatch_phones{stage="registered", role=~"secondary|tertiary|srst", %sensor})"#,
            "on a fallback server",
        ))
        .thresholds(&[(0.0, GOOD), (1.0, BAD)]),
        Panel::stat(
            "Critical findings",
            "Findings that hold now and mean that somebody cannot make calls.",
        )
        .query(Query::over_time(
            r#"sum(phonewatch_findings{severity="critical", %sensor})"#,
            "critical",
        ))
        .thresholds(&[(0.0, GOOD), (1.0, WORST)]),
        Panel::stat(
            "Warnings",
            "Findings that hold now and mean that somebody will suffer, or suffers now and then.",
        )
        .query(Query::over_time(
            r#"sum(phonewatch_findings{severity="warning", %sensor})"#,
            "warnings",
        ))
        .thresholds(&[(0.0, GOOD), (1.0, BAD)]),
    ]
}

fn places() -> Vec<Panel> {
    vec![
        Panel::areas(
            "Phones by stage",
            "Where the phones are on their way from the wall socket to their CallManager.",
        )
        .query(Query::over_time(
            "sum by (stage) (phonewatch_phones{%sensor})",
            "{{stage}}",
        ))
        .colours(Stage::ALL.map(|stage| (stage.label(), colour::of_stage(stage)))),
        Panel::areas(
            "Registered by role",
            "Registered phones by the role of their CallManager, which comes from the phone's own configuration.",
        )
        .query(Query::over_time(
            r#"sum by (role) (phonewatch_phones{stage="registered", %sensor})"#,
            "{{role}}",
        ))
        .colours(Role::ALL.map(|role| (role.label(), colour::of_role(role)))),
        Panel::areas(
            "Registered by CallManager",
            "Registered phones by the CallManager they are registered with.",
        )
        .query(Query::over_time(
            "sum by (callmanager) (phonewatch_callmanager_registered_phones{%sensor})",
            "{{callmanager}}",
        ))
        .link(
            "This CallManager",
            &format!("{TO_CALLMANAGER}${{__field.labels.callmanager}}"),
        ),
    ]
}

fn causes() -> Vec<Panel> {
    vec![
        Panel::table(
            "Findings now",
            "What holds now, by code. `phonewatch explain CODE` says what it means and what is to be done.",
        )
        .query(Query::rows(
            "sum by (severity, code) (phonewatch_findings{%sensor}) > 0",
        ))
        .columns(
            &[("severity", "Severity"), ("code", "Finding"), ("Value", "How many")],
            "How many",
        ),
        Panel::bars(
            "Findings raised",
            "When findings were raised, by code; one that holds for long is raised once.",
        )
        .query(Query::increases_above_zero("phonewatch_findings_raised_total{%sensor}", &["code"])),
        Panel::bars(
            "Moves between CallManagers",
            "Registrations with another CallManager than before: a failover goes down in the phone's list, a failback up. \
             A move is one whose order is not known.",
        )
        .query(Query::increases(r#"phonewatch_registrations_total{kind=~"failover|failback|move", %sensor}"#, &["kind"]))
        .colours([("failover", BAD), ("failback", GOOD), ("move", ODD)]),
        Panel::bars(
            "Rejected registrations",
            "Registrations that a CallManager refused, by the reason it gave.",
        )
        .query(Query::increases_above_zero("phonewatch_registration_rejects_total{%sensor}", &["reason"])),
        Panel::bars(
            "Keepalive gaps",
            "Outages of keepalives, each counted once: the CallManager did not acknowledge, or the phone fell silent.",
        )
        .query(Query::over_time(
            "sum by (direction) (increase(phonewatch_keepalive_gaps_total{%sensor}[$__rate_interval]))",
            "by the {{direction}}",
        ))
        .colours([("by the callmanager", WORST), ("by the phone", BAD)]),
        Panel::bars(
            "Registrations that ended",
            "Registrations that ended, by cause. `replaced` is a phone that registered elsewhere.",
        )
        .query(Query::increases_above_zero("phonewatch_unregistrations_total{%sensor}", &["cause"])),
        dhcp_messages(
            "DHCP messages",
            "What phones ask of DHCP and what servers answer. Requests without acknowledgments mean that nobody answers; \
             many requests of few phones, that they start again and again.",
        )
        .size(12, 8),
        Panel::bars(
            "Reset reasons",
            "Why phones ended the session before the present one, as they say when they register.",
        )
        .query(Query::increases_above_zero("phonewatch_reset_reasons_total{%sensor}", &["reason"]))
        .size(12, 8),
    ]
}

fn worst() -> Vec<Panel> {
    vec![
        Panel::table(
            "Phones that are not registered",
            "Up to 50 of them, those lost first, with the CallManager they were last registered with. Phones have rows as \
             far as they have series of their own (`metrics.per_phone`).",
        )
        .query(Query::rows(
            "topk(50, ((phonewatch_phone_up{%sensor} == 0) \
             + on (job, instance, phone) group_left () phonewatch_phone_stage{%sensor}) \
             * on (job, instance, phone) group_left (address, model) phonewatch_phone_info{%sensor})",
        ))
        .columns(
            &[
                ("phone", "Phone"),
                ("Value", STAGE),
                ("callmanager", "CallManager"),
                ("role", "Role"),
                ("address", "Address"),
                ("model", "Model"),
                ("instance", "Sensor"),
            ],
            STAGE,
        )
        .size(14, 10),
        Panel::table(
            "Findings by phone",
            "Up to 50 phones with most findings that hold now.",
        )
        .query(Query::rows(
            "topk(50, sum by (instance, phone) (phonewatch_phone_findings{%sensor}))",
        ))
        .columns(
            &[("phone", "Phone"), ("Value", "Findings"), ("instance", "Sensor")],
            "Findings",
        )
        .size(10, 10),
        ranking(
            "Most moves",
            "Phones that moved most often between CallManagers in the time shown. Three within half an hour are flapping.",
            "topk(10, sum by (phone) (increase(phonewatch_phone_registration_flaps_total{%sensor}[$__range])) > 0)",
        )
        .thresholds(&[(0.0, ODD), (3.0, WORST)]),
        ranking(
            "Most keepalive gaps",
            "Phones with most keepalive gaps in the time shown, whoever fell silent.",
            "topk(10, sum by (phone) (increase(phonewatch_phone_keepalive_gaps_total{%sensor}[$__range])) > 0)",
        )
        .thresholds(&[(0.0, ODD), (3.0, WORST)]),
        ranking(
            "Most DHCP requests",
            "Phones that asked DHCP most often in the time shown. One that renews its lease asks seldom; one that starts \
             again and again asks twice each time.",
            "topk(10, sum by (phone) (increase(phonewatch_phone_dhcp_requests_total{%sensor}[$__range])) > 0)",
        )
        .thresholds(&[(0.0, GOOD), (12.0, BAD)]),
    ]
}

fn ranking(title: &'static str, description: &'static str, expression: &str) -> Panel {
    Panel::ranking(title, description)
        .query(Query::now(expression, "{{phone}}"))
        .link(
            "This phone",
            &format!("{TO_PHONE}${{__field.labels.phone}}"),
        )
}
