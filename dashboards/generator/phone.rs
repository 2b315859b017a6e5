//! One phone or a few: who it is, where it was when, and what befell it.

use super::colour::{self, BAD, GOOD, ODD, PLAIN, WORST};
use super::dashboard::{Dashboard, Row};
use super::panel::Panel;
use super::query::Query;
use super::table::STAGE;
use super::variable::phones;

pub(crate) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "phonewatch-phone",
        title: "phonewatch / Phone",
        description: "One phone over time: its stage, its CallManager, moves, keepalives, findings and reset reasons.",
        variables: vec![phones()],
        rows: vec![
            Row {
                title: "Now",
                panels: now(),
            },
            Row {
                title: "What happened when",
                panels: timelines(),
            },
            Row {
                title: "How often",
                panels: counts(),
            },
        ],
    }
}

fn now() -> Vec<Panel> {
    vec![
        Panel::stat("Stage", "Where the phone is on its way to CallManager, as each sensor sees it.")
            .query(Query::over_time("phonewatch_phone_stage{%phone}", "{{phone}}"))
            .mappings(colour::stage_mappings())
            .option("graphMode", "none".into())
            .size(4, 5),
        Panel::table(
            "Who it is",
            "What is known of the phone, and the CallManager it is registered with or last was. The link of its name leads to \
             the sensor's page about it, with its whole history and advice; it takes the instance label for the sensor's \
             address.",
        )
        .query(Query::rows(
            "(phonewatch_phone_up{%phone} * 0 + on (job, instance, phone) group_left () phonewatch_phone_stage{%phone}) \
             * on (job, instance, phone) group_left (mac, address, model, load) phonewatch_phone_info{%phone}",
        ))
        .columns(
            &[
                ("phone", "Phone"),
                ("Value", STAGE),
                ("callmanager", "CallManager"),
                ("role", "Role"),
                ("address", "Address"),
                ("mac", "MAC"),
                ("model", "Model"),
                ("load", "Load"),
                ("instance", "Sensor"),
            ],
            STAGE,
        )
        .size(20, 5),
        Panel::stat("Moves", "Registrations with another CallManager than before, in the time shown.")
            .query(Query::now(
                "sum by (phone) (increase(phonewatch_phone_registration_flaps_total{%phone}[$__range]))",
                "{{phone}}",
            ))
            .thresholds(&[(0.0, GOOD), (1.0, ODD), (3.0, WORST)])
            .size(4, 5),
        Panel::stat(
            "Keepalive gaps",
            "Outages of keepalives in the time shown, whoever fell silent.",
        )
        .query(Query::now(
            "sum by (phone) (increase(phonewatch_phone_keepalive_gaps_total{%phone}[$__range]))",
            "{{phone}}",
        ))
        .thresholds(&[(0.0, GOOD), (1.0, BAD)])
        .size(4, 5),
        Panel::stat("DHCP requests", "How often it asked DHCP for an address or options in the time shown.")
            .query(Query::now(
                "sum by (phone) (increase(phonewatch_phone_dhcp_requests_total{%phone}[$__range]))",
                "{{phone}}",
            ))
            .thresholds(&[(0.0, GOOD), (12.0, BAD)])
            .size(4, 5),
        Panel::table(
            "Findings now",
            "What holds now. `phonewatch explain CODE` says what it means and what is to be done.",
        )
        .query(Query::rows("phonewatch_phone_findings{%phone}"))
        .columns(
            &[
                ("phone", "Phone"),
                ("severity", "Severity"),
                ("code", "Finding"),
                ("instance", "Sensor"),
            ],
            "Severity",
        )
        .size(12, 5),
    ]
}

fn timelines() -> Vec<Panel> {
    vec![
        Panel::timeline(
            "Stages",
            "The phone's way through the boot chain, as each sensor sees it. A boot is over in less than a minute: zoom in, or \
             it is between two scrapes.",
        )
        .query(Query::over_time(
            "phonewatch_phone_stage{%phone}",
            "{{phone}} ({{instance}})",
        ))
        .mappings(colour::stage_mappings()),
        Panel::timeline(
            "CallManager",
            "Which CallManager the phone was registered with when; a row that turns red shows the one it was last with.",
        )
        .query(Query::over_time(
            "phonewatch_phone_up{%phone}",
            "{{phone}} with {{callmanager}} ({{role}})",
        ))
        .mappings(colour::switch_mappings(
            ("not registered", WORST),
            ("registered", GOOD),
        )),
        Panel::timeline("Findings", "When which finding held.")
            .query(Query::over_time(
                "phonewatch_phone_findings{%phone}",
                "{{phone}}: {{code}}",
            ))
            .mappings(colour::switch_mappings(("gone", GOOD), ("holds", BAD)))
            .size(12, 8),
        Panel::timeline(
            "Last reset reason",
            "Why it ended the session before the present one, as it said when it registered. A new row is a new reason; the \
             same reason twice is one row.",
        )
        .query(Query::over_time(
            "phonewatch_phone_last_reset_info{%phone}",
            "{{phone}}: {{reason}}",
        ))
        .mappings(colour::switch_mappings(("", PLAIN), ("last reason", PLAIN)))
        .size(12, 8),
    ]
}

fn counts() -> Vec<Panel> {
    vec![
        Panel::bars("Moves between CallManagers", "When it registered with another CallManager than before.")
            .query(Query::increases("phonewatch_phone_registration_flaps_total{%phone}", &["phone"])),
        Panel::bars(
            "Keepalive gaps",
            "When outages of keepalives began, by who failed to speak: `callmanager` did not acknowledge, or the `phone` was \
             silent.",
        )
        .query(Query::over_time(
            "sum by (phone, direction) (increase(phonewatch_phone_keepalive_gaps_total{%phone}[$__rate_interval]))",
            "{{phone}}: by the {{direction}}",
        )),
        Panel::bars(
            "DHCP requests",
            "When it asked DHCP. A boot is a DISCOVER and a REQUEST; at half of a lease there is one REQUEST more.",
        )
        .query(Query::increases("phonewatch_phone_dhcp_requests_total{%phone}", &["phone"])),
    ]
}
