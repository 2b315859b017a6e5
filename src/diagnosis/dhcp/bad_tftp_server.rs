//! Option 150, or what stands for it in DHCP for IPv6, holds what no phone can use.

use std::net::IpAddr;

use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::phone::dhcp::DhcpTracker;
use crate::time::Timestamp;
use crate::wire::dhcp::{Option150, TftpOffer, TftpServer, TftpSuboption};

use super::{Words, has_no_ipv4_from, server};

/// `dhcp_bad_tftp_server`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "dhcp_bad_tftp_server",
    stage: "dhcp",
    severity: Severity::Critical,
    title: "option 150 is no address",
    meaning: "The DHCP server fills option 150 with something that is no list of IP addresses, most often with the address \
              typed as text. The phone takes the characters for octets (10.1.2.3 becomes 49.48.46.49), asks a server that \
              does not exist, and never gets its configuration.",
    concluded: "The option 150 of an OFFER or ACK to a phone is text, has a length that is no multiple of four, or holds \
                no address of a host (0.0.0.0). The same of an ADVERTISE or REPLY of DHCP for IPv6 to a phone that was not seen to use \
                IPv4, where the addresses stand in suboption 1 of option 17 of enterprise 9 (vendor Cisco), sixteen bytes each. A message that was cut proves nothing. A warning only while the phone is \
                registered nevertheless, or where DHCP for IPv6 names it another server. Cleared by an ACK with a right option 150, or with none.",
    remedy: &[
        "On the DHCP server, delete option 150 from the scope and define it anew with the data type IP address (array), \
         not string or ASCII.",
        "Windows: DHCP console > server > Set Predefined Options: delete 150, add it again with data type IP address and \
         Array ticked, then set it in Scope Options.",
        "Cisco IOS: in the ip dhcp pool use option 150 ip <address>, not option 150 ascii \"<address>\".",
        "In DHCP for IPv6 the value is a list of IPv6 addresses. Cisco IOS: ipv6 dhcp pool <name>, vendor-specific 9, suboption 1 \
         address <address>, not ascii.",
        "Restart the phone (**#**) and look at Settings > Network Configuration: TFTP Server 1 must show the right address.",
    ],
    reference: "Étape 2b : le serveur DHCP envoie une réponse DHCP",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

pub(super) fn judge(case: &Case<'_>) -> Verdict {
    let device = case.device;
    let Some(dhcp) = device.needed_dhcp() else {
        return Verdict::No;
    };
    let words = Words::of(device);
    let given = dhcp.lease.as_deref().map(|lease| Given {
        message: words.ack,
        at: lease.at,
        server: lease.server,
        address: lease.address,
        tftp: &lease.tftp,
        is_incomplete: lease.is_incomplete,
    });
    let offered = dhcp
        .exchange
        .as_deref()
        .into_iter()
        .flat_map(|exchange| &exchange.offers)
        .map(|offer| Given {
            message: words.offer,
            at: offer.at,
            server: Some(offer.server),
            address: offer.address,
            tftp: &offer.tftp,
            is_incomplete: offer.is_incomplete,
        });
    let mut bad = offered
        .chain(given)
        .filter_map(|given| Some((given.fault()?, given)));
    let Some((fault, given)) = bad.next().filter(|_| device.is_phone()) else {
        return Verdict::No;
    };
    let from = has_no_ipv4_from(case, given.at);
    if case.now() < from {
        return Verdict::NotBefore(from);
    }
    let by = server(given.server);
    let option = words.tftp;
    let summary = format!("{option} from {by} is {fault}");
    let text = format!(
        "{} from {by}: address {}, {option} is {fault}",
        given.message, given.address
    );
    let mut conclusion = Conclusion::new(given.at, summary).evidence(given.at, text);
    conclusion.server = given.server;
    // It may use what DHCP for IPv6 tells it.
    let mut others = device.all_dhcp().flat_map(DhcpTracker::tftp_servers);
    if device.registration.current.is_some() || others.any(|server| is_of_v6(&server)) {
        conclusion.severity = Some(Severity::Warning);
    }
    Verdict::holds(conclusion)
}

/// What a server gives or offers.
struct Given<'a> {
    message: &'static str,
    at: Timestamp,
    server: Option<IpAddr>,
    address: IpAddr,
    tftp: &'a TftpOffer,
    is_incomplete: bool,
}

impl Given<'_> {
    /// What is wrong with it, for a sentence.
    fn fault(&self) -> Option<String> {
        if self.is_incomplete || !self.tftp.is_wrong() {
            return None;
        }
        let of_option = self.tftp.option_150.as_ref().map(option_150);
        of_option.or_else(|| self.tftp.suboption.as_ref().map(suboption))
    }
}

fn option_150(option: &Option150) -> String {
    match option {
        Option150::Text(_) => format!("{option}, not an IP address"),
        Option150::WrongLength(_) => format!("{option} long, which is no list of IP addresses"),
        Option150::Addresses(_) => format!("{option}, which is no server's address"),
    }
}

fn suboption(suboption: &TftpSuboption) -> String {
    match suboption {
        TftpSuboption::Text(_) => format!("{suboption}, not an IPv6 address"),
        TftpSuboption::WrongLength(_) => {
            format!("{suboption} long, which is no list of IPv6 addresses")
        }
        TftpSuboption::Addresses(_) => format!("{suboption}, which is no server's address"),
    }
}

const fn is_of_v6(server: &TftpServer) -> bool {
    matches!(server, TftpServer::Address(IpAddr::V6(_)))
}
