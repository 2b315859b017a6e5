//! One phone for people: what is known of it, and what was found.

use super::notes::{in_full, tally};
use super::prose::Prose;
use super::wording::{number, time};
use super::{DeviceEntry, FindingEntry, Style};
use crate::phone::{Device, DeviceId, Role};
use crate::snapshot::Snapshot;

impl DeviceEntry {
    /// The device that is called so: by its name, its hardware address or its network address.
    pub fn called(snapshot: &Snapshot, name: &str) -> Option<Self> {
        let id = Self::id_of(snapshot, name)?;
        let device = snapshot.devices.device(id)?;
        Some(Self::new(id, device, snapshot))
    }

    /// The place of the device that is called so.
    pub fn id_of(snapshot: &Snapshot, name: &str) -> Option<DeviceId> {
        let is_it = |device: &Device| {
            let bears =
                |known: Option<String>| known.is_some_and(|known| known.eq_ignore_ascii_case(name));
            bears(device.name.map(|it| it.to_string()))
                || bears(device.mac.map(|it| it.to_string()))
                || device.name.is_none() && bears(device.address.map(|it| it.to_string()))
        };
        let mut shown = snapshot.shown_with_places();
        shown.find(|(_, device)| is_it(device)).map(|(id, _)| id)
    }

    /// What is known of it, each with what it is called.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let count = |label, count: u64| {
            (
                label,
                if count == 0 {
                    String::new()
                } else {
                    number(count)
                },
            )
        };
        let registered = self.callmanager.map(|server| match self.role {
            Role::Unknown => server.to_string(),
            Role::Primary | Role::Secondary | Role::Tertiary | Role::Srst => {
                format!("{server} ({})", self.role.label())
            }
        });
        let port = self.link.as_ref().map(|link| {
            let parts = [&link.switch, &link.port].map(|part| part.clone().unwrap_or_default());
            parts.join(" ").trim().to_owned()
        });
        let facts = vec![
            ("Description", text(&self.description)),
            ("Directory number", text(&self.directory_number)),
            ("Device pool", text(&self.device_pool)),
            ("Site", text(&self.site)),
            ("Model", text(&self.model)),
            ("Load", text(&self.load)),
            ("Hardware address", text(&self.mac)),
            (
                "Address",
                self.address.map(|it| it.to_string()).unwrap_or_default(),
            ),
            (
                "Stage",
                format!("{}, since {}", self.stage.label(), time(self.stage_since)),
            ),
            ("Registered with", registered.unwrap_or_default()),
            (
                "Its CallManagers",
                self.callmanager_list.clone().unwrap_or_default().join(", "),
            ),
            ("Switch port", port.unwrap_or_default()),
            count("Registrations", self.registrations),
            count("Moves", self.moves),
            count("Rejects", self.rejects),
            count("Keepalive gaps", self.keepalive_gaps),
            count("DHCP requests", self.dhcp_requests),
            count("Connections refused", self.tcp_refused),
            count("Files not found", self.tftp_not_found),
            count("Boots", self.boots),
            ("Last reset", text(&self.last_reset_reason)),
            ("First seen", time(self.first_seen)),
            ("Last seen", time(self.last_seen)),
        ];
        facts
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }

    /// What to call it: the best that is known.
    pub fn label(&self) -> String {
        let label = self.name.clone().or_else(|| self.mac.clone());
        let address = || self.address.map(|address| address.to_string());
        label.or_else(address).unwrap_or_default()
    }

    /// All of it for people.
    pub fn text(&self, style: Style) -> String {
        let mut prose = Prose::new(style);
        prose.heading("", &self.label(), super::grid::Colour::Bold);
        let facts = self.facts();
        let widest = facts
            .iter()
            .map(|(label, _)| label.len())
            .max()
            .unwrap_or(0);
        for (label, value) in &facts {
            prose.paragraph(&format!("  {label:widest$}  "), value);
        }
        prose.gap();
        let findings: Vec<&FindingEntry> = self.findings.iter().collect();
        prose.paragraph("", &tally(&findings));
        in_full(&self.findings, &mut prose);
        prose.into_text()
    }
}
