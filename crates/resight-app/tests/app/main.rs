//! The application through its public functions: one test binary, a file an area.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail loudly too")]

mod atomic_file;
mod backup;
mod backup_guards;
mod backup_records;
mod collections;
mod duplicates;
mod eval;
mod export;
mod extractors;
mod flipped;
mod folders;
mod followed;
mod jobs;
mod keys;
mod likeness;
#[cfg(unix)]
mod local;
mod plugin_vectors;
mod recovery;
mod repair;
mod scrub;
mod settings;
mod stores;
mod support;
mod taken;
mod verify;
mod vocabularies;
