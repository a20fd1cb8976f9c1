//! Which descriptor of one picture belongs to which of another.

mod all_pairs;
mod kernel;
mod nearest;
mod neighbours;
#[cfg(target_arch = "aarch64")]
mod neon;
mod packed;
mod panels;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use nearest::{Match, MatchOptions, Nearest, match_all};
pub use neighbours::keep_nearest;
pub use packed::PackedQueries;
