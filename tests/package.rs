//! The unit as systemd reads it, and the Debian package in a fresh system: installed, upgraded, removed and purged.
//!
//! Needs systemd's and Debian's tools, and root for the system. Where something is missing the test says so and is
//! skipped; with `PHONEWATCH_REQUIRE_CAPTURES` set it fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const HERE: &str = env!("CARGO_MANIFEST_DIR");
const PROGRAM: &str = env!("CARGO_BIN_EXE_phonewatch");

#[test]
fn systemd_understands_the_unit_and_finds_it_locked_in() {
    if !is_possible(&["systemd-analyze"], false) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("phonewatch.service");
    let text = fs::read_to_string(Path::new(HERE).join("deploy/phonewatch.service")).unwrap();
    // It looks whether the programs are there.
    fs::write(&unit, text.replace("/usr/bin/phonewatch", PROGRAM)).unwrap();
    let unit = unit.to_str().unwrap();

    let said = run("systemd-analyze", &["verify", "--man=no", unit]);
    assert_eq!(said, "", "systemd-analyze verify");
    // 20 is an exposure of 2.0; it fails above.
    run(
        "systemd-analyze",
        &["security", "--offline=true", "--threshold=20", unit],
    );
}

#[test]
fn a_package_comes_and_goes_in_a_fresh_system() {
    let programs = ["chroot", "debootstrap", "dpkg-deb", "dpkg-shlibdeps"];
    if !is_possible(&programs, true) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(HERE).join("deploy/debian/build");
    let built = run(
        script.to_str().unwrap(),
        &[PROGRAM, folder.path().to_str().unwrap()],
    );
    let package = PathBuf::from(built.trim_end());
    if is_possible(&["lintian"], true) {
        run(
            "lintian",
            &[
                "--allow-root",
                "--fail-on",
                "error",
                package.to_str().unwrap(),
            ],
        );
    }
    let system = System::new(folder.path());

    system.install(&package);
    let version = system.run("phonewatch --version");
    assert_eq!(
        version.trim(),
        concat!("phonewatch ", env!("CARGO_PKG_VERSION"))
    );
    assert!(
        system
            .run("phonewatch check")
            .contains("phonewatch.toml: valid")
    );
    let report = system.run(
        "phonewatch simulate healthy:2 rejected --phones 3 --write /tmp/fleet.pcap && phonewatch replay /tmp/fleet.pcap",
    );
    assert!(
        report.contains("3 phones: 1 rejected, 2 registered."),
        "{report}"
    );
    let page = system.run("gzip -dc /usr/share/man/man5/phonewatch.toml.5.gz");
    assert!(page.contains(".SH [capture]"));
    let shared = system
        .run("cd /usr/share/phonewatch && find . -type f | sort | cut -d/ -f2- | paste -sd' '");
    for file in [
        "dashboards/fleet.json",
        "grafana/phonewatch.yml",
        "prometheus/rules/sites.yml",
        "alertmanager/alertmanager.yml",
    ] {
        assert!(shared.contains(file), "{file}: {shared}");
    }
    assert!(!shared.contains(".rs"), "{shared}");
    assert!(!system.has("etc/systemd/system/multi-user.target.wants/phonewatch.service"));
    // What `systemctl enable` does, which this system has not.
    system.run(
        "cd /etc/systemd/system && mkdir -p multi-user.target.wants && \
         ln -s /lib/systemd/system/phonewatch.service multi-user.target.wants/",
    );

    // Nobody has touched the configuration, so a new one takes its place.
    system.install(&upgrade(&package, folder.path(), "0.2"));
    assert!(system.configuration().ends_with("# 0.2\n"));
    // From here on it is the administrator's.
    fs::write(system.path(CONFIGURATION), "[flap]\nmoves = 5\n").unwrap();
    system.install(&upgrade(&package, folder.path(), "0.3"));
    assert_eq!(system.configuration(), "[flap]\nmoves = 5\n");
    let offered = fs::read_to_string(system.path(&format!("{CONFIGURATION}.dpkg-dist")));
    assert!(offered.unwrap().ends_with("# 0.3\n"));
    assert!(system.has("etc/systemd/system/multi-user.target.wants/phonewatch.service"));

    fs::create_dir(system.path("var/lib/phonewatch")).unwrap();
    fs::write(system.path("var/lib/phonewatch/alerts.sqlite"), "").unwrap();
    system.run("apt-get remove --quiet --yes phonewatch");
    assert!(!system.has("usr/bin/phonewatch"));
    assert_eq!(system.configuration(), "[flap]\nmoves = 5\n");
    assert!(system.has("var/lib/phonewatch/alerts.sqlite"));
    system.run("apt-get purge --quiet --yes phonewatch");
    let left = system.run("find / -xdev -name '*phonewatch*' ! -path '/tmp/*'");
    assert_eq!(left, "", "what a purge leaves");
}

