//! Rebuilding what is damaged in a collection.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use resight_engine::{EngineError, Finding, FindingKind, Verification};
use resight_store::{Catalogue, FolderGuard};
use resight_vision::LocalExtractor;

use crate::AppError;
use crate::components;
use crate::config::Config;
use crate::plugins::Plugins;
use crate::provenance::Provenance;
use crate::vocabularies::ChosenVocabulary;
use crate::{extractors, recovery};

/// What a repair does at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepairPhase {
    /// It looks for damage.
    Checking,
    /// It rebuilds what it found.
    Repairing,
    /// It looks for what is left.
    CheckingAgain,
}

/// What a repair has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// What was wrong and is no more.
    pub repaired: Vec<Finding>,
    /// Pictures that have checksums now and had none.
    pub checksums_added: u64,
    /// What was checked at the end, and what is still wrong. Details say why it could not be rebuilt.
    pub left: Verification,
}

/// The caller has locked the data folder of `guard`.
pub(crate) fn repair(
    config: &Config,
    guard: &Arc<FolderGuard>,
    plugins: &Plugins,
    cancel: &AtomicBool,
    on_step: &mut dyn FnMut(RepairPhase, u64, u64),
) -> Result<Repaired, AppError> {
    let catalogue = components::open_catalogue(config, guard)?;
    let (absent, chosen) = components::without_describing(config, &*catalogue)?;
    let stored = Provenance::of(&*catalogue)?;
    let extractor = extractors::choose(&stored, plugins, config);
    // Without it all but features can be rebuilt.
    let extractor = extractor.unwrap_or_else(|error| {
        tracing::warn!("no features can be rebuilt: {error}");
        absent
    });
    let parts = || {
        let vocabulary = chosen.vocabulary.clone();
        let (catalogue, extractor) = (catalogue.clone(), extractor.clone());
        components::parts_to_repair(config, guard, catalogue, extractor, vocabulary)
    };
    let options = config.engine_options();
    let (found, done) = {
        let parts = parts()?;
        let mut on_check = |n, all| on_step(RepairPhase::Checking, n, all);
        let found = resight_engine::verify(&parts, &options, cancel, &mut on_check)?;
        let mut on_repair = |n, all| on_step(RepairPhase::Repairing, n, all);
        let done =
            resight_engine::repair(&parts, &options, &found.findings, cancel, &mut on_repair)?;
        (found, done)
    };
    if found.findings.is_empty() {
        return Ok(Repaired {
            checksums_added: done.sealed,
            left: Verification {
                without_checksums: found.without_checksums.saturating_sub(done.sealed),
                ..found
            },
            ..Repaired::default()
        });
    }
    let vocabulary = chosen.vocabulary.clone().into();
    open_once(
        config,
        guard,
        &catalogue,
        extractor.clone(),
        vocabulary,
        cancel,
    )?;
    let mut on_check = |n, all| on_step(RepairPhase::CheckingAgain, n, all);
    let mut left = resight_engine::verify(&parts()?, &options, cancel, &mut on_check)?;
    let still: HashSet<_> = left.findings.iter().map(what).collect();
    let repaired = found.findings.into_iter();
    let repaired = repaired.filter(|finding| !still.contains(&what(finding)));
    let repaired = repaired.collect();
    // Of several reasons for one thing the first one is told.
    let reasons = done.reasons.iter().rev();
    let reasons: HashMap<_, _> = reasons
        .map(|(kind, thing, why)| ((*kind, thing.as_str()), why))
        .collect();
    for finding in &mut left.findings {
        if let Some(why) = reasons.get(&what(finding)) {
            finding.detail = format!("{}; it is not rebuilt: {why}", finding.detail);
        }
    }
    Ok(Repaired {
        repaired,
        checksums_added: done.sealed,
        left,
    })
}

fn what(finding: &Finding) -> (FindingKind, &str) {
    (finding.kind, &finding.thing)
}

/// Opens the collection as a server does, which rebuilds the index, and adds uploads again that have no record. What
/// keeps it from that is in the log: what is left is found afterwards.
fn open_once(
    config: &Config,
    guard: &Arc<FolderGuard>,
    catalogue: &Arc<dyn Catalogue>,
    extractor: Arc<dyn LocalExtractor>,
    vocabulary: ChosenVocabulary,
    cancel: &AtomicBool,
) -> Result<(), AppError> {
    let catalogue = catalogue.clone();
    let opened =
        components::open_library(config, guard, catalogue, extractor, vocabulary, None, None);
    let recovered = opened.and_then(|open| Ok(recovery::recover_now(&open.library, cancel)?));
    match recovered {
        Ok(_) => Ok(()),
        Err(error @ AppError::Engine(EngineError::Cancelled)) => Err(error),
        Err(error) => {
            tracing::warn!("the data folder cannot be opened yet: {error}");
            Ok(())
        }
    }
}
