//! Groups of duplicates as callers see them.

use resight_store::PictureId;

use super::kind::PairKind;
use crate::picture::Picture;
use crate::source_path::SourcePath;

/// Which groups are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DuplicateOptions {
    /// Groups to skip.
    pub offset: usize,
    /// Groups to return, at most.
    pub limit: usize,
    /// Only groups of this kind.
    pub kind: Option<PairKind>,
    /// Least number of files of a group. A picture counts once for each of its files, and once if it has
    /// none.
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

/// Groups of pictures that are the same or show the same thing: the closest kinds first, of one kind the
/// largest.
///
/// Copies of any kind are grouped first, and a picture is in at most one such group. Pictures that only
/// show the same scene are grouped after that; the first member of a group of copies takes part for all
/// of them.
#[derive(Clone, Debug, PartialEq)]
pub struct DuplicateGroups {
    /// Groups that match the options.
    pub total: usize,
    /// Pictures not paired yet.
    pub pending: u64,
    /// The requested groups.
    pub groups: Vec<DuplicateGroup>,
}

/// Pictures that were verified with each other.
#[derive(Clone, Debug, PartialEq)]
pub struct DuplicateGroup {
    /// The loosest kind among its pairs.
    pub kind: PairKind,
    /// Its pictures: those whose files are gone last; of the others those with most pages first, then raw files,
    /// then by pixels, by what their format keeps (TIFF and more than eight bits a sample before others), by
    /// bytes, then the oldest. A single one is stored in several files.
    pub members: Vec<DuplicateMember>,
    /// Number of verified pairs among them.
    pub pair_count: usize,
    /// The pairs, the surest first; at most a hundred.
    pub pairs: Vec<DuplicatePair>,
}

/// A picture of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct DuplicateMember {
    /// The picture; its sources are ordered as `paths` are.
    pub picture: Picture,
    /// All its paths: files that are there first, then further paths to them.
    pub paths: Vec<SourcePath>,
}

impl DuplicateMember {
    /// Number of files that have its bytes: 1 for an upload without a path, 0 where all are gone.
    pub fn files(&self) -> usize {
        let files = self.paths.iter().filter(|path| path.is_file()).count();
        files.max(usize::from(self.picture.uploaded))
    }

    /// Whether nothing is at any of its paths, and it was not uploaded.
    pub fn is_missing(&self) -> bool {
        self.files() == 0
    }
}

/// Two pictures of a group, with the evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct DuplicatePair {
    /// The older picture.
    pub a: PictureId,
    /// The newer picture.
    pub b: PictureId,
    /// How they are related.
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
    /// The master of a derivative; `None` also where the stored records do not tell it.
    pub master: Option<PictureId>,
    /// Whether one is mirrored against the other.
    pub mirrored: bool,
    /// Whether one is the other's negative.
    pub inverted: bool,
    /// Boxes of `b` that differ from `a` in an edited pair, the largest first, at most eight: left, top, right
    /// and bottom in pixels. Empty where the change is everywhere or was not found.
    pub regions: Vec<[f32; 4]>,
}
