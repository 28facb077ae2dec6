//! How long a run may take.

/// What a run is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// To measure, as `cargo bench` does.
    Full,
    /// To show that everything works, as `cargo bench -- --test` and `cargo test --benches` do: each
    /// workload once, and small.
    Quick,
    /// To be watched by a profiler, with `cargo bench -- --profile-time`.
    Profile,
}

impl Mode {
    /// As criterion decides: by its options, and by the `--bench` that only `cargo bench` gives.
    #[must_use]
    pub fn from_args() -> Self {
        let is_given =
            |option: &str| std::env::args().any(|given| given.split('=').next() == Some(option));
        if !is_given("--bench") || is_given("--test") {
            Mode::Quick
        } else if is_given("--profile-time") {
            Mode::Profile
        } else {
            Mode::Full
        }
    }

    /// Whether the command line asks for `name`: by no filter, or by one that is a part of it.
    /// For programs without criterion, which decides for the others.
    #[must_use]
    pub fn asks_for(name: &str) -> bool {
        let mut filters = std::env::args()
            .skip(1)
            .filter(|given| !given.starts_with('-'));
        match filters.next() {
            None => true,
            Some(first) => name.contains(&first) || filters.any(|other| name.contains(&other)),
        }
    }

    /// One of two amounts: of rounds, of calls in a round, of calls at once.
    #[must_use]
    pub fn pick(self, full: usize, quick: usize) -> usize {
        match self {
            Mode::Full | Mode::Profile => full,
            Mode::Quick => quick,
        }
    }

    /// Whether a table follows, given which of its contenders criterion [measured](crate::Lane::bench).
    ///
    /// It takes all of them: who asks for one alone wants no comparison, and a profiler that watches
    /// one should see no other.
    #[must_use]
    pub fn compares(self, measured: &[bool]) -> bool {
        self != Mode::Profile && !measured.contains(&false)
    }
}
