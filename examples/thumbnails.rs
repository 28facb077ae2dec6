//! Makes thumbnails of a folder of pictures, with a progress bar.
//!
//! It shows `map`, which gives one result for each picture, in the order of the pictures. A bad picture
//! fails alone. The default run has two of them: one is cut short, which the decoder reports; the other is
//! a small file that unpacks to far more memory than the limit. That one costs its worker, where a
//! thread would end the program.
//!
//! ```console
//! $ cargo run --release --example thumbnails                   # pictures of its own making
//! $ cargo run --release --example thumbnails -- SOURCE TARGET  # from one folder to another
//! ```
//!
//! The worker also reports on stderr that it is out of memory.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use image::{GrayImage, ImageReader, Rgb, RgbImage};
use indicatif::{ProgressBar, ProgressStyle};
use procpool::{ProcessPool, TaskError};
use procpool_examples::{Align, Table};

/// The greatest width and height of a thumbnail.
const SIDE: u32 = 160;
/// The memory limit of one picture, unpacked.
const MEMORY: u64 = 64 << 20;

#[procpool::main]
async fn main() -> anyhow::Result<ExitCode> {
    let pool = ProcessPool::builder().memory_limit(MEMORY).build()?;
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [] => self_check(&pool).await?,
        [source, target] => {
            let thumbnails = shrink_all(&pool, Path::new(source), Path::new(target)).await?;
            print!("{}", table(&thumbnails));
        }
        _ => {
            eprintln!("usage: thumbnails [SOURCE TARGET]");
            return Ok(ExitCode::from(2));
        }
    }
    pool.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

/// A picture and its outcome: the width and height of its thumbnail, the decoder's error, or the task's
/// error.
type Thumbnail = (PathBuf, Result<Result<(u32, u32), String>, TaskError>);

/// Makes a thumbnail in `target` for each picture in `source`.
async fn shrink_all(
    pool: &ProcessPool,
    source: &Path,
    target: &Path,
) -> anyhow::Result<Vec<Thumbnail>> {
    fs::create_dir_all(target).with_context(|| format!("no folder {}", target.display()))?;
    let pictures = pictures_in(source)?;
    let progress = progress_bar(pictures.len());
    let jobs = pictures.clone().into_iter().map({
        let target = target.to_owned();
        move |picture| (picture, target.clone())
    });
    let results: Vec<_> = pool
        .map(shrink, jobs)
        .inspect(|_| progress.inc(1))
        .collect()
        .await;
    progress.finish_and_clear();
    Ok(pictures.into_iter().zip(results).collect())
}

/// Makes one thumbnail; runs in a worker.
fn shrink((picture, target): (PathBuf, PathBuf)) -> Result<(u32, u32), String> {
    let shrink = || -> anyhow::Result<(u32, u32)> {
        // The format follows from the file's content, not from its name.
        let reader = ImageReader::open(&picture)?.with_guessed_format()?;
        let thumbnail = reader.decode()?.thumbnail(SIDE, SIDE).into_rgb8();
        thumbnail.save(thumbnail_of(&picture, &target))?;
        Ok(thumbnail.dimensions())
    };
    shrink().map_err(|error| format!("{error:#}"))
}

fn thumbnail_of(picture: &Path, target: &Path) -> PathBuf {
    let name = picture.file_name().unwrap_or_default();
    target.join(name).with_extension("png")
}

/// Returns the files with the name of a picture, in the order of their names.
fn pictures_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("no folder {}", folder.display()))?;
    let mut pictures = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let extension = path.extension().map(|e| e.to_ascii_lowercase());
        if extension.is_some_and(|e| ["png", "jpg", "jpeg"].iter().any(|known| e == *known)) {
            pictures.push(path);
        }
    }
    pictures.sort();
    Ok(pictures)
}

/// Returns a progress bar on stderr; indicatif draws it only on a terminal.
fn progress_bar(pictures: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} pictures, {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(pictures as u64).with_style(style)
}

fn table(thumbnails: &[Thumbnail]) -> Table {
    let mut table = Table::new(&[("PICTURE", Align::Left), ("THUMBNAIL", Align::Right)]);
    for (picture, result) in thumbnails {
        let name = picture.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        match result {
            Ok(Ok((width, height))) => table.push([name, format!("{width}x{height}")]),
            Ok(Err(error)) => table.push_with_note([name], format!("! {error}")),
            Err(error) => table.push_with_note([name], format!("! {error}")),
        }
    }
    table
}

