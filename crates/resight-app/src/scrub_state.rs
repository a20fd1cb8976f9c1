//! What the reading in the background has found.

use std::collections::BTreeMap;

use resight_engine::Finding;
use resight_store::CollectionName;

/// What the reading in the background has found so far.
#[derive(Clone, Debug, Default)]
pub struct ScrubState {
    /// Pictures checked since the start, some of them perhaps more than once.
    pub pictures: u64,
    /// Times that a collection was read to its end.
    pub rounds: u64,
    /// What is damaged, by collection and the picture's key; the most that are remembered are 1000 pictures.
    pub damaged: BTreeMap<(CollectionName, u64), Vec<Finding>>,
}
