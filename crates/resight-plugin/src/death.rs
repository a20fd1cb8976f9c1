//! How a worker ended, and what that says to the one who called.

use std::process::ExitStatus;
use std::time::Duration;

use crate::error::PluginError;
use crate::monitor::{Cause, ending, from_outside};

/// The exit status by which a worker says that its connection was broken from within.
const DISCONNECTED: i32 = 86;

/// The end of a worker.
#[derive(Clone, Debug)]
pub(crate) struct Death {
    pub(crate) cause: Cause,
    /// For people: the signal, the exit status, the limit.
    pub(crate) detail: String,
    /// Whether somebody outside did it: the call that ran need not be to blame.
    pub(crate) outside: bool,
    pub(crate) output: Vec<String>,
    pub(crate) file: String,
    pub(crate) line: Option<u32>,
}

impl Death {
    /// `killed` is why we ended it, where we did; `seen` what its holder saw otherwise.
    pub(crate) fn new(
        killed: Option<(Cause, String)>,
        seen: (Cause, String),
        status: Option<ExitStatus>,
        output: Vec<String>,
        file: &str,
    ) -> Self {
        let mut outside = false;
        let (cause, detail) = match (killed, seen, status) {
            (Some((Cause::Crash, _)), _, _) => (
                Cause::Protocol,
                "it closed its connection and ran on".to_owned(),
            ),
            (Some(killed), _, _) => killed,
            (None, (Cause::Crash, _), Some(status)) if status.code() == Some(DISCONNECTED) => (
                Cause::Protocol,
                "its connection was closed by the plug-in's code".to_owned(),
            ),
            (None, (Cause::Crash, _), Some(status)) => {
                outside = from_outside(status);
                (Cause::Crash, ending(status))
            }
            (None, seen, _) => seen,
        };
        let line = output.iter().find_map(|l| line_of(l, file));
        Self {
            cause,
            detail,
            outside,
            output,
            file: file.into(),
            line,
        }
    }

    /// The error of the call that ran.
    pub(crate) fn error(&self, function: &str, limit: Duration) -> PluginError {
        let function = function.to_owned();
        match self.cause {
            Cause::Timeout => PluginError::Timeout {
                function,
                limit,
                output: self.output.clone(),
                file: self.file.clone(),
                line: self.line,
            },
            Cause::Memory => PluginError::TooMuch {
                function,
                detail: self.detail.clone(),
            },
            Cause::Protocol => PluginError::Protocol {
                function,
                detail: self.detail.clone(),
            },
            Cause::Cancelled => PluginError::Cancelled,
            _ => PluginError::Crashed {
                function,
                cause: self.detail.clone(),
                output: self.output.clone(),
                file: self.file.clone(),
                line: self.line,
            },
        }
    }
}

/// The line number in a line of Python's dump that names `file`.
fn line_of(text: &str, file: &str) -> Option<u32> {
    let rest = text.split_once(&format!("File \"{file}\", line "))?.1;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn death(killed: Option<(Cause, String)>, raw: i32) -> Death {
        let output = vec![
            "Fatal Python error: Segmentation fault".to_owned(),
            "  File \"/a/b.py\", line 12 in f".to_owned(),
        ];
        let seen = (Cause::Crash, String::new());
        let status = Some(ExitStatus::from_raw(raw));
        Death::new(killed, seen, status, output, "/a/b.py")
    }

    #[test]
    fn the_cause_is_the_first_one() {
        let crashed = death(None, 11);
        assert_eq!((crashed.cause, crashed.outside), (Cause::Crash, false));
        assert!(crashed.detail.contains("SIGSEGV"));
        assert_eq!(crashed.line, Some(12));
        assert!(death(None, 9).outside);
        assert!(death(None, 3 << 8).detail.contains("status 3"));
        assert_eq!(death(None, DISCONNECTED << 8).cause, Cause::Protocol);
        let ours = death(Some((Cause::Memory, "took much".into())), 9);
        assert_eq!((ours.cause, ours.outside), (Cause::Memory, false));
    }
}
