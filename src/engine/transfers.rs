//! TFTP: which files are asked for, and what becomes of it (RFC 1350).
//!
//! A transfer is known by the client's address and port: the server answers from a port of its own choice. The
//! configuration files are put together, within a bound, for what they say of the phone's servers.

mod content;
mod early;
mod transfer;

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use self::early::EarlyDatagrams;
use self::transfer::{Transfer, is_of_the_boot};
use super::devices::Newcomer;
use super::files::Wanted;
use super::timers::Timer;
use super::world::World;
use crate::event::EventKind;
use crate::phone::boot::Step;
use crate::phone::service::ServiceKind;
use crate::phone::{DeviceId, Stage};
use crate::time::Timestamp;
use crate::wire::icmp::UnreachableCode;
use crate::wire::packet::UdpDatagram;
use crate::wire::tftp::{self, DEFAULT_BLOCK_SIZE, ErrorCode, FileKind, Request, Tftp, file_kind};

/// A client asks again every few seconds and gives up after some tries; what is silent for so long has ended.
const IDLE: Duration = Duration::from_secs(30);

/// Nobody asks so often for a file that came.
const REPETITION_PROVES: u32 = 3;

/// Both sides wait a second at least before they send something again; what comes sooner is another copy of it, where the
/// capture cut the first.
const ONE_SENDING: Duration = Duration::from_millis(500);

/// How many places in the queue are looked at when there is no room.
const EVICTION_TRIES: usize = 16;

/// Transfers under way.
#[derive(Default)]
pub(super) struct Transfers {
    all: HashMap<SocketAddr, Transfer>,
    queue: VecDeque<SocketAddr>,
    early: EarlyDatagrams,
}

impl Transfers {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Takes a datagram. Whether it belonged to TFTP.
    pub(super) fn datagram(
        &mut self,
        world: &mut World,
        (from, to): (SocketAddr, SocketAddr),
        datagram: &UdpDatagram<'_>,
        at: Timestamp,
        source: u16,
    ) -> bool {
        let is_request = to.port() == world.settings.tftp_port;
        let answered = self.all.get_mut(&to);
        let answered = answered.filter(|transfer| transfer.server == from.ip());
        let is_answer = answered.is_some();
        if let Some(transfer) = answered {
            transfer.shown = transfer.shown.saturating_add(1);
        }
        let is_client = self
            .all
            .get(&from)
            .is_some_and(|transfer| transfer.server == to.ip());
        if !is_request && !is_answer && !is_client {
            self.early.note((from, to), datagram, at, source);
            return false;
        }
        if is_answer {
            world.answer_seen(ServiceKind::Tftp, from.ip(), source);
        }
        let message = match tftp::parse(datagram.payload) {
            Ok(message) => message,
            Err(error) => {
                world.decode_error("tftp", error);
                return true;
            }
        };
        match message {
            // Which file it is cannot be told where the capture cut the name.
            Tftp::Read(_) if is_request && is_name_cut(datagram) => {}
            Tftp::Read(request) if is_request => {
                self.requested(world, from, to.ip(), request, at, source);
            }
            Tftp::Data { block, bytes } if is_answer => {
                let whole = usize::try_from(datagram.payload_length).unwrap_or(usize::MAX);
                let cut = whole.saturating_sub(datagram.payload.len());
                self.data(world, to, block, (bytes, cut), at);
            }
            Tftp::OptionAck(options) if is_answer => {
                if let Some(transfer) = self.all.get_mut(&to) {
                    transfer.answered_by_server(world, at);
                    if let Some(size) = options.block_size {
                        transfer.block_size = usize::from(size);
                    }
                }
            }
            Tftp::Error { code, .. } if is_answer => self.refused(world, to, code, at),
            Tftp::Error { .. } if is_client => {
                self.heard(world, from, at);
                self.end(world, from, "aborted", at);
            }
            Tftp::Ack { .. } if is_client => self.heard(world, from, at),
            Tftp::Read(_)
            | Tftp::Write(_)
            | Tftp::Data { .. }
            | Tftp::Ack { .. }
            | Tftp::Error { .. }
            | Tftp::OptionAck(_) => {}
        }
        true
    }

