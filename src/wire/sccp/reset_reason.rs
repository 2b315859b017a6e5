//! Why a phone's last session ended, as the phone itself tells when it comes back.
//!
//! Phones give a number, a text, or both. In the alarm of SCCP and in the texts of SIP phones the number is that of the
//! phone's "restart cause"; XML alarms use the same numbers with a few exceptions, so the source decides what a number
//! means. Where number and text are both known, the number counts.

use std::fmt;

/// What a phone gives as the reason of its last reset or loss of service.
///
/// It tells what the phone believes. Who closed the connection is seen on the wire and may contradict it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResetReason {
    /// The number, where the phone gave one.
    pub code: Option<u16>,
    /// The text, where the phone gave one; else empty.
    pub text: String,
    cause: Option<&'static Cause>,
}

/// The number and the text, with the label of what they mean: the number alone means one thing in an alarm and another
/// in XML.
impl serde::Serialize for ResetReason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.code, &self.text, self.label()).serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for ResetReason {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (code, text, label) = <(Option<u16>, String, String)>::deserialize(deserializer)?;
        let cause = CAUSES.iter().find(|cause| cause.label == label);
        Ok(Self { code, text, cause })
    }
}

impl ResetReason {
    /// The label of every reason that is not in the table.
    pub const OTHER: &'static str = "other";

    /// The reason in an alarm of SCCP or in the `Reason` header of a SIP phone.
    pub fn from_alarm(code: Option<u16>, text: String) -> Self {
        let cause = code
            .and_then(|code| CAUSES.iter().find(|cause| cause.alarm.contains(&code)))
            .or_else(|| Cause::named(&text));
        Self { code, text, cause }
    }

    /// The reason in an XML alarm's `ReasonForOutOfService`.
    pub fn from_xml_alarm(code: u16) -> Self {
        Self {
            code: Some(code),
            text: String::new(),
            cause: CAUSES.iter().find(|cause| cause.xml.contains(&code)),
        }
    }

    /// The metrics label: one of [`ResetReason::labels`].
    pub fn label(&self) -> &'static str {
        self.cause.map_or(Self::OTHER, |cause| cause.label)
    }

    /// Every label there is.
    pub fn labels() -> impl Iterator<Item = &'static str> {
        CAUSES.iter().map(|cause| cause.label).chain([Self::OTHER])
    }

    /// What it means, in one sentence, where it is a known reason.
    pub fn meaning(&self) -> Option<&'static str> {
        self.cause.map(|cause| cause.meaning)
    }
}

/// One known reason.
#[derive(PartialEq, Eq)]
struct Cause {
    label: &'static str,
    /// Its numbers in alarms and SIP texts.
    alarm: &'static [u16],
    /// Its numbers in XML alarms.
    xml: &'static [u16],
    /// How phones write it.
    texts: &'static [&'static str],
    meaning: &'static str,
}

impl Cause {
    /// The cause that `text` names: in any case, with any separators, with words around it, or cut off at its end.
    fn named(text: &str) -> Option<&'static Self> {
        // Alarm texts end after 80 bytes; what is shorter than this could be the front of several.
        const ENOUGH: usize = 5;
        let text = letters(text);
        let of = |matches: &dyn Fn(&str) -> bool| {
            CAUSES
                .iter()
                .find(|cause| cause.texts.iter().any(|name| matches(&letters(name))))
        };
        if text.is_empty() {
            return None;
        }
        of(&|name| name == text)
            .or_else(|| of(&|name| text.contains(name)))
            .or_else(|| {
                let mut fronts = CAUSES.iter().filter(|cause| {
                    cause
                        .texts
                        .iter()
                        .any(|name| letters(name).starts_with(&text))
                });
                let first = fronts.next().filter(|_| text.len() >= ENOUGH)?;
                fronts.next().is_none().then_some(first)
            })
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.label)
    }
}

fn letters(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}

macro_rules! causes {
    ($($label:literal $alarm:tt $xml:tt $texts:tt $meaning:literal)*) => {
        /// The columns: label, numbers in alarms, numbers in XML alarms, texts, meaning.
        ///
        /// Numbers that sources explain in different ways (19, 26, 32 in alarms) are left out.
        static CAUSES: &[Cause] = &[$(Cause {
            label: $label,
            alarm: &$alarm,
            xml: &$xml,
            texts: &$texts,
            meaning: $meaning,
        }),*];
    };
}

