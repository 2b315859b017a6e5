//! The outbox: messages that are not delivered yet, on disk, with what the policy knows.
//!
//! What the policy says it told and the messages that tell it are stored in one transaction: whenever the program ends,
//! nothing that was to be told is lost, and nothing is told anew.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, params};

use crate::alert::{Alert, Notification, Row, State, Status};
use crate::private_folder;
use crate::time::Timestamp;

/// The messages that are not delivered yet.
#[derive(Debug)]
pub struct Outbox {
    connection: Connection,
    most: Most,
}

/// How much is kept.
#[derive(Clone, Copy, Debug)]
struct Most {
    messages: i64,
    bytes: i64,
}

/// A message that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its number in the outbox.
    pub number: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// The message.
    pub notification: Notification,
}

/// What a receiver is to be sent next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// This, now.
    Message(Box<Pending>),
    /// Something, but not before this time.
    At(Timestamp),
    /// Nothing.
    Nothing,
}

/// The outbox cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// Its folder cannot be made.
    #[error(
        "alerts are kept in {}, which cannot be made ({error}): let the user that runs phonewatch write there, or name \
         another folder as alert.state_dir",
        folder.display()
    )]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Its file cannot be used.
    #[error("alerts are kept in {}, which cannot be used ({reason}): {remedy}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why not.
        reason: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The database failed while it was used.
    #[error("the outbox cannot be read or written ({0})")]
    Database(#[from] rusqlite::Error),
    /// What is to be stored, or was, is no JSON.
    #[error("the outbox holds what cannot be read ({0})")]
    Json(#[from] serde_json::Error),
}

type Result<T> = std::result::Result<T, OutboxError>;

/// Goes up whenever the tables change.
const VERSION: i64 = 2;

/// What the policy knows, in rows with keys of its own.
const POLICY: &str =
    "CREATE TABLE policy (key TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;";

const TABLES: &str = "
    CREATE TABLE outgoing (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        receiver TEXT NOT NULL,
        thread TEXT NOT NULL,
        id TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        body TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        next_try INTEGER NOT NULL DEFAULT 0,
        UNIQUE (receiver, id)
    ) STRICT;
    CREATE INDEX outgoing_by_thread ON outgoing (receiver, thread, number);
    CREATE TABLE standing (
        receiver TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (receiver, fingerprint)
    ) STRICT;
";

/// The first message of each outage that is not delivered: those behind it wait for it.
const FIRST_OF_THREAD: &str =
    "NOT EXISTS (SELECT 1 FROM outgoing AS earlier WHERE earlier.receiver = outgoing.receiver
     AND earlier.thread = outgoing.thread AND earlier.number < outgoing.number)";

impl Outbox {
    /// Messages kept at most; of the receiver with the most, the oldest is given up.
    pub const MOST_MESSAGES: usize = 10_000;
    /// Their bytes at most.
    pub const MOST_BYTES: usize = 64 << 20;

    /// Opens the outbox in this folder, or makes it.
    pub fn open(folder: &Path) -> Result<Self> {
        private_folder::make(folder).map_err(|error| OutboxError::Folder {
            folder: folder.to_owned(),
            error,
        })?;
        let file = folder.join("alerts.sqlite");
        let connection = connect(&file).map_err(|error| unusable(&file, &error))?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version > VERSION {
            return Err(OutboxError::File {
                file,
                reason: "a newer phonewatch wrote it".to_owned(),
                remedy: "run that one, or move the file away: what was told and what waits in it is forgotten then",
            });
        }
        let most = |most: usize| i64::try_from(most).unwrap_or(i64::MAX);
        Ok(Self {
            connection,
            most: Most {
                messages: most(Self::MOST_MESSAGES),
                bytes: most(Self::MOST_BYTES),
            },
        })
    }

    /// What the policy knew when it was last stored.
    pub fn state(&self) -> Result<Option<State>> {
        let mut statement = self
            .connection
            .prepare("SELECT key, body FROM policy ORDER BY key")?;
        let rows = statement.query_map([], |row| {
            Ok(Row {
                key: row.get(0)?,
                body: Some(row.get(1)?),
            })
        })?;
        let rows: Vec<Row> = rows.collect::<rusqlite::Result<_>>()?;
        Ok((!rows.is_empty()).then_some(State {
            is_whole: true,
            rows,
        }))
    }

