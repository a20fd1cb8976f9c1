//! The dense index as it grows: how fast it takes vectors, how large it is, how long a search takes
//! and how much of the truth it finds.
//!
//! ```console
//! cargo run --release -p resight-index --example dense_scale -- [VECTORS] [DIMENSION] [CLUSTERS]
//! cargo run --release -p resight-index --example dense_scale -- --ask FILE DIMENSION
//! ```
//!
//! The first form makes vectors itself: centres of clusters in random directions, and vectors
//! around them, at a cosine of about 0.82 to their centre. Easy queries are further vectors of the
//! clusters; hard ones lie half way between vectors of two clusters. The last line is JSON.
//!
//! The second form is for `bench/dense_beside_peers.py`: it indexes the vectors of a file (numbers of
//! four bytes, end to end; keys are their places), and answers lines on its standard input, each a
//! breadth (0: exactly), a limit, and a query in hexadecimal.

use std::io::{BufRead, Write};
use std::time::Instant;

use resight_index::{DenseIndex, DenseSettings, DenseSnapshot, Key, NearestOptions};
use resight_test_support::Random;

type Failure = Box<dyn std::error::Error>;

const LIMIT: usize = 10;
const QUERIES: usize = 500;
/// The noise's length beside a centre of length 1.
const SPREAD: f64 = 0.7;
/// Vectors that are added in one call.
const TOGETHER: usize = 1000;

/// Around `centre`, at this distance.
fn around(random: &mut Random, centre: &[f32], distance: f64) -> Vec<f32> {
    let scale = distance / (centre.len() as f64).sqrt();
    let noisy = centre.iter().map(|&c| c + (scale * random.normal()) as f32);
    unit(noisy.collect())
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|x| *x /= length);
    vector
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|a| a == "--ask") {
        let [_, file, dimension] = &arguments[..] else {
            return Err("--ask FILE DIMENSION".into());
        };
        return ask(file, dimension.parse()?);
    }
    let number = |i: usize, usual: usize| arguments.get(i).map_or(Ok(usual), |a| a.parse());
    let (count, dimension) = (number(0, 100_000)?, number(1, 512)?);
    scale(count, dimension, number(2, 1000)?)
}

/// Memory held by this process, in bytes, and of it what is not of mapped files.
fn memory() -> (usize, usize) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find(|l| l.starts_with(name));
        let kilobytes = line.and_then(|l| l.split_whitespace().nth(1)?.parse::<usize>().ok());
        kilobytes.unwrap_or(0) * 1024
    };
    (of("VmRSS:"), of("RssAnon:"))
}

struct Filled {
    index: DenseIndex,
    add_seconds: f64,
    ready_seconds: f64,
    _folder: tempfile::TempDir,
}

fn fill(
    dimension: usize,
    vectors: &mut dyn Iterator<Item = Vec<Vec<f32>>>,
) -> Result<Filled, Failure> {
    let folder = tempfile::tempdir()?;
    let settings = DenseSettings::default();
    let (index, _) = DenseIndex::open("bench", dimension, folder.path(), true, vec![], settings)?;
    let (mut first, mut add_seconds) = (0, 0.0);
    let begin = Instant::now();
    let mut making = 0.0;
    loop {
        let start = Instant::now();
        let Some(batch) = vectors.next() else {
            break;
        };
        making += start.elapsed().as_secs_f64();
        let start = Instant::now();
        let keyed = batch.iter().zip(first..).map(|(v, k)| (Key(k), &v[..]));
        index.add(&keyed.collect::<Vec<_>>())?;
        first += batch.len() as u64;
        add_seconds += start.elapsed().as_secs_f64();
    }
    index.settle();
    Ok(Filled {
        index,
        add_seconds,
        ready_seconds: begin.elapsed().as_secs_f64() - making,
        _folder: folder,
    })
}

fn found(
    snapshot: &DenseSnapshot,
    query: &[f32],
    options: &NearestOptions,
) -> Result<(Vec<u64>, f64), Failure> {
    let start = Instant::now();
    let found = snapshot.nearest_with(query, options, None)?;
    let milliseconds = start.elapsed().as_secs_f64() * 1e3;
    Ok((found.into_iter().map(|f| f.0.0).collect(), milliseconds))
}

