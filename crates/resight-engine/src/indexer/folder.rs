//! Indexing a folder: only what is new or changed, in path order, resumable at any moment.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use resight_decode::{Refused, RefusedCode};
use resight_store::{PictureId, Refusal, SourceFile, read_all};

use super::Indexer;
use super::exclusion::BadPattern;
use super::freshness::{Freshness, compare};
use super::gone::is_below;
use super::listing::{Task, list};
use super::moves::Moves;
use super::parts::Parts;
use super::reading::Outcome;
use super::report::{FolderEvent, FolderOptions, FolderReport, LeftOut};
use super::run::Run;
use crate::error::EngineError;
use crate::library::Library;
use crate::library::labels::check_tags;
use crate::library::refused_files::RefusedKind;
use crate::source_path::is_missing;
use crate::stored_path::{path_of_text, path_text};

/// Times that files are read again because their picture was removed meanwhile.
const RETRIES: usize = 3;

/// What a folder's files are to the catalogue.
#[derive(Default)]
struct Listing {
    files: u64,
    unchanged: u64,
    unchanged_refused: u64,
    /// Of these, files that are no pictures.
    unchanged_no_pictures: u64,
    /// Unchanged files of which more is known now than is recorded.
    to_record: Vec<(SourceFile, PictureId)>,
    /// Files to be read.
    tasks: Vec<Task>,
    /// Files and folders that could not be looked at.
    problems: Vec<(Task, Refused)>,
    /// Paths of all of them.
    seen: HashSet<String>,
    left_out: LeftOut,
    /// Paths of what was left out.
    paths_left_out: HashSet<PathBuf>,
}

impl Listing {
    /// Whether the file is there and was left out, itself or with a folder above it.
    fn has_left_out(&self, path: &str) -> bool {
        if self.paths_left_out.is_empty() {
            return false;
        }
        let path = path_of_text(path);
        path.ancestors()
            .any(|path| self.paths_left_out.contains(path))
            && !is_gone(&path)
    }
}

/// Whether nothing is there. A disk that does not answer, or a folder that cannot be entered, says nothing of it.
fn is_gone(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_err_and(|error| is_missing(&error))
}

