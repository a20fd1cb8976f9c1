//! Search by picture: candidates by words, the best of which are matched and verified.

use std::time::Instant;

use resight_index::{Candidate, CandidateOptions, Key, QueryWords};
use resight_store::Filter;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::examine::{Sought, lookers};
use crate::expansion::Found;
use crate::grouping::{self, Objects, SameObject};
use crate::instances::Instance;
use crate::picture::Picture;
use crate::query::{MOST_QUERIES, Query, QueryFacts, QueryPicture};

/// Candidates without a verified one among them that end the search for more.
const PATIENCE: usize = 50;

/// Candidates examined at most for the sake of verified ones before them: where thousands show the
/// same thing, a search must still end.
pub(crate) const MOST_EXAMINED: usize = 1000;

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
    /// Look for the query mirrored left to right too, where the extractor's features can be mirrored.
    pub mirrored: bool,
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
            mirrored: true,
        }
    }
}

/// The ranking, best first: verified hits by how unlikely chance is, then the others by words.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchAnswer {
    /// What was searched for, in the order it was given.
    pub queries: Vec<QueryFacts>,
    /// Candidates that were matched and verified; hits after them are ranked by the index alone.
    pub shortlist: usize,
    /// Hits in the whole ranking.
    pub total: usize,
    /// Verified hits in the whole ranking.
    pub verified: usize,
    /// Pictures left out because somebody said that they are no match of one searched for.
    pub left_out: usize,
    /// The part asked for.
    pub hits: Vec<Hit>,
    /// Of each of these, the other pictures of its object; `None` where hits are not grouped.
    pub same_object: Option<Vec<SameObject>>,
    /// Whether the mirrored query was looked for too: wanted, and possible with this extractor.
    pub mirrored: bool,
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
    /// Looking for the mirrored query; 0 where it was not.
    pub mirrored_ms: f64,
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
    /// Which of the search's pictures the evidence is about: the one it agrees with most surely.
    pub query: usize,
    /// Share of the query, or of its region, inside the hull of the inliers, 0..1.
    pub coverage_query: f64,
    /// Share of the result inside the hull of the inliers, 0..1.
    pub coverage_result: f64,
    /// Score of the words; comparable within one search.
    pub words: f64,
    /// Cosine of global descriptors, once there are any.
    pub cosine: Option<f64>,
    /// Whether the result shows the query mirrored; verified hits only.
    pub mirrored: bool,
    /// Query to result in pixels, row-major 3×3, of the query as it was given: it mirrors where
    /// `mirrored` says so. Verified hits only.
    pub transform: Option<[f64; 9]>,
    /// The outline of the query, or of its region, in the result's pixels, clipped to the result: 3 to
    /// 8 corners that follow
    /// the query's from its top left on clockwise (the other way round where it is mirrored), 4 where
    /// all of it is in the result. Verified hits only.
    pub region: Option<Vec<[f64; 2]>>,
    /// Every place where the query is seen in the result, this hit's own first; verified hits only.
    pub instances: Vec<Instance>,
    /// The inliers: x and y in the query, x and y in the result.
    pub matches: Vec<[f64; 4]>,
}

impl Engine {
    /// Finds the pictures that show the same thing; [`Engine::search_all`] with one picture.
    pub fn search(
        &self,
        query: Query<'_>,
        options: &SearchOptions,
    ) -> Result<SearchAnswer, EngineError> {
        self.search_all(&[query.into()], options)
    }

    /// Finds the pictures that show what one or several pictures, or regions of them, show.
    ///
    /// The best candidates are matched and verified: as many as [`EngineOptions::shortlist`], and
    /// on as long as one of the last few was verified, up to a thousand. Where some are, what they
    /// show may bring more ([`SearchOptions::expand`]). All other pictures that share a word follow, by
    /// words.
    ///
    /// Several pictures of one thing ask the index together, and each candidate is compared with each
    /// of them; the hit tells of the one it agrees with most surely. It costs as many times one search.
    ///
    /// # Errors
    /// `bad_query` for no picture, more than [`MOST_QUERIES`], or a region with next to no pixels.
    ///
    /// [`EngineOptions::shortlist`]: crate::EngineOptions::shortlist
    pub fn search_all(
        &self,
        queries: &[QueryPicture<'_>],
        options: &SearchOptions,
    ) -> Result<SearchAnswer, EngineError> {
        let start = Instant::now();
        if !(1..=MOST_QUERIES).contains(&queries.len()) {
            return Err(EngineError::BadQuery(format!(
                "a search takes 1 to {MOST_QUERIES} pictures, and {} were given",
                queries.len()
            )));
        }
        let mut timings = Timings::default();
        let visual = self.visual();
        let resolved = queries
            .iter()
            .map(|query| self.resolve(query, &visual, &mut timings))
            .collect::<Result<Vec<_>, _>>()?;

        let step = Instant::now();
        let snapshot = visual.index.snapshot();
        let mut words = QueryWords::default();
        let mut sought = Vec::with_capacity(resolved.len());
        for query in &resolved {
            let cells = self.options.matching_cells;
            let own = visual
                .vocabulary
                .assign_query(&query.features, query.size, cells);
            sought.push(Sought {
                features: &query.features,
                unmirrored: None,
                size: query.size,
                origin: query.origin,
                lookers: lookers(&query.features, &own, &visual.vocabulary),
                visual: &visual,
            });
            words.features.extend(own.features);
        }
        let own_keys: Vec<u64> = resolved.iter().filter_map(|query| query.key).collect();
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
        let ids = resolved.iter().filter_map(|query| query.facts.id.as_ref());
        let mut refuted = self.refuted(ids)?;
        refuted.retain(|key| !own_keys.contains(key));
        let ask = |words: &QueryWords| {
            let options = CandidateOptions {
                limit: least.saturating_add(own_keys.len() + refuted.len()),
                ..CandidateOptions::default()
            };
            let mut found = snapshot.candidates_where(words, &options, &wanted);
            let before = found.best.len();
            found
                .best
                .retain(|c| !own_keys.contains(&c.key.0) && !refuted.contains(&c.key.0));
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
        self.examine_best(&sought, &mut found)?;
        timings.verify_ms = milliseconds(step);
        if options.expand {
            timings.expand_ms = self.expand(&sought, words, ask, &mut found)?;
        }
        let mirrored = match options.mirrored {
            true => self.find_mirrored(&sought, ask, &mut found)?,
            false => None,
        };
        timings.mirrored_ms = mirrored.unwrap_or(0.0);

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
            queries: resolved.into_iter().map(|query| query.facts).collect(),
            shortlist,
            total,
            verified,
            left_out: refuted.len(),
            hits,
            same_object,
            mirrored: mirrored.is_some(),
            timings,
        })
    }

    /// Examines the best candidates, and on as long as one of the last few was verified.
    fn examine_best(&self, queries: &[Sought<'_>], found: &mut Found) -> Result<(), EngineError> {
        let (all, examined) = (&found.candidates.best, &mut found.examined);
        let mut wanted = self.options.shortlist;
        while examined.len() < wanted.min(all.len()) {
            let next = &all[examined.len()..wanted.min(all.len())];
            examined.extend(self.examine(queries, next)?);
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
