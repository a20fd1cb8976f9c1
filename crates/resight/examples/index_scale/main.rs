//! How the index and whole searches hold up as they grow, without a million photographs:
//!
//! ```console
//! cargo run --release -p resight --example index_scale -- --photos DIR --set DIR… \
//!     [--untimed DIR…] [--sizes 3000,10000,100000,1000000] [--folder DIR]
//! ```
//!
//! The labelled pictures of the sets and the photos are added, then *synthetic* ones until there are
//! so many. A synthetic picture is no picture but a list of visual words with signatures: as many as
//! some photo of `--photos` has, a third each of three photos' features, each signature with one bit
//! in five flipped, and each third moved, turned and zoomed by chance. So words come as often, and as
//! often together, as in photos, and no signature stands twice; but real collections have pictures
//! that are more alike than these. 1,994 photos are behind all of them. Where a synthetic picture is
//! looked at closely, it has the features of the photo that gave it its length (`grown.rs`).
//!
//! At each size the sets' queries are asked: the index alone, then whole searches of the file's bytes
//! through the engine (reading, describing, candidates, features from SQLite, verification), with and
//! without query expansion and variants of the query (mirrored, inverted), after each was asked once to
//! bring its lists into memory. Printed: pictures a second of adding, merging and saving (making them up is
//! not counted), bytes a picture, memory (while adding: looked at after each thousand), milliseconds, and recall@k: the share of the queries whose
//! shortlist of k has a right picture, and the share of all right pictures in it; and of the whole
//! searches the share of all right pictures that were looked at closely, and that are verified. The
//! last line is JSON. The index is in `--folder` (a temporary one), 14 KB a picture of 1,000 features. What
//! an earlier run left there is asked as it is, and added to: one that had the same sets and photos.
//! Then no rate of adding is told.

mod asking;
mod grown;
mod synthetic;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use rayon::prelude::*;
use resight_app::eval::GroundTruth;
use resight_engine::{
    Components, EngineOptions, IndexFolder, Indexer, Library, PictureId, local_features,
};
use resight_index::{CandidateOptions, Index, Key, PictureWords, Posting, Vocabulary};
use resight_store::{Catalogue, EncodedWords, FolderBlobs, Pictures, SqliteCatalogue};
use resight_vision::Sift;
use serde_json::json;

use asking::{Query, ask_index, ask_whole};
use grown::Grown;
use synthetic::{donor, synthetic};

const BATCH: u64 = 1000;

#[derive(Parser)]
struct Arguments {
    #[arg(long)]
    photos: PathBuf,
    #[arg(long)]
    set: Vec<PathBuf>,
    /// Sets whose queries are asked too, and do not count in the times: altered pictures are small.
    #[arg(long)]
    untimed: Vec<PathBuf>,
    #[arg(long, value_delimiter = ',', default_value = "3000,10000,100000")]
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

// Long because it is one measurement from beginning to end, whose steps share their values.
fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let temporary = tempfile::tempdir()?;
    let vocabulary = match &arguments.vocabulary {
        Some(path) => Arc::new(Vocabulary::from_bytes(&std::fs::read(path)?)?),
        None => Vocabulary::generic(),
    };
    let data = temporary.path().join("data");
    let catalogue = Arc::new(SqliteCatalogue::open(&data)?);
    let blobs = Arc::new(FolderBlobs::open(&temporary.path().join("blobs"))?);
    let parts = |catalogue: Arc<dyn Catalogue>, index: Option<IndexFolder>| Components {
        catalogue,
        blobs: blobs.clone(),
        extractor: Arc::new(Sift::default()),
        vocabulary: vocabulary.clone(),
        index,
        convert: false,
    };
    let engine = Library::open(parts(catalogue.clone(), None), EngineOptions::default())?;
    let engine = Arc::new(engine);

