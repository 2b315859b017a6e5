//! Which files of evidence have to go.

use std::time::Duration;

use super::EvidenceName;
use crate::time::Timestamp;

/// A file of evidence that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub name: EvidenceName,
    /// How large it is, in bytes.
    pub size: u64,
}

/// However small they are, so many files are kept: a folder is looked through as a whole.
const MOST_FILES: usize = 10_000;

/// Of `files` those that have to go, the oldest first: what is older than `keep_for`, and what does not fit into `most`
/// bytes together with newer ones.
pub fn superfluous(
    files: &[Stored],
    now: Timestamp,
    keep_for: Duration,
    most: u64,
) -> Vec<EvidenceName> {
    let mut newest: Vec<&Stored> = files.iter().collect();
    newest.sort_by(|one, other| other.name.cmp(&one.name));
    let mut sum = 0_u64;
    let mut kept = 0_usize;
    let mut old: Vec<EvidenceName> = newest
        .into_iter()
        .filter(|file| {
            sum = sum.saturating_add(file.size);
            kept += 1;
            // What lies in the future is from before the clock was set right: it counts as new until its time.
            now.since(file.name.at()) > keep_for || sum > most || kept > MOST_FILES
        })
        .map(|file| file.name.clone())
        .collect();
    old.reverse();
    old
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3600;

    fn file(hour: u64, size: u64) -> Stored {
        Stored {
            name: EvidenceName::new(Timestamp::from_secs(hour * HOUR), "boot_loop", "SEP1"),
            size,
        }
    }

    fn gone(files: &[Stored], now: u64, keep_for: u64, most: u64) -> Vec<u64> {
        let now = Timestamp::from_secs(now * HOUR);
        let names = superfluous(files, now, Duration::from_secs(keep_for * HOUR), most);
        names
            .iter()
            .map(|name| name.at().as_nanos() / 1_000_000_000 / HOUR)
            .collect()
    }

    #[test]
    fn what_is_old_and_what_does_not_fit_goes_the_oldest_first() {
        let files = [file(30, 10), file(10, 10), file(40, 10), file(20, 10)];
        assert_eq!(gone(&files, 41, 100, 40), [0; 0]);
        assert_eq!(gone(&files, 41, 21, 40), [10]);
        assert_eq!(gone(&files, 42, 21, 40), [10, 20]);
        assert_eq!(gone(&files, 41, 100, 39), [10]);
        assert_eq!(gone(&files, 41, 100, 20), [10, 20]);
        assert_eq!(gone(&files, 41, 100, 9), [10, 20, 30, 40]);
        assert_eq!(gone(&files, 5, 1, 40), [0; 0], "the clock was set back");
        let many: Vec<Stored> = (0..10_010).map(|hour| file(hour, 1)).collect();
        assert_eq!(gone(&many, 10_010, 100_000, 1 << 30).len(), 10);
    }
}
