//! The TFTP server has no configuration for a phone.

use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::phone::files::{FileSeen, MissingConfig};

/// `tftp_config_missing`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "tftp_config_missing",
    stage: "tftp",
    severity: Severity::Warning,
    title: "no configuration for this phone",
    meaning: "CallManager's TFTP server has no file for this phone, so the phone is not in CallManager's database under \
              this name. Where the default configuration is served instead, auto-registration is on and the phone gets a \
              number by itself. Where that is refused too, the phone is unknown, auto-registration is off, and the phone \
              begins anew, again and again.",
    concluded: "The phone's own SEP file was answered with \"file not found\" and nothing else was served within \
                boot.settle. Other missing files (trust lists, locales, ring tones) are normal. Cleared when its \
                own file is served, or when it is registered all the same.",
    remedy: &[
        "Compare the MAC address on the phone (Settings, then Network Configuration) with the name in CallManager under \
         Device > Phone; the label on the phone can be wrong.",
        "If the phone is missing there, add it with that MAC address and the right model.",
        "Or let it register by itself: System > Cisco CallManager, give Auto-registration a range of directory numbers \
         and clear \"Auto-registration Disabled\".",
        "If the phone is there, restart the Cisco TFTP service, so that it makes the configuration files anew.",
    ],
    reference: "Étape 3a, 3b",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

/// What there is to do where auto-registration takes care of the phone.
const BY_ITSELF: &[&str] = &[
    "Nothing, if new phones are meant to register by themselves.",
    "Otherwise add the phone under Device > Phone with its MAC address, before it takes a number of the range.",
    "To switch that off, set \"Auto-registration Disabled\" under System > Cisco CallManager.",
];

fn judge(case: &Case<'_>) -> Verdict {
    let Some(missing) = case
        .device
        .files
        .as_deref()
        .and_then(|files| files.missing.as_ref())
    else {
        return Verdict::No;
    };
    let Some(own) = missing.refused.last() else {
        return Verdict::No;
    };
    let conclusion = told(missing).server(own.server);
    if missing.default_served.is_some() {
        return Verdict::holds(conclusion.severity(Severity::Info).remedy(BY_ITSELF));
    }
    if case.device.registration.current.is_some() {
        return Verdict::No;
    }
    let began = missing.pass();
    let settled = began + case.site.thresholds.settle;
    // With the next refusal the phone shows that nothing came of the pass before; until then time must show it.
    if case.now() < settled && missing.passes < 2 {
        return Verdict::NotBefore(settled);
    }
    // What holds is not taken back because the end of a later pass may have been missed.
    let holds = case.device.findings.is_active(ENTRY.code);
    if !holds && !case.site.sight.lost_nothing_between(began, settled) {
        return Verdict::No;
    }
    Verdict::holds(conclusion)
}

fn told(missing: &MissingConfig) -> Conclusion {
    let own = missing.refused.last().map_or("", |own| &own.file);
    let server = missing
        .refused
        .last()
        .map_or_else(String::new, |own| own.server.to_string());
    let summary = match (&missing.default_served, &missing.default_refused) {
        (Some(default), _) => format!(
            "{own} is not on {server}; {} was served instead: auto-registration is on",
            default.file
        ),
        (None, Some(default)) => format!(
            "neither {own} nor {} is on {server}: the phone is unknown and auto-registration is off",
            default.file
        ),
        (None, None) => format!("{own} is not on {server}: the phone is unknown there"),
    };
    let not_found =
        |seen: &FileSeen| format!("{} answered {}: file not found", seen.server, seen.file);
    let conclusion = missing.refused.iter().chain(&missing.default_refused).fold(
        Conclusion::new(missing.since, summary),
        |conclusion, seen| conclusion.evidence(seen.at, not_found(seen)),
    );
    match &missing.default_served {
        Some(default) => conclusion.evidence(
            default.at,
            format!("{} served {}", default.server, default.file),
        ),
        None => conclusion,
    }
}
