//! The reader of one table: takes keys with their defaults and ranges, and notes what is wrong instead of stopping.
//!
//! A key that is wrong gives its default, so that reading goes on and finds the next error too; the configuration
//! made that way is thrown away. What was never asked for is an unknown key.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Fault;
use super::value::{self, ShownDuration, ShownShare, ShownSize};
use super::wording::{described, enumerated, nearest, quoted, quoted_text};

/// What is found out while a document is read, whichever table it stands in.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// What is wrong.
    pub(super) faults: Vec<Fault>,
    /// Every key that was asked for, with its table: `flap.moves`.
    pub(super) keys: Vec<String>,
    /// The document had syntax errors: what seems to be missing may only not have been read.
    pub(super) incomplete: bool,
}

/// One table of the document, while it is read.
pub(super) struct Section<'a> {
    /// The name in its header, with those of the tables it stands in; empty for the document itself.
    name: String,
    /// Where it begins.
    header: Range<usize>,
    /// `None` where the file does not have this table: every key is at its default.
    table: Option<&'a DeTable<'a>>,
    /// The keys that were asked for.
    known: Vec<&'static str>,
    /// Where keys stand of which it is said already what is wrong.
    named_wrongly: Vec<Range<usize>>,
    reading: &'a mut Reading,
}

impl<'a> Section<'a> {
    /// Reads the whole document.
    pub(super) fn document<T>(
        table: &DeTable<'_>,
        reading: &mut Reading,
        read: impl FnOnce(&mut Section<'_>) -> T,
    ) -> T {
        let mut section = Section {
            name: String::new(),
            header: 0..0,
            table: Some(table),
            known: Vec::new(),
            named_wrongly: Vec::new(),
            reading,
        };
        let value = read(&mut section);
        section.finish();
        value
    }

    /// Reads the table under `key`.
    pub(super) fn table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'_>) -> T,
    ) -> T {
        self.known.push(key);
        let value = self.table.and_then(|table| table.get(key));
        if let Some(value) = value
            && !value.get_ref().is_table()
        {
            let allowed = format!("one table with the header [{}]", self.path(key));
            self.wrong(value, key, &described(value.get_ref()), &allowed);
        }
        let name = self.path(key);
        self.sub(name, value, read)
    }

