//! Add, remove, search, compare: the one place that orders effects.
//!
//! Invariant: nothing here knows HTTP, Python or a model file; the concrete extractor, catalogue
//! and blob store are handed in as [`Parts`].

mod calibrate;
mod commit;
mod compare;
mod convert;
mod dense;
mod describe;
mod duplicates;
mod engine;
mod error;
mod examine;
mod expansion;
mod feature_blob;
mod feature_cache;
mod folder;
mod geometry;
mod grouping;
mod instances;
mod labels;
mod picture;
mod query;
mod ranking;
mod scope;
mod search;
mod stored_features;
mod train;
mod variants;
mod visual;

pub use calibrate::{AgreeingPair, Calibration, CalibrationEvent, calibrate};
pub use compare::{Comparison, compare};
pub use convert::ConvertStep;
pub use dense::{EmbedStep, FEWEST_TO_TELL, GlobalParts, GlobalState, alike_from, vectors_setting};
pub use duplicates::{
    DuplicateGroup, DuplicateOptions, DuplicatePair, Duplicates, PairKind, PairStep, Refuted,
    RefutedPage,
};
pub use engine::{
    Engine, EngineOptions, IndexFolder, MODEL_SETTING, Parts, RefusedFile, Storage,
    VOCABULARY_SETTING,
};
pub use error::EngineError;
pub use feature_blob::{features_blob, is_features_blob};
pub use folder::{FolderEvent, FolderOptions, FolderReport};
pub use grouping::SameObject;
pub use instances::Instance;
pub use picture::{Added, Picture, PictureFile};
pub use query::{MOST_QUERIES, Query, QueryFacts, QueryPicture, Region};
pub use resight_decode::{
    DecodeLimits, Decoded, Refused, RefusedCode, decode, fit_within, read_bounded, thumbnail_jpeg,
};
pub use resight_index::{TrainStep, Vocabulary};
pub use resight_store::{
    Filter, LabelPatch, Labels, Metadata, ObjectCount, ObjectId, PictureId, Tag, Update,
};
pub use search::{Hit, Mode, SearchAnswer, SearchOptions, Stage, Timings};
pub use train::{TrainEvent, TrainPlan, train_vocabulary};
pub use variants::Variant;
