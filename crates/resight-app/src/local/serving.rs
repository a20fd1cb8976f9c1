//! The server's side: a thread for each command, as many at once as there are places.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use resight_engine::{Duplicates, ForgetOptions, Library, path_of_text, path_text};
use resight_store::{CollectionName, StoreError};

use super::message::{MOST_BYTES, Reply, Request, ids, patches_of};
use super::socket;
use crate::collections::{Collections, Lease};
use crate::jobs::Jobs;
use crate::{AppError, private};

/// Commands at work at once.
const AT_ONCE: usize = 16;
/// How long a command may take to say what it wants, and to take the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Carries out what commands ask for, until it is dropped.
pub struct LocalServer {
    root: PathBuf,
    socket: socket::Identity,
    stopping: Arc<AtomicBool>,
    /// Says when the thread has ended.
    ended: Receiver<()>,
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        if !self.socket.is_at(&self.root) {
            // The folder is another server's by now. The thread stays until the process ends.
            return;
        }
        // Wakes the thread, which waits for a command, or carries one out: that one may take its time.
        if socket::connect(&self.root).is_ok() {
            let _ended = self.ended.recv_timeout(PATIENCE);
        }
        socket::remove(&self.root);
    }
}

impl LocalServer {
    /// Begins, for the one process that has the data folder `root` open for changes. Where there can be no socket,
    /// commands that change something wait until the process ends, with a warning.
    pub fn begin(root: &Path, collections: &Collections, jobs: &Jobs) -> Option<Self> {
        let warn = |error: &dyn std::fmt::Display| {
            tracing::warn!(
                "commands that change something wait for the end of this server: {error}"
            );
        };
        let folder = root.join(socket::FOLDER);
        let listener = private::create_folder(&folder).and_then(|()| socket::listen(root));
        let listener = listener.inspect_err(|error| warn(error)).ok()?;
        let socket = socket::Identity::of(root)
            .inspect_err(|error| warn(error))
            .ok()?;
        let stopping = Arc::new(AtomicBool::new(false));
        let (says, ended) = sync_channel(1);
        let (ends, collections, jobs) = (stopping.clone(), collections.clone(), jobs.clone());
        let thread = thread::Builder::new().name("resight-local".into());
        let thread = thread.spawn(move || {
            serve(&listener, &ends, &collections, &jobs);
            // Before the receiver hears of it, nothing of the collections is in use any more.
            drop((collections, jobs));
            let _unheard = says.send(());
        });
        thread.inspect_err(|error| warn(error)).ok()?;
        Some(Self {
            root: root.to_owned(),
            socket,
            stopping,
            ended,
        })
    }
}

/// Returns when all commands that were begun have their answers.
fn serve(listener: &UnixListener, stopping: &AtomicBool, collections: &Collections, jobs: &Jobs) {
    let places = Places::default();
    thread::scope(|scope| {
        for connected in listener.incoming() {
            if stopping.load(Ordering::Relaxed) {
                return;
            }
            let begun = connected.and_then(|stream| {
                let place = places.take();
                let command = thread::Builder::new().name("resight-command".into());
                command.spawn_scoped(scope, move || {
                    let _place = place;
                    if let Err(error) = answer(&stream, collections, jobs) {
                        tracing::debug!("a command went away: {error}");
                    }
                })
            });
            if let Err(error) = begun {
                tracing::debug!("a command is not served: {error}");
                // Where no more connections can be had, it is not tried without a pause.
                thread::sleep(Duration::from_millis(10));
            }
        }
    });
}

/// Places for commands at work; further ones wait to be accepted.
#[derive(Default)]
struct Places {
    taken: Mutex<usize>,
    freed: Condvar,
}

/// A place, until it is dropped.
struct Place<'a>(&'a Places);

impl Places {
    fn take(&self) -> Place<'_> {
        let mut taken = self.taken.lock();
        while *taken >= AT_ONCE {
            self.freed.wait(&mut taken);
        }
        *taken += 1;
        Place(self)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.taken.lock() -= 1;
        self.0.freed.notify_one();
    }
}

fn answer(stream: &UnixStream, collections: &Collections, jobs: &Jobs) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let line = line_of(stream)?;
    if line.is_empty() {
        // It only looked whether somebody is here.
        return Ok(());
    }
    let reply = match serde_json::from_slice(&line) {
        Ok(request) => carry_out(request, collections, jobs),
        Err(error) => Err(not_understood(&error.to_string())),
    };
    let reply = reply.unwrap_or_else(|error| Reply::Failed {
        code: error.code().as_str().to_owned(),
        detail: error.to_string(),
        next_step: error.next_step().into_owned(),
    });
    let mut line = serde_json::to_vec(&reply)?;
    line.push(b'\n');
    let mut stream = stream;
    stream.write_all(&line)
}

