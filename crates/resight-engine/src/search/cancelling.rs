//! The end of a search or a comparison that nobody waits for any more.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::EngineError;

/// Fails with `cancelled` where the flag is raised.
pub(crate) fn go_on(cancel: Option<&AtomicBool>) -> Result<(), EngineError> {
    match cancel.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
        true => Err(EngineError::Cancelled),
        false => Ok(()),
    }
}
