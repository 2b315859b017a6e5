//! The program as its users call it: what it prints, where, and with which exit status.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::process::{Output, Stdio};

use assert_cmd::Command;
use phonewatch::diagnosis::CATALOGUE;

fn phonewatch(arguments: &[&str]) -> Output {
    Command::cargo_bin("phonewatch")
        .unwrap()
        .args(arguments)
        .env_remove("RUST_LOG")
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> &str {
    str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    str::from_utf8(&output.stderr).unwrap()
}

/// A pcap file (version 2.4, little endian, Ethernet) without a frame in it.
const EMPTY_CAPTURE: [u8; 24] = [
    0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0,
];

#[test]
fn help_names_the_commands_and_goes_to_stdout() {
    let output = phonewatch(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    for command in ["run", "replay", "check"] {
        assert!(stdout(&output).contains(command), "{}", stdout(&output));
    }
    assert_eq!(stderr(&output), "");
}

#[test]
fn a_command_that_is_not_there_is_refused() {
    let output = phonewatch(&["listen"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("Usage"), "{}", stderr(&output));
}

#[test]
fn check_tells_a_good_configuration_from_a_bad_one() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good.toml");
    fs::write(&good, "[flap]\nmoves = 5\n").unwrap();
    let good = good.to_str().unwrap();
    let output = phonewatch(&["check", "--config", good]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stdout(&output), format!("{good}: valid\n"));

    let bad = folder.path().join("bad.toml");
    fs::write(&bad, "[flap]\nmoves = 1\n").unwrap();
    let bad = bad.to_str().unwrap();
    let output = phonewatch(&["check", "--config", bad]);
    assert_eq!(output.status.code(), Some(1));
    let place = format!("{bad}:2:9: flap.moves");
    assert!(stdout(&output).starts_with(&place), "{}", stdout(&output));

    let web = folder.path().join("web.toml");
    fs::write(&web, "[web]\nconfig_file = 'web.yml'\n").unwrap();
    let web = web.to_str().unwrap();
    for (text, status, told) in [
        ("http_server_config: {http2: false}\n", 0, ""),
        ("basic_auth_user: {}\n", 1, "basic_auth_users"),
        ("basic_auth_users: {alice: secret}\n", 1, "no bcrypt hash"),
    ] {
        fs::write(folder.path().join("web.yml"), text).unwrap();
        let output = phonewatch(&["check", "--config", web]);
        assert_eq!(output.status.code(), Some(status), "{output:?}");
        let error = stderr(&output);
        assert!(error.contains(told) && !error.contains("secret"), "{error}");
    }
}

#[test]
fn replay_of_a_missing_file_names_it_and_the_remedy() {
    let output = phonewatch(&["replay", "/nonexistent/morning.pcap"]);
    assert_eq!(output.status.code(), Some(2));
    let error = stderr(&output);
    assert!(error.contains("/nonexistent/morning.pcap"), "{error}");
    assert!(error.contains("No such file"), "{error}");
    assert!(error.contains("is its name right?"), "{error}");
    assert!(
        !stdout(&output).is_empty(),
        "the report is there all the same"
    );
}

#[test]
fn replay_of_something_else_says_what_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    fs::write(&path, "these are my notes, and no capture at all\n").unwrap();
    let output = phonewatch(&["replay", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let error = stderr(&output);
    assert!(error.contains("notes.txt"), "{error}");
    assert!(error.contains("not a pcap or pcapng capture"), "{error}");
}

#[test]
fn one_bad_file_does_not_keep_the_others_from_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.pcap");
    fs::write(&path, EMPTY_CAPTURE).unwrap();
    let good = path.to_str().unwrap();
    let output = phonewatch(&["replay", "--json", "/nonexistent.pcap", good]);
    assert_eq!(output.status.code(), Some(2));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["schema"], 1);
    assert_eq!(report["capture"]["frames"], 0);
    assert_eq!(report["capture"]["files"][1], good);

    let output = phonewatch(&["replay", "--json", good]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.pcap");
    fs::write(&path, EMPTY_CAPTURE).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = std::process::Command::new(assert_cmd::cargo::cargo_bin("phonewatch"))
        .arg("replay")
        .arg(&path)
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stderr(&output), "");
}

#[test]
fn run_without_an_interface_says_how_to_name_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("phonewatch.toml");
    fs::write(&path, "").unwrap();
    let path = path.to_str().unwrap();
    let output = phonewatch(&["run", "--config", path]);
    assert_eq!(output.status.code(), Some(1));
    let error = stderr(&output);
    assert!(
        error.starts_with("phonewatch: no interface to listen on"),
        "{error}"
    );
    for remedy in ["--interface", "capture.interfaces", path] {
        assert!(error.contains(remedy), "{error}");
    }
    // Every Linux host has its loopback.
    assert!(
        error.contains("there are: ") && error.contains("lo"),
        "{error}"
    );
}

