//! The log line of an event: its level, its words and its fields.

use std::net::IpAddr;

use tracing::Level;

use crate::event::{Event, EventKind};
use crate::finding::{Finding, Severity, Subject};
use crate::phone::keepalive::GapDirection;
use crate::phone::registration::{Proof, RegistrationKind};

/// What is logged of an event, beside the device it is about. The names of the fields are the log's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Line<'a> {
    pub(super) level: Level,
    pub(super) message: &'static str,
    callmanager: Option<IpAddr>,
    from: Option<&'static str>,
    to: Option<&'static str>,
    kind: Option<&'static str>,
    proof: Option<&'static str>,
    cause: Option<&'static str>,
    direction: Option<&'static str>,
    result: Option<&'static str>,
    text: Option<&'a str>,
    file: Option<&'a str>,
    name: Option<&'a str>,
    frames: Option<u64>,
    place: Option<&'static str>,
    code: Option<&'static str>,
    severity: Option<&'static str>,
    about: Option<&'a Subject>,
}

const fn line(level: Level, message: &'static str) -> Line<'static> {
    Line {
        level,
        message,
        callmanager: None,
        from: None,
        to: None,
        kind: None,
        proof: None,
        cause: None,
        direction: None,
        result: None,
        text: None,
        file: None,
        name: None,
        frames: None,
        place: None,
        code: None,
        severity: None,
        about: None,
    }
}

/// An episode that begins is a warning, its end is news.
const fn episode(began: bool, begins: &'static str, ends: &'static str) -> Line<'static> {
    if began {
        line(Level::WARN, begins)
    } else {
        line(Level::INFO, ends)
    }
}

fn found<'a>(level: Level, message: &'static str, finding: &'a Finding) -> Line<'a> {
    Line {
        code: Some(finding.code),
        severity: Some(finding.severity.label()),
        callmanager: finding.server,
        text: Some(&finding.summary),
        ..line(level, message)
    }
}

fn raised(finding: &Finding) -> Line<'_> {
    let level = match finding.severity {
        Severity::Info => Level::INFO,
        Severity::Warning | Severity::Critical => Level::WARN,
    };
    found(level, "finding raised", finding)
}

impl<'a> Line<'a> {
    /// The line of this event.
    pub(super) fn of(event: &'a Event) -> Self {
        match &event.kind {
            EventKind::DeviceFound => line(Level::DEBUG, "device found"),
            EventKind::DeviceNamed => line(Level::DEBUG, "device named"),
            EventKind::StageChanged { from, to } => Line {
                from: Some(from.label()),
                to: Some(to.label()),
                ..line(Level::DEBUG, "stage changed")
            },
            EventKind::Registered {
                callmanager,
                kind,
                proof,
            } => Line {
                callmanager: Some(*callmanager),
                kind: kind.map(RegistrationKind::label),
                proof: Some(match proof {
                    Proof::Acknowledged => "acknowledged",
                    Proof::Inferred => "inferred",
                }),
                ..line(Level::INFO, "registered")
            },
            EventKind::Rejected { callmanager, text } => Line {
                callmanager: Some(*callmanager),
                text: Some(text),
                ..line(Level::WARN, "registration rejected")
            },
            EventKind::Unregistered { callmanager, cause } => Line {
                callmanager: Some(*callmanager),
                cause: Some(cause.label()),
                ..line(Level::INFO, "no longer registered")
            },
            EventKind::Flapping { began } => {
                episode(*began, "flapping between CallManagers", "flapping is over")
            }
            EventKind::KeepaliveGap { direction, began } => Line {
                direction: Some(direction.label()),
                ..match direction {
                    GapDirection::CallManager => episode(
                        *began,
                        "keepalives are not acknowledged",
                        "keepalives are acknowledged again",
                    ),
                    GapDirection::Phone => {
                        episode(*began, "the phone is silent", "the phone speaks again")
                    }
                }
            },
            EventKind::ExcessiveDhcp { began } => episode(
                *began,
                "too many DHCP requests",
                "DHCP requests are usual again",
            ),
            EventKind::DhcpRefused => line(Level::WARN, "refused by DHCP"),
            EventKind::ConnectFailed {
                callmanager,
                result,
            } => Line {
                callmanager: Some(*callmanager),
                result: Some(result),
                ..line(Level::WARN, "connection to CallManager failed")
            },
            EventKind::Reset { kind } => Line {
                kind: Some(kind),
                ..line(Level::INFO, "told to reset by CallManager")
            },
            EventKind::ResetReason { text } => Line {
                text: Some(text),
                ..line(Level::INFO, "the phone says why its last session ended")
            },
            EventKind::TftpFailed { file, result } => Line {
                file: Some(file),
                result: Some(result),
                // Phones ask for many files that need not be there.
                ..line(
                    if *result == "not_found" {
                        Level::INFO
                    } else {
                        Level::WARN
                    },
                    "TFTP transfer failed",
                )
            },
            EventKind::DnsFailed { name, answer } => Line {
                name: Some(name),
                result: Some(answer),
                ..line(Level::WARN, "DNS lookup failed")
            },
            EventKind::FindingRaised { about, finding } => Line {
                about: about.as_ref(),
                ..raised(finding)
            },
            EventKind::FindingCleared { about, finding } => Line {
                about: about.as_ref(),
                ..found(Level::INFO, "finding cleared", finding)
            },
            EventKind::FramesLost { frames, place } => Line {
                // 0 stands for a number that nobody knows.
                frames: (*frames > 0).then_some(*frames),
                place: Some(place),
                ..line(Level::WARN, "frames were lost")
            },
        }
    }

