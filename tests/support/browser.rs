//! A real browser: what it makes of a page, as text and as a picture.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output};

/// Chromium without a window, with a profile of its own for each page.
pub(crate) struct Browser {
    program: &'static str,
}

impl Browser {
    const QUIET: [&str; 11] = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--timeout=20000",
    ];

    /// `None` where there is none.
    pub(crate) fn new() -> Option<Self> {
        let program = "chromium";
        let found = Command::new(program).arg("--version").output();
        let is_there = found.is_ok_and(|output| output.status.success());
        is_there.then_some(Self { program })
    }

    /// The document as the browser has it, and what it complains of.
    pub(crate) fn document(&self, url: &str) -> (String, Vec<String>) {
        let output = self.run(&["--dump-dom", "--enable-logging=stderr", url]);
        let errors = String::from_utf8_lossy(&output.stderr);
        let complaints = errors.lines().filter(|line| line.contains("CONSOLE"));
        let complaints = complaints.map(str::to_owned).collect();
        (String::from_utf8(output.stdout).unwrap(), complaints)
    }

    /// A picture of the page at this size, also written to `file`.
    pub(crate) fn picture(&self, url: &str, width: u32, height: u32, file: &Path) -> Picture {
        let size = format!("--window-size={width},{height}");
        let shot = format!("--screenshot={}", file.display());
        let output = self.run(&[&size, &shot, url]);
        let bytes = fs::read(file).unwrap_or_else(|_| panic!("no picture: {output:?}"));
        Picture::read(&bytes)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let profile = tempfile::tempdir().unwrap();
        let output = Command::new(self.program)
            .args(Self::QUIET)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(arguments)
            .env("HOME", profile.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        output
    }
}

/// A picture: three bytes for each pixel.
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pixels: Vec<[u8; 3]>,
}

impl Picture {
    /// Reads a PNG of eight bits and without interlacing (RFC 2083), as browsers write them.
    fn read(png: &[u8]) -> Self {
        let number =
            |bytes: &[u8]| usize::try_from(u32::from_be_bytes(bytes.try_into().unwrap())).unwrap();
        let (mut rest, mut packed, mut header) = (&png[8..], Vec::new(), Vec::new());
        while !rest.is_empty() {
            let length = number(&rest[..4]);
            let data = &rest[8..8 + length];
            match &rest[4..8] {
                b"IHDR" => header = data.to_vec(),
                b"IDAT" => packed.extend_from_slice(data),
                _ => {}
            }
            rest = &rest[12 + length..];
        }
        let (width, height) = (number(&header[..4]), number(&header[4..8]));
        let size = match header[8..10] {
            [8, 2] => 3,
            [8, 6] => 4,
            _ => panic!("a picture of another kind: {header:?}"),
        };
        let mut bytes = Vec::new();
        flate2::read::ZlibDecoder::new(&*packed)
            .read_to_end(&mut bytes)
            .unwrap();
        let mut above = vec![0; width * size];
        let mut pixels = Vec::new();
        for line in bytes.chunks(1 + width * size) {
            let mut row: Vec<u8> = Vec::new();
            for (place, byte) in line[1..].iter().enumerate() {
                let left = if place < size { 0 } else { row[place - size] };
                let corner = if place < size { 0 } else { above[place - size] };
                let predicted = match line[0] {
                    0 => 0,
                    1 => left,
                    2 => above[place],
                    3 => u8::midpoint(left, above[place]),
                    _ => paeth(left, above[place], corner),
                };
                row.push(byte.wrapping_add(predicted));
            }
            pixels.extend(row.chunks(size).map(|pixel| [pixel[0], pixel[1], pixel[2]]));
            above = row;
        }
        Self {
            width,
            height,
            pixels,
        }
    }

    /// How many pixels have this colour.
    pub(crate) fn count(&self, colour: [u8; 3]) -> usize {
        self.pixels.iter().filter(|pixel| **pixel == colour).count()
    }
}

fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(above) - i16::from(corner);
    let distance = |value: u8| (estimate - i16::from(value)).abs();
    let (to_left, to_above, to_corner) = (distance(left), distance(above), distance(corner));
    if to_left <= to_above && to_left <= to_corner {
        left
    } else if to_above <= to_corner {
        above
    } else {
        corner
    }
}
