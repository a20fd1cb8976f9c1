//! The engines of a data folder's collections, while the program may change it.
//!
//! Invariant: at most [`MOST_OPEN`] collections are open at once beside the default one, as long as
//! that many are not in use, and all engines share one memory for features of stored pictures. So
//! memory does not grow with the number of collections.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use resight_engine::Library;
use resight_store::{CollectionName, Collections as Folders};

use crate::AppError;
use crate::background::Background;
use crate::config::Config;
use crate::conversion::go_on_with;
use crate::data_folder::{Changing, Held, changing, count_in, open_catalogue};
use crate::global_models::{Loaded, embed_beside};
use crate::vocabularies::{self, Found};

/// Collections kept open beside the default one: each takes some megabytes and a few files.
const MOST_OPEN: usize = 32;
/// How long a removal waits for requests that use the collection.
const PATIENCE: Duration = Duration::from_secs(30);

/// The collections of a data folder beside the default one, opened when they are first asked for.
/// A copy shares them. The default value has none and can make none.
#[derive(Clone, Default)]
pub struct Collections(pub(crate) Option<Arc<Inner>>);

pub(crate) struct Inner {
    config: Config,
    folders: Folders,
    pub(crate) default: Arc<Library>,
    models: Loaded,
    slots: Mutex<HashMap<CollectionName, Arc<Slot>>>,
    /// Counts uses, to tell which was the last.
    uses: AtomicU64,
}

#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    used: AtomicU64,
}

#[derive(Default)]
enum State {
    #[default]
    Closed,
    Open(Open),
    /// Nobody may open it now.
    Removing,
}

struct Open {
    engine: Arc<Library>,
    /// A conversion to another vocabulary that was begun earlier.
    converting: Option<Background>,
    /// Set when it is to be closed: whoever works on it beside requests stops.
    leaving: Arc<AtomicBool>,
    /// Vectors that pictures held lacked.
    embedding: Option<Background>,
}

impl fmt::Debug for Collections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.as_ref().map(|inner| inner.folders.names());
        f.debug_tuple("Collections").field(&names).finish()
    }
}

impl Collections {
    /// Of the data folder whose default collection is `default`, and which this process alone may
    /// change as long as this is in use.
    pub fn beside(default: Arc<Library>, models: Loaded, config: &Config) -> Self {
        Self(Some(Arc::new(Inner {
            config: config.clone(),
            folders: Folders::new(&config.root),
            default,
            models,
            slots: Mutex::default(),
            uses: AtomicU64::new(0),
        })))
    }

    /// Those there are, the default one first.
    pub fn names(&self) -> Result<Vec<CollectionName>, AppError> {
        match &self.0 {
            Some(inner) => Ok(inner.folders.names()?),
            None => Ok(vec![CollectionName::default()]),
        }
    }

