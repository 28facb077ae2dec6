//! Values of twenty shapes, encoded and decoded, beside formats that are made to be fast.
//!
//! The format of arguments and results against postcard, bincode 2, bitcode and rmp-serde with field names, each
//! through serde and called as its documentation says. The first three are not self-describing: their types must
//! match to the last field, and `flatten`, untagged enums and skipped fields fail with them. So they are what can
//! be reached, and rmp-serde is what gives as much.
#![forbid(unsafe_code)]

mod contenders;
mod shapes;

use procpool_benches::{Goals, Mode, Spread, Table, roles};

use contenders::{COMPACT, PROCPOOL};
use shapes::Shape;

/// How much longer than with the best of the compact formats a shape may take, and all of them in the median.
const MOST: f64 = 1.2;
const MOST_IN_MEDIAN: f64 = 1.0;

fn main() {
    roles::init();
    let mode = Mode::from_args();
    let mut goals = Goals::new("values");
    let mut ratios = Vec::new();
    println!("\n{}", Row::HEAD);
    for shape in shapes::all(mode) {
        if !Mode::asks_for(&format!("values/{}", shape.name)) {
            continue;
        }
        let row = Row::measure(&shape, mode);
        println!("{row}");
        goals.at_most(shape.name, row.ratio, MOST, "×");
        ratios.extend(row.ratio.map(|ratio| ratio.median));
    }
    let median = Spread::of(&ratios);
    goals.at_most("the median of all", median, MOST_IN_MEDIAN, "×");
    goals.finish(mode);
}

/// What came of one shape.
struct Row {
    name: &'static str,
    /// Microseconds, of encoding and of decoding, and bytes.
    procpool: (f64, f64, usize),
    best: &'static str,
    best_size: usize,
    best_times: (f64, f64),
    /// Of procpool's time to the best one's, round by round.
    ratio: Option<Spread>,
    /// The same to rmp-serde's.
    to_rmp: Option<Spread>,
}

impl Row {
    const HEAD: &str = "| value | procpool: encode + decode, bytes | best compact format | ratio (min–max) | to rmp-serde |\n|---|---|---|---|---|";

    fn measure(shape: &Shape, mode: Mode) -> Self {
        let mut both = Table::new(shape.name, &[]);
        let mut encode = Table::new(shape.name, &[]);
        let mut decode = Table::new(shape.name, &[]);
        let mut sizes = Vec::new();
        for _ in 0..mode.pick(25, 1) {
            for contender in &shape.contenders {
                let took = (contender.run)(shape.repeats);
                both.record(contender.name, took.encode + took.decode);
                encode.record(contender.name, took.encode);
                decode.record(contender.name, took.decode);
                sizes.push((contender.name, took.size));
            }
        }
        let median = |table: &Table, name| table.figure(name).map_or(0.0, |figure| figure.median);
        let best = COMPACT
            .into_iter()
            .min_by(|a, b| median(&both, a).total_cmp(&median(&both, b)))
            .unwrap_or(COMPACT[0]);
        let size = |name| {
            sizes
                .iter()
                .find(|size| size.0 == name)
                .map_or(0, |size| size.1)
        };
        Row {
            name: shape.name,
            procpool: (
                median(&encode, PROCPOOL),
                median(&decode, PROCPOOL),
                size(PROCPOOL),
            ),
            best,
            best_size: size(best),
            best_times: (median(&encode, best), median(&decode, best)),
            ratio: both.ratio(PROCPOOL, best),
            to_rmp: both.ratio(PROCPOOL, contenders::RMP),
        }
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (encode, decode, size) = self.procpool;
        write!(
            f,
            "| {} | {} + {} µs, {size} | {} {} + {} µs, {} |",
            self.name,
            Micros(encode),
            Micros(decode),
            self.best,
            Micros(self.best_times.0),
            Micros(self.best_times.1),
            self.best_size
        )?;
        match self.ratio {
            Some(ratio) => write!(f, " {ratio} |")?,
            None => write!(f, " – |")?,
        }
        match self.to_rmp {
            Some(ratio) => write!(f, " {:.2} |", ratio.median),
            None => write!(f, " – |"),
        }
    }
}

/// As many decimals as are of interest.
struct Micros(f64);

impl std::fmt::Display for Micros {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let decimals = match self.0 {
            micros if micros >= 100.0 => 0,
            micros if micros >= 1.0 => 1,
            _ => 3,
        };
        write!(f, "{:.decimals$}", self.0)
    }
}
