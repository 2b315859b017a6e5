//! The others on the network: real DHCP, DNS and TFTP servers, and the phone that asks them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::network::{MIRROR, Network, PHONE, PHONE_MAC, Running, SERVER, inside, output_of};

/// The phone's address and name in the capture.
pub(crate) const PHONE_ADDRESS: &str = "10.102.10.209";
pub(crate) const PHONE_NAME: &str = "SEP001380AD9E5F";
pub(crate) const CALLMANAGER: &str = "10.0.0.180";

/// Waits for a condition, and panics where it does not come about in time.
pub(crate) fn within<T>(limit: Duration, what: &str, condition: impl FnMut() -> Option<T>) -> T {
    poll(limit, condition).unwrap_or_else(|| panic!("after {limit:?} still waiting: {what}"))
}

/// Waits for a condition; `None` where it does not come about in time.
#[expect(clippy::disallowed_methods, reason = "a test waits for real programs")]
pub(crate) fn poll<T>(limit: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        let met = condition();
        if met.is_some() || start.elapsed() >= limit {
            return met;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// dnsmasq with one lease, one name and one file: the phone's.
pub(crate) fn start_servers(network: &Network, folder: &Path) -> Running {
    let files = folder.join("tftp");
    fs::create_dir(&files).unwrap();
    fs::write(
        files.join(format!("{PHONE_NAME}.cnf.xml")),
        format!(
            "<device><deviceProtocol>SCCP</deviceProtocol><devicePool><callManagerGroup><members>\
             <member priority=\"0\"><callManager><name>cucm4</name><ports><ethernetPhonePort>2000</ethernetPhonePort>\
             </ports><processNodeName>{CALLMANAGER}</processNodeName></callManager></member>\
             </members></callManagerGroup></devicePool></device>\n"
        ),
    )
    .unwrap();
    let ready = folder.join("dnsmasq.pid");
    let configuration = folder.join("dnsmasq.conf");
    let lines = [
        format!("interface={MIRROR}"),
        "bind-interfaces".to_owned(),
        "user=root".to_owned(),
        format!("pid-file={}", ready.display()),
        format!("log-facility={}", folder.join("dnsmasq.log").display()),
        format!("dhcp-leasefile={}", folder.join("leases").display()),
        "no-resolv".to_owned(),
        "no-hosts".to_owned(),
        "no-ping".to_owned(),
        "dhcp-authoritative".to_owned(),
        "dhcp-range=10.102.10.0,static,255.255.255.0,1h".to_owned(),
        format!("dhcp-host={PHONE_MAC},{PHONE_ADDRESS}"),
        format!("dhcp-option-force=150,{SERVER}"),
        format!("address=/cucm4/{CALLMANAGER}"),
        "enable-tftp".to_owned(),
        format!("tftp-root={}", files.display()),
    ];
    fs::write(&configuration, lines.join("\n") + "\n").unwrap();
    let mut command = inside(&network.servers, "dnsmasq");
    command
        .arg("--keep-in-foreground")
        .arg(format!("--conf-file={}", configuration.display()))
        .stdin(Stdio::null());
    let mut servers = Running(command.spawn().unwrap());
    within(Duration::from_secs(10), "dnsmasq starts", || {
        let ended = servers.0.try_wait().unwrap();
        assert!(ended.is_none(), "dnsmasq: {ended:?}");
        ready.exists().then_some(())
    });
    servers
}

/// The phone asks for its address, looks its CallManager up and fetches its configuration.
pub(crate) fn boot_phone(network: &Network, folder: &Path) {
    let script = folder.join("lease.sh");
    fs::write(
        &script,
        "#!/bin/sh\ncase $1 in bound | renew)\n  ip address replace \"$ip/$mask\" dev \"$interface\" ;;\nesac\n",
    )
    .unwrap();
    make_executable(&script);
    let phone = |arguments: &[&str]| {
        let mut command = inside(&network.phone, "busybox");
        command.args(arguments);
        output_of(command)
    };

    let script = script.to_str().unwrap();
    let hostname = format!("hostname:{PHONE_NAME}");
    let class = "Cisco Systems, Inc. IP Phone 7912";
    let lease = phone(&[
        "udhcpc", "-i", PHONE, "-f", "-q", "-n", "-t", "10", "-T", "1", "-V", class, "-x",
        &hostname, "-s", script,
    ]);
    assert!(lease.status.success(), "udhcpc: {lease:?}");

    // Its exit status is about IPv6 too, of which there is none here.
    let lookup = phone(&["nslookup", "cucm4", SERVER]);
    let answer = String::from_utf8_lossy(&lookup.stdout).into_owned();
    assert!(answer.contains(CALLMANAGER), "nslookup: {lookup:?}");

    let fetched = folder.join("fetched.xml");
    let file = format!("{PHONE_NAME}.cnf.xml");
    let transfer = phone(&[
        "tftp",
        "-g",
        "-r",
        &file,
        "-l",
        fetched.to_str().unwrap(),
        SERVER,
    ]);
    assert!(transfer.status.success(), "tftp: {transfer:?}");
    let content = fs::read_to_string(fetched).unwrap();
    assert!(content.contains(CALLMANAGER), "{content}");
}

/// Plays the SCCP of a capture onto the phone's end of the cable, faster than it was.
pub(crate) fn play_sccp(network: &Network, capture: &Path, folder: &Path) {
    let sccp = folder.join("sccp.pcap");
    write_matching(capture, "tcp port 2000", &sccp);
    let mut command = inside(&network.phone, "tcpreplay");
    command
        .args(["--quiet", "--multiplier=20", "--intf1", PHONE])
        .arg(&sccp);
    let output = output_of(command);
    assert!(output.status.success(), "tcpreplay: {output:?}");
}

/// Copies what a filter matches into a file of the older format, which tcpreplay reads.
fn write_matching(from: &Path, filter: &str, to: &PathBuf) {
    let mut capture = pcap::Capture::from_file(from).unwrap();
    capture.filter(filter, true).unwrap();
    let mut file = capture.savefile(to).unwrap();
    let mut frames = 0;
    while let Ok(packet) = capture.next_packet() {
        file.write(&packet);
        frames += 1;
    }
    assert!(frames > 0, "no SCCP in {}", from.display());
}

pub(crate) fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The first of these programs that is not installed.
pub(crate) fn missing_program() -> Option<&'static str> {
    ["busybox", "curl", "dnsmasq", "ip", "setpriv", "tcpreplay"]
        .into_iter()
        .find(|program| {
            let found = Command::new("sh")
                .args(["-c", "command -v \"$1\"", "sh", program])
                .stdout(Stdio::null())
                .status();
            !found.is_ok_and(|status| status.success())
        })
}