const CONFIGURATION: &str = "etc/phonewatch/phonewatch.toml";

/// A package of a later version with another configuration.
fn upgrade(package: &Path, folder: &Path, version: &str) -> PathBuf {
    let content = folder.join(version);
    let content_path = content.to_str().unwrap();
    run(
        "dpkg-deb",
        &["--raw-extract", package.to_str().unwrap(), content_path],
    );
    let control = content.join("DEBIAN/control");
    let text = fs::read_to_string(&control).unwrap();
    let ours = concat!("Version: ", env!("CARGO_PKG_VERSION"), "\n");
    assert!(text.contains(ours), "{text}");
    fs::write(
        control,
        text.replace(ours, &format!("Version: {version}\n")),
    )
    .unwrap();
    let configuration = content.join(CONFIGURATION);
    let text = fs::read_to_string(&configuration).unwrap();
    fs::write(configuration, format!("{text}# {version}\n")).unwrap();
    let package = folder.join(format!("phonewatch_{version}.deb"));
    run(
        "dpkg-deb",
        &["-Znone", "--build", content_path, package.to_str().unwrap()],
    );
    package
}

/// A Debian of its own.
struct System {
    root: PathBuf,
}

impl System {
    /// A copy of the smallest Debian, which is made once and kept with what is built.
    fn new(folder: &Path) -> Self {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bookworm");
        if !kept.is_dir() {
            let making = kept.with_extension(std::process::id().to_string());
            let path = making.to_str().unwrap();
            let options = ["--variant=minbase", "--include=ca-certificates"];
            run(
                "debootstrap",
                &[&options[..], &["bookworm", path, MIRROR]].concat(),
            );
            // What the package needs is only fetched: it is the package that has it installed.
            let fetch = "apt-get install --quiet --yes --download-only libpcap0.8";
            run("chroot", &[path, "sh", "-ec", fetch]);
            fs::rename(making, &kept).unwrap();
        }
        let root = folder.join("system");
        run(
            "cp",
            &["-a", kept.to_str().unwrap(), root.to_str().unwrap()],
        );
        Self { root }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn has(&self, path: &str) -> bool {
        self.path(path).symlink_metadata().is_ok()
    }

    fn configuration(&self) -> String {
        fs::read_to_string(self.path(CONFIGURATION)).unwrap()
    }

    fn install(&self, package: &Path) {
        fs::copy(package, self.path("tmp/new.deb")).unwrap();
        let keep = "-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold";
        self.run(&format!(
            "apt-get install --quiet --yes --no-install-recommends {keep} /tmp/new.deb"
        ));
    }

    fn run(&self, command: &str) -> String {
        run(
            "chroot",
            &[self.root.to_str().unwrap(), "sh", "-ec", command],
        )
    }
}

const MIRROR: &str = "http://deb.debian.org/debian";

/// What a program prints, which has to succeed.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("LC_ALL", "C.UTF-8")
        .env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        )
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}\n{said}{complaint}",
        output.status
    );
    said
}

/// Whether these programs are there, and the rights; says what is missing.
fn is_possible(programs: &[&str], as_root: bool) -> bool {
    let is_missing = |program: &&&str| {
        let found = Command::new("sh")
            .args([
                "-c",
                "PATH=$PATH:/usr/sbin:/sbin; command -v \"$1\"",
                "sh",
                program,
            ])
            .stdout(Stdio::null())
            .status();
        !found.is_ok_and(|status| status.success())
    };
    let missing = if as_root && !rustix::process::geteuid().is_root() {
        "the rights of root"
    } else if let Some(program) = programs.iter().find(is_missing) {
        program
    } else {
        return true;
    };
    let is_required = std::env::var_os("PHONEWATCH_REQUIRE_CAPTURES").is_some();
    assert!(
        !is_required,
        "the package cannot be tried out without {missing}"
    );
    let line = format!("SKIPPED: the package cannot be tried out without {missing}\n");
    std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).ok();
    false
}
