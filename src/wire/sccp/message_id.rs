//! Which message it is: the third word of every SCCP header.
//!
//! One table holds all that is known of an id: its name, who sends it, and how long its body can be. Names are the
//! historic ones of the protocol without their `Message` suffix; where a message has two names, the one that tells
//! more is taken.

use std::fmt;

/// The number of a message; every value is allowed, most are unknown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub u32);

/// Who sends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sender {
    /// The phone, or what registers like one: a gateway, a conference bridge.
    Phone,
    /// The CallManager, or what stands in for it.
    CallManager,
    /// Seen or described in both directions.
    Either,
}

impl MessageId {
    /// The name of this message, where it is a known one.
    pub fn name(self) -> Option<&'static str> {
        self.entry().map(|entry| entry.name)
    }

    /// Whether the id is in the table.
    pub fn is_known(self) -> bool {
        self.entry().is_some()
    }

    /// Who sends this message, where it is a known one.
    pub fn sender(self) -> Option<Sender> {
        self.entry().map(|entry| entry.sender)
    }

    /// Every known id, in rising order.
    pub fn known() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|entry| Self(entry.id))
    }

    /// Whether a body of `length` bytes can belong to this message.
    ///
    /// The bounds are wider than any layout seen; they tell a header from bytes that only look like one, and are never
    /// held against a message of a synchronised stream.
    pub(super) fn may_have_body(self, length: usize) -> bool {
        self.entry()
            .is_some_and(|entry| (entry.least..=entry.most).contains(&length))
    }

    fn entry(self) -> Option<&'static Entry> {
        let place = TABLE.binary_search_by_key(&self.0, |entry| entry.id).ok()?;
        TABLE.get(place)
    }
}

/// What is known of one message.
struct Entry {
    id: u32,
    name: &'static str,
    sender: Sender,
    /// The shortest body, in bytes.
    least: usize,
    /// The longest body, in bytes.
    most: usize,
}

macro_rules! message_ids {
    ($($id:literal $constant:ident $name:literal $sender:ident $least:literal..=$most:literal)*) => {
        impl MessageId {
            $(
                #[doc = concat!("`", $name, "`, ", stringify!($id), ".")]
                pub const $constant: Self = Self($id);
            )*
        }

        /// Sorted by id. The columns: id, name, sender, least and most bytes of body.
        static TABLE: &[Entry] = &[
            $(Entry { id: $id, name: $name, sender: Sender::$sender, least: $least, most: $most },)*
        ];
    };
}

