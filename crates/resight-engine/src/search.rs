//! Search by picture: candidates by words, the best of which are matched and verified.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use resight_index::{Candidate, CandidateOptions, Candidates, Key, QueryWords};

use crate::dense::{Likeness, Likenesses};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::examine::{Sought, lookers};
use crate::expansion::Found;
use crate::picture::Picture;
use crate::query::{MOST_QUERIES, Query, QueryFacts, QueryPicture};

/// Candidates without a verified one among them that end the search for more.
const PATIENCE: usize = 50;

/// Candidates examined at most for the sake of verified ones before them: where thousands show the
/// same thing, a search must still end.
pub(crate) const MOST_EXAMINED: usize = 1000;

/// What counts as found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The same thing, by words and geometry alone.
    Exact,
    /// What looks alike as a whole, by the vectors of global models alone.
    Similar,
    /// Both: candidates of either are compared closely, verified ones come first, then those that look
    /// alike. Without a model in use the same as `Exact`.
    #[default]
    Auto,
}

/// Which part of the ranking is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// What counts as found.
    pub mode: Mode,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            offset: 0,
            limit: 20,
            verified_only: false,
            expand: true,
            mode: Mode::default(),
        }
    }
}

/// The ranking, best first: verified hits by how unlikely chance is, then what looks alike by its
/// cosine, then the others by words.
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
    /// The part asked for.
    pub hits: Vec<Hit>,
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
    /// Finding what looks alike, and matching and verifying it; 0 where no model is in use.
    pub likeness_ms: f64,
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
    /// A global model's vectors.
    Dense,
}

