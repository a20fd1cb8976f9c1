//! Pictures decoded in child processes, so that no decoder can end or hang the process of the library.
//!
//! Useful for: a program that reads pictures of others. It makes a [`Pool`], hands it to
//! `resight_decode::DecodeLimits::place`, and runs [`serve`] where it was started as a child.
//!
//! Not useful for: a library without a program of its own, which decodes in its caller's process; and, so far, for
//! systems other than Linux, on which this crate is empty.
//!
//! A child has its end of a socket as standard input and memory without a name, shared with its parent, as standard
//! output. The parent writes a picture into the memory and a request into the socket (`wire.rs`). The child asks
//! through the socket for the memory that a picture needs, so all draw on the one budget of the parent. It writes the
//! pixels into the shared memory and says so.
//!
//! Invariant: what a child answers is data. Lengths are checked against the limits, and nothing that it does makes
//! the parent wait longer than [`PoolOptions::wall`] and the wait for memory.

#[cfg(target_os = "linux")]
mod child;
#[cfg(target_os = "linux")]
mod death;
#[cfg(target_os = "linux")]
mod ffmpeg;
#[cfg(all(target_os = "linux", any(test, fuzzing)))]
pub mod fuzzing;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(target_os = "linux")]
mod options;
#[cfg(target_os = "linux")]
mod pages;
#[cfg(target_os = "linux")]
mod pool;
#[cfg(target_os = "linux")]
mod system_calls;
#[cfg(target_os = "linux")]
mod wire;
#[cfg(target_os = "linux")]
mod worker;

#[cfg(target_os = "linux")]
pub use ffmpeg::{Ffmpeg, FfmpegOptions, find_program, launch};
#[cfg(target_os = "linux")]
pub use options::PoolOptions;
#[cfg(target_os = "linux")]
pub use pool::Pool;
#[cfg(target_os = "linux")]
pub use worker::{Hook, serve, serve_with};
