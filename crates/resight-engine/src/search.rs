//! Search by picture: candidates by words, the best of which are matched and verified.

use std::sync::Arc;
use std::time::Instant;

use resight_index::{Candidate, CandidateOptions, Key, QueryWords};
use resight_store::{Filter, PictureId};
use resight_vision::LocalFeatures;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::examine::{Sought, lookers};
use crate::expansion::Found;
use crate::grouping::{self, Objects, SameObject};
use crate::picture::Picture;
use crate::stored_features::StoredFeatures;
use crate::visual::Visual;

/// Candidates without a verified one among them that end the search for more.
const PATIENCE: usize = 50;

/// Candidates examined at most for the sake of verified ones before them: where thousands show the
/// same thing, a search must still end.
pub(crate) const MOST_EXAMINED: usize = 1000;

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub enum Query<'a> {
    /// The bytes of a picture file.
    Bytes(&'a [u8]),
    /// A picture held; it is left out of its own results.
    Stored(&'a PictureId),
}

/// Which part of the ranking is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchOptions {
    /// Hits to skip.
    pub offset: usize,
    /// Hits to give.
    pub limit: usize,
    /// Leave out hits whose geometry does not agree.
    pub verified_only: bool,
    /// Ask the index once more with what verified hits show of the same thing: finds more of them and
    /// ranks the others better, and takes about as long as the first time.
    pub expand: bool,
    /// Look for these pictures only.
    pub filter: Filter,
    /// Give each object once, by the best of its pictures. Pictures of no object stand for
    /// themselves.
    pub group_by_object: bool,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            offset: 0,
            limit: 20,
            verified_only: false,
            expand: true,
            filter: Filter::default(),
            group_by_object: false,
        }
    }
}

/// The ranking, best first: verified hits by how unlikely chance is, then the others by words.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchAnswer {
    /// The picture held that was searched for; `None` for bytes.
    pub query_id: Option<PictureId>,
    /// Width of the query in pixels.
    pub query_width: u32,
    /// Height of the query in pixels.
    pub query_height: u32,
    /// Features found in it.
    pub query_features: usize,
    /// Candidates that were matched and verified; hits after them are ranked by the index alone.
    pub shortlist: usize,
    /// Hits in the whole ranking.
    pub total: usize,
    /// Verified hits in the whole ranking.
    pub verified: usize,
    /// The part asked for.
    pub hits: Vec<Hit>,
    /// Of each of these, the other pictures of its object; `None` where hits are not grouped.
    pub same_object: Option<Vec<SameObject>>,
    /// Where the time went.
    pub timings: Timings,
}

/// Milliseconds of each step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Timings {
    /// Reading the picture.
    pub decode_ms: f64,
    /// Finding and describing keypoints.
    pub extract_ms: f64,
    /// Assigning words and searching the index.
    pub candidates_ms: f64,
    /// Matching and verifying the shortlist.
    pub verify_ms: f64,
    /// Asking once more with what verified hits show; 0 where none is or it was not wanted.
    pub expand_ms: f64,
    /// All of it.
    pub total_ms: f64,
}

/// What found a hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Visual words in the inverted index.
    Words,
    /// Visual words of other hits, those that were verified.
    Expansion,
}

impl Stage {
    /// Its name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Expansion => "expansion",
        }
    }
}

/// A picture found, with the evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Which.
    pub picture: Picture,
    /// What found it.
    pub stage: Stage,
    /// Whether it was matched and verified at all; the index alone ranked those that were not.
    pub examined: bool,
    /// Whether the matches agree on one transform beyond chance.
    pub verified: bool,
    /// Matches that agree.
    pub inliers: usize,
    /// log10 of the number of false alarms; lower is surer. `None` when nothing agrees.
    pub log10_nfa: Option<f64>,
    /// Share of the query inside the hull of the inliers, 0..1.
    pub coverage_query: f64,
    /// Share of the result inside the hull of the inliers, 0..1.
    pub coverage_result: f64,
    /// Score of the words; comparable within one search.
    pub words: f64,
    /// Cosine of global descriptors, once there are any.
    pub cosine: Option<f64>,
    /// Query to result in pixels, row-major 3×3; verified hits only.
    pub transform: Option<[f64; 9]>,
    /// The query's outline in the result's pixels; verified hits only.
    pub region: Option<[[f64; 2]; 4]>,
    /// The inliers: x and y in the query, x and y in the result.
    pub matches: Vec<[f64; 4]>,
}

