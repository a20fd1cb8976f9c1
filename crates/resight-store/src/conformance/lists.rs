//! Filters by what is recorded of pictures, and pages in several orders.

use super::fixtures::{Make, added, file, id, label, one, picture, tagged, tags, upload};
use crate::{
    Between, Catalogue, Change, Filter, LabelPatch, NewPicture, ObjectId, Order, OrderBy,
    PictureRecord, Position, Update,
};

/// Name, length, width and time of each of the pictures 1 to 6.
const PICTURES: [(&str, u64, u32, Option<i64>); 6] = [
    ("b.jpg", 30, 100, Some(-5)),
    ("a.jpg", 20, 200, None),
    ("c.png", 20, 300, Some(7)),
    ("B.jpg", 10, 100, Some(7)),
    ("a.jpg", 40, 400, None),
    ("\u{e9}.jpg", 50, 500, Some(i64::MAX - 1)),
];

fn media_type(name: &str) -> &'static str {
    match name.ends_with(".png") {
        true => "image/png",
        false => "image/jpeg",
    }
}

fn fill(catalogue: &dyn Catalogue) {
    for (number, (name, byte_len, width, taken_ms)) in (1..).zip(PICTURES) {
        let folder = if number % 2 == 0 {
            "/even"
        } else {
            "/even odd"
        };
        added(
            catalogue,
            Change::Add(NewPicture {
                name: name.into(),
                byte_len,
                width,
                height: 1000 - width,
                media_type: media_type(name).into(),
                taken_ms,
                source: Some(file(&format!("{folder}/{number}.jpg"))),
                ..picture(number)
            }),
        );
    }
    one(catalogue, tagged(1, &["red", "blue"]));
    one(catalogue, tagged(2, &["redder"]));
    one(catalogue, tagged(3, &["blue"]));
}

/// The numbers of pictures.
fn numbers(records: &[PictureRecord]) -> Vec<u64> {
    let number = |record: &PictureRecord| (1..=9).find(|number| id(*number) == record.id);
    records.iter().filter_map(number).collect()
}

// Long because it is a table.
pub(super) fn each_condition_chooses_its_pictures(make: Make<'_>) {
    let catalogue = &*make();
    fill(catalogue);
    let from = |least| Between {
        least: Some(least),
        below: None,
    };
    let below = |below| Between {
        least: None,
        below: Some(below),
    };
    let all = Filter::default;
    let all_added = catalogue.list(0, 1).unwrap()[0].added_ms;
    for (filter, wanted) in [
        (
            Filter {
                any_tags: tags(&["red", "redder"]),
                ..all()
            },
            vec![1, 2],
        ),
        (
            Filter {
                tag_prefixes: vec!["red".into()],
                ..all()
            },
            vec![1, 2],
        ),
        (
            Filter {
                tag_prefixes: vec!["red".into(), "bl".into()],
                ..all()
            },
            vec![1],
        ),
        (
            Filter {
                tag_prefixes: vec!["%".into()],
                ..all()
            },
            vec![],
        ),
        (
            Filter {
                name_prefix: Some("b".into()),
                ..all()
            },
            vec![1],
        ),
        (
            Filter {
                name_prefix: Some("\u{e9}".into()),
                ..all()
            },
            vec![6],
        ),
        (
            Filter {
                folders: vec!["/even".into()],
                ..all()
            },
            vec![2, 4, 6],
        ),
        (
            Filter {
                folders: vec!["/even odd/".into(), "/x".into()],
                ..all()
            },
            vec![1, 3, 5],
        ),
        (
            Filter {
                folders: vec!["/".into()],
                ..all()
            },
            vec![1, 2, 3, 4, 5, 6],
        ),
        (
            Filter {
                media_types: vec!["image/png".into()],
                ..all()
            },
            vec![3],
        ),
        (
            Filter {
                media_types: vec!["image/jpeg".into(), "image/png".into()],
                bytes: below(30),
                ..all()
            },
            vec![2, 3, 4],
        ),
        (
            Filter {
                media_types: vec!["image/PNG".into()],
                ..all()
            },
            vec![],
        ),
        (
            Filter {
                bytes: from(30),
                ..all()
            },
            vec![1, 5, 6],
        ),
        (
            Filter {
                bytes: below(20),
                ..all()
            },
            vec![4],
        ),
        (
            Filter {
                width: from(200),
                height: from(600),
                ..all()
            },
            vec![2, 3, 5],
        ),
        (
            Filter {
                taken_ms: from(i64::MIN),
                ..all()
            },
            vec![1, 3, 4, 6],
        ),
        (
            Filter {
                taken_ms: below(7),
                ..all()
            },
            vec![1],
        ),
        (
            Filter {
                added_ms: below(0),
                ..all()
            },
            vec![],
        ),
        (
            Filter {
                added_ms: below(all_added + 1_000_000),
                ..all()
            },
            vec![1, 2, 3, 4, 5, 6],
        ),
        (
            Filter {
                tags: tags(&["blue"]),
                not_tags: tags(&["red"]),
                bytes: below(30),
                taken_ms: from(0),
                ..all()
            },
            vec![3],
        ),
    ] {
        let keys = catalogue.matching_keys_after(&filter, None, 100).unwrap();
        let found = catalogue.pictures(&keys).unwrap();
        let found: Vec<PictureRecord> = found.into_iter().flatten().collect();
        assert_eq!(numbers(&found), wanted, "{filter:?}");
        assert_eq!(
            catalogue.matching_count(&filter).unwrap(),
            wanted.len() as u64
        );
        let mut listed = numbers(&catalogue.matching_list(&filter, 0, 100).unwrap());
        listed.sort_unstable();
        assert_eq!(listed, wanted, "{filter:?}");
        let order = Order::default();
        let mut paged = numbers(&catalogue.matching_page(&filter, order, None, 100).unwrap());
        paged.sort_unstable();
        assert_eq!(paged, wanted, "{filter:?}");
    }
}

