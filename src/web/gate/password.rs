//! Names and passwords.
//!
//! A check costs a processor a tenth of a second on purpose, so who guesses must not get many: one is made at a time,
//! beside the threads that serve, and a password that was right is known again without it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Who may come in. Clones share everything.
#[derive(Clone, Default)]
pub(super) struct Users(Option<Arc<Known>>);

struct Known {
    hashes: BTreeMap<String, String>,
    /// Made anew at each start: what is remembered is of no use elsewhere.
    key: [u8; 32],
    /// Keyed hashes of names with passwords that were right.
    right: Mutex<VecDeque<[u8; 32]>>,
    checks: Arc<Semaphore>,
}

/// What becomes of a request.
pub(super) enum Admission {
    Admitted,
    Refused,
    /// Its password could not be checked in time.
    Busy,
}

/// Such a check takes seconds; each step above doubles that.
const MOST_COST: u32 = 16;
const REMEMBERED: usize = 64;
/// A check waits so long for its turn.
const TURN: Duration = Duration::from_secs(5);
/// Longer than any name and password together, in bytes.
const MOST_BYTES: usize = 1024;

impl Users {
    /// Those of the file, by the bcrypt hashes of their passwords; without any everybody is let in.
    pub(super) fn new(hashes: BTreeMap<String, String>) -> Result<Self, String> {
        if hashes.is_empty() {
            return Ok(Self(None));
        }
        for (name, hash) in &hashes {
            let fault = |reason: &str| format!("basic_auth_users: {name:?}: {reason}");
            if name.contains(':') {
                return Err(fault("a name holds no colon"));
            }
            let parts: bcrypt::HashParts = hash
                .parse()
                .map_err(|_| fault("this is no bcrypt hash: make one with `htpasswd -nB NAME`"))?;
            if parts.get_cost() > MOST_COST {
                return Err(fault(
                    "checking it would take too long: make one with `htpasswd -nBC 10 NAME`",
                ));
            }
        }
        let mut key = [0; 32];
        rustls::crypto::ring::default_provider()
            .secure_random
            .fill(&mut key)
            .map_err(|_| "the system gives no random numbers".to_owned())?;
        Ok(Self(Some(Arc::new(Known {
            hashes,
            key,
            right: Mutex::default(),
            checks: Arc::new(Semaphore::new(1)),
        }))))
    }

    pub(super) async fn admit(&self, headers: &HeaderMap) -> Admission {
        let Some(known) = &self.0 else {
            return Admission::Admitted;
        };
        let Some((name, password)) = given(headers) else {
            return Admission::Refused;
        };
        let Some(mac) = known.mac(&name, &password) else {
            return Admission::Refused;
        };
        if known.remembers(&mac) {
            return Admission::Admitted;
        }
        let turn = timeout(TURN, Arc::clone(&known.checks).acquire_owned());
        let Ok(Ok(turn)) = turn.await else {
            return Admission::Busy;
        };
        // The one before may have been the same.
        if known.remembers(&mac) {
            return Admission::Admitted;
        }
        // A name that is not known takes as long as one that is.
        let (hash, is_known) = match known.hashes.get(&name) {
            Some(hash) => (Some(hash), true),
            None => (known.hashes.values().next(), false),
        };
        let hash = hash.cloned().unwrap_or_default();
        let checking = tokio::task::spawn_blocking(move || {
            // It goes on though whoever asked has gone, and keeps its turn.
            let _turn = turn;
            bcrypt::verify(password, &hash).unwrap_or(false)
        });
        if checking.await.unwrap_or(false) && is_known {
            known.remember(mac);
            Admission::Admitted
        } else {
            tracing::warn!("a request with a wrong name or password was refused");
            Admission::Refused
        }
    }
}

impl Known {
    fn mac(&self, name: &str, password: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        // A name holds no colon.
        mac.update(name.as_bytes());
        mac.update(b":");
        mac.update(password);
        Some(mac)
    }

