//! Jobs, and what each refused.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Result, Row, params, params_from_iter};

use super::records::{
    JobAdded, JobBounds, JobEnd, JobFilter, JobProgress, JobRecord, JobRefusal, JobState, NewJob,
};
use super::schema::ServiceRecords;
use crate::clock::now_ms;
use crate::collections::CollectionName;
use crate::error::StoreError;

const COLUMNS: &str = "id, collection, kind, parameters, made_by, folder, state, is_to_end, done, total, report, code, detail, made_ms, started_ms, ended_ms";

impl ServiceRecords {
    /// Makes a job that waits for its turn, unless there are as many as may be. The jobs are counted and the new one
    /// is made in one transaction, so that requests at the same time pass no bound together.
    pub fn add_job(
        &self,
        new: &NewJob,
        bounds: &JobBounds,
    ) -> std::result::Result<JobAdded, StoreError> {
        self.write(|transaction| {
            if let Some(most) = bounds.waiting {
                let waiting = "SELECT COUNT(*) FROM job WHERE state = 'queued'";
                let waiting = transaction.query_row(waiting, [], |row| whole(row, 0))?;
                if waiting >= most {
                    return Ok(JobAdded::TooManyWait);
                }
            }
            if let (Some(most), Some(key)) = (bounds.of_key, &new.made_by) {
                let of_key = transaction.query_row(
                    "SELECT COUNT(*) FROM job WHERE state IN ('queued', 'running') AND made_by = ?1",
                    [key],
                    |row| whole(row, 0),
                )?;
                if of_key >= most {
                    return Ok(JobAdded::TooManyOfKey);
                }
            }
            transaction
                .prepare_cached(
                    "INSERT INTO job (collection, kind, parameters, made_by, folder, state, made_ms)
                     VALUES (?1, ?2, ?3, ?4, ?5, 'queued', ?6)",
                )?
                .execute(params![
                    new.collection.as_str(),
                    new.kind,
                    new.parameters,
                    new.made_by,
                    new.folder.map(integer),
                    now_ms(),
                ])?;
            let id = transaction.last_insert_rowid().unsigned_abs();
            Ok(JobAdded::Made(id))
        })
    }

    /// The job with this number.
    pub fn job(&self, id: u64) -> std::result::Result<Option<JobRecord>, StoreError> {
        self.read(|connection| one(connection, id))
    }

