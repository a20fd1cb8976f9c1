//! Random changes of SQLite, with openings in between, beside the catalogue in memory. `PROPTEST_CASES` sets
//! how many sequences are tried.

mod answers;

use std::path::Path;

use proptest::prelude::*;
use resight_store::conformance::MemoryCatalogue;
use resight_store::conformance::fixtures::{file, id, pair, picture, refusal, tags, view_of};
use resight_store::{
    Change, LabelPatch, Metadata, NewPicture, ObjectId, SqliteCatalogue, Tag, Update,
};

use answers::{Subject, everything};

/// Pictures have numbers below this.
const NUMBERS: u64 = 7;
/// Places of keys that pairs and vectors are given, some of no picture.
const KEYS: u64 = 24;
const TAGS: [&str; 4] = ["a", "b", "ä c", "z"];
const OBJECTS: [&str; 3] = ["o", "p q", "ö"];
const PATHS: [&str; 5] = ["/d/a", "/d/b", "/d/e/c", "/d/ä", "/x"];
const MODELS: [&str; 2] = ["m1", "m2"];

#[derive(Clone, Debug)]
enum Operation {
    Commit(Vec<Change>),
    PutPairs(Vec<(u64, u64, u8)>, u64),
    AddNotAMatch(u64, u64),
    DropNotAMatch(u64, u64),
    PutVectors(&'static str, Vec<(u64, Vec<u8>)>),
    DropVectors(&'static str, &'static str),
    StageWords(Vec<(u64, Vec<u8>)>),
    AdoptStaged(u64),
    DiscardStaged,
    ForgetRemoved(Vec<u64>),
    SetSetting(u64, u64),
    /// Closes and opens SQLite's.
    Reopen,
}

fn one_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    (0..all.len()).prop_map(move |at| all[at])
}

fn some_tags() -> impl Strategy<Value = Vec<Tag>> {
    proptest::collection::vec(one_of(&TAGS), 0..4).prop_map(|names| tags(&names))
}

fn update<T: Clone + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Update<T>> {
    prop_oneof![
        3 => Just(Update::Keep),
        1 => Just(Update::Clear),
        2 => value.prop_map(Update::Set),
    ]
}

fn metadata() -> impl Strategy<Value = Metadata> {
    (0..3_u64, 0..3_u64).prop_map(|(name, value)| {
        let entry = (format!("k{name}"), value.to_string());
        Metadata::new(format!("{entry:?}"), vec![entry]).unwrap()
    })
}

fn patch() -> impl Strategy<Value = LabelPatch> {
    let object = one_of(&OBJECTS).prop_map(|text| ObjectId::parse(text).unwrap());
    (
        update(some_tags()),
        some_tags(),
        some_tags(),
        update(object),
        update(metadata()),
    )
        .prop_map(
            |(tags, add_tags, remove_tags, object, metadata)| LabelPatch {
                tags,
                add_tags,
                remove_tags,
                object,
                metadata,
            },
        )
}

fn change() -> impl Strategy<Value = Change> {
    let number = 0..NUMBERS;
    let path = || one_of(&PATHS);
    prop_oneof![
        4 => (number.clone(), any::<bool>(), proptest::option::of(path()), 0..3_u32).prop_map(
            |(number, uploaded, path, views)| {
                Change::Add(NewPicture {
                    uploaded,
                    views: (2..2 + views).map(|page| view_of(number, page)).collect(),
                    source: path.map(file),
                    feature_count: 7 + number as u32,
                    ..picture(number)
                })
            }
        ),
        2 => (number.clone(), proptest::option::of(path()), 0..3_u32).prop_map(
            |(number, path, views)| {
                Change::Retake(NewPicture {
                    views: (2..2 + views).map(|page| view_of(number, page)).collect(),
                    source: path.map(file),
                    width: 70 + views,
                    feature_count: 9 + number as u32,
                    ..picture(number)
                })
            }
        ),
        2 => number.clone().prop_map(|number| Change::Remove(id(number))),
        2 => (number.clone(), path()).prop_map(|(number, path)| Change::AddSource {
            id: id(number),
            source: file(path),
        }),
        1 => path().prop_map(|path| Change::DropSource { path: path.into() }),
        1 => path().prop_map(|path| Change::ForgetSource { path: path.into() }),
        1 => path().prop_map(|path| Change::Refuse(refusal(path, "broken"))),
        3 => (number, patch()).prop_map(|(number, patch)| Change::Label {
            id: id(number),
            patch,
        }),
    ]
}

fn keyed_bytes() -> impl Strategy<Value = Vec<(u64, Vec<u8>)>> {
    let bytes = proptest::collection::vec(any::<u8>(), 0..3);
    proptest::collection::vec((1..KEYS, bytes), 0..8)
}

