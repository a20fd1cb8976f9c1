//! Opening a collection, and running work on one of its connections.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use deadpool_postgres::Pool;
use parking_lot::Mutex;
use resight_store::{CollectionName, StoreError};
use tokio_postgres::SimpleQueryMessage;

use super::address::{Address, quoted};
use super::schema::{self, PREFIX, schema_of};
use super::session::Session;
use super::writer::WriterLock;

/// Times that a read is tried while the server is not reached.
const READS: u32 = 3;

/// Begins a change. The lock lets one writer of the collection work at a time, on any machine.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    SELECT last_key, words_generation FROM counter FOR UPDATE";

/// The same of a process that has to be the only one: the lock's token comes last.
const BEGIN_ALONE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    SELECT last_key, words_generation FROM counter FOR UPDATE;
    SELECT token FROM resight.writer FOR SHARE";

/// A [`resight_store::Catalogue`] in a schema of a PostgreSQL database. Several processes on several machines may have
/// the same one open for changes.
///
/// A change waits up to 10 seconds for another process's, then fails with `store_busy`. A read that finds the
/// connection lost is tried again. A change whose commit got no answer fails with `store_io`, and may or may not be
/// stored.
pub struct PostgresCatalogue {
    pool: Pool,
    location: Arc<str>,
    is_read_only: bool,
    /// Lets the threads of this process wait here, and not on connections.
    writer: Mutex<()>,
    /// What each change makes sure of, where this process has to be the only one that changes the catalogues.
    alone: Option<Arc<WriterLock>>,
}

/// What a change works with.
pub(super) struct Change<'a> {
    pub(super) session: &'a Session,
    /// The last key that was given to a picture or a view.
    pub(super) last_key: i64,
    /// The generation of the present words; staged ones are of the next.
    pub(super) generation: i64,
}

impl PostgresCatalogue {
    /// Opens a collection for reading and writing. Makes it where it does not exist, and migrates one of an earlier
    /// format.
    ///
    /// `address` is that of a database: `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require`, or
    /// PostgreSQL's `key=value` pairs. Fails with `store_newer` where a newer version of the program wrote the
    /// collection, with `store_unreachable` where the server does not answer, and with `store_io` where the address
    /// is not one, or its user may not sign in or make a schema.
    pub fn open(address: &str, collection: &CollectionName) -> Result<Self, StoreError> {
        let (catalogue, schema) = Self::connect(address, collection, false)?;
        catalogue.again(|| {
            let session = catalogue.session()?;
            schema::create(&session, &schema, collection)
        })?;
        Ok(catalogue)
    }

    /// As [`PostgresCatalogue::open`]. A change fails with `store_locked` once another process has had the lock.
    pub fn open_as(
        address: &str,
        collection: &CollectionName,
        lock: Arc<WriterLock>,
    ) -> Result<Self, StoreError> {
        let mut catalogue = Self::open(address, collection)?;
        catalogue.alone = Some(lock);
        Ok(catalogue)
    }

    /// What tells the database of an address from others. Fails with `store_address` where it is no address, and where it
    /// has a password, which belongs into the variable `PGPASSWORD`. Asks nobody.
    pub fn location(address: &str) -> Result<String, StoreError> {
        Address::place(address)
    }

    /// Opens a collection for reading; changes fail with `store_read_only`. Fails with `store_missing` where it
    /// does not exist, and as [`PostgresCatalogue::open`] does.
    pub fn open_read_only(address: &str, collection: &CollectionName) -> Result<Self, StoreError> {
        let (catalogue, schema) = Self::connect(address, collection, true)?;
        catalogue.read(|session| schema::check(session, &schema))?;
        Ok(catalogue)
    }

