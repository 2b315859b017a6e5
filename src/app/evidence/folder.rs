//! The folder in which evidence is kept.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::evidence::{EvidenceName, Stored};
use crate::private_folder;

/// A folder of which only files that are named as [`EvidenceName`] says are read, listed and removed.
pub(super) struct Folder(PathBuf);

/// A file that is being written ends so; it begins with a dot.
const UNFINISHED: &str = ".part";
/// No file of evidence is larger; what is was not written by this program.
const LARGEST: u64 = 64 << 20;
/// Nobody but the daemon's own user: frames tell who calls when.
const FILE_MODE: u32 = 0o600;

impl Folder {
    pub(super) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Whether files can be written, for which the folder is made.
    pub(super) fn probe(&self) -> io::Result<()> {
        let probe = self.0.join(format!(".probe{UNFINISHED}"));
        self.write_to(&probe, b"")?;
        fs::remove_file(probe)
    }

    /// Writes a file, whole or not at all; how large it is.
    pub(super) fn write(&self, name: &EvidenceName, bytes: &[u8]) -> io::Result<u64> {
        let unfinished = self.0.join(format!(".{name}{UNFINISHED}"));
        let written = self
            .write_to(&unfinished, bytes)
            .and_then(|()| fs::rename(&unfinished, self.0.join(name.to_string())));
        if written.is_err() {
            // On a full disk there may be a part of it; where there is none, nothing is lost.
            fs::remove_file(&unfinished).ok();
        }
        written.map(|()| u64::try_from(bytes.len()).unwrap_or(u64::MAX))
    }

    fn write_to(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        private_folder::make(&self.0)?;
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true);
        let mut file = options.mode(FILE_MODE).open(path)?;
        file.write_all(bytes)
    }

    /// All files of evidence; none where the folder cannot be read.
    pub(super) fn list(&self) -> Vec<Stored> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let name = entry.file_name().to_str()?.parse().ok()?;
                let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
                let size = metadata.len();
                Some(Stored { name, size })
            })
            .collect()
    }

    /// The bytes of a file.
    pub(super) fn read(&self, name: &EvidenceName) -> io::Result<Vec<u8>> {
        let file = fs::File::open(self.0.join(name.to_string()))?;
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Removes a file; one that is gone already is no loss.
    pub(super) fn remove(&self, name: &EvidenceName) {
        if let Err(error) = fs::remove_file(self.0.join(name.to_string()))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::debug!(%name, %error, "old evidence cannot be removed");
        }
    }

    /// Removes what a kill left behind.
    pub(super) fn remove_unfinished(&self) {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        for entry in entries {
            let name = entry.file_name();
            let is_unfinished = name
                .to_str()
                .is_some_and(|name| name.starts_with('.') && name.ends_with(UNFINISHED));
            if is_unfinished {
                fs::remove_file(entry.path()).ok();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::time::Timestamp;

    fn name(second: u64) -> EvidenceName {
        EvidenceName::new(Timestamp::from_secs(second), "boot_loop", "../x")
    }

    #[test]
    fn what_is_written_is_listed_read_and_removed_and_nothing_else_is_touched() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::new(&parent.path().join("a/evidence"));
        assert_eq!(folder.list(), []);
        folder.probe().unwrap();
        assert_eq!(folder.write(&name(1), b"12345").unwrap(), 5);
        folder.write(&name(2), b"1").unwrap();
        for other in ["notes.txt", ".x.part", "19700101T000009.000000Z-a.pcap"] {
            fs::write(folder.path().join(other), "x").unwrap();
        }
        fs::create_dir(folder.path().join(name(3).to_string())).unwrap();
        let mut listed = folder.list();
        listed.sort_by(|one, other| one.name.cmp(&other.name));
        let listed: Vec<_> = listed.into_iter().map(|it| (it.name, it.size)).collect();
        assert_eq!(listed, [(name(1), 5), (name(2), 1)]);
        assert_eq!(folder.read(&name(1)).unwrap(), b"12345");
        let path = folder.path().join(name(1).to_string());
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        folder.remove_unfinished();
        folder.remove(&name(1));
        folder.remove(&name(1));
        folder.read(&name(1)).unwrap_err();
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 4, "the second file, the folder and two of others");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_and_leaves_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        let folder = Folder::new(&file.join("evidence"));
        folder.probe().unwrap_err();
        folder.write(&name(1), b"1").unwrap_err();
        folder.remove_unfinished();
        assert_eq!(folder.list(), []);
    }
}
