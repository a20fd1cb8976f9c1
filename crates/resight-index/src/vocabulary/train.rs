//! Learning a vocabulary: k-means with the two-step search, then the medians of each word.

use rayon::prelude::*;
use resight_vision::{Descriptors, ModelId, squared_distances};

use super::assign::{PROJECTION_SHIFT, SIGNATURE_BITS, Vocabulary};
use super::format::VocabularyError;
use crate::random::SplitMix64;

/// Settings of training.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainOptions {
    /// Words wanted.
    pub words: usize,
    /// Rounds of k-means.
    pub rounds: usize,
    /// The same seed and descriptors give the same vocabulary.
    pub seed: u64,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            words: 65_536,
            rounds: 12,
            seed: 1,
        }
    }
}

/// Progress of training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainStep {
    /// Rounds done.
    pub round: usize,
    /// Rounds in all.
    pub rounds: usize,
    /// Mean squared distance of a descriptor to its word in this round.
    pub mean_squared_distance: f64,
}

/// Training needs at least this many descriptors a word.
const DESCRIPTORS_PER_WORD: usize = 4;
/// Of fewer descriptors a word's medians are noise; the projection of the word is used.
const MEDIAN_SAMPLES: usize = 8;

/// Learns `options.words` words from descriptors made by `model`; sums are integers, so the
/// number of threads changes nothing. `on_step` is called after each round, and ends the training by
/// returning `false`.
///
/// Errors: `TooFewFeatures`, `Cancelled`.
pub fn train(
    model: &ModelId,
    descriptors: &Descriptors,
    options: &TrainOptions,
    on_step: &mut dyn FnMut(TrainStep) -> bool,
) -> Result<Vocabulary, VocabularyError> {
    let dimension = descriptors.dimension();
    let words = options.words.max(1);
    let needed = words * DESCRIPTORS_PER_WORD;
    if descriptors.len() < needed {
        return Err(VocabularyError::TooFewFeatures {
            found: descriptors.len(),
            words,
            needed,
        });
    }
    let mut random = SplitMix64::new(options.seed);
    let mut vocabulary = Vocabulary {
        model: model.clone(),
        dimension,
        centres: Vec::new(),
        starts: vec![0],
        words: sample(descriptors, words, &mut random),
        projection: orthogonal_rows(dimension, &mut random),
        medians: vec![0; words * SIGNATURE_BITS],
        id: String::new(),
    };
    for round in 1..=options.rounds {
        group(&mut vocabulary, &mut random);
        let assigned = assign(&vocabulary, descriptors);
        let total: u64 = assigned.par_iter().map(|a| u64::from(a.0)).sum();
        move_words(&mut vocabulary, descriptors, &assigned, &mut random);
        let step = TrainStep {
            round,
            rounds: options.rounds,
            mean_squared_distance: total as f64 / descriptors.len() as f64,
        };
        if !on_step(step) {
            return Err(VocabularyError::Cancelled);
        }
    }
    group(&mut vocabulary, &mut random);
    set_medians(&mut vocabulary, descriptors);
    vocabulary.id = vocabulary.compute_id();
    Ok(vocabulary)
}

/// (squared distance, word) of each descriptor.
fn assign(vocabulary: &Vocabulary, descriptors: &Descriptors) -> Vec<(u32, u32)> {
    /// Descriptors in one part. They are copied for each cell that they visit, so parts bound memory.
    const AT_ONCE: usize = 4096;
    let parts = descriptors.as_bytes();
    let parts = parts.par_chunks(AT_ONCE * vocabulary.dimension);
    let parts = parts.map(|rows| vocabulary.nearest_word(rows));
    parts.collect::<Vec<_>>().concat()
}

/// Moves each word to the mean of its descriptors; a word without any starts again at a random
/// descriptor.
fn move_words(
    vocabulary: &mut Vocabulary,
    descriptors: &Descriptors,
    assigned: &[(u32, u32)],
    random: &mut SplitMix64,
) {
    let d = vocabulary.dimension;
    let mut by_word: Vec<(u32, u32)> = assigned.iter().map(|a| a.1).zip(0..).collect();
    by_word.par_sort_unstable();
    let mut filled = vec![false; vocabulary.words.len() / d];
    for run in by_word.chunk_by(|a, b| a.0 == b.0) {
        let word = run[0].0 as usize;
        filled[word] = true;
        let mut sums = vec![0u64; d];
        for &(_, i) in run {
            for (s, &b) in sums.iter_mut().zip(descriptors.get(i as usize)) {
                *s += u64::from(b);
            }
        }
        let n = run.len() as u64;
        for (w, s) in vocabulary.words[word * d..(word + 1) * d]
            .iter_mut()
            .zip(sums)
        {
            *w = ((s + n / 2) / n) as u8;
        }
    }
    for word in (0..filled.len()).filter(|&w| !filled[w]) {
        let from = random.below(descriptors.len());
        vocabulary.words[word * d..(word + 1) * d].copy_from_slice(descriptors.get(from));
    }
}