    /// Stores what the policy knows, or what changed of it, with the messages that it made; how many had to be given up
    /// for want of room.
    pub fn store(&mut self, state: &State, messages: &[Notification]) -> Result<u64> {
        let most = self.most;
        let transaction = self.connection.transaction()?;
        if state.is_whole {
            transaction.execute("DELETE FROM policy", [])?;
        }
        for row in &state.rows {
            match &row.body {
                Some(body) => transaction
                    .prepare_cached("INSERT OR REPLACE INTO policy (key, body) VALUES (?1, ?2)")?
                    .execute([&row.key, body])?,
                // 0 is the character behind the slash.
                None => transaction
                    .prepare_cached(
                        "DELETE FROM policy WHERE key = ?1 OR (key > ?1 || '/' AND key < ?1 || '0')",
                    )?
                    .execute([&row.key])?,
            };
        }
        for message in messages {
            transaction
                .prepare_cached(
                    "INSERT OR IGNORE INTO outgoing (receiver, thread, id, sequence, body) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![
                    message.receiver,
                    message.thread,
                    message.id,
                    message.sequence,
                    serde_json::to_string(message)?
                ])?;
        }
        let given_up = make_room(&transaction, most)?;
        transaction.commit()?;
        Ok(given_up)
    }

    /// What this receiver is to be sent next. Messages of one outage come in their order.
    pub fn next(&self, receiver: &str, now: Timestamp) -> Result<Next> {
        while let Some((number, attempts, body)) = self.due(receiver, now)? {
            match serde_json::from_str(&body) {
                Ok(notification) => {
                    return Ok(Next::Message(Box::new(Pending {
                        number,
                        attempts,
                        notification,
                    })));
                }
                // Another version wrote it. It must not hold up those behind it.
                Err(error) => {
                    tracing::error!(
                        "an alert in the outbox cannot be read, and is given up: {error}"
                    );
                    self.remove(number)?;
                }
            }
        }
        let next: Option<i64> = self
            .connection
            .prepare_cached(&format!(
                "SELECT min(next_try) FROM outgoing WHERE receiver = ?1 AND {FIRST_OF_THREAD}"
            ))?
            .query_row([receiver], |row| row.get(0))?;
        Ok(next.map_or(Next::Nothing, |next| {
            Next::At(Timestamp::from_nanos(
                u64::try_from(next).unwrap_or_default(),
            ))
        }))
    }

    fn due(&self, receiver: &str, now: Timestamp) -> Result<Option<(i64, u32, String)>> {
        let due = self
            .connection
            .prepare_cached(&format!(
                "SELECT number, attempts, body FROM outgoing WHERE receiver = ?1 AND next_try <= ?2 AND {FIRST_OF_THREAD}
                 ORDER BY number LIMIT 1"
            ))?
            .query_row(params![receiver, nanos(now)], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        Ok(due)
    }

    fn remove(&self, number: i64) -> Result<()> {
        self.connection
            .execute("DELETE FROM outgoing WHERE number = ?1", [number])?;
        Ok(())
    }

    /// The receiver has this message. If it keeps alerts for itself they are remembered as [`Self::standing`].
    pub fn delivered(&mut self, pending: &Pending, keeps_alerts: bool) -> Result<()> {
        let transaction = self.connection.transaction()?;
        if keeps_alerts {
            stand(&transaction, &pending.notification)?;
        }
        transaction.execute("DELETE FROM outgoing WHERE number = ?1", [pending.number])?;
        transaction.commit()?;
        Ok(())
    }

    /// The receiver will never take this message.
    pub fn refused(&mut self, number: i64) -> Result<()> {
        self.remove(number)
    }

    /// The receiver answers again: what waits for it is tried at once, in order.
    pub fn answered(&mut self, receiver: &str) -> Result<()> {
        self.connection.execute(
            "UPDATE outgoing SET next_try = 0 WHERE receiver = ?1 AND next_try > 0",
            [receiver],
        )?;
        Ok(())
    }

    /// The message is to be tried again at this time.
    pub fn later(&mut self, number: i64, at: Timestamp) -> Result<()> {
        self.connection.execute(
            "UPDATE outgoing SET attempts = attempts + 1, next_try = ?2 WHERE number = ?1",
            params![number, nanos(at)],
        )?;
        Ok(())
    }

    /// The alerts that this receiver was told of and that hold.
    pub fn standing(&self, receiver: &str) -> Result<Vec<Alert>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT body FROM standing WHERE receiver = ?1 ORDER BY fingerprint")?;
        let rows = statement.query_map([receiver], |row| row.get::<_, String>(0))?;
        rows.map(|body| Ok(serde_json::from_str(&body?)?)).collect()
    }

    /// This receiver is to hear again of what that one was told of, as it knows nothing yet.
    pub fn stand_like(&mut self, that: &str, receiver: &str) -> Result<()> {
        self.connection.execute(
            "INSERT OR IGNORE INTO standing (receiver, fingerprint, body)
             SELECT ?2, fingerprint, body FROM standing WHERE receiver = ?1",
            [that, receiver],
        )?;
        Ok(())
    }

    /// Gives up what is for receivers that are no more; how many messages.
    pub fn keep_only(&mut self, receivers: &[&str]) -> Result<u64> {
        let names = serde_json::to_string(receivers)?;
        let transaction = self.connection.transaction()?;
        transaction.execute(
            "DELETE FROM standing WHERE receiver NOT IN (SELECT value FROM json_each(?1))",
            [&names],
        )?;
        let given_up = transaction.execute(
            "DELETE FROM outgoing WHERE receiver NOT IN (SELECT value FROM json_each(?1))",
            [&names],
        )?;
        transaction.commit()?;
        Ok(u64::try_from(given_up).unwrap_or_default())
    }

    /// How many messages wait.
    pub fn pending(&self) -> Result<u64> {
        let count: i64 = self
            .connection
            .prepare_cached("SELECT count(*) FROM outgoing")?
            .query_row([], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}

fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    // A second phonewatch would tell everything a second time.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version == 0 {
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; {TABLES} {POLICY} PRAGMA user_version = {VERSION}; COMMIT;"
        ))?;
    } else if version == 1 {
        // It held what the policy knows in one piece. That is forgotten, so what holds is told once more.
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; DROP TABLE state; {POLICY} PRAGMA user_version = {VERSION}; COMMIT;"
        ))?;
    } else {
        // Takes the lock.
        connection.execute_batch("BEGIN IMMEDIATE; COMMIT;")?;
    }
    Ok(connection)
}

