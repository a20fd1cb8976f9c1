//! The pictures of a run: each number gives another one, and a query that is not the same file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use resight_test_support::{png, textured};

/// Width and height: small, so that describing one takes little time, and large enough for some dozens of
/// features.
const SIZE: (u32, u32) = (132, 100);
/// Pixels cut off each side of a query, so that it is another file.
const MARGIN: u32 = 3;

/// A picture's file, and a part of the picture as another file.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) file: Vec<u8>,
    pub(crate) query: Vec<u8>,
}

/// The picture of this number. Generated once.
pub(crate) fn sample(number: u64) -> Arc<Sample> {
    static GENERATED: Mutex<Option<HashMap<u64, Arc<Sample>>>> = Mutex::new(None);
    let mut guard = GENERATED.lock().unwrap_or_else(PoisonError::into_inner);
    let generated = guard.get_or_insert_with(HashMap::new);
    let made = generated.entry(number).or_insert_with(|| {
        let picture = textured(SIZE.0, SIZE.1, 0x5e_ed00 + number);
        let mut part = picture.clone();
        // The border becomes one colour: the same frame, other bytes.
        for (x, y, pixel) in part.enumerate_pixels_mut() {
            let inside = |at: u32, length: u32| (MARGIN..length - MARGIN).contains(&at);
            if !(inside(x, SIZE.0) && inside(y, SIZE.1)) {
                pixel.0 = [128; 3];
            }
        }
        Arc::new(Sample {
            file: png(&picture),
            query: png(&part),
        })
    });
    made.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_a_picture_of_its_own_and_a_query_that_is_another_file() {
        let (first, second) = (sample(1), sample(2));
        assert_ne!(first.file, second.file);
        assert_ne!(first.file, first.query);
        assert_eq!(first.file, sample(1).file);
    }
}
