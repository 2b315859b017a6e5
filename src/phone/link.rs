//! What a phone and its switch tell each other about the port (CDP, LLDP-MED), and who else claims the phone's address.

use std::time::Duration;

use super::claims::Claims;
use crate::time::Timestamp;

/// The port that a phone is on.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct LinkFacts {
    /// The switch's name, where the phone's XML alarm or the switch itself told it.
    pub switch: Option<Box<str>>,
    /// The switch's port.
    pub port: Option<Box<str>>,
    /// The voice VLAN that the switch gave.
    pub voice_vlan: Option<u16>,
    /// The innermost VLAN tag of the phone's own frames, where they were seen on its own segment.
    pub tag: Option<u16>,
    /// When the phone last spoke CDP or LLDP.
    pub heard: Option<Timestamp>,
    /// Which VLANs it was told and uses, where its own segment is seen.
    pub vlans: Option<Box<Vlans>>,
    /// Who else claims its address, where anybody does.
    pub claims: Option<Box<Claims>>,
}

/// The VLAN that a phone should use for voice and the one in which it asks for its address.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Vlans {
    /// The capture source that shows the phone's own port.
    pub source: u16,
    /// How many tags the phone's CDP or LLDP carries there. A phone sends them without a tag, so the mirror put these on.
    pub added_tags: usize,
    /// The voice VLAN that it was told.
    pub told: Option<Told>,
    /// How its DHCP goes out.
    pub dhcp: Option<Used>,
}

/// A voice VLAN as it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Told {
    /// The VLAN.
    pub vlan: u16,
    /// Since when it is told.
    pub since: Timestamp,
    /// Who tells it.
    pub by: Teller,
}

/// Who tells of a voice VLAN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Teller {
    /// The switch, by CDP.
    SwitchCdp,
    /// The switch, by the voice policy of LLDP-MED.
    SwitchLldp,
    /// The phone itself, by the voice policy of LLDP-MED.
    PhoneLldp,
}

/// The VLAN in which a phone sends its DHCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Used {
    /// The VLAN of its tag; `None` without one.
    pub vlan: Option<u16>,
    /// Since when.
    pub first: Timestamp,
    /// Until when.
    pub last: Timestamp,
}

/// The phones and the switch port that one capture source shows by CDP and LLDP: an access port shows one of each.
#[derive(Clone, Debug)]
pub struct Segment<Id> {
    /// Since when it is followed.
    began: Option<Timestamp>,
    phones: Vec<(Id, Timestamp)>,
    /// The switch ports, by what they call themselves; CDP and LLDP may do so in other words.
    ports: Vec<((Teller, String), Timestamp)>,
}

impl<Id> Default for Segment<Id> {
    fn default() -> Self {
        Self {
            began: None,
            phones: Vec::new(),
            ports: Vec::new(),
        }
    }
}

impl Vlans {
    /// The phone sent DHCP with these tags, the outermost first.
    pub fn dhcp_sent(&mut self, tags: &[u16], at: Timestamp) {
        let vlan = tags
            .iter()
            .skip(self.added_tags)
            .rev()
            .copied()
            .find(|&id| id != 0);
        match &mut self.dhcp {
            Some(used) if used.vlan == vlan => used.last = at,
            used => {
                *used = Some(Used {
                    vlan,
                    first: at,
                    last: at,
                });
            }
        }
    }

    /// The phone is told this VLAN.
    pub fn told(&mut self, vlan: u16, by: Teller, at: Timestamp) {
        if self.told.is_none_or(|told| told.vlan != vlan) {
            self.told = Some(Told {
                vlan,
                since: at,
                by,
            });
        }
    }
}

impl Teller {
    /// For a sentence: `the switch (CDP)`.
    pub const fn words(self) -> &'static str {
        match self {
            Self::SwitchCdp => "the switch (CDP)",
            Self::SwitchLldp => "the switch (LLDP-MED)",
            Self::PhoneLldp => "the phone (LLDP-MED)",
        }
    }
}

impl<Id: Copy + PartialEq> Segment<Id> {
    /// CDP and LLDP that were not repeated for so long no longer hold.
    const AGE: Duration = Duration::from_secs(180);

    /// From two on it is no access port, so more are not told apart.
    const MOST: usize = 4;

    /// A phone spoke.
    pub fn phone(&mut self, phone: Id, at: Timestamp) {
        self.began.get_or_insert(at);
        note(&mut self.phones, phone, at, Self::AGE, Self::MOST);
    }

    /// A switch port spoke.
    pub fn port(&mut self, by: Teller, port: String, at: Timestamp) {
        self.began.get_or_insert(at);
        note(&mut self.ports, (by, port), at, Self::AGE, Self::MOST);
    }

    /// The phone to which the switch speaks: the only one, and there is only one switch port. That shows once everyone
    /// has had the time to speak.
    pub fn only_phone(&self, now: Timestamp) -> Option<Id> {
        let recent = |at: Timestamp| now.since(at) < Self::AGE;
        let ports = |teller| {
            let told = |(by, _): &(Teller, String)| *by == teller;
            self.ports
                .iter()
                .filter(|(port, at)| told(port) && recent(*at))
                .count()
        };
        let is_one_port = ports(Teller::SwitchCdp) <= 1 && ports(Teller::SwitchLldp) <= 1;
        let mut phones = self.phones.iter().filter(|(_, at)| recent(*at));
        let only = phones.next().map(|(phone, _)| *phone);
        let is_known = self.began.is_some_and(|began| !recent(began));
        only.filter(|_| is_known && is_one_port && phones.next().is_none())
    }
}

fn note<T: PartialEq>(
    all: &mut Vec<(T, Timestamp)>,
    one: T,
    at: Timestamp,
    age: Duration,
    most: usize,
) {
    all.retain(|(known, seen)| *known != one && at.since(*seen) < age);
    if all.len() >= most {
        all.remove(0);
    }
    all.push((one, at));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_access_port_ties_the_switch_to_a_phone() {
        let at = Timestamp::from_secs;
        let mut segment = Segment::default();
        let port = |segment: &mut Segment<u8>, name: &str, time| {
            segment.port(Teller::SwitchCdp, String::from(name), time);
        };
        port(&mut segment, "sw Fa0/1", at(0));
        segment.phone(1, at(1));
        assert_eq!(segment.only_phone(at(2)), None, "too early to tell");
        segment.phone(1, at(170));
        port(&mut segment, "sw Fa0/1", at(180));
        assert_eq!(segment.only_phone(at(180)), Some(1));
        segment.phone(2, at(240));
        assert_eq!(segment.only_phone(at(241)), None, "two phones");
        assert_eq!(
            segment.only_phone(at(360)),
            Some(2),
            "the first one is gone"
        );
        port(&mut segment, "sw Fa0/2", at(370));
        port(&mut segment, "sw Fa0/1", at(371));
        assert_eq!(segment.only_phone(at(372)), None, "two ports");
    }

    #[test]
    fn tags_that_the_mirror_adds_are_none_of_the_phone() {
        let at = Timestamp::from_secs(5);
        for (added, tags, vlan) in [
            (0, &[][..], None),
            (0, &[110][..], Some(110)),
            (0, &[0][..], None),
            (1, &[900][..], None),
            (1, &[900, 110][..], Some(110)),
        ] {
            let mut vlans = Vlans {
                added_tags: added,
                ..Vlans::default()
            };
            vlans.dhcp_sent(tags, at);
            assert_eq!(vlans.dhcp.map(|used| used.vlan), Some(vlan), "{tags:?}");
        }
    }
}
