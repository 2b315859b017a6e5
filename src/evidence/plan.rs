//! Which findings get their evidence written: few in a minute, and few of each kind, whatever storm there is.

use std::collections::HashMap;
use std::time::Duration;

use crate::time::Timestamp;

/// Decides, in the order of time.
#[derive(Debug)]
pub struct Planner {
    /// So many in each minute; zero writes none.
    per_minute: u32,
    began: Timestamp,
    /// Of each code, in the minute under way. There are as many codes as the catalogue has.
    taken: HashMap<&'static str, u32>,
}

const MINUTE: Duration = Duration::from_secs(60);
/// One code takes no more than this part of all, so that a symptom of thousands leaves room for its cause.
const SHARE: u32 = 4;

impl Planner {
    /// At most so many in each minute.
    pub fn new(per_minute: u32) -> Self {
        Self {
            per_minute,
            began: Timestamp::EPOCH,
            taken: HashMap::new(),
        }
    }

    /// Whether the evidence of a finding of this code, raised at `at`, is to be written.
    pub fn takes(&mut self, code: &'static str, at: Timestamp) -> bool {
        // A distance: a clock that is set back begins another minute too.
        if self.began.distance(at) >= MINUTE {
            self.began = at;
            self.taken.clear();
        }
        let all: u32 = self.taken.values().sum();
        let of_code = self.taken.entry(code).or_default();
        let is_taken = all < self.per_minute && *of_code < self.per_minute.div_ceil(SHARE);
        *of_code += u32::from(is_taken);
        is_taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_5000(planner: &mut Planner, code: &'static str, second: u64) -> usize {
        let at = Timestamp::from_secs(second);
        (0..5000).filter(|_| planner.takes(code, at)).count()
    }

    #[test]
    fn a_storm_leaves_room_for_its_cause_and_ends_with_its_minute() {
        let mut planner = Planner::new(20);
        assert_eq!(of_5000(&mut planner, "connect_refused", 1000), 5);
        assert_eq!(of_5000(&mut planner, "boot_loop", 1010), 5);
        assert_eq!(of_5000(&mut planner, "callmanager_down", 1045), 5);
        assert_eq!(of_5000(&mut planner, "connect_refused", 1059), 0);
        assert_eq!(of_5000(&mut planner, "tftp_no_answer", 1059), 5);
        assert_eq!(
            of_5000(&mut planner, "dns_failure", 1059),
            0,
            "all are taken"
        );
        assert_eq!(of_5000(&mut planner, "connect_refused", 1060), 5);
        assert_eq!(
            of_5000(&mut planner, "connect_refused", 3),
            5,
            "clock set back"
        );
    }

    #[test]
    fn one_is_always_allowed_and_none_is_none() {
        assert_eq!(of_5000(&mut Planner::new(1), "boot_loop", 1), 1);
        assert_eq!(of_5000(&mut Planner::new(0), "boot_loop", 1), 0);
    }
}