impl Engine {
    /// Finds the pictures that show the same thing.
    ///
    /// The best candidates are matched and verified: as many as [`EngineOptions::shortlist`], and
    /// on as long as one of the last few was verified, up to a thousand. Where some are, what they
    /// show may bring more ([`SearchOptions::expand`]). All other pictures that share a word follow, by
    /// words.
    ///
    /// [`EngineOptions::shortlist`]: crate::EngineOptions::shortlist
    pub fn search(
        &self,
        query: Query<'_>,
        options: &SearchOptions,
    ) -> Result<SearchAnswer, EngineError> {
        let start = Instant::now();
        let mut timings = Timings::default();
        let visual = self.visual();
        let (id, own_key, features, size) = self.query_features(query, &visual, &mut timings)?;

        let step = Instant::now();
        let snapshot = visual.index.snapshot();
        let words = visual
            .vocabulary
            .assign_query(&features, size, self.options.matching_cells);
        let among = self.among(&options.filter)?;
        let wanted = |key: Key| among.as_ref().is_none_or(|among| among.has(key));
        let objects = match options.group_by_object {
            true => Some(Objects::held(&*self.parts.catalogue)?),
            false => None,
        };
        let end = match objects {
            // Groups can be counted only when all that is in them is known.
            Some(_) if !options.verified_only => usize::MAX,
            _ => options.offset.saturating_add(options.limit),
        };
        let least = end.max(MOST_EXAMINED).max(self.options.shortlist);
        let ask = |words: &QueryWords| {
            let limit = least.saturating_add(usize::from(own_key.is_some()));
            let options = CandidateOptions {
                limit,
                ..CandidateOptions::default()
            };
            let mut found = snapshot.candidates_where(words, &options, &wanted);
            let before = found.best.len();
            found.best.retain(|c| Some(c.key.0) != own_key);
            found.total -= before - found.best.len();
            found.best.truncate(least);
            found
        };
        let mut found = Found {
            candidates: ask(&words),
            examined: Vec::new(),
        };
        timings.candidates_ms = milliseconds(step);

        let step = Instant::now();
        let sought = Sought {
            features: &features,
            size,
            lookers: lookers(&features, &words, &visual.vocabulary),
            visual: &visual,
        };
        self.examine_best(&sought, &mut found)?;
        timings.verify_ms = milliseconds(step);
        if options.expand {
            timings.expand_ms = self.expand(&sought, words, ask, &mut found)?;
        }

        let shortlist = found.examined.len();
        let candidates = found.candidates;
        let mut ranking = Ranking::new(&candidates.best, found.examined, options.verified_only);
        let groups = objects.map(|objects| ranking.group(&objects));
        let verified = ranking.verified;
        let total = match options.verified_only || groups.is_some() {
            true => ranking.all.len(),
            false => candidates.total - ranking.gone,
        };
        let page = self.page(ranking, options)?;
        let same_object = groups.map(|groups| self.same_object(&groups, &page, options.offset));
        let same_object = same_object.transpose()?;
        let hits = page.into_iter().flatten().collect();
        timings.total_ms = milliseconds(start);
        Ok(SearchAnswer {
            query_id: id,
            query_width: size[0],
            query_height: size[1],
            query_features: features.len(),
            shortlist,
            total,
            verified,
            hits,
            same_object,
            timings,
        })
    }

    /// Examines the best candidates, and on as long as one of the last few was verified.
    fn examine_best(&self, query: &Sought<'_>, found: &mut Found) -> Result<(), EngineError> {
        let (all, examined) = (&found.candidates.best, &mut found.examined);
        let mut wanted = self.options.shortlist;
        while examined.len() < wanted.min(all.len()) {
            let next = &all[examined.len()..wanted.min(all.len())];
            examined.extend(self.examine(query, next)?);
            let is_verified = |hit: &Option<Hit>| hit.as_ref().is_some_and(|hit| hit.verified);
            if let Some(last) = examined.iter().rposition(is_verified) {
                wanted = wanted.max((last + 1 + PATIENCE).min(MOST_EXAMINED));
            }
        }
        Ok(())
    }