#[test]
fn run_on_a_missing_interface_names_those_that_exist() {
    let output = phonewatch(&["run", "--interface", "no-such-if0"]);
    assert_eq!(output.status.code(), Some(1));
    let error = stderr(&output);
    assert!(
        error.contains("there is no interface no-such-if0"),
        "{error}"
    );
}

#[test]
fn run_with_a_bad_configuration_prints_its_errors() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.toml");
    fs::write(&bad, "[web]\nlisten = 'everywhere'\n[flap]\nmoves = 1\n").unwrap();
    let bad = bad.to_str().unwrap();
    let output = phonewatch(&["run", "--config", bad, "--interface", "lo"]);
    assert_eq!(output.status.code(), Some(1));
    let error = stderr(&output);
    assert!(
        error.starts_with(&format!("{bad}:2:10: web.listen")),
        "{error}"
    );
    assert!(error.contains(&format!("{bad}:4:9: flap.moves")), "{error}");
    assert!(error.ends_with(&format!("2 errors in {bad}\n")), "{error}");
    assert_eq!(stdout(&output), "");
}

#[test]
fn trace_lists_a_phones_frames_by_any_of_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("fleet.pcap");
    let capture = capture.to_str().unwrap();
    let output = phonewatch(&[
        "simulate",
        "healthy",
        "--phones",
        "2",
        "--minutes",
        "6",
        "--write",
        capture,
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let by_name = phonewatch(&["trace", "SEP001380000001", "--from", capture]);
    assert_eq!(by_name.status.code(), Some(0), "{}", stderr(&by_name));
    let lines = stdout(&by_name);
    for words in [
        "summary",
        "DHCP DISCOVER",
        "TFTP read SEP001380000001.cnf.xml",
        "TCP SYN: asks for a connection",
        "SCCP Register SEP001380000001",
        "SCCP KeepAlive",
    ] {
        assert!(lines.contains(words), "{words} in\n{lines}");
    }
    assert!(
        !lines.contains("SEP001380000000"),
        "another phone's: {lines}"
    );
    for other in ["sep001380000001", "00:13:80:00:00:01"] {
        let output = phonewatch(&["trace", other, "--from", capture]);
        assert_eq!(stdout(&output), lines, "{other}");
    }
    let as_json = phonewatch(&["trace", "SEP001380000001", "--from", capture, "--json"]);
    let read: serde_json::Value = serde_json::from_str(stdout(&as_json)).unwrap();
    assert_eq!(read.as_array().unwrap().len(), lines.lines().count() - 2);

    let written = folder.path().join("phone.pcap");
    let written = written.to_str().unwrap();
    let output = phonewatch(&[
        "evidence",
        "SEP001380000001",
        "--write",
        written,
        "--from",
        capture,
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let of_evidence = phonewatch(&["trace", "SEP001380000001", "--from", written]);
    let of_evidence = stdout(&of_evidence);
    assert_eq!(of_evidence.lines().count(), lines.lines().count());
    assert!(of_evidence.contains("SCCP Register SEP001380000001"));

    let unknown = phonewatch(&["trace", "SEP0", "--from", capture]);
    assert_eq!(unknown.status.code(), Some(1));
    let error = stderr(&unknown);
    assert!(error.contains("no phone called SEP0 was seen"), "{error}");
}

#[test]
fn explain_lists_every_finding_and_tells_one_in_full() {
    let output = phonewatch(&["explain"]);
    assert_eq!(output.status.code(), Some(0));
    for entry in CATALOGUE {
        let line = stdout(&output)
            .lines()
            .find(|line| line.split(' ').next() == Some(entry.code));
        let line = line.unwrap_or_else(|| panic!("{} is not listed", entry.code));
        assert!(line.contains(entry.severity.label()), "{line}");
    }
    for entry in CATALOGUE {
        let output = phonewatch(&["explain", entry.code]);
        assert_eq!(output.status.code(), Some(0));
        let text = stdout(&output);
        assert!(text.starts_with(&format!("{}: ", entry.code)), "{text}");
        let last_step = format!("\n  {}. ", entry.remedy.len());
        assert!(text.contains(&last_step), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }
}

#[test]
fn explain_speaks_to_programs_too() {
    let output = phonewatch(&["explain", "--json"]);
    let all: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(all.as_array().unwrap().len(), CATALOGUE.len());
    assert_eq!(all[0]["code"], CATALOGUE[0].code);
    let output = phonewatch(&["explain", "--json", "registration_rejected"]);
    let one: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(one["severity"], "critical");
    assert!(one["remedy"][0].is_string());
}

#[test]
fn explain_of_what_is_not_there_names_what_is_like_it() {
    let output = phonewatch(&["explain", "registration_rejeced"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), "");
    let error = stderr(&output);
    assert!(
        error.starts_with(
            "phonewatch: there is no finding \"registration_rejeced\": did you mean registration_rejected"
        ),
        "{error}"
    );
    assert!(error.contains("`phonewatch explain` lists all"), "{error}");
}

#[test]
fn an_inventory_that_cannot_be_used_is_named_and_a_bad_row_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("phonewatch.toml");
    fs::write(&config, "[inventory]\nfile = 'phones.csv'\n").unwrap();
    let config = config.to_str().unwrap();
    let list = folder.path().join("phones.csv");

    let output = phonewatch(&["check", "--config", config]);
    assert_eq!(output.status.code(), Some(1));
    let error = stderr(&output);
    assert!(
        error.contains("phones.csv: is inventory.file right?"),
        "{error}"
    );

    fs::write(&list, "Description\nReception\n").unwrap();
    let output = phonewatch(&["check", "--config", config]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("\"Device Name\""),
        "{}",
        stderr(&output)
    );

    fs::write(&list, "Device Name\nSEP001380AD9E5F\nnonsense!\n").unwrap();
    let output = phonewatch(&["check", "--config", config]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("phones.csv: line 3: \"nonsense!\" is no device name"));
    assert!(stdout(&output).ends_with("phones in the inventory: 1\n"));
}

#[test]
fn a_daemon_that_is_not_there_is_named_with_the_remedy() {
    // Port 1 of the loopback: nobody listens there.
    let output = phonewatch(&["phones", "--url", "http://127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(1));
    let error = stderr(&output);
    for part in ["http://127.0.0.1:1", "is the daemon running", "--from FILE"] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(stdout(&output), "");
    let output = phonewatch(&["findings", "--url", "ftp://sensor"]);
    assert!(
        stderr(&output).contains("does not begin with http://"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn capture_files_are_asked_like_the_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fleet.pcap");
    let file = path.to_str().unwrap();
    let output = phonewatch(&[
        "simulate",
        "rejected:1",
        "healthy:1",
        "--phones",
        "6",
        "--minutes",
        "10",
        "--write",
        file,
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    let output = phonewatch(&["phones", "--unhealthy", "--json", "--from", file]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let page: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = page["devices"][0]["name"].as_str().unwrap();
    assert_eq!(page["devices"][0]["stage"], "rejected");

    let output = phonewatch(&["phone", &name.to_lowercase(), "--from", file]);
    assert!(stdout(&output).starts_with(name), "{}", stdout(&output));
    assert!(stdout(&output).contains("registration rejected"));

    let output = phonewatch(&["findings", "--from", file]);
    assert!(stdout(&output).contains("CRITICAL  registration rejected: "));
    let output = phonewatch(&["phone", "SEP000000000000", "--from", file]);
    assert_eq!(output.status.code(), Some(1));
    let output = phonewatch(&["phones", "--from", "/nonexistent.pcap"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn the_doctor_says_what_a_mirror_port_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.pcap");
    let file = file.to_str().unwrap();
    for (view, missing) in [
        (&[][..], &[][..]),
        (&["--vlan", "110", "--erspan", "2", "--copies", "20"], &[]),
        (&["--one-way", "phones"], &["directions"]),
        (&["--one-way", "servers"], &["directions"]),
    ] {
        let fleet = [
            "simulate",
            "healthy",
            "--phones",
            "4",
            "--minutes",
            "3",
            "--write",
            file,
        ];
        assert!(phonewatch(&[&fleet, view].concat()).status.success());
        let output = phonewatch(&["doctor", "--json", "--from", file]);
        let diagnosis: serde_json::Value = serde_json::from_str(stdout(&output)).unwrap();
        let checks = diagnosis["checks"].as_array().unwrap();
        let found: Vec<&str> = checks
            .iter()
            .filter(|check| check["state"] == "missing")
            .map(|check| check["check"].as_str().unwrap())
            .collect();
        assert_eq!(found, missing, "{view:?}: {diagnosis:#}");
        assert_eq!(
            output.status.code(),
            Some(i32::from(!missing.is_empty())),
            "{view:?}"
        );
    }
    let output = phonewatch(&["doctor", "--from", file]);
    assert!(
        stdout(&output).ends_with("\n1 thing is missing.\n"),
        "{}",
        stdout(&output)
    );

    fs::write(file, EMPTY_CAPTURE).unwrap();
    let output = phonewatch(&["doctor", "--from", file]);
    assert!(
        stdout(&output).starts_with("MISSING  frames: none"),
        "{}",
        stdout(&output)
    );
    assert_eq!(output.status.code(), Some(1));
}
