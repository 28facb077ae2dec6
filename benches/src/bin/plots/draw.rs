//! Points into pictures.

use std::error::Error;
use std::path::Path;

use plotters::prelude::{
    BLACK, ChartBuilder, Circle, Color, EmptyElement, IntoDrawingArea, IntoLogRange, LineSeries,
    PathElement, RGBColor, SVGBackend, SeriesLabelPosition, WHITE,
};

use crate::figures::{Figures, Point};

pub(crate) const QUEUE_LENGTH: &str = "queue_length";
pub(crate) const WORKER_COUNT: &str = "worker_count";
pub(crate) const PAYLOAD_SIZE: &str = "payload_size";
pub(crate) const TASK_DURATION: &str = "task_duration";

/// One picture. Both of its axes are logarithmic.
pub(crate) struct Plot {
    pub(crate) name: &'static str,
    title: &'static str,
    x: &'static str,
    y: &'static str,
}

pub(crate) const PLOTS: [Plot; 4] = [
    Plot {
        name: QUEUE_LENGTH,
        title: "Tiny tasks at once, two workers",
        x: "tasks at once",
        y: "µs for each",
    },
    Plot {
        name: WORKER_COUNT,
        title: "100 000 tiny tasks at once",
        x: "workers",
        y: "µs for each",
    },
    Plot {
        name: PAYLOAD_SIZE,
        title: "A Vec<u8> there and back, one worker",
        x: "bytes",
        y: "µs",
    },
    Plot {
        name: TASK_DURATION,
        title: "Computing tasks at once, two workers",
        x: "µs that a task computes",
        y: "time taken, of the ideal",
    },
];

const SIZE: (u32, u32) = (760, 440);

/// The line of procpool's own comes first.
const COLORS: [RGBColor; 4] = [
    RGBColor(0xc0, 0x39, 0x2b),
    RGBColor(0x1f, 0x61, 0x8d),
    RGBColor(0x1e, 0x84, 0x49),
    RGBColor(0xb7, 0x95, 0x0b),
];
const EARLIER: RGBColor = RGBColor(0xd9, 0xa0, 0x9a);

/// The contender whose earlier state is drawn too.
const OWN: &str = "procpool";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

impl Plot {
    pub(crate) fn draw(&self, now: &Figures, before: &Figures, path: &Path) -> Result<()> {
        let earlier = before.points(self.name, OWN);
        let mut lines: Vec<(String, RGBColor, Vec<&Point>)> = Vec::new();
        for (name, color) in now.series(self.name).into_iter().zip(COLORS) {
            lines.push((name.to_owned(), color, now.points(self.name, name)));
        }
        if !earlier.is_empty() {
            lines.push((format!("{OWN}, before"), EARLIER, earlier));
        }
        let points = || lines.iter().flat_map(|(_, _, points)| points);
        let xs = range(points().map(|point| point.x))?;
        let ys = range(points().flat_map(|point| [point.y.min, point.y.max]))?;

        let area = SVGBackend::new(path, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(self.title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(72)
            .build_cartesian_2d(
                (xs.0..xs.1 * 1.1).log_scale(),
                (ys.0 * 0.8..ys.1 * 1.4).log_scale(),
            )?;
        chart
            .configure_mesh()
            .x_desc(self.x)
            .y_desc(self.y)
            .x_label_formatter(&|x| label(*x))
            .y_label_formatter(&|y| label(*y))
            .light_line_style(BLACK.mix(0.03))
            .bold_line_style(BLACK.mix(0.12))
            .draw()?;
        for (name, color, points) in &lines {
            let color = *color;
            let line = points.iter().map(|point| (point.x, point.y.median));
            chart
                .draw_series(LineSeries::new(line.clone(), color.stroke_width(2)))?
                .label(name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2))
                });
            chart.draw_series(
                line.map(|at| EmptyElement::at(at) + Circle::new((0, 0), 3, color.filled())),
            )?;
            // From the least to the largest of the rounds.
            chart.draw_series(points.iter().map(|point| {
                PathElement::new(
                    [(point.x, point.y.min), (point.x, point.y.max)],
                    color.mix(0.5),
                )
            }))?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.2))
            .draw()?;
        Ok(area.present()?)
    }
}

/// The least and the largest.
fn range(figures: impl Iterator<Item = f64>) -> Result<(f64, f64)> {
    let range = figures.fold(None, |range: Option<(f64, f64)>, figure| {
        let (least, largest) = range.unwrap_or((figure, figure));
        Some((least.min(figure), largest.max(figure)))
    });
    range.ok_or_else(|| "nothing was measured".into())
}

/// `1000000` as `1M`, `0.50` as `0.5`.
fn label(figure: f64) -> String {
    match figure {
        figure if figure >= 1e6 => format!("{}M", (figure / 1e6 * 100.0).round() / 100.0),
        figure if figure >= 1e3 => format!("{}k", (figure / 1e3 * 100.0).round() / 100.0),
        figure => format!("{}", (figure * 1000.0).round() / 1000.0),
    }
}
