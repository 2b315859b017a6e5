//! The marks of the signalling are taken off on one side, and phones suffer.

use std::net::IpAddr;

use crate::diagnosis::{Case, Entry, Rule, Site, Verdict};
use crate::finding::{Conclusion, Severity, Subject};
use crate::phone::keepalive::GapDirection;
use crate::phone::quality::Sender;
use crate::phone::troubles::Untrusted;
use crate::time::Timestamp;

/// `qos_not_trusted`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "qos_not_trusted",
    stage: "registered",
    severity: Severity::Warning,
    title: "the marking of the signalling is not trusted",
    meaning: "Signalling is marked so that switches let it pass before data. Here the packets of one side arrive without \
              their mark: a switch port is not told to trust it and sets it to zero. When the network is busy these \
              packets wait or are dropped, and phones lose their CallManager.",
    concluded: "The last samples of this CallManager's SCCP segments all carry DSCP 0 while most of its phones' are \
                marked, or the other way round; and a phone misses keepalives or flaps. Told of the CallManager too when \
                at least thresholds.server_phones phones do. Where nobody marks, or nobody suffers, nothing is told.",
    remedy: &[
        "Find the switch port of the side named above: that of the CallManager, or those of the phones.",
        "With mls qos enabled, every port is untrusted until told otherwise: on that port enter 'mls qos trust dscp' \
         (older switches: 'mls qos trust cos'), and check with 'show mls qos interface'.",
        "Do the same on the uplinks in between.",
        "Check that the CallManager itself marks its packets (service parameter for the DSCP of the signalling to phones: \
         CS3).",
    ],
    reference: "Passage du principal au secondaire",
    explained_by: &["qos_not_trusted"],
    rules: &[Rule::Device(judge), Rule::Site(judge_site)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let device = case.device;
    let gap = device
        .quality
        .as_ref()
        .and_then(|quality| quality.gaps().next_back());
    if gap.is_none() && !device.registration.is_flapping {
        return Verdict::No;
    }
    let tell = case.site.thresholds.tell_events;
    if let Some(gap) = gap
        && gap.direction == GapDirection::CallManager
        && let Some(untrusted) = untrusted(&case.site, gap.server)
    {
        let conclusion = conclusion(case.site, gap.server, untrusted, gap.since)
            .evidence(gap.since, "keepalives were missed from here on");
        match gap.until {
            None => return Verdict::holds(conclusion),
            Some(until) if case.now() < until + tell => {
                return Verdict::holds_until(until + tell, case.now(), conclusion);
            }
            Some(_) => {}
        }
    }
    let registration = &device.registration;
    let server = registration
        .current
        .map(|current| current.callmanager)
        .or(registration.last_callmanager)
        .filter(|_| registration.is_flapping);
    let found = server.and_then(|server| Some((server, untrusted(&case.site, server)?)));
    let Some((server, untrusted)) = found else {
        return Verdict::No;
    };
    let since = registration
        .recent_moves()
        .next()
        .unwrap_or(device.stage_since);
    let conclusion = conclusion(case.site, server, untrusted, since)
        .evidence(since, "moves between CallManagers from here on");
    Verdict::holds(conclusion)
}

fn judge_site(site: &Site<'_>) -> Vec<(Subject, Verdict)> {
    let tell = site.thresholds.tell_events;
    site.callmanagers
        .values()
        .filter_map(|server| {
            let troubles = server.troubles.as_deref()?;
            let untrusted = untrusted(site, server.address)?;
            let recent = || {
                troubles
                    .sufferers()
                    .filter(|&(at, _)| site.now.since(at) < tell)
            };
            let enough = usize::try_from(site.thresholds.server_phones).unwrap_or(usize::MAX);
            if recent().count() < enough.max(1) {
                return None;
            }
            // It holds as long as the last phone of those that make it so many is told of.
            let (until, _) = recent().nth_back(enough.max(1) - 1)?;
            let (since, _) = recent().next()?;
            let conclusion = recent().take(Conclusion::MOST_EVIDENCE).fold(
                conclusion(*site, server.address, untrusted, since),
                |conclusion, (at, id)| {
                    conclusion
                        .evidence(at, format!("{} misses keepalives or flaps", site.label(id)))
                },
            );
            Some((
                Subject::CallManager(server.address),
                Verdict::holds_until(until + tell, site.now, conclusion),
            ))
        })
        .collect()
}

fn untrusted(site: &Site<'_>, server: IpAddr) -> Option<Untrusted> {
    site.callmanagers.get(&server)?.marks.untrusted()
}

fn conclusion(
    site: Site<'_>,
    server: IpAddr,
    Untrusted { sender, other_mark }: Untrusted,
    since: Timestamp,
) -> Conclusion {
    let name = site.callmanager(server);
    let summary = match sender {
        Sender::Server => format!(
            "the signalling of {name} arrives with DSCP 0 while its phones mark theirs with {other_mark}"
        ),
        Sender::Phone => format!(
            "the signalling of the phones arrives with DSCP 0 while {name} marks its own with {other_mark}"
        ),
    };
    Conclusion::new(since, summary).server(server)
}
