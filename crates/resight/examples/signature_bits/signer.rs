//! Signatures of up to 128 bits.

use rayon::prelude::*;
use resight_index::QueryFeature;
use resight_test_support::Random;

use crate::{MOST, Picture};

/// What makes signatures.
pub(crate) struct Signer {
    rows: Vec<f32>,
    /// By word.
    medians: Vec<[f32; MOST]>,
}

impl Signer {
    fn project(rows: &[f32], descriptor: &[u8]) -> [f32; MOST] {
        let mut out = [0.0; MOST];
        for (out, row) in out.iter_mut().zip(rows.chunks_exact(descriptor.len())) {
            *out = row
                .iter()
                .zip(descriptor)
                .map(|(r, d)| r * f32::from(*d))
                .sum();
        }
        out
    }

    /// Of words that no descriptor of these has, the medians are 0.
    pub(crate) fn learn(dimension: usize, words: usize, photos: &[Picture]) -> Self {
        let rows = orthogonal_rows(dimension);
        let mut of_word: Vec<Vec<&[u8]>> = vec![Vec::new(); words];
        for photo in photos {
            for (word, row) in photo.words.iter().zip(photo.features.descriptors.iter()) {
                of_word[*word as usize].push(row);
            }
        }
        let medians = of_word.par_iter().map(|descriptors| {
            let projected: Vec<_> = (descriptors.iter())
                .map(|d| Self::project(&rows, d))
                .collect();
            std::array::from_fn(|bit| {
                let mut values: Vec<f32> = projected.iter().map(|p| p[bit]).collect();
                values.sort_by(f32::total_cmp);
                values.get(values.len() / 2).copied().unwrap_or_default()
            })
        });
        let medians = medians.collect();
        Self { rows, medians }
    }

    pub(crate) fn sign(&self, descriptor: &[u8], word: u32) -> u128 {
        let projected = Self::project(&self.rows, descriptor);
        let medians = &self.medians[word as usize];
        let bits = projected.iter().zip(medians).zip(0u32..);
        bits.fold(0, |all, ((p, m), bit)| all | u128::from(p > m) << bit)
    }
}

/// By Gram–Schmidt, of normal numbers.
fn orthogonal_rows(dimension: usize) -> Vec<f32> {
    let mut random = Random::new(5);
    let mut rows: Vec<Vec<f64>> = Vec::new();
    while rows.len() < MOST.min(dimension) {
        let mut row: Vec<f64> = (0..dimension)
            .map(|_| (0..12).map(|_| random.unit()).sum::<f64>() - 6.0)
            .collect();
        for before in &rows {
            let dot: f64 = row.iter().zip(before).map(|(a, b)| a * b).sum();
            row.iter_mut().zip(before).for_each(|(r, b)| *r -= dot * b);
        }
        let norm = row.iter().map(|v| v * v).sum::<f64>().sqrt();
        rows.push(row.into_iter().map(|v| v / norm).collect());
    }
    rows.into_iter().flatten().map(|v| v as f32).collect()
}

/// Of each feature of a query, its words and its signature in each.
pub(crate) type Words = Vec<Vec<(u32, u128)>>;

pub(crate) fn signed(picture: &Picture, words: &[QueryFeature], signer: &Signer) -> Words {
    let rows = words.par_iter().enumerate().map(|(number, feature)| {
        let descriptor = picture.features.descriptors.get(number);
        let words = feature.assigned.iter().map(|a| a.word);
        words
            .map(|word| (word, signer.sign(descriptor, word)))
            .collect()
    });
    rows.collect()
}
