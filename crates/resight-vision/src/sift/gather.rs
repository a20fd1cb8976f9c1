//! Reads pixels at scattered places of a layer. Compilers do not vectorise this loop, and bounds
//! checks of every index would take longer than the reads.

#![allow(unsafe_code)]

/// Reads the pixels at `at[i]` and `at[i] + 1` into `upper[i]`, and those `below` further into
/// `lower[i]`; the left pixel fills the lower half of a number. Clamps places to those in `data`.
/// Returns `false`, and reads nothing, if `data` has no such place.
#[inline(always)]
pub(super) fn pairs<const P: usize>(
    data: &[i16],
    below: usize,
    at: &mut [i32; P],
    upper: &mut [u32; P],
    lower: &mut [u32; P],
) -> bool {
    let Some(last) = data.len().checked_sub(below.saturating_add(2)) else {
        return false;
    };
    let last = i32::try_from(last).unwrap_or(i32::MAX);
    for at in at.iter_mut() {
        *at = (*at).clamp(0, last);
    }
    for i in 0..P {
        let at = at[i] as usize;
        // SAFETY: 0 ≤ at ≤ last, and last + below + 2 ≤ data.len(): both pairs lie within `data`.
        unsafe {
            let from = data.as_ptr().add(at);
            upper[i] = in_order(from.cast::<u32>().read_unaligned());
            lower[i] = in_order(from.add(below).cast::<u32>().read_unaligned());
        }
    }
    true
}

/// Puts the left pixel into the lower half, on machines of either byte order.
#[inline(always)]
fn in_order(pair: u32) -> u32 {
    if cfg!(target_endian = "big") {
        pair.rotate_left(16)
    } else {
        pair
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The scalar twin, which checks every index.
    fn twin(data: &[i16], at: usize) -> u32 {
        u32::from(data[at] as u16) | u32::from(data[at + 1] as u16) << 16
    }

    #[test]
    fn reads_what_its_twin_reads() {
        let data: Vec<i16> = (0..97i32).map(|i| (i * 7919 - 30000) as i16).collect();
        let places: [i32; 8] = [0, 1, 2, 33, 50, 84, 85, 5];
        let (mut at, mut upper, mut lower) = (places, [0; 8], [0; 8]);
        assert!(pairs(&data, 10, &mut at, &mut upper, &mut lower));
        for (i, &at) in places.iter().enumerate() {
            assert_eq!(upper[i], twin(&data, at as usize));
            assert_eq!(lower[i], twin(&data, at as usize + 10));
        }
    }

    #[test]
    fn places_outside_are_brought_inside() {
        let data = [1i16, 2, 3, 4, 5];
        let (mut at, mut upper, mut lower) = ([-7, 3, i32::MAX, 0], [0; 4], [0; 4]);
        assert!(pairs(&data, 2, &mut at, &mut upper, &mut lower));
        let last = twin(&data, 1);
        assert_eq!(upper, [twin(&data, 0), last, last, twin(&data, 0)]);
        assert!(!pairs(&data[..3], 2, &mut at, &mut upper, &mut lower));
    }
}
