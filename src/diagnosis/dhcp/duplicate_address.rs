//! Two devices use one address.

use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::phone::claims::Claims;
use crate::phone::dhcp::Decline;

use super::server;

/// `duplicate_address`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "duplicate_address",
    stage: "dhcp",
    severity: Severity::Warning,
    title: "address used twice",
    meaning: "Another device claims the phone's address. What is meant for the phone goes to the other one half of the \
              time, so the phone loses its registration, hears nothing or cannot be called. Mostly an address was set by \
              hand that also lies in a DHCP scope, or there is a second DHCP server.",
    concluded: "Another hardware address claims the phone's address by ARP in the same VLAN, and the phone claims \
                it again afterwards; or the phone says so itself (DECLINE). Not concluded of an address that has \
                moved, of the shared addresses of routers (HSRP, VRRP, GLBP), or of a device that claims several \
                addresses (a router, proxy ARP). It is told for findings.tell_events after the last claim, and no \
                longer once the phone has another address.",
    remedy: &[
        "Find the other device by its hardware address: show mac address-table address <hardware address> on the switch.",
        "If its address was set by hand, give it another one, or set it to DHCP.",
        "Take all addresses that are set by hand out of the scope of the DHCP server (exclusions), or reserve them.",
        "If it has its address from DHCP as well, look for a second DHCP server and for scopes that overlap.",
    ],
    reference: "-",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let device = case.device;
    let tell = case.site.thresholds.tell_events;
    let claims = device
        .link
        .as_deref()
        .and_then(|link| link.claims.as_deref())
        .filter(|claims| {
            claims.defended.is_some() && device.address == Some(claims.address.into())
        });
    let decline = device
        .needed_dhcp()
        .and_then(|dhcp| dhcp.trouble.as_deref())
        .and_then(|trouble| trouble.declines.last())
        .filter(|decline| case.now() < decline.at + tell);
    match (claims, decline) {
        (Some(claims), _) => {
            let last = claims
                .defended
                .map_or(claims.last, |at| claims.last.max(at));
            Verdict::holds_until(last + tell, case.now(), claimed(claims))
        }
        (None, Some(decline)) => {
            Verdict::holds_until(decline.at + tell, case.now(), declined(decline))
        }
        (None, None) => Verdict::No,
    }
}

fn claimed(claims: &Claims) -> Conclusion {
    let Claims { address, other, .. } = claims;
    let summary = format!("{other} claims {address} as well");
    let conclusion = Conclusion::new(claims.first, summary)
        .evidence(claims.first, format!("ARP: {address} is at {other}"));
    let conclusion = if claims.last > claims.first {
        conclusion.evidence(claims.last, format!("ARP: {address} is at {other} (again)"))
    } else {
        conclusion
    };
    match claims.defended {
        Some(at) => conclusion.evidence(at, format!("ARP: the phone claims {address} itself")),
        None => conclusion,
    }
}

fn declined(decline: &Decline) -> Conclusion {
    let address = decline.address.map_or_else(
        || String::from("the address"),
        |address| address.to_string(),
    );
    let summary = format!("the phone found {address} in use by another device");
    let text = format!("DECLINE of {address}, given by {}", server(decline.server));
    Conclusion::new(decline.at, summary).evidence(decline.at, text)
}
