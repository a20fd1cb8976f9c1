//! The dense index: one vector a picture, and the nearest to a query by cosine.
//!
//! Useful for: global descriptors of deep models, which say what a picture looks like.
//!
//! Not useful for: local features, which are many a picture; those have the inverted index.
//!
//! Up to about 100,000 vectors are searched exactly: codes of one byte a number, with a step fitted
//! to the data, bound each cosine, and the vectors that may be among the best are compared in half
//! precision. Larger segments have a graph over the codes, and a walk along it finds the candidates.

mod build;
mod code;
mod exact;
mod fault;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod graph;
mod index;
mod maintenance;
mod merge_policy;
mod segment;
mod snapshot;
mod vector;
mod vectors;
mod walk;

pub use fault::{RefusedVector, VectorFault, WrongDimension};
pub use index::{DenseIndex, DenseOpened, DenseSettings};
pub use snapshot::{DenseSnapshot, KeyFilter, NearestOptions};
#[cfg(any(test, feature = "conformance"))]
pub(crate) use vector::{Cosine, to_floats, to_halves, unit};

#[cfg(test)]
mod tests;
