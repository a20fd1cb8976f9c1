//! The program: commands over `resight-app`, and the server over `resight-server`.
//!
//! Useful for: people at a terminal and scripts. Arguments become settings here, events become
//! progress bars or lines of JSON, and errors become sentences with a next step that names options.
//!
//! Not useful for: anything that another front end would need as well; that belongs to `resight-app`.
//!
//! Invariant: with `--json`, pictures and answers to searches have the form that HTTP gives them
//! (`resight_server::wire`).

#[cfg(target_os = "linux")]
mod arenas;
mod arguments;
mod commands;
mod configuration;
mod consent;
mod draw;
mod error;
mod filters;
mod format;
mod interrupt;
mod log;
mod naming;
mod output;
mod progress;
mod service_manager;
#[cfg(feature = "otel")]
mod traces;
mod verdict;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use resight_app::Code;
use resight_app::config::Config;

use arguments::SharedArgs;
#[cfg(target_os = "linux")]
use arguments::{DECODE_WORKER, VIDEO_WORKER};
use commands::{
    backup, calibrate, collections, compare, config, doctor, duplicates, eval, export, features,
    folders, forget, import, index, jobs, keys, labels, models, pictures, plugin, refused, search,
    serve, shells, train, verify,
};
use configuration::Effective;
use error::CliError;
use log::Log;
use output::Output;
use verdict::Verdict;

const EXAMPLES: &str = "\
Examples:
  resight serve ~/Pictures            then open the page it names in a browser; the folder is indexed meanwhile
  resight index ~/Pictures            index only; run it again for what is new or has changed
  resight search holiday.jpg          which of my pictures show this?
  resight compare a.jpg b.jpg --out matches.png
  resight COMMAND --help              options and examples of one command";

/// Finds the same thing again in your own pictures: copies, crops, rotations, other views.
#[derive(Debug, Parser)]
#[command(name = "resight", version, after_help = EXAMPLES, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    shared: SharedArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Box<serve::ServeArgs>),
    Index(index::IndexArgs),
    Search(search::SearchArgs),
    Compare(compare::CompareArgs),
    Features(features::FeaturesArgs),
    Duplicates(duplicates::DuplicatesArgs),
    NotAMatch(duplicates::NotAMatchArgs),
    List(pictures::ListArgs),
    Count(pictures::CountArgs),
    Remove(pictures::RemoveArgs),
    Forget(forget::ForgetArgs),
    Tag(labels::TagArgs),
    Export(export::ExportArgs),
    Import(import::ImportArgs),
    Refused(refused::RefusedArgs),
    Collections(collections::CollectionsArgs),
    Folders(folders::FoldersArgs),
    Jobs(jobs::JobsArgs),
    Keys(keys::KeysArgs),
    Train(train::TrainArgs),
    Eval(eval::EvalArgs),
    Calibrate(calibrate::CalibrateArgs),
    Plugin(plugin::PluginCommand),
    Models(models::ModelsCommand),
    Verify(verify::VerifyArgs),
    Backup(backup::BackupArgs),
    Restore(backup::RestoreArgs),
    Doctor(doctor::DoctorArgs),
    Config(config::ConfigCommand),
    Completions(shells::CompletionsArgs),
    Man(shells::ManArgs),
}

/// Runs the program with this process's arguments; gives its exit code: 0, 1 for a failure, 2 for
/// wrong usage, 130 after an interrupt. Of `search` and `compare` 1 is a verdict ([`verdict`]).
fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    if is_decode_worker() {
        return resight_decode_child::serve();
    }
    #[cfg(target_os = "linux")]
    if let Some(arguments) = of_video_worker() {
        return resight_decode_child::launch(arguments);
    }
    #[cfg(target_os = "linux")]
    arenas::limit();
    let typed = match Cli::command().try_get_matches() {
        Ok(typed) => typed,
        Err(error) => return refuse(&error),
    };
    let cli = match parsed(&typed) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let json = cli.shared.json;
    match run(&cli, &typed) {
        Ok(verdict) => verdict.into(),
        Err(error) => error.report(json, cli.command.failure()),
    }
}

fn parsed(matches: &ArgMatches) -> Result<Cli, clap::Error> {
    Cli::from_arg_matches(matches).map_err(|error| error.format(&mut Cli::command()))
}

