//! How the index holds up as it grows, without a million photographs:
//!
//! ```console
//! cargo run --release -p resight --example index_scale -- --photos DIR --set DIR… \
//!     [--sizes 2000,10000,100000,1000000] [--folder DIR]
//! ```
//!
//! The labelled pictures of the sets are added, then *synthetic* ones until there are so many. A
//! synthetic picture is no picture but a list of visual words with signatures: as many as some
//! photo of `--photos` has, a third each of three photos' features, each signature with one bit in
//! five flipped, and each third moved, turned and zoomed by chance. So words come as often, and as often together, as in photos, and no signature
//! stands twice; but real collections have pictures that are more alike than these. 1,994 photos
//! are behind all of them.
//!
//! At each size the sets' queries are asked. Printed: pictures a second of adding, merging and
//! saving (making them up is not counted), bytes a picture, memory, milliseconds of a query's
//! candidates (also with reading and describing the query's picture; and of a second question with the
//! features of a right picture beside its own, which takes as long as a query expansion's), and
//! recall@k: the share of the queries whose shortlist of k has a right picture, and the share of all
//! right pictures in it. The last line is JSON. The index is in `--folder` (a
//! temporary one), 10 KB a picture of 1,000 features.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Parser;
use rayon::prelude::*;
use resight::eval::GroundTruth;
use resight_engine::{Engine, EngineOptions, Parts};
use resight_index::{
    CandidateOptions, Index, Key, PictureWords, Place, Posting, QueryWords, Vocabulary,
};
use resight_store::{FolderBlobs, SqliteCatalogue};
use resight_vision::Sift;
use serde_json::json;

const SHORTLISTS: [usize; 4] = [50, 200, 500, 1000];
const BATCH: u64 = 1000;
/// Share of a signature's bits that are flipped, in 1/2^16ths.
const FLIPPED: u64 = 65_536 / 5;

#[derive(Parser)]
struct Arguments {
    #[arg(long)]
    photos: PathBuf,
    #[arg(long)]
    set: Vec<PathBuf>,
    #[arg(long, value_delimiter = ',', default_value = "2000,10000,100000")]
    sizes: Vec<u64>,
    #[arg(long)]
    folder: Option<PathBuf>,
    /// At most so many queries of each set.
    #[arg(long, default_value_t = 100)]
    queries: usize,
    /// Signatures that differ in more bits do not count.
    #[arg(long, default_value_t = CandidateOptions::default().max_hamming)]
    max_hamming: u32,
    /// Pictures whose matches are asked whether they agree.
    #[arg(long, default_value_t = CandidateOptions::default().considered)]
    considered: usize,
    /// Another vocabulary than the shipped one.
    #[arg(long)]
    vocabulary: Option<PathBuf>,
}

