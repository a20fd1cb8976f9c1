//! Tests that every implementation of the candidate stage passes, through `dyn` traits, and the
//! exhaustive search that they compare it with.
//!
//! Useful for: a further implementation's own tests, which call [`check_word_index`] and
//! [`check_vector_index`]. They panic where an answer is wrong.

mod exhaustive;
mod subject;
mod vectors;
mod words;

pub use exhaustive::{ExhaustiveVectors, ExhaustiveWords};
pub use subject::{VectorSubject, WordSubject};
pub use vectors::{NewVectorIndex, check_vector_index};
pub use words::{NewWordIndex, check_word_index};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exhaustive_search_conforms() {
        check_word_index(&|words| Box::new(ExhaustiveWords::new(words))).unwrap();
        check_vector_index(&|dimension| Box::new(ExhaustiveVectors::new(dimension))).unwrap();
    }
}
