//! Search by picture: candidates by words and by vectors of global models, the best of which are
//! matched and verified.

use std::collections::{HashMap, HashSet};
use std::str::FromStr;
use std::time::Instant;

use resight_index::{Candidate, Key, QueryWords};
use resight_store::Filter;

use crate::dense::Likenesses;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::examine::{MOST_EXAMINED, Sought};
use crate::expansion::Found;
use crate::grouping::{Objects, SameObject};
use crate::instances::Instance;
use crate::picture::Picture;
use crate::query::{MOST_QUERIES, Query, QueryFacts, QueryPicture, Resolved};
use crate::ranking::{Ranked, Ranking, is_unshared, unshared};
use crate::scope::Scope;
use crate::variants::Variant;

/// What counts as found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The same thing, by words and geometry alone.
    Exact,
    /// What looks alike as a whole, by the vectors of global models alone; nothing is verified.
    Similar,
    /// Both: candidates of either are compared closely, verified ones come first, then those that look
    /// alike. Without a model in use the same as `Exact`.
    #[default]
    Auto,
}

impl Mode {
    /// Their names.
    pub const NAMES: [&str; 3] = ["exact", "similar", "auto"];
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "exact" => Ok(Self::Exact),
            "similar" => Ok(Self::Similar),
            "auto" => Ok(Self::Auto),
            _ => Err(format!(
                "must be one of {}; it is {name:?}",
                Self::NAMES.join(", ")
            )),
        }
    }
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
    /// ranks the others better, for about as much as the first time.
    pub expand: bool,
    /// Look for these pictures only.
    pub filter: Filter,
    /// Give each object once, by the best of its pictures. Pictures of no object stand for
    /// themselves.
    pub group_by_object: bool,
    /// Look for the query mirrored left to right too, and with its tones inverted, where the extractor's
    /// features can be changed so.
    pub variants: Variant,
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
            filter: Filter::default(),
            group_by_object: false,
            variants: Variant::ALL,
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
    /// Pictures left out because somebody said that they are no match of one searched for.
    pub left_out: usize,
    /// Those after them that look alike.
    pub alike: usize,
    /// The part asked for.
    pub hits: Vec<Hit>,
    /// Of each of these, the other pictures of its object; `None` where hits are not grouped.
    pub same_object: Option<Vec<SameObject>>,
    /// Which variants of the query were looked for too: wanted, and possible with this extractor.
    pub variants: Variant,
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
    /// Looking for variants of the query; 0 where none was.
    pub variants_ms: f64,
    /// Finding what looks alike, and matching and verifying it; 0 where no model is asked.
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
    /// Score of the words, those of the variant where one is shown; comparable within one search, and one
    /// variant.
    pub words: f64,
    /// Cosine of the query's vector and the picture's, by the model that makes them most alike; `None`
    /// where no model is asked or one of the two has no vector.
    pub cosine: Option<f64>,
    /// Whether that is beyond what unrelated pictures reach: one pair in a million, told from the
    /// pictures held ([`crate::GlobalState::alike`]).
    pub alike: bool,
    /// The model's name.
    pub model: Option<String>,
    /// Which variant of the query the result shows; verified hits only.
    pub variant: Variant,
    /// Query to result in pixels, row-major 3×3, of the query as it was given: it mirrors where
    /// `variant` says so. Verified hits only.
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
    /// `bad_query` for no picture, more than [`MOST_QUERIES`], a region with next to no pixels, or likeness
    /// alone with verified hits only or without a vector; `no_model` for likeness without a model.
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
        if options.mode == Mode::Similar && options.verified_only {
            return Err(EngineError::BadQuery(
                "what only looks alike is not verified: ask for verified hits in the mode exact or auto"
                    .into(),
            ));
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
        for (query, number) in resolved.iter().zip(0..) {
            let cells = self.options.matching_cells;
            let (own, asked) = Sought::new(&query.features, query.size, &visual, cells);
            sought.push(Sought {
                number,
                origin: query.origin,
                ..own
            });
            words.features.extend(asked.features);
        }
        let own_keys: Vec<u64> = resolved.iter().filter_map(|query| query.key).collect();
        let among = self.among(&options.filter)?;
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
        let wanted = |key: Key| {
            !own_keys.contains(&key.0)
                && !refuted.contains(&key.0)
                && among.as_ref().is_none_or(|among| among.has(key))
        };
        let scope = Scope {
            snapshot: &snapshot,
            limit: least,
            wanted: &wanted,
        };
        timings.candidates_ms = milliseconds(step);
        let (found, likenesses, variants) =
            self.find(&sought, &words, &scope, &resolved, options, &mut timings)?;

        let shortlist = found.examined.len();
        let complete = found.is_complete();
        let by_words = options.mode != Mode::Similar;
        let mut candidates = found.candidates;
        let unseen = likenesses.unseen(&candidates.best, by_words);
        candidates.best.extend(unseen);
        let mut ranking = Ranking::new(&candidates.best, found.examined, &likenesses, options);
        let groups = objects.map(|objects| ranking.group(&objects));
        let verified = ranking.verified;
        let rest = ranking.all[verified..].iter();
        let alike = rest.filter(|r| r.is_alike()).count();
        let total = match options.verified_only || groups.is_some() {
            true => ranking.all.len(),
            false if !by_words => likenesses.total,
            // Where not all that share a word are known, some that look alike are among them.
            false if complete => candidates.total - ranking.gone + ranking.unshared,
            false => candidates.total - ranking.gone,
        };
        let page = self.page(ranking, &likenesses, options)?;
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
            alike,
            hits,
            same_object,
            variants,
            timings,
        })
    }

    /// Asks the index and the models in use, and examines what they bring. Gives what was found, what the
    /// models say, and which variants of the query were looked for.
    fn find(
        &self,
        sought: &[Sought<'_>],
        words: &QueryWords,
        scope: &Scope<'_>,
        resolved: &[Resolved],
        options: &SearchOptions,
        timings: &mut Timings,
    ) -> Result<(Found, Likenesses, Variant), EngineError> {
        let step = Instant::now();
        let by_words = options.mode != Mode::Similar;
        let mut question = scope.question();
        let mut found = Found::default();
        if by_words {
            question.add(words);
            found.candidates = scope.candidates(&question);
        }
        timings.candidates_ms += milliseconds(step);

        let step = Instant::now();
        let least = self.options.shortlist;
        found.examined = self.examine_on(sought, &found.candidates.best, least)?;
        timings.verify_ms = milliseconds(step);
        let step = Instant::now();
        let any_model = !self.attached().is_empty();
        let likenesses = match (options.mode, any_model) {
            (Mode::Exact, _) | (Mode::Auto, false) => Likenesses::none(),
            (mode, _) => {
                let needed = mode == Mode::Similar;
                self.likenesses(resolved, scope.limit, needed, scope.wanted)?
            }
        };
        let alike = match by_words {
            true => self.examine_alike(sought, &likenesses, &mut found)?,
            false => Vec::new(),
        };
        if any_model && options.mode != Mode::Exact {
            timings.likeness_ms = milliseconds(step);
        }
        if options.expand && by_words {
            timings.expand_ms = self.expand(sought, scope, question, &mut found)?;
        }
        let mut variants = Variant::default();
        if by_words {
            (variants, timings.variants_ms) =
                self.find_variants(options.variants, sought, scope, &alike, &mut found)?;
        }
        Ok((found, likenesses, variants))
    }

    /// Examines what looks most like the query, as far as words have not brought it to that. Gives all
    /// that looks most like it.
    fn examine_alike(
        &self,
        queries: &[Sought<'_>],
        likenesses: &Likenesses,
        found: &mut Found,
    ) -> Result<Vec<Candidate>, EngineError> {
        if likenesses.nearest.is_empty() {
            return Ok(Vec::new());
        }
        let begin = found.examined.len();
        let best = &mut found.candidates.best;
        let known: HashMap<Key, (usize, Candidate)> = best
            .iter()
            .enumerate()
            .map(|(at, candidate)| (candidate.key, (at, *candidate)))
            .collect();
        let nearest = likenesses.nearest.iter();
        let nearest = nearest.take(self.options.alike_shortlist).map(|n| n.0);
        let nearest: Vec<Candidate> = nearest
            .map(|key| known.get(&key).map_or(unshared(key), |known| known.1))
            .collect();
        let unseen = nearest.iter().filter(|c| match known.get(&c.key) {
            Some((at, _)) => *at >= begin,
            None => true,
        });
        let unseen: Vec<Candidate> = unseen.copied().collect();
        let hits = self.examine(queries, &unseen)?.into_iter();
        found.examined.extend(hits.map(|hit| {
            // Words had it further down at best.
            let stage = Stage::Dense;
            hit.map(|hit| Hit { stage, ..hit })
        }));
        let moved: HashSet<Key> = unseen.iter().map(|c| c.key).collect();
        let mut rest = best.split_off(begin);
        rest.retain(|c| !moved.contains(&c.key));
        best.extend(unseen);
        best.append(&mut rest);
        Ok(nearest)
    }

    /// The part of the ranking that is asked for; `None` for pictures that are gone.
    fn page(
        &self,
        ranking: Ranking,
        likenesses: &Likenesses,
        options: &SearchOptions,
    ) -> Result<Vec<Option<Hit>>, EngineError> {
        let page = ranking.all.into_iter();
        let page: Vec<Ranked> = page.skip(options.offset).take(options.limit).collect();
        let unknown = page.iter().filter(|r| r.hit.is_none());
        let unknown: Vec<Candidate> = unknown.map(|r| r.candidate).collect();
        let mut unknown = self.unexamined(&unknown)?.into_iter();
        let keys: Vec<Key> = page.iter().map(|r| r.candidate.key).collect();
        let hits = page.into_iter().zip(likenesses.of(&keys));
        Ok(hits
            .map(|(r, likeness)| {
                let mut hit = r.hit.or_else(|| unknown.next().flatten())?;
                if !hit.examined && is_unshared(&r.candidate) {
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

pub(crate) fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