    /// How many pictures a collection holds, which need not be opened for it; `None` where it is not
    /// there, and for the default one, which is not kept here.
    pub fn count(&self, name: &CollectionName) -> Result<Option<u64>, AppError> {
        let inner = self.inner(name)?;
        if name.is_default() || !inner.folders.has(name) {
            return Ok(None);
        }
        let slot = inner.slot(name);
        let folder = inner.folders.folder(name);
        // Held meanwhile, where nobody else has it: a folder that goes away while its catalogue is being
        // opened is an error of the disk to whoever opens it.
        let state = match slot.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(state)) => state.into_inner(),
            // Opening may take minutes, and whoever lists collections need not wait for it.
            Err(TryLockError::WouldBlock) => {
                let count = count_in(&folder);
                if inner.folders.has(name) {
                    return Ok(Some(count?.unwrap_or(0)));
                }
                inner.forget(name, &slot);
                return Ok(None);
            }
        };
        let count = match &*state {
            State::Open(open) => Some(open.engine.count()?),
            // One whose making was cut short has none.
            State::Closed if inner.folders.has(name) => Some(count_in(&folder)?.unwrap_or(0)),
            State::Closed | State::Removing => None,
        };
        drop(state);
        if count.is_none() {
            inner.forget(name, &slot);
        }
        Ok(count)
    }

    /// The engine of a collection, opened now where it is not yet.
    pub fn engine(&self, name: &CollectionName) -> Result<Arc<Library>, AppError> {
        let inner = self.inner(name)?;
        if name.is_default() {
            return Ok(inner.default.clone());
        }
        let unknown = || AppError::UnknownCollection(name.clone());
        if !inner.folders.has(name) {
            return Err(unknown());
        }
        let slot = inner.slot(name);
        slot.used.store(
            inner.uses.fetch_add(1, Ordering::Relaxed),
            Ordering::Relaxed,
        );
        let mut state = lock(&slot.state);
        match &*state {
            State::Open(open) => return Ok(open.engine.clone()),
            // It may have been removed while its turn was awaited.
            State::Closed if inner.folders.has(name) => {}
            State::Removing | State::Closed => return Err(unknown()),
        }
        let open = inner.open(name)?;
        let engine = open.engine.clone();
        *state = State::Open(open);
        drop(state);
        inner.close_idle();
        Ok(engine)
    }

    /// The engine of a collection that is open already and can be had without waiting.
    pub fn open_engine(&self, name: &CollectionName) -> Option<Arc<Library>> {
        let inner = self.0.as_ref()?;
        let slot = lock(&inner.slots).get(name).cloned()?;
        let state = slot.state.try_lock().ok()?;
        let State::Open(open) = &*state else {
            return None;
        };
        let used = inner.uses.fetch_add(1, Ordering::Relaxed);
        slot.used.store(used, Ordering::Relaxed);
        Some(open.engine.clone())
    }

    /// Makes an empty collection durably; `false` where it was there before.
    pub fn create(&self, name: &CollectionName) -> Result<bool, AppError> {
        let inner = self.inner(name)?;
        // Not while one of the same name is being removed.
        let slot = inner.slot(name);
        let state = lock(&slot.state);
        match &*state {
            State::Removing => Err(AppError::CollectionInUse(name.clone())),
            State::Open(_) | State::Closed => Ok(inner.folders.create(name)?),
        }
    }

    /// Lets a collection use further models from now on. It must not be open yet.
    pub fn remember_models(
        &self,
        name: &CollectionName,
        models: &[String],
    ) -> Result<(), AppError> {
        let inner = self.inner(name)?;
        if name.is_default() || models.is_empty() {
            return Ok(());
        }
        let config = inner.config.of_collection(name);
        let catalogue = open_catalogue(&config.data)?;
        inner.models.remember(&*catalogue, models)
    }

    /// Goes on with the vectors that pictures of a collection lack, in the background: for when some came
    /// after it was opened. The default one has its own way (`Writing::go_on_embedding`).
    pub fn go_on_embedding(&self, name: &CollectionName) -> Result<(), AppError> {
        let inner = self.inner(name)?;
        if name.is_default() {
            return Ok(());
        }
        let slot = inner.slot(name);
        if let State::Open(open) = &mut *lock(&slot.state) {
            // One at a time: ends the one before.
            open.embedding = None;
            open.embedding = embed_beside(&open.engine);
        }
        Ok(())
    }

    /// Removes a collection with all its pictures for good. Waits for those that use it, and fails
    /// when they take too long.
    pub fn remove(&self, name: &CollectionName) -> Result<(), AppError> {
        let inner = self.inner(name)?;
        if name.is_default() {
            return Err(AppError::DefaultCollection);
        }
        if !inner.folders.has(name) {
            return Err(AppError::UnknownCollection(name.clone()));
        }
        let slot = inner.slot(name);
        let before = std::mem::replace(&mut *lock(&slot.state), State::Removing);
        let removed = match before {
            State::Removing => return Err(AppError::CollectionInUse(name.clone())),
            State::Open(open) => match closed(open) {
                Ok(()) => inner.folders.remove(name),
                Err(open) => {
                    *lock(&slot.state) = State::Open(open);
                    return Err(AppError::CollectionInUse(name.clone()));
                }
            },
            State::Closed => inner.folders.remove(name),
        };
        *lock(&slot.state) = State::Closed;
        inner.forget(name, &slot);
        match removed? {
            true => Ok(()),
            false => Err(AppError::UnknownCollection(name.clone())),
        }
    }

    fn inner(&self, name: &CollectionName) -> Result<&Inner, AppError> {
        let inner = self.0.as_deref();
        inner.ok_or_else(|| AppError::UnknownCollection(name.clone()))
    }
}

impl Inner {
    fn slot(&self, name: &CollectionName) -> Arc<Slot> {
        lock(&self.slots).entry(name.clone()).or_default().clone()
    }