/// What a command says, within [`PATIENCE`] in all: it has a place meanwhile.
fn line_of(stream: &UnixStream) -> std::io::Result<Vec<u8>> {
    let begun = Instant::now();
    let mut reader = BufReader::new(stream.take(MOST_BYTES));
    let mut line = Vec::new();
    loop {
        let some = reader.fill_buf()?;
        let end = some.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(some.len(), |end| end + 1);
        line.extend_from_slice(&some[..taken]);
        reader.consume(taken);
        if end.is_some() || taken == 0 {
            return Ok(line);
        }
        if begun.elapsed() > PATIENCE {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
    }
}

fn carry_out(request: Request, collections: &Collections, jobs: &Jobs) -> Result<Reply, AppError> {
    let lease =
        |name: &str| -> Result<Lease<Library>, AppError> { collections.lease(&named(name)?) };
    let no_id = || not_understood("no id of a picture");
    match request {
        Request::Remove {
            collection,
            ids: texts,
        } => {
            let library = lease(&collection)?;
            let done = library.remove(&ids(&texts).ok_or_else(no_id)?)?;
            Ok(Reply::Each { done })
        }
        Request::Label {
            collection,
            patches,
        } => {
            let library = lease(&collection)?;
            let patches = patches_of(patches);
            let patches = patches.ok_or_else(|| not_understood("no change of labels"))?;
            let done = library.label(patches)?;
            Ok(Reply::Each { done })
        }
        Request::Forget {
            collection,
            paths,
            prune,
        } => forget(collections, &named(&collection)?, &paths, prune),
        Request::NotAMatch {
            collection,
            a,
            b,
            undo,
        } => {
            let library = lease(&collection)?;
            let both = ids(&[a, b]).ok_or_else(no_id)?;
            let [a, b] = both.as_slice() else {
                return Err(no_id());
            };
            let duplicates = Duplicates::new(library.shared());
            let done = match undo {
                true => duplicates.drop_not_a_match(a, b)?,
                false => duplicates.add_not_a_match(a, b)?,
            };
            Ok(Reply::One { done })
        }
        Request::CreateCollection { name } => {
            let done = collections.create(&named(&name)?)?;
            Ok(Reply::One { done })
        }
        Request::RemoveCollection { name } => {
            let name = named(&name)?;
            collections.remove(&name)?;
            // Another collection may get the name.
            jobs.forget_collection(&name)?;
            Ok(Reply::One { done: true })
        }
        Request::RenameCollection { from, to } => {
            jobs.rename_collection(collections, &named(&from)?, &named(&to)?)?;
            Ok(Reply::One { done: true })
        }
    }
}

fn forget(
    collections: &Collections,
    name: &CollectionName,
    paths: &[String],
    prune: bool,
) -> Result<Reply, AppError> {
    let library = collections.lease(name)?;
    // A picture whose file has just been moved has none until the folder is read.
    let lock = collections.indexing(name);
    let _alone = lock
        .try_lock_for(PATIENCE)
        .ok_or_else(|| being_read(name))?;
    let paths: Vec<PathBuf> = paths.iter().map(|text| path_of_text(text)).collect();
    let options = ForgetOptions {
        prune,
        dry_run: false,
    };
    let done = library.forget_paths(&paths, options)?;
    let unknown = done.unknown.iter().filter_map(|path| path_text(path));
    Ok(Reply::Forgotten {
        paths: done.paths,
        refusals: done.refusals,
        kept_without_path: done.kept_without_path,
        removed: done.removed,
        unknown: unknown.collect(),
    })
}

fn being_read(name: &CollectionName) -> AppError {
    StoreError::Busy {
        location: format!("the collection {name}, whose folders are being read"),
    }
    .into()
}

fn named(text: &str) -> Result<CollectionName, AppError> {
    CollectionName::parse(text).ok_or_else(|| not_understood("no name of a collection"))
}

/// A command of another version, perhaps.
fn not_understood(what: &str) -> AppError {
    StoreError::Failed {
        location: "the server".into(),
        detail: format!("it does not understand the command: {what}"),
    }
    .into()
}
