//! An index under test, and how the suite changes it.

use crate::Key;
use crate::candidate_index::{VectorIndex, WordIndex};
use crate::picture_words::PictureWords;

/// An index of words under test. A change is in every snapshot that is taken
/// afterwards.
pub trait WordSubject {
    /// The index.
    fn index(&self) -> &dyn WordIndex;
    /// Adds pictures; leaves out keys that it has.
    fn add(&self, pictures: Vec<(Key, PictureWords)>);
    /// Removes pictures.
    fn remove(&self, keys: &[Key]);
}

/// An index of vectors under test. A change is in every snapshot that is taken
/// afterwards.
pub trait VectorSubject {
    /// The index.
    fn index(&self) -> &dyn VectorIndex;
    /// Adds vectors; leaves out keys that it has.
    fn add(&self, vectors: &[(Key, &[f32])]);
    /// Removes vectors.
    fn remove(&self, keys: &[Key]);
}
