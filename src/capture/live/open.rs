//! Opening an interface, and saying in words what stands in the way.

use std::path::PathBuf;

use pcap::{Active, Capture, Device, Precision};

use super::{LiveFilter, LiveSettings};
use crate::capture::filter::{self, FilterError};
use crate::capture::pcap_reason;
use crate::record::LinkType;

/// An interface that is open and filtered.
pub struct Opened {
    pub(super) capture: Capture<Active>,
    pub(super) link: LinkType,
}

/// Opens an interface. It takes the capability `CAP_NET_RAW` and nothing else.
pub fn open(settings: &LiveSettings) -> Result<Opened, OpenError> {
    let capture = activate(settings, settings.promiscuous).or_else(|error| {
        // The binding takes this warning for an error; it comes from devices that see everything anyway, like `any`.
        if settings.promiscuous && pcap_reason(&error).contains("Promiscuous mode not supported") {
            activate(settings, false)
        } else {
            Err(error)
        }
    });
    let mut capture = capture.map_err(|error| OpenError::of(&settings.interface, &error))?;
    let number = capture.get_datalink();
    let link = LinkType::from_number(number.0).ok_or_else(|| OpenError::UnsupportedLinkType {
        interface: settings.interface.clone(),
        link_type: number.get_name().unwrap_or_else(|_| number.0.to_string()),
    })?;
    let expression = match &settings.filter {
        LiveFilter::Generated(generated) => {
            if let Some(extra) = &generated.extra {
                // By itself, so that the error shows what was written and not all that was made around it.
                filter::check(extra, link)?;
            }
            Some(filter::expression_for(generated, link))
        }
        LiveFilter::Everything => None,
        LiveFilter::Expression(expression) => Some(expression.clone()),
    };
    if let Some(expression) = expression {
        capture
            .filter(&expression, true)
            .map_err(|error| FilterError::new(&expression, &error))?;
    }
    let capture = capture
        .setnonblock()
        .map_err(|error| OpenError::other(&settings.interface, &pcap_reason(&error)))?;
    Ok(Opened { capture, link })
}

pub(super) fn activate(
    settings: &LiveSettings,
    promiscuous: bool,
) -> Result<Capture<Active>, pcap::Error> {
    let block_timeout = i32::try_from(settings.block_timeout.as_millis()).unwrap_or(i32::MAX);
    Capture::from_device(settings.interface.as_str())?
        .snaplen(settings.snaplen)
        .promisc(promiscuous)
        .buffer_size(settings.buffer_bytes)
        // Not 0, with which a block that is not full may never be handed over.
        .timeout(block_timeout.max(1))
        .precision(Precision::Nano)
        .open()
}

/// Why an interface could not be opened, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The filter is not valid.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// The interface is there and set down.
    #[error("the interface {interface} is down: set it up with `sudo ip link set {interface} up`")]
    InterfaceDown {
        /// The interface.
        interface: String,
    },
    /// There is no interface of this name.
    #[error("there is no interface {interface}; there are: {}", existing.join(", "))]
    NoSuchInterface {
        /// The name that was asked for.
        interface: String,
        /// The names there are.
        existing: Vec<String>,
    },
    /// Something else; libpcap's words.
    #[error("cannot capture on {interface}: {reason}")]
    Other {
        /// The interface.
        interface: String,
        /// What libpcap says.
        reason: String,
    },
    /// The process may not capture.
    #[error(
        "no permission to capture on {interface}: run `sudo setcap cap_net_raw+ep {}`, or, under systemd, put \
         `AmbientCapabilities=CAP_NET_RAW` and `CapabilityBoundingSet=CAP_NET_RAW` into the unit",
        binary.display()
    )]
    Permission {
        /// The interface.
        interface: String,
        /// This program.
        binary: PathBuf,
    },
    /// Frames of this interface begin with a link header that is not decoded here.
    #[error(
        "the interface {interface} has link type {link_type}; what is read is Ethernet, raw IP, BSD loopback and Linux cooked"
    )]
    UnsupportedLinkType {
        /// The interface.
        interface: String,
        /// libpcap's name of the link type.
        link_type: String,
    },
}

impl OpenError {
    pub(super) fn of(interface: &str, error: &pcap::Error) -> Self {
        let devices = Device::list().unwrap_or_default();
        Self::new(interface, &pcap_reason(error), &devices)
    }

    /// Finds out what the binding does not pass on: it has libpcap's words and not its codes.
    fn new(interface: &str, reason: &str, devices: &[Device]) -> Self {
        let device = devices.iter().find(|device| device.name == interface);
        let interface = interface.to_owned();
        let is_forbidden = ["not permitted", "ermission", "CAP_NET_RAW"];
        match device {
            None => Self::NoSuchInterface {
                interface,
                existing: devices
                    .iter()
                    .map(|device| device.name.clone())
                    .filter(|name| !NOT_INTERFACES.iter().any(|prefix| name.starts_with(prefix)))
                    .collect(),
            },
            _ if is_forbidden.iter().any(|words| reason.contains(words)) => Self::Permission {
                interface,
                binary: std::env::current_exe().unwrap_or_else(|_| "/usr/bin/phonewatch".into()),
            },
            Some(device) if !device.flags.is_up() => Self::InterfaceDown { interface },
            Some(_) => Self::other(&interface, reason),
        }
    }

    fn other(interface: &str, reason: &str) -> Self {
        Self::Other {
            interface: interface.to_owned(),
            reason: reason.to_owned(),
        }
    }
}

/// What libpcap lists beside network interfaces.
const NOT_INTERFACES: [&str; 5] = ["bluetooth", "dbus-", "nflog", "nfqueue", "usbmon"];

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str, if_flags: pcap::IfFlags) -> Device {
        let mut device = Device::from(name);
        device.flags.if_flags = if_flags;
        device
    }

    fn error(interface: &str, reason: &str) -> OpenError {
        let devices = [
            device("eth0", pcap::IfFlags::UP),
            device("eth1", pcap::IfFlags::empty()),
            device("nflog", pcap::IfFlags::empty()),
        ];
        OpenError::new(interface, reason, &devices)
    }

    #[test]
    fn a_missing_interface_is_said_with_those_that_exist() {
        let error = error("eth9", "socket: Operation not permitted");
        assert_eq!(
            error.to_string(),
            "there is no interface eth9; there are: eth0, eth1"
        );
    }

    #[test]
    fn a_missing_permission_is_said_with_its_remedy() {
        let text = error("eth0", "socket: Operation not permitted").to_string();
        let binary = std::env::current_exe().unwrap();
        let remedy = format!("`sudo setcap cap_net_raw+ep {}`", binary.display());
        assert!(text.contains(&remedy), "{text}");
        assert!(text.contains("`AmbientCapabilities=CAP_NET_RAW`"), "{text}");
        assert!(
            text.contains("`CapabilityBoundingSet=CAP_NET_RAW`"),
            "{text}"
        );
        assert!(!text.contains('\n'), "{text}");
    }

    #[test]
    fn an_interface_that_is_down_is_said_to_be() {
        let text = error("eth1", "").to_string();
        assert!(text.contains("`sudo ip link set eth1 up`"), "{text}");
        let text = error("eth0", "no buffer").to_string();
        assert_eq!(text, "cannot capture on eth0: no buffer");
    }

    #[test]
    fn an_interface_that_is_not_there_is_not_opened() {
        let settings = LiveSettings::new("no-such-if0", 0);
        let error = open(&settings).err();
        assert!(
            matches!(&error, Some(OpenError::NoSuchInterface { interface, .. }) if interface == "no-such-if0"),
            "{error:?}"
        );
    }
}
