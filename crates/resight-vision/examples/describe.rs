//! Describes grey pictures and writes the features to files, for the benches.
//!
//! `describe [OPTIONS] PICTURE.pgm…` writes `PICTURE.pgm.features` beside each picture: the number of
//! features as little-endian u32, then for each feature x, y, scale, angle and response as f32 and
//! 128 bytes. It prints one line for each picture: name, number of features, and the milliseconds of
//! processor time of each repeat. `magick photo.jpg -colorspace Gray -depth 8 photo.pgm` writes such
//! a picture.
//!
//! | option | |
//! |---|---|
//! | `--max-features N`, `--contrast C` | as in `SiftOptions` |
//! | `--options KEY=VALUE,…` | other settings: `prefer=` (the power of the scale in the ranking), `selection=spread`, `upsample=never` or a side, `upright=true`, `layers=`, `sigma=`, `edge=` |
//! | `--threads T` | threads for one picture |
//! | `--batch-threads T` | concurrent pictures; prints one line at the end: `batch WALL_MS` |
//! | `--simd NAME` | a level of the processor: `plain`, `sse2`, `sse4.2`, `avx2`, `avx512`; `neon`, `dotprod` |
//! | `--repeat R` | how often each picture is described |
//! | `--wall` | prints wall time instead of processor time |
//! | `--stages` | prints a line of JSON for each picture instead: the median of each stage, in ms |

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use resight_vision::{
    GrayImage, LocalFeatures, Selection, Sift, SiftOptions, Simd, StageTimes, Upsample,
};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
struct Args {
    #[arg(long)]
    max_features: Option<usize>,
    #[arg(long)]
    contrast: Option<f32>,
    #[arg(long, default_value = "")]
    options: String,
    #[arg(long, default_value_t = 1)]
    threads: usize,
    #[arg(long)]
    batch_threads: Option<usize>,
    #[arg(long)]
    simd: Option<String>,
    #[arg(long, default_value_t = 1)]
    repeat: usize,
    #[arg(long)]
    wall: bool,
    #[arg(long)]
    stages: bool,
    #[arg(required = true)]
    pictures: Vec<String>,
}

fn main() -> Result<(), Failure> {
    let args = Args::parse();
    let mut sift = Sift::new(options(&args)?).threads(args.threads);
    if let Some(name) = &args.simd {
        sift = sift.simd(Simd::named(name).ok_or_else(|| format!("no {name} here"))?);
    }
    if let Some(threads) = args.batch_threads {
        let pictures: Result<Vec<_>, _> = args.pictures.iter().map(read).collect();
        batch(&sift, &pictures?, threads, args.repeat);
        return Ok(());
    }
    for path in &args.pictures {
        let image = read(path)?;
        let mut times = Vec::new();
        let mut stages = Vec::new();
        let mut found = LocalFeatures::default();
        for _ in 0..args.repeat.max(1) {
            let start = (Instant::now(), processor_time());
            let (features, stage) = sift.extract_view(image.view());
            times.push(if args.wall {
                start.0.elapsed()
            } else {
                processor_time().saturating_sub(start.1)
            });
            stages.push(stage);
            found = features;
        }
        write(path, &found)?;
        if args.stages {
            println!("{}", medians(&stages));
        } else {
            let times: Vec<String> = times.iter().map(|t| format!("{:.3}", ms(*t))).collect();
            println!("{path} {} {}", found.len(), times.join(" "));
        }
    }
    Ok(())
}

fn options(args: &Args) -> Result<SiftOptions, Failure> {
    let mut options = SiftOptions::default();
    if let Some(n) = args.max_features {
        options.max_features = n;
    }
    if let Some(c) = args.contrast {
        options.contrast_threshold = c;
    }
    for pair in args.options.split(',').filter(|p| !p.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or("options are KEY=VALUE,…")?;
        match (key, value) {
            ("selection", "spread") => options.selection = Selection::Spread,
            ("selection", "strongest") => options.selection = Selection::Strongest,
            ("upsample", "always") => options.upsample = Upsample::Always,
            ("upsample", "never") => options.upsample = Upsample::Never,
            ("upsample", side) => options.upsample = Upsample::UpTo(side.parse()?),
            ("upright", _) => options.upright = value.parse()?,
            ("layers", _) => options.layers = value.parse()?,
            ("sigma", _) => options.sigma = value.parse()?,
            ("prefer", _) => options.scale_preference = value.parse()?,
            ("edge", _) => options.edge_threshold = value.parse()?,
            ("contrast", _) => options.contrast_threshold = value.parse()?,
            _ => return Err(format!("no option {pair}").into()),
        }
    }
    Ok(options)
}

fn read(path: &String) -> Result<GrayImage, Failure> {
    let image = read_pgm(&std::fs::read(path)?);
    Ok(image.ok_or_else(|| format!("{path}: not an 8-bit binary PGM"))?)
}

/// Describes all pictures concurrently, `repeat` times, and prints the wall time of each.
fn batch(sift: &Sift, pictures: &[GrayImage], threads: usize, repeat: usize) {
    for _ in 0..repeat.max(1) {
        let next = AtomicUsize::new(0);
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(image) = pictures.get(next.fetch_add(1, Ordering::Relaxed)) {
                        sift.extract_gray(image);
                    }
                });
            }
        });
        println!("batch {:.3}", ms(start.elapsed()));
    }
}

fn medians(stages: &[StageTimes]) -> String {
    let median = |of: fn(&StageTimes) -> Duration| {
        let mut all: Vec<Duration> = stages.iter().map(of).collect();
        all.sort();
        ms(all[all.len() / 2])
    };
    format!(
        r#"{{"blur":{:.3},"extrema":{:.3},"selection":{:.3},"orientation":{:.3},"description":{:.3}}}"#,
        median(|s| s.blur),
        median(|s| s.extrema),
        median(|s| s.selection),
        median(|s| s.orientation),
        median(|s| s.description),
    )
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Processor time of this process, all threads.
fn processor_time() -> Duration {
    cpu_time::ProcessTime::try_now().map_or(Duration::ZERO, |t| t.as_duration())
}

fn write(path: &str, found: &LocalFeatures) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::fs::File::create(format!("{path}.features"))?);
    out.write_all(&(found.len() as u32).to_le_bytes())?;
    for (k, d) in found.keypoints.iter().zip(found.descriptors.iter()) {
        for v in [k.x, k.y, k.scale, k.angle, k.response] {
            out.write_all(&v.to_le_bytes())?;
        }
        out.write_all(d)?;
    }
    out.flush()
}

/// Reads P5 with one byte a pixel and no comments, as the benches write it.
fn read_pgm(bytes: &[u8]) -> Option<GrayImage> {
    let mut fields = Vec::new();
    let mut at = 0;
    while fields.len() < 4 {
        let length = bytes[at..].iter().position(u8::is_ascii_whitespace)?;
        fields.push(std::str::from_utf8(&bytes[at..at + length]).ok()?);
        at += length + 1;
    }
    if fields[0] != "P5" || fields[3] != "255" {
        return None;
    }
    GrayImage::new(
        fields[1].parse().ok()?,
        fields[2].parse().ok()?,
        bytes[at..].to_vec(),
    )
}
