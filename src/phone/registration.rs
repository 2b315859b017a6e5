//! Where a device is registered, and how it moves between its CallManagers.

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use super::role::Role;
use super::window::SlidingWindow;
use crate::net::{Endpoint, FlowKey};
use crate::time::Timestamp;
use crate::wire::sccp::RejectReason;

/// How a registration is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Proof {
    /// A `RegisterAck` that followed a Register on the same connection.
    Acknowledged,
    /// The capture joined later: an acknowledged keepalive or call signalling shows it.
    Inferred,
}

/// What a registration was, seen from the one before.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum RegistrationKind {
    /// The first one seen of this device.
    New,
    /// Again with the same CallManager.
    Again,
    /// A move to a CallManager of lower priority.
    Failover,
    /// A move to a CallManager of higher priority.
    Failback,
    /// A move between CallManagers whose order is not known.
    Move,
}

impl RegistrationKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::New,
        Self::Again,
        Self::Failover,
        Self::Failback,
        Self::Move,
    ];

    /// The metrics label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Again => "re",
            Self::Failover => "failover",
            Self::Failback => "failback",
            Self::Move => "move",
        }
    }

    /// Whether the device moved to another CallManager.
    pub const fn is_move(self) -> bool {
        match self {
            Self::New | Self::Again => false,
            Self::Failover | Self::Failback | Self::Move => true,
        }
    }
}

/// Why a registration ended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum EndCause {
    /// The device sent Unregister.
    Unregistered,
    /// It sent Unregister or closed after the CallManager's Reset.
    Reset,
    /// It sent Unregister after the keys `**#**`.
    User,
    /// The CallManager ended the TCP connection.
    ClosedByCallManager,
    /// The device ended the TCP connection without Unregister.
    ClosedByPhone,
    /// It registered elsewhere, or on another connection, before the first one ended.
    Replaced,
    /// It began to boot, so that its connection was dead before anybody closed it.
    Restarted,
    /// Nothing was heard of it any more.
    Silent,
}

impl EndCause {
    /// Every cause.
    pub const ALL: [Self; 8] = [
        Self::Unregistered,
        Self::Reset,
        Self::User,
        Self::ClosedByCallManager,
        Self::ClosedByPhone,
        Self::Replaced,
        Self::Restarted,
        Self::Silent,
    ];

    /// The metrics label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Unregistered => "unregistered",
            Self::Reset => "reset",
            Self::User => "user",
            Self::ClosedByCallManager => "closed_by_callmanager",
            Self::ClosedByPhone => "closed_by_phone",
            Self::Replaced => "replaced",
            Self::Restarted => "restarted",
            Self::Silent => "silent",
        }
    }
}

/// The present registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Current {
    /// The server.
    pub callmanager: IpAddr,
    /// What that server is to this device.
    pub role: Role,
    /// Since when.
    pub since: Timestamp,
    /// How it is known.
    pub proof: Proof,
    /// The device's end of the connection that carries it.
    pub client: Endpoint,
    /// The server's port of that connection.
    pub port: u16,
    /// How often the phone is to send keepalives, in seconds, where its `RegisterAck` said it.
    pub keepalive: Option<NonZeroU16>,
    /// Whether the server counted it among its phones.
    pub(crate) counted_as_phone: bool,
}

impl Current {
    /// The connection that carries it.
    pub const fn connection(&self) -> FlowKey {
        FlowKey {
            client: self.client,
            server: Endpoint::new(self.callmanager, self.port),
        }
    }
}

#[cfg(test)]
impl Current {
    /// A registration by a `RegisterAck`, on a connection of its own.
    pub(crate) fn example(callmanager: IpAddr, role: Role, since: Timestamp) -> Self {
        Self {
            callmanager,
            role,
            since,
            proof: Proof::Acknowledged,
            client: Endpoint::new(IpAddr::from([10, 0, 0, 1]), 50_000),
            port: 2000,
            keepalive: None,
            counted_as_phone: true,
        }
    }
}