pub(super) fn media_types_are_counted(make: Make<'_>) {
    let catalogue = &*make();
    assert_eq!(catalogue.media_types().unwrap(), []);
    fill(catalogue);
    let counted = || {
        let types = catalogue.media_types().unwrap().into_iter();
        types
            .map(|one| (one.media_type, one.pictures))
            .collect::<Vec<_>>()
    };
    let (jpeg, png) = ("image/jpeg".to_owned(), "image/png".to_owned());
    assert_eq!(counted(), [(jpeg.clone(), 5), (png, 1)]);
    catalogue.commit(vec![Change::Remove(id(3))]).unwrap();
    assert_eq!(counted(), [(jpeg, 5)]);
}

/// All pages of two, joined.
fn joined(catalogue: &dyn Catalogue, filter: &Filter, order: Order) -> Vec<u64> {
    let mut after: Option<Position> = None;
    let mut all = Vec::new();
    loop {
        let page = catalogue
            .matching_page(filter, order, after.as_ref(), 2)
            .unwrap();
        all.extend(numbers(&page));
        match page.last() {
            Some(last) => after = Some(order.position(last)),
            None => return all,
        }
    }
}

pub(super) fn pages_join_in_every_order(make: Make<'_>) {
    let catalogue = &*make();
    fill(catalogue);
    for (by, ascending, descending) in [
        (OrderBy::Added, [1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1]),
        (OrderBy::Name, [4, 2, 5, 1, 3, 6], [6, 3, 1, 5, 2, 4]),
        (OrderBy::Bytes, [4, 2, 3, 1, 5, 6], [6, 5, 1, 3, 2, 4]),
        (OrderBy::Taken, [1, 3, 4, 6, 2, 5], [6, 4, 3, 1, 5, 2]),
    ] {
        for (is_descending, wanted) in [(false, ascending), (true, descending)] {
            let order = Order {
                by,
                descending: is_descending,
            };
            assert_eq!(
                joined(catalogue, &Filter::default(), order),
                wanted,
                "{order:?}"
            );
            let filter = Filter {
                folders: vec!["/even".into()],
                ..Filter::default()
            };
            let even: Vec<u64> = wanted
                .into_iter()
                .filter(|number| number % 2 == 0)
                .collect();
            assert_eq!(joined(catalogue, &filter, order), even, "{order:?}");
        }
    }
}

pub(super) fn pages_stay_joined_while_pictures_come_and_go(make: Make<'_>) {
    let catalogue = &*make();
    fill(catalogue);
    let order = Order {
        by: OrderBy::Name,
        descending: false,
    };
    let page = |after: Option<&Position>| {
        catalogue
            .matching_page(&Filter::default(), order, after, 2)
            .unwrap()
    };
    let first = page(None);
    assert_eq!(numbers(&first), [4, 2]);
    let after = order.position(&first[1]);
    // The last one of the page goes, one comes before it, and one goes behind it.
    one(catalogue, Change::Remove(id(2)));
    one(catalogue, Change::Remove(id(1)));
    added(
        catalogue,
        Change::Add(NewPicture {
            name: "A".into(),
            ..picture(7)
        }),
    );
    assert_eq!(numbers(&page(Some(&after))), [5, 3]);
}

pub(super) fn objects_follow_each_other(make: Make<'_>) {
    let catalogue = &*make();
    let object = |name: &str| ObjectId::parse(name).unwrap();
    for (number, name) in (1..).zip(["b", "a", "b", "\u{e9}", "B"]) {
        added(catalogue, upload(number));
        let patch = LabelPatch {
            object: Update::Set(object(name)),
            ..LabelPatch::default()
        };
        one(catalogue, label(number, patch));
    }
    let after = |name: &str, limit| {
        let found = catalogue.objects_after(&object(name), limit).unwrap();
        let found = found
            .into_iter()
            .map(|one| (one.id.to_string(), one.pictures));
        found.collect::<Vec<_>>()
    };
    let expected = |all: &[(&str, u64)]| -> Vec<(String, u64)> {
        all.iter()
            .map(|&(id, pictures)| (id.to_owned(), pictures))
            .collect()
    };
    assert_eq!(
        after("B", 9),
        expected(&[("a", 1), ("b", 2), ("\u{e9}", 1)])
    );
    // One that is gone leads on all the same.
    assert_eq!(after("aa", 1), expected(&[("b", 2)]));
    assert_eq!(after("\u{e9}", 9), []);
}

pub(super) fn the_time_of_taking_is_stored_and_can_be_put_later(make: Make<'_>) {
    let catalogue = &*make();
    fill(catalogue);
    let taken = |number| catalogue.picture(&id(number)).unwrap().unwrap().taken_ms;
    assert_eq!((taken(1), taken(2)), (Some(-5), None));
    // Both were asked when they were added.
    assert_eq!(catalogue.unasked_taken(None, 10).unwrap(), []);
    let key = |number| catalogue.picture(&id(number)).unwrap().unwrap().key;
    let gone = key(6);
    one(catalogue, Change::Remove(id(6)));
    let put = [(key(1), None), (key(2), Some(99)), (gone, Some(1))];
    catalogue.put_taken(&put).unwrap();
    assert_eq!((taken(1), taken(2)), (None, Some(99)));
}
