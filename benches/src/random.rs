//! Numbers that look random, and are the same in every run.

/// A splitmix64 generator.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// Each seed gives another sequence.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Random {
            state: STEP.wrapping_add(seed),
        }
    }

    /// The next number, between 0 and 1; never 0.
    pub fn uniform(&mut self) -> f64 {
        self.state = self.state.wrapping_add(STEP);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((mixed >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_numbers_are_spread_evenly_and_repeat_with_the_seed() {
        let draw = |seed| {
            let mut random = Random::new(seed);
            [(); 1_000].map(|()| random.uniform())
        };
        let numbers = draw(7);
        assert_eq!(numbers, draw(7));
        assert_ne!(numbers, draw(8));
        assert!(numbers.iter().all(|&number| number > 0.0 && number <= 1.0));
        let mean = numbers.iter().sum::<f64>() / 1_000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
    }
}
