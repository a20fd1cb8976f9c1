//! A data folder opened: configuration, collections, extractors and models, background work.
//!
//! Useful for: every front end. The HTTP server and the command line use it, and a Python module can.
//! A front end gathers [`config::Settings`], opens a folder with [`data_folder`], and shows an
//! [`AppError`] as it likes.
//!
//! Not useful for: deciding anything about pictures, which is the engine's business, and for anything a
//! user sees: arguments, progress, JSON, HTTP.
//!
//! Invariant: no argument parser, no HTTP and no async runtime is linked.
//! Invariant: `components` is the only module that names a concrete store.
//! Invariant: a folder of pictures is read, never written to; [`quarantine`] alone moves files, where that is allowed.

pub mod answers;
pub mod atomic_file;
pub mod background;
pub mod backup;
pub mod calibration;
pub mod checks;
pub mod collections;
mod components;
pub mod config;
mod conversion;
pub mod cursor_key;
pub mod data_folder;
pub mod decoding;
pub mod duplicate_search;
mod error;
mod error_code;
pub mod eval;
pub mod export;
mod extractors;
pub mod folders;
pub mod global_models;
mod identity;
pub mod import;
pub mod jobs;
pub mod keys;
pub mod local;
mod memory;
pub mod models;
pub mod plugins;
mod printable;
mod private;
mod provenance;
pub mod quarantine;
mod recovery;
pub mod renaming;
mod repair;
pub mod scrub;
mod scrub_state;
pub mod storage;
mod store_advice;
pub mod stores;
pub mod videos;
mod vocabularies;
pub mod webhooks;

pub use error::AppError;
pub use error_code::Code;
pub use identity::identity_of;
pub use memory::address_space_limit;
pub use printable::printable;