message_ids! {
    0x0000 KEEP_ALIVE "KeepAlive" Phone 0..=0
    0x0001 REGISTER "Register" Phone 36..=256
    0x0002 IP_PORT "IpPort" Phone 4..=8
    0x0003 KEYPAD_BUTTON "KeypadButton" Phone 4..=16
    0x0004 ENBLOC_CALL "EnblocCall" Phone 4..=64
    0x0005 STIMULUS "Stimulus" Phone 4..=32
    0x0006 OFF_HOOK "OffHook" Phone 0..=16
    0x0007 ON_HOOK "OnHook" Phone 0..=16
    0x0008 HOOK_FLASH "HookFlash" Phone 0..=16
    0x0009 FORWARD_STAT_REQ "ForwardStatReq" Phone 4..=8
    0x000A SPEED_DIAL_STAT_REQ "SpeedDialStatReq" Phone 4..=8
    0x000B LINE_STAT_REQ "LineStatReq" Phone 4..=8
    0x000C CONFIG_STAT_REQ "ConfigStatReq" Phone 0..=8
    0x000D TIME_DATE_REQ "TimeDateReq" Phone 0..=8
    0x000E BUTTON_TEMPLATE_REQ "ButtonTemplateReq" Phone 0..=8
    0x000F VERSION_REQ "VersionReq" Phone 0..=8
    0x0010 CAPABILITIES_RES "CapabilitiesRes" Phone 4..=1024
    0x0011 MEDIA_PORT_LIST "MediaPortList" Phone 4..=512
    0x0012 SERVER_REQ "ServerReq" Phone 0..=8
    0x0020 ALARM "Alarm" Phone 8..=128
    0x0021 MULTICAST_MEDIA_RECEPTION_ACK "MulticastMediaReceptionAck" Phone 4..=64
    0x0022 OPEN_RECEIVE_CHANNEL_ACK "OpenReceiveChannelAck" Phone 12..=64
    0x0023 CONNECTION_STATISTICS_RES "ConnectionStatisticsRes" Phone 48..=1024
    0x0024 OFF_HOOK_WITH_CALLING_PARTY "OffHookWithCallingParty" Phone 4..=64
    0x0025 SOFT_KEY_SET_REQ "SoftKeySetReq" Phone 0..=8
    0x0026 SOFT_KEY_EVENT "SoftKeyEvent" Phone 4..=16
    0x0027 UNREGISTER "Unregister" Phone 0..=16
    0x0028 SOFT_KEY_TEMPLATE_REQ "SoftKeyTemplateReq" Phone 0..=8
    0x0029 REGISTER_TOKEN_REQ "RegisterTokenReq" Phone 32..=128
    0x002A MEDIA_TRANSMISSION_FAILURE "MediaTransmissionFailure" Phone 4..=64
    0x002B HEADSET_STATUS "HeadsetStatus" Phone 4..=8
    0x002C MEDIA_RESOURCE_NOTIFICATION "MediaResourceNotification" Phone 4..=64
    0x002D REGISTER_AVAILABLE_LINES "RegisterAvailableLines" Phone 4..=8
    0x002E DEVICE_TO_USER_DATA "DeviceToUserData" Phone 16..=4096
    0x002F DEVICE_TO_USER_DATA_RESPONSE "DeviceToUserDataResponse" Phone 16..=4096
    0x0030 UPDATE_CAPABILITIES "UpdateCapabilities" Phone 8..=8192
    0x0031 OPEN_MULTIMEDIA_RECEIVE_CHANNEL_ACK "OpenMultiMediaReceiveChannelAck" Phone 12..=64
    0x0032 CLEAR_CONFERENCE "ClearConference" Phone 4..=16
    0x0033 SERVICE_URL_STAT_REQ "ServiceUrlStatReq" Phone 4..=8
    0x0034 FEATURE_STAT_REQ "FeatureStatReq" Phone 4..=16
    0x0035 CREATE_CONFERENCE_RES "CreateConferenceRes" Phone 4..=4096
    0x0036 DELETE_CONFERENCE_RES "DeleteConferenceRes" Phone 4..=64
    0x0037 MODIFY_CONFERENCE_RES "ModifyConferenceRes" Phone 4..=4096
    0x0038 ADD_PARTICIPANT_RES "AddParticipantRes" Phone 4..=512
    0x0039 AUDIT_CONFERENCE_RES "AuditConferenceRes" Phone 4..=4096
    0x0040 AUDIT_PARTICIPANT_RES "AuditParticipantRes" Phone 4..=4096
    0x0041 DEVICE_TO_USER_DATA_VERSION1 "DeviceToUserDataVersion1" Phone 16..=4096
    0x0042 DEVICE_TO_USER_DATA_RESPONSE_VERSION1 "DeviceToUserDataResponseVersion1" Phone 16..=4096
    0x0043 UPDATE_CAPABILITIES_V2 "UpdateCapabilitiesV2" Phone 8..=8192
    0x0044 UPDATE_CAPABILITIES_V3 "UpdateCapabilitiesV3" Phone 8..=8192
    0x0045 PORT_RES "PortRes" Phone 8..=64
    0x0046 QOS_RESV_NOTIFY "QoSResvNotify" Phone 8..=128
    0x0047 QOS_ERROR_NOTIFY "QoSErrorNotify" Phone 8..=128
    0x0048 SUBSCRIPTION_STAT_REQ "SubscriptionStatReq" Phone 8..=512
    0x0049 ACCESSORY_STATUS "AccessoryStatus" Phone 4..=32
    0x004A MEDIA_PATH_CAPABILITY "MediaPathCapability" Phone 4..=32
    0x004C MWI_NOTIFICATION "MwiNotification" Phone 8..=512
    0x0081 REGISTER_ACK "RegisterAck" CallManager 8..=64
    0x0082 START_TONE "StartTone" CallManager 4..=32
    0x0083 STOP_TONE "StopTone" CallManager 0..=32
    0x0085 SET_RINGER "SetRinger" CallManager 4..=32
    0x0086 SET_LAMP "SetLamp" CallManager 4..=32
    0x0087 SET_HOOK_FLASH_DETECT "SetHookFlashDetect" CallManager 0..=16
    0x0088 SET_SPEAKER_MODE "SetSpeakerMode" CallManager 4..=8
    0x0089 SET_MICRO_MODE "SetMicroMode" CallManager 4..=8
    0x008A START_MEDIA_TRANSMISSION "StartMediaTransmission" CallManager 24..=512
    0x008B STOP_MEDIA_TRANSMISSION "StopMediaTransmission" CallManager 4..=32
    0x008C START_MEDIA_RECEPTION "StartMediaReception" CallManager 4..=256
    0x008D STOP_MEDIA_RECEPTION "StopMediaReception" CallManager 4..=64
    0x008F CALL_INFO "CallInfo" CallManager 128..=512
    0x0090 FORWARD_STAT "ForwardStat" CallManager 8..=256
    0x0091 SPEED_DIAL_STAT "SpeedDialStat" CallManager 4..=128
    0x0092 LINE_STAT "LineStat" CallManager 28..=256
    0x0093 CONFIG_STAT "ConfigStat" CallManager 64..=256
    0x0094 DEFINE_TIME_DATE "DefineTimeDate" CallManager 32..=40
    0x0095 START_SESSION_TRANSMISSION "StartSessionTransmission" CallManager 4..=64
    0x0096 STOP_SESSION_TRANSMISSION "StopSessionTransmission" CallManager 4..=64
    0x0097 BUTTON_TEMPLATE "ButtonTemplate" CallManager 12..=2048
    0x0098 VERSION "Version" CallManager 4..=64
    0x0099 DISPLAY_TEXT "DisplayText" CallManager 1..=128
    0x009A CLEAR_DISPLAY "ClearDisplay" CallManager 0..=8
    0x009B CAPABILITIES_REQ "CapabilitiesReq" CallManager 0..=8
    0x009C ENUNCIATOR_COMMAND "EnunciatorCommand" CallManager 4..=256
    0x009D REGISTER_REJECT "RegisterReject" CallManager 1..=64
    0x009E SERVER_RES "ServerRes" CallManager 48..=512
    0x009F RESET "Reset" CallManager 4..=8
    0x0100 KEEP_ALIVE_ACK "KeepAliveAck" CallManager 0..=0
    0x0101 START_MULTICAST_MEDIA_RECEPTION "StartMulticastMediaReception" CallManager 16..=128
    0x0102 START_MULTICAST_MEDIA_TRANSMISSION "StartMulticastMediaTransmission" CallManager 16..=128
    0x0103 STOP_MULTICAST_MEDIA_RECEPTION "StopMulticastMediaReception" CallManager 4..=32
    0x0104 STOP_MULTICAST_MEDIA_TRANSMISSION "StopMulticastMediaTransmission" CallManager 4..=32
    0x0105 OPEN_RECEIVE_CHANNEL "OpenReceiveChannel" CallManager 16..=512
    0x0106 CLOSE_RECEIVE_CHANNEL "CloseReceiveChannel" CallManager 4..=32
    0x0107 CONNECTION_STATISTICS_REQ "ConnectionStatisticsReq" CallManager 28..=64
    0x0108 SOFT_KEY_TEMPLATE_RES "SoftKeyTemplateRes" CallManager 12..=2048
    0x0109 SOFT_KEY_SET_RES "SoftKeySetRes" CallManager 12..=2048
    0x0110 SELECT_SOFT_KEYS "SelectSoftKeys" CallManager 8..=32
    0x0111 CALL_STATE "CallState" CallManager 4..=32
    0x0112 DISPLAY_PROMPT_STATUS "DisplayPromptStatus" CallManager 8..=128
    0x0113 CLEAR_PROMPT_STATUS "ClearPromptStatus" CallManager 4..=16
    0x0114 DISPLAY_NOTIFY "DisplayNotify" CallManager 5..=128
    0x0115 CLEAR_NOTIFY "ClearNotify" CallManager 0..=8
    0x0116 ACTIVATE_CALL_PLANE "ActivateCallPlane" CallManager 0..=8
    0x0117 DEACTIVATE_CALL_PLANE "DeactivateCallPlane" CallManager 0..=8
    0x0118 UNREGISTER_ACK "UnregisterAck" CallManager 4..=8
    0x0119 BACK_SPACE_REQ "BackSpaceReq" CallManager 4..=16
    0x011A REGISTER_TOKEN_ACK "RegisterTokenAck" CallManager 0..=8
    0x011B REGISTER_TOKEN_REJECT "RegisterTokenReject" CallManager 4..=8
    0x011C START_MEDIA_FAILURE_DETECTION "StartMediaFailureDetection" CallManager 12..=64
    0x011D DIALED_NUMBER "DialedNumber" CallManager 8..=64
    0x011E USER_TO_DEVICE_DATA "UserToDeviceData" CallManager 16..=4096
    0x011F FEATURE_STAT "FeatureStat" CallManager 8..=128
    0x0120 DISPLAY_PRI_NOTIFY "DisplayPriNotify" CallManager 9..=128
    0x0121 CLEAR_PRI_NOTIFY "ClearPriNotify" CallManager 0..=8
    0x0122 START_ANNOUNCEMENT "StartAnnouncement" CallManager 4..=1024
    0x0123 STOP_ANNOUNCEMENT "StopAnnouncement" CallManager 4..=64
    0x0124 ANNOUNCEMENT_FINISH "AnnouncementFinish" Either 4..=64
    0x0127 NOTIFY_DTMF_TONE "NotifyDtmfTone" Either 4..=32
    0x0128 SEND_DTMF_TONE "SendDtmfTone" Either 4..=32
    0x0129 SUBSCRIBE_DTMF_PAYLOAD_REQ "SubscribeDtmfPayloadReq" Either 4..=64
    0x012A SUBSCRIBE_DTMF_PAYLOAD_RES "SubscribeDtmfPayloadRes" Either 4..=64
    0x012B SUBSCRIBE_DTMF_PAYLOAD_ERR "SubscribeDtmfPayloadErr" Either 4..=64
    0x012C UNSUBSCRIBE_DTMF_PAYLOAD_REQ "UnSubscribeDtmfPayloadReq" Either 4..=64
    0x012D UNSUBSCRIBE_DTMF_PAYLOAD_RES "UnSubscribeDtmfPayloadRes" Either 4..=64
    0x012E UNSUBSCRIBE_DTMF_PAYLOAD_ERR "UnSubscribeDtmfPayloadErr" Either 4..=64
    0x012F SERVICE_URL_STAT "ServiceUrlStat" CallManager 4..=512
    0x0130 CALL_SELECT_STAT "CallSelectStat" CallManager 4..=32
    0x0131 OPEN_MULTIMEDIA_RECEIVE_CHANNEL "OpenMultiMediaReceiveChannel" CallManager 16..=2048
    0x0132 START_MULTIMEDIA_TRANSMISSION "StartMultiMediaTransmission" CallManager 16..=2048
    0x0133 STOP_MULTIMEDIA_TRANSMISSION "StopMultiMediaTransmission" CallManager 4..=32
    0x0134 MISCELLANEOUS_COMMAND "MiscellaneousCommand" CallManager 8..=512
    0x0135 FLOW_CONTROL_COMMAND "FlowControlCommand" CallManager 8..=32
    0x0136 CLOSE_MULTIMEDIA_RECEIVE_CHANNEL "CloseMultiMediaReceiveChannel" CallManager 4..=32
    0x0137 CREATE_CONFERENCE_REQ "CreateConferenceReq" CallManager 4..=4096
    0x0138 DELETE_CONFERENCE_REQ "DeleteConferenceReq" CallManager 4..=64
    0x0139 MODIFY_CONFERENCE_REQ "ModifyConferenceReq" CallManager 4..=4096
    0x013A ADD_PARTICIPANT_REQ "AddParticipantReq" CallManager 4..=1024
    0x013B DROP_PARTICIPANT_REQ "DropParticipantReq" CallManager 4..=64
    0x013C AUDIT_CONFERENCE_REQ "AuditConferenceReq" CallManager 0..=64
    0x013D AUDIT_PARTICIPANT_REQ "AuditParticipantReq" CallManager 4..=64
    0x013E CHANGE_PARTICIPANT_REQ "ChangeParticipantReq" CallManager 4..=1024
    0x013F USER_TO_DEVICE_DATA_VERSION1 "UserToDeviceDataVersion1" CallManager 16..=4096
    0x0140 VIDEO_DISPLAY_COMMAND "VideoDisplayCommand" CallManager 4..=64
    0x0141 FLOW_CONTROL_NOTIFY "FlowControlNotify" Either 8..=32
    0x0142 CONFIG_STAT_DYNAMIC "ConfigStatDynamic" CallManager 16..=256
    0x0143 DISPLAY_DYNAMIC_NOTIFY "DisplayDynamicNotify" CallManager 5..=512
    0x0144 DISPLAY_DYNAMIC_PRI_NOTIFY "DisplayDynamicPriNotify" CallManager 9..=512
    0x0145 DISPLAY_DYNAMIC_PROMPT_STATUS "DisplayDynamicPromptStatus" CallManager 12..=512
    0x0146 FEATURE_STAT_DYNAMIC "FeatureStatDynamic" CallManager 8..=512
    0x0147 LINE_STAT_DYNAMIC "LineStatDynamic" CallManager 8..=512
    0x0148 SERVICE_URL_STAT_DYNAMIC "ServiceUrlStatDynamic" CallManager 4..=1024
    0x0149 SPEED_DIAL_STAT_DYNAMIC "SpeedDialStatDynamic" CallManager 4..=512
    0x014A CALL_INFO_DYNAMIC "CallInfoDynamic" CallManager 32..=2048
    0x014B PORT_REQUEST "PortRequest" CallManager 8..=64
    0x014C PORT_CLOSE "PortClose" CallManager 8..=64
    0x014D QOS_LISTEN "QoSListen" CallManager 8..=512
    0x014E QOS_PATH "QoSPath" CallManager 8..=512
    0x014F QOS_TEARDOWN "QoSTeardown" CallManager 8..=128
    0x0150 UPDATE_DSCP "UpdateDscp" CallManager 8..=128
    0x0151 QOS_MODIFY "QoSModify" CallManager 8..=512
    0x0152 SUBSCRIPTION_STAT "SubscriptionStat" CallManager 8..=64
    0x0153 NOTIFICATION "Notification" CallManager 8..=512
    0x0154 START_MEDIA_TRANSMISSION_ACK "StartMediaTransmissionAck" Phone 12..=64
    0x0155 START_MULTIMEDIA_TRANSMISSION_ACK "StartMultiMediaTransmissionAck" Phone 12..=64
    0x0156 CALL_HISTORY_DISPOSITION "CallHistoryDisposition" CallManager 4..=32
    0x0157 LOCATION_INFO "LocationInfo" Phone 1..=4096
    0x0158 MWI_RESPONSE "MwiResponse" CallManager 4..=128
    0x0159 EXTENSION_DEVICE_CAPS "ExtensionDeviceCaps" Phone 4..=512
    0x015A XML_ALARM "XmlAlarm" Phone 16..=4096
    0x015E CALL_COUNT_REQ "CallCountReq" Either 0..=64
    0x015F CALL_COUNT_RESP "CallCountResp" CallManager 4..=512
    0x0160 RECORDING_STATUS "RecordingStatus" CallManager 4..=32
    0x8000 SPCP_REGISTER_TOKEN_REQ "SpcpRegisterTokenReq" Phone 32..=64
    0x8100 SPCP_REGISTER_TOKEN_ACK "SpcpRegisterTokenAck" CallManager 0..=8
    0x8101 SPCP_REGISTER_TOKEN_REJECT "SpcpRegisterTokenReject" CallManager 0..=8
    0xFF00 VENDOR_UNKNOWN "VendorUnknown" Either 0..=256
    0xFF02 SPCP_PLATFORM_INFO_REQ "SpcpPlatformInfoReq" Either 0..=256
    0xFF03 SPCP_PLATFORM_INFO_RES "SpcpPlatformInfoRes" Either 0..=256
    0xFF04 SPCP_PLATFORM_INFO_REJECT "SpcpPlatformInfoReject" Either 0..=256
}

