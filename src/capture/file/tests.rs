use std::io::Write;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::time::Timestamp;

/// A pcap file header in little endian: magic, version 2.4, zone, accuracy, snap length, link type.
fn header(magic: u32, link: u32) -> Vec<u8> {
    let mut bytes = magic.to_le_bytes().to_vec();
    bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend(65535_u32.to_le_bytes());
    bytes.extend(link.to_le_bytes());
    bytes
}

fn record(seconds: u32, fraction: u32, bytes: &[u8], original_length: u32) -> Vec<u8> {
    let captured = u32::try_from(bytes.len()).unwrap();
    let mut record: Vec<u8> = [seconds, fraction, captured, original_length]
        .iter()
        .flat_map(|field| field.to_le_bytes())
        .collect();
    record.extend(bytes);
    record
}

const MICRO: u32 = 0xa1b2_c3d4;
const NANO: u32 = 0xa1b2_3c4d;

/// Three frames, of 3, 0 and 5 bytes.
fn three() -> Vec<u8> {
    [
        header(MICRO, 1),
        record(1, 2, b"abc", 60),
        record(3, 4, b"", 0),
        record(5, 6, b"defgh", 5),
    ]
    .concat()
}

/// A pcapng block of this type in little endian.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let padding = vec![0; body.len().wrapping_neg() % 4];
    let length = u32::try_from(12 + body.len() + padding.len())
        .unwrap()
        .to_le_bytes();
    [&kind.to_le_bytes()[..], &length, body, &padding, &length].concat()
}

fn section() -> Vec<u8> {
    let magic = 0x1a2b_3c4d_u32.to_le_bytes();
    block(
        0x0a0d_0d0a,
        &[&magic[..], &[1, 0, 0, 0], &[0xff; 8]].concat(),
    )
}

/// An interface with nanosecond times.
fn interface(link: u16, snaplen: u32) -> Vec<u8> {
    let resolution = [9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0];
    let body = [
        &link.to_le_bytes()[..],
        &[0, 0],
        &snaplen.to_le_bytes(),
        &resolution,
    ]
    .concat();
    block(1, &body)
}