/// The command line with what the configuration's file and the environment add to it.
fn configured(typed: &ArgMatches) -> Result<(Cli, Effective), CliError> {
    let program = Cli::command();
    let effective = Effective::gather(&program, typed)?;
    let completed = effective.defaults_of(program).try_get_matches();
    Ok((completed_cli(completed)?, effective))
}

/// Each value was checked before; what is left are rules among several.
fn completed_cli(completed: Result<ArgMatches, clap::Error>) -> Result<Cli, CliError> {
    let cli = completed.and_then(|all| parsed(&all));
    cli.map_err(|error| CliError::Usage {
        code: Code::BadConfig,
        detail: error.to_string().trim_end().to_owned(),
        next_step: Code::BadConfig.next_step().into(),
    })
}

/// The options of `serve` as `program` has them as defaults.
fn serving(program: clap::Command) -> Result<(serve::ServeArgs, SharedArgs), CliError> {
    let typed = ["resight", configuration::settings::SERVE];
    let cli = completed_cli(program.try_get_matches_from(typed))?;
    match cli.command {
        Command::Serve(args) => Ok((*args, cli.shared)),
        // These words are that command.
        _ => Err(CliError::Interrupted),
    }
}

/// What this process is to become, where another one of this program started it to read a video.
#[cfg(target_os = "linux")]
fn of_video_worker() -> Option<impl Iterator<Item = std::ffi::OsString>> {
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next()?;
    (first == VIDEO_WORKER).then_some(arguments)
}

/// Whether another process of this program started this one to decode pictures.
#[cfg(target_os = "linux")]
fn is_decode_worker() -> bool {
    let mut arguments = std::env::args_os().skip(1);
    arguments.next().is_some_and(|one| one == DECODE_WORKER) && arguments.next().is_none()
}

impl Command {
    /// The exit code of a failure.
    fn failure(&self) -> u8 {
        match self {
            Self::Search(_) | Self::Compare(_) => 2,
            _ => 1,
        }
    }
}

/// Commands that packages are built with, where nobody has a home, and those about the configuration itself.
fn run_without_settings(cli: &Cli, typed: &ArgMatches) -> Option<Result<(), CliError>> {
    let mut output = Output::new(&cli.shared);
    match &cli.command {
        Command::Completions(args) => Some(shells::completions(args, Cli::command(), &mut output)),
        Command::Man(args) => Some(shells::man(args, Cli::command(), &mut output)),
        Command::Config(command) => Some(config::run(
            command,
            &Cli::command(),
            typed,
            &serving,
            &mut output,
        )),
        _ => None,
    }
}

/// The settings of the command. Those that take folders of pictures know the one for files of duplicates, as `serve` does.
fn config_of(cli: &Cli, effective: &Effective) -> Result<Config, CliError> {
    let config = Config::new(cli.shared.settings())?;
    Ok(match cli.command {
        Command::Folders(_) | Command::Index(_) => config.with_quarantine(effective.quarantine()),
        _ => config,
    })
}

