//! A lease that does not fit together: a phone cannot reach its servers with it.

use std::net::{IpAddr, Ipv4Addr};

use super::{list, manages, server};
use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::phone::dhcp::Lease;
use crate::wire::dhcp::TftpServer;
use crate::wire::sep_config::Host;

/// `dhcp_bad_lease`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "dhcp_bad_lease",
    stage: "dhcp",
    severity: Severity::Warning,
    title: "the lease does not fit together",
    meaning: "The address, mask, router and servers that DHCP gave contradict each other, so the phone cannot reach its \
              TFTP server or CallManager: the router is not in the phone's own network, there is no router though the \
              servers are elsewhere, or names have to be looked up and there is no DNS server.",
    concluded: "No router of the lease lies in the network of address and mask (a mask of /32 is left alone); or the mask \
                is 0.0.0.0 or has holes; or there is no router and a TFTP or DNS server lies outside the network; or there \
                is no DNS server and the TFTP server or the CallManagers of the phone's configuration are names. What is \
                missing is not concluded from a renewal or from a message that was cut. Not of DHCP for IPv6, where routers tell \
                of themselves. Cleared by a lease that fits, or \
                when the phone registers.",
    remedy: &[
        "On the DHCP server, open the options of the scope that holds the phone's address.",
        "Option 3 (router) must be the router's address in the phones' own network; the subnet mask must be that of the \
         router's interface (show ip interface vlan <number>).",
        "A router may be left out only if TFTP and DNS servers are in the phones' own network.",
        "Set option 6 (DNS server), or write IP addresses instead of names in CallManager under System > Server, and an \
         address in option 150.",
        "Restart the phone (**#**) so that it asks again.",
    ],
    reference: "Étape 2b : le serveur DHCP envoie une réponse DHCP; règles d'adressage des téléphones 12 SP+ et 30 VIP",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let device = case.device;
    let Some(lease) = device
        .dhcp
        .as_deref()
        .and_then(|dhcp| dhcp.lease.as_deref())
    else {
        return Verdict::No;
    };
    let names = || {
        let group = device.group.as_deref()?;
        group.members.iter().find_map(|host| match host {
            Host::Name(name) => Some(name.as_str()),
            Host::Address(_) => None,
        })
    };
    let Some(fault) = fault(lease, names) else {
        return Verdict::No;
    };
    if !device.is_phone() || device.registration.current.is_some() {
        return Verdict::No;
    }
    // Some routers answer for other networks unasked (proxy ARP): then nothing is missing.
    if fault.is_missing && manages(case, lease) {
        return Verdict::No;
    }
    let mask = lease
        .mask
        .map_or_else(|| String::from("none"), |mask| mask.to_string());
    let text = format!(
        "ACK from {}: address {}, mask {mask}, router {}, DNS {}, TFTP {}",
        server(lease.server),
        lease.address,
        list(&lease.routers),
        list(&lease.dns_servers),
        tftp_words(lease)
    );
    let mut conclusion = Conclusion::new(lease.at, fault.words).evidence(lease.at, text);
    conclusion.server = lease.server;
    Verdict::holds(conclusion)
}

/// What does not fit.
struct Fault {
    words: String,
    /// Whether something is missing, rather than wrong.
    is_missing: bool,
}

/// The first thing that does not fit. `names` gives a name that the phone's configuration uses for a server.
fn fault<'a>(lease: &Lease, names: impl Fn() -> Option<&'a str>) -> Option<Fault> {
    let wrong = |words| {
        Some(Fault {
            words,
            is_missing: false,
        })
    };
    let missing = |words| {
        Some(Fault {
            words,
            is_missing: true,
        })
    };
    let routers: Vec<_> = lease
        .routers
        .iter()
        .copied()
        .filter(|router| !router.is_unspecified())
        .collect();
    if let (Some(mask), IpAddr::V4(address)) = (lease.mask, lease.address)
        && !lease.is_incomplete
    {
        let network = Network::of(address, mask);
        if mask.is_unspecified() {
            if !routers.is_empty() {
                return wrong(format!(
                    "mask 0.0.0.0 with router {}: to the phone everything is its own network",
                    list(&routers)
                ));
            }
        } else if mask.to_bits().leading_ones() != mask.to_bits().count_ones() {
            return wrong(format!("{mask} is no subnet mask"));
        } else if !routers.is_empty()
            && mask != Ipv4Addr::BROADCAST
            && !routers.iter().any(|router| network.has((*router).into()))
        {
            return wrong(format!(
                "router {} lies outside the network of {} with mask {mask}",
                list(&routers),
                lease.address
            ));
        }
        if routers.is_empty() && mask != Ipv4Addr::BROADCAST && lease.is_complete() {
            let outside = |address: &IpAddr| !network.has(*address);
            if let Some(tftp) = tftp_addresses(lease).find(outside) {
                return missing(format!(
                    "no router, and the TFTP server {tftp} lies outside the phone's network"
                ));
            }
            if let Some(dns) = lease.dns_servers.iter().copied().find(outside) {
                return missing(format!(
                    "no router, and the DNS server {dns} lies outside the phone's network"
                ));
            }
        }
    }
    if lease.dns_servers.is_empty() && lease.is_complete() {
        let tftp = lease.tftp.usable();
        if let Some(TftpServer::Name(name)) = tftp.first() {
            return missing(format!(
                "no DNS server, and the TFTP server is the name \"{name}\""
            ));
        }
        if let Some(name) = names() {
            return missing(format!(
                "no DNS server, and the configuration names the CallManager \"{name}\""
            ));
        }
    }
    None
}

