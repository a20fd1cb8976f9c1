//! The collections of a data folder beside the default one, while the program may change it.
//!
//! Invariant: at most [`MOST_OPEN`] collections are open at once beside the default one, as long as
//! that many are not in use, and all libraries share one memory for features of stored pictures. So
//! memory does not grow with the number of collections.

mod indexing;
mod lease;
mod slots;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use resight_engine::Library;
use resight_store::{Catalogue, CollectionName, FolderGuard, StoreError};

pub(crate) use indexing::Indexing;
pub use lease::Lease;
use lease::Leases;
use slots::{Slots, State};

use crate::AppError;
use crate::answers;
use crate::background::Background;
use crate::components::{self, count_in};
use crate::config::Config;
use crate::conversion::convert_in_background;
use crate::data_folder::WritableFolder;
use crate::global_models::{LoadedModels, embed_in_background};
use crate::provenance::Provenance;
use crate::recovery::recover_in_background;
use crate::renaming;
use crate::scrub_state::ScrubState;
use crate::stores::CollectionPlaces;
use crate::vocabularies::{self, ChosenVocabulary};

/// The name of a collection's catalogue in its folder.
pub(crate) const CATALOGUE: &str = "catalogue.sqlite3";
/// Collections kept open beside the default one: each takes some megabytes and a few files.
const MOST_OPEN: usize = 32;
/// How long a removal waits for requests that use the collection.
const PATIENCE: Duration = Duration::from_secs(30);

/// The collections of a data folder beside the default one, opened when they are first asked for.
/// A clone shares them. The default value has none and can create none.
#[derive(Clone, Default)]
pub struct Collections(pub(crate) Option<Arc<Inner>>);

pub(crate) struct Inner {
    config: Config,
    pub(crate) places: CollectionPlaces,
    guard: Arc<FolderGuard>,
    pub(crate) default: Arc<Library>,
    models: LoadedModels,
    slots: Slots,
    /// What the reading in the background has found.
    pub(crate) scrubbed: Mutex<ScrubState>,
    /// Held for one step of pairing pictures, of which only one may be done at a time.
    pub(crate) pairing: Arc<Mutex<()>>,
    /// Held while folders of a collection are indexed, or files of its pictures moved: what one run has not read yet,
    /// another must not take for gone, nor what may yet be moved back.
    indexing: Mutex<HashMap<CollectionName, Arc<Indexing>>>,
}

/// A collection that is open, and the work on it beside requests.
struct OpenCollection {
    library: Arc<Library>,
    leases: Leases,
    /// A conversion to another vocabulary that was begun earlier. Dropping it ends it.
    _converting: Option<Background>,
    /// Describes stored pictures that lack a vector.
    embedding: Option<Background>,
    /// Adds uploaded files again that the catalogue lacks.
    _recovering: Option<Background>,
    /// Set when the collection is to be closed: the search for duplicates in it stops.
    closing: Arc<AtomicBool>,
}

impl OpenCollection {
    fn lease(&self) -> Lease<Library> {
        self.leases.lease(&self.library)
    }

    /// Waits until all leases are returned, and closes the collection. Returns it when that takes too
    /// long.
    fn close(self) -> Result<(), Self> {
        self.closing.store(true, Ordering::Relaxed);
        if self.leases.wait_for_return(PATIENCE) {
            // Dropping it ends its work in the background. What a conversion has done is kept, and it
            // goes on at the next opening.
            return Ok(());
        }
        self.closing.store(false, Ordering::Relaxed);
        Err(self)
    }
}

impl fmt::Debug for Collections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.as_ref().map(|inner| inner.places.names());
        f.debug_tuple("Collections").field(&names).finish()
    }
}

impl Collections {
    /// Of a data folder whose default collection is open. Drop `folder` after this.
    pub fn beside(folder: &WritableFolder, config: &Config) -> Self {
        Self(Some(Arc::new(Inner {
            config: config.clone(),
            places: CollectionPlaces::of(config),
            guard: folder.guard().clone(),
            default: folder.library.clone(),
            models: folder.models.clone(),
            slots: Slots::default(),
            scrubbed: Mutex::default(),
            pairing: Arc::default(),
            indexing: Mutex::default(),
        })))
    }

