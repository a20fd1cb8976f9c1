//! Why a call was not answered. Each kind has a stable code, a side and a next step.

use std::time::Duration;

use resight_vision::{ExtractError, Fault};

/// Whose it is to act on an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one who calls: the request cannot be served as it is.
    Caller,
    /// The author of the plug-in: the Python code does what it must not.
    Author,
    /// The one who runs the server: configuration, load, or a fault of Resight.
    Server,
}

/// Why a plug-in gave no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
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
        /// What was asked for.
        function: String,
        /// The functions there are.
        known: String,
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
    /// What the function returned cannot be used.
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
        /// The author's line that ran, where the dump tells.
        line: Option<u32>,
    },
    /// The call ran longer than it may.
    #[error("{function} was stopped after {:.1} s{}", limit.as_secs_f64(), at(file, *line))]
    Timeout {
        /// The function called.
        function: String,
        /// The limit.
        limit: Duration,
        /// Where it was, as Python dumped it.
        output: Vec<String>,
        /// The author's file.
        file: String,
        /// The author's line that ran.
        line: Option<u32>,
    },
    /// The worker took more memory, or more processes, than it may.
    #[error("{function} was stopped: its worker {detail}")]
    TooMuch {
        /// The function called.
        function: String,
        /// What it took and what it may take.
        detail: String,
    },
    /// These bytes killed a worker before.
    #[error("these bytes are refused: {reason}")]
    Quarantined {
        /// What they did.
        reason: String,
    },
    /// Too many calls wait already, or this one waited too long.
    #[error("the plug-in is busy: {waiting} calls wait")]
    Busy {
        /// Calls in the queue.
        waiting: usize,
        /// When to come again.
        retry_after: Duration,
    },
    /// No worker can serve now.
    #[error("the plug-in does not work at present: {reason}")]
    Broken {
        /// Why the last worker ended or did not start.
        reason: String,
        /// When the next worker is tried.
        retry_after: Duration,
    },
    /// A worker did not come up.
    #[error("the plug-in did not start: {reason}")]
    StartFailed {
        /// Why, in a sentence.
        reason: String,
        /// The traceback or the worker's last lines.
        traceback: String,
    },
    /// The worker did not keep to the protocol.
    #[error("{function} broke the connection to the server: {detail}")]
    Protocol {
        /// The function called.
        function: String,
        /// What came.
        detail: String,
    },
    /// The answer is larger than it may be.
    #[error("{function} returned {bytes} bytes; at most {limit} are taken")]
    TooLarge {
        /// The function called.
        function: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The file gives other features now than those that are stored.
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
    /// Something between server and worker failed that neither of them decides.
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
            fault: error.fault(),
            detail: error.to_string(),
            next_step: error.next_step(),
            traceback: error.traceback(),
            retry_after: error.retry_after(),
        }
    }
}

fn at(file: &str, line: Option<u32>) -> String {
    line.map_or_else(String::new, |line| format!(" ({file}, line {line})"))
}

impl PluginError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.row().0
    }

    /// Whose it is to act.
    pub fn side(&self) -> Side {
        self.row().1
    }

    /// What to do about it.
    pub fn next_step(&self) -> &'static str {
        self.row().2
    }

    /// When to try again, where that can help.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } | Self::Broken { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    /// The traceback or the worker's last lines, where there are any.
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

    /// What it says about describing pictures.
    fn fault(&self) -> Fault {
        match self {
            Self::Raised { .. }
            | Self::BadResult { .. }
            | Self::Crashed { .. }
            | Self::Timeout { .. }
            | Self::TooMuch { .. }
            | Self::Quarantined { .. }
            | Self::Protocol { .. }
            | Self::TooLarge { .. } => Fault::Picture,
            Self::Busy { .. } | Self::Broken { .. } => Fault::Passing,
            Self::Config { .. }
            | Self::NoFunction { .. }
            | Self::StartFailed { .. }
            | Self::ModelChanged { .. }
            | Self::Cancelled
            | Self::Closed
            | Self::Io { .. } => Fault::Extractor,
        }
    }

    fn row(&self) -> (&'static str, Side, &'static str) {
        use Side::{Author, Caller, Server};
        match self {
            Self::Config { .. } => (
                "plugin_config",
                Server,
                "Correct the plug-in's settings as the detail says.",
            ),
            Self::NoFunction { .. } => (
                "plugin_no_function",
                Caller,
                "Use one of the functions that the detail lists.",
            ),
            Self::Raised { .. } => (
                "plugin_raised",
                Author,
                "Look at the line that the traceback names.",
            ),
            Self::BadResult { .. } => (
                "plugin_bad_result",
                Author,
                "Return what the detail says is expected; `resight plugin check FILE` tries it.",
            ),
            Self::Crashed { .. } => (
                "plugin_crashed",
                Author,
                "Look at the cause and the last lines of output; the worker has been replaced.",
            ),
            Self::Timeout { .. } => (
                "plugin_timeout",
                Author,
                "Make the function faster, or raise the plug-in's time limit.",
            ),
            Self::TooMuch { .. } => (
                "plugin_too_much",
                Author,
                "Take less memory and fewer processes, or raise the plug-in's limits.",
            ),
            Self::Quarantined { .. } => (
                "plugin_quarantined",
                Author,
                "Correct what the reason names and reload the plug-in; other inputs are served.",
            ),
            Self::Busy { .. } => (
                "plugin_busy",
                Server,
                "Try again after the time in Retry-After, or start more workers.",
            ),
            Self::Broken { .. } => (
                "plugin_broken",
                Author,
                "Correct what the reason names and reload the plug-in; it is retried by itself.",
            ),
            Self::StartFailed { .. } => (
                "plugin_start_failed",
                Author,
                "Run `resight plugin check FILE` with the same interpreter and correct the error.",
            ),
            Self::Protocol { .. } => (
                "plugin_protocol",
                Author,
                "Leave descriptors alone that the code did not open; the worker has been replaced.",
            ),
            Self::TooLarge { .. } => (
                "plugin_too_large",
                Author,
                "Return less, or raise the plug-in's limit for results.",
            ),
            Self::ModelChanged { .. } => (
                "plugin_model_changed",
                Server,
                "Index the pictures again with the new model, or set the old version back.",
            ),
            Self::Cancelled => ("plugin_cancelled", Caller, "Send the request again."),
            Self::Closed => ("plugin_closed", Server, "Start the server again."),
            Self::Io { .. } => (
                "plugin_io",
                Server,
                "Try again; if it stays, look into the server's log.",
            ),
        }
    }
}
