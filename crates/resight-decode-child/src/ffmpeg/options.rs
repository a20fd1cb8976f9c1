//! How ffmpeg is started, and what it may use.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// How ffmpeg is started, and what it may use.
#[derive(Clone, Debug)]
pub struct FfmpegOptions {
    /// The user's ffmpeg.
    pub ffmpeg: PathBuf,
    /// The program that calls [`super::launch`].
    pub program: PathBuf,
    /// Its arguments, after which those of [`super::launch`] follow.
    pub arguments: Vec<OsString>,
    /// Time of the processor for one sample.
    pub processor: Duration,
    /// Time for one sample.
    pub wall: Duration,
    /// Time for all samples of a video.
    pub all: Duration,
    /// Address space beside what depends on the size of frames.
    pub memory: u64,
}

impl FfmpegOptions {
    /// That of a program that calls [`super::launch`] where it is started with `arguments` and more.
    pub fn of_this_program(ffmpeg: PathBuf, arguments: Vec<OsString>) -> Self {
        Self {
            ffmpeg,
            program: "/proc/self/exe".into(),
            arguments,
            processor: Duration::from_secs(30),
            wall: Duration::from_secs(60),
            all: Duration::from_secs(300),
            memory: 1 << 30,
        }
    }
}
