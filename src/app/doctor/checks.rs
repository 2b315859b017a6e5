//! What follows from what was seen, and what to do about it.

use serde::Serialize;

use super::Place;
use super::census::{Census, Sides};
use crate::phone::Stage;
use crate::record::LossPlace;
use crate::snapshot::Snapshot;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// What was looked at.
    #[serde(rename = "check")]
    pub(super) name: &'static str,
    /// How it is.
    pub(super) state: State,
    /// What was seen.
    pub(super) text: String,
    /// What to do.
    pub(super) advice: Vec<String>,
}

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// As it should be.
    Good,
    /// Worth knowing, and no fault.
    Note,
    /// It is not as it should be.
    Missing,
}

impl State {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Missing => "MISSING",
        }
    }
}

fn good(name: &'static str, text: impl Into<String>) -> Check {
    Check {
        name,
        state: State::Good,
        text: text.into(),
        advice: Vec::new(),
    }
}

fn note(name: &'static str, text: impl Into<String>) -> Check {
    Check {
        state: State::Note,
        ..good(name, text)
    }
}

fn missing(name: &'static str, text: impl Into<String>, advice: &[&str]) -> Check {
    Check {
        state: State::Missing,
        advice: advice.iter().map(ToString::to_string).collect(),
        ..good(name, text)
    }
}

/// Everything, in the order in which it is put right: what stands further down may be missing because of what stands
/// above.
pub(super) fn all(census: &Census, snapshot: &Snapshot, place: &Place, seconds: f64) -> Vec<Check> {
    let mut checks = links(place);
    checks.push(frames(census, place, seconds));
    if census.frames == 0 {
        return checks;
    }
    checks.extend([
        loss(snapshot),
        lengths(census, place),
        offloads(census, place),
        tunnels(census, place),
        vlans(census),
        copies(snapshot),
        callmanagers(census),
    ]);
    checks.extend(directions(census));
    checks.push(phones(snapshot));
    checks.push(boots(census));
    checks
}

fn links(place: &Place) -> Vec<Check> {
    let links = place
        .interfaces
        .iter()
        .map(|interface| match interface.state.as_str() {
            "up" | "unknown" => good("link", format!("{} is up", interface.name)),
            state => Check {
                advice: vec![
                    format!("Bring it up: ip link set {} up", interface.name),
                    "Is the cable in, and the switch's destination port not shut down?".to_owned(),
                ],
                ..missing("link", format!("{} is {state}", interface.name), &[])
            },
        });
    links.collect()
}

#[expect(clippy::cast_precision_loss, reason = "a rate is for people")]
fn frames(census: &Census, place: &Place, seconds: f64) -> Check {
    if census.frames == 0 {
        let advice: &[&str] = if place.interfaces.is_empty() {
            &[
                "Was it written on the mirror port's interface? Without a filter, tcpdump keeps everything.",
            ]
        } else {
            &[
                "On the switch: show monitor session all. Is the session up, and is this host at its destination port?",
                "tcpdump -i IF -c 10 shows whether anything arrives at all: phonewatch does not take voice.",
            ]
        };
        return missing("frames", "none arrived that phonewatch reads", advice);
    }
    let rate = census.frames as f64 / seconds.max(0.001);
    good("frames", format!("{} ({rate:.0} a second)", census.frames))
}

fn loss(snapshot: &Snapshot) -> Check {
    let totals = &snapshot.totals;
    let lost: u64 = totals.lost.iter().sum();
    if lost == 0 && totals.blind == 0 {
        return good("loss", "no frame is known to be lost");
    }
    let places: Vec<String> = LossPlace::ALL
        .iter()
        .zip(totals.lost)
        .filter(|(_, lost)| *lost > 0)
        .map(|(place, lost)| format!("{lost} in the {}", place.label()))
        .collect();
    let text = if places.is_empty() {
        "the interface was down for a while".to_owned()
    } else {
        format!("frames were lost: {}", places.join(", "))
    };
    missing(
        "loss",
        text,
        &[
            "kernel: raise capture.kernel_buffer. ring: raise capture.ring, or the host is too slow.",
            "interface: the card drops; mirror fewer ports, or raise its ring: ethtool -G IF rx 4096",
        ],
    )
}

