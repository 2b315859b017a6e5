//! What the fate of a lookup or of a file says of the phone that asked, and of the server.

use std::net::IpAddr;

use super::world::World;
use crate::phone::dhcp::DhcpTracker;
use crate::phone::dns::{FailedName, NameAnswer, Purpose};
use crate::phone::files::{
    CorruptConfig, Elsewhere, FileSeen, Files, ForeignFile, LoadError, ServedLoad, Unanswered,
};
use crate::phone::service::ServiceKind;
use crate::phone::turned_down::Denial;
use crate::phone::{Device, DeviceId};
use crate::time::Timestamp;
use crate::wire::dhcp::TftpServer;
use crate::wire::icmp::UnreachableCode;
use crate::wire::sccp::ResetReason;
use crate::wire::tftp::FileKind;

/// A file that a phone asked for.
pub(super) struct Wanted<'a> {
    pub(super) file: &'a str,
    pub(super) kind: FileKind,
    pub(super) server: IpAddr,
    /// When it was first asked for in this transfer.
    pub(super) began: Timestamp,
}

impl Wanted<'_> {
    fn seen(&self, at: Timestamp) -> FileSeen {
        FileSeen {
            at,
            file: self.file.into(),
            server: self.server,
        }
    }
}

impl World {
    /// Changes what is known of a phone's troubles with its files; the record is made for it.
    fn files(&mut self, id: DeviceId, change: impl FnOnce(&mut Files)) {
        self.with(id, |device| change(device.files.get_or_insert_default()));
    }

    /// Takes something back, where there is a record; one that has nothing more to tell is given up.
    fn files_no_longer(&mut self, id: DeviceId, change: impl FnOnce(&mut Files)) {
        let has_record = self
            .devices
            .device(id)
            .is_some_and(|device| device.files.is_some());
        if !has_record {
            return;
        }
        self.with(id, |device| {
            if let Some(files) = &mut device.files {
                change(files);
                if files.is_empty() {
                    device.files = None;
                }
            }
        });
    }

    // --- files ---

    /// A phone asks for a file, for the first time in this transfer.
    pub(super) fn file_wanted(&mut self, id: DeviceId, client: IpAddr, wanted: &Wanted<'_>) {
        let at = wanted.began;
        let Some(device) = self
            .devices
            .device(id)
            .filter(|device| device.is_proven && device.looks_like_a_phone)
        else {
            return;
        };
        if let FileKind::PhoneConfig { name } = wanted.kind {
            if device.name == Some(name) {
                self.files_no_longer(id, |files| files.foreign = None);
            } else if let Some(found) = self.foreign(device, client, wanted) {
                self.files(id, |files| match &mut files.foreign {
                    Some(known) if known.first.file == found.first.file => known.last = at,
                    known => *known = Some(found),
                });
            }
        }
        self.check_server(id, client, wanted);
    }

    /// The file is the configuration of a phone that this one is not: by the hardware address of its own DHCP client,
    /// which no router on the way changes.
    fn foreign(&self, device: &Device, client: IpAddr, wanted: &Wanted<'_>) -> Option<ForeignFile> {
        let leased = self.current_lease(device, client, wanted.began)?;
        let own = device.mac?;
        let named = wanted.kind.mac()?;
        // A phone with two interfaces may ask DHCP with one and call itself after the other.
        if named == own || device.name?.mac()? != own {
            return None;
        }
        // Where the other phone is known to be on the wire itself, the address may have changed hands unseen.
        let other = self
            .devices
            .with_mac(named)
            .and_then(|id| self.devices.device(id));
        if other.is_some_and(|other| other.all_dhcp().next().is_some() || other.link.is_some()) {
            return None;
        }
        let digits = own
            .0
            .iter()
            .zip(named.0)
            .map(|(own, named)| {
                let differing = own ^ named;
                u32::from(differing & 0xF0 != 0) + u32::from(differing & 0x0F != 0)
            })
            .sum();
        Some(ForeignFile {
            first: wanted.seen(wanted.began),
            last: wanted.began,
            digits,
            leased,
        })
    }

    /// When DHCP gave the device this address, if it surely still has it.
    fn current_lease(&self, device: &Device, client: IpAddr, at: Timestamp) -> Option<Timestamp> {
        device.all_dhcp().find_map(|dhcp| {
            let lease = dhcp.lease.as_deref()?;
            let is_current = lease.address == client
                && dhcp.asking_since.is_none()
                && lease
                    .duration
                    .is_some_and(|duration| lease.at + duration > at)
                && self.sight.lost_nothing_since(lease.at);
            is_current.then_some(lease.at)
        })
    }