struct Query {
    set: usize,
    words: QueryWords,
    /// The same, and words of a right picture's features.
    expanded: QueryWords,
    /// Milliseconds of reading, describing and assigning words.
    described_ms: f64,
    relevant: Vec<Key>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let temporary = tempfile::tempdir()?;
    let vocabulary = match &arguments.vocabulary {
        Some(path) => std::sync::Arc::new(Vocabulary::from_bytes(&std::fs::read(path)?)?),
        None => Vocabulary::generic(),
    };
    let engine = Engine::open(
        Parts {
            catalogue: std::sync::Arc::new(SqliteCatalogue::in_memory()?),
            blobs: std::sync::Arc::new(FolderBlobs::open(&temporary.path().join("blobs"))?),
            extractor: std::sync::Arc::new(Sift::default()),
            vocabulary: vocabulary.clone(),
            index: None,
            convert: false,
        },
        EngineOptions::default(),
    )?;
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&arguments.photos)?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    let describe = |path: &PathBuf| words_of(&engine, &vocabulary, path);
    let photos: Vec<Vec<Posting>> = paths.par_iter().filter_map(describe).collect();
    println!("{} photos are behind the synthetic pictures", photos.len());

    let folder = arguments
        .folder
        .unwrap_or_else(|| temporary.path().join("index"));
    let (index, _) = Index::open(&vocabulary, &folder, true, || {
        Ok::<_, Box<dyn Error>>(vec![])
    })?;
    let mut next = 1;
    let mut queries = Vec::new();
    for (set, dir) in arguments.set.iter().enumerate() {
        queries.extend(add_set(
            (&engine, &vocabulary),
            &index,
            dir,
            set,
            arguments.queries,
            &mut next,
        )?);
    }
    println!("{} labelled pictures, {} queries", next - 1, queries.len());

    let mut figures = serde_json::Map::new();
    let (mut spent, mut added) = (Duration::ZERO, 0);
    for size in arguments.sizes {
        while next <= size {
            let batch: Vec<(Key, PictureWords)> = (next..=size.min(next + BATCH - 1))
                .into_par_iter()
                .map(|key| (Key(key), synthetic(key, &photos)))
                .collect();
            next += batch.len() as u64;
            added += batch.len();
            let begun = Instant::now();
            index.add(batch);
            spent += begun.elapsed();
        }
        let begun = Instant::now();
        index.settle();
        spent += begun.elapsed();
        let snapshot = index.snapshot();
        let bytes = snapshot.bytes() as f64 / snapshot.len() as f64;
        let rate = added as f64 / spent.as_secs_f64();
        println!(
            "\n{} pictures: {rate:.0} added a second, {bytes:.0} bytes a picture, {} MiB of memory of its own, {} with files",
            snapshot.len(),
            memory("RssAnon:"),
            memory("VmRSS:"),
        );
        let (mut times, mut whole, mut second) = (Vec::new(), Vec::new(), Vec::new());
        let mut found = vec![[(0usize, 0f64); SHORTLISTS.len()]; arguments.set.len()];
        let mut asked = vec![0usize; arguments.set.len()];
        // Once to bring the lists into memory, once to be measured.
        for measured in [false, true] {
            for query in &queries {
                let options = CandidateOptions {
                    limit: SHORTLISTS[SHORTLISTS.len() - 1],
                    max_hamming: arguments.max_hamming,
                    considered: arguments.considered,
                };
                let begun = Instant::now();
                let candidates = snapshot.candidates(&query.words, &options).best;
                let took = begun.elapsed();
                if !measured {
                    continue;
                }
                let begun = Instant::now();
                snapshot.candidates(&query.expanded, &options);
                second.push(begun.elapsed().as_secs_f64() * 1e3);
                times.push(took.as_secs_f64() * 1e3);
                whole.push(took.as_secs_f64() * 1e3 + query.described_ms);
                asked[query.set] += 1;
                for (k, sums) in SHORTLISTS.iter().zip(&mut found[query.set]) {
                    let shortlist = &candidates[..candidates.len().min(*k)];
                    let hits = shortlist.iter().filter(|c| query.relevant.contains(&c.key));
                    let hits = hits.count();
                    sums.0 += usize::from(hits > 0);
                    sums.1 += hits as f64 / query.relevant.len() as f64;
                }
            }
        }
        let (p50, p95) = percentiles(&mut times);
        let (whole_p50, whole_p95) = percentiles(&mut whole);
        let (second_p50, second_p95) = percentiles(&mut second);
        println!(
            "candidates: p50 {p50:.1} ms, p95 {p95:.1} ms; with extraction: p50 {whole_p50:.1} ms, p95 {whole_p95:.1} ms; a second question: p50 {second_p50:.1} ms, p95 {second_p95:.1} ms"
        );
        let name = |what: &str| format!("{size}_{what}");
        figures.insert(name("added_per_second"), json!(rate));
        figures.insert(name("bytes_per_picture"), json!(bytes));
        figures.insert(name("own_memory_mib"), json!(memory("RssAnon:")));
        figures.insert(name("candidates_p50_ms"), json!(p50));
        figures.insert(name("candidates_p95_ms"), json!(p95));
        figures.insert(name("second_p50_ms"), json!(second_p50));
        figures.insert(name("second_p95_ms"), json!(second_p95));
        figures.insert(name("with_extraction_p50_ms"), json!(whole_p50));
        figures.insert(name("with_extraction_p95_ms"), json!(whole_p95));
        for ((dir, found), asked) in arguments.set.iter().zip(&found).zip(&asked) {
            let set = dir.file_name().unwrap_or_default().to_string_lossy();
            print!("{set:20}");
            for (k, (any, all)) in SHORTLISTS.iter().zip(found) {
                let (any, all) = (*any as f64 / *asked as f64, all / *asked as f64);
                print!("  @{k} {any:.3} ({all:.3})");
                figures.insert(name(&format!("{set}_recall_at_{k}")), json!(any));
                figures.insert(name(&format!("{set}_found_at_{k}")), json!(all));
            }
            println!();
        }
    }
    println!("{}", serde_json::Value::Object(figures));
    Ok(())
}

/// Median and 95th percentile; 0 of none.
fn percentiles(times: &mut [f64]) -> (f64, f64) {
    times.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied();
    (at(0.5).unwrap_or_default(), at(0.95).unwrap_or_default())
}