    /// Reads those tables within this one whose names are `known`; `unknown` says what is wrong with another name.
    pub(super) fn tables_named<T>(
        &mut self,
        known: &[&'static str],
        unknown: impl Fn(&str) -> String,
        mut read: impl FnMut(&mut Section<'_>) -> T,
    ) -> Vec<(&'static str, T)> {
        let Some(table) = self.table else {
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (key, value) in table {
            let name: &str = key.get_ref();
            match known.iter().find(|known| **known == name) {
                Some(known) => {
                    self.known.push(known);
                    if !value.get_ref().is_table() {
                        let allowed = format!("one table with the header [{}.{known}]", self.name);
                        self.wrong(value, known, &described(value.get_ref()), &allowed);
                        continue;
                    }
                    let path = self.path(known);
                    tables.push((*known, self.sub(path, Some(value), &mut read)));
                }
                None if value.get_ref().is_table() => {
                    self.named_wrongly.push(key.span());
                    self.fault(
                        key.span(),
                        quoted_text(name).trim_matches('"'),
                        &unknown(name),
                    );
                }
                None => {}
            }
        }
        tables
    }

    /// Reads every table of the list under `key`, at most `most`; one that gives `None` is left out.
    pub(super) fn tables<T>(
        &mut self,
        key: &'static str,
        most: usize,
        mut read: impl FnMut(&mut Section<'_>) -> Option<T>,
    ) -> Vec<T> {
        self.known.push(key);
        let Some(value) = self.table.and_then(|table| table.get(key)) else {
            return Vec::new();
        };
        let header = self.path(key);
        let allowed = format!("a list of up to {most} tables, each with the header [[{header}]],");
        let Some(list) = value.get_ref().as_array() else {
            self.wrong(value, key, &described(value.get_ref()), &allowed);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (count, value) in list.iter().enumerate() {
            if count == most {
                self.wrong(value, key, "this is one too many", &allowed);
                break;
            }
            if value.get_ref().is_table() {
                let name = self.path(key);
                tables.extend(self.sub(name, Some(value), &mut read));
            } else {
                self.wrong(value, key, &described(value.get_ref()), &allowed);
            }
        }
        tables
    }

    /// Reads `true` or `false`.
    pub(super) fn boolean(&mut self, key: &'static str, default: bool) -> bool {
        self.value(key, default, "true or false", |value| {
            value.as_bool().ok_or_else(|| described(value))
        })
    }

    /// Reads a whole number.
    pub(super) fn integer<T: Integer>(
        &mut self,
        key: &'static str,
        default: T,
        range: RangeInclusive<T>,
    ) -> T {
        let allowed = allowed_integer("a whole number", &range);
        self.value(key, default, &allowed, |value| integer(value, &range))
    }

    /// Reads a duration: `"30s"`, `"1h30m"`.
    pub(super) fn duration(
        &mut self,
        key: &'static str,
        default: Duration,
        range: RangeInclusive<Duration>,
    ) -> Duration {
        let allowed = format!(
            "a duration in quotes (like \"{}\") from {} to {}",
            ShownDuration(default),
            ShownDuration(*range.start()),
            ShownDuration(*range.end()),
        );
        self.value(key, default, &allowed, |value| {
            let duration = match (value.as_str(), value.as_integer()) {
                (Some(text), _) => value::duration(text).ok_or_else(|| {
                    format!(
                        "{} is not a duration (its units are d, h, m, s, ms and us)",
                        quoted(value)
                    )
                })?,
                (_, Some(number)) if number.as_str() == "0" => Duration::ZERO,
                (_, Some(_)) => return Err(format!("{} has no unit of time", quoted(value))),
                (None, None) => return Err(described(value)),
            };
            within(duration, &range, value)
        })
    }

    /// Reads a share in percent, to a tenth: `"0.5%"`. It is given in thousandths.
    pub(super) fn permille(
        &mut self,
        key: &'static str,
        default: u32,
        range: RangeInclusive<u32>,
    ) -> u32 {
        let allowed = format!(
            "a share in quotes (like \"{}\") from {} to {}",
            ShownShare(default),
            ShownShare(*range.start()),
            ShownShare(*range.end()),
        );
        self.value(key, default, &allowed, |value| {
            let text = value.as_str().ok_or_else(|| described(value))?;
            let share = value::permille(text)
                .ok_or_else(|| format!("{} is not a share in percent", quoted(value)))?;
            within(share, &range, value)
        })
    }

    /// Reads a number of bytes: `"16MiB"`, `"8 MB"`, `4096`.
    pub(super) fn size(
        &mut self,
        key: &'static str,
        default: usize,
        range: RangeInclusive<usize>,
    ) -> usize {
        let allowed = format!(
            "a size in quotes (like \"{}\") or a number of bytes from {} to {}",
            ShownSize::of(default),
            ShownSize::of(*range.start()),
            ShownSize::of(*range.end()),
        );
        self.value(key, default, &allowed, |value| {
            let Some(text) = value.as_str() else {
                return integer(value, &range);
            };
            let size = value::size(text).ok_or_else(|| {
                format!(
                    "{} is not a size (its units are B, kB, MB, GB, KiB, MiB and GiB)",
                    quoted(value)
                )
            })?;
            within(usize::try_from(size).unwrap_or(usize::MAX), &range, value)
        })
    }

    /// Reads one of these words.
    pub(super) fn one_of<T: Copy>(
        &mut self,
        key: &'static str,
        default: T,
        words: &[(&str, T)],
    ) -> T {
        let names: Vec<String> = words.iter().map(|(word, _)| quoted_text(word)).collect();
        self.text(key, default, &enumerated(&names, "or"), |text| {
            words
                .iter()
                .find(|(word, _)| *word == text)
                .map(|(_, value)| *value)
                .ok_or_else(|| format!("{} is not known", quoted_text(text)))
        })
    }

    /// Reads text that `parse` understands; its error says what is wrong.
    pub(super) fn text<T>(
        &mut self,
        key: &'static str,
        default: T,
        allowed: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        self.value(key, default, allowed, |value| {
            parse(value.as_str().ok_or_else(|| described(value))?)
        })
    }

    /// Reads text that has no default; `None` where it is missing or wrong.
    pub(super) fn required_text<T>(
        &mut self,
        key: &'static str,
        allowed: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if !self.has(key) && !self.reading.incomplete {
            let message = format!("missing, and it has no default: give {allowed}");
            self.fault(self.header.clone(), key, &message);
        }
        self.text(key, None, allowed, |text| parse(text).map(Some))
    }

    /// Notes that the value under `key` does not go with the others of this table; or, where the file does not have
    /// it, that the table does not go without it.
    pub(super) fn refuse(&mut self, key: &'static str, message: &str) {
        if self.reading.incomplete {
            return;
        }
        let value = self.table.and_then(|table| table.get(key));
        let span = value.map_or(self.header.clone(), Spanned::span);
        self.fault(span, key, message);
    }

    /// Whether the file says anything under `key`.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// Reads a list without duplicates, of as many items as `count` says.
    ///
    /// `items` is what the list holds ("ports"), `allowed` what one of them may be.
    pub(super) fn list<T: PartialEq>(
        &mut self,
        key: &'static str,
        default: Vec<T>,
        count: RangeInclusive<usize>,
        (items, allowed): (&str, &str),
        item: impl Fn(&DeValue<'_>) -> Result<T, String>,
    ) -> Vec<T> {
        let of_items = format!("a list of {} to {} {items}", count.start(), count.end());
        let list = self.value(key, None, &of_items, |value| {
            let list = value.as_array().ok_or_else(|| described(value))?;
            let length = list.len();
            if count.contains(&length) {
                Ok(Some(list))
            } else {
                Err(format!("{length} {items} stand here"))
            }
        });
        let Some(list) = list else {
            return default;
        };
        let mut read = Vec::new();
        for value in list {
            match item(value.get_ref()) {
                Ok(item) if read.contains(&item) => {
                    let twice = format!("{} stands here twice", quoted(value.get_ref()));
                    self.wrong(value, key, &twice, "once");
                }
                Ok(item) => read.push(item),
                Err(wrong) => self.wrong(value, key, &wrong, allowed),
            }
        }
        read
    }

    /// Reads the value under `key`, where the file has it.
    fn value<T>(
        &mut self,
        key: &'static str,
        default: T,
        allowed: &str,
        convert: impl FnOnce(&'a DeValue<'a>) -> Result<T, String>,
    ) -> T {
        self.known.push(key);
        self.reading.keys.push(self.path(key));
        let value = self
            .table
            .and_then(|table| table.get(key))
            // Where a value is missing the parser notes that and puts a number of no length.
            .filter(|value| !value.span().is_empty());
        let Some(value) = value else {
            return default;
        };
        convert(value.get_ref()).unwrap_or_else(|wrong| {
            self.wrong(value, key, &wrong, allowed);
            default
        })
    }

    fn sub<T>(
        &mut self,
        name: String,
        value: Option<&Spanned<DeValue<'_>>>,
        read: impl FnOnce(&mut Section<'_>) -> T,
    ) -> T {
        let mut section = Section {
            name,
            header: value.map_or(0..0, Spanned::span),
            table: value.and_then(|value| value.get_ref().as_table()),
            known: Vec::new(),
            named_wrongly: Vec::new(),
            reading: &mut *self.reading,
        };
        let value = read(&mut section);
        section.finish();
        value
    }

    /// Whatever stands in the table and was not asked for is unknown.
    fn finish(mut self) {
        let Some(table) = self.table else {
            return;
        };
        let known = std::mem::take(&mut self.known);
        for (key, value) in table {
            let name: &str = key.get_ref();
            if known.contains(&name) || self.named_wrongly.contains(&key.span()) {
                continue;
            }
            let nearest = nearest(name, &known)
                .map(|known| format!(" (did you mean {known}?)"))
                .unwrap_or_default();
            let all = enumerated(&known, "and");
            let message = if !self.name.is_empty() {
                format!(
                    "[{}] has no such key{nearest}: its keys are {all}",
                    self.name
                )
            } else if value.get_ref().is_table() || value.get_ref().is_array() {
                format!("there is no such table{nearest}: the tables are {all}")
            } else {
                format!("every key stands in a table{nearest}: the tables are {all}")
            };
            self.fault(key.span(), quoted_text(name).trim_matches('"'), &message);
        }
    }

    fn wrong(&mut self, value: &Spanned<DeValue<'_>>, key: &str, wrong: &str, allowed: &str) {
        self.fault(value.span(), key, &format!("{wrong}: {allowed} is allowed"));
    }

    fn fault(&mut self, span: Range<usize>, key: &str, message: &str) {
        let message = format!("{}: {message}", self.path(key));
        self.reading.faults.push(Fault {
            span: Some(span),
            message,
        });
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }
}

/// The types of whole numbers that a configuration holds.
pub(super) trait Integer: Copy + PartialOrd + TryFrom<i128> + TryInto<i128> {}

impl<T: Copy + PartialOrd + TryFrom<i128> + TryInto<i128>> Integer for T {}

/// Says which whole numbers are allowed.
pub(super) fn allowed_integer<T: Integer>(noun: &str, range: &RangeInclusive<T>) -> String {
    let (least, most) = wide(range).into_inner();
    format!("{noun} from {least} to {most}")
}

/// Reads a whole number of this range.
pub(super) fn integer<T: Integer>(
    value: &DeValue<'_>,
    range: &RangeInclusive<T>,
) -> Result<T, String> {
    let number = value.as_integer().ok_or_else(|| described(value))?;
    let read = i128::from_str_radix(number.as_str(), number.radix());
    // The parser lets digits pass only, so that one fails for its length.
    let read = read.unwrap_or(if number.as_str().starts_with('-') {
        i128::MIN
    } else {
        i128::MAX
    });
    let read = within(read, &wide(range), value)?;
    T::try_from(read).map_err(|_| described(value))
}

fn wide<T: Integer>(range: &RangeInclusive<T>) -> RangeInclusive<i128> {
    let wide = |number: T| number.try_into().unwrap_or(i128::MAX);
    wide(*range.start())..=wide(*range.end())
}

fn within<T: PartialOrd>(
    read: T,
    range: &RangeInclusive<T>,
    value: &DeValue<'_>,
) -> Result<T, String> {
    if read < *range.start() {
        Err(format!("{} is too small", quoted(value)))
    } else if read > *range.end() {
        Err(format!("{} is too large", quoted(value)))
    } else {
        Ok(read)
    }
}
