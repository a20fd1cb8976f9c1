//! How long signatures should be: what 32, 64 and 128 bits keep of true matches, and let through of
//! false ones.
//!
//! ```console
//! cargo run --release -p resight --example signature_bits -- --photos DIR --set DIR…
//! ```
//!
//! Words are those of the shipped vocabulary; the signatures are made here, as its own are (Jégou, Douze
//! and Schmid, ECCV 2008): rows of one random orthogonal matrix, each bit set above the median of its
//! word, learnt from `--photos`. A shorter signature is the beginning of a longer one.
//!
//! True matches are the inliers of verified pairs of a query and its right picture where the right one's
//! word is one that the query's feature is looked up in; false ones are all that share such a word with
//! one of the photos. For each length, the largest distance that counts is the one that lets through no
//! larger a share of false ones than 24 of 64 bits do, and some about it. Then pictures are ranked by
//! votes alone, as the index does before geometry: weighted by distance (a Gaussian as wide as a quarter
//! of the bits) and by idf² (of postings, where the index counts pictures), one vote of a feature for a
//! picture. The last line is JSON.

mod ranking;
mod signer;

use std::error::Error;
use std::path::PathBuf;

use clap::Parser;
use rayon::prelude::*;
use resight_app::eval::GroundTruth;
use resight_engine::{Components, EngineOptions, Library, local_features};
use resight_index::Vocabulary;
use resight_store::{FolderBlobs, SqliteCatalogue};
use resight_vision::{
    Evidence, LocalFeatures, MatchOptions, Sift, VerifyOptions, match_all, verify,
};
use serde_json::json;

use ranking::{Asked, Set, lists};
use signer::{Signer, Words, signed};

const LENGTHS: [u32; 3] = [32, 64, 128];
const MOST: usize = 128;
/// Distances beside the one that lets through as many false ones as the index does.
const ABOUT: [i32; 3] = [-2, 0, 2];
/// What the index lets through: the place of its length among these, and the distance.
const OF_INDEX: (usize, usize) = (1, 24);

#[derive(Parser)]
struct Arguments {
    #[arg(long)]
    photos: PathBuf,
    #[arg(long, required = true)]
    set: Vec<PathBuf>,
}

struct Picture {
    name: String,
    features: LocalFeatures,
    size: [u32; 2],
    words: Vec<u32>,
    signatures: Vec<u128>,
}

/// How many bits of each length differ.
fn distances(a: u128, b: u128) -> [usize; 3] {
    LENGTHS.map(|length| ((a ^ b) << (128 - length)).count_ones() as usize)
}

/// How often each distance of each length came by.
#[derive(Clone)]
struct Counts([[u64; MOST + 1]; 3]);

impl Counts {
    fn count(&mut self, distances: [usize; 3]) {
        for (counts, distance) in self.0.iter_mut().zip(distances) {
            counts[distance] += 1;
        }
    }

    fn is_empty(&self) -> bool {
        self.0[0].iter().all(|count| *count == 0)
    }

    /// The share within a distance.
    fn within(&self, length: usize, distance: usize) -> f64 {
        let counts = &self.0[length];
        counts[..=distance].iter().sum::<u64>() as f64 / counts.iter().sum::<u64>().max(1) as f64
    }
}

/// Counts the inliers of the two, where they are verified.
fn count_right(query: &Picture, words: &Words, result: &Picture, right: &mut Counts) {
    let (a, b) = (&query.features, &result.features);
    let matches = match_all(&a.descriptors, &b.descriptors, &MatchOptions::default());
    let evidence = Evidence {
        query: &a.keypoints,
        result: &b.keypoints,
        matches: &matches,
        query_size: query.size.map(|v| v as f32),
        result_size: result.size.map(|v| v as f32),
        mirrored: false,
    };
    let found = verify(&evidence, &VerifyOptions::default()).filter(|found| found.verified);
    for inlier in found.iter().flat_map(|found| &found.inliers) {
        let (q, r) = (
            matches[*inlier].query as usize,
            matches[*inlier].result as usize,
        );
        let same = words[q].iter().find(|(word, _)| *word == result.words[r]);
        if let Some((_, signature)) = same {
            right.count(distances(*signature, result.signatures[r]));
        }
    }
}

