//! A phone is not in the voice VLAN that it was given.

use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};

const CODE: &str = "voice_vlan_mismatch";

/// `voice_vlan_mismatch`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: CODE,
    stage: "link",
    severity: Severity::Warning,
    title: "not in its voice VLAN",
    meaning: "The switch tells the phone to use one VLAN for voice, and the phone asks for its address in another one. \
              It gets an address of the wrong network or none, and often no option 150. Either the port and the phone \
              disagree (voice VLAN set by hand on the phone, CDP or LLDP turned off), or a device between them drops \
              what the switch says or the tags.",
    concluded: "The phone's DHCP leaves without the tag of the voice VLAN that the switch gave it by CDP or \
                LLDP-MED (or that its own LLDP-MED names), after that was told, and no DHCP in the voice VLAN \
                follows within boot.voice_vlan_grace. Only concluded where the mirror shows the phone's own CDP or \
                LLDP beside its DHCP; what the switch says counts only where exactly one phone and one switch port \
                are seen. A first DISCOVER before the phone has moved to its voice VLAN is normal. Cleared by DHCP \
                in the voice VLAN, or when another one is told.",
    remedy: &[
        "On the switch, check the port: show interfaces <port> switchport must show the voice VLAN; if not: switchport \
         voice vlan <number>.",
        "Check that the port tells it: cdp enable and lldp transmit on the port, show cdp neighbors <port> detail.",
        "Check that the VLAN exists and is allowed on the way to the router: show vlan brief, show interfaces trunk.",
        "On the phone, look at Settings > Network Configuration: Operational VLAN should be the voice VLAN, Admin. VLAN \
         should be empty.",
        "If there is a small switch or a media converter between phone and switch, connect the phone directly.",
    ],
    reference: "Processus d'enregistrement, étape 3",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let vlans = case
        .device
        .link
        .as_deref()
        .and_then(|link| link.vlans.as_deref());
    let Some(vlans) = vlans else {
        return Verdict::No;
    };
    let (Some(told), Some(used)) = (vlans.told, vlans.dhcp) else {
        return Verdict::No;
    };
    if used.vlan == Some(told.vlan) || used.last < told.since {
        return Verdict::No;
    }
    let holds = case
        .device
        .findings
        .of(CODE)
        .is_some_and(|finding| finding.is_active());
    if !holds {
        let moved_by = used.last + case.site.thresholds.voice_vlan_grace;
        // A phone that asks on in the wrong VLAN for so long has not moved either.
        let has_had_time =
            used.last.since(used.first.max(told.since)) >= case.site.thresholds.voice_vlan_grace;
        if case.now() < moved_by && !has_had_time {
            return Verdict::NotBefore(moved_by);
        }
        let sight = case.site.sight;
        if !sight.lost_nothing_since(used.first.min(told.since))
            || !sight.was_alive_at(vlans.source, used.last)
        {
            return Verdict::No;
        }
    }
    let found = used.vlan.map_or_else(
        || String::from("untagged"),
        |vlan| format!("in VLAN {vlan}"),
    );
    let summary = format!(
        "its DHCP goes {found}, its voice VLAN is {} by {}",
        told.vlan,
        told.by.words()
    );
    let conclusion = Conclusion::new(used.first.max(told.since), summary)
        .evidence(
            told.since,
            format!("{}: voice VLAN {}", told.by.words(), told.vlan),
        )
        .evidence(used.last, format!("DHCP of the phone goes {found}"));
    Verdict::holds(conclusion)
}
