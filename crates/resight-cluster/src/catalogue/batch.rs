//! What a batch of changes knows of the catalogue. It is read once, for all pictures and paths that the batch names, and
//! kept up to date as changes are made, so that a change sends statements and waits for none.

use std::collections::{HashMap, HashSet};

use resight_store::{Change, PictureId, PictureRecord, SourceFile, StoreError};

use super::known::{record, without_sources};
use super::open;
use super::rows::Line;
use super::sources::{file, is_path};
use super::text::stored;

/// A stored picture. A damaged record can be removed, and gain and lose sources, but not be changed.
pub(super) struct Known {
    pub(super) key: i64,
    pub(super) record: Option<PictureRecord>,
}

impl Known {
    pub(super) fn read(line: &Line) -> Result<Self, StoreError> {
        let key = line.get(0)?;
        match record(line) {
            Ok(record) => Ok(Self {
                key,
                record: Some(record),
            }),
            Err(StoreError::PictureDamaged { .. }) => Ok(Self { key, record: None }),
            Err(error) => Err(error),
        }
    }
}

/// The state of one batch.
pub(super) struct Batch<'c, 's> {
    pub(super) change: &'c mut open::Change<'s>,
    pub(super) now: i64,
    /// Of all ids that the batch names, those that are stored.
    pub(super) pictures: HashMap<PictureId, Known>,
    /// Of all paths that the batch names, those that are sources, with the key of the picture.
    pub(super) sources: HashMap<String, (i64, SourceFile)>,
    /// Of all paths that the batch names, those with a refusal.
    pub(super) refusals: HashSet<String>,
    /// The ids of the pictures that this batch added.
    pub(super) added: HashMap<i64, PictureId>,
}

impl<'c, 's> Batch<'c, 's> {
    /// Reads what the changes need.
    pub(super) fn read(
        change: &'c mut open::Change<'s>,
        changes: &[Change],
        now: i64,
    ) -> Result<Self, StoreError> {
        let session = change.session;
        let (ids, paths) = named(changes);
        let mut batch = Self {
            change,
            now,
            pictures: HashMap::new(),
            sources: HashMap::new(),
            refusals: HashSet::new(),
            added: HashMap::new(),
        };
        if !ids.is_empty() {
            let sql = format!("{} WHERE listed.id = ANY($1)", without_sources());
            for line in session.query(&sql, &[&ids])? {
                batch.pictures.insert(line.id(1)?, Known::read(&line)?);
            }
        }
        if !paths.is_empty() {
            let condition = is_path("stored.path", "asked.path");
            let sql = format!(
                "SELECT stored.key, stored.path, stored.byte_len, stored.modified_ns,
                    stored.changed_ns, stored.file_number
                 FROM UNNEST($1::TEXT[]) AS asked (path) JOIN source AS stored ON {condition}"
            );
            for line in session.query(&sql, &[&paths])? {
                let source = file(&line, 1)?;
                let known = (line.get(0)?, source.clone());
                batch.sources.insert(source.path, known);
            }
            let sql = format!(
                "SELECT stored.path FROM UNNEST($1::TEXT[]) AS asked (path)
                 JOIN refusal AS stored ON {condition}"
            );
            for line in session.query(&sql, &[&paths])? {
                batch.refusals.insert(line.text(0)?);
            }
        }
        Ok(batch)
    }

    /// The record of a stored picture that is about to be changed. A checksum must not bless a damaged one, so that
    /// fails with `picture_damaged`.
    pub(super) fn whole(&mut self, id: &PictureId) -> Result<&mut PictureRecord, StoreError> {
        let known = self.pictures.get_mut(id);
        match known.and_then(|known| known.record.as_mut()) {
            Some(record) => Ok(record),
            None => Err(damaged(self.change.session.location(), id)),
        }
    }

    /// Forgets the source of a path. Returns the key of its picture.
    pub(super) fn drop_source(&mut self, path: &str) -> Result<Option<i64>, StoreError> {
        let Some((key, _)) = self.sources.remove(path) else {
            return Ok(None);
        };
        self.delete_path("source", path)?;
        Ok(Some(key))
    }

