//! Pairs of pictures, and decisions that two are no match.

use super::fixtures::{Make, added, file, found, id, pair, upload};
use crate::{Catalogue, Change, Filter, NotAMatch, PairedPicture, PicturePair, pages};

fn add_pictures(catalogue: &dyn Catalogue, count: u64) -> Vec<u64> {
    (1..=count)
        .map(|number| added(catalogue, upload(number)))
        .collect()
}

fn ends(catalogue: &dyn Catalogue) -> Vec<(u64, u64)> {
    let links = catalogue.links_after(None, 99).unwrap();
    links.iter().map(|link| (link.a, link.b)).collect()
}

pub(super) fn pairs_are_stored_as_given_and_replaced(make: Make<'_>) {
    let catalogue = &*make();
    let k = add_pictures(catalogue, 3);
    let first = PicturePair {
        alike: Some(0.9),
        ..pair(k[0], k[1])
    };
    catalogue
        .put_pairs(&[pair(k[0], k[1]), pair(k[1], k[2])], 0)
        .unwrap();
    catalogue
        .put_pairs(std::slice::from_ref(&first), 0)
        .unwrap();
    let asked = [(k[1], k[2]), (k[0], k[2]), (k[0], k[1])];
    let got = catalogue.pairs(&asked).unwrap();
    assert_eq!(got, [Some(pair(k[1], k[2])), None, Some(first)]);
    assert_eq!(ends(catalogue), [(k[0], k[1]), (k[1], k[2])]);
    let rest = catalogue.links_after(Some((k[0], k[1])), 9).unwrap();
    assert_eq!((rest.len(), rest[0].b), (1, k[2]));
    assert_eq!((rest[0].kind, rest[0].log10_nfa), (3, -12.25));
    assert_eq!(catalogue.links_after(None, 1).unwrap().len(), 1);
}

pub(super) fn the_checked_key_never_goes_back(make: Make<'_>) {
    let catalogue = &*make();
    let k = add_pictures(catalogue, 4);
    assert_eq!(catalogue.checked_up_to().unwrap(), 0);
    assert_eq!(catalogue.unchecked_count().unwrap(), 4);
    catalogue.put_pairs(&[], k[2]).unwrap();
    catalogue.put_pairs(&[], k[0]).unwrap();
    assert_eq!(catalogue.checked_up_to().unwrap(), k[2]);
    assert_eq!(catalogue.unchecked_count().unwrap(), 1);
}

pub(super) fn pairs_go_with_their_pictures_and_need_both(make: Make<'_>) {
    let catalogue = &*make();
    let k = add_pictures(catalogue, 3);
    let all = [pair(k[0], k[1]), pair(k[0], k[2]), pair(k[1], k[2])];
    catalogue.put_pairs(&all, k[2]).unwrap();
    catalogue.commit(vec![Change::Remove(id(2))]).unwrap();
    assert_eq!(ends(catalogue), [(k[0], k[2])]);
    // With a picture that was removed meanwhile, with itself, and in the wrong order.
    let strange = [pair(k[0], k[1]), pair(k[0], k[0]), pair(k[2], k[0])];
    catalogue.put_pairs(&strange, 0).unwrap();
    assert_eq!(ends(catalogue), [(k[0], k[2])]);
    // It comes back under another key, unchecked.
    let again = added(catalogue, upload(2));
    assert!(again > k[2]);
    assert_eq!(catalogue.unchecked_count().unwrap(), 1);
}

pub(super) fn new_words_do_not_touch_pairs(make: Make<'_>) {
    let catalogue = &*make();
    let k = add_pictures(catalogue, 2);
    catalogue.put_pairs(&[pair(k[0], k[1])], k[1]).unwrap();
    let words = [(k[0], b"new".to_vec()), (k[1], b"new".to_vec())];
    catalogue.stage_words(&words).unwrap();
    assert!(catalogue.adopt_staged("vocabulary", "v").unwrap());
    assert_eq!(ends(catalogue), [(k[0], k[1])]);
    assert_eq!(catalogue.unchecked_count().unwrap(), 0);
}