// ---- the default run ------------------------------------------------------------------------

const PICTURES: u32 = 24;
const WIDTH: u32 = 800;
const HEIGHT: u32 = 500;
const CUT_SHORT: &str = "cut-short.png";
const BOMB: &str = "unpacks-to-four-times-the-limit.png";

/// Paints pictures, makes their thumbnails and checks them.
async fn self_check(pool: &ProcessPool) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    fs::create_dir(&source)?;
    // The pool also paints; the first picture that fails ends the map.
    let painted: Vec<PathBuf> = pool
        .map(
            paint,
            (0..PICTURES)
                .map(|n| (n, source.clone()))
                .collect::<Vec<_>>(),
        )
        .map_err(anyhow::Error::from)
        .and_then(|path| async { path.map_err(anyhow::Error::msg) })
        .try_collect()
        .await?;
    let whole = fs::read(&painted[0])?;
    fs::write(source.join(CUT_SHORT), &whole[..whole.len() / 2])?;
    let side = u32::try_from((4 * MEMORY).isqrt())?;
    GrayImage::new(side, side).save(source.join(BOMB))?;

    let thumbnails = shrink_all(pool, &source, &target).await?;
    print!("{}", table(&thumbnails));

    ensure!(thumbnails.len() == PICTURES as usize + 2, "{thumbnails:?}");
    for (picture, result) in &thumbnails {
        match result {
            Ok(Err(_)) if picture.ends_with(CUT_SHORT) => {}
            Err(error) if picture.ends_with(BOMB) => {
                ensure!(error.is_limit_exceeded(), "{error}");
            }
            Ok(Ok(size)) if painted.contains(picture) => {
                ensure!(*size == (SIDE, SIDE * HEIGHT / WIDTH), "{size:?}");
                let thumbnail = image::open(thumbnail_of(picture, &target))?.into_rgb8();
                ensure!(thumbnail.dimensions() == *size, "{thumbnail:?}");
                check_colours(&thumbnail, number_of(picture)?)?;
            }
            other => bail!("{}: {other:?}", picture.display()),
        }
    }
    println!(
        "All {PICTURES} good pictures have thumbnails, and both bad ones gave errors of their own."
    );
    Ok(())
}

/// Paints a picture that fades from one colour to another, as a PNG or JPEG; runs in a worker.
fn paint((number, folder): (u32, PathBuf)) -> Result<PathBuf, String> {
    let picture = RgbImage::from_fn(WIDTH, HEIGHT, |x, _| {
        colour(number, f64::from(x) / f64::from(WIDTH - 1))
    });
    let extension = if number % 2 == 0 { "png" } else { "jpg" };
    let path = folder.join(format!("{number:02}.{extension}"));
    picture.save(&path).map_err(|error| error.to_string())?;
    Ok(path)
}

/// Returns the colour of a picture at a place between its left and its right edge.
fn colour(number: u32, place: f64) -> Rgb<u8> {
    let part = f64::from(number) / f64::from(PICTURES);
    Rgb([part, place, 1.0 - place].map(|c| (255.0 * c).round() as u8))
}

fn number_of(picture: &Path) -> anyhow::Result<u32> {
    let name = picture.file_stem().and_then(|name| name.to_str());
    Ok(name.context("a name")?.parse()?)
}

/// Checks that a thumbnail has the colours of its picture at the same places.
fn check_colours(thumbnail: &RgbImage, number: u32) -> anyhow::Result<()> {
    for (x, y, pixel) in thumbnail.enumerate_pixels() {
        // A pixel of the thumbnail stands for several; its place is the middle of theirs.
        let expected = colour(number, (f64::from(x) + 0.5) / f64::from(thumbnail.width()));
        let near = pixel
            .0
            .iter()
            .zip(expected.0)
            .all(|(a, b)| a.abs_diff(b) <= 8);
        ensure!(
            near,
            "picture {number} at {x},{y}: {pixel:?}, not {expected:?}"
        );
    }
    Ok(())
}
