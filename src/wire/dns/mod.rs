//! DNS over UDP (RFC 1035): whether the name of a CallManager or TFTP server was found.
//!
//! ```text
//! id | QR opcode AA TC RD RA Z rcode | questions answers authorities additionals | question | answer ...
//! ```
//!
//! Only the first question and the addresses among the answers are read. A message that the capture cut gives what
//! there was of it.

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

use crate::wire::{DecodeError, Reader};

/// The UDP port of name servers.
pub const PORT: u16 = 53;

/// One DNS message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dns {
    /// The number that answer and question share.
    pub id: u16,
    /// Whether it is an answer.
    pub response: bool,
    /// What is done with the question: 0 is a standard query, the only one phones make.
    pub opcode: u8,
    /// What the server says; meaningless in a question.
    pub response_code: ResponseCode,
    /// What is asked; the first, where a message asks several things.
    pub question: Option<Question>,
    /// The addresses among the answers (A and AAAA), the first sixteen; aliases on the way to them need no following,
    /// since a server puts the whole chain into the answer.
    pub addresses: Vec<IpAddr>,
    /// Whether the message ends before what its header announces: the capture may have cut it.
    pub truncated: bool,
    /// Whether an answer could not be read, so that those after it are unknown.
    pub malformed: bool,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The name in lower case, without the last dot, at most 255 characters; `.` for the root. What is not a visible
    /// ASCII character is replaced by `\u{FFFD}`.
    pub name: String,
    /// What is asked about the name.
    pub record_type: RecordType,
}

/// A kind of record (QTYPE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordType(pub u16);

/// What a server says about a question (RCODE).
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct ResponseCode(pub u8);

impl RecordType {
    /// An IPv4 address.
    pub const A: Self = Self(1);
    /// The true name behind an alias.
    pub const CNAME: Self = Self(5);
    /// The name of an address.
    pub const PTR: Self = Self(12);
    /// An IPv6 address (RFC 3596).
    pub const AAAA: Self = Self(28);
    /// Where a service is (RFC 2782).
    pub const SRV: Self = Self(33);
}

impl ResponseCode {
    /// The question was answered; with no address among the answers, the name has none of this type.
    pub const NO_ERROR: Self = Self(0);
    /// The server could not read the question.
    pub const FORMAT_ERROR: Self = Self(1);
    /// The server failed to find out.
    pub const SERVER_FAILURE: Self = Self(2);
    /// The name does not exist.
    pub const NAME_ERROR: Self = Self(3);
    /// The server does not do such questions.
    pub const NOT_IMPLEMENTED: Self = Self(4);
    /// The server does not do it for this client.
    pub const REFUSED: Self = Self(5);

    /// The code in words, as RFC 1035 has it.
    pub const fn name(self) -> &'static str {
        match self.0 {
            0 => "No error",
            1 => "Format error",
            2 => "Server failure",
            3 => "Name error",
            4 => "Not implemented",
            5 => "Refused",
            _ => "Unknown response code",
        }
    }

    /// The code as a metrics label.
    pub const fn label(self) -> &'static str {
        match self.0 {
            0 => "answered",
            1 => "format_error",
            2 => "server_failure",
            3 => "name_error",
            4 => "not_implemented",
            5 => "refused",
            _ => "other",
        }
    }
}

/// How many addresses are kept.
const MAX_ADDRESSES: usize = 16;
/// The length of the longest name (RFC 1035, section 2.3.4), in octets.
const MAX_NAME: usize = 255;
/// How many pointers a name may hold: each must lead back, yet a long message has room for many.
const MAX_POINTERS: usize = 16;