    /// Logs it, with the device of the event.
    pub(super) fn log(&self, event: &Event) {
        // A level is part of a place in the source, so there is one place for each.
        macro_rules! log_at {
            ($level:expr) => {{
                let subject = event.subject.as_ref();
                tracing::event!(
                    target: TARGET,
                    $level,
                    device = subject.and_then(|subject| subject.name).map(tracing::field::display),
                    mac = subject.and_then(|subject| subject.mac).map(tracing::field::display),
                    address = subject.and_then(|subject| subject.address).map(tracing::field::display),
                    callmanager = self.callmanager.map(tracing::field::display),
                    from = self.from,
                    to = self.to,
                    kind = self.kind,
                    proof = self.proof,
                    cause = self.cause,
                    direction = self.direction,
                    result = self.result,
                    text = self.text,
                    file = self.file,
                    name = self.name,
                    frames = self.frames,
                    place = self.place,
                    code = self.code,
                    severity = self.severity,
                    about = self.about.map(tracing::field::display),
                    at = %event.at,
                    "{}",
                    self.message
                )
            }};
        }
        match self.level {
            Level::WARN => log_at!(Level::WARN),
            Level::INFO => log_at!(Level::INFO),
            _ => log_at!(Level::DEBUG),
        }
    }
}

/// Under which name levels can be set for events: `phonewatch::event=debug`.
const TARGET: &str = "phonewatch::event";

/// Says that this many lines like `line` were left out.
pub(super) fn log_suppressed(line: &'static str, level: Level, suppressed: u64) {
    macro_rules! log_at {
        ($level:expr) => {
            tracing::event!(target: TARGET, $level, suppressed, line, "more lines of one kind than are logged")
        };
    }
    match level {
        Level::WARN => log_at!(Level::WARN),
        Level::INFO => log_at!(Level::INFO),
        _ => log_at!(Level::DEBUG),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::Stage;
    use crate::phone::registration::EndCause;
    use crate::time::Timestamp;

    fn event(kind: EventKind) -> Event {
        Event {
            at: Timestamp::from_secs(1),
            subject: None,
            kind,
        }
    }

    #[test]
    fn levels_tell_the_unusual_from_the_usual() {
        let callmanager = IpAddr::from([10, 1, 1, 10]);
        let level = |kind| Line::of(&event(kind)).level;
        let text = String::new();
        for (expected, kinds) in [
            (
                Level::WARN,
                vec![
                    EventKind::Rejected { callmanager, text },
                    EventKind::Flapping { began: true },
                    EventKind::KeepaliveGap {
                        direction: GapDirection::Phone,
                        began: true,
                    },
                    EventKind::FramesLost {
                        frames: 1,
                        place: "ring",
                    },
                ],
            ),
            (
                Level::INFO,
                vec![
                    EventKind::Registered {
                        callmanager,
                        kind: Some(RegistrationKind::New),
                        proof: Proof::Acknowledged,
                    },
                    EventKind::Unregistered {
                        callmanager,
                        cause: EndCause::Reset,
                    },
                    EventKind::Flapping { began: false },
                ],
            ),
            (
                Level::DEBUG,
                vec![
                    EventKind::DeviceFound,
                    EventKind::StageChanged {
                        from: Stage::Unknown,
                        to: Stage::Dhcp,
                    },
                ],
            ),
        ] {
            for kind in kinds {
                assert_eq!(level(kind.clone()), expected, "{kind:?}");
            }
        }
    }

    #[test]
    fn an_unknown_number_of_lost_frames_is_not_shown_as_none() {
        let place = "kernel";
        let of = |frames| Line::of(&event(EventKind::FramesLost { frames, place })).frames;
        assert_eq!(of(0), None);
        assert_eq!(of(3), Some(3));
    }
}
