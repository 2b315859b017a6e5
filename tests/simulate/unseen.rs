//! A mirror port that shows everything but one CallManager, as where the servers hang on two switches, or but both:
//! nothing may be concluded of what passes between the phones and those.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use phonewatch::app::drive::{Outlet, drive};
use phonewatch::engine::{Engine, Settings};
use phonewatch::event::{Event, EventKind};
use phonewatch::finding::{Severity, Subject};
use phonewatch::record::LinkType;
use phonewatch::simulate::{BEGIN, Fleet, FleetFrame, Mirror, Plan, Scenario, Side, View};
use phonewatch::snapshot::Snapshot;
use phonewatch::time::Timestamp;
use phonewatch::wire::packet::{Content, decode};

use super::mirror::percent;
use super::views::each_scenario;
use super::{Simulated, everything, plan};

const PRIMARY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 11);
const SECONDARY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 12);
/// It gives addresses, finds names and has the files.
const SERVICES: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);

/// Whether this frame goes to or comes from one of these.
fn is_with(servers: &[Ipv4Addr], bytes: &[u8]) -> bool {
    let is_one = |address: IpAddr| servers.iter().any(|server| address == *server);
    decode(LinkType::Ethernet, bytes).is_ok_and(|packet| match packet.content {
        Content::Ip(ip) => is_one(ip.source) || is_one(ip.destination),
        Content::Arp(_) | Content::Cdp(_) | Content::Lldp(_) | Content::Other { .. } => false,
    })
}

