//! A device's boot takes too long.

use std::time::Duration;

use crate::diagnosis::span::span;
use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::phone::boot::Step;

/// `slow_registration`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "slow_registration",
    stage: "any",
    severity: Severity::Warning,
    title: "slow to register",
    meaning: "The phone came up, but it took far longer than the seconds that a phone needs. One step of the boot usually \
              holds it up: DHCP that answers late, a switch port that does not forward at first (spanning tree), a TFTP \
              server that is tried in vain before the right one, or a CallManager that is busy.",
    concluded: "From the first step of the boot that was seen to the RegisterAck it took longer than \
                registration.slow (60 s). Not where the phone was refused, rejected or left without an answer \
                meanwhile: that has its own finding; nor where it may have been with a CallManager that this sensor \
                does not see: one that its list names before this one, or any where its list is not known. Told for \
                findings.tell_events.",
    remedy: &[
        "DHCP first: give the phone fixed addresses by hand (IP, mask, router, TFTP server; DHCP Enabled: No). If it is \
         quick then, the DHCP server or the relay is slow.",
        "Set spanning-tree portfast on the phone's switch port, so that it forwards at once.",
        "If the files take long: is the right TFTP server the first one in option 150, and does it answer quickly?",
        "If Register takes long: look at the load of the CallManager, and at its other phones.",
    ],
    reference: "Enregistrement de téléphones IP Cisco prenant trop de temps",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let boot = case
        .device
        .history
        .as_ref()
        .and_then(|history| history.slow_boot.as_deref())
        .filter(|boot| !boot.is_doubtful);
    let Some(boot) = boot else { return Verdict::No };
    let total = boot.total();
    let (step, took) = boot.slowest();
    let summary = format!(
        "{} from the beginning of its boot to its registration; {} took {} of it ({} %)",
        span(total),
        name(step),
        span(took),
        percent(took, total)
    );
    let steps: Vec<_> = boot
        .spent
        .iter()
        .filter(|(_, spent)| !spent.is_zero())
        .map(|(step, spent)| format!("{} {}", name(*step), span(*spent)))
        .collect();
    let callmanager = case.site.callmanager(boot.callmanager);
    let conclusion = Conclusion::new(boot.began, summary)
        .evidence(boot.began, "the boot begins")
        .evidence(
            boot.registered,
            format!("RegisterAck from {callmanager}; {}", steps.join(", ")),
        );
    let until = boot.registered + case.site.thresholds.tell_events;
    Verdict::holds_until(until, case.now(), conclusion)
}

/// What a step is, up to the first sign of the next one.
const fn name(step: Step) -> &'static str {
    match step {
        Step::Link => "the link",
        Step::Dhcp => "DHCP",
        Step::Files => "names and files (DNS, TFTP)",
        Step::Connect => "connecting",
        Step::Register => "Register",
    }
}

fn percent(part: Duration, whole: Duration) -> u128 {
    part.as_millis() * 100 / whole.as_millis().max(1)
}