    /// What keeps the data folder from being added to at present.
    pub fn problems(&self) -> Vec<StoreError> {
        let inner = self.0.as_deref();
        inner.map_or_else(Vec::new, |inner| inner.guard.problems())
    }

    /// All collections, the default one first.
    pub fn names(&self) -> Result<Vec<CollectionName>, AppError> {
        match &self.0 {
            Some(inner) => Ok(inner.places.names()?),
            None => Ok(vec![CollectionName::default()]),
        }
    }

    /// How many pictures a collection stores, without opening it; `None` where it does not exist, and
    /// for the default one, which this does not open.
    pub fn count(&self, name: &CollectionName) -> Result<Option<u64>, AppError> {
        let inner = self.inner(name)?;
        if name.is_default() || !inner.places.has(name)? {
            return Ok(None);
        }
        let slot = inner.slots.visit(name);
        // Locked meanwhile, where it is free: a folder that goes away while its catalogue is being opened
        // would be reported as an error of the disk.
        let Some(state) = slot.state.try_lock() else {
            // Opening may take minutes, and a list of collections need not wait for it.
            let count = count_in(&inner.config, name);
            if inner.places.has(name)? {
                return Ok(Some(count?.unwrap_or(0)));
            }
            return Ok(None);
        };
        Ok(match &*state {
            State::Open(open) => Some(open.library.count()?),
            // One whose creation was cut short has none.
            State::Closed if inner.places.has(name)? => {
                Some(count_in(&inner.config, name)?.unwrap_or(0))
            }
            State::Closed | State::Removing => None,
        })
    }

    /// A lease of a collection, which is opened now where it is closed.
    pub fn lease(&self, name: &CollectionName) -> Result<Lease<Library>, AppError> {
        let inner = self.inner(name)?;
        if name.is_default() {
            return Ok(Lease::unlimited(inner.default.clone()));
        }
        let unknown = || AppError::UnknownCollection(name.clone());
        if !inner.places.has(name)? {
            return Err(unknown());
        }
        let slot = inner.slots.visit(name);
        slot.mark_used();
        let mut state = slot.state.lock();
        match &*state {
            State::Open(open) => return Ok(open.lease()),
            // It may have been removed while this waited for the lock.
            State::Closed if inner.places.has(name)? => {}
            State::Removing | State::Closed => return Err(unknown()),
        }
        let open = inner.open(name)?;
        let lease = open.lease();
        *state = State::Open(open);
        drop(state);
        inner.close_idle();
        Ok(lease)
    }

    /// A lease for work beside requests, and what is set when the collection is to be closed.
    pub(crate) fn lease_for_work(
        &self,
        name: &CollectionName,
    ) -> Result<(Lease<Library>, Arc<AtomicBool>), AppError> {
        let lease = self.lease(name)?;
        let beside = self.inner(name)?.lease_beside(name);
        Ok((
            lease,
            beside.map(|(_, closing)| closing).unwrap_or_default(),
        ))
    }

    /// What a collection has stored, to be read alone; `None` for one that is not whole yet, or is being removed.
    pub(crate) fn catalogue_of(
        &self,
        name: &CollectionName,
    ) -> Result<Option<Arc<dyn Catalogue>>, AppError> {
        let inner = self.inner(name)?;
        Ok(components::catalogue_of(&inner.config.of_collection(name))?)
    }

    /// Where that lies.
    pub(crate) fn catalogue_file(&self, name: &CollectionName) -> Option<PathBuf> {
        let inner = self.0.as_ref()?;
        Some(inner.places.folder(name).join(CATALOGUE))
    }

    /// Held while folders of the collection are indexed, or files of its pictures moved.
    pub(crate) fn indexing(&self, name: &CollectionName) -> Arc<Indexing> {
        let Some(inner) = &self.0 else {
            return Arc::default();
        };
        let mut all = inner.indexing.lock();
        all.entry(name.clone()).or_default().clone()
    }

    /// The collections for which a job had to wait long, as folders of theirs are read or files moved.
    pub(crate) fn being_indexed(&self) -> Vec<CollectionName> {
        let Some(inner) = &self.0 else {
            return Vec::new();
        };
        let all = inner.indexing.lock();
        let held = all.iter().filter(|(_, lock)| lock.is_kept());
        held.map(|(name, _)| name.clone()).collect()
    }

