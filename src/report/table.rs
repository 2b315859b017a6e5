//! The report for people: what was read, the servers, and the devices with the worst first.

use std::collections::BTreeMap;
use std::time::Duration;

use super::grid::{Cell, Colour, Column, Grid, NOTHING};
use super::headline::{headline, line, nothing_found};
use super::notes::{notes, title};
use super::wording::{counted, duration, number};
use super::{CallManagerEntry, DeviceEntry, Report};
use crate::phone::{Acknowledges, Role, Stage};
use crate::wire::sccp::DeviceKind;

/// How the table is to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether to write ANSI colours: only a terminal understands them.
    pub colour: bool,
    /// How many characters fit into a line; without it, lines are as long as their texts.
    pub width: Option<usize>,
}

/// Up to so many devices are all listed; of more, only those that call for attention, and no more of these.
const MOST_LISTED: usize = 50;

/// The report as text, with a line break at its end.
pub fn table(report: &Report, style: Style) -> String {
    let mut out = String::new();
    headline(&report.capture, &mut out);
    if report.devices.is_empty() {
        line(&mut out, "");
        nothing_found(report, &mut out);
    }
    if !report.devices.is_empty() || !report.findings.is_empty() {
        line(&mut out, "");
        let of_devices = report.devices.iter().flat_map(|device| &device.findings);
        out.push_str(&notes(report.findings.iter().chain(of_devices), style));
    }
    if !report.callmanagers.is_empty() {
        line(&mut out, "");
        callmanagers(&report.callmanagers, style, &mut out);
    }
    if !report.devices.is_empty() {
        line(&mut out, "");
        devices(&report.devices, style, &mut out);
    }
    out
}

fn callmanagers(callmanagers: &[CallManagerEntry], style: Style, out: &mut String) {
    let columns = vec![
        Column::text("CallManager", 15),
        Column::text("Name", 8).spare(2),
        Column::text("Role", 9).spare(5),
        Column::number("Registered"),
        Column::number("Registrations").spare(6),
        Column::number("Rejects").spare(7),
        Column::number("KA p50").spare(3),
        Column::number("KA p99").spare(4),
        Column::text("Acknowledges", 12).spare(1),
    ];
    let answer = |seconds: Option<f64>| {
        let wait = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Cell::new(wait.map(duration).unwrap_or_default())
    };
    let rows = callmanagers
        .iter()
        .map(|server| {
            vec![
                Cell::new(server.address.to_string()),
                Cell::new(server.name.clone().unwrap_or_default()),
                Cell::new(role(server.priority)),
                Cell::new(number(server.registered)),
                Cell::new(number(server.registrations)),
                Cell::new(number(server.rejects)),
                answer(server.keepalive_rtt_seconds.p50),
                answer(server.keepalive_rtt_seconds.p99),
                Cell::new(match server.acknowledges {
                    Some(Acknowledges::Sccp) => "SCCP",
                    Some(Acknowledges::Tcp) => "TCP only",
                    None => "",
                }),
            ]
        })
        .collect();
    let left_out = Grid::new(columns, rows).render(style, out);
    no_room_for(&left_out, out);
}

fn devices(devices: &[DeviceEntry], style: Style, out: &mut String) {
    summary(devices, out);
    let mut listed: Vec<&DeviceEntry> = devices.iter().collect();
    if devices.len() > MOST_LISTED {
        listed.retain(|device| calls_for_attention(device));
    }
    listed.sort_by_key(|device| (urgency(device.stage), !calls_for_attention(device)));
    listed.truncate(MOST_LISTED);
    if !listed.is_empty() {
        listing(&listed, style, out);
    }
    let rest = u64::try_from(devices.len() - listed.len()).unwrap_or(u64::MAX);
    if rest > 0 {
        let and = if listed.is_empty() { "" } else { "… and " };
        let rest = counted(rest, "device", "devices");
        line(out, &format!("{and}{rest}; --json lists all."));
    }
}

/// These devices, one in each line.
pub(super) fn listing(listed: &[&DeviceEntry], style: Style, out: &mut String) {
    let described = listed.iter().any(|device| device.description.is_some());
    let rows = listed.iter().map(|device| row(device, described)).collect();
    let left_out = Grid::new(columns(described), rows).render(style, out);
    no_room_for(&left_out, out);
    if listed.iter().any(|device| device.inferred) {
        line(
            out,
            "inferred: the capture joined later; keepalives or calls show the registration.",
        );
    }
}

/// `33 devices, 31 of them phones: 2 rejected, 1 lost, 30 registered.`
fn summary(devices: &[DeviceEntry], out: &mut String) {
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let phones = devices
        .iter()
        .filter(|device| device.kind == DeviceKind::Phone)
        .count();
    let who = if phones == devices.len() {
        counted(count(phones), "phone", "phones")
    } else {
        let devices = counted(count(devices.len()), "device", "devices");
        match phones {
            0 => format!("{devices}, none of them a phone"),
            1 => format!("{devices}, 1 of them a phone"),
            some => format!("{devices}, {} of them phones", number(count(some))),
        }
    };
    let mut stages: BTreeMap<(u8, &str), u64> = BTreeMap::new();
    for device in devices {
        *stages
            .entry((urgency(device.stage), whereabouts(device.stage)))
            .or_default() += 1;
    }
    let stages: Vec<_> = stages
        .into_iter()
        .map(|((_, place), count)| format!("{} {place}", number(count)))
        .collect();
    line(out, &format!("{who}: {}.", stages.join(", ")));
}

