//! Changes by several processes, and text that PostgreSQL or its indexes do not take as it is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use resight_cluster::PostgresCatalogue;
use resight_store::conformance::fixtures::{added, file, found, id, label, one, picture, upload};
use resight_store::{
    Change, Changes, Effect, Filter, LabelPatch, Metadata, NewPicture, Order, OrderBy, Pictures,
    Update,
};

use super::server::{Collections, address};

/// Lets the reader stop even if a writer panics.
struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn writers_of_several_processes_double_no_picture_and_keep_the_order_of_keys() {
    // A prime, so that each step below reaches all of them.
    const PICTURES: u64 = 61;
    let Some(address) = address() else { return };
    let collections = Collections::new();
    let name = collections.name();
    let open = || PostgresCatalogue::open(address, &name).unwrap();
    let (one, two, reader) = (open(), open(), open());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let following = scope.spawn(|| {
            // Continues from the last key seen, and so must see all of them.
            let mut seen: Vec<u64> = Vec::new();
            loop {
                let is_last = done.load(Ordering::Acquire);
                let next = reader.keys_after(seen.last().copied(), 7).unwrap();
                if next.is_empty() && is_last {
                    return seen;
                }
                seen.extend(next.iter().map(|(key, _)| key));
            }
        });
        let writing = SetAtEnd(&done);
        let new: usize = thread::scope(|scope| {
            // All of them add all pictures, in different orders and with a path of their own.
            let writers: Vec<_> = (0..4_u64)
                .map(|writer| {
                    let catalogue = if writer % 2 == 0 { &one } else { &two };
                    scope.spawn(move || {
                        let mut new = 0;
                        for step in 0..PICTURES {
                            let number = (step * (2 * writer + 1) + writer) % PICTURES;
                            let path = format!("/{writer}/{number}");
                            let effects = catalogue.commit(vec![found(number, &path)]).unwrap();
                            new += usize::from(matches!(effects[0], Effect::Added { .. }));
                        }
                        new
                    })
                })
                .collect();
            writers.into_iter().map(|one| one.join().unwrap()).sum()
        });
        drop(writing);
        assert_eq!(new, PICTURES as usize);
        let seen = following.join().unwrap();
        let all = reader.keys_after(None, 1000).unwrap();
        assert!(all.iter().map(|(key, _)| *key).eq(seen));
    });
    assert_eq!(reader.count().unwrap(), PICTURES);
    let records = reader.list(0, PICTURES).unwrap();
    let sources: usize = records.iter().map(|record| record.sources.len()).sum();
    assert_eq!(sources, 4 * PICTURES as usize);
}

