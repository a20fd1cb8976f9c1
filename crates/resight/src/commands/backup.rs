//! `resight backup` and `resight restore`.

use std::path::PathBuf;

use indicatif::HumanBytes;
use resight_app::Code;
use resight_app::backup::{self, BackupOptions};
use resight_app::config::Config;
use serde_json::json;

use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::output::{Output, counted, printable};
use crate::progress;

const BACKUP_EXAMPLES: &str = "\
Examples:
  resight backup /mnt/disk/resight-backup
  resight backup /mnt/disk/resight-backup --data /srv/resight

It works beside a server. Run it again with the same folder: only what is new is copied. Where it is interrupted, the
backup before stays whole. All collections are in it; folders of pictures are not, and models are by name alone.";

const RESTORE_EXAMPLES: &str = "\
Examples:
  resight restore /mnt/disk/resight-backup --data /srv/resight

The data folder must not exist, or be empty. Every file is compared with its hash before the folder appears. The index
is rebuilt when the folder is opened first.";

/// Copy the data folder, also while a server uses it, and check the copy
#[derive(Debug, clap::Args)]
#[command(after_help = BACKUP_EXAMPLES)]
pub(crate) struct BackupArgs {
    /// Folder of the backup: a new one, or that of an earlier backup
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Read also the files that earlier backups copied, and copy damaged ones again
    #[arg(long)]
    check: bool,
    /// Take the place also of a backup that seems to be of another data folder
    #[arg(long)]
    replace: bool,
}

/// Make a data folder from a backup, and check it
#[derive(Debug, clap::Args)]
#[command(after_help = RESTORE_EXAMPLES)]
pub(crate) struct RestoreArgs {
    /// Folder of the backup
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

pub(crate) fn run(args: &BackupArgs, config: &Config, output: &mut Output) -> Result<(), CliError> {
    let interrupt = Interrupt::listen()?;
    let bar = progress::bar(output.shows_progress(), 0, "Copying");
    let options = BackupOptions {
        check: args.check,
        replace: args.replace,
    };
    let mut on_step = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let made = backup::backup(config, &args.dir, options, interrupt.flag(), &mut on_step);
    bar.finish_and_clear();
    let made = match made {
        Err(error) if error.code() == Code::Cancelled => return Err(CliError::Interrupted),
        made => made?,
    };
    if output.is_json() {
        return output.json(&json!({
            "collections": made.collections,
            "pictures": made.pictures,
            "files": made.files,
            "copied": made.copied,
            "copied_bytes": made.copied_bytes,
            "deleted": made.deleted,
        }));
    }
    output.line(format_args!(
        "{} in {} are in the backup; {} copied, {}",
        counted(made.pictures, "picture", "pictures"),
        counted(made.collections, "collection", "collections"),
        counted(made.copied, "file was", "files were"),
        HumanBytes(made.copied_bytes),
    ))
}

pub(crate) fn restore(
    args: &RestoreArgs,
    config: &Config,
    output: &mut Output,
) -> Result<(), CliError> {
    let interrupt = Interrupt::listen()?;
    let bar = progress::bar(output.shows_progress(), 0, "Restoring");
    let restored = backup::restore(config, &args.dir, interrupt.flag(), &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let restored = match restored {
        Err(error) if error.code() == Code::Cancelled => return Err(CliError::Interrupted),
        restored => restored?,
    };
    if output.is_json() {
        return output.json(&json!({
            "data": config.root,
            "collections": restored.collections,
            "pictures": restored.pictures,
            "files": restored.files,
            "bytes": restored.bytes,
            "missing_models": restored.missing_models,
        }));
    }
    output.line(format_args!(
        "{} in {} are restored to {}",
        counted(restored.pictures, "picture", "pictures"),
        counted(restored.collections, "collection", "collections"),
        printable(&config.root.display().to_string()),
    ))?;
    for model in &restored.missing_models {
        output.remark(format_args!(
            "the model {model} is not installed here; its description is restored-models/{model}.toml in the data folder"
        ));
    }
    Ok(())
}
