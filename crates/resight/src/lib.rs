//! The program: command line, HTTP API and web page over `resight-engine`.
//!
//! Useful for: everything that people and other programs touch. Here arguments become settings,
//! events become progress bars or lines of JSON, and errors become sentences with a next step.
//!
//! Not useful for: deciding anything about pictures. What is searched, in which order effects
//! happen and what is kept is the engine's business.
//!
//! Invariant: [`parts`] is the only module that names a concrete store, extractor or vocabulary.
//! Invariant: pictures, answers to searches and refusals become JSON in `wire` only, so `--json` and
//! HTTP say the same.
//! Invariant: a folder of pictures is read, never written to.

mod atomic_file;
mod calibration;
pub mod cli;
pub mod config;
pub mod draw;
pub mod eval;
pub mod http;
pub mod models;
pub mod parts;
pub mod plugins;
mod wire;