    /// Whether the phone asks a server that DHCP offered. Loads may lie elsewhere: the configuration can name a server
    /// for them.
    fn check_server(&mut self, id: DeviceId, client: IpAddr, wanted: &Wanted<'_>) {
        if !matches!(
            wanted.kind,
            FileKind::PhoneConfig { .. } | FileKind::DefaultConfig | FileKind::TrustList { .. }
        ) {
            return;
        }
        let Some(device) = self.devices.device(id) else {
            return;
        };
        let Some(leased) = self.current_lease(device, client, wanted.began) else {
            return;
        };
        // What a phone makes of an option that is wrong, nobody can tell.
        let is_wrong = |dhcp: &DhcpTracker| {
            let lease = dhcp.lease.as_deref();
            lease.is_some_and(|lease| lease.tftp.is_wrong())
        };
        if device.all_dhcp().any(is_wrong) {
            return;
        }
        // It may use what it was told by either version.
        let offered: Option<Box<[IpAddr]>> = device
            .all_dhcp()
            .flat_map(DhcpTracker::tftp_servers)
            .map(|server| match server {
                TftpServer::Address(address) => Some(address),
                TftpServer::Name(name) => self.address_of(&name),
            })
            .collect();
        // The server that was offered may have an address of the other version too, by which the phone asks it.
        let is_alike = |address: &IpAddr| address.is_ipv6() == wanted.server.is_ipv6();
        let Some(offered) = offered.filter(|offered| offered.iter().any(is_alike)) else {
            return;
        };
        if offered.contains(&wanted.server) {
            return self.files_no_longer(id, |files| files.elsewhere = None);
        }
        let first = wanted.seen(wanted.began);
        self.files(id, |files| match &mut files.elsewhere {
            Some(known) if known.first.server == first.server => known.last = first.at,
            known => {
                *known = Some(Elsewhere {
                    last: first.at,
                    first,
                    leased,
                    offered,
                });
            }
        });
    }

    /// A TFTP server answered, for the first time in this transfer and whatever it said.
    pub(super) fn file_answered(&mut self, id: Option<DeviceId>, server: IpAddr, at: Timestamp) {
        let Some(id) = id.filter(|&id| self.is_proven(id)) else {
            return;
        };
        self.service_served(ServiceKind::Tftp, server, at);
        self.quietly(id, |device| device.tftp.answered = Some(at));
        self.files_no_longer(id, |files| files.unanswered = None);
    }

    /// Nothing answered a request of a phone, though an answer would have been seen; or a router said why.
    pub(super) fn file_unanswered(
        &mut self,
        id: DeviceId,
        wanted: &Wanted<'_>,
        (tries, last): (u32, Timestamp),
        unreachable: Option<UnreachableCode>,
        (source, at): (u16, Timestamp),
    ) {
        let Some(device) = self.devices.device(id).filter(|device| device.is_proven) else {
            return;
        };
        // It asked another server meanwhile, and was answered.
        if device.tftp.answered >= Some(wanted.began) {
            return;
        }
        let is_shown = self.sight.sees_answers_of(source, wanted.server);
        self.files(id, |files| {
            files.note_unanswered(Unanswered {
                first: wanted.seen(wanted.began),
                last: wanted.seen(last),
                tries,
                unreachable,
                is_shown,
            });
        });
        let tries = self
            .devices
            .device(id)
            .and_then(|device| device.files.as_ref()?.unanswered.as_ref())
            .map_or(tries, |unanswered| unanswered.tries);
        let is_port_closed = unreachable == Some(UnreachableCode::Port);
        if tries < self.settings.thresholds.tries && unreachable.is_none() {
            return;
        }
        // The repetitions say that nothing reaches this phone; others may be answered.
        if unreachable.is_none() && !is_shown {
            return;
        }
        if let Some(service) = self.service(ServiceKind::Tftp, wanted.server) {
            if is_port_closed {
                service.port_closed.get_or_insert(at);
            }
            service
                .turned_down
                .get_or_insert_default()
                .add(id, Denial::NoAnswer, at);
        }
        self.site_changed(at);
    }

    /// The phone asked again, or fell silent, though the server had answered: `sent` times since that was last noted.
    pub(super) fn file_unheard(
        &mut self,
        id: DeviceId,
        wanted: &Wanted<'_>,
        (requests, sent): (u32, u32),
        at: Timestamp,
    ) {
        if self.is_proven(id) && self.sight.lost_nothing_since(wanted.began) {
            self.files(id, |files| {
                files.note_unheard(wanted.seen(wanted.began), at, requests, sent);
            });
        }
    }

    /// The phone acknowledged what a server sent.
    pub(super) fn file_heard(&mut self, id: DeviceId) {
        self.files_no_longer(id, |files| files.one_way = None);
    }

    /// The server does not have the file.
    pub(super) fn file_not_found(&mut self, id: DeviceId, wanted: &Wanted<'_>, at: Timestamp) {
        let Some(device) = self.devices.device(id).filter(|device| device.is_proven) else {
            return;
        };
        let seen = wanted.seen(at);
        match wanted.kind {
            FileKind::PhoneConfig { name } => {
                // It has one already: another form of it is not needed.
                let has_it = device.tftp.configured.is_some_and(|configured| {
                    at.since(configured) < self.settings.thresholds.stuck
                });
                if device.name == Some(name) && !has_it {
                    self.files(id, |files| files.note_refused(seen));
                }
            }
            FileKind::DefaultConfig => self.files_no_longer(id, |files| {
                if let Some(missing) = &mut files.missing {
                    missing.default_refused = Some(seen);
                }
            }),
            FileKind::Load => self.files(id, |files| files.note_missing_load(seen)),
            FileKind::DeviceConfig { .. }
            | FileKind::TrustList { .. }
            | FileKind::UniversalLoad
            | FileKind::SipConfig { .. }
            | FileKind::Ringlist
            | FileKind::Locale
            | FileKind::Other => {}
        }
    }

