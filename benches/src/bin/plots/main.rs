//! The figures and plots of docs/performance.md.
//!
//! ```sh
//! cargo run --release -p procpool-benches --bin plots                    # measure, then draw; some minutes
//! cargo run --release -p procpool-benches --bin plots -- --draw          # draw what was measured
//! cargo run --release -p procpool-benches --bin plots -- --measure FILE  # measure into another file
//! ```
//!
//! What is measured is kept in `docs/performance/now.csv`. The same of an earlier state, for
//! comparison, is `before.csv` beside it: that state, with this program, run on the same machine.
#![forbid(unsafe_code)]

mod draw;
mod figures;
mod measure;

use std::error::Error;
use std::path::{Path, PathBuf};

use figures::Figures;
use procpool_benches::roles;

fn main() -> Result<(), Box<dyn Error>> {
    roles::init();
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => {
            measure::all().write(&directory().join("now.csv"))?;
            draw()
        }
        ["--draw"] => draw(),
        ["--measure", file] => measure::all().write(Path::new(file)),
        _ => Err("the arguments that there are: --draw, and --measure with a file".into()),
    }
}

fn draw() -> Result<(), Box<dyn Error>> {
    let directory = directory();
    let now = Figures::read(&directory.join("now.csv"))?;
    // An earlier state is not there in every checkout.
    let before = Figures::read(&directory.join("before.csv")).unwrap_or_default();
    for plot in draw::PLOTS {
        let path = directory.join(plot.name).with_extension("svg");
        plot.draw(&now, &before, &path)?;
        println!("{}", path.display());
    }
    Ok(())
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance")
}
