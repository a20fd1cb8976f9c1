//! `resight duplicates` and `resight not-a-match`.

use std::ffi::OsString;
use std::sync::Arc;

use resight_app::AppError;
use resight_app::config::Config;
use resight_app::data_folder;
use resight_engine::{
    DuplicateGroup, DuplicateOptions, Duplicates, Library, PairKind, PathState, Picture, PictureId,
    Refuted, SourcePath,
};
use resight_server::wire::{Decision, DuplicateList, NotAMatchList, Reader, address_of};
use resight_store::StoreError;

use super::changer::Changer;
use super::rows;
use crate::error::CliError;
use crate::format::{Format, FormatArgs};
use crate::interrupt::Interrupt;
use crate::naming::place;
use crate::naming::{find, not_stored};
use crate::output::{Output, counted, printable};
use crate::progress;

const EXAMPLES: &str = "\
Examples:
  resight duplicates
  resight duplicates --kind re-encoded --limit 100
  resight duplicates --json
  resight duplicates --limit 100000 --format csv > duplicates.csv
  resight not-a-match A B              keeps two pictures apart from now on

Only pictures that are new since the last time are looked for. Nothing is ever deleted. While a
server runs on the same data folder it does the looking, and this shows how far it is.";

/// Show which stored pictures are the same, or show the same
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DuplicatesArgs {
    /// Only groups of this kind
    #[arg(long, value_name = "KIND", value_parser = kind_named)]
    kind: Option<PairKind>,
    /// Only groups of so many files or more; paths that lead to one file count once
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    min_size: u32,
    /// Groups left out at the beginning
    #[arg(long, default_value_t = 0, value_name = "N")]
    offset: usize,
    /// Groups shown
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    #[command(flatten)]
    format: FormatArgs,
}

const NOT_A_MATCH_EXAMPLES: &str = "\
Examples:
  resight not-a-match a.jpg b.jpg
  resight not-a-match 0123456789abcdef0123456789abcdef b.jpg --undo
  resight not-a-match --list

Two pictures that are no match no longer find each other, and no group of duplicates holds both.";

/// Say that two pictures are no match, or take it back
#[derive(Debug, clap::Args)]
#[command(after_help = NOT_A_MATCH_EXAMPLES)]
pub(crate) struct NotAMatchArgs {
    /// Two ids, or paths of indexed files
    #[arg(value_name = "ID|PATH", num_args = 2, required_unless_present = "list")]
    pictures: Vec<OsString>,
    /// Take it back
    #[arg(long, conflicts_with = "list")]
    undo: bool,
    /// List what was said so far, the newest first
    #[arg(long, conflicts_with = "pictures")]
    list: bool,
    /// Pairs listed
    #[arg(long, default_value_t = 100, value_name = "N", requires = "list", value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// Pairs left out at the beginning of the list
    #[arg(long, default_value_t = 0, value_name = "N", requires = "list")]
    offset: u64,
}

fn kind_named(name: &str) -> Result<PairKind, String> {
    let found = PairKind::ALL.into_iter().find(|kind| kind.as_str() == name);
    found.ok_or_else(|| {
        let names = PairKind::ALL.map(PairKind::as_str).join(", ");
        format!("a kind is one of {names}")
    })
}