impl Indexer {
    /// Indexes every file in `dir` and below, links followed, without what is left out: by the patterns of
    /// `options` and of `.resightignore` files, and by default hidden files and folders and those in which systems
    /// keep their own files. A file that was indexed before and is left out now keeps its picture, as one that is
    /// gone does; pruning keeps it where it has labels and no other path. Skips files known from an earlier run
    /// whose length, times and number are the same; where these differ, a file's bytes tell whether it has changed.
    /// Records a file that cannot be read as a picture, with its reason, and goes on; so it does with a picture that
    /// the extractor fails on, which the next run tries again. An extractor that can describe nothing ends the run
    /// after a while with its error. A file that cannot be read at all keeps the picture that was read from it
    /// before. Where a file has the bytes of a stored picture, paths of that picture at which nothing is any more
    /// are forgotten: the file was moved. A picture whose only file was replaced is removed at the end, for its
    /// bytes may be in a file that is read later; after a run that did not come to its end, or that met files it
    /// could not read, by the next one of the folder. Setting `cancel` ends the run after the files in work; what
    /// was reported is kept.
    ///
    /// # Errors
    /// `folder_unreadable`, `too_many_tags`, and those of the extractor and the store.
    // Long because the steps of a run stand here in their order.
    pub fn index_folder(
        &self,
        dir: &Path,
        options: &FolderOptions,
        cancel: &AtomicBool,
        on_event: &mut dyn FnMut(FolderEvent),
    ) -> Result<FolderReport, EngineError> {
        let start = Instant::now();
        check_tags(&options.labels)?;
        let unreadable = |reason: String| EngineError::FolderUnreadable {
            path: dir.to_owned(),
            reason,
        };
        let root = std::fs::canonicalize(dir).map_err(|e| unreadable(e.to_string()))?;
        if !root.is_dir() {
            return Err(unreadable("it is not a folder".into()));
        }
        std::fs::read_dir(&root).map_err(|e| unreadable(e.to_string()))?;
        let prefix = path_text(&root.join(""));
        let prefix = prefix.ok_or_else(|| unreadable("its name is not valid Unicode".into()))?;

        let library = &*self.library;
        let parts = options.parts.as_ref();
        let parts = parts.and_then(|paths| Parts::below(&root, paths));
        let parts = parts.as_ref();
        let refusals = known_refusals(library, &prefix, parts)?;
        let sources = known_sources(library, &prefix, parts)?;
        let listing = listed((&root, dir), options, parts, &sources, &refusals, cancel)?;
        let has_none = match parts {
            None => listing.files == 0,
            Some(_) => is_empty(&root),
        };
        if options.prune && has_none && !sources.is_empty() {
            let state = match listing.paths_left_out.is_empty() {
                true => "is empty",
                false => "has nothing that is not left out",
            };
            return Err(unreadable(format!(
                "it {state}, and {} files were indexed from it: if its disk is mounted and they are really gone, forget its path or remove them by id",
                sources.len()
            )));
        }
        let to_do = (listing.tasks.len() + listing.problems.len()) as u64;
        let known = sources.iter().map(|(source, _)| &*source.path).collect();
        let embeds = AtomicBool::new(options.embed && library.models().can_embed());
        let mut run = Run {
            library,
            threads: self.threads.as_deref(),
            folder: &prefix,
            known: &known,
            labels: &options.labels,
            retakes: options.reread,
            report: FolderReport {
                files: listing.files,
                unchanged: listing.unchanged,
                unchanged_refused: listing.unchanged_refused,
                unchanged_no_pictures: listing.unchanged_no_pictures,
                left_out: listing.left_out.clone(),
                ..FolderReport::default()
            },
            moves: Moves::default(),
            has_unread: false,
            to_do,
            embedded: Vec::new(),
            embeds: &embeds,
            on_event,
        };
        (run.on_event)(FolderEvent::Listed {
            files: listing.files,
            unchanged: listing.unchanged + listing.unchanged_refused,
            to_do,
        });
        let still_there = sources
            .iter()
            .filter(|(file, _)| listing.seen.contains(&file.path));
        run.label(still_there.map(|(_, id)| id))?;
        run.record(&listing.to_record)?;
        let problems = &listing.problems;
        let refused = problems
            .iter()
            .map(|(task, why)| (task, Outcome::Refused(why.clone())));
        run.commit_batch(refused.collect())?;
        let mut unread = run.read_all(&listing.tasks, cancel)?;
        for _ in 0..RETRIES {
            if unread.is_empty() {
                break;
            }
            unread = run.read_all(&unread, cancel)?;
        }
        run.report.cancelled = cancel.load(Ordering::Relaxed);
        if !run.report.cancelled {
            let has_unread = run.has_unread
                || !unread.is_empty()
                || problems.iter().any(|(task, _)| may_come_back(&task.path));
            if !has_unread {
                // All files are read, so no other one has the bytes of these pictures.
                library.settle_orphans(&prefix)?;
            }
            // Files below a folder that could not be listed are not known to be gone.
            let was_not_found = |path: &str| {
                !listing.seen.contains(path)
                    && !problems.iter().any(|(task, _)| is_below(path, task))
            };
            let gone = refusals.into_keys().filter(|path| was_not_found(path));
            run.drop_refusals(&gone.collect::<Vec<_>>())?;
            // By ascending path, as the catalogue returned them.
            let gone = sources.iter().filter(|(source, _)| {
                was_not_found(&source.path) && !run.moves.has_forgotten(&source.path)
            });
            let (excluded, gone): (Vec<_>, Vec<_>) =
                gone.partition(|(source, _)| listing.has_left_out(&source.path));
            let gone: Vec<String> = gone
                .into_iter()
                .map(|(file, _)| file.path.clone())
                .collect();
            run.drop_sources(&gone, options.prune)?;
            run.drop_excluded(&excluded, options.prune)?;
        }
        run.report.moved = run.moves.count();
        run.report.elapsed = start.elapsed();
        Ok(run.report)
    }
}

