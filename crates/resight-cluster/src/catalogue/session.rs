//! One connection while a method uses it.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use resight_store::StoreError;
use tokio::time::timeout;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, SimpleQueryMessage};

use super::address::LONGEST_STATEMENT;
use super::errors::{from_pool, from_sql};
use super::rows::Line;
use crate::runtime::block_on;

/// How much later than the server the client gives up on a statement: then the server or the network is gone.
const GRACE: Duration = Duration::from_secs(15);

/// A value of a statement that is sent before its answer is waited for.
pub(super) type Owned = Box<dyn ToSql + Sync + Send>;

type Pending = Pin<Box<dyn Future<Output = Result<u64, Error>>>>;

/// A connection of the pool. Where anything fails on it, or it is dropped in the middle of a transaction, it is closed, so
/// that the server undoes the transaction.
pub(super) struct Session {
    /// Statements that were sent; before `client`, so that they are dropped first.
    sent: RefCell<Vec<Pending>>,
    client: Option<Arc<Object>>,
    location: Arc<str>,
    is_clean: Cell<bool>,
    longest: Cell<Option<Duration>>,
}

impl Session {
    /// Takes a connection from the pool. Fails with `store_busy` where all are in use for long, and with
    /// `store_unreachable` where none can be made.
    pub(super) fn take(pool: &Pool, location: &Arc<str>) -> Result<Self, StoreError> {
        let object = block_on(pool.get())?.map_err(|error| from_pool(location, error))?;
        Ok(Self {
            sent: RefCell::default(),
            client: Some(Arc::new(object)),
            location: Arc::clone(location),
            is_clean: Cell::new(true),
            longest: Cell::new(Some(LONGEST_STATEMENT + GRACE)),
        })
    }

    pub(super) fn location(&self) -> &Arc<str> {
        &self.location
    }

    fn client(&self) -> Result<&Arc<Object>, StoreError> {
        self.client.as_ref().ok_or_else(|| StoreError::Failed {
            location: self.location.to_string(),
            detail: "the connection was given back".to_owned(),
        })
    }

    fn wait<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, StoreError> {
        let done = match self.longest.get() {
            Some(longest) => block_on(async { timeout(longest, work).await })?,
            None => Ok(block_on(work)?),
        };
        match done {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => {
                self.is_clean.set(false);
                Err(from_sql(&self.location, error))
            }
            Err(_) => {
                self.is_clean.set(false);
                Err(StoreError::Unreachable {
                    location: self.location.to_string(),
                    detail: "no answer in time".to_owned(),
                })
            }
        }
    }

    /// The rows of a statement that the connection keeps prepared.
    pub(super) fn query(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Line>, StoreError> {
        self.flush()?;
        let client = self.client()?;
        let rows = self.wait(async {
            let statement = client.prepare_cached(sql).await?;
            client.query(&statement, values).await
        })?;
        Ok(self.lines(rows))
    }

    /// The rows of a statement that is used in too many forms to be kept.
    pub(super) fn query_once(
        &self,
        sql: &str,
        values: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Line>, StoreError> {
        self.flush()?;
        let client = self.client()?;
        let rows = self.wait(client.query_typed(sql, values))?;
        Ok(self.lines(rows))
    }

    fn lines(&self, rows: Vec<tokio_postgres::Row>) -> Vec<Line> {
        let line = |row| Line::new(row, &self.location);
        rows.into_iter().map(line).collect()
    }

    /// The first row, if there is one.
    pub(super) fn first(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Line>, StoreError> {
        Ok(self.query(sql, values)?.into_iter().next())
    }

    /// The one number that a statement returns.
    pub(super) fn number(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, StoreError> {
        match self.first(sql, values)? {
            Some(line) => line.unsigned(0),
            None => Ok(0),
        }
    }

    /// Changes rows, and returns how many.
    pub(super) fn execute(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, StoreError> {
        self.flush()?;
        let client = self.client()?;
        self.wait(async {
            let statement = client.prepare_cached(sql).await?;
            client.execute(&statement, values).await
        })
    }

    /// Sends a change without waiting for the answer. The server runs statements in the order in which they were sent; the
    /// next one that is waited for, or [`Session::flush`], fails where this one fails.
    pub(super) fn send(&self, sql: &str, values: Vec<Owned>) -> Result<(), StoreError> {
        let client = Arc::clone(self.client()?);
        let statement = match self.wait(client.prepare_cached(sql)) {
            Ok(statement) => statement,
            // After a change that failed the server refuses all others; the first error is the reason.
            Err(error) => return Err(self.flush().err().unwrap_or(error)),
        };
        let mut pending: Pending =
            Box::pin(async move { client.execute_raw(&statement, values).await });
        // The first poll writes the statement to the connection.
        let polled = pending
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        match polled {
            Poll::Ready(Ok(_)) => {}
            Poll::Ready(Err(error)) => {
                self.is_clean.set(false);
                return Err(from_sql(&self.location, error));
            }
            Poll::Pending => self.sent.borrow_mut().push(pending),
        }
        Ok(())
    }

    /// Waits for the answers to everything that was sent.
    pub(super) fn flush(&self) -> Result<(), StoreError> {
        let mut sent = self.sent.take().into_iter();
        sent.try_for_each(|pending| self.wait(pending).map(|_| ()))
    }

    /// Runs statements without values.
    pub(super) fn run(&self, sql: &str) -> Result<Vec<SimpleQueryMessage>, StoreError> {
        self.flush()?;
        let client = self.client()?;
        self.wait(client.simple_query(sql))
    }

    /// Begins a transaction. From here to [`Session::end`] a drop undoes it.
    pub(super) fn begin(&self, sql: &str) -> Result<Vec<SimpleQueryMessage>, StoreError> {
        self.is_clean.set(false);
        self.run(sql)
    }

    /// Ends a transaction that changed nothing.
    pub(super) fn end(&self) -> Result<(), StoreError> {
        self.run("COMMIT")?;
        self.is_clean.set(true);
        Ok(())
    }

    /// Makes the changes of the transaction durable. Where the answer of the server is lost, nobody here knows whether they
    /// are: that fails with `store_io`.
    pub(super) fn commit(&self) -> Result<(), StoreError> {
        self.flush()?;
        match self.end() {
            Err(StoreError::Unreachable { location, detail }) => Err(StoreError::Io {
                location,
                source: format!(
                    "the connection was lost while a change was being committed ({detail}); it may or may not be stored, so read it again"
                )
                .into(),
            }),
            done => done,
        }
    }

    /// Lets the statements of this transaction take as long as they need: they read or write all of the collection.
    pub(super) fn take_time(&self) -> Result<(), StoreError> {
        self.longest.set(None);
        self.run("SET LOCAL statement_timeout = 0").map(|_| ())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Statements that nobody waited for leave the connection in a state that is not known.
        let is_clean = self.is_clean.get() && self.sent.take().is_empty();
        if !is_clean && let Some(object) = self.client.take().and_then(Arc::into_inner) {
            drop(Object::take(object));
        }
    }
}