fn lengths(census: &Census, place: &Place) -> Check {
    if census.truncated == 0 {
        return good("lengths", "every frame is whole");
    }
    let advice = if place.interfaces.is_empty() {
        "Write the capture with whole frames: tcpdump -s 0".to_owned()
    } else {
        format!("Raise capture.snaplen, which is {}.", place.snaplen)
    };
    Check {
        advice: vec![advice],
        ..missing(
            "lengths",
            format!("{} frames are cut", census.truncated),
            &[],
        )
    }
}

fn offloads(census: &Census, place: &Place) -> Check {
    if census.merged == 0 {
        return good(
            "offloads",
            format!(
                "no frame is longer than a switch sends them (the longest has {} bytes)",
                census.longest
            ),
        );
    }
    let name = place
        .interfaces
        .first()
        .map_or("IF", |interface| interface.name.as_str());
    Check {
        advice: vec![
            format!(
                "Switch off on the capturing host what joins them: ethtool -K {name} gro off lro off"
            ),
            "Where your network carries jumbo frames, this is no fault.".to_owned(),
        ],
        ..missing(
            "offloads",
            format!(
                "{} frames are longer than a switch sends them, up to {} bytes: they were joined",
                census.merged, census.longest
            ),
            &[],
        )
    }
}

fn tunnels(census: &Census, place: &Place) -> Check {
    if census.tunnels.is_empty() {
        return note("tunnels", "none: frames come as they are");
    }
    let kinds: Vec<String> = census
        .tunnels
        .iter()
        .map(|(kind, frames)| format!("{frames} frames in {kind}"))
        .collect();
    let text = kinds.join(", ");
    if place.tunnels {
        good("tunnels", text)
    } else {
        missing(
            "tunnels",
            format!("{text}, which are not opened"),
            &["Set capture.tunnels = true."],
        )
    }
}

fn vlans(census: &Census) -> Check {
    if census.tagged == 0 {
        return note(
            "tags",
            "no frame has a VLAN tag: the voice VLAN cannot be compared with CDP's",
        );
    }
    let names: Vec<String> = census
        .vlans
        .iter()
        .take(8)
        .map(ToString::to_string)
        .collect();
    let more = if census.vlans.len() > names.len() {
        " ..."
    } else {
        ""
    };
    good(
        "tags",
        format!(
            "{} frames with VLAN {}{more}",
            census.tagged,
            names.join(", ")
        ),
    )
}

fn copies(snapshot: &Snapshot) -> Check {
    let totals = &snapshot.totals;
    if totals.duplicates == 0 {
        return good("copies", "no frame comes twice");
    }
    let percent = totals.duplicates.saturating_mul(100) / totals.frames.max(1);
    note(
        "copies",
        format!(
            "{percent} % of the frames are copies, which are counted once; mirroring fewer ports spares them"
        ),
    )
}

fn callmanagers(census: &Census) -> Check {
    if census.servers.is_empty() {
        return missing(
            "CallManagers",
            "no segment to or from an SCCP port",
            &[
                "Mirror the switch ports of the CallManagers, or their VLAN, and not only those of phones.",
                "If the phones register on another port than 2000 and 2443, name it as sccp.ports.",
                "A registered phone speaks every 30 s: look for a minute (--seconds 60).",
            ],
        );
    }
    let addresses: Vec<String> = census.servers.keys().map(ToString::to_string).collect();
    good("CallManagers", addresses.join(", "))
}

fn directions(census: &Census) -> Vec<Check> {
    const ADVICE: [&str; 3] = [
        "Mirror both directions: monitor session 1 source interface PORT both",
        "Do requests and answers take different ways? Mirror the port of the CallManager itself, where both pass.",
        "Or the other side really is silent: the server is down, or not there any more.",
    ];
    let of = |is_kind: fn(&Sides) -> bool| {
        let servers = census.servers.iter().filter(|(_, sides)| is_kind(sides));
        let names: Vec<String> = servers.map(|(server, _)| server.to_string()).collect();
        names.join(", ")
    };
    let both = of(|sides| sides.from_phones > 0 && sides.from_server > 0);
    let mut checks = Vec::new();
    if !both.is_empty() {
        checks.push(good("directions", format!("{both}: both are seen")));
    }
    for (servers, hidden) in [
        (
            of(|sides| sides.from_server == 0),
            "nothing that it answers",
        ),
        (
            of(|sides| sides.from_phones == 0),
            "nothing that phones say to it",
        ),
    ] {
        if !servers.is_empty() {
            checks.push(missing(
                "directions",
                format!("{servers}: {hidden} is seen"),
                &ADVICE,
            ));
        }
    }
    checks
}

