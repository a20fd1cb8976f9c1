//! Asking before what cannot be taken back.

use std::io::{self, IsTerminal, Write};

use resight_app::Code;

use crate::error::CliError;

/// Has the user agree at the terminal, even with `--quiet`, unless `yes` was given. Fails with `not_agreed` and
/// `undone`, which says what was not done, where the answer is another or there is no terminal.
pub(crate) fn consent(question: &str, undone: &str, yes: bool) -> Result<(), CliError> {
    if yes {
        return Ok(());
    }
    let refused = |detail: String| CliError::Usage {
        code: Code::NotAgreed,
        detail,
        next_step: "Say y when asked, or give --yes.".into(),
    };
    if !io::stdin().is_terminal() {
        return Err(refused(format!("{undone}: nobody is here to agree to it")));
    }
    // Without a prompt nothing is lost: the answer is still asked for.
    let _ = write!(io::stderr(), "{question} [y/N] ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(refused(undone.to_owned())),
    }
}