impl Dns {
    /// Reads the payload of a UDP datagram to or from port 53.
    pub fn parse(message: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(message);
        let id = reader.u16_be("dns id")?;
        let [flags, codes] = reader.array("dns flags")?;
        let questions = reader.u16_be("dns question count")?;
        let answers = reader.u16_be("dns answer count")?;
        reader.u32_be("dns other counts")?;
        let mut dns = Self {
            id,
            response: flags & 0x80 != 0,
            opcode: (flags >> 3) & 0x0F,
            response_code: ResponseCode(codes & 0x0F),
            question: None,
            addresses: Vec::new(),
            truncated: false,
            malformed: false,
        };
        if questions > 0 {
            match Question::parse(message, &mut reader) {
                Ok(question) => dns.question = Some(question),
                Err(DecodeError::Truncated { .. }) => {
                    dns.truncated = true;
                    return Ok(dns);
                }
                // Nothing but the id would be left to go by: what this is, is no DNS.
                Err(malformed @ DecodeError::Malformed { .. }) => return Err(malformed),
            }
        }
        match dns.read_answers(&mut reader, questions.saturating_sub(1), answers) {
            Ok(()) => {}
            Err(DecodeError::Truncated { .. }) => dns.truncated = true,
            Err(DecodeError::Malformed { .. }) => dns.malformed = true,
        }
        Ok(dns)
    }

    fn read_answers(
        &mut self,
        reader: &mut Reader<'_>,
        more_questions: u16,
        answers: u16,
    ) -> Result<(), DecodeError> {
        for _ in 0..more_questions {
            skip_name(reader)?;
            reader.u32_be("dns question")?;
        }
        for _ in 0..answers {
            skip_name(reader)?;
            let record_type = RecordType(reader.u16_be("dns record type")?);
            reader.u16_be("dns record class")?;
            reader.u32_be("dns record time to live")?;
            let length = reader.u16_be("dns record length")?;
            let mut data = reader.sub("dns record", usize::from(length))?;
            let address = match (record_type, length) {
                (RecordType::A, 4) => IpAddr::from(data.ipv4("dns address")?),
                (RecordType::AAAA, 16) => IpAddr::from(data.ipv6("dns address")?),
                _ => continue,
            };
            if self.addresses.len() < MAX_ADDRESSES {
                self.addresses.push(address);
            }
        }
        Ok(())
    }

    /// A question about a name: for tests and simulated phones.
    pub fn query(id: u16, name: &str, record_type: RecordType) -> Self {
        Self {
            id,
            response: false,
            opcode: 0,
            response_code: ResponseCode::NO_ERROR,
            question: Some(Question {
                name: name.to_ascii_lowercase(),
                record_type,
            }),
            addresses: Vec::new(),
            truncated: false,
            malformed: false,
        }
    }

    /// The answer to a question: for tests and simulated servers.
    #[must_use]
    pub fn answer(&self, response_code: ResponseCode, addresses: &[IpAddr]) -> Self {
        Self {
            response: true,
            response_code,
            addresses: addresses.to_vec(),
            ..self.clone()
        }
    }

    /// The message's bytes, with recursion desired as phones do; the answers live for an hour.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let answers = u16::try_from(self.addresses.len()).unwrap_or(u16::MAX);
        bytes.extend(self.id.to_be_bytes());
        bytes.push(u8::from(self.response) << 7 | (self.opcode & 0x0F) << 3 | 1);
        bytes.push(u8::from(self.response) << 7 | (self.response_code.0 & 0x0F));
        for count in [u16::from(self.question.is_some()), answers, 0, 0] {
            bytes.extend(count.to_be_bytes());
        }
        if let Some(question) = &self.question {
            push_name(&mut bytes, &question.name);
            bytes.extend(question.record_type.0.to_be_bytes());
            bytes.extend(1_u16.to_be_bytes());
        }
        for address in self.addresses.iter().take(usize::from(answers)) {
            if self.question.is_some() {
                // The name of the question, which stands right after the header.
                bytes.extend([0xC0, 12]);
            } else {
                bytes.push(0);
            }
            let (record_type, octets) = match address {
                IpAddr::V4(address) => (RecordType::A, address.octets().to_vec()),
                IpAddr::V6(address) => (RecordType::AAAA, address.octets().to_vec()),
            };
            bytes.extend(record_type.0.to_be_bytes());
            bytes.extend(1_u16.to_be_bytes());
            bytes.extend(3600_u32.to_be_bytes());
            bytes.extend(
                u16::try_from(octets.len())
                    .unwrap_or_default()
                    .to_be_bytes(),
            );
            bytes.extend(octets);
        }
        bytes
    }
}

impl Question {
    fn parse<'a>(message: &'a [u8], reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let name = read_name(message, reader)?;
        let record_type = RecordType(reader.u16_be("dns question type")?);
        reader.u16_be("dns question class")?;
        Ok(Self { name, record_type })
    }
}

