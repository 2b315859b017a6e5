//! What the parts of the program are told, made from the configuration.

use std::sync::Arc;

use crate::capture::filter::FilterSettings;
use crate::capture::live::{LiveFilter, LiveSettings};
use crate::config::{self, CallManager, Config, Filter};
use crate::engine::{KnownServer, Limits, Reconfiguration, Settings};
use crate::flow::copies::CopyMode;
use crate::flow::tcp::StreamLimits;
use crate::inventory::Inventory;
use crate::phone::dhcp::DhcpThreshold;
use crate::phone::keepalive::Intervals;
use crate::phone::registration::FlapThreshold;
use crate::site::Sites;

/// What the engine is told.
pub fn engine(config: &Config, inventory: Option<Arc<Inventory>>) -> Settings {
    let limits = &config.limits;
    Settings {
        sccp_ports: config.sccp.ports.clone(),
        secure_ports: config.sccp.secure_ports.clone(),
        tftp_port: config.tftp.port,
        callmanagers: config.callmanager.iter().map(known_server).collect(),
        keepalive: Intervals {
            active: config.keepalive.interval,
            standby: config.keepalive.standby,
        },
        flap: FlapThreshold {
            moves: config.flap.moves,
            window: config.flap.window,
        },
        dhcp: DhcpThreshold {
            requests: config.dhcp.requests,
            window: config.dhcp.window,
        },
        thresholds: config.thresholds.clone(),
        inventory,
        copy_mode: match config.copies.mode {
            config::CopyMode::Auto => CopyMode::Auto,
            config::CopyMode::On => CopyMode::On,
            config::CopyMode::Off => CopyMode::Off,
        },
        sites: sites(config),
        copy_window: config.copies.window,
        tunnels: config.capture.tunnels,
        limits: Limits {
            devices: limits.devices,
            strangers: limits.strangers,
            connections: limits.connections,
            callmanagers: limits.callmanagers,
            transfers: limits.transfers,
            dns_names: limits.dns_names,
            fragment_bytes: limits.fragments,
            stream: StreamLimits {
                bytes: limits.stream_buffer,
                ..StreamLimits::default()
            },
            streams_bytes: limits.streams_buffer,
            config_file_bytes: limits.config_file,
            events: limits.events,
            recorder_bytes: limits.recorder,
            recorder_frames: limits.recorder_frames,
        },
    }
}

/// What of it can change while the engine runs.
pub fn reconfiguration(config: &Config, inventory: Option<Arc<Inventory>>) -> Reconfiguration {
    engine(config, inventory).into()
}

fn sites(config: &Config) -> Arc<Sites> {
    Arc::new(Sites::new(&config.site))
}

/// What the capture of each interface is told, in the order of the configuration.
pub fn captures(config: &Config) -> Vec<LiveSettings> {
    let capture = &config.capture;
    let filter = match &capture.filter {
        Filter::Auto => LiveFilter::Generated(FilterSettings {
            sccp_ports: config.sccp.ports.clone(),
            secure_ports: config.sccp.secure_ports.clone(),
            tftp_port: config.tftp.port,
            tunnels: capture.tunnels,
            extra: None,
        }),
        Filter::Everything => LiveFilter::Everything,
        Filter::Expression(expression) => LiveFilter::Expression(expression.clone()),
    };
    capture
        .interfaces
        .iter()
        .zip(0..)
        .map(|(interface, source)| LiveSettings {
            snaplen: i32::try_from(capture.snaplen).unwrap_or(i32::MAX),
            promiscuous: capture.promiscuous,
            buffer_bytes: i32::try_from(capture.kernel_buffer).unwrap_or(i32::MAX),
            filter: filter.clone(),
            ..LiveSettings::new(interface, source)
        })
        .collect()
}

fn known_server(server: &CallManager) -> KnownServer {
    KnownServer {
        address: server.address,
        name: server.name.clone(),
        role: server.role,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_configuration_gives_the_engines_defaults() {
        assert_eq!(engine(&Config::default(), None), Settings::default());
    }

    #[test]
    fn what_the_file_says_reaches_the_engine_and_the_captures() {
        let text = "\
            [capture]\ninterfaces = ['a', 'b']\nsnaplen = 300\ntunnels = false\n\
            [copies]\nmode = 'on'\nwindow = '1ms'\n\
            [sccp]\nports = [2001]\n\
            [[callmanager]]\naddress = '10.1.1.10'\nname = 'one'\nrole = 'srst'\n\
            [keepalive]\ninterval = '7s'\n\
            [flap]\nmoves = 9\n\
            [dhcp]\nwindow = '33s'\n\
            [limits]\nfragments = '65KiB'\nstream_buffer = '2KiB'\n";
        let config = Config::parse("test", text).unwrap();
        let engine = engine(&config, None);
        assert_eq!(engine.sccp_ports, [2001]);
        assert!(!engine.tunnels);
        assert_eq!(engine.copy_mode, CopyMode::On);
        assert_eq!(engine.copy_window.as_millis(), 1);
        assert_eq!(engine.keepalive.active.as_secs(), 7);
        assert_eq!(engine.flap.moves, 9);
        assert_eq!(engine.dhcp.window.as_secs(), 33);
        assert_eq!(engine.limits.fragment_bytes, 65 << 10);
        assert_eq!(engine.limits.stream.bytes, 2 << 10);
        let [server] = &engine.callmanagers[..] else {
            panic!("{engine:?}");
        };
        assert_eq!(server.name.as_deref(), Some("one"));

        let captures = captures(&config);
        let places: Vec<_> = captures
            .iter()
            .map(|capture| (capture.interface.as_str(), capture.source, capture.snaplen))
            .collect();
        assert_eq!(places, [("a", 0, 300), ("b", 1, 300)]);
        let LiveFilter::Generated(filter) = &captures[0].filter else {
            panic!("{captures:?}");
        };
        assert_eq!(filter.sccp_ports, [2001]);
        assert!(!filter.tunnels);
    }

    #[test]
    fn a_filter_of_ones_own_stands_in_the_place_of_the_generated_one() {
        let filter_of = |filter: &str| {
            let text = format!("[capture]\ninterfaces = ['a']\nfilter = '{filter}'\n");
            captures(&Config::parse("test", &text).unwrap())
                .remove(0)
                .filter
        };
        assert_eq!(filter_of("none"), LiveFilter::Everything);
        assert_eq!(
            filter_of("host 10.1.1.1"),
            LiveFilter::Expression("host 10.1.1.1".into())
        );
    }
}
