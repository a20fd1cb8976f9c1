//! Where this program decodes pictures: in its own process, or in children that a decoder may end.

use std::ffi::OsString;
#[cfg(target_os = "linux")]
use std::sync::Arc;

#[cfg(target_os = "linux")]
use resight_decode_child::{Pool, PoolOptions};
#[cfg(target_os = "linux")]
use resight_engine::Formats;
use resight_engine::Place;

use crate::AppError;

/// What was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DecodeIn {
    /// All but JPEG, PNG and WebP in children, where there can be some.
    #[default]
    Auto,
    /// Every format in children; where there can be none, nothing is decoded.
    Process,
    /// In this process.
    Here,
}

/// Where pictures are decoded. Clones share the children.
#[derive(Clone)]
pub struct Decoding {
    asked: DecodeIn,
    #[cfg(target_os = "linux")]
    pool: Option<Pool>,
}

/// What [`Decoding`] comes to on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// In this process.
    Here {
        /// Why not in children.
        why: String,
    },
    /// In children.
    Process {
        /// Whether the kernel keeps them from files and from the network.
        confined: bool,
        /// Which formats.
        formats: &'static str,
    },
}

#[cfg(target_os = "linux")]
impl Decoding {
    /// `worker` are the arguments with which this program serves as a child; `None`: it cannot. At most `at_once`
    /// pictures are decoded at once. Starts nothing.
    pub fn new(asked: DecodeIn, worker: Option<Vec<OsString>>, at_once: usize) -> Self {
        let worker = worker.filter(|_| asked != DecodeIn::Here);
        let pool = worker.map(|arguments| {
            Pool::new(PoolOptions {
                or_here: asked == DecodeIn::Auto,
                ..PoolOptions::of_this_program(arguments, at_once)
            })
        });
        Self { asked, pool }
    }

    /// The place for [`resight_engine::DecodeLimits`].
    pub fn place(&self) -> Place {
        let formats = match self.asked {
            DecodeIn::Process => Formats::Every,
            DecodeIn::Auto | DecodeIn::Here => Formats::Rare,
        };
        match &self.pool {
            Some(pool) => Place::elsewhere(Arc::new(pool.clone()), formats),
            None => Place::default(),
        }
    }

    /// Tries where pictures are decoded.
    pub fn state(&self) -> State {
        let Some(pool) = &self.pool else {
            let why = match self.asked {
                DecodeIn::Here => "as was asked for",
                DecodeIn::Auto | DecodeIn::Process => "the program cannot start itself",
            };
            return State::Here { why: why.into() };
        };
        match pool.check() {
            Ok(confined) => State::Process {
                confined,
                formats: match self.asked {
                    DecodeIn::Process => "all formats",
                    DecodeIn::Auto | DecodeIn::Here => "all formats but JPEG, PNG and WebP",
                },
            },
            Err(why) => State::Here { why },
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Decoding {
    /// Children are for Linux so far.
    pub fn new(asked: DecodeIn, _worker: Option<Vec<OsString>>, _at_once: usize) -> Self {
        Self { asked }
    }

    /// The place for [`resight_engine::DecodeLimits`].
    pub fn place(&self) -> Place {
        Place::default()
    }

    /// Tries where pictures are decoded.
    pub fn state(&self) -> State {
        State::Here {
            why: "processes for decoding are for Linux".into(),
        }
    }
}

impl Decoding {
    /// Refuses to go on without children that were asked for.
    ///
    /// # Errors
    /// `decoder_not_started`.
    pub fn check(&self) -> Result<(), AppError> {
        if self.asked != DecodeIn::Process {
            return Ok(());
        }
        match self.state() {
            State::Process { .. } => Ok(()),
            State::Here { why } => Err(AppError::DecoderNotStarted { detail: why }),
        }
    }
}

impl std::fmt::Debug for Decoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Decoding").field(&self.asked).finish()
    }
}
