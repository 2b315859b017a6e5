//! The configuration as its users meet it: the example file, and the errors of bad ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use phonewatch::config::{CallManager, Config, ConfigError, Filter, PerPhone};
use phonewatch::phone::Role;
use proptest::prelude::*;
use toml::de::DeTable;

const EXAMPLE: &str = include_str!("../config.example.toml");

#[test]
fn the_example_is_the_default() {
    assert_eq!(
        Config::parse("config.example.toml", EXAMPLE)
            .map_err(|errors| errors.to_string())
            .unwrap(),
        Config::default()
    );
    assert_eq!(Config::parse("empty", ""), Ok(Config::default()));
}

#[test]
fn the_example_shows_every_key_and_no_other() {
    let all = uncommented(EXAMPLE);
    let document = DeTable::parse(&all).expect("the example with its commented-out keys is TOML");
    let mut shown = BTreeSet::new();
    keys_of("", document.get_ref(), &mut shown);
    assert_eq!(shown, Config::keys().into_iter().collect());
}

#[test]
fn what_is_commented_out_in_the_example_is_valid() {
    let config = Config::parse("config.example.toml", &uncommented(EXAMPLE)).unwrap();
    assert_eq!(
        config.callmanager,
        [CallManager {
            address: "10.1.1.10".parse().unwrap(),
            name: Some("cucm-sub1".into()),
            role: Role::Primary,
        }]
    );
}

#[test]
fn every_key_of_the_example_has_a_comment_of_its_own() {
    let mut previous = "";
    for line in EXAMPLE.lines() {
        let setting = line.trim_start_matches('#');
        if setting.starts_with(|first: char| first.is_ascii_lowercase()) && line.contains(" = ") {
            assert!(previous.starts_with("# "), "{line} has no comment");
        }
        previous = line;
    }
}

#[test]
fn reads_every_kind_of_value() {
    let config = Config::parse(
        "phonewatch.toml",
        r#"
            flap = { moves = 1_0, window = "1h 30m" }
            log.level = "phonewatch::wire=trace,info"

            [capture]
            interfaces = ["eth1", "enp0s31f6"]
            promiscuous = false
            snaplen = 0x1000
            kernel_buffer = "32 MB"
            ring = 2097152
            reorder = 0
            filter = "tcp port 2000 or (vlan and tcp port 2000)"

            [sccp]
            ports = [2000, 2443]

            [[callmanager]]
            address = "::ffff:10.1.1.10"
            name = "Zürich 1"
            role = "srst"
            [[callmanager]]
            address = "2001:db8::1"

            [metrics]
            per_phone = "unhealthy"

            [web]
            listen = ""
        "#,
    )
    .map_err(|errors| errors.to_string())
    .unwrap();

    assert_eq!(config.flap.moves, 10);
    assert_eq!(config.flap.window.as_secs(), 5400);
    assert_eq!(config.log.level, "phonewatch::wire=trace,info");
    assert_eq!(config.capture.interfaces, ["eth1", "enp0s31f6"]);
    assert!(!config.capture.promiscuous);
    assert_eq!(config.capture.snaplen, 4096);
    assert_eq!(config.capture.kernel_buffer, 32_000_000);
    assert_eq!(config.capture.ring, 2 << 20);
    assert!(config.capture.reorder.is_zero());
    assert_eq!(
        config.capture.filter,
        Filter::Expression("tcp port 2000 or (vlan and tcp port 2000)".into())
    );
    assert_eq!(config.sccp.ports, [2000, 2443]);
    assert!(config.sccp.secure_ports.is_empty(), "2443 is spoken for");
    assert_eq!(
        config.callmanager,
        [
            CallManager {
                address: "10.1.1.10".parse().unwrap(),
                name: Some("Zürich 1".into()),
                role: Role::Srst,
            },
            CallManager {
                address: "2001:db8::1".parse().unwrap(),
                name: None,
                role: Role::Unknown,
            },
        ]
    );
    assert_eq!(config.metrics.per_phone, PerPhone::Unhealthy);
    assert_eq!(config.web.listen, None);
    assert_eq!(config.dhcp, Config::default().dhcp);
}

