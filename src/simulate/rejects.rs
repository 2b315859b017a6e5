//! Phones that ask to be registered and are not.

use super::acts::{Act, Refrain};
use super::connection::Connection;
use super::phone::SimulatedPhone;
use super::random::Random;
use super::truth::Fact;
use crate::wire::sccp::encode;

/// What a CallManager rejects a phone with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reject {
    /// What the message carries.
    text: &'static [u8],
    /// What that means, in the words of the metrics.
    reason: &'static str,
}

impl Reject {
    const fn new(text: &'static [u8], reason: &'static str) -> Self {
        Self { text, reason }
    }
}

static DATABASE: Reject = Reject::new(b"Error: DB Config", "database_config");
static LICENCE: Reject = Reject::new(b"Error: No License", "no_license");
static VERSION: Reject = Reject::new(b"Version Error", "version_error");
static MISMATCH: Reject = Reject::new(b"Error: Device Type Mismatch", "mismatch");
static MAX: Reject = Reject::new(b"Max Phones Exceeded", "max_phones");
static UNAUTHORIZED: Reject = Reject::new(b"Device Not Authorized", "not_authorized");

/// Texts that the phone has in its own language, by their numbers.
static DICTIONARY: [Reject; 6] = [
    Reject::new(&[0x80, 0x2F], "database_config"),
    Reject::new(&[0x80, 0x2E], "no_license"),
    Reject::new(&[0x80, 0x33], "mismatch"),
    Reject::new(&[0x80, 0x56], "security"),
    Reject::new(&[0x1E, 0x0B], "max_phones"),
    Reject::new(&[0x1E, 0x26], "not_authorized"),
];

static ANY: [Reject; 4] = [
    Reject::new(b"Error DBConfig", "database_config"),
    Reject::new(b"Error: No License", "no_license"),
    Reject::new(b"Max Phones Exceeded", "max_phones"),
    Reject::new(b"Device Not Authorized", "not_authorized"),
];

/// Rejected for the same reason again and again.
pub(super) const FOR_DATABASE: Refrain = |random| again(&DATABASE, random);
pub(super) const FOR_LICENCE: Refrain = |random| again(&LICENCE, random);
pub(super) const FOR_VERSION: Refrain = |random| again(&VERSION, random);
pub(super) const FOR_MISMATCH: Refrain = |random| again(&MISMATCH, random);
pub(super) const FOR_MAX: Refrain = |random| again(&MAX, random);
pub(super) const FOR_UNAUTHORIZED: Refrain = |random| again(&UNAUTHORIZED, random);
/// Rejected for another reason each time.
pub(super) const FOR_ANYTHING: Refrain = |random| one_of(&ANY, random);
pub(super) const BY_DICTIONARY: Refrain = |random| one_of(&DICTIONARY, random);

/// It goes on asking over the same connection.
pub(super) const IN_VAIN: Refrain = |random| {
    vec![
        Act::Do(SimulatedPhone::asks_in_vain),
        Act::Wait(random.seconds(30, 60)),
    ]
};

fn again(reject: &'static Reject, random: &mut Random) -> Vec<Act> {
    vec![Act::Rejected(reject), Act::Wait(random.seconds(30, 60))]
}

fn one_of(rejects: &'static [Reject], random: &mut Random) -> Vec<Act> {
    let place = random.below(rejects.len() as u64);
    let reject = usize::try_from(place).ok().and_then(|it| rejects.get(it));
    reject.map_or_else(Vec::new, |reject| again(reject, random))
}

impl SimulatedPhone {
    pub(super) fn rejected(&mut self, reject: &Reject) {
        let [primary, _] = self.callmanagers;
        let mut connection = self.connect(primary);
        let last = if self.truth.rejects == 0 {
            "Initialized"
        } else {
            "Phone-Reg-Rej"
        };
        self.ask_to_register(&mut connection, last);
        let script = &mut self.script;
        connection.server_sends(script, &encode::register_reject(0, reject.text));
        script.fact(Fact::Rejected(reject.reason));
        connection.phone_acks(script);
        // CallManager closes, unless the phone is faster.
        if script.random.below(2) == 0 {
            connection.phone_closes(script);
        } else {
            connection.server_closes(script);
        }
    }

    /// Its Register is acknowledged by TCP and by nothing else.
    fn asks_in_vain(&mut self) {
        let open: Option<Connection> = self.attempt.take();
        let [primary, _] = self.callmanagers;
        let mut connection = open.unwrap_or_else(|| self.connect(primary));
        self.ask_to_register(&mut connection, "Initialized");
        connection.server_acks(&mut self.script);
        self.attempt = Some(connection);
    }
}
