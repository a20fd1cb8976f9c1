//! Which pictures are the same or show the same, found by looking for each picture once.

mod aligned;
mod answer;
mod groups;
mod kind;
mod look;
mod news;
mod no_match;

pub use answer::{DuplicateGroup, DuplicateOptions, DuplicatePair, Duplicates};
pub use kind::PairKind;
pub use look::PairStep;
pub(crate) use news::News;
pub use no_match::{Refuted, RefutedPage};
