//! Reading rows of which some may be damaged.

use resight_store::{Catalogue, PictureId, PictureRecord, StoreError};

/// What is stored for one of several keys: `None` where there is nothing, an error where it is damaged.
pub(crate) type ReadOne<T> = Result<Option<T>, StoreError>;

/// Its bytes.
pub(crate) type Read = ReadOne<Vec<u8>>;

/// Reads rows of these keys, each by itself where one of them is damaged. Other errors than
/// `picture_damaged` are returned for all.
pub(crate) fn read_each<T>(
    keys: &[u64],
    read: impl Fn(&[u64]) -> Result<Vec<Option<T>>, StoreError>,
) -> Result<Vec<ReadOne<T>>, StoreError> {
    match read(keys) {
        Ok(all) => return Ok(all.into_iter().map(Ok).collect()),
        Err(StoreError::PictureDamaged { .. }) => {}
        Err(error) => return Err(error),
    }
    let each = keys.iter().map(|key| match read(&[*key]) {
        Ok(one) => Ok(Ok(one.into_iter().next().flatten())),
        Err(damaged @ StoreError::PictureDamaged { .. }) => Ok(Err(damaged)),
        Err(error) => Err(error),
    });
    each.collect()
}

/// The records of these keys, each by itself where one of them is damaged. Other errors than `picture_damaged`
/// are returned for all.
pub(crate) fn records_of(
    catalogue: &dyn Catalogue,
    keys: &[u64],
) -> Result<Vec<ReadOne<PictureRecord>>, StoreError> {
    read_each(keys, |keys| catalogue.pictures(keys))
}

/// The records of these keys; `None` for those no longer stored and, with a warning, for those that are damaged:
/// for work in the background, which would never get past them.
pub(crate) fn whole_records(
    catalogue: &dyn Catalogue,
    keys: &[u64],
) -> Result<Vec<Option<PictureRecord>>, StoreError> {
    Ok(without_damaged(records_of(catalogue, keys)?))
}

/// Widths and heights of pictures and views, each by itself where the record of one is damaged; `None` for keys of
/// neither.
pub(crate) fn sizes_of(
    catalogue: &dyn Catalogue,
    keys: &[u64],
) -> Result<Vec<ReadOne<[u32; 2]>>, StoreError> {
    let records = records_of(catalogue, keys)?;
    let others = keys.iter().zip(&records);
    let others = others.filter(|(_, record)| matches!(record, Ok(None)));
    let others: Vec<u64> = others.map(|(key, _)| *key).collect();
    let mut views = read_each(&others, |keys| catalogue.views(keys))?.into_iter();
    let sizes = records.into_iter().map(|record| match record? {
        Some(record) => Ok(Some([record.width, record.height])),
        None => {
            let view = views.next().transpose()?.flatten();
            Ok(view.map(|view| [view.width, view.height]))
        }
    });
    Ok(sizes.collect())
}

/// What was read, and nothing, with a warning, in place of what is damaged.
pub(crate) fn without_damaged<T>(read: Vec<ReadOne<T>>) -> Vec<Option<T>> {
    let whole = read.into_iter().map(|one| {
        one.unwrap_or_else(|error| {
            tracing::warn!("a picture is left out: {error}");
            None
        })
    });
    whole.collect()
}

/// The error for bytes that cannot be decoded, although they have their checksum or were written without.
pub(crate) fn undecodable(catalogue: &dyn Catalogue, key: u64, what: &'static str) -> StoreError {
    let view = catalogue.views(&[key]).ok().and_then(|mut one| one.pop());
    let picture = view.flatten().map_or(key, |view| view.picture);
    let id = match catalogue.pictures(&[picture]).as_deref() {
        Ok([Some(record)]) => record.id.as_str().to_owned(),
        _ => format!("number {key}"),
    };
    StoreError::PictureDamaged {
        location: "the catalogue".into(),
        picture: id,
        what,
    }
}

/// Whether a picture with this id is stored and `meets` the condition. One whose record is damaged is: nobody may
/// take its files for files of no picture.
pub(crate) fn has_record(
    catalogue: &dyn Catalogue,
    id: &PictureId,
    meets: impl Fn(&PictureRecord) -> bool,
) -> Result<bool, StoreError> {
    match catalogue.picture(id) {
        Ok(record) => Ok(record.is_some_and(|record| meets(&record))),
        Err(StoreError::PictureDamaged { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}

/// What a damaged picture is named by: its id, where that could be read.
pub(crate) fn name_of(key: u64, error: &StoreError) -> String {
    let id = match error {
        StoreError::PictureDamaged { picture, .. } => PictureId::parse(picture),
        _ => None,
    };
    id.map_or_else(|| format!("number {key}"), |id| id.to_string())
}

/// Whether what is stored cannot be read, as of a damaged disk. What else is stored may be readable.
pub(crate) fn is_unreadable(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Io { .. } | StoreError::Damaged { .. } | StoreError::PictureDamaged { .. }
    )
}

/// What was read, or the error of what cannot be read; other errors stay errors.
pub(crate) fn if_readable<T>(
    read: Result<T, StoreError>,
) -> Result<Result<T, StoreError>, StoreError> {
    match read {
        Err(error) if !is_unreadable(&error) => Err(error),
        read => Ok(read),
    }
}