    /// The part of the ranking that is asked for; `None` for pictures that are gone.
    fn page(
        &self,
        ranking: Ranking,
        options: &SearchOptions,
    ) -> Result<Vec<Option<Hit>>, EngineError> {
        let page = ranking.all.into_iter();
        let page: Vec<Ranked> = page.skip(options.offset).take(options.limit).collect();
        let unknown = page.iter().filter(|r| r.hit.is_none());
        let unknown: Vec<Candidate> = unknown.map(|r| r.candidate).collect();
        let mut unknown = self.unexamined(&unknown)?.into_iter();
        let hits = page.into_iter();
        Ok(hits
            .map(|r| r.hit.or_else(|| unknown.next().flatten()))
            .collect())
    }

    /// The id, the key to leave out, the features and the size of a query.
    #[allow(clippy::type_complexity)]
    fn query_features(
        &self,
        query: Query<'_>,
        visual: &Visual,
        timings: &mut Timings,
    ) -> Result<(Option<PictureId>, Option<u64>, LocalFeatures, [u32; 2]), EngineError> {
        match query {
            Query::Bytes(bytes) => {
                let described = self.describe(bytes, None)?;
                timings.decode_ms = described.decode_ms;
                timings.extract_ms = described.extract_ms;
                let size = [described.image.width(), described.image.height()];
                Ok((None, None, described.features, size))
            }
            Query::Stored(id) => {
                let unknown = || EngineError::UnknownPicture(id.clone());
                let record = self.parts.catalogue.picture(id)?.ok_or_else(unknown)?;
                let stored = self.fetch(visual, &[record.key])?;
                let stored: Arc<StoredFeatures> =
                    stored.into_iter().flatten().next().ok_or_else(unknown)?;
                let size = [record.width, record.height];
                Ok((
                    Some(record.id),
                    Some(record.key),
                    stored.features.clone(),
                    size,
                ))
            }
        }
    }
}

/// A place in the ranking.
struct Ranked {
    candidate: Candidate,
    /// `None` where it was not examined.
    hit: Option<Hit>,
}

/// Verified hits by how unlikely chance is, then all others by words.
struct Ranking {
    all: Vec<Ranked>,
    verified: usize,
    /// Examined pictures that were removed meanwhile.
    gone: usize,
}

impl Ranking {
    /// `examined` are the first of `candidates`, `None` for those that are gone.
    fn new(candidates: &[Candidate], examined: Vec<Option<Hit>>, verified_only: bool) -> Self {
        let rest = &candidates[examined.len()..];
        let gone = examined.iter().filter(|hit| hit.is_none()).count();
        let examined = candidates.iter().zip(examined);
        let (mut all, mut others): (Vec<Ranked>, Vec<Ranked>) = examined
            .filter_map(|(&candidate, hit)| {
                let hit = Some(hit?);
                Some(Ranked { candidate, hit })
            })
            .partition(|r| r.hit.as_ref().is_some_and(|h| h.verified));
        // Stable: of equals, the better candidate stays first.
        let nfa = |r: &Ranked| r.hit.as_ref().and_then(|h| h.log10_nfa).unwrap_or(0.0);
        all.sort_by(|a, b| nfa(a).total_cmp(&nfa(b)));
        let verified = all.len();
        if !verified_only {
            others.extend(rest.iter().map(|&candidate| Ranked {
                candidate,
                hit: None,
            }));
            others.sort_by(|a, b| {
                let (a, b) = (&a.candidate, &b.candidate);
                b.score.total_cmp(&a.score).then(a.key.cmp(&b.key))
            });
            all.append(&mut others);
        }
        Self {
            all,
            verified,
            gone,
        }
    }

    /// Leaves the best picture of each object; gives of each the others, best first.
    fn group(&mut self, objects: &Objects) -> Vec<Vec<Key>> {
        let all = std::mem::take(&mut self.all);
        let (best, others) = grouping::best_of_each(all, |r| r.candidate.key, objects);
        self.all = best;
        let is_verified = |r: &&Ranked| r.hit.as_ref().is_some_and(|h| h.verified);
        self.verified = self.all.iter().filter(is_verified).count();
        others
    }
}

pub(crate) fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
