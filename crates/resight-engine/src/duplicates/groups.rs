//! Groups whose members were verified with each other, and not along a chain.
//!
//! Invariant: each member of a group was verified with at least the [`Share`] of the others. So members of
//! a group of up to three are all verified pairwise; in larger groups any two that were not have a third
//! member with which both were verified. No two members are a pair that somebody decided is no match.
//!
//! Agglomeration with nearly complete linkage: pairs are taken in the given order, the surest first, and
//! the groups of the two are joined where the invariant holds for the result. This repeats until nothing
//! changes, since a refused join may be right once a group has grown.

use std::collections::{HashMap, HashSet};

/// The share of a group's other members with which each must have been verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    /// More than half: for copies. Their pixels agree too, and parts of one picture with little in common
    /// are often not verified with each other.
    Majority,
    /// Three quarters: where the geometry alone says that two show the same thing.
    ThreeQuarters,
}

impl Share {
    fn of(self, others: usize) -> usize {
        match self {
            Self::Majority => others / 2 + 1,
            Self::ThreeQuarters => (3 * others).div_ceil(4),
        }
    }
}

/// Groups of two and more, each ascending, in the order of their first members.
pub(crate) fn agglomerate(
    pairs: &[(u64, u64)],
    no_match: &HashSet<(u64, u64)>,
    share: Share,
) -> Vec<Vec<u64>> {
    let mut nodes: Vec<u64> = pairs.iter().flat_map(|&(a, b)| [a, b]).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let index: HashMap<u64, usize> = nodes.iter().copied().zip(0..).collect();
    let allowed = |&&(a, b): &&(u64, u64)| a != b && !no_match.contains(&(a.min(b), a.max(b)));
    let edges = pairs.iter().filter(allowed);
    let edges: Vec<(usize, usize)> = edges.map(|(a, b)| (index[a], index[b])).collect();
    let mut clusters = Clusters::new(nodes.len(), &edges, share);
    for (a, b) in no_match {
        if let (Some(&a), Some(&b)) = (index.get(a), index.get(b)) {
            clusters.apart[a].push(b);
            clusters.apart[b].push(a);
        }
    }
    let mut open = edges;
    // Pairs of clusters, with their sizes, that cannot be joined: many links ask for the same join.
    let mut refused = HashSet::new();
    loop {
        let before = clusters.joins;
        open.retain(|&(a, b)| {
            let Some(two) = clusters.two(a, b) else {
                return false;
            };
            let stays = refused.contains(&two) || !clusters.join(a, b);
            if stays {
                refused.insert(two);
            }
            stays
        });
        if clusters.joins == before {
            break;
        }
    }
    let groups = clusters.members.into_iter().filter(|m| m.len() > 1);
    let mut groups: Vec<Vec<u64>> = groups
        .map(|members| {
            let mut keys: Vec<u64> = members.into_iter().map(|i| nodes[i]).collect();
            keys.sort_unstable();
            keys
        })
        .collect();
    groups.sort_unstable();
    groups
}

struct Clusters {
    share: Share,
    /// The cluster of each node.
    of: Vec<usize>,
    members: Vec<Vec<usize>>,
    /// The nodes with which each was verified, each once.
    linked: Vec<Vec<usize>>,
    /// Number of those in the same cluster.
    inside: Vec<usize>,
    /// The nodes with which each must not share a cluster.
    apart: Vec<Vec<usize>>,
    joins: usize,
}

impl Clusters {
    fn new(nodes: usize, edges: &[(usize, usize)], share: Share) -> Self {
        let mut linked = vec![Vec::new(); nodes];
        for &(a, b) in edges {
            linked[a].push(b);
            linked[b].push(a);
        }
        for list in &mut linked {
            list.sort_unstable();
            list.dedup();
        }
        Self {
            share,
            of: (0..nodes).collect(),
            members: (0..nodes).map(|i| vec![i]).collect(),
            linked,
            inside: vec![0; nodes],
            apart: vec![Vec::new(); nodes],
            joins: 0,
        }
    }

    /// The clusters of two nodes, each with its size, ascending; `None` where it is one.
    fn two(&self, a: usize, b: usize) -> Option<[(usize, usize); 2]> {
        let (a, b) = (self.of[a], self.of[b]);
        let (a, b) = (a.min(b), a.max(b));
        (a != b).then(|| [a, b].map(|i| (i, self.members[i].len())))
    }

