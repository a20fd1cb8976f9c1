//! The stage that examines the pictures most like the query by the vectors of global models.

use std::collections::{HashMap, HashSet};

use resight_index::{Candidate, Key};

use super::answer::{Hit, Stage};
use super::context::SearchContext;
use super::examine::examine;
use super::state::{SearchState, unshared};
use crate::error::EngineError;

/// Examines the pictures `nearest`, as far as words have not brought them to that. Returns them all as
/// candidates.
pub(crate) fn examine_alike(
    context: &SearchContext<'_>,
    nearest: impl Iterator<Item = Key>,
    state: &mut SearchState,
) -> Result<Vec<Candidate>, EngineError> {
    let nearest: Vec<Candidate> = {
        let by_key = state.candidates.best.iter().map(|c| (c.key, *c));
        let known: HashMap<Key, Candidate> = by_key.collect();
        let candidate = |key| known.get(&key).copied().unwrap_or_else(|| unshared(key));
        nearest.map(candidate).collect()
    };
    if nearest.is_empty() {
        return Ok(nearest);
    }
    let unseen = move_behind_examined(&nearest, state);
    // Vectors are those of first pages.
    let views = state.views.with_first_pages();
    let hits = examine(context, context.queries, &unseen, &views)?;
    state.examined.extend(hits.into_iter().map(|hit| {
        // Words had it further down at best.
        let stage = Stage::Dense;
        hit.map(|hit| Hit { stage, ..hit })
    }));
    Ok(nearest)
}

/// Places those of `nearest` that were not examined right behind those that were, and returns them.
fn move_behind_examined(nearest: &[Candidate], state: &mut SearchState) -> Vec<Candidate> {
    let best = &mut state.candidates.best;
    let mut rest = best.split_off(state.examined.len());
    let examined: HashSet<Key> = best.iter().map(|c| c.key).collect();
    let unseen = nearest.iter().filter(|c| !examined.contains(&c.key));
    let unseen: Vec<Candidate> = unseen.copied().collect();
    let moved: HashSet<Key> = unseen.iter().map(|c| c.key).collect();
    rest.retain(|c| !moved.contains(&c.key));
    best.extend(&unseen);
    best.append(&mut rest);
    unseen
}

#[cfg(test)]
mod tests {
    use super::super::state::samples::state;
    use super::*;

    #[test]
    fn what_looks_alike_comes_next_unless_it_was_examined() {
        let mut state = state(5, &[Some(-9.0), None]);
        let nearest = [4, 9, 1].map(|key| unshared(Key(key)));
        let unseen = move_behind_examined(&nearest, &mut state);
        assert_eq!(unseen.iter().map(|c| c.key.0).collect::<Vec<_>>(), [4, 9]);
        let keys = state.candidates.best.iter().map(|c| c.key.0);
        assert_eq!(keys.collect::<Vec<_>>(), [1, 2, 4, 9, 3, 5]);
    }
}
