//! Answers to requests that carry a key of their own, given again when the same request comes again.
//!
//! Invariant: an answer is in place whole before the request is answered, so a restart gives it again.
//! Invariant: two requests with the same name are never at work at once.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use resight_store::now_ms;
use serde::{Deserialize, Serialize};

use crate::AppError;
use crate::atomic_file::AtomicFile;
use crate::private;

/// The folder's name in the data folder.
const FOLDER: &str = "answers";
/// How long an answer is given again.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// The most answers kept; the oldest give way.
pub const MOST: usize = 1000;
/// The most bytes of all of them.
pub const MOST_BYTES: u64 = 128 << 20;
/// The longest answer kept.
const LONGEST: usize = 16 << 20;

/// An answer as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What the request consisted of, as a hash.
    pub request: String,
    /// HTTP status.
    pub status: u16,
    /// Media type of the body.
    pub content_type: String,
    /// The address of what was made, if there is one.
    pub location: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// What stands before the body in a file.
#[derive(Serialize, Deserialize)]
struct Head {
    request: String,
    made_ms: i64,
    status: u16,
    content_type: String,
    location: Option<String>,
}

/// The answers of a server; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Answers(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// `None` keeps them in memory, as in tests.
    folder: Option<PathBuf>,
    memory: Mutex<HashMap<String, (i64, Answer)>>,
    at_work: Mutex<HashSet<String>>,
}

/// What a name stands for when a request begins.
#[derive(Debug)]
pub enum Begun {
    /// Another request with this name is at work.
    AtWork,
    /// It was answered so.
    Answered(Answer),
    /// Nothing yet: the request is at work until this is dropped.
    Fresh(Slot),
}

/// The right to answer for a name.
#[derive(Debug)]
pub struct Slot {
    answers: Answers,
    name: String,
}

impl Answers {
    /// Those of the data folder whose root is `root`; deletes what is too old.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn open(root: &Path) -> Result<Self, AppError> {
        let folder = root.join(FOLDER);
        private::create_folder(&folder).map_err(|error| AppError::unwritable(&folder, error))?;
        let inner = Inner {
            folder: Some(folder),
            ..Inner::default()
        };
        inner.sweep();
        Ok(Self(Arc::new(inner)))
    }

    /// Begins a request about the collection with this [identity](crate::identity_of), whose name consists of `parts`;
    /// reads a file.
    pub fn begin(&self, collection: &str, parts: &[&str]) -> Begun {
        let name = name_of(collection, parts);
        if !self.0.at_work.lock().insert(name.clone()) {
            return Begun::AtWork;
        }
        let slot = Slot {
            answers: self.clone(),
            name,
        };
        match self.0.read(&slot.name) {
            Some(answer) => Begun::Answered(answer),
            None => Begun::Fresh(slot),
        }
    }
}

impl Slot {
    /// Keeps the answer; writes a file. One that is too long is not kept.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn keep(self, answer: &Answer) -> Result<(), AppError> {
        if answer.body.len() > LONGEST {
            return Ok(());
        }
        self.answers.0.write(&self.name, answer)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.answers.0.at_work.lock().remove(&self.name);
    }
}

impl Inner {
    fn read(&self, name: &str) -> Option<Answer> {
        let Some(folder) = &self.folder else {
            let memory = self.memory.lock();
            let (made_ms, answer) = memory.get(name)?;
            return is_fresh(*made_ms).then(|| answer.clone());
        };
        let bytes = fs::read(folder.join(name)).ok()?;
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        // One that is damaged is none: the request is done once more, which adds nothing twice.
        let head: Head = serde_json::from_slice(&bytes[..end]).ok()?;
        is_fresh(head.made_ms).then(|| Answer {
            request: head.request,
            status: head.status,
            content_type: head.content_type,
            location: head.location,
            body: bytes[end + 1..].to_vec(),
        })
    }

    fn write(&self, name: &str, answer: &Answer) -> Result<(), AppError> {
        let Some(folder) = &self.folder else {
            let mut memory = self.memory.lock();
            memory.insert(name.to_owned(), (now_ms(), answer.clone()));
            if memory.len() > MOST
                && let Some(oldest) = memory.iter().min_by_key(|(_, kept)| kept.0)
            {
                let oldest = oldest.0.clone();
                memory.remove(&oldest);
            }
            return Ok(());
        };
        let head = Head {
            request: answer.request.clone(),
            made_ms: now_ms(),
            status: answer.status,
            content_type: answer.content_type.clone(),
            location: answer.location.clone(),
        };
        let path = folder.join(name);
        let mut bytes = serde_json::to_vec(&head)
            .map_err(|error| AppError::unwritable(&path, io::Error::other(error)))?;
        bytes.push(b'\n');
        bytes.extend_from_slice(&answer.body);
        AtomicFile::beside(&path)?.write(&bytes)?;
        self.sweep();
        Ok(())
    }

