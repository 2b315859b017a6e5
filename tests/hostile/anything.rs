//! Any bytes at all, given to every decoder, to what puts pieces together, and to the engine: the bodies that `fuzz/`
//! gives to libFuzzer, with inputs changed at random.
//!
//! The same inputs on every run. `PHONEWATCH_FUZZ_SECONDS` goes on for so long instead, with other ones each time; what
//! fails is written into a file, and the test says where. `PHONEWATCH_FUZZ_CORPUS` names a folder for what the bodies begin
//! from.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::panic::catch_unwind;
use std::path::Path;
use std::time::Duration;

use phonewatch::app::clock::{self, Stopwatch};

use super::frames;
use super::fuzz::{TARGETS, Target, seeds};
use super::support::random::Random;

/// How many inputs a body gets, where no time is set.
const INPUTS: u32 = 10_000;

/// Bodies that run at the same time.
const THREADS: u32 = 2;

#[test]
fn whatever_comes_is_borne() {
    let frames = frames();
    let captured = frames
        .iter()
        .map(|frame| (frame.link, frame.bytes.as_slice()));
    let seeds = seeds::with(captured);
    let names: BTreeSet<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    let begun: BTreeSet<&str> = seeds.keys().copied().collect();
    assert_eq!(names, begun, "every body begins from something");
    if let Some(folder) = std::env::var_os("PHONEWATCH_FUZZ_CORPUS") {
        write(&seeds, Path::new(&folder)).unwrap();
    }
    let seconds = std::env::var("PHONEWATCH_FUZZ_SECONDS").ok();
    let seconds = seconds.map(|seconds| seconds.parse::<u32>().expect("a number of seconds"));
    let bodies = u32::try_from(TARGETS.len()).unwrap();
    let effort = match seconds {
        Some(seconds) => Effort::Time(Duration::from_secs(seconds.into()) * THREADS / bodies),
        None => Effort::Inputs(INPUTS),
    };
    let bodies_each = TARGETS.len().div_ceil(usize::try_from(THREADS).unwrap());
    std::thread::scope(|scope| {
        for some in TARGETS.chunks(bodies_each) {
            let seeds = &seeds;
            scope.spawn(move || {
                for target in some {
                    let tried = feed(target, &seeds[target.0], effort);
                    println!("{}: {tried} inputs", target.0);
                }
            });
        }
    });
}

/// Writes what the bodies begin from where libFuzzer looks for it: a folder for each, a file for each input.
fn write(seeds: &BTreeMap<&str, Vec<Vec<u8>>>, folder: &Path) -> io::Result<()> {
    for (name, inputs) in seeds {
        let folder = folder.join(name);
        fs::create_dir_all(&folder)?;
        for (number, input) in inputs.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:03}")), input)?;
        }
    }
    Ok(())
}

/// How much is tried.
#[derive(Clone, Copy)]
enum Effort {
    /// So many inputs, always the same; the engine, whose inputs are many frames, gets a twentieth.
    Inputs(u32),
    /// For so long, other ones each time.
    Time(Duration),
}

/// Gives a body what it begins from and then what comes of that by chance; how many inputs it got.
fn feed((name, body): &Target, seeds: &[Vec<u8>], effort: Effort) -> u32 {
    let mut tried = 0;
    let mut give = |input: &[u8]| {
        tried += 1;
        if catch_unwind(|| body(input)).is_err() {
            let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}.bin"));
            fs::write(&file, input).unwrap();
            panic!("{name} does not bear the input in {}", file.display());
        }
    };
    for seed in seeds {
        give(seed);
    }
    let watch = Stopwatch::start();
    let (begin, inputs, time) = match effort {
        Effort::Inputs(inputs) if *name == "engine" => (1, inputs / 20, Duration::MAX),
        Effort::Inputs(inputs) => (1, inputs, Duration::MAX),
        Effort::Time(time) => (clock::now().as_nanos(), u32::MAX, time),
    };
    let mut random = Random::new(begin);
    for _ in 0..inputs {
        if watch.elapsed() >= time {
            break;
        }
        give(&changed(&mut random, seeds));
    }
    tried
}

/// Bytes by chance, or an input with some of it changed or joined with another.
fn changed(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let place = random.below(seeds.len());
    match random.below(8) {
        0 => {
            let length = random.below(200);
            random.bytes(length)
        }
        1 => {
            let other = &seeds[random.below(seeds.len())];
            let cut = random.below(seeds[place].len() + 1);
            let from = random.below(other.len() + 1);
            [&seeds[place][..cut], &other[from..]].concat()
        }
        _ => random.mutate(&seeds[place]),
    }
}