fn operation() -> impl Strategy<Value = Operation> {
    let number = 0..NUMBERS;
    let two = (number.clone(), number.clone());
    let pairs = proptest::collection::vec((1..KEYS, 1..KEYS, 0..4_u8), 0..8);
    prop_oneof![
        12 => proptest::collection::vec(change(), 0..6).prop_map(Operation::Commit),
        2 => (pairs, 0..KEYS).prop_map(|(pairs, key)| Operation::PutPairs(pairs, key)),
        1 => two.clone().prop_map(|(a, b)| Operation::AddNotAMatch(a, b)),
        1 => two.prop_map(|(a, b)| Operation::DropNotAMatch(a, b)),
        1 => (one_of(&MODELS), keyed_bytes())
            .prop_map(|(model, vectors)| Operation::PutVectors(model, vectors)),
        1 => (one_of(&MODELS), one_of(&["v", "w"]))
            .prop_map(|(model, value)| Operation::DropVectors(model, value)),
        2 => keyed_bytes().prop_map(Operation::StageWords),
        1 => (0..9_u64).prop_map(Operation::AdoptStaged),
        1 => Just(Operation::DiscardStaged),
        1 => proptest::collection::vec(number, 0..4).prop_map(Operation::ForgetRemoved),
        1 => (0..3_u64, 0..9_u64).prop_map(|(name, value)| Operation::SetSetting(name, value)),
        2 => Just(Operation::Reopen),
    ]
}

/// What the operation returns, as text that two catalogues can be compared by.
fn apply(subject: &mut Subject<'_>, operation: &Operation) -> String {
    let catalogue = subject.catalogue;
    match operation {
        Operation::Commit(changes) => {
            let effects = catalogue.commit(changes.clone()).unwrap();
            assert_eq!(effects.len(), changes.len());
            let effects = effects.into_iter().map(|effect| subject.effect(effect));
            format!("{:?}", effects.collect::<Vec<_>>())
        }
        Operation::PutPairs(pairs, up_to) => {
            let pairs: Vec<_> = pairs
                .iter()
                .map(|&(a, b, kind)| {
                    let mut made = pair(subject.key(a), subject.key(b));
                    made.kind = kind;
                    made
                })
                .collect();
            let known = (*up_to as usize).min(subject.keys.len()) as u64;
            let up_to = if known == 0 { 0 } else { subject.key(known) };
            format!("{:?}", catalogue.put_pairs(&pairs, up_to).unwrap())
        }
        Operation::AddNotAMatch(a, b) => {
            format!("{:?}", catalogue.add_not_a_match(&id(*a), &id(*b)).unwrap())
        }
        Operation::DropNotAMatch(a, b) => {
            format!(
                "{:?}",
                catalogue.drop_not_a_match(&id(*a), &id(*b)).unwrap()
            )
        }
        Operation::PutVectors(model, vectors) => {
            let vectors = subject.keyed(vectors);
            format!("{:?}", catalogue.put_vectors(model, &vectors).unwrap())
        }
        Operation::DropVectors(model, value) => {
            format!(
                "{:?}",
                catalogue.drop_vectors(model, "used", value).unwrap()
            )
        }
        Operation::StageWords(words) => {
            let words = subject.with_views(subject.keyed(words));
            format!("{:?}", catalogue.stage_words(&words).unwrap())
        }
        Operation::AdoptStaged(value) => {
            format!(
                "{:?}",
                catalogue.adopt_staged("s0", &value.to_string()).unwrap()
            )
        }
        Operation::DiscardStaged => format!("{:?}", catalogue.discard_staged().unwrap()),
        Operation::ForgetRemoved(numbers) => {
            let ids: Vec<_> = numbers.iter().map(|number| id(*number)).collect();
            format!("{:?}", catalogue.forget_removed(&ids).unwrap())
        }
        Operation::SetSetting(name, value) => {
            let set = catalogue.set_setting(&format!("s{name}"), &value.to_string());
            format!("{:?}", set.unwrap())
        }
        Operation::Reopen => String::new(),
    }
}

fn opened(folder: &Path) -> SqliteCatalogue {
    SqliteCatalogue::open(folder).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn sqlite_answers_as_plain_collections_do(
        operations in proptest::collection::vec(operation(), 1..25)
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut sqlite = opened(folder.path());
        let memory = MemoryCatalogue::default();
        let mut keys = Vec::new();
        let mut model = Subject { catalogue: &memory, keys: Vec::new(), has_retaken: false };
        let mut has_retaken = false;
        for operation in operations {
            if matches!(operation, Operation::Reopen) {
                drop(sqlite);
                sqlite = opened(folder.path());
            }
            let mut subject = Subject { catalogue: &sqlite, keys, has_retaken };
            prop_assert_eq!(apply(&mut subject, &operation), apply(&mut model, &operation));
            let (found, expected) = (everything(&subject), everything(&model));
            (keys, has_retaken) = (subject.keys, subject.has_retaken);
            for (found, expected) in found.iter().zip(&expected) {
                prop_assert_eq!(found, expected);
            }
            let problems: Vec<String> = resight_store::Integrity::check_structure(&sqlite).unwrap();
            prop_assert!(problems.is_empty(), "{:?}", problems);
        }
    }
}

/// Few, unless the environment asks for more.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.and_then(|cases| cases.parse().ok()).unwrap_or(48)
}