/// Whether a folder has no entry at all, as the place of a disk that is not mounted.
fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// Whether pictures may be at a path that could not be looked at: not where nothing is, nor at a pipe.
fn may_come_back(path: &Path) -> bool {
    match std::fs::metadata(path) {
        Ok(metadata) => metadata.is_dir(),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

/// Lists the folder and sorts out the files to be read.
fn listed(
    (root, named): (&Path, &Path),
    options: &FolderOptions,
    parts: Option<&Parts>,
    sources: &[(SourceFile, PictureId)],
    refusals: &HashMap<String, Refusal>,
    cancel: &AtomicBool,
) -> Result<Listing, BadPattern> {
    let by_path = sources.iter().map(|entry| (&*entry.0.path, entry));
    let known: HashMap<&str, &(SourceFile, PictureId)> = by_path.collect();
    let mut listing = Listing::default();
    let retries = options.retry_refused || options.reread;
    let mut walk = list(
        root,
        named,
        &options.patterns,
        options.skip.as_deref(),
        parts,
    )?;
    for entry in &mut walk {
        if cancel.load(Ordering::Relaxed) {
            break;
        }
        listing.files += 1;
        match entry {
            Ok(task) => {
                let path = task.source.path.clone();
                let stored = known.get(&*path).filter(|_| !options.reread);
                let before = refusals
                    .get(&path)
                    .filter(|before| !retries && stays_refused(before, &task.source));
                let compared = stored.map(|(stored, id)| (compare(stored, &task.source), id));
                if let Some((freshness @ (Freshness::Same | Freshness::SameToRecord), id)) =
                    compared
                {
                    listing.unchanged += 1;
                    if freshness == Freshness::SameToRecord {
                        listing.to_record.push((task.source, id.clone()));
                    }
                } else if let Some(before) = before {
                    listing.unchanged_refused += 1;
                    let kind = RefusedKind::of(&before.code, &task.path);
                    listing.unchanged_no_pictures += u64::from(kind == RefusedKind::NoPicture);
                } else {
                    listing.tasks.push(task);
                }
                listing.seen.insert(path);
            }
            Err(unread) => {
                let (task, problem) = *unread;
                listing.seen.insert(task.source.path.clone());
                listing.problems.push((task, problem));
            }
        }
    }
    listing.left_out = walk.left_out;
    listing.paths_left_out = walk.paths_left_out;
    Ok(listing)
}

/// Whether a refused file is skipped. Not where the extractor failed on it: somebody may have mended
/// the extractor since.
fn stays_refused(before: &Refusal, now: &SourceFile) -> bool {
    compare(&before.source, now) != Freshness::Changed
        && before.code != RefusedCode::ExtractorFailed.as_str()
}

/// Files below a folder from which stored pictures were read, by ascending path; of `parts` alone where there are
/// some.
fn known_sources(
    library: &Library,
    prefix: &str,
    parts: Option<&Parts>,
) -> Result<Vec<(SourceFile, PictureId)>, EngineError> {
    let mut all = Vec::new();
    for prefix in prefixes(prefix, parts) {
        all.extend(read_all(
            |(source, _): &(SourceFile, PictureId)| source.path.clone(),
            |after: Option<String>, limit| {
                let catalogue = library.catalogue();
                catalogue.sources_under(&prefix, after.as_deref(), limit)
            },
        )?);
    }
    if let Some(parts) = parts {
        all.retain(|(source, _)| parts.has(&path_of_text(&source.path)));
        all.sort_unstable_by(|(a, _), (b, _)| a.path.cmp(&b.path));
        all.dedup_by(|(a, _), (b, _)| a.path == b.path);
    }
    Ok(all)
}

fn known_refusals(
    library: &Library,
    prefix: &str,
    parts: Option<&Parts>,
) -> Result<HashMap<String, Refusal>, EngineError> {
    let mut by_path = HashMap::new();
    for prefix in prefixes(prefix, parts) {
        let refusals = read_all(
            |refusal: &Refusal| refusal.source.path.clone(),
            |after: Option<String>, limit| {
                let catalogue = library.catalogue();
                catalogue.refusals_under(&prefix, after.as_deref(), limit)
            },
        )?;
        by_path.extend(
            refusals
                .into_iter()
                .map(|one| (one.source.path.clone(), one)),
        );
    }
    if let Some(parts) = parts {
        by_path.retain(|path, _| parts.has(&path_of_text(path)));
    }
    Ok(by_path)
}

/// What the paths begin with that a run looks at, and perhaps others.
fn prefixes(folder: &str, parts: Option<&Parts>) -> Vec<String> {
    match parts {
        None => vec![folder.to_owned()],
        Some(parts) => parts.iter().filter_map(|path| path_text(path)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_file_is_skipped_until_it_or_the_extractor_changes() {
        let file = |byte_len| SourceFile {
            path: "/a".into(),
            byte_len,
            modified_ns: 7,
            ..SourceFile::default()
        };
        let refusal = |code: RefusedCode| Refusal {
            source: file(3),
            code: code.as_str().to_owned(),
            reason: String::new(),
            seen_ms: 0,
        };
        let broken = refusal(RefusedCode::DecoderFailed);
        assert!(stays_refused(&broken, &file(3)));
        assert!(!stays_refused(&broken, &file(4)), "has changed");
        let failed = refusal(RefusedCode::ExtractorFailed);
        assert!(!stays_refused(&failed, &file(3)));
    }
}
