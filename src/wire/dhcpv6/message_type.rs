//! What a message of DHCP for IPv6 is for.

use std::fmt;

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MessageType {
    /// 1: a client looks for servers.
    Solicit,
    /// 2: a server offers itself.
    Advertise,
    /// 3: a client asks one server for addresses.
    Request,
    /// 4: a client asks whether its addresses fit the link that it is on.
    Confirm,
    /// 5: a client asks its server to prolong its addresses.
    Renew,
    /// 6: a client asks any server to do so.
    Rebind,
    /// 7: a server answers.
    Reply,
    /// 8: a client gives its addresses back.
    Release,
    /// 9: a client found an address in use by another.
    Decline,
    /// 11: a client with an address of its own asks for the rest.
    InformationRequest,
    /// Any other number (10 and 14 on belong to reconfiguration and lease query).
    Unknown(u8),
}

impl MessageType {
    /// The name in metrics and reports. DHCP for IPv4 has a REQUEST, a RELEASE and a DECLINE too, so these say `v6`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Solicit => "v6_solicit",
            Self::Advertise => "v6_advertise",
            Self::Request => "v6_request",
            Self::Confirm => "v6_confirm",
            Self::Renew => "v6_renew",
            Self::Rebind => "v6_rebind",
            Self::Reply => "v6_reply",
            Self::Release => "v6_release",
            Self::Decline => "v6_decline",
            Self::InformationRequest => "v6_information_request",
            Self::Unknown(_) => "v6_other",
        }
    }

    /// Whether a client sends it.
    pub const fn is_from_client(self) -> bool {
        !matches!(self, Self::Advertise | Self::Reply | Self::Unknown(_))
    }

    /// Its number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::Solicit => 1,
            Self::Advertise => 2,
            Self::Request => 3,
            Self::Confirm => 4,
            Self::Renew => 5,
            Self::Rebind => 6,
            Self::Reply => 7,
            Self::Release => 8,
            Self::Decline => 9,
            Self::InformationRequest => 11,
            Self::Unknown(number) => number,
        }
    }
}

impl From<u8> for MessageType {
    fn from(number: u8) -> Self {
        match number {
            1 => Self::Solicit,
            2 => Self::Advertise,
            3 => Self::Request,
            4 => Self::Confirm,
            5 => Self::Renew,
            6 => Self::Rebind,
            7 => Self::Reply,
            8 => Self::Release,
            9 => Self::Decline,
            11 => Self::InformationRequest,
            other => Self::Unknown(other),
        }
    }
}

impl fmt::Display for MessageType {
    /// `SOLICIT`, or `type 10` for a number without a name here.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Solicit => "SOLICIT",
            Self::Advertise => "ADVERTISE",
            Self::Request => "REQUEST",
            Self::Confirm => "CONFIRM",
            Self::Renew => "RENEW",
            Self::Rebind => "REBIND",
            Self::Reply => "REPLY",
            Self::Release => "RELEASE",
            Self::Decline => "DECLINE",
            Self::InformationRequest => "INFORMATION-REQUEST",
            Self::Unknown(number) => return write!(formatter, "type {number}"),
        })
    }
}