/// A device's registrations.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Registration {
    /// The registration it holds now.
    pub current: Option<Current>,
    /// The server it was last registered with.
    pub last_callmanager: Option<IpAddr>,
    /// `RegisterAck`s that followed a Register.
    pub registrations: u64,
    /// Registrations with another CallManager than the one before.
    pub moves: u64,
    /// `RegisterReject`s.
    pub rejects: u64,
    /// The last reject's reason and text.
    pub last_reject: Option<Box<(RejectReason, String)>>,
    /// Registrations that ended.
    pub unregistrations: u64,
    /// Whether it moves so often that it flaps.
    pub is_flapping: bool,
    /// How often it began to flap.
    pub flapping_episodes: u32,
    recent_moves: Option<Box<SlidingWindow>>,
}

/// When a device flaps: at least `moves` within `window`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlapThreshold {
    /// How many moves.
    pub moves: u32,
    /// Within which time.
    pub window: Duration,
}

impl Registration {
    /// The device is registered by a `RegisterAck`; `role_before` is the role of the server it was last registered
    /// with. A move that `is_expected`, since somebody reset the device or the server it returns to was down, does not
    /// make it flap. What kind of registration that is.
    pub fn acknowledged(
        &mut self,
        current: Current,
        role_before: Role,
        is_expected: bool,
        threshold: FlapThreshold,
    ) -> RegistrationKind {
        let kind = match self.last_callmanager {
            None => RegistrationKind::New,
            Some(last) if last == current.callmanager => RegistrationKind::Again,
            Some(_) => match (role_before.rank(), current.role.rank()) {
                (Some(before), Some(now)) if now > before => RegistrationKind::Failover,
                (Some(before), Some(now)) if now < before => RegistrationKind::Failback,
                _ => RegistrationKind::Move,
            },
        };
        self.registrations += 1;
        self.moves += u64::from(kind.is_move());
        if kind.is_move() && !is_expected {
            self.recent_moves
                .get_or_insert_default()
                .note(current.since, threshold.moves);
        }
        self.inferred(current);
        kind
    }

    /// The registration that was inferred is the one of which a Register or its answer was seen too late: it is as if it
    /// had not been inferred, and the device had last been registered with this server.
    pub const fn forget_inferred(&mut self, last_callmanager: Option<IpAddr>) {
        self.current = None;
        self.last_callmanager = last_callmanager;
    }

    /// Something else than a `RegisterAck` proves where the device is registered.
    pub const fn inferred(&mut self, current: Current) {
        self.last_callmanager = Some(current.callmanager);
        self.current = Some(current);
    }

    /// The present registration ends; which it was.
    pub fn ended(&mut self) -> Option<Current> {
        let ended = self.current.take()?;
        self.unregistrations += 1;
        Some(ended)
    }

    /// A CallManager refused the device.
    pub fn rejected(&mut self, reason: RejectReason, text: &str) {
        self.rejects += 1;
        self.last_reject = Some(Box::new((reason, text.to_owned())));
    }

    /// Whether the device flaps at `now`, if that is news.
    pub fn review(&self, now: Timestamp, threshold: FlapThreshold) -> Option<bool> {
        let flaps = self
            .recent_moves
            .as_ref()
            .is_some_and(|moves| moves.reaches(threshold.moves, threshold.window, now));
        (flaps != self.is_flapping).then_some(flaps)
    }

    /// The times of the latest moves, as many as it takes to flap.
    pub fn recent_moves(&self) -> impl Iterator<Item = Timestamp> {
        self.recent_moves.iter().flat_map(|moves| moves.iter())
    }

    /// Notes that the device flaps, or has come to rest.
    pub fn set_flapping(&mut self, flaps: bool) {
        self.is_flapping = flaps;
        self.flapping_episodes += u32::from(flaps);
    }

    /// When it will no longer flap if it stays where it is.
    pub fn deadline(&self, threshold: FlapThreshold) -> Option<Timestamp> {
        self.is_flapping
            .then(|| {
                self.recent_moves
                    .as_ref()?
                    .reaching_until(threshold.moves, threshold.window)
            })
            .flatten()
    }

