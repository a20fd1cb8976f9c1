//! Why a call got no reply. Each error has a stable code, a side and a next step.

use std::time::Duration;

use resight_vision::{ExtractError, Fault};

use crate::reply::HttpAnswer;

/// Who can act on an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The caller: the request cannot be served as it is.
    Caller,
    /// The author of the plug-in: the Python code is wrong.
    Author,
    /// The operator of the server: configuration, load, or a fault of Resight.
    Server,
}

/// Why a plug-in returned no reply.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PluginError {
    /// The configuration cannot work.
    #[error("the plug-in cannot be started: {detail}")]
    Config {
        /// What is wrong with it.
        detail: String,
    },
    /// The file has no such function.
    #[error("the plug-in has no function \"{function}\"; it has: {known}")]
    NoFunction {
        /// The function called.
        function: String,
        /// The functions that the file has.
        known: String,
    },
    /// The arguments are not those that the function takes.
    #[error("{detail}")]
    BadArgument {
        /// The function called.
        function: String,
        /// Which argument is missing, unknown or not of its annotation's type.
        detail: String,
    },
    /// The function raised an exception.
    #[error("{function} raised {kind}: {message}{}", at(file, *line))]
    Raised {
        /// The function called.
        function: String,
        /// The exception's type.
        kind: String,
        /// Its message.
        message: String,
        /// The traceback, from the author's first frame on.
        traceback: Box<str>,
        /// The author's file.
        file: Box<str>,
        /// The last line of the author's own file in the traceback.
        line: Option<u32>,
    },
    /// The function raised an exception that is an answer of HTTP.
    #[error("{function} answered with status {}: {}", answer.status, shown(answer))]
    Answered {
        /// The function called.
        function: String,
        /// Its answer.
        answer: Box<HttpAnswer>,
    },
    /// The function returned a value that cannot be used.
    #[error("{detail}")]
    BadResult {
        /// The function called.
        function: String,
        /// What came and what was expected.
        detail: String,
    },
    /// The worker died in the call.
    #[error("{function} ended its worker process: {cause}{}", at(file, *line))]
    Crashed {
        /// The function called.
        function: String,
        /// Signal or exit status.
        cause: String,
        /// The last lines that the worker wrote, with Python's own dump where there is one.
        output: Vec<String>,
        /// The author's file.
        file: String,
        /// The author's line that ran, if the dump names it.
        line: Option<u32>,
    },
    /// The call ran past its time limit.
    #[error("{function} was stopped after {:.1} s{}", limit.as_secs_f64(), at(file, *line))]
    Timeout {
        /// The function called.
        function: String,
        /// The limit.
        limit: Duration,
        /// Python's dump of where it ran.
        output: Vec<String>,
        /// The author's file.
        file: String,
        /// The author's line that ran.
        line: Option<u32>,
    },
    /// The worker exceeded its limit of memory or of processes.
    #[error("{function} was stopped: its worker {detail}")]
    TooMuch {
        /// The function called.
        function: String,
        /// What it used, and the limit.
        detail: String,
    },
    /// These input bytes killed a worker before.
    #[error("these bytes are refused: {reason}")]
    Quarantined {
        /// How the worker ended.
        reason: String,
    },
    /// The queue is full, or this call waited too long in it.
    #[error("the plug-in is busy: {waiting} calls wait")]
    Busy {
        /// Calls in the queue.
        waiting: usize,
        /// When to try again.
        retry_after: Duration,
    },
    /// No worker can serve now.
    #[error("the plug-in does not work at present: {reason}")]
    Broken {
        /// Why the last worker ended or did not start.
        reason: String,
        /// When the next worker is started.
        retry_after: Duration,
    },
    /// The function ended one worker after the other.
    #[error(
        "{function} is refused for a while, as it ended several workers; the last one: {reason}"
    )]
    CrashLoop {
        /// The function called.
        function: String,
        /// How the last worker ended.
        reason: String,
        /// When it is tried again.
        retry_after: Duration,
    },
    /// A worker did not start.
    #[error("the plug-in did not start: {reason}")]
    StartFailed {
        /// Why, in a sentence.
        reason: String,
        /// The traceback or the worker's last lines.
        traceback: String,
    },
    /// The worker broke the protocol.
    #[error("{function} broke the connection to the server: {detail}")]
    Protocol {
        /// The function called.
        function: String,
        /// What it sent.
        detail: String,
    },
    /// The result exceeds the limit.
    #[error("{function} returned {bytes} bytes; the limit is {limit}")]
    TooLarge {
        /// The function called.
        function: String,
        /// The result's size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The file's model is another one now than that of the stored features.
    #[error("the plug-in's model is now {now}, and was {was} when the collection was opened")]
    ModelChanged {
        /// The model at the start.
        was: String,
        /// The model now.
        now: String,
    },
    /// Nobody waits for the call any longer.
    #[error("the call was cancelled")]
    Cancelled,
    /// The plug-in has been shut down.
    #[error("the plug-in has been shut down")]
    Closed,
    /// The operating system or the transport failed.
    #[error("the server could not reach its worker: {detail}")]
    Io {
        /// What failed.
        detail: String,
    },
}

impl From<PluginError> for ExtractError {
    fn from(error: PluginError) -> Self {
        Self {
            code: error.code(),
            fault: error.row().2,
            detail: error.to_string(),
            next_step: error.next_step(),
            traceback: error.traceback(),
            retry_after: error.retry_after(),
        }
    }
}

