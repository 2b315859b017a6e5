//! What must stay the same of a run when its input is changed in a way that means nothing.

use std::collections::BTreeMap;

use phonewatch::phone::{Device, Pulse};

use super::trial::Outcome;

/// What is known of one device, as far as a person would notice that it changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Line {
    pub(crate) stage: &'static str,
    pub(crate) registrations: u64,
    pub(crate) moves: u64,
    pub(crate) rejects: u64,
    pub(crate) unregistrations: u64,
    pub(crate) keepalives: u64,
    pub(crate) missed: u64,
    pub(crate) gaps: (u32, u32),
    pub(crate) dhcp_requests: u64,
    pub(crate) boots: u32,
    pub(crate) tftp: Tftp,
    pub(crate) dns_failures: u32,
    pub(crate) tcp_failures: (u32, u32),
    pub(crate) last_reset_reason: Option<String>,
    /// What was concluded of it, and whether that holds.
    pub(crate) findings: Vec<(&'static str, bool)>,
}

/// A device's files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tftp {
    pub(crate) requests: u32,
    pub(crate) completed: u32,
    pub(crate) not_found: u32,
    pub(crate) failed: u32,
}

impl Line {
    fn of(device: &Device, pulse: Pulse) -> Self {
        let registration = &device.registration;
        let keepalives = &device.keepalives;
        Self {
            stage: device.stage.label(),
            registrations: registration.registrations,
            moves: registration.moves,
            rejects: registration.rejects,
            unregistrations: registration.unregistrations,
            keepalives: pulse.keepalives,
            missed: keepalives.missed,
            gaps: (keepalives.callmanager_gaps, keepalives.phone_gaps),
            dhcp_requests: device.dhcp.as_ref().map_or(0, |dhcp| dhcp.requests),
            boots: device.boot.passes,
            tftp: Tftp {
                requests: device.tftp.requests,
                completed: device.tftp.completed,
                not_found: device.tftp.not_found,
                failed: device.tftp.errors + device.tftp.unanswered + device.tftp.unreadable,
            },
            dns_failures: device.dns_failures,
            tcp_failures: (device.tcp_refused, device.tcp_unanswered),
            last_reset_reason: device.last_reset_reason.as_ref().map(ToString::to_string),
            findings: device
                .findings
                .iter()
                .map(|finding| (finding.code, finding.is_active()))
                .collect(),
        }
    }
}

/// Every shown device by its label.
pub(crate) type Summary = BTreeMap<String, Vec<Line>>;

/// The devices that are shown; those that are called alike in order of what is known of them.
pub(crate) fn summary(outcome: &Outcome) -> Summary {
    let mut summary = Summary::new();
    let devices = &outcome.snapshot.devices;
    for (id, device) in devices.iter().filter(|(_, device)| device.is_proven) {
        summary
            .entry(device_label(device))
            .or_default()
            .push(Line::of(device, devices.pulse(id)));
    }
    for lines in summary.values_mut() {
        lines.sort();
    }
    summary
}

/// The name, else the address: a hardware address may be learned from one mirror port and not from another.
fn device_label(device: &Device) -> String {
    match (device.name, device.address) {
        (Some(name), _) => name.to_string(),
        (None, Some(address)) => address.to_string(),
        (None, None) => device.label(),
    }
}

/// Sums over all devices of what may never be more than in a fuller capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Claims {
    pub(crate) registrations: u64,
    pub(crate) moves: u64,
    pub(crate) rejects: u64,
    pub(crate) missed: u64,
    pub(crate) callmanager_gaps: u64,
    pub(crate) phone_gaps: u64,
    pub(crate) dhcp_requests: u64,
    pub(crate) tftp_failures: u64,
    pub(crate) dns_failures: u64,
    pub(crate) tcp_failures: u64,
}

impl Claims {
    pub(crate) fn of_device(device: &Device) -> Self {
        let tftp = &device.tftp;
        Self {
            registrations: device.registration.registrations,
            moves: device.registration.moves,
            rejects: device.registration.rejects,
            missed: device.keepalives.missed,
            callmanager_gaps: device.keepalives.callmanager_gaps.into(),
            phone_gaps: device.keepalives.phone_gaps.into(),
            dhcp_requests: device.dhcp.as_ref().map_or(0, |dhcp| dhcp.requests),
            tftp_failures: u64::from(tftp.not_found)
                + u64::from(tftp.errors)
                + u64::from(tftp.unanswered)
                + u64::from(tftp.unreadable),
            dns_failures: device.dns_failures.into(),
            tcp_failures: u64::from(device.tcp_refused) + u64::from(device.tcp_unanswered),
        }
    }

    /// Over all devices, shown or not.
    pub(crate) fn of(outcome: &Outcome) -> Self {
        let mut sum = Self::default();
        for (_, device) in outcome.snapshot.devices.iter() {
            let claims = Self::of_device(device);
            sum.registrations += claims.registrations;
            sum.moves += claims.moves;
            sum.rejects += claims.rejects;
            sum.missed += claims.missed;
            sum.callmanager_gaps += claims.callmanager_gaps;
            sum.phone_gaps += claims.phone_gaps;
            sum.dhcp_requests += claims.dhcp_requests;
            sum.tftp_failures += claims.tftp_failures;
            sum.dns_failures += claims.dns_failures;
            sum.tcp_failures += claims.tcp_failures;
        }
        sum
    }

    /// What is claimed here and not there, by name.
    pub(crate) fn beyond(&self, full: &Self) -> Vec<&'static str> {
        [
            ("registrations", self.registrations, full.registrations),
            ("moves", self.moves, full.moves),
            ("rejects", self.rejects, full.rejects),
            ("missed keepalives", self.missed, full.missed),
            (
                "CallManager gaps",
                self.callmanager_gaps,
                full.callmanager_gaps,
            ),
            ("phone gaps", self.phone_gaps, full.phone_gaps),
            ("DHCP requests", self.dhcp_requests, full.dhcp_requests),
            ("TFTP failures", self.tftp_failures, full.tftp_failures),
            ("DNS failures", self.dns_failures, full.dns_failures),
            ("TCP failures", self.tcp_failures, full.tcp_failures),
        ]
        .into_iter()
        .filter(|(_, here, there)| here > there)
        .map(|(name, _, _)| name)
        .collect()
    }
}
