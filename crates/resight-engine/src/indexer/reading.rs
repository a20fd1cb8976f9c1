//! Reading the files of a run: each becomes a new picture, one that is stored already, or a refusal.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use resight_decode::{Refused, RefusedCode, decode, may_have_pages, read_bounded};
use resight_store::{PictureId, PictureRecord, StoreError};
use resight_vision::{Fault, Image};

use super::listing::Task;
use super::moves::KnownPicture;
use crate::describe::describe;
use crate::describe_views::wanted;
use crate::error::EngineError;
use crate::library::Library;
use crate::library::prepare::PreparedPicture;
use crate::library::stored_pages::StoredPages;
use crate::picture::id_of;
use crate::stored_path::{path_text, readable};

/// Files prepared between two commits, for each thread: few enough that a kill loses little and memory
/// stays bounded, many enough that a commit is shared.
const BATCH_PER_THREAD: usize = 8;
/// Bytes of pixels kept for global models, and of features of pictures with several pages, after which a batch is
/// committed early.
const MOST_HELD_BYTES: usize = 128 << 20;

/// What became of a file.
pub(super) enum Outcome {
    /// A new picture, with its pixels where a global model will describe it.
    Ready(Box<PreparedPicture>, Option<Image>),
    /// A picture stored before, and what was described of it again where that was needed.
    Known(KnownPicture, Option<DescribedFile>),
    Refused(Refused),
}

/// A described file, with its pixels where a global model will describe it.
pub(super) type DescribedFile = (Box<PreparedPicture>, Option<Image>);

/// A file with what became of it.
pub(super) type TaskOutcome<'t> = (&'t Task, Outcome);

/// What reads the files of a run.
pub(super) struct Reader<'a> {
    pub(super) library: &'a Library,
    /// Whether stored pictures are compared with their files' pages and frames.
    pub(super) retakes: bool,
    pub(super) cancel: &'a AtomicBool,
}

