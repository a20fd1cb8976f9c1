//! The groups of duplicates as callers see them.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use resight_store::{PairLink, PairedPicture, PictureId, PictureRecord, read_all};

use super::groups::{Share, agglomerate};
use super::kind::PairKind;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::picture::Picture;

/// Which groups are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DuplicateOptions {
    /// Groups to skip.
    pub offset: usize,
    /// Groups to give.
    pub limit: usize,
    /// Only groups of this kind.
    pub kind: Option<PairKind>,
    /// Only groups with so many files or more: a picture counts as often as there are files of it.
    pub min_size: usize,
}

impl Default for DuplicateOptions {
    fn default() -> Self {
        Self {
            offset: 0,
            limit: 20,
            kind: None,
            min_size: 2,
        }
    }
}

/// Groups of pictures that are the same or show the same: the closest kinds first, of one kind the
/// largest.
///
/// Copies, of whatever kind, are grouped first, and a picture is in one such group at most. Pictures
/// that only show the same scene are grouped after that; of a group of copies the first member takes
/// part for all.
#[derive(Clone, Debug, PartialEq)]
pub struct Duplicates {
    /// Groups that fit the options.
    pub total: usize,
    /// Pictures that have not been looked for yet; their pairs are missing.
    pub pending: u64,
    /// The groups asked for.
    pub groups: Vec<DuplicateGroup>,
}

/// Pictures that were verified with each other.
#[derive(Clone, Debug, PartialEq)]
pub struct DuplicateGroup {
    /// The loosest kind among its pairs.
    pub kind: PairKind,
    /// Its pictures: most pixels first, of those most bytes, of those the oldest. One alone is held
    /// in several files.
    pub members: Vec<Picture>,
    /// Number of verified pairs among them.
    pub pair_count: usize,
    /// The pairs, the surest first; of a large group the first hundred.
    pub pairs: Vec<DuplicatePair>,
}

/// Two pictures of a group, with the evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct DuplicatePair {
    /// The older.
    pub a: PictureId,
    /// The newer.
    pub b: PictureId,
    /// How they hang together.
    pub kind: PairKind,
    /// log10 of the number of false alarms; lower is surer.
    pub log10_nfa: f64,
    /// Matches that agree.
    pub inliers: u32,
    /// Share of `a` inside the hull of the inliers, 0..1.
    pub coverage_a: f64,
    /// Share of `b` inside the hull of the inliers, 0..1.
    pub coverage_b: f64,
    /// Share of what both show whose pixels agree, 0..1; `None` where they could not be compared.
    pub alike: Option<f64>,
    /// `a` to `b` in pixels, row-major 3×3.
    pub transform: [f64; 9],
}

/// Pairs read at a time.
const PAGE: usize = 20_000;

/// Pairs given of one group.
const MOST_PAIRS: usize = 100;

/// A group by its keys.
struct Group {
    kind: PairKind,
    keys: Vec<u64>,
    pairs: Vec<PairLink>,
}

impl Engine {
    /// The groups as far as pictures have been looked for: see [`Engine::update_pairs`].
    pub fn duplicates(&self, options: &DuplicateOptions) -> Result<Duplicates, EngineError> {
        let catalogue = &*self.parts.catalogue;
        let pending = catalogue.unchecked_count()?;
        let links = self.all_links()?;
        let no_match = read_all(
            |keys| *keys,
            |after, limit| catalogue.not_match_keys_after(after, limit),
        )?;
        let no_match: HashSet<(u64, u64)> = no_match.into_iter().collect();
        // Whole records, with all that is said about a picture, only of those that are given.
        let paired = read_all(
            |picture: &PairedPicture| picture.key,
            |after, limit| catalogue.paired_after(after, limit),
        )?;
        let paired: HashMap<u64, PairedPicture> = paired.into_iter().map(|p| (p.key, p)).collect();

        let files = |keys: &[u64]| -> u64 {
            let files = keys.iter().filter_map(|key| paired.get(key));
            files.map(|picture| picture.sources.max(1)).sum()
        };
        let mut groups = grouped(&links, &no_match, &paired);
        groups.retain(|group| {
            options.kind.is_none_or(|kind| kind == group.kind)
                && files(&group.keys) >= options.min_size as u64
        });
        groups.sort_by_key(|group| (group.kind, Reverse(files(&group.keys)), group.keys.clone()));
        let total = groups.len();
        let page = groups.into_iter().skip(options.offset).take(options.limit);
        let page = page.map(|group| self.group(group));
        Ok(Duplicates {
            total,
            pending,
            groups: page.collect::<Result<_, EngineError>>()?,
        })
    }

