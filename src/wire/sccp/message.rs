//! What a message says.

use std::time::Duration;

use super::alarm::Alarm;
use super::call::{CallState, KeypadButton};
use super::deframer::Pdu;
use super::display::DisplayText;
use super::message_id::MessageId;
use super::registration::{
    Register, RegisterAck, RegisterReject, ResetType, TokenRequest, UnregisterStatus,
};
use super::servers::ServerList;
use super::station::{ConfigStat, LineStat, TimeDate};
use super::xml_alarm::XmlAlarm;
use crate::net::safe_text;
use crate::wire::{DecodeError, Reader};

/// One message. Both forms of a message, the fixed and the dynamic one, and both vendors' token messages are the same
/// variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The phone is alive.
    KeepAlive,
    /// The CallManager has heard it.
    KeepAliveAck,
    /// The phone asks to be registered.
    Register(Register),
    /// The CallManager accepts it.
    RegisterAck(RegisterAck),
    /// The CallManager refuses it.
    RegisterReject(RegisterReject),
    /// The phone asks to come back to this CallManager.
    RegisterTokenReq(TokenRequest),
    /// It may.
    RegisterTokenAck,
    /// It may not yet.
    RegisterTokenReject {
        /// How long to wait before asking again, where the message says it.
        wait: Option<Duration>,
    },
    /// The phone leaves.
    Unregister {
        /// 0 unknown, 1 power save; most phones give none.
        reason: Option<u32>,
    },
    /// The CallManager's answer to that.
    UnregisterAck {
        /// What it says, where it says anything.
        status: Option<UnregisterStatus>,
    },
    /// The CallManager resets the phone.
    Reset(ResetType),
    /// The phone asks for the list of CallManagers.
    ServerReq,
    /// The list.
    ServerRes(ServerList),
    /// Why the phone's previous session ended.
    Alarm(Alarm),
    /// The same of newer firmware.
    XmlAlarm(Box<XmlAlarm>),
    /// Where the phone receives media.
    IpPort {
        /// The UDP port.
        port: u32,
    },
    /// A key was pressed.
    KeypadButton(KeypadButton),
    /// A call changed its state.
    CallState(CallState),
    /// A text for the display.
    DisplayText(DisplayText),
    /// A text for the prompt line.
    DisplayPromptStatus(DisplayText),
    /// A notice.
    DisplayNotify(DisplayText),
    /// A notice with a priority.
    DisplayPriNotify(DisplayText),
    /// The phone asks which firmware load it should run.
    VersionReq,
    /// The firmware load it should run.
    Version {
        /// The name of the load.
        load: String,
    },
    /// How the phone is configured.
    ConfigStat(ConfigStat),
    /// One of its lines.
    LineStat(LineStat),
    /// The phone is ready for its lines: registering is nearly over.
    RegisterAvailableLines {
        /// How many lines it can show.
        lines: u32,
    },
    /// The phone asks for the time: usually the last step of registering.
    TimeDateReq,
    /// The time.
    TimeDate(TimeDate),
    /// The headset's button.
    HeadsetStatus {
        /// Whether the headset is in use; `None` for a number without meaning.
        on: Option<bool>,
    },
    /// Anything else.
    Other(MessageId),
}