    let mut queries = Vec::new();
    let sets: Vec<PathBuf> = [&arguments.set[..], &arguments.untimed].concat();
    for (set, dir) in sets.iter().enumerate() {
        let mut own = add_set(&engine, &vocabulary, dir, set, arguments.queries)?;
        own.iter_mut()
            .for_each(|query| query.is_timed = set < arguments.set.len());
        queries.extend(own);
    }
    let labelled = catalogue.list(0, 1)?.first().map_or(0, |newest| newest.key);
    println!("{labelled} labelled pictures, {} queries", queries.len());
    for query in &mut queries {
        query.keys = (query.relevant.iter())
            .filter_map(|id| Some(Key(catalogue.picture(id).ok()??.key)))
            .collect();
    }
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&arguments.photos)?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    for path in &paths {
        // What is no picture is left out.
        let _refused =
            Indexer::new(engine.clone()).add(&std::fs::read(path)?, &path.to_string_lossy());
    }
    drop(engine);

    let tag = vocabulary.tag();
    let mut real = Vec::new();
    for (key, bytes) in catalogue.words_after(None, usize::MAX >> 1)? {
        real.push((Key(key), PictureWords::from_bytes(&bytes, tag)?));
    }
    let last_real = real.last().map_or(0, |r| r.0.0);
    let photos = real.iter().filter(|r| r.0.0 > labelled);
    let photos = photos.filter(|r| !r.1.postings().is_empty());
    let (photos, postings): (Vec<u64>, Vec<Vec<Posting>>) =
        photos.map(|r| (r.0.0, r.1.postings().to_vec())).unzip();
    let (photos, postings) = (Arc::new(photos), Arc::new(postings));
    println!("{} photos are behind the synthetic pictures", photos.len());

    let folder = IndexFolder {
        path: arguments
            .folder
            .unwrap_or_else(|| temporary.path().join("index")),
        writable: false,
    };
    // Where the engine looks for it: docs/index-format.md.
    let own = folder
        .path
        .join(tag.map(|byte| format!("{byte:02x}")).concat());
    let most = arguments.sizes.iter().copied().max().unwrap_or_default();
    let features = |words: &[Posting]| words.len() as u32;
    let mut all: Vec<(Key, u32)> = (real.iter())
        .map(|(key, words)| (*key, features(words.postings())))
        .collect();
    all.extend((last_real + 1..=most).map(|key| {
        let donor = donor(key, photos.len());
        (Key(key), features(&postings[donor]))
    }));
    let open = |writable| {
        Index::open(&vocabulary, &own, writable, || {
            Ok::<_, Box<dyn Error>>(all.clone())
        })
    };
    // Read only, as one that may write would take pictures above the largest size for removed ones.
    let held = open(false)?.1.last.map_or(0, |key| key.0);
    if let Some(size) = arguments.sizes.iter().find(|size| **size < held) {
        let why = format!("the folder holds {held} pictures: it cannot be asked at {size}");
        return Err(why.into());
    }
    if (1..last_real).contains(&held) {
        let why = format!(
            "the folder holds {held} pictures and there are {last_real} real ones: remove it"
        );
        return Err(why.into());
    }
    let (index, opened) = open(true)?;
    if let Some(lost) = opened.lost {
        println!("not all that is in the folder is used: {lost}");
    }

    let mut figures = serde_json::Map::new();
    let mut next = held.max(last_real) + 1;
    let mut added = 0;
    let mut spent = Duration::ZERO;
    let mut most_memory = 0;
    if held == 0 {
        added = real.len();
        let begun = Instant::now();
        index.add(real);
        spent = begun.elapsed();
        most_memory = memory("RssAnon:");
    }
    for size in arguments.sizes {
        while next <= size {
            let batch: Vec<(Key, PictureWords)> = (next..=size.min(next + BATCH - 1))
                .into_par_iter()
                .map(|key| (Key(key), synthetic(key, &postings)))
                .collect();
            next += batch.len() as u64;
            added += batch.len();
            let begun = Instant::now();
            index.add(batch);
            spent += begun.elapsed();
            most_memory = most_memory.max(memory("RssAnon:"));
        }
        let begun = Instant::now();
        index.settle();
        spent += begun.elapsed();
        let snapshot = index.snapshot();
        let bytes = snapshot.bytes() as f64 / snapshot.len() as f64;
        let rate = (held == 0).then(|| added as f64 / spent.as_secs_f64());
        println!(
            "\n{} pictures: {} added a second with up to {most_memory} MiB of memory, {bytes:.0} bytes a picture, {} MiB of memory of its own now, {} with files",
            snapshot.len(),
            rate.map_or("not timed how many".into(), |rate| format!("{rate:.0}")),
            memory("RssAnon:"),
            memory("VmRSS:"),
        );
        let mut put = |what: &str, value: serde_json::Value| {
            figures.insert(format!("{size}_{what}"), value);
        };
        put("added_per_second", json!(rate));
        put("bytes_per_picture", json!(bytes));
        put("own_memory_while_adding_mib", json!(most_memory));
        put("own_memory_mib", json!(memory("RssAnon:")));
        let options = CandidateOptions {
            limit: asking::SHORTLISTS[asking::SHORTLISTS.len() - 1],
            max_hamming: arguments.max_hamming,
            considered: arguments.considered,
        };
        ask_index(&snapshot, &queries, &options, &sets, &mut put);
        let grown = Grown {
            real: SqliteCatalogue::open_read_only(&data)?,
            photos: photos.clone(),
            postings: postings.clone(),
            last_real,
            pictures: next - 1,
            tag,
        };
        let engine = Library::open(
            parts(Arc::new(grown), Some(folder.clone())),
            EngineOptions::default(),
        )?;
        let engine = Arc::new(engine);
        ask_whole(&engine, &queries, &sets, &mut put)?;
    }
    println!("{}", serde_json::Value::Object(figures));
    Ok(())
}

/// Adds the pictures of a labelled set; its queries, their `keys` not known yet.
fn add_set(
    engine: &Arc<Library>,
    vocabulary: &Vocabulary,
    dir: &Path,
    set: usize,
    most: usize,
) -> Result<Vec<Query>, Box<dyn Error>> {
    let truth = GroundTruth::read(dir)?;
    let images = dir.join("images");
    let mut ids: Vec<(&String, PictureId)> = Vec::new();
    for name in &truth.database {
        let added = Indexer::new(engine.clone()).add(&std::fs::read(images.join(name))?, name)?;
        ids.push((name, added.picture.id));
    }
    let id_of = |name: &String| Some(ids.iter().find(|n| n.0 == name)?.1.clone());
    let step = truth.queries.len().div_ceil(most.max(1)).max(1);
    let chosen: Vec<_> = truth.queries.iter().step_by(step).collect();
    // One after the other, to be timed.
    let queries = chosen.iter().filter_map(|query| {
        let begun = Instant::now();
        let bytes = std::fs::read(images.join(&query.query)).ok()?;
        let (features, size) =
            local_features(&bytes, &**engine.extractor(), engine.options()).ok()?;
        let words = vocabulary.assign_query(&features, size, engine.options().matching_cells);
        Some(Query {
            set,
            bytes,
            is_timed: true,
            words,
            described_ms: begun.elapsed().as_secs_f64() * 1e3,
            // Itself is no answer.
            relevant: (query.relevant.iter().filter(|name| **name != query.query))
                .filter_map(id_of)
                .collect(),
            keys: Vec::new(),
        })
    });
    Ok(queries.filter(|q| !q.relevant.is_empty()).collect())
}

/// MiB of this process, as Linux tells; 0 elsewhere.
fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let kib = line.and_then(|l| l.split_ascii_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}