/// `typed` is what was typed, of which `typed_cli` was parsed.
fn run(typed_cli: &Cli, typed: &ArgMatches) -> Result<Verdict, CliError> {
    if let Some(done) = run_without_settings(typed_cli, typed) {
        return done.map(|()| Verdict::Found);
    }
    let (cli, effective) = configured(typed)?;
    let log = Log::start(&cli.shared)?;
    let config = config_of(&cli, &effective)?;
    if let Some(threads) = config.threads {
        // Fails only when the pool exists already, and this is the start of the process.
        if let Err(error) = rayon::ThreadPoolBuilder::new()
            .num_threads(threads.get())
            .build_global()
        {
            tracing::warn!(%error, "--threads has no effect");
        }
    }
    // `serve` checks these with all else of its configuration, to tell of all mistakes at once.
    if !matches!(cli.command, Command::Serve(_)) {
        config.decoding.check()?;
        config.videos.check()?;
    }
    let mut output = Output::new(&cli.shared);
    let done = match &cli.command {
        Command::Search(args) => return search::run(args, &config, &mut output),
        Command::Compare(args) => return compare::run(args, &config, &mut output),
        Command::Serve(args) => {
            let typed = typed.clone();
            let again = move || {
                let (cli, effective) = configured(&typed)?;
                match cli.command {
                    Command::Serve(args) => Ok(serve::Again {
                        args: *args,
                        shared: cli.shared,
                        effective,
                    }),
                    // The same words are parsed.
                    _ => Err(CliError::Interrupted),
                }
            };
            let reread = serve::Reread {
                began: &effective,
                settings: cli.shared.settings(),
                again: Arc::new(again),
                log: &|shared| log.change(shared),
            };
            serve::run(args, &config, &reread, &mut output)
        }
        Command::Index(args) => index::run(args, &config, &mut output),
        Command::Features(args) => features::run(args, &config, &mut output),
        Command::Duplicates(args) => duplicates::run(args, &config, &mut output),
        Command::NotAMatch(args) => duplicates::not_a_match(args, &config, &mut output),
        Command::List(args) => pictures::list(args, &config, &mut output),
        Command::Count(args) => pictures::count(args, &config, &mut output),
        Command::Remove(args) => pictures::remove(args, &config, &mut output),
        Command::Forget(args) => forget::run(args, &config, &mut output),
        Command::Tag(args) => labels::run(args, &config, &mut output),
        Command::Export(args) => export::run(args, &config, &mut output),
        Command::Import(args) => import::run(args, &config, &mut output),
        Command::Refused(args) => refused::run(args, &config, &mut output),
        Command::Collections(args) => collections::run(args, &config, &mut output),
        Command::Folders(args) => folders::run(args, &config, &mut output),
        Command::Jobs(args) => jobs::run(args, &config, &mut output),
        Command::Keys(args) => keys::run(args, &config, &mut output),
        Command::Train(args) => train::run(args, &config, &mut output),
        Command::Eval(args) => {
            eval::run(args, &config, typed_cli.shared.data.is_some(), &mut output)
        }
        Command::Calibrate(args) => calibrate::run(args, &config, &mut output),
        Command::Plugin(command) => plugin::run(command, &mut output),
        Command::Models(command) => models::run(command, &config, &mut output),
        Command::Verify(args) => verify::run(args, &config, &mut output),
        Command::Backup(args) => backup::run(args, &config, &mut output),
        Command::Restore(args) => backup::restore(args, &config, &mut output),
        Command::Doctor(_) => doctor::run(&config, &mut output),
        // Done above.
        Command::Completions(_) | Command::Man(_) | Command::Config(_) => Ok(()),
    };
    done.map(|()| Verdict::Found)
}

/// Help and version are asked for, so they succeed; the rest is wrong usage.
fn refuse(error: &clap::Error) -> ExitCode {
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && wants_json {
        return CliError::Usage {
            code: Code::Usage,
            detail: error.to_string().trim_end().to_owned(),
            next_step: "Run `resight --help`, or `resight COMMAND --help`.".into(),
        }
        .report(true, 2);
    }
    // With nobody to read it, there is nothing better to do than to end.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        for command in Cli::command().get_subcommands() {
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(
                help.contains("resight "),
                "{} has no example",
                command.get_name()
            );
            assert!(
                command.get_about().is_some(),
                "{} says nothing",
                command.get_name()
            );
        }
    }

    #[test]
    fn the_short_help_of_serve_leaves_out_what_few_need() {
        let mut program = Cli::command();
        program.build();
        let serve = program.find_subcommand_mut("serve").unwrap();
        let short = serve.render_help().to_string();
        let long = serve.render_long_help().to_string();
        for rare in [
            "--scrub-rate",
            "--cors-origin",
            "--plugin-memory",
            "--max-side",
        ] {
            assert!(!short.contains(rare), "{short}");
            assert!(long.contains(rare), "{long}");
        }
        for common in ["--listen", "--open", "--plugin <FILE>", "--data", "--help"] {
            assert!(short.contains(common), "{short}");
        }
        assert!(short.lines().count() * 2 < long.lines().count());
    }

    #[test]
    fn shared_options_may_follow_the_command() {
        let cli = Cli::try_parse_from(["resight", "count", "--data", "/x", "--json"]).unwrap();
        assert!(cli.shared.json);
        assert_eq!(cli.shared.data.as_deref(), Some("/x".as_ref()));
        assert!(Cli::try_parse_from(["resight", "count", "-v", "-q"]).is_err());
    }
}