fn unusable(file: &Path, error: &rusqlite::Error) -> OutboxError {
    let remedy = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another phonewatch uses it: end that one, or name another folder as alert.state_dir"
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            "it is damaged: move it away, and phonewatch begins a new one"
        }
        Some(ErrorCode::DiskFull) => "make room on the disk",
        _ => {
            "let the user that runs phonewatch write there, or name another folder as alert.state_dir"
        }
    };
    OutboxError::File {
        file: file.to_owned(),
        reason: error.to_string(),
        remedy,
    }
}

fn make_room(transaction: &Transaction<'_>, most: Most) -> Result<u64> {
    let mut given_up = 0;
    loop {
        let (messages, bytes): (i64, i64) = transaction
            .prepare_cached("SELECT count(*), ifnull(sum(length(body)), 0) FROM outgoing")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if messages <= most.messages && bytes <= most.bytes {
            return Ok(given_up);
        }
        // Who takes nothing is not to cost others their messages.
        let deleted = transaction
            .prepare_cached(
                "DELETE FROM outgoing WHERE number = (SELECT min(number) FROM outgoing WHERE receiver =
                 (SELECT receiver FROM outgoing GROUP BY receiver ORDER BY sum(length(body)) DESC LIMIT 1))",
            )?
            .execute([])?;
        if deleted == 0 {
            return Ok(given_up);
        }
        given_up += 1;
    }
}

fn stand(transaction: &Transaction<'_>, notification: &Notification) -> Result<()> {
    for alert in &notification.alerts {
        let fingerprint = alert.fingerprint.to_string();
        match alert.status {
            Status::Firing => transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO standing (receiver, fingerprint, body) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![
                    notification.receiver,
                    fingerprint,
                    serde_json::to_string(alert)?
                ])?,
            Status::Resolved => transaction
                .prepare_cached("DELETE FROM standing WHERE receiver = ?1 AND fingerprint = ?2")?
                .execute(params![notification.receiver, fingerprint])?,
        };
    }
    Ok(())
}

/// The database's numbers have a sign; they last until the year 2262.
fn nanos(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
