//! Searching by tags, objects and metadata.

use std::sync::atomic::AtomicBool;

use crate::support::{Bench, parts, picture};
use resight_engine::{
    EngineOptions, Filter, FolderOptions, LabelPatch, Library, ObjectId, PictureId, Query,
    SearchAnswer, SearchOptions, Tag, Update,
};

/// A library that examines three candidates at least.
fn bench(root: &std::path::Path) -> Bench {
    let options = EngineOptions {
        shortlist: 3,
        ..EngineOptions::default()
    };
    Bench::open(parts(root), options).unwrap()
}

fn tags(names: &[&str]) -> Vec<Tag> {
    names.iter().map(|name| Tag::parse(name).unwrap()).collect()
}

fn tagged(names: &[&str]) -> LabelPatch {
    LabelPatch {
        add_tags: tags(names),
        ..LabelPatch::default()
    }
}

fn of(object: &str) -> LabelPatch {
    LabelPatch {
        object: Update::Set(ObjectId::parse(object).unwrap()),
        ..LabelPatch::default()
    }
}

fn with(names: &[&str]) -> Filter {
    Filter {
        tags: tags(names),
        ..Filter::default()
    }
}

fn add(bench: &Bench, number: u32, brighter: u8, patch: LabelPatch) -> PictureId {
    let added = bench
        .indexer
        .add_labelled(&picture(number, brighter), "a.png", patch);
    added.unwrap().picture.id
}

fn ask(bench: &Bench, options: &SearchOptions) -> SearchAnswer {
    bench
        .searcher
        .search(Query::Bytes(&picture(0, 0)), options)
        .unwrap()
}

fn ids(answer: &SearchAnswer) -> Vec<PictureId> {
    answer.hits.iter().map(|h| h.picture.id.clone()).collect()
}

#[test]
fn a_filter_holds_for_all_that_is_found() {
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path());
    let mut rare = Vec::new();
    for n in 0..40 {
        let names: &[&str] = if n % 20 == 7 {
            &["all", "rare"]
        } else {
            &["all"]
        };
        let id = add(&bench, 0, n, tagged(names));
        rare.extend((n % 20 == 7).then_some(id));
    }
    for n in 1..20 {
        add(&bench, n, 0, tagged(&["all"]));
    }
    for expand in [false, true] {
        let options = SearchOptions {
            filter: with(&["rare"]),
            expand,
            ..SearchOptions::default()
        };
        let answer = ask(&bench, &options);
        let mut found = ids(&answer);
        found.sort();
        rare.sort();
        assert_eq!(found, rare, "expand: {expand}");
        assert_eq!((answer.total, answer.verified), (2, 2));
        assert_eq!(answer.hits[0].picture.labels.tags, tags(&["all", "rare"]));
    }
    let all = SearchOptions {
        filter: with(&["all"]),
        limit: 100,
        ..SearchOptions::default()
    };
    let everything = SearchOptions {
        limit: 100,
        ..SearchOptions::default()
    };
    let answer = ask(&bench, &all);
    assert_eq!(answer.verified, 40);
    assert_eq!(ids(&answer), ids(&ask(&bench, &everything)));
    // The next search sees a change.
    let gone = LabelPatch {
        remove_tags: tags(&["rare"]),
        ..LabelPatch::default()
    };
    bench.library.label(vec![(rare[0].clone(), gone)]).unwrap();
    let options = SearchOptions {
        filter: with(&["rare"]),
        ..SearchOptions::default()
    };
    assert_eq!(ids(&ask(&bench, &options)), rare[1..]);
    let none = SearchOptions {
        filter: with(&["never"]),
        ..SearchOptions::default()
    };
    assert_eq!(ask(&bench, &none).total, 0);
}

