//! The stage that fills in the requested part of the ranking.

use resight_index::{Candidate, Key};
use resight_store::Catalogue;

use super::answer::{Hit, Stage};
use super::likeness::Likenesses;
use super::ranking::Ranked;
use super::request::SearchOptions;
use super::state::is_unshared;
use crate::error::EngineError;

/// The hits of the requested part; `None` for pictures that were removed meanwhile.
pub(crate) fn page(
    catalogue: &dyn Catalogue,
    ranked: Vec<Ranked>,
    likenesses: &Likenesses,
    options: &SearchOptions,
) -> Result<Vec<Option<Hit>>, EngineError> {
    let page = ranked.into_iter().skip(options.offset).take(options.limit);
    let page: Vec<Ranked> = page.collect();
    let unexamined = page.iter().filter(|r| r.hit.is_none());
    let unexamined: Vec<Candidate> = unexamined.map(|r| r.candidate).collect();
    let mut unexamined = unexamined_hits(catalogue, &unexamined)?.into_iter();
    let keys: Vec<Key> = page.iter().map(|r| r.candidate.key).collect();
    let hits = page.into_iter().zip(likenesses.of(&keys)?);
    let hits = hits.map(|(r, likeness)| {
        let mut hit = match r.hit {
            Some(hit) => hit,
            None => unexamined.next().flatten()?,
        };
        if !hit.examined && is_unshared(&r.candidate) {
            hit.stage = Stage::Dense;
        }
        if let Some(likeness) = likeness {
            hit.cosine = Some(likeness.cosine.into());
            hit.alike = likeness.is_alike();
            hit.model = likenesses.name(likeness.model).map(str::to_owned);
        }
        Some(hit)
    });
    Ok(hits.collect())
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
