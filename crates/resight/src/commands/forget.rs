//! `resight forget`: the paths of files and folders that are no more.

use std::path::PathBuf;

use resight_app::config::Config;
use resight_app::data_folder;
use resight_engine::{ForgetOptions, Forgotten};
use serde_json::json;

use super::changer::Changer;
use crate::error::CliError;
use crate::naming::text_of;
use crate::output::{Output, counted, printable};

const EXAMPLES: &str = "\
Examples:
  resight forget /mnt/old-disk/Pictures
  resight forget ~/Pictures/2019 --dry-run
  resight forget ~/Pictures/2019 --prune      removes pictures that have no other path as well

Files are never touched. Pictures, their ids and their tags stay. A path that is still there comes back when
its folder is indexed again.";

/// Forget the paths of files and folders that are no more, and keep the pictures
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ForgetArgs {
    /// Files, or folders with everything below them; they need not exist
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Remove pictures that would be left without a path; uploaded ones stay
    #[arg(long)]
    prune: bool,
    /// Only say what would be forgotten
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(args: &ForgetArgs, config: &Config, output: &mut Output) -> Result<(), CliError> {
    let done = if args.dry_run {
        let options = ForgetOptions {
            prune: args.prune,
            dry_run: true,
        };
        data_folder::open_for_listing(config, false)?.forget_paths(&args.paths, options)?
    } else {
        Changer::open(config)?.forget(&args.paths, args.prune)?
    };
    if output.is_json() {
        let unknown = done.unknown.iter().map(|path| text_of(path));
        return output.json(&json!({
            "paths": done.paths,
            "refused": done.refusals,
            "kept_without_path": done.kept_without_path,
            "removed": done.removed,
            "dry_run": args.dry_run,
            "unknown": unknown.collect::<Vec<_>>(),
        }));
    }
    for path in &done.unknown {
        output.line(format_args!(
            "No path is stored at or below {}.",
            printable(&text_of(path))
        ))?;
    }
    output.line(in_words(&done, args.dry_run))
}

fn in_words(done: &Forgotten, dry_run: bool) -> String {
    let verb = if dry_run { "Would forget" } else { "Forgot" };
    let refused = match done.refusals {
        0 => String::new(),
        n => format!(" and {}", counted(n, "refused file", "refused files")),
    };
    format!(
        "{verb} {}{refused}: {} kept without a path, {} removed.",
        counted(done.paths, "path", "paths"),
        counted(done.kept_without_path, "picture", "pictures"),
        counted(done.removed, "picture", "pictures"),
    )
}
