//! Pictures made of a number.

use resight_store::{
    Catalogue, Change, Effect, NewPicture, PictureId, Refusal, SourceFile, SqliteCatalogue,
};

pub(crate) fn id(number: u64) -> PictureId {
    PictureId::parse(&format!("{number:032x}")).unwrap()
}

pub(crate) fn features(number: u64) -> Vec<u8> {
    format!("features of {number}").into_bytes()
}

pub(crate) fn words(number: u64) -> Vec<u8> {
    format!("words of {number}").into_bytes()
}

pub(crate) fn file(path: &str) -> SourceFile {
    SourceFile {
        path: path.into(),
        byte_len: 1000,
        modified_ns: -5,
    }
}

pub(crate) fn picture(number: u64) -> NewPicture {
    NewPicture {
        id: id(number),
        name: format!("{number}.jpg"),
        media_type: "image/jpeg".into(),
        byte_len: u64::MAX - number,
        width: u32::MAX,
        height: 3,
        feature_count: 7,
        model: "sift-1".into(),
        uploaded: false,
        features: features(number),
        words: words(number),
        source: None,
    }
}

/// Adds a picture that was handed to us.
pub(crate) fn upload(number: u64) -> Change {
    Change::Add(NewPicture {
        uploaded: true,
        ..picture(number)
    })
}

/// Adds a picture that lies at `path`.
pub(crate) fn found(number: u64, path: &str) -> Change {
    Change::Add(NewPicture {
        source: Some(file(path)),
        ..picture(number)
    })
}

pub(crate) fn refusal(path: &str, code: &str) -> Refusal {
    Refusal {
        source: file(path),
        code: code.into(),
        reason: format!("because of {code}"),
        seen_ms: 42,
    }
}

pub(crate) fn drop_source(path: &str) -> Change {
    Change::DropSource { path: path.into() }
}

/// Commits one change.
pub(crate) fn one(catalogue: &SqliteCatalogue, change: Change) -> Effect {
    let mut effects = catalogue.commit(vec![change]).unwrap();
    assert_eq!(effects.len(), 1);
    effects.remove(0)
}

/// Commits the addition of a new picture and gives its key.
pub(crate) fn added(catalogue: &SqliteCatalogue, change: Change) -> u64 {
    match one(catalogue, change) {
        Effect::Added { key, .. } => key,
        other => panic!("not new: {other:?}"),
    }
}
