use super::*;
use crate::engine::Settings;
use crate::record::{Loss, LossPlace, Record};

/// Gives these inputs and then the end.
struct Script(std::vec::IntoIter<Input<'static>>);

impl Script {
    fn new(inputs: Vec<Input<'static>>) -> Self {
        Self(inputs.into_iter())
    }
}

impl FrameSource for Script {
    fn next(&mut self) -> Input<'_> {
        self.0.next().unwrap_or(Input::End)
    }
}

#[derive(Default)]
struct Taken {
    events: Vec<Event>,
    snapshots: Vec<Arc<Snapshot>>,
}

impl Outlet for Taken {
    fn event(&mut self, event: &Event) {
        self.events.push(event.clone());
    }

    fn publish(&mut self, snapshot: Arc<Snapshot>) {
        self.snapshots.push(snapshot);
    }
}

fn run(inputs: Vec<Input<'static>>) -> Taken {
    let mut taken = Taken::default();
    let mut engine = Engine::new(Settings::default());
    drive(&mut Script::new(inputs), &mut engine, &mut taken);
    taken
}

fn lost_at(milliseconds: u64) -> Input<'static> {
    Input::Record(Record::Loss(Loss {
        at: Timestamp::from_nanos(milliseconds * 1_000_000),
        source: 0,
        place: LossPlace::Ring,
        frames: 1,
    }))
}

fn idle_at(milliseconds: u64) -> Input<'static> {
    Input::Idle(Timestamp::from_nanos(milliseconds * 1_000_000))
}

#[test]
fn publishes_once_a_second_of_the_input_and_at_its_end() {
    let many = (0..100).map(|step| lost_at(10_000 + step)).collect();
    assert_eq!(run(many).snapshots.len(), 2, "the first input, the end");

    let seconds = vec![lost_at(10_000), lost_at(10_999), lost_at(11_000)];
    assert_eq!(run(seconds).snapshots.len(), 3);
    assert_eq!(run(vec![]).snapshots.len(), 1, "the end alone");
}

#[test]
fn publishes_while_nothing_comes() {
    let quiet = vec![idle_at(10_000), idle_at(10_500), idle_at(11_000)];
    assert_eq!(run(quiet).snapshots.len(), 3);
}

#[test]
fn goes_on_publishing_when_the_clock_is_set_back() {
    let inputs = vec![idle_at(3_600_000), idle_at(10_000), idle_at(11_000)];
    assert_eq!(run(inputs).snapshots.len(), 4);
}

#[test]
fn what_the_engine_says_of_a_record_comes_out() {
    let taken = run(vec![lost_at(1_000), lost_at(2_000)]);
    assert_eq!(taken.events.len(), 2, "{:?}", taken.events);
    assert_eq!(
        taken.snapshots.last().map(|snapshot| snapshot.totals.lost),
        Some([0, 0, 2])
    );
}
