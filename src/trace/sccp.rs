//! SCCP messages in words.

use std::fmt::Write;

use crate::wire::Reader;
use crate::wire::sccp::{
    Deframed, Deframer, DisplayText, MAX_MESSAGE, Message, MessageId, ResetType, UnregisterStatus,
};

/// The messages that begin in this segment, by name, separated by semicolons; `None` where none does.
///
/// A segment is read by itself: the rest of a message that began in an earlier one is named as such.
pub(super) fn words(payload: &[u8]) -> Option<String> {
    let mut deframer = Deframer::new();
    let mut said = Vec::new();
    deframer.push(payload, &mut |deframed| match deframed {
        Deframed::Message(pdu) => said.push(match Message::parse(&pdu) {
            Ok(message) => of(pdu.id, &message),
            Err(error) => format!("{}: {error}", pdu.id),
        }),
        Deframed::Malformed(error) => said.push(error.to_string()),
        Deframed::Skipped(_) => {}
    });
    if said.is_empty() {
        return beginning(payload);
    }
    Some(said.join("; "))
}

/// The name of a message whose end is in a later segment.
fn beginning(payload: &[u8]) -> Option<String> {
    let mut header = Reader::new(payload);
    let length = header.u32_le("message length").ok()?;
    header.u32_le("header version").ok()?;
    let id = MessageId(header.u32_le("message id").ok()?);
    (id.is_known() && usize::try_from(length).is_ok_and(|length| length <= MAX_MESSAGE))
        .then(|| format!("{id}, its first {} bytes", payload.len()))
}

fn of(id: MessageId, message: &Message) -> String {
    let mut words = id.to_string();
    let mut add = |text: String| {
        let written = write!(words, " {text}");
        debug_assert!(written.is_ok(), "a string takes any text");
    };
    match message {
        Message::Register(register) => {
            if let Some(name) = register.name {
                add(name.to_string());
            }
        }
        Message::RegisterAck(answer) => {
            if let Some(interval) = answer.keepalive {
                add(format!("keepalive every {} s", interval.as_secs()));
            }
        }
        Message::RegisterReject(reject) => add(format!("\"{}\"", reject.text)),
        Message::RegisterTokenReq(request) => {
            if let Some(name) = request.name {
                add(name.to_string());
            }
        }
        Message::RegisterTokenReject { wait: Some(wait) } => {
            add(format!("wait {} s", wait.as_secs()));
        }
        Message::UnregisterAck {
            status: Some(status),
        } => add(unregister_status(*status)),
        Message::Reset(kind) => add(reset(*kind)),
        Message::Alarm(alarm) => add(format!("\"{}\"", alarm.text)),
        Message::XmlAlarm(alarm) => {
            if let Some(reason) = &alarm.reason {
                add(format!("Last={reason}"));
            }
        }
        // What was dialled is nobody's business; only the keys of a reset are named.
        Message::KeypadButton(key) => {
            if let Some(symbol @ ('*' | '#')) = key.symbol() {
                add(symbol.to_string());
            }
        }
        Message::DisplayText(text)
        | Message::DisplayPromptStatus(text)
        | Message::DisplayNotify(text)
        | Message::DisplayPriNotify(text) => {
            // Who calls and is called is shown there too.
            if !text.text.contains(|it: char| it.is_ascii_digit()) {
                add(display(text));
            }
        }
        Message::Version { load } => add(load.clone()),
        Message::IpPort { port } => add(port.to_string()),
        Message::KeepAlive
        | Message::KeepAliveAck
        | Message::RegisterTokenAck
        | Message::RegisterTokenReject { wait: None }
        | Message::Unregister { .. }
        | Message::UnregisterAck { status: None }
        | Message::ServerReq
        | Message::ServerRes(_)
        | Message::CallState(_)
        | Message::VersionReq
        | Message::ConfigStat(_)
        | Message::LineStat(_)
        | Message::RegisterAvailableLines { .. }
        | Message::TimeDateReq
        | Message::TimeDate(_)
        | Message::HeadsetStatus { .. }
        | Message::Other(_) => {}
    }
    words
}

fn display(text: &DisplayText) -> String {
    format!("\"{}\"", text.text)
}

fn reset(kind: ResetType) -> String {
    match kind {
        ResetType::Reset => String::from("reset"),
        ResetType::Restart => String::from("restart"),
        ResetType::ApplyConfig => String::from("apply configuration"),
        ResetType::Unknown(number) => format!("type {number}"),
    }
}

fn unregister_status(status: UnregisterStatus) -> String {
    match status {
        UnregisterStatus::Ok => String::from("ok"),
        refused @ (UnregisterStatus::Error
        | UnregisterStatus::Nak
        | UnregisterStatus::Unknown(_)) => format!("refused ({})", refused.number()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::sccp::{KeypadButton, encode};

    #[test]
    fn names_the_messages_of_a_segment() {
        let key = |button| KeypadButton {
            button,
            line: None,
            call: None,
        };
        let mut segment = encode::keypad_button(0, &key(14));
        segment.extend(encode::unregister(0, None));
        assert_eq!(
            words(&segment).as_deref(),
            Some("KeypadButton *; Unregister")
        );
        let digit = encode::keypad_button(0, &key(7));
        assert_eq!(
            words(&digit).as_deref(),
            Some("KeypadButton"),
            "dialled digits are not shown"
        );
        let reject = encode::register_reject(0, b"Error: No License");
        assert_eq!(
            words(&reject).as_deref(),
            Some("RegisterReject \"Error: No License\"")
        );
        assert_eq!(words(b"SSH-2.0-OpenSSH_9.2\r\n"), None);
    }
}
