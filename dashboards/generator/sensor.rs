//! The sensors themselves: whether what they say can be believed.

use super::colour::{self, BAD, GOOD, ODD, WORST};
use super::dashboard::{Dashboard, Row};
use super::panel::Panel;
use super::query::Query;

pub(crate) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "phonewatch-sensor",
        title: "phonewatch / Sensor",
        description: "Whether the sensors run, see everything and keep up: frames, loss, copies, lag, memory, alerts.",
        variables: Vec::new(),
        rows: vec![
            Row {
                title: "Now",
                panels: now(),
            },
            Row {
                title: "Frames",
                panels: frames(),
            },
            Row {
                title: "Lost and late",
                panels: loss(),
            },
            Row {
                title: "What could not be read",
                panels: reading(),
            },
            Row {
                title: "Memory",
                panels: memory(),
            },
            Row {
                title: "Alerts and configuration",
                panels: alerts(),
            },
        ],
    }
}

fn now() -> Vec<Panel> {
    vec![
        Panel::stat("Sensors up", "Sensors that Prometheus reached at its last scrape.")
            .query(Query::over_time("sum(up{%sensor})", "up"))
            .thresholds(&[(0.0, WORST), (1.0, GOOD)])
            .size(3, 4),
        Panel::stat(
            "Sensors down",
            "Sensors that Prometheus knows and did not reach at its last scrape.",
        )
        .query(Query::over_time("count(up{%sensor}) - sum(up{%sensor})", "down"))
        .thresholds(&[(0.0, GOOD), (1.0, WORST)])
        .size(3, 4),
        Panel::stat("Interfaces down", "Mirror ports that are not captured now.")
            .query(Query::over_time(
                "count(phonewatch_capture_up{%sensor}) - sum(phonewatch_capture_up{%sensor})",
                "down",
            ))
            .thresholds(&[(0.0, GOOD), (1.0, WORST)])
            .size(3, 4),
        Panel::stat(
            "Lost frames",
            "Frames that were lost in the time shown, wherever. What depends on a missing answer is not concluded then.",
        )
        .query(Query::now(
            "sum(increase(phonewatch_capture_lost_frames_total{%sensor}[$__range]))",
            "lost",
        ))
        .thresholds(&[(0.0, GOOD), (1.0, BAD)])
        .size(3, 4),
        Panel::stat(
            "Lag",
            "How far the slowest engine is behind its capture; up to 0.2 s is usual, as interfaces are put in order of time.",
        )
        .query(Query::over_time("max(phonewatch_capture_lag_seconds{%sensor})", "lag"))
        .unit("s")
        .thresholds(&[(0.0, GOOD), (1.0, ODD), (5.0, WORST)])
        .size(3, 4),
        Panel::stat("Ring", "How full the fullest ring between a capture thread and the engine is.")
            .query(Query::over_time("max(phonewatch_ring_used_ratio{%sensor})", "ring"))
            .unit("percentunit")
            .at_most(1.0)
            .thresholds(&[(0.0, GOOD), (0.5, ODD), (0.9, WORST)])
            .size(3, 4),
        Panel::stat("Alerts waiting", "Alert messages that are not delivered yet.")
            .query(Query::over_time("sum(phonewatch_alert_outbox_pending{%sensor})", "waiting"))
            .thresholds(&[(0.0, GOOD), (10.0, ODD), (100.0, WORST)])
            .size(3, 4),
        Panel::stat("Running since", "When the sensor that was started last was started.")
            .query(Query::over_time(
                "max(process_start_time_seconds{%sensor}) * 1000",
                "started",
            ))
            .unit("dateTimeFromNow")
            .option("graphMode", "none".into())
            .size(3, 4),
    ]
}

fn frames() -> Vec<Panel> {
    vec![
        Panel::lines("Frames", "Frames that the kernel handed over, after the capture filter, by interface.")
            .query(Query::over_time(
                "sum by (instance, interface) (rate(phonewatch_capture_interface_frames_total{%sensor}[$__rate_interval]))",
                "{{instance}} {{interface}}",
            ))
            .unit("pps"),
        Panel::lines("Bytes", "Bytes on the wire of those frames, by interface.")
            .query(Query::over_time(
                "sum by (instance, interface) (rate(phonewatch_capture_interface_bytes_total{%sensor}[$__rate_interval]))",
                "{{instance}} {{interface}}",
            ))
            .unit("Bps"),
        Panel::lines(
            "Copies",
            "Of the frames that reached the engine, the share that the mirror had sent before. A half means that both \
             directions, or both ports of a way, are mirrored; the engine leaves copies out.",
        )
        .query(Query::over_time(
            "sum by (instance) (rate(phonewatch_capture_duplicates_total{%sensor}[$__rate_interval])) \
             / (sum by (instance) (rate(phonewatch_capture_frames_total{%sensor}[$__rate_interval])) > 0)",
            "{{instance}}",
        ))
        .unit("percentunit"),
        Panel::timeline("Mirror ports", "Whether each interface is open, has a carrier and is captured.")
            .query(Query::over_time(
                "phonewatch_capture_up{%sensor}",
                "{{instance}} {{interface}}",
            ))
            .mappings(colour::switch_mappings(("down", WORST), ("up", GOOD)))
            .size(12, 7),
        Panel::lines("SCCP messages", "The ten SCCP messages that are seen most.")
            .query(Query::over_time(
                "topk(10, sum by (message) (rate(phonewatch_sccp_messages_total{%sensor}[$__rate_interval])))",
                "{{message}}",
            ))
            .unit("cps")
            .size(12, 7),
    ]
}

