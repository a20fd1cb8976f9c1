//! API keys of a data folder: `keys.json` in its root, and `keys.used` with the time each was last used.
//!
//! A key's secret is 256 random bits. The file has a keyed BLAKE3 hash of it, and the secret is returned once,
//! by [`Keys::create`]. Several processes may use one data folder: every change is made under a lock and
//! replaces the file, and [`Keys::check`] notices a replaced file within a second.
//!
//! Invariant: where the file cannot be read, no key is accepted.

mod file;
mod secret;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use resight_store::{CollectionName, now_ms};

use crate::AppError;
use file::{KeyFile, Stamp};
pub(crate) use file::{NAME, bytes_of};
pub use secret::SecretError;

/// How old what was read of the file may be.
const FRESH: Duration = Duration::from_secs(1);
/// How often times of use are written.
const USES: Duration = Duration::from_secs(60);
/// Most bytes of a key's name.
const LONGEST_NAME: usize = 100;
/// Most requests that a key may make at once, if that is bounded.
const MOST_AT_ONCE: u32 = 100_000;
/// Most keys of a data folder.
const MOST_KEYS: usize = 10_000;

/// What a key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Searching, comparing, describing, and calling functions of plug-ins.
    Search,
    /// Reading lists, pictures and their files.
    Read,
    /// Adding pictures, and changing labels and decisions.
    Add,
    /// Removing pictures, objects and decisions.
    Delete,
    /// All of these, collections, keys, paths of the server and tracebacks.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Search,
        Self::Read,
        Self::Add,
        Self::Delete,
        Self::Admin,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Read => "read",
            Self::Add => "add",
            Self::Delete => "delete",
            Self::Admin => "admin",
        }
    }

    /// The scope that is written so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// What a new key is to be.
#[derive(Clone, Debug, Default)]
pub struct NewKey {
    /// What it is for, 1 to 100 bytes without control characters.
    pub name: String,
    /// What it allows; at least one.
    pub scopes: Vec<Scope>,
    /// The collections it is good for; `None` for all.
    pub collections: Option<Vec<CollectionName>>,
    /// How long it is good for; `None` for ever.
    pub lasts: Option<Duration>,
    /// Requests that it may make a minute, at least 1.
    pub per_minute: Option<u32>,
    /// Requests that it may make at once, at least 1.
    pub at_once: Option<u32>,
}

/// A key without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Twelve hexadecimal digits.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What it allows, in order.
    pub scopes: Vec<Scope>,
    /// The collections it is good for; `None` for all.
    pub collections: Option<Vec<CollectionName>>,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: Option<i64>,
    /// When it was last used, in milliseconds since 1970, to the minute.
    pub used_ms: Option<i64>,
    /// Requests that it may make a minute.
    pub per_minute: Option<u32>,
    /// Requests that it may make at once.
    pub at_once: Option<u32>,
}

impl Key {
    /// Whether it allows what has this scope.
    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }

    /// Whether it is good for a collection.
    pub fn is_for(&self, collection: &CollectionName) -> bool {
        let listed = self.collections.as_ref();
        listed.is_none_or(|listed| listed.contains(collection))
    }

    /// Whether its time is over.
    pub fn has_ended(&self) -> bool {
        self.expires_ms.is_some_and(|end| end <= now_ms())
    }
}

/// The keys of a data folder.
pub struct Keys {
    root: PathBuf,
    state: Mutex<State>,
}

struct State {
    file: Arc<KeyFile>,
    stamp: Stamp,
    read: Instant,
    /// Times of use, as they are written.
    uses: BTreeMap<String, i64>,
    written: Instant,
    has_new: bool,
}

impl Keys {
    /// Reads the keys of the data folder whose root is `root`. A folder without the file has none.
    pub fn open(root: &Path) -> Result<Self, AppError> {
        let (file, stamp) = KeyFile::read(root)?;
        let state = State {
            file: Arc::new(file),
            stamp,
            read: Instant::now(),
            uses: file::read_uses(root),
            written: Instant::now(),
            has_new: false,
        };
        Ok(Self {
            root: root.to_owned(),
            state: Mutex::new(state),
        })
    }