    /// Deletes what is too old, and the oldest of what is too much.
    fn sweep(&self) {
        let Some(listed) = self.folder.as_ref().map(fs::read_dir) else {
            return;
        };
        let mut files: Vec<(SystemTime, u64, PathBuf)> = listed
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let metadata = entry.metadata().ok()?;
                let modified = metadata.modified().ok()?;
                metadata
                    .is_file()
                    .then(|| (modified, metadata.len(), entry.path()))
            })
            .collect();
        files.sort_unstable();
        let (mut kept, mut bytes) = (0, 0_u64);
        for (modified, length, path) in files.into_iter().rev() {
            kept += 1;
            bytes = bytes.saturating_add(length);
            let age = modified.elapsed().map_or(0, |age| age.as_millis());
            let is_old = i64::try_from(age).unwrap_or(i64::MAX) > DAY_MS;
            if is_old || kept > MOST || bytes > MOST_BYTES {
                // One that stays is too old when it is read.
                let _ = fs::remove_file(path);
            }
        }
    }
}

fn is_fresh(made_ms: i64) -> bool {
    now_ms().saturating_sub(made_ms) < DAY_MS
}

/// Deletes the answers of a collection in the data folder `root` that was removed. One that stays is never given again:
/// no other collection has its identity.
pub fn forget(root: &Path, collection: &str) {
    let beginning = beginning_of(collection);
    let entries = fs::read_dir(root.join(FOLDER)).into_iter().flatten();
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(&beginning) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// What the names of a collection's answers begin with.
fn beginning_of(collection: &str) -> String {
    let hash = blake3::hash(collection.as_bytes()).to_hex();
    format!("{}-", &hash[..32])
}

fn name_of(collection: &str, parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let rest = hasher.finalize().to_hex();
    format!("{}{}", beginning_of(collection), &rest[..32])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &[u8]) -> Answer {
        Answer {
            request: "hash".into(),
            status: 201,
            content_type: "application/json".into(),
            location: Some("/v1/images/1".into()),
            body: body.to_vec(),
        }
    }

    fn fresh(answers: &Answers, parts: &[&str]) -> Slot {
        match answers.begin("c", parts) {
            Begun::Fresh(slot) => slot,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_answer_is_given_again_also_after_a_restart() {
        let root = tempfile::tempdir().unwrap();
        let answers = Answers::open(root.path()).unwrap();
        let slot = fresh(&answers, &["a", "b"]);
        assert!(matches!(answers.begin("c", &["a", "b"]), Begun::AtWork));
        slot.keep(&answer(b"{\n}")).unwrap();
        for answers in [answers, Answers::open(root.path()).unwrap()] {
            match answers.begin("c", &["a", "b"]) {
                Begun::Answered(given) => assert_eq!(given, answer(b"{\n}")),
                other => panic!("{other:?}"),
            }
            // Collections are told apart, and names by their parts.
            assert!(matches!(answers.begin("d", &["a", "b"]), Begun::Fresh(_)));
            assert!(matches!(answers.begin("c", &["ab", ""]), Begun::Fresh(_)));
        }
    }

    #[test]
    fn what_was_given_up_damaged_or_a_day_old_is_done_again() {
        let root = tempfile::tempdir().unwrap();
        let answers = Answers::open(root.path()).unwrap();
        drop(fresh(&answers, &["a"]));
        fresh(&answers, &["a"]).keep(&answer(b"{}")).unwrap();
        let file = root.path().join(FOLDER).join(name_of("c", &["a"]));
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, &text[1..]).unwrap();
        drop(fresh(&answers, &["a"]));
        let before = format!("\"made_ms\":{}", now_ms() - DAY_MS - 1);
        let at = text.find("\"made_ms\":").unwrap();
        let rest = &text[at..];
        let old = &rest[..rest.find(',').unwrap()];
        fs::write(&file, text.replace(old, &before)).unwrap();
        drop(fresh(&answers, &["a"]));
    }

    #[test]
    fn answers_go_with_their_collection() {
        let root = tempfile::tempdir().unwrap();
        let answers = Answers::open(root.path()).unwrap();
        fresh(&answers, &["a"]).keep(&answer(b"{}")).unwrap();
        let Begun::Fresh(slot) = answers.begin("d", &["a"]) else {
            panic!("another collection's answer");
        };
        slot.keep(&answer(b"{}")).unwrap();
        forget(root.path(), "c");
        assert_eq!(fs::read_dir(root.path().join(FOLDER)).unwrap().count(), 1);
        drop(fresh(&answers, &["a"]));
        assert!(matches!(answers.begin("d", &["a"]), Begun::Answered(_)));
    }

    #[test]
    fn their_number_is_bounded() {
        let root = tempfile::tempdir().unwrap();
        let answers = Answers::open(root.path()).unwrap();
        let folder = root.path().join(FOLDER);
        for number in 0..MOST + 5 {
            fs::write(folder.join(number.to_string()), b"{}\n").unwrap();
        }
        fresh(&answers, &["a"]).keep(&answer(b"{}")).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), MOST);
        assert!(matches!(answers.begin("c", &["a"]), Begun::Answered(_)));
    }
}
