//! What reads videos: the user's ffmpeg, where there is one.

use std::ffi::OsString;
#[cfg(target_os = "linux")]
use std::path::Path;
use std::path::PathBuf;
#[cfg(target_os = "linux")]
use std::sync::Arc;

#[cfg(target_os = "linux")]
use resight_decode_child::{Ffmpeg, FfmpegOptions, find_program};
use resight_engine::Videos;

use crate::AppError;

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ReadVideos {
    /// By the ffmpeg on the path, where there is one.
    #[default]
    Auto,
    /// Not at all.
    Off,
    /// By this ffmpeg.
    By(PathBuf),
}

/// What reads videos.
#[derive(Clone, Debug)]
pub struct VideoReading {
    asked: ReadVideos,
    #[cfg(target_os = "linux")]
    ffmpeg: Option<Arc<Ffmpeg>>,
}

/// What [`VideoReading`] comes to on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VideoState {
    /// Videos are no pictures.
    Off {
        /// Why.
        why: String,
    },
    /// They are read.
    By {
        /// The program.
        program: PathBuf,
        /// What it says of its version.
        version: String,
    },
}

#[cfg(target_os = "linux")]
impl VideoReading {
    /// `worker` are the arguments with which this program becomes ffmpeg; `None`: it cannot. Starts nothing.
    pub fn new(asked: ReadVideos, worker: Option<Vec<OsString>>) -> Self {
        let program = match &asked {
            ReadVideos::Auto => find_program("ffmpeg".as_ref()),
            ReadVideos::Off => None,
            ReadVideos::By(named) => Some(in_full(named)),
        };
        let ffmpeg = worker.zip(program).map(|(arguments, program)| {
            let options = FfmpegOptions::of_this_program(program, arguments);
            Arc::new(Ffmpeg::new(options))
        });
        Self { asked, ffmpeg }
    }

    /// For [`resight_engine::DecodeLimits`].
    pub fn videos(&self) -> Videos {
        match &self.ffmpeg {
            Some(ffmpeg) => Videos::read_by(ffmpeg.clone()),
            None => Videos::default(),
        }
    }

    /// Tries ffmpeg.
    pub fn state(&self) -> VideoState {
        let Some(ffmpeg) = &self.ffmpeg else {
            let why = match &self.asked {
                ReadVideos::Auto => "ffmpeg was not found on the path",
                ReadVideos::Off => "as was asked for",
                ReadVideos::By(_) => "the program cannot start itself",
            };
            return VideoState::Off { why: why.into() };
        };
        match ffmpeg.check() {
            Ok(version) => VideoState::By {
                program: ffmpeg.path().to_owned(),
                version,
            },
            Err(why) => VideoState::Off { why },
        }
    }
}

/// A single word is looked up, as a shell does.
#[cfg(target_os = "linux")]
fn in_full(named: &Path) -> PathBuf {
    let is_word = named.components().count() == 1 && !named.is_absolute();
    let found = is_word.then(|| find_program(named.as_os_str())).flatten();
    found.unwrap_or_else(|| std::path::absolute(named).unwrap_or_else(|_| named.to_owned()))
}

#[cfg(not(target_os = "linux"))]
impl VideoReading {
    /// Videos are read on Linux so far.
    pub fn new(asked: ReadVideos, _worker: Option<Vec<OsString>>) -> Self {
        Self { asked }
    }

    /// For [`resight_engine::DecodeLimits`].
    pub fn videos(&self) -> Videos {
        Videos::default()
    }

    /// Tries ffmpeg.
    pub fn state(&self) -> VideoState {
        VideoState::Off {
            why: "videos are read on Linux so far".into(),
        }
    }
}

impl VideoReading {
    /// Refuses to go on without an ffmpeg that was named.
    ///
    /// # Errors
    /// `ffmpeg_not_found`.
    pub fn check(&self) -> Result<(), AppError> {
        let ReadVideos::By(program) = &self.asked else {
            return Ok(());
        };
        match self.state() {
            VideoState::By { .. } => Ok(()),
            VideoState::Off { why } => Err(AppError::FfmpegNotFound {
                program: program.clone(),
                detail: why,
            }),
        }
    }
}