/// Groups the words into about √W cells by k-means and renumbers them cell by cell.
fn group(vocabulary: &mut Vocabulary, random: &mut SplitMix64) {
    let d = vocabulary.dimension;
    let words = vocabulary.words.len() / d;
    let cells = ((words as f64).sqrt().round() as usize).clamp(1, words);
    let mut centres = Vec::with_capacity(cells * d);
    for i in choose(words, cells, random) {
        centres.extend_from_slice(&vocabulary.words[i * d..(i + 1) * d]);
    }
    let mut nearest = Vec::new();
    for _ in 0..10 {
        nearest = vocabulary
            .words
            .par_chunks_exact(d)
            .map_init(Vec::new, |distances, w| {
                squared_distances(w, &centres, distances);
                distances.iter().zip(0u32..).min().map_or(0, |n| n.1)
            })
            .collect::<Vec<u32>>();
        let mut sums = vec![0u64; cells * d];
        let mut counts = vec![0u64; cells];
        for (w, &c) in vocabulary.words.chunks_exact(d).zip(&nearest) {
            counts[c as usize] += 1;
            for (s, &b) in sums[c as usize * d..].iter_mut().zip(w) {
                *s += u64::from(b);
            }
        }
        for (c, &n) in counts.iter().enumerate().filter(|c| *c.1 > 0) {
            for (to, &s) in centres[c * d..(c + 1) * d].iter_mut().zip(&sums[c * d..]) {
                *to = ((s + n / 2) / n) as u8;
            }
        }
    }
    let mut order: Vec<(u32, usize)> = nearest.into_iter().zip(0..).collect();
    order.sort_unstable();
    let mut sorted = Vec::with_capacity(vocabulary.words.len());
    let mut starts = vec![0u32];
    let mut kept = Vec::with_capacity(centres.len());
    // Cells without words are left out.
    for cell in order.chunk_by(|a, b| a.0 == b.0) {
        let centre = cell[0].0 as usize * d;
        kept.extend_from_slice(&centres[centre..centre + d]);
        for &(_, w) in cell {
            sorted.extend_from_slice(&vocabulary.words[w * d..(w + 1) * d]);
        }
        starts.push((sorted.len() / d) as u32);
    }
    vocabulary.words = sorted;
    vocabulary.starts = starts;
    vocabulary.centres = kept;
}

/// Medians of the projections of each word's descriptors (Jégou et al. 2008, §4.1).
fn set_medians(vocabulary: &mut Vocabulary, descriptors: &Descriptors) {
    let mut by_word: Vec<(u32, u32)> = assign(vocabulary, descriptors)
        .into_iter()
        .map(|a| a.1)
        .zip(0..)
        .collect();
    by_word.par_sort_unstable();
    let d = vocabulary.dimension;
    for (word, centre) in vocabulary.words.chunks_exact(d).enumerate() {
        let at = word * SIGNATURE_BITS;
        let own = vocabulary.project(centre);
        vocabulary.medians[at..at + SIGNATURE_BITS].copy_from_slice(&own);
    }
    let runs: Vec<&[(u32, u32)]> = by_word.chunk_by(|a, b| a.0 == b.0).collect();
    let medians: Vec<(u32, [i16; SIGNATURE_BITS])> = runs
        .par_iter()
        .filter(|run| run.len() >= MEDIAN_SAMPLES)
        .map(|run| {
            let projected: Vec<_> = run
                .iter()
                .map(|&(_, i)| vocabulary.project(descriptors.get(i as usize)))
                .collect();
            let mut medians = [0i16; SIGNATURE_BITS];
            for (bit, median) in medians.iter_mut().enumerate() {
                let mut values: Vec<i16> = projected.iter().map(|p| p[bit]).collect();
                let middle = values.len() / 2;
                *median = *values.select_nth_unstable(middle).1;
            }
            (run[0].0, medians)
        })
        .collect();
    for (word, median) in medians {
        let at = word as usize * SIGNATURE_BITS;
        vocabulary.medians[at..at + SIGNATURE_BITS].copy_from_slice(&median);
    }
}

fn sample(descriptors: &Descriptors, n: usize, random: &mut SplitMix64) -> Vec<u8> {
    choose(descriptors.len(), n, random)
        .into_iter()
        .flat_map(|i| descriptors.get(i).iter().copied())
        .collect()
}

/// `n` different random numbers below `from` (Floyd's sampling).
fn choose(from: usize, n: usize, random: &mut SplitMix64) -> Vec<usize> {
    let mut taken = std::collections::BTreeSet::new();
    for j in from - n..from {
        let t = random.below(j + 1);
        if !taken.insert(t) {
            taken.insert(j);
        }
    }
    taken.into_iter().collect()
}

/// 64 random rows of length `dimension`, in orthogonal groups of at most `dimension` (Gram–Schmidt),
/// scaled so that a projection fits 16 bits after the shift.
fn orthogonal_rows(dimension: usize, random: &mut SplitMix64) -> Vec<i8> {
    let mut rows: Vec<Vec<f64>> = Vec::new();
    for _ in 0..SIGNATURE_BITS {
        let mut row: Vec<f64> = (0..dimension).map(|_| normal(random)).collect();
        let group = rows.len() - rows.len() % dimension;
        for before in &rows[group..] {
            let dot: f64 = row.iter().zip(before).map(|(a, b)| a * b).sum();
            for (r, b) in row.iter_mut().zip(before) {
                *r -= dot * b;
            }
        }
        let norm = row.iter().map(|v| v * v).sum::<f64>().sqrt().max(1e-12);
        rows.push(row.into_iter().map(|v| v / norm).collect());
    }
    // A descriptor of length up to 255·√dimension times a row of length `scale`, shifted, must
    // stay within 16 bits; entries stay within 8.
    let longest = 255.0 * (dimension as f64).sqrt();
    let scale = (32_000.0 * f64::from(1u32 << PROJECTION_SHIFT) / longest).min(350.0);
    rows.iter()
        .flatten()
        .map(|v| (v * scale).round().clamp(-127.0, 127.0) as i8)
        .collect()
}

/// Close to normal: the sum of twelve uniform numbers.
fn normal(random: &mut SplitMix64) -> f64 {
    (0..12).map(|_| random.unit()).sum::<f64>() - 6.0
}
