//! SQLite's check of its file.

use super::catalogue::SqliteCatalogue;
use crate::error::StoreError;
use crate::integrity::Integrity;

impl Integrity for SqliteCatalogue {
    fn check_structure(&self) -> Result<Vec<String>, StoreError> {
        let found = self.read(|connection| {
            connection
                .prepare("PRAGMA integrity_check")?
                .query_map([], |row| row.get::<_, String>(0))?
                .collect::<rusqlite::Result<Vec<_>>>()
        });
        match found {
            Ok(lines) => Ok(lines.into_iter().filter(|line| line != "ok").collect()),
            // Too damaged to be checked to the end.
            Err(error @ StoreError::Damaged { .. }) => Ok(vec![error.to_string()]),
            Err(error) => Err(error),
        }
    }
}
