//! The kernel of each instruction set.

#[cfg(target_arch = "aarch64")]
use super::neon;
use super::panels::{self, Block, PLAIN_QUERIES, Packing};
#[cfg(target_arch = "x86_64")]
use super::x86;
use crate::dispatch::{Level, Simd};

/// A kernel's code and the shape of the blocks that it takes.
pub(super) struct Kernel {
    /// Query features in a block.
    pub(super) queries: usize,
    /// The number of panels must be a multiple of it.
    pub(super) panels: usize,
    pub(super) packing: Packing,
    pub(super) run: fn(Simd, Block<'_>),
}

impl Kernel {
    /// The kernel for these instructions.
    pub(super) fn of(simd: Simd) -> Self {
        match simd.level() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => Self {
                queries: x86::AVX512_QUERIES,
                panels: 2,
                packing: Packing::SignedFours,
                run: x86::avx512,
            },
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => Self {
                queries: x86::AVX2_QUERIES,
                panels: 1,
                packing: Packing::Pairs,
                run: x86::avx2,
            },
            #[cfg(target_arch = "x86_64")]
            Level::Sse42 | Level::Sse2 => Self {
                queries: x86::SSE2_QUERIES,
                panels: 1,
                packing: Packing::Pairs,
                run: x86::sse2,
            },
            #[cfg(target_arch = "aarch64")]
            Level::Dotprod => Self {
                queries: neon::DOTPROD_QUERIES,
                panels: 1,
                packing: Packing::Fours,
                run: neon::dotprod,
            },
            #[cfg(target_arch = "aarch64")]
            Level::Neon => Self {
                queries: neon::NEON_QUERIES,
                panels: 1,
                packing: Packing::Fours,
                run: neon::neon,
            },
            Level::Plain => Self {
                queries: PLAIN_QUERIES,
                panels: 1,
                packing: Packing::Pairs,
                run: |_, block| panels::plain(block),
            },
        }
    }
}
