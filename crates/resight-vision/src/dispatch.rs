//! Instruction sets, and function bodies compiled for each of them.
//!
//! A body is written once, in plain Rust, and compiled four times on x86-64: for SSE2, SSE4.2, AVX2 and
//! AVX-512. On AArch64 NEON is always there. rustc neither reorders floating-point operations nor
//! fuses a multiply with an add, so all copies give the same bits; the tests of each kernel compare
//! them. Where the compiler does not select the right instructions, a module named `x86` or `neon`
//! holds intrinsics, with a scalar twin. Other machines run the plain body.
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
    /// Plain Rust without intrinsics, compiled for every processor of the architecture. What each
    /// other level must equal, and what machines without kernels of their own run.
    Plain,
    /// SSE2, which every x86-64 processor has.
    #[cfg(target_arch = "x86_64")]
    Sse2,
    /// SSSE3, SSE4.1, SSE4.2 and POPCNT (2008): the level v2 of x86-64.
    #[cfg(target_arch = "x86_64")]
    Sse42,
    /// AVX2 (2013).
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 F, BW, DQ, VL and VNNI (Ice Lake, Zen 4).
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// NEON, which every AArch64 processor has.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// NEON with products of four bytes (Armv8.2, 2017).
    #[cfg(target_arch = "aarch64")]
    Dotprod,
}

impl Simd {
    /// Plain Rust, which every processor of this architecture runs.
    pub const PLAIN: Self = Self(Level::Plain);

    /// All levels of this processor, narrow to wide; never empty.
    pub fn available() -> &'static [Self] {
        static LEVELS: OnceLock<Vec<Simd>> = OnceLock::new();
        LEVELS.get_or_init(|| {
            let mut levels = vec![Self::PLAIN];
            levels.extend(levels_with_kernels().into_iter().map(Self));
            levels
        })
    }

    /// The widest level this processor has.
    #[inline]
    pub fn widest() -> Self {
        static WIDEST: OnceLock<Simd> = OnceLock::new();
        *WIDEST.get_or_init(|| *Self::available().last().unwrap_or(&Self::PLAIN))
    }

    /// The level of this name (see [`Self::name`]), if this processor has it.
    pub fn named(name: &str) -> Option<Self> {
        Self::available().iter().copied().find(|s| s.name() == name)
    }

    /// `plain`; `sse2`, `sse4.2`, `avx2` or `avx512`; `neon` or `dotprod`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Level::Plain => "plain",
            #[cfg(target_arch = "x86_64")]
            Level::Sse2 => "sse2",
            #[cfg(target_arch = "x86_64")]
            Level::Sse42 => "sse4.2",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512",
            #[cfg(target_arch = "aarch64")]
            Level::Neon => "neon",
            #[cfg(target_arch = "aarch64")]
            Level::Dotprod => "dotprod",
        }
    }

    #[inline(always)]
    pub(crate) fn level(self) -> Level {
        self.0
    }
}

/// The levels above [`Level::Plain`] that this processor has, narrow to wide: each includes those
/// before it.
#[cfg(target_arch = "x86_64")]
fn levels_with_kernels() -> Vec<Level> {
    let has = [
        (Level::Sse2, true),
        (
            Level::Sse42,
            is_x86_feature_detected!("ssse3")
                && is_x86_feature_detected!("sse4.1")
                && is_x86_feature_detected!("sse4.2")
                && is_x86_feature_detected!("popcnt"),
        ),
        (Level::Avx2, is_x86_feature_detected!("avx2")),
        (
            Level::Avx512,
            is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vnni"),
        ),
    ];
    let all = has.into_iter().take_while(|(_, has)| *has);
    all.map(|(level, _)| level).collect()
}

#[cfg(target_arch = "aarch64")]
fn levels_with_kernels() -> Vec<Level> {
    // The kernels read words of bytes in the usual order.
    if cfg!(target_endian = "big") {
        return Vec::new();
    }
    let mut levels = vec![Level::Neon];
    if std::arch::is_aarch64_feature_detected!("dotprod") {
        levels.push(Level::Dotprod);
    }
    levels
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn levels_with_kernels() -> Vec<Level> {
    Vec::new()
}

/// Prefetches the cache line of `data[at]`. `at` may lie outside `data`.
#[inline(always)]
pub(crate) fn prefetch<T>(data: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has SSE, and a prefetch never faults: it is a hint, and the
    // pointer is not followed.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(data.as_ptr().wrapping_add(at).cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above; the instruction changes neither memory nor registers.
    unsafe {
        let line = data.as_ptr().wrapping_add(at);
        std::arch::asm!("prfm pldl1keep, [{0}]", in(reg) line,
            options(nostack, readonly, preserves_flags));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
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
                #[target_feature(enable = "sse4.2,popcnt")]
                #[allow(clippy::too_many_arguments)]
                fn sse42($($arg: $ty),*) $(-> $ret)? {
                    $body($($arg),*)
                }
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
                    // SAFETY: the same for SSE4.2.
                    #[allow(unsafe_code)]
                    $crate::dispatch::Level::Sse42 => return unsafe { sse42($($arg),*) },
                    $crate::dispatch::Level::Sse2 | $crate::dispatch::Level::Plain => {}
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
