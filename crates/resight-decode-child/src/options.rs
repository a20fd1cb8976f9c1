//! How children are started, and what they may use.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// How children are started, and what they may use.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// The program that calls [`crate::serve`]. `/proc/self/exe` is the one that runs, even where its file was replaced.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Most pictures that are decoded at once. Files whose pages are turned have a child each beside them.
    pub most: usize,
    /// Time after which a child that has nothing to do is ended.
    pub idle: Duration,
    /// Pictures after which a child is replaced.
    pub pictures: u32,
    /// Time of the processor for one picture or page.
    pub processor: Duration,
    /// Time for one picture or page, without the wait for memory.
    pub wall: Duration,
    /// Whether the caller's process decodes where no child can be started. Otherwise pictures are refused.
    pub or_here: bool,
}

impl PoolOptions {
    /// That of a program that calls [`crate::serve`] where it is started with `arguments`.
    pub fn of_this_program(arguments: Vec<OsString>, most: usize) -> Self {
        Self {
            program: "/proc/self/exe".into(),
            arguments,
            most: most.max(1),
            idle: Duration::from_secs(30),
            pictures: 200,
            processor: Duration::from_secs(60),
            wall: Duration::from_secs(180),
            or_here: true,
        }
    }
}
