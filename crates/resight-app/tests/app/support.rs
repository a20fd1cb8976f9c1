//! A data folder and a folder of models below one temporary folder, and pictures to put in.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use resight_app::AppError;
use resight_app::config::{Config, Settings};
use resight_app::data_folder::{self, WritableFolder};
use resight_app::plugins::{PluginSettings, Plugins};
use resight_engine::{
    EngineError, Indexer, Library, PictureId, Query, SearchAnswer, SearchOptions, Searcher,
    TrainPlan, Vocabulary, train_from_library,
};
use resight_models::{Choice, ModelFolder};
use resight_store::CollectionName;
use resight_test_support::{onnx, png, textured};

pub(crate) struct World(tempfile::TempDir);

impl World {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The data folder `data`, which nobody has made yet, and models that the built-in runtime runs.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            data: Some(self.path("data")),
            models: Some(self.path("models")),
            runtime: Choice::BuiltIn,
            ..Settings::default()
        }
    }

    pub(crate) fn config(&self) -> Config {
        Config::new(self.settings()).unwrap()
    }

    pub(crate) fn open(&self) -> WritableFolder {
        data_folder::open_for_writing(&self.config(), &Plugins::default()).unwrap()
    }

    /// Installs a small network under `name`.
    pub(crate) fn install(&self, name: &str, manifest: &str, net: &[u8]) {
        let source = onnx::folder(&self.path(&format!("{name}-source")), manifest, net);
        self.models().add(&source, None).unwrap();
    }

    pub(crate) fn models(&self) -> ModelFolder {
        ModelFolder::new(self.path("models"))
    }
}

/// No plug-in, and the extractor of this name.
pub(crate) fn chosen(extractor: &str) -> Plugins {
    let settings = PluginSettings {
        extractor: Some(extractor.into()),
        ..PluginSettings::default()
    };
    Plugins::for_describing(&settings, 1).unwrap()
}

/// The file of a picture that differs from seed to seed.
pub(crate) fn picture(seed: u64) -> Vec<u8> {
    png(&textured(240, 180, seed))
}

pub(crate) fn add(library: &Arc<Library>, seed: u64) -> PictureId {
    let name = format!("{seed}.png");
    let added = Indexer::new(library.clone()).add(&picture(seed), &name);
    added.unwrap().picture.id
}

pub(crate) fn ask(
    library: &Arc<Library>,
    query: Query<'_>,
    options: &SearchOptions,
) -> Result<SearchAnswer, EngineError> {
    Searcher::new(library.clone()).search(query, options)
}

/// The hits by the picture of `seed`: id, inliers, and whether each is verified.
pub(crate) fn hits(library: &Arc<Library>, seed: u64) -> Vec<(PictureId, usize, bool)> {
    let query = picture(seed);
    let answer = ask(library, Query::Bytes(&query), &SearchOptions::default()).unwrap();
    let facts = |hit: resight_engine::Hit| (hit.picture.id, hit.inliers, hit.verified);
    answer.hits.into_iter().map(facts).collect()
}

/// The verified hits by the picture of `seed`.
pub(crate) fn verified(library: &Arc<Library>, seed: u64) -> Vec<PictureId> {
    let verified = hits(library, seed).into_iter().filter(|hit| hit.2);
    verified.map(|hit| hit.0).collect()
}

/// A vocabulary of so many words, learnt from the stored pictures.
pub(crate) fn learn(library: &Arc<Library>, words: usize) -> Arc<Vocabulary> {
    let plan = TrainPlan {
        words: Some(words),
        ..TrainPlan::default()
    };
    Arc::new(train_from_library(library, &plan, &AtomicBool::new(false), &mut |_| {}).unwrap())
}

pub(crate) fn named(name: &str) -> CollectionName {
    CollectionName::parse(name).unwrap()
}

/// The error of what must fail and has no `Debug`.
pub(crate) fn error<T>(result: Result<T, AppError>) -> AppError {
    result.err().unwrap()
}

/// Returns once `done`. Fails after a minute, which no test needs, so that a defect does not hang.
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        let waited = start.elapsed();
        assert!(waited < Duration::from_secs(60), "waited for {what}");
        std::thread::yield_now();
    }
}
