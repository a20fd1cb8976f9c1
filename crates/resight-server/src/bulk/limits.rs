//! How many files a request may have.

use resight_app::Code;

use crate::problem::Problem;

/// The most files of one request, entries of archives among them.
pub(super) const MOST_FILES: usize = 10_000;

/// Refuses more files than a request may have.
pub(super) fn too_many_files() -> Problem {
    let detail = format!("The request has more than {MOST_FILES} files.");
    Problem::new(Code::TooManyFiles, detail)
}