pub(crate) fn run(
    args: &DuplicatesArgs,
    config: &Config,
    output: &mut Output,
) -> Result<(), CliError> {
    let interrupt = Interrupt::listen()?;
    let options = DuplicateOptions {
        offset: args.offset,
        limit: args.limit as usize,
        kind: args.kind,
        min_size: args.min_size as usize,
    };
    let engine = brought_up_to_date(config, &interrupt, output)?;
    let found = Duplicates::new(engine.clone()).groups(&options)?;
    let (shown, total, pending) = (found.groups.len(), found.total as u64, found.pending);
    let numbered = found.groups.iter().zip(args.offset + 1..);
    match args.format.or(Format::Json, output) {
        format @ (Format::Json | Format::Jsonl) => {
            let base = address_of(&config.collection);
            let list = DuplicateList::new(found, &options, Reader::Local(&base));
            if format == Format::Json {
                return output.json(&list);
            }
            for group in list.groups() {
                output.json(&group)?;
            }
        }
        Format::Csv => {
            output.csv([rows::MEMBER])?;
            output.csv(numbered.flat_map(|(group, number)| rows::group(number, group)))?;
        }
        Format::Paths0 => write_files(&found.groups, output)?,
        Format::Table if total == 0 => output.line("No duplicates found.")?,
        Format::Table => {
            for (group, number) in numbered {
                tell_group(number, group, output)?;
            }
        }
    }
    if total > 0 {
        output.remark(format_args!(
            "{shown} of {} shown",
            counted(total, "group", "groups")
        ));
    }
    if pending > 0 {
        output.remark(format_args!(
            "{} not looked for yet, so groups may be missing",
            counted(pending, "picture is", "pictures are")
        ));
    }
    Ok(())
}

/// The files of the groups, each by one path: no links to them, and nothing that is gone.
fn write_files(groups: &[DuplicateGroup], output: &mut Output) -> Result<(), CliError> {
    let members = groups.iter().flat_map(|group| &group.members);
    for one in members.flat_map(|member| &member.paths) {
        if one.state == PathState::Present {
            output.path0(&one.path)?;
        }
    }
    Ok(())
}

/// An engine whose pairs are all there, or one for reading where another process has the folder.
fn brought_up_to_date(
    config: &Config,
    interrupt: &Interrupt,
    output: &Output,
) -> Result<Arc<Library>, CliError> {
    let folder = match data_folder::open_for_removing(config) {
        Err(AppError::Store(StoreError::Locked { .. } | StoreError::ReadOnly)) => {
            return Ok(data_folder::open_for_listing(config, false)?);
        }
        opened => opened?,
    };
    let bar = progress::bar(output.shows_progress(), 0, "Looking for duplicates");
    let looked = Duplicates::new(folder.library.clone()).update(interrupt.flag(), &mut |step| {
        bar.set_length(step.done + step.left);
        bar.set_position(step.done);
    });
    bar.finish_and_clear();
    if let Err(error) = looked {
        if interrupt.requested() {
            if !output.is_json() {
                output.remark(
                    "Interrupted. What was found is kept; run the same command again to go on.",
                );
            }
            return Err(CliError::Interrupted);
        }
        return Err(error.into());
    }
    // The folder may be changed by others from here on; this engine only reads what is there.
    Ok(folder.library.clone())
}

fn tell_group(number: usize, group: &DuplicateGroup, output: &mut Output) -> Result<(), CliError> {
    let mirrored = group.pairs.iter().any(|pair| pair.mirrored);
    let inverted = group.pairs.iter().any(|pair| pair.inverted);
    let notes = [(mirrored, ", mirrored"), (inverted, ", inverted")];
    let notes: String = notes.iter().filter(|n| n.0).map(|n| n.1).collect();
    let kind = kind_in_words(group.kind);
    output.line(format_args!("{number}. {kind}{notes}"))?;
    for (member, i) in group.members.iter().zip(0..) {
        let picture = &member.picture;
        let size = format!("{} x {}", picture.width, picture.height);
        let is_master = group
            .pairs
            .iter()
            .any(|p| p.master.as_ref() == Some(&picture.id));
        let mut notes = Vec::new();
        if let Some(pages @ 2..) = picture.pages {
            notes.push(format!("1 of {pages} pages or frames"));
        }
        if is_master {
            notes.push("master".to_owned());
        } else if i == 0 && group.members.len() > 1 && !member.is_missing() {
            notes.push("largest".to_owned());
        }
        notes.extend(member.paths.first().and_then(state_in_words));
        if member.is_missing() && member.paths.is_empty() {
            notes.push("no path".to_owned());
        }
        let notes: String = notes.iter().map(|note| format!("  {note}")).collect();
        output.line(format_args!(
            "   {size:>12}  {:>12} bytes  {}{notes}",
            picture.byte_len,
            place(picture)
        ))?;
        for one in member.paths.iter().skip(1) {
            let gap = " ".repeat(35);
            let note = state_in_words(one).unwrap_or_else(|| "the same bytes".to_owned());
            output.line(format_args!("{gap}{}  {note}", printable(&one.path)))?;
        }
    }
    tell_regions(group, output)?;
    Ok(())
}