    /// At most `limit` jobs that the filter means, the newest first.
    pub fn jobs(
        &self,
        filter: &JobFilter,
        limit: usize,
    ) -> std::result::Result<Vec<JobRecord>, StoreError> {
        let (condition, mut values) = condition(filter);
        values.push(Value::from(i64::try_from(limit).unwrap_or(i64::MAX)));
        self.read(|connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM job WHERE {condition} ORDER BY id DESC LIMIT ?"
                ))?
                .query_map(params_from_iter(values), record)?
                .collect()
        })
    }

    /// How many jobs the filter means.
    pub fn count_jobs(&self, filter: &JobFilter) -> std::result::Result<u64, StoreError> {
        let (condition, values) = condition(filter);
        self.read(|connection| {
            connection
                .prepare_cached(&format!("SELECT COUNT(*) FROM job WHERE {condition}"))?
                .query_row(params_from_iter(values), |row| whole(row, 0))
        })
    }

    /// Takes the job that has waited longest: it counts as running from now on. One that somebody asked to end
    /// before it began is cancelled instead. Jobs of this kind for these collections go on waiting.
    pub fn begin_job_but(
        &self,
        kind: &str,
        collections: &[CollectionName],
    ) -> std::result::Result<Option<JobRecord>, StoreError> {
        let marks = vec!["?"; collections.len()].join(", ");
        let next = format!(
            "SELECT id FROM job WHERE state = 'queued' AND NOT (kind = ? AND collection IN ({marks})) ORDER BY id LIMIT 1"
        );
        let names = collections.iter().map(CollectionName::as_str);
        let passed_over: Vec<&str> = std::iter::once(kind).chain(names).collect();
        self.write(|transaction| {
            let now = now_ms();
            transaction.execute(
                "UPDATE job SET state = 'cancelled', ended_ms = ?1 WHERE state = 'queued' AND is_to_end",
                [now],
            )?;
            let next: Option<u64> = transaction
                .query_row(&next, params_from_iter(&passed_over), |row| whole(row, 0))
                .optional()?;
            let Some(id) = next else {
                return Ok(None);
            };
            transaction.execute(
                "UPDATE job SET state = 'running', started_ms = COALESCE(started_ms, ?2) WHERE id = ?1",
                params![integer(id), now],
            )?;
            one(transaction, id)
        })
    }

    /// Stores how far a running job has come.
    pub fn record_progress(
        &self,
        id: u64,
        progress: &JobProgress,
    ) -> std::result::Result<(), StoreError> {
        self.write(|transaction| write_progress(transaction, id, progress))
    }

    /// Stores what a running job has done, and that it has ended.
    pub fn end_job(
        &self,
        id: u64,
        progress: &JobProgress,
        end: &JobEnd,
    ) -> std::result::Result<(), StoreError> {
        let (code, detail) = end.error.clone().unzip();
        self.write(|transaction| {
            write_progress(transaction, id, progress)?;
            transaction.execute(
                "UPDATE job SET state = ?2, code = ?3, detail = ?4, ended_ms = ?5 WHERE id = ?1 AND state = 'running'",
                params![integer(id), end.state.as_str(), code, detail, now_ms()],
            )?;
            Ok(())
        })
    }

    /// Asks a job to end: one that waits is cancelled at once, one that runs is told. Returns whether it had
    /// not ended yet; `None` where there is no such job.
    pub fn ask_to_end(&self, id: u64) -> std::result::Result<Option<bool>, StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE job SET state = 'cancelled', is_to_end = 1, ended_ms = ?2 WHERE id = ?1 AND state = 'queued'",
                params![integer(id), now_ms()],
            )?;
            let cancelled = transaction.changes() > 0;
            let told = transaction.execute(
                "UPDATE job SET is_to_end = 1 WHERE id = ?1 AND state = 'running'",
                [integer(id)],
            )?;
            let is_there = one(transaction, id)?.is_some();
            Ok(is_there.then_some(cancelled || told > 0))
        })
    }

    /// Running jobs that somebody asked to end.
    pub fn jobs_to_end(&self) -> std::result::Result<Vec<u64>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT id FROM job WHERE state = 'running' AND is_to_end")?
                .query_map([], |row| whole(row, 0))?
                .collect()
        })
    }

    /// Lets jobs wait again that were running when a process ended. For the one process that runs jobs, before
    /// it begins. Returns their number.
    pub fn requeue_running(&self) -> std::result::Result<usize, StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE job SET state = 'queued' WHERE state = 'running'",
                [],
            )
        })
    }

    /// Lets a running job wait again.
    pub fn requeue_job(&self, id: u64) -> std::result::Result<(), StoreError> {
        let requeue = "UPDATE job SET state = 'queued' WHERE id = ?1 AND state = 'running'";
        self.write(|transaction| transaction.execute(requeue, [integer(id)]).map(drop))
    }

    /// At most `limit` files that a job refused, by path, after `after`.
    pub fn job_refusals(
        &self,
        id: u64,
        after: Option<&str>,
        limit: usize,
    ) -> std::result::Result<Vec<JobRefusal>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT path, code, reason FROM job_refused
                     WHERE job = ?1 AND path > ?2 ORDER BY path LIMIT ?3",
                )?
                .query_map(
                    params![
                        integer(id),
                        after.unwrap_or_default(),
                        i64::try_from(limit).unwrap_or(i64::MAX)
                    ],
                    |row| {
                        Ok(JobRefusal {
                            path: row.get(0)?,
                            code: row.get(1)?,
                            reason: row.get(2)?,
                        })
                    },
                )?
                .collect()
        })
    }

    /// How many files a job refused.
    pub fn count_refusals(&self, id: u64) -> std::result::Result<u64, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT COUNT(*) FROM job_refused WHERE job = ?1")?
                .query_row([integer(id)], |row| whole(row, 0))
        })
    }

    /// Deletes jobs that ended before a time, and the oldest of the others that ended, where they are more than
    /// `most`. Returns their number.
    pub fn forget_ended(
        &self,
        before_ms: i64,
        most: usize,
    ) -> std::result::Result<usize, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.write(|transaction| {
            let old = transaction.execute("DELETE FROM job WHERE ended_ms < ?1", [before_ms])?;
            let many = transaction.execute(
                "DELETE FROM job WHERE id IN (
                     SELECT id FROM job WHERE ended_ms IS NOT NULL ORDER BY id DESC LIMIT -1 OFFSET ?1)",
                [most],
            )?;
            Ok(old + many)
        })
    }

    /// Lets jobs and folders follow a collection to its new name.
    pub fn rename_collection(
        &self,
        from: &CollectionName,
        to: &CollectionName,
    ) -> std::result::Result<(), StoreError> {
        self.write(|transaction| {
            let names = [to.as_str(), from.as_str()];
            transaction.execute(
                "UPDATE job SET collection = ?1 WHERE collection = ?2",
                names,
            )?;
            // What is left of an earlier collection of the name gives way.
            transaction.execute(
                "UPDATE OR REPLACE folder SET collection = ?1 WHERE collection = ?2",
                names,
            )?;
            Ok(())
        })
    }

    /// Deletes jobs and folders of a collection that was removed: another one may get its name.
    pub fn forget_collection(&self, name: &CollectionName) -> std::result::Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM job WHERE collection = ?1", [name.as_str()])?;
            transaction.execute("DELETE FROM folder WHERE collection = ?1", [name.as_str()])?;
            Ok(())
        })
    }
}

