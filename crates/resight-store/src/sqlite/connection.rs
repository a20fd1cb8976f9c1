//! Opening connections, with the settings that durability and waiting depend on.

use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::errors::from_sql;
use super::schema;
use crate::error::StoreError;

/// How long to wait for another process's lock.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long closing the catalogue may wait for another process's read.
const PATIENCE_AT_END: Duration = Duration::from_secs(1);

/// Features of a picture take tens of kilobytes: larger pages than SQLite's 4096 bytes keep them
/// in shorter chains.
const PAGE_BYTES: u32 = 8192;

/// A checkpoint truncates the write-ahead log to this length, so that one large commit does not
/// occupy its space for ever.
const LOG_BYTES: i64 = 64 << 20;

/// Prepared statements that a connection caches: more than this module has.
const STATEMENTS: usize = 64;

/// Opens the file for reading and writing and creates the tables if it is new.
pub(super) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = open_durable(path, LOG_BYTES, |connection| {
        // Before anything can change the file.
        schema::check_writable(path, connection)?;
        let set = connection.pragma_update(None, "page_size", PAGE_BYTES);
        set.map_err(|error| from_sql(path, error))
    })?;
    finish(path, &mut connection)?;
    Ok(connection)
}

/// Opens a file for reading and writing whose commits survive a power cut. `prepare` is run before anything else.
/// The log is cut to `log_bytes` when it is moved into the file.
pub(crate) fn open_durable(
    path: &Path,
    log_bytes: i64,
    prepare: impl FnOnce(&Connection) -> Result<(), StoreError>,
) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let sql = |error| from_sql(path, error);
    let connection = Connection::open_with_flags(path, flags).map_err(sql)?;
    connection.busy_timeout(PATIENCE).map_err(sql)?;
    prepare(&connection)?;
    let set = |name: &str, value: &dyn rusqlite::ToSql| {
        connection.pragma_update(None, name, value).map_err(sql)
    };
    set("journal_mode", &"wal")?;
    set("journal_size_limit", &log_bytes)?;
    // FULL writes the log to the disk at each commit; NORMAL would lose the last ones in a power
    // cut. On macOS that needs fullfsync, which has no effect elsewhere.
    set("synchronous", &"full")?;
    set("fullfsync", &true)?;
    set("checkpoint_fullfsync", &true)?;
    Ok(connection)
}

/// Moves the write-ahead log into the file and empties it, as far as other connections allow.
/// Ignores errors: the log keeps what was not moved, and the next opening reads it.
pub(super) fn empty_log(writer: &Connection) {
    let _ = writer.busy_timeout(PATIENCE_AT_END);
    let _ = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
}

/// Moves what it can of the write-ahead log into the file, without waiting, so that the log is written from
/// its start again.
pub(super) fn move_log(writer: &Connection) {
    let _ = writer.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
}

/// Opens the file for reading. Fails with `store_missing` if it does not exist, and with `store_cut_short`
/// where a change was cut short and this process may not write.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    match open_as_it_is(path) {
        Err(StoreError::CutShort { .. }) => {
            recover(path)?;
            open_as_it_is(path)
        }
        opened => opened,
    }
}

/// Undoes or completes the change that a killed process left beside the file. SQLite does that for the first
/// connection that may write, under locks of its own, so a process that writes meanwhile is not disturbed.
fn recover(path: &Path) -> Result<(), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let recovered = Connection::open_with_flags(path, flags).and_then(|connection| {
        connection.busy_timeout(PATIENCE)?;
        connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))
    });
    recovered.map_err(|error| match from_sql(path, error) {
        // SQLite opens for reading alone what may not be written to.
        StoreError::Io { location, .. } => StoreError::CutShort { location },
        other => other,
    })
}

fn open_as_it_is(path: &Path) -> Result<Connection, StoreError> {
    match path.try_exists() {
        Ok(true) => {}
        // What may not be looked at is not taken for missing.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(StoreError::from_io(path, error));
        }
        Ok(false) | Err(_) => {
            return Err(StoreError::Missing {
                location: path.display().to_string(),
            });
        }
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    set_up_reader(path, Connection::open_with_flags(path, flags))
}

fn set_up_reader(
    path: &Path,
    opened: rusqlite::Result<Connection>,
) -> Result<Connection, StoreError> {
    let sql = |error| from_sql(path, error);
    let connection = opened.map_err(sql)?;
    connection.busy_timeout(PATIENCE).map_err(sql)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    schema::read_as_present(path, &connection)?;
    Ok(connection)
}

/// Whether the catalogue can be read only as [`open_unchanging`] does: nothing has it open, so a reader would
/// have to create the files that processes share, and this user may not write into its folder.
pub(crate) fn is_beyond_writing(path: &Path) -> bool {
    let beside = |end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        Path::new(&name).exists()
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    path.exists() && !beside("-shm") && !beside("-wal") && !may_write(folder)
}

#[cfg(unix)]
fn may_write(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
fn may_write(folder: &Path) -> bool {
    std::fs::metadata(folder).is_ok_and(|metadata| !metadata.permissions().readonly())
}

/// Opens the file for reading and creates nothing beside it. No process may change the file meanwhile.
pub(super) fn open_unchanging(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    set_up_reader(path, Connection::open_with_flags(immutable(path), flags))
}

/// The file as a URI by which SQLite takes no locks. A byte of its path that a URI gives a meaning is escaped.
pub(crate) fn immutable(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => {
                uri.push(char::from(*byte));
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri + "?immutable=1"
}

/// An empty database that belongs to this connection alone.
pub(super) fn open_in_memory(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open_in_memory().map_err(|error| from_sql(path, error))?;
    finish(path, &mut connection)?;
    Ok(connection)
}

fn finish(path: &Path, connection: &mut Connection) -> Result<(), StoreError> {
    // Removing a picture relies on this to remove its features, words and sources.
    connection
        .pragma_update(None, "foreign_keys", true)
        .map_err(|error| from_sql(path, error))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    schema::create(path, connection)
}