    /// Drops the slot of a collection that is gone, unless somebody waits for it: there must not be
    /// two of one name.
    fn forget(&self, name: &CollectionName, slot: &Arc<Slot>) {
        let mut slots = lock(&self.slots);
        // The map's and the caller's own; others get theirs under this lock.
        if Arc::strong_count(slot) == 2 {
            slots.remove(name);
        }
    }

    fn open(&self, name: &CollectionName) -> Result<Open, AppError> {
        let config = self.config.of_collection(name);
        let held = Held::here(&config)?;
        let found = found_beside(&held, &config, &self.default)?;
        let extractor = self.default.extractor().clone();
        let Changing {
            engine, pending, ..
        } = changing(
            &config,
            extractor,
            found,
            Some(&*self.default),
            Some(&self.models),
        )?;
        Ok(Open {
            converting: go_on_with(&engine, &config, pending),
            embedding: embed_beside(&engine),
            engine,
            leaving: Arc::default(),
        })
    }

    /// The default collection, and those that are or were open.
    pub(crate) fn open_names(&self) -> Vec<CollectionName> {
        let mut names: Vec<_> = lock(&self.slots).keys().cloned().collect();
        names.sort_unstable();
        names.insert(0, CollectionName::default());
        names
    }

    /// The engine of a collection that is open, and whether it is to be closed. It does not count as
    /// a use, but the collection stays open meanwhile.
    pub(crate) fn looked_into(
        &self,
        name: &CollectionName,
    ) -> Option<(Arc<Library>, Arc<AtomicBool>)> {
        if name.is_default() {
            return Some((self.default.clone(), Arc::default()));
        }
        let slot = lock(&self.slots).get(name).cloned()?;
        let state = lock(&slot.state);
        match &*state {
            State::Open(open) => Some((open.engine.clone(), open.leaving.clone())),
            State::Closed | State::Removing => None,
        }
    }

    /// Closes those that nobody uses, the longest unused first, while more are open than are kept.
    fn close_idle(&self) {
        let slots: Vec<Arc<Slot>> = lock(&self.slots).values().cloned().collect();
        let mut idle: Vec<(u64, Arc<Slot>)> = Vec::new();
        let mut open: usize = 0;
        for slot in slots {
            // One that is locked is being opened or removed.
            let state = slot.state.try_lock();
            if let Ok(State::Open(held)) = state.as_deref() {
                open += 1;
                if Arc::strong_count(&held.engine) == 1 {
                    let used = slot.used.load(Ordering::Relaxed);
                    idle.push((used, slot.clone()));
                }
            }
        }
        idle.sort_unstable_by_key(|(used, _)| *used);
        for (_, slot) in idle.iter().take(open.saturating_sub(MOST_OPEN)) {
            let mut state = lock(&slot.state);
            if matches!(&*state, State::Open(held) if Arc::strong_count(&held.engine) == 1) {
                // Under the lock: who asks for it next must not open it beside this one.
                *state = State::Closed;
            }
        }
    }
}

/// The vocabulary of a collection: that of the default one where the words held are of it or there are
/// none, so that it is in memory once; else its own.
fn found_beside(held: &Held, config: &Config, default: &Library) -> Result<Found, AppError> {
    let shared = default.vocabulary();
    let held_by = held.vocabulary.as_deref();
    if held_by.is_none_or(|id| id == shared.id()) {
        return Ok(shared.into());
    }
    let model = default.model();
    match held.find_vocabulary(config, model)? {
        Some(found) => Ok(found),
        None => Err(vocabularies::missing(model, true)),
    }
}

/// Waits until nobody else has the engine, and closes it; gives it back when that takes too long.
fn closed(mut open: Open) -> Result<(), Open> {
    open.leaving.store(true, Ordering::Relaxed);
    let end = Instant::now() + PATIENCE;
    loop {
        // Work in the background has it too, and goes on where requests stay.
        let at_work = [&open.converting, &open.embedding];
        let at_work = at_work.into_iter().flatten().filter(|work| work.is_on());
        let held = Arc::strong_count(&open.engine);
        if held <= 1 + at_work.count() {
            // What a conversion has done is kept, and it goes on at the next opening.
            drop((open.converting.take(), open.embedding.take()));
            // Work that was just ending may have stood for a request.
            if Arc::strong_count(&open.engine) == 1 {
                return Ok(());
            }
        }
        if Instant::now() > end {
            open.leaving.store(false, Ordering::Relaxed);
            return Err(open);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whoever panicked left nothing half changed: states are replaced as a whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
