//! Cases of the diagnosis: for every finding at least one scene that raises it, and its nearest harmless look-alike.

mod boot;
mod config;
mod connecting;
mod dhcp;
mod dhcpv6;
mod dns;
mod files;
mod inventory;
mod keepalive;
mod link;
mod quality;
mod registration;
mod reset;
mod sensor;
mod server;
mod tftp;
mod unseen;

use phonewatch::engine::Settings;
use phonewatch::time::Timestamp;

use super::scene::{Scene, background};
use super::trial::{Entry, Outcome, run};

/// One scene and what is to be concluded from it.
pub(crate) struct Case {
    /// The finding that is at stake.
    pub(crate) code: &'static str,
    /// What happens, in a few words.
    pub(crate) name: &'static str,
    expected: Expected,
    /// Whether it is raised as a mere fact, whatever the catalogue says.
    pub(crate) is_info: bool,
    /// Other findings that rightly come with it.
    pub(crate) besides: &'static [&'static str],
    /// Whether it means something else once a frame of it is missing, or another phone is there.
    is_whole_only: bool,
    pub(crate) settings: Settings,
    pub(crate) entries: Vec<Entry>,
    pub(crate) until: Timestamp,
}

/// What becomes of the finding.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// It is never raised.
    Nothing,
    /// It is raised and cleared.
    IsOver,
    /// It is raised and holds at the end.
    Holds,
}

impl Case {
    /// Whether the finding is raised, at any time of the scene.
    pub(crate) fn raises(&self) -> bool {
        self.expected != Expected::Nothing
    }

    /// Whether it still holds at the end.
    pub(crate) fn holds(&self) -> bool {
        self.expected == Expected::Holds
    }

    fn new(code: &'static str, name: &'static str, scene: &Scene, expected: Expected) -> Self {
        let mut entries = scene.entries.clone();
        // Others talk on the wire, so that the sensor is known to be alive: only then is silence a fact.
        entries.extend(background(Scene::BEGIN, scene.now()));
        entries.sort_by_key(Entry::at);
        Self {
            code,
            name,
            expected,
            is_info: false,
            besides: &[],
            is_whole_only: false,
            settings: Settings::default(),
            entries,
            until: scene.now(),
        }
    }

    /// The finding is raised and holds at the end.
    pub(crate) fn raised(code: &'static str, name: &'static str, scene: &Scene) -> Self {
        Self::new(code, name, scene, Expected::Holds)
    }

    /// The finding is raised, and cleared before the end.
    pub(crate) fn cleared(code: &'static str, name: &'static str, scene: &Scene) -> Self {
        Self::new(code, name, scene, Expected::IsOver)
    }

    /// The finding is not raised, nor any other warning.
    pub(crate) fn harmless(code: &'static str, name: &'static str, scene: &Scene) -> Self {
        Self::new(code, name, scene, Expected::Nothing)
    }

    /// Nobody suffers from it here: it is never raised as more than a fact.
    pub(crate) fn only_info(self) -> Self {
        Self {
            is_info: true,
            ..self
        }
    }

    /// These come with it.
    pub(crate) fn besides(self, besides: &'static [&'static str]) -> Self {
        Self { besides, ..self }
    }

    /// With other records than those of its scene: a capture that lost some, or joined late.
    pub(crate) fn seen_as(mut self, change: impl FnOnce(Vec<Entry>) -> Vec<Entry>) -> Self {
        self.entries = change(self.entries);
        self
    }

    /// It means something else once a frame of it is missing, or another phone is there.
    pub(crate) fn whole_only(self) -> Self {
        Self {
            is_whole_only: true,
            ..self
        }
    }

    /// With these settings.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Whether it may be changed in ways that mean nothing, and seen in part.
    pub(crate) fn may_be_changed(&self) -> bool {
        !self.is_whole_only && self.settings == Settings::default()
    }

    pub(crate) fn run(&self) -> Outcome {
        run(self.settings.clone(), &self.entries, Some(self.until))
    }
}

/// Every case.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(dns::cases());
    cases.extend(tftp::cases());
    cases.extend(files::cases());
    cases.extend(config::cases());
    cases.extend(link::cases());
    cases.extend(dhcp::cases());
    cases.extend(dhcpv6::cases());
    cases.extend(boot::cases());
    cases.extend(connecting::cases());
    cases.extend(inventory::cases());
    cases.extend(keepalive::cases());
    cases.extend(quality::cases());
    cases.extend(registration::cases());
    cases.extend(reset::cases());
    cases.extend(sensor::cases());
    cases.extend(server::cases());
    cases.extend(unseen::cases());
    cases
}