fn scale(count: usize, dimension: usize, clusters: usize) -> Result<(), Failure> {
    let mut noise = Random::new(1);
    let zero = vec![0.0; dimension];
    let centres: Vec<Vec<f32>> = (0..clusters)
        .map(|_| around(&mut noise, &zero, 1.0))
        .collect();
    let member = |noise: &mut Random| {
        let centre = &centres[noise.below(clusters)];
        around(noise, centre, SPREAD)
    };
    let mut made = 0;
    let mut batches = std::iter::from_fn(|| {
        let size = TOGETHER.min(count - made);
        made += size;
        (size > 0).then(|| (0..size).map(|_| member(&mut noise)).collect())
    });
    let filled = fill(dimension, &mut batches)?;
    let snapshot = filled.index.snapshot();
    let (resident, own) = memory();
    let mut report = serde_json::json!({
        "vectors": count,
        "dimension": dimension,
        "clusters": clusters,
        "add_per_second": (count as f64 / filled.add_seconds).round(),
        "ready_per_second": (count as f64 / filled.ready_seconds).round(),
        "bytes_per_vector": snapshot.bytes() as f64 / count as f64,
        "in_graphs": snapshot.in_graphs(),
        "resident_mb": resident >> 20,
        "not_mapped_mb": own >> 20,
    });
    for kind in ["easy", "hard"] {
        let queries: Vec<Vec<f32>> = (0..QUERIES)
            .map(|_| {
                let one = member(&mut noise);
                match kind {
                    "easy" => one,
                    _ => {
                        let other = member(&mut noise);
                        unit(one.iter().zip(&other).map(|(a, b)| a + b).collect())
                    }
                }
            })
            .collect();
        measure(kind, &snapshot, &queries, &mut report)?;
    }
    println!("{report}");
    Ok(())
}

/// Asks each query exactly, with the default breadth and with those in `BREADTHS` (numbers with commas
/// between them), and reports times and the share of the exact answers that were found.
fn measure(
    kind: &str,
    snapshot: &DenseSnapshot,
    queries: &[Vec<f32>],
    report: &mut serde_json::Value,
) -> Result<(), Failure> {
    let exact = NearestOptions {
        limit: LIMIT,
        exact: true,
        ..NearestOptions::default()
    };
    let default = NearestOptions {
        exact: false,
        ..exact
    };
    let breadths = std::env::var("BREADTHS").unwrap_or_default();
    let breadths = breadths.split(',').filter_map(|b| b.parse::<usize>().ok());
    let with_breadth = |breadth| NearestOptions { breadth, ..default };
    let mut ways = vec![("exact".to_owned(), exact), ("default".to_owned(), default)];
    ways.extend(breadths.map(|breadth| (breadth.to_string(), with_breadth(breadth))));
    let mut all: Vec<(Vec<f64>, usize)> = vec![Default::default(); ways.len()];
    for query in queries {
        let mut truth = Vec::new();
        for ((_, options), (times, right)) in ways.iter().zip(&mut all) {
            let (keys, milliseconds) = found(snapshot, query, options)?;
            if options.exact {
                truth.clone_from(&keys);
            }
            *right += keys.iter().filter(|k| truth.contains(k)).count();
            times.push(milliseconds);
        }
    }
    for ((name, _), (mut times, right)) in ways.iter().zip(all) {
        times.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        let recall = right as f64 / (QUERIES * LIMIT) as f64;
        let (median, p95) = (at(0.5), at(0.95));
        println!("{kind} {name}: {median:.3} / {p95:.3} ms, recall {recall:.4}");
        report[format!("{kind}_{name}")] = serde_json::json!({
            "recall_at_10": recall, "p50_ms": median, "p95_ms": p95,
        });
    }
    Ok(())
}

fn ask(file: &str, dimension: usize) -> Result<(), Failure> {
    let mut reader = std::io::BufReader::new(std::fs::File::open(file)?);
    let mut batches = std::iter::from_fn(|| {
        let read = |reader: &mut dyn std::io::Read| {
            let mut bytes = vec![0; 4 * dimension];
            reader.read_exact(&mut bytes).ok()?;
            Some(floats(&bytes))
        };
        let batch: Vec<_> = (0..TOGETHER).map_while(|_| read(&mut reader)).collect();
        (!batch.is_empty()).then_some(batch)
    });
    let filled = fill(dimension, &mut batches)?;
    let snapshot = filled.index.snapshot();
    let (resident, own) = memory();
    let report = serde_json::json!({
        "add_seconds": filled.add_seconds,
        "ready_seconds": filled.ready_seconds,
        "bytes": snapshot.bytes(),
        "in_graphs": snapshot.in_graphs(),
        "resident": resident,
        "not_mapped": own,
    });
    println!("{report}");
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let mut words = line.split(' ');
        let mut word = || words.next().ok_or("BREADTH LIMIT QUERY");
        let (breadth, limit): (usize, usize) = (word()?.parse()?, word()?.parse()?);
        let digits = word()?;
        let bytes = hex::decode(digits)?;
        let options = NearestOptions {
            limit,
            breadth,
            exact: breadth == 0,
        };
        let query = floats(&bytes);
        let (keys, milliseconds) = found(&snapshot, &query, &options)?;
        writeln!(
            out,
            "{}",
            serde_json::json!({"keys": keys, "ms": milliseconds})
        )?;
        out.flush()?;
    }
    Ok(())
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|w| f32::from_le_bytes(*w)).collect()
}
