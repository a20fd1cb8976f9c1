//! Adds one file after the other, a few at once, and tells the outcome of each in order.

use std::collections::VecDeque;

use resight_app::Code;
use resight_engine::{Added, Indexer, LabelPatch};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::archive;
use super::labels::Lines;
use super::limits::{MOST_FILES, too_many_files};
use super::once::Once;
use super::unpacking::Entry;
use crate::App;
use crate::intake::{Archive, Part, Parts, clean_name};
use crate::problem::Problem;
use crate::wire::{BulkSummary, FileOutcome};
use axum::body::Bytes;

/// The longest name of a file in an answer, in bytes.
const SHOWN_NAME: usize = 1024;

/// Where outcomes go.
pub(super) struct Sink {
    sender: mpsc::Sender<FileOutcome>,
    summary: BulkSummary,
}

impl Sink {
    pub(super) fn new(sender: mpsc::Sender<FileOutcome>) -> Self {
        Self {
            sender,
            summary: BulkSummary::default(),
        }
    }

    async fn tell(&mut self, outcome: FileOutcome) -> Result<(), Ended> {
        self.summary.count(&outcome);
        self.sender.send(outcome).await.map_err(|_| Ended::Unheard)
    }
}

/// Why no more files are read.
pub(super) enum Ended {
    /// Nobody waits for the answer any more.
    Unheard,
    /// The body, or an archive that was all of it, cannot be read further.
    Broken(Problem),
}

/// A file that was read.
enum Pending {
    AtWork(String, JoinHandle<Result<Added, Problem>>),
    Told(FileOutcome),
}

/// Adds the files of one request.
pub(super) struct Adder {
    app: App,
    common: LabelPatch,
    each: Lines,
    pending: VecDeque<Pending>,
    files: usize,
    sink: Sink,
}

impl Adder {
    pub(super) fn new(app: App, common: LabelPatch, each: Lines, sink: Sink) -> Self {
        Self {
            app,
            common,
            each,
            pending: VecDeque::new(),
            files: 0,
            sink,
        }
    }

    /// Adds the files that were read already, and those that come.
    pub(super) async fn add_all(
        &mut self,
        files: Vec<Part>,
        parts: &mut Parts,
        once: &mut Once,
    ) -> Result<(), Ended> {
        for file in files {
            self.part(file).await?;
        }
        while let Some(part) = parts.next().await.map_err(Ended::Broken)? {
            once.count(&part);
            self.part(part).await?;
        }
        Ok(())
    }

    async fn part(&mut self, part: Part) -> Result<(), Ended> {
        match part {
            Part::Text((name, _)) => {
                let detail = format!(
                    "The field {name} came after the second file, or after an archive: labels come before the files."
                );
                let problem = Problem::new(Code::BadBody, detail);
                self.refuse(name, &problem).await
            }
            Part::Picture { name, bytes } => self.picture(name, bytes).await,
            Part::Refused { name, problem } => self.refuse(name, &problem).await,
            Part::Archive { name, archive } => self.archive(name, archive).await,
        }
    }

    /// Counts a file.
    fn enter(&mut self) -> Result<(), Ended> {
        self.files += 1;
        match self.files > MOST_FILES {
            true => Err(Ended::Broken(too_many_files())),
            false => Ok(()),
        }
    }

    async fn picture(&mut self, file: String, bytes: Bytes) -> Result<(), Ended> {
        self.enter()?;
        // Half of the places at work: searches have the rest.
        let most = (self.app.work.heavy.width() / 2).max(1);
        while self.pending.len() >= most {
            self.tell_first().await?;
        }
        let own = self.each.next(&file);
        let name = clean_name(own.name.as_deref().unwrap_or(&file));
        let patch = own.over(&self.common);
        let (library, heavy) = (self.app.library.clone(), self.app.work.heavy.clone());
        let add = move || Indexer::new(library.shared()).add_labelled(&bytes, &name, patch);
        let work = tokio::spawn(async move { heavy.run_in_turn(add).await });
        self.pending.push_back(Pending::AtWork(shown(file), work));
        Ok(())
    }

    async fn refuse(&mut self, file: String, problem: &Problem) -> Result<(), Ended> {
        self.enter()?;
        self.tell(FileOutcome::refused(shown(file), problem)).await
    }

    /// Tells an outcome in its turn.
    async fn tell(&mut self, outcome: FileOutcome) -> Result<(), Ended> {
        self.pending.push_back(Pending::Told(outcome));
        while matches!(self.pending.front(), Some(Pending::Told(_))) {
            self.tell_first().await?;
        }
        Ok(())
    }

    async fn archive(&mut self, name: String, archive: Archive) -> Result<(), Ended> {
        let mut reading = archive::read(archive, &self.app.bodies);
        while let Some(entry) = reading.next().await {
            match entry {
                Entry::Picture { name, bytes } => self.picture(name, bytes).await?,
                Entry::Refused { name, problem } => self.refuse(name, &problem).await?,
                Entry::Skipped { name, problem } => {
                    self.enter()?;
                    self.tell(FileOutcome::skipped(shown(name), &problem))
                        .await?;
                }
            }
        }
        match reading.ended().await {
            Ok(()) => Ok(()),
            Err(problem) => {
                // What came before it stays; what is behind it cannot be found.
                self.sink.summary.complete = false;
                self.refuse(name, &problem).await
            }
        }
    }

    /// Waits for the first of the files that are at work, and tells its outcome.
    async fn tell_first(&mut self) -> Result<(), Ended> {
        let outcome = match self.pending.pop_front() {
            None => return Ok(()),
            Some(Pending::Told(outcome)) => outcome,
            Some(Pending::AtWork(file, work)) => match work.await {
                Ok(Ok(added)) => FileOutcome::stored(file, added),
                Ok(Err(problem)) => FileOutcome::refused(file, &problem),
                Err(error) => FileOutcome::refused(file, &Problem::internal(&error)),
            },
        };
        self.sink.tell(outcome).await
    }

    /// Tells the rest, and what came of all.
    pub(super) async fn summary(mut self, ended: Result<(), Ended>) -> BulkSummary {
        if !matches!(ended, Err(Ended::Unheard)) {
            while !self.pending.is_empty() {
                if self.tell_first().await.is_err() {
                    break;
                }
            }
        }
        let mut summary = self.sink.summary;
        if let Err(Ended::Broken(problem)) = &ended {
            summary.end(problem);
        }
        summary
    }
}

/// A name of a file as far as it fits into an answer.
fn shown(mut name: String) -> String {
    name.truncate(name.floor_char_boundary(SHOWN_NAME));
    name
}