impl fmt::Display for MessageId {
    /// The name, or the number in hexadecimal: `RegisterAck`, `0x1234`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => formatter.pad(name),
            None => write!(formatter, "0x{:04X}", self.0),
        }
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;

    #[test]
    fn the_table_rises_and_names_nothing_twice() {
        let ids: Vec<u32> = MessageId::known().map(|id| id.0).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        let mut names: Vec<&str> = TABLE.iter().map(|entry| entry.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(TABLE.iter().all(|entry| entry.least <= entry.most));
    }

    #[test]
    fn an_id_says_its_name_and_who_sends_it() {
        assert_eq!(MessageId(0x0081), MessageId::REGISTER_ACK);
        assert_eq!(MessageId::REGISTER_ACK.to_string(), "RegisterAck");
        assert_eq!(MessageId(0x1234).to_string(), "0x1234");
        assert_eq!(MessageId(0x1234).name(), None);
        assert!(!MessageId(0x1234).is_known());
        assert_eq!(MessageId::KEEP_ALIVE.sender(), Some(Sender::Phone));
        assert_eq!(
            MessageId::KEEP_ALIVE_ACK.sender(),
            Some(Sender::CallManager)
        );
        // Numbers above 0x100 that the phone sends nevertheless.
        for id in [
            MessageId::XML_ALARM,
            MessageId::START_MEDIA_TRANSMISSION_ACK,
            MessageId::LOCATION_INFO,
        ] {
            assert_eq!(id.sender(), Some(Sender::Phone), "{id}");
        }
        assert_eq!(MessageId(u32::MAX).sender(), None);
    }
}
