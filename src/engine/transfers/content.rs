//! What a file that was delivered tells of its phone.

use super::transfer::Transfer;
use crate::engine::files::Wanted;
use crate::engine::world::World;
use crate::phone::DeviceId;
use crate::phone::callmanager::CallManagerGroup;
use crate::time::Timestamp;
use crate::wire::sep_config::{self, ConfigError, SepConfig};
use crate::wire::tftp::FileKind;

/// A file was delivered whole.
pub(super) fn delivered(world: &mut World, id: DeviceId, transfer: &Transfer, at: Timestamp) {
    if world.is_proven(id) {
        world.stage_took("tftp", at.since(transfer.began));
    }
    let wanted = transfer.wanted();
    world.file_served(id, &wanted, transfer.bytes, at);
    let is_own = matches!(transfer.kind, FileKind::PhoneConfig { .. });
    if is_own {
        world.with(id, |device| device.tftp.configured = Some(at));
    }
    if transfer.kind == FileKind::DefaultConfig {
        world.with(id, |device| device.default_configuration = true);
    }
}

/// What a configuration says.
pub(super) fn read(
    world: &mut World,
    id: DeviceId,
    wanted: &Wanted<'_>,
    content: &[u8],
    at: Timestamp,
) {
    let is_own = matches!(wanted.kind, FileKind::PhoneConfig { .. });
    let broken = match sep_config::parse(content) {
        Ok(config) => {
            let names_nobody = is_own && config.members.is_empty();
            configured(world, id, config);
            names_nobody.then(|| String::from("it names no CallManager"))
        }
        // The compiled files of the oldest phones, and encrypted ones, are what they should be.
        Err(ConfigError::NotXml | ConfigError::Encrypted | ConfigError::TooLarge { .. }) => None,
        Err(error @ ConfigError::Corrupt { .. }) => {
            world.with(id, |device| device.tftp.unreadable += 1);
            Some(error.to_string())
        }
    };
    world.config_read(id, wanted, content.len(), broken, at);
}

fn configured(world: &mut World, id: DeviceId, config: SepConfig) {
    let SepConfig {
        members,
        srst,
        load,
        protocol,
        is_default,
        ..
    } = config;
    world.with(id, |device| {
        if !is_default {
            device.default_configuration = false;
        }
        if let Some(load) = load {
            device.tftp.configured_load = Some(load.into());
        }
        device.tftp.protocol = protocol.map(Box::new);
    });
    world.group_learned(
        id,
        CallManagerGroup {
            members: members.into_iter().map(|member| member.host).collect(),
            srst: srst.into_iter().map(|reference| reference.host).collect(),
        },
    );
}
