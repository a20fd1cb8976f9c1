//! The exit codes of the commands that answer whether something was found: those of grep, cmp and diff.

use std::io;
use std::process::ExitCode;

use crate::error::CliError;

/// What help says of them.
macro_rules! exit_codes {
    ($found:literal, $not:literal) => {
        concat!(
            "Exit codes: 0 ",
            $found,
            "; 1 ",
            $not,
            "; 2 an error, which standard error names; 130 an interrupt."
        )
    };
}
pub(crate) use exit_codes;

/// Whether the same thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Found,
    NotFound,
}

impl Verdict {
    pub(crate) fn of(is_found: bool) -> Self {
        match is_found {
            true => Self::Found,
            false => Self::NotFound,
        }
    }

    /// This verdict, when it was `told`, or its reader went away: `resight compare A B | head -1` is no
    /// failure, and no other answer.
    pub(crate) fn once(self, told: Result<(), CliError>) -> Result<Self, CliError> {
        match told {
            Err(CliError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(self),
            told => told.map(|()| self),
        }
    }
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Found => Self::SUCCESS,
            Verdict::NotFound => Self::from(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_leaves_changes_no_verdict() {
        let left = |kind| Err(CliError::Output(io::Error::from(kind)));
        let once = Verdict::NotFound.once(left(io::ErrorKind::BrokenPipe));
        assert_eq!(once.unwrap(), Verdict::NotFound);
        let full = Verdict::Found.once(left(io::ErrorKind::StorageFull));
        assert!(full.is_err());
    }
}
