//! Duplicates: which stored pictures are the same or show the same thing, found by searching for each
//! picture once.

pub(crate) mod aligned;
pub(crate) mod answer;
pub(crate) mod decoded;
pub(crate) mod further_pages;
pub(crate) mod grouped;
pub(crate) mod groups;
pub(crate) mod kind;
pub(crate) mod no_match;
pub(crate) mod pair_up;
pub(crate) mod pixels;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use resight_store::{PairLink, PairedPicture, PictureRecord, read_all};
use resight_vision::Transform;

use crate::error::EngineError;
use crate::library::Library;
use crate::picture::Picture;
use answer::{DuplicateGroup, DuplicateGroups, DuplicateOptions, DuplicatePair};
use grouped::{KeyGroup, page_of_groups};
use kind::{PairKind, master_rank};
use pair_up::{PairStep, pair_up};

/// Pairs returned of one group, at most.
const MOST_PAIRS: usize = 100;

/// Finds and groups the duplicates of a library.
#[derive(Clone)]
pub struct Duplicates {
    library: Arc<Library>,
}

impl Duplicates {
    /// Of `library`.
    pub fn new(library: Arc<Library>) -> Self {
        Self { library }
    }

    /// Pairs every picture that was not paired yet with those before it, and stores the verified pairs.
    /// Each step is durable; after a cancellation or a kill the next call goes on. Pictures added
    /// meanwhile are paired too. One call at a time.
    ///
    /// # Errors
    /// `cancelled`, and the store's.
    pub fn update(
        &self,
        cancel: &AtomicBool,
        on_step: &mut dyn FnMut(PairStep),
    ) -> Result<(), EngineError> {
        let mut all = PairStep::default();
        loop {
            let step = self.update_some(&|| cancel.load(Ordering::Relaxed))?;
            if step.done == 0 {
                return Ok(());
            }
            all.done += step.done;
            all.pairs += step.pairs;
            all.left = step.left;
            on_step(all);
        }
    }

    /// One step of [`Duplicates::update`], at most some seconds long; `done` is 0 when every picture has
    /// been paired.
    pub fn update_some(
        &self,
        is_cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<PairStep, EngineError> {
        pair_up(&self.library, is_cancelled)
    }

    /// The groups of the pictures paired so far.
    pub fn groups(&self, options: &DuplicateOptions) -> Result<DuplicateGroups, EngineError> {
        let catalogue = self.library.catalogue();
        let pending = catalogue.unchecked_count()?;
        let links = self.all_links()?;
        let no_match = read_all(
            |keys| *keys,
            |after, limit| catalogue.not_match_keys_after(after, limit),
        )?;
        let no_match: HashSet<(u64, u64)> = no_match.into_iter().collect();
        // Whole records, with labels, are read only of the groups that are returned.
        let paired = read_all(
            |picture: &PairedPicture| picture.key,
            |after, limit| catalogue.paired_after(after, limit),
        )?;
        let paired: HashMap<u64, PairedPicture> = paired.into_iter().map(|p| (p.key, p)).collect();
        let (total, page) = page_of_groups(&links, &no_match, &paired, options);
        let groups = page.into_iter().map(|group| self.read_group(group));
        Ok(DuplicateGroups {
            total,
            pending,
            groups: groups.collect::<Result<_, EngineError>>()?,
        })
    }

    /// All pairs, the surest first.
    fn all_links(&self) -> Result<Vec<PairLink>, EngineError> {
        let mut all = read_all(
            |link: &PairLink| (link.a, link.b),
            |after, limit| self.library.catalogue().links_after(after, limit),
        )?;
        // Stable: of equals, the older pair stays first.
        all.sort_by(|p, q| p.log10_nfa.total_cmp(&q.log10_nfa));
        Ok(all)
    }

    /// Reads the pictures and pairs of a group.
    fn read_group(&self, group: KeyGroup) -> Result<DuplicateGroup, EngineError> {
        let catalogue = self.library.catalogue();
        // Pictures removed meanwhile are left out.
        let records = catalogue.pictures(&group.keys)?;
        let members: Vec<PictureRecord> = records.into_iter().flatten().collect();
        let by_key: HashMap<u64, &PictureRecord> = members.iter().map(|m| (m.key, m)).collect();
        let first = group.pairs.iter().take(MOST_PAIRS);
        let keys: Vec<(u64, u64)> = first.map(|link| (link.a, link.b)).collect();
        let pairs = catalogue.pairs(&keys)?.into_iter().flatten();
        let pairs = pairs.filter_map(|pair| {
            let [a, b] = [*by_key.get(&pair.a)?, *by_key.get(&pair.b)?];
            let kind = PairKind::from_number(pair.kind);
            let rank = |record: &PictureRecord| master_rank(&record.media_type, record.depth);
            let master = if rank(a) > rank(b) { a } else { b };
            Some(DuplicatePair {
                a: a.id.clone(),
                b: b.id.clone(),
                kind,
                master: (kind == PairKind::Derivative).then(|| master.id.clone()),
                log10_nfa: pair.log10_nfa,
                inliers: pair.inliers,
                coverage_a: pair.coverage_a,
                coverage_b: pair.coverage_b,
                alike: pair.alike,
                transform: pair.transform,
                mirrored: Transform(pair.transform).is_mirroring(),
                inverted: pair.inverted,
                regions: pair.regions,
            })
        });
        let pairs = pairs.collect();
        Ok(DuplicateGroup {
            kind: group.kind,
            members: members.into_iter().map(Picture::from).collect(),
            pair_count: group.pairs.len(),
            pairs,
        })
    }
}
