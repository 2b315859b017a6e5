//! A generator of numbers that are the same on every run (Marsaglia's xorshift64*).

pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `limit`, which is not zero.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or(0) % limit
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.byte()).collect()
    }

    /// `true` once in `times`.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// The same bytes with a few of them changed, cut out, put in, or the end cut off.
    pub(crate) fn mutate(&mut self, bytes: &[u8]) -> Vec<u8> {
        const TELLING: [u8; 10] = [0, 1, 2, 4, 0x7F, 0x80, 0xFE, 0xFF, b'<', b'='];
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(6) {
            if bytes.is_empty() {
                bytes.push(self.byte());
            }
            let place = self.below(bytes.len());
            match self.below(8) {
                0 => bytes[place] ^= 1 << self.below(8),
                1 => bytes[place] = self.byte(),
                2 | 3 => bytes[place] = TELLING[self.below(TELLING.len())],
                4 => bytes.truncate(place),
                5 => {
                    let end = (place + 1 + self.below(8)).min(bytes.len());
                    bytes.drain(place..end);
                }
                6 => {
                    let length = 1 + self.below(8);
                    let inserted = self.bytes(length);
                    bytes.splice(place..place, inserted);
                }
                _ => {
                    // A length field that promises more or less than there is.
                    let number = match self.below(3) {
                        0 => u32::MAX,
                        1 => 0,
                        _ => u32::from(self.byte()),
                    };
                    for (byte, new) in bytes.iter_mut().skip(place).zip(number.to_le_bytes()) {
                        *byte = new;
                    }
                }
            }
        }
        bytes
    }
}
