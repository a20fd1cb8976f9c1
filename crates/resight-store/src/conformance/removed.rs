//! The record of removed pictures whose blobs are still to be deleted.

use super::fixtures::{Make, added, drop_source, found, id, refusal, upload};
use crate::Change;

fn remove(number: u64) -> Change {
    Change::Remove(id(number))
}

pub(super) fn every_way_of_removing_leaves_a_record(make: Make<'_>) {
    let catalogue = &*make();
    for number in 1..=4 {
        added(catalogue, found(number, &format!("/{number}")));
    }
    assert_eq!(catalogue.removed_pictures(9).unwrap(), []);
    catalogue.commit(vec![remove(4)]).unwrap();
    catalogue.commit(vec![drop_source("/3")]).unwrap();
    let refuse = Change::Refuse(refusal("/2", "broken"));
    catalogue.commit(vec![refuse]).unwrap();
    catalogue.commit(vec![found(5, "/1")]).unwrap();
    // Nothing of these is removed.
    catalogue
        .commit(vec![remove(9), drop_source("/9")])
        .unwrap();
    let all = [id(1), id(2), id(3), id(4)];
    assert_eq!(catalogue.removed_pictures(9).unwrap(), all);
    assert_eq!(catalogue.removed_pictures(2).unwrap(), all[..2]);
    assert_eq!(catalogue.removed_pictures(0).unwrap(), []);
    assert_eq!(catalogue.removed_pictures(usize::MAX).unwrap(), all);
}

pub(super) fn what_is_forgotten_leaves_the_record_and_nothing_else_does(make: Make<'_>) {
    let catalogue = &*make();
    for number in 1..=3 {
        added(catalogue, upload(number));
        catalogue.commit(vec![remove(number)]).unwrap();
    }
    catalogue.forget_removed(&[]).unwrap();
    catalogue.forget_removed(&[id(3), id(7), id(1)]).unwrap();
    assert_eq!(catalogue.removed_pictures(9).unwrap(), [id(2)]);
}

pub(super) fn a_picture_added_again_leaves_the_record(make: Make<'_>) {
    let catalogue = &*make();
    added(catalogue, upload(1));
    catalogue.commit(vec![remove(1)]).unwrap();
    added(catalogue, upload(1));
    assert_eq!(catalogue.removed_pictures(9).unwrap(), []);
    catalogue.commit(vec![remove(1), upload(1)]).unwrap();
    assert_eq!(catalogue.removed_pictures(9).unwrap(), []);
    catalogue
        .commit(vec![remove(1), upload(1), remove(1)])
        .unwrap();
    assert_eq!(catalogue.removed_pictures(9).unwrap(), [id(1)]);
}
