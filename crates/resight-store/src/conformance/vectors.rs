//! Vectors of whole pictures.

use super::fixtures::{Make, added, id, one, upload};
use crate::Change;

fn vector(number: u64) -> Vec<u8> {
    format!("vector of {number}").into_bytes()
}

pub(super) fn vectors_are_stored_by_model_and_go_with_their_picture(make: Make<'_>) {
    let catalogue = &*make();
    assert_eq!(catalogue.vector_keys_after("a", None, 9).unwrap(), []);
    assert_eq!(catalogue.vectors("a", &[1, 2]).unwrap(), [None, None]);
    assert_eq!(catalogue.vector_counts().unwrap(), []);
    let keys: Vec<u64> = (1..=4).map(|n| added(catalogue, upload(n))).collect();
    assert_eq!(catalogue.without_vector_after("a", None, 9).unwrap(), keys);

    let put = [
        (keys[0], vector(1)),
        (keys[2], vector(3)),
        (keys[3], Vec::new()),
        (999, vector(9)),
    ];
    catalogue.put_vectors("a", &put).unwrap();
    catalogue
        .put_vectors("b", &[(keys[1], vector(22))])
        .unwrap();
    assert_eq!(
        catalogue.vector_keys_after("a", None, 9).unwrap(),
        [keys[0], keys[2]]
    );
    let page = |after, limit| catalogue.vector_keys_after("a", after, limit);
    assert_eq!(page(None, 1).unwrap(), [keys[0]]);
    assert_eq!(page(Some(keys[0]), 9).unwrap(), [keys[2]]);
    assert_eq!(page(Some(keys[2]), 9).unwrap(), []);
    let some = catalogue.vectors("a", &[keys[2], keys[1], keys[3], 999]);
    assert_eq!(some.unwrap(), [Some(vector(3)), None, None, None]);
    assert_eq!(
        catalogue.without_vector_after("a", None, 9).unwrap(),
        [keys[1]]
    );
    let above = catalogue
        .without_vector_after("b", Some(keys[1]), 1)
        .unwrap();
    assert_eq!(above, [keys[2]]);
    let counts = catalogue.vector_counts().unwrap();
    let counts: Vec<_> = counts
        .iter()
        .map(|c| (&*c.model, c.vectors, c.without))
        .collect();
    assert_eq!(counts, [("a", 2, 1), ("b", 1, 0)]);

    // Again, in place of what was there; and gone with the picture.
    catalogue
        .put_vectors("a", &[(keys[0], vector(11))])
        .unwrap();
    one(catalogue, Change::Remove(id(3)));
    assert_eq!(
        catalogue.vector_keys_after("a", None, 9).unwrap(),
        [keys[0]]
    );
    assert_eq!(
        catalogue.vectors("a", &[keys[0]]).unwrap(),
        [Some(vector(11))]
    );

    // A model stays until it is dropped.
    catalogue.put_vectors("c", &[]).unwrap();
    one(catalogue, Change::Remove(id(2)));
    let counts = catalogue.vector_counts().unwrap();
    let counts: Vec<_> = counts.iter().map(|c| (&*c.model, c.vectors)).collect();
    assert_eq!(counts, [("a", 1), ("b", 0), ("c", 0)]);
    let other = vector(44);
    catalogue.put_vectors("b", &[(keys[3], other)]).unwrap();

    catalogue.drop_vectors("a", "in_use", "b").unwrap();
    assert_eq!(catalogue.vector_keys_after("a", None, 9).unwrap(), []);
    assert_eq!(
        catalogue.vector_keys_after("b", None, 9).unwrap(),
        [keys[3]]
    );
    assert_eq!(catalogue.setting("in_use").unwrap().as_deref(), Some("b"));
}

pub(super) fn a_vector_and_the_record_that_there_is_none_replace_each_other(make: Make<'_>) {
    let catalogue = &*make();
    let keys: Vec<u64> = (1..=2).map(|n| added(catalogue, upload(n))).collect();
    let put = |first: Vec<u8>, second: Vec<u8>| {
        let vectors = [(keys[0], first), (keys[1], second)];
        catalogue.put_vectors("a", &vectors).unwrap();
        // Both are described, with a vector or without.
        assert_eq!(catalogue.without_vector_after("a", None, 9).unwrap(), []);
        let counts = catalogue.vector_counts().unwrap();
        let counts = counts.iter().map(|c| (c.vectors, c.without));
        assert!(counts.eq([(1, 1)]));
        let with = catalogue.vector_keys_after("a", None, 9).unwrap();
        (with, catalogue.vectors("a", &keys).unwrap())
    };
    let first = (vec![keys[0]], vec![Some(vector(1)), None]);
    assert_eq!(put(vector(1), Vec::new()), first);
    let second = (vec![keys[1]], vec![None, Some(vector(2))]);
    assert_eq!(put(Vec::new(), vector(2)), second);
    assert_eq!(put(vector(1), Vec::new()), first);
}
