//! Each change and its effect.

use super::fixtures::{Make, added, drop_source, file, found, id, one, picture, refusal, upload};
use crate::{Catalogue, Change, Effect, NewPicture, StoredBytes};

fn sources(catalogue: &dyn Catalogue, number: u64) -> Vec<String> {
    catalogue.picture(&id(number)).unwrap().unwrap().sources
}

pub(super) fn what_was_added_is_read_back(make: Make<'_>) {
    let catalogue = &*make();
    let key = added(catalogue, found(1, "/a.jpg"));
    let record = catalogue.picture(&id(1)).unwrap().unwrap();
    let new = picture(1);
    assert_eq!(record.key, key);
    assert_eq!(record.id, new.id);
    assert_eq!((record.name, record.media_type), (new.name, new.media_type));
    assert_eq!(record.byte_len, new.byte_len);
    assert_eq!((record.width, record.height), (new.width, new.height));
    assert_eq!((record.pages, record.depth), (Some(5), Some(16)));
    assert_eq!((record.feature_count, record.model), (7, new.model));
    assert!(!record.uploaded);
    assert!(record.added_ms > 1_600_000_000_000, "{}", record.added_ms);
    assert_eq!(record.sources, ["/a.jpg"]);
    assert_eq!(catalogue.features(&[key]).unwrap(), [Some(new.features)]);
    assert_eq!(catalogue.words_after(None, 9).unwrap(), [(key, new.words)]);
    let source = catalogue.source("/a.jpg").unwrap();
    assert_eq!(source, Some((file("/a.jpg"), id(1))));
}

pub(super) fn the_same_picture_again_only_gains_a_source_and_the_flag(make: Make<'_>) {
    let catalogue = &*make();
    let key = added(catalogue, found(1, "/b.jpg"));
    let again = Change::Add(NewPicture {
        name: "other".into(),
        features: vec![1, 2, 3],
        source: Some(file("/a.jpg")),
        ..picture(1)
    });
    let there = Effect::AlreadyThere {
        key,
        replaced: None,
    };
    assert_eq!(one(catalogue, again), there);
    assert_eq!(catalogue.count().unwrap(), 1);
    assert_eq!(
        catalogue.features(&[key]).unwrap(),
        [Some(picture(1).features)]
    );
    let record = catalogue.picture(&id(1)).unwrap().unwrap();
    assert_eq!((record.name.as_str(), record.uploaded), ("1.jpg", false));
    assert_eq!(record.sources, ["/a.jpg", "/b.jpg"]);
    assert_eq!(one(catalogue, upload(1)), there);
    assert!(catalogue.picture(&id(1)).unwrap().unwrap().uploaded);
    assert_eq!(one(catalogue, found(1, "/a.jpg")), there);
    assert!(
        catalogue.picture(&id(1)).unwrap().unwrap().uploaded,
        "the flag is never taken back"
    );
}

pub(super) fn remove_takes_everything_along_and_the_key_is_not_used_again(make: Make<'_>) {
    let catalogue = &*make();
    let key = added(catalogue, found(1, "/a.jpg"));
    let removed = Effect::Removed { key, id: id(1) };
    assert_eq!(one(catalogue, Change::Remove(id(1))), removed);
    assert_eq!(one(catalogue, Change::Remove(id(1))), Effect::NotFound);
    assert_eq!(catalogue.picture(&id(1)).unwrap(), None);
    assert_eq!(catalogue.features(&[key]).unwrap(), [None]);
    assert_eq!(catalogue.words_after(None, 9).unwrap(), []);
    assert_eq!(catalogue.source("/a.jpg").unwrap(), None);
    assert_eq!(catalogue.stored_bytes().unwrap(), StoredBytes::default());
    assert!(added(catalogue, upload(1)) > key);
}

pub(super) fn a_source_is_added_only_to_a_picture_that_is_there(make: Make<'_>) {
    let catalogue = &*make();
    let add = |number, path| Change::AddSource {
        id: id(number),
        source: file(path),
    };
    let key = added(catalogue, upload(1));
    assert_eq!(one(catalogue, add(2, "/a")), Effect::NotFound);
    assert_eq!(catalogue.source("/a").unwrap(), None);
    let there = Effect::AlreadyThere {
        key,
        replaced: None,
    };
    assert_eq!(one(catalogue, add(1, "/a")), there);
    assert_eq!(one(catalogue, add(1, "/a")), Effect::Unchanged);
    let mut touched = file("/a");
    touched.modified_ns += 1;
    let touch = Change::AddSource {
        id: id(1),
        source: touched.clone(),
    };
    assert_eq!(one(catalogue, touch), there);
    assert_eq!(catalogue.source("/a").unwrap(), Some((touched, id(1))));
    assert_eq!(sources(catalogue, 1), ["/a"]);
}

pub(super) fn a_picture_outlives_a_new_record_of_its_only_source(make: Make<'_>) {
    let catalogue = &*make();
    let key = added(catalogue, found(1, "/a"));
    let mut touched = file("/a");
    touched.byte_len += 1;
    let change = Change::AddSource {
        id: id(1),
        source: touched.clone(),
    };
    let there = Effect::AlreadyThere {
        key,
        replaced: None,
    };
    assert_eq!(one(catalogue, change), there);
    assert_eq!(catalogue.source("/a").unwrap(), Some((touched, id(1))));
    assert_eq!(one(catalogue, found(1, "/a")), there);
    assert_eq!(catalogue.picture(&id(1)).unwrap().unwrap().key, key);
}

