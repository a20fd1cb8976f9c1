//! What tells a collection from every other one, also from one that had its name before.

use resight_engine::{EngineError, Library};
use resight_store::StoreError;

/// Random bytes of it.
const BYTES: usize = 16;

/// A text that belongs to the collection as long as it exists, under whichever name.
///
/// # Errors
/// Where it cannot be read, or stored when it is first asked for.
pub fn identity_of(library: &Library) -> Result<String, EngineError> {
    library.identity(&fresh_identity()?)
}

/// A text that no collection has yet.
pub(crate) fn fresh_identity() -> Result<String, StoreError> {
    let mut random = [0; BYTES];
    getrandom::fill(&mut random).map_err(|error| StoreError::Failed {
        location: "the system's random numbers".into(),
        detail: error.to_string(),
    })?;
    Ok(hex::encode(random))
}
