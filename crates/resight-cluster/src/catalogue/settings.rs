//! Named values, and the record of removed pictures.

use resight_store::{PictureId, RemovedPictures, Settings, StoreError};

use super::open::PostgresCatalogue;
use super::rows::page;
use super::session::Session;
use super::text;

impl Settings for PostgresCatalogue {
    fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.read(|session| get(session, name))
    }

    fn set_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        self.write(|change| set(change.session, name, value))
    }
}

impl RemovedPictures for PostgresCatalogue {
    fn removed_pictures(&self, limit: usize) -> Result<Vec<PictureId>, StoreError> {
        let sql = "SELECT id FROM removed_pictures ORDER BY id LIMIT $1";
        self.read(|session| {
            let lines = session.query(sql, &[&page(limit)])?;
            lines.iter().map(|line| line.id(0)).collect()
        })
    }

    fn forget_removed(&self, ids: &[PictureId]) -> Result<(), StoreError> {
        let ids: Vec<&str> = ids.iter().map(PictureId::as_str).collect();
        let sql = "DELETE FROM removed_pictures WHERE id = ANY($1)";
        self.write(|change| change.session.execute(sql, &[&ids]).map(|_| ()))
    }
}

/// The value under a name.
pub(super) fn get(session: &Session, name: &str) -> Result<Option<String>, StoreError> {
    let sql = "SELECT value FROM setting WHERE name = $1";
    let line = session.first(sql, &[&text::stored(name)])?;
    line.map(|line| line.text(0)).transpose()
}

/// Sets a value, with the change that it belongs to.
pub(super) fn set(session: &Session, name: &str, value: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO setting (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    let values = [text::stored(name), text::stored(value)];
    session.execute(sql, &[&values[0], &values[1]]).map(|_| ())
}