// Long because it is one measurement from beginning to end, whose steps share their values.
fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let temporary = tempfile::tempdir()?;
    let vocabulary = Vocabulary::generic();
    let parts = Components {
        catalogue: std::sync::Arc::new(SqliteCatalogue::open(&temporary.path().join("data"))?),
        blobs: std::sync::Arc::new(FolderBlobs::open(&temporary.path().join("blobs"))?),
        extractor: std::sync::Arc::new(Sift::default()),
        vocabulary: vocabulary.clone(),
        index: None,
        convert: false,
    };
    let engine = Library::open(parts, EngineOptions::default())?;
    let described = |path: PathBuf| -> Option<Picture> {
        // What is no picture is left out.
        let (features, size) = {
            let bytes = std::fs::read(&path).ok()?;
            local_features(&bytes, &**engine.extractor(), engine.options()).ok()?
        };
        let words = vocabulary.assign(&features.descriptors);
        Some(Picture {
            name: path.file_name()?.to_string_lossy().into_owned(),
            words: words.into_iter().map(|assigned| assigned.word).collect(),
            features,
            size,
            signatures: Vec::new(),
        })
    };
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&arguments.photos)?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    let mut photos: Vec<Picture> = paths.into_iter().filter_map(described).collect();
    let dimension = photos
        .first()
        .map_or(0, |p| p.features.descriptors.dimension());
    if dimension < MOST {
        return Err("the photos have no features of 128 numbers and more".into());
    }
    let signer = Signer::learn(dimension, vocabulary.len(), &photos);
    let sign = |pictures: &mut Vec<Picture>| {
        pictures.par_iter_mut().for_each(|picture| {
            let rows = picture
                .words
                .iter()
                .zip(picture.features.descriptors.iter());
            picture.signatures = rows.map(|(word, row)| signer.sign(row, *word)).collect();
        });
    };
    sign(&mut photos);

    let none = Counts([[0; MOST + 1]; 3]);
    let (mut right, mut wrong) = (none.clone(), none);
    let mut sets = Vec::new();
    for dir in &arguments.set {
        let truth = GroundTruth::read(dir)?;
        let at = |name: &String| dir.join("images").join(name);
        let mut database: Vec<Picture> = (truth.database.iter())
            .filter_map(|name| described(at(name)))
            .collect();
        sign(&mut database);
        let mut asked = Vec::new();
        for query in &truth.queries {
            let Some(picture) = described(at(&query.query)) else {
                continue;
            };
            let words = vocabulary
                .assign_query(&picture.features, picture.size, 0)
                .features;
            let words = signed(&picture, &words, &signer);
            for relevant in database.iter().filter(|p| query.relevant.contains(&p.name)) {
                // Itself is no answer.
                if relevant.name != query.query {
                    count_right(&picture, &words, relevant, &mut right);
                }
            }
            asked.push(Asked {
                query: query.clone(),
                words,
            });
        }
        let own = lists(&database, vocabulary.len());
        sets.push(Set {
            name: truth.name,
            database,
            lists: own,
            asked,
        });
    }
    let lists = lists(&photos, vocabulary.len());
    for (word, signature) in sets
        .iter()
        .flat_map(|set| &set.asked)
        .flat_map(|a| a.words.iter().flatten())
    {
        for (_, other) in &lists[*word as usize] {
            wrong.count(distances(*signature, *other));
        }
    }
    let mut figures = serde_json::Map::new();
    if right.is_empty() || wrong.is_empty() {
        return Err("no query has a match to count: are these labelled sets and photos?".into());
    }
    let bound = wrong.within(OF_INDEX.0, OF_INDEX.1);
    for (number, length) in LENGTHS.into_iter().enumerate() {
        let alike = (0..=length as usize)
            .rev()
            .find(|d| wrong.within(number, *d) <= bound);
        for about in ABOUT {
            let most = alike
                .unwrap_or_default()
                .saturating_add_signed(about as isize)
                .min(length as usize);
            let (kept, let_through) = (right.within(number, most), wrong.within(number, most));
            print!(
                "{length:3} bits, at most {most:2}: {kept:.3} of true, {let_through:.4} of false"
            );
            let key = format!("{length}_bits_{most}");
            figures.insert(format!("{key}_true"), json!(kept));
            figures.insert(format!("{key}_false"), json!(let_through));
            for set in &sets {
                let precision = set.precision(&photos, &lists, number, most);
                print!(", {} mAP by votes {precision:.3}", set.name);
                figures.insert(format!("{key}_{}", set.name), json!(precision));
            }
            println!();
        }
    }
    println!("{}", serde_json::Value::Object(figures));
    Ok(())
}
