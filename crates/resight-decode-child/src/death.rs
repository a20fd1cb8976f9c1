//! Why a child ended, in a sentence about the picture that it decoded.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use libc::{SIGABRT, SIGBUS, SIGHUP, SIGINT, SIGKILL, SIGSEGV, SIGTERM, SIGXCPU};
use resight_decode::{Refused, RefusedCode};

/// How a child was lost with a picture.
#[derive(Debug)]
pub(crate) enum Death {
    /// It ended by itself, or was ended by somebody else.
    Ended(Option<ExitStatus>),
    /// The parent ended it, because the time was over.
    TooSlow,
    /// The parent ended it, because its answer was none.
    Garbled,
}

/// What the picture was allowed.
pub(crate) struct Allowed {
    pub(crate) processor: Duration,
    pub(crate) wall: Duration,
    /// Memory that was granted, in bytes.
    pub(crate) memory: u64,
}

impl Death {
    /// Whether somebody else ended it: that says nothing of the picture.
    pub(crate) fn is_from_outside(&self) -> bool {
        let Self::Ended(Some(status)) = self else {
            return false;
        };
        matches!(status.signal(), Some(SIGKILL | SIGTERM | SIGINT | SIGHUP))
    }

    /// The refusal of the picture.
    pub(crate) fn refusal(&self, format: &str, allowed: &Allowed) -> Refused {
        let why = match self {
            Self::TooSlow => format!("took longer than {} seconds", allowed.wall.as_secs()),
            Self::Garbled => "gave an answer that is none".to_owned(),
            Self::Ended(status) => match status.and_then(|status| status.signal()) {
                Some(SIGXCPU) => {
                    let seconds = allowed.processor.as_secs();
                    format!("needed more than {seconds} seconds of the processor")
                }
                Some(SIGABRT) => {
                    let memory = match allowed.memory.div_ceil(1 << 20) {
                        0 => "memory".to_owned(),
                        mib => format!("{mib} MiB of memory"),
                    };
                    format!("gave up, as it does when its {memory} or its stack is too small")
                }
                Some(SIGSEGV | SIGBUS) => "reached for memory that is not its own".to_owned(),
                Some(SIGKILL | SIGTERM | SIGINT | SIGHUP) => {
                    "was ended from outside several times, as where memory is short".to_owned()
                }
                Some(signal) => format!("ended with signal {signal}"),
                None => "ended".to_owned(),
            },
        };
        let detail = format!("the {format} decoder {why}");
        Refused::new(RefusedCode::DecoderFailed, detail)
    }
}
