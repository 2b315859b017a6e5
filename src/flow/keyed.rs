//! A hash for tables that are asked for every frame: keyed, so that nobody on the wire can choose who collides, and a
//! fraction of the price of the standard library's.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Makes hashers that share two random numbers.
///
/// Words are folded into a state by the 128-bit product with a secret number, as wyhash does. That is no cryptographic
/// hash: whoever could watch how long each frame takes might find collisions. A sender on the wire cannot.
#[derive(Clone, Copy, Debug)]
pub struct Keyed {
    first: u64,
    second: u64,
}

impl Keyed {
    /// With these numbers; equal numbers give equal hashes.
    pub const fn new(first: u64, second: u64) -> Self {
        Self {
            first,
            // An even factor would lose bits.
            second: second | 1,
        }
    }
}

impl Default for Keyed {
    /// With numbers that nobody knows.
    fn default() -> Self {
        let random = RandomState::new();
        Self::new(random.hash_one(1_u8), random.hash_one(2_u8))
    }
}

impl BuildHasher for Keyed {
    type Hasher = KeyedHasher;

    fn build_hasher(&self) -> KeyedHasher {
        KeyedHasher {
            state: self.first,
            factor: self.second,
        }
    }
}

/// Hashes one key.
#[derive(Clone, Copy, Debug)]
pub struct KeyedHasher {
    state: u64,
    factor: u64,
}

impl KeyedHasher {
    fn word(&mut self, word: u64) {
        self.state = folded(self.state ^ word, self.factor);
    }
}

impl Hasher for KeyedHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (pairs, rest) = bytes.as_chunks::<16>();
        for pair in pairs {
            let pair = u128::from_le_bytes(*pair);
            let (low, high) = halves(pair);
            self.state = folded(self.state ^ low, self.factor ^ high).wrapping_add(self.factor);
        }
        let (words, rest) = rest.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        let word = match *rest {
            [] => return,
            [a, b, c, d] => u64::from(u32::from_le_bytes([a, b, c, d])),
            _ => rest
                .iter()
                .fold(0, |word, &byte| word << 8 | u64::from(byte)),
        };
        // Their number counts as well, and the factor stays odd.
        let length = u64::try_from(rest.len()).unwrap_or_default();
        self.state = folded(self.state ^ word, self.factor.wrapping_add(length << 1));
    }

    fn write_u8(&mut self, number: u8) {
        self.word(number.into());
    }

    fn write_u16(&mut self, number: u16) {
        self.word(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.word(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.word(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.word(u64::try_from(number).unwrap_or(u64::MAX));
    }

    fn finish(&self) -> u64 {
        // The table takes the lowest bits, or the highest: all depend on all of the state.
        folded(self.state, self.factor.rotate_left(32) | 1)
    }
}

/// Both halves of the product, laid on each other.
const fn folded(one: u64, other: u64) -> u64 {
    let (low, high) = halves((one as u128) * (other as u128));
    low ^ high
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
const fn halves(number: u128) -> (u64, u64) {
    (number as u64, (number >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::{IpAddr, Ipv4Addr};

    use proptest::prelude::*;

    use super::*;
    use crate::net::{Endpoint, FlowKey};

    const KEYED: Keyed = Keyed::new(0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210);

    #[test]
    fn the_connections_of_a_large_fleet_fall_apart() {
        let server = Endpoint::new(IpAddr::from([10, 0, 0, 10]), 2000);
        let keys = (0..200_000_u32).map(|phone| FlowKey {
            client: Endpoint::new(
                IpAddr::from(Ipv4Addr::from(0x0a01_0000 + phone / 2)),
                50_000 + u16::from(phone % 2 == 0),
            ),
            server,
        });
        let hashes: Vec<u64> = keys.map(|key| KEYED.hash_one(key)).collect();
        let different: HashSet<_> = hashes.iter().collect();
        assert_eq!(different.len(), 200_000);
        // By the lowest bits and by the highest: no place of a table gets many more than its share of 48.
        for place in [|hash: &u64| hash % 4096, |hash: &u64| hash >> 52] {
            let mut filled = [0_u32; 4096];
            for hash in &hashes {
                filled[usize::try_from(place(hash)).unwrap()] += 1;
            }
            let most = filled.iter().max().unwrap();
            assert!(*most < 100, "{most}");
        }
    }

    #[test]
    fn each_engine_has_its_own_numbers() {
        let key = b"the same".as_slice();
        assert_ne!(
            Keyed::default().hash_one(key),
            Keyed::default().hash_one(key)
        );
    }

    proptest! {
        /// One bit more or less is another hash, wherever it stands.
        #[test]
        fn every_bit_counts(bytes in proptest::collection::vec(any::<u8>(), 1..300), place: usize, bit in 0_u8..8) {
            let place = place % bytes.len();
            let mut other = bytes.clone();
            other[place] ^= 1_u8 << bit;
            prop_assert_ne!(KEYED.hash_one(&bytes), KEYED.hash_one(&other));
            other.truncate(place);
            prop_assert_ne!(KEYED.hash_one(&bytes), KEYED.hash_one(&other));
        }
    }
}