    fn requested(
        &mut self,
        world: &mut World,
        client: SocketAddr,
        server: IpAddr,
        request: Request,
        at: Timestamp,
        source: u16,
    ) {
        // The same request again is the client's impatience, not another one.
        if let Some(known) = self.all.get_mut(&client)
            && known.server == server
            && known.file == request.file
            && !known.heard
        {
            known.last = at;
            if at.distance(known.asked.0) < ONE_SENDING {
                return;
            }
            known.asked = (at, known.asked.1.saturating_add(1));
            known.next_block = 1;
            known.holes.clear();
            if let Some(content) = &mut known.content {
                content.clear();
            }
            known.tell_unheard(world, at);
            return;
        }
        if let Some(known) = self.all.get(&client) {
            // Its end may have been among what the sensor lost.
            if known.shown > 0 && world.sight.lost_nothing_since(known.began) {
                self.end(world, client, "aborted", at);
            } else {
                self.all.remove(&client);
            }
        }
        let kind = file_kind(&request.file);
        let device = requester(world, client.ip(), &kind, at);
        if device.is_none() && kind.device().is_some() {
            // There was no room for whom the file names.
            return;
        }
        self.make_room(world);
        if let Some(id) = device {
            world.heard(id, at);
            world.with(id, |device| device.tftp.requests += 1);
            if is_of_the_boot(&kind) {
                world.step(id, Step::Files, Stage::Tftp, at);
            }
            let wanted = Wanted {
                file: &request.file,
                kind,
                server,
                began: at,
            };
            world.file_wanted(id, client.ip(), &wanted);
        }
        let is_read = matches!(kind, FileKind::PhoneConfig { .. } | FileKind::DefaultConfig);
        let mut transfer = Transfer {
            server,
            file: request.file,
            kind,
            device,
            began: at,
            last: at,
            asked: (at, 1),
            answered: false,
            shown: 0,
            heard: false,
            unheard: 0,
            told: 0,
            delivered: false,
            bytes: 0,
            // What the client asked for holds once the server agrees; without its answer it is the default.
            block_size: usize::from(DEFAULT_BLOCK_SIZE),
            asked_size: request.options.block_size,
            next_block: 1,
            content: is_read.then(Vec::new),
            last_block: None,
            holes: Vec::new(),
            source,
            armed: None,
        };
        world.timers.arm(
            Timer::Transfer(Box::new(client.into())),
            Some(at + IDLE),
            &mut transfer.armed,
        );
        self.all.insert(client, transfer);
        self.queue.push_back(client);
        for early in self.early.take(client, server, at) {
            let datagram = UdpDatagram {
                source_port: early.ends.0.port(),
                destination_port: early.ends.1.port(),
                payload: &early.payload,
                payload_length: early.payload_length,
                truncated: usize::try_from(early.payload_length)
                    .is_ok_and(|whole| whole > early.payload.len()),
            };
            self.datagram(world, early.ends, &datagram, at, early.source);
        }
    }

    /// Takes a block: the bytes that were captured, and how many more it had.
    fn data(
        &mut self,
        world: &mut World,
        client: SocketAddr,
        block: u16,
        (bytes, cut): (&[u8], usize),
        at: Timestamp,
    ) {
        let length = bytes.len().saturating_add(cut);
        let limit = world.settings.limits.config_file_bytes;
        let Some(transfer) = self.all.get_mut(&client) else {
            return;
        };
        let last = transfer.last_block.replace((block, at));
        let is_copy =
            last.is_some_and(|(last, before)| last == block && at.distance(before) < ONE_SENDING);
        if !is_copy {
            transfer.answered_by_server(world, at);
        }
        if cut == 0 && transfer.fill(block, bytes) && transfer.delivered {
            transfer.read(world, at);
        }
        if transfer.delivered {
            return;
        }
        // A larger block than the default shows that the server agreed, though its word was missed.
        if length > transfer.block_size {
            transfer.block_size = transfer.asked_size.map_or(length, usize::from);
        }
        let is_next = block == transfer.next_block;
        if is_next {
            transfer.keep(block, bytes, cut, limit, world);
        } else if block.wrapping_sub(transfer.next_block) < 1 << 15 {
            // One was missed: what follows is no longer the file.
            transfer.drop_content();
        } else {
            // Repeated.
            return;
        }
        transfer.next_block = block.wrapping_add(1);
        let counted = u64::try_from(length).unwrap_or(u64::MAX);
        transfer.bytes = transfer.bytes.saturating_add(counted);
        // RFC 1350, section 2: a block that is not full ends the transfer.
        if length < transfer.block_size {
            transfer.completed(world, at);
            // Until the client says that it has even the first block, it may not have got it.
            if transfer.heard && transfer.holes.is_empty() {
                self.all.remove(&client);
            }
        }
    }

    /// The client acknowledges what the server sent, or does not want it.
    fn heard(&mut self, world: &mut World, client: SocketAddr, at: Timestamp) {
        let Some(transfer) = self.all.get_mut(&client) else {
            return;
        };
        transfer.last = at;
        if !transfer.heard {
            transfer.answered_by_server(world, at);
            transfer.heard = true;
            if let Some(id) = transfer.device {
                world.file_heard(id);
            }
        }
        // A copy of what was cut may come behind the acknowledgment.
        if transfer.delivered && transfer.holes.is_empty() {
            self.all.remove(&client);
        }
    }

    fn refused(&mut self, world: &mut World, client: SocketAddr, code: ErrorCode, at: Timestamp) {
        if let Some(transfer) = self.all.get_mut(&client) {
            transfer.answered_by_server(world, at);
        }
        let result = if code == ErrorCode::NOT_FOUND {
            "not_found"
        } else {
            "error"
        };
        self.end(world, client, result, at);
    }

