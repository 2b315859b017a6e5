//! When something is too often, too long or too many; and what the user does not want to hear of.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::finding::Severity;

/// The thresholds of the rules; each with its default from the documentation of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// This many phones that a server turns down, with nobody served in between, make it the server's fault.
    pub server_phones: u32,
    /// Sessions that a server closes within this time are closed at once; those of all its phones, and it is down.
    pub server_closes_within: Duration,
    /// A phone that no CallManager lets in for so long, since it last was registered, cannot connect.
    pub connect_patience: Duration,
    /// A Register that is not answered within this time is not answered at all.
    pub registration_answer: Duration,
    /// A boot, up to the registration, that takes longer is slow.
    pub registration_slow: Duration,
    /// A phone that registered for so long below a CallManager that it could have does not follow its list.
    pub out_of_order_after: Duration,
    /// The same, for a phone that lost that CallManager: it may wait for so long before it goes back.
    pub failback_within: Duration,
    /// This many registrations with the same CallManager, within `unstable_window`, make a registration unstable.
    pub unstable_registrations: u32,
    /// See `unstable_registrations`.
    pub unstable_window: Duration,
    /// Loss above this share of the frames, in thousandths, within a minute makes the mirror lossy.
    pub lossy_permille: u32,
    /// This many requests for a file, or lookups of a name, must stay without an answer before that is a fault.
    pub tries: u32,
    /// After a refusal a phone often asks for something else in its place: so long nothing is concluded from it.
    pub settle: Duration,
    /// A phone that goes no further for so long after a name was not found is stuck, whatever the name is for.
    pub stuck: Duration,
    /// This many DISCOVERs or REQUESTs without an answer are a fault.
    pub dhcp_unanswered: u32,
    /// Over this time at least.
    pub dhcp_unanswered_for: Duration,
    /// A phone that was given an address goes on to fetch its files within this time.
    pub dhcp_goes_on: Duration,
    /// A phone that was told its voice VLAN uses it within this time.
    pub voice_vlan_grace: Duration,
    /// This many passes of the boot chain that end without a registration make a loop.
    pub boot_loop_passes: u32,
    /// Within this time.
    pub boot_loop_window: Duration,
    /// A configured phone that was not seen for so long since the capture began is missing.
    pub inventory_missing_after: Duration,
    /// A registered connection is in trouble when so many of its segments were sent again, or announced that there is no
    /// room for more, within [`Self::tcp_trouble_window`].
    pub tcp_trouble_repeated: u32,
    /// And when these are at least this share of its segments, in thousandths.
    pub tcp_trouble_permille: u32,
    /// With fewer segments than this a share means nothing.
    pub tcp_trouble_segments: u32,
    /// Segments are counted over this time.
    pub tcp_trouble_window: Duration,
    /// Sessions of at least so many phones must end at one age before a firewall is suspected.
    pub firewall_phones: u32,
    /// And so many sessions in all.
    pub firewall_sessions: u32,
    /// Ages that differ by no more than this are one age.
    pub firewall_tolerance: Duration,
    /// With fewer connections than this nothing is said of the directions that the mirror shows.
    pub one_way_connections: u32,
    /// One direction alone of more than this share of the connections, in thousandths, makes the mirror one-way.
    pub one_way_permille: u32,
    /// More copies than this share of the frames, in thousandths, within a minute are worth telling.
    pub copies_permille: u32,
    /// What happened and is over, like a reset, is told for so long.
    pub tell_events: Duration,
    /// A device of which nothing was seen for so long is gone, and what held of it no longer does.
    pub forget_device: Duration,
    /// A finding that was cleared is kept for so long.
    pub keep_cleared: Duration,
    /// What the user changed about a finding, by its code.
    pub overrides: BTreeMap<&'static str, Override>,
}

/// What the user changed about one finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Override {
    /// It is never raised.
    Off,
    /// It matters this much.
    Severity(Severity),
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            server_phones: 3,
            server_closes_within: Duration::from_secs(10),
            connect_patience: Duration::from_secs(10),
            registration_answer: Duration::from_secs(15),
            registration_slow: Duration::from_secs(60),
            out_of_order_after: Duration::from_secs(10 * 60),
            failback_within: Duration::from_secs(60 * 60),
            unstable_registrations: 4,
            unstable_window: Duration::from_secs(20 * 60),
            lossy_permille: 5,
            tries: 2,
            settle: Duration::from_secs(10),
            stuck: Duration::from_secs(60),
            dhcp_unanswered: 3,
            dhcp_unanswered_for: Duration::from_secs(10),
            dhcp_goes_on: Duration::from_secs(10),
            voice_vlan_grace: Duration::from_secs(60),
            boot_loop_passes: 3,
            boot_loop_window: Duration::from_secs(15 * 60),
            inventory_missing_after: Duration::from_secs(24 * 60 * 60),
            tcp_trouble_repeated: 5,
            tcp_trouble_permille: 100,
            tcp_trouble_segments: 30,
            tcp_trouble_window: Duration::from_secs(5 * 60),
            firewall_phones: 3,
            firewall_sessions: 5,
            firewall_tolerance: Duration::from_secs(3),
            one_way_connections: 10,
            one_way_permille: 800,
            copies_permille: 200,
            tell_events: Duration::from_secs(15 * 60),
            forget_device: Duration::from_secs(60 * 60),
            keep_cleared: Duration::from_secs(24 * 60 * 60),
            overrides: BTreeMap::new(),
        }
    }
}

impl Thresholds {
    /// Whether the user has switched this finding off.
    pub fn is_off(&self, code: &str) -> bool {
        self.overrides.get(code) == Some(&Override::Off)
    }

    /// How much it matters, by the user's word where there is one.
    pub fn severity(&self, code: &str, otherwise: Severity) -> Severity {
        match self.overrides.get(code) {
            Some(Override::Severity(severity)) => *severity,
            Some(Override::Off) | None => otherwise,
        }
    }
}