fn loss() -> Vec<Panel> {
    vec![
        Panel::bars(
            "Lost frames",
            "By place: the kernel's buffer was full, the card or its driver dropped them, or the ring before the engine was \
             full. Larger buffers help against the first and the last, if the machine is quick enough at all.",
        )
        .query(Query::increases("phonewatch_capture_lost_frames_total{%sensor}", &["instance", "where"])),
        Panel::lines("Lag", "How far each engine is behind its capture.")
            .query(Query::over_time(
                "max by (instance) (phonewatch_capture_lag_seconds{%sensor})",
                "{{instance}}",
            ))
            .unit("s"),
        Panel::lines(
            "Ring",
            "How full the fullest ring between a capture thread and the engine is; what does not fit is lost.",
        )
        .query(Query::over_time(
            "max by (instance) (phonewatch_ring_used_ratio{%sensor})",
            "{{instance}}",
        ))
        .unit("percentunit")
        .at_most(1.0),
        Panel::bars(
            "Blind",
            "How often an unknown number of frames passed unseen, and how often an interface had to be opened again: it was \
             down or went away.",
        )
        .query(Query::over_time(
            "sum by (instance) (increase(phonewatch_capture_blind_total{%sensor}[$__rate_interval]))",
            "{{instance}} blind",
        ))
        .query(Query::over_time(
            "sum by (instance, interface) (increase(phonewatch_capture_interface_reopened_total{%sensor}[$__rate_interval]))",
            "{{instance}} {{interface}} opened again",
        ))
        .size(12, 8),
        Panel::bars(
            "What the mirror leaves out",
            "Findings about the mirror port that were raised: one direction only, loss, copies.",
        )
        .query(Query::increases(r#"phonewatch_findings_raised_total{code=~"mirror_.*", %sensor}"#, &["code"]))
        .size(12, 8),
    ]
}

fn reading() -> Vec<Panel> {
    vec![
        Panel::bars(
            "Decode errors",
            "Payloads that could not be read, by protocol: truncated ones end early, malformed ones contradict their protocol.",
        )
        .query(Query::increases("phonewatch_decode_errors_total{%sensor}", &["protocol", "reason"])),
        Panel::bars(
            "Holes in TCP streams",
            "Places where bytes are missing: frames that were lost before they came to the sensor.",
        )
        .query(Query::increases("phonewatch_stream_gaps_total{%sensor}", &["instance"])),
        Panel::bars("Cut frames", "Frames longer than `capture.snaplen`, of which the rest is missing.").query(
            Query::increases("phonewatch_capture_truncated_frames_total{%sensor}", &["instance"]),
        ),
    ]
}

fn memory() -> Vec<Panel> {
    vec![
        Panel::lines("Memory", "Resident memory of the process.")
            .query(Query::over_time(
                "process_resident_memory_bytes{%sensor}",
                "{{instance}}",
            ))
            .unit("bytes"),
        Panel::lines(
            "Processors",
            "How many processors the process keeps busy; 1 is one of them all the time.",
        )
        .query(Query::over_time(
            "rate(process_cpu_seconds_total{%sensor}[$__rate_interval])",
            "{{instance}}",
        )),
        Panel::lines("Tracked", "What is held in memory, by what it is. Each has a bound in `[limits]`.")
            .query(Query::over_time(
                "sum by (what) (phonewatch_tracked{%sensor})",
                "{{what}}",
            )),
        Panel::bars(
            "Evicted",
            "What was given up for want of room, by what it was: a bound in `[limits]` is too small for this network, or \
             somebody floods it.",
        )
        .query(Query::increases("phonewatch_evicted_total{%sensor}", &["what"]))
        .size(12, 8),
        Panel::lines(
            "Phones without series",
            "Phones above `metrics.per_phone_limit`: they are in every total, and have no row in tables of phones.",
        )
        .query(Query::over_time(
            "sum by (instance) (phonewatch_phone_series_omitted{%sensor})",
            "{{instance}}",
        ))
        .thresholds(&[(0.0, GOOD), (1.0, ODD)])
        .size(12, 8),
    ]
}

fn alerts() -> Vec<Panel> {
    vec![
        Panel::bars(
            "Alert messages",
            "By channel and by what became of an attempt: delivered, retried (it failed and is tried again), failed for good.",
        )
        .query(Query::increases("phonewatch_alerts_total{%sensor}", &["channel", "result"])),
        Panel::lines(
            "Outbox",
            "Messages that wait to be delivered, and what there was no room for: a receiver does not answer.",
        )
        .query(Query::over_time(
            "sum by (instance) (phonewatch_alert_outbox_pending{%sensor})",
            "{{instance}} waiting",
        ))
        .query(Query::over_time(
            "sum by (instance) (increase(phonewatch_alerts_dropped_total{%sensor}[$__rate_interval]))",
            "{{instance}} dropped",
        )),
        Panel::timeline(
            "Configuration",
            "Whether the configuration was read without an error when it was last read. A refused one leaves the old in force.",
        )
        .query(Query::over_time(
            "phonewatch_config_last_reload_successful{%sensor}",
            "{{instance}}",
        ))
        .mappings(colour::switch_mappings(("refused", WORST), ("in force", GOOD)))
        .size(8, 8),
        Panel::table("Versions", "Which version runs on which sensor.")
            .query(Query::rows("phonewatch_build_info{%sensor}"))
            .columns(
                &[("instance", "Sensor"), ("job", "Job"), ("version", "Version")],
                "Sensor",
            )
            .size(24, 5),
    ]
}
