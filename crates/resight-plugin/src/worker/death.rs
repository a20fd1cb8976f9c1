//! How a worker ended, and the error that its call gets.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use crate::error::PluginError;

/// The exit status by which a worker reports that the author's code broke its connection.
const DISCONNECTED: i32 = 86;

/// Why a worker was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Cause {
    /// It ended by itself, or something outside killed it.
    Crash,
    /// A call ran past its time limit.
    Timeout,
    /// It exceeded its limit of memory or of processes.
    Memory,
    /// It reached the configured number of calls, or age.
    Lifetime,
    /// It broke the protocol.
    Protocol,
    /// It did not start.
    StartFailure,
    /// The caller cancelled the call and asked for a kill.
    Cancelled,
    /// It did not answer a ping while idle.
    Unresponsive,
}

impl Cause {
    /// All causes, in the order of the metrics.
    pub const ALL: [Self; 8] = [
        Self::Crash,
        Self::Timeout,
        Self::Memory,
        Self::Lifetime,
        Self::Protocol,
        Self::StartFailure,
        Self::Cancelled,
        Self::Unresponsive,
    ];

    /// The name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Timeout => "timeout",
            Self::Memory => "memory",
            Self::Lifetime => "lifetime",
            Self::Protocol => "protocol",
            Self::StartFailure => "start_failure",
            Self::Cancelled => "cancelled",
            Self::Unresponsive => "unresponsive",
        }
    }
}

/// How a worker ended.
#[derive(Clone, Debug)]
pub(crate) struct Death {
    pub(crate) cause: Cause,
    /// The signal, the exit status or the limit, for people.
    pub(crate) detail: String,
    /// Whether something outside killed it, so that the call it ran need not be to blame.
    pub(crate) outside: bool,
    pub(crate) output: Vec<String>,
    pub(crate) file: String,
    pub(crate) line: Option<u32>,
}

impl Death {
    /// `killed` is why the server killed it, if it did; `seen` what its owner saw on the socket.
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
                "it closed its connection and kept running".to_owned(),
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

    /// The error of the call that ran in it.
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

/// How a process ended, in words.
fn ending(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => match signal_name(signal) {
            Some(name) => format!("killed by {name}"),
            None => format!("killed by signal {signal}"),
        },
        (None, Some(code)) => format!("it exited with status {code}"),
        (None, None) => "it ended".into(),
    }
}

fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL (an instruction this processor does not have)",
        6 => "SIGABRT (it gave itself up)",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL (from outside, or by the kernel for want of memory)",
        11 => "SIGSEGV (it touched memory that is not its own, or ran out of stack)",
        15 => "SIGTERM",
        31 => "SIGSYS",
        _ => return None,
    })
}

/// Whether the signal is one that the author's code does not send itself.
fn from_outside(status: ExitStatus) -> bool {
    matches!(status.signal(), Some(1 | 2 | 3 | 9 | 15))
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
