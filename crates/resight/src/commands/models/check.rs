//! `resight models check`.

use std::path::PathBuf;
use std::time::Instant;

use resight_app::config::Config;
use resight_app::models::Models;
use resight_engine::{
    DecodeLimits, EngineError, FEWEST_TO_TELL, alike_from, compare, decode, fit_within,
    read_bounded, thumbnail_jpeg,
};
use resight_models::Output as ModelOutput;
use resight_vision::sample::blocks;
use resight_vision::{GlobalExtractor, Image, LocalExtractor};
use serde_json::{Value, json};

use crate::error::CliError;
use crate::output::{Output, counted, printable};

/// Pictures are looked at this large at most, as the engine does.
const MAX_SIDE: u32 = 1024;
/// Generated pictures where none are given.
const GENERATED: u64 = 6;
/// Runs that are timed, after one that is not.
const TIMED: usize = 7;

#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// The model
    #[arg(value_name = "NAME")]
    name: String,
    /// Pictures to run it on [default: generated ones]
    #[arg(value_name = "PICTURE")]
    pictures: Vec<PathBuf>,
}

/// A picture and what it is called.
struct Shown {
    name: String,
    image: Image,
}

pub(super) fn run(
    args: &CheckArgs,
    models: &Models<'_>,
    config: &Config,
    output: &mut Output,
) -> Result<(), CliError> {
    let model = models.folder.find(&args.name)?;
    let limits = config.decode_limits();
    let pictures = pictures(args, &limits)?;
    match model.manifest.output {
        ModelOutput::Global(_) => global(args, models, (&pictures, &limits), output),
        ModelOutput::Local(_) | ModelOutput::Maps(_) => {
            local(args, models, config, &pictures, output)
        }
    }
}

fn pictures(args: &CheckArgs, limits: &DecodeLimits) -> Result<Vec<Shown>, CliError> {
    if args.pictures.is_empty() {
        let generated = (1..=GENERATED).filter_map(|seed| {
            Some(Shown {
                name: format!("generated {seed}"),
                image: blocks(480, 360, seed)?,
            })
        });
        return Ok(generated.collect());
    }
    let shown = args.pictures.iter().map(|path| {
        let refused = |why| CliError::refused(path, why);
        let bytes = read_bounded(path, limits.max_bytes).map_err(refused)?;
        let image = decode(&bytes, limits).map_err(refused)?.image;
        Ok(Shown {
            name: printable(&path.to_string_lossy()),
            image: fit_within(&image, MAX_SIDE).unwrap_or(image),
        })
    });
    shown.collect()
}

/// The altered copies that each picture is compared with.
fn altered(image: &Image, limits: &DecodeLimits) -> Result<Vec<(&'static str, Image)>, CliError> {
    let copies = [
        ("crop", crop(image)),
        ("jpeg", jpeg(image, limits)?),
        ("flip", flip(image)),
    ];
    Ok(copies
        .into_iter()
        .filter_map(|(name, copy)| Some((name, copy?)))
        .collect())
}

/// The middle three quarters of both sides.
fn crop(image: &Image) -> Option<Image> {
    let (w, h) = (image.width() as usize, image.height() as usize);
    let (to_w, to_h) = ((w * 3 / 4).max(1), (h * 3 / 4).max(1));
    let (x, y) = ((w - to_w) / 2, (h - to_h) / 2);
    let rows = image.rgb().chunks_exact(w * 3).skip(y).take(to_h);
    let cut = rows.flat_map(|row| &row[x * 3..(x + to_w) * 3]).copied();
    Image::from_rgb(to_w as u32, to_h as u32, cut.collect())
}

/// Through a JPEG of low quality.
fn jpeg(image: &Image, limits: &DecodeLimits) -> Result<Option<Image>, CliError> {
    let bytes = thumbnail_jpeg(image, MAX_SIDE, 25).map_err(EngineError::from)?;
    let decoded = decode(&bytes, limits).map_err(EngineError::from)?;
    Ok(Some(decoded.image))
}

