//! Groups of duplicates, and what is no match.

use std::collections::HashMap;

use resight_engine as engine;
use resight_engine::{DuplicateOptions, PathState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::told_apart::told_apart;
use super::{Picture, Reader, timestamp};

/// Groups of pictures that are the same or show the same: the closest kinds first, of one kind the
/// largest.
#[derive(Debug, Serialize, ToSchema)]
pub struct DuplicateList {
    /// Whether every picture has been looked for.
    complete: bool,
    /// Pictures that have not been looked for yet; a running server does that by itself.
    pending: u64,
    /// Number of groups that fit what was asked for.
    total: usize,
    /// How many were skipped.
    offset: usize,
    /// At most so many were asked for.
    limit: usize,
    groups: Vec<DuplicateGroup>,
}

/// Pictures that were verified with each other: copies with more than half of the other members each,
/// those that only show the same scene with three quarters.
#[derive(Debug, Serialize, ToSchema)]
struct DuplicateGroup {
    /// The loosest kind among its pairs: `identical`, `re-encoded`, `derivative`, `edited`, `cropped` or
    /// `same_scene`.
    #[schema(example = "re-encoded")]
    kind: &'static str,
    /// Those whose files are gone last; of the others those with most pages first, then raw files, then by
    /// pixels, by what the format keeps, by bytes, and the oldest first.
    members: Vec<Member>,
    /// Whether a member is mirrored against another.
    mirrored: bool,
    /// Whether a member is another's negative.
    inverted: bool,
    /// Number of verified pairs among the members.
    pair_count: usize,
    /// The pairs, the surest first; of a large group the first hundred.
    pairs: Vec<Pair>,
}

/// A picture of a group.
#[derive(Debug, Serialize, ToSchema)]
struct Member {
    image: Picture,
    /// Files that have exactly these bytes, each once, however many paths lead to it: 1 for an upload
    /// without a path, 0 where all are gone.
    files: usize,
    /// Whether it is the first of those that are there: a suggestion which one to keep.
    largest: bool,
    /// Whether nothing is at any of its paths any more, and it was not uploaded.
    missing: bool,
    /// All its paths: files that are there first, then further paths to them.
    paths: Vec<StoredPath>,
}

/// A path of a picture, and what was there when this was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StoredPath {
    /// In a group, the last names of the path, as many as tell the paths of the group apart; of one picture, the
    /// whole path.
    #[schema(example = "2019/a.jpg")]
    path: String,
    /// `present`; `link`: the same file as at `link_to`, through a symbolic link; `hard_link`: the same file
    /// without one; `missing`: nothing is there; `unreachable`: that cannot be known, and it counts as a file.
    #[schema(example = "present")]
    state: &'static str,
    /// The path that stands for the file of a `link` or `hard_link`; null otherwise.
    #[schema(required)]
    link_to: Option<String>,
}

/// Two pictures of a group, with the evidence.
#[derive(Debug, Serialize, ToSchema)]
struct Pair {
    /// Id of the older.
    a: String,
    /// Id of the newer.
    b: String,
    /// As in the group.
    kind: &'static str,
    /// log10 of how many such fits chance would give; the lower, the surer.
    nfa_log10: f64,
    /// Number of matched points that fit the transform.
    inliers: u32,
    /// Share of `a` that they span, 0 to 1.
    coverage_a: f64,
    /// Share of `b` that they span, 0 to 1.
    coverage_b: f64,
    /// Share of what both show whose pixels agree as well, 0 to 1; null where they could not be
    /// compared.
    #[schema(required)]
    same_share: Option<f64>,
    /// The 3x3 matrix from the pixels of `a` to those of `b`, row by row.
    transform: [f64; 9],
    /// Id of the master in a pair of kind `derivative`: the raw file, the deeper one or the TIFF; else null, and
    /// where a picture was stored by a version that did not count bits a sample.
    #[schema(required)]
    master: Option<String>,
    /// Whether one is mirrored against the other.
    mirrored: bool,
    /// Whether one is the other's negative.
    inverted: bool,
    /// Boxes of `b` that differ from `a` in an edited pair, the largest first, at most eight: left, top,
    /// right and bottom in pixels. Empty where the change is everywhere.
    regions: Vec<[f32; 4]>,
}

impl DuplicateList {
    /// `options` are those that were asked for.
    pub fn new(
        found: engine::DuplicateGroups,
        options: &DuplicateOptions,
        reader: Reader<'_>,
    ) -> Self {
        let groups = found.groups.into_iter();
        Self {
            complete: found.pending == 0,
            pending: found.pending,
            total: found.total,
            offset: options.offset,
            limit: options.limit,
            groups: groups
                .map(|group| DuplicateGroup::new(group, reader))
                .collect(),
        }
    }
}

impl DuplicateList {
    /// The groups one by one.
    pub fn groups(&self) -> impl Iterator<Item = impl Serialize> {
        self.groups.iter()
    }
}

