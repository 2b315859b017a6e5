//! TFTP (RFC 1350) with its options (RFC 2347, 2348, 2349, 7440): how a phone gets its configuration and its load.
//!
//! ```text
//! 1 read  | file NUL mode NUL (option NUL value NUL)*      4 acknowledgement | block
//! 2 write | file NUL mode NUL (option NUL value NUL)*      5 error | code, message NUL
//! 3 data  | block, bytes                                   6 option acknowledgement | (option NUL value NUL)*
//! ```
//!
//! A server answers from a port of its own choice, so only requests show the well-known port.

mod file_kind;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::net::safe_text;
use crate::wire::{DecodeError, Reader};

pub use file_kind::{FileKind, file_kind};

/// The UDP port to which requests go.
pub const PORT: u16 = 69;
/// The bytes of a block where no other size was agreed on (RFC 1350); a shorter block is the last.
pub const DEFAULT_BLOCK_SIZE: u16 = 512;

/// One TFTP packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tftp<'a> {
    /// The client asks for a file (RRQ).
    Read(Request),
    /// The client offers a file (WRQ).
    Write(Request),
    /// One block of the file (DATA).
    Data {
        /// Counts from 1, and after 65535 goes on at 0 or 1.
        block: u16,
        /// The file's bytes.
        bytes: &'a [u8],
    },
    /// A block arrived, or with block 0 the options are agreed on (ACK).
    Ack {
        /// The last block that arrived.
        block: u16,
    },
    /// The transfer ends here (ERROR).
    Error {
        /// Why.
        code: ErrorCode,
        /// Why, in the sender's words; at most 128 characters.
        message: String,
    },
    /// The server agrees to options (OACK).
    OptionAck(TransferOptions),
}

/// What a client asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The file's name, safe to show, at most 128 characters.
    pub file: String,
    /// How the bytes are to be sent; `None` where it is no mode of RFC 1350, or was cut off.
    pub mode: Option<Mode>,
    /// The options the client proposes.
    pub options: TransferOptions,
    /// Whether the packet ends inside the file's name, so that `file` is a part of it.
    pub file_truncated: bool,
    /// Whether the packet ends before the mode does, inside the name or after it: options are unknown.
    pub truncated: bool,
}

/// How a file's bytes are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// As text with line ends translated.
    Netascii,
    /// As they are: what phones use.
    Octet,
    /// To a user: obsolete.
    Mail,
}

/// The options of a request or of the answer to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransferOptions {
    /// Bytes in a block, 8 to 65464 (`blksize`, RFC 2348).
    pub block_size: Option<u16>,
    /// Bytes in the file (`tsize`, RFC 2349); 0 in a read request asks for it.
    pub transfer_size: Option<u64>,
    /// Seconds before a packet is repeated (`timeout`, RFC 2349).
    pub timeout: Option<u8>,
    /// Blocks sent before an acknowledgement is due (`windowsize`, RFC 7440).
    pub window: Option<u16>,
}

/// Why a transfer ended (RFC 1350, RFC 2347).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrorCode(pub u16);

impl ErrorCode {
    /// Only the message says why.
    pub const NOT_DEFINED: Self = Self(0);
    /// File not found: for a phone's own file, the phone is not provisioned.
    pub const NOT_FOUND: Self = Self(1);
    /// Access violation.
    pub const ACCESS_VIOLATION: Self = Self(2);
    /// Disk full or allocation exceeded.
    pub const DISK_FULL: Self = Self(3);
    /// Illegal TFTP operation.
    pub const ILLEGAL_OPERATION: Self = Self(4);
    /// Unknown transfer ID: a packet from or to the wrong port.
    pub const UNKNOWN_TRANSFER: Self = Self(5);
    /// File already exists.
    pub const FILE_EXISTS: Self = Self(6);
    /// No such user.
    pub const NO_SUCH_USER: Self = Self(7);
    /// The options are refused (RFC 2347).
    pub const OPTION_REFUSED: Self = Self(8);

    /// The error in words.
    pub const fn name(self) -> &'static str {
        match self.0 {
            0 => "Not defined",
            1 => "File not found",
            2 => "Access violation",
            3 => "Disk full",
            4 => "Illegal operation",
            5 => "Unknown transfer ID",
            6 => "File already exists",
            7 => "No such user",
            8 => "Option refused",
            _ => "Unknown error",
        }
    }

    /// The error as a metrics label.
    pub const fn label(self) -> &'static str {
        match self.0 {
            0 => "not_defined",
            1 => "not_found",
            2 => "access_violation",
            3 => "disk_full",
            4 => "illegal_operation",
            5 => "unknown_transfer",
            6 => "file_exists",
            7 => "no_such_user",
            8 => "option_refused",
            _ => "other",
        }
    }
}

/// How many characters of a file name or an error message are kept.
const MAX_TEXT: usize = 128;

const READ: u16 = 1;
const WRITE: u16 = 2;
const DATA: u16 = 3;
const ACK: u16 = 4;
const ERROR: u16 = 5;
const OPTION_ACK: u16 = 6;

