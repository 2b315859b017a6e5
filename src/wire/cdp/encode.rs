//! Messages made from their parts: for tests and for the simulator of phone fleets.

use std::net::{IpAddr, Ipv4Addr};

use super::{Cdp, Duplex, element};

impl Cdp {
    /// The message as bytes, with its checksum: the elements that are set. Of `power_requested` and `power_available`
    /// the request's ids are zeros.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.version, self.ttl, 0, 0];
        let mut put = |kind: u16, value: &[u8]| {
            let length = u16::try_from(value.len().saturating_add(4)).unwrap_or(u16::MAX);
            bytes.extend_from_slice(&kind.to_be_bytes());
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(value);
        };
        let numbered = |ids: &[u8], number: u32| [ids, &number.to_be_bytes()].concat();
        if let Some(text) = &self.device_id {
            put(element::DEVICE_ID, text.as_bytes());
        }
        let addresses: Vec<Ipv4Addr> = self
            .addresses
            .iter()
            .filter_map(|address| match address {
                IpAddr::V4(address) => Some(*address),
                IpAddr::V6(_) => None,
            })
            .collect();
        if !addresses.is_empty() {
            let mut value = u32::try_from(addresses.len())
                .unwrap_or(0)
                .to_be_bytes()
                .to_vec();
            for address in addresses {
                value.extend_from_slice(&[1, 1, 0xcc, 0, 4]);
                value.extend_from_slice(&address.octets());
            }
            put(element::ADDRESSES, &value);
        }
        if let Some(text) = &self.port_id {
            put(element::PORT_ID, text.as_bytes());
        }
        if let Some(bits) = self.capabilities {
            put(element::CAPABILITIES, &bits.to_be_bytes());
        }
        if let Some(text) = &self.software_version {
            put(element::SOFTWARE_VERSION, text.as_bytes());
        }
        if let Some(text) = &self.platform {
            put(element::PLATFORM, text.as_bytes());
        }
        if let Some(vlan) = self.native_vlan {
            put(element::NATIVE_VLAN, &vlan.to_be_bytes());
        }
        if let Some(duplex) = self.duplex {
            put(element::DUPLEX, &[u8::from(duplex == Duplex::Full)]);
        }
        if let Some(vlan) = self.voice_vlan {
            put(
                element::VOICE_VLAN_REPLY,
                &[&[1][..], &vlan.to_be_bytes()].concat(),
            );
        }
        if self.voice_vlan_query {
            put(element::VOICE_VLAN_QUERY, &[0x20, 0x00]);
        }
        if let Some(milliwatts) = self.power_consumption {
            put(element::POWER_CONSUMPTION, &milliwatts.to_be_bytes());
        }
        if let Some(milliwatts) = self.power_requested {
            put(element::POWER_REQUESTED, &numbered(&[0; 4], milliwatts));
        }
        if let Some(milliwatts) = self.power_available {
            put(element::POWER_AVAILABLE, &numbered(&[0; 4], milliwatts));
        }
        let checksum = checksum(&bytes).to_be_bytes();
        for (to, from) in bytes.iter_mut().skip(2).zip(checksum) {
            *to = from;
        }
        bytes
    }
}

/// The Internet checksum (RFC 1071) with CDP's own rule for the odd last byte, which is added as a signed number.
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum = 0_u32;
    let mut pairs = bytes.chunks_exact(2);
    for pair in &mut pairs {
        let number = pair.iter().fold(0_u32, |number, &byte| {
            number.wrapping_shl(8) | u32::from(byte)
        });
        sum = sum.wrapping_add(number);
    }
    if let [last] = pairs.remainder() {
        let extended = i16::from(last.cast_signed()).cast_unsigned();
        sum = sum.wrapping_add(u32::from(extended));
        // Cisco's own sum goes one lower where the byte is negative.
        if last & 0x80 != 0 {
            sum = sum.wrapping_sub(1);
        }
    }
    while sum > 0xffff {
        sum = (sum >> 16).wrapping_add(sum & 0xffff);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_that_devices_send() {
        // The example of RFC 1071 section 3, and an odd last byte of either sign.
        assert_eq!(
            checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]),
            !0xddf2
        );
        assert_eq!(checksum(&[0x01, 0x00, 0x05]), !0x0105);
        assert_eq!(checksum(b"\x02\xb4\0\0\x00\x01\x00\x07x\xc3\xa9"), 0x84d7);
    }
}
