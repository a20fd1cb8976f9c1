//! `resight search`.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use resight_app::Code;
use resight_app::config::Config;
use resight_app::data_folder;
use resight_app::plugins::Plugins;
use resight_engine::{
    EngineError, EvidenceKind, GlobalModels, Hit, Library, Mode, PictureId, Query, QueryPicture,
    Region, SearchAnswer, SearchOptions, Searcher, Variant, is_features_blob, read_bounded,
};
use resight_server::wire::{self, Reader};

use super::rows;
use crate::arguments::PluginArgs;
use crate::error::CliError;
use crate::filters::FilterArgs;
use crate::format::{Format, FormatArgs, first_paths};
use crate::naming::place;
use crate::output::{Output, counted};
use crate::verdict::{Verdict, exit_codes};

const EXAMPLES: &str = concat!(
    "\
Examples:
  resight search photo.jpg
  resight search photo.jpg --verified --limit 100
  resight search 0123456789abcdef0123456789abcdef
  resight search photo.jpg --mode similar
  resight search photo.jpg --tag vase --group-by object
  resight search photo.jpg --json
  resight search photo.jpg --verified --limit 1000 --format paths0 | xargs -0 ls -l
  resight search photo.jpg --region 120,80,300,200
  resight search front.jpg side.jpg

Works while a server runs on the same data folder.

",
    exit_codes!(
        "a hit is verified, or with --mode similar alike",
        "none is, whatever is listed"
    )
);

/// Find the pictures that show the same thing as this one
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SearchArgs {
    /// At most 10 pictures of one thing: each a picture's file, a file of `resight features`, or the id
    /// of a stored picture
    #[arg(value_name = "QUERY", required = true)]
    queries: Vec<PathBuf>,
    /// Only what is inside counts, of one picture: x,y,width,height in pixels, or pct:x,y,width,height
    #[arg(long, value_name = "REGION")]
    region: Option<Region>,
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
    variants: VariantArgs,
    /// What counts as found: exact, the same thing by its details; similar, what looks alike as a whole
    /// by the models of the collection; auto, both, the same thing first
    #[arg(long, value_name = "MODE", default_value = "auto", value_parser = Mode::from_str, hide_possible_values = true)]
    mode: Mode,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    plugins: PluginArgs,
}

/// Which variants of the query are looked for beside it as it is.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct VariantArgs {
    /// Do not look for the query mirrored left to right
    #[arg(long)]
    no_mirrored: bool,
    /// Do not look for the query with its tones inverted, as in a negative
    #[arg(long)]
    no_inverted: bool,
}

impl VariantArgs {
    pub(crate) fn variants(self) -> Variant {
        Variant {
            mirrored: !self.no_mirrored,
            inverted: !self.no_inverted,
        }
    }
}

pub(crate) fn run(
    args: &SearchArgs,
    config: &Config,
    output: &mut Output,
) -> Result<Verdict, CliError> {
    let filter = args.filter.filter()?;
    if args.region.is_some() && args.queries.len() > 1 {
        return Err(CliError::Usage {
            code: Code::BadQuery,
            detail: "--region is of one picture, and several were given".into(),
            next_step: "Give one picture.".into(),
        });
    }
    let given = args.queries.iter().map(|path| Given::read(path, config));
    let given = given.collect::<Result<Vec<_>, _>>()?;
    let likeness = args.mode != Mode::Exact;
    let are_all_stored = given.iter().all(|one| matches!(one, Given::Stored(_)));
    let engine = if are_all_stored {
        // Their features are stored: nothing has to be described.
        data_folder::open_for_listing(config, likeness)?
    } else {
        let plugins = Plugins::for_describing(&args.plugins.settings(), 1)?;
        data_folder::open_for_searching(config, &plugins, likeness)?
    };
    let queries: Vec<QueryPicture<'_>> = given
        .iter()
        .map(|one| QueryPicture {
            query: one.query(),
            region: args.region,
        })
        .collect();
    let options = SearchOptions {
        offset: args.offset,
        limit: usize::try_from(args.limit).unwrap_or(usize::MAX),
        verified_only: args.verified,
        expand: !args.no_expand,
        filter,
        group_by_object: args.group_by.is_some(),
        variants: args.variants.variants(),
        mode: args.mode,
    };
    let answer = Searcher::new(engine.clone()).search_all(&queries, &options);
    let answer = answer.map_err(|error| match (error, &*args.queries) {
        (EngineError::Refused(why), [only]) => CliError::refused(only, why),
        (error, _) => error.into(),
    })?;
    let found = answer.verified > 0 || (args.mode == Mode::Similar && answer.alike > 0);
    let told = write(answer, args, &options, (&engine, config), output);
    Verdict::of(found).once(told)
}

