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
mod verified_pair;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use resight_store::{PairLink, PairedPicture, PictureRecord, read_all};
use resight_vision::Transform;

use crate::error::EngineError;
use crate::library::Library;
use crate::library::damage::whole_records;
use crate::picture::Picture;
use crate::source_path::{file_count, source_paths};
use answer::{DuplicateGroup, DuplicateGroups, DuplicateMember, DuplicateOptions, DuplicatePair};
use grouped::{GroupedPicture, KeyGroup, Worth, page_of_groups};
use kind::{PairKind, master_rank};
use pair_up::{PairStep, pair_up};

/// Pairs returned of one group, at most.
const MOST_PAIRS: usize = 100;
/// Pictures whose paths are read at a time.
const PATHS_AT_ONCE: usize = 10_000;

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
        let pending = self.library.catalogue().unchecked_count()?;
        let (total, page) = self.key_groups(options)?;
        let groups = page.into_iter().map(|group| self.read_group(group));
        Ok(DuplicateGroups {
            total,
            pending,
            groups: groups.collect::<Result<_, EngineError>>()?,
        })
    }

    /// All groups of the pictures paired so far, as they are at one moment, each read when it is asked for.
    pub fn all_groups(
        &self,
    ) -> Result<impl Iterator<Item = Result<DuplicateGroup, EngineError>> + '_, EngineError> {
        let all = DuplicateOptions {
            limit: usize::MAX,
            ..DuplicateOptions::default()
        };
        let (_, groups) = self.key_groups(&all)?;
        Ok(groups.into_iter().map(|group| self.read_group(group)))
    }

    /// The number of groups that the options mean, and a page of them.
    fn key_groups(
        &self,
        options: &DuplicateOptions,
    ) -> Result<(usize, Vec<KeyGroup>), EngineError> {
        let catalogue = self.library.catalogue();
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
        let pictures = self.grouped_pictures(&paired)?;
        Ok(page_of_groups(&links, &no_match, &pictures, options))
    }

    /// The pictures by key, with the number of their files. Of a picture with one path the file is not
    /// looked at before it is shown.
    fn grouped_pictures(
        &self,
        paired: &[PairedPicture],
    ) -> Result<HashMap<u64, GroupedPicture>, EngineError> {
        let once = |picture: &PairedPicture| match picture.sources {
            0 => u64::from(picture.uploaded),
            _ => 1,
        };
        let grouped = |picture: &PairedPicture| GroupedPicture {
            worth: Worth::of(picture),
            files: once(picture),
        };
        let mut pictures: HashMap<u64, GroupedPicture> = paired
            .iter()
            .map(|picture| (picture.key, grouped(picture)))
            .collect();
        let several = paired.iter().filter(|picture| picture.sources > 1);
        let several: Vec<&PairedPicture> = several.collect();
        for some in several.chunks(PATHS_AT_ONCE) {
            let keys: Vec<u64> = some.iter().map(|picture| picture.key).collect();
            let paths = self.library.catalogue().source_paths(&keys)?;
            let counts: Vec<u64> = paths.par_iter().map(|paths| file_count(paths)).collect();
            for (picture, files) in some.iter().zip(counts) {
                if let Some(grouped) = pictures.get_mut(&picture.key) {
                    grouped.files = files.max(u64::from(picture.uploaded));
                }
            }
        }
        Ok(pictures)
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
        // Pictures that are damaged or were removed meanwhile are left out.
        let records = whole_records(catalogue, &group.keys)?;
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
                // Of pictures that were stored before the depth was, it may be known only while pairing.
                master: (kind == PairKind::Derivative && rank(a) != rank(b))
                    .then(|| master.id.clone()),
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
        let mut members: Vec<DuplicateMember> = members.into_par_iter().map(member).collect();
        members.sort_by_key(DuplicateMember::is_missing);
        Ok(DuplicateGroup {
            kind: group.kind,
            members,
            pair_count: group.pairs.len(),
            pairs,
        })
    }
}

/// A picture with what is at its paths now.
fn member(record: PictureRecord) -> DuplicateMember {
    let mut picture = Picture::from(record);
    let paths = source_paths(&picture.sources);
    picture.sources = paths.iter().map(|one| one.path.clone()).collect();
    DuplicateMember { picture, paths }
}