impl Stage {
    /// Its name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Expansion => "expansion",
            Self::Dense => "dense",
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
    /// Cosine of the query's vector and the picture's, by the model that makes them most alike; `None`
    /// where no model is in use or one of the two has no vector.
    pub cosine: Option<f64>,
    /// Whether that is beyond what one unrelated pair in a million would reach.
    pub alike: bool,
    /// The model's name.
    pub model: Option<String>,
    /// Query to result in pixels, row-major 3×3; verified hits only.
    pub transform: Option<[f64; 9]>,
    /// The outline of the query, or of its region, in the result's pixels; verified hits only.
    pub region: Option<[[f64; 2]; 4]>,
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
        let pixels = options.mode != Mode::Exact && !self.attached().is_empty();
        let resolved = queries
            .iter()
            .map(|query| self.resolve(query, pixels, &visual, &mut timings))
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
                size: query.size,
                origin: query.origin,
                lookers: lookers(&query.features, &own, &visual.vocabulary),
                visual: &visual,
            });
            words.features.extend(own.features);
        }
        let own_keys: Vec<u64> = resolved.iter().filter_map(|query| query.key).collect();
        let end = options.offset.saturating_add(options.limit);
        let least = end.max(MOST_EXAMINED).max(self.options.shortlist);
        let ask = |words: &QueryWords| {
            let options = CandidateOptions {
                limit: least.saturating_add(own_keys.len()),
                ..CandidateOptions::default()
            };
            let mut found = snapshot.candidates(words, &options);
            let before = found.best.len();
            found.best.retain(|c| !own_keys.contains(&c.key.0));
            found.total -= before - found.best.len();
            found.best.truncate(least);
            found
        };
        let by_words = options.mode != Mode::Similar;
        let mut found = Found {
            candidates: match by_words {
                true => ask(&words),
                false => Candidates::default(),
            },
            examined: Vec::new(),
        };
        timings.candidates_ms = milliseconds(step);

        let step = Instant::now();
        self.examine_best(&sought, &mut found)?;
        timings.verify_ms = milliseconds(step);
        let step = Instant::now();
        let likenesses = match (options.mode, pixels) {
            (Mode::Exact, _) | (Mode::Auto, false) => Likenesses::none(),
            (mode, _) => {
                let is_other = |key: Key| !own_keys.contains(&key.0);
                self.likenesses(&resolved, least, mode == Mode::Similar, &is_other)?
            }
        };
        if by_words {
            self.examine_alike(&sought, &likenesses, &mut found)?;
        }
        if pixels {
            timings.likeness_ms = milliseconds(step);
        }
        if options.expand && by_words {
            timings.expand_ms = self.expand(&sought, words, ask, &mut found)?;
        }

        let shortlist = found.examined.len();
        let mut candidates = found.candidates;
        let unseen = likenesses.unseen(&candidates.best, by_words);
        candidates.best.extend(unseen);
        // Words and vectors each know their own; pictures without a common word count here.
        candidates.total += candidates.best.iter().filter(|c| c.score == 0.0).count();
        let ranking = Ranking::new(
            &candidates.best,
            found.examined,
            &likenesses,
            options.verified_only,
        );
        let verified = ranking.verified;
        let total = match options.verified_only {
            true => verified,
            false => candidates.total - ranking.gone,
        };
        let hits = self.page(ranking, &likenesses, options)?;
        timings.total_ms = milliseconds(start);
        Ok(SearchAnswer {
            queries: resolved.into_iter().map(|query| query.facts).collect(),
            shortlist,
            total,
            verified,
            hits,
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

    /// Examines what looks most like the query, as far as words have not brought it.
    fn examine_alike(
        &self,
        queries: &[Sought<'_>],
        likenesses: &Likenesses,
        found: &mut Found,
    ) -> Result<(), EngineError> {
        let (all, examined) = (&mut found.candidates.best, &mut found.examined);
        let begin = examined.len();
        let seen: HashSet<Key> = all[..begin].iter().map(|c| c.key).collect();
        let known: HashMap<Key, Candidate> = all[begin..].iter().map(|c| (c.key, *c)).collect();
        let nearest = likenesses.nearest.iter().take(self.options.alike_shortlist);
        let new: Vec<Candidate> = nearest
            .filter(|(key, _)| !seen.contains(key))
            .map(|(key, _)| known.get(key).copied().unwrap_or(unshared(*key)))
            .collect();
        let hits = self.examine(queries, &new)?;
        examined.extend(hits.into_iter().map(|hit| {
            let stage = Stage::Dense;
            hit.map(|hit| Hit { stage, ..hit })
        }));
        let moved: HashSet<Key> = new.iter().map(|c| c.key).collect();
        let rest = all.split_off(begin).into_iter();
        let rest: Vec<Candidate> = rest.filter(|c| !moved.contains(&c.key)).collect();
        all.extend(new);
        all.extend(rest);
        Ok(())
    }

    /// The part of the ranking that is asked for.
    fn page(
        &self,
        ranking: Ranking,
        likenesses: &Likenesses,
        options: &SearchOptions,
    ) -> Result<Vec<Hit>, EngineError> {
        let page = ranking.all.into_iter();
        let page: Vec<Ranked> = page.skip(options.offset).take(options.limit).collect();
        let unknown = page.iter().filter(|r| r.hit.is_none());
        let unknown: Vec<Candidate> = unknown.map(|r| r.candidate).collect();
        let mut unknown = self.unexamined(&unknown)?.into_iter();
        let keys: Vec<Key> = page.iter().map(|r| r.candidate.key).collect();
        let hits = page.into_iter().zip(likenesses.of(&keys));
        Ok(hits
            .filter_map(|(r, likeness)| {
                let mut hit = r.hit.or_else(|| unknown.next().flatten())?;
                if !hit.examined && r.candidate.score == 0.0 {
                    hit.stage = Stage::Dense;
                }
                if let Some(likeness) = likeness {
                    hit.cosine = Some(likeness.cosine.into());
                    hit.alike = likeness.is_alike();
                    hit.model = likenesses.name(likeness.model).map(str::to_owned);
                }
                Some(hit)
            })
            .collect())
    }
}

/// A picture that words say nothing of.
pub(crate) fn unshared(key: Key) -> Candidate {
    Candidate {
        key,
        score: 0.0,
        agreement: 0.0,
    }
}

/// A place in the ranking.
struct Ranked {
    candidate: Candidate,
    /// `None` where it was not examined.
    hit: Option<Hit>,
    /// Where it looks alike, or everything is ranked by that.
    excess: Option<f32>,
}

/// Verified hits by how unlikely chance is, then what looks alike, then all others by words.
struct Ranking {
    all: Vec<Ranked>,
    verified: usize,
    /// Examined pictures that were removed meanwhile.
    gone: usize,
}

impl Ranking {
    /// `examined` are the first of `candidates`, `None` for those that are gone.
    fn new(
        candidates: &[Candidate],
        examined: Vec<Option<Hit>>,
        likenesses: &Likenesses,
        verified_only: bool,
    ) -> Self {
        let near: HashMap<Key, Likeness> = likenesses.nearest.iter().copied().collect();
        let excess = |c: &Candidate| {
            let likeness = near.get(&c.key)?;
            (likeness.is_alike() || c.score == 0.0).then_some(likeness.excess)
        };
        let ranked = |candidate: &Candidate, hit| Ranked {
            candidate: *candidate,
            hit,
            excess: excess(candidate),
        };
        let rest = &candidates[examined.len()..];
        let gone = examined.iter().filter(|hit| hit.is_none()).count();
        let examined = candidates.iter().zip(examined);
        let (mut all, mut others): (Vec<Ranked>, Vec<Ranked>) = examined
            .filter_map(|(candidate, hit)| Some(ranked(candidate, Some(hit?))))
            .partition(|r| r.hit.as_ref().is_some_and(|h| h.verified));
        // Stable: of equals, the better candidate stays first.
        let nfa = |r: &Ranked| r.hit.as_ref().and_then(|h| h.log10_nfa).unwrap_or(0.0);
        all.sort_by(|a, b| nfa(a).total_cmp(&nfa(b)));
        let verified = all.len();
        if !verified_only {
            others.extend(rest.iter().map(|candidate| ranked(candidate, None)));
            others.sort_by(|a, b| {
                let alike = |r: &Ranked| r.excess.filter(|e| *e >= 0.0).unwrap_or(-1.0);
                let unlike = |r: &Ranked| r.excess.unwrap_or(f32::MIN);
                let (ac, bc) = (&a.candidate, &b.candidate);
                alike(b)
                    .total_cmp(&alike(a))
                    .then(bc.score.total_cmp(&ac.score))
                    .then(unlike(b).total_cmp(&unlike(a)))
                    .then(ac.key.cmp(&bc.key))
            });
            all.append(&mut others);
        }
        Self {
            all,
            verified,
            gone,
        }
    }
}

pub(crate) fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
