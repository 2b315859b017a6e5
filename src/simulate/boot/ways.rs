//! Which way the phone of a scenario takes to its CallManagers, and where it ends.

use super::files::Contents;
use super::lease::{Offer, SHORT_LEASE};
use super::{FileStory, LeaseStory, NameStory};
use crate::simulate::Scenario;
use crate::simulate::acts::{Act, Refrain};
use crate::simulate::random::Random;

/// What a phone does once it has spoken to its switch, and what it does for ever after that.
pub(in crate::simulate) fn way(scenario: Scenario) -> (Vec<Act>, Refrain) {
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "whatever does not go wrong on the way begins with a boot like any other"
    )]
    match scenario {
        Scenario::Unconfigured => loops(|random| {
            let not_found = Act::Files(FileStory::NotFound);
            vec![GIVEN, not_found, before_the_next(random)]
        }),
        Scenario::DhcpSilent => loops(|_| vec![Act::Lease(LeaseStory::NoAnswer)]),
        Scenario::DhcpNoAck => loops(|_| vec![Act::Lease(LeaseStory::NoAck)]),
        Scenario::DhcpDecline => {
            loops(|random| vec![Act::Lease(LeaseStory::Taken), before_the_next(random)])
        }
        Scenario::DhcpAscii150 => loops(|random| address_only(Offer::Text, random)),
        Scenario::DhcpNoTftp => loops(|random| address_only(Offer::NoTftpServer, random)),
        Scenario::Dhcp150Length => loops(|random| address_only(Offer::WrongLength, random)),
        Scenario::Dhcp150Zero => loops(|random| address_only(Offer::Zero, random)),
        Scenario::DhcpBadRouter => loops(|random| address_only(Offer::BadRouter, random)),
        Scenario::DhcpExcessive => loops(|random| vec![GIVEN, Act::Wait(random.seconds(8, 15))]),
        Scenario::DhcpRenewal => (registers_with(OFFERED_BRIEFLY), |_| {
            let renewed = Act::Lease(LeaseStory::Renewed);
            vec![Act::Stay(SHORT_LEASE / 2), renewed]
        }),
        Scenario::DhcpNak => (registers_with(OFFERED_BRIEFLY), |random| {
            let mut acts = vec![
                Act::Stay(SHORT_LEASE / 2),
                Act::Lease(LeaseStory::RenewalRefused),
                Act::Forget,
                Act::Wait(random.seconds(2, 4)),
            ];
            acts.extend(registers_with(OFFERED_BRIEFLY));
            acts
        }),
        Scenario::DhcpRogue => once(registers_with(LeaseStory::Rogue)),
        Scenario::SlowBoot => once(registers_with(LeaseStory::GivenLate)),
        Scenario::StaticAddress => once(registers_with(LeaseStory::ByHand)),
        Scenario::VoiceVlan => once(vec![Act::VoiceVlan, GIVEN, CONFIGURATION, REGISTER]),
        Scenario::DuplicateAddress => (vec![GIVEN, CONFIGURATION, REGISTER], |random| {
            vec![Act::Stay(random.seconds(30, 60)), Act::Contest]
        }),
        Scenario::TftpSilent => (vec![GIVEN], |random| {
            files_only(FileStory::NoAnswer, random)
        }),
        Scenario::TftpOneWay => (vec![GIVEN], |random| files_only(FileStory::OneWay, random)),
        Scenario::TftpDown => (
            vec![Act::Lease(LeaseStory::Given(Offer::NoService))],
            |random| files_only(FileStory::NoService, random),
        ),
        Scenario::ForeignConfig => (vec![GIVEN], |random| files_only(FileStory::Foreign, random)),
        Scenario::ConfigCorrupt => (vec![GIVEN], |random| {
            files_only(FileStory::Configuration(Contents::Corrupt), random)
        }),
        Scenario::ConfigEmpty => (vec![GIVEN], |random| {
            files_only(FileStory::Configuration(Contents::Empty), random)
        }),
        Scenario::AutoRegistered => once(vec![GIVEN, Act::Files(FileStory::Default), REGISTER]),
        Scenario::AlternateTftp => once(vec![GIVEN, Act::Files(FileStory::OtherServer), REGISTER]),
        Scenario::FirmwareMissing => loops(|random| {
            let no_load = Act::Files(FileStory::LoadNotFound);
            vec![
                GIVEN,
                CONFIGURATION_WITH_NEW_LOAD,
                no_load,
                before_the_next(random),
            ]
        }),
        Scenario::FirmwareUpgrade => once(vec![
            GIVEN,
            CONFIGURATION_WITH_NEW_LOAD,
            Act::Files(FileStory::Load),
            Act::Upgrade,
            Act::Link,
            GIVEN,
            CONFIGURATION_WITH_NEW_LOAD,
            REGISTER,
        ]),
        Scenario::DnsFailure => (vec![GIVEN, CONFIGURATION_WITH_NAMES], |random| {
            names_only(NameStory::NotFound, random)
        }),
        Scenario::DnsSilent => (vec![GIVEN, CONFIGURATION_WITH_NAMES], |random| {
            names_only(NameStory::NoAnswer, random)
        }),
        Scenario::ConfigNames => {
            let names = Act::Names(NameStory::Found);
            once(vec![GIVEN, CONFIGURATION_WITH_NAMES, names, REGISTER])
        }
        _ => once(vec![GIVEN, CONFIGURATION, REGISTER]),
    }
}

fn once(acts: Vec<Act>) -> (Vec<Act>, Refrain) {
    (acts, |_| Vec::new())
}

fn loops(again: Refrain) -> (Vec<Act>, Refrain) {
    (Vec::new(), again)
}

/// It gets an address.
pub(in crate::simulate) const GIVEN: Act = Act::Lease(LeaseStory::Given(Offer::Usual));
/// It fetches its configuration.
pub(in crate::simulate) const CONFIGURATION: Act =
    Act::Files(FileStory::Configuration(Contents::Usual));
const OFFERED_BRIEFLY: LeaseStory = LeaseStory::Given(Offer::Brief);
const CONFIGURATION_WITH_NAMES: Act = Act::Files(FileStory::Configuration(Contents::Names));
const CONFIGURATION_WITH_NEW_LOAD: Act = Act::Files(FileStory::Configuration(Contents::NewLoad));
const REGISTER: Act = Act::Register("Initialized");

/// Two DHCP requests in each pass, and not more than twelve in ten minutes.
fn before_the_next(random: &mut Random) -> Act {
    Act::Wait(random.seconds(101, 120))
}

fn registers_with(story: LeaseStory) -> Vec<Act> {
    vec![Act::Lease(story), CONFIGURATION, REGISTER]
}

fn address_only(offer: Offer, random: &mut Random) -> Vec<Act> {
    vec![
        Act::Lease(LeaseStory::Given(offer)),
        before_the_next(random),
    ]
}

fn files_only(story: FileStory, random: &mut Random) -> Vec<Act> {
    vec![Act::Files(story), Act::Wait(random.seconds(10, 30))]
}

fn names_only(story: NameStory, random: &mut Random) -> Vec<Act> {
    vec![Act::Names(story), Act::Wait(random.seconds(15, 30))]
}
