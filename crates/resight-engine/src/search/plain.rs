//! The stage that finds copies of a plain picture by its pixels.
//!
//! A flat logo or an icon has few features or none, so words and geometry miss even its copies. Stored
//! pictures that are as plain and alike at 16 × 16 pixels are compared with it block by block.

use rayon::prelude::*;
use resight_index::{Candidate, Key};
use resight_vision::{Image, Transform};

use super::answer::{EvidenceKind, Hit, Stage};
use super::context::Scope;
use super::query::ResolvedQuery;
use super::state::{SearchState, unshared};
use crate::error::EngineError;
use crate::geometry;
use crate::library::Library;
use crate::library::plain::FEW_FEATURES;
use crate::picture::Picture;
use crate::same_pixels::same_pixels;

/// Pictures compared with one query, at most.
const MOST_COMPARED: usize = 24;

/// A query with few features.
pub(crate) struct PlainQuery<'a> {
    pub(crate) image: &'a Image,
    /// Number of the query within the search.
    pub(crate) number: usize,
}

/// The whole pictures among the queries that have few features, as far as their pixels are at hand.
pub(crate) fn plain_queries(resolved: &[ResolvedQuery]) -> Vec<PlainQuery<'_>> {
    let plain = resolved.iter().enumerate().filter_map(|(number, query)| {
        let is_plain = query.features.len() < FEW_FEATURES as usize && query.facts.region.is_none();
        let image = query.image.as_ref().filter(|_| is_plain)?;
        Some(PlainQuery { image, number })
    });
    plain.collect()
}

/// Adds the stored pictures with the same pixels in the same frame as one of the plain queries, as far
/// as they are not verified yet.
pub(crate) fn find_plain(
    library: &Library,
    scope: &Scope<'_>,
    queries: &[PlainQuery<'_>],
    state: &mut SearchState,
) -> Result<(), EngineError> {
    for query in queries {
        let near = library.plain().like(
            query.image,
            scope.filter,
            MOST_COMPARED,
            library.catalogue(),
            &|id| library.stored_thumbnail_image(id),
        )?;
        let verified: Vec<Key> = state.verified().map(|(c, _)| c.key).collect();
        let near: Vec<Key> = near
            .into_iter()
            .filter(|key| !verified.contains(key))
            .collect();
        let keys: Vec<u64> = near.iter().map(|key| key.0).collect();
        let records = library.catalogue().pictures(&keys)?;
        let same = near
            .into_par_iter()
            .zip(records)
            .filter_map(|(key, record)| {
                let picture = Picture::from(record?);
                // The file may be away; its thumbnail shows less.
                let image = library.image_or_thumbnail(&picture.id)?;
                same_pixels(query.image, &image).then_some((key, picture))
            });
        let is_complete = state.is_complete();
        for (key, picture) in same.collect::<Vec<_>>() {
            let known = state.candidates.best.iter().find(|c| c.key == key);
            let candidate: Candidate = known.copied().unwrap_or_else(|| unshared(key));
            let hit = hit(query, picture, candidate.score);
            state.add_by_pixels(candidate, hit, is_complete);
        }
    }
    Ok(())
}

/// A hit whose frame is the query's.
fn hit(query: &PlainQuery<'_>, picture: Picture, words: f64) -> Hit {
    let own = [query.image.width(), query.image.height()];
    let size = [picture.width, picture.height];
    let transform = geometry::same_frame(own, size);
    let region = geometry::region(&transform, own, size);
    let mut hit = Hit::unexamined(picture, words);
    hit.stage = Stage::Pixels;
    hit.by_pixels = true;
    hit.evidence = Some(EvidenceKind::Pixels);
    hit.examined = true;
    hit.query = query.number;
    (hit.coverage_query, hit.coverage_result) = (1.0, 1.0);
    let in_query = geometry::region(&Transform::IDENTITY, own, own);
    hit.verify_at(transform, region.clone(), in_query, region);
    hit
}
