//! The searcher: the list of stages that a search goes through. Each stage is a function in a file of its
//! own; none of them knows this file.

pub(crate) mod alike;
pub(crate) mod answer;
pub(crate) mod cancelling;
pub(crate) mod context;
pub(crate) mod evidence;
pub(crate) mod examine;
pub(crate) mod expansion;
pub(crate) mod fair_share;
pub(crate) mod folding;
pub(crate) mod grouping;
pub(crate) mod identical;
pub(crate) mod instances;
pub(crate) mod likeness;
pub(crate) mod page;
pub(crate) mod patience;
pub(crate) mod pixel_evidence;
pub(crate) mod plain;
pub(crate) mod prepared;
pub(crate) mod query;
pub(crate) mod ranking;
pub(crate) mod request;
pub(crate) mod scope;
pub(crate) mod state;
pub(crate) mod support;
pub(crate) mod variants;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use resight_index::WordIndex;

use crate::error::EngineError;
use crate::library::Library;
use alike::examine_alike;
use answer::{SearchAnswer, Stopwatch, Timings};
use cancelling::go_on;
use context::{Scope, SearchContext};
use examine::examine_while_verified;
use expansion::{LIKELY, expand};
use fair_share::on_fair_share;
use grouping::{Objects, same_object};
use identical::find_identical;
use likeness::{Likenesses, ask_models};
use page::{name_views, page};
use patience::Patience;
use pixel_evidence::decide_marks;
use plain::{find_plain, plain_queries};
use prepared::prepare_all;
use query::QueryResolver;
use ranking::Ranking;
use request::{Mode, Query, QueryPicture, SearchOptions, Variant};
use scope::{AcceptedPictures, candidate_limit};
use state::SearchState;
use variants::{ask_variants, examine_variants};

/// Searches a library by pictures.
#[derive(Clone)]
pub struct Searcher {
    pub(crate) library: Arc<Library>,
    /// Ends the work when it is raised.
    pub(crate) cancel: Option<Arc<AtomicBool>>,
}

impl Searcher {
    /// Searches `library`.
    pub fn new(library: Arc<Library>) -> Self {
        Self {
            library,
            cancel: None,
        }
    }

    /// The same until the flag is raised: work that is under way ends with `cancelled` at the next of its stages.
    #[must_use]
    pub fn until(self, cancel: Arc<AtomicBool>) -> Self {
        Self {
            cancel: Some(cancel),
            ..self
        }
    }

    /// Finds the pictures that show the same thing as one picture; [`Searcher::search_all`] with one.
    pub fn search(
        &self,
        query: Query<'_>,
        options: &SearchOptions,
    ) -> Result<SearchAnswer, EngineError> {
        self.search_all(&[query.into()], options)
    }

