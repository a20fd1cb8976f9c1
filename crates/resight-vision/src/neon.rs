//! What several kernels for AArch64 share: loads, and the products of four bytes, whose intrinsics
//! are not stable yet.

#![allow(unsafe_code)]

use std::arch::aarch64::*;
use std::arch::asm;

#[inline]
#[target_feature(enable = "neon")]
pub(crate) fn load(bytes: &[u8; 16]) -> uint8x16_t {
    // SAFETY: 16 readable bytes; no alignment is required.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

/// Adds the products of four bytes each to the sums.
#[inline]
#[target_feature(enable = "neon,dotprod")]
pub(crate) fn udot(mut sums: uint32x4_t, a: uint8x16_t, b: uint8x16_t) -> uint32x4_t {
    // SAFETY: the caller has the feature; the instruction reads and writes these registers alone.
    unsafe {
        asm!(
            "udot {0:v}.4s, {1:v}.16b, {2:v}.16b",
            inout(vreg) sums, in(vreg) a, in(vreg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}

/// As [`udot`] with signed bytes.
#[inline]
#[target_feature(enable = "neon,dotprod")]
pub(crate) fn sdot(mut sums: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: as above.
    unsafe {
        asm!(
            "sdot {0:v}.4s, {1:v}.16b, {2:v}.16b",
            inout(vreg) sums, in(vreg) a, in(vreg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}

#[cfg(test)]
mod tests {
    use resight_test_support::Random;

    use super::*;
    use crate::Simd;
    use crate::dispatch::Level;

    #[test]
    fn products_of_four_bytes_equal_the_definition() {
        if Simd::widest().level() < Level::Dotprod {
            println!("SKIPPED: this processor has no products of four bytes");
            return;
        }
        let mut random = Random::new(3);
        for _ in 0..100 {
            let numbers: [[u8; 16]; 2] = [(); 2].map(|()| std::array::from_fn(|_| random.byte()));
            let (mut unsigned, mut signed) = ([7u32; 4], [-7i32; 4]);
            for i in 0..16 {
                let [a, b] = numbers.map(|n| n[i]);
                unsigned[i / 4] += u32::from(a) * u32::from(b);
                signed[i / 4] += i32::from(a.cast_signed()) * i32::from(b.cast_signed());
            }
            let (mut found, mut found_signed) = ([0; 4], [0; 4]);
            // SAFETY: this processor has the feature; the arrays are 16 writable bytes each.
            unsafe {
                let [a, b] = numbers.map(|n| load(&n));
                vst1q_u32(found.as_mut_ptr(), udot(vdupq_n_u32(7), a, b));
                let [a, b] = [vreinterpretq_s8_u8(a), vreinterpretq_s8_u8(b)];
                vst1q_s32(found_signed.as_mut_ptr(), sdot(vdupq_n_s32(-7), a, b));
            }
            assert_eq!((found, found_signed), (unsigned, signed));
        }
    }
}
