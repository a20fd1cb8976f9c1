//! The search for duplicates in the background.

use std::sync::Arc;

use resight_app::collections::Collections;
use resight_engine::{DuplicateOptions, Duplicates, Indexer, Library};
use resight_test_support::{jpeg, textured};

use crate::support::{World, add, named, until};

fn add_copy(library: &Arc<Library>, seed: u64) {
    let copy = jpeg(&textured(240, 180, seed), 80);
    Indexer::new(library.clone())
        .add(&copy, "copy.jpg")
        .unwrap();
}

/// Sizes of the groups, and the number of pictures that are not paired yet.
fn groups(library: &Arc<Library>) -> (Vec<usize>, u64) {
    let duplicates = Duplicates::new(library.clone());
    let found = duplicates.groups(&DuplicateOptions::default()).unwrap();
    let sizes = found.groups.iter().map(|group| group.members.len());
    (sizes.collect(), found.pending)
}

#[test]
fn pictures_of_all_open_collections_are_paired_also_those_that_come_later() {
    let world = World::new();
    let folder = world.open();
    let library = folder.library.clone();
    let collections = Collections::beside(&folder, &world.config());
    collections.create(&named("a")).unwrap();
    let other = collections.lease(&named("a")).unwrap().shared();
    for library in [&library, &other] {
        add(library, 1);
        add(library, 2);
        add_copy(library, 1);
    }
    assert_eq!(groups(&library), (vec![], 3));

    let search = collections.find_duplicates_in_background().unwrap();
    for library in [&library, &other] {
        until("the first pictures", || groups(library).1 == 0);
        assert_eq!(groups(library), (vec![2], 0));
    }
    add_copy(&other, 2);
    until("the last picture", || groups(&other).1 == 0);
    assert_eq!(groups(&other).0, [2, 2]);

    drop(search);
    add_copy(&library, 2);
    assert_eq!(groups(&library), (vec![2], 1), "the search has ended");
    // It does not keep a collection from being removed.
    drop(other);
    collections.remove(&named("a")).unwrap();
    assert!(
        Collections::default()
            .find_duplicates_in_background()
            .is_none()
    );
}
