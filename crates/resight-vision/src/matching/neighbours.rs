//! The nearest neighbours found so far, of query features and of result features.

use crate::dispatch::widest;

/// The nearest neighbours of one query feature: three words in this order, which kernels read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(super) struct Forward {
    /// Nearest distance and its result feature; both `u32::MAX` while there is none.
    pub(super) nearest: (u32, u32),
    /// Second nearest distance; `u32::MAX` while there is none.
    pub(super) second: u32,
}

impl Forward {
    pub(super) const NONE: Self = Self {
        nearest: (u32::MAX, u32::MAX),
        second: u32::MAX,
    };

    /// Ties go to the smaller index, so the order of the offers does not matter.
    #[inline(always)]
    pub(super) fn offer(&mut self, distance: u32, result: u32) {
        if (distance, result) < self.nearest {
            self.second = self.nearest.0;
            self.nearest = (distance, result);
        } else if distance < self.second {
            self.second = distance;
        }
    }

    /// Offers the nearest of several result features, and the second nearest distance among them.
    #[inline(always)]
    pub(super) fn offer_best(&mut self, nearest: (u32, u32), second: u32) {
        if nearest.0 <= self.second {
            self.offer(nearest.0, nearest.1);
            self.second = self.second.min(second);
        }
    }
}

/// The nearest query feature of each result feature and its distance, both `u32::MAX` while there
/// is none. Two lists rather than one of pairs, so that vector instructions update a run of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Backward {
    pub(super) distances: Vec<u32>,
    pub(super) queries: Vec<u32>,
}

impl Backward {
    pub(super) fn none(results: usize) -> Self {
        Self {
            distances: vec![u32::MAX; results],
            queries: vec![u32::MAX; results],
        }
    }
}

#[inline(always)]
fn offer_backward_body(new: &[u32], query: u32, distances: &mut [u32], queries: &mut [u32]) {
    for ((&d, distance), index) in new.iter().zip(distances).zip(queries) {
        let nearer = (d < *distance) | ((d == *distance) & (query < *index));
        *distance = if nearer { d } else { *distance };
        *index = if nearer { query } else { *index };
    }
}

widest! {
    /// Offers the query feature `query`, at the distances `new`, to as many result features.
    pub(super) fn offer_backward(new: &[u32], query: u32, distances: &mut [u32], queries: &mut [u32]) = offer_backward_body
}

/// Inserts `new` into an ascending list of fixed length, and drops the list's last entry, if `new`
/// is less than that entry.
#[inline]
pub fn keep_nearest(list: &mut [(u32, u32)], new: (u32, u32)) {
    let mut at = list.len();
    while at > 0 && new < list[at - 1] {
        at -= 1;
    }
    if at < list.len() {
        list[at..].rotate_right(1);
        list[at] = new;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Simd;
    use resight_test_support::Random;

    #[test]
    fn a_list_keeps_its_smallest_in_order() {
        let mut random = Random::new(4);
        for length in [1, 2, 5] {
            let all: Vec<(u32, u32)> = (0..100).map(|i| (random.below(20) as u32, i)).collect();
            let mut list = vec![(u32::MAX, u32::MAX); length];
            for &new in &all {
                keep_nearest(&mut list, new);
            }
            let mut sorted = all;
            sorted.sort_unstable();
            assert_eq!(list, sorted[..length]);
        }
        keep_nearest(&mut [], (1, 1));
    }

    #[test]
    fn the_order_of_offers_does_not_matter() {
        let mut random = Random::new(5);
        for count in [1, 2, 3, 30] {
            // Few distances, so that many are equal.
            let mut offers: Vec<(u32, u32)> = (0..count)
                .map(|result| (random.below(4) as u32, result))
                .collect();
            let of = |offers: &[(u32, u32)]| {
                let mut forward = Forward::NONE;
                for &(distance, result) in offers {
                    forward.offer(distance, result);
                }
                forward
            };
            let want = of(&offers);
            offers.reverse();
            assert_eq!(of(&offers), want);
            let middle = offers.len() / 2;
            offers.rotate_left(middle);
            assert_eq!(of(&offers), want);
            // In two parts, each by its own best.
            let (first, rest) = offers.split_at(middle);
            let mut joined = Forward::NONE;
            for part in [of(first), of(rest)] {
                joined.offer_best(part.nearest, part.second);
            }
            assert_eq!(joined, want);
        }
    }

    #[test]
    fn every_level_offers_backward_alike() {
        let mut random = Random::new(6);
        let mut rounds: Vec<(u32, Vec<u32>)> = (0..9)
            .map(|query| {
                let distances = (0..67).map(|_| random.below(5) as u32).collect();
                (query, distances)
            })
            .collect();
        let want: Vec<(u32, u32)> = (0..67)
            .map(|i| rounds.iter().map(|(query, d)| (d[i], *query)).min())
            .map(|least| least.unwrap())
            .collect();
        for &simd in Simd::available() {
            let mut backward = Backward::none(67);
            for (query, new) in &rounds {
                offer_backward(
                    simd,
                    new,
                    *query,
                    &mut backward.distances,
                    &mut backward.queries,
                );
            }
            let found = backward.distances.into_iter().zip(backward.queries);
            assert_eq!(found.collect::<Vec<_>>(), want, "{}", simd.name());
            rounds.reverse();
        }
    }
}
