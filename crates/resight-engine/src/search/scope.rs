//! Which pictures a search may find.

use std::collections::HashSet;
use std::sync::Arc;

use resight_index::{CandidateFilter, Key};
use resight_store::{Filter, read_all};
use roaring::RoaringTreemap;

use super::patience::MOST_EXAMINED;
use super::query::ResolvedQuery;
use super::request::SearchOptions;
use crate::error::EngineError;
use crate::library::Library;
use crate::library::views::ViewMap;

/// The pictures that match the filter, without the queries themselves and those that somebody decided
/// are no match of them.
pub(crate) struct AcceptedPictures {
    pub(crate) filter: CandidateFilter,
    /// Pictures excluded because of a decision.
    pub(crate) left_out: usize,
}

impl AcceptedPictures {
    pub(crate) fn read(
        library: &Library,
        queries: &[ResolvedQuery],
        filter: &Filter,
        views: &ViewMap,
    ) -> Result<Self, EngineError> {
        let own: Vec<u64> = queries.iter().filter_map(|query| query.key).collect();
        let mut no_match = HashSet::new();
        for id in queries.iter().filter_map(|query| query.facts.id.as_ref()) {
            let catalogue = library.catalogue();
            let page = |after, limit| catalogue.not_matches_of_after(id, after, limit);
            no_match.extend(read_all(|key| *key, page)?);
        }
        let matching = library.matching_keys(filter)?;
        Ok(Self::new(matching, &own, no_match, views))
    }

    fn new(
        matching: Option<Arc<RoaringTreemap>>,
        own: &[u64],
        mut no_match: HashSet<u64>,
        views: &ViewMap,
    ) -> Self {
        no_match.retain(|key| !own.contains(key));
        let left_out = no_match.len();
        let excluded = no_match.into_iter().chain(own.iter().copied());
        let excluded = excluded.flat_map(|key| std::iter::once(key).chain(views.of(key)));
        let filter = CandidateFilter::all().except(excluded.map(Key));
        Self {
            filter: match matching {
                Some(keys) => filter.only(keys),
                None => filter,
            },
            left_out,
        }
    }
}

/// The number of candidates that a search needs. Objects can be counted only when all their pictures
/// are known.
pub(crate) fn candidate_limit(options: &SearchOptions, shortlist: usize) -> usize {
    let end = if options.group_by_object && !options.verified_only {
        usize::MAX
    } else {
        options.offset.saturating_add(options.limit)
    };
    end.max(MOST_EXAMINED).max(shortlist)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_finds_neither_its_queries_nor_what_is_no_match() {
        let matching = (1..=6).collect::<RoaringTreemap>();
        for (matching, found) in [(None, vec![3, 4, 6, 7]), (Some(matching), vec![3, 4, 6])] {
            let accepted = AcceptedPictures::new(
                matching.map(Arc::new),
                &[1, 2],
                HashSet::from([2, 5]),
                &ViewMap::default(),
            );
            let contained = (1..8).filter(|key| accepted.filter.accepts(Key(*key)));
            assert_eq!(contained.collect::<Vec<_>>(), found);
            assert_eq!(accepted.left_out, 1, "2 is a query");
        }
    }

    #[test]
    fn a_search_asks_for_as_many_candidates_as_it_may_show() {
        let options = |offset, limit, group_by_object, verified_only| SearchOptions {
            offset,
            limit,
            group_by_object,
            verified_only,
            ..SearchOptions::default()
        };
        for (options, limit) in [
            (options(0, 20, false, false), MOST_EXAMINED),
            (options(5000, 20, false, false), 5020),
            (options(usize::MAX, 20, false, false), usize::MAX),
            (options(0, 20, true, false), usize::MAX),
            (options(0, 20, true, true), MOST_EXAMINED),
        ] {
            assert_eq!(candidate_limit(&options, 200), limit, "{options:?}");
        }
    }
}