pub(super) fn a_path_that_turns_to_another_picture_names_the_one_that_goes(make: Make<'_>) {
    let catalogue = &*make();
    let first = added(catalogue, found(1, "/a"));
    let effect = one(catalogue, found(2, "/a"));
    let Effect::Added { key, replaced } = effect else {
        panic!("{effect:?}");
    };
    assert_eq!(replaced, Some((first, id(1))));
    assert_eq!(catalogue.picture(&id(1)).unwrap(), None);
    // Not when it has another file, or was handed to us.
    one(catalogue, found(2, "/b"));
    let third = added(catalogue, upload(3));
    let turn = |number| Change::AddSource {
        id: id(number),
        source: file("/a"),
    };
    let there = |key, replaced| Effect::AlreadyThere { key, replaced };
    assert_eq!(one(catalogue, turn(3)), there(third, None));
    assert_eq!(sources(catalogue, 2), ["/b"]);
    assert_eq!(one(catalogue, turn(2)), there(key, None));
    assert_eq!(sources(catalogue, 3), [""; 0]);
    one(catalogue, drop_source("/b"));
    assert_eq!(one(catalogue, turn(3)), there(third, Some((key, id(2)))));
    assert_eq!(catalogue.count().unwrap(), 1);
}

pub(super) fn the_last_dropped_source_takes_the_picture_unless_it_was_uploaded(make: Make<'_>) {
    let catalogue = &*make();
    let key = added(catalogue, found(1, "/a"));
    one(catalogue, found(1, "/b"));
    let dropped = |removed| Effect::SourceDropped { removed };
    assert_eq!(one(catalogue, drop_source("/a")), dropped(None));
    assert_eq!(one(catalogue, drop_source("/a")), Effect::NotFound);
    assert_eq!(
        one(catalogue, drop_source("/b")),
        dropped(Some((key, id(1))))
    );
    assert_eq!(catalogue.count().unwrap(), 0);

    one(catalogue, upload(2));
    one(catalogue, found(2, "/c"));
    assert_eq!(one(catalogue, drop_source("/c")), dropped(None));
    assert_eq!(catalogue.count().unwrap(), 1);
}

pub(super) fn a_forgotten_source_takes_no_picture(make: Make<'_>) {
    let catalogue = &*make();
    let forget = |path: &str| Change::ForgetSource { path: path.into() };
    let dropped = Effect::SourceDropped { removed: None };
    let key = added(catalogue, found(1, "/a"));
    assert_eq!(one(catalogue, forget("/a")), dropped);
    assert_eq!(one(catalogue, forget("/a")), Effect::NotFound);
    assert_eq!(sources(catalogue, 1), [""; 0]);
    // It gets a path again, and goes with it as any other picture.
    let source = file("/b");
    let again = Change::AddSource { id: id(1), source };
    catalogue.commit(vec![again]).unwrap();
    let removed = Some((key, id(1)));
    assert_eq!(
        one(catalogue, drop_source("/b")),
        Effect::SourceDropped { removed }
    );
    one(catalogue, Change::Refuse(refusal("/c", "broken")));
    assert_eq!(one(catalogue, forget("/c")), dropped);
    assert_eq!(catalogue.refusal_count().unwrap(), 0);
}

pub(super) fn a_refusal_and_a_source_of_one_path_drop_each_other(make: Make<'_>) {
    let catalogue = &*make();
    let key = added(catalogue, found(1, "/a"));
    let refuse = |code| Change::Refuse(refusal("/a", code));
    let refused = |removed| Effect::Refused { removed };
    assert_eq!(
        one(catalogue, refuse("broken")),
        refused(Some((key, id(1))))
    );
    assert_eq!(catalogue.count().unwrap(), 0);
    assert_eq!(one(catalogue, refuse("too_large")), refused(None));
    assert_eq!(catalogue.refusal_count().unwrap(), 1);
    let all = catalogue.refusals_under("", None, 9).unwrap();
    assert_eq!(all, [refusal("/a", "too_large")]);
    added(catalogue, found(1, "/a"));
    assert_eq!(catalogue.refusal_count().unwrap(), 0);
    // The file is gone: its refusal is forgotten too.
    one(catalogue, Change::Refuse(refusal("/b", "broken")));
    assert_eq!(
        one(catalogue, drop_source("/b")),
        Effect::SourceDropped { removed: None }
    );
    assert_eq!(catalogue.refusal_count().unwrap(), 0);
}

pub(super) fn later_changes_of_a_batch_see_the_earlier(make: Make<'_>) {
    let catalogue = &*make();
    let effects = catalogue
        .commit(vec![
            upload(1),
            upload(1),
            Change::Remove(id(1)),
            Change::Remove(id(1)),
        ])
        .unwrap();
    let Effect::Added { key, .. } = effects[0] else {
        panic!("{effects:?}");
    };
    assert_eq!(
        effects[1..],
        [
            Effect::AlreadyThere {
                key,
                replaced: None
            },
            Effect::Removed { key, id: id(1) },
            Effect::NotFound,
        ]
    );
    assert_eq!(catalogue.commit(Vec::new()).unwrap(), []);
}

pub(super) fn one_of_several_threads_adds_a_picture(make: Make<'_>) {
    let catalogue = &*make();
    let add = |number: u64| {
        std::thread::scope(|scope| {
            let path = |thread: u64| format!("/{number}/{thread}");
            let threads =
                [1, 2, 3].map(|t| scope.spawn(move || one(catalogue, found(number, &path(t)))));
            threads.map(|thread| thread.join().unwrap())
        })
    };
    for number in 0..20 {
        let effects = add(number);
        let is_new = |effect: &&Effect| matches!(effect, Effect::Added { .. });
        assert_eq!(effects.iter().filter(is_new).count(), 1, "{effects:?}");
        assert_eq!(sources(catalogue, number).len(), 3);
    }
    assert_eq!(catalogue.count().unwrap(), 20);
}
