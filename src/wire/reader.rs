//! A cursor over bytes off the wire: the one way in which the parsers of this layer take fields.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::net::MacAddr;

/// Why bytes gave no value. Small and `Copy`: it is made for every bad frame of a flood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end before the field does: the frame may have been cut by the capture.
    #[error("{field} needs {need} more bytes, {have} are left")]
    Truncated {
        /// The field that was being read.
        field: &'static str,
        /// How many bytes it takes.
        need: usize,
        /// How many were left.
        have: usize,
    },
    /// The bytes are there and say something the protocol does not allow.
    #[error("{field} has a value that is not allowed")]
    Malformed {
        /// The field that is wrong.
        field: &'static str,
    },
}

impl DecodeError {
    /// The metrics label of this error: `truncated` or `malformed`.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Truncated { .. } => "truncated",
            Self::Malformed { .. } => "malformed",
        }
    }

    /// What it means where nothing was cut away: what is too short is wrong.
    #[must_use]
    pub const fn of_a_whole(self) -> Self {
        match self {
            Self::Truncated { field, .. } | Self::Malformed { field } => Self::Malformed { field },
        }
    }
}

/// Takes fields from the front of a byte slice; every take either succeeds or leaves the reader as it was.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader at the first of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes are left.
    pub const fn left(&self) -> usize {
        self.rest.len()
    }

    /// Whether any byte is left.
    pub const fn any_left(&self) -> bool {
        !self.rest.is_empty()
    }

    /// What is left, without taking it.
    pub const fn peek(&self) -> &'a [u8] {
        self.rest
    }

    /// Takes everything that is left.
    pub const fn rest(&mut self) -> &'a [u8] {
        let rest = self.rest;
        self.rest = &[];
        rest
    }

    /// Takes `length` bytes.
    pub fn take(&mut self, field: &'static str, length: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(length) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(DecodeError::Truncated {
                field,
                need: length,
                have: self.rest.len(),
            }),
        }
    }

    /// Takes `length` bytes, or as many as are left.
    pub fn take_up_to(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    /// Takes `length` bytes as a reader of their own.
    pub fn sub(&mut self, field: &'static str, length: usize) -> Result<Self, DecodeError> {
        self.take(field, length).map(Self::new)
    }

    /// Takes an array.
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk::<N>() {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(*taken)
            }
            None => Err(DecodeError::Truncated {
                field,
                need: N,
                have: self.rest.len(),
            }),
        }
    }

    /// Takes one byte.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        self.array::<1>(field).map(|[byte]| byte)
    }

    /// Takes a 16-bit number, most significant byte first.
    pub fn u16_be(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.array(field).map(u16::from_be_bytes)
    }

    /// Takes a 32-bit number, most significant byte first.
    pub fn u32_be(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.array(field).map(u32::from_be_bytes)
    }

    /// Takes a 32-bit number, least significant byte first.
    pub fn u32_le(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.array(field).map(u32::from_le_bytes)
    }

    /// Takes a 16-bit number, least significant byte first.
    pub fn u16_le(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.array(field).map(u16::from_le_bytes)
    }

    /// Takes an IPv4 address in network order.
    pub fn ipv4(&mut self, field: &'static str) -> Result<Ipv4Addr, DecodeError> {
        self.array::<4>(field).map(Ipv4Addr::from)
    }

    /// Takes an IPv6 address in network order.
    pub fn ipv6(&mut self, field: &'static str) -> Result<Ipv6Addr, DecodeError> {
        self.array::<16>(field).map(Ipv6Addr::from)
    }

    /// Takes a hardware address.
    pub fn mac(&mut self, field: &'static str) -> Result<MacAddr, DecodeError> {
        self.array(field).map(MacAddr)
    }

    /// Takes bytes up to a NUL and the NUL itself; `None` where no NUL is left.
    pub fn until_nul(&mut self) -> Option<&'a [u8]> {
        let end = self.rest.iter().position(|&byte| byte == 0)?;
        let (text, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.get(1..).unwrap_or_default();
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_fields_in_order_and_keeps_the_rest_on_failure() {
        let mut reader = Reader::new(&[1, 0, 2, 3, 0, 0, 0, b'a', b'b', 0, 9]);
        assert_eq!(reader.u8("first"), Ok(1));
        assert_eq!(reader.u16_be("second"), Ok(2));
        assert_eq!(reader.u32_le("third"), Ok(3));
        assert_eq!(reader.until_nul(), Some(&b"ab"[..]));
        assert_eq!(
            reader.u16_be("fourth"),
            Err(DecodeError::Truncated {
                field: "fourth",
                need: 2,
                have: 1
            })
        );
        assert_eq!(reader.until_nul(), None);
        assert_eq!(reader.take_up_to(5), &[9]);
        assert!(!reader.any_left());
    }
}
