//! Data units made from their parts: for tests and for the simulator of phone fleets.

use std::net::IpAddr;

use super::{
    CHASSIS_ADDRESS, CHASSIS_MAC, Capabilities, Identifier, LOCALLY_ASSIGNED, Lldp, NetworkPolicy,
    PORT_ADDRESS, PORT_MAC, PORT_VLAN, element, med, organization,
};

impl Lldp {
    /// The data unit as bytes: the elements that are set. Text is cut at 255 bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut unit = Unit(Vec::with_capacity(256));
        if let Some(chassis) = &self.chassis {
            unit.put(
                element::CHASSIS,
                &chassis.to_bytes(CHASSIS_MAC, CHASSIS_ADDRESS),
            );
        }
        if let Some(port) = &self.port {
            unit.put(element::PORT, &port.to_bytes(PORT_MAC, PORT_ADDRESS));
        }
        unit.put(element::TTL, &self.ttl.to_be_bytes());
        unit.put_text(element::PORT_DESCRIPTION, self.port_description.as_deref());
        unit.put_text(element::SYSTEM_NAME, self.system_name.as_deref());
        unit.put_text(
            element::SYSTEM_DESCRIPTION,
            self.system_description.as_deref(),
        );
        if let Some(Capabilities { system, enabled }) = self.capabilities {
            unit.put(
                element::CAPABILITIES,
                &[system.to_be_bytes(), enabled.to_be_bytes()].concat(),
            );
        }
        for address in &self.management_addresses {
            let address = address_bytes(*address);
            let length = u8::try_from(address.len()).unwrap_or(0);
            // Interface numbering unknown, interface 0, no object identifier.
            let value = [&[length][..], &address, &[1, 0, 0, 0, 0, 0]].concat();
            unit.put(element::MANAGEMENT_ADDRESS, &value);
        }
        if let Some(vlan) = self.native_vlan {
            unit.put_organization(organization::IEEE_802_1, PORT_VLAN, &vlan.to_be_bytes());
        }
        if let Some(class) = self.device_class {
            // Capabilities, network policy and inventory are what is written here.
            let value = [0, 0b0010_0011, class.code()];
            unit.put_organization(organization::TIA, med::CAPABILITIES, &value);
        }
        for policy in &self.policies {
            let [_, high, middle, low] = policy.to_bits().to_be_bytes();
            let value = [policy.application, high, middle, low];
            unit.put_organization(organization::TIA, med::NETWORK_POLICY, &value);
        }
        for (subtype, text) in [
            (med::HARDWARE, &self.inventory.hardware),
            (med::FIRMWARE, &self.inventory.firmware),
            (med::SOFTWARE, &self.inventory.software),
            (med::SERIAL, &self.inventory.serial),
            (med::MANUFACTURER, &self.inventory.manufacturer),
            (med::MODEL, &self.inventory.model),
        ] {
            if let Some(text) = text {
                unit.put_organization(organization::TIA, subtype, text.as_bytes());
            }
        }
        unit.put(element::END, &[]);
        unit.0
    }
}

impl NetworkPolicy {
    fn to_bits(self) -> u32 {
        u32::from(self.unknown) << 23
            | u32::from(self.tagged) << 22
            | u32::from(self.vlan & 0x0fff) << 9
            | u32::from(self.priority & 0x07) << 6
            | u32::from(self.dscp & 0x3f)
    }
}

impl Identifier {
    fn to_bytes(&self, mac_subtype: u8, address_subtype: u8) -> Vec<u8> {
        match self {
            Self::Mac(mac) => [&[mac_subtype][..], &mac.0].concat(),
            Self::Address(address) => [&[address_subtype][..], &address_bytes(*address)].concat(),
            Self::Text(text) => [&[LOCALLY_ASSIGNED][..], text.as_bytes()].concat(),
        }
    }
}

fn address_bytes(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => [&[1][..], &address.octets()].concat(),
        IpAddr::V6(address) => [&[2][..], &address.octets()].concat(),
    }
}

/// A data unit in the making.
struct Unit(Vec<u8>);

impl Unit {
    fn put(&mut self, kind: u8, value: &[u8]) {
        const MAX: usize = 511;
        let value = value.get(..MAX).unwrap_or(value);
        let length = u16::try_from(value.len()).unwrap_or(0);
        let header = u16::from(kind) << 9 | length;
        self.0.extend_from_slice(&header.to_be_bytes());
        self.0.extend_from_slice(value);
    }

    fn put_text(&mut self, kind: u8, text: Option<&str>) {
        const MAX: usize = 255;
        if let Some(text) = text {
            let bytes = text.as_bytes();
            self.put(kind, bytes.get(..MAX).unwrap_or(bytes));
        }
    }

    fn put_organization(&mut self, organization: [u8; 3], subtype: u8, value: &[u8]) {
        let value = [&organization[..], &[subtype], value].concat();
        self.put(element::ORGANIZATION, &value);
    }
}