    /// Finds the pictures that show what one or several pictures, or regions of them, show.
    ///
    /// The best candidates are matched and verified: those that the index gives reason to, at most
    /// [`EngineOptions::shortlist`], and on as long as one of the last few was verified, up to a thousand. What verified hits show may bring more
    /// ([`SearchOptions::expand`]). All other pictures that share a word follow, by words.
    ///
    /// Several pictures of one thing ask the index together, and each candidate is compared with each of
    /// them; a hit is about the one that agrees most surely. That takes as many times the time of one.
    ///
    /// # Errors
    /// `bad_query` for no picture, more than [`MOST_QUERIES`], a region with next to no pixels, or likeness
    /// alone with verified hits only or without a vector; `no_model` for likeness while no model is in
    /// use; `cancelled` ([`Searcher::until`]); those of the picture, the extractor and the store.
    ///
    /// [`EngineOptions::shortlist`]: crate::EngineOptions::shortlist
    /// [`MOST_QUERIES`]: crate::MOST_QUERIES
    pub fn search_all(
        &self,
        queries: &[QueryPicture<'_>],
        options: &SearchOptions,
    ) -> Result<SearchAnswer, EngineError> {
        let span = tracing::Span::current();
        on_fair_share(|| span.in_scope(|| self.all_stages(queries, options)))
    }

    // Long because the stages stand here in their order.
    fn all_stages(
        &self,
        queries: &[QueryPicture<'_>],
        options: &SearchOptions,
    ) -> Result<SearchAnswer, EngineError> {
        let total_time = Stopwatch::start();
        let mut timings = Timings::default();
        options.check(queries.len())?;
        let library = &*self.library;
        let visual = library.visual();
        let vocabulary = &visual.vocabulary;
        let engine_options = library.options();
        let asks_models = options.mode != Mode::Exact && !library.models().is_empty();
        let cancel = self.cancel.as_deref();
        let resolver = QueryResolver {
            library,
            visual: &visual,
            needs_pixels: asks_models,
            cancel,
        };
        let resolved = resolver.resolve_all(queries, &mut timings)?;

        go_on(cancel)?;
        let mut watch = Stopwatch::start();
        let snapshot = visual.index.word_snapshot()?;
        let (asked, cells) = (library.asked_words(), engine_options.matching_cells);
        let (prepared, words) = prepare_all(&resolved, vocabulary, cells, asked);
        // After the snapshot: it has every key of a view that is in it.
        let views = library.views().map();
        let accepted = AcceptedPictures::read(library, &resolved, &options.filter, &views)?;
        let objects = if options.group_by_object {
            Some(Objects::read(library.catalogue())?)
        } else {
            None
        };
        let scope = Scope {
            snapshot: &*snapshot,
            limit: candidate_limit(options, engine_options.shortlist),
            filter: &accepted.filter,
            views: &views,
        };
        let context = SearchContext {
            cancel,
            ..SearchContext::new(library, &visual, &prepared, scope)
        };
        let by_words = options.by_words();
        let mut state = SearchState::default();
        let mut word_query = scope.word_query()?;
        if by_words {
            word_query.add(words)?;
            (state.candidates, state.views) = scope.candidates(&*word_query)?;
        }
        timings.candidates_ms = watch.lap();

        let best = &state.candidates.best;
        let features = prepared.iter().map(|query| query.features.len()).sum();
        let patience = Patience::of_search(best, features, engine_options.shortlist);
        let matched = &state.views;
        let examine = || {
            let watch = Stopwatch::start();
            let hits = examine_while_verified(&context, &prepared, best, matched, patience);
            hits.map(|hits| (hits, watch.elapsed()))
        };
        // The variants need nothing of what is examined: they are asked for beside it.
        let ask_variants = || {
            let watch = Stopwatch::start();
            let wanted = if by_words {
                options.variants
            } else {
                Variant::default()
            };
            ask_variants(&context, wanted).map(|asked| (asked, watch.elapsed()))
        };
        let (examined, asked) = rayon::join(examine, ask_variants);
        (state.examined, timings.verify_ms) = examined?;
        let (asked_variants, asking_ms) = asked?;
        watch.lap();

        let likenesses = if asks_models || options.mode == Mode::Similar {
            go_on(cancel)?;
            let (models, needed) = (library.models(), options.mode == Mode::Similar);
            ask_models(models, &resolved, scope.limit, needed, scope.filter)?
        } else {
            Likenesses::default()
        };
        let nearest = likenesses.nearest.iter().map(|(key, _)| *key);
        let nearest = nearest.take(engine_options.alike_shortlist);
        let mut alike = Vec::new();
        if by_words {
            alike = examine_alike(&context, nearest, &mut state)?;
        }
        if asks_models {
            timings.likeness_ms = watch.lap();
        }

        if options.expand && by_words && state.likely(LIKELY).next().is_some() {
            watch.lap();
            expand(&context, &mut *word_query, &mut state)?;
            timings.expand_ms = watch.lap();
        }
        let mut variants = Variant::default();
        if by_words {
            watch.lap();
            variants = examine_variants(&context, &asked_variants, &alike, &mut state)?;
            if variants != Variant::default() {
                timings.variants_ms = asking_ms + watch.lap();
            }
            go_on(cancel)?;
            find_identical(&context, &resolved, &mut state)?;
            find_plain(library, &scope, &plain_queries(&resolved), &mut state)?;
        }
        let shortlist = state.examined.len();
        let ranking = Ranking::new(state, &likenesses, objects.as_ref(), options);
        let catalogue = library.catalogue();
        let mut page = page(catalogue, ranking.all, &likenesses, options)?;
        name_views(catalogue, &views, &ranking.views, &mut page)?;
        let mut page = page.into_iter().map(|(_, hit)| hit).collect::<Vec<_>>();
        go_on(cancel)?;
        decide_marks(library, &resolved, &mut page);
        let groups = ranking.groups.as_ref();
        let same_object = groups
            .map(|groups| same_object(library.catalogue(), groups, &page, options.offset))
            .transpose()?;
        timings.total_ms = total_time.elapsed();
        Ok(SearchAnswer {
            queries: resolved.into_iter().map(|query| query.facts).collect(),
            shortlist,
            total: ranking.total,
            verified: ranking.verified,
            left_out: accepted.left_out,
            alike: ranking.alike,
            hits: page.into_iter().flatten().collect(),
            same_object,
            variants,
            timings,
        })
    }
}