causes! {
    "load_rejected" [0] [0] ["Load Rejected HC"]
        "The phone rejected the firmware load: it does not fit the hardware."
    "tftp_size_error" [1] [1] ["TFTP Size Error"]
        "The firmware load was larger than the phone's memory or than expected."
    "load_compressor_error" [2] [2] ["Phone Load Compressor Error"]
        "The phone does not know how the firmware load is compressed."
    "load_version_error" [3] [3] ["Version Error"]
        "The version of the firmware load is not compatible with the phone."
    "disk_full" [4] [4] ["Disk Full Error"]
        "The phone has no flash memory left for the firmware load."
    "rom_checksum_error" [5] [5] ["ROM Checksum Error"]
        "The checksum of the firmware load was wrong, as after a damaged TFTP transfer."
    "file_not_found" [6] [6] ["File Not Found"]
        "The TFTP server does not have the firmware load."
    "tftp_timeout" [7] [7] ["TFTP Timeout"]
        "The TFTP server did not answer."
    "tftp_access_error" [8] [8] ["TFTP Access Error"]
        "The TFTP server denied access to the file."
    "tftp_error" [9] [9] ["TFTP Error"]
        "A TFTP transfer failed."
    "tcp_timeout" [10] [10] ["TCP-timeout", "TCPtimedOut"]
        "The TCP connection to the CallManager timed out: no answer to its packets."
    "tcp_bad_ack" [11] [11] ["TCP-Bad-ACK"]
        "The phone closed the connection after a wrong TCP acknowledgement, as a faulty NAT or firewall makes them."
    "cm_reset_tcp" [12] [12] ["CM-reset-TCP", "TCPucmResetConnection"]
        "The CallManager reset the TCP connection."
    "cm_aborted_tcp" [13] [13] ["CM-aborted-TCP", "TCPucmAbortedConnection"]
        "The CallManager aborted the TCP connection."
    "cm_closed_tcp" [14] [14] ["CM-closed-TCP", "TCPucmClosedConnection"]
        "The CallManager closed the TCP connection."
    "cm_icmp_unreachable" [15] [] ["CM-ICMP-Unreach"]
        "An ICMP message said that the CallManager cannot be reached."
    "cm_nak" [16] [] ["CM-NAKed"]
        "The CallManager's host refused the TCP connection: its service does not listen."
    "keepalive_timeout" [17] [15] ["KeepaliveTO", "Keepalive-Timeout", "SCCPKeepAliveFailure"]
        "The CallManager did not acknowledge the phone's keepalives and the phone gave it up."
    "failback" [18] [18] ["Failback", "TCPclosedConnectHighPriorityUcm"]
        "The phone went back to a CallManager of higher priority."
    "phone_keypad" [20] [20] ["Phone-Keypad", "TCPclosedUserInitiatedReset"]
        "Somebody reset the phone at its keypad."
    "phone_re_ip" [21] [21] ["Phone-Re-IP"]
        "The phone's IP configuration changed."
    "reset_reset" [22] [22] ["Reset-Reset", "TCPclosedUcmInitiatedReset"]
        "The CallManager told the phone to reset."
    "reset_restart" [23] [23] ["Reset-Restart", "TCPclosedUcmInitiatedRestart"]
        "The CallManager told the phone to restart."
    "phone_reg_rej" [24] [24] ["Phone-Reg-Rej", "TCPclosedRegistrationReject"]
        "The CallManager rejected the registration."
    "initialized" [25] [25] ["Initialized"]
        "The phone was powered on: its first registration since then."
    "waiting_for_state" [27] [27] []
        "The phone waited in vain for the CallManager to tell its state."
    "waiting_for_response" [28] [28] []
        "The phone waited in vain for a response of the CallManager."
    "dsp_alarm" [29] [29] ["DSP Alarm"]
        "The phone's signal processor failed."
    "phone_abort" [30] [30] ["Phone-Abort"]
        "The phone aborted the TCP connection itself."
    "file_authorization_failed" [31] [31] ["File Authorization Failed"]
        "The signature of a downloaded file was wrong or of somebody the phone does not trust."
    "power_save_plus" [] [32] ["Power-Save-Plus"]
        "The phone went into deep sleep to save power."
    "version_stamp_mismatch" [100, 101, 102, 103] [100, 101, 102, 103] []
        "The phone's configuration was older than the CallManager's and is read again."
    "apply_config" [104] [104] []
        "The phone restarted to apply a changed configuration."
    "config_retry" [105] [105] []
        "The phone restarted to read its configuration again."
    "tls_error" [106] [106] []
        "The secure connection failed: a certificate or the trust list is wrong."
    "inactive_partition" [107] [107] []
        "The phone restarted with its other firmware load."
    "vpn_lost" [108] [108] []
        "The phone lost its VPN connection."
    "application_request" [111] [111] ["Application-Requested-Destroy"]
        "The soft phone's user or its application ended it."
    "lost_ip_address" [] [16] ["TCPdeviceLostIPAddress"]
        "The phone lost its IP address."
    "registration_timeout" [] [17] ["TCPdeviceRegistrationTimedOut"]
        "The CallManager did not answer the registration in time."
    "cm_bad_state" [] [] ["CM-bad-state"]
        "The CallManager was in a state in which the phone could not go on."
    "device_initiated_reset" [] [] ["Device-Initiated-Reset"]
        "The device reset itself."
    "invalid_sccp_message" [] [] ["Invalid SCCP message"]
        "The phone received a message that it does not know and closed the connection."
}

