//! What several rounds came to.

use std::fmt;

/// The least, the median and the largest of some figures.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spread {
    /// The least.
    pub min: f64,
    /// The one in the middle; of an even number, the larger of the two.
    pub median: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// `None` if there are no figures.
    #[must_use]
    pub fn of(figures: &[f64]) -> Option<Self> {
        let mut sorted = figures.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        Some(Spread {
            min: *sorted.first()?,
            median: sorted[sorted.len() / 2],
            max: *sorted.last()?,
        })
    }

    /// All three times `factor`, which is not negative: another unit.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Spread {
            min: self.min * factor,
            median: self.median * factor,
            max: self.max * factor,
        }
    }

    /// One divided by them: how often a second, from how many seconds each.
    #[must_use]
    pub fn inverse(self) -> Self {
        Spread {
            min: 1.0 / self.max,
            median: 1.0 / self.median,
            max: 1.0 / self.min,
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = f.precision().unwrap_or(2);
        let Spread { min, median, max } = self;
        write!(f, "{median:.decimals$} ({min:.decimals$}–{max:.decimals$})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_of_the_least_is_the_largest() {
        let spread = Spread::of(&[4.0, 1.0, 2.0]).unwrap();
        assert_eq!(spread.to_string(), "2.00 (1.00–4.00)");
        assert_eq!(spread.inverse().to_string(), "0.50 (0.25–1.00)");
    }
}