fn enhanced_packet(nanoseconds: u64, bytes: &[u8]) -> Vec<u8> {
    let high = u32::try_from(nanoseconds >> 32).unwrap();
    let low = u32::try_from(nanoseconds & 0xffff_ffff).unwrap();
    let length = u32::try_from(bytes.len()).unwrap();
    let fields = [0, high, low, length, length];
    let fields: Vec<u8> = fields
        .iter()
        .flat_map(|field| field.to_le_bytes())
        .collect();
    block(6, &[&fields[..], bytes].concat())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[derive(Debug, PartialEq)]
struct Given {
    at: Timestamp,
    link: LinkType,
    source: u16,
    original_length: u32,
    bytes: Vec<u8>,
}

fn drain(source: &mut FileSource) -> Vec<Given> {
    let mut given = Vec::new();
    while let Input::Record(Record::Frame(frame)) = source.next() {
        given.push(Given {
            at: frame.at,
            link: frame.link,
            source: frame.source,
            original_length: frame.original_length,
            bytes: frame.bytes.to_vec(),
        });
    }
    assert_eq!(source.next(), Input::End);
    given
}

/// Reads files of these contents.
fn read(contents: &[&[u8]]) -> (Vec<Given>, FileSource) {
    let directory = TempDir::new().unwrap();
    let mut paths = Vec::new();
    for (index, bytes) in contents.iter().enumerate() {
        let path = directory.path().join(format!("{index}.pcap"));
        std::fs::write(&path, bytes).unwrap();
        paths.push(path);
    }
    let mut source = FileSource::new(paths, None);
    (drain(&mut source), source)
}

fn problem(contents: &[u8]) -> FileProblem {
    let (_, source) = read(&[contents]);
    assert_eq!(source.problems().len(), 1);
    source.problems()[0].clone()
}

fn kinds(source: &FileSource) -> Vec<FileProblemKind> {
    source
        .problems()
        .iter()
        .map(|problem| problem.kind)
        .collect()
}

fn texts(given: &[Given]) -> Vec<&str> {
    given
        .iter()
        .map(|frame| str::from_utf8(&frame.bytes).unwrap())
        .collect()
}

#[test]
fn reads_microseconds() {
    let (given, source) = read(&[&three()]);
    assert_eq!(texts(&given), ["abc", "", "defgh"]);
    assert_eq!(
        given[0],
        Given {
            at: Timestamp::from_nanos(1_000_002_000),
            link: LinkType::Ethernet,
            source: 0,
            original_length: 60,
            bytes: b"abc".to_vec(),
        }
    );
    assert!(source.problems().is_empty());
}

#[test]
fn reads_nanoseconds() {
    let bytes = [
        header(NANO, 101),
        record(1_700_000_000, 123_456_789, b"ip", 2),
    ]
    .concat();
    let (given, _) = read(&[&bytes]);
    assert_eq!(
        given[0].at,
        Timestamp::from_nanos(1_700_000_000_123_456_789)
    );
    assert_eq!(given[0].link, LinkType::RawIp);
}

#[test]
fn reads_big_endian() {
    let mut bytes = vec![0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend([0, 0, 0xff, 0xff, 0, 0, 0, 1]);
    bytes.extend([0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 9, b'h', b'i']);
    let (given, _) = read(&[&bytes]);
    assert_eq!(given[0].at, Timestamp::from_nanos(7_000_001_000));
    assert_eq!(
        (given[0].original_length, &given[0].bytes[..]),
        (9, &b"hi"[..])
    );
}

#[test]
fn reads_pcapng() {
    let at = 1_700_000_000_123_456_789;
    let bytes = [section(), interface(276, 100), enhanced_packet(at, b"xyz")].concat();
    let (given, source) = read(&[&bytes]);
    assert_eq!(given[0].at, Timestamp::from_nanos(at));
    assert_eq!(given[0].link, LinkType::LinuxSll2);
    assert!(source.problems().is_empty());
}

#[test]
fn reads_gzip_by_its_content_and_all_its_members() {
    let whole = three();
    let (front, back) = whole.split_at(30);
    let members = [gzip(front), gzip(back)].concat();
    let (given, source) = read(&[&gzip(&whole), &members]);
    assert_eq!(texts(&given), ["abc", "abc", "", "", "defgh", "defgh"]);
    assert!(source.problems().is_empty());
}

#[test]
fn merges_files_by_time_and_says_which() {
    let later = [header(MICRO, 1), record(100, 0, b"later", 5)].concat();
    let (given, _) = read(&[&later, &three(), &later]);
    let sources: Vec<_> = given.iter().map(|frame| frame.source).collect();
    assert_eq!(sources, [1, 1, 1, 0, 2]);

    // Two mirror ports at the same time. A file keeps its own order, though its times go back.
    let file = |seconds: &[u32]| {
        let frames = seconds.iter().map(|&second| record(second, 0, b"x", 1));
        [header(MICRO, 1), frames.collect::<Vec<_>>().concat()].concat()
    };
    let (given, source) = read(&[&file(&[1, 3, 5]), b"none", &file(&[2, 4, 3, 6])]);
    let seconds: Vec<_> = given
        .iter()
        .map(|frame| (frame.at.as_nanos() / 1_000_000_000, frame.source))
        .collect();
    assert_eq!(
        seconds,
        [(1, 0), (2, 2), (3, 0), (4, 2), (3, 2), (5, 0), (6, 2)]
    );
    assert_eq!(kinds(&source), [FileProblemKind::NotACapture]);
}

#[test]
fn reads_more_files_than_it_holds_open() {
    let files: Vec<_> = (0..MOST_OPEN + 10)
        .map(|_| [header(MICRO, 1), record(1, 0, b"x", 1)].concat())
        .collect();
    let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    let (given, _) = read(&files);
    assert!(
        given
            .iter()
            .map(|frame| usize::from(frame.source))
            .eq(0..MOST_OPEN + 10)
    );
}

#[test]
fn reads_a_pipe() {
    let (reader, mut writer) = io::pipe().unwrap();
    let sender = thread::spawn(move || writer.write_all(&gzip(&three())).unwrap());
    let path = PathBuf::from(format!("/dev/fd/{}", reader.as_raw_fd()));
    let mut source = FileSource::new(vec![path], None);
    assert_eq!(texts(&drain(&mut source)), ["abc", "", "defgh"]);
    assert!(source.problems().is_empty());
    sender.join().unwrap();
}

#[test]
fn reads_a_file_whose_name_is_not_utf_8() {
    use std::os::unix::ffi::OsStrExt;

    let directory = TempDir::new().unwrap();
    let path = directory.path().join(OsStr::from_bytes(b"caf\xe9.pcap"));
    std::fs::write(&path, three()).unwrap();
    let mut source = FileSource::new(vec![path], None);
    assert_eq!(drain(&mut source).len(), 3);
}

#[test]
fn a_filter_selects() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("a");
    std::fs::write(&path, three()).unwrap();
    let filter = |text: &str| FileSource::new(vec![path.clone()], Some(text.into()));
    assert_eq!(texts(&drain(&mut filter("greater 5"))), ["abc", "defgh"]);
    let mut source = filter("tcp prot 1");
    assert!(drain(&mut source).is_empty());
    assert_eq!(kinds(&source), [FileProblemKind::BadFilter]);
    assert!(source.problems()[0].message.contains("`tcp prot 1`"));
}

#[test]
fn a_file_cut_anywhere_gives_its_whole_frames_and_the_next_file_follows() {
    let whole = three();
    let ends = [24, 24 + 19, 24 + 19 + 16, whole.len()];
    for length in 0..whole.len() {
        let (given, source) = read(&[&whole[..length], &three()]);
        let complete = ends.iter().filter(|end| **end <= length).count();
        assert_eq!(given.len(), complete.saturating_sub(1) + 3, "{length}");
        let expected = match length {
            0..24 => Some(FileProblemKind::NotACapture),
            _ if ends.contains(&length) => None,
            _ => Some(FileProblemKind::CutShort),
        };
        assert_eq!(kinds(&source), Vec::from_iter(expected), "{length}");
        assert_eq!(source.is_fatal(), length < 24, "{length}");
    }
}

#[test]
fn a_pcapng_file_cut_short_gives_its_whole_frames() {
    let whole = [
        section(),
        interface(1, 0),
        enhanced_packet(1, b"a"),
        enhanced_packet(2, b"b"),
    ];
    let whole = whole.concat();
    let (given, source) = read(&[&whole[..whole.len() - 1]]);
    assert_eq!(texts(&given), ["a"]);
    assert_eq!(kinds(&source), [FileProblemKind::CutShort]);
}

#[test]
fn gzip_cut_short_or_corrupt_gives_what_it_held() {
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let whole = gzip(&[three(), record(7, 0, &bytes, 100_000)].concat());
    let mut wrong_sum = whole.clone();
    let sum = wrong_sum.len() - 8;
    wrong_sum[sum] ^= 1;
    for (contents, frames, kind) in [
        (&whole[..whole.len() - 100], 3, FileProblemKind::CutShort),
        (&whole[..whole.len() - 1], 4, FileProblemKind::CutShort),
        (&wrong_sum, 4, FileProblemKind::Corrupt),
    ] {
        let (given, source) = read(&[contents]);
        assert_eq!(given.len(), frames);
        assert_eq!(kinds(&source), [kind]);
        assert!(!source.is_fatal());
    }
    let broken = problem(&[&whole[..3], &[0xff; 40]].concat());
    assert_eq!(broken.kind, FileProblemKind::Unreadable);
    assert_eq!(
        problem(&gzip(b"not a capture")).kind,
        FileProblemKind::NotACapture
    );
    assert_eq!(problem(&gzip(b"")).kind, FileProblemKind::NotACapture);
}

#[test]
fn a_corrupt_record_ends_its_file() {
    let mut bad_length = record(9, 9, b"", 60);
    bad_length[8..12].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    let (given, source) = read(&[&[three(), bad_length.clone(), three()].concat(), &three()]);
    assert_eq!(given.len(), 6);
    assert_eq!(kinds(&source), [FileProblemKind::Corrupt]);
    assert!(!source.is_fatal());
    assert!(source.problems()[0].message.contains("first 3 frames"));

    let at_once = problem(&[header(MICRO, 1), bad_length].concat());
    assert_eq!(at_once.kind, FileProblemKind::Unreadable);
}

#[test]
fn says_what_is_no_capture() {
    for (contents, words) in [
        (&b""[..], "is empty"),
        (b"\xd4\xc3\xb2\xa1\x02", "its own header"),
        (
            b"GET / HTTP/1.1\r\nHost: example.net\r\n\r\n",
            "not a pcap or pcapng",
        ),
        (b"\x28\xb5\x2f\xfd and so on and so on and so on", "zstd"),
    ] {
        let problem = problem(contents);
        assert_eq!(problem.kind, FileProblemKind::NotACapture);
        assert!(problem.is_fatal());
        assert!(problem.to_string().contains(words), "{problem}");
    }
}

#[test]
fn says_what_cannot_be_opened() {
    let directory = TempDir::new().unwrap();
    let missing = directory.path().join("missing.pcap");
    let mut source = FileSource::new(vec![directory.path().to_owned(), missing], None);
    assert_eq!(drain(&mut source), []);
    assert_eq!(kinds(&source), [FileProblemKind::Unreadable; 2]);
    assert!(
        source.problems()[0]
            .message
            .contains("name the files in it")
    );
    assert!(
        source.problems()[1]
            .to_string()
            .contains("missing.pcap: cannot be read")
    );
}

#[test]
fn names_a_link_type_it_does_not_read() {
    let problem = problem(&[header(MICRO, 105), record(1, 1, b"x", 1)].concat());
    assert_eq!(problem.kind, FileProblemKind::UnsupportedLinkType);
    assert!(problem.message.contains("IEEE802_11 (105)"), "{problem}");
}

#[test]
fn explains_interfaces_of_several_kinds() {
    for (second, remedy) in [
        (interface(101, 100), "-T ether"),
        (interface(1, 50), "`editcap -F pcap FILE OUT`"),
    ] {
        let bytes = [
            section(),
            interface(1, 100),
            enhanced_packet(1, b"a"),
            second,
        ];
        let (given, source) = read(&[&bytes.concat()]);
        assert_eq!(texts(&given), ["a"]);
        assert_eq!(kinds(&source), [FileProblemKind::MixedInterfaces]);
        assert!(source.problems()[0].message.contains(remedy));
        assert!(source.is_fatal());
    }
}

#[test]
fn absurd_times_and_lengths_are_taken_as_they_are() {
    let bytes = [
        header(MICRO, 1),
        record(u32::MAX, u32::MAX, b"a", 0),
        record(0x8000_0000, 999_999, b"b", u32::MAX),
        record(0, 2_000_000, b"c", 1),
    ];
    let (given, source) = read(&[&bytes.concat()]);
    assert_eq!(texts(&given), ["a", "b", "c"]);
    assert_eq!(given[0].original_length, 1);
    assert_eq!(given[1].original_length, u32::MAX);
    assert_eq!(given[2].at, Timestamp::from_secs(2));
    assert!(source.problems().is_empty());
    let bytes = [section(), interface(1, 0), enhanced_packet(u64::MAX, b"a")];
    let (given, _) = read(&[&bytes.concat()]);
    assert_eq!(given.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_file_makes_it_panic(
        changes in proptest::collection::vec((0..400_usize, any::<u8>()), 0..6),
        cut in 0..400_usize,
        next_generation in any::<bool>(),
        packed in any::<bool>(),
    ) {
        let mut bytes = if next_generation {
            [section(), interface(1, 0), enhanced_packet(1, b"abc"), enhanced_packet(2, &[7; 99])].concat()
        } else {
            [three(), record(7, 8, &[9; 99], 99)].concat()
        };
        for (at, value) in changes {
            let length = bytes.len();
            bytes[at % length] = value;
        }
        bytes.truncate(cut.max(1));
        let (given, _) = read(&[&if packed { gzip(&bytes) } else { bytes }, &three()]);
        prop_assert!(given.len() >= 3, "the next file follows");
    }
}
