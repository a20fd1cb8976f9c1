//! What `resight index` and `resight serve` tell of a folder: events as they come, and a summary.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use indicatif::ProgressBar;
use resight_engine::{FolderEvent, FolderReport, LeftOut, RefusedCode, RefusedKind, ending_of};
use serde_json::json;

use crate::error::CliError;
use crate::naming::text_of;
use crate::output::{Output, counted, printable};
use crate::progress;

/// Refused files of a kind that are named after indexing; `resight refused` names them all.
const REFUSED_SHOWN: usize = 20;

/// Files that are no pictures, by the endings of their names.
#[derive(Default)]
pub(crate) struct Endings(pub(crate) BTreeMap<String, u64>);

impl Endings {
    pub(crate) fn add(&mut self, path: &Path) {
        *self.0.entry(ending_of(path)).or_default() += 1;
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

/// In one sentence, the most frequent endings first.
impl fmt::Display for Endings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Endings that are named.
        const SHOWN: usize = 8;
        let mut all: Vec<(&String, &u64)> = self.0.iter().collect();
        all.sort_by_key(|(ending, count)| (std::cmp::Reverse(**count), *ending));
        let mut parts: Vec<String> = all
            .iter()
            .take(SHOWN)
            .map(|(ending, count)| match ending.as_str() {
                "" => format!("{count} without an ending"),
                ending => format!("{count} .{ending}"),
            })
            .collect();
        let more: u64 = all.iter().skip(SHOWN).map(|(_, count)| **count).sum();
        if more > 0 {
            parts.push(format!("{more} others"));
        }
        let files = counted(self.total(), "file is no picture", "files are no pictures");
        write!(f, "{files}: {}", parts.join(", "))
    }
}

/// Refused files of one kind: the first as they are to be shown, and how many there are.
#[derive(Default)]
pub(crate) struct Refusals {
    first: Vec<String>,
    count: u64,
}

impl Refusals {
    fn tell(&self, what: &str, output: &mut Output) -> Result<(), CliError> {
        for line in &self.first {
            output.line(line)?;
        }
        let more = self.count.saturating_sub(self.first.len() as u64);
        if more > 0 {
            output.line(format_args!("  and {more} more {what}: resight refused"))?;
        }
        Ok(())
    }
}

/// The files that a run has refused.
#[derive(Default)]
pub(crate) struct RefusedFiles {
    broken: Refusals,
    others: Refusals,
    endings: Endings,
}

impl RefusedFiles {
    fn add(&mut self, path: &Path, code: RefusedCode, detail: &str) {
        let list = match RefusedKind::of(code.as_str(), path) {
            RefusedKind::Broken => &mut self.broken,
            RefusedKind::Other => &mut self.others,
            RefusedKind::NoPicture => return self.endings.add(path),
        };
        list.count += 1;
        if list.first.len() < REFUSED_SHOWN {
            let name = printable(&text_of(path));
            list.first.push(format!("  {name}: {}", printable(detail)));
        }
    }
}

/// Tells events as they come.
pub(crate) struct Teller<'a> {
    output: &'a mut Output,
    pub(crate) bar: ProgressBar,
    pub(crate) refused: RefusedFiles,
    pub(crate) told: Result<(), CliError>,
}

impl<'a> Teller<'a> {
    pub(crate) fn new(output: &'a mut Output) -> Self {
        let bar = progress::spinner(output.shows_progress(), "Looking for pictures");
        Self {
            output,
            bar,
            refused: RefusedFiles::default(),
            told: Ok(()),
        }
    }

    pub(crate) fn tell(&mut self, event: FolderEvent) -> Result<(), CliError> {
        match &event {
            FolderEvent::Listed { to_do, .. } => {
                self.bar.finish_and_clear();
                self.bar = progress::bar(self.output.shows_progress(), *to_do, "Indexing");
            }
            FolderEvent::Indexed { .. } => self.bar.inc(1),
            FolderEvent::Refused { path, code, detail } => {
                self.bar.inc(1);
                self.refused.add(path, *code, detail);
            }
            FolderEvent::Embedded { .. }
            | FolderEvent::Moved { .. }
            | FolderEvent::Pruned { .. } => {}
        }
        if self.output.is_json() {
            self.output.json(&event_shape(&event))?;
        }
        Ok(())
    }
}

fn event_shape(event: &FolderEvent) -> serde_json::Value {
    match event {
        FolderEvent::Listed {
            files,
            unchanged,
            to_do,
        } => {
            json!({"event": "listed", "files": files, "unchanged": unchanged, "to_do": to_do})
        }
        FolderEvent::Indexed {
            path,
            id,
            features,
            already_there,
        } => json!({
            "event": "indexed",
            "path": text_of(path),
            "id": id.as_str(),
            "features": features,
            "already_there": already_there,
        }),
        FolderEvent::Moved { from, path } => {
            json!({"event": "moved", "from": from, "path": text_of(path)})
        }
        FolderEvent::Embedded { model, done, total } => {
            json!({"event": "embedded", "model": model, "done": done, "total": total})
        }
        FolderEvent::Refused { path, code, detail } => json!({
            "event": "refused",
            "path": text_of(path),
            "code": code.as_str(),
            "reason": detail,
            "picture": RefusedKind::of(code.as_str(), path) != RefusedKind::NoPicture,
        }),
        FolderEvent::Pruned { path } => json!({"event": "pruned", "path": path}),
    }
}