fn write_progress(connection: &Connection, id: u64, progress: &JobProgress) -> Result<()> {
    connection
        .prepare_cached("UPDATE job SET done = ?2, total = ?3, report = ?4 WHERE id = ?1")?
        .execute(params![
            integer(id),
            integer(progress.done),
            integer(progress.total),
            progress.report,
        ])?;
    // A job of a collection that was removed meanwhile has no row.
    let mut add = connection.prepare_cached(
        "INSERT INTO job_refused (job, path, code, reason) SELECT ?1, ?2, ?3, ?4
         WHERE EXISTS (SELECT 1 FROM job WHERE id = ?1)
         ON CONFLICT (job, path) DO UPDATE SET code = excluded.code, reason = excluded.reason",
    )?;
    for refused in &progress.refused {
        add.execute(params![
            integer(id),
            refused.path,
            refused.code,
            refused.reason
        ])?;
    }
    Ok(())
}

fn one(connection: &Connection, id: u64) -> Result<Option<JobRecord>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM job WHERE id = ?1"))?
        .query_row([integer(id)], record)
        .optional()
}

fn condition(filter: &JobFilter) -> (String, Vec<Value>) {
    let mut parts = vec!["1".to_owned()];
    let mut values = Vec::new();
    let mut one_of = |column: &str, texts: Vec<&str>| {
        let marks = vec!["?"; texts.len()].join(", ");
        parts.push(format!("{column} IN ({marks})"));
        values.extend(texts.into_iter().map(|text| Value::from(text.to_owned())));
    };
    if !filter.states.is_empty() {
        one_of(
            "state",
            filter.states.iter().map(|state| state.as_str()).collect(),
        );
    }
    if let Some(kind) = &filter.kind {
        one_of("kind", vec![kind]);
    }
    if let Some(names) = &filter.collections {
        one_of(
            "collection",
            names.iter().map(CollectionName::as_str).collect(),
        );
    }
    if let Some(before) = filter.before {
        parts.push("id < ?".to_owned());
        values.push(Value::from(integer(before)));
    }
    (parts.join(" AND "), values)
}

fn record(row: &Row<'_>) -> Result<JobRecord> {
    let state: String = row.get(6)?;
    Ok(JobRecord {
        id: whole(row, 0)?,
        new: NewJob {
            collection: collection(row, 1)?,
            kind: row.get(2)?,
            parameters: row.get(3)?,
            made_by: row.get(4)?,
            folder: row.get::<_, Option<i64>>(5)?.map(i64::unsigned_abs),
        },
        state: JobState::parse(&state).ok_or_else(|| not_ours(6, format!("a job is {state:?}")))?,
        is_to_end: row.get(7)?,
        done: whole(row, 8)?,
        total: whole(row, 9)?,
        report: row.get(10)?,
        code: row.get(11)?,
        detail: row.get(12)?,
        made_ms: row.get(13)?,
        started_ms: row.get(14)?,
        ended_ms: row.get(15)?,
    })
}

/// The collection that a row names.
pub(super) fn collection(row: &Row<'_>, column: usize) -> Result<CollectionName> {
    let text: String = row.get(column)?;
    CollectionName::parse(&text)
        .ok_or_else(|| not_ours(column, format!("{text:?} names no collection")))
}

fn not_ours(column: usize, what: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, what.into())
}

/// A number as it is stored.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn whole(row: &Row<'_>, column: usize) -> Result<u64> {
    Ok(row.get::<_, i64>(column)?.unsigned_abs())
}
