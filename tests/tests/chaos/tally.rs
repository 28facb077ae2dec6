//! The counts of a run of the test.

use std::collections::BTreeMap;
use std::fmt;

use crate::killer::Toll;

/// Counts over all rounds.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) rounds: u64,
    pub(crate) tasks: u64,
    /// The number of runs of functions.
    pub(crate) runs: u64,
    /// The number of workers that ran a function.
    pub(crate) workers: usize,
    /// The number of workers that died because of what they ran.
    pub(crate) suicides: u64,
    pub(crate) toll: Toll,
    pub(crate) ends: BTreeMap<&'static str, u64>,
    pub(crate) finales: BTreeMap<String, u64>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Tally) {
        self.rounds += other.rounds;
        self.tasks += other.tasks;
        self.runs += other.runs;
        self.workers += other.workers;
        self.suicides += other.suicides;
        self.toll.kills += other.toll.kills;
        self.toll.stops += other.toll.stops;
        self.toll.aborts += other.toll.aborts;
        for (end, count) in other.ends {
            *self.ends.entry(end).or_default() += count;
        }
        for (finale, count) in other.finales {
            *self.finales.entry(finale).or_default() += count;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} rounds, {} tasks, {} runs in {} workers; killed from inside {}, from outside {}, \
             stopped {}, aborted by others {}; ends:",
            self.rounds,
            self.tasks,
            self.runs,
            self.workers,
            self.suicides,
            self.toll.kills,
            self.toll.stops,
            self.toll.aborts
        )?;
        let mut comma = "";
        for (end, count) in &self.ends {
            write!(f, "{comma} {end} {count}")?;
            comma = ",";
        }
        f.write_str("; finales:")?;
        let mut comma = "";
        for (finale, count) in &self.finales {
            write!(f, "{comma} {finale} {count}")?;
            comma = ",";
        }
        Ok(())
    }
}
