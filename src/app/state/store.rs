//! The file in which the engine's knowledge outlives the program.
//!
//! It is a database of its own beside the alerts' outbox: its thread writes megabytes at a time, which an alert must not
//! wait for, and it may be thrown away when it is damaged, which the outbox may not. Of the devices only those parts of
//! the table are written that have changed. Each body is compressed, and carries a checksum with that.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use rusqlite::{Connection, ErrorCode, Row, params};

use crate::engine::{RestoredState, SavedState, StateError};
use crate::snapshot::TablePart;

/// The open file.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    /// What was written last of each part of the table.
    written: Vec<TablePart>,
}

/// Why it cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be opened, read or written.
    #[error("{0}")]
    Database(#[from] rusqlite::Error),
    /// What stands in it is damaged, or too large to be true.
    #[error("{0}")]
    Body(#[from] io::Error),
    /// What stands in it is no state.
    #[error(transparent)]
    State(#[from] StateError),
    /// Its tables are of another program.
    #[error("a newer phonewatch wrote it (form {0})")]
    Newer(i64),
}

type Result<T> = std::result::Result<T, StoreError>;

/// Its name.
pub const FILE: &str = "state.sqlite";

/// Goes up whenever the tables change.
const VERSION: i64 = 1;

const TABLES: &str = "
    CREATE TABLE site (id INTEGER PRIMARY KEY CHECK (id = 1), body BLOB NOT NULL) STRICT;
    CREATE TABLE devices (part INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
    CREATE TABLE pulses (part INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
";

/// A body is not larger than this: 64 devices, or some ten thousand names.
const MOST_BYTES: u64 = 64 << 20;

impl StoreError {
    /// Whether a new file would do better.
    pub fn is_of_the_file(&self) -> bool {
        match self {
            Self::Database(error) => match error.sqlite_error() {
                // A value of another type, or none where one belongs, is no error of SQLite's own.
                None => true,
                // It ends too early.
                Some(error) if error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHORT_READ => {
                    true
                }
                Some(error) => matches!(
                    error.code,
                    ErrorCode::NotADatabase
                        | ErrorCode::DatabaseCorrupt
                        | ErrorCode::TypeMismatch
                        | ErrorCode::SchemaChanged
                        | ErrorCode::ConstraintViolation
                        // A table is missing.
                        | ErrorCode::Unknown
                ),
            },
            Self::Body(_) | Self::State(_) | Self::Newer(_) => true,
        }
    }

    /// Whether another program has it open.
    pub fn is_in_use(&self) -> bool {
        matches!(self, Self::Database(error) if matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
        ))
    }
}

impl Store {
    /// Opens the file in this folder, or makes it; with what was saved in it.
    pub fn open(folder: &Path) -> Result<(Self, Option<RestoredState>)> {
        let connection = Connection::open(folder.join(FILE))?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // The last minute may be lost when the power fails; the file stays whole.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        match version {
            0 => connection.execute_batch(&format!(
                "BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;"
            ))?,
            // Takes the lock.
            VERSION => connection.execute_batch("BEGIN IMMEDIATE; COMMIT;")?,
            other => return Err(StoreError::Newer(other)),
        }
        let store = Self {
            connection,
            written: Vec::new(),
        };
        let state = store.read()?;
        Ok((store, state))
    }

    fn read(&self) -> Result<Option<RestoredState>> {
        let mut sites = self.connection.prepare("SELECT body FROM site")?;
        let mut sites = sites.query([])?;
        let Some(site) = sites.next()? else {
            return Ok(None);
        };
        let mut state = RestoredState::read(&body(site)?)?;
        for (table, is_devices) in [("devices", true), ("pulses", false)] {
            let mut parts = self
                .connection
                .prepare(&format!("SELECT body FROM {table} ORDER BY part"))?;
            let mut parts = parts.query([])?;
            while let Some(part) = parts.next()? {
                let body = body(part)?;
                if is_devices {
                    state.read_devices(&body)?;
                } else {
                    state.read_pulses(&body)?;
                }
            }
        }
        Ok(Some(state))
    }

    /// Writes what has changed since it was last written.
    pub fn write(&mut self, state: &SavedState) -> Result<()> {
        let parts: Vec<TablePart> = state.parts().collect();
        let is_first = self.written.is_empty();
        let transaction = self.connection.transaction()?;
        if is_first {
            // The places of an earlier run may be others.
            transaction.execute_batch("DELETE FROM devices; DELETE FROM pulses;")?;
        }
        transaction.execute(
            "INSERT OR REPLACE INTO site (id, body) VALUES (1, ?1)",
            [packed(&state.site()?)?],
        )?;
        for (place, part) in parts.iter().enumerate() {
            let before = self.written.get(place);
            if !before.is_some_and(|before| part.has_devices_of(before)) {
                transaction
                    .prepare_cached("INSERT OR REPLACE INTO devices (part, body) VALUES (?1, ?2)")?
                    .execute(params![part.number(), packed(&part.devices_saved()?)?])?;
            }
            if !before.is_some_and(|before| part.has_pulses_of(before)) {
                transaction
                    .prepare_cached("INSERT OR REPLACE INTO pulses (part, body) VALUES (?1, ?2)")?
                    .execute(params![part.number(), packed(&part.pulses_saved()?)?])?;
            }
        }
        transaction.commit()?;
        self.written = parts;
        Ok(())
    }
}

/// Moves a file that cannot be used out of the way; where to. One that was set aside before goes.
pub fn set_aside(folder: &Path, seconds: u64) -> io::Result<PathBuf> {
    let prefix = format!("{FILE}.corrupt-");
    for entry in fs::read_dir(folder)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            fs::remove_file(entry.path())?;
        }
    }
    for rest in ["-wal", "-shm", "-journal"] {
        match fs::remove_file(folder.join(format!("{FILE}{rest}"))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    let aside = folder.join(format!("{prefix}{seconds}"));
    fs::rename(folder.join(FILE), &aside)?;
    Ok(aside)
}

fn body(row: &Row<'_>) -> Result<Vec<u8>> {
    let body = row.get_ref(0)?.as_blob().map_err(io::Error::other)?;
    Ok(unpacked(body)?)
}

fn packed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn unpacked(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    GzDecoder::new(body)
        .take(MOST_BYTES)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
