//! What SCCP messages say, and whose they are.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a new message means nothing here until somebody says what"
)]

use std::net::IpAddr;

use super::connection::Side;
use super::devices::Newcomer;
use super::registrations::Subject;
use super::world::World;
use crate::event::EventKind;
use crate::net::DeviceName;
use crate::phone::callmanager::CallManagerGroup;
use crate::phone::link::LinkFacts;
use crate::phone::registration::EndCause;
use crate::phone::session::Sign;
use crate::phone::{Device, DeviceId};
use crate::time::Timestamp;
use crate::wire::DecodeError;
use crate::wire::cdp::cisco_model;
use crate::wire::sccp::{
    Message, MessageId, Register, ResetReason, ResetType, ServerList, UnregisterStatus, XmlAlarm,
};
use crate::wire::sep_config::Host;

/// What came out of a stream.
pub(super) enum Incoming {
    Message(MessageId, Message),
    Unreadable(DecodeError),
    Gap,
}

/// Where a message came from.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) side: Side,
    pub(super) at: Timestamp,
    /// The sequence number behind the segment that brought its end.
    pub(super) end: u32,
    /// What that segment acknowledged.
    pub(super) acknowledgment: Option<u32>,
}

/// Takes what came out of a stream.
pub(super) fn take(
    world: &mut World,
    subject: &mut Subject<'_>,
    origin: Origin,
    incoming: Incoming,
) {
    match incoming {
        Incoming::Gap => {
            world.totals.stream_gaps += 1;
            subject.connection.half(origin.side).note_gap(origin.at);
            world.sight.missed(subject.connection.source, origin.at);
        }
        Incoming::Unreadable(error) => world.decode_error("sccp", error),
        Incoming::Message(id, message) => {
            world
                .totals
                .sccp_messages
                .add(id.name().unwrap_or("unknown"));
            match origin.side {
                Side::Client => from_device(world, subject, id, message, origin),
                Side::Server => from_server(world, subject, id, message, origin),
            }
        }
    }
}

/// The device that a connection belongs to. Where nothing named it, its address does, if only one device has it.
fn device_of(
    world: &mut World,
    subject: &mut Subject<'_>,
    newcomer: Newcomer,
    at: Timestamp,
) -> Option<DeviceId> {
    let known = subject
        .connection
        .device
        .filter(|&id| world.devices.device(id).is_some());
    if known.is_some() {
        return known;
    }
    if let Some(name) = subject.connection.turned_away() {
        return named(world, subject, name, newcomer, at);
    }
    let address = subject.key.client.ip;
    let id = match world.devices.sharers(address) {
        [] => world.devices.provisional(address, newcomer, at)?,
        [only] => *only,
        _ => return None,
    };
    subject.connection.device = Some(id);
    Some(id)
}

/// The connection belongs to the device with this name, or to nobody where there is no room for it.
fn named(
    world: &mut World,
    subject: &mut Subject<'_>,
    name: DeviceName,
    newcomer: Newcomer,
    at: Timestamp,
) -> Option<DeviceId> {
    let was_known = world.devices.named(name).is_some();
    let before = subject.connection.device;
    subject.connection.device =
        world
            .devices
            .identify(name, Some(subject.key.client.ip), newcomer, at);
    if subject.connection.device.is_none() {
        subject.connection.aside.get_or_insert_default().turned_away = Some(name);
    } else if let Some(aside) = &mut subject.connection.aside {
        aside.turned_away = None;
    }
    let id = subject.connection.device?;
    let was_proven = world.is_proven(id);
    world.prove(id, at);
    if name.mac().is_some() {
        world.with(id, |device| device.looks_like_a_phone = true);
    }
    if was_proven && !was_known && before.is_some() {
        world.tell(id, at, EventKind::DeviceNamed);
    }
    Some(id)
}