    /// Whether the database has the collection. Fails with `store_unreachable` and `store_io` as
    /// [`PostgresCatalogue::open`] does.
    pub fn exists(address: &str, collection: &CollectionName) -> Result<bool, StoreError> {
        match Self::open_read_only(address, collection) {
            Ok(_) | Err(StoreError::Newer { .. }) => Ok(true),
            Err(StoreError::Missing { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The collections of the database, by name. Fails as [`PostgresCatalogue::exists`] does.
    pub fn collections(address: &str) -> Result<Vec<CollectionName>, StoreError> {
        let (catalogue, _) = Self::connect(address, &CollectionName::default(), true)?;
        let mut names = catalogue.read(|session| {
            let schemas = session.query(
                "SELECT schemaname::TEXT FROM pg_tables
                 WHERE tablename = 'meta' AND starts_with(schemaname::TEXT, $1)
                    AND has_schema_privilege(schemaname, 'USAGE')",
                &[&PREFIX],
            )?;
            let mut names = Vec::with_capacity(schemas.len());
            for line in schemas {
                let name = format!(
                    "SELECT value FROM {}.meta WHERE name = 'collection'",
                    quoted(line.get(0)?)
                );
                let name = session.query_once(&name, &[])?;
                if let Some(name) = name.first() {
                    names.extend(CollectionName::parse(name.get(0)?));
                }
            }
            Ok(names)
        })?;
        names.sort_unstable();
        Ok(names)
    }

    /// Removes a collection and everything in it, durably and at once. Returns `false` where there is none. Whatever
    /// has it open fails with `store_missing` from then on. Fails as [`PostgresCatalogue::exists`] does, and with
    /// `store_busy` where another process uses it for long.
    pub fn drop_collection(address: &str, collection: &CollectionName) -> Result<bool, StoreError> {
        if !Self::exists(address, collection)? {
            return Ok(false);
        }
        let (catalogue, schema) = Self::connect(address, collection, false)?;
        let session = catalogue.session()?;
        session.begin("BEGIN")?;
        schema::lock(&session, &schema)?;
        session.run(&format!(
            "DROP SCHEMA IF EXISTS {} CASCADE",
            quoted(&schema)
        ))?;
        session.commit()?;
        Ok(true)
    }

    /// Gives a collection another name, durably and at once. Returns `false` where there is no collection `from`, or
    /// there is one `to`. Fails as [`PostgresCatalogue::drop_collection`] does. Nothing may have it open.
    pub fn rename_collection(
        address: &str,
        from: &CollectionName,
        to: &CollectionName,
    ) -> Result<bool, StoreError> {
        if !Self::exists(address, from)? || Self::exists(address, to)? {
            return Ok(false);
        }
        let (catalogue, schema) = Self::connect(address, from, false)?;
        let session = catalogue.session()?;
        session.begin("BEGIN")?;
        schema::lock(&session, &schema)?;
        session.run(&format!(
            "UPDATE meta SET value = '{to}' WHERE name = 'collection';
             ALTER SCHEMA {} RENAME TO {}",
            quoted(&schema),
            quoted(&schema_of(to))
        ))?;
        session.commit()?;
        Ok(true)
    }

    fn connect(
        address: &str,
        collection: &CollectionName,
        is_read_only: bool,
    ) -> Result<(Self, String), StoreError> {
        let address = Address::parse(address)?;
        let schema = schema_of(collection);
        let catalogue = Self {
            pool: address.pool(&schema, is_read_only)?,
            location: format!("collection {collection} in {}", address.location).into(),
            is_read_only,
            writer: Mutex::default(),
            alone: None,
        };
        Ok((catalogue, schema))
    }

    fn session(&self) -> Result<Session, StoreError> {
        Session::take(&self.pool, &self.location)
    }

    /// Runs work that changes nothing, or nothing yet, again while the server is not reached.
    fn again<T>(&self, work: impl Fn() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match work() {
                Err(StoreError::Unreachable { .. }) if tries < READS => {
                    // Not all at once, where a server that comes back has many clients.
                    let part = RandomState::new().hash_one(tries) % 100;
                    thread::sleep(Duration::from_millis(u64::from(tries) * 50 + part));
                }
                done => return done,
            }
        }
    }

    /// Runs `work`, whose statements each see a committed state of their own.
    pub(super) fn read<T>(
        &self,
        work: impl Fn(&Session) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.again(|| work(&self.session()?))
    }

    /// Runs `work`, whose statements all see one committed state.
    pub(super) fn read_state<T>(
        &self,
        work: impl Fn(&Session) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.again(|| {
            let session = self.session()?;
            session.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
            let read = work(&session)?;
            session.end()?;
            Ok(read)
        })
    }

    /// Fails with `store_read_only` where this is open for reading.
    pub(super) fn check_writable(&self) -> Result<(), StoreError> {
        match self.is_read_only {
            true => Err(StoreError::ReadOnly),
            false => Ok(()),
        }
    }

    /// Runs `work` so that all its changes are stored, durably, or none.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&mut Change<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.check_writable()?;
        let _alone = self.writer.lock();
        let (session, counter) = self.again(|| {
            let session = self.session()?;
            let counter = session.begin(match &self.alone {
                Some(_) => BEGIN_ALONE,
                None => BEGIN,
            })?;
            Ok((session, counter))
        })?;
        if let Some(lock) = &self.alone {
            lock.check(&counter)?;
        }
        let (last_key, generation) = self.counter(&counter)?;
        let mut change = Change {
            session: &session,
            last_key,
            generation,
        };
        let done = work(&mut change)?;
        if change.last_key != last_key {
            let sql = "UPDATE counter SET last_key = $1";
            session.send(sql, vec![Box::new(change.last_key)])?;
        }
        session.commit()?;
        Ok(done)
    }

    fn counter(&self, read: &[SimpleQueryMessage]) -> Result<(i64, i64), StoreError> {
        let numbers = read.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                let number = |at| row.get(at)?.parse::<i64>().ok();
                Some((number(0)?, number(1)?))
            }
            _ => None,
        });
        numbers.ok_or_else(|| self.damaged("its counter of keys is gone"))
    }

    fn damaged(&self, detail: &str) -> StoreError {
        StoreError::Damaged {
            location: self.location.to_string(),
            detail: detail.to_owned(),
        }
    }
}

impl Change<'_> {
    /// So many keys that no picture or view had before, the first of them.
    pub(super) fn next_keys(&mut self, count: usize) -> Result<i64, StoreError> {
        let first = self.last_key.checked_add(1);
        let last = i64::try_from(count)
            .ok()
            .and_then(|count| self.last_key.checked_add(count));
        match (first, last) {
            (Some(first), Some(last)) => {
                self.last_key = last;
                Ok(first)
            }
            _ => Err(StoreError::Failed {
                location: self.session.location().to_string(),
                detail: "there are no more keys for pictures".to_owned(),
            }),
        }
    }
}

impl fmt::Debug for PostgresCatalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresCatalogue")
            .field("location", &self.location)
            .field("is_read_only", &self.is_read_only)
            .finish_non_exhaustive()
    }
}