/// Reads a name (RFC 1035, section 4.1.4).
///
/// A pointer must lead to before everything the name has been read from so far, so no chain of pointers comes back to
/// where it was.
fn read_name<'a>(message: &'a [u8], reader: &mut Reader<'a>) -> Result<String, DecodeError> {
    const FIELD: &str = "dns name";
    let malformed = DecodeError::Malformed { field: FIELD };
    let mut name = String::new();
    let mut octets = 0_usize;
    let mut earliest = message.len().saturating_sub(reader.left());
    let mut pointers = 0_usize;
    let mut elsewhere: Option<Reader<'a>> = None;
    loop {
        let here = elsewhere.as_mut().unwrap_or(&mut *reader);
        match label(here, FIELD)? {
            Label::End => break,
            Label::Text(text) => {
                octets = octets.saturating_add(text.len()).saturating_add(1);
                if octets >= MAX_NAME {
                    return Err(malformed);
                }
                if !name.is_empty() {
                    name.push('.');
                }
                name.extend(text.iter().map(|&byte| shown(byte)));
            }
            Label::Pointer(target) => {
                pointers = pointers.saturating_add(1);
                if target >= earliest || pointers > MAX_POINTERS {
                    return Err(malformed);
                }
                earliest = target;
                elsewhere = Some(Reader::new(message.get(target..).ok_or(malformed)?));
            }
        }
    }
    if name.is_empty() {
        name.push('.');
    }
    Ok(name)
}

/// Passes over a name; a pointer ends it.
fn skip_name(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    while let Label::Text(_) = label(reader, "dns record name")? {}
    Ok(())
}

enum Label<'a> {
    End,
    Text(&'a [u8]),
    Pointer(usize),
}

fn label<'a>(reader: &mut Reader<'a>, field: &'static str) -> Result<Label<'a>, DecodeError> {
    match reader.u8(field)? {
        0 => Ok(Label::End),
        length @ 1..=0x3F => reader.take(field, usize::from(length)).map(Label::Text),
        high @ 0xC0.. => {
            let low = reader.u8(field)?;
            Ok(Label::Pointer(usize::from(u16::from_be_bytes([
                high & 0x3F,
                low,
            ]))))
        }
        0x40..=0xBF => Err(DecodeError::Malformed { field }),
    }
}

/// A byte of a label as it is shown. A dot inside a label would read as the end of it.
const fn shown(byte: u8) -> char {
    if byte.is_ascii_graphic() && byte != b'.' {
        byte.to_ascii_lowercase() as char
    } else {
        char::REPLACEMENT_CHARACTER
    }
}

fn push_name(bytes: &mut Vec<u8>, name: &str) {
    for label in name.split('.').filter(|label| !label.is_empty()) {
        let label = label.as_bytes().get(..63).unwrap_or(label.as_bytes());
        bytes.push(u8::try_from(label.len()).unwrap_or(63));
        bytes.extend_from_slice(label);
    }
    bytes.push(0);
}

impl fmt::Display for RecordType {
    /// `A`, or `type 99` for a number without a name here.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::A => "A",
            Self::CNAME => "CNAME",
            Self::PTR => "PTR",
            Self::AAAA => "AAAA",
            Self::SRV => "SRV",
            Self(number) => return write!(formatter, "type {number}"),
        };
        formatter.pad(name)
    }
}

impl fmt::Display for ResponseCode {
    /// `Name error`, or `response code 9` for a number without a name here.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 <= 5 {
            formatter.pad(self.name())
        } else {
            write!(formatter, "response code {}", self.0)
        }
    }
}

impl fmt::Display for Dns {
    /// One line for a trace: `DNS A cm1.example.com?`, `DNS A cm1.example.com: Name error`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DNS")?;
        if let Some(question) = &self.question {
            write!(formatter, " {} {}", question.record_type, question.name)?;
        }
        if !self.response {
            return formatter.write_str("?");
        }
        if self.addresses.is_empty() {
            return write!(formatter, ": {}", self.response_code);
        }
        let mut separator = ": ";
        for address in &self.addresses {
            write!(formatter, "{separator}{address}")?;
            separator = ", ";
        }
        Ok(())
    }
}