#[test]
fn each_object_is_given_once() {
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path());
    let mut of_first = Vec::new();
    for n in 0..6 {
        of_first.push(add(&bench, 0, n, of("first")));
    }
    let alone = add(&bench, 0, 10, LabelPatch::default());
    let of_second = [
        add(&bench, 0, 11, of("second")),
        add(&bench, 3, 0, of("second")),
    ];
    let plain = SearchOptions {
        limit: 100,
        ..SearchOptions::default()
    };
    let ungrouped = ask(&bench, &plain);
    assert_eq!(ungrouped.same_object, None);
    let ranked = ids(&ungrouped);
    let grouped = SearchOptions {
        group_by_object: true,
        ..plain.clone()
    };
    let answer = ask(&bench, &grouped);
    let found = ids(&answer);
    // In the order of the best of each.
    let best = |of: &[PictureId]| ranked.iter().find(|id| of.contains(id)).unwrap().clone();
    let mut expected = vec![best(&of_first), alone, best(&of_second)];
    expected.sort_by_key(|id| ranked.iter().position(|r| r == id));
    assert_eq!(found, expected);
    assert_eq!((answer.total, answer.verified), (3, 3));
    let groups = answer.same_object.unwrap();
    for (id, group) in found.iter().zip(&groups) {
        let own: &[PictureId] = match id {
            id if of_first.contains(id) => &of_first,
            id if of_second.contains(id) => &of_second,
            _ => &[],
        };
        let others = ranked.iter().filter(|r| own.contains(r) && *r != id);
        let others: Vec<PictureId> = others.cloned().collect();
        assert_eq!((group.total, &group.ids), (others.len(), &others));
    }
    // Pages of groups join.
    let mut joined = Vec::new();
    for (offset, group) in groups.iter().enumerate() {
        let page = ask(
            &bench,
            &SearchOptions {
                offset,
                limit: 1,
                ..grouped.clone()
            },
        );
        assert_eq!(page.total, 3);
        assert_eq!(page.same_object.as_deref(), Some(&[group.clone()][..]));
        joined.extend(page.hits.into_iter().map(|h| h.picture.id));
    }
    assert_eq!(joined, found);
}

#[test]
fn an_object_is_removed_as_a_whole() {
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path());
    add(&bench, 0, 0, of("a"));
    add(&bench, 1, 0, of("a"));
    let stays = add(&bench, 2, 0, of("b"));
    let a = ObjectId::parse("a").unwrap();
    let (total, page) = bench.library.object(&a, 1, 5).unwrap();
    assert_eq!((total, page.len()), (2, 1));
    assert_eq!(bench.library.remove_object(&a).unwrap(), 2);
    assert_eq!(
        bench.library.remove_object(&a).unwrap_err().code(),
        "unknown_object"
    );
    assert_eq!(
        bench.library.object(&a, 0, 5).unwrap_err().code(),
        "unknown_object"
    );
    let left = bench.library.pictures(0, 10).unwrap();
    assert_eq!(left.iter().map(|p| &p.id).collect::<Vec<_>>(), [&stays]);
    let answer = ask(&bench, &SearchOptions::default());
    assert!(ids(&answer).iter().all(|id| *id == stays));
}

#[test]
fn tags_of_a_folder_reach_what_is_new_and_what_is_not() {
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path());
    let folder = root.path().join("pictures");
    std::fs::create_dir(&folder).unwrap();
    let put = |name: &str, number| std::fs::write(folder.join(name), picture(number, 0)).unwrap();
    let index = |names: &[&str]| {
        let options = FolderOptions {
            labels: tagged(names),
            ..FolderOptions::default()
        };
        let cancel = AtomicBool::new(false);
        bench
            .indexer
            .index_folder(&folder, &options, &cancel, &mut |_| {})
            .unwrap()
    };
    put("a.png", 1);
    assert_eq!(index(&[]).indexed, 1);
    // The same bytes as an upload: known when the folder is read.
    bench.indexer.add(&picture(2, 0), "b.png").unwrap();
    put("b.png", 2);
    put("c.png", 3);
    let report = index(&["folder"]);
    assert_eq!(
        (report.unchanged, report.already_there, report.indexed),
        (1, 1, 1)
    );
    assert_eq!(bench.library.count_matching(&with(&["folder"])).unwrap(), 3);
    let elsewhere = add(&bench, 9, 0, LabelPatch::default());
    index(&["again"]);
    let again = bench
        .library
        .pictures_matching(&with(&["folder", "again"]), 0, 9);
    let again = again.unwrap();
    assert_eq!(again.len(), 3);
    assert!(again.iter().all(|p| p.id != elsewhere));
}

#[test]
fn what_is_said_with_a_picture_that_is_there_counts_too() {
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path());
    let id = add(&bench, 1, 0, tagged(&["a"]));
    assert_eq!(add(&bench, 1, 0, tagged(&["b"])), id);
    let labels = bench.library.picture(&id).unwrap().labels;
    assert_eq!(labels.tags, tags(&["a", "b"]));
    let many: Vec<String> = (0..65).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let refused = bench
        .indexer
        .add_labelled(&picture(2, 0), "c.png", tagged(&many));
    assert_eq!(refused.unwrap_err().code(), "too_many_tags");
    assert_eq!(bench.library.count().unwrap(), 1, "nothing is kept of it");

    // Of a picture that a folder holds an upload with too many is not kept either.
    let folder = root.path().join("pictures");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("d.png"), picture(3, 0)).unwrap();
    let go = AtomicBool::new(false);
    let options = FolderOptions {
        labels: tagged(&many[..64]),
        ..FolderOptions::default()
    };
    let indexed = bench
        .indexer
        .index_folder(&folder, &options, &go, &mut |_| {});
    assert_eq!(indexed.unwrap().indexed, 1);
    let refused = bench
        .indexer
        .add_labelled(&picture(3, 0), "d.png", tagged(&["new"]));
    assert_eq!(refused.unwrap_err().code(), "too_many_tags");
    std::fs::write(folder.join("d.png"), picture(4, 0)).unwrap();
    bench
        .indexer
        .index_folder(&folder, &options, &go, &mut |_| {})
        .unwrap();
    assert_eq!(
        bench.library.count().unwrap(),
        2,
        "it was the folder's alone"
    );
}