#[test]
fn a_large_batch_is_stored_whole() {
    let collections = Collections::new();
    let catalogue = &*collections.new_one();
    let new = |number: u64| {
        Change::Add(NewPicture {
            uploaded: true,
            features: vec![number as u8; 150_000],
            words: vec![number as u8; 9_000],
            ..picture(number)
        })
    };
    let effects = catalogue.commit((0..32).map(new).collect()).unwrap();
    let keys: Vec<u64> = effects
        .iter()
        .map(|effect| match effect {
            Effect::Added { key, .. } => *key,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(keys.windows(2).all(|pair| pair[1] == pair[0] + 1));
    for (number, features) in (0..).zip(catalogue.features(&keys).unwrap()) {
        assert_eq!(features, Some(vec![number; 150_000]));
    }
    assert_eq!(catalogue.stored_bytes().unwrap().features, 32 * 150_000);
}

#[test]
fn text_may_have_any_character() {
    let collections = Collections::new();
    let catalogue = &*collections.new_one();
    let names = ["", "\0", "\0\u{1}", "\0a", "\u{1}", "\u{1}\0", "a", "a\0b"];
    for (number, name) in (1..).zip(names) {
        let change = Change::Add(NewPicture {
            name: name.into(),
            media_type: "x/\0".into(),
            model: "m\0".into(),
            source: Some(file(&format!("/f\0/{name}"))),
            ..picture(number)
        });
        added(catalogue, change);
        let metadata = Metadata::new(name.into(), vec![("k\0".into(), name.into())]);
        let patch = LabelPatch {
            metadata: Update::Set(metadata.unwrap()),
            ..LabelPatch::default()
        };
        assert_eq!(one(catalogue, label(number, patch)), Effect::Labelled);
    }
    for (number, name) in (1..).zip(names) {
        let record = catalogue.picture(&id(number)).unwrap().unwrap();
        assert_eq!((&*record.name, &*record.media_type), (name, "x/\0"));
        assert_eq!(
            (&*record.model, record.labels.metadata.as_deref()),
            ("m\0", Some(name))
        );
        assert_eq!(record.sources, [format!("/f\0/{name}")]);
        let filter = Filter {
            entries: vec![("k\0".into(), name.into())],
            media_types: vec!["x/\0".into()],
            ..Filter::default()
        };
        assert_eq!(
            catalogue.matching_keys_after(&filter, None, 9).unwrap(),
            [record.key]
        );
    }
    let order = Order {
        by: OrderBy::Name,
        descending: false,
    };
    let all = Filter::default();
    let mut listed = Vec::new();
    let mut after = None;
    while let Some(record) = catalogue
        .matching_page(&all, order, after.as_ref(), 1)
        .unwrap()
        .pop()
    {
        after = Some(order.position(&record));
        listed.push(record.name);
    }
    assert_eq!(listed, names);
    let begins = Filter {
        name_prefix: Some("\0".into()),
        folders: vec!["/f\0".into()],
        ..Filter::default()
    };
    assert_eq!(catalogue.matching_count(&begins).unwrap(), 3);
    let under = catalogue.sources_under("/f\0/\0", None, 9).unwrap();
    let under: Vec<_> = under.into_iter().map(|(file, _)| file.path).collect();
    assert_eq!(under, ["/f\0/\0", "/f\0/\0\u{1}", "/f\0/\0a"]);
    let refused = Change::Refuse(resight_store::conformance::fixtures::refusal(
        "/f\0/a", "c\0",
    ));
    one(catalogue, refused);
    assert_eq!(
        catalogue.refusals_under("/f\0", None, 9).unwrap()[0].code,
        "c\0"
    );
    catalogue.set_setting("s\0", "\0v").unwrap();
    assert_eq!(catalogue.setting("s\0").unwrap().as_deref(), Some("\0v"));
    catalogue.put_vectors("v\0", &[]).unwrap();
    assert_eq!(catalogue.vector_counts().unwrap()[0].model, "v\0");
}

#[test]
fn text_may_be_longer_than_an_index_takes() {
    let collections = Collections::new();
    let catalogue = &*collections.new_one();
    // They differ behind what the indexes have of them. Hardly to be compressed.
    let long = |end: &str| {
        let mut state = 1_u32;
        let begin: String = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from_u32(0x4e00 + (state >> 18)).unwrap()
        })
        .take(5000)
        .collect();
        format!("/{begin}/{end}")
    };
    let ends = ["a", "b", "c"];
    for (number, end) in (1..).zip(ends) {
        let change = Change::Add(NewPicture {
            name: long(end),
            source: Some(file(&long(end))),
            ..picture(number)
        });
        added(catalogue, change);
        let metadata = Metadata::new(String::new(), vec![(long("name"), long(end))]);
        let patch = LabelPatch {
            metadata: Update::Set(metadata.unwrap()),
            ..LabelPatch::default()
        };
        one(catalogue, label(number, patch));
    }
    for (number, end) in (1..).zip(ends) {
        let (_, of) = catalogue.source(&long(end)).unwrap().unwrap();
        assert_eq!(of, id(number));
        let filter = Filter {
            entries: vec![(long("name"), long(end))],
            name_prefix: Some(long(end)),
            folders: vec![long(end).trim_end_matches(end).into()],
            ..Filter::default()
        };
        assert_eq!(catalogue.matching_count(&filter).unwrap(), 1);
    }
    let paths = |after: Option<&str>| -> Vec<String> {
        let sources = catalogue.sources_under(&long(""), after, 9).unwrap();
        sources.into_iter().map(|(file, _)| file.path).collect()
    };
    assert_eq!(paths(None), ends.map(long));
    assert_eq!(paths(Some(&long("a"))), [long("b"), long("c")]);
    let order = Order {
        by: OrderBy::Name,
        descending: true,
    };
    let first = catalogue
        .matching_page(&Filter::default(), order, None, 1)
        .unwrap();
    let after = order.position(&first[0]);
    let rest = catalogue
        .matching_page(&Filter::default(), order, Some(&after), 9)
        .unwrap();
    assert!(
        rest.iter()
            .map(|record| &record.name)
            .eq(&[long("b"), long("a")])
    );
    // The same path again is the same source.
    added(catalogue, upload(9));
    let change = Change::AddSource {
        id: id(9),
        source: file(&long("a")),
    };
    let effect = one(catalogue, change);
    assert!(
        matches!(effect, Effect::AlreadyThere { replaced: Some((_, ref gone)), .. } if *gone == id(1)),
        "{effect:?}"
    );
    assert_eq!(paths(None).len(), 3);
}
