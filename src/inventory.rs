//! The phones that should be there: CallManager's exported list, read from its text.
//!
//! The list comes from people and their spreadsheets, so reading it is lenient: any order of columns, a comma or a
//! semicolon between them, with or without a byte order mark. A row that cannot be used is named by its line, and the
//! rest is used.

mod header;
mod model;

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use csv::{ReaderBuilder, StringRecord, Trim};

use self::header::Header;
pub use self::model::is_same_model;
use crate::net::{DeviceName, safe_text};

/// The longest list, in bytes.
pub const MAX_BYTES: usize = 64 << 20;
/// The most phones.
const MAX_PHONES: usize = 200_000;
/// So many rows that cannot be used are named; of more only the number is told.
const MAX_PROBLEMS: usize = 20;
/// So many near misses of one name are told: phones bought together have neighbouring addresses.
const MAX_NEAR: usize = 64;
/// What is kept of a field, in characters.
const MAX_FIELD: usize = 128;

/// The phones that CallManager has been told of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    phones: BTreeMap<DeviceName, Configured>,
    /// Names by the pairs of their last six digits: two digits that differ leave one of three pairs as it is.
    by_pair: HashMap<(u8, [u8; 2]), Vec<DeviceName>>,
    problems: Vec<Problem>,
    unused: usize,
}

/// One phone of the list. Every text in it is safe to show and short.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configured {
    /// What people call it.
    pub description: Option<Box<str>>,
    /// Its device pool.
    pub device_pool: Option<Box<str>>,
    /// The model that it is configured as.
    pub model: Option<Box<str>>,
    /// Its first directory number.
    pub directory_number: Option<Box<str>>,
    /// What CallManager thought of it when the list was exported.
    pub status: Option<Box<str>>,
}

/// A row that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Its line in the file, from 1.
    pub line: u64,
    /// What is wrong with it, and what is wanted.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: {}", self.line, self.message)
    }
}

impl Inventory {
    /// Reads a list; an error says why nothing of it can be used.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > MAX_BYTES {
            return Err(format!(
                "it is larger than {} MiB: no list of phones is",
                MAX_BYTES >> 20
            ));
        }
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Err("it is UTF-16 text: save it as CSV with the encoding UTF-8".to_owned());
        }
        let text = decoded(bytes);
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter(text))
            .flexible(true)
            .trim(Trim::All)
            .from_reader(text.as_bytes());
        let header = reader
            .headers()
            .map_err(|error| format!("its first line cannot be read ({error})"))
            .and_then(Header::read)?;
        let mut inventory = Self::default();
        for record in reader.records() {
            match record {
                Ok(record) => inventory.take(&header, &record),
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    inventory.problem(line, "it cannot be read as CSV".to_owned());
                }
            }
        }
        Ok(inventory)
    }

    fn take(&mut self, header: &Header, record: &StringRecord) {
        let line = record.position().map_or(0, csv::Position::line);
        if record.iter().all(str::is_empty) {
            return;
        }
        let field = |column: Option<usize>| {
            let text = safe_text(record.get(column?)?.as_bytes(), MAX_FIELD);
            (!text.is_empty()).then(|| text.into_boxed_str())
        };
        let Some(name) = field(Some(header.name)) else {
            return self.problem(line, "it names no device".to_owned());
        };
        let Some(name) = device_name(&name) else {
            let message = format!("{name:?} is no device name (like \"SEP001380AD9E5F\")");
            return self.problem(line, message);
        };
        if self.phones.len() >= MAX_PHONES {
            return self.problem(line, format!("there are more than {MAX_PHONES} phones"));
        }
        if self.phones.contains_key(&name) {
            // A phone with several lines may stand there once for each.
            return;
        }
        for pair in pairs(name) {
            self.by_pair.entry(pair).or_default().push(name);
        }
        self.phones.insert(
            name,
            Configured {
                description: field(header.description),
                device_pool: field(header.device_pool),
                model: field(header.model),
                directory_number: field(header.directory_number),
                status: field(header.status),
            },
        );
    }

    fn problem(&mut self, line: u64, message: String) {
        self.unused += 1;
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Problem { line, message });
        }
    }

    /// The phone of this name.
    pub fn of(&self, name: DeviceName) -> Option<&Configured> {
        self.phones.get(&name)
    }

    /// Every phone, by name.
    pub fn iter(&self) -> impl Iterator<Item = (DeviceName, &Configured)> {
        self.phones.iter().map(|(name, phone)| (*name, phone))
    }

    /// How many phones there are.
    pub fn len(&self) -> usize {
        self.phones.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.phones.is_empty()
    }

    /// Rows that cannot be used: the first of them.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// How many rows cannot be used.
    pub const fn unused(&self) -> usize {
        self.unused
    }

    /// Phones of the list whose names differ from this one in one or two hexadecimal digits: somebody misread a label.
    pub fn near(&self, name: DeviceName) -> Vec<DeviceName> {
        let mut near: Vec<(usize, DeviceName)> = pairs(name)
            .filter_map(|pair| self.by_pair.get(&pair))
            .flatten()
            .map(|other| (distance(name, *other), *other))
            .filter(|(distance, _)| (1..=2).contains(distance))
            .collect();
        near.sort_unstable();
        near.dedup();
        near.truncate(MAX_NEAR);
        near.into_iter().map(|(_, name)| name).collect()
    }
}

/// The name in a field: `SEP001380AD9E5F`, or a hardware address however it is written.
fn device_name(text: &str) -> Option<DeviceName> {
    let digits: String = text
        .chars()
        .filter(|character| !matches!(character, ':' | '-' | '.' | ' '))
        .collect();
    let is_address = digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let name = if is_address {
        format!("SEP{}", digits.to_ascii_uppercase())
    } else {
        text.to_ascii_uppercase()
    };
    DeviceName::from_wire(name.as_bytes())
}

/// The last three pairs of the digits of a phone's name, each with its place; none where it is named otherwise.
fn pairs(name: DeviceName) -> impl Iterator<Item = (u8, [u8; 2])> {
    let text = name.to_string();
    let digits = text.strip_prefix("SEP").filter(|it| it.len() == 12);
    let last: Vec<u8> = digits
        .and_then(|digits| digits.get(6..))
        .unwrap_or_default()
        .bytes()
        .collect();
    let pairs: Vec<[u8; 2]> = last
        .chunks_exact(2)
        .filter_map(|pair| pair.try_into().ok())
        .collect();
    (0..).zip(pairs)
}

/// In how many characters the names differ.
fn distance(one: DeviceName, other: DeviceName) -> usize {
    if one.as_str().len() != other.as_str().len() {
        return usize::MAX;
    }
    let both = one.as_str().bytes().zip(other.as_str().bytes());
    both.filter(|(one, other)| one != other).count()
}

/// The text: UTF-8, else as Windows writes it in western Europe, of which Latin-1 is near enough for names.
fn decoded(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// What stands between the columns: what the first line has more of.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    let count = |wanted| first.chars().filter(|it| *it == wanted).count();
    [(b';', count(';')), (b'\t', count('\t'))]
        .into_iter()
        .filter(|(_, count_of)| *count_of > count(','))
        .max_by_key(|(_, count_of)| *count_of)
        .map_or(b',', |(delimiter, _)| delimiter)
}

#[cfg(test)]
mod tests;