    /// Whether there was ever a key: removing the last one leaves the file.
    pub fn were_used(&self) -> Result<bool, AppError> {
        Ok(self.present()?.was_used())
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> Result<bool, AppError> {
        Ok(self.present()?.is_empty())
    }

    /// All keys, the oldest first.
    pub fn list(&self) -> Result<Vec<Key>, AppError> {
        let file = self.present()?;
        let uses = self.all_uses();
        let mut keys: Vec<Key> = file.keys().cloned().collect();
        for key in &mut keys {
            key.used_ms = uses.get(&key.id).copied();
        }
        // Stable: those of one millisecond stay as they were made.
        keys.sort_by_key(|key| key.created_ms);
        Ok(keys)
    }

    /// Makes a key. Returns it with its secret, which is stored nowhere.
    pub fn create(&self, new: NewKey) -> Result<(Key, String), AppError> {
        check(&new)?;
        self.change(|file| {
            if file.len() >= MOST_KEYS {
                let why = format!("there are {MOST_KEYS} already");
                return Err(AppError::BadKey { why });
            }
            let id = file.free_id()?;
            let mut scopes = new.scopes.clone();
            scopes.sort_unstable();
            scopes.dedup();
            let created_ms = now_ms();
            let key = Key {
                id,
                name: new.name.clone(),
                scopes,
                collections: new.collections.clone(),
                created_ms,
                expires_ms: new.lasts.map(|time| after_ms(created_ms, time)),
                used_ms: None,
                per_minute: new.per_minute,
                at_once: new.at_once,
            };
            let secret = file.add(key.clone())?;
            Ok((key, secret))
        })
    }

    /// Removes the key with this id, which is refused from then on.
    pub fn revoke(&self, id: &str) -> Result<Key, AppError> {
        self.change(|file| {
            file.remove(id)
                .ok_or_else(|| AppError::UnknownKey(id.to_owned()))
        })
    }

    /// Lets keys follow a collection to its new name.
    pub(crate) fn rename_collection(
        &self,
        from: &CollectionName,
        to: &CollectionName,
    ) -> Result<(), AppError> {
        if !self.present()?.names(from) {
            return Ok(());
        }
        self.change(|file| {
            file.rename_collection(from, to);
            Ok(())
        })
    }

    /// A short text that tells this data folder's keys from others'; empty while there never was one.
    pub fn label(&self) -> Result<String, AppError> {
        Ok(self.present()?.label())
    }

    /// The key with this secret. Notes that it was used.
    pub fn check(&self, secret: &str) -> Result<Result<Arc<Key>, SecretError>, AppError> {
        let file = self.present()?;
        Ok(self.used(file.key_of(secret)))
    }

    /// A text that stands for a key in a browser, for `lasts` or until the key ends or is revoked.
    pub fn session(&self, key: &Key, lasts: Duration) -> Result<String, AppError> {
        let end = after_ms(now_ms(), lasts);
        Ok(self.present()?.session(&key.id, end))
    }

    /// The key that a text of [`Keys::session`] stands for.
    pub fn of_session(&self, text: &str) -> Result<Result<Arc<Key>, SecretError>, AppError> {
        let file = self.present()?;
        Ok(self.used(file.key_of_session(text)))
    }

    fn used(&self, found: Result<Arc<Key>, SecretError>) -> Result<Arc<Key>, SecretError> {
        if let Ok(key) = &found {
            let mut state = self.state.lock();
            state.uses.insert(key.id.clone(), now_ms());
            state.has_new = true;
        }
        found
    }

    /// Writes when keys were used. What cannot be written now is tried again later.
    pub fn save_uses(&self) {
        let known = {
            let mut state = self.state.lock();
            state.written = Instant::now();
            if !std::mem::take(&mut state.has_new) {
                return;
            }
            state.file.clone()
        };
        let mut uses = self.all_uses();
        uses.retain(|id, _| known.has(id));
        if let Err(error) = file::write_uses(&self.root, &uses) {
            self.state.lock().has_new = true;
            tracing::warn!("the times of use of keys are not written: {error}");
        }
    }

    /// When each key was last used: another process may have noted later uses.
    fn all_uses(&self) -> BTreeMap<String, i64> {
        let mut uses = file::read_uses(&self.root);
        for (id, at) in &self.state.lock().uses {
            let last = uses.entry(id.clone()).or_insert(*at);
            *last = (*last).max(*at);
        }
        uses
    }

    /// Whether nothing has to be read: then the other methods that only read wait for no disk.
    pub fn is_fresh(&self) -> bool {
        let state = self.state.lock();
        state.read.elapsed() < FRESH
    }

    /// Reads the file again if it was replaced, and writes times of use when it is time. Waits for the disk without
    /// keeping others from what is in memory.
    pub fn refresh(&self) -> Result<(), AppError> {
        let (known, writes) = {
            let state = self.state.lock();
            (state.stamp.clone(), state.written.elapsed() >= USES)
        };
        if writes {
            self.save_uses();
        }
        match Stamp::of(&self.root)? == known {
            true => self.state.lock().read = Instant::now(),
            false => {
                let (file, stamp) = KeyFile::read(&self.root)?;
                self.replace(file, stamp);
            }
        }
        Ok(())
    }

    fn replace(&self, file: KeyFile, stamp: Stamp) {
        let mut state = self.state.lock();
        state.file = Arc::new(file);
        state.stamp = stamp;
        state.read = Instant::now();
    }

    /// What the file has.
    fn present(&self) -> Result<Arc<KeyFile>, AppError> {
        if !self.is_fresh() {
            self.refresh()?;
        }
        Ok(self.state.lock().file.clone())
    }

    /// Changes the file, while no other process does.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut KeyFile) -> Result<T, AppError>,
    ) -> Result<T, AppError> {
        // Waits for other processes, while requests go on with what is in memory.
        let _lock = file::lock(&self.root)?;
        let (mut file, _) = KeyFile::read(&self.root)?;
        let changed = change(&mut file)?;
        file.write(&self.root)?;
        let stamp = Stamp::of(&self.root)?;
        self.replace(file, stamp);
        Ok(changed)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.save_uses();
    }
}