/// Left and right exchanged.
fn flip(image: &Image) -> Option<Image> {
    let rows = image.rgb().chunks_exact(image.width() as usize * 3);
    let mirrored = rows.flat_map(|row| row.rchunks_exact(3)).flatten().copied();
    Image::from_rgb(image.width(), image.height(), mirrored.collect())
}

/// Milliseconds of the median run.
fn timed(mut run: impl FnMut() -> Result<(), CliError>) -> Result<f64, CliError> {
    run()?;
    let mut times = Vec::with_capacity(TIMED);
    for _ in 0..TIMED {
        let start = Instant::now();
        run()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[TIMED / 2])
}

fn failed(error: resight_vision::ExtractError) -> CliError {
    EngineError::from(error).into()
}

// Long because it computes and prints each figure of the report in turn.
fn global(
    args: &CheckArgs,
    models: &Models<'_>,
    (pictures, limits): (&[Shown], &DecodeLimits),
    output: &mut Output,
) -> Result<(), CliError> {
    let runtime = models.runtime()?;
    let start = Instant::now();
    let model = models.folder.load_global(&args.name, runtime, 1)?;
    let load_ms = start.elapsed().as_secs_f64() * 1e3;
    let embed = |image: &Image| -> Result<Vec<f32>, CliError> {
        let mut vectors = model.embed(std::slice::from_ref(image)).map_err(failed)?;
        Ok(vectors.pop().unwrap_or_default())
    };
    let ms = timed(|| embed(&pictures[0].image).map(drop))?;
    let mut vectors = Vec::new();
    let mut rows = Vec::new();
    for shown in pictures {
        let vector = embed(&shown.image)?;
        let copies = altered(&shown.image, limits)?;
        let cosines: Result<Vec<(&str, f64)>, CliError> = copies
            .iter()
            .map(|(name, copy)| Ok((*name, cosine(&vector, &embed(copy)?))))
            .collect();
        rows.push((shown.name.clone(), cosines?));
        vectors.push(vector);
    }
    let pairs = (0..vectors.len()).flat_map(|a| (a + 1..vectors.len()).map(move |b| (a, b)));
    let mut unrelated: Vec<f32> = pairs
        .map(|(a, b)| cosine(&vectors[a], &vectors[b]) as f32)
        .collect();
    // Of few pictures nothing is told, as in a search.
    let alike = match vectors.len() >= FEWEST_TO_TELL {
        true => alike_from(&mut unrelated),
        false => None,
    };
    unrelated.sort_by(f32::total_cmp);
    let reached = alike.map(|alike| unrelated.len() - unrelated.partition_point(|c| *c < alike));
    let (median, largest) = (unrelated.get(unrelated.len() / 2), unrelated.last());
    if output.is_json() {
        let pictures = rows.iter().map(|(name, cosines)| {
            let cosines = cosines
                .iter()
                .map(|(copy, c)| ((*copy).to_owned(), json!(c)));
            json!({"picture": name, "cosine": cosines.collect::<serde_json::Map<String, Value>>()})
        });
        return output.json(&json!({
            "model": model.model().as_str(),
            "kind": "global",
            "runtime": runtime.numerics(),
            "dimension": model.dimension(),
            "load_ms": load_ms,
            "ms": ms,
            "pictures": pictures.collect::<Vec<_>>(),
            "unrelated": {
                "pairs": unrelated.len(),
                "median": median,
                "largest": largest,
                "alike_from": alike,
                "alike": reached,
            },
        }));
    }
    output.line(format_args!("model      {}", model.model()))?;
    output.line(format_args!(
        "runtime    {}, loaded in {load_ms:.0} ms; {ms:.1} ms a picture on one thread, resized and run",
        runtime.numerics()
    ))?;
    output.line(format_args!("dimension  {}", model.dimension()))?;
    let table: Vec<Vec<String>> = rows
        .into_iter()
        .map(|(name, cosines)| {
            let numbers = cosines.into_iter().map(|(_, c)| format!("{c:.3}"));
            std::iter::once(name).chain(numbers).collect()
        })
        .collect();
    output.table(
        &["cosine with its own", "crop", "jpeg", "flip"],
        &[1, 2, 3],
        &table,
    )?;
    if let (Some(median), Some(largest)) = (median, largest) {
        let pairs = counted(unrelated.len() as u64, "pair", "pairs");
        output.line(format_args!(
            "other pictures: median {median:.3}, largest {largest:.3} ({pairs})"
        ))?;
    }
    if let (Some(alike), Some(reached)) = (alike, reached) {
        let of_a_million = reached as f64 / unrelated.len() as f64 * 1e6;
        let pairs = counted(reached as u64, "pair", "pairs");
        output.line(format_args!(
            "alike from {alike:.3} on, as these pictures tell: {pairs} of them, {of_a_million:.1} in a million"
        ))?;
    }
    Ok(())
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| f64::from(*a) * f64::from(*b))
        .sum()
}

