//! The stage that fills in the requested part of the ranking.

use resight_index::{Candidate, Key};
use resight_store::Catalogue;

use super::answer::{Hit, HitView, Stage};
use super::folding::MatchedViews;
use super::likeness::Likenesses;
use super::ranking::Ranked;
use super::request::SearchOptions;
use super::state::is_unshared;
use crate::error::EngineError;
use crate::library::views::ViewMap;

/// The hits of the requested part, each with the key of its picture; `None` for pictures that were removed meanwhile.
pub(crate) fn page(
    catalogue: &dyn Catalogue,
    ranked: Vec<Ranked>,
    likenesses: &Likenesses,
    options: &SearchOptions,
) -> Result<Vec<(Key, Option<Hit>)>, EngineError> {
    let page = ranked.into_iter().skip(options.offset).take(options.limit);
    let page: Vec<Ranked> = page.collect();
    let unexamined = page.iter().filter(|r| r.hit.is_none());
    let unexamined: Vec<Candidate> = unexamined.map(|r| r.candidate).collect();
    let mut unexamined = unexamined_hits(catalogue, &unexamined)?.into_iter();
    let keys: Vec<Key> = page.iter().map(|r| r.candidate.key).collect();
    let hits = page.into_iter().zip(likenesses.of(&keys)?);
    let hits = hits.map(|(r, likeness)| {
        let key = r.candidate.key;
        let hit = r.hit.or_else(|| unexamined.next().flatten());
        let hit = hit.map(|mut hit| {
            if !hit.examined && is_unshared(&r.candidate) {
                hit.stage = Stage::Dense;
            }
            if let Some(likeness) = likeness {
                hit.cosine = Some(likeness.cosine.into());
                hit.alike = likeness.is_alike();
                hit.model = likenesses.name(likeness.model).map(str::to_owned);
            }
            hit
        });
        (key, hit)
    });
    Ok(hits.collect())
}

/// Names the page or frame of each hit whose picture has several: of one that was not examined, the one with the most
/// votes, and the first where nothing else is known.
pub(crate) fn name_views(
    catalogue: &dyn Catalogue,
    views: &ViewMap,
    matched: &MatchedViews,
    page: &mut [(Key, Option<Hit>)],
) -> Result<(), EngineError> {
    let unnamed = page.iter_mut().filter_map(|(key, hit)| {
        let hit = hit.as_mut().filter(|hit| hit.view.is_none())?;
        views.has(*key).then_some((*key, hit))
    });
    for (key, hit) in unnamed {
        let best = if hit.examined {
            key
        } else {
            matched.best_of(key)
        };
        let view = if best == key {
            None
        } else {
            catalogue.views(&[best.0])?.pop().flatten()
        };
        let first = || HitView::first(&hit.picture);
        hit.view = Some(view.as_ref().map_or_else(first, HitView::new));
    }
    Ok(())
}

/// Hits that the index alone ranked, in the order of `candidates`.
fn unexamined_hits(
    catalogue: &dyn Catalogue,
    candidates: &[Candidate],
) -> Result<Vec<Option<Hit>>, EngineError> {
    let keys: Vec<u64> = candidates.iter().map(|c| c.key.0).collect();
    let records = catalogue.pictures(&keys)?;
    let hits = candidates.iter().zip(records);
    let hits =
        hits.map(|(candidate, record)| Some(Hit::unexamined(record?.into(), candidate.score)));
    Ok(hits.collect())
}
