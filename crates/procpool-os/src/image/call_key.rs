//! The key with which the offsets of a call are sealed.

use std::fmt;
use std::io;

use rustix::rand::{GetRandomFlags, getrandom};

pub(crate) const KEY_WORDS: usize = 8;

/// A secret permutation of pairs of words.
///
/// A pair of offsets is two numbers below the size of the executable: of 128 bits some 80 are zero. The key
/// permutes all pairs, so a pair that was not sealed with it opens to two numbers that lie in the executable's code
/// with a probability of about 2^-80.
///
/// It guards against numbers that come from a defect or are made up. It is not meant to resist cryptanalysis: code
/// that takes this much trouble can as well write to `/proc/self/mem`.
#[derive(Clone)]
pub(crate) struct CallKey([(u64, u64); KEY_WORDS / 2]);

impl CallKey {
    /// The key that random words give in a process of the build with this digest.
    pub(crate) fn new(random: [u64; KEY_WORDS], build: u64) -> CallKey {
        let word = |index: usize| random[index] ^ build;
        // An odd factor loses no bits.
        CallKey(std::array::from_fn(|round| {
            (word(2 * round), word(2 * round + 1) | 1)
        }))
    }

    #[inline]
    pub(crate) fn seal(&self, [mut left, mut right]: [u64; 2]) -> [u64; 2] {
        let [first, second, third, fourth] = self.0;
        left ^= scramble(right, first);
        right ^= scramble(left, second);
        left ^= scramble(right, third);
        right ^= scramble(left, fourth);
        [left, right]
    }

    #[inline]
    pub(crate) fn open(&self, [mut left, mut right]: [u64; 2]) -> [u64; 2] {
        let [first, second, third, fourth] = self.0;
        right ^= scramble(left, fourth);
        left ^= scramble(right, third);
        right ^= scramble(left, second);
        left ^= scramble(right, first);
        [left, right]
    }
}

/// The round function of the Feistel network: both halves of a 128-bit product.
#[inline]
fn scramble(word: u64, (mask, factor): (u64, u64)) -> u64 {
    let product = u128::from(word ^ mask) * u128::from(factor);
    product as u64 ^ (product >> 64) as u64
}

/// Words for a key, from the kernel's random number generator.
pub(crate) fn random_words() -> io::Result<[u64; KEY_WORDS]> {
    let mut bytes = [[0; size_of::<u64>()]; KEY_WORDS];
    let mut filled = 0;
    while filled < size_of_val(&bytes) {
        let rest = &mut bytes.as_flattened_mut()[filled..];
        filled += rustix::io::retry_on_intr(|| getrandom(&mut *rest, GetRandomFlags::empty()))?;
    }
    Ok(bytes.map(u64::from_ne_bytes))
}

impl fmt::Debug for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(build: u64) -> CallKey {
        // The fractional parts of the square roots of the first primes.
        let random = [
            0x6a09_e667_f3bc_c908,
            0xbb67_ae85_84ca_a73b,
            0x3c6e_f372_fe94_f82b,
            0xa54f_f53a_5f1d_36f1,
            0x510e_527f_ade6_82d1,
            0x9b05_688c_2b3e_6c1f,
            0x1f83_d9ab_fb41_bd6b,
            0x5be0_cd19_137e_2179,
        ];
        CallKey::new(random, build)
    }

    #[test]
    fn a_sealed_pair_opens_to_itself() {
        for pair in [[0, 0], [1, 0], [0, 1], [1 << 20, 1 << 21], [u64::MAX; 2]] {
            assert_eq!(key(5).open(key(5).seal(pair)), pair);
            assert_ne!(key(5).seal(pair), pair);
        }
    }

    #[test]
    fn a_pair_that_was_changed_opens_to_large_numbers() {
        let sealed = key(5).seal([1 << 20, 1 << 21]);
        for bit in 0..128 {
            let mut changed = sealed;
            changed[bit / 64] ^= 1 << (bit % 64);
            let opened = key(5).open(changed);
            assert!(
                opened.iter().any(|&word| word >= 1 << 32),
                "{bit}: {opened:x?}"
            );
        }
    }

    #[test]
    fn a_key_of_another_build_opens_to_large_numbers() {
        let opened = key(6).open(key(5).seal([1 << 20, 1 << 21]));
        assert!(opened.iter().all(|&word| word >= 1 << 32), "{opened:x?}");
    }

    #[test]
    fn two_keys_differ() {
        assert_ne!(random_words().unwrap(), random_words().unwrap());
    }
}
