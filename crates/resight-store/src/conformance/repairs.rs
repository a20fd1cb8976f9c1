//! Replacing what is damaged.

use super::fixtures::{Make, added, features, upload, words};

pub(super) fn features_and_words_are_replaced(make: Make<'_>) {
    let catalogue = &*make();
    let (first, second) = (added(catalogue, upload(1)), added(catalogue, upload(2)));
    assert!(catalogue.replace_words(first, b"other").unwrap());
    let read = catalogue.words(&[first, second]).unwrap();
    assert_eq!(read, [Some(b"other".to_vec()), Some(words(2))]);
    let replaced = catalogue.replace_features(second, 11, b"new", b"new words");
    assert!(replaced.unwrap());
    let read = catalogue.features(&[first, second]).unwrap();
    assert_eq!(read, [Some(features(1)), Some(b"new".to_vec())]);
    let read = catalogue.words(&[second]).unwrap();
    assert_eq!(read, [Some(b"new words".to_vec())]);
    assert_eq!(
        catalogue.keys_after(None, 9).unwrap(),
        [(first, 7), (second, 11)]
    );
    let bytes = catalogue.stored_bytes().unwrap();
    assert_eq!(bytes.features, features(1).len() as u64 + 3);
    assert_eq!(bytes.words, 5 + 9);
    assert!(!catalogue.replace_words(second + 1, b"").unwrap());
    let unknown = catalogue.replace_features(second + 1, 1, b"", b"");
    assert!(!unknown.unwrap());
}

pub(super) fn a_forgotten_vector_is_missing_as_if_never_made(make: Make<'_>) {
    let catalogue = &*make();
    let key = added(catalogue, upload(1));
    catalogue.put_vectors("m", &[(key, vec![1; 8])]).unwrap();
    assert!(!catalogue.forget_vector("other", key).unwrap());
    assert!(catalogue.forget_vector("m", key).unwrap());
    assert!(!catalogue.forget_vector("m", key).unwrap());
    assert_eq!(catalogue.vectors("m", &[key]).unwrap(), [None]);
    assert_eq!(catalogue.without_vector_after("m", None, 9).unwrap(), [key]);
}

pub(super) fn what_was_just_written_lacks_no_checksum(make: Make<'_>) {
    let catalogue = &*make();
    let key = added(catalogue, upload(1));
    catalogue.put_vectors("m", &[(key, vec![1; 8])]).unwrap();
    assert_eq!(catalogue.unsealed_after(None, 9).unwrap(), [0; 0]);
    assert_eq!(catalogue.seal(&[key, key + 1]).unwrap(), 0);
    catalogue.rebuild_structure().unwrap();
    assert_eq!(catalogue.features(&[key]).unwrap(), [Some(features(1))]);
}
