//! Further pages and frames.

use super::fixtures::{
    Make, added, features, file, found, id, one, pair, picture, tagged, tags, upload, view_of,
    with_views, words,
};
use super::labels::check_matching;
use crate::{Catalogue, Change, Effect, Filter, NewPicture};

/// What is stored for one key.
fn encoded(catalogue: &dyn Catalogue, key: u64) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    let features = catalogue.features(&[key]).unwrap().remove(0);
    let words = catalogue.words(&[key]).unwrap().remove(0);
    (features, words)
}

pub(super) fn views_have_the_keys_after_their_picture(make: Make<'_>) {
    let catalogue = &*make();
    let first = added(catalogue, with_views(1, 2));
    let second = added(catalogue, upload(2));
    assert!(second > first + 2, "no picture gets the key of a view");
    let views = catalogue.views_of(first).unwrap();
    let told = views
        .iter()
        .map(|view| (view.key, view.picture, view.number));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [(first + 1, first, 2), (first + 2, first, 3)]
    );
    let new = view_of(1, 2);
    assert_eq!(views[0].time_ms, new.time_ms);
    assert_eq!([views[0].width, views[0].height], [new.width, new.height]);
    assert_eq!(views[0].feature_count, new.feature_count);
    let by_key = catalogue
        .views(&[first + 2, first, first + 2, second])
        .unwrap();
    let expected = [Some(views[1].clone()), None, Some(views[1].clone()), None];
    assert_eq!(by_key, expected);
    assert_eq!(catalogue.views_of(second).unwrap(), []);
    assert_eq!(catalogue.view_count().unwrap(), 2);
}

pub(super) fn a_picture_counts_once(make: Make<'_>) {
    let catalogue = &*make();
    let key = added(catalogue, with_views(1, 3));
    assert_eq!(catalogue.count().unwrap(), 1);
    assert_eq!(catalogue.keys_after(None, 9).unwrap(), [(key, 7)]);
    assert_eq!(catalogue.list(0, 9).unwrap().len(), 1);
    assert_eq!(catalogue.pictures(&[key + 1]).unwrap(), [None]);
    let all = crate::Filter::default();
    let matching = catalogue.matching_keys_after(&all, None, 9).unwrap();
    assert_eq!(matching, [key]);
    assert_eq!(catalogue.without_vector_after("m", None, 9).unwrap(), [key]);
    let described = catalogue.described_after(None, 9).unwrap();
    let expected = [(key, 7), (key + 1, 2), (key + 2, 3), (key + 3, 4)];
    assert_eq!(described, expected);
    let after = catalogue.described_after(Some(key + 1), 1).unwrap();
    assert_eq!(after, expected[2..3]);
    let keys = catalogue.view_keys_after(Some(key + 1), 9).unwrap();
    assert_eq!(keys, [(key + 2, key), (key + 3, key)]);
    assert_eq!(
        catalogue.view_keys_after(None, 1).unwrap(),
        [(key + 1, key)]
    );
}

pub(super) fn few_features_are_few_on_each_page(make: Make<'_>) {
    let catalogue = &*make();
    // Seven features on the first page each, and so many on the second.
    let keys = [6, 7, 40].map(|features| {
        let mut view = view_of(features.into(), 2);
        view.feature_count = features;
        let other = view_of(features.into(), 3);
        added(
            catalogue,
            Change::Add(NewPicture {
                views: vec![other, view],
                ..picture(features.into())
            }),
        )
    });
    let single = added(catalogue, upload(1));
    for (below, expected) in [
        (7, &[][..]),
        (8, &[keys[0], keys[1], single]),
        (40, &[keys[0], keys[1], single]),
        (41, &[keys[0], keys[1], keys[2], single]),
    ] {
        let filter = Filter {
            features_below: Some(below),
            ..Filter::default()
        };
        check_matching(catalogue, &filter, expected);
    }
}

