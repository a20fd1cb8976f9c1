//! `resight completions` and `resight man`: what shells and `man` know of the commands, made from the same
//! definitions as help.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use serde_json::json;

use crate::error::CliError;
use crate::output::{Output, counted};

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  resight completions bash > ~/.local/share/bash-completion/completions/resight
  resight completions zsh > ~/.zfunc/_resight          a folder of $fpath
  resight completions fish > ~/.config/fish/completions/resight.fish
  resight completions powershell >> $PROFILE
  resight completions elvish >> ~/.config/elvish/rc.elv";

/// Write the completions of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

const MAN_EXAMPLES: &str = "\
Examples:
  resight man | man -l -               the page of the program
  resight man ~/.local/share/man/man1  a page of each command, for `man resight-search`";

/// Write man pages: of the program, or of all commands into a folder
#[derive(Debug, clap::Args)]
#[command(after_help = MAN_EXAMPLES)]
pub(crate) struct ManArgs {
    /// Folder for one page a command, which is made if it is not there [default: the program's page on
    /// standard output]
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// `program` is the definition of the command line.
pub(crate) fn completions(
    args: &CompletionsArgs,
    mut program: Command,
    output: &mut Output,
) -> Result<(), CliError> {
    let mut script = Vec::new();
    let name = program.get_name().to_owned();
    clap_complete::generate(args.shell, &mut program, name, &mut script);
    told(script, "script", output)
}

/// `program` is the definition of the command line.
pub(crate) fn man(args: &ManArgs, program: Command, output: &mut Output) -> Result<(), CliError> {
    let program = built(program);
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        Man::new(program).render(&mut page)?;
        return told(page, "page", output);
    };
    let mut written = Vec::new();
    let done = fs::create_dir_all(dir).and_then(|()| write_pages(program, dir, &mut written));
    done.map_err(|error| CliError::unwritable(dir, error))?;
    if output.is_json() {
        return output.json(&json!({ "written": written }));
    }
    output.line(format_args!(
        "{} in {}",
        counted(written.len() as u64, "man page", "man pages"),
        dir.display()
    ))
}

/// With the names and options of all commands below it.
fn built(program: Command) -> Command {
    // `help` has a command for each command, none of which has anything of its own to say.
    let mut program = shown(program).disable_help_subcommand(true);
    program.build();
    program
}

/// With all that `--help` shows: a page has no text for an option that `-h` leaves out.
fn shown(command: Command) -> Command {
    let command = command.mut_args(|option| option.hide_short_help(false));
    command.mut_subcommands(shown)
}

/// The pages of `command` and of all commands below it.
fn write_pages(command: Command, dir: &Path, written: &mut Vec<PathBuf>) -> io::Result<()> {
    for below in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        write_pages(below.clone(), dir, written)?;
    }
    written.push(Man::new(command).generate_to(dir)?);
    Ok(())
}

/// What is made for another program, as it is; with `--json` as a text of this name.
fn told(text: Vec<u8>, name: &str, output: &mut Output) -> Result<(), CliError> {
    let text = String::from_utf8_lossy(&text);
    match output.is_json() {
        true => output.json(&json!({ name: text })),
        false => output.text(&text),
    }
}
