//! Whole pictures through the crate's public functions: one test binary, a file an area.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod formats;
mod jpeg;
mod memory;
mod modern;
mod mutated;
mod nasty;
mod orientation;
mod pages;
#[cfg(feature = "pdf")]
mod pdf;
mod raw;
mod scale;
#[cfg(feature = "svg")]
mod svg;
mod tiff;
mod tiff_colours;