    /// Forgets the refusal of a path. Returns whether there was one.
    pub(super) fn forget_refusal(&mut self, path: &str) -> Result<bool, StoreError> {
        let had_one = self.refusals.remove(path);
        if had_one {
            self.delete_path("refusal", path)?;
        }
        Ok(had_one)
    }

    fn delete_path(&self, table: &str, path: &str) -> Result<(), StoreError> {
        let sql = format!("DELETE FROM {table} WHERE {}", is_path("path", "$1"));
        let path = stored(path).into_owned();
        self.change.session.send(&sql, vec![Box::new(path)])
    }

    /// Makes the path a source of `key` and of no other picture. Returns the other picture that it was
    /// a source of before.
    pub(super) fn put_source(
        &mut self,
        key: i64,
        source: &SourceFile,
    ) -> Result<Option<i64>, StoreError> {
        let before = self.drop_source(&source.path)?;
        self.forget_refusal(&source.path)?;
        self.forget_orphan(key)?;
        self.change.session.send(
            "INSERT INTO source (key, path, byte_len, modified_ns, changed_ns, file_number)
             VALUES ($1, $2, $3, $4, $5, $6)",
            vec![
                Box::new(key),
                Box::new(stored(&source.path).into_owned()),
                Box::new(source.byte_len.cast_signed()),
                Box::new(source.modified_ns),
                Box::new(source.changed_ns),
                Box::new(source.file_number.map(u64::cast_signed)),
            ],
        )?;
        self.sources
            .insert(source.path.clone(), (key, source.clone()));
        Ok(before.filter(|other| *other != key))
    }

    /// Forgets that a picture lost its last file.
    pub(super) fn forget_orphan(&self, key: i64) -> Result<(), StoreError> {
        if self.added.contains_key(&key) {
            return Ok(());
        }
        let sql = "DELETE FROM orphan WHERE key = $1";
        self.change.session.send(sql, vec![Box::new(key)])
    }

    /// Foreign keys remove all that belongs to the picture. The id stays on record until the caller has deleted the
    /// picture's blobs.
    pub(super) fn remove(&mut self, key: i64, id: &PictureId) -> Result<(), StoreError> {
        self.pictures.remove(id);
        self.added.remove(&key);
        self.sources.retain(|_, (owner, _)| *owner != key);
        remove(self.change.session, key, id)
    }
}

/// Removes a picture, and records its id.
pub(super) fn remove(
    session: &super::session::Session,
    key: i64,
    id: &PictureId,
) -> Result<(), StoreError> {
    session.send("DELETE FROM picture WHERE key = $1", vec![Box::new(key)])?;
    session.send(
        "INSERT INTO removed_pictures (id) VALUES ($1) ON CONFLICT (id) DO NOTHING",
        vec![Box::new(id.as_str().to_owned())],
    )
}

/// The error for a picture whose record cannot be changed.
pub(super) fn damaged(location: &str, id: &PictureId) -> StoreError {
    StoreError::PictureDamaged {
        location: location.to_owned(),
        picture: id.to_string(),
        what: resight_store::sums::Part::Record.name(),
    }
}

/// The ids and paths that changes name, each once.
fn named(changes: &[Change]) -> (Vec<&str>, Vec<String>) {
    let (mut ids, mut paths) = (HashSet::new(), HashSet::new());
    for change in changes {
        match change {
            Change::Add(new) | Change::Retake(new) => {
                ids.insert(new.id.as_str());
                paths.extend(new.source.as_ref().map(|source| source.path.as_str()));
            }
            Change::Remove(id) | Change::Label { id, .. } => {
                ids.insert(id.as_str());
            }
            Change::AddSource { id, source } => {
                ids.insert(id.as_str());
                paths.insert(source.path.as_str());
            }
            Change::DropSource { path } | Change::ForgetSource { path } => {
                paths.insert(path.as_str());
            }
            Change::Refuse(refusal) => {
                paths.insert(refusal.source.path.as_str());
            }
        }
    }
    let paths = paths.into_iter().map(|path| stored(path).into_owned());
    (ids.into_iter().collect(), paths.collect())
}