/// The hits as `--format` has them.
fn write(
    answer: SearchAnswer,
    args: &SearchArgs,
    options: &SearchOptions,
    (library, config): (&Arc<Library>, &Config),
    output: &mut Output,
) -> Result<(), CliError> {
    let (total, verified) = (answer.total as u64, answer.verified);
    let (shown, took) = (answer.hits.len(), answer.timings.total_ms);
    match args.format.or(Format::Json, output) {
        format @ (Format::Json | Format::Jsonl) => {
            let base = wire::address_of(&config.collection);
            let reader = Reader::Local(&base);
            let answer = wire::SearchAnswer::new(library, answer, options, false, reader)?;
            if format == Format::Json {
                return output.json(&answer);
            }
            for hit in answer.hits() {
                output.json(&hit)?;
            }
        }
        Format::Csv => {
            output.csv([rows::HIT])?;
            let ranked = answer.hits.iter().zip(args.offset + 1..);
            output.csv(ranked.map(|(hit, rank)| rows::hit(rank, hit)))?;
        }
        Format::Paths0 => first_paths(answer.hits.iter().map(|hit| &hit.picture), output)?,
        Format::Table if answer.hits.is_empty() => return output.line(nothing(&answer, args)),
        Format::Table => tell(&answer, args, library, output)?,
    }
    output.remark(format_args!(
        "{shown} of {} shown, {verified} verified; {took:.0} ms",
        counted(total, "hit", "hits"),
    ));
    Ok(())
}

/// The hits as a table.
fn tell(
    answer: &SearchAnswer,
    args: &SearchArgs,
    library: &Arc<Library>,
    output: &mut Output,
) -> Result<(), CliError> {
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
    let by_likeness = !GlobalModels::new(library.clone()).states()?.is_empty();
    let heading = [
        "rank", "verified", "inliers", "coverage", "words", "cosine", "picture",
    ];
    let columns: &[usize] = if by_likeness {
        &[0, 1, 2, 3, 4, 5, 6]
    } else {
        &[0, 1, 2, 3, 4, 6]
    };
    let chosen = |row: &Vec<String>| {
        columns
            .iter()
            .filter_map(|c| row.get(*c).cloned())
            .collect()
    };
    let rows: Vec<Vec<String>> = rows.iter().map(chosen).collect();
    let heading: Vec<&str> = columns.iter().map(|c| heading[*c]).collect();
    let numbers: Vec<usize> = (0..columns.len() - 1).filter(|c| *c != 1).collect();
    output.table(&heading, &numbers, &rows)
}

/// What was named on the command line.
enum Given {
    Stored(PictureId),
    File(Vec<u8>),
}

impl Given {
    fn read(path: &Path, config: &Config) -> Result<Self, CliError> {
        // A file with this name goes before a picture with this id.
        let id = path.to_str().and_then(PictureId::parse);
        if let Some(id) = id.filter(|_| !path.exists()) {
            return Ok(Self::Stored(id));
        }
        let limit = config.decode_limits().max_bytes;
        let bytes = read_bounded(path, limit).map_err(|why| CliError::refused(path, why))?;
        Ok(Self::File(bytes))
    }

    fn query(&self) -> Query<'_> {
        match self {
            Self::Stored(id) => Query::Stored(id),
            Self::File(bytes) if is_features_blob(bytes) => Query::Features(bytes),
            Self::File(bytes) => Query::Bytes(bytes),
        }
    }
}

fn nothing(answer: &SearchAnswer, args: &SearchArgs) -> &'static str {
    if answer.queries.iter().all(|query| query.features == 0) {
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
        verdict(hit),
        hit.inliers.to_string(),
        coverage(hit),
        format!("{:.2}", hit.words),
        hit.cosine
            .map_or_else(String::new, |cosine| format!("{cosine:.2}")),
        place(&hit.picture) + &view(hit),
    ]
}

/// Which page or frame it is, where there are several.
fn view(hit: &Hit) -> String {
    match &hit.view {
        None => String::new(),
        Some(view) if !hit.is_frame() => format!(", page {}", view.number),
        Some(view) => match view.time_ms {
            Some(ms) => format!(", frame {}, {:.1} s", view.number, ms as f64 / 1e3),
            None => format!(", frame {}", view.number),
        },
    }
}

/// What matches covers always some of the query, so a share below a hundredth is not written as 0.
fn coverage(hit: &Hit) -> String {
    match hit.coverage_query * 100.0 {
        share if hit.verified && share < 1.0 => "< 1 %".to_owned(),
        share => format!("{share:.0} %"),
    }
}

/// Whether it is verified, and how the query is seen in it.
fn verdict(hit: &Hit) -> String {
    if hit.identical {
        return "identical".to_owned();
    }
    if hit.by_pixels {
        return "yes, by pixels".to_owned();
    }
    if !hit.verified {
        return if hit.alike { "alike" } else { "-" }.to_owned();
    }
    if hit.evidence == Some(EvidenceKind::Mark) {
        return "yes, a mark".to_owned();
    }
    let mirrored = if hit.variant.mirrored {
        ", mirrored"
    } else {
        ""
    };
    let inverted = if hit.variant.inverted {
        ", inverted"
    } else {
        ""
    };
    match hit.instances.len() {
        0 | 1 => format!("yes{mirrored}{inverted}"),
        several => format!("yes, {several} times{mirrored}{inverted}"),
    }
}
