//! Pictures made from a number, and changes of them.

use crate::{
    BlobStore, Catalogue, Change, Effect, LabelPatch, NewPicture, NewView, PictureId, PicturePair,
    Refusal, SourceFile, Tag,
};

/// Makes a new, empty catalogue; for the durable cases, opens the same one each time.
pub type Make<'a> = &'a dyn Fn() -> Box<dyn Catalogue>;

/// Makes a new, empty blob store.
pub type MakeBlobs<'a> = &'a dyn Fn() -> Box<dyn BlobStore>;

/// The id of picture `number`.
pub fn id(number: u64) -> PictureId {
    PictureId::parse(&format!("{number:032x}")).unwrap()
}

/// Its features.
pub fn features(number: u64) -> Vec<u8> {
    format!("features of {number}").into_bytes()
}

/// Its words.
pub fn words(number: u64) -> Vec<u8> {
    format!("words of {number}").into_bytes()
}

/// A source at `path`.
pub fn file(path: &str) -> SourceFile {
    SourceFile {
        path: path.into(),
        byte_len: 1000,
        modified_ns: -5,
        changed_ns: Some(-7),
        file_number: Some(u64::MAX),
    }
}

/// A picture without a source that was not uploaded.
pub fn picture(number: u64) -> NewPicture {
    NewPicture {
        id: id(number),
        name: format!("{number}.jpg"),
        media_type: "image/jpeg".into(),
        byte_len: u64::MAX - number,
        width: u32::MAX,
        height: 3,
        pages: 5,
        depth: 16,
        taken_ms: None,
        feature_count: 7,
        model: "sift-1".into(),
        uploaded: false,
        features: features(number),
        words: words(number),
        source: None,
        views: Vec::new(),
    }
}

/// Adds an uploaded picture.
pub fn upload(number: u64) -> Change {
    Change::Add(NewPicture {
        uploaded: true,
        ..picture(number)
    })
}

/// Page `page` of a picture.
pub fn view_of(number: u64, page: u32) -> NewView {
    NewView {
        number: page,
        time_ms: page.is_multiple_of(2).then_some(u64::from(page) * 40),
        width: 10 + page,
        height: u32::MAX,
        feature_count: page,
        features: format!("features of page {page} of {number}").into_bytes(),
        words: format!("words of page {page} of {number}").into_bytes(),
    }
}

/// Adds an uploaded picture with `count` further pages.
pub fn with_views(number: u64, count: u32) -> Change {
    Change::Add(NewPicture {
        uploaded: true,
        views: (2..2 + count).map(|page| view_of(number, page)).collect(),
        ..picture(number)
    })
}

/// Adds a picture with a source at `path`.
pub fn found(number: u64, path: &str) -> Change {
    Change::Add(NewPicture {
        source: Some(file(path)),
        ..picture(number)
    })
}

/// A refusal of the file at `path`.
pub fn refusal(path: &str, code: &str) -> Refusal {
    Refusal {
        source: file(path),
        code: code.into(),
        reason: format!("because of {code}"),
        seen_ms: 42,
    }
}

/// Forgets the source at `path`.
pub fn drop_source(path: &str) -> Change {
    Change::DropSource { path: path.into() }
}

/// Commits one change and returns its effect.
pub fn one(catalogue: &dyn Catalogue, change: Change) -> Effect {
    let mut effects = catalogue.commit(vec![change]).unwrap();
    assert_eq!(effects.len(), 1);
    effects.remove(0)
}

/// Commits the addition of a new picture and returns its key.
pub fn added(catalogue: &dyn Catalogue, change: Change) -> u64 {
    match one(catalogue, change) {
        Effect::Added { key, .. } => key,
        other => panic!("not new: {other:?}"),
    }
}

/// Tags with these texts.
pub fn tags(names: &[&str]) -> Vec<Tag> {
    names.iter().map(|name| Tag::parse(name).unwrap()).collect()
}

/// Changes the labels of a picture.
pub fn label(number: u64, patch: LabelPatch) -> Change {
    Change::Label {
        id: id(number),
        patch,
    }
}

/// Adds tags to a picture.
pub fn tagged(number: u64, names: &[&str]) -> Change {
    let add_tags = tags(names);
    let patch = LabelPatch {
        add_tags,
        ..LabelPatch::default()
    };
    label(number, patch)
}

/// A pair of two keys, lower key first.
pub fn pair(a: u64, b: u64) -> PicturePair {
    PicturePair {
        a,
        b,
        kind: 3,
        log10_nfa: -12.25,
        inliers: 41,
        coverage_a: 0.5,
        coverage_b: 0.75,
        alike: None,
        transform: [1.0, 0.5, -3.25, 0.0, 2.0, 1e-300, 1e-4, -0.0, 1.0],
        inverted: false,
        regions: Vec::new(),
    }
}