pub(crate) fn tell_report(
    report: &FolderReport,
    dir: &Path,
    refused: &RefusedFiles,
    output: &mut Output,
) -> Result<(), CliError> {
    if output.is_json() {
        return output.json(&json!({
            "event": "done",
            "folder": text_of(dir),
            "files": report.files,
            "indexed": report.indexed,
            "weak": report.weak,
            "pages": report.pages,
            "unread_pages": report.unread_pages,
            "already_there": report.already_there,
            "moved": report.moved,
            "unchanged": report.unchanged,
            "same_bytes": report.same_bytes,
            "retaken": report.retaken,
            "refused": report.refused,
            "no_pictures": report.no_pictures,
            "endings": refused.endings.0,
            "unchanged_refused": report.unchanged_refused,
            "unchanged_no_pictures": report.unchanged_no_pictures,
            "missing": report.missing,
            "pruned": report.pruned,
            "excluded": report.excluded,
            "excluded_pruned": report.excluded_pruned,
            "left_out": {
                "system": report.left_out.system,
                "hidden_folders": report.left_out.hidden_folders,
                "hidden_files": report.left_out.hidden_files,
                "folders_by_pattern": report.left_out.folders_by_pattern,
                "files_by_pattern": report.left_out.files_by_pattern,
            },
            "cancelled": report.cancelled,
            "elapsed_ms": report.elapsed.as_secs_f64() * 1e3,
        }));
    }
    output.line(summary(report, dir))?;
    if report.moved > 0 {
        let files = counted(report.moved, "file was", "files were");
        output.line(format_args!(
            "{files} found at a new place; the former paths are forgotten."
        ))?;
    }
    refused.broken.tell("that are broken", output)?;
    refused.others.tell("that could not be read", output)?;
    if refused.endings.total() > 0 {
        output.line(format_args!("  {}", refused.endings))?;
    }
    if let Some(line) = left_out(&report.left_out) {
        output.line(line)?;
    }
    if report.excluded > report.excluded_pruned {
        output.line(excluded(report))?;
    }
    Ok(())
}

/// What was left out, and how it is taken in.
fn left_out(left_out: &LeftOut) -> Option<String> {
    let system: Vec<String> = left_out
        .system
        .iter()
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    let folders = left_out.system.values().sum::<u64>();
    let mut parts = Vec::new();
    if folders > 0 {
        let folders = counted(folders, "folder", "folders");
        parts.push(format!("{folders} of the system ({})", system.join(", ")));
    }
    let counts = [
        (left_out.hidden_folders, "hidden folder", "hidden folders"),
        (left_out.hidden_files, "hidden file", "hidden files"),
        (
            left_out.folders_by_pattern,
            "folder by a pattern",
            "folders by patterns",
        ),
        (
            left_out.files_by_pattern,
            "file by a pattern",
            "files by patterns",
        ),
    ];
    for (count, one, many) in counts {
        if count > 0 {
            parts.push(counted(count, one, many));
        }
    }
    let example = match left_out.system.keys().next() {
        Some(name) => format!("'{name}/'"),
        None if left_out.hidden_folders + left_out.hidden_files > 0 => "'.NAME'".to_owned(),
        None => "PATTERN".to_owned(),
    };
    let list = parts.join(", ");
    (!parts.is_empty()).then(|| format!("  left out: {list}; --include {example} takes in"))
}

/// What became of pictures that were indexed before and are left out now.
fn excluded(report: &FolderReport) -> String {
    let files = counted(
        report.excluded - report.excluded_pruned,
        "file that was indexed before is left out now; its picture is still stored",
        "files that were indexed before are left out now; their pictures are still stored",
    );
    match report.excluded_pruned {
        0 => format!("  {files} (--prune forgets those without labels)"),
        _ => format!("  {files}, for they have labels (resight forget FOLDER --prune)"),
    }
}

/// One sentence with the counts that are not 0.
fn summary(report: &FolderReport, dir: &Path) -> String {
    let seconds = report.elapsed.as_secs_f64();
    let mut parts = vec![format!("{} indexed", report.indexed)];
    let counts = [
        (report.moved, "moved"),
        (
            report.weak,
            "of these with few features (resight list --weak)",
        ),
        (report.pages, "further pages and frames of them"),
        (
            report.unread_pages,
            "further pages and frames could not be read",
        ),
        (
            report.already_there.saturating_sub(report.moved),
            "already there under another name",
        ),
        (report.unchanged, "unchanged"),
        (report.same_bytes, "read again and the same"),
        (
            report.retaken,
            "described again, as pages or frames were not stored or something was damaged",
        ),
        (report.refused - report.no_pictures, "could not be read"),
        (
            report.unchanged_refused - report.unchanged_no_pictures,
            "could not be read before and have not changed (resight refused)",
        ),
        (
            report.no_pictures + report.unchanged_no_pictures,
            "no pictures",
        ),
        (report.pruned, "forgotten because the file is gone"),
        (
            report.excluded_pruned,
            "forgotten because the file is left out",
        ),
    ];
    for (count, what) in counts {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    if report.missing > report.pruned {
        parts.push(format!(
            "{} gone from the folder but still stored (--prune forgets them)",
            report.missing - report.pruned
        ));
    }
    format!(
        "{}: {} in {seconds:.1} s: {}.",
        printable(&text_of(dir)),
        counted(report.files, "file", "files"),
        parts.join(", ")
    )
}
