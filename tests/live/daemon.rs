//! The daemon under test, and the page it serves.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::network::{MIRROR, Network, Running, inside, output_of};
use super::peers::{make_executable, poll, within};

const ANSWERS_WITHIN: Duration = Duration::from_secs(15);
const STOPS_WITHIN: Duration = Duration::from_secs(5);

/// What takes all rights from a program but that to open packet sockets.
const UNPRIVILEGED: [&str; 6] = [
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
    "--inh-caps=-all,+net_raw",
    "--ambient-caps=-all,+net_raw",
    "--bounding-set=-all,+net_raw",
];

pub(crate) struct Daemon {
    process: Running,
    namespace: String,
    configuration: PathBuf,
    log: PathBuf,
}

impl Daemon {
    /// Starts the daemon on the mirror port, and waits until it is ready.
    pub(crate) fn start(network: &Network, folder: &Path) -> Self {
        // The user nobody may not look into the build's folder.
        let program = folder.join("phonewatch");
        fs::copy(env!("CARGO_BIN_EXE_phonewatch"), &program).unwrap();
        make_executable(&program);
        let configuration = folder.join("phonewatch.toml");
        fs::write(&configuration, "").unwrap();
        let log = folder.join("log");
        let mut command = inside(&network.servers, "setpriv");
        command
            .args(UNPRIVILEGED)
            .arg(&program)
            .args(["run", "--interface", MIRROR, "--config"])
            .arg(&configuration)
            .env_remove("RUST_LOG")
            .env_remove("JOURNAL_STREAM")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap());
        let mut daemon = Self {
            process: Running(command.spawn().unwrap()),
            namespace: network.servers.clone(),
            configuration,
            log,
        };
        within(ANSWERS_WITHIN, "the daemon is ready", || {
            daemon.assert_running();
            daemon.page("/-/ready")
        });
        daemon
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.0.id()
    }

    /// The metrics as soon as they fulfil a condition.
    pub(crate) fn metrics_when(
        &mut self,
        what: &str,
        condition: impl Fn(&Metrics) -> bool,
    ) -> Metrics {
        let mut last = String::new();
        let met = poll(ANSWERS_WITHIN, || {
            self.assert_running();
            let metrics = Metrics {
                text: self.page("/metrics")?,
            };
            let is_met = condition(&metrics);
            last.clone_from(&metrics.text);
            is_met.then_some(metrics)
        });
        met.unwrap_or_else(|| panic!("still waiting: {what}\n{last}\n{}", self.log()))
    }

    /// A bad configuration is refused and told; a good one is taken over, as far as that goes.
    pub(crate) fn reloads_what_it_can(&mut self) {
        const RELOADED: &str = "phonewatch_config_last_reload_successful";
        fs::write(&self.configuration, "[metrics]\nper_phone = 'some'\n").unwrap();
        self.signal(Signal::HUP);
        let refused = self.metrics_when("the bad configuration is refused", |metrics| {
            metrics.sum(RELOADED, &[]) == 0
        });
        assert!(refused.has("phonewatch_phone_up", &[]), "the old one holds");
        assert!(self.log().contains("metrics.per_phone"), "{}", self.log());

        let good = "[metrics]\nper_phone = 'none'\n[tftp]\nport = 70\n[web]\nadmin = true\n";
        fs::write(&self.configuration, good).unwrap();
        self.signal(Signal::HUP);
        self.metrics_when("the good configuration is taken over", |metrics| {
            metrics.sum(RELOADED, &[]) == 1 && !metrics.has("phonewatch_phone_up", &[])
        });
        assert!(self.log().contains("tftp.port"), "{}", self.log());

        let shown = self.page("/config").unwrap();
        assert!(shown.contains("per_phone = \"none\""), "{shown}");
        assert!(shown.contains("port = 69"), "it still runs with that");
        let told = self.posted("/-/reload");
        assert!(told.contains("200") && told.contains("tftp.port"), "{told}");
        fs::write(&self.configuration, "[web]\nadmin = 7\n").unwrap();
        let told = self.posted("/-/reload");
        assert!(told.contains("500") && told.contains("web.admin"), "{told}");
        assert!(self.page("/config").unwrap().contains("admin = true"));
    }

    /// What is answered to an empty POST, with its status.
    fn posted(&self, path: &str) -> String {
        let mut command = inside(&self.namespace, "curl");
        command.args(["-s", "-i", "-X", "POST"]);
        command.arg(format!("http://127.0.0.1:12000{path}"));
        String::from_utf8(output_of(command).stdout).unwrap()
    }

    pub(crate) fn stops_on_sigterm(&mut self) {
        self.signal(Signal::TERM);
        let status = within(STOPS_WITHIN, "the daemon stops", || {
            self.process.0.try_wait().unwrap()
        });
        assert!(status.success(), "{status}: {}", self.log());
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        kill_process(pid.unwrap(), signal).unwrap();
    }

    fn assert_running(&mut self) {
        let ended = self.process.0.try_wait().unwrap();
        assert!(ended.is_none(), "the daemon ended: {}", self.log());
    }

    fn page(&self, path: &str) -> Option<String> {
        page(&self.namespace, path)
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// A page of the daemon in this namespace, if it is there and the answer is good.
pub(crate) fn page(namespace: &str, path: &str) -> Option<String> {
    let mut command = inside(namespace, "busybox");
    command
        .args(["wget", "-q", "-O", "-"])
        .arg(format!("http://127.0.0.1:12000{path}"));
    let output = output_of(command);
    let text = String::from_utf8(output.stdout).unwrap();
    output.status.success().then_some(text)
}

/// A page of metrics.
pub(crate) struct Metrics {
    pub(crate) text: String,
}

impl Metrics {
    /// The sum over the series of this name whose labels contain each of these texts.
    pub(crate) fn sum(&self, name: &str, labels: &[&str]) -> u64 {
        self.series(name, labels)
            .map(|line| {
                let value = line.rsplit(' ').next().unwrap();
                value.parse::<u64>().unwrap()
            })
            .sum()
    }

    /// Whether there is such a series.
    pub(crate) fn has(&self, name: &str, labels: &[&str]) -> bool {
        self.series(name, labels).next().is_some()
    }

    fn series(&self, name: &str, labels: &[&str]) -> impl Iterator<Item = &str> {
        self.text.lines().filter(move |line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| {
                rest.starts_with(['{', ' ']) && labels.iter().all(|label| rest.contains(label))
            })
        })
    }
}