/// Each `bad-RULE.toml` breaks one rule (or, by its name, several); `bad-RULE.txt` holds the exact words it is refused
/// with. After a change of the words run with `UPDATE_EXPECTED=1` and read the difference.
#[test]
fn every_bad_file_is_refused_in_these_words() {
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    let mut differ = Vec::new();
    let mut files = 0;
    for path in sorted_files(&folder) {
        let expected_path = path.with_extension("txt");
        if path.extension().is_some_and(|extension| extension == "txt") {
            assert!(
                path.with_extension("toml").exists(),
                "{path:?} is left over"
            );
            continue;
        }
        files += 1;
        let name = path.file_name().unwrap().to_string_lossy();
        let bytes = fs::read(&path).unwrap();
        let refused = match std::str::from_utf8(&bytes) {
            Ok(text) => Config::parse(&name, text),
            // What is not text is refused by the reader of files, which names the whole path.
            Err(_) => Config::load(&path),
        };
        let refused = match refused {
            Ok(_) => "valid".to_owned(),
            Err(errors) => errors.to_string(),
        };
        let refused = refused.replace(&format!("{}/", folder.display()), "") + "\n";
        if update {
            fs::write(&expected_path, &refused).unwrap();
        }
        let expected = fs::read_to_string(&expected_path).unwrap_or_default();
        if refused != expected {
            differ.push(format!("{name}:\n{refused}\nexpected:\n{expected}"));
        }
    }
    assert!(files > 40, "only {files} bad files were found");
    assert!(differ.is_empty(), "{}", differ.join("\n\n"));
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.toml");
    let name = missing.display();
    assert_eq!(
        Config::load(&missing).unwrap_err().to_string(),
        format!(
            "{name}: cannot be read (No such file or directory (os error 2)): create it, or name another file with \
             --config\n\n1 error in {name}"
        )
    );
    let name = folder.path().display();
    assert_eq!(
        Config::load(folder.path()).unwrap_err().to_string(),
        format!(
            "{name}: cannot be read (Is a directory (os error 21)): name a readable file with --config\n\n1 error in \
             {name}"
        )
    );
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.toml");
    let name = path.display();
    let most = "#".repeat(1 << 20);
    fs::write(&path, &most).unwrap();
    assert_eq!(Config::load(&path), Ok(Config::default()));

    let refused = format!(
        "{name}: larger than 1MiB: no configuration is, so name another file with --config\n\n1 error in {name}"
    );
    fs::write(&path, most.clone() + "é").unwrap();
    assert_eq!(Config::load(&path).unwrap_err().to_string(), refused);
    assert_eq!(
        Config::parse(&name.to_string(), &(most + "#"))
            .unwrap_err()
            .to_string(),
        refused
    );
    // An endless file ends too.
    assert!(Config::load(Path::new("/dev/zero")).is_err());
}

