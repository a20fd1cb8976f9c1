//! Removing pictures in favour of others.

use resight_engine::{EngineOptions, LabelPatch, PictureId, Superseded, Supersession, Tag};

use crate::support::{Bench, parts, picture};

fn one(keep: &PictureId, remove: &[&PictureId], tags: &[String]) -> Supersession {
    let tags = tags.iter().map(|tag| Tag::parse(tag).unwrap());
    Supersession {
        keep: keep.clone(),
        patch: LabelPatch {
            add_tags: tags.collect(),
            ..LabelPatch::default()
        },
        remove: remove.iter().map(|id| (*id).clone()).collect(),
    }
}

#[test]
fn a_picture_goes_only_while_the_one_in_whose_favour_is_stored() {
    let root = tempfile::tempdir().unwrap();
    let bench = Bench::open(parts(root.path()), EngineOptions::default()).unwrap();
    let add = |number| {
        let added = bench.indexer.add(&picture(number, 0), "a.png");
        added.unwrap().picture.id
    };
    let [a, b, c, d] = [0, 1, 2, 3].map(add);
    let is_stored = |id: &PictureId| bench.library.picture(id).is_ok();
    let done = |wanted: &[Supersession]| bench.library.supersede(wanted).unwrap();
    // Too many tags leave all as it is, and the rest of the call is done.
    let many: Vec<String> = (0..40).map(|number| format!("first {number}")).collect();
    let more: Vec<String> = (0..40).map(|number| format!("second {number}")).collect();
    let outcomes = done(&[one(&a, &[], &many), one(&c, &[&d], &[])]);
    assert_eq!(outcomes, [Superseded::Done, Superseded::Done]);
    assert!(!is_stored(&d));
    assert_eq!(done(&[one(&a, &[&b], &more)]), [Superseded::TooManyTags]);
    assert!(is_stored(&b));
    // The opposite of what was done, in the same call and after it.
    let both = [one(&a, &[&b], &[]), one(&b, &[&a], &["x".to_owned()])];
    assert_eq!(done(&both), [Superseded::Done, Superseded::KeptUnknown]);
    assert_eq!(done(&both[1..]), [Superseded::KeptUnknown]);
    assert_eq!(done(&[one(&a, &[&a], &[])]), [Superseded::KeptUnknown]);
    assert!(is_stored(&a) && !is_stored(&b));
    // Those that are not stored are passed over.
    assert_eq!(
        done(&[one(&a, &[&b, &c], &["y".to_owned()])]),
        [Superseded::Done]
    );
    assert!(!is_stored(&c));
    assert_eq!(bench.library.picture(&a).unwrap().labels.tags.len(), 41);
}