    fn remembers(&self, mac: &Hmac<Sha256>) -> bool {
        let right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        // Compared in constant time.
        right
            .iter()
            .any(|known| mac.clone().verify_slice(known).is_ok())
    }

    fn remember(&self, mac: Hmac<Sha256>) {
        let mut right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        if right.len() >= REMEMBERED {
            right.pop_front();
        }
        right.push_back(mac.finalize().into_bytes().into());
    }
}

/// The name and the password of a request (RFC 7617).
fn given(headers: &HeaderMap) -> Option<(String, Vec<u8>)> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, rest) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") || rest.len() > MOST_BYTES {
        return None;
    }
    let decoded = STANDARD.decode(rest.trim_ascii()).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let (name, password) = decoded.split_at_checked(colon)?;
    let name = String::from_utf8(name.to_vec()).ok()?;
    Some((name, password.get(1..)?.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(names: &[(&str, &str)]) -> Users {
        let hashed = |(name, password): &(&str, &str)| {
            ((*name).to_owned(), bcrypt::hash(password, 4).unwrap())
        };
        Users::new(names.iter().map(hashed).collect()).unwrap()
    }

    async fn is_admitted(users: &Users, login: &str) -> bool {
        let mut headers = HeaderMap::new();
        let value = format!("Basic {}", STANDARD.encode(login));
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        matches!(users.admit(&headers).await, Admission::Admitted)
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_known_name_is_let_in() {
        let users = users(&[("alice", "open: sesame"), ("bob", "")]);
        for (login, is_right) in [
            ("alice:open: sesame", true),
            ("alice:open: sesame", true),
            ("alice:open", false),
            ("bob:open: sesame", false),
            ("bob:", true),
            ("carol:open: sesame", false),
            ("alice", false),
            ("", false),
        ] {
            assert_eq!(is_admitted(&users, login).await, is_right, "{login}");
        }
        assert!(matches!(
            users.admit(&HeaderMap::new()).await,
            Admission::Refused
        ));
        let everybody = Users::new(BTreeMap::new()).unwrap();
        assert!(matches!(
            everybody.admit(&HeaderMap::new()).await,
            Admission::Admitted
        ));
    }

    #[tokio::test]
    async fn only_what_was_right_is_remembered_and_not_without_end() {
        let users = users(&[("alice", "a")]);
        assert!(is_admitted(&users, "alice:a").await);
        assert!(!is_admitted(&users, "alice:b").await);
        let known = users.0.as_ref().unwrap();
        assert_eq!(known.right.lock().unwrap().len(), 1);
        for number in 0..1000 {
            known.remember(
                known
                    .mac("x", &[u8::try_from(number % 256).unwrap()])
                    .unwrap(),
            );
        }
        assert_eq!(known.right.lock().unwrap().len(), REMEMBERED);
    }

    /// Time passes by itself when nothing else does.
    #[tokio::test(start_paused = true)]
    async fn checks_wait_for_each_other_but_not_for_ever() {
        let users = users(&[("alice", "a")]);
        let known = users.0.as_ref().unwrap();
        known.remember(known.mac("alice", b"a").unwrap());
        let turn = known.checks.acquire().await.unwrap();
        assert!(
            is_admitted(&users, "alice:a").await,
            "what is known needs no check"
        );
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, "Basic YTpi".parse().unwrap());
        assert!(matches!(users.admit(&headers).await, Admission::Busy));
        drop(turn);
    }

    #[test]
    fn a_hash_that_cannot_be_checked_is_refused() {
        for (hash, told) in [
            ("secret", "no bcrypt hash"),
            (
                "$2y$31$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze",
                "too long",
            ),
        ] {
            let users = BTreeMap::from([("alice".to_owned(), hash.to_owned())]);
            let error = Users::new(users).err().unwrap();
            assert!(error.contains(told) && error.contains("alice"), "{error}");
            assert!(!error.contains(hash), "{error}");
        }
    }
}
