//! DHCP gives a phone an address and no TFTP server.

use super::{Words, has_no_ipv4_from, manages, server, would_have_been_seen};
use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::phone::Stage;
use crate::phone::dhcp::DhcpTracker;

const CODE: &str = "dhcp_no_tftp_server";

/// `dhcp_no_tftp_server`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: CODE,
    stage: "dhcp",
    severity: Severity::Critical,
    title: "DHCP names no TFTP server",
    meaning: "The phone was given an address, but nothing that tells it where its configuration is: neither option 150 \
              nor option 66 nor a next server. It stops there, or asks everyone in vain. The scope of this network lacks \
              the option, or the phone is in a network for PCs.",
    concluded: "An ACK to a phone that asked for an address names no TFTP server in option 150, option 66, siaddr \
                or sname, and the phone has not gone on within dhcp.goes_on; or a REPLY of DHCP for IPv6 names none in suboption 1 \
                of option 17 of enterprise 9 (vendor Cisco), to a phone that was not seen to use IPv4. A phone that was \
                given addresses of both versions needs a server from one of them. Not concluded of a renewal, of a \
                message that was cut, or of a phone that has an alternate TFTP server of its own and fetches its \
                files. Cleared when it is given a server or goes on without.",
    remedy: &[
        "On the DHCP server, add option 150 to the scope of the phones' network, as a list of IP addresses, with the \
         address of the TFTP server (usually the CallManager publisher or a TFTP node).",
        "Windows: DHCP console > server > Set Predefined Options > Add: name TFTP, data type IP address, Array, code 150; \
         then Scope Options > Configure Options > 150.",
        "Cisco IOS: ip dhcp pool <name>, then option 150 ip <TFTP server>.",
        "For IPv6: ipv6 dhcp pool <name>, then vendor-specific 9 and suboption 1 address <TFTP server>.",
        "If the address is one of the data network, the phone is in the wrong VLAN: check switchport voice vlan on its port.",
        "Restart the phone (**#**) so that it asks again.",
    ],
    reference: "Étape 2b : le serveur DHCP envoie une réponse DHCP",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

pub(super) fn judge(case: &Case<'_>) -> Verdict {
    let device = case.device;
    let needed = device.needed_dhcp();
    let Some(lease) = needed.and_then(|dhcp| dhcp.lease.as_deref()) else {
        return Verdict::No;
    };
    // It may use what it was told by either version.
    let mut told = device.all_dhcp().flat_map(DhcpTracker::tftp_servers);
    let names_none = !lease.tftp.is_wrong() && told.next().is_none();
    if !names_none || !lease.is_complete() || !device.is_phone() {
        return Verdict::No;
    }
    if device.stage > Stage::Dhcp || manages(case, lease) {
        return Verdict::No;
    }
    let goes_on = lease.at + case.site.thresholds.dhcp_goes_on;
    let goes_on = goes_on.max(has_no_ipv4_from(case, lease.at));
    if case.now() < goes_on {
        return Verdict::NotBefore(goes_on);
    }
    if !would_have_been_seen(case, CODE, lease.at) {
        return Verdict::No;
    }
    let by = server(lease.server);
    let (missing, rest) = if lease.address.is_ipv6() {
        ("no suboption 1 of option 17 for Cisco", "")
    } else {
        ("no option 150, no option 66", ", no next server")
    };
    let summary = format!(
        "{by} gave it {} and no TFTP server ({missing})",
        lease.address
    );
    let text = format!(
        "{} from {by}: address {}, {missing}{rest}",
        Words::of(device).ack,
        lease.address
    );
    let mut conclusion = Conclusion::new(lease.at, summary).evidence(lease.at, text);
    conclusion.server = lease.server;
    Verdict::holds(conclusion)
}
