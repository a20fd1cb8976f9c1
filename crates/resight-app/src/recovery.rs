//! Adding uploaded files again that the catalogue does not know.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use resight_engine::{EngineError, Indexer, Library, Recovery};

use crate::background::Background;

/// Does so beside requests, and then asks pictures of an earlier version when they were taken, until the returned
/// value is dropped; the next opening goes on with it.
pub(crate) fn recover_in_background(library: &Arc<Library>) -> Option<Background> {
    let indexer = Indexer::new(library.clone());
    let library = library.clone();
    Background::begin(
        "resight-recover",
        "uploaded files that the catalogue lacks are not looked for",
        move |cancel| {
            match indexer.recover_uploads(cancel, &mut |_| {}) {
                Ok(recovery) => report(recovery),
                Err(EngineError::Cancelled) => {}
                Err(error) => tracing::warn!("uploads are not added again for now: {error}"),
            }
            ask_taken(&library, cancel);
        },
    )
}

fn ask_taken(library: &Library, cancel: &AtomicBool) {
    let mut after = None;
    while !cancel.load(Ordering::Relaxed) {
        match library.ask_taken(after) {
            Ok(None) => return,
            Ok(last) => after = last,
            Err(error) => {
                tracing::warn!("when pictures were taken is not asked for now: {error}");
                return;
            }
        }
    }
}

/// Does so now.
pub(crate) fn recover_now(
    library: &Arc<Library>,
    cancel: &AtomicBool,
) -> Result<Recovery, EngineError> {
    let recovery = Indexer::new(library.clone()).recover_uploads(cancel, &mut |_| {})?;
    report(recovery);
    Ok(recovery)
}

fn report(recovery: Recovery) {
    let Recovery {
        found,
        recovered,
        unusable,
    } = recovery;
    if found > 0 {
        tracing::warn!(
            "the catalogue lacked {found} uploaded pictures; {recovered} were added again, without their names and labels, and {unusable} could not be"
        );
    }
}

/// Says that a data folder with pictures' files has no catalogue.
pub(crate) fn warn_of_missing_catalogue(folder: &Path) {
    tracing::warn!(
        "the catalogue of {} is missing; a new one is made, uploaded pictures are added to it again without their names and labels, and folders have to be indexed again; to keep names and labels, stop and restore the catalogue from a backup",
        folder.display()
    );
}