    /// The file was delivered whole.
    pub(super) fn file_served(
        &mut self,
        id: DeviceId,
        wanted: &Wanted<'_>,
        bytes: u64,
        at: Timestamp,
    ) {
        let seen = wanted.seen(at);
        match wanted.kind {
            FileKind::PhoneConfig { .. } => self.files_no_longer(id, |files| files.missing = None),
            FileKind::DefaultConfig => self.files_no_longer(id, |files| {
                if let Some(missing) = &mut files.missing {
                    missing.default_served = Some(seen);
                }
            }),
            FileKind::Load if self.is_proven(id) => self.files(id, |files| {
                files.missing_load = None;
                files.loaded = Some(ServedLoad {
                    took: at.since(wanted.began),
                    file: seen,
                    bytes,
                });
            }),
            FileKind::Load
            | FileKind::DeviceConfig { .. }
            | FileKind::TrustList { .. }
            | FileKind::UniversalLoad
            | FileKind::SipConfig { .. }
            | FileKind::Ringlist
            | FileKind::Locale
            | FileKind::Other => {}
        }
    }

    /// A configuration was read; `broken` says what is wrong with it, where anything is.
    pub(super) fn config_read(
        &mut self,
        id: DeviceId,
        wanted: &Wanted<'_>,
        bytes: usize,
        broken: Option<String>,
        at: Timestamp,
    ) {
        match broken {
            Some(what) => {
                let corrupt = CorruptConfig {
                    file: wanted.seen(at),
                    bytes,
                    what: what.into(),
                };
                self.files(id, |files| files.corrupt = Some(corrupt));
            }
            None => self.files_no_longer(id, |files| files.corrupt = None),
        }
    }

    /// A phone says why it restarted: for its load, or for something else.
    pub(super) fn restarted_for_its_load(
        &mut self,
        id: DeviceId,
        reason: &ResetReason,
        at: Timestamp,
    ) {
        let is_load_error = matches!(
            reason.label(),
            "load_rejected"
                | "tftp_size_error"
                | "load_compressor_error"
                | "load_version_error"
                | "disk_full"
                | "rom_checksum_error"
                | "file_not_found"
        );
        if is_load_error {
            let text = match reason.meaning() {
                Some(meaning) => format!("{reason}. {meaning}"),
                None => reason.to_string(),
            };
            let error = LoadError {
                at,
                text: text.into(),
            };
            self.files(id, |files| files.load_error = Some(error));
        } else {
            self.files_no_longer(id, |files| files.load_error = None);
        }
    }

    // --- names ---

    /// A phone asked for the address of a name and got none.
    pub(super) fn name_failed(
        &mut self,
        id: DeviceId,
        (name, server): (&str, IpAddr),
        answer: NameAnswer,
        (first, tries): (Timestamp, u32),
        at: Timestamp,
    ) {
        let Some(device) = self.devices.device(id) else {
            return;
        };
        let is_a_server = Purpose::of(device, name) != Purpose::Unknown;
        // A registered phone asks for the names of its services, of a time server and the like.
        if !is_a_server && device.registration.current.is_some() {
            return;
        }
        self.files(id, |files| {
            files.note_failed_name(FailedName {
                name: name.into(),
                server,
                answer,
                first,
                last: at,
                tries,
            });
        });
        let tries = self
            .devices
            .device(id)
            .and_then(|device| device.files.as_ref())
            .and_then(|files| {
                files
                    .failed_names
                    .iter()
                    .find(|failed| &*failed.name == name)
            })
            .map_or(tries, |failed| failed.tries);
        let is_proven_enough =
            answer != NameAnswer::NoAnswer || tries >= self.settings.thresholds.tries;
        if is_a_server && is_proven_enough {
            if let Some(service) = self.service(ServiceKind::Dns, server) {
                service
                    .turned_down
                    .get_or_insert_default()
                    .add(id, Denial::NoAnswer, at);
            }
            self.site_changed(at);
        }
    }

    /// A phone got the address of a name.
    pub(super) fn name_found(&mut self, id: DeviceId, name: &str, server: IpAddr, at: Timestamp) {
        self.files_no_longer(id, |files| files.note_found_name(name));
        let is_a_server = self
            .devices
            .device(id)
            .is_some_and(|device| Purpose::of(device, name) != Purpose::Unknown);
        if is_a_server {
            self.service_served(ServiceKind::Dns, server, at);
        }
    }
}
