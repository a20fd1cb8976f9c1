//! `resight refused`: which files could not be read.

use std::path::Path;

use resight_app::config::Config;
use resight_app::data_folder;
use resight_engine::{Library, RefusedCode, RefusedFile as Found, RefusedFilter, RefusedKind};
use resight_server::wire::RefusedFile;

use super::folder_report::Endings;
use super::rows;
use crate::error::CliError;
use crate::format::{Format, FormatArgs};
use crate::output::{Output, counted, printable};

const EXAMPLES: &str = "\
Examples:
  resight refused
  resight refused --code broken
  resight refused --code not_an_image --json
  resight refused --code broken --format paths0 | xargs -0 ls -l
  resight index ~/Pictures --retry     read them again";

/// List the files that could not be read, with the reason: broken pictures first
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RefusedArgs {
    /// Only files that were refused with this code; may be given several times
    #[arg(long, value_name = "CODE", value_parser = code)]
    code: Vec<RefusedCode>,
    /// List files that are no pictures as well, instead of counting them
    #[arg(long)]
    all: bool,
    /// Go on after this path of the list
    #[arg(long, value_name = "PATH")]
    after: Option<String>,
    /// Files listed [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    format: FormatArgs,
}

/// Refusals read at once, so that a long list need not fit in memory.
const BATCH: usize = 1000;

/// In the order of the list, which is that of the paths within each.
const KINDS: [RefusedKind; 3] = [
    RefusedKind::Broken,
    RefusedKind::Other,
    RefusedKind::NoPicture,
];

fn code(text: &str) -> Result<RefusedCode, String> {
    RefusedCode::from_str(text).ok_or_else(|| {
        let all = RefusedCode::ALL.map(RefusedCode::as_str).join(", ");
        format!("the codes are {all}")
    })
}

pub(crate) fn run(
    args: &RefusedArgs,
    config: &Config,
    output: &mut Output,
) -> Result<(), CliError> {
    let format = args.format.or(Format::Jsonl, output);
    let library = data_folder::open_for_listing(config, false)?;
    let mut left = args.limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    });
    let lists_all = args.all || !args.code.is_empty() || format != Format::Table;
    let start = match &args.after {
        Some(after) => kind_of(&library, after)?,
        None => RefusedKind::Broken,
    };
    let (mut told, mut endings) = (0, Endings::default());
    if format == Format::Csv {
        output.csv([rows::REFUSED])?;
    }
    for kind in KINDS.into_iter().filter(|kind| *kind >= start) {
        let filter = RefusedFilter {
            codes: args.code.clone(),
            kind: Some(kind),
        };
        let mut after = args.after.clone().filter(|_| kind == start);
        let is_listed = lists_all || kind != RefusedKind::NoPicture;
        while left > 0 {
            let files = library.refusals_matching(&filter, after.as_deref(), left.min(BATCH))?;
            let Some(last) = files.last() else { break };
            after = Some(last.path.clone());
            if is_listed {
                left -= files.len().min(left);
            }
            for file in files {
                if is_listed {
                    tell(file, told == 0, format, output)?;
                    told += 1;
                } else {
                    endings.add(Path::new(&file.path));
                }
            }
        }
    }
    if format == Format::Json {
        output.line(if told == 0 { "[]" } else { "]" })?;
    }
    if output.is_json() {
        return Ok(());
    }
    if endings.total() > 0 {
        output.line(format_args!("{endings} (--all lists them)"))?;
    }
    output.remark(counted(
        told,
        "file could not be read",
        "files could not be read",
    ));
    Ok(())
}

/// The part of the list that a path belongs to; of one that is not refused, by its name.
fn kind_of(library: &Library, path: &str) -> Result<RefusedKind, CliError> {
    let found = library.refusal(path)?;
    let by_name = || RefusedKind::of(RefusedCode::NotAnImage.as_str(), Path::new(path));
    Ok(found.as_ref().map_or_else(by_name, Found::kind))
}

/// An array of JSON is written file by file: a long list need not fit in memory.
fn tell(file: Found, is_first: bool, format: Format, output: &mut Output) -> Result<(), CliError> {
    match format {
        Format::Table => output.line(format_args!(
            "{}: {} ({})",
            printable(&file.path),
            printable(&file.detail),
            file.code
        )),
        Format::Json => {
            output.text(if is_first { "[" } else { "," })?;
            output.json(&RefusedFile::from(file))
        }
        Format::Jsonl => output.json(&RefusedFile::from(file)),
        Format::Csv => output.csv([rows::refused(&file)]),
        Format::Paths0 => output.path0(&file.path),
    }
}
