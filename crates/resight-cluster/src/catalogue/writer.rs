//! One process at a time that changes the catalogues of a database.
//!
//! An advisory lock keeps a second process from beginning. It ends with its connection, and a network may end that while
//! the process lives. So each process that has the lock writes a token of its own into the database, and each commit
//! reads it: once another process has had the lock, no commit of this one succeeds any more.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use deadpool_postgres::Pool;
use resight_store::StoreError;
use tokio_postgres::SimpleQueryMessage;

use super::address::Address;
use super::session::Session;

/// The lock's number, which no other program is likely to use.
const LOCK: &str = "SELECT pg_try_advisory_lock(hashtextextended('resight writer', 0))";
/// No schema of a collection has this name.
const TABLE: &str = "CREATE SCHEMA IF NOT EXISTS resight;
    CREATE TABLE IF NOT EXISTS resight.writer
        (is_only BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (is_only), token TEXT NOT NULL)";
const TOKEN: &str = "SELECT token FROM resight.writer";
const FREE: &str = "SELECT pg_advisory_unlock_all()";

/// Has the server notice within half a minute that the machine of the process which has the lock is gone.
const KEEP_ALIVE: &str = "SET tcp_keepalives_idle = 10;
    SET tcp_keepalives_interval = 5;
    SET tcp_keepalives_count = 4";

/// How long a lock that is held is tried for, and how often.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(100);

/// How often the connection that has the lock is used.
const LOOKED_EACH: Duration = Duration::from_secs(5);

/// Keeps other processes from changing the catalogues of a database, until it is dropped or its connection is lost.
#[derive(Debug)]
pub struct WriterLock {
    token: String,
    location: String,
    /// Dropping it ends the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl WriterLock {
    /// Takes the lock. Waits no more than a moment: fails with `store_locked` while another process has it, and as
    /// [`super::PostgresCatalogue::open`] does.
    pub fn acquire(address: &str) -> Result<Self, StoreError> {
        let address = Address::parse(address)?;
        let location = address.location.clone();
        let holder = Holder {
            pool: address.pool("resight", false)?,
            location: location.clone(),
            token: token(),
        };
        let token = holder.token.clone();
        let (told, answer) = channel();
        let (stop, stopped) = channel();
        let io = |error| StoreError::Io {
            location: location.clone(),
            source: Box::new(error),
        };
        let thread = thread::Builder::new()
            .name("resight-writer".to_owned())
            .spawn(move || holder.hold(&told, &stopped))
            .map_err(io)?;
        let lock = Self {
            token,
            location,
            stop: Some(stop),
            thread: Some(thread),
        };
        match answer.recv() {
            Ok(taken) => taken.map(|()| lock),
            Err(_) => Err(StoreError::Failed {
                location: lock.location.clone(),
                detail: "the thread that holds the lock ended".to_owned(),
            }),
        }
    }

    /// Fails with `store_locked` where another process has had the lock since, as the last row of what a change has
    /// read tells. The change locks that row, so the next process that gets the lock waits for its end.
    pub(super) fn check(&self, answer: &[SimpleQueryMessage]) -> Result<(), StoreError> {
        if text_of(answer).as_deref() == Some(&self.token) {
            return Ok(());
        }
        Err(locked(&self.location))
    }
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It closes the connection, and with it the lock is free.
            let _ = thread.join();
        }
    }
}

/// What the thread has that holds the lock.
struct Holder {
    pool: Pool,
    location: String,
    token: String,
}

impl Holder {
    fn hold(self, told: &Sender<Result<(), StoreError>>, stopped: &Receiver<()>) {
        let taken = self.take_soon().and_then(|session| {
            session.run(KEEP_ALIVE)?;
            session.run(TABLE)?;
            session.run(&format!(
                "INSERT INTO resight.writer (token) VALUES ('{}')
                 ON CONFLICT (is_only) DO UPDATE SET token = excluded.token",
                self.token
            ))?;
            Ok(session)
        });
        let mut session = match taken {
            Ok(session) => Some(session),
            Err(error) => {
                let _ = told.send(Err(error));
                return;
            }
        };
        let _ = told.send(Ok(()));
        while stopped.recv_timeout(LOOKED_EACH) == Err(RecvTimeoutError::Timeout) {
            let lost = match &session {
                Some(session) => session.run("SELECT 1").is_err(),
                None => true,
            };
            if !lost {
                continue;
            }
            session = None;
            match self.take_again() {
                Ok(taken) => session = Some(taken),
                Err(StoreError::Unreachable { .. } | StoreError::Busy { .. }) => {}
                Err(error) => {
                    tracing::error!("this process changes nothing any more: {error}");
                    return;
                }
            }
        }
        if let Some(session) = session {
            // The connection goes with its pool; this is quicker.
            let _ = session.run(FREE);
        }
    }

    /// The server may need a moment to notice that a process which had the lock was killed.
    fn take_soon(&self) -> Result<Session, StoreError> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.take() {
                Err(StoreError::Locked { .. }) if Instant::now() < until => thread::sleep(PAUSE),
                taken => return taken,
            }
        }
    }

    fn take(&self) -> Result<Session, StoreError> {
        let session = Session::take(&self.pool, &self.location.as_str().into())?;
        let taken = session.run(LOCK)?;
        if text_of(&taken).as_deref() == Some("t") {
            return Ok(session);
        }
        Err(locked(&self.location))
    }

    /// Takes the lock after its connection was lost, where no other process had it in between.
    fn take_again(&self) -> Result<Session, StoreError> {
        let session = self.take()?;
        let token = text_of(&session.run(TOKEN)?);
        if token.as_deref() == Some(&self.token) {
            return Ok(session);
        }
        session.run(FREE)?;
        Err(locked(&self.location))
    }
}

fn locked(location: &str) -> StoreError {
    StoreError::Locked {
        location: format!("whose catalogue is {location}"),
        pid: None,
    }
}

/// The first value of the last row.
fn text_of(answer: &[SimpleQueryMessage]) -> Option<String> {
    answer.iter().rev().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    })
}

/// A text that no other process has had.
fn token() -> String {
    use std::hash::{BuildHasher, RandomState};
    // Keys that differ in each process, and a time.
    let random = |part: u8| RandomState::new().hash_one(part);
    let now = resight_store::now_ms();
    format!(
        "{now}-{}-{:016x}{:016x}",
        std::process::id(),
        random(0),
        random(1)
    )
}
