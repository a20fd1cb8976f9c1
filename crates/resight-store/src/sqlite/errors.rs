//! SQLite's errors as those of the store.

use std::path::Path;

use rusqlite::{Error, ErrorCode, ffi};

use super::sums::DamagedRow;
use crate::error::StoreError;

/// The error for a failed statement on the catalogue at `path`.
pub(crate) fn from_sql(path: &Path, error: rusqlite::Error) -> StoreError {
    let location = path.display().to_string();
    let error = match damaged_row(error) {
        Ok(DamagedRow { what, picture }) => {
            return StoreError::PictureDamaged {
                location,
                picture,
                what,
            };
        }
        Err(error) => error,
    };
    let detail = error.to_string();
    match error {
        Error::SqliteFailure(failure, _) if is_cut_short(failure.extended_code) => {
            StoreError::CutShort { location }
        }
        Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DiskFull => StoreError::Full { location },
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy { location },
            ErrorCode::NotADatabase => StoreError::Damaged { location, detail },
            // SQLite gives this code for EIO as well (`SQLITE_IOERR_CORRUPTFS`).
            ErrorCode::DatabaseCorrupt => StoreError::Damaged {
                location,
                detail: format!("{detail}, or the disk could not read it"),
            },
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::FileLockingProtocolFailed => StoreError::Io {
                location,
                source: error.into(),
            },
            _ => StoreError::Failed { location, detail },
        },
        // A stored value of the wrong kind was not written by us.
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => StoreError::Damaged { location, detail },
        _ => StoreError::Failed { location, detail },
    }
}

/// The row that was found to be damaged, if that is what the error says.
fn damaged_row(error: Error) -> Result<DamagedRow, Error> {
    match error {
        Error::FromSqlConversionFailure(column, kind, source) => source
            .downcast()
            .map(|row: Box<DamagedRow>| *row)
            .map_err(|source| Error::FromSqlConversionFailure(column, kind, source)),
        other => Err(other),
    }
}

/// Whether a row was found to be damaged.
pub(super) fn is_damaged_row(error: &Error) -> bool {
    matches!(error, Error::FromSqlConversionFailure(.., source) if source.is::<DamagedRow>())
}

/// Whether a connection for reading met the rest of a change that only one for writing can undo or complete.
fn is_cut_short(extended_code: i32) -> bool {
    matches!(
        extended_code,
        ffi::SQLITE_READONLY_ROLLBACK
            | ffi::SQLITE_READONLY_RECOVERY
            | ffi::SQLITE_READONLY_CANTINIT
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_errors_are_sorted() {
        let cases = [
            (ffi::SQLITE_FULL, "store_full"),
            (ffi::SQLITE_BUSY, "store_busy"),
            (ffi::SQLITE_LOCKED, "store_busy"),
            (ffi::SQLITE_NOTADB, "store_damaged"),
            (ffi::SQLITE_CORRUPT, "store_damaged"),
            (ffi::SQLITE_IOERR_FSYNC, "store_io"),
            (ffi::SQLITE_CANTOPEN, "store_io"),
            (ffi::SQLITE_READONLY, "store_io"),
            (ffi::SQLITE_READONLY_ROLLBACK, "store_cut_short"),
            (ffi::SQLITE_READONLY_RECOVERY, "store_cut_short"),
            (ffi::SQLITE_CONSTRAINT, "store_failed"),
        ];
        for (number, code) in cases {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(number), None);
            let sorted = from_sql(Path::new("c.db"), error);
            assert_eq!(sorted.code(), code, "SQLite code {number}");
            assert!(sorted.to_string().contains("c.db"), "{sorted}");
            let may_be_disk = sorted.to_string().contains("the disk could not read it");
            assert_eq!(may_be_disk, number == ffi::SQLITE_CORRUPT, "{sorted}");
        }
    }
}
