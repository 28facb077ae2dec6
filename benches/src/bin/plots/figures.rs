//! What was measured, in a file that a program and a person can read.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use procpool_benches::Spread;

/// Points of several plots.
#[derive(Default)]
pub(crate) struct Figures {
    /// Where and when, in a line.
    about: String,
    points: Vec<Point>,
}

/// One of a line in a plot.
#[derive(Clone)]
pub(crate) struct Point {
    pub(crate) plot: String,
    pub(crate) series: String,
    pub(crate) x: f64,
    pub(crate) y: Spread,
}

const HEAD: &str = "plot,series,x,min,median,max";

impl Figures {
    pub(crate) fn about(&mut self, about: String) {
        self.about = about;
    }

    /// `None` adds nothing.
    pub(crate) fn add(&mut self, plot: &str, series: &str, x: f64, y: Option<Spread>) {
        self.points.extend(y.map(|y| Point {
            plot: plot.to_owned(),
            series: series.to_owned(),
            x,
            y,
        }));
    }

    /// The names of a plot's lines, in the order in which they were measured.
    pub(crate) fn series(&self, plot: &str) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for point in self.points.iter().filter(|point| point.plot == plot) {
            if !names.contains(&point.series.as_str()) {
                names.push(&point.series);
            }
        }
        names
    }

    pub(crate) fn points(&self, plot: &str, series: &str) -> Vec<&Point> {
        let is_of = |point: &&Point| point.plot == plot && point.series == series;
        self.points.iter().filter(is_of).collect()
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), Box<dyn Error>> {
        let mut text = format!("# {}\n{HEAD}\n", self.about);
        for Point { plot, series, x, y } in &self.points {
            let Spread { min, median, max } = y;
            writeln!(text, "{plot},{series},{x},{min:.4},{median:.4},{max:.4}")?;
        }
        Ok(fs::write(path, text)?)
    }

    pub(crate) fn read(path: &Path) -> Result<Self, Box<dyn Error>> {
        let text =
            fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut figures = Figures::default();
        for line in text.lines() {
            if let Some(about) = line.strip_prefix("# ") {
                figures.about = about.to_owned();
            } else if line != HEAD {
                let cells: Vec<_> = line.split(',').collect();
                let [plot, series, x, min, median, max] = cells[..] else {
                    return Err(format!("{}: not a point: {line}", path.display()).into());
                };
                let y = Spread {
                    min: min.parse()?,
                    median: median.parse()?,
                    max: max.parse()?,
                };
                figures.add(plot, series, x.parse()?, Some(y));
            }
        }
        Ok(figures)
    }
}