impl Reader<'_> {
    /// Reads and describes a file.
    fn read(&self, task: &Task, keeps_pixels: bool) -> Result<Outcome, EngineError> {
        let library = self.library;
        let bytes = match read_bounded(&task.path, library.options().decode.max_bytes) {
            Ok(bytes) => bytes,
            Err(refused) => return Ok(Outcome::Refused(refused)),
        };
        let id = id_of(&bytes);
        let record = match library.catalogue().picture(&id) {
            // It must not stop the rest, and the picture that was read from this file stays.
            Err(error @ StoreError::PictureDamaged { .. }) => {
                let refused = Refused::new(RefusedCode::Unreadable, error.to_string());
                return Ok(Outcome::Refused(refused));
            }
            read => read?,
        };
        if let Some(record) = record {
            let again = match self.retakes {
                true => self.described_again(&record, &bytes, keeps_pixels)?,
                false => None,
            };
            let again = again.map(|(mut prepared, pixels)| {
                prepared.new.source = Some(task.source.clone());
                (prepared, pixels)
            });
            let known = KnownPicture::new(record, &task.source.path);
            return Ok(Outcome::Known(known, again));
        }
        let name = task
            .path
            .file_name()
            .and_then(|name| path_text(name.as_ref()));
        let name = name.map_or_else(|| "picture".to_owned(), |name| readable(&name));
        match self.described(id, &name, &bytes, keeps_pixels) {
            Ok((mut prepared, pixels)) => {
                prepared.new.source = Some(task.source.clone());
                Ok(Outcome::Ready(prepared, pixels))
            }
            Err(EngineError::Refused(refused)) => Ok(Outcome::Refused(refused)),
            Err(EngineError::Extract(error)) if error.fault == Fault::Picture => Ok(
                Outcome::Refused(Refused::new(RefusedCode::ExtractorFailed, error.detail)),
            ),
            Err(EngineError::Internal(detail)) => Ok(Outcome::Refused(Refused::new(
                RefusedCode::DecoderFailed,
                detail,
            ))),
            Err(other) => Err(other),
        }
    }

    fn described(
        &self,
        id: PictureId,
        name: &str,
        bytes: &[u8],
        keeps_pixels: bool,
    ) -> Result<DescribedFile, EngineError> {
        let (library, retry) = (self.library, Some(self.cancel));
        let extractor = &**library.extractor();
        let described = describe(bytes, library.options(), extractor, retry)?;
        let prepared = library.prepare(id, name, bytes, &described, retry)?;
        Ok((Box::new(prepared), keeps_pixels.then_some(described.image)))
    }

    /// A stored picture described again, where something stored of it is damaged, or where its file has pages or frames
    /// that are not stored: an earlier version took the first alone, or read less of the format.
    fn described_again(
        &self,
        record: &PictureRecord,
        bytes: &[u8],
        keeps_pixels: bool,
    ) -> Result<Option<DescribedFile>, EngineError> {
        let stored = StoredPages::of(self.library.catalogue(), record.key)?;
        if !stored.is_damaged && !self.lacks_pages(bytes, &stored.sound) {
            return Ok(None);
        }
        let again = self.described(record.id.clone(), &record.name, bytes, keeps_pixels);
        match again {
            Ok((prepared, pixels)) => {
                let mut views = prepared.new.views.iter();
                // Frames may be left out because they look like others.
                let brings_none =
                    !stored.is_damaged && views.all(|view| stored.sound.contains(&view.number));
                // What could be read before may be unreadable for a moment.
                let loses_some = stored.have_one_of(&prepared.unread_pages);
                if loses_some {
                    let name = &record.name;
                    tracing::warn!(
                        "the pages of {name} stay as they are stored: some cannot be read now"
                    );
                }
                Ok((!brings_none && !loses_some).then_some((prepared, pixels)))
            }
            Err(error @ (EngineError::Store(_) | EngineError::Cancelled)) => Err(error),
            Err(EngineError::Extract(error)) if error.fault != Fault::Picture => {
                Err(EngineError::Extract(error))
            }
            // What is stored stays.
            Err(error) => {
                tracing::warn!("{} is not described again: {error}", record.name);
                Ok(None)
            }
        }
    }

    /// Whether the file has further pages or frames that would be described and are not `stored`.
    fn lacks_pages(&self, bytes: &[u8], stored: &BTreeSet<u32>) -> bool {
        let options = self.library.options();
        if !may_have_pages(bytes) {
            return false;
        }
        let Ok(first) = decode(bytes, &options.decode) else {
            return false;
        };
        let size = [first.image.width(), first.image.height()];
        let mut wanted = wanted(first.media_type, first.pages, size, options);
        first.pages > 1 && wanted.any(|number| number > 1 && !stored.contains(&number))
    }

    /// Reads files in order and sends them in batches, until the receiver is gone or the run is cancelled.
    pub(super) fn read_batches<'t>(
        &self,
        tasks: &'t [Task],
        embeds: &AtomicBool,
        send: &dyn Fn(Result<Vec<TaskOutcome<'t>>, EngineError>) -> bool,
    ) {
        let cancel = self.cancel;
        let threads = rayon::current_num_threads();
        let batch = BATCH_PER_THREAD * threads;
        let mut ready = Vec::with_capacity(batch);
        let mut held_bytes = 0;
        let mut rest = tasks;
        while !rest.is_empty() {
            let keeps_pixels = embeds.load(Ordering::Relaxed);
            // With pixels and many pages, memory is looked at more often.
            let has_pages = rest
                .iter()
                .take(batch)
                .any(|task| often_has_pages(&task.path));
            let step = if keeps_pixels || has_pages {
                2 * threads
            } else {
                batch
            };
            let (next, later) = rest.split_at(step.min(batch - ready.len()).min(rest.len()));
            rest = later;
            let read = next
                .par_iter()
                .filter(|_| !cancel.load(Ordering::Relaxed))
                .map(|task| Ok((task, self.read(task, keeps_pixels)?)))
                .filter(|read| !matches!(read, Err(EngineError::Cancelled)))
                .collect::<Result<Vec<_>, EngineError>>();
            match read {
                Ok(read) => {
                    held_bytes += read
                        .iter()
                        .map(|(_, outcome)| outcome.held_bytes())
                        .sum::<usize>();
                    ready.extend(read);
                }
                Err(error) => {
                    send(Err(error));
                    return;
                }
            }
            let is_cancelled = cancel.load(Ordering::Relaxed);
            let is_full = ready.len() >= batch || held_bytes >= MOST_HELD_BYTES;
            if is_full || is_cancelled || rest.is_empty() {
                held_bytes = 0;
                let full = std::mem::replace(&mut ready, Vec::with_capacity(batch));
                if full.is_empty() || !send(Ok(full)) {
                    return;
                }
            }
        }
    }
}

impl Outcome {
    fn held_bytes(&self) -> usize {
        match self {
            Self::Ready(prepared, image) | Self::Known(_, Some((prepared, image))) => {
                let pixels = image.as_ref().map_or(0, |image| image.rgb().len());
                let has_pages = !prepared.new.views.is_empty();
                pixels
                    + if has_pages {
                        prepared.feature_bytes()
                    } else {
                        0
                    }
            }
            _ => 0,
        }
    }
}

/// Whether files of this name often have several pages or frames.
fn often_has_pages(path: &Path) -> bool {
    const ENDINGS: [&str; 7] = ["pdf", "tif", "tiff", "gif", "apng", "webp", "jxl"];
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.iter().any(|one| ending.eq_ignore_ascii_case(one)))
}