#[test]
fn hostile_documents_are_refused() {
    let times = |text: &str, count: usize| text.repeat(count);
    for (name, text) in [
        ("lists", format!("a = {}", times("[", 500_000))),
        ("inline tables", times("a={", 300_000)),
        ("dotted keys", format!("{}a = 1", times("a.", 500_000))),
        ("dotted header", format!("[{}a]", times("a.", 500_000))),
        (
            "dotted keys in inline tables",
            format!(
                "{}x=1{}",
                times(&format!("{}a = {{", times("a.", 78)), 79),
                times("}", 79)
            ),
        ),
        ("headers", times("[[callmanager]]\n", 60_000)),
        (
            "unknown keys",
            (0..80_000).fold(String::new(), |text, key| text + &format!("k{key}=1\n")),
        ),
        (
            "unknown tables",
            (0..80_000).fold(String::new(), |text, key| text + &format!("[t{key}]\n")),
        ),
        (
            "one long line",
            format!("flap.moves = {}", times("9", 1_000_000)),
        ),
        ("one long name", format!("{} = 1", times("x", 1_000_000))),
        (
            "one long filter",
            format!("capture.filter = '{}'", times("(", 1_000_000)),
        ),
        (
            "many interfaces",
            format!("capture.interfaces = [{}]", times("'a',", 200_000)),
        ),
        (
            "a deep filter",
            format!("capture.filter = '{}'", times("(", 4_000)),
        ),
        (
            "a long filter",
            format!("capture.filter = 'port 1{}'", times(" or 1", 200)),
        ),
        ("NUL", "[flap]\0\nmoves = 3\0\n".to_owned()),
        (
            "NUL in a value",
            "web.listen = \"\\u0000\"\ncapture.filter = \"a\\u0000b\"".to_owned(),
        ),
        ("garbage", times("=]}\"'\u{1b}[31m\n", 60_000)),
        (
            "open string",
            format!("a = \"\"\"{}", times("x\n", 400_000)),
        ),
    ] {
        let refused = Config::parse("hostile.toml", &text);
        if name == "a long filter" {
            continue;
        }
        let shown = refused.expect_err(name).to_string();
        assert!(shown.len() < 100_000, "{name}: {} bytes", shown.len());
        assert!(
            !shown.contains(|character: char| character.is_control() && character != '\n'),
            "{name}"
        );
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        read_or_refused(&text);
    }

    #[test]
    fn any_toml_like_text_is_read_or_refused(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "[", "]", "[[", "]]", "{", "}", "=", ",", ".", "\n", "\"", "'", "\"\"\"", "#", "\\", " ", "\u{feff}",
                "flap", "moves", "window", "callmanager", "address", "capture", "interfaces", "sccp", "ports", "web",
                "listen", "log", "level", "a", "3", "-1", "1.5", "true", "\"30m\"", "\"10.1.1.1\"", "\"eth1\"", "inf",
                "1979-05-27", "0x10", "2000", "é",
            ]),
            0..60,
        ),
    ) {
        read_or_refused(&parts.concat());
    }

    /// The example with some of its bytes changed.
    #[test]
    fn a_damaged_example_is_read_or_refused(
        damage in prop::collection::vec((0..EXAMPLE.len(), any::<char>()), 1..20),
    ) {
        let mut characters: Vec<char> = EXAMPLE.chars().collect();
        for (at, character) in damage {
            if let Some(place) = characters.get_mut(at) {
                *place = character;
            }
        }
        let text: String = characters.into_iter().collect();
        read_or_refused(&text);
    }
}

/// What is refused is refused for a reason, and its reasons are told in the order of the lines.
fn read_or_refused(text: &str) {
    let Err(errors) = Config::parse("any.toml", text) else {
        return;
    };
    let positions: Vec<_> = errors.errors().iter().map(ConfigError::position).collect();
    assert!(!positions.is_empty() && positions.is_sorted(), "{errors}");
}

/// Takes the `#` from what is commented out; prose has a space after it.
fn uncommented(text: &str) -> String {
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') => setting,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn keys_of(path: &str, table: &DeTable<'_>, keys: &mut BTreeSet<String>) {
    for (key, value) in table {
        let key = key.get_ref();
        let path = if path.is_empty() {
            key.to_string()
        } else {
            format!("{path}.{key}")
        };
        let tables = match (value.get_ref().as_table(), value.get_ref().as_array()) {
            (Some(table), _) => vec![table],
            (_, Some(list)) => list
                .iter()
                .filter_map(|item| item.get_ref().as_table())
                .collect(),
            _ => Vec::new(),
        };
        if tables.is_empty() {
            keys.insert(path.clone());
        }
        for table in tables {
            keys_of(&path, table, keys);
        }
    }
}

fn sorted_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}