impl fmt::Display for ResetReason {
    /// `25: Initialized`, `CM-aborted-TCP`, or `14 (cm_closed_tcp)` where the phone gave only a number.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.text.as_str()) {
            (Some(code), "") => write!(formatter, "{code} ({})", self.label()),
            (Some(code), text) => write!(formatter, "{code}: {text}"),
            (None, text) => formatter.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use std::collections::HashSet;

    use super::*;

    fn alarm(code: Option<u16>, text: &str) -> &'static str {
        ResetReason::from_alarm(code, text.into()).label()
    }

    #[test]
    fn the_table_has_each_label_number_and_text_once() {
        let labels: Vec<_> = ResetReason::labels().collect();
        assert_eq!(labels.iter().collect::<HashSet<_>>().len(), labels.len());
        for numbers in [
            |cause: &'static Cause| cause.alarm,
            |cause: &'static Cause| cause.xml,
        ] {
            let all: Vec<_> = CAUSES.iter().flat_map(numbers).collect();
            assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        }
        let texts: Vec<_> = CAUSES.iter().flat_map(|cause| cause.texts).collect();
        for text in &texts {
            // Each finds its own entry although some are parts of others.
            let found = Cause::named(text).unwrap();
            assert!(found.texts.contains(text), "{text}");
        }
    }

    #[test]
    fn the_number_counts_and_the_text_stands_in() {
        assert_eq!(alarm(Some(25), "Initialized"), "initialized");
        assert_eq!(alarm(Some(14), "whatever"), "cm_closed_tcp");
        assert_eq!(alarm(Some(22), ""), "reset_reset");
        assert_eq!(alarm(None, "CM-aborted-TCP"), "cm_aborted_tcp");
        assert_eq!(alarm(None, "reset-restart"), "reset_restart");
        assert_eq!(alarm(None, "KeepaliveTO"), "keepalive_timeout");
        assert_eq!(alarm(None, "UCM-closed-TCP"), "cm_closed_tcp");
        assert_eq!(alarm(Some(999), "Failback"), "failback");
        assert_eq!(alarm(None, "Halt+..."), "other");
        assert_eq!(alarm(None, ""), "other");
        assert_eq!(alarm(None, "\u{FFFD}"), "other");
        // The number 32 means different things to different firmware.
        assert_eq!(
            alarm(Some(32), "Invalid SCCP message! : ID :87:"),
            "invalid_sccp_message"
        );
    }

    #[test]
    fn a_text_cut_off_at_its_end_is_known_where_it_is_one_thing_only() {
        assert_eq!(alarm(None, "CM-abort"), "cm_aborted_tcp");
        assert_eq!(alarm(None, "Initiali"), "initialized");
        assert_eq!(alarm(None, "Reset-Re"), "other");
        assert_eq!(alarm(None, "CM"), "other");
    }

    #[test]
    fn xml_alarms_number_some_reasons_differently() {
        let labels: Vec<_> = [14, 15, 16, 17, 25, 999]
            .map(|code| ResetReason::from_xml_alarm(code).label())
            .into();
        assert_eq!(
            labels,
            [
                "cm_closed_tcp",
                "keepalive_timeout",
                "lost_ip_address",
                "registration_timeout",
                "initialized",
                "other"
            ]
        );
        let labels: Vec<_> = [15, 16, 17].map(|code| alarm(Some(code), "")).into();
        assert_eq!(
            labels,
            ["cm_icmp_unreachable", "cm_nak", "keepalive_timeout"]
        );
    }

    #[test]
    fn shows_what_the_phone_said() {
        assert_eq!(
            ResetReason::from_alarm(Some(25), "Initialized".into()).to_string(),
            "25: Initialized"
        );
        assert_eq!(
            ResetReason::from_alarm(None, "Failback".into()).to_string(),
            "Failback"
        );
        assert_eq!(
            ResetReason::from_xml_alarm(14).to_string(),
            "14 (cm_closed_tcp)"
        );
        assert!(
            CAUSES
                .iter()
                .all(|cause| cause.meaning.ends_with('.') && !cause.meaning.contains(". "))
        );
    }
}
