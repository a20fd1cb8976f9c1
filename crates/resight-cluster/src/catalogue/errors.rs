//! PostgreSQL's errors as those of the store.

use std::error::Error as _;
use std::io;

use deadpool_postgres::{HookError, PoolError, TimeoutType};
use resight_store::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// What the server, or the connection to it, said, with its reasons.
fn detail_of(error: &Error) -> String {
    if let Some(answer) = error.as_db_error() {
        return format!("{} ({})", answer.message(), answer.code().code());
    }
    let mut detail = error.to_string();
    let mut source = error.source();
    while let Some(reason) = source {
        detail += &format!(": {reason}");
        source = reason.source();
    }
    detail
}

/// The error for a failed statement.
pub(super) fn from_sql(location: &str, error: Error) -> StoreError {
    let location = location.to_owned();
    let detail = detail_of(&error);
    if let Some(code) = error.code() {
        return from_state(location, code, detail);
    }
    let is_io = error
        .source()
        .is_some_and(|source| source.is::<io::Error>());
    if detail.contains("TLS handshake") {
        // Trying again does not help: the certificate is not trusted, or is another server's.
        let hint = "name a file with the certificate of its authority in SSL_CERT_FILE, or give the address sslmode=disable";
        let source = format!("{detail}; {hint}").into();
        return StoreError::Io { location, source };
    }
    match error.is_closed() || is_io {
        true => StoreError::Unreachable { location, detail },
        // The rest is found before anything is sent: an address that is not complete, a value that has no SQL form.
        false => StoreError::Io {
            location,
            source: detail.into(),
        },
    }
}

fn from_state(location: String, code: &SqlState, detail: String) -> StoreError {
    match code.code() {
        "53100" => StoreError::Full { location },
        // A lock or a statement took too long, or two transactions met.
        "55P03" | "57014" | "40001" | "40P01" => StoreError::Busy { location },
        // The table or the schema: the collection was dropped meanwhile, or never made.
        "42P01" | "3F000" => StoreError::Missing { location },
        "XX001" | "XX002" => StoreError::Damaged { location, detail },
        // The connection is lost, the server stops, starts, takes no more connections, or is a copy that cannot be written to.
        state if state.starts_with("08") || state.starts_with("57P") || state == "53300" => {
            StoreError::Unreachable { location, detail }
        }
        "25006" => StoreError::Unreachable { location, detail },
        // No such database.
        "3D000" => StoreError::Absent {
            location,
            what: "database",
        },
        // Not this user, or not with this right.
        state if state.starts_with("28") || state == "42501" => {
            StoreError::Denied { location, detail }
        }
        // No memory, a disk that fails: for the administrator of the server.
        state if state.starts_with("53") || state.starts_with("58") => StoreError::Io {
            location,
            source: detail.into(),
        },
        _ => StoreError::Failed { location, detail },
    }
}

/// The error where no connection could be had.
pub(super) fn from_pool(location: &str, error: PoolError) -> StoreError {
    let unreachable = |detail: String| StoreError::Unreachable {
        location: location.to_owned(),
        detail,
    };
    match error {
        // All connections are in use.
        PoolError::Timeout(TimeoutType::Wait) => StoreError::Busy {
            location: location.to_owned(),
        },
        PoolError::Timeout(_) => unreachable("no answer in time".to_owned()),
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
            match from_sql(location, error) {
                // Nothing listens there, or its name is not known.
                StoreError::Io { source, .. } if source.to_string().contains("connecting") => {
                    unreachable(source.to_string())
                }
                other => other,
            }
        }
        other => StoreError::Failed {
            location: location.to_owned(),
            detail: other.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_sorted() {
        for (state, code) in [
            ("53100", "store_full"),
            ("55P03", "store_busy"),
            ("57014", "store_busy"),
            ("57P01", "store_unreachable"),
            ("57P03", "store_unreachable"),
            ("08006", "store_unreachable"),
            ("53300", "store_unreachable"),
            ("53200", "store_io"),
            ("28P01", "store_denied"),
            ("3D000", "store_absent"),
            ("42501", "store_denied"),
            ("42P01", "store_missing"),
            ("XX002", "store_damaged"),
            ("23505", "store_failed"),
        ] {
            let state_of = SqlState::from_code(state);
            let error = from_state("db".to_owned(), &state_of, "d".to_owned());
            assert_eq!(error.code(), code, "{state}");
        }
    }
}
