//! What systemd is told of the daemon: that it is ready, what it does, and that it still gets on (`sd_notify(3)`).
//!
//! The protocol is lines in a datagram to a socket that the environment names, and nobody answers. Where there is no
//! such socket nothing is told.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use anyhow::Context;
use rustix::time::{ClockId, clock_gettime};

/// The service manager, as far as it wants to be told anything.
#[derive(Debug, Default)]
pub(super) struct ServiceManager {
    socket: Option<UnixDatagram>,
    /// How long it waits for a sign of life before it ends the daemon.
    watchdog: Option<Duration>,
    /// What it was told last.
    status: String,
}

impl ServiceManager {
    /// The one that the environment names. One that cannot be reached is an error: it would wait in vain.
    pub(super) fn of_environment() -> anyhow::Result<Self> {
        let Some(name) = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return Ok(Self::default());
        };
        let socket = connect(&name)
            .with_context(|| format!("reach the service manager at {}", name.display()))?;
        Ok(Self {
            socket: Some(socket),
            watchdog: watchdog(
                env::var("WATCHDOG_USEC").ok().as_deref(),
                env::var("WATCHDOG_PID").ok().as_deref(),
                std::process::id(),
            ),
            status: String::new(),
        })
    }

    /// How often to look whether the daemon gets on, and to say so.
    pub(super) fn look_every(&self) -> Duration {
        // Twice in the time that it waits, as systemd advises.
        self.watchdog
            .map_or(LOOK_EVERY, |limit| (limit / 2).min(LOOK_EVERY))
    }

    /// Everything runs.
    pub(super) fn ready(&self) {
        self.tell("READY=1");
    }

    /// A configuration is read again, until it is [ready](Self::ready).
    pub(super) fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let microseconds = now.tv_sec * 1_000_000 + now.tv_nsec / 1000;
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}"));
    }

    /// It ends, as it was asked to or because it has to.
    pub(super) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// It gets on.
    pub(super) fn alive(&self) {
        if self.watchdog.is_some() {
            self.tell("WATCHDOG=1");
        }
    }

    /// What it does, in one line for people. Told when it changes.
    pub(super) fn status(&mut self, status: String) {
        if self.status != status {
            self.tell(&format!("STATUS={}", status.replace('\n', " ")));
            self.status = status;
        }
    }

    fn tell(&self, lines: &str) {
        let Some(socket) = &self.socket else {
            return;
        };
        // It does not wait: with the manager hanging, only what it is told goes lost.
        if let Err(error) = socket.send(lines.as_bytes()) {
            tracing::debug!(%error, lines, "the service manager was not told");
        }
    }
}

/// So often its state is told where nobody waits for a sign of life.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The socket of this name: a path, or a name without one behind an `@`.
fn connect(name: &OsString) -> io::Result<UnixDatagram> {
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// How long the manager waits for this process, if it does (`sd_watchdog_enabled(3)`).
fn watchdog(
    microseconds: Option<&str>,
    of_process: Option<&str>,
    process: u32,
) -> Option<Duration> {
    let is_ours = of_process.is_none_or(|pid| pid.parse() == Ok(process));
    let microseconds = microseconds?.parse().ok().filter(|&it| it > 0 && is_ours)?;
    Some(Duration::from_micros(microseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A manager that this test is, and the daemon's end of it.
    fn manager(watchdog: Option<Duration>) -> (UnixDatagram, ServiceManager) {
        let (ours, socket) = UnixDatagram::pair().unwrap();
        for end in [&ours, &socket] {
            end.set_nonblocking(true).unwrap();
        }
        let manager = ServiceManager {
            socket: Some(socket),
            watchdog,
            status: String::new(),
        };
        (ours, manager)
    }

    fn told(socket: &UnixDatagram) -> Vec<String> {
        let mut bytes = [0; 256];
        std::iter::from_fn(|| {
            let length = socket.recv(&mut bytes).ok()?;
            Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
        })
        .collect()
    }

    #[test]
    fn says_what_it_does_in_the_words_of_the_protocol() {
        let (socket, mut manager) = manager(Some(Duration::from_secs(30)));
        manager.ready();
        manager.status("2 phones".to_owned());
        manager.status("2 phones".to_owned());
        manager.status("1 phone\nREADY=0".to_owned());
        manager.alive();
        manager.stopping();
        assert_eq!(
            told(&socket),
            [
                "READY=1",
                "STATUS=2 phones",
                "STATUS=1 phone READY=0",
                "WATCHDOG=1",
                "STOPPING=1"
            ]
        );
        manager.reloading();
        let reloading = told(&socket).concat();
        let since_boot = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
        assert!(since_boot.unwrap().parse::<u64>().unwrap() > 0);
        assert_eq!(manager.look_every(), LOOK_EVERY);
    }

    #[test]
    fn nobody_is_fed_who_does_not_wait() {
        let (socket, manager) = manager(None);
        manager.alive();
        assert_eq!(told(&socket), [""; 0]);
        // Without a socket nothing happens at all.
        ServiceManager::default().alive();
        ServiceManager::default().ready();
    }

    #[test]
    fn a_manager_that_hangs_does_not_hang_the_daemon() {
        let (_socket, manager) = manager(Some(Duration::from_secs(2)));
        for _ in 0..10_000 {
            manager.alive();
        }
        assert_eq!(manager.look_every(), Duration::from_secs(1));
    }

    #[test]
    fn sockets_have_paths_or_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        assert!(connect(&path.clone().into_os_string()).is_err());
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        connect(&path.into_os_string()).unwrap().send(b"1").unwrap();
        assert_eq!(told(&socket), ["1"]);

        let name = format!("@phonewatch-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name.as_bytes()[1..]).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        socket.set_nonblocking(true).unwrap();
        connect(&OsString::from(name)).unwrap().send(b"2").unwrap();
        assert_eq!(told(&socket), ["2"]);
    }

    #[test]
    fn the_watchdog_waits_for_the_process_that_is_named() {
        let second = Some(Duration::from_secs(1));
        for (microseconds, of_process, expected) in [
            (Some("1000000"), None, second),
            (Some("1000000"), Some("7"), second),
            (Some("1000000"), Some("8"), None),
            (Some("1000000"), Some(""), None),
            (Some("0"), None, None),
            (Some("soon"), None, None),
            (None, Some("7"), None),
        ] {
            let found = watchdog(microseconds, of_process, 7);
            assert_eq!(found, expected, "{microseconds:?} {of_process:?}");
        }
    }
}