pub(super) fn features_and_words_are_those_of_pictures_and_views(make: Make<'_>) {
    let catalogue = &*make();
    let first = added(catalogue, with_views(1, 2));
    let second = added(catalogue, with_views(2, 1));
    let view = |number, page| view_of(number, page);
    let all = [
        (first, features(1), words(1)),
        (first + 1, view(1, 2).features, view(1, 2).words),
        (first + 2, view(1, 3).features, view(1, 3).words),
        (second, features(2), words(2)),
        (second + 1, view(2, 2).features, view(2, 2).words),
    ];
    let of_features: Vec<_> = all.iter().map(|one| (one.0, one.1.clone())).collect();
    let of_words: Vec<_> = all.iter().map(|one| (one.0, one.2.clone())).collect();
    assert_eq!(catalogue.features_after(None, 99).unwrap(), of_features);
    assert_eq!(catalogue.words_after(None, 99).unwrap(), of_words);
    for after in 0..4 {
        let page = catalogue.words_after(Some(all[after].0), 2).unwrap();
        let until = (after + 3).min(all.len());
        assert_eq!(page, of_words[after + 1..until], "{after}");
    }
    let keys = [second + 1, first, 999, first + 2, second + 1];
    let read = catalogue.features(&keys).unwrap();
    let expected = [
        Some(all[4].1.clone()),
        Some(all[0].1.clone()),
        None,
        Some(all[2].1.clone()),
        Some(all[4].1.clone()),
    ];
    assert_eq!(read, expected);
    let bytes = catalogue.stored_bytes().unwrap();
    let sum = |all: &[(u64, Vec<u8>)]| all.iter().map(|one| one.1.len() as u64).sum::<u64>();
    assert_eq!(
        (bytes.features, bytes.words),
        (sum(&of_features), sum(&of_words))
    );
}

pub(super) fn views_go_with_their_picture_and_their_keys_are_not_used_again(make: Make<'_>) {
    let catalogue = &*make();
    let key = added(catalogue, with_views(1, 2));
    // The same bytes again bring no second set.
    assert!(matches!(
        one(catalogue, with_views(1, 3)),
        Effect::AlreadyThere { .. }
    ));
    assert_eq!(catalogue.view_count().unwrap(), 2);
    one(catalogue, Change::Remove(id(1)));
    assert_eq!(catalogue.view_count().unwrap(), 0);
    assert_eq!(catalogue.views(&[key + 1]).unwrap(), [None]);
    assert_eq!(encoded(catalogue, key + 2), (None, None));
    assert_eq!(catalogue.described_after(None, 9).unwrap(), []);
    let bytes = catalogue.stored_bytes().unwrap();
    assert_eq!((bytes.features, bytes.words), (0, 0));
    let again = added(catalogue, with_views(1, 1));
    assert!(again > key + 2);
    assert_eq!(catalogue.views_of(again).unwrap()[0].key, again + 1);
    // In one batch, and with a file that another picture takes.
    let mut found = picture(3);
    found.source = Some(super::fixtures::file("/a"));
    found.views = vec![view_of(3, 2)];
    let mut heir = picture(4);
    heir.source = Some(super::fixtures::file("/a"));
    let effects = catalogue
        .commit(vec![Change::Add(found), Change::Add(heir)])
        .unwrap();
    let Effect::Added { key: gone, .. } = effects[0] else {
        panic!("{effects:?}");
    };
    assert_eq!(catalogue.views_of(gone).unwrap(), []);
    assert_eq!(catalogue.view_count().unwrap(), 1);
}

pub(super) fn staged_words_are_adopted_once_every_view_has_some(make: Make<'_>) {
    let catalogue = &*make();
    let key = added(catalogue, with_views(1, 2));
    let new = |key: u64| (key, format!("new words of {key}").into_bytes());
    catalogue.stage_words(&[new(key), new(key + 2)]).unwrap();
    assert_eq!(catalogue.staged_last().unwrap(), Some(key + 2));
    assert!(!catalogue.adopt_staged("vocabulary", "new").unwrap());
    assert_eq!(encoded(catalogue, key + 2).1, Some(view_of(1, 3).words));
    catalogue.stage_words(&[new(key + 1)]).unwrap();
    let staged = [new(key), new(key + 1), new(key + 2)];
    assert_eq!(catalogue.staged_after(None, 9).unwrap(), staged);
    assert_eq!(catalogue.staged_after(Some(key), 1).unwrap(), staged[1..2]);
    assert!(catalogue.adopt_staged("vocabulary", "new").unwrap());
    assert_eq!(catalogue.words_after(None, 9).unwrap(), staged);
    assert_eq!(catalogue.staged_after(None, 9).unwrap(), []);
    let sum = staged.iter().map(|one| one.1.len() as u64).sum::<u64>();
    assert_eq!(catalogue.stored_bytes().unwrap().words, sum);

    catalogue.stage_words(&[new(key + 1)]).unwrap();
    catalogue.discard_staged().unwrap();
    assert_eq!(catalogue.staged_last().unwrap(), None);
    // Views are added and removed as before.
    let more = added(catalogue, with_views(2, 1));
    assert_eq!(encoded(catalogue, more + 1).1, Some(view_of(2, 2).words));
    one(catalogue, Change::Remove(id(2)));
    assert_eq!(encoded(catalogue, more + 1), (None, None));
}