/// The addresses of one network.
struct Network {
    first: u32,
    mask: u32,
}

impl Network {
    fn of(address: Ipv4Addr, mask: Ipv4Addr) -> Self {
        let mask = mask.to_bits();
        Self {
            first: address.to_bits() & mask,
            mask,
        }
    }

    fn has(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => address.to_bits() & self.mask == self.first,
            IpAddr::V6(_) => false,
        }
    }
}

fn tftp_addresses(lease: &Lease) -> impl Iterator<Item = IpAddr> {
    lease
        .tftp
        .usable()
        .into_iter()
        .filter_map(|server| match server {
            TftpServer::Address(address) => Some(address),
            TftpServer::Name(_) => None,
        })
}

fn tftp_words(lease: &Lease) -> String {
    let servers: Vec<_> = lease
        .tftp
        .usable()
        .iter()
        .map(TftpServer::to_string)
        .collect();
    if servers.is_empty() {
        String::from("none")
    } else {
        servers.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::dhcp::RequestState;
    use crate::time::Timestamp;
    use crate::wire::dhcp::{Option66, Option150, TftpOffer};

    fn lease(address: [u8; 4], mask: [u8; 4], routers: &[[u8; 4]], tftp: [u8; 4]) -> Lease {
        Lease {
            at: Timestamp::EPOCH,
            address: IpAddr::from(address),
            server: None,
            mask: Some(mask.into()),
            routers: routers.iter().copied().map(Ipv4Addr::from).collect(),
            dns_servers: Vec::new(),
            tftp: TftpOffer {
                option_150: Some(Option150::Addresses(vec![tftp.into()])),
                ..TftpOffer::default()
            },
            duration: None,
            is_incomplete: false,
            asked: Some(RequestState::Selecting),
        }
    }

    fn words(lease: &Lease) -> Option<String> {
        fault(lease, || None).map(|fault| fault.words)
    }

    #[test]
    fn networks_of_every_size_are_told_apart() {
        let tftp = [10, 0, 0, 5];
        for (address, mask, routers, is_bad) in [
            (
                [10, 1, 1, 9],
                [255, 255, 255, 0],
                &[[10, 1, 1, 1]][..],
                false,
            ),
            ([10, 1, 1, 9], [255, 255, 255, 0], &[[10, 1, 2, 1]], true),
            (
                [10, 1, 1, 130],
                [255, 255, 255, 128],
                &[[10, 1, 1, 129]],
                false,
            ),
            (
                [10, 1, 1, 130],
                [255, 255, 255, 128],
                &[[10, 1, 1, 1]],
                true,
            ),
            ([10, 1, 1, 6], [255, 255, 255, 252], &[[10, 1, 1, 5]], false),
            ([10, 1, 1, 6], [255, 255, 255, 254], &[[10, 1, 1, 7]], false),
            ([10, 1, 1, 6], [255, 255, 255, 254], &[[10, 1, 1, 8]], true),
            ([10, 1, 1, 6], [255, 255, 255, 255], &[[10, 9, 9, 9]], false),
            ([10, 1, 1, 6], [0, 0, 0, 0], &[[10, 1, 1, 1]], true),
            ([10, 1, 1, 6], [255, 0, 255, 0], &[[10, 1, 1, 1]], true),
            (
                [10, 1, 1, 9],
                [255, 255, 255, 0],
                &[[10, 9, 9, 1], [10, 1, 1, 1]],
                false,
            ),
            ([10, 0, 0, 9], [255, 255, 255, 0], &[], false),
            ([10, 1, 1, 9], [255, 255, 255, 0], &[], true),
            ([10, 1, 1, 9], [255, 255, 255, 0], &[[0, 0, 0, 0]], true),
        ] {
            let found = words(&lease(address, mask, routers, tftp));
            assert_eq!(found.is_some(), is_bad, "{address:?} {mask:?}: {found:?}");
        }
    }

    #[test]
    fn names_need_a_dns_server() {
        let mut lease = lease(
            [10, 1, 1, 9],
            [255, 255, 255, 0],
            &[[10, 1, 1, 1]],
            [10, 0, 0, 5],
        );
        assert!(fault(&lease, || Some("cm-pub")).is_some());
        lease.dns_servers = vec![IpAddr::from([10, 0, 0, 2])];
        assert!(fault(&lease, || Some("cm-pub")).is_none());
        lease.dns_servers.clear();
        lease.tftp = TftpOffer {
            option_66: Some(Option66::Name(String::from("tftp"))),
            ..TftpOffer::default()
        };
        assert!(words(&lease).is_some_and(|words| words.contains("\"tftp\"")));
        lease.asked = Some(RequestState::Renewing);
        assert_eq!(words(&lease), None, "a renewal may leave options out");
    }
}