    /// The surest first.
    fn all_links(&self) -> Result<Vec<PairLink>, EngineError> {
        let mut all: Vec<PairLink> = Vec::new();
        loop {
            let after = all.last().map(|link| (link.a, link.b));
            let next = self.parts.catalogue.links_after(after, PAGE)?;
            if next.is_empty() {
                break;
            }
            all.extend(next);
        }
        // Stable: of equals, the older pair first.
        all.sort_by(|p, q| p.log10_nfa.total_cmp(&q.log10_nfa));
        Ok(all)
    }

    fn group(&self, group: Group) -> Result<DuplicateGroup, EngineError> {
        // Those that were removed meanwhile are left out.
        let records = self.parts.catalogue.pictures(&group.keys)?;
        let members: Vec<PictureRecord> = records.into_iter().flatten().collect();
        let ids: HashMap<u64, &PictureId> = members.iter().map(|m| (m.key, &m.id)).collect();
        let pair_count = group.pairs.len();
        let first = group.pairs.iter().take(MOST_PAIRS);
        let wanted: Vec<(u64, u64)> = first.map(|link| (link.a, link.b)).collect();
        let pairs = self.parts.catalogue.pairs(&wanted)?;
        let pairs = pairs.into_iter().flatten().filter_map(|pair| {
            Some(DuplicatePair {
                a: (*ids.get(&pair.a)?).clone(),
                b: (*ids.get(&pair.b)?).clone(),
                kind: PairKind::from_number(pair.kind),
                log10_nfa: pair.log10_nfa,
                inliers: pair.inliers,
                coverage_a: pair.coverage_a,
                coverage_b: pair.coverage_b,
                alike: pair.alike,
                transform: pair.transform,
            })
        });
        let pairs = pairs.collect();
        Ok(DuplicateGroup {
            kind: group.kind,
            members: members.into_iter().map(Picture::from).collect(),
            pair_count,
            pairs,
        })
    }
}

/// Groups of copies, then of scenes; of each the best member first.
fn grouped(
    links: &[PairLink],
    no_match: &HashSet<(u64, u64)>,
    paired: &HashMap<u64, PairedPicture>,
) -> Vec<Group> {
    let kind = |link: &PairLink| PairKind::from_number(link.kind);
    let is_held = |link: &&PairLink| paired.contains_key(&link.a) && paired.contains_key(&link.b);
    let (copies, scenes): (Vec<&PairLink>, Vec<&PairLink>) = links
        .iter()
        .filter(is_held)
        .partition(|link| kind(link).is_copy());
    let ends = |links: &[&PairLink]| links.iter().map(|l| (l.a, l.b)).collect::<Vec<_>>();

    let mut found = agglomerate(&ends(&copies), no_match, Share::Majority);
    let best = |keys: &mut Vec<u64>| {
        keys.sort_by_key(|key| {
            let size = paired.get(key).map_or((0, 0), |p| {
                (u64::from(p.width) * u64::from(p.height), p.byte_len)
            });
            (Reverse(size), *key)
        });
    };
    found.iter_mut().for_each(best);
    let copied: HashSet<u64> = found.iter().flatten().copied().collect();
    let hidden: HashSet<u64> = found.iter().flat_map(|g| &g[1..]).copied().collect();
    // One file under several names, where that is all there is to say of it.
    let mut alone: Vec<u64> = paired
        .values()
        .filter(|picture| picture.sources > 1 && !copied.contains(&picture.key))
        .map(|picture| picture.key)
        .collect();
    alone.sort_unstable();
    found.extend(alone.into_iter().map(|key| vec![key]));

    let shown = |link: &&&PairLink| !hidden.contains(&link.a) && !hidden.contains(&link.b);
    let scenes: Vec<&PairLink> = scenes.iter().filter(shown).copied().collect();
    let copies_end = found.len();
    let scenes_found = agglomerate(&ends(&scenes), no_match, Share::ThreeQuarters);
    found.extend(scenes_found);
    found[copies_end..].iter_mut().for_each(best);

    let group_of = |range: std::ops::Range<usize>| -> HashMap<u64, usize> {
        let numbered = range.flat_map(|i| found[i].iter().map(move |key| (*key, i)));
        numbered.collect()
    };
    let (in_copies, in_scenes) = (group_of(0..copies_end), group_of(copies_end..found.len()));
    let mut groups: Vec<Group> = found
        .iter()
        .map(|keys| Group {
            kind: PairKind::Identical,
            keys: keys.clone(),
            pairs: Vec::new(),
        })
        .collect();
    for (links, numbers) in [(&copies, &in_copies), (&scenes, &in_scenes)] {
        for link in links {
            let (a, b) = (numbers.get(&link.a), numbers.get(&link.b));
            if let Some(&i) = a.filter(|a| b == Some(a)) {
                groups[i].kind = groups[i].kind.max(kind(link));
                groups[i].pairs.push(**link);
            }
        }
    }
    groups
}
