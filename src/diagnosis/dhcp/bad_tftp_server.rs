//! Option 150 holds what no phone can use.

use std::net::{IpAddr, Ipv4Addr};

use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::time::Timestamp;
use crate::wire::dhcp::{Option150, TftpOffer};

use super::server;

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
                no address of a host (0.0.0.0). A message that was cut proves nothing. A warning only while the phone is \
                registered nevertheless. Cleared by an ACK with a right option 150, or with none.",
    remedy: &[
        "On the DHCP server, delete option 150 from the scope and define it anew with the data type IP address (array), \
         not string or ASCII.",
        "Windows: DHCP console > server > Set Predefined Options: delete 150, add it again with data type IP address and \
         Array ticked, then set it in Scope Options.",
        "Cisco IOS: in the ip dhcp pool use option 150 ip <address>, not option 150 ascii \"<address>\".",
        "Restart the phone (**#**) and look at Settings > Network Configuration: TFTP Server 1 must show the right address.",
    ],
    reference: "Étape 2b : le serveur DHCP envoie une réponse DHCP",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

pub(super) fn judge(case: &Case<'_>) -> Verdict {
    let device = case.device;
    let Some(dhcp) = device.dhcp.as_deref() else {
        return Verdict::No;
    };
    let given = dhcp.lease.as_deref().map(|lease| Given {
        message: "ACK",
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
            message: "OFFER",
            at: offer.at,
            server: Some(offer.server),
            address: offer.address,
            tftp: &offer.tftp,
            is_incomplete: offer.is_incomplete,
        });
    let mut bad = offered
        .chain(given)
        .filter_map(|given| Some((given.bad_option()?, given)));
    let Some((option, given)) = bad.next().filter(|_| device.is_phone()) else {
        return Verdict::No;
    };
    let by = server(given.server);
    let summary = format!("option 150 from {by} is {}", said(option));
    let text = format!(
        "{} from {by}: address {}, option 150 is {}",
        given.message,
        given.address,
        said(option)
    );
    let mut conclusion = Conclusion::new(given.at, summary).evidence(given.at, text);
    conclusion.server = given.server.map(IpAddr::V4);
    if device.registration.current.is_some() {
        conclusion.severity = Some(Severity::Warning);
    }
    Verdict::holds(conclusion)
}

/// What a server gives or offers.
struct Given<'a> {
    message: &'static str,
    at: Timestamp,
    server: Option<Ipv4Addr>,
    address: Ipv4Addr,
    tftp: &'a TftpOffer,
    is_incomplete: bool,
}

impl<'a> Given<'a> {
    fn bad_option(&self) -> Option<&'a Option150> {
        let option = self.tftp.option_150.as_ref()?;
        (!option.is_usable() && !self.is_incomplete).then_some(option)
    }
}

fn said(option: &Option150) -> String {
    match option {
        Option150::Text(_) => format!("{option}, not an IP address"),
        Option150::WrongLength(_) => format!("{option} long, which is no list of IP addresses"),
        Option150::Addresses(_) => format!("{option}, which is no server's address"),
    }
}
