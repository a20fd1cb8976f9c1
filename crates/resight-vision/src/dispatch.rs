//! Runs one function body under the widest instruction set the machine has.
//!
//! The body is written once, in plain Rust, and compiled twice: for the baseline and for AVX2.
//! rustc neither reorders floating-point operations nor fuses a multiply with an add, so both
//! copies give the same bits; the tests of each kernel compare them.
//!
//! Invariant: this is the only module of the crate with `unsafe` code.

#![allow(unsafe_code)]

/// Whether the AVX2 copies may be called.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn has_avx2() -> bool {
    // The standard library caches the answer.
    std::arch::is_x86_feature_detected!("avx2")
}

/// Defines `$name(args)`, which runs `$body(args)` compiled for the widest available vectors.
///
/// `$body` must be `#[inline(always)]`, so that the copy is compiled with the wider features.
macro_rules! widest {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:path) => {
        $(#[$doc])*
        // Kernels take what they need as plain slices and numbers.
        #[allow(clippy::too_many_arguments)]
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                #[allow(clippy::too_many_arguments)]
                fn wide($($arg: $ty),*) $(-> $ret)? {
                    $body($($arg),*)
                }
                if $crate::dispatch::has_avx2() {
                    // SAFETY: the processor has AVX2, the only feature `wide` asks for.
                    #[allow(unsafe_code)]
                    return unsafe { wide($($arg),*) };
                }
            }
            $body($($arg),*)
        }
    };
}
pub(crate) use widest;
