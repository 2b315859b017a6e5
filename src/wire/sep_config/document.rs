//! From a file's bytes to an XML document.
//!
//! Phones read these files with parsers of their own, so what works in the field is not always well-formed: real ones
//! use the prefix `xsi` without declaring it, and are padded with NULs. What is mended here is what a phone accepts.

use std::borrow::Cow;

use roxmltree::{Document, Error, ParsingOptions, TextPos};

use crate::net::safe_text;

use super::{ConfigError, MAX_TEXT};

/// The most elements, texts and comments in a file; real ones have about a thousand.
const MAX_NODES: u32 = 8192;
/// The most `<` in a file; every element has up to two.
const MAX_TAGS: usize = 16384;
/// The most attributes of an element. The parser compares each with all before it.
const MAX_ATTRIBUTES: usize = 64;
/// The most namespaces in a file. The parser hands each on to all elements within.
const MAX_NAMESPACES: usize = 16;
/// How many undeclared prefixes are declared for the file.
const MAX_PREFIXES: usize = 4;

/// Finds the XML in a file, and reads it as UTF-8 or, failing that, as Latin-1.
pub(super) fn text(file: &[u8]) -> Result<Cow<'_, str>, ConfigError> {
    let file = file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file);
    let file = file.trim_ascii_start();
    let xml = if file.first() == Some(&b'<') {
        file
    } else {
        after_signature(file)?
    };
    let end = xml
        .iter()
        .rposition(|&byte| byte != 0 && !byte.is_ascii_whitespace())
        .map_or(0, |last| last.saturating_add(1));
    let xml = xml.get(..end).unwrap_or(xml);
    Ok(match std::str::from_utf8(xml) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(xml.iter().copied().map(char::from).collect()),
    })
}

/// The XML behind the header of a signed file, which is a list of tag, length and value.
fn after_signature(file: &[u8]) -> Result<&[u8], ConfigError> {
    /// Tag 1, the version, of two bytes: how the header of a signed file begins.
    const HEADER: &[u8] = &[1, 0, 2];
    const BEGINNINGS: [&[u8]; 3] = [b"<?xml", b"<device", b"<Default"];
    let begins = |at: &[u8]| BEGINNINGS.iter().any(|beginning| at.starts_with(beginning));
    if file.iter().all(|byte| *byte == 0) {
        return Err(ConfigError::Corrupt {
            line: 1,
            column: 1,
            what: "the file is empty".to_owned(),
        });
    }
    let start = (0..file.len()).find(|&start| file.get(start..).is_some_and(begins));
    match start.and_then(|start| file.get(start..)) {
        Some(xml) => Ok(xml),
        None if file.starts_with(HEADER) => Err(ConfigError::Encrypted),
        None => Err(ConfigError::NotXml),
    }
}

/// Parses the text and gives the document to `take`.
pub(super) fn read<T>(
    text: &str,
    take: impl Fn(&Document<'_>) -> Result<T, ConfigError>,
) -> Result<T, ConfigError> {
    check_limits(text)?;
    let root = root_name_end(text);
    let mut declarations = String::new();
    for _ in 0..=MAX_PREFIXES {
        let mended = match root.and_then(|end| text.split_at_checked(end)) {
            Some((before, after)) if !declarations.is_empty() => {
                Cow::Owned(format!("{before}{declarations}{after}"))
            }
            _ => Cow::Borrowed(text),
        };
        let options = ParsingOptions {
            nodes_limit: MAX_NODES,
            ..ParsingOptions::default()
        };
        match Document::parse_with_options(&mended, options) {
            Ok(document) => return take(&document),
            Err(Error::UnknownNamespace(prefix, _)) if root.is_some() && prefix.len() <= 32 => {
                declarations.push_str(" xmlns:");
                declarations.push_str(&prefix);
                declarations.push_str("=\"undeclared\"");
            }
            Err(Error::NodesLimitReached) => return Err(too_large("nodes", MAX_NODES as usize)),
            Err(error) => return Err(corrupt(text, &error, root, &declarations)),
        }
    }
    Err(too_large("undeclared prefixes", MAX_PREFIXES))
}

/// Refuses what would cost the parser more than its length: its memory goes by the number of tags and attributes, its
/// time by the square of the attributes of an element and of the namespaces.
fn check_limits(text: &str) -> Result<(), ConfigError> {
    if text.matches('<').count() > MAX_TAGS {
        return Err(too_large("tags", MAX_TAGS));
    }
    if text.matches('=').count() > MAX_TAGS {
        return Err(too_large("attributes", MAX_TAGS));
    }
    if text.matches("xmlns").count() > MAX_NAMESPACES {
        return Err(too_large("namespaces", MAX_NAMESPACES));
    }
    // No attribute holds a `<`, so an element's attributes are between one and the next; text with many `=` in it only
    // makes this stricter. Comments and declarations have no attributes.
    let most = text
        .split('<')
        .filter(|tag| !tag.starts_with(['!', '?']))
        .map(|tag| tag.matches('=').count())
        .max();
    if most.is_some_and(|most| most > MAX_ATTRIBUTES) {
        return Err(too_large("attributes in an element", MAX_ATTRIBUTES));
    }
    Ok(())
}

const fn too_large(what: &'static str, limit: usize) -> ConfigError {
    ConfigError::TooLarge { what, limit }
}

/// Where the name of the outermost element ends, past declarations and comments.
fn root_name_end(text: &str) -> Option<usize> {
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        rest = if rest.starts_with("<?") {
            rest.split_once("?>")?.1
        } else if rest.starts_with("<!--") {
            rest.split_once("-->")?.1
        } else {
            break;
        };
    }
    let name = rest.strip_prefix('<')?;
    let length =
        name.find(|character: char| character.is_whitespace() || "/><".contains(character))?;
    text.len()
        .checked_sub(name.len())?
        .checked_add(length)
        .filter(|_| length > 0)
}

/// The parser's error, its position moved to where the fault stands in the file.
fn corrupt(text: &str, error: &Error, root: Option<usize>, declarations: &str) -> ConfigError {
    let found = error.pos();
    let what = error.to_string().replace(&format!(" at {found}"), "");
    // The parser knows no place for what is missing at the end.
    let is_cut_off = matches!(
        error,
        Error::UnclosedRootNode | Error::UnexpectedEndOfStream
    );
    let root = root.map(|end| position(text.get(..end).unwrap_or_default()));
    let position = match root {
        _ if is_cut_off => position(text),
        Some(root) if found.row == root.row && found.col > root.col => {
            let added = u32::try_from(declarations.len()).unwrap_or_default();
            TextPos::new(found.row, found.col.saturating_sub(added))
        }
        Some(_) | None => found,
    };
    ConfigError::Corrupt {
        line: position.row,
        column: position.col,
        what: safe_text(what.as_bytes(), MAX_TEXT),
    }
}

/// The position right after a text.
fn position(text: &str) -> TextPos {
    let line = text.split('\n').count();
    let column = text
        .rsplit('\n')
        .next()
        .map_or(1, |last| last.chars().count().saturating_add(1));
    TextPos::new(
        u32::try_from(line).unwrap_or(u32::MAX),
        u32::try_from(column).unwrap_or(u32::MAX),
    )
}
