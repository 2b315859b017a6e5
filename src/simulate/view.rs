//! How a mirror port shows a fleet.

use std::str::FromStr;

/// What a mirror port shows beside the phones' signalling, and what it does to that on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// How many calls there are at any time between registered phones: 100 RTP frames a second for each.
    pub calls: u32,
    /// The VLAN tags of every frame.
    pub vlans: Option<Vlans>,
    /// The mirror stands on the servers' side of the phones' router, which relays their DHCP.
    pub behind_router: bool,
    /// The phones of a site share one address, behind a router of their own.
    pub nat: bool,
    /// Phones and servers speak IPv6, and nothing of IPv4.
    pub ipv6: bool,
    /// Frames come inside ERSPAN from one switch.
    pub erspan: Option<Erspan>,
    /// How many of all frames are seen twice.
    pub copies: Percent,
    /// How many of all frames are missing.
    pub loss: Percent,
    /// Only what this side sends is seen.
    pub one_way: Option<Side>,
}

/// One VLAN tag (`110`) or an outer and an inner one (`110.100`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vlans {
    /// The outer tag of two.
    pub outer: Option<u16>,
    /// The tag that the phones' switch gave.
    pub inner: u16,
}

/// The two layouts of ERSPAN that switches send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erspan {
    /// Type II.
    Two,
    /// Type III, with the time of each frame.
    Three,
}

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The phones.
    Phones,
    /// Their servers.
    Servers,
}

/// A part of all, to the ten-thousandth of a percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percent {
    millionths: u32,
}

impl Percent {
    /// How many in a million.
    pub const fn millionths(self) -> u32 {
        self.millionths
    }
}

/// The text says nothing that can be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseViewError {
    /// No type of ERSPAN.
    #[error("there is ERSPAN of type 2 and of type 3")]
    Erspan,
    /// No percentage.
    #[error("a number from 0 to 100 is allowed, such as 5 or 0.1")]
    Percent,
    /// No side.
    #[error("one sees either what the phones or what the servers send: write phones or servers")]
    Side,
    /// No VLAN.
    #[error(
        "a VLAN is a number from 1 to 4094; write 110, or 110.100 for an outer and an inner tag"
    )]
    Vlans,
}

impl FromStr for Vlans {
    type Err = ParseViewError;

    fn from_str(text: &str) -> Result<Self, ParseViewError> {
        let id = |text: &str| {
            let id = text.parse().ok().filter(|id| (1..=4094).contains(id));
            id.ok_or(ParseViewError::Vlans)
        };
        Ok(match text.split_once('.') {
            Some((outer, inner)) => Self {
                outer: Some(id(outer)?),
                inner: id(inner)?,
            },
            None => Self {
                outer: None,
                inner: id(text)?,
            },
        })
    }
}

impl FromStr for Erspan {
    type Err = ParseViewError;

    fn from_str(text: &str) -> Result<Self, ParseViewError> {
        match text {
            "2" => Ok(Self::Two),
            "3" => Ok(Self::Three),
            _ => Err(ParseViewError::Erspan),
        }
    }
}

impl FromStr for Side {
    type Err = ParseViewError;

    fn from_str(text: &str) -> Result<Self, ParseViewError> {
        match text {
            "phones" => Ok(Self::Phones),
            "servers" => Ok(Self::Servers),
            _ => Err(ParseViewError::Side),
        }
    }
}

impl FromStr for Percent {
    type Err = ParseViewError;

    fn from_str(text: &str) -> Result<Self, ParseViewError> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !are_digits(whole) || !are_digits(part) || part.len() > 4 {
            return Err(ParseViewError::Percent);
        }
        format!("{whole}{part:0<4}")
            .parse()
            .ok()
            .filter(|millionths| *millionths <= 1_000_000)
            .map(|millionths| Self { millionths })
            .ok_or(ParseViewError::Percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_tags_and_percentages() {
        let (outer, inner) = (Some(110), 100);
        assert_eq!("110.100".parse(), Ok(Vlans { outer, inner }));
        assert_eq!("100".parse(), Ok(Vlans { outer: None, inner }));
        for (text, millionths) in [("5", 50_000), ("0.1", 1000), ("100", 1_000_000), ("0", 0)] {
            assert_eq!(text.parse(), Ok(Percent { millionths }), "{text}");
        }
    }

    #[test]
    fn refuses_everything_else() {
        for text in ["", "0", "4095", "1.", ".1", "1.2.3", "a"] {
            assert_eq!(text.parse::<Vlans>(), Err(ParseViewError::Vlans), "{text}");
        }
        for text in ["", "-1", "101", "100.1", "5.", "0.12345", "5%", "1e1"] {
            assert_eq!(
                text.parse::<Percent>(),
                Err(ParseViewError::Percent),
                "{text}"
            );
        }
        assert_eq!("1".parse::<Erspan>(), Err(ParseViewError::Erspan));
        assert_eq!("both".parse::<Side>(), Err(ParseViewError::Side));
    }
}
