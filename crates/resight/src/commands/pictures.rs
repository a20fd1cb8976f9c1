//! `resight list`, `count` and `remove`: which pictures are stored.

use std::ffi::OsString;

use resight_app::Code;
use resight_app::config::Config;
use resight_app::data_folder;
use resight_engine::{Library, PathState, Picture, PictureId, SourcePath, Tag, source_paths};
use resight_server::wire::{self, Count, PictureList, Reader, address_of};
use serde_json::json;

use super::changer::Changer;
use super::rows;
use crate::error::CliError;
use crate::filters::FilterArgs;
use crate::format::{Format, FormatArgs, first_paths};
use crate::naming::{find, is_id, named_sources, not_stored, place, text_of};
use crate::output::{Output, counted, printable};

const LIST_EXAMPLES: &str = "\
Examples:
  resight list
  resight list --offset 50 --limit 50
  resight list --tag vase --not-tag sold --meta year=1890
  resight list --limit 1000000 --json
  resight list --limit 1000000 --format csv > pictures.csv
  resight list --tag sold --format paths0 | xargs -0 mv -t ~/Sold";

/// List the stored pictures, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = LIST_EXAMPLES)]
pub(crate) struct ListArgs {
    /// Pictures left out at the beginning
    #[arg(long, default_value_t = 0, value_name = "N")]
    offset: u64,
    /// Pictures listed
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    format: FormatArgs,
}

const COUNT_EXAMPLES: &str = "\
Examples:
  resight count
  resight count --tag vase
  resight count --json";

/// Say how many pictures are stored
#[derive(Debug, clap::Args)]
#[command(after_help = COUNT_EXAMPLES)]
pub(crate) struct CountArgs {
    #[command(flatten)]
    filter: FilterArgs,
}

const REMOVE_EXAMPLES: &str = "\
Examples:
  resight remove ~/Pictures/old.jpg
  resight remove 0123456789abcdef0123456789abcdef

Files are never touched. A picture whose file stays in an indexed folder comes back when that
folder is indexed again. A path removes its picture only if no other file has the bytes; `resight forget`
forgets a path and keeps the picture.";

/// Forget pictures
#[derive(Debug, clap::Args)]
#[command(after_help = REMOVE_EXAMPLES)]
pub(crate) struct RemoveArgs {
    /// Ids, or paths of indexed files
    #[arg(required = true, value_name = "ID|PATH")]
    pictures: Vec<OsString>,
}

pub(crate) fn list(args: &ListArgs, config: &Config, output: &mut Output) -> Result<(), CliError> {
    let filter = args.filter.filter()?;
    let format = args.format.or(Format::Json, output);
    let engine = data_folder::open_for_listing(config, false)?;
    let total = engine.count_matching(&filter)?;
    let pictures = engine.pictures_matching(&filter, args.offset, args.limit)?;
    let shown = pictures.len();
    let base = address_of(&config.collection);
    let reader = Reader::Local(&base);
    match format {
        Format::Json => {
            let list = PictureList::new(total, args.offset, args.limit, pictures, reader);
            return output.json(&list);
        }
        Format::Jsonl => {
            for picture in pictures {
                output.json(&wire::Picture::new(picture, reader))?;
            }
        }
        Format::Csv => {
            output.csv([rows::PICTURE])?;
            output.csv(pictures.iter().map(rows::picture))?;
        }
        Format::Paths0 => first_paths(pictures.iter(), output)?,
        Format::Table => tell(&pictures, output)?,
    }
    output.remark(format_args!("{shown} of {total} shown"));
    Ok(())
}

fn tell(pictures: &[Picture], output: &mut Output) -> Result<(), CliError> {
    let rows: Vec<Vec<String>> = pictures
        .iter()
        .map(|picture| {
            vec![
                picture.id.to_string(),
                format!("{} x {}", picture.width, picture.height),
                picture.features.to_string(),
                labels(picture),
                place(picture),
            ]
        })
        .collect();
    let heading = ["id", "size", "features", "tags", "picture"];
    output.table(&heading, &[1, 2], &rows)
}

