//! What a device says it is: the number that CallManager's database has for its model.

use std::fmt;

use DeviceKind::{Gateway, Media, Other, Phone};

/// The number of a device's model.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct DeviceType(pub u32);

/// What sort of device registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// A telephone, of hardware or software, or an adapter that registers as one.
    Phone,
    /// A gateway, a trunk, or a gateway's port.
    Gateway,
    /// A conference bridge, a transcoder, an announcer, music on hold.
    Media,
    /// Known and none of these.
    Other,
}

impl DeviceKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Phone, Self::Gateway, Self::Media, Self::Other];

    /// The metrics label of this kind.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Gateway => "gateway",
            Self::Media => "media",
            Self::Other => "other",
        }
    }
}

impl DeviceType {
    /// The model, where the number is a known one: `Cisco 7912`.
    pub fn model(self) -> Option<&'static str> {
        self.entry().map(|&(_, _, model)| model)
    }

    /// The sort of device, where the number is a known one.
    pub fn kind(self) -> Option<DeviceKind> {
        self.entry().map(|&(_, kind, _)| kind)
    }

    fn entry(self) -> Option<&'static (u32, DeviceKind, &'static str)> {
        let place = TABLE
            .binary_search_by_key(&self.0, |&(number, _, _)| number)
            .ok()?;
        TABLE.get(place)
    }
}

impl fmt::Display for DeviceType {
    /// The model, or `device type 4711`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.model() {
            Some(model) => formatter.pad(model),
            None => write!(formatter, "device type {}", self.0),
        }
    }
}

