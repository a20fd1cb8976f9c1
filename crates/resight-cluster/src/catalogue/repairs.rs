//! Replacing damaged rows.

use resight_store::sums::{Part, sum_of};
use resight_store::{Repairs, StoreError};

use super::batch::Known;
use super::known::{sum_of_record, without_sources};
use super::open::{Change, PostgresCatalogue};
use super::schema::ALL_TABLES;
use super::text;
use super::views;

/// The picture that a key belongs to: the picture itself, or that of a view.
const OWNER: &str = "SELECT key, TRUE FROM picture WHERE key = $1
    UNION ALL SELECT picture, FALSE FROM picture_view WHERE key = $1";

impl Repairs for PostgresCatalogue {
    /// Every format of this store has checksums, so there is never one to add.
    fn seal(&self, _keys: &[u64]) -> Result<u64, StoreError> {
        self.check_writable().map(|()| 0)
    }

    fn unsealed_after(&self, _after: Option<u64>, _limit: usize) -> Result<Vec<u64>, StoreError> {
        Ok(Vec::new())
    }

    fn replace_features(
        &self,
        key: u64,
        feature_count: u32,
        features: &[u8],
        words: &[u8],
    ) -> Result<bool, StoreError> {
        self.write(|change| {
            let key = key.cast_signed();
            let Some(owner) = owner(change, key)? else {
                return Ok(false);
            };
            let session = change.session;
            put_features(change, owner, key, features)?;
            put_words(change, owner, key, words)?;
            let (table, sum) = match owner {
                Owner::Picture => {
                    // A checksum must not bless a damaged record.
                    let sql = format!("{} WHERE listed.key = $1", without_sources());
                    let line = session.first(&sql, &[&key])?;
                    let known = line.as_ref().map(Known::read).transpose()?;
                    let Some(mut record) = known.and_then(|known| known.record) else {
                        let damaged = |line| {
                            super::rows::Line::damaged(line, Part::Record, key.cast_unsigned(), 1)
                        };
                        return line.as_ref().map_or(Ok(false), |line| Err(damaged(line)));
                    };
                    record.feature_count = feature_count;
                    ("picture", sum_of_record(&record))
                }
                Owner::ViewOf(_) => {
                    let Some(mut record) = views::of_key(session, key)? else {
                        return Ok(false);
                    };
                    record.feature_count = feature_count;
                    ("picture_view", views::sum_of_record(&record))
                }
            };
            let sql = format!("UPDATE {table} SET feature_count = $2, row_sum = $3 WHERE key = $1");
            session.execute(&sql, &[&key, &i64::from(feature_count), &sum])?;
            Ok(true)
        })
    }

    fn replace_words(&self, key: u64, words: &[u8]) -> Result<bool, StoreError> {
        self.write(|change| {
            let key = key.cast_signed();
            match owner(change, key)? {
                Some(owner) => put_words(change, owner, key, words).map(|()| true),
                None => Ok(false),
            }
        })
    }

    fn forget_vector(&self, model: &str, key: u64) -> Result<bool, StoreError> {
        let sql = "DELETE FROM vector WHERE key = $2
            AND model = (SELECT number FROM vector_model WHERE model = $1)";
        let model = text::stored(model);
        let forgotten =
            self.write(|change| change.session.execute(sql, &[&model, &key.cast_signed()]))?;
        Ok(forgotten > 0)
    }

    fn rebuild_structure(&self) -> Result<(), StoreError> {
        self.write(|change| {
            change.session.take_time()?;
            for table in ALL_TABLES {
                change.session.run(&format!("REINDEX TABLE {table}"))?;
            }
            Ok(())
        })
    }
}

/// What features and words belong to.
#[derive(Clone, Copy)]
enum Owner {
    Picture,
    ViewOf(i64),
}

impl Owner {
    fn picture(self, key: i64) -> i64 {
        match self {
            Self::Picture => key,
            Self::ViewOf(picture) => picture,
        }
    }
}

fn owner(change: &Change<'_>, key: i64) -> Result<Option<Owner>, StoreError> {
    let line = change.session.first(OWNER, &[&key])?;
    let owner = |line: super::rows::Line| match line.get(1)? {
        true => Ok(Owner::Picture),
        false => Ok(Owner::ViewOf(line.get(0)?)),
    };
    line.map(owner).transpose()
}

fn put_features(
    change: &Change<'_>,
    owner: Owner,
    key: i64,
    bytes: &[u8],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO features (key, picture, bytes, sum) VALUES ($1, $2, $3, $4)
        ON CONFLICT (key) DO UPDATE SET bytes = excluded.bytes, sum = excluded.sum";
    let sum = sum_of(Part::Features, key, bytes);
    let put = change
        .session
        .execute(sql, &[&key, &owner.picture(key), &bytes, &sum]);
    put.map(|_| ())
}

fn put_words(change: &Change<'_>, owner: Owner, key: i64, bytes: &[u8]) -> Result<(), StoreError> {
    let sql = "INSERT INTO words (generation, key, picture, bytes, sum) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (generation, key) DO UPDATE SET bytes = excluded.bytes, sum = excluded.sum";
    let sum = sum_of(Part::Words, key, bytes);
    let generation = change.generation;
    let put = change
        .session
        .execute(sql, &[&generation, &key, &owner.picture(key), &bytes, &sum]);
    put.map(|_| ())
}