impl Message {
    /// Reads a message's body.
    pub fn parse(pdu: &Pdu<'_>) -> Result<Self, DecodeError> {
        let body = pdu.body;
        let number = |field| Reader::new(body).u32_le(field);
        Ok(match pdu.id {
            MessageId::KEEP_ALIVE => Self::KeepAlive,
            MessageId::KEEP_ALIVE_ACK => Self::KeepAliveAck,
            MessageId::REGISTER => Self::Register(Register::parse(body)?),
            MessageId::REGISTER_ACK => Self::RegisterAck(RegisterAck::parse(body)?),
            MessageId::REGISTER_REJECT => Self::RegisterReject(RegisterReject::parse(body)),
            MessageId::REGISTER_TOKEN_REQ | MessageId::SPCP_REGISTER_TOKEN_REQ => {
                Self::RegisterTokenReq(TokenRequest::parse(body)?)
            }
            MessageId::REGISTER_TOKEN_ACK | MessageId::SPCP_REGISTER_TOKEN_ACK => {
                Self::RegisterTokenAck
            }
            MessageId::REGISTER_TOKEN_REJECT => Self::RegisterTokenReject {
                wait: number("wait")
                    .ok()
                    .map(|seconds| Duration::from_secs(seconds.into())),
            },
            // Its number is a set of features and no time.
            MessageId::SPCP_REGISTER_TOKEN_REJECT => Self::RegisterTokenReject { wait: None },
            MessageId::UNREGISTER => Self::Unregister {
                reason: number("reason").ok(),
            },
            MessageId::UNREGISTER_ACK => Self::UnregisterAck {
                status: number("status").ok().map(UnregisterStatus::from_number),
            },
            MessageId::RESET => Self::Reset(ResetType::from_number(number("reset type")?)),
            MessageId::SERVER_REQ => Self::ServerReq,
            MessageId::SERVER_RES => Self::ServerRes(ServerList::parse(body)?),
            MessageId::ALARM => Self::Alarm(Alarm::parse(body)?),
            MessageId::XML_ALARM => Self::XmlAlarm(Box::new(XmlAlarm::parse(body))),
            MessageId::IP_PORT => Self::IpPort {
                port: number("media port")?,
            },
            MessageId::KEYPAD_BUTTON => Self::KeypadButton(KeypadButton::parse(body)?),
            MessageId::CALL_STATE => Self::CallState(CallState::parse(body)?),
            MessageId::DISPLAY_TEXT => Self::DisplayText(DisplayText::plain(body)),
            MessageId::DISPLAY_PROMPT_STATUS => {
                Self::DisplayPromptStatus(DisplayText::parse(body, 4, true)?)
            }
            MessageId::DISPLAY_DYNAMIC_PROMPT_STATUS => {
                Self::DisplayPromptStatus(DisplayText::parse(body, 12, false)?)
            }
            MessageId::DISPLAY_NOTIFY => Self::DisplayNotify(DisplayText::parse(body, 4, true)?),
            MessageId::DISPLAY_DYNAMIC_NOTIFY => {
                Self::DisplayNotify(DisplayText::parse(body, 4, false)?)
            }
            MessageId::DISPLAY_PRI_NOTIFY => {
                Self::DisplayPriNotify(DisplayText::parse(body, 8, true)?)
            }
            MessageId::DISPLAY_DYNAMIC_PRI_NOTIFY => {
                Self::DisplayPriNotify(DisplayText::parse(body, 8, false)?)
            }
            MessageId::VERSION_REQ => Self::VersionReq,
            MessageId::VERSION => Self::Version {
                load: safe_text(body, 32),
            },
            MessageId::CONFIG_STAT => Self::ConfigStat(ConfigStat::parse(body)?),
            MessageId::CONFIG_STAT_DYNAMIC => Self::ConfigStat(ConfigStat::parse_dynamic(body)?),
            MessageId::LINE_STAT => Self::LineStat(LineStat::parse(body)?),
            MessageId::LINE_STAT_DYNAMIC => Self::LineStat(LineStat::parse_dynamic(body)?),
            MessageId::REGISTER_AVAILABLE_LINES => Self::RegisterAvailableLines {
                lines: number("available lines")?,
            },
            MessageId::TIME_DATE_REQ => Self::TimeDateReq,
            MessageId::DEFINE_TIME_DATE => Self::TimeDate(TimeDate::parse(body)?),
            MessageId::HEADSET_STATUS => Self::HeadsetStatus {
                on: match number("headset status")? {
                    1 => Some(true),
                    2 => Some(false),
                    _ => None,
                },
            },
            other => Self::Other(other),
        })
    }
}

#[cfg(test)]
mod tests;