fn columns(described: bool) -> Vec<Column> {
    let mut columns = vec![
        // As wide as a hardware address: half a name is nobody's.
        Column::text("Device", 17),
        Column::text("Model", 10).spare(1),
        Column::text("Address", 15).spare(4),
        Column::text("Stage", 11),
        Column::text("CallManager", 15),
        Column::text("Role", 9).spare(3),
        Column::number("Regs").spare(2),
        Column::number("Moves").spare(7),
        Column::number("Rejects").spare(9),
        Column::number("KA gaps").spare(5),
        Column::number("DHCP").spare(8),
        Column::text("Last reset", 10).spare(6),
        Column::text("Remarks", 10).spare(10),
    ];
    if described {
        columns.insert(1, Column::text("Description", 12).spare(8));
    }
    columns
}

fn row(device: &DeviceEntry, described: bool) -> Vec<Cell> {
    let mut cells = vec![
        Cell::new(device.label()),
        Cell::new(device.model.as_deref().unwrap_or(device.kind.label())),
        Cell::new(device.address.map(|it| it.to_string()).unwrap_or_default()),
        Cell::new(stage(device.stage)).painted(colour(device)),
        Cell::new(server(device)),
        Cell::new(role(device.role)),
        Cell::new(number(device.registrations)),
        Cell::new(number(device.moves)),
        Cell::new(number(device.rejects)),
        Cell::new(number(device.keepalive_gaps)),
        Cell::new(number(device.dhcp_requests)),
        Cell::new(device.last_reset_reason.as_deref().unwrap_or_default()),
        Cell::new(remarks(device)),
    ];
    if described {
        let description = device.description.as_deref().unwrap_or_default();
        cells.insert(1, Cell::new(description));
    }
    cells
}

/// Where it is registered, or was.
fn server(device: &DeviceEntry) -> String {
    match (device.callmanager, device.last_callmanager) {
        (Some(server), _) => server.to_string(),
        (None, Some(last)) => format!("was {last}"),
        (None, None) => NOTHING.into(),
    }
}

/// What else is to be said of it as it is at the end: its findings, in the words of their titles.
fn remarks(device: &DeviceEntry) -> String {
    let active = device.findings.iter().filter(|finding| finding.active);
    let mut remarks: Vec<&str> = active.map(title).collect();
    if remarks.is_empty() {
        remarks.extend(unexplained(device));
    }
    if device.inferred {
        remarks.push("inferred");
    }
    remarks.join(", ")
}

/// What is not as it should be, where no finding says so (yet).
fn unexplained(device: &DeviceEntry) -> Option<&str> {
    let gap = device.open_gap.map(|gap| match gap.direction {
        "phone" => "silent",
        _ => "keepalives unanswered",
    });
    let reject = device
        .last_reject
        .as_ref()
        .filter(|_| device.stage == Stage::Rejected)
        .map(|reject| &*reject.text);
    let asks = device.dhcp.is_some_and(|dhcp| dhcp.excessive.now);
    reject
        .filter(|text| !text.is_empty())
        .or(device.flapping.now.then_some("flapping"))
        .or(gap)
        .or(asks.then_some("asks DHCP too often"))
}

/// Whether a device is worth a line among many: it is unhealthy now, or was at times.
fn calls_for_attention(device: &DeviceEntry) -> bool {
    device.unhealthy
        || device.flapping.episodes > 0
        || device.dhcp.is_some_and(|dhcp| dhcp.excessive.episodes > 0)
}

/// The worst has the lowest number.
const fn urgency(stage: Stage) -> u8 {
    match stage {
        Stage::Rejected => 0,
        Stage::Lost => 1,
        Stage::Registering => 2,
        Stage::Connecting => 3,
        Stage::Tftp => 4,
        Stage::Dns => 5,
        Stage::Dhcp => 6,
        Stage::Link => 7,
        Stage::Unknown => 8,
        Stage::Registered => 9,
    }
}

const fn colour(device: &DeviceEntry) -> Colour {
    match device.stage {
        Stage::Rejected | Stage::Lost => Colour::Red,
        Stage::Registered if !device.unhealthy => Colour::Green,
        Stage::Unknown
        | Stage::Link
        | Stage::Dhcp
        | Stage::Dns
        | Stage::Tftp
        | Stage::Connecting
        | Stage::Registering
        | Stage::Registered => Colour::Yellow,
    }
}

/// The stage in the words of people.
const fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Dhcp => "DHCP",
        Stage::Dns => "DNS",
        Stage::Tftp => "TFTP",
        Stage::Unknown
        | Stage::Link
        | Stage::Connecting
        | Stage::Registering
        | Stage::Rejected
        | Stage::Registered
        | Stage::Lost => stage.label(),
    }
}

/// The stage as a sentence goes on with it.
const fn whereabouts(stage: Stage) -> &'static str {
    match stage {
        Stage::Unknown => "at an unknown stage",
        Stage::Link => "only on the link",
        Stage::Dhcp => "in DHCP",
        Stage::Dns => "in DNS",
        Stage::Tftp => "in TFTP",
        Stage::Connecting
        | Stage::Registering
        | Stage::Rejected
        | Stage::Registered
        | Stage::Lost => stage.label(),
    }
}

/// The role in the words of people.
const fn role(role: Role) -> &'static str {
    match role {
        Role::Srst => "SRST",
        Role::Unknown => "",
        Role::Primary | Role::Secondary | Role::Tertiary => role.label(),
    }
}

/// Which columns are missing, so that nobody takes them for zero.
fn no_room_for(titles: &[&str], out: &mut String) {
    if !titles.is_empty() {
        let titles = titles.join(", ");
        line(
            out,
            &format!("No room for: {titles}. Widen the terminal, or ask for --json."),
        );
    }
}
