//! What everyone but the engine reads: an immutable picture of everything it knows.
//!
//! A snapshot shares its records with the engine; only what changed since the one before was copied.

use std::sync::Arc;

use crate::finding::{Finding, Subject};
use crate::inventory::Inventory;
use crate::phone::histogram::Histogram;
use crate::phone::tally::Tally;
use crate::phone::{CallManager, Device, DeviceId, Pulse};
use crate::record::LossPlace;
use crate::site::Sites;
use crate::time::Timestamp;

/// Everything the engine knows at one time.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The time of the last input.
    pub at: Timestamp,
    /// Every device, proven or not.
    pub devices: DeviceTable,
    /// Every CallManager, in the order of their addresses.
    pub callmanagers: Vec<Arc<CallManager>>,
    /// What was concluded about servers and the sensor, and what no longer holds of it.
    pub findings: Vec<(Subject, Arc<Finding>)>,
    /// The phones that should be there, where the user named a list of them.
    pub inventory: Option<Arc<Inventory>>,
    /// The places where devices stand.
    pub sites: Arc<Sites>,
    /// The sums over everything.
    pub totals: Totals,
}

impl Snapshot {
    /// Where a device stands, if its site is known.
    pub fn site(&self, device: &Device) -> Option<&str> {
        let listed = device
            .name
            .and_then(|name| self.inventory.as_deref()?.of(name));
        let device_pool = listed.and_then(|listed| listed.device_pool.as_deref());
        self.sites.of(device.address, device_pool)
    }

    /// The devices to show: those that anything proves to be SCCP endpoints or phones.
    pub fn shown(&self) -> impl Iterator<Item = &Arc<Device>> {
        self.shown_with_places().map(|(_, device)| device)
    }

    /// The same, with their places.
    pub fn shown_with_places(&self) -> impl Iterator<Item = (DeviceId, &Arc<Device>)> {
        self.devices.iter().filter(|(_, device)| device.is_proven)
    }
}