/// The beginning of an answer's detail.
fn shown(answer: &HttpAnswer) -> String {
    let detail = answer.detail.value();
    let text = detail.as_str().unwrap_or(answer.detail.as_str());
    text.chars().take(500).collect()
}

fn at(file: &str, line: Option<u32>) -> String {
    line.map_or_else(String::new, |line| format!(" ({file}, line {line})"))
}

impl PluginError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.row().0
    }

    /// Who can act on it.
    pub fn side(&self) -> Side {
        self.row().1
    }

    /// What to do next.
    pub fn next_step(&self) -> &'static str {
        self.row().3
    }

    /// Whether the function itself said that the request, and not the plug-in, is at fault.
    pub(crate) fn is_callers(&self) -> bool {
        matches!(self, Self::Answered { answer, .. } if answer.status < 500)
    }

    /// When to try again, if that can help.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. }
            | Self::Broken { retry_after, .. }
            | Self::CrashLoop { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    /// The traceback or the worker's last lines, if there are any.
    pub fn traceback(&self) -> Option<String> {
        match self {
            Self::Raised { traceback, .. } => {
                (!traceback.is_empty()).then(|| traceback.to_string())
            }
            Self::StartFailed { traceback, .. } => {
                (!traceback.is_empty()).then(|| traceback.clone())
            }
            Self::Crashed { output, .. } | Self::Timeout { output, .. } => {
                (!output.is_empty()).then(|| output.join("\n"))
            }
            _ => None,
        }
    }

    pub(crate) fn no_thread(error: std::io::Error) -> Self {
        Self::Io {
            detail: format!("no thread can be started: {error}"),
        }
    }

    /// Code, side, what the error means for the picture that is being described, and next step.
    fn row(&self) -> (&'static str, Side, Fault, &'static str) {
        macro_rules! table {
            ($($error:ident: $code:literal, $side:ident, $fault:ident, $next_step:literal;)+) => {
                match self {
                    $(Self::$error { .. } => ($code, Side::$side, Fault::$fault, $next_step),)+
                }
            };
        }
        table! {
            Config: "plugin_config", Server, Extractor,
                "Correct the plug-in's settings as the detail says.";
            NoFunction: "plugin_no_function", Caller, Extractor,
                "Use one of the functions that the detail lists.";
            BadArgument: "plugin_bad_argument", Caller, Extractor,
                "Send the arguments that the detail lists; GET /openapi.json describes them.";
            Raised: "plugin_raised", Author, Picture,
                "Look at the line that the traceback names.";
            Answered: "plugin_answered", Caller, Picture,
                "Do what the detail says; the author of the plug-in wrote it.";
            BadResult: "plugin_bad_result", Author, Picture,
                "Return what the detail says is expected; `resight plugin check FILE` tries it.";
            Crashed: "plugin_crashed", Author, Picture,
                "Look at the cause and the last lines of output; the worker has been replaced.";
            Timeout: "plugin_timeout", Author, Picture,
                "Make the function faster, or raise the plug-in's time limit.";
            TooMuch: "plugin_too_much", Author, Picture,
                "Take less memory and fewer processes, or raise the plug-in's limits.";
            Quarantined: "plugin_quarantined", Author, Picture,
                "Correct what the reason names and reload the plug-in; other inputs are served.";
            Busy: "plugin_busy", Server, Passing,
                "Try again after the time in Retry-After, or start more workers.";
            Broken: "plugin_broken", Author, Passing,
                "Correct what the reason names and reload the plug-in; it is retried by itself.";
            CrashLoop: "plugin_crash_loop", Author, Passing,
                "Correct the function as the reason says; it is tried again after Retry-After.";
            StartFailed: "plugin_start_failed", Author, Extractor,
                "Run `resight plugin check FILE` with the same interpreter and correct the error.";
            Protocol: "plugin_protocol", Author, Picture,
                "Leave descriptors alone that the code did not open; the worker has been replaced.";
            TooLarge: "plugin_too_large", Author, Picture,
                "Return less, or raise the plug-in's limit for results.";
            ModelChanged: "plugin_model_changed", Server, Extractor,
                "Index the pictures again with the new model, or set the old version back.";
            Cancelled: "plugin_cancelled", Caller, Extractor,
                "Send the request again.";
            Closed: "plugin_closed", Server, Extractor,
                "Start the server again.";
            Io: "plugin_io", Server, Extractor,
                "Try again; if it stays, look into the server's log.";
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extractors_error_says_whether_the_picture_the_moment_or_the_plug_in_is_at_fault() {
        let cases = [
            (
                PluginError::TooLarge {
                    function: "f".into(),
                    bytes: 2,
                    limit: 1,
                },
                Fault::Picture,
            ),
            (
                PluginError::Busy {
                    waiting: 3,
                    retry_after: Duration::from_secs(2),
                },
                Fault::Passing,
            ),
            (PluginError::Closed, Fault::Extractor),
        ];
        for (error, fault) in cases {
            let (code, retry_after) = (error.code(), error.retry_after());
            let seen = ExtractError::from(error);
            assert_eq!(
                (seen.code, seen.fault, seen.retry_after),
                (code, fault, retry_after)
            );
        }
    }
}
