//! `resight folders`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use resight_app::config::Config;
use resight_app::folders::{Folder, FolderState, Folders, Rules};
use resight_app::jobs::Jobs;
use resight_app::{AppError, Code};
use resight_engine::path_text;
use resight_server::wire::{FolderList, FolderShown};
use serde_json::json;

use crate::arguments::PatternArgs;
use crate::error::CliError;
use crate::filters::with_tags;
use crate::naming::text_of;
use crate::output::{Output, counted, printable};

const EXAMPLES: &str = "\
Examples:
  resight folders
  resight folders add ~/Pictures --exclude raw/
  resight folders add /mnt/scans --tag scan --prune --collection museum
  resight folders rules ~/Pictures --keep
  resight folders remove /mnt/scans

`resight serve` indexes registered folders and follows what changes in them; one that runs notices what is
registered or changed within a second.";

/// Register folders that a server indexes by itself; list, change and forget them
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FoldersArgs {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List them, with their rules
    List,
    /// Register folders
    Add {
        /// The folders
        #[arg(required = true, value_name = "DIR")]
        dirs: Vec<PathBuf>,
        #[command(flatten)]
        rules: RuleArgs,
    },
    /// Change the rules of a folder: those that are given; the others stay
    Rules {
        /// Its number, or its path
        #[arg(value_name = "FOLDER")]
        folder: OsString,
        #[command(flatten)]
        rules: RuleArgs,
    },
    /// Forget that folders are registered; their pictures stay
    Remove {
        /// Their numbers, or their paths
        #[arg(required = true, value_name = "FOLDER")]
        folders: Vec<OsString>,
    },
}

#[derive(Debug, clap::Args)]
struct RuleArgs {
    #[command(flatten)]
    patterns: PatternArgs,
    /// A tag for every picture of the folder; may be given several times
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Remove pictures whose files are gone
    #[arg(long, conflicts_with = "keep")]
    prune: bool,
    /// Keep pictures whose files are gone, which is the default
    #[arg(long)]
    keep: bool,
}

impl RuleArgs {
    /// `before`, with what is given.
    fn over(&self, before: Rules) -> Result<Rules, CliError> {
        self.patterns.patterns()?;
        with_tags(&self.tag)?;
        let given = self.patterns.rules(true).unwrap_or_default();
        let or = |new: Vec<String>, old: Vec<String>| if new.is_empty() { old } else { new };
        Ok(Rules {
            exclude: or(given.exclude, before.exclude),
            include: or(given.include, before.include),
            tags: or(self.tag.clone(), before.tags),
            prune: self.prune || (before.prune && !self.keep),
        })
    }
}

pub(crate) fn run(
    args: &FoldersArgs,
    config: &Config,
    output: &mut Output,
) -> Result<(), CliError> {
    let action = args.action.as_ref().unwrap_or(&Action::List);
    if let Action::Add { dirs, rules } = action {
        let folders = Folders::beside(&Jobs::create(config)?);
        let rules = rules.over(Rules::default())?;
        let mut added = Vec::new();
        for dir in dirs {
            added.push(folders.add(config, dir, &config.collection, &rules, None)?);
        }
        return tell_added(added, output);
    }
    let folders = Jobs::open_existing(config)?.map(|jobs| Folders::beside(&jobs));
    match action {
        Action::Add { .. } | Action::List => list(folders.as_ref(), output),
        Action::Rules { folder, rules } => {
            let (folders, folder) = found(folders, folder)?;
            let rules = rules.over(folder.rules)?;
            let folder = folders.set_rules(folder.record.id, &rules)?;
            let shown = shown(folder);
            if output.is_json() {
                return output.json(&shown);
            }
            output.table(&FolderShown::HEADINGS, &[], &[shown.row()])
        }
        Action::Remove { folders: named } => {
            let mut removed = Vec::new();
            for name in named {
                let (folders, folder) = found(folders.clone(), name)?;
                folders.remove(folder.record.id)?;
                removed.push(folder);
            }
            if output.is_json() {
                let ids: Vec<u64> = removed.iter().map(|folder| folder.record.id).collect();
                return output.json(&json!({ "removed": ids }));
            }
            for folder in removed {
                let path = printable(&folder.record.new.path);
                output.line(format_args!(
                    "{path} is not registered any more; its pictures stay."
                ))?;
            }
            Ok(())
        }
    }
}

fn tell_added(added: Vec<(Folder, bool)>, output: &mut Output) -> Result<(), CliError> {
    if output.is_json() {
        let folders = added.into_iter().map(|(folder, _)| shown(folder));
        return output.json(&FolderList {
            folders: folders.collect(),
        });
    }
    for (folder, is_new) in added {
        let path = printable(&folder.record.new.path);
        match is_new {
            true => output.line(format_args!("{path} is registered."))?,
            false => output.line(format_args!(
                "{path} was registered before, and keeps its rules; `resight folders rules` changes them."
            ))?,
        }
    }
    Ok(())
}

fn list(folders: Option<&Folders>, output: &mut Output) -> Result<(), CliError> {
    let all = folders.map(Folders::list).transpose()?.unwrap_or_default();
    let all: Vec<_> = all.into_iter().map(shown).collect();
    if output.is_json() {
        return output.json(&FolderList { folders: all });
    }
    if all.is_empty() {
        return output.line("No folder is registered.");
    }
    let rows: Vec<_> = all.iter().map(FolderShown::row).collect();
    output.table(&FolderShown::HEADINGS, &[0], &rows)?;
    output.remark(counted(rows.len() as u64, "folder", "folders"));
    Ok(())
}

/// What this process cannot know is shown as idle.
fn shown(folder: Folder) -> FolderShown {
    FolderShown::new(folder, FolderState::Idle, true)
}

/// The folder of a number or a path.
fn found(folders: Option<Folders>, named: &OsString) -> Result<(Folders, Folder), CliError> {
    let text = text_of(Path::new(named));
    let unknown = || CliError::Usage {
        code: Code::UnknownFolder,
        detail: format!(
            "no registered folder has the number or the path {}",
            printable(&text)
        ),
        next_step: "See `resight folders list`.".into(),
    };
    let Some(folders) = folders else {
        return Err(unknown());
    };
    if let Some(id) = named.to_str().and_then(|text| text.parse().ok()) {
        return match folders.get(id) {
            Err(AppError::UnknownFolder(_)) => Err(unknown()),
            folder => Ok((folders, folder?)),
        };
    }
    // One that is gone has the path that was registered.
    let path = Path::new(named);
    let real = std::fs::canonicalize(path).or_else(|_| std::path::absolute(path));
    let path = real.ok().and_then(|path| path_text(&path));
    let mut all = folders.list()?.into_iter();
    let folder = all.find(|folder| Some(&folder.record.new.path) == path.as_ref());
    folder.map(|folder| (folders, folder)).ok_or_else(unknown)
}
