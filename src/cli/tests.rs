use std::path::Path;

use clap::CommandFactory;

use super::*;
use crate::simulate::{Side, Speed, View};

#[test]
fn the_definition_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn reads_the_arguments_of_each_command() {
    let cli = Cli::try_parse_from([
        "phonewatch",
        "run",
        "--interface",
        "eth1",
        "--interface",
        "eth2",
    ]);
    let Ok(Cli {
        command: Command::Run(run),
    }) = cli
    else {
        panic!("{cli:?}");
    };
    assert_eq!(run.interfaces, ["eth1", "eth2"]);
    assert_eq!(run.config.path(), Path::new(DEFAULT_CONFIG));

    let cli = Cli::try_parse_from(["phonewatch", "replay", "a", "b", "--json", "--config", "c"]);
    let Ok(Cli {
        command: Command::Replay(replay),
    }) = cli
    else {
        panic!("{cli:?}");
    };
    assert_eq!(replay.files, [Path::new("a"), Path::new("b")]);
    assert!(replay.json);
    assert_eq!(replay.config.path(), Path::new("c"));
}

#[test]
fn a_fleet_is_played_as_the_mirror_port_is_said_to_show_it() {
    let cli = Cli::try_parse_from([
        "phonewatch",
        "simulate",
        "healthy",
        "--interface",
        "veth1",
        "--speed",
        "20",
        "--vlan",
        "110.100",
        "--copies",
        "0.5",
        "--one-way",
        "phones",
    ]);
    let Ok(Cli {
        command: Command::Simulate(simulate),
    }) = cli
    else {
        panic!("{cli:?}");
    };
    assert_eq!(simulate.interface.as_deref(), Some("veth1"));
    assert_eq!(simulate.speed, Speed::Times(20.0));
    let view = View {
        vlans: "110.100".parse().ok(),
        copies: "0.5".parse().unwrap(),
        one_way: Some(Side::Phones),
        ..View::default()
    };
    assert_eq!(simulate.mirror.view(), view);
}

#[test]
fn the_help_names_every_scenario() {
    let mut command = Cli::command();
    let simulate = command.find_subcommand_mut("simulate").unwrap();
    let help = simulate.render_long_help().to_string();
    for scenario in crate::simulate::Scenario::ALL {
        assert!(
            help.contains(&format!("\n  {} ", scenario.label())),
            "{help}"
        );
    }
}

#[test]
fn refuses_what_makes_no_sense() {
    for arguments in [
        &["phonewatch"][..],
        &["phonewatch", "replay"],
        &["phonewatch", "run", "file.pcap"],
        &["phonewatch", "run", "--interface", "a/b"],
        &["phonewatch", "run", "--interface", ""],
        &["phonewatch", "listen"],
        &["phonewatch", "simulate", "--write", "a"],
        &["phonewatch", "simulate", "healthy"],
        &["phonewatch", "simulate", "healthier", "--write", "a"],
        &["phonewatch", "simulate", "healthy:0", "--write", "a"],
        &[
            "phonewatch",
            "simulate",
            "healthy",
            "--write",
            "a",
            "--interface",
            "b",
        ],
        &[
            "phonewatch",
            "simulate",
            "healthy",
            "--write",
            "a",
            "--speed",
            "2",
        ],
        &[
            "phonewatch",
            "simulate",
            "healthy",
            "--phones",
            "0",
            "--write",
            "a",
        ],
    ] {
        let refused = Cli::try_parse_from(arguments).unwrap_err();
        assert!(refused.use_stderr(), "{arguments:?}: {refused}");
    }
}

#[test]
fn the_help_names_the_default_file() {
    let mut command = Cli::command();
    let check = command.find_subcommand_mut("check").unwrap();
    let help = check.render_long_help().to_string();
    assert!(help.contains(DEFAULT_CONFIG), "{help}");
    assert!(help.contains("Exit status"), "{help}");
}

#[test]
fn a_named_file_must_be_there_and_the_default_one_need_not() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.toml");
    assert_eq!(Config::load_or_default(&missing), Ok(Config::default()));
    let named = ConfigFile {
        named: Some(missing),
    };
    assert!(named.load().is_err());
    // A folder in its place is not a missing file.
    assert!(Config::load_or_default(folder.path()).is_err());
}

#[test]
fn interfaces_of_the_command_line_replace_those_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("phonewatch.toml");
    std::fs::write(&path, "[capture]\ninterfaces = ['eth0']\n").unwrap();
    let interfaces_of = |interfaces: &[&str]| {
        let run = Run {
            config: ConfigFile {
                named: Some(path.clone()),
            },
            interfaces: interfaces.iter().map(ToString::to_string).collect(),
        };
        run.load_config()
            .map(|(config, _)| config.capture.interfaces)
    };
    assert_eq!(interfaces_of(&[]).unwrap(), ["eth0"]);
    assert_eq!(interfaces_of(&["a", "b", "a"]).unwrap(), ["a", "b"]);
    let names: Vec<String> = (0..17).map(|number| format!("eth{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let errors = interfaces_of(&names).unwrap_err();
    assert!(
        errors
            .to_string()
            .starts_with("--interface: 17 interfaces are named"),
        "{errors}"
    );
}

#[test]
fn check_says_that_a_file_is_valid_or_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("phonewatch.toml");
    let name = path.display();
    let checked = || {
        let mut out = Vec::new();
        let valid = check(&path, &mut out).unwrap();
        (valid, String::from_utf8(out).unwrap())
    };

    let (valid, out) = checked();
    assert!(!valid);
    assert_eq!(
        out,
        format!(
            "{name}: cannot be read (No such file or directory (os error 2)): create it, or name another file \
             with --config\n\n1 error in {name}\n"
        )
    );

    std::fs::write(&path, "[flap]\nmoves = 5\n").unwrap();
    assert_eq!(checked(), (true, format!("{name}: valid\n")));

    std::fs::write(&path, "[flap]\nmoves = 1\n").unwrap();
    let (valid, out) = checked();
    assert!(!valid);
    assert_eq!(
        out,
        format!(
            "{name}:2:9: flap.moves: 1 is too small: a whole number from 2 to 100 is allowed\n    2 | moves = 1\n\
             \x20     |         ^\n\n1 error in {name}\n"
        )
    );
}
