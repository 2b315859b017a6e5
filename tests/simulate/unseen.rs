//! A mirror port that shows everything but one CallManager, as where the servers hang on two switches, or but both:
//! nothing may be concluded of what passes between the phones and those.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use phonewatch::app::drive::{Outlet, drive};
use phonewatch::engine::{Engine, Settings};
use phonewatch::event::{Event, EventKind};
use phonewatch::finding::Severity;
use phonewatch::record::LinkType;
use phonewatch::simulate::{Fleet, FleetFrame, Plan};
use phonewatch::snapshot::Snapshot;
use phonewatch::time::Timestamp;
use phonewatch::wire::packet::{Content, decode};

use super::views::each_scenario;
use super::{Simulated, everything, plan};

const PRIMARY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 11);
const SECONDARY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 12);

/// Whether this frame goes to or comes from one of these.
fn is_with(servers: &[Ipv4Addr], bytes: &[u8]) -> bool {
    let is_one = |address: IpAddr| servers.iter().any(|server| address == *server);
    decode(LinkType::Ethernet, bytes).is_ok_and(|packet| match packet.content {
        Content::Ip(ip) => is_one(ip.source) || is_one(ip.destination),
        Content::Arp(_) | Content::Cdp(_) | Content::Lldp(_) | Content::Other { .. } => false,
    })
}

/// The frames that are with none of these.
fn without(
    servers: &[Ipv4Addr],
    frames: impl Iterator<Item = FleetFrame>,
) -> impl Iterator<Item = FleetFrame> {
    frames.filter(move |frame| !is_with(servers, &frame.bytes))
}

/// What was raised, and how bad each was at worst.
#[derive(Default)]
struct Worst(BTreeMap<(String, &'static str), Severity>);

impl Outlet for Worst {
    fn event(&mut self, event: &Event) {
        let EventKind::FindingRaised { about, finding } = &event.kind else {
            return;
        };
        if finding.code.starts_with("mirror_") {
            return;
        }
        let subject = match (about, event.subject) {
            (Some(about), _) => format!("{about:?}"),
            (None, Some(subject)) => subject
                .name
                .map_or_else(|| String::from("unnamed"), |name| name.to_string()),
            (None, None) => String::from("nobody"),
        };
        let worst = self
            .0
            .entry((subject, finding.code))
            .or_insert(finding.severity);
        *worst = finding.severity.max(*worst);
    }

    fn publish(&mut self, _snapshot: Arc<Snapshot>) {}

    fn wants_pictures(&self) -> bool {
        false
    }
}

fn worst_of(frames: impl Iterator<Item = FleetFrame>, end: Timestamp) -> Worst {
    let mut worst = Worst::default();
    drive(
        &mut Simulated::new(frames, end),
        &mut Engine::new(Settings::default()),
        &mut worst,
    );
    worst
}

/// What each view of this plan raises beyond what the whole does, or worse than the whole does.
fn beyond(plan: &Plan, what: &str) -> Vec<String> {
    const VIEWS: [(&str, &[Ipv4Addr]); 3] = [
        ("all but the primary", &[PRIMARY]),
        ("all but the backup", &[SECONDARY]),
        ("all but both", &[PRIMARY, SECONDARY]),
    ];
    let end = Fleet::new(plan).end();
    let known = worst_of(Fleet::new(plan), end).0;
    let mut beyond = BTreeSet::new();
    for (view, servers) in VIEWS {
        let found = worst_of(without(servers, Fleet::new(plan)), end).0;
        for ((subject, code), severity) in found {
            if known.get(&(subject, code)) < Some(&severity) {
                beyond.insert(format!("{what}, {view}: {code}, {severity:?}"));
            }
        }
    }
    beyond.into_iter().collect()
}

#[test]
fn a_callmanager_that_is_not_seen_adds_no_finding() {
    let more = each_scenario(|scenario| {
        let label = scenario.label();
        let alone = beyond(&plan(&[label], 8, 15, 7), label);
        let among = beyond(
            &plan(&[label, "healthy"], 8, 20, 8),
            &format!("{label} among others"),
        );
        [alone, among].concat()
    });
    assert!(more.is_empty(), "{}", more.join("\n"));
}

/// All scenarios in one fleet, where each shows the sensor the servers that the others go to.
#[test]
fn a_callmanager_that_is_not_seen_adds_no_finding_in_a_mix() {
    let more = beyond(&plan(&everything(), 260, 20, 5), "a mix");
    assert!(more.is_empty(), "{}", more.join("\n"));
}
