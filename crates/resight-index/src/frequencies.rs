//! In how many pictures of an index each word occurs.

use crate::segment::Segment;

/// Adds the pictures of a segment.
pub(crate) fn add(segment: &Segment, frequencies: &mut [u32]) {
    for (&word, &pictures) in segment.words().iter().zip(segment.frequencies()) {
        if let Some(f) = frequencies.get_mut(word as usize) {
            *f += pictures;
        }
    }
}

/// Subtracts the pictures `removed` (ascending) of a segment.
pub(crate) fn subtract(segment: &Segment, frequencies: &mut [u32], removed: &[u32]) {
    /// At most this many pictures are searched for in each posting list; for more, lists are read.
    const FEW: usize = 8;
    if removed.is_empty() {
        return;
    }
    for (word, pictures) in segment.lists() {
        let different = if removed.len() <= FEW {
            let has =
                |p: &&u32| u16::try_from(**p).is_ok_and(|p| pictures.binary_search(&p).is_ok());
            removed.iter().filter(has).count()
        } else {
            let runs = pictures.chunk_by(|a, b| a == b);
            runs.filter(|run| removed.binary_search(&u32::from(run[0])).is_ok())
                .count()
        };
        if let Some(f) = frequencies.get_mut(word as usize) {
            *f = f.saturating_sub(different as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Key;
    use crate::picture_words::{PictureWords, Posting};
    use crate::place::Place;

    #[test]
    fn few_and_many_removed_pictures_are_subtracted_alike() {
        // Picture p has the words below p % 5, each twice.
        let picture = |p: u64| {
            let words = (0..p as u32 % 5).flat_map(|word| [word, word]);
            let postings = words.map(|word| Posting {
                word,
                signature: 0,
                place: Place::default(),
            });
            (Key(p), PictureWords::new(postings.collect()))
        };
        let segment = Segment::build(&(0..40).map(picture).collect::<Vec<_>>());
        let mut all = [0; 5];
        add(&segment, &mut all);
        assert_eq!(all, [32, 24, 16, 8, 0]);
        for few in [0, 1, 5, 8, 9, 20, 40] {
            let mut left = all;
            let removed: Vec<u32> = (0..few).collect();
            subtract(&segment, &mut left, &removed);
            let rest: Vec<_> = (u64::from(few)..40).map(picture).collect();
            let mut expected = [0; 5];
            add(&Segment::build(&rest), &mut expected);
            assert_eq!(left, expected, "without {few}");
        }
    }
}