// Long because it computes and prints each figure of the report in turn.
fn local(
    args: &CheckArgs,
    models: &Models<'_>,
    config: &Config,
    pictures: &[Shown],
    output: &mut Output,
) -> Result<(), CliError> {
    let start = Instant::now();
    let model = models.extractor(&args.name, None)?;
    let load_ms = start.elapsed().as_secs_f64() * 1e3;
    let numerics = models.runtime()?.numerics();
    let ms = timed(|| model.extract(&pictures[0].image).map(drop).map_err(failed))?;
    let options = config.engine_options();
    let encode = |image: &Image| thumbnail_jpeg(image, MAX_SIDE, 95).map_err(EngineError::from);
    let mut rows = Vec::new();
    for (i, shown) in pictures.iter().enumerate() {
        let keypoints = model.extract(&shown.image).map_err(failed)?.len();
        let original = encode(&shown.image)?;
        let mut others = altered(&shown.image, &options.decode)?;
        // What must not be verified.
        others.extend(
            pictures
                .get(i + 1)
                .map(|next| ("next picture", next.image.clone())),
        );
        let mut inliers = Vec::new();
        for (name, other) in others {
            let (compared, _) = compare(&original, &encode(&other)?, &*model, &options)?;
            inliers.push((
                name,
                if compared.verified {
                    compared.inliers
                } else {
                    0
                },
            ));
        }
        rows.push((shown.name.clone(), keypoints, inliers));
    }
    if output.is_json() {
        let pictures = rows.iter().map(|(name, keypoints, inliers)| {
            let inliers = inliers
                .iter()
                .map(|(copy, n)| ((*copy).to_owned(), json!(n)));
            json!({
                "picture": name,
                "keypoints": keypoints,
                "inliers": inliers.collect::<serde_json::Map<String, Value>>(),
            })
        });
        return output.json(&json!({
            "model": model.model().as_str(),
            "kind": "local",
            "runtime": numerics,
            "dimension": model.dimension(),
            "load_ms": load_ms,
            "ms": ms,
            "pictures": pictures.collect::<Vec<_>>(),
        }));
    }
    output.line(format_args!("model      {}", model.model()))?;
    output.line(format_args!(
        "runtime    {numerics}, loaded in {load_ms:.0} ms; {ms:.1} ms a picture on one thread"
    ))?;
    output.line(format_args!("dimension  {}", model.dimension()))?;
    let table: Vec<Vec<String>> = rows
        .into_iter()
        .map(|(name, keypoints, inliers)| {
            let numbers = inliers.into_iter().map(|(_, n)| n.to_string());
            [name, keypoints.to_string()]
                .into_iter()
                .chain(numbers)
                .collect()
        })
        .collect();
    output.table(
        &[
            "verified inliers with",
            "keypoints",
            "crop",
            "jpeg",
            "flip",
            "next picture",
        ],
        &[1, 2, 3, 4, 5],
        &table,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_what_they_are_called() {
        let rgb: Vec<u8> = (0..8 * 4 * 3).map(|v| v as u8).collect();
        let image = Image::from_rgb(8, 4, rgb).unwrap();
        let flipped = flip(&image).unwrap();
        assert_eq!(flipped.rgb()[..3], image.rgb()[7 * 3..8 * 3]);
        assert_eq!(flip(&flipped).unwrap(), image);
        let part = crop(&image).unwrap();
        assert_eq!((part.width(), part.height()), (6, 3));
        assert_eq!(part.rgb()[..3], image.rgb()[3..6]);
    }
}
