//! What was read, what may be missing from it, and what to check where nothing was found.

use std::time::Duration;

use super::grid::shown;
use super::wording::{counted, duration, number, time};
use super::{CaptureEntry, Counts, Report};

/// What was read, and what was wrong with it.
pub(super) fn headline(capture: &CaptureEntry, out: &mut String) {
    let files = match capture.files.as_slice() {
        [] => String::from("no file"),
        few if few.len() <= 3 => few.join(", "),
        many => format!("{} files", many.len()),
    };
    let frames = match capture.frames {
        0 => String::from("no frames"),
        some => counted(some, "frame", "frames"),
    };
    let elapsed = Duration::try_from_secs_f64(capture.elapsed_seconds).unwrap_or_default();
    let elapsed = duration(elapsed);
    line(out, &format!("Read {frames} from {files} in {elapsed}."));
    if let (Some(first), Some(last)) = (capture.first, capture.last) {
        let span = duration(last.since(first));
        let (first, last) = (time(first), time(last));
        line(out, &format!("{span} long, from {first} to {last} UTC."));
    }
    for problem in &capture.problems {
        line(out, &format!("Problem: {problem}"));
    }
    flaws(capture, out);
}

/// What may be missing from the report, one line for each that is.
fn flaws(capture: &CaptureEntry, out: &mut String) {
    if capture.lost > 0 {
        let lost = counted(capture.lost, "frame was lost", "frames were lost");
        let places = listed(&capture.lost_by_place);
        line(
            out,
            &format!("{lost} while capturing ({places}): some of what follows may be incomplete."),
        );
    }
    if capture.blind > 0 {
        let times = counted(capture.blind, "time", "times");
        line(
            out,
            &format!("{times} the capture could not tell how many frames it missed."),
        );
    }
    if capture.duplicates > 0 {
        let copies = counted(
            capture.duplicates,
            "copy that the mirror made was",
            "copies that the mirror made were",
        );
        line(out, &format!("{copies} left out."));
    }
    if capture.truncated > 0 {
        let frames = counted(capture.truncated, "frame is", "frames are");
        line(
            out,
            &format!("{frames} cut short: capture with a larger snap length (tcpdump -s 0)."),
        );
    }
    let malformed = capture.malformed.values().sum();
    if malformed > 0 {
        let payloads = counted(malformed, "payload", "payloads");
        let protocols = listed(&capture.malformed);
        line(out, &format!("{payloads} could not be read ({protocols})."));
    }
    if capture.stream_gaps > 0 {
        let gaps = counted(capture.stream_gaps, "place", "places");
        line(
            out,
            &format!("Bytes are missing from TCP streams in {gaps}."),
        );
    }
}

/// `kernel 12, ring 3`: what was counted, without the zeros.
fn listed(counts: &Counts) -> String {
    let counted: Vec<_> = counts
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(label, count)| format!("{label} {}", number(*count)))
        .collect();
    counted.join(", ")
}

/// No device: what to check.
pub(super) fn nothing_found(report: &Report, out: &mut String) {
    if report.capture.frames == 0 {
        line(out, "There is nothing in it to report on.");
        return;
    }
    let seen = report.capture.sccp_messages.values().sum();
    if seen == 0 {
        line(out, "No phone was seen, and not one SCCP message.");
    } else {
        let messages = counted(seen, "SCCP message", "SCCP messages");
        line(
            out,
            &format!("No phone was seen, though there are {messages}."),
        );
    }
    line(out, "Check that");
    for check in [
        "the mirror port copies the ports of the CallManagers, or the voice VLAN, in both directions",
        "the capture filter lets TCP ports 2000 and 2443 and all of UDP pass, also with VLAN tags",
        "the capture is long enough: a registered phone speaks every 30 seconds, a booting one needs minutes",
        "the phones speak SCCP: phones with SIP firmware do not",
        "the configuration names the SCCP ports that are in use here",
    ] {
        line(out, &format!("  - {check}"));
    }
}

/// One line of text, in which nothing moves the cursor.
pub(super) fn line(out: &mut String, text: &str) {
    out.push_str(&shown(text));
    out.push('\n');
}