fn from_device(
    world: &mut World,
    subject: &mut Subject<'_>,
    id: MessageId,
    message: Message,
    Origin { at, end, .. }: Origin,
) {
    match &message {
        Message::Register(register) => return registering(world, subject, register, at),
        Message::RegisterTokenReq(request) => {
            if let Some(device) = request
                .name
                .and_then(|name| named(world, subject, name, Newcomer::Phone, at))
            {
                typed(world, device, |device| {
                    device.device_type = Some(request.device_type);
                });
            }
        }
        Message::Alarm(alarm) => {
            if let Some(name) = alarm.name {
                named(world, subject, name, Newcomer::Phone, at);
            }
        }
        Message::XmlAlarm(alarm) => {
            if let Some(name) = alarm.name {
                named(world, subject, name, Newcomer::Phone, at);
            }
        }
        _ => {}
    }
    let Some(device) = device_of(world, subject, Newcomer::Phone, at) else {
        return;
    };
    world.prove(device, at);
    world.server(subject.key.server.ip, at);
    if is_sent_by_phones_only(id)
        && !world
            .devices
            .device(device)
            .is_some_and(|device| device.looks_like_a_phone)
    {
        typed(world, device, |device| device.looks_like_a_phone = true);
    }
    if is_activity(id) {
        world.sign(subject, Sign::Activity, at, EndCause::Silent);
    }
    match message {
        Message::KeepAlive => world.keepalive_sent(subject, at, end),
        Message::Unregister { .. } => {
            let keys = subject.connection.aside.as_ref().map(|aside| &aside.keys);
            let cause = if keys.is_some_and(|keys| keys.ask_for_reset(at)) {
                EndCause::User
            } else if subject.connection.is_told_to_reset {
                EndCause::Reset
            } else {
                EndCause::Unregistered
            };
            world.sign(subject, Sign::Unregister, at, cause);
        }
        Message::KeypadButton(key) => {
            let aside = subject.connection.aside.get_or_insert_default();
            aside.keys.press(&key, at);
        }
        Message::Alarm(alarm) => {
            if let Some(load) = alarm.load {
                world.with(device, |device| device.load = Some(load.into()));
            }
            if let Some(reason) = alarm.last {
                reset_reason(world, device, reason, at);
            }
        }
        Message::XmlAlarm(alarm) => xml_alarm(world, device, *alarm, at),
        _ => {}
    }
}

fn registering(world: &mut World, subject: &mut Subject<'_>, register: &Register, at: Timestamp) {
    let device = match register.name {
        Some(name) => named(world, subject, name, Newcomer::Phone, at),
        None => device_of(world, subject, Newcomer::Phone, at),
    };
    world.server(subject.key.server.ip, at);
    if let Some(device) = device {
        world.prove(device, at);
        typed(world, device, |device| {
            device.device_type = Some(register.device_type);
            if let Some(load) = &register.load {
                device.load = Some(load.as_str().into());
            }
        });
        if let Some(mac) = register.mac {
            world.devices.give_mac(device, mac);
        }
    }
    world.sign(subject, Sign::Register, at, EndCause::Replaced);
}

/// Changes what decides a device's kind, and counts it anew where it is registered.
fn typed(world: &mut World, id: DeviceId, change: impl FnOnce(&mut Device)) {
    world.with(id, change);
    world.recount(id);
}

fn from_server(
    world: &mut World,
    subject: &mut Subject<'_>,
    id: MessageId,
    message: Message,
    Origin {
        at, acknowledgment, ..
    }: Origin,
) {
    world.served(subject.key.server.ip, at);
    let newcomer = match message {
        Message::RegisterAck(_) | Message::KeepAliveAck => Newcomer::Registered,
        _ => Newcomer::Phone,
    };
    let Some(device) = device_of(world, subject, newcomer, at) else {
        if let Message::RegisterReject(reject) = &message {
            world.rejected(subject, reject, at);
        }
        return;
    };
    world.prove(device, at);
    world.server(subject.key.server.ip, at);
    if is_activity(id) {
        world.sign(subject, Sign::Activity, at, EndCause::Silent);
    }
    match message {
        Message::RegisterAck(answer) => {
            subject.connection.keepalives.given(answer.keepalive);
            world.sign(subject, Sign::Acknowledged, at, EndCause::Replaced);
        }
        Message::RegisterReject(reject) => world.rejected(subject, &reject, at),
        Message::KeepAliveAck => world.keepalive_acknowledged(subject, at, acknowledgment),
        Message::UnregisterAck { status } => {
            let accepted = status.is_none_or(|status| status == UnregisterStatus::Ok);
            world.sign(
                subject,
                Sign::UnregisterAnswered { accepted },
                at,
                EndCause::Unregistered,
            );
        }
        Message::Reset(kind) => {
            subject.connection.is_told_to_reset = true;
            world.told_to_reset(device, reset_label(kind), at);
        }
        Message::ServerRes(list) => server_list(world, device, list, at),
        _ => {}
    }
}