pub(super) fn pictures_of_pairs_and_in_several_files_are_listed(make: Make<'_>) {
    let catalogue = &*make();
    let first = added(catalogue, found(1, "/a"));
    let second = added(catalogue, found(2, "/b"));
    let other = added(catalogue, upload(3));
    let listed = || {
        let paired = catalogue.paired_after(None, 9).unwrap();
        let paired = paired.iter().map(|p| (p.key, p.sources));
        paired.collect::<Vec<_>>()
    };
    assert_eq!(listed(), []);
    let source = file("/c");
    let again = Change::AddSource { id: id(1), source };
    catalogue.commit(vec![again]).unwrap();
    assert_eq!(listed(), [(first, 2)]);
    catalogue.put_pairs(&[pair(second, other)], 0).unwrap();
    assert_eq!(listed(), [(first, 2), (second, 1), (other, 0)]);
    let record = catalogue.pictures(&[other]).unwrap().remove(0).unwrap();
    let last = catalogue.paired_after(Some(second), 9).unwrap().remove(0);
    assert_eq!((last.width, last.height), (record.width, record.height));
    assert_eq!(last.media_type, record.media_type);
    assert_eq!((last.pages, last.depth), (record.pages, record.depth));
    assert_eq!((last.byte_len, last.uploaded), (record.byte_len, true));
    assert!(!catalogue.paired_after(None, 9).unwrap()[0].uploaded);
    // Every page is full until the last.
    let mut paged = Vec::new();
    for page in pages(
        1,
        |p: &PairedPicture| p.key,
        |a, l| catalogue.paired_after(a, l),
    ) {
        paged.extend(page.unwrap().iter().map(|p| p.key));
    }
    assert_eq!(paged, [first, second, other]);
}

pub(super) fn a_filter_chooses_pictures_of_pairs_and_in_several_files(make: Make<'_>) {
    let catalogue = &*make();
    let k = add_pictures(catalogue, 5);
    let paired = || {
        let filter = Filter {
            paired: true,
            ..Filter::default()
        };
        let keys = catalogue.matching_keys_after(&filter, None, 99).unwrap();
        assert_eq!(
            catalogue.matching_count(&filter).unwrap(),
            keys.len() as u64
        );
        assert_eq!(
            catalogue.matching_list(&filter, 0, 99).unwrap().len(),
            keys.len()
        );
        keys
    };
    assert_eq!(paired(), []);
    let pairs = [pair(k[0], k[2]), pair(k[2], k[3])];
    catalogue.put_pairs(&pairs, 0).unwrap();
    assert_eq!(paired(), [k[0], k[2], k[3]]);
    // In either order of the ids.
    for (number, other) in [(1, 3), (4, 3)] {
        let (a, b) = (id(number), id(other));
        assert!(catalogue.add_not_a_match(&a, &b).unwrap());
        assert_eq!(
            paired(),
            match number {
                1 => vec![k[2], k[3]],
                _ => vec![],
            }
        );
    }
    catalogue.drop_not_a_match(&id(3), &id(1)).unwrap();
    assert_eq!(paired(), [k[0], k[2]]);
    for path in ["/one.jpg", "/two.jpg"] {
        assert_eq!(paired(), [k[0], k[2]]);
        catalogue
            .commit(vec![Change::AddSource {
                id: id(5),
                source: file(path),
            }])
            .unwrap();
    }
    assert_eq!(paired(), [k[0], k[2], k[4]]);
    catalogue.commit(vec![Change::Remove(id(1))]).unwrap();
    assert_eq!(paired(), [k[4]]);
}