/// Reads the payload of a UDP datagram to port 69, or of the transfer that follows it.
pub fn parse(bytes: &[u8]) -> Result<Tftp<'_>, DecodeError> {
    let mut reader = Reader::new(bytes);
    match reader.u16_be("tftp opcode")? {
        READ => Request::parse(reader).map(Tftp::Read),
        WRITE => Request::parse(reader).map(Tftp::Write),
        DATA => Ok(Tftp::Data {
            block: reader.u16_be("tftp block")?,
            bytes: reader.rest(),
        }),
        ACK => Ok(Tftp::Ack {
            block: reader.u16_be("tftp block")?,
        }),
        ERROR => Ok(Tftp::Error {
            code: ErrorCode(reader.u16_be("tftp error code")?),
            message: safe_text(reader.rest(), MAX_TEXT),
        }),
        OPTION_ACK => Ok(Tftp::OptionAck(TransferOptions::parse(reader))),
        _ => Err(DecodeError::Malformed {
            field: "tftp opcode",
        }),
    }
}

impl Request {
    /// A request for a file as phones make it: octets, no options.
    pub fn octet(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            mode: Some(Mode::Octet),
            ..Self::default()
        }
    }

    fn parse(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let name = reader.until_nul();
        let file_truncated = name.is_none();
        let file = safe_text(name.unwrap_or_else(|| reader.rest()), MAX_TEXT);
        if file.is_empty() {
            let field = "tftp file name";
            return Err(if file_truncated {
                DecodeError::Truncated {
                    field,
                    need: 1,
                    have: 0,
                }
            } else {
                DecodeError::Malformed { field }
            });
        }
        let mode = reader.until_nul();
        Ok(Self {
            file,
            mode: mode.and_then(Mode::from_wire),
            options: mode.map_or_else(TransferOptions::default, |_| TransferOptions::parse(reader)),
            file_truncated,
            truncated: mode.is_none(),
        })
    }
}

impl Mode {
    fn from_wire(text: &[u8]) -> Option<Self> {
        [Self::Netascii, Self::Octet, Self::Mail]
            .into_iter()
            .find(|mode| text.eq_ignore_ascii_case(mode.name().as_bytes()))
    }

    /// The mode as it is written in a request.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Netascii => "netascii",
            Self::Octet => "octet",
            Self::Mail => "mail",
        }
    }
}

impl TransferOptions {
    /// Reads the pairs that are complete; of an option given twice, which RFC 2347 forbids, the first counts.
    fn parse(mut reader: Reader<'_>) -> Self {
        let mut options = Self::default();
        while let (Some(name), Some(value)) = (reader.until_nul(), reader.until_nul()) {
            let is = |option: &str| name.eq_ignore_ascii_case(option.as_bytes());
            if is("blksize") {
                options.block_size = options.block_size.or_else(|| decimal(value));
            } else if is("tsize") {
                options.transfer_size = options.transfer_size.or_else(|| decimal(value));
            } else if is("timeout") {
                options.timeout = options.timeout.or_else(|| decimal(value));
            } else if is("windowsize") {
                options.window = options.window.or_else(|| decimal(value));
            }
        }
        options
    }

    fn encode(self, bytes: &mut Vec<u8>) {
        for (name, value) in [
            ("blksize", self.block_size.map(u64::from)),
            ("tsize", self.transfer_size),
            ("timeout", self.timeout.map(u64::from)),
            ("windowsize", self.window.map(u64::from)),
        ] {
            if let Some(value) = value {
                push_text(bytes, name);
                push_text(bytes, &value.to_string());
            }
        }
    }
}

fn decimal<N: std::str::FromStr>(text: &[u8]) -> Option<N> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

impl Tftp<'_> {
    /// The packet's bytes: for tests and simulated phones.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut push = |number: u16| bytes.extend(number.to_be_bytes());
        match self {
            Self::Read(request) => {
                push(READ);
                request.encode(&mut bytes);
            }
            Self::Write(request) => {
                push(WRITE);
                request.encode(&mut bytes);
            }
            Self::Data { block, bytes: data } => {
                push(DATA);
                push(*block);
                bytes.extend_from_slice(data);
            }
            Self::Ack { block } => {
                push(ACK);
                push(*block);
            }
            Self::Error { code, message } => {
                push(ERROR);
                push(code.0);
                push_text(&mut bytes, message);
            }
            Self::OptionAck(options) => {
                push(OPTION_ACK);
                options.encode(&mut bytes);
            }
        }
        bytes
    }
}

impl Request {
    fn encode(&self, bytes: &mut Vec<u8>) {
        push_text(bytes, &self.file);
        push_text(bytes, self.mode.unwrap_or(Mode::Octet).name());
        self.options.encode(bytes);
    }
}

fn push_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(0);
}

impl fmt::Display for ErrorCode {
    /// `File not found`, or `error 9` for a number without a name.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 <= 8 {
            formatter.pad(self.name())
        } else {
            write!(formatter, "error {}", self.0)
        }
    }
}

impl fmt::Display for Tftp<'_> {
    /// One line for a trace: `TFTP read SEP001380AD9E5F.cnf.xml`, `TFTP data block 6, 63 bytes`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(request) => write!(formatter, "TFTP read {}", request.file),
            Self::Write(request) => write!(formatter, "TFTP write {}", request.file),
            Self::Data { block, bytes } => {
                write!(formatter, "TFTP data block {block}, {} bytes", bytes.len())
            }
            Self::Ack { block } => write!(formatter, "TFTP ack block {block}"),
            Self::Error { code, message } if message.is_empty() => {
                write!(formatter, "TFTP error {}: {code}", code.0)
            }
            Self::Error { code, message } => {
                write!(formatter, "TFTP error {}: {message}", code.0)
            }
            Self::OptionAck(_) => formatter.pad("TFTP option ack"),
        }
    }
}
