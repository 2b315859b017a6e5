//! What can befall a simulated phone.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// What befalls one phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// It boots in the first minutes and stays registered.
    Healthy,
    /// It boots at any time of the capture and stays registered.
    Boot,
    /// Its primary falls silent; it goes to the secondary and later comes back.
    Failover,
    /// It goes to and fro between its CallManagers.
    Flapping,
    /// Its CallManager leaves two keepalives without an answer.
    KeepaliveGap,
    /// It falls silent for two intervals.
    Silent,
    /// The TFTP server knows neither it nor a default.
    Unconfigured,
    /// Its CallManagers refuse every connection.
    Refused,
    /// Its CallManager rejects it.
    Rejected,
    /// Nobody answers its DISCOVERs.
    DhcpSilent,
    /// Option 150 holds text where addresses belong.
    #[serde(rename = "dhcp-ascii-150")]
    DhcpAscii150,
    /// The TFTP server does not answer it.
    TftpSilent,
    /// Its CallManagers are names that cannot be resolved.
    DnsFailure,
    /// Its DISCOVERs are answered, its REQUESTs are not.
    DhcpNoAck,
    /// It renews its address at half of the lease, again and again.
    DhcpRenewal,
    /// Its address is not renewed at half of the lease; it begins anew.
    DhcpNak,
    /// It is given an address that somebody else uses, and declines it.
    DhcpDecline,
    /// DHCP gives it no TFTP server.
    DhcpNoTftp,
    /// Option 150 is six bytes long.
    #[serde(rename = "dhcp-150-length")]
    Dhcp150Length,
    /// Option 150 is 0.0.0.0.
    #[serde(rename = "dhcp-150-zero")]
    Dhcp150Zero,
    /// Its router is not in its subnet.
    DhcpBadRouter,
    /// It is given an address several times a minute and does nothing with it.
    DhcpExcessive,
    /// A second server offers addresses; it registers all the same.
    DhcpRogue,
    /// Its address was set by hand; it registers.
    StaticAddress,
    /// A PC claims its address while it is registered.
    DuplicateAddress,
    /// It does not use the voice VLAN that its switch gives it; it registers.
    VoiceVlan,
    /// Nobody answers when it looks up its CallManagers.
    DnsSilent,
    /// What the TFTP server sends does not reach it.
    TftpOneWay,
    /// No TFTP service runs on the server.
    TftpDown,
    /// It has no configuration of its own and registers with the default.
    AutoRegistered,
    /// It asks for the configuration of another phone, which is not there.
    ForeignConfig,
    /// The XML of its configuration breaks off.
    ConfigCorrupt,
    /// Its configuration has no CallManager.
    ConfigEmpty,
    /// Its configuration names its CallManagers; it finds them and registers.
    ConfigNames,
    /// The TFTP server does not have the load that its configuration names.
    FirmwareMissing,
    /// It fetches a new load, starts anew and registers.
    FirmwareUpgrade,
    /// It asks another TFTP server than DHCP gave it; it registers.
    AlternateTftp,
    /// DHCP answers only after a minute; it registers.
    SlowBoot,
    /// Its user resets it with `**#**`.
    UserReset,
    /// CallManager resets it.
    AdminReset,
    /// The power fails at a common moment; all phones come back at once within 40 seconds.
    PowerCut,
    /// Its primary falls silent; it goes to the secondary after one missed keepalive and stays there.
    FailoverOneMissed,
    /// Its primary falls silent; it goes to the secondary after three missed keepalives and stays there.
    FailoverThreeMissed,
    /// Its primary breaks off; it goes to the secondary and asks for a token before it comes back.
    FailbackToken,
    /// As `failback-token`, but it is told to wait before it is given the token.
    FailbackTokenWait,
    /// Its primary breaks off; it goes to the secondary and comes back without asking.
    FailbackWithoutToken,
    /// Its CallManager leaves keepalives without an answer three times, and answers in between.
    KeepaliveGaps,
    /// A keepalive and an answer are lost, and TCP repeats both in time: no gap.
    KeepaliveRepeated,
    /// It is rejected: not in the database.
    RejectedDatabase,
    /// It is rejected: no licence.
    RejectedLicence,
    /// It is rejected: a version that does not fit.
    RejectedVersion,
    /// It is rejected: configured as another model.
    RejectedMismatch,
    /// It is rejected: too many phones.
    RejectedMax,
    /// It is rejected: not authorised.
    RejectedUnauthorized,
    /// It is rejected, and the text is one of those that phones know by number.
    RejectedDictionary,
    /// Its CallManager answers its Registers with neither Ack nor Reject.
    RegistrationSilent,
    /// It registers with its secondary though its primary serves others; needs other phones beside it.
    OutOfOrder,
    /// The marks of its CallManager's packets are taken off, and answers to keepalives get lost.
    QosZero,
    /// At a common moment CallManager dies on the primary, and comes back after minutes.
    Crash,
    /// At a common moment the primary vanishes from the network for good.
    CallmanagerDark,
    /// A firewall resets its sessions when they reach a certain age.
    FirewallTimeout,
    /// A second station registers under its name while it is registered.
    DuplicateRegistration,
    /// Its CallManager closes its connection every few minutes and takes it back at once.
    Unstable,
    /// Every keepalive and its answer is sent twice, and it has no room for more now and then.
    TcpTrouble,
    /// An administrator changes the order of its CallManagers three times and applies it.
    ApplyConfig,
    /// CallManager restarts it: it fetches its configuration and registers again without DHCP.
    Restart,
}

