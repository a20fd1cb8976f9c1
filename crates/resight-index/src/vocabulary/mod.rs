//! The visual vocabulary: the nearest of W typical descriptors to a feature (Sivic & Zisserman, ICCV
//! 2003), and 64 bits that locate it in that word's cell (Hamming embedding: Jégou, Douze & Schmid,
//! ECCV 2008).
//!
//! A search for words has two steps: the words are grouped into cells, and a feature is compared with
//! the words of the few cells whose centres are nearest. Words are numbered cell by cell, so features
//! sorted by word can be compared cell by cell as well.

mod assign;
mod deflated;
mod format;
mod nearest;
mod packed;
mod train;

pub use assign::Vocabulary;
pub use format::VocabularyError;
pub use train::{TrainOptions, TrainStep, train};