/// `None` for what is no picture.
fn words_of(engine: &Engine, vocabulary: &Vocabulary, path: &PathBuf) -> Option<Vec<Posting>> {
    let (features, size) = engine.features_of(&std::fs::read(path).ok()?).ok()?;
    Some(vocabulary.postings(&features, size)).filter(|words| !words.is_empty())
}

/// Adds the pictures of a labelled set; its queries.
fn add_set(
    (engine, vocabulary): (&Engine, &Vocabulary),
    index: &Index,
    dir: &Path,
    set: usize,
    most: usize,
    next: &mut u64,
) -> Result<Vec<Query>, Box<dyn Error>> {
    let truth = GroundTruth::read(dir)?;
    let images = dir.join("images");
    let described: Vec<Vec<Posting>> = truth
        .database
        .par_iter()
        .map(|name| words_of(engine, vocabulary, &images.join(name)).unwrap_or_default())
        .collect();
    let first = *next;
    let pictures = described.into_iter().zip(first..);
    index.add(
        pictures
            .map(|(words, key)| (Key(key), PictureWords::new(words)))
            .collect(),
    );
    *next += truth.database.len() as u64;
    let key_of = |name: &String| {
        let at = truth.database.iter().position(|n| n == name);
        at.map(|at| Key(first + at as u64))
    };
    let step = truth.queries.len().div_ceil(most.max(1)).max(1);
    let chosen: Vec<_> = truth.queries.iter().step_by(step).collect();
    // One after the other, to be timed.
    let queries = chosen.iter().filter_map(|query| {
        let begun = Instant::now();
        let bytes = std::fs::read(images.join(&query.query)).ok()?;
        let (features, size) = engine.features_of(&bytes).ok()?;
        let cells = engine.options().matching_cells;
        let words = vocabulary.assign_query(&features, size, cells);
        let described_ms = begun.elapsed().as_secs_f64() * 1e3;
        let mut expanded = words.clone();
        let other = query.relevant.iter().find(|name| **name != query.query)?;
        let bytes = std::fs::read(images.join(other)).ok()?;
        let (features, size) = engine.features_of(&bytes).ok()?;
        let more = vocabulary.assign_query(&features, size, cells);
        expanded.features.extend(more.features);
        Some(Query {
            set,
            words,
            expanded,
            described_ms,
            // Itself is no answer.
            relevant: (query.relevant.iter().filter(|name| **name != query.query))
                .filter_map(key_of)
                .collect(),
        })
    });
    Ok(queries.filter(|q| !q.relevant.is_empty()).collect())
}

/// A synthetic picture: the same for the same key.
fn synthetic(key: u64, photos: &[Vec<Posting>]) -> PictureWords {
    let mut random = Random(key.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let length = photos[random.below(photos.len())].len();
    let mut features = Vec::with_capacity(length);
    for third in 0..3 {
        let donor = &photos[random.below(photos.len())];
        let wanted = length * (third + 1) / 3 - features.len();
        let shift = [random.below(1024) as u32, random.below(1024) as u32];
        let (turn, zoom) = (random.below(64) as u32, random.below(13) as u32);
        for _ in 0..wanted {
            let Posting {
                word,
                signature,
                place,
            } = donor[random.below(donor.len())];
            let mut flips = 0;
            for bit in 0..64 {
                flips |= u64::from(random.next() & 0xFFFF < FLIPPED) << bit;
            }
            features.push(Posting {
                word,
                signature: signature ^ flips,
                place: moved(place, shift, turn, zoom),
            });
        }
    }
    PictureWords::new(features)
}

/// A place moved, turned and zoomed; what leaves the picture comes in on the other side.
fn moved(place: Place, shift: [u32; 2], turn: u32, zoom: u32) -> Place {
    let Place(bits) = place;
    let angle = f64::from(turn) / 64.0 * std::f64::consts::TAU;
    let factor = f64::from(zoom).mul_add(1.0 / 6.0, -1.0).exp2();
    let (sin, cos) = (angle.sin() * factor, angle.cos() * factor);
    let (x, y) = (f64::from(bits & 1023), f64::from(bits >> 10 & 1023));
    let at = |v: f64, shift: u32| (v as i64 + i64::from(shift)).rem_euclid(1024) as u32;
    let column = at(cos * x - sin * y, shift[0]);
    let row = at(sin * x + cos * y, shift[1]);
    let scale = ((bits >> 20 & 63) + zoom).saturating_sub(6).min(63);
    let angle = ((bits >> 26) + turn) % 64;
    Place(column | row << 10 | scale << 20 | angle << 26)
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// MiB of this process, as Linux tells; 0 elsewhere.
fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let kib = line.and_then(|l| l.split_ascii_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}