    /// The transfer ends without the whole file.
    fn end(&mut self, world: &mut World, client: SocketAddr, result: &'static str, at: Timestamp) {
        let Some(mut transfer) = self.all.remove(&client) else {
            return;
        };
        if transfer.delivered {
            return;
        }
        world.transfer_ended(transfer.server, result);
        let Some(id) = transfer.device else { return };
        if result == "not_found" {
            world.file_not_found(id, &transfer.wanted(), at);
        } else if transfer.unheard > 0 {
            transfer.tell_unheard(world, at);
        }
        world.with(id, |device| match result {
            "not_found" => device.tftp.not_found += 1,
            "no_answer" => device.tftp.unanswered += 1,
            _ => device.tftp.errors += 1,
        });
        world.tell(
            id,
            at,
            EventKind::TftpFailed {
                file: transfer.file,
                result,
            },
        );
    }

    pub(super) fn timer_fired(
        &mut self,
        world: &mut World,
        client: SocketAddr,
        armed_for: Timestamp,
        now: Timestamp,
    ) {
        let Some(transfer) = self.all.get_mut(&client) else {
            return;
        };
        if transfer.armed != Some(armed_for) {
            return;
        }
        transfer.armed = None;
        let deadline = transfer.last + IDLE;
        if transfer.delivered && deadline <= now {
            self.all.remove(&client);
            return;
        }
        if deadline > now {
            world.timers.arm(
                Timer::Transfer(Box::new(client.into())),
                Some(deadline),
                &mut transfer.armed,
            );
            return;
        }
        // A client that asks on and acknowledges nothing shows by that alone that no answer came.
        let would_be_seen = world.sight.lost_nothing_since(transfer.began)
            && (transfer.asked.1 >= REPETITION_PROVES
                || world
                    .sight
                    .sees_answers_of(transfer.source, transfer.server))
            && world
                .sight
                .was_alive_at(transfer.source, transfer.began + Duration::from_secs(1));
        // The last block tells that a transfer is complete, and only the server's side shows it.
        if transfer.answered && transfer.shown > 0 && world.sight.lost_nothing_since(transfer.began)
        {
            self.end(world, client, "aborted", now);
        } else if would_be_seen && !transfer.answered {
            transfer.unanswered(world, None, now);
            self.end(world, client, "no_answer", now);
        } else {
            self.all.remove(&client);
        }
    }

    /// ICMP says that a request did not arrive.
    pub(super) fn unreachable(
        &mut self,
        world: &mut World,
        client: SocketAddr,
        server: SocketAddr,
        code: UnreachableCode,
        at: Timestamp,
    ) {
        if let Some(transfer) = self.all.get(&client)
            && transfer.server == server.ip()
            && !transfer.answered
        {
            if server.port() == world.settings.tftp_port {
                transfer.unanswered(world, Some(code), at);
            }
            self.end(world, client, "no_answer", at);
        }
    }

    fn make_room(&mut self, world: &mut World) {
        if self.queue.len() > 2 * self.all.len() + EVICTION_TRIES {
            let all = &self.all;
            self.queue.retain(|client| all.contains_key(client));
        }
        while self.all.len() >= world.settings.limits.transfers.max(1) {
            let Some(client) = self.queue.pop_front() else {
                return;
            };
            // It is no longer followed, which does not mean that it failed.
            if self.all.remove(&client).is_some() {
                world.totals.evicted.add("transfers");
            }
        }
    }
}

/// Whether the capture cut a request within the file's name.
fn is_name_cut(datagram: &UdpDatagram<'_>) -> bool {
    let mut name = datagram.payload.iter().skip(2);
    datagram.truncated && name.all(|byte| *byte != 0)
}

/// Whose transfer it is: the device at the address, if DHCP or its own name put it there; else the one that the file
/// names.
fn requester(
    world: &mut World,
    address: IpAddr,
    kind: &FileKind,
    at: Timestamp,
) -> Option<DeviceId> {
    let at_address = world.devices.at(address);
    let Some(name) = kind.device() else {
        return at_address;
    };
    let is_known_as_another = at_address
        .and_then(|id| world.devices.device(id))
        .is_some_and(|device| {
            let holds_lease = device.all_dhcp().any(|dhcp| dhcp.lease.is_some());
            let is_another_mac =
                device.mac.is_some() && name.mac().is_some() && device.mac != name.mac();
            holds_lease && is_another_mac
        });
    if is_known_as_another {
        return at_address;
    }
    let id = world
        .devices
        .identify(name, Some(address), Newcomer::Phone, at)?;
    if matches!(kind, FileKind::PhoneConfig { .. }) {
        world.with(id, |device| device.looks_like_a_phone = true);
        world.recount(id);
        world.prove(id, at);
    }
    Some(id)
}
