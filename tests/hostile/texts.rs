//! Names, texts and file names that would do harm where they are shown: every text that simulated phones and servers
//! send is written over with such ones, and then all is read that phonewatch says.

use assert_cmd::Command;
use phonewatch::engine::Settings;
use phonewatch::record::LinkType;
use phonewatch::savefile::PcapWriter;
use phonewatch::simulate::{BEGIN, Fleet, Mirror, Plan, Scenario, Share, View};
use phonewatch::wire::packet::{self, Content, Transport};

use super::fuzz::engine::assert_readable;
use super::support::random::Random;
use super::support::trial::Drive;
use super::support::{Captured, Entry};

/// What somebody obeys: a browser, a terminal, a log, a mail server, a shell, a spreadsheet, a template, a reader from
/// right to left.
const HARM: [&[u8]; 12] = [
    b"<script>alert(1)</script>",
    b"\"><img src=x onerror=alert(1)>",
    b"\x1b[2J\x1b]0;owned\x07",
    b"\r\nX-Injected: yes\r\n\r\n",
    b"\n.\nMAIL FROM:<x>\n",
    b"\0\0\0\0",
    b"\xff\xfe\xc0\x80\xed\xa0\x80",
    b"\"},{\"code\":\"none\"",
    b"../../../etc/passwd",
    b"=cmd|' /C calc'!A0",
    b"{{json}}${x}`id`%s%n\\",
    "\u{202e}\u{2066}\u{feff}\u{85}\u{2028}".as_bytes(),
];

/// Frames, of every other seed over IPv6, with some of their texts written over; what has a length keeps it, so that it is read all the same.
fn frames(seed: u64) -> Vec<Captured> {
    let shares = Scenario::ALL.iter().map(|&scenario| Share {
        scenario,
        weight: 1,
    });
    let plan = Plan {
        shares: shares.collect(),
        phones: u32::try_from(2 * Scenario::ALL.len()).unwrap(),
        length: std::time::Duration::from_secs(20 * 60),
        seed,
    };
    let mut random = Random::new(seed);
    let view = View {
        ipv6: seed.is_multiple_of(2),
        ..View::default()
    };
    let frames = Mirror::new(Fleet::new(&plan), &view, seed);
    frames
        .map(|frame| {
            let mut frame = Captured::ethernet(frame.at, frame.bytes);
            if random.once_in(3) {
                write_over(&mut frame, &mut random);
            }
            frame
        })
        .collect()
}

/// Writes over one run of letters in what the frame carries.
fn write_over(frame: &mut Captured, random: &mut Random) {
    const SHORTEST: usize = 6;
    let Ok(packet) = packet::decode(frame.link, &frame.bytes) else {
        return;
    };
    let carried = match packet.content {
        Content::Cdp(bytes) | Content::Lldp(bytes) => bytes.len(),
        Content::Ip(ip) => match ip.transport {
            Transport::Tcp(segment) => segment.payload.len(),
            Transport::Udp(datagram) => datagram.payload.len(),
            _ => return,
        },
        _ => return,
    };
    let begin = frame.bytes.len().saturating_sub(carried);
    let is_text = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    let mut runs = Vec::new();
    let mut place = begin;
    for run in frame.bytes[begin..].split(|byte| !is_text(byte)) {
        if run.len() >= SHORTEST {
            runs.push(place..place + run.len());
        }
        place += run.len() + 1;
    }
    if runs.is_empty() {
        return;
    }
    let run = runs.swap_remove(random.below(runs.len()));
    // Some of it stays, so that a name keeps its beginning and a key its name.
    let kept = random.below(run.len() - 3);
    let harm = HARM[random.below(HARM.len())];
    let bytes = frame.bytes[run].iter_mut().skip(kept);
    for (byte, new) in bytes.zip(harm.iter().cycle()) {
        *byte = *new;
    }
}

#[test]
fn nothing_that_is_shown_obeys_a_text_from_the_wire() {
    for seed in [1, 2] {
        let frames = frames(seed);
        let mut drive = Drive::new(Settings::default());
        for frame in &frames {
            drive.take(&Entry::Frame(frame.clone()));
        }
        let names: Vec<String> = drive
            .snapshot()
            .devices
            .iter()
            .map(|(_, device)| device.label())
            .collect();
        for name in &names {
            assert_harmless(name);
        }
        let outcome = drive.finish(None);
        assert!(
            outcome.raised().count() > 100,
            "the texts alone were written over: {}",
            outcome.raised().count()
        );
        for (event, finding) in outcome.raised() {
            assert_harmless(&finding.summary);
            for evidence in &finding.evidence {
                assert_harmless(&evidence.text);
            }
            assert!(event.at >= BEGIN);
        }
        assert_readable(&outcome.snapshot);
    }
}

#[test]
fn nothing_that_is_printed_obeys_a_text_from_the_wire() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hostile.pcap");
    let mut writer =
        PcapWriter::new(std::fs::File::create(&file).unwrap(), LinkType::Ethernet).unwrap();
    for frame in frames(9) {
        writer.write(frame.at, &frame.bytes).unwrap();
    }
    writer.finish().unwrap();
    let say = |arguments: &[&str]| {
        let output = Command::cargo_bin("phonewatch")
            .unwrap()
            .args(arguments)
            .arg(&file)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).expect("what is printed is UTF-8");
        for line in said.lines() {
            assert_harmless(line);
        }
        said
    };
    let report = say(&["replay"]);
    assert!(report.lines().count() > 100, "{report}");
    let json = say(&["replay", "--json"]);
    for part in ["<scri", "2J", "X-Inj", "owned"] {
        assert!(json.contains(part), "{part} is nowhere: nothing is tried");
    }
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    say(&["findings", "--from"]);
    let devices = json["devices"].as_array().unwrap();
    // Those with the most to tell.
    let mut names: Vec<&str> = devices
        .iter()
        .filter(|device| !device["findings"].as_array().unwrap().is_empty())
        .filter_map(|device| device["name"].as_str())
        .collect();
    names.truncate(2);
    for name in names {
        say(&["phone", name, "--from"]);
        say(&["trace", name, "--from"]);
    }
}

/// Nothing in a line makes a terminal, a log or a reader do anything.
fn assert_harmless(line: &str) {
    let is_obeyed = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    assert!(!line.contains(is_obeyed), "{line:?}");
}
