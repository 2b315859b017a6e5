//! A phone begins its way again and again and never registers.

use std::time::Duration;

use super::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::phone::boot::{PassEnd, Step};
use crate::wire::sep_config::DeviceProtocol;

/// After so long it is asked again whether CallManagers are seen.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

const CODE: &str = "boot_loop";

/// `boot_loop`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: CODE,
    stage: "any",
    severity: Severity::Warning,
    title: "boots again and again",
    meaning: "The phone goes through its start again and again (address, files, CallManager) and never registers. Its user \
              sees Configuring IP, Configuring CM List or Registering in turn. Most often CallManager does not know the \
              phone and auto-registration is off; the evidence tells at which step each pass ended.",
    concluded: "boot.loop_passes passes of the boot chain within boot.loop_window, each of which ended with another \
                one and none with a registration. A pass that may have ended in a registration that is not visible \
                (encrypted signalling, SIP, a connection of which nothing failed) does not count, nor do frames \
                that were lost, nor a phone that has all its files and a CallManager that this sensor does not see. \
                Cleared when the phone registers, or when the passes have aged out of the window.",
    remedy: &[
        "Look at the step at which the passes end: that is where to search.",
        "In CallManager, look the phone up under Device > Phone by its hardware address (SEP and twelve digits). If it is \
         not there, add it.",
        "Or turn on auto-registration: System > Cisco CallManager > Auto-registration Information, with a range of \
         directory numbers that is not used up.",
        "Compare the hardware address on the phone itself (Settings > Network Configuration) with the one in CallManager: \
         labels can be wrong.",
        "If the phone is not to be used, unplug it.",
    ],
    reference: "Étape 1",
    explained_by: &["callmanager_down"],
    rules: &[Rule::Device(judge)],
};

pub(super) fn judge(case: &Case<'_>) -> Verdict {
    let device = case.device;
    let ends = device.boot.ends();
    let thresholds = case.site.thresholds;
    let enough = usize::try_from(thresholds.boot_loop_passes.max(1)).unwrap_or(usize::MAX);
    if ends.len() < enough || device.registration.current.is_some() {
        return Verdict::No;
    }
    if device.tftp.protocol.as_deref() == Some(&DeviceProtocol::Sip) {
        return Verdict::No;
    }
    let window = thresholds.boot_loop_window;
    let now = case.now();
    let passes: Vec<&PassEnd> = ends
        .iter()
        .filter(|end| end.is_whole && ended_in_vain(end) && now.since(end.began) < window)
        .collect();
    // So many of the latest make it hold, until the first of them is too old.
    let deciding = passes
        .len()
        .checked_sub(enough)
        .and_then(|place| passes.get(place));
    let (Some(deciding), Some(first), Some(last)) = (deciding, passes.first(), passes.last())
    else {
        return Verdict::No;
    };
    let was_raised = device
        .findings
        .of(CODE)
        .is_some_and(|finding| finding.is_active());
    if !was_raised && !case.site.sight.lost_nothing_since(first.began) {
        return Verdict::No;
    }
    if may_be_registered_unseen(case, deciding) {
        return Verdict::NotBefore(now + LOOK_AGAIN);
    }
    let summary = format!(
        "{} passes of the boot chain without registering; the last one ended: {}",
        passes.len(),
        ending(last)
    );
    let conclusion = passes
        .iter()
        .fold(Conclusion::new(first.began, summary), |conclusion, end| {
            conclusion.evidence(end.at, format!("a pass ended: {}", ending(end)))
        });
    Verdict::holds_until(deciding.began + window, now, conclusion)
}

/// Whether the phone cannot have registered unseen at the end of this pass.
fn ended_in_vain(end: &PassEnd) -> bool {
    end.failure.is_some() || end.step <= Step::Files
}

/// Whether the phone may have gone on each time to a CallManager that the sensor does not see, with all that it needs.
/// Trust lists and texts that are not there keep no phone from that, nor does a server that is down.
fn may_be_registered_unseen(case: &Case<'_>, first: &PassEnd) -> bool {
    let files = case.device.files.as_deref();
    let lacks_a_file =
        files.is_some_and(|files| files.missing.is_some() || files.missing_load.is_some());
    if lacks_a_file {
        return false;
    }
    let knows_list = case.device.group.is_some();
    let sees_any = || case.site.shown().since(first.began).next().is_some();
    if knows_list {
        case.may_be_with(first.began).is_some()
    } else {
        !sees_any()
    }
}

/// Where a pass ended, for a sentence: what failed, else how far it came.
pub(super) fn ending(end: &PassEnd) -> String {
    match end.failure {
        Some(failure) => failure.words().to_owned(),
        None if !end.is_whole => {
            String::from("it was given an address and did not go on from there")
        }
        None => format!("it got as far as {}", end.step.words()),
    }
}