impl Scenario {
    /// Every scenario.
    pub const ALL: &[Self] = &[
        Self::Healthy,
        Self::Boot,
        Self::Failover,
        Self::Flapping,
        Self::KeepaliveGap,
        Self::Silent,
        Self::Unconfigured,
        Self::Refused,
        Self::Rejected,
        Self::DhcpSilent,
        Self::DhcpAscii150,
        Self::TftpSilent,
        Self::DnsFailure,
        Self::DhcpNoAck,
        Self::DhcpRenewal,
        Self::DhcpNak,
        Self::DhcpDecline,
        Self::DhcpNoTftp,
        Self::Dhcp150Length,
        Self::Dhcp150Zero,
        Self::DhcpBadRouter,
        Self::DhcpExcessive,
        Self::DhcpRogue,
        Self::StaticAddress,
        Self::DuplicateAddress,
        Self::VoiceVlan,
        Self::DnsSilent,
        Self::TftpOneWay,
        Self::TftpDown,
        Self::AutoRegistered,
        Self::ForeignConfig,
        Self::ConfigCorrupt,
        Self::ConfigEmpty,
        Self::ConfigNames,
        Self::FirmwareMissing,
        Self::FirmwareUpgrade,
        Self::AlternateTftp,
        Self::SlowBoot,
        Self::UserReset,
        Self::AdminReset,
        Self::PowerCut,
        Self::FailoverOneMissed,
        Self::FailoverThreeMissed,
        Self::FailbackToken,
        Self::FailbackTokenWait,
        Self::FailbackWithoutToken,
        Self::KeepaliveGaps,
        Self::KeepaliveRepeated,
        Self::RejectedDatabase,
        Self::RejectedLicence,
        Self::RejectedVersion,
        Self::RejectedMismatch,
        Self::RejectedMax,
        Self::RejectedUnauthorized,
        Self::RejectedDictionary,
        Self::RegistrationSilent,
        Self::OutOfOrder,
        Self::QosZero,
        Self::Crash,
        Self::CallmanagerDark,
        Self::FirewallTimeout,
        Self::DuplicateRegistration,
        Self::Unstable,
        Self::TcpTrouble,
        Self::ApplyConfig,
        Self::Restart,
    ];

