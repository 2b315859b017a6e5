//! Real captures, read in place.

use std::path::{Path, PathBuf};

use phonewatch::capture::file::FileSource;
use phonewatch::capture::{FrameSource, Input};
use phonewatch::record::Record;

use super::trial::{Captured, Entry};

/// Where the captures are: `$PHONEWATCH_CAPTURES`, else beside the project.
///
/// Without them a test says so and passes, unless `PHONEWATCH_REQUIRE_CAPTURES=1`.
pub(crate) fn captures_dir() -> Option<PathBuf> {
    let dir = std::env::var_os("PHONEWATCH_CAPTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"),
        PathBuf::from,
    );
    if dir.is_dir() {
        return Some(dir);
    }
    let required = std::env::var("PHONEWATCH_REQUIRE_CAPTURES").is_ok_and(|value| value == "1");
    assert!(!required, "no captures in {}", dir.display());
    eprintln!(
        "SKIPPED: no captures in {}; set PHONEWATCH_CAPTURES to where they are",
        dir.display()
    );
    None
}

/// All frames of a capture; `None` where there are no captures at all.
pub(crate) fn load(name: &str) -> Option<Vec<Entry>> {
    let path = captures_dir()?.join(name);
    let (entries, problems) = load_path(&path);
    assert!(problems.is_empty(), "{name}: {problems:?}");
    assert!(!entries.is_empty(), "{name} holds no frame");
    Some(entries)
}

/// All frames that can be read of a file, and what could not be read.
pub(crate) fn load_path(path: &Path) -> (Vec<Entry>, Vec<String>) {
    let mut source = FileSource::new(vec![path.to_owned()], None);
    let mut entries = Vec::new();
    loop {
        match source.next() {
            Input::Record(Record::Frame(frame)) => entries.push(Entry::Frame(Captured {
                at: frame.at,
                link: frame.link,
                source: frame.source,
                original_length: frame.original_length,
                bytes: frame.bytes.to_vec(),
            })),
            Input::Record(Record::Loss(loss)) => entries.push(Entry::Loss(loss)),
            Input::Record(Record::ClockStep(_)) | Input::Idle(_) => {}
            Input::End => break,
        }
    }
    let problems = source.problems().iter().map(ToString::to_string).collect();
    (entries, problems)
}
