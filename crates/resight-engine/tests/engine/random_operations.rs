//! Random changes, searches, groups and openings of a library, beside plain collections. `PROPTEST_CASES`
//! sets how many sequences are tried.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use resight_engine::{
    DuplicateOptions, EngineOptions, Filter, LabelPatch, PictureId, Query, SearchOptions, Tag,
    Update, Variant,
};
use resight_test_support::tiff_pages;

use crate::support::{Bench, on_disk, page, picture};

/// Things that pictures show, each in two copies and on the second of three pages of an album.
const THINGS: u32 = 4;
/// The copy of a thing that is an album.
const ALBUM: u8 = 2;
const TAGS: [&str; 3] = ["a", "b", "c"];

/// A thing, and which copy of it.
type Name = (u32, u8);

#[derive(Clone, Debug)]
enum Operation {
    Add(Name, Vec<&'static str>),
    Remove(Vec<Name>),
    /// All tags, in place of those it has.
    Label(Name, Vec<&'static str>),
    Separate(u32),
    Unite(u32),
    Search(u32, &'static str),
    Group,
    Reopen,
}

fn name() -> impl Strategy<Value = Name> {
    (0..THINGS, 0..=ALBUM)
}

fn some_tags() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(TAGS.to_vec(), 0..=TAGS.len())
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => (name(), some_tags()).prop_map(|(name, tags)| Operation::Add(name, tags)),
        2 => proptest::collection::vec(name(), 0..3).prop_map(Operation::Remove),
        2 => (name(), some_tags()).prop_map(|(name, tags)| Operation::Label(name, tags)),
        1 => (0..THINGS).prop_map(Operation::Separate),
        1 => (0..THINGS).prop_map(Operation::Unite),
        2 => (0..THINGS, proptest::sample::select(&TAGS[..]))
            .prop_map(|(thing, tag)| Operation::Search(thing, tag)),
        2 => Just(Operation::Group),
        1 => Just(Operation::Reopen),
    ]
}

fn file_of(name: Name) -> Vec<u8> {
    if name.1 == ALBUM {
        let numbers = [500 + name.0, name.0, 600 + name.0];
        return tiff_pages(&numbers.map(page));
    }
    picture(name.0, 50 * name.1)
}

fn text_of(name: Name) -> String {
    format!("{}-{}", name.0, name.1)
}

fn tags(names: &[&str]) -> Vec<Tag> {
    names.iter().map(|name| Tag::parse(name).unwrap()).collect()
}

fn opened(root: &Path) -> Bench {
    Bench::open(on_disk(root), EngineOptions::default()).unwrap()
}

/// What must be stored.
#[derive(Default)]
struct Model {
    pictures: BTreeMap<Name, BTreeSet<&'static str>>,
    /// Things whose two copies are no match.
    separated: BTreeSet<u32>,
    ids: BTreeMap<Name, PictureId>,
}

impl Model {
    fn matching(&self, thing: Option<u32>, tag: Option<&str>) -> BTreeSet<String> {
        let pictures = self.pictures.iter();
        pictures
            .filter(|(name, _)| thing.is_none_or(|thing| name.0 == thing))
            .filter(|(_, tags)| tag.is_none_or(|tag| tags.contains(tag)))
            .map(|(name, _)| text_of(*name))
            .collect()
    }
}

fn apply(bench: &Bench, model: &mut Model, operation: &Operation) {
    match operation {
        Operation::Add(name, names) => {
            let patch = LabelPatch {
                add_tags: tags(names),
                ..LabelPatch::default()
            };
            let added = bench
                .indexer
                .add_labelled(&file_of(*name), &text_of(*name), patch);
            let added = added.unwrap();
            assert_eq!(added.already_there, model.pictures.contains_key(name));
            model.pictures.entry(*name).or_default().extend(names);
            model.ids.insert(*name, added.picture.id);
        }
        Operation::Remove(names) => {
            let known: Vec<_> = names
                .iter()
                .filter(|name| model.ids.contains_key(name))
                .collect();
            let ids: Vec<PictureId> = known.iter().map(|name| model.ids[name].clone()).collect();
            let removed = bench.library.remove(&ids).unwrap();
            for (name, removed) in known.into_iter().zip(removed) {
                assert_eq!(removed, model.pictures.remove(name).is_some());
            }
        }
        Operation::Label(name, names) => {
            let Some(id) = model.ids.get(name) else {
                return;
            };
            let patch = LabelPatch {
                tags: Update::Set(tags(names)),
                ..LabelPatch::default()
            };
            let labelled = bench.library.label(vec![(id.clone(), patch)]).unwrap();
            let stored = model.pictures.get_mut(name);
            assert_eq!(labelled, [stored.is_some()]);
            if let Some(stored) = stored {
                *stored = names.iter().copied().collect();
            }
        }
        Operation::Separate(thing) => {
            let two = [(*thing, 0), (*thing, 1)];
            if two.iter().all(|name| model.pictures.contains_key(name)) {
                let [a, b] = two.map(|name| model.ids[&name].clone());
                let is_new = bench.duplicates.add_not_a_match(&a, &b).unwrap();
                assert_eq!(is_new, model.separated.insert(*thing));
            }
        }
        Operation::Unite(thing) => {
            let two = [(*thing, 0), (*thing, 1)];
            if two.iter().all(|name| model.ids.contains_key(name)) {
                let [a, b] = two.map(|name| model.ids[&name].clone());
                let was_there = bench.duplicates.drop_not_a_match(&a, &b).unwrap();
                assert_eq!(was_there, model.separated.remove(thing));
            }
        }
        Operation::Search(thing, tag) => search(bench, model, *thing, Some(tag)),
        Operation::Group => group(bench, model),
        Operation::Reopen => {}
    }
}

/// Searches with a third copy, which is never stored.
fn search(bench: &Bench, model: &Model, thing: u32, tag: Option<&str>) {
    let options = SearchOptions {
        verified_only: true,
        variants: Variant::default(),
        filter: Filter {
            tags: tag.map(|tag| tags(&[tag])).unwrap_or_default(),
            ..Filter::default()
        },
        ..SearchOptions::default()
    };
    let query = picture(thing, 25);
    let answer = bench
        .searcher
        .search(Query::Bytes(&query), &options)
        .unwrap();
    let found: BTreeSet<String> = answer
        .hits
        .iter()
        .map(|hit| hit.picture.name.clone())
        .collect();
    assert_eq!(found.len(), answer.hits.len(), "a picture is one hit");
    for hit in &answer.hits {
        let is_album = hit.picture.name.ends_with("-2");
        let page = hit.view.as_ref().map(|view| view.number);
        assert_eq!(page, is_album.then_some(2), "{}", hit.picture.name);
    }
    assert_eq!(found, model.matching(Some(thing), tag), "{thing} {tag:?}");
}

fn group(bench: &Bench, model: &Model) {
    let go = AtomicBool::new(false);
    bench.duplicates.update(&go, &mut |_| {}).unwrap();
    let found = bench
        .duplicates
        .groups(&DuplicateOptions::default())
        .unwrap();
    let groups = found.groups.iter().map(|group| {
        let members = group.members.iter();
        members
            .map(|member| member.picture.name.clone())
            .collect::<BTreeSet<_>>()
    });
    let expected = (0..THINGS)
        .map(|thing| {
            let mut copies = model.matching(Some(thing), None);
            copies.remove(&text_of((thing, ALBUM)));
            (thing, copies)
        })
        .filter(|(thing, copies)| copies.len() == 2 && !model.separated.contains(thing));
    let expected: BTreeSet<_> = expected.map(|(_, copies)| copies).collect();
    assert_eq!(groups.collect::<BTreeSet<_>>(), expected);
    assert_eq!(found.pending, 0);
}

fn compare(bench: &Bench, model: &Model) {
    let listed = bench.library.pictures(0, 100).unwrap();
    let found: BTreeMap<String, BTreeSet<String>> = listed
        .into_iter()
        .map(|one| {
            (
                one.name,
                one.labels.tags.iter().map(ToString::to_string).collect(),
            )
        })
        .collect();
    let expected = model.pictures.iter().map(|(name, tags)| {
        let tags: BTreeSet<String> = tags.iter().map(|&tag| tag.to_owned()).collect();
        (text_of(*name), tags)
    });
    assert_eq!(found, expected.collect());
    assert_eq!(bench.library.count().unwrap(), model.pictures.len() as u64);
    for tag in TAGS {
        let filter = Filter {
            tags: tags(&[tag]),
            ..Filter::default()
        };
        let count = bench.library.count_matching(&filter).unwrap();
        assert_eq!(count, model.matching(None, Some(tag)).len() as u64);
    }
    for (name, id) in &model.ids {
        let is_stored = model.pictures.contains_key(name);
        assert_eq!(bench.library.file(id).is_ok(), is_stored, "{name:?}");
        assert_eq!(bench.library.thumbnail(id).is_ok(), is_stored, "{name:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_library_answers_as_plain_collections_do(
        operations in proptest::collection::vec(operation(), 1..16)
    ) {
        let root = tempfile::tempdir().unwrap();
        let mut model = Model::default();
        let mut bench = opened(root.path());
        for operation in &operations {
            apply(&bench, &mut model, operation);
            if matches!(operation, Operation::Reopen) {
                drop(bench);
                bench = opened(root.path());
            }
            compare(&bench, &model);
        }
        for thing in 0..THINGS {
            search(&bench, &model, thing, None);
        }
        group(&bench, &model);
    }
}

/// Few, unless the environment asks for more.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.and_then(|cases| cases.parse().ok()).unwrap_or(8)
}