pub(super) fn features_and_words_of_a_view_are_replaced(make: Make<'_>) {
    let catalogue = &*make();
    let key = added(catalogue, with_views(1, 2));
    assert!(catalogue.replace_words(key + 1, b"other").unwrap());
    assert_eq!(encoded(catalogue, key + 1).1, Some(b"other".to_vec()));
    let replaced = catalogue.replace_features(key + 2, 11, b"new", b"new words");
    assert!(replaced.unwrap());
    let expected = (Some(b"new".to_vec()), Some(b"new words".to_vec()));
    assert_eq!(encoded(catalogue, key + 2), expected);
    assert_eq!(catalogue.views_of(key).unwrap()[1].feature_count, 11);
    assert_eq!(encoded(catalogue, key), (Some(features(1)), Some(words(1))));
    assert_eq!(catalogue.unsealed_after(None, 9).unwrap(), [0; 0]);
}

pub(super) fn a_picture_that_is_retaken_keeps_all_but_its_key(make: Make<'_>) {
    let catalogue = &*make();
    let before = added(catalogue, found(1, "/a.tif"));
    let other = added(catalogue, with_views(2, 1));
    one(catalogue, tagged(1, &["kept"]));
    catalogue.put_vectors("m", &[(before, vec![1; 8])]).unwrap();
    catalogue.put_pairs(&[pair(before, other)], other).unwrap();
    catalogue.add_not_a_match(&id(1), &id(2)).unwrap();
    let record = catalogue.picture(&id(1)).unwrap().unwrap();
    let new = NewPicture {
        name: "another".into(),
        width: 77,
        pages: 3,
        feature_count: 9,
        features: b"new features".to_vec(),
        words: b"new words".to_vec(),
        source: Some(file("/b.tif")),
        views: vec![view_of(1, 2), view_of(1, 3)],
        ..picture(1)
    };
    let effect = one(catalogue, Change::Retake(new.clone()));
    let Effect::Retaken {
        key,
        before: was,
        replaced: None,
    } = effect
    else {
        panic!("{effect:?}");
    };
    assert!(was == before && key > other + 1, "{effect:?}");
    let now = catalogue.picture(&id(1)).unwrap().unwrap();
    let expected = crate::PictureRecord {
        key,
        width: 77,
        pages: Some(3),
        feature_count: 9,
        sources: vec!["/a.tif".into(), "/b.tif".into()],
        ..record
    };
    assert_eq!(now, expected);
    assert_eq!(now.labels.tags, tags(&["kept"]));
    let numbers = |key| {
        let views = catalogue.views_of(key).unwrap().into_iter();
        views
            .map(|view| (view.key, view.number))
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(key), [(key + 1, 2), (key + 2, 3)]);
    assert_eq!(
        encoded(catalogue, key),
        (Some(new.features), Some(new.words))
    );
    assert_eq!(encoded(catalogue, before), (None, None));
    assert_eq!(catalogue.pictures(&[before]).unwrap(), [None]);
    assert_eq!(catalogue.count().unwrap(), 2);
    // What belongs to the key is made again, and what belongs to the id stays.
    assert_eq!(catalogue.vectors("m", &[key]).unwrap(), [None]);
    assert_eq!(catalogue.links_after(None, 9).unwrap(), []);
    assert_eq!(catalogue.not_match_count().unwrap(), 1);
    assert_eq!(catalogue.removed_pictures(9).unwrap(), []);
    assert_eq!(catalogue.unsealed_after(None, 9).unwrap(), [0; 0]);
    let next = added(catalogue, upload(4));
    assert!(next > key + 2);
    assert_eq!(one(catalogue, Change::Retake(picture(9))), Effect::NotFound);
    // Without views again, and with a path of another picture.
    one(catalogue, found(5, "/c.tif"));
    let fewer = NewPicture {
        source: Some(file("/c.tif")),
        ..picture(1)
    };
    let effect = one(catalogue, Change::Retake(fewer));
    assert!(
        matches!(effect, Effect::Retaken { replaced: Some((_, ref gone)), .. } if *gone == id(5)),
        "{effect:?}"
    );
    assert_eq!(catalogue.view_count().unwrap(), 1);
}

pub(super) fn a_retaken_picture_whose_last_file_went_is_removed_under_its_new_key(make: Make<'_>) {
    let catalogue = &*make();
    let before = added(catalogue, found(1, "/a.tif"));
    let changes = vec![
        super::fixtures::drop_source("/a.tif"),
        Change::Retake(picture(1)),
    ];
    let effects = catalogue.commit(changes).unwrap();
    let Effect::Retaken { key, .. } = effects[1] else {
        panic!("{effects:?}");
    };
    assert_eq!(
        effects[0],
        Effect::SourceDropped {
            removed: Some((key, id(1)))
        }
    );
    assert!(key > before);
    assert_eq!(catalogue.count().unwrap(), 0);
}