    /// What it is called on the command line.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Boot => "boot",
            Self::Failover => "failover",
            Self::Flapping => "flapping",
            Self::KeepaliveGap => "keepalive-gap",
            Self::Silent => "silent",
            Self::Unconfigured => "unconfigured",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::DhcpSilent => "dhcp-silent",
            Self::DhcpAscii150 => "dhcp-ascii-150",
            Self::TftpSilent => "tftp-silent",
            Self::DnsFailure => "dns-failure",
            Self::DhcpNoAck => "dhcp-no-ack",
            Self::DhcpRenewal => "dhcp-renewal",
            Self::DhcpNak => "dhcp-nak",
            Self::DhcpDecline => "dhcp-decline",
            Self::DhcpNoTftp => "dhcp-no-tftp",
            Self::Dhcp150Length => "dhcp-150-length",
            Self::Dhcp150Zero => "dhcp-150-zero",
            Self::DhcpBadRouter => "dhcp-bad-router",
            Self::DhcpExcessive => "dhcp-excessive",
            Self::DhcpRogue => "dhcp-rogue",
            Self::StaticAddress => "static-address",
            Self::DuplicateAddress => "duplicate-address",
            Self::VoiceVlan => "voice-vlan",
            Self::DnsSilent => "dns-silent",
            Self::TftpOneWay => "tftp-one-way",
            Self::TftpDown => "tftp-down",
            Self::AutoRegistered => "auto-registered",
            Self::ForeignConfig => "foreign-config",
            Self::ConfigCorrupt => "config-corrupt",
            Self::ConfigEmpty => "config-empty",
            Self::ConfigNames => "config-names",
            Self::FirmwareMissing => "firmware-missing",
            Self::FirmwareUpgrade => "firmware-upgrade",
            Self::AlternateTftp => "alternate-tftp",
            Self::SlowBoot => "slow-boot",
            Self::UserReset => "user-reset",
            Self::AdminReset => "admin-reset",
            Self::PowerCut => "power-cut",
            Self::FailoverOneMissed => "failover-one-missed",
            Self::FailoverThreeMissed => "failover-three-missed",
            Self::FailbackToken => "failback-token",
            Self::FailbackTokenWait => "failback-token-wait",
            Self::FailbackWithoutToken => "failback-without-token",
            Self::KeepaliveGaps => "keepalive-gaps",
            Self::KeepaliveRepeated => "keepalive-repeated",
            Self::RejectedDatabase => "rejected-database",
            Self::RejectedLicence => "rejected-licence",
            Self::RejectedVersion => "rejected-version",
            Self::RejectedMismatch => "rejected-mismatch",
            Self::RejectedMax => "rejected-max",
            Self::RejectedUnauthorized => "rejected-unauthorized",
            Self::RejectedDictionary => "rejected-dictionary",
            Self::RegistrationSilent => "registration-silent",
            Self::OutOfOrder => "out-of-order",
            Self::QosZero => "qos-zero",
            Self::Crash => "crash",
            Self::CallmanagerDark => "callmanager-dark",
            Self::FirewallTimeout => "firewall-timeout",
            Self::DuplicateRegistration => "duplicate-registration",
            Self::Unstable => "unstable",
            Self::TcpTrouble => "tcp-trouble",
            Self::ApplyConfig => "apply-config",
            Self::Restart => "restart",
        }
    }

    /// The codes of what an administrator should be told about such a phone by the end, the worst first. Nothing else
    /// that calls for attention may be told of it.
    pub const fn findings(self) -> &'static [&'static str] {
        match self {
            Self::Healthy
            | Self::Boot
            | Self::DhcpRenewal
            | Self::PowerCut
            | Self::FailbackToken
            | Self::FailbackTokenWait
            | Self::FailbackWithoutToken
            | Self::KeepaliveRepeated
            | Self::Crash => &[],
            Self::Flapping => &["registration_flapping"],
            Self::Failover
            | Self::KeepaliveGap
            | Self::Silent
            | Self::FailoverOneMissed
            | Self::FailoverThreeMissed
            | Self::KeepaliveGaps
            | Self::CallmanagerDark => &["keepalive_gap"],
            Self::Unconfigured => &["tftp_config_missing", "boot_loop"],
            Self::Refused => &["tcp_refused"],
            Self::Rejected
            | Self::RejectedDatabase
            | Self::RejectedLicence
            | Self::RejectedVersion
            | Self::RejectedMismatch
            | Self::RejectedMax
            | Self::RejectedUnauthorized
            | Self::RejectedDictionary => &["registration_rejected"],
            Self::DhcpSilent | Self::DhcpNoAck => &["dhcp_no_answer"],
            Self::DhcpAscii150 | Self::Dhcp150Length | Self::Dhcp150Zero => {
                &["dhcp_bad_tftp_server"]
            }
            Self::TftpSilent | Self::TftpDown => &["tftp_no_answer"],
            Self::DnsFailure | Self::DnsSilent => &["dns_failure"],
            Self::DhcpNak => &["dhcp_refused"],
            Self::DhcpDecline => &["dhcp_refused", "duplicate_address"],
            Self::DhcpNoTftp => &["dhcp_no_tftp_server"],
            Self::DhcpBadRouter => &["dhcp_bad_lease"],
            Self::DhcpExcessive => &["dhcp_excessive"],
            Self::DhcpRogue => &["dhcp_rogue_server"],
            Self::StaticAddress => &["static_address"],
            Self::DuplicateAddress => &["duplicate_address"],
            Self::VoiceVlan => &["voice_vlan_mismatch"],
            Self::TftpOneWay => &["tftp_one_way"],
            Self::AutoRegistered => &["tftp_config_missing", "auto_registered"],
            Self::ForeignConfig => &["tftp_config_foreign"],
            Self::ConfigCorrupt | Self::ConfigEmpty => &["config_corrupt"],
            Self::ConfigNames => &["config_uses_names"],
            Self::FirmwareMissing => &["firmware_missing", "boot_loop"],
            Self::FirmwareUpgrade => &["firmware_upgrade"],
            Self::AlternateTftp => &["alternate_tftp"],
            Self::SlowBoot => &["dhcp_no_answer", "slow_registration"],
            Self::UserReset => &["user_reset"],
            Self::AdminReset | Self::ApplyConfig | Self::Restart => &["callmanager_reset"],
            Self::RegistrationSilent => &["registration_no_answer"],
            Self::OutOfOrder => &["registered_out_of_order"],
            Self::QosZero => &["qos_not_trusted", "keepalive_gap"],
            Self::FirewallTimeout => &["firewall_timeout"],
            Self::DuplicateRegistration => &["duplicate_registration"],
            Self::Unstable => &["registration_unstable"],
            Self::TcpTrouble => &["tcp_trouble"],
        }
    }

    /// Whether it befalls all its phones at one moment, on which all of them are to be registered.
    pub(super) const fn strikes_all_at_once(self) -> bool {
        matches!(self, Self::PowerCut | Self::Crash | Self::CallmanagerDark)
    }
}