/// What is at a path; `None` where it is a file.
fn state_in_words(one: &SourcePath) -> Option<String> {
    match &one.state {
        PathState::Present => None,
        PathState::Link { to } => Some(format!("a link to {}", printable(to))),
        PathState::HardLink { to } => Some(format!("the same file as {}", printable(to))),
        PathState::Missing => Some("missing".to_owned()),
        PathState::Unreachable => Some("cannot be reached".to_owned()),
    }
}

/// Where the pictures of a group differ, of at most three pairs.
fn tell_regions(group: &DuplicateGroup, output: &mut Output) -> Result<(), CliError> {
    let told = group.pairs.iter().filter(|pair| !pair.regions.is_empty());
    for pair in told.take(3) {
        let mut members = group.members.iter().map(|member| &member.picture);
        let Some(newer) = members.find(|picture| picture.id == pair.b) else {
            continue;
        };
        let boxes = pair.regions.iter().map(|[left, top, right, bottom]| {
            format!("{} x {} at {left}, {top}", right - left, bottom - top)
        });
        let boxes: Vec<String> = boxes.collect();
        output.line(format_args!(
            "   {} differs in {}",
            place(newer),
            boxes.join("; ")
        ))?;
    }
    Ok(())
}

fn kind_in_words(kind: PairKind) -> &'static str {
    match kind {
        PairKind::Identical => "identical: the same bytes",
        PairKind::ReEncoded => "re-encoded: the same picture, saved again",
        PairKind::Derivative => "derivative: the same picture, made from a master file",
        PairKind::Edited => "edited: mostly the same pixels, changed",
        PairKind::Cropped => "cropped: one lies within the other",
        PairKind::SameScene => "same_scene: the same thing, seen twice",
    }
}

pub(crate) fn not_a_match(
    args: &NotAMatchArgs,
    config: &Config,
    output: &mut Output,
) -> Result<(), CliError> {
    if args.list {
        return list(args, config, output);
    }
    let changer = Changer::open(config)?;
    let engine = changer.library();
    let mut ids = Vec::new();
    for named in &args.pictures {
        let found = find(engine, named)?;
        ids.push(found.ok_or_else(|| not_stored(&[named.to_string_lossy().into_owned()]))?);
    }
    let [a, b] = &ids[..] else {
        // The arguments were counted when they were read.
        return Ok(());
    };
    let changed = changer.not_a_match([a, b], args.undo)?;
    if output.is_json() {
        return output.json(&Decision::new([a, b], !args.undo, changed));
    }
    output.line(match (args.undo, changed) {
        (false, true) => "Noted: they are no match.",
        (false, false) => "That was noted before.",
        (true, true) => "Taken back: they may match again.",
        (true, false) => "Nothing to take back: it was not noted.",
    })
}

fn list(args: &NotAMatchArgs, config: &Config, output: &mut Output) -> Result<(), CliError> {
    let engine = data_folder::open_for_listing(config, false)?;
    let page = Duplicates::new(engine.clone()).not_matches(args.offset, args.limit)?;
    if output.is_json() {
        let base = address_of(&config.collection);
        let reader = Reader::Local(&base);
        let list = NotAMatchList::new(page, args.offset, args.limit, reader);
        return output.json(&list);
    }
    let name = |(id, picture): &(PictureId, Option<Picture>)| match picture {
        Some(picture) => place(picture),
        None => format!("{id} (not stored)"),
    };
    let row = |said: &Refuted| vec![name(&said.a), name(&said.b)];
    let rows: Vec<Vec<String>> = page.pairs.iter().map(row).collect();
    output.table(&["no match", "of"], &[], &rows)?;
    output.remark(format_args!("{} of {} shown", rows.len(), page.total));
    Ok(())
}
