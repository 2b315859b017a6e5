//! The mirror shows only what one side says.

use crate::diagnosis::{Entry, Rule, Site, Verdict};
use crate::finding::{Conclusion, Severity, Subject};
use crate::phone::directions::{DirectionCounts, Directions};

/// `mirror_one_way`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "mirror_one_way",
    stage: "sensor",
    severity: Severity::Warning,
    title: "the mirror shows one direction only",
    meaning: "The mirror port copies what phones send and not what their servers answer, or the other way round. Without \
              both sides it cannot be told whether anybody was answered, so most faults go unnoticed; phonewatch does not \
              guess.",
    concluded: "Of the connections to CallManagers of the last minutes, at least thresholds.one_way_connections (10), more \
                than thresholds.one_way_permille (800) in a thousand showed one side only, while its acknowledgments \
                prove that the other one spoke. A server that is down acknowledges nothing and is not taken for that.",
    remedy: &[
        "On the switch, mirror both directions: monitor session 1 source interface <the CallManager's port> both. Without \
         a word behind the port most switches do so; 'rx' or 'tx' there is the mistake.",
        "Check it with: show monitor session 1.",
        "Where requests and answers take different ways, mirror the ports of the CallManagers themselves: both pass there.",
        "Where each direction comes out of a port of its own, connect both and name both under capture.interfaces.",
    ],
    reference: "",
    explained_by: &[],
    rules: &[Rule::Site(judge)],
};

fn judge(site: &Site<'_>) -> Vec<(Subject, Verdict)> {
    let DirectionCounts {
        both,
        only_phones,
        only_servers,
    } = site.sight.directions.recent(site.now);
    let (one_way, shown, hidden) = if only_phones >= only_servers {
        (only_phones, "the phones send", "their servers answer")
    } else {
        (only_servers, "the servers send", "the phones say")
    };
    let all = both + only_phones + only_servers;
    let is_one_way = all >= site.thresholds.one_way_connections
        && u64::from(one_way) * 1000 > u64::from(all) * u64::from(site.thresholds.one_way_permille);
    if !is_one_way {
        return Vec::new();
    }
    let since = site.sight.directions.since();
    let summary = format!("the mirror shows what {shown}, and not what {hidden}");
    let text = format!(
        "of {all} connections to CallManagers {one_way} showed only what {shown}, though it acknowledges answers"
    );
    let conclusion = Conclusion::new(since, summary).evidence(since, text);
    vec![(
        Subject::Sensor,
        Verdict::holds_until(site.now + 2 * Directions::PERIOD, site.now, conclusion),
    )]
}