pub(super) fn decisions_hold_for_either_order_and_outlast_a_removal(make: Make<'_>) {
    let catalogue = &*make();
    let k = add_pictures(catalogue, 3);
    assert!(catalogue.add_not_a_match(&id(2), &id(1)).unwrap());
    assert!(!catalogue.add_not_a_match(&id(1), &id(2)).unwrap());
    assert!(!catalogue.add_not_a_match(&id(3), &id(3)).unwrap());
    assert_eq!(
        catalogue.not_match_keys_after(None, 9).unwrap(),
        [(k[0], k[1])]
    );
    assert_eq!(
        catalogue.not_matches_of_after(&id(1), None, 9).unwrap(),
        [k[1]]
    );
    assert_eq!(
        catalogue.not_matches_of_after(&id(2), None, 9).unwrap(),
        [k[0]]
    );
    assert_eq!(catalogue.not_matches_of_after(&id(3), None, 9).unwrap(), []);

    catalogue.commit(vec![Change::Remove(id(1))]).unwrap();
    assert_eq!(catalogue.not_match_keys_after(None, 9).unwrap(), []);
    assert_eq!(catalogue.not_matches_of_after(&id(2), None, 9).unwrap(), []);
    let listed = catalogue.not_matches(0, 9).unwrap();
    let NotAMatch { a, b, decided_ms } = &listed[0];
    assert_eq!((a, b, listed.len()), (&id(1), &id(2), 1));
    assert!(*decided_ms > 0);
    assert_eq!(catalogue.not_matches(1, 9).unwrap(), []);
    let back = added(catalogue, upload(1));
    assert_eq!(
        catalogue.not_match_keys_after(None, 9).unwrap(),
        [(k[1], back)]
    );

    assert!(catalogue.drop_not_a_match(&id(1), &id(2)).unwrap());
    assert!(!catalogue.drop_not_a_match(&id(1), &id(2)).unwrap());
    assert_eq!(catalogue.not_match_count().unwrap(), 0);
}

pub(super) fn decisions_are_paged_by_key(make: Make<'_>) {
    let catalogue = &*make();
    let k = add_pictures(catalogue, 4);
    for (a, b) in [(3, 4), (1, 4), (2, 1), (1, 3)] {
        assert!(catalogue.add_not_a_match(&id(a), &id(b)).unwrap());
    }
    let all = [(k[0], k[1]), (k[0], k[2]), (k[0], k[3]), (k[2], k[3])];
    let page = |after, limit| catalogue.not_match_keys_after(after, limit).unwrap();
    assert_eq!(page(None, 9), all);
    assert_eq!(page(None, 2), all[..2]);
    assert_eq!(page(Some(all[1]), 2), all[2..]);
    assert_eq!(page(Some((k[1], 0)), 9), all[3..]);
    let of = |number, after, limit| catalogue.not_matches_of_after(&id(number), after, limit);
    assert_eq!(of(1, None, 9).unwrap(), k[1..]);
    assert_eq!(of(1, None, 2).unwrap(), k[1..3]);
    assert_eq!(of(1, Some(k[2]), 9).unwrap(), k[3..]);
    assert_eq!(catalogue.not_matches(1, 2).unwrap().len(), 2);

    // Newest first, each page after the last decision of the page before, whatever was dropped meanwhile.
    let newest_first = catalogue.not_matches(0, 9).unwrap();
    assert_eq!(newest_first.len(), 4);
    for (at, decision) in newest_first.iter().enumerate() {
        let rest = catalogue.not_matches_after(decision, 9).unwrap();
        assert_eq!(rest, newest_first[at + 1..], "{at}");
        let two = catalogue.not_matches_after(decision, 2).unwrap();
        assert_eq!(two, rest[..rest.len().min(2)], "{at}");
    }
    let by_id = |after, limit| catalogue.not_matches_by_id(after, limit).unwrap();
    let mut sorted = newest_first.clone();
    sorted.sort_by_key(|decision| (decision.a.clone(), decision.b.clone()));
    assert_eq!(by_id(None, 9), sorted);
    assert_eq!(by_id(None, 3), sorted[..3]);
    let second = Some((&sorted[1].a, &sorted[1].b));
    assert_eq!(by_id(second, 9), sorted[2..]);
    let dropped = newest_first[1].clone();
    assert!(catalogue.drop_not_a_match(&dropped.a, &dropped.b).unwrap());
    let rest = catalogue.not_matches_after(&dropped, 9).unwrap();
    assert_eq!(rest, newest_first[2..]);
}
