use super::*;
use crate::engine::Settings;
use crate::event::EventKind;
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
fn publishes_only_at_the_end_where_no_pictures_are_wanted() {
    struct Last(Vec<Timestamp>);

    impl Outlet for Last {
        fn event(&mut self, _event: &Event) {}

        fn publish(&mut self, snapshot: Arc<Snapshot>) {
            self.0.push(snapshot.at);
        }

        fn wants_pictures(&self) -> bool {
            false
        }
    }

    let inputs = vec![lost_at(10_000), lost_at(20_000), lost_at(30_000)];
    let mut last = Last(Vec::new());
    let mut engine = Engine::new(Settings::default());
    drive(&mut Script::new(inputs), &mut engine, &mut last);
    assert_eq!(last.0, [Timestamp::from_secs(30)]);
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
    let losses = taken
        .events
        .iter()
        .filter(|event| matches!(event.kind, EventKind::FramesLost { .. }));
    assert_eq!(losses.count(), 2, "{:?}", taken.events);
    assert_eq!(
        taken.snapshots.last().map(|snapshot| snapshot.totals.lost),
        Some([0, 0, 2])
    );
}

/// A phone asks a TFTP server for a file and gets its first block; the second never comes.
fn broken_transfer() -> [Input<'static>; 2] {
    let (phone, server) = ([10, 1, 1, 2], [10, 1, 1, 1]);
    let datagram = |from, to, from_port, to_port, payload: &[u8]| {
        let mut frame = Vec::new();
        etherparse::PacketBuilder::ethernet2([0, 0x13, 0x80, 0, 0, 1], [0, 0x13, 0x80, 0, 0, 2])
            .ipv4(from, to, 64)
            .udp(from_port, to_port)
            .write(&mut frame, payload)
            .unwrap();
        frame.leak()
    };
    let request = b"\0\x01SEP001380000001.cnf.xml\0octet\0";
    let mut block = vec![0, 3, 0, 1];
    block.resize(4 + 512, b'x');
    [
        frame_at(1_000, datagram(phone, server, 50_000, 69, request)),
        frame_at(1_010, datagram(server, phone, 4_000, 50_000, &block)),
    ]
}

fn frame_at(milliseconds: u64, bytes: &'static [u8]) -> Input<'static> {
    Input::Record(Record::Frame(crate::record::Frame::ethernet(
        Timestamp::from_nanos(milliseconds * 1_000_000),
        bytes,
    )))
}

#[test]
fn timers_fire_at_their_own_time_however_the_time_comes() {
    let aborted = |then: Vec<Input<'static>>| {
        let mut inputs = Vec::from(broken_transfer());
        inputs.extend(then);
        let events = run(inputs).events;
        events
            .into_iter()
            .find(|event| matches!(event.kind, EventKind::TftpFailed { .. }))
    };
    let hour = 3_600_000;
    let in_one_step = aborted(vec![idle_at(hour)]);
    assert!(in_one_step.is_some());
    let in_many_steps = (2..3_600).map(|second| idle_at(second * 1_000)).collect();
    assert_eq!(aborted(in_many_steps), in_one_step);
    assert_eq!(aborted(vec![lost_at(hour)]), in_one_step);
    assert_eq!(aborted(vec![idle_at(1_011)]), None, "not yet due");
}

#[test]
fn a_clock_that_jumps_ahead_by_centuries_holds_nothing_up() {
    let mut inputs = Vec::from(broken_transfer());
    inputs.extend([Input::Idle(Timestamp::FAR_FUTURE), idle_at(2_000)]);
    assert!(!run(inputs).snapshots.is_empty());
}