/// Sums that only grow, and gauges of the engine itself.
#[derive(Clone, Debug)]
pub struct Totals {
    /// Frames that reached the engine, copies included.
    pub frames: u64,
    /// Their captured bytes.
    pub bytes: u64,
    /// The time of the first frame.
    pub first: Option<Timestamp>,
    /// The latest time of a frame.
    pub last: Option<Timestamp>,
    /// Frames lost, by place.
    pub lost: [u64; LossPlace::ALL.len()],
    /// How often the sensor could not tell how many frames it missed.
    pub blind: u64,
    /// How often the clock that stamps frames was set, or the machine stood still, as far as the source could tell.
    pub clock_steps: u64,
    /// Copies that the mirror made.
    pub duplicates: u64,
    /// Frames cut by the capture's snap length.
    pub truncated: u64,
    /// Payloads that could not be read, by protocol and reason (`truncated`, `malformed`).
    pub decode_errors: Vec<(&'static str, Tally)>,
    /// Places in TCP streams where bytes are missing.
    pub stream_gaps: u64,
    /// SCCP messages read, by name of the message.
    pub sccp_messages: Tally,
    /// DHCP messages of clients by type (`discover`, `request` ...); a relayed copy is not counted again.
    pub dhcp_requests: Tally,
    /// DHCP messages of servers by type (`offer`, `ack`, `nak`); a relayed copy is not counted again.
    pub dhcp_replies: Tally,
    /// TFTP transfers by server and result (`completed`, `not_found`, `error`, `no_answer`, `aborted`).
    pub tftp_transfers: Vec<(std::net::IpAddr, Tally)>,
    /// Names that phones looked up, by result.
    pub dns_lookups: Tally,
    /// Why sessions ended, as the phones say it, by reason.
    pub reset_reasons: Tally,
    /// How long the stages of boots took, by stage.
    pub boot_stages: Vec<(&'static str, Histogram)>,
    /// How often each finding was raised, by its code.
    pub findings_raised: Tally,
    /// Entries held now, by what.
    pub tracked: Tally,
    /// Entries given up for want of room, by what.
    pub evicted: Tally,
}

impl Default for Totals {
    fn default() -> Self {
        Self {
            frames: 0,
            bytes: 0,
            first: None,
            last: None,
            lost: [0; LossPlace::ALL.len()],
            blind: 0,
            clock_steps: 0,
            duplicates: 0,
            truncated: 0,
            decode_errors: ["cdp", "dhcp", "dns", "lldp", "packet", "sccp", "tftp"]
                .map(|protocol| (protocol, Tally::default()))
                .into(),
            stream_gaps: 0,
            sccp_messages: Tally::default(),
            dhcp_requests: Tally::default(),
            dhcp_replies: Tally::default(),
            tftp_transfers: Vec::new(),
            dns_lookups: Tally::default(),
            reset_reasons: Tally::default(),
            boot_stages: ["dhcp", "dns", "tftp", "connecting", "registering", "total"]
                .map(|stage| (stage, Histogram::new(Histogram::BOOT_BOUNDS)))
                .into(),
            findings_raised: Tally::default(),
            tracked: Tally::default(),
            evicted: Tally::default(),
        }
    }
}

/// How many places one leaf has, and how many leaves one branch. A change copies the pointers of one leaf and of one
/// branch, so both are small: each pointer that is copied is counted at the record it points to, far from the others.
const LEAF: usize = 8;
const BRANCH: usize = 8;

/// How many places one branch has.
const PART: u32 = 64;

const _: () = assert!(PART as usize == BRANCH * LEAF);

/// Devices by their place, shared with the engine and copied on write: a snapshot copies one pointer for each branch.
#[derive(Clone, Debug, Default)]
pub struct DeviceTable {
    branches: Vec<Arc<Branch>>,
    /// Of the same places, as many to a part as a branch has.
    pulses: Vec<Arc<Pulses>>,
    length: usize,
}

/// Some neighbouring places of a table, shared with it.
#[derive(Clone, Debug)]
pub struct TablePart {
    number: u32,
    branch: Arc<Branch>,
    pulses: Arc<Pulses>,
}

type Branch = [Arc<Leaf>; BRANCH];

type Leaf = [Slot; LEAF];

type Pulses = [Pulse; BRANCH * LEAF];

/// A place of the table. Its generation grows when its device leaves, so that an old id never names another device.
#[derive(Clone, Debug, Default)]
struct Slot {
    generation: u32,
    device: Option<Arc<Device>>,
}

impl TablePart {
    /// Which part of the table it is.
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Whether nothing but pulses has changed since `other` was taken, as cheaply as can be told.
    pub fn has_devices_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.branch, &other.branch)
    }

    /// Whether no pulse has changed since `other` was taken.
    pub fn has_pulses_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.pulses, &other.pulses)
    }

    /// Every device of these places, with its pulse.
    pub(crate) fn devices(&self) -> impl Iterator<Item = (DeviceId, &Device, Pulse)> {
        let begin = self.number.saturating_mul(PART);
        let slots = self.branch.iter().flat_map(|leaf| leaf.iter());
        let slots = slots.zip(self.pulses.iter()).zip(begin..);
        slots.filter_map(|((slot, pulse), index)| {
            let id = DeviceId {
                index,
                generation: slot.generation,
            };
            slot.device.as_deref().map(|device| (id, device, *pulse))
        })
    }
}

impl DeviceTable {
    /// How many devices there are.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Every device with its place.
    pub fn iter(&self) -> impl Iterator<Item = (DeviceId, &Arc<Device>)> {
        self.branches
            .iter()
            .flat_map(|branch| branch.iter())
            .flat_map(|leaf| leaf.iter())
            .zip(0..)
            .filter_map(|(slot, index)| {
                let id = DeviceId {
                    index,
                    generation: slot.generation,
                };
                slot.device.as_ref().map(|device| (id, device))
            })
    }

    /// One device, if it is still there.
    pub fn device(&self, id: DeviceId) -> Option<&Arc<Device>> {
        let (branch, leaf, place) = Self::split(id.index);
        let slot = self.branches.get(branch)?.get(leaf)?.get(place)?;
        slot.device
            .as_ref()
            .filter(|_| slot.generation == id.generation)
    }

