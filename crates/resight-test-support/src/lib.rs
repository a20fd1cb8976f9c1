//! Deterministic random numbers, generated pictures and small ONNX networks for the tests and examples
//! of the other crates.
//!
//! Useful for: input that looks random and is the same in every run and on every machine.
//!
//! Not useful for: anything that ships. `xtask tidy` refuses this crate outside
//! `[dev-dependencies]`.
//!
//! Invariant: a seed gives the same numbers and the same pixels for ever. Some tests compare with
//! values that were computed from them.

mod containers;
mod mutation;
pub mod onnx;
mod pages;
mod pictures;
mod random;

pub use containers::{
    TiffDirectory, animated_gif, animated_png, animated_webp, dng, tiff, tiff_pages,
};
pub use mutation::{fuzz, fuzz_corpus, fuzz_reader, mutated};
pub use pages::text_page;
pub use pictures::{cells, encode, halves, jpeg, jpeg_taken, pgm, png, textured};
pub use random::{Random, scrambled};
