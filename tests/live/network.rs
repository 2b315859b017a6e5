//! A network of its own: a namespace with a phone in it, one with its servers, and a cable between the two.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::peers::within;

/// The phone's hardware address; it is that of the capture which is replayed.
pub(crate) const PHONE_MAC: &str = "00:13:80:ad:9e:5f";
/// The servers' end of the cable, with its address; the daemon listens here, as on a mirror port.
pub(crate) const MIRROR: &str = "mirror0";
pub(crate) const SERVER: &str = "10.102.10.1";
/// The phone's end of the cable.
pub(crate) const PHONE: &str = "phone0";

/// Both namespaces; what runs in them ends, and they go, when this is dropped.
pub(crate) struct Network {
    pub(crate) servers: String,
    pub(crate) phone: String,
}

impl Network {
    pub(crate) fn new() -> Result<Self, String> {
        static NETWORKS: AtomicU32 = AtomicU32::new(0);
        let number = NETWORKS.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        let network = Self {
            servers: format!("phonewatch-{process}-{number}-servers"),
            phone: format!("phonewatch-{process}-{number}-phone"),
        };
        let (servers, phone) = (network.servers.as_str(), network.phone.as_str());
        ip([
            format!("netns add {servers}"),
            format!("netns add {phone}"),
            format!(
                "-n {servers} link add {MIRROR} type veth peer name {PHONE} address {PHONE_MAC} netns {phone}"
            ),
            format!("-n {servers} address add {SERVER}/24 dev {MIRROR}"),
            format!("-n {servers} link set lo up"),
            format!("-n {servers} link set {MIRROR} up"),
            format!("-n {phone} link set {PHONE} up"),
        ])?;
        Ok(network)
    }

    /// Lays another cable, with its ends called like this.
    pub(crate) fn add_cable(&self, mirror: &str, phone: &str) -> Result<(), String> {
        let (near, far) = (&self.servers, &self.phone);
        ip([
            format!("-n {near} link add {mirror} type veth peer name {phone} netns {far}"),
            format!("-n {near} link set {mirror} up"),
            format!("-n {far} link set {phone} up"),
        ])
    }
}

/// Lets `ip` do this, one after the other.
fn ip(orders: impl IntoIterator<Item = String>) -> Result<(), String> {
    for arguments in orders {
        let output = Command::new("ip")
            .args(arguments.split(' '))
            .output()
            .map_err(|error| format!("ip: {error}"))?;
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr);
            return Err(format!("ip {arguments}: {}", error.trim()));
        }
    }
    Ok(())
}

impl Drop for Network {
    fn drop(&mut self) {
        for namespace in [&self.servers, &self.phone] {
            // Only what runs in a namespace of this test's own.
            let pids = Command::new("ip")
                .args(["netns", "pids", namespace])
                .output();
            for pid in
                String::from_utf8_lossy(&pids.map(|output| output.stdout).unwrap_or_default())
                    .lines()
            {
                Command::new("kill").args(["-KILL", pid]).status().ok();
            }
            Command::new("ip")
                .args(["netns", "delete", namespace])
                .status()
                .ok();
        }
    }
}

/// A command that runs in a namespace. `ip` becomes the program, so its process is the program's.
pub(crate) fn inside(namespace: &str, program: impl AsRef<Path>) -> Command {
    let mut command = Command::new("ip");
    command
        .args(["netns", "exec", namespace])
        .arg(program.as_ref());
    command
}

/// Runs a command that ends by itself, for at most half a minute.
pub(crate) fn output_of(mut command: Command) -> Output {
    let shown = format!("{command:?}");
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{shown}: {error}"));
    let mut child = Running(child);
    // Read as it is written: a pipe holds 64 KiB, and whoever writes more waits for a reader.
    let stdout = read_all(child.0.stdout.take());
    let stderr = read_all(child.0.stderr.take());
    let status = within(Duration::from_secs(30), &shown, || {
        child.0.try_wait().unwrap()
    });
    Output {
        status,
        stdout: stdout.join().unwrap(),
        stderr: stderr.join().unwrap(),
    }
}

/// Reads a pipe to its end.
fn read_all(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes).unwrap();
        }
        bytes
    })
}

/// A program that is running; it is killed when this is dropped.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
        // A moment for the kernel to take the namespace's sockets away.
        thread::yield_now();
    }
}
