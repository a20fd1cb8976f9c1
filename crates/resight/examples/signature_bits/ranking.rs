//! Rankings by votes alone.

use std::collections::HashMap;

use rayon::prelude::*;
use resight_app::eval::{Judged, LabelledQuery, average_precision};

use crate::signer::Words;
use crate::{LENGTHS, Picture, distances};

/// By word: which picture has it, with which signature.
pub(crate) type Lists = Vec<Vec<(u32, u128)>>;

pub(crate) fn lists(pictures: &[Picture], words: usize) -> Lists {
    let mut lists = vec![Vec::new(); words];
    for (picture, number) in pictures.iter().zip(0u32..) {
        for (word, signature) in picture.words.iter().zip(&picture.signatures) {
            lists[*word as usize].push((number, *signature));
        }
    }
    lists
}

pub(crate) struct Asked {
    pub(crate) query: LabelledQuery,
    pub(crate) words: Words,
}

/// A labelled set.
pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) database: Vec<Picture>,
    pub(crate) lists: Lists,
    pub(crate) asked: Vec<Asked>,
}

impl Set {
    /// Mean average precision among its own pictures and the photos, by votes of this length and of
    /// distances up to `most`.
    pub(crate) fn precision(
        &self,
        photos: &[Picture],
        photo_lists: &Lists,
        length: usize,
        most: usize,
    ) -> f64 {
        let all = self.asked.par_iter().map(|asked| {
            let lists = [&self.lists, photo_lists];
            let mut votes = [vec![0.0; self.database.len()], vec![0.0; photos.len()]];
            for words in &asked.words {
                for (own, votes) in lists.iter().zip(&mut votes) {
                    let mut given: HashMap<u32, f64> = HashMap::new();
                    for (word, signature) in words {
                        let have: usize = lists.iter().map(|l| l[*word as usize].len()).sum();
                        let pictures = self.database.len() + photos.len();
                        let idf = (1.0 + pictures as f64 / have.max(1) as f64).ln();
                        for (picture, other) in &own[*word as usize] {
                            let distance = distances(*signature, *other)[length];
                            if distance <= most {
                                let width = f64::from(LENGTHS[length]) / 4.0;
                                let vote = idf * idf * (-(distance as f64 / width).powi(2)).exp();
                                let best = given.entry(*picture).or_default();
                                *best = vote.max(*best);
                            }
                        }
                    }
                    given
                        .into_iter()
                        .for_each(|(picture, vote)| votes[picture as usize] += vote);
                }
            }
            let of =
                |pictures: &[Picture], votes: &[f64], own: bool| -> Vec<(f64, Option<usize>)> {
                    let scored = pictures.iter().zip(votes).zip(0..);
                    let score =
                        |votes: &f64, p: &Picture| votes / (p.words.len().max(1) as f64).sqrt();
                    scored
                        .map(|((p, votes), number)| (score(votes, p), own.then_some(number)))
                        .collect()
                };
            let mut ranking = of(&self.database, &votes[0], true);
            ranking.extend(of(photos, &votes[1], false));
            ranking.sort_by(|a, b| b.0.total_cmp(&a.0));
            let ranking = ranking
                .into_iter()
                .map(|(_, own)| own.map(|n| &self.database[n].name));
            asked.precision(ranking)
        });
        all.sum::<f64>() / self.asked.len().max(1) as f64
    }
}

impl Asked {
    /// Average precision of a ranking, `None` in it for photos.
    fn precision<'a>(&self, ranking: impl Iterator<Item = Option<&'a String>>) -> f64 {
        let query = &self.query;
        let counts = |name: &String| *name != query.query && !query.ignore.contains(name);
        let is_right = |name: &String| query.relevant.contains(name);
        let counted = ranking.filter(|name| name.is_none_or(counts));
        let relevant = query.relevant.iter().filter(|name| **name != query.query);
        average_precision(&Judged {
            ranking: counted.map(|name| name.is_some_and(is_right)).collect(),
            examined: 0,
            relevant: relevant.count(),
        })
    }
}