/// Sorted by number.
#[rustfmt::skip]
static TABLE: &[(u32, DeviceKind, &str)] = &[
    (1, Phone, "Cisco 30SP+"),
    (2, Phone, "Cisco 12SP+"),
    (3, Phone, "Cisco 12SP"),
    (4, Phone, "Cisco 12S"),
    (5, Phone, "Cisco 30VIP"),
    (6, Phone, "Cisco 7910"),
    (7, Phone, "Cisco 7960"),
    (8, Phone, "Cisco 7940"),
    (9, Phone, "Cisco 7935"),
    (10, Gateway, "VGC phone"),
    (11, Gateway, "VGC virtual phone"),
    (12, Phone, "Cisco ATA 186"),
    (13, Phone, "Cisco ATA 188"),
    (15, Other, "EMCC base phone"),
    (20, Other, "virtual 30SP+"),
    (21, Other, "phone application"),
    (30, Gateway, "analog access"),
    (40, Gateway, "digital access PRI (Titan 1)"),
    (41, Gateway, "digital access T1"),
    (42, Gateway, "digital access (Titan 2)"),
    (43, Gateway, "digital access (Lennon)"),
    (47, Gateway, "analog access (Elvis)"),
    (48, Gateway, "VGC gateway"),
    (50, Media, "conference bridge"),
    (51, Media, "conference bridge (Yoko)"),
    (52, Media, "conference bridge (Dixieland)"),
    (53, Media, "conference bridge (Summit)"),
    (60, Gateway, "H.225 trunk"),
    (61, Phone, "H.323 phone"),
    (62, Gateway, "H.323 gateway"),
    (70, Media, "music on hold"),
    (71, Other, "pilot"),
    (72, Other, "TAPI port"),
    (73, Other, "TAPI route point"),
    (80, Other, "voice in a box"),
    (81, Other, "voice in a box administrator"),
    (82, Media, "line annunciator"),
    (83, Media, "software MTP (Dixieland)"),
    (84, Media, "media server"),
    (85, Media, "conference bridge (Flint)"),
    (86, Media, "conference bridge (heterogeneous)"),
    (87, Media, "conference bridge (audio and video)"),
    (88, Media, "conference bridge (video)"),
    (90, Other, "route list"),
    (100, Other, "load simulator"),
    (110, Media, "media termination point"),
    (111, Media, "media termination point (Yoko)"),
    (112, Media, "media termination point (Dixieland)"),
    (113, Media, "media termination point (Summit)"),
    (115, Phone, "Cisco 7941"),
    (119, Phone, "Cisco 7971"),
    (120, Gateway, "MGCP station"),
    (121, Gateway, "MGCP trunk"),
    (122, Gateway, "RAS proxy"),
    (124, Other, "Cisco 7914 side-car"),
    (125, Gateway, "trunk"),
    (126, Media, "annunciator"),
    (127, Media, "monitor bridge"),
    (128, Media, "recorder"),
    (129, Media, "monitor bridge (Yoko)"),
    (131, Gateway, "SIP trunk"),
    (132, Gateway, "SIP gateway"),
    (133, Gateway, "WSM trunk"),
    (134, Other, "remote destination"),
    (227, Other, "Cisco 7915-12 side-car"),
    (228, Other, "Cisco 7915-24 side-car"),
    (229, Other, "Cisco 7916-12 side-car"),
    (230, Other, "Cisco 7916-24 side-car"),
    (253, Other, "generic device"),
    (254, Gateway, "unknown MGCP gateway"),
    (255, Other, "not defined"),
    (275, Phone, "Nokia E-series"),
    (302, Phone, "Cisco 7985"),
    (307, Phone, "Cisco 7911"),
    (308, Phone, "Cisco 7961G-GE"),
    (309, Phone, "Cisco 7941G-GE"),
    (335, Phone, "Motorola CN622"),
    (336, Phone, "third-party SIP phone (basic)"),
    (348, Phone, "Cisco 7931"),
    (358, Phone, "Cisco Unified Personal Communicator"),
    (365, Phone, "Cisco 7921"),
    (369, Phone, "Cisco 7906"),
    (374, Phone, "third-party SIP phone (advanced)"),
    (375, Other, "Cisco TelePresence"),
    (376, Phone, "Nokia S60"),
    (404, Phone, "Cisco 7962"),
    (412, Phone, "Cisco 3951"),
    (431, Phone, "Cisco 7937"),
    (434, Phone, "Cisco 7942"),
    (435, Phone, "Cisco 7945"),
    (436, Phone, "Cisco 7965"),
    (437, Phone, "Cisco 7975"),
    (468, Phone, "Cisco Unified Mobile Communicator"),
    (484, Phone, "Cisco 7925"),
    (493, Phone, "Cisco 9971"),
    (495, Phone, "Cisco 6921"),
    (496, Phone, "Cisco 6941"),
    (497, Phone, "Cisco 6961"),
    (503, Phone, "Cisco Client Services Framework"),
    (547, Phone, "Cisco 6901"),
    (548, Phone, "Cisco 6911"),
    (562, Phone, "dual-mode phone for iPhone"),
    (564, Phone, "Cisco 6945"),
    (575, Phone, "dual-mode phone for Android"),
    (577, Phone, "Cisco 7926"),
    (585, Phone, "Cisco 8945"),
    (586, Phone, "Cisco 8941"),
    (592, Phone, "Cisco 3905"),
    (597, Media, "Cisco TelePresence MCU"),
    (599, Media, "Cisco TelePresence Exchange"),
    (600, Media, "Cisco TelePresence software conference bridge"),
    (622, Phone, "Cisco 7841"),
    (631, Phone, "third-party assured-services SIP phone"),
    (635, Other, "CTI remote device"),
    (20000, Phone, "Cisco 7905"),
    (30002, Phone, "Cisco 7920"),
    (30006, Phone, "Cisco 7970"),
    (30007, Phone, "Cisco 7912"),
    (30008, Phone, "Cisco 7902"),
    (30016, Phone, "Cisco IP Communicator"),
    (30018, Phone, "Cisco 7961"),
    (30019, Phone, "Cisco 7936"),
    (30027, Gateway, "analog phone on a gateway"),
    (30028, Gateway, "ISDN BRI phone on a gateway"),
    (30032, Gateway, "SCCP gateway virtual phone"),
    (30035, Phone, "Cisco IP-STE"),
    (36041, Media, "Cisco TelePresence Conductor"),
    (36219, Other, "interactive voice response"),
    (80000, Phone, "Cisco SPA521S"),
    (80001, Phone, "Cisco SPA524SG"),
    (80003, Phone, "Cisco SPA502G"),
    (80004, Phone, "Cisco SPA504G"),
    (80005, Phone, "Cisco SPA525G"),
    (80006, Phone, "Cisco SPA508G"),
    (80007, Phone, "Cisco SPA509G"),
    (80009, Phone, "Cisco SPA525G2"),
    (80011, Phone, "Cisco SPA303G"),
    (80012, Phone, "Cisco SPA512G"),
    (80013, Phone, "Cisco SPA514G"),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;

    #[test]
    fn the_table_rises() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn a_number_says_model_and_kind() {
        assert_eq!(DeviceType(30007).model(), Some("Cisco 7912"));
        assert_eq!(DeviceType(30007).kind(), Some(Phone));
        // Often mistaken for a 7961G-GE.
        assert_eq!(DeviceType(309).model(), Some("Cisco 7941G-GE"));
        assert_eq!(DeviceType(52).kind(), Some(Media));
        assert_eq!(DeviceType(30027).kind(), Some(Gateway));
        assert_eq!(DeviceType(90).kind(), Some(Other));
        assert_eq!(DeviceType(4711).kind(), None);
        assert_eq!(DeviceType(4711).to_string(), "device type 4711");
    }

    #[test]
    fn kinds_serialize_as_their_labels() {
        for kind in DeviceKind::ALL {
            assert_eq!(
                serde_json::to_string(&kind).unwrap(),
                format!("\"{}\"", kind.label())
            );
        }
    }
}