    /// Takes over what another record of the same device counted.
    pub(super) fn absorb(&mut self, other: Self) {
        self.registrations += other.registrations;
        self.moves += other.moves;
        self.rejects += other.rejects;
        self.unregistrations += other.unregistrations;
        self.current = self.current.or(other.current);
        self.last_callmanager = self.last_callmanager.or(other.last_callmanager);
        self.last_reject = self.last_reject.take().or(other.last_reject);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THRESHOLD: FlapThreshold = FlapThreshold {
        moves: 3,
        window: Duration::from_secs(1800),
    };
    const PRIMARY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const SECONDARY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    fn register(registration: &mut Registration, server: IpAddr, minute: u64) -> RegistrationKind {
        let role = |server| {
            if server == PRIMARY {
                Role::Primary
            } else {
                Role::Secondary
            }
        };
        let before = registration.last_callmanager.map_or(Role::Unknown, role);
        let since = Timestamp::from_secs(minute * 60);
        registration.acknowledged(
            Current::example(server, role(server), since),
            before,
            false,
            THRESHOLD,
        )
    }

    #[test]
    fn a_registration_is_named_after_the_one_before() {
        let mut registration = Registration::default();
        assert_eq!(
            register(&mut registration, PRIMARY, 0),
            RegistrationKind::New
        );
        assert_eq!(
            register(&mut registration, PRIMARY, 1),
            RegistrationKind::Again
        );
        assert_eq!(
            register(&mut registration, SECONDARY, 2),
            RegistrationKind::Failover
        );
        assert_eq!(
            register(&mut registration, PRIMARY, 3),
            RegistrationKind::Failback
        );
        assert_eq!((registration.registrations, registration.moves), (4, 2));
    }

    #[test]
    fn without_an_order_of_the_servers_a_move_is_just_a_move() {
        let mut registration = Registration::default();
        let at = Timestamp::from_secs(1);
        registration.inferred(Current::example(PRIMARY, Role::Unknown, at));
        let current = Current::example(SECONDARY, Role::Unknown, at);
        assert_eq!(
            registration.acknowledged(current, Role::Unknown, false, THRESHOLD),
            RegistrationKind::Move
        );
    }

    #[test]
    fn three_moves_within_the_window_are_flapping_and_rest_ends_it() {
        let mut registration = Registration::default();
        let minute = |minute: u64| Timestamp::from_secs(minute * 60);
        for (server, at) in [(PRIMARY, 0), (SECONDARY, 5), (PRIMARY, 10)] {
            register(&mut registration, server, at);
            assert_eq!(registration.review(minute(at), THRESHOLD), None);
        }
        register(&mut registration, SECONDARY, 20);
        assert_eq!(registration.review(minute(20), THRESHOLD), Some(true));
        registration.set_flapping(true);
        assert_eq!(registration.deadline(THRESHOLD), Some(minute(35)));
        assert_eq!(registration.review(minute(34), THRESHOLD), None);
        assert_eq!(registration.review(minute(35), THRESHOLD), Some(false));
    }

    #[test]
    fn what_was_inferred_a_moment_before_its_proof_is_no_registration_of_its_own() {
        let mut registration = Registration::default();
        register(&mut registration, PRIMARY, 0);
        let at = Timestamp::from_secs(60);
        registration.inferred(Current::example(SECONDARY, Role::Secondary, at));
        registration.forget_inferred(Some(PRIMARY));
        assert_eq!(
            register(&mut registration, SECONDARY, 1),
            RegistrationKind::Failover
        );
        assert_eq!((registration.moves, registration.unregistrations), (1, 0));
    }

    #[test]
    fn expected_moves_are_counted_and_are_no_flapping() {
        let mut registration = Registration::default();
        for (server, minute) in [(PRIMARY, 0), (SECONDARY, 1), (PRIMARY, 2), (SECONDARY, 3)] {
            let current =
                Current::example(server, Role::Unknown, Timestamp::from_secs(minute * 60));
            registration.acknowledged(current, Role::Unknown, true, THRESHOLD);
        }
        assert_eq!(registration.moves, 3);
        let now = Timestamp::from_secs(180);
        assert_eq!(registration.review(now, THRESHOLD), None);
    }
}