impl DuplicateGroup {
    fn new(group: engine::DuplicateGroup, reader: Reader<'_>) -> Self {
        let all = group.members.iter().flat_map(|member| &member.paths);
        let short = match reader {
            Reader::Local(_) => HashMap::new(),
            Reader::Remote(_) => told_apart(all.map(|one| &*one.path)),
        };
        let members = group.members.into_iter().enumerate();
        Self {
            kind: group.kind.as_str(),
            members: members
                .map(|(i, member)| Member {
                    files: member.files(),
                    largest: i == 0 && !member.is_missing(),
                    missing: member.is_missing(),
                    paths: member
                        .paths
                        .into_iter()
                        .map(|one| StoredPath::new(one, &short))
                        .collect(),
                    image: Picture::new(member.picture, reader),
                })
                .collect(),
            mirrored: group.pairs.iter().any(|pair| pair.mirrored),
            inverted: group.pairs.iter().any(|pair| pair.inverted),
            pair_count: group.pair_count,
            pairs: group.pairs.into_iter().map(Pair::from).collect(),
        }
    }
}

impl StoredPath {
    /// `short` has the names to tell in place of paths; a path that it lacks is told as it is.
    pub(super) fn new(found: engine::SourcePath, short: &HashMap<String, String>) -> Self {
        let told = |path: String| short.get(&path).cloned().unwrap_or(path);
        let state = state_name(&found.state);
        let link_to = match found.state {
            PathState::Link { to } | PathState::HardLink { to } => Some(to),
            PathState::Present | PathState::Missing | PathState::Unreachable => None,
        };
        Self {
            path: told(found.path),
            state,
            link_to: link_to.map(told),
        }
    }
}

/// The name of what is at a path.
pub fn state_name(state: &PathState) -> &'static str {
    match state {
        PathState::Present => "present",
        PathState::Link { .. } => "link",
        PathState::HardLink { .. } => "hard_link",
        PathState::Missing => "missing",
        PathState::Unreachable => "unreachable",
    }
}

impl From<engine::DuplicatePair> for Pair {
    fn from(pair: engine::DuplicatePair) -> Self {
        Self {
            a: pair.a.to_string(),
            b: pair.b.to_string(),
            kind: pair.kind.as_str(),
            nfa_log10: pair.log10_nfa,
            inliers: pair.inliers,
            coverage_a: pair.coverage_a,
            coverage_b: pair.coverage_b,
            same_share: pair.alike,
            transform: pair.transform,
            master: pair.master.map(|id| id.to_string()),
            mirrored: pair.mirrored,
            inverted: pair.inverted,
            regions: pair.regions,
        }
    }
}

/// Two stored pictures.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with a and b")]
pub struct TwoPictures {
    /// Id of the one.
    pub a: String,
    /// Id of the other.
    pub b: String,
}

/// What is said of two pictures now.
#[derive(Debug, Serialize, ToSchema)]
pub struct Decision {
    /// The lower id.
    pub a: String,
    /// The higher id.
    pub b: String,
    /// Whether they are held apart now.
    pub not_a_match: bool,
    /// Whether that is new.
    pub changed: bool,
}

impl Decision {
    /// The two in either order.
    pub fn new([a, b]: [&engine::PictureId; 2], not_a_match: bool, changed: bool) -> Self {
        Self {
            a: a.min(b).to_string(),
            b: a.max(b).to_string(),
            not_a_match,
            changed,
        }
    }
}

/// Pairs that are no match, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotAMatchList {
    /// Number in all.
    total: u64,
    /// How many were skipped.
    offset: u64,
    /// At most so many were asked for.
    limit: u64,
    /// Give this as `cursor` for the next page; null when this was the last.
    #[schema(required, value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Option<String>>,
    pairs: Vec<NotAMatch>,
}

/// A pair that is no match.
#[derive(Debug, Serialize, ToSchema)]
struct NotAMatch {
    /// The lower id.
    a: String,
    /// The higher id.
    b: String,
    /// The picture; null while it is not held.
    #[schema(required)]
    image_a: Option<Picture>,
    /// The picture; null while it is not held.
    #[schema(required)]
    image_b: Option<Picture>,
    /// When it was said (RFC 3339, UTC).
    #[schema(format = DateTime)]
    decided: String,
}

impl NotAMatchList {
    /// `offset` and `limit` are those that were asked for.
    pub fn new(page: engine::RefutedPage, offset: u64, limit: u64, reader: Reader<'_>) -> Self {
        let pairs = page.pairs.into_iter().map(|said| NotAMatch {
            a: said.a.0.to_string(),
            b: said.b.0.to_string(),
            image_a: said.a.1.map(|picture| Picture::new(picture, reader)),
            image_b: said.b.1.map(|picture| Picture::new(picture, reader)),
            decided: timestamp(said.decided_ms),
        });
        Self {
            total: page.total,
            offset,
            limit,
            next: None,
            pairs: pairs.collect(),
        }
    }

    /// With the cursor of the next page, where there is one.
    #[must_use]
    pub fn followed_by(self, next: Option<String>) -> Self {
        Self {
            next: Some(next),
            ..self
        }
    }
}
