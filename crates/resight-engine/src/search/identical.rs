//! The stage that finds the stored files whose bytes are those of a query.
//!
//! A picture without features, such as a plain logo, shares no word even with itself. Its bytes find it.

use resight_index::{Candidate, Key};
use resight_vision::Transform;

use super::answer::{EvidenceKind, Hit, Stage};
use super::context::SearchContext;
use super::examine::examine;
use super::folding::MatchedViews;
use super::prepared::PreparedQuery;
use super::query::ResolvedQuery;
use super::state::{SearchState, unshared};
use crate::error::EngineError;
use crate::geometry;

/// Marks the hits whose files have the bytes of one of the queries, and adds those that no stage found.
/// `resolved` are the queries in the order of the context's.
pub(crate) fn find_identical(
    context: &SearchContext<'_>,
    resolved: &[ResolvedQuery],
    state: &mut SearchState,
) -> Result<(), EngineError> {
    for (query, prepared) in resolved.iter().zip(context.queries) {
        let Some(key) = query.same_bytes.map(Key) else {
            continue;
        };
        if !context.scope.filter.accepts(key) {
            continue;
        }
        let is_complete = state.is_complete();
        let known = state.candidates.best.iter().find(|c| c.key == key);
        let candidate: Candidate = known.copied().unwrap_or_else(|| unshared(key));
        let own = std::slice::from_ref(prepared);
        let hit = examine(context, own, &[candidate], &MatchedViews::default())?
            .pop()
            .flatten();
        if let Some(hit) = hit {
            state.add_identical(candidate, identical(hit, prepared), is_complete);
        }
    }
    Ok(())
}

/// The hit of a file with the query's bytes. Where its features do not verify it, the transform is the
/// identity.
fn identical(mut hit: Hit, query: &PreparedQuery<'_>) -> Hit {
    hit.identical = true;
    hit.evidence = Some(EvidenceKind::File);
    if hit.words == 0.0 {
        hit.stage = Stage::Bytes;
    }
    let size = [hit.picture.width, hit.picture.height];
    let region = geometry::region(&Transform::translation(query.origin), query.size, size);
    hit.coverage_query = 1.0;
    hit.coverage_result = geometry::coverage(region.as_deref(), size);
    if !hit.verified {
        hit.variant = query.variant;
        hit.verify_at(Transform::IDENTITY, region.clone(), region.clone(), region);
    }
    hit
}