fn check(new: &NewKey) -> Result<(), AppError> {
    let bad = |why: &str| Err(AppError::BadKey { why: why.into() });
    if new.name.trim().is_empty() || new.name.len() > LONGEST_NAME {
        return bad("its name must have 1 to 100 bytes");
    }
    if new.name.chars().any(steers) {
        return bad("its name has a control character");
    }
    if new.at_once.is_some_and(|most| most > MOST_AT_ONCE) {
        return bad("it may make at most 100000 requests at once");
    }
    if new.scopes.is_empty() {
        return bad("it allows nothing: it needs a scope");
    }
    if new.collections.as_ref().is_some_and(Vec::is_empty) {
        return bad("its list of collections is empty");
    }
    if new.lasts == Some(Duration::ZERO) || new.per_minute == Some(0) || new.at_once == Some(0) {
        return bad("a limit of it is 0");
    }
    Ok(())
}

/// Control characters, and those that change the direction of text.
fn steers(c: char) -> bool {
    let turns = ['\u{200e}', '\u{200f}', '\u{61c}'];
    let ranges = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || ranges || turns.contains(&c)
}

/// The moment `time` after `now`, in milliseconds since 1970.
fn after_ms(now: i64, time: Duration) -> i64 {
    now.saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

fn unreadable(path: &Path, error: io::Error) -> AppError {
    AppError::KeysDamaged {
        path: path.to_owned(),
        why: error.to_string(),
    }
}

fn metadata(path: &Path) -> Result<Option<fs::Metadata>, AppError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, error)),
    }
}