/// Its tags in one cell.
fn labels(picture: &Picture) -> String {
    let tags = picture.labels.tags.iter().map(Tag::as_str);
    match tags.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => "-".to_owned(),
        tags => printable(&tags),
    }
}

pub(crate) fn count(
    args: &CountArgs,
    config: &Config,
    output: &mut Output,
) -> Result<(), CliError> {
    let filter = args.filter.filter()?;
    let count = data_folder::open_for_listing(config, false)?.count_matching(&filter)?;
    if output.is_json() {
        output.json(&Count { count })
    } else {
        output.line(count)
    }
}

pub(crate) fn remove(
    args: &RemoveArgs,
    config: &Config,
    output: &mut Output,
) -> Result<(), CliError> {
    let changer = Changer::open(config)?;
    let engine = changer.library();
    refuse_shared(engine, &args.pictures)?;
    let mut ids: Vec<PictureId> = Vec::new();
    let mut unknown: Vec<String> = Vec::new();
    for named in &args.pictures {
        match find(engine, named)? {
            Some(id) if !ids.contains(&id) => ids.push(id),
            Some(_) => {}
            None => unknown.push(text_of(named.as_ref())),
        }
    }
    let mut removed = Vec::new();
    // The next run of `index` finds their files, and adds them again.
    let mut returning = Vec::new();
    let have_files: Vec<bool> = ids.iter().map(|id| has_file(engine, id)).collect();
    for ((id, was_there), has_file) in ids.iter().zip(changer.remove(&ids)?).zip(have_files) {
        if !was_there {
            unknown.push(id.to_string());
            continue;
        }
        removed.push(id.as_str());
        if has_file {
            returning.push(id.as_str());
        }
    }
    if output.is_json() {
        output.json(&json!({ "removed": removed, "returning": returning, "unknown": unknown }))?;
    } else {
        output.line(format_args!(
            "Removed {}.",
            counted(removed.len() as u64, "picture", "pictures")
        ))?;
        if !returning.is_empty() {
            output.remark(format_args!(
                "The files of {} are still there: indexing their folder adds them again, unless --exclude or a .resightignore leaves them out.",
                counted(returning.len() as u64, "picture", "pictures")
            ));
        }
    }
    if unknown.is_empty() {
        return Ok(());
    }
    Err(not_stored(&unknown))
}

/// Whether a file that was indexed as the picture is there.
fn has_file(library: &Library, id: &PictureId) -> bool {
    library.picture(id).is_ok_and(|picture| {
        let paths = source_paths(&picture.sources);
        paths.iter().any(|one| one.state != PathState::Missing)
    })
}

/// Refuses a path whose picture other files have as well, unless all of them or the picture's id are named.
fn refuse_shared(library: &Library, named: &[OsString]) -> Result<(), CliError> {
    for name in named.iter().filter(|name| !is_id(name)) {
        let Some(id) = find(library, name)? else {
            continue;
        };
        if named.iter().any(|name| name.to_str() == Some(id.as_str())) {
            continue;
        }
        let sources = library.picture(&id)?.sources;
        let own: Vec<&str> = named
            .iter()
            .flat_map(|name| named_sources(&sources, name))
            .collect();
        let found = source_paths(&sources);
        let is_other =
            |one: &&SourcePath| one.state != PathState::Missing && !own.contains(&&*one.path);
        if let Some(other) = found.iter().find(is_other) {
            let (name, other) = (printable(&text_of(name.as_ref())), printable(&other.path));
            return Err(CliError::Failure {
                code: Code::HasOtherFiles,
                detail: format!("the picture of {name} is also at {other}; nothing was removed"),
                next_step: format!(
                    "`resight forget {name}` forgets this path and keeps the picture, `resight remove {id}` removes the picture."
                )
                .into(),
            });
        }
    }
    Ok(())
}
