use std::net::UdpSocket;

use super::*;
use crate::capture::merge::LiveSource;
use crate::capture::ring::{Waker, ring};
use crate::capture::{FrameSource, Input};
use crate::record::Record;

#[test]
fn a_stop_signal_stays_given_for_everybody() {
    let stop = Arc::new(StopSignal::new().unwrap());
    assert!(!stop.wait(Duration::ZERO));
    let waiting = Arc::clone(&stop);
    let waiter = thread::spawn(move || waiting.wait(Duration::from_secs(600)));
    stop.stop();
    assert!(waiter.join().unwrap());
    stop.stop();
    assert!(stop.wait(Duration::ZERO));
    assert!(stop.wait(Duration::ZERO));
}

#[test]
fn counters_add_up() {
    let counters = CaptureCounters::default();
    assert_eq!(counters.read(), CaptureState::default());
    let mut amount = Amount::default();
    amount.add(&Frame {
        at: Timestamp::EPOCH,
        link: crate::record::LinkType::Ethernet,
        source: 0,
        original_length: 1500,
        bytes: &[0; 64],
    });
    for _ in 0..2 {
        counters.add_frames(amount);
        counters.add_ring_dropped(amount);
        counters.add_dropped(3, 4);
        counters.add_reopen();
        counters.add_beat();
        counters.set_up(true);
        counters.set_error("gone".into());
    }
    assert_eq!(
        counters.read(),
        CaptureState {
            frames: 2,
            bytes: 3000,
            kernel_dropped: 6,
            interface_dropped: 8,
            ring_dropped: 2,
            ring_dropped_bytes: 3000,
            reopened: 2,
            beats: 2,
            is_up: true,
            last_error: Some("gone".into()),
        }
    );
}

/// Needs `CAP_NET_RAW` and a loopback that is up; elsewhere there is nothing it could show.
#[test]
fn a_datagram_on_the_loopback_comes_through_and_the_stop_is_prompt() {
    let settings = LiveSettings {
        buffer_bytes: 1 << 20,
        ..LiveSettings::new("lo", 3)
    };
    let opened = match open(&settings) {
        Ok(opened) => opened,
        Err(error @ OpenError::Filter(_)) => panic!("{error}"),
        Err(_) => return,
    };
    let waker = Arc::new(Waker::new());
    let (producer, consumer) = ring(1 << 20, Arc::clone(&waker));
    let stop = Arc::new(StopSignal::new().unwrap());
    let counters = Arc::new(CaptureCounters::default());
    let thread = spawn(
        opened,
        settings,
        producer,
        Arc::clone(&stop),
        Arc::clone(&counters),
    )
    .unwrap();
    let mut source = LiveSource::new(vec![consumer], waker, Box::new(wall_clock));

    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    // TFTP data between two ephemeral ports, with a mark that no other test sends.
    let datagram = b"\0\x03\0\x01phonewatch-loopback-test";
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let before = wall_clock();
    socket
        .send_to(datagram, receiver.local_addr().unwrap())
        .unwrap();
    let frame_at = loop {
        match source.next() {
            Input::Record(Record::Frame(frame)) if frame.bytes.ends_with(datagram) => {
                assert_eq!(frame.source, 3);
                break frame.at;
            }
            Input::Record(_) => {}
            Input::Idle(now) => {
                assert!(now < before + Duration::from_secs(30), "it never came");
            }
            Input::End => panic!("ended before the stop"),
        }
    };
    assert!(frame_at.distance(before) < Duration::from_secs(5));
    assert!(counters.read().is_up);

    stop.stop();
    thread.join().unwrap();
    let state = counters.read();
    assert!(state.frames >= 1 && state.beats >= 1, "{state:?}");
    assert!(!state.is_up);
    while source.next() != Input::End {}
}
