//! Pictures that lose and gain files within one batch.

use super::fixtures::{Make, added, drop_source, file, found, id, picture, refusal, upload};
use crate::{Catalogue, Change, Effect};

fn add_source(number: u64, path: &str) -> Change {
    Change::AddSource {
        id: id(number),
        source: file(path),
    }
}

fn sources(catalogue: &dyn Catalogue, number: u64) -> Vec<String> {
    catalogue.picture(&id(number)).unwrap().unwrap().sources
}

fn there(key: u64) -> Effect {
    Effect::AlreadyThere {
        key,
        replaced: None,
    }
}

pub(super) fn a_picture_that_moves_to_another_path_stays(make: Make<'_>) {
    // The file at /b is a copy of the old /a, whose content is new.
    let catalogue = &*make();
    let first = added(catalogue, found(1, "/a"));
    let effects = catalogue
        .commit(vec![found(2, "/a"), add_source(1, "/b")])
        .unwrap();
    let Effect::Added { replaced: None, .. } = effects[0] else {
        panic!("{effects:?}");
    };
    assert_eq!(effects[1], there(first));
    assert_eq!(sources(catalogue, 1), ["/b"]);
    assert_eq!(sources(catalogue, 2), ["/a"]);
    assert_eq!(catalogue.removed_pictures(9).unwrap(), []);
}

pub(super) fn two_files_that_swap_their_names_keep_both_pictures(make: Make<'_>) {
    let catalogue = &*make();
    let first = added(catalogue, found(1, "/a"));
    let second = added(catalogue, found(2, "/b"));
    let swap = vec![add_source(2, "/a"), add_source(1, "/b")];
    let effects = catalogue.commit(swap).unwrap();
    assert_eq!(effects, [there(second), there(first)]);
    assert_eq!(sources(catalogue, 1), ["/b"]);
    assert_eq!(sources(catalogue, 2), ["/a"]);
    assert_eq!(catalogue.removed_pictures(9).unwrap(), []);
}

pub(super) fn a_file_that_was_renamed_keeps_its_picture_key(make: Make<'_>) {
    for last in [drop_source("/a"), Change::Refuse(refusal("/a", "broken"))] {
        let catalogue = &*make();
        let key = added(catalogue, found(1, "/a"));
        let effects = catalogue.commit(vec![last, found(1, "/b")]).unwrap();
        assert!(
            matches!(
                effects[0],
                Effect::SourceDropped { removed: None } | Effect::Refused { removed: None }
            ),
            "{effects:?}"
        );
        assert_eq!(effects[1], there(key));
        assert_eq!(sources(catalogue, 1), ["/b"]);
    }
}

pub(super) fn a_picture_without_sources_at_the_end_is_named_once_where_it_lost_the_last(
    make: Make<'_>,
) {
    let catalogue = &*make();
    let key = added(catalogue, found(1, "/a"));
    let gone = Some((key, id(1)));
    // Lost, won back, lost again.
    let effects = catalogue
        .commit(vec![
            drop_source("/a"),
            add_source(1, "/b"),
            Change::Refuse(refusal("/c", "broken")),
            drop_source("/b"),
            drop_source("/b"),
        ])
        .unwrap();
    assert_eq!(
        effects,
        [
            Effect::SourceDropped { removed: None },
            there(key),
            Effect::Refused { removed: None },
            Effect::SourceDropped { removed: gone },
            Effect::NotFound,
        ]
    );
    assert_eq!(catalogue.count().unwrap(), 0);
}

pub(super) fn several_pictures_go_with_the_changes_that_took_their_files(make: Make<'_>) {
    let catalogue = &*make();
    let keys: Vec<u64> = (1..=3)
        .map(|number| added(catalogue, found(number, &format!("/{number}"))))
        .collect();
    let gone = |at: usize| Some((keys[at], id(at as u64 + 1)));
    let kept = added(catalogue, upload(4));
    let effects = catalogue
        .commit(vec![
            drop_source("/3"),
            add_source(4, "/1"),
            Change::Refuse(refusal("/2", "broken")),
        ])
        .unwrap();
    assert_eq!(
        effects,
        [
            Effect::SourceDropped { removed: gone(2) },
            Effect::AlreadyThere {
                key: kept,
                replaced: gone(0)
            },
            Effect::Refused { removed: gone(1) },
        ]
    );
    assert_eq!(catalogue.count().unwrap(), 1);
}

pub(super) fn a_picture_removed_by_name_after_its_last_file_is_named_there_alone(make: Make<'_>) {
    let catalogue = &*make();
    let key = added(catalogue, found(1, "/a"));
    let effects = catalogue
        .commit(vec![found(2, "/a"), Change::Remove(id(1))])
        .unwrap();
    assert!(
        matches!(effects[0], Effect::Added { replaced: None, .. }),
        "{effects:?}"
    );
    assert_eq!(effects[1], Effect::Removed { key, id: id(1) });
}

pub(super) fn an_upload_within_the_batch_keeps_a_picture_without_a_file(make: Make<'_>) {
    let catalogue = &*make();
    let key = added(catalogue, found(1, "/a"));
    let effects = catalogue
        .commit(vec![drop_source("/a"), upload(1)])
        .unwrap();
    assert_eq!(
        effects,
        [Effect::SourceDropped { removed: None }, there(key)]
    );
    assert_eq!(sources(catalogue, 1), [""; 0]);
}

pub(super) fn a_picture_that_never_had_a_file_is_left_alone(make: Make<'_>) {
    let catalogue = &*make();
    added(catalogue, Change::Add(picture(1)));
    let key = added(catalogue, found(2, "/a"));
    let effects = catalogue.commit(vec![drop_source("/a")]).unwrap();
    let removed = Some((key, id(2)));
    assert_eq!(effects, [Effect::SourceDropped { removed }]);
    assert!(catalogue.picture(&id(1)).unwrap().is_some());
}
