//! The two files of keys.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use blake3::Hash;
use indexmap::IndexMap;
use resight_store::{CollectionName, now_ms};
use serde::{Deserialize, Serialize};

use super::secret::{self, ID_DIGITS, SecretError};
use super::{Key, Scope, metadata, unreadable};
use crate::AppError;
use crate::atomic_file::AtomicFile;
use crate::private;

/// The file's name in the data folder.
pub(crate) const NAME: &str = "keys.json";
const USES_NAME: &str = "keys.used";
const LOCK_NAME: &str = "keys.lock";
const VERSION: u32 = 1;
/// Most bytes of the file; ten thousand keys have about 5 MB.
const MOST_BYTES: u64 = 64 << 20;

/// What tells a replaced file from the one that was read.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Stamp(Option<(u64, Option<SystemTime>, u64)>);

impl Stamp {
    pub(super) fn of(root: &Path) -> Result<Self, AppError> {
        let metadata = metadata(&root.join(NAME))?;
        Ok(Self(
            metadata.map(|m| (m.len(), m.modified().ok(), inode(&m))),
        ))
    }
}

#[cfg(unix)]
fn inode(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> u64 {
    0
}

/// The content of `keys.json`.
#[derive(Clone, Default)]
pub(super) struct KeyFile {
    /// What the hashes of secrets are keyed by; made with the first key.
    pepper: Option<[u8; 32]>,
    /// In the order in which they were made.
    keys: IndexMap<String, (Arc<Key>, Hash)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredFile {
    version: u32,
    pepper: String,
    keys: Vec<StoredKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKey {
    id: String,
    name: String,
    hash: String,
    scopes: Vec<String>,
    collections: Option<Vec<String>>,
    created_ms: i64,
    expires_ms: Option<i64>,
    per_minute: Option<u32>,
    at_once: Option<u32>,
}

impl KeyFile {
    /// Whether a key is for this collection by its name.
    pub(super) fn names(&self, collection: &CollectionName) -> bool {
        self.keys().any(|key| {
            let listed = key.collections.as_ref();
            listed.is_some_and(|names| names.contains(collection))
        })
    }

    /// Lets keys of one collection be for another.
    pub(super) fn rename_collection(&mut self, from: &CollectionName, to: &CollectionName) {
        for (key, _) in self.keys.values_mut() {
            let Some(names) = &key.collections else {
                continue;
            };
            if names.contains(from) {
                let mut names = names.clone();
                names.retain(|name| name != to);
                for name in names.iter_mut().filter(|name| *name == from) {
                    *name = to.clone();
                }
                let renamed = Key {
                    collections: Some(names),
                    ..Key::clone(key)
                };
                *key = Arc::new(renamed);
            }
        }
    }

    /// Reads the file of a data folder; one that is not there has no keys.
    pub(super) fn read(root: &Path) -> Result<(Self, Stamp), AppError> {
        let path = root.join(NAME);
        // Taken before, so that a file that is replaced meanwhile is read again.
        let stamp = Stamp::of(root)?;
        let Some(metadata) = metadata(&path)? else {
            return Ok((Self::default(), stamp));
        };
        if metadata.len() > MOST_BYTES {
            let why = format!("it has more than {MOST_BYTES} bytes");
            return Err(AppError::KeysDamaged { path, why });
        }
        let bytes = fs::read(&path).map_err(|error| unreadable(&path, error))?;
        Ok((Self::parse(&path, &bytes)?, stamp))
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, AppError> {
        let stored = serde_json::from_slice(bytes).map_err(|error| error.to_string());
        stored
            .and_then(Self::of)
            .map_err(|why| AppError::KeysDamaged {
                path: path.to_owned(),
                why,
            })
    }

    fn of(stored: StoredFile) -> Result<Self, String> {
        if stored.version != VERSION {
            return Err(format!("its version is {}", stored.version));
        }
        let mut pepper = [0; 32];
        hex::decode_to_slice(&stored.pepper, &mut pepper).map_err(|e| format!("pepper: {e}"))?;
        let mut keys = IndexMap::new();
        for key in stored.keys {
            let hash = Hash::from_hex(&key.hash).map_err(|e| format!("{}: {e}", key.id))?;
            let id = key.id.clone();
            let key = Key::try_from(key).map_err(|why| format!("{id}: {why}"))?;
            keys.insert(id, (Arc::new(key), hash));
        }
        Ok(Self {
            pepper: Some(pepper),
            keys,
        })
    }

    /// Replaces the file. Only its owner can read it.
    pub(super) fn write(&self, root: &Path) -> Result<(), AppError> {
        let stored = StoredFile {
            version: VERSION,
            pepper: self.pepper.map(hex::encode).unwrap_or_default(),
            keys: self
                .keys
                .values()
                .map(|(k, hash)| stored(k, *hash))
                .collect(),
        };
        let path = root.join(NAME);
        let bytes = serde_json::to_vec_pretty(&stored);
        let bytes = bytes.map_err(|error| AppError::unwritable(&path, error.into()))?;
        AtomicFile::beside(&path)?.write(&bytes)
    }

    pub(super) fn label(&self) -> String {
        self.pepper.as_ref().map(secret::label).unwrap_or_default()
    }

    /// Whether it was ever written.
    pub(super) fn was_used(&self) -> bool {
        self.pepper.is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.keys.contains_key(id)
    }

    /// All keys, the oldest first.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.values().map(|(key, _)| &**key)
    }

    /// An id that no key has.
    pub(super) fn free_id(&self) -> Result<String, AppError> {
        loop {
            let bytes: [u8; ID_DIGITS / 2] = secret::random().map_err(no_randomness)?;
            let id = hex::encode(bytes);
            if !self.has(&id) {
                return Ok(id);
            }
        }
    }

    /// Adds a key. Returns its secret.
    pub(super) fn add(&mut self, key: Key) -> Result<String, AppError> {
        let pepper = match self.pepper {
            Some(pepper) => pepper,
            None => *self.pepper.insert(secret::random().map_err(no_randomness)?),
        };
        let secret = secret::secret(&key.id).map_err(no_randomness)?;
        let hash = secret::hash(&pepper, &secret);
        self.keys.insert(key.id.clone(), (Arc::new(key), hash));
        Ok(secret)
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Key> {
        let (key, _) = self.keys.shift_remove(id)?;
        Some(Arc::unwrap_or_clone(key))
    }

    pub(super) fn key_of(&self, secret: &str) -> Result<Arc<Key>, SecretError> {
        let found = secret::id_of(secret).and_then(|id| self.keys.get(id));
        match (found, &self.pepper) {
            (Some((key, hash)), Some(pepper)) if secret::hash(pepper, secret) == *hash => good(key),
            _ => Err(SecretError::Unknown),
        }
    }

    /// The text of a session that ends at `end`; of an unknown key one that stands for nothing.
    pub(super) fn session(&self, id: &str, end: i64) -> String {
        match (self.keys.get(id), &self.pepper) {
            (Some((_, hash)), Some(pepper)) => secret::session(pepper, id, *hash, end),
            _ => String::new(),
        }
    }

    pub(super) fn key_of_session(&self, text: &str) -> Result<Arc<Key>, SecretError> {
        let parts = secret::parts_of_session(text).ok_or(SecretError::Unknown)?;
        let (made, id, end, proof) = parts;
        let (Some((key, hash)), Some(pepper)) = (self.keys.get(id), &self.pepper) else {
            return Err(SecretError::Unknown);
        };
        if secret::proof(pepper, made, *hash) != proof {
            return Err(SecretError::Unknown);
        }
        if end <= now_ms() {
            return Err(SecretError::Ended);
        }
        good(key)
    }
}

fn good(key: &Arc<Key>) -> Result<Arc<Key>, SecretError> {
    match key.has_ended() {
        true => Err(SecretError::Ended),
        false => Ok(key.clone()),
    }
}

fn no_randomness(error: getrandom::Error) -> AppError {
    AppError::BadKey {
        why: format!("the system gives no random numbers: {error}"),
    }
}

fn stored(key: &Key, hash: Hash) -> StoredKey {
    let names = |names: &Vec<CollectionName>| names.iter().map(ToString::to_string).collect();
    StoredKey {
        id: key.id.clone(),
        name: key.name.clone(),
        hash: hash.to_hex().to_string(),
        scopes: key.scopes.iter().map(|s| s.as_str().to_owned()).collect(),
        collections: key.collections.as_ref().map(names),
        created_ms: key.created_ms,
        expires_ms: key.expires_ms,
        per_minute: key.per_minute,
        at_once: key.at_once,
    }
}

impl TryFrom<StoredKey> for Key {
    type Error = String;

    fn try_from(stored: StoredKey) -> Result<Self, String> {
        let scope = |text: &String| Scope::parse(text).ok_or(format!("the scope {text:?}"));
        let name =
            |text: &String| CollectionName::parse(text).ok_or(format!("the collection {text:?}"));
        let collections = stored.collections.as_ref();
        let collections = collections.map(|all| all.iter().map(name).collect());
        Ok(Self {
            scopes: stored.scopes.iter().map(scope).collect::<Result<_, _>>()?,
            collections: collections.transpose()?,
            id: stored.id,
            name: stored.name,
            created_ms: stored.created_ms,
            expires_ms: stored.expires_ms,
            used_ms: None,
            per_minute: stored.per_minute,
            at_once: stored.at_once,
        })
    }
}

/// The bytes of the file, which can be read; `None` where there is none.
pub(crate) fn bytes_of(root: &Path) -> Result<Option<Vec<u8>>, AppError> {
    let path = root.join(NAME);
    let Some(_) = metadata(&path)? else {
        return Ok(None);
    };
    let bytes = fs::read(&path).map_err(|error| unreadable(&path, error))?;
    KeyFile::parse(&path, &bytes)?;
    Ok(Some(bytes))
}

/// Waits until no other process changes the keys, and keeps others from it until it is dropped.
pub(super) fn lock(root: &Path) -> Result<File, AppError> {
    let path = root.join(LOCK_NAME);
    let open = || {
        private::create_folder(root)?;
        // Another user who could open it could keep others from changing keys.
        let file = private::to_write().truncate(false).open(&path)?;
        file.lock()?;
        Ok(file)
    };
    open().map_err(|error| AppError::unwritable(&path, error))
}

/// When keys were last used, as far as it can be read: nothing depends on it.
pub(super) fn read_uses(root: &Path) -> BTreeMap<String, i64> {
    let read = fs::read(uses(root)).ok();
    read.and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

pub(super) fn write_uses(root: &Path, times: &BTreeMap<String, i64>) -> Result<(), AppError> {
    let path = uses(root);
    let bytes = serde_json::to_vec(times);
    let bytes = bytes.map_err(|error| AppError::unwritable(&path, error.into()))?;
    AtomicFile::beside(&path)?.write(&bytes)
}

fn uses(root: &Path) -> PathBuf {
    root.join(USES_NAME)
}