/// A scenario and how many phones follow it in proportion to others: `flapping:5`, or `flapping` for `flapping:1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// What befalls these phones.
    pub scenario: Scenario,
    /// Their weight among all.
    pub weight: u32,
}

/// The text is no scenario, or its weight is no number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseShareError {
    /// No scenario has this name.
    #[error("no scenario is called '{name}'; there are {known}", known = Known)]
    Scenario {
        /// The name.
        name: String,
    },
    /// Something else stands behind the colon.
    #[error("the weight '{weight}' is no whole number from 1 to 1000000: write {scenario}:5")]
    Weight {
        /// What stands there.
        weight: String,
        /// In front of the colon.
        scenario: &'static str,
    },
}

impl FromStr for Share {
    type Err = ParseShareError;

    fn from_str(text: &str) -> Result<Self, ParseShareError> {
        let (name, weight) = text.split_once(':').unwrap_or((text, "1"));
        let scenario = Scenario::ALL
            .iter()
            .copied()
            .find(|scenario| scenario.label() == name)
            .ok_or_else(|| ParseShareError::Scenario {
                name: name.to_owned(),
            })?;
        let weight = weight
            .parse()
            .ok()
            .filter(|weight| (1..=1_000_000).contains(weight))
            .ok_or_else(|| ParseShareError::Weight {
                weight: weight.to_owned(),
                scenario: scenario.label(),
            })?;
        Ok(Self { scenario, weight })
    }
}

/// Shows the names of all scenarios.
struct Known;

impl fmt::Display for Known {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<_> = Scenario::ALL.iter().copied().map(Scenario::label).collect();
        formatter.write_str(&labels.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_scenario_with_and_without_its_weight() {
        for &scenario in Scenario::ALL {
            let share = Share {
                scenario,
                weight: 1,
            };
            assert_eq!(scenario.label().parse(), Ok(share));
            let written = serde_json::to_string(&scenario).unwrap();
            assert_eq!(written, format!("\"{}\"", scenario.label()));
        }
        let share = "flapping:5".parse::<Share>().unwrap();
        assert_eq!((share.scenario, share.weight), (Scenario::Flapping, 5));
    }

    #[test]
    fn says_what_is_wrong() {
        let error = "flaping".parse::<Share>().unwrap_err().to_string();
        assert!(
            error.contains("'flaping'; there are healthy, boot"),
            "{error}"
        );
        for weight in ["", "0", "-1", "many", "1000001"] {
            let error = format!("boot:{weight}").parse::<Share>().unwrap_err();
            assert!(error.to_string().ends_with("write boot:5"), "{error}");
        }
    }
}
