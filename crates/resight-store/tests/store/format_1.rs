//! A file of the first format, which knew no tags and no pairs. It was written by the version of that time, for
//! two pictures of 16 features each, and made smaller by SQLite's own VACUUM alone.

use std::path::Path;

use resight_store::conformance::fixtures::{one, tags, upload};
use resight_store::{
    Change, Effect, EncodedFeatures, Filter, LabelPatch, LabelQueries, Labels, Pairs, PictureId,
    Pictures, Refusals, SqliteCatalogue,
};

const FILE: &[u8] = include_bytes!("format_1.sqlite3");
const FIRST: &str = "eae3eb517dfe81e86ea94d2c0fe30294";

fn put(dir: &Path) {
    std::fs::write(dir.join("catalogue.sqlite3"), FILE).unwrap();
}

/// What the file has, migrated or read as it is.
fn check(catalogue: &SqliteCatalogue) {
    let records = catalogue.list(0, 9).unwrap();
    let names: Vec<&str> = records.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["b.png", "a.png"]);
    assert!(records.iter().all(|r| r.labels == Labels::default()));
    assert_eq!(records[1].sources, ["/pictures/pics/a.png"]);
    assert_eq!(records[1].id.as_str(), FIRST);
    let keys = catalogue.keys_after(None, 9).unwrap();
    assert_eq!(keys, [(1, 16), (2, 16)]);
    let features = catalogue.features(&[1, 2]).unwrap();
    assert!(
        features
            .iter()
            .all(|f| f.as_ref().is_some_and(|f| f.len() == 2311))
    );
    assert_eq!(catalogue.refusal_count().unwrap(), 1);
    assert_eq!(catalogue.matching_count(&Filter::default()).unwrap(), 2);
    let tagged = Filter {
        tags: tags(&["a"]),
        ..Filter::default()
    };
    assert!(
        catalogue
            .matching_keys_after(&tagged, None, 9)
            .unwrap()
            .is_empty()
    );
    assert!(catalogue.objects(0, 9).unwrap().is_empty());
    assert!(catalogue.links_after(None, 9).unwrap().is_empty());
    assert_eq!(catalogue.unchecked_count().unwrap(), 2);
}

#[test]
fn the_first_format_is_migrated() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path());
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    check(&catalogue);
    let id = PictureId::parse(FIRST).unwrap();
    let patch = LabelPatch {
        add_tags: tags(&["a"]),
        ..LabelPatch::default()
    };
    let label = Change::Label {
        id: id.clone(),
        patch,
    };
    assert_eq!(one(&catalogue, label), Effect::Labelled);
    // No key comes again.
    assert!(matches!(
        one(&catalogue, upload(1)),
        Effect::Added { key: 3, .. }
    ));
    drop(catalogue);
    let again = SqliteCatalogue::open(dir.path()).unwrap();
    let labels = again.picture(&id).unwrap().unwrap().labels;
    assert_eq!(labels.tags, tags(&["a"]));
}

#[test]
fn the_first_format_is_read_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path());
    check(&SqliteCatalogue::open_read_only(dir.path()).unwrap());
    let after = std::fs::read(dir.path().join("catalogue.sqlite3")).unwrap();
    assert!(after == FILE, "reading changes nothing");
    SqliteCatalogue::open(dir.path()).unwrap();
    check(&SqliteCatalogue::open_read_only(dir.path()).unwrap());
}
