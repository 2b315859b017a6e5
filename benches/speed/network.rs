//! A network of the bench's own: a namespace with a cable in it.

use std::env;
use std::process::Command;

/// The end at which phonewatch listens, and the end into which frames are played.
pub(crate) const LISTEN: &str = "listen0";
pub(crate) const PLAY: &str = "play0";

/// The namespace; it goes when this is dropped.
pub(crate) struct Network {
    name: String,
}

impl Network {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let name = format!("phonewatch-bench-{}", std::process::id());
        let network = Self { name };
        let name = &network.name;
        ip(&format!("netns add {name}"))?;
        ip(&format!("-n {name} link set lo up"))?;
        ip(&format!(
            "-n {name} link add {LISTEN} type veth peer name {PLAY}"
        ))?;
        for end in [LISTEN, PLAY] {
            // Else the kernel says things of its own on the cable, and they would be counted.
            ip(&format!("-n {name} link set {end} addrgenmode none"))?;
            ip(&format!("-n {name} link set {end} mtu 9000 up"))?;
        }
        Ok(network)
    }

    /// This program, within the namespace.
    pub(crate) fn inside(&self) -> anyhow::Result<Command> {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.name])
            .arg(env::current_exe()?);
        Ok(command)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        ip(&format!("netns delete {}", self.name)).ok();
    }
}

fn ip(arguments: &str) -> anyhow::Result<()> {
    let output = Command::new("ip").args(arguments.split(' ')).output()?;
    anyhow::ensure!(
        output.status.success(),
        "ip {arguments}: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
