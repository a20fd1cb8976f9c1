//! Many pictures in one request: files of a form, and entries of archives.
//!
//! Invariant: one file that cannot be taken stops no other.
//! Invariant: files are answered in the order in which they came.

mod adder;
mod archive;
mod labels;
mod limits;
mod once;
mod tarball;
mod unpacking;
mod zipped;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use resight_engine::LabelPatch;
use tokio::sync::mpsc;

use super::App;
use super::intake::{Part, Parts, TextField, bad_body};
use super::labels::LabelParameters;
use super::params::Params;
use super::problem::Problem;
use crate::wire::{BulkAnswer, FileOutcome};
use adder::{Adder, Sink};
pub(crate) use once::{Once, begin};
#[cfg(any(test, fuzzing))]
pub use {archive::archive, labels::label_lines};

/// The media type of an answer with a line for each file.
pub(crate) const LINES: &str = "application/x-ndjson";
/// Lines that wait for a slow client.
const WAITING_LINES: usize = 64;

/// Whether the client wants the answer line by line.
pub(crate) fn wants_lines(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter();
    accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|one| {
            let essence = one.split(';').next().unwrap_or_default();
            essence.trim().eq_ignore_ascii_case(LINES)
        })
}

/// What was read before it was known whether there are several files.
pub(crate) struct Beginning {
    /// Texts of the form.
    pub(crate) texts: Vec<TextField>,
    /// Files, at most two.
    pub(crate) files: Vec<Part>,
}

impl Beginning {
    /// Reads up to the second file, or where one is an archive up to it. `lines` stops at the first file.
    pub(crate) async fn read(
        parts: &mut Parts,
        once: &mut Once,
        lines: bool,
    ) -> Result<Self, Problem> {
        let mut beginning = Self {
            texts: Vec::new(),
            files: Vec::new(),
        };
        while beginning.files.len() < 2 {
            let Some(part) = parts.next().await? else {
                break;
            };
            once.count(&part);
            let is_enough = lines || matches!(part, Part::Archive { .. });
            match part {
                Part::Text(text) => beginning.texts.push(text),
                file => {
                    beginning.files.push(file);
                    if is_enough {
                        break;
                    }
                }
            }
        }
        if beginning.files.is_empty() {
            return Err(bad_body("The form has no field named file"));
        }
        Ok(beginning)
    }

    /// Whether this is one picture, without lines of labels.
    pub(crate) fn is_single(&self) -> bool {
        let is_one = matches!(
            &*self.files,
            [Part::Picture { .. }] | [Part::Refused { .. }]
        );
        is_one && !self.texts.iter().any(|(name, _)| name == labels::FIELD)
    }
}

/// A bulk addition that has begun.
pub(crate) struct Bulk {
    pub(crate) app: App,
    pub(crate) beginning: Beginning,
    /// Labels in the address.
    pub(crate) given: Vec<TextField>,
    pub(crate) parts: Parts,
    pub(crate) once: Once,
}

impl Bulk {
    /// Adds everything, and answers with one JSON object or with a line for each file.
    pub(crate) async fn answer(self, lines: bool) -> Result<Response, Problem> {
        let mut given = Params::from(self.given);
        let (each, common): (Vec<_>, Vec<_>) = self
            .beginning
            .texts
            .into_iter()
            .partition(|(name, _)| name == labels::FIELD);
        given.extend(common);
        let common: LabelPatch = given.take::<LabelParameters>()?.patch();
        given.finish()?;
        let each = labels::Lines::read(each.iter().map(|(_, text)| &**text))?;
        let (sender, mut received) = mpsc::channel(WAITING_LINES);
        let mut adder = Adder::new(self.app, common, each, Sink::new(sender));
        let (mut parts, files, mut once) = (self.parts, self.beginning.files, self.once);
        let work = async move {
            let ended = adder.add_all(files, &mut parts, &mut once).await;
            (adder.summary(ended).await, once)
        };
        if !lines {
            let work = tokio::spawn(work);
            let mut files = Vec::new();
            while let Some(line) = received.recv().await {
                files.push(line);
            }
            let (summary, once) = work.await.map_err(|error| Problem::internal(&error))?;
            let body = serde_json::to_vec(&BulkAnswer { summary, files });
            let body = body.map_err(|error| Problem::internal(&error))?;
            return Ok(once
                .answer(StatusCode::OK, "application/json", None, body)
                .await);
        }
        let (line_sender, lines) = mpsc::channel::<Result<Bytes, std::convert::Infallible>>(1);
        let work = tokio::spawn(work);
        tokio::spawn(stream_lines(received, work, line_sender));
        let body = Body::from_stream(stream::unfold(lines, |mut lines| async move {
            lines.recv().await.map(|line| (line, lines))
        }));
        Ok(([(header::CONTENT_TYPE, LINES)], body).into_response())
    }
}

/// Sends a line for each file and then the summary, and keeps all of them for a request that comes again.
async fn stream_lines(
    mut received: mpsc::Receiver<FileOutcome>,
    work: tokio::task::JoinHandle<(crate::wire::BulkSummary, Once)>,
    sender: mpsc::Sender<Result<Bytes, std::convert::Infallible>>,
) {
    let mut all = Vec::new();
    while let Some(line) = received.recv().await {
        let line = as_line(&line);
        all.extend_from_slice(&line);
        if sender.send(Ok(line)).await.is_err() {
            // The client is gone: nothing more is read of its body, and what it would send again is there already.
            return;
        }
    }
    let Ok((summary, once)) = work.await else {
        return;
    };
    let last = as_line(&serde_json::json!({ "summary": summary }));
    all.extend_from_slice(&last);
    drop(once.answer(StatusCode::OK, LINES, None, all).await);
    // Nobody is left to be told where this fails.
    let _ = sender.send(Ok(last)).await;
}

fn as_line(value: &impl serde::Serialize) -> Bytes {
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

/// Reads a body whose answer is there already to its end, as far as that tells whether it is the same.
pub(crate) async fn read_away(parts: &mut Parts, once: &mut Once) -> Result<(), Problem> {
    while let Some(part) = parts.next().await? {
        once.count(&part);
    }
    Ok(())
}