/// Whether one of these sends this frame.
fn is_from(servers: &[Ipv4Addr], bytes: &[u8]) -> bool {
    decode(LinkType::Ethernet, bytes).is_ok_and(|packet| match packet.content {
        Content::Ip(ip) => servers.iter().any(|server| ip.source == *server),
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

/// A device of which no name is known.
const UNNAMED: &str = "unnamed";

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
            // A sensor that hears no server gives it no address.
            (Some(Subject::DhcpServer(_)), _) => String::from("DHCP"),
            (Some(about), _) => format!("{about:?}"),
            (None, Some(subject)) => subject
                .name
                .map_or_else(|| String::from(UNNAMED), |name| name.to_string()),
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

/// How the mirror port shows a fleet, and from when on.
#[derive(Clone)]
struct Sight {
    what: &'static str,
    view: View,
    /// Those of which nothing is seen.
    unseen: &'static [Ipv4Addr],
    /// Those of which nothing is seen but what is sent to them.
    unheard: &'static [Ipv4Addr],
    /// How long after its beginning the capture begins.
    from: Duration,
}

impl Sight {
    fn all_but(what: &'static str, unseen: &'static [Ipv4Addr]) -> Self {
        Self {
            what,
            view: View::default(),
            unseen,
            unheard: &[],
            from: Duration::ZERO,
        }
    }

    fn all_but_what_is_said_by(what: &'static str, unheard: &'static [Ipv4Addr]) -> Self {
        Self {
            unheard,
            ..Self::all_but(what, &[])
        }
    }

    fn with(self, change: impl FnOnce(&mut View)) -> Self {
        let mut view = self.view;
        change(&mut view);
        Self { view, ..self }
    }

    fn begun_at(self, second: u64) -> Self {
        let from = Duration::from_secs(second);
        Self { from, ..self }
    }

    fn of(&self, plan: &Plan) -> Worst {
        let mirror = Mirror::new(Fleet::new(plan), &self.view, plan.seed);
        let (end, from) = (mirror.end(), BEGIN + self.from);
        worst_of(
            without(self.unseen, mirror)
                .filter(|frame| !is_from(self.unheard, &frame.bytes))
                .filter(move |frame| frame.at >= from),
            end,
        )
    }
}

/// How it was seen, the code of what was raised beyond the whole, and all of that in words.
type More = (&'static str, &'static str, String);

/// What is raised beyond what the whole raises, or worse than there.
fn beyond(plan: &Plan, what: &str, sights: &[Sight]) -> Vec<More> {
    let end = Fleet::new(plan).end();
    let known = worst_of(Fleet::new(plan), end).0;
    let mut beyond = BTreeSet::new();
    for sight in sights {
        for (told, severity) in sight.of(plan).0 {
            // Behind NAT nobody may know who it is.
            let is_of_another = |(_, code): &(String, &str)| told.0 == UNNAMED && *code == told.1;
            let is_known = known.get(&told) >= Some(&severity) || known.keys().any(is_of_another);
            if !is_known {
                let words = format!("{what}, {}: {}, {severity:?}", sight.what, told.1);
                beyond.insert((sight.what, told.1, words));
            }
        }
    }
    beyond.into_iter().collect()
}

fn all_but_some() -> [Sight; 3] {
    [
        Sight::all_but("all but the primary", &[PRIMARY]),
        Sight::all_but("all but the backup", &[SECONDARY]),
        Sight::all_but("all but both", &[PRIMARY, SECONDARY]),
    ]
}

fn told(more: Vec<More>) -> Vec<String> {
    more.into_iter().map(|(_, _, told)| told).collect()
}

#[test]
fn a_callmanager_that_is_not_seen_adds_no_finding() {
    let sights = all_but_some();
    let more = each_scenario(|scenario| {
        let label = scenario.label();
        let alone = beyond(&plan(&[label], 8, 15, 7), label, &sights);
        let among = plan(&[label, "healthy"], 8, 20, 8);
        let among = beyond(&among, &format!("{label} among others"), &sights);
        told([alone, among].concat())
    });
    assert!(more.is_empty(), "{}", more.join("\n"));
}

/// All scenarios in one fleet, where each shows the sensor the servers that the others go to.
#[test]
fn a_callmanager_that_is_not_seen_adds_no_finding_in_a_mix() {
    let more = told(beyond(
        &plan(&everything(), 260, 20, 5),
        "a mix",
        &all_but_some(),
    ));
    assert!(more.is_empty(), "{}", more.join("\n"));
}

/// What phones send to a server is mirrored and what it sends is not, as where it answers by another way; other servers
/// are seen in both directions.
#[test]
fn a_server_whose_answers_are_not_seen_adds_no_finding() {
    let sights = [Sight::all_but_what_is_said_by(
        "all but the answers of DHCP, DNS and TFTP",
        &[SERVICES],
    )];
    // That nothing reaches the phone is all that is seen of it then.
    let is_the_same = |code: &str, is_one_way: bool| is_one_way && code == "tftp_no_answer";
    let phones_only =
        Sight::all_but("phones only", &[]).with(|view| view.one_way = Some(Side::Phones));
    let of_mix = [sights.clone(), [phones_only]].concat();
    let mut mix = beyond(&plan(&everything(), 260, 20, 5), "a mix", &of_mix);
    mix.retain(|(_, code, _)| !is_the_same(code, true));
    let more = each_scenario(|scenario| {
        let label = scenario.label();
        let plan = plan(&[label, "healthy"], 10, 20, 8);
        let mut more = beyond(&plan, label, &sights);
        more.retain(|(_, code, _)| !is_the_same(code, scenario == Scenario::TftpOneWay));
        told(more)
    });
    let all = [told(mix), more].concat();
    assert!(all.is_empty(), "{}", all.join("\n"));
}

/// Phones that fetch nothing because they cannot are told of all the same where only their own side is seen.
#[test]
fn a_phone_that_asks_on_is_told_of_though_the_server_is_not_seen() {
    for (scenario, code) in [
        ("tftp-silent", "tftp_no_answer"),
        ("tftp-one-way", "tftp_no_answer"),
        ("dhcp-silent", "dhcp_no_answer"),
        ("dhcp-no-ack", "dhcp_no_answer"),
    ] {
        let plan = plan(&[scenario, "healthy"], 10, 20, 8);
        let told = Sight::all_but_what_is_said_by("", &[SERVICES]).of(&plan).0;
        let is_told = told.keys().any(|(_, told)| *told == code);
        assert!(is_told, "{scenario}: {told:?}");
    }
}

/// More than one thing is hidden at once.
#[test]
fn several_things_that_hide_something_together_add_no_finding() {
    const NAT_ALL_BUT_PRIMARY: &str = "NAT, all but the primary";
    const PHONES_ALL_BUT_PRIMARY: &str = "phones only, all but the primary";
    let one_way = |side| move |view: &mut View| view.one_way = Some(side);
    let nat = |view: &mut View| view.nat = true;
    let sights = [
        Sight::all_but("from the middle", &[]).begun_at(130),
        Sight::all_but("all but the primary, from the middle", &[PRIMARY]).begun_at(300),
        Sight::all_but("behind a router, from the middle", &[])
            .with(|view| view.behind_router = true)
            .begun_at(300),
        Sight::all_but(PHONES_ALL_BUT_PRIMARY, &[PRIMARY]).with(one_way(Side::Phones)),
        Sight::all_but("servers only, all but the backup", &[SECONDARY])
            .with(one_way(Side::Servers)),
        Sight::all_but("servers only, from the middle", &[])
            .with(one_way(Side::Servers))
            .begun_at(300),
        Sight::all_but("copies behind a router, all but the backup", &[SECONDARY]).with(|view| {
            view.behind_router = true;
            view.copies = percent("40");
        }),
        Sight::all_but(NAT_ALL_BUT_PRIMARY, &[PRIMARY]).with(nat),
        Sight::all_but("NAT, all but the backup", &[SECONDARY]).with(nat),
    ];
    let more = each_scenario(|scenario| {
        let label = scenario.label();
        let mut more = beyond(&plan(&[label, "healthy"], 10, 20, 8), label, &sights);
        // The file that it asks for is all that tells who it is, or all that is seen of what it lacks.
        let is_the_same = |sight: &str, code: &str| match code {
            "tftp_config_missing" => {
                scenario == Scenario::ForeignConfig
                    || scenario == Scenario::AutoRegistered && sight == NAT_ALL_BUT_PRIMARY
            }
            "tftp_no_answer" => scenario == Scenario::TftpOneWay && sight == PHONES_ALL_BUT_PRIMARY,
            _ => false,
        };
        more.retain(|(sight, code, _)| !is_the_same(sight, code));
        told(more)
    });
    assert!(more.is_empty(), "{}", more.join("\n"));
}