#[test]
fn many_pictures_are_labelled_all_or_none() {
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path());
    let most: Vec<String> = (0..64).map(|n| n.to_string()).collect();
    let most: Vec<&str> = most.iter().map(String::as_str).collect();
    let few = add(&bench, 1, 0, LabelPatch::default());
    let full = add(&bench, 2, 0, tagged(&most));
    let both = [&few, &full].map(|id| (id.clone(), tagged(&["x"])));
    let refused = bench.library.label(both.to_vec()).unwrap_err();
    assert_eq!(refused.code(), "too_many_tags");
    assert_eq!(bench.library.count_matching(&with(&["x"])).unwrap(), 0);
    // Each of the two patches would do alone.
    let half = |name: &str| -> Vec<String> { (0..40).map(|n| format!("{name}{n}")).collect() };
    let twice = ["y", "z"].map(|name| {
        let tags = half(name);
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        (few.clone(), tagged(&tags))
    });
    let refused = bench.library.label(twice.to_vec()).unwrap_err();
    assert_eq!(refused.code(), "too_many_tags");
    assert_eq!(bench.library.count_matching(&with(&["y0"])).unwrap(), 0);
    let both = [&few, &full].map(|id| (id.clone(), tagged(&["0"])));
    assert_eq!(bench.library.label(both.to_vec()).unwrap(), [true, true]);
    assert_eq!(bench.library.count_matching(&with(&["0"])).unwrap(), 2);
}

#[test]
fn libraries_side_by_side_keep_their_pictures_apart() {
    let root = tempfile::tempdir().unwrap();
    let first = bench(&root.path().join("first"));
    let here = parts(&root.path().join("second"));
    let second = {
        let options = first.library.options().clone();
        Bench::of(Library::open_beside(&first.library, here, options).unwrap())
    };
    // The same keys in both, with features of other pictures.
    for n in 0..3 {
        add(&first, n, 0, LabelPatch::default());
        add(&second, 2 - n, 0, LabelPatch::default());
    }
    for _ in 0..2 {
        for bench in [&first, &second] {
            let answer = ask(bench, &SearchOptions::default());
            assert_eq!(answer.verified, 1);
            let own = bench.library.picture(&ids(&answer)[0]).unwrap();
            assert_eq!(own.byte_len, picture(0, 0).len() as u64);
        }
    }
}

#[test]
fn a_search_with_a_filter_sees_every_change_before_it() {
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path());
    let options = SearchOptions {
        filter: with(&["red"]),
        ..SearchOptions::default()
    };
    let found = || ids(&ask(&bench, &options));
    let first = add(&bench, 0, 0, tagged(&["red"]));
    let second = add(&bench, 0, 1, LabelPatch::default());
    // The filter is remembered from here on.
    for _ in 0..2 {
        assert_eq!(found(), std::slice::from_ref(&first));
    }
    bench
        .library
        .label(vec![(second.clone(), tagged(&["red"]))])
        .unwrap();
    assert_eq!(found().len(), 2, "after a label");
    let third = add(&bench, 0, 2, tagged(&["red"]));
    assert!(found().contains(&third), "after an addition");
    bench.library.remove(&[first]).unwrap();
    assert_eq!(found().len(), 2, "after a removal");
    let plain = LabelPatch {
        tags: Update::Clear,
        ..LabelPatch::default()
    };
    bench.library.label(vec![(second, plain)]).unwrap();
    assert_eq!(found(), [third], "after a label was taken away");
}

#[test]
fn labels_changed_beside_searches_are_never_missed() {
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path());
    let id = add(&bench, 0, 0, LabelPatch::default());
    let labels: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    std::thread::scope(|scope| {
        let searching = scope.spawn(|| {
            for label in &labels {
                let options = SearchOptions {
                    filter: with(&[label]),
                    ..SearchOptions::default()
                };
                // A search by a label that is being set must find the picture in the end.
                while ids(&ask(&bench, &options)).is_empty() {}
            }
        });
        for label in &labels {
            let patch = tagged(&[label]);
            bench.library.label(vec![(id.clone(), patch)]).unwrap();
            let options = SearchOptions {
                filter: with(&[label]),
                ..SearchOptions::default()
            };
            assert_eq!(ids(&ask(&bench, &options)), std::slice::from_ref(&id));
        }
        searching.join().unwrap();
    });
}
