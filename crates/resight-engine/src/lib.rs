//! Pictures stored, searched and paired: the one place that orders effects.
//!
//! A [`Library`] is what is stored. An [`Indexer`] adds to it, a [`Searcher`] finds pictures in it, and
//! [`Duplicates`] pairs and groups them; [`GlobalModels`] are the models it uses beside local features.
//!
//! Invariant: nothing here knows HTTP, Python or a model file. The concrete extractor, catalogue and blob
//! store are handed in as [`Components`].

mod calibrate;
mod compare;
mod compare_pages;
mod describe;
mod describe_views;
mod drawing;
mod duplicates;
mod error;
mod feature_blob;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod geometry;
mod indexer;
mod library;
mod likeness;
mod median;
mod options;
mod picture;
mod same_pixels;
mod search;
mod sheet;
mod source_path;
mod stored_path;
mod train;

pub use calibrate::{AgreeingPair, Calibration, CalibrationEvent, calibrate};
pub use compare::{Comparison, compare};
pub use compare_pages::ComparedPage;
pub use describe::local_features;
pub use drawing::{Drawing, Tone};
pub use duplicates::Duplicates;
pub use duplicates::answer::{
    DuplicateGroup, DuplicateGroups, DuplicateMember, DuplicateOptions, DuplicatePair,
};
pub use duplicates::kind::PairKind;
pub use duplicates::no_match::{Refuted, RefutedPage};
pub use duplicates::pair_up::PairStep;
pub use error::{EngineError, Mismatch};
pub use feature_blob::{features_blob, is_features_blob};
pub use indexer::Indexer;
pub use indexer::exclusion::{BadPattern, Patterns};
pub use indexer::recover::Recovery;
pub use indexer::report::{FolderEvent, FolderOptions, FolderReport, LeftOut};
pub use library::Library;
pub use library::attached_model::{FEWEST_TO_TELL, ModelComponents, alike_from};
pub use library::components::{Components, IndexFolder, MODEL_SETTING, VOCABULARY_SETTING};
pub use library::conversion::ConvertStep;
pub use library::figures::LibraryFigures;
pub use library::files::{original_name, thumbnail_name};
pub use library::findings::{Finding, FindingKind, Verification};
pub use library::forget::{ForgetOptions, Forgotten};
pub use library::matching::ManyLabelled;
pub use library::pictures::{IDENTITY_SETTING, Storage};
pub use library::plain::WEAK_BELOW;
pub use library::refused_files::{RefusedFile, RefusedFilter, RefusedKind, ending_of};
pub use library::repair::{Repair, repair};
pub use library::scrub::Scrubbed;
pub use library::superseding::{LabelsThen, Superseded, Supersession};
pub use library::verify::verify;
pub use likeness::embed::{EmbedStep, vectors_setting};
pub use likeness::{GlobalModels, ModelState};
pub use options::EngineOptions;
pub use picture::{Added, OpenFile, Picture, PictureFile, id_of_content};
pub use resight_decode::{
    Counts as DecoderCounts, DecodeLimits, Decoded, ExifField, Formats, MemoryBudget, MemoryUse,
    Place, Purpose, Refused, RefusedCode, Share, Videos, Waiting, decode, fit_within, read_bounded,
    thumbnail_jpeg, utc_date, utc_seconds,
};
pub use resight_index::{TrainStep, Vocabulary};
pub use resight_store::{
    Between, Filter, LabelPatch, Labels, MediaTypeCount, Metadata, ObjectCount, ObjectId, Order,
    OrderBy, PictureId, Position, Tag, Update, Value as OrderValue,
};
pub use search::Searcher;
pub use search::answer::{
    EvidenceKind, Hit, HitView, Instance, QueryFacts, SameObject, SearchAnswer, Stage, Timings,
};
pub use search::request::{
    MOST_QUERIES, Mode, Query, QueryPicture, Region, SearchOptions, Variant,
};
pub use search::support::{Counts, Support};
pub use source_path::{PathState, SourcePath, source_paths};
pub use stored_path::{path_of_text, path_text, readable};
pub use train::{TrainEvent, TrainPlan, train_from_library, train_vocabulary};
