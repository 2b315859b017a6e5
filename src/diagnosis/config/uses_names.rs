//! A phone's configuration names its CallManagers instead of giving their addresses.

use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::wire::sep_config::Host;

/// `config_uses_names`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "config_uses_names",
    stage: "tftp",
    severity: Severity::Info,
    title: "CallManagers are configured by name",
    meaning: "The phone's configuration gives host names for its CallManagers, so the phone has to look them up before it \
              can register. When DNS is slow, gone or wrong, the phone cannot register, or registers with the wrong \
              server of its group.",
    concluded: "The configuration that was delivered names at least one CallManager by a host name. Cleared when a \
                configuration gives addresses only.",
    remedy: &[
        "In CallManager open System > Server and put the server's IP address in the place of its name.",
        "Restart the Cisco CallManager and TFTP services and reset the phones: their files are made anew.",
        "Where names must stay, see to it that every DNS server of the phones knows them.",
    ],
    reference: "Toujours enregistré auprès de l'abonné; Désactivation de DHCP et de DNS pour tester un téléphone",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let Some(group) = case.device.group.as_deref() else {
        return Verdict::No;
    };
    let names: Vec<&str> = group
        .members
        .iter()
        .filter_map(|host| match host {
            Host::Name(name) => Some(name.as_str()),
            Host::Address(_) => None,
        })
        .collect();
    let Some(configured) = case.device.tftp.configured.filter(|_| !names.is_empty()) else {
        return Verdict::No;
    };
    let names = names.join(", ");
    let summary = format!("the configuration names CallManagers by host name: {names}");
    let told = format!("the configuration lists {names}");
    Verdict::holds(Conclusion::new(configured, summary).evidence(configured, told))
}
