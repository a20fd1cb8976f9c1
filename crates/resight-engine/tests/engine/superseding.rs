//! Removing pictures in favour of others.

use resight_engine::{EngineOptions, LabelPatch, PictureId, Superseded, Supersession, Tag};

use crate::support::{Bench, parts, picture};

/// A supersession, and the tags that are added with it.
fn one(keep: &PictureId, remove: &[&PictureId], tags: &[String]) -> (Supersession, LabelPatch) {
    let wanted = Supersession {
        keep: keep.clone(),
        remove: remove.iter().map(|id| (*id).clone()).collect(),
    };
    (wanted, added(tags))
}

fn added(tags: &[String]) -> LabelPatch {
    let tags = tags.iter().map(|tag| Tag::parse(tag).unwrap());
    LabelPatch {
        add_tags: tags.collect(),
        ..LabelPatch::default()
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
    let done = |wanted: &[(Supersession, LabelPatch)]| {
        let (wanted, patches): (Vec<_>, Vec<_>) = wanted.iter().cloned().unzip();
        let mut patch = |number: usize, _: &_| Some(patches[number].clone());
        bench.library.supersede(&wanted, &mut patch).unwrap()
    };
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

#[test]
fn labels_are_told_as_they_are_when_pictures_go() {
    let root = tempfile::tempdir().unwrap();
    let bench = Bench::open(parts(root.path()), EngineOptions::default()).unwrap();
    let add = |number| {
        let added = bench.indexer.add(&picture(number, 0), "a.png");
        added.unwrap().picture.id
    };
    let [a, b, c] = [0, 1, 2].map(add);
    let label = |id: &PictureId, tag: &str| {
        let patch = added(&[tag.to_owned()]);
        bench.library.label(vec![(id.clone(), patch)]).unwrap();
    };
    let tags = |id: &PictureId| bench.library.picture(id).unwrap().labels.tags;
    let (wanted, _) = one(&b, &[&a, &c], &[]);
    label(&a, "of a");
    bench.library.remove(std::slice::from_ref(&c)).unwrap();
    let mut refuse = |_: usize, _: &_| None;
    let refused = bench
        .library
        .supersede(std::slice::from_ref(&wanted), &mut refuse);
    assert_eq!(refused.unwrap(), [Superseded::NoPatch]);
    assert!(bench.library.picture(&a).is_ok() && tags(&b).is_empty());
    label(&b, "of b");
    let mut carry = |number: usize, then: &resight_engine::LabelsThen| {
        assert_eq!((number, &then.kept.tags), (0, &tags(&b)));
        assert_eq!(then.removed.len(), 1, "one is not stored");
        let add_tags = then.removed[&a].tags.clone();
        Some(LabelPatch {
            add_tags,
            ..LabelPatch::default()
        })
    };
    let done = bench
        .library
        .supersede(std::slice::from_ref(&wanted), &mut carry);
    assert_eq!(done.unwrap(), [Superseded::Done]);
    assert_eq!(tags(&b).len(), 2);
}