fn phones(snapshot: &Snapshot) -> Check {
    let phones = snapshot.shown().filter(|device| device.is_phone()).count();
    let registered = snapshot
        .shown()
        .filter(|device| device.stage == Stage::Registered)
        .count();
    if phones == 0 && registered == 0 {
        return missing(
            "phones",
            "none was recognised",
            &[
                "A phone is known by what it says when it registers or boots, or by its keepalives and their answers.",
                "A registered phone speaks every 30 s: look for a minute or two (--seconds 120).",
            ],
        );
    }
    good(
        "phones",
        format!("{phones} seen, {registered} devices registered"),
    )
}

fn boots(census: &Census) -> Check {
    let seen = [
        ("DHCP", census.dhcp),
        ("DNS", census.dns),
        ("TFTP", census.tftp),
        ("CDP or LLDP", census.neighbours),
    ];
    let names = |is_seen: bool| {
        let names: Vec<&str> = seen
            .iter()
            .filter(|(_, frames)| (*frames > 0) == is_seen)
            .map(|(name, _)| *name)
            .collect();
        names.join(", ")
    };
    let absent = names(false);
    if absent.is_empty() {
        return good("boots", format!("{} are seen", names(true)));
    }
    // Phones that are up ask for nothing, so this is no fault.
    note(
        "boots",
        format!(
            "not seen: {absent}. If a phone that you restart now does not change that, mirror those servers too (CDP and \
             LLDP are seen on mirrors of the phones' own ports only)"
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::IpAddr;

    use super::super::Interface;
    use super::*;
    use crate::record::{Frame, LinkType};
    use crate::snapshot::Totals;
    use crate::time::Timestamp;

    /// What is missing, phones aside.
    fn faults(census: &Census, snapshot: &Snapshot, link: &str) -> Vec<&'static str> {
        let place = Place {
            interfaces: vec![Interface {
                name: "eth1".to_owned(),
                state: link.to_owned(),
            }],
            tunnels: false,
            snaplen: 4096,
        };
        let checks = all(census, snapshot, &place, 30.0);
        for check in &checks {
            assert_eq!(
                check.state == State::Missing,
                !check.advice.is_empty(),
                "{check:?}"
            );
        }
        checks
            .iter()
            .filter(|check| check.state == State::Missing && check.name != "phones")
            .map(|check| check.name)
            .collect()
    }

    /// A frame of this length, and a server that speaks with phones.
    fn census(original_length: u32) -> Census {
        let mut census = Census::new(BTreeSet::from([2000]), 69);
        census.frame(&Frame {
            at: Timestamp::EPOCH,
            link: LinkType::Ethernet,
            source: 0,
            original_length,
            bytes: &[0; 60],
        });
        census.servers.insert(
            server(1),
            Sides {
                from_phones: 5,
                from_server: 5,
            },
        );
        census
    }

    fn server(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[test]
    fn without_frames_nothing_else_is_asked_for() {
        let (nothing, snapshot) = (Census::default(), Snapshot::default());
        assert_eq!(faults(&nothing, &snapshot, "up"), ["frames"]);
        assert_eq!(faults(&nothing, &snapshot, "down"), ["link", "frames"]);
    }

    #[test]
    fn what_is_done_to_frames_is_told() {
        let snapshot = Snapshot::default();
        for (length, expected) in [
            (60, &[][..]),
            (1518, &["lengths"]),
            (2960, &["lengths", "offloads"]),
        ] {
            assert_eq!(
                faults(&census(length), &snapshot, "up"),
                expected,
                "{length}"
            );
        }
        let mut tunnelled = census(60);
        tunnelled.tunnels.insert("GRE", 1);
        assert_eq!(faults(&tunnelled, &snapshot, "up"), ["tunnels"]);
    }

    #[test]
    fn losses_and_hidden_sides_are_told() {
        let mut census = census(60);
        census.servers.insert(
            server(2),
            Sides {
                from_phones: 5,
                from_server: 0,
            },
        );
        census.servers.insert(
            server(3),
            Sides {
                from_phones: 0,
                from_server: 5,
            },
        );
        let lost = Snapshot {
            totals: Totals {
                lost: [3, 0, 0],
                ..Totals::default()
            },
            ..Snapshot::default()
        };
        assert_eq!(
            faults(&census, &lost, "up"),
            ["loss", "directions", "directions"]
        );
        census.servers.clear();
        assert_eq!(
            faults(&census, &Snapshot::default(), "up"),
            ["CallManagers"]
        );
    }
}