    /// Joins the clusters of two nodes if the invariant allows it.
    fn join(&mut self, a: usize, b: usize) -> bool {
        let (a, b) = (self.of[a], self.of[b]);
        let others = self.members[a].len() + self.members[b].len() - 1;
        let needed = self.share.of(others);
        let mut gained = Vec::new();
        for (here, there) in [(a, b), (b, a)] {
            for &node in &self.members[here] {
                let is_there = |other: &&usize| self.of[**other] == there;
                if self.apart[node].iter().any(|other| is_there(&other)) {
                    return false;
                }
                let links = self.linked[node].iter().filter(is_there).count();
                if self.inside[node] + links < needed {
                    return false;
                }
                gained.push((node, links));
            }
        }
        for (node, links) in gained {
            self.inside[node] += links;
        }
        // The smaller one moves.
        let (into, from) = if self.members[a].len() >= self.members[b].len() {
            (a, b)
        } else {
            (b, a)
        };
        let moved = std::mem::take(&mut self.members[from]);
        for &node in &moved {
            self.of[node] = into;
        }
        self.members[into].extend(moved);
        self.joins += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(share: Share, pairs: &[(u64, u64)]) -> Vec<Vec<u64>> {
        agglomerate(pairs, &HashSet::new(), share)
    }

    fn groups(pairs: &[(u64, u64)]) -> Vec<Vec<u64>> {
        by(Share::ThreeQuarters, pairs)
    }

    /// All pairs of these.
    fn all(keys: std::ops::Range<u64>) -> Vec<(u64, u64)> {
        keys.clone()
            .flat_map(|a| (a + 1..keys.end).map(move |b| (a, b)))
            .collect()
    }

    #[test]
    fn a_majority_joins_more_and_no_chains() {
        let groups = |pairs: &[(u64, u64)]| by(Share::Majority, pairs);
        assert_eq!(groups(&[(1, 2), (2, 3)]), [[1, 2]]);
        assert_eq!(groups(&[(1, 2), (1, 3), (1, 4)]), [[1, 2]]);
        let long: Vec<(u64, u64)> = (0..99).map(|i| (i, i + 1)).collect();
        assert!(groups(&long).iter().all(|group| group.len() == 2));
        let mut four = all(1..5);
        four.retain(|pair| *pair != (1, 4));
        assert_eq!(groups(&four), [[1, 2, 3, 4]]);
        // Two families, and one that shows both: it goes with either.
        let mut two = all(1..6);
        two.extend(all(11..16));
        two.extend((1..6).chain(11..16).map(|i| (i, 20)));
        let found = groups(&two);
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [6, 5]);
    }

    #[test]
    fn a_chain_is_not_one_group() {
        assert_eq!(groups(&[(1, 2), (2, 3)]), [[1, 2]]);
        // The surer pair counts.
        assert_eq!(groups(&[(2, 3), (1, 2)]), [[2, 3]]);
        assert_eq!(groups(&[(1, 2), (2, 3), (3, 4)]), [[1, 2], [3, 4]]);
        let long: Vec<(u64, u64)> = (0..99).map(|i| (i, i + 1)).collect();
        assert!(groups(&long).iter().all(|group| group.len() == 2));
        // A star: crops of one picture that have nothing in common.
        assert_eq!(groups(&[(1, 2), (1, 3), (1, 4)]), [[1, 2]]);
    }

    #[test]
    fn all_verified_pairwise_are_one_group_and_few_gaps_are_forgiven() {
        assert_eq!(groups(&all(1..4)), [[1, 2, 3]]);
        let mut eight = all(1..9);
        eight.retain(|pair| ![(1, 2), (3, 4)].contains(pair));
        assert_eq!(groups(&eight), [[1, 2, 3, 4, 5, 6, 7, 8]]);
        // Of four none may lack.
        let mut four = all(1..5);
        four.retain(|pair| *pair != (1, 4));
        assert_eq!(groups(&four), [[1, 2, 3]]);
        // Two families with a bridge.
        let mut two = all(1..6);
        two.extend(all(11..16));
        two.insert(0, (3, 13));
        let found = groups(&two);
        assert_eq!(found.iter().map(Vec::len).sum::<usize>(), 10);
        assert!(found.iter().all(|group| group.iter().all(|k| *k < 10)
            || group.iter().all(|k| *k > 10)
            || group == &[3, 13]));
    }

    #[test]
    fn what_is_no_match_is_never_together() {
        let apart = HashSet::from([(2, 7)]);
        for share in [Share::Majority, Share::ThreeQuarters] {
            for group in agglomerate(&all(1..9), &apart, share) {
                assert!(!(group.contains(&2) && group.contains(&7)), "{group:?}");
            }
            let found = agglomerate(&[(1, 2)], &HashSet::from([(1, 2)]), share);
            assert!(found.is_empty());
        }
    }

    #[test]
    fn the_same_pairs_give_the_same_groups() {
        let mut state = 7u64;
        let mut pairs = Vec::new();
        for _ in 0..400 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let (a, b) = (state >> 33 & 31, state >> 40 & 31);
            if a != b {
                pairs.push((a.min(b), a.max(b)));
            }
        }
        let linked: HashSet<(u64, u64)> = pairs.iter().copied().collect();
        for share in [Share::Majority, Share::ThreeQuarters] {
            let found = by(share, &pairs);
            assert_eq!(found, by(share, &pairs));
            for group in &found {
                for a in group {
                    let others = group.iter().filter(|b| *b != a);
                    let links = others.filter(|b| linked.contains(&(*a.min(b), *a.max(b))));
                    assert!(links.count() >= share.of(group.len() - 1), "{group:?}");
                }
            }
        }
    }
}