    /// The pulse of a device; that of nobody has never been.
    pub fn pulse(&self, id: DeviceId) -> Pulse {
        let (part, place) = Self::place_of_pulse(id.index);
        let pulse = self.pulses.get(part).and_then(|part| part.get(place));
        pulse
            .filter(|_| self.device(id).is_some())
            .copied()
            .unwrap_or_default()
    }

    /// The pulse of a device, to be changed.
    pub(crate) fn pulse_mut(&mut self, id: DeviceId) -> Option<&mut Pulse> {
        self.device(id)?;
        self.pulse_at(id.index)
    }

    /// One device, to be changed: its own copy from here on, if a snapshot shares it.
    pub(crate) fn device_mut(&mut self, id: DeviceId) -> Option<&mut Device> {
        self.device(id)?;
        let slot = self.slot_mut(id.index)?;
        slot.device.as_mut().map(Arc::make_mut)
    }

    /// Puts a device into the place `index`, which is free or the first one past the end.
    pub(crate) fn insert(&mut self, index: u32, device: Device) -> DeviceId {
        let (branch, ..) = Self::split(index);
        if branch == self.branches.len() {
            self.branches.push(Arc::default());
            self.pulses
                .push(Arc::new([Pulse::default(); BRANCH * LEAF]));
        }
        if let Some(pulse) = self.pulse_at(index) {
            *pulse = Pulse::default();
        }
        let (mut generation, mut is_new) = (0, false);
        if let Some(slot) = self.slot_mut(index) {
            is_new = slot.device.is_none();
            slot.device = Some(Arc::new(device));
            generation = slot.generation;
        }
        self.length += usize::from(is_new);
        DeviceId { index, generation }
    }

    /// The devices part by part.
    pub(crate) fn parts(&self) -> impl Iterator<Item = TablePart> {
        let parts = self.branches.iter().zip(&self.pulses);
        parts.zip(0..).map(|((branch, pulses), number)| TablePart {
            number,
            branch: Arc::clone(branch),
            pulses: Arc::clone(pulses),
        })
    }

    /// Puts a device back at the place that it had; false where there is one already.
    pub(crate) fn restore(&mut self, id: DeviceId, device: Device, pulse: Pulse) -> bool {
        let (branch, ..) = Self::split(id.index);
        while branch >= self.branches.len() {
            self.branches.push(Arc::default());
            self.pulses
                .push(Arc::new([Pulse::default(); BRANCH * LEAF]));
        }
        let Some(slot) = self.slot_mut(id.index).filter(|slot| slot.device.is_none()) else {
            return false;
        };
        slot.generation = id.generation;
        slot.device = Some(Arc::new(device));
        if let Some(known) = self.pulse_at(id.index) {
            *known = pulse;
        }
        self.length += 1;
        true
    }

    /// The free places before `end`, for which ids before `generation` no longer count.
    pub(crate) fn settle(&mut self, end: u32, generation: u32) -> Vec<u32> {
        let mut free = Vec::new();
        for index in (0..end).rev() {
            if let Some(slot) = self.slot_mut(index).filter(|slot| slot.device.is_none()) {
                slot.generation = generation;
                free.push(index);
            }
        }
        free
    }

    /// Takes a device out.
    pub(crate) fn remove(&mut self, id: DeviceId) -> Option<Device> {
        self.device(id)?;
        let slot = self.slot_mut(id.index)?;
        let device = slot.device.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.length -= 1;
        Some(Arc::unwrap_or_clone(device))
    }

    fn slot_mut(&mut self, index: u32) -> Option<&mut Slot> {
        let (branch, leaf, place) = Self::split(index);
        let branch = Arc::make_mut(self.branches.get_mut(branch)?);
        Arc::make_mut(branch.get_mut(leaf)?).get_mut(place)
    }

    fn pulse_at(&mut self, index: u32) -> Option<&mut Pulse> {
        let (part, place) = Self::place_of_pulse(index);
        Arc::make_mut(self.pulses.get_mut(part)?).get_mut(place)
    }

    fn place_of_pulse(index: u32) -> (usize, usize) {
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        (place / (BRANCH * LEAF), place % (BRANCH * LEAF))
    }

    fn split(index: u32) -> (usize, usize, usize) {
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        let leaf = place / LEAF;
        (leaf / BRANCH, leaf % BRANCH, place % LEAF)
    }
}