fn reset_reason(world: &mut World, id: DeviceId, reason: ResetReason, at: Timestamp) {
    world.totals.reset_reasons.add(reason.label());
    world.tell(
        id,
        at,
        EventKind::ResetReason {
            text: reason.text.clone(),
        },
    );
    world.restarted_for_its_load(id, &reason, at);
    world.said(id, reason, at);
}

fn xml_alarm(world: &mut World, id: DeviceId, alarm: XmlAlarm, at: Timestamp) {
    let XmlAlarm {
        model,
        neighbour_device,
        neighbour_port,
        voice_vlan,
        reason,
        ..
    } = alarm;
    world.with(id, |device| {
        if let Some(model) = model.as_deref().and_then(cisco_model) {
            device.model = Some(model.into());
        }
        if neighbour_device.is_some() || neighbour_port.is_some() {
            let link: &mut LinkFacts = device.link.get_or_insert_default();
            link.switch = neighbour_device.map(Into::into);
            link.port = neighbour_port.map(Into::into);
            link.voice_vlan = voice_vlan.or(link.voice_vlan);
        }
    });
    if let Some(reason) = reason {
        reset_reason(world, id, reason, at);
    }
}

/// The CallManager's own list of servers, in the order of their priority.
fn server_list(world: &mut World, id: DeviceId, list: ServerList, at: Timestamp) {
    let mut members = Vec::new();
    for server in list.servers {
        if let Some(address) = server.address.filter(|address| !address.is_unspecified()) {
            if let Some(known) = world.server(address, at)
                && known.name.is_none()
                && !server.name.is_empty()
                && server.name.parse::<IpAddr>().is_err()
            {
                known.name = Some(server.name.into());
            }
            members.push(Host::Address(address));
        } else if let Ok(address) = server.name.parse() {
            members.push(Host::Address(address));
        } else if !server.name.is_empty() {
            members.push(Host::Name(server.name));
        }
    }
    // The phone's own configuration file says more: it names the routers that take over as well.
    let has_list = world
        .devices
        .device(id)
        .is_some_and(|device| device.tftp.configured.is_some() && device.group.is_some());
    if !has_list {
        world.group_learned(
            id,
            CallManagerGroup {
                members,
                srst: Vec::new(),
            },
        );
    }
}

const fn reset_label(kind: ResetType) -> &'static str {
    match kind {
        ResetType::Reset => "reset",
        ResetType::Restart => "restart",
        ResetType::ApplyConfig => "apply_config",
        ResetType::Unknown(_) => "unknown",
    }
}

/// Call signalling: what only a registered device sends or is sent.
const fn is_activity(id: MessageId) -> bool {
    matches!(
        id,
        MessageId::KEYPAD_BUTTON
            | MessageId::ENBLOC_CALL
            | MessageId::STIMULUS
            | MessageId::OFF_HOOK
            | MessageId::ON_HOOK
            | MessageId::HOOK_FLASH
            | MessageId::SOFT_KEY_EVENT
            | MessageId::OPEN_RECEIVE_CHANNEL_ACK
            | MessageId::START_MEDIA_TRANSMISSION_ACK
            | MessageId::CONNECTION_STATISTICS_RES
            | MessageId::START_TONE
            | MessageId::STOP_TONE
            | MessageId::SET_RINGER
            | MessageId::SET_LAMP
            | MessageId::START_MEDIA_TRANSMISSION
            | MessageId::STOP_MEDIA_TRANSMISSION
            | MessageId::CALL_INFO
            | MessageId::CALL_INFO_DYNAMIC
            | MessageId::OPEN_RECEIVE_CHANNEL
            | MessageId::CLOSE_RECEIVE_CHANNEL
            | MessageId::CONNECTION_STATISTICS_REQ
            | MessageId::SELECT_SOFT_KEYS
            | MessageId::CALL_STATE
            | MessageId::DIALED_NUMBER
            | MessageId::REGISTER_AVAILABLE_LINES
    )
}

/// What has a display, soft keys or a handset of its own is a phone, whatever its type is called.
const fn is_sent_by_phones_only(id: MessageId) -> bool {
    matches!(
        id,
        MessageId::HEADSET_STATUS
            | MessageId::ACCESSORY_STATUS
            | MessageId::MEDIA_PATH_CAPABILITY
            | MessageId::SOFT_KEY_TEMPLATE_REQ
    )
}
