//! The layers of the crate: which module may know of which, and what the core may not touch.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Every module with all those it may import, itself aside.
const MAY_IMPORT: [(&str, &[&str]); 30] = [
    ("time", &[]),
    ("net", &["time"]),
    ("record", &["time", "net"]),
    ("wire", &["time", "net", "record"]),
    ("flow", &["time", "net", "record", "wire"]),
    ("finding", &["time", "net"]),
    ("inventory", &["net"]),
    ("site", &[]),
    ("phone", PHONE),
    ("diagnosis", BELOW_EVENT),
    ("event", BELOW_EVENT),
    ("snapshot", BELOW_EVENT),
    ("engine", BELOW_ENGINE),
    ("trace", &["time", "net", "record", "wire", "flow"]),
    ("savefile", &["time", "record"]),
    ("private_folder", &[]),
    (
        "evidence",
        &["time", "net", "record", "wire", "flow", "savefile"],
    ),
    ("capture", &["time", "net", "record"]),
    (
        "config",
        &[
            "time",
            "net",
            "finding",
            "site",
            "phone",
            "diagnosis",
            "capture",
        ],
    ),
    ("simulate", &["time", "net", "record", "wire"]),
    ("rules", &["finding", "diagnosis"]),
    ("cli", &["config", "report", "rules", "simulate"]),
    ("report", READERS),
    ("metrics", READERS),
    (
        "web",
        &[
            "finding",
            "phone",
            "diagnosis",
            "evidence",
            "metrics",
            "report",
            "snapshot",
        ],
    ),
    (
        "alert",
        &[
            "time",
            "net",
            "finding",
            "phone",
            "diagnosis",
            "event",
            "snapshot",
            "config",
        ],
    ),
    (
        "delivery",
        &[
            "time",
            "net",
            "finding",
            "config",
            "alert",
            "evidence",
            "private_folder",
        ],
    ),
    (
        "app",
        &[
            "time",
            "net",
            "record",
            "finding",
            "inventory",
            "site",
            "wire",
            "flow",
            "phone",
            "diagnosis",
            "event",
            "snapshot",
            "engine",
            "savefile",
            "private_folder",
            "evidence",
            "capture",
            "config",
            "cli",
            "report",
            "rules",
            "simulate",
            "trace",
            "metrics",
            "alert",
            "delivery",
            "web",
        ],
    ),
    ("lib", &[]),
    ("main", &["app", "cli", "config"]),
];

const PHONE: &[&str] = &["time", "net", "record", "finding", "wire", "flow"];
const BELOW_EVENT: &[&str] = &[
    "time",
    "net",
    "record",
    "finding",
    "inventory",
    "site",
    "wire",
    "flow",
    "phone",
];
const BELOW_ENGINE: &[&str] = &[
    "time",
    "net",
    "record",
    "finding",
    "inventory",
    "site",
    "wire",
    "flow",
    "phone",
    "diagnosis",
    "event",
    "snapshot",
];
/// Those that read a snapshot; of the configuration and the capture they know types alone.
const READERS: &[&str] = &[
    "time",
    "net",
    "record",
    "finding",
    "inventory",
    "wire",
    "phone",
    "diagnosis",
    "snapshot",
    "config",
    "capture",
];

/// The modules that take time as data and do nothing but think.
const CORE: [&str; 14] = [
    "time",
    "net",
    "record",
    "finding",
    "inventory",
    "site",
    "wire",
    "flow",
    "phone",
    "diagnosis",
    "event",
    "snapshot",
    "engine",
    "alert",
];

/// What the core has no business with: threads, locks, clocks, files, sockets, logs, randomness and everything async.
const OUTSIDE_THE_CORE: [&str; 20] = [
    "std::thread",
    "std::fs",
    "std::io",
    "std::env",
    "std::process",
    "std::sync::Mutex",
    "std::sync::RwLock",
    "std::sync::mpsc",
    "std::sync::atomic",
    "std::net::Tcp",
    "std::net::Udp",
    "SystemTime",
    "Instant",
    "tokio",
    "tracing",
    "pcap::",
    "rustix",
    "axum",
    "rtrb",
    "println!",
];

#[test]
fn no_layer_imports_one_above_it() {
    let known: BTreeSet<&str> = MAY_IMPORT.iter().map(|(module, _)| *module).collect();
    let mut faults = Vec::new();
    for (module, path, code) in sources() {
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == module) else {
            faults.push(format!("{} has no layer in this test", path.display()));
            continue;
        };
        for imported in imports(&code) {
            if known.contains(imported) && imported != module && !allowed.contains(&imported) {
                faults.push(format!("{} imports {imported}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_core_only_thinks() {
    let mut faults = Vec::new();
    for (module, path, code) in sources() {
        if CORE.contains(&module.as_str()) {
            for forbidden in OUTSIDE_THE_CORE {
                if code.contains(forbidden) {
                    faults.push(format!("{} uses {forbidden}", path.display()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn this_test_sees_imports() {
    let code = code_of(
        "//! Not `crate::app`.\n\
         use crate::wire::sccp;\nuse crate::{time::Timestamp, net};\n\
         #[cfg(test)]\nmod tests;\n\
         fn f() { crate::flow::tcp(); phonewatch::cli::x(); }\n\
         #[cfg(test)]\nmod tests {\n    use crate::engine;\n}\n",
    );
    let seen: Vec<&str> = imports(&code).collect();
    assert_eq!(seen, ["wire", "time", "net", "flow", "cli"]);
}

/// Each source file without its tests and comments, with the name of its module at the top of the crate.
fn sources() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let sources: Vec<_> = files
        .into_iter()
        .filter(|path| !is_test(path))
        .map(|path| {
            let inside = path.strip_prefix(&root).unwrap();
            let top = inside.components().next().unwrap().as_os_str();
            let module = Path::new(top).file_stem().unwrap().to_string_lossy();
            let code = code_of(&fs::read_to_string(&path).unwrap());
            (module.into_owned(), inside.to_owned(), code)
        })
        .collect();
    assert!(sources.len() > 50, "the sources were not found");
    sources
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Tests may use what they like; they stand in files and folders of these names, or at the end of a file.
fn is_test(path: &Path) -> bool {
    path.components().any(|part| {
        let part = part.as_os_str().to_string_lossy();
        let name = part.trim_end_matches(".rs");
        name == "tests" || name == "fixture" || name.starts_with("under_loom")
    })
}

fn code_of(source: &str) -> String {
    // Where tests stand in a file of their own, code may follow.
    let tests = source.match_indices("#[cfg(test)]\nmod ").find(|(at, _)| {
        let line = source[*at..].lines().nth(1);
        line.is_some_and(|line| line.ends_with('{'))
    });
    let source = tests.map_or(source, |(at, _)| &source[..at]);
    source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .fold(String::new(), |code, line| code + line + "\n")
}

/// The modules at the top of the crate that are named: after `crate::` or `phonewatch::`, alone or in braces.
fn imports(code: &str) -> impl Iterator<Item = &str> {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    ["crate::", "phonewatch::"]
        .into_iter()
        .flat_map(move |prefix| code.split(prefix).skip(1))
        .flat_map(move |rest| {
            let group = rest.strip_prefix('{').map(|group| {
                let group = group.split(';').next().unwrap_or_default();
                group.split([',', '}'])
            });
            let alone = group.is_none().then_some(rest);
            alone.into_iter().chain(group.into_iter().flatten())
        })
        .map(move |path| {
            path.trim_start()
                .split(|c| !is_word(c))
                .next()
                .unwrap_or_default()
        })
        .filter(|name| !name.is_empty())
}
