//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::PathBuf;

use resight_app::Code;
use serde_json::{Value, json};

use crate::error::CliError;

/// Where an option is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The configuration's file; the line is counted from 1.
    File { path: PathBuf, line: Option<usize> },
    /// A variable of the environment.
    Variable(String),
    /// The command line.
    Flag(String),
    /// Nowhere: its default is what does not fit.
    Default,
}

/// One thing that a start would be refused for.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) place: Place,
    /// The option, with its table; `None` where no single one can be told.
    pub(crate) option: Option<String>,
    pub(crate) code: Code,
    /// What is wrong, as a sentence without its end.
    pub(crate) detail: String,
    pub(crate) next_step: String,
}

impl Problem {
    /// A value that no option takes.
    pub(crate) fn bad_config(place: Place, option: Option<String>, detail: String) -> Self {
        Self {
            place,
            option,
            code: Code::BadConfig,
            detail,
            next_step: Code::BadConfig.next_step().to_owned(),
        }
    }

    /// What a command would be refused for.
    pub(crate) fn of_error((place, option): (Place, Option<String>), error: &CliError) -> Self {
        Self {
            place,
            option,
            code: error.code(),
            detail: error.to_string(),
            next_step: error.next_step().into_owned(),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        let (from, file, line) = match &self.place {
            Place::File { path, line } => ("file", Some(path), *line),
            Place::Variable(_) => ("variable", None, None),
            Place::Flag(_) => ("flag", None, None),
            Place::Default => ("default", None, None),
        };
        json!({
            "option": self.option,
            "from": from,
            "file": file,
            "line": line,
            "code": self.code.as_str(),
            "detail": self.detail,
            "next_step": self.next_step,
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File {
                path,
                line: Some(line),
            } => write!(to, "{}, line {line}: ", path.display())?,
            Place::File { path, line: None } => write!(to, "{}: ", path.display())?,
            Place::Variable(name) => write!(to, "the variable {name}: ")?,
            Place::Flag(flag) => write!(to, "{flag}: ")?,
            Place::Default => {}
        }
        match (&self.option, &self.place) {
            // The place names it already.
            (Some(_), Place::Variable(_) | Place::Flag(_)) | (None, _) => {}
            (Some(option), _) => write!(to, "{option}: ")?,
        }
        to.write_str(&self.detail)
    }
}

/// All of them, one a line.
pub(crate) fn lines(problems: &[Problem]) -> String {
    let all = problems.iter().map(ToString::to_string);
    all.collect::<Vec<_>>().join("\n")
}