    /// Held for one step of pairing pictures.
    pub(crate) fn pairing(&self) -> Arc<Mutex<()>> {
        let inner = self.0.as_ref();
        inner.map(|inner| inner.pairing.clone()).unwrap_or_default()
    }

    /// A lease of a collection that is open and can be had without waiting.
    pub fn lease_if_open(&self, name: &CollectionName) -> Option<Lease<Library>> {
        let slot = self.0.as_ref()?.slots.visit_existing(name)?;
        let state = slot.state.try_lock()?;
        let State::Open(open) = &*state else {
            return None;
        };
        slot.mark_used();
        Some(open.lease())
    }

    /// Creates an empty collection durably; `false` where it exists.
    pub fn create(&self, name: &CollectionName) -> Result<bool, AppError> {
        let inner = self.inner(name)?;
        // Not while one of the same name is being removed.
        let slot = inner.slots.visit(name);
        let state = slot.state.lock();
        match &*state {
            State::Removing => Err(AppError::CollectionInUse(name.clone())),
            State::Open(_) | State::Closed => {
                // What is there needs no space, and is not created.
                if !inner.places.has(name)? {
                    inner.guard.check_for_adding()?;
                }
                inner.places.create(name)
            }
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
        let catalogue = components::open_catalogue(&config, &inner.guard)?;
        inner.models.remember(&*catalogue, models)
    }

    /// Describes pictures that came without a vector after the collection was opened. For the default one
    /// there is ([`WritableFolder::embed_in_background`](crate::data_folder::WritableFolder::embed_in_background)).
    pub fn embed_in_background(&self, name: &CollectionName) -> Result<(), AppError> {
        let inner = self.inner(name)?;
        if name.is_default() {
            return Ok(());
        }
        let slot = inner.slots.visit(name);
        if let State::Open(open) = &mut *slot.state.lock() {
            // One at a time: ends the one before.
            open.embedding = None;
            open.embedding = embed_in_background(&open.library);
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
        if !inner.places.has(name)? {
            return Err(AppError::UnknownCollection(name.clone()));
        }
        // One that cannot be read has answers that nobody is given: they end with their day.
        let identity = components::identity_in(&inner.config, name).unwrap_or_default();
        let slot = inner.slots.visit(name);
        let before = std::mem::replace(&mut *slot.state.lock(), State::Removing);
        let removed = match before {
            State::Removing => return Err(AppError::CollectionInUse(name.clone())),
            State::Open(open) => match open.close() {
                Ok(()) => inner.places.remove(name),
                Err(open) => {
                    *slot.state.lock() = State::Open(open);
                    return Err(AppError::CollectionInUse(name.clone()));
                }
            },
            State::Closed => inner.places.remove(name),
        };
        if matches!(removed, Ok(true)) {
            if let Some(identity) = &identity {
                answers::forget(&inner.config.root, identity);
            }
            // Another collection may get the name.
            inner
                .scrubbed
                .lock()
                .damaged
                .retain(|(of, _), _| of != name);
        }
        *slot.state.lock() = State::Closed;
        if removed? {
            Ok(())
        } else {
            Err(AppError::UnknownCollection(name.clone()))
        }
    }

    /// Gives a collection another name. Waits for requests that use it, and fails where they take too long. Keep jobs
    /// from it meanwhile.
    pub(crate) fn rename(
        &self,
        from: &CollectionName,
        to: &CollectionName,
    ) -> Result<(), AppError> {
        let inner = self.inner(from)?;
        renaming::check(&inner.config, from, to)?;
        let in_use = || AppError::CollectionInUse(from.clone());
        let (slot, target) = (inner.slots.visit(from), inner.slots.visit(to));
        {
            // Nobody makes one of that name meanwhile.
            let mut target = target.state.lock();
            match &*target {
                State::Closed => *target = State::Removing,
                State::Open(_) | State::Removing => return Err(AppError::NameTaken(to.clone())),
            }
        }
        let before = std::mem::replace(&mut *slot.state.lock(), State::Removing);
        let (after, renamed) = match before {
            // That of another thread, which also ends it.
            State::Removing => {
                *target.state.lock() = State::Closed;
                return Err(in_use());
            }
            State::Open(open) => match open.close() {
                Ok(()) => (State::Closed, renaming::rename(&inner.config, from, to)),
                Err(open) => (State::Open(open), Err(in_use())),
            },
            State::Closed => (State::Closed, renaming::rename(&inner.config, from, to)),
        };
        *slot.state.lock() = after;
        *target.state.lock() = State::Closed;
        if renamed.is_ok() {
            let mut scrubbed = inner.scrubbed.lock();
            scrubbed.damaged.retain(|(of, _), _| of != from);
        }
        renamed
    }

    fn inner(&self, name: &CollectionName) -> Result<&Inner, AppError> {
        let inner = self.0.as_deref();
        inner.ok_or_else(|| AppError::UnknownCollection(name.clone()))
    }
}

impl Inner {
    fn open(&self, name: &CollectionName) -> Result<OpenCollection, AppError> {
        let config = self.config.of_collection(name);
        let catalogue = components::open_catalogue(&config, &self.guard)?;
        let stored = Provenance::of(&*catalogue)?;
        let vocabulary = choose_vocabulary(&stored, &config, &self.default)?;
        let open = components::open_library(
            &config,
            &self.guard,
            catalogue,
            self.default.extractor().clone(),
            vocabulary,
            Some(&self.default),
            Some(&self.models),
        )?;
        Ok(OpenCollection {
            _converting: convert_in_background(&open.library, &config, open.pending),
            embedding: embed_in_background(&open.library),
            _recovering: recover_in_background(&open.library),
            library: open.library,
            leases: Leases::default(),
            closing: Arc::default(),
        })
    }

    /// The default collection, and those that may be open.
    pub(crate) fn open_names(&self) -> Vec<CollectionName> {
        let mut names = self.slots.names();
        names.insert(0, CollectionName::default());
        names
    }

    /// A lease of a collection that is open, and whether it is to be closed. It is no use that keeps the
    /// collection from being closed as the longest unused one.
    pub(crate) fn lease_beside(
        &self,
        name: &CollectionName,
    ) -> Option<(Lease<Library>, Arc<AtomicBool>)> {
        if name.is_default() {
            let lease = Lease::unlimited(self.default.clone());
            return Some((lease, Arc::default()));
        }
        let slot = self.slots.visit_existing(name)?;
        let state = slot.state.lock();
        match &*state {
            State::Open(open) => Some((open.lease(), open.closing.clone())),
            State::Closed | State::Removing => None,
        }
    }

    /// Closes those that nobody uses, the longest unused first, while more are open than are kept.
    fn close_idle(&self) {
        let mut idle = Vec::new();
        let mut open_count: usize = 0;
        for name in self.slots.names() {
            let Some(slot) = self.slots.visit_existing(&name) else {
                continue;
            };
            // One that is locked is being opened or removed.
            let is_idle = match slot.state.try_lock().as_deref() {
                Some(State::Open(open)) => {
                    open_count += 1;
                    open.leases.all_returned()
                }
                _ => false,
            };
            if is_idle {
                idle.push(slot);
            }
        }
        idle.sort_unstable_by_key(|slot| slot.last_use());
        for slot in idle.iter().take(open_count.saturating_sub(MOST_OPEN)) {
            let mut state = slot.state.lock();
            if matches!(&*state, State::Open(open) if open.leases.all_returned()) {
                // Closed under the lock: the next request must not open it beside this one.
                *state = State::Closed;
            }
        }
    }
}

/// The vocabulary of a collection: that of the default one where the stored words are of it or there are
/// none, so that it is in memory once; else its own.
fn choose_vocabulary(
    stored: &Provenance,
    config: &Config,
    default: &Library,
) -> Result<ChosenVocabulary, AppError> {
    let shared = default.vocabulary();
    let stored_id = stored.vocabulary.as_deref();
    if stored_id.is_none_or(|id| id == shared.id()) {
        return Ok(shared.into());
    }
    let model = default.model();
    let chosen = stored.choose_vocabulary(config, model)?;
    chosen.ok_or_else(|| vocabularies::missing(model, true))
}
