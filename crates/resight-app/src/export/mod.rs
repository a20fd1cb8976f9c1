//! What people have said of pictures, and what was found of them, for other programs: labels, paths, groups of
//! duplicates, and decisions that two are no match.
//!
//! Invariant: pictures and decisions are read a page at a time, each after the last entry of the page before, so memory
//! does not grow with their number, and what is added or removed meanwhile neither repeats nor hides another. Groups are computed as
//! for a list of duplicates, and their pictures are read one group at a time.
//! Invariant: the last line counts what stands before it, so a reader can tell that an export was cut short.

mod file;
mod lines;
mod rows;

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use resight_engine::{
    DuplicateGroup, Duplicates, EngineError, Filter, Library, Order, OrderBy, Picture,
};
use resight_store::{CollectionName, NotAMatch};
use serde::{Deserialize, Serialize};

use crate::AppError;

pub(crate) use file::{ExportFile, delete_unfinished, sweep};
pub use file::{ExportRoom, KEPT, file_of};

/// Pictures and decisions that are read at a time.
const PAGE: u64 = 500;

/// The form of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// An object of JSON a line.
    #[default]
    Jsonl,
    /// Rows with commas between the values.
    Csv,
}

impl ExportFormat {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Jsonl, Self::Csv];

    /// As it is written, and the ending of its files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
        }
    }

    /// The format with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == text)
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jsonl => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }
}

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportOptions {
    /// Its form.
    pub format: ExportFormat,
    /// Whether it says where files of pictures are.
    pub paths: bool,
}

/// What an export has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// Pictures.
    pub pictures: u64,
    /// Groups of duplicates.
    pub groups: u64,
    /// Decisions that two pictures are no match.
    pub decisions: u64,
}

/// Why an export did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// What is stored could not be read, or the export was cancelled.
    #[error(transparent)]
    App(#[from] AppError),
    /// It could not be written.
    #[error(transparent)]
    Output(#[from] io::Error),
}

impl From<EngineError> for ExportError {
    fn from(error: EngineError) -> Self {
        Self::App(error.into())
    }
}

/// What an export is written with: lines or rows.
trait Form {
    fn begin(&mut self, collection: &CollectionName) -> io::Result<()>;
    fn picture(&mut self, picture: &Picture, paths: bool) -> io::Result<()>;
    fn group(&mut self, number: u64, group: &DuplicateGroup) -> io::Result<()>;
    fn decision(&mut self, decision: &NotAMatch) -> io::Result<()>;
    fn end(&mut self, exported: &Exported) -> io::Result<()>;
}

/// Writes an export of a collection. It is not of one moment: what is changed meanwhile is in it or not. `on_step` is
/// called with the number of pictures written and of all.
///
/// # Errors
/// `cancelled`, the engine's, and those of `out`.
pub fn export(
    library: &Arc<Library>,
    collection: &CollectionName,
    options: ExportOptions,
    cancel: &AtomicBool,
    out: &mut dyn Write,
    on_step: &mut dyn FnMut(u64, u64),
) -> Result<Exported, ExportError> {
    let mut out = BufWriter::new(out);
    let mut form: Box<dyn Form + '_> = match options.format {
        ExportFormat::Jsonl => Box::new(lines::Lines::new(&mut out)),
        ExportFormat::Csv => Box::new(rows::Rows::new(&mut out)),
    };
    let paths = options.paths;
    let exported = write(library, collection, paths, cancel, &mut *form, on_step)?;
    drop(form);
    out.flush()?;
    Ok(exported)
}

fn write(
    library: &Arc<Library>,
    collection: &CollectionName,
    paths: bool,
    cancel: &AtomicBool,
    form: &mut dyn Form,
    on_step: &mut dyn FnMut(u64, u64),
) -> Result<Exported, ExportError> {
    let go_on = || match cancel.load(Ordering::Relaxed) {
        true => Err(EngineError::Cancelled),
        false => Ok(()),
    };
    let mut exported = Exported::default();
    form.begin(collection)?;
    let total = library.count()?;
    let oldest_first = Order {
        by: OrderBy::Added,
        descending: false,
    };
    let (all, mut after) = (Filter::default(), None);
    loop {
        let page = library.pictures_after(&all, oldest_first, after.as_ref(), PAGE)?;
        let Some((last, _)) = page.last() else {
            break;
        };
        after = Some(last.clone());
        for (_, picture) in &page {
            go_on()?;
            form.picture(picture, paths)?;
            exported.pictures += 1;
        }
        on_step(exported.pictures, total.max(exported.pictures));
    }
    let duplicates = Duplicates::new(library.clone());
    for group in duplicates.all_groups()? {
        go_on()?;
        exported.groups += 1;
        form.group(exported.groups, &group?)?;
    }
    let mut after = None;
    loop {
        go_on()?;
        let page = duplicates.decisions_by_id(after.as_ref(), PAGE)?;
        for decision in &page {
            form.decision(decision)?;
            exported.decisions += 1;
        }
        let Some(last) = page.into_iter().next_back() else {
            break;
        };
        after = Some(last);
    }
    form.end(&exported)?;
    Ok(exported)
}

/// Milliseconds since 1970, or before, as RFC 3339 in UTC.
fn moment(ms: i64) -> String {
    let ([year, month, day], [hour, minute, second]) =
        resight_engine::utc_date(ms.div_euclid(1000));
    let rest = ms.rem_euclid(1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{rest:03}Z")
}
