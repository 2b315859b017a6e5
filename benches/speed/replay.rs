//! Reading a large capture, beside tcpdump and tshark.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use anyhow::Context;
use phonewatch::app::clock::Stopwatch;
use phonewatch::app::drive::{Outlet, drive};
use phonewatch::capture::file::FileSource;
use phonewatch::capture::filter::{FilterSettings, expression};
use phonewatch::capture::{FrameSource, Input};
use phonewatch::engine::{Engine, Settings};
use phonewatch::event::Event;
use phonewatch::record::{LinkType, Record};
use phonewatch::report::{CaptureFacts, Report, Style, table};
use phonewatch::savefile::PcapWriter;
use phonewatch::snapshot::Snapshot;

use crate::fleet::{Fleet, MIX, PROGRAM};
use crate::verdict;

/// 10,000 phones for half an hour; one call for each 200 of them makes three quarters of the frames voice.
const FLEET: Fleet = Fleet {
    name: "fleet",
    scenarios: MIX,
    phones: 10_000,
    minutes: 30,
    calls: 50,
};

/// How many times as long as tcpdump it may take, with the kernel's filter and without.
const FILTERED: f64 = 2.0;
const UNFILTERED: f64 = 4.0;

/// How many times as many frames a second as tshark it must read.
const TSHARK: f64 = 100.0;

/// tshark reads this many frames from the middle of the capture.
const SAMPLE: u64 = 200_000;

/// Each is run so often, in turns.
const TURNS: u32 = 3;

pub(crate) fn measure() -> anyhow::Result<()> {
    let file = FLEET.capture()?;
    let filter = expression(&FilterSettings::default());
    let (frames, voice, sample) = prepare(&file)?;

    let this = env::current_exe()?;
    let name = file.as_os_str();
    let once = OsStr::new("replay-once");
    let dump = ["-n", "-w", "/dev/null", "-r"].map(OsStr::new);
    let filter = OsStr::new(&filter);
    let tcpdump = OsStr::new("tcpdump");
    let commands: [(&str, &OsStr, Vec<&OsStr>); 5] = [
        (
            "tcpdump with the filter",
            tcpdump,
            [&dump[..], &[name, filter]].concat(),
        ),
        (
            "phonewatch with the filter",
            this.as_os_str(),
            vec![once, name, filter],
        ),
        ("tcpdump", tcpdump, [&dump[..], &[name]].concat()),
        ("phonewatch", this.as_os_str(), vec![once, name]),
        (
            "phonewatch replay",
            OsStr::new(PROGRAM),
            vec![OsStr::new("replay"), name],
        ),
    ];
    let mut shortest = [f64::INFINITY; 5];
    for _ in 0..TURNS {
        for ((_, program, arguments), shortest) in commands.iter().zip(&mut shortest) {
            *shortest = shortest.min(run(program, arguments)?.as_secs_f64());
        }
    }
    let sample_arguments = ["-n", "-Y", "skinny", "-r"].map(OsStr::new);
    let tshark = run(
        OsStr::new("tshark"),
        &[&sample_arguments[..], &[sample.as_os_str()]].concat(),
    )?;
    let rate_of_tshark = SAMPLE as f64 / tshark.as_secs_f64();
    // It is larger than all else here, and soon written again.
    fs::remove_file(&file)?;
    fs::remove_file(&sample)?;

    println!("\n### Replay\n");
    println!(
        "{frames} frames of {} phones in {} minutes, {:.0} % of them voice.\n",
        FLEET.phones,
        FLEET.minutes,
        100.0 * voice as f64 / frames as f64
    );
    println!("| what reads it | seconds | million frames a second |\n|---|---:|---:|");
    for ((what, ..), seconds) in commands.iter().zip(shortest) {
        println!(
            "| {what} | {seconds:.2} | {:.2} |",
            frames as f64 / seconds / 1e6
        );
    }
    println!(
        "| tshark -Y skinny, {SAMPLE} frames of the middle | {:.2} | {:.3} |\n",
        tshark.as_secs_f64(),
        rate_of_tshark / 1e6
    );
    let [dump_filtered, filtered, dump, unfiltered, replay] = shortest;
    let ratio = filtered / dump_filtered;
    verdict(
        &format!("with the filter, {ratio:.2} of {FILTERED} times as long as tcpdump"),
        ratio <= FILTERED,
    );
    let ratio = unfiltered.max(replay) / dump;
    verdict(
        &format!("without it, {ratio:.2} of {UNFILTERED} times as long as tcpdump"),
        ratio <= UNFILTERED,
    );
    for (how, seconds) in [("with the filter", filtered), ("without it", replay)] {
        let ratio = frames as f64 / seconds / rate_of_tshark;
        verdict(
            &format!("{how}, {ratio:.0} of {TSHARK} times as many frames a second as tshark"),
            ratio >= TSHARK,
        );
    }
    Ok(())
}

/// Counts the frames and those that are voice, which brings the file into memory, and writes the sample.
fn prepare(file: &Path) -> anyhow::Result<(u64, u64, PathBuf)> {
    let count = |filter| -> u64 {
        let mut source = FileSource::new(vec![file.to_owned()], filter);
        let mut frames = 0;
        while let Input::Record(_) = source.next() {
            frames += 1;
        }
        frames
    };
    let frames = count(None);
    let voice = count(Some(String::from(
        "udp[8:2] & 0xc000 = 0x8000 and portrange 16384-32767",
    )));
    let sample = file.with_extension("sample.pcap");
    let mut writer = PcapWriter::new(
        std::io::BufWriter::new(fs::File::create(&sample)?),
        LinkType::Ethernet,
    )?;
    let mut source = FileSource::new(vec![file.to_owned()], None);
    let first = frames / 2;
    let mut place = 0;
    while let Input::Record(Record::Frame(frame)) = source.next() {
        place += 1;
        if place > first + SAMPLE {
            break;
        }
        if place > first {
            writer.write(frame.at, frame.bytes)?;
        }
    }
    writer.finish()?;
    Ok((frames, voice, sample))
}

fn run(program: &OsStr, arguments: &[&OsStr]) -> anyhow::Result<Duration> {
    let watch = Stopwatch::start();
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("start {}", program.display()))?;
    let elapsed = watch.elapsed();
    anyhow::ensure!(
        output.status.success(),
        "{}: {}",
        program.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(elapsed)
}

/// What `phonewatch replay` does, with a filter that it does not take: the kernel's, applied by libpcap.
pub(crate) fn once(file: &str, filter: Option<&str>) -> anyhow::Result<()> {
    struct Last(Arc<Snapshot>);

    impl Outlet for Last {
        fn event(&mut self, _event: &Event) {}

        fn publish(&mut self, snapshot: Arc<Snapshot>) {
            self.0 = snapshot;
        }

        fn wants_pictures(&self) -> bool {
            false
        }
    }

    let watch = Stopwatch::start();
    let mut source = FileSource::new(vec![file.into()], filter.map(String::from));
    let mut engine = Engine::new(Settings::default());
    let mut last = Last(Arc::default());
    drive(&mut source, &mut engine, &mut last);
    anyhow::ensure!(!source.is_fatal(), "{:?}", source.problems());
    let facts = CaptureFacts {
        files: vec![file.to_owned()],
        problems: Vec::new(),
        elapsed: watch.elapsed(),
    };
    let style = Style {
        colour: false,
        width: None,
    };
    println!("{}", table(&Report::new(&last.0, facts), style));
    Ok(())
}
