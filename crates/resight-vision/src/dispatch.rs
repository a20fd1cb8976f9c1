//! Instruction sets, and function bodies compiled for each of them.
//!
//! A body is written once, in plain Rust, and compiled three times: for the baseline, for AVX2
//! and for AVX-512. rustc neither reorders floating-point operations nor fuses a multiply with an
//! add, so all copies give the same bits; the tests of each kernel compare them. Where the compiler
//! does not select the right instructions, a module named `x86` holds intrinsics, with a scalar
//! twin. Other machines (NEON among them) run the plain body, which the compiler vectorises.
//!
//! Invariant: a [`Simd`] exists only for a level that this processor has, so it proves that its
//! instructions may be called.

#![allow(unsafe_code)]

use std::sync::OnceLock;

/// A set of vector instructions that this processor has.
///
/// Results do not depend on it. It is public so that benches and tests can compare the paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Simd(Level);

/// The levels, narrow to wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// The instructions of every processor of the architecture: SSE2 on x86-64, NEON on AArch64.
    Baseline,
    /// AVX2 (2013).
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 F, BW, DQ, VL and VNNI (Ice Lake, Zen 4).
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Simd {
    /// The instructions of every processor of this architecture.
    pub const BASELINE: Self = Self(Level::Baseline);

    /// All levels of this processor, narrow to wide; never empty.
    pub fn available() -> &'static [Self] {
        static LEVELS: OnceLock<Vec<Simd>> = OnceLock::new();
        LEVELS.get_or_init(|| {
            #[allow(unused_mut)]
            let mut levels = vec![Self::BASELINE];
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") {
                levels.push(Self(Level::Avx2));
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vnni")
                {
                    levels.push(Self(Level::Avx512));
                }
            }
            levels
        })
    }

    /// The widest level this processor has.
    #[inline]
    pub fn widest() -> Self {
        static WIDEST: OnceLock<Simd> = OnceLock::new();
        *WIDEST.get_or_init(|| *Self::available().last().unwrap_or(&Self::BASELINE))
    }

    /// The level of this name (`baseline`, `avx2`, `avx512`), if this processor has it.
    pub fn named(name: &str) -> Option<Self> {
        Self::available().iter().copied().find(|s| s.name() == name)
    }

    /// `baseline`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Level::Baseline => "baseline",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512",
        }
    }

    #[inline(always)]
    pub(crate) fn level(self) -> Level {
        self.0
    }
}

/// Prefetches the cache line of `data[at]`. `at` may lie outside `data`.
#[inline(always)]
pub(crate) fn prefetch<T>(data: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of the baseline, and a prefetch never faults: it is a hint, and the
    // pointer is not followed.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(data.as_ptr().wrapping_add(at).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (data, at);
}

/// Defines `$name(simd, args)`, which runs `$body(args)` compiled for the vectors of `simd`.
///
/// `$body` must be `#[inline(always)]`, so that each copy is compiled with the wider features.
macro_rules! widest {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:path) => {
        $(#[$doc])*
        // Kernels take plain slices and numbers.
        #[allow(clippy::too_many_arguments)]
        $vis fn $name(simd: $crate::dispatch::Simd, $($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                #[allow(clippy::too_many_arguments)]
                fn avx2($($arg: $ty),*) $(-> $ret)? {
                    $body($($arg),*)
                }
                #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
                #[allow(clippy::too_many_arguments)]
                fn avx512($($arg: $ty),*) $(-> $ret)? {
                    $body($($arg),*)
                }
                match simd.level() {
                    // SAFETY: a `Simd` of this level exists only where the processor has it.
                    #[allow(unsafe_code)]
                    $crate::dispatch::Level::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: the same for AVX2.
                    #[allow(unsafe_code)]
                    $crate::dispatch::Level::Avx2 => return unsafe { avx2($($arg),*) },
                    $crate::dispatch::Level::Baseline => {}
                }
            }
            #[cfg(not(target_arch = "x86_64"))]
            let _ = simd;
            $body($($arg),*)
        }
    };
}
pub(crate) use widest;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_found_by_their_names() {
        for &simd in Simd::available() {
            assert_eq!(Simd::named(simd.name()), Some(simd));
            assert!(simd <= Simd::widest());
        }
        assert_eq!(Simd::named("mmx"), None);
    }
}
