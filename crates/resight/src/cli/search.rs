//! `resight search`.

use std::path::PathBuf;

use resight_engine::{
    EngineError, Hit, Picture, PictureId, Query, SearchAnswer, SearchOptions, read_bounded,
};

use super::CliError;
use super::labels::FilterArgs;
use super::output::{Output, counted, printable};
use crate::config::Config;
use crate::parts;
use crate::plugins::{PluginArgs, Plugins};
use crate::wire::{self, Reader};

const EXAMPLES: &str = "\
Examples:
  resight search photo.jpg
  resight search photo.jpg --verified --limit 100
  resight search 0123456789abcdef0123456789abcdef
  resight search photo.jpg --tag vase --group-by object
  resight search photo.jpg --json

Works while a server runs on the same data folder.";

/// Find the pictures that show the same thing as this one
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SearchArgs {
    /// A picture's file, or the id of a stored picture
    #[arg(value_name = "QUERY")]
    query: PathBuf,
    /// Hits shown
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// Hits left out at the beginning
    #[arg(long, default_value_t = 0, value_name = "N")]
    offset: usize,
    /// Only hits whose matching points agree on one transform
    #[arg(long)]
    verified: bool,
    /// Do not ask once more with what verified hits show: quicker, finds less
    #[arg(long)]
    no_expand: bool,
    /// Show each object once, by the best of its pictures
    #[arg(long, value_name = "WHAT", value_parser = ["object"])]
    group_by: Option<String>,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    plugins: PluginArgs,
}

pub(crate) fn run(args: &SearchArgs, config: &Config, output: &mut Output) -> Result<(), CliError> {
    let filter = args.filter.filter()?;
    // A file goes before an id: whoever has a file of such a name means it.
    let id = args
        .query
        .to_str()
        .and_then(PictureId::parse)
        .filter(|_| !args.query.exists());
    let bytes = match id {
        Some(_) => Vec::new(),
        None => {
            let limit = parts::decode_limits().max_bytes;
            read_bounded(&args.query, limit).map_err(|why| CliError::refused(&args.query, &why))?
        }
    };
    let engine = match id {
        // Its features are stored: nothing has to be described.
        Some(_) => parts::open_for_listing(config)?,
        None => {
            let plugins = Plugins::for_describing(&args.plugins, 1)?;
            parts::open_for_searching(config, &plugins)?
        }
    };
    let query = match &id {
        Some(id) => Query::Stored(id),
        None => Query::Bytes(&bytes),
    };
    let options = SearchOptions {
        offset: args.offset,
        limit: usize::try_from(args.limit).unwrap_or(usize::MAX),
        verified_only: args.verified,
        expand: !args.no_expand,
        filter,
        group_by_object: args.group_by.is_some(),
    };
    let answer = engine
        .search(query, &options)
        .map_err(|error| match error {
            EngineError::Refused(why) => CliError::refused(&args.query, &why),
            other => other.into(),
        })?;
    if output.is_json() {
        let base = config.address();
        let name = wire::query_name(&engine, &answer)?;
        let answer = wire::SearchAnswer::new(answer, name, &options, false, Reader::Local(&base));
        return output.json(&answer);
    }
    if answer.hits.is_empty() {
        return output.line(nothing(&answer, args));
    }
    let rows: Vec<Vec<String>> = answer
        .hits
        .iter()
        .enumerate()
        .map(|(i, hit)| {
            let mut row = row(args.offset + i + 1, hit);
            let others = answer.same_object.as_ref().and_then(|all| all.get(i));
            if let (Some(others), Some(place)) = (others.filter(|o| o.total > 0), row.last_mut()) {
                place.push_str(&format!(" and {} more of its object", others.total));
            }
            row
        })
        .collect();
    let heading = [
        "rank", "verified", "inliers", "coverage", "words", "picture",
    ];
    output.table(&heading, &[0, 2, 3, 4], &rows)?;
    output.remark(format_args!(
        "{} of {} shown, {} verified; {:.0} ms",
        answer.hits.len(),
        counted(answer.total as u64, "hit", "hits"),
        answer.verified,
        answer.timings.total_ms
    ));
    Ok(())
}

fn nothing(answer: &SearchAnswer, args: &SearchArgs) -> &'static str {
    if answer.query_features == 0 {
        "Nothing found: the query has no structure to find it by."
    } else if answer.total > 0 {
        "No more hits."
    } else if args.verified {
        "Nothing verified; leave --verified out to see what looks alike."
    } else {
        "Nothing found."
    }
}

fn row(rank: usize, hit: &Hit) -> Vec<String> {
    vec![
        rank.to_string(),
        if hit.verified { "yes" } else { "-" }.to_owned(),
        hit.inliers.to_string(),
        format!("{:.0} %", hit.coverage_query * 100.0),
        format!("{:.2}", hit.words),
        place(&hit.picture),
    ]
}

/// Where the picture lies, or its name when it was uploaded.
pub(crate) fn place(picture: &Picture) -> String {
    printable(picture.sources.first().unwrap_or(&picture.name))
}
