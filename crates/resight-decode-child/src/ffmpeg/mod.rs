//! Videos read by the user's own ffmpeg, a process for each sample.
//!
//! The file lies in memory without a name, which is the standard input of ffmpeg; a frame comes back in another, its
//! standard output. So ffmpeg never sees a name that could be an option or an address. Which reader of containers it
//! uses is told to it: one of playlists, which would open other files, is never chosen.
//!
//! Invariant: ffmpeg runs confined (`launch.rs`), or not at all.

mod frames;
mod launch;
mod options;
mod probe;
mod run;

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use resight_decode::{Images, Pixels, Refused, VideoJob, VideoReader};

use frames::Video;
pub use launch::launch;
pub use options::FfmpegOptions;
#[cfg(any(test, fuzzing))]
pub use probe::ffmpeg_log;
use run::Task;

/// The user's ffmpeg.
#[derive(Clone, Debug)]
pub struct Ffmpeg(FfmpegOptions);

impl Ffmpeg {
    /// Starts nothing.
    pub fn new(options: FfmpegOptions) -> Self {
        Self(options)
    }

    /// The program, as it was found or named.
    pub fn path(&self) -> &Path {
        &self.0.ffmpeg
    }

    /// Starts it, and says which version it is.
    ///
    /// # Errors
    /// A sentence that says why it does not run.
    pub fn check(&self) -> Result<String, String> {
        let task = Task {
            arguments: vec!["-hide_banner".into(), "-version".into()],
            input: None,
            most: 1 << 16,
            memory: self.0.memory,
            wall: self.0.wall,
        };
        let done = task.run(&self.0).map_err(|refused| refused.detail)?;
        let text = String::from_utf8_lossy(&done.output()).into_owned();
        match text.lines().next() {
            Some(line) if done.succeeded && line.contains("version") => Ok(line.to_owned()),
            _ => Err(format!(
                "{} does not say its version: {}",
                self.0.ffmpeg.display(),
                done.last_words()
            )),
        }
    }
}

impl VideoReader for Ffmpeg {
    fn first(&self, job: VideoJob<'_>) -> Result<Pixels, Refused> {
        let video = Video::open(&self.0, job)?;
        let image = video.frame(0)?;
        Ok(Pixels {
            image,
            pages: video.samples(),
            depth: 8,
            time_ms: Some(0),
        })
    }

    fn samples<'a>(&'a self, job: VideoJob<'a>) -> Result<Images<'a>, Refused> {
        Ok(Box::new(Video::open(&self.0, job)?.into_frames()))
    }
}

/// The program of this name in the folders of `PATH`.
pub fn find_program(name: &OsStr) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let files = std::env::split_paths(&folders)
        // A folder that is not named in full would be another one in another place.
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name));
    files.into_iter().find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    let is_executable =
        |about: std::fs::Metadata| about.is_file() && about.permissions().mode() & 0o111 != 0;
    file.metadata().is_ok_and(is_executable)
}
