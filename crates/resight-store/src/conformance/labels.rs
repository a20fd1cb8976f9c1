//! Tags, objects, metadata, and the pictures that match a filter.

use super::fixtures::{Make, added, file, found, id, label, one, picture, tagged, tags, upload};
use crate::{
    Catalogue, Change, Effect, Filter, LabelPatch, Labels, Metadata, NewPicture, ObjectId, Tag,
    Update,
};

fn object(name: &str) -> ObjectId {
    ObjectId::parse(name).unwrap()
}

fn metadata(entries: &[(&str, &str)]) -> Metadata {
    let entries = entries.iter().map(|&(n, v)| (n.to_owned(), v.to_owned()));
    let entries: Vec<_> = entries.collect();
    Metadata::new(format!("{entries:?}"), entries).unwrap()
}

fn labels(catalogue: &dyn Catalogue, number: u64) -> Labels {
    catalogue.picture(&id(number)).unwrap().unwrap().labels
}

pub(super) fn a_patch_changes_only_what_it_names(make: Make<'_>) {
    let catalogue = &*make();
    added(catalogue, upload(1));
    let all = LabelPatch {
        tags: Update::Set(tags(&["b", "a", "b"])),
        object: Update::Set(object("vase 7")),
        metadata: Update::Set(metadata(&[("year", "1890")])),
        ..LabelPatch::default()
    };
    assert_eq!(one(catalogue, label(1, all)), Effect::Labelled);
    let before = labels(catalogue, 1);
    assert_eq!(before.tags, tags(&["a", "b"]));
    assert_eq!(before.object, Some(object("vase 7")));
    assert_eq!(before.metadata.as_deref(), Some(r#"[("year", "1890")]"#));

    one(catalogue, label(1, LabelPatch::default()));
    assert_eq!(labels(catalogue, 1), before);

    let patch = LabelPatch {
        add_tags: tags(&["c"]),
        remove_tags: tags(&["a", "never there"]),
        object: Update::Clear,
        ..LabelPatch::default()
    };
    one(catalogue, label(1, patch));
    let after = labels(catalogue, 1);
    assert_eq!((after.tags, after.object), (tags(&["b", "c"]), None));
    assert_eq!(after.metadata, before.metadata);

    let patch = LabelPatch {
        tags: Update::Clear,
        metadata: Update::Clear,
        ..LabelPatch::default()
    };
    one(catalogue, label(1, patch));
    assert_eq!(labels(catalogue, 1), Labels::default());
    assert_eq!(one(catalogue, tagged(9, &["x"])), Effect::NotFound);
}

pub(super) fn too_many_tags_change_nothing_and_stop_nothing_else(make: Make<'_>) {
    let catalogue = &*make();
    added(catalogue, upload(1));
    let names: Vec<String> = (0..Tag::MOST).map(|n| format!("{n:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let changes = vec![
        tagged(1, &names),
        tagged(1, &["one more"]),
        tagged(1, &[names[5]]),
    ];
    let effects = catalogue.commit(changes).unwrap();
    assert_eq!(
        effects,
        [Effect::Labelled, Effect::TooManyTags, Effect::Labelled]
    );
    assert_eq!(labels(catalogue, 1).tags, tags(&names));
}

/// Six pictures: all are `n`, the even ones `even`; 1 to 3 are of one object, 4 of another.
fn six(make: Make<'_>) -> Box<dyn Catalogue> {
    let made = make();
    let catalogue = &*made;
    for number in 1..=6 {
        assert_eq!(added(catalogue, upload(number)), number);
        let mut names = vec!["n"];
        names.extend(number.is_multiple_of(2).then_some("even"));
        let of = match number {
            1..=3 => Update::Set(object("first")),
            4 => Update::Set(object("second")),
            _ => Update::Keep,
        };
        let patch = LabelPatch {
            add_tags: tags(&names),
            object: of,
            metadata: Update::Set(metadata(&[
                ("number", &number.to_string()),
                ("half", &(number / 2).to_string()),
            ])),
            ..LabelPatch::default()
        };
        one(catalogue, label(number, patch));
    }
    made
}

fn with_entries(entries: &[(&str, &str)]) -> Filter {
    Filter {
        entries: metadata_entries(entries),
        ..Filter::default()
    }
}

fn with_tags(yes: &[&str], no: &[&str]) -> Filter {
    Filter {
        tags: tags(yes),
        not_tags: tags(no),
        ..Filter::default()
    }
}

/// The same filter, for pictures of an object.
fn of(name: &str, filter: Filter) -> Filter {
    Filter {
        object: Some(object(name)),
        ..filter
    }
}

/// Reads the pictures that match, with every method and in pages; `expected` are their keys.
pub(super) fn check_matching(catalogue: &dyn Catalogue, filter: &Filter, expected: &[u64]) {
    let keys = |after, limit| {
        let keys = catalogue.matching_keys_after(filter, after, limit);
        keys.unwrap()
    };
    assert_eq!(keys(None, 9), expected, "{filter:?}");
    assert_eq!(keys(None, usize::MAX), expected, "{filter:?}");
    assert_eq!(keys(Some(u64::MAX), 9), [], "{filter:?}");
    for limit in 0..3 {
        let after = expected.first().copied();
        let next = expected.iter().skip(1).take(limit).copied();
        let next: Vec<u64> = next.collect();
        assert_eq!(keys(after.or(Some(9)), limit), next, "{filter:?}");
    }
    let count = catalogue.matching_count(filter).unwrap();
    assert_eq!(count, expected.len() as u64, "{filter:?}");
    let mut newest_first: Vec<u64> = expected.to_vec();
    newest_first.reverse();
    let list = |offset, limit| {
        let list = catalogue.matching_list(filter, offset, limit).unwrap();
        list.iter().map(|r| r.key).collect::<Vec<_>>()
    };
    assert_eq!(list(0, 100), newest_first, "{filter:?}");
    assert_eq!(list(0, u64::MAX), newest_first, "{filter:?}");
    assert_eq!(list(u64::MAX, 9), [], "{filter:?}");
    let page = newest_first.iter().skip(1).take(2).copied();
    assert_eq!(list(1, 2), page.collect::<Vec<_>>(), "{filter:?}");
}

pub(super) fn pictures_match_a_filter_if_they_meet_all_of_it(make: Make<'_>) {
    let catalogue = &*six(make);
    let all = Filter::default;
    // Each has seven features.
    let few = |features_below, filter| Filter {
        features_below: Some(features_below),
        ..filter
    };
    let even = || with_tags(&["even"], &[]);
    let cases: Vec<(Filter, &[u64])> = vec![
        (all(), &[1, 2, 3, 4, 5, 6]),
        (few(8, all()), &[1, 2, 3, 4, 5, 6]),
        (few(7, all()), &[]),
        (few(8, even()), &[2, 4, 6]),
        (few(7, even()), &[]),
        (with_tags(&["n"], &[]), &[1, 2, 3, 4, 5, 6]),
        (with_tags(&["n", "even"], &[]), &[2, 4, 6]),
        (with_tags(&["n"], &["even"]), &[1, 3, 5]),
        (with_tags(&["n", "absent"], &[]), &[]),
        (with_tags(&[], &["absent"]), &[1, 2, 3, 4, 5, 6]),
        (of("first", all()), &[1, 2, 3]),
        (of("firs", all()), &[]),
        (with_entries(&[("half", "1")]), &[2, 3]),
        (with_entries(&[("half", "1"), ("number", "3")]), &[3]),
        (with_entries(&[("half", "1"), ("number", "4")]), &[]),
        (of("first", with_tags(&["even"], &[])), &[2]),
        (of("first", with_tags(&[], &["even"])), &[1, 3]),
        (of("second", with_tags(&[], &["even"])), &[]),
        (of("first", with_entries(&[("half", "1")])), &[2, 3]),
        (of("second", with_entries(&[("half", "1")])), &[]),
    ];
    for (filter, expected) in cases {
        check_matching(catalogue, &filter, expected);
    }
}

pub(super) fn a_picture_without_tags_has_none_of_those_excluded(make: Make<'_>) {
    let catalogue = &*six(make);
    assert_eq!(added(catalogue, upload(7)), 7);
    for (excluded, expected) in [
        (&["even"][..], &[1, 3, 5, 7][..]),
        (&["n"], &[7]),
        (&["even", "n", "absent"], &[7]),
        (&["absent"], &[1, 2, 3, 4, 5, 6, 7]),
    ] {
        check_matching(catalogue, &with_tags(&[], excluded), expected);
    }
}

pub(super) fn a_filter_may_have_many_conditions(make: Make<'_>) {
    let catalogue = &*make();
    let keys: Vec<u64> = (1..=3).map(|n| added(catalogue, upload(n))).collect();
    let numbers = 0..Filter::MOST / 2;
    let entries: Vec<(String, String)> = numbers
        .clone()
        .map(|n| (n.to_string(), "x".into()))
        .collect();
    for number in 1..=2 {
        let patch = LabelPatch {
            add_tags: tags(&["a"]),
            metadata: Update::Set(Metadata::new(String::new(), entries.clone()).unwrap()),
            ..LabelPatch::default()
        };
        one(catalogue, label(number, patch));
    }
    one(catalogue, tagged(2, &["n7"]));
    let not_tags: Vec<String> = numbers.map(|n| format!("n{n}")).collect();
    let not_tags: Vec<&str> = not_tags.iter().skip(1).map(String::as_str).collect();
    let filter = Filter {
        tags: tags(&["a"]),
        not_tags: tags(&not_tags),
        entries,
        ..Filter::default()
    };
    assert_eq!(filter.conditions(), Filter::MOST);
    let matching = catalogue.matching_keys_after(&filter, None, 9).unwrap();
    assert_eq!(matching, keys[..1]);
    assert_eq!(catalogue.matching_count(&filter).unwrap(), 1);
    assert_eq!(catalogue.matching_list(&filter, 0, 9).unwrap().len(), 1);
}

fn metadata_entries(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |&(n, v): &(&str, &str)| (n.to_owned(), v.to_owned());
    entries.iter().map(owned).collect()
}

pub(super) fn objects_are_counted_with_their_members(make: Make<'_>) {
    let catalogue = &*six(make);
    let seen = |offset, limit| {
        let objects = catalogue.objects(offset, limit).unwrap();
        let seen = objects.iter().map(|o| (o.id.to_string(), o.pictures));
        seen.collect::<Vec<_>>()
    };
    let (first, second) = (("first".to_owned(), 3), ("second".to_owned(), 1));
    assert_eq!(seen(0, 9), [first.clone(), second.clone()]);
    assert_eq!((seen(0, 1), seen(1, 9)), (vec![first], vec![second]));
    assert_eq!(catalogue.object_count().unwrap(), 2);
    let members = |after: Option<(ObjectId, u64)>, limit| {
        let members = catalogue.memberships_after(after.as_ref(), limit);
        let members = members.unwrap().into_iter();
        members
            .map(|(id, key)| (id.to_string(), key))
            .collect::<Vec<_>>()
    };
    let all = [("first", 1), ("first", 2), ("first", 3), ("second", 4)];
    let all = all.map(|(id, key)| (id.to_owned(), key));
    assert_eq!(members(None, 9), all);
    assert_eq!(members(None, usize::MAX), all);
    assert_eq!(members(None, 0), []);
    assert_eq!(members(None, 2), all[..2]);
    assert_eq!(members(Some((object("first"), 1)), 1), all[1..2]);
    assert_eq!(members(Some((object("first"), 2)), 9), all[2..]);
    assert_eq!(members(Some((object("first"), 9)), 9), all[3..]);
    assert_eq!(members(Some((object("first"), u64::MAX)), 9), all[3..]);
    assert_eq!(members(Some((object("second"), 4)), 9), []);
    // An object that has no pictures.
    assert_eq!(members(Some((object("firsu"), 0)), 9), all[3..]);
}

pub(super) fn text_sorts_by_its_bytes(make: Make<'_>) {
    let catalogue = &*make();
    // Not as a dictionary would, where case and accents hardly count.
    let sorted = ["B", "Z", "a", "b", "e", "é", "日"];
    for (number, name) in (1..).zip(sorted.iter().rev()) {
        let patch = LabelPatch {
            tags: Update::Set(tags(&sorted)),
            object: Update::Set(object(name)),
            ..LabelPatch::default()
        };
        catalogue
            .commit(vec![upload(number), label(number, patch)])
            .unwrap();
    }
    let objects = catalogue.objects(0, 9).unwrap();
    assert!(objects.iter().map(|o| o.id.as_str()).eq(sorted));
    let members = catalogue.memberships_after(None, 9).unwrap();
    assert!(members.iter().map(|m| m.0.as_str()).eq(sorted));
    let after = (object("b"), u64::MAX);
    let rest = catalogue.memberships_after(Some(&after), 9).unwrap();
    assert!(rest.iter().map(|m| m.0.as_str()).eq(["e", "é", "日"]));
    assert_eq!(labels(catalogue, 1).tags, tags(&sorted));
}

pub(super) fn labels_go_with_the_picture(make: Make<'_>) {
    let catalogue = &*six(make);
    one(catalogue, Change::Remove(id(4)));
    assert_eq!(catalogue.object_count().unwrap(), 1);
    added(catalogue, upload(4));
    assert_eq!(labels(catalogue, 4), Labels::default());
}

pub(super) fn a_file_that_changes_keeps_its_labels(make: Make<'_>) {
    let catalogue = &*make();
    let patch = LabelPatch {
        add_tags: tags(&["kept"]),
        object: Update::Set(object("thing")),
        metadata: Update::Set(metadata(&[("a", "1")])),
        ..LabelPatch::default()
    };
    catalogue
        .commit(vec![found(1, "/p/a"), label(1, patch)])
        .unwrap();
    let before = labels(catalogue, 1);
    let effect = one(catalogue, found(2, "/p/a"));
    assert!(matches!(
        effect,
        Effect::Added {
            replaced: Some(_),
            ..
        }
    ));
    assert_eq!(labels(catalogue, 2), before);
    let by_entry = with_entries(&[("a", "1")]);
    assert_eq!(catalogue.matching_count(&by_entry).unwrap(), 1);

    // It adds its own tags to the inherited ones; its own object and metadata win.
    let own = LabelPatch {
        add_tags: tags(&["own"]),
        metadata: Update::Set(metadata(&[("b", "2")])),
        ..LabelPatch::default()
    };
    catalogue
        .commit(vec![found(3, "/p/a"), label(3, own)])
        .unwrap();
    let after = labels(catalogue, 3);
    assert_eq!(after.tags, tags(&["kept", "own"]));
    assert_eq!(after.object, before.object);
    assert_eq!(after.metadata.as_deref(), Some(r#"[("b", "2")]"#));
    assert_eq!(catalogue.matching_count(&by_entry).unwrap(), 0);

    // Inherited tags never exceed the most, and its own stay.
    let many: Vec<String> = (0..Tag::MOST - 1).map(|i| format!("own{i:02}")).collect();
    let many = LabelPatch {
        add_tags: many.iter().map(|tag| Tag::parse(tag).unwrap()).collect(),
        ..LabelPatch::default()
    };
    catalogue
        .commit(vec![found(4, "/p/a"), label(4, many.clone())])
        .unwrap();
    let after = labels(catalogue, 4);
    assert_eq!(after.tags.len(), Tag::MOST);
    assert!(many.add_tags.iter().all(|tag| after.tags.contains(tag)));

    // Nothing is inherited from a picture that stays.
    catalogue
        .commit(vec![upload(5), tagged(5, &["stays"])])
        .unwrap();
    let source = |number: u64| {
        Change::Add(NewPicture {
            source: Some(file("/p/b")),
            ..picture(number)
        })
    };
    one(catalogue, source(5));
    one(catalogue, source(6));
    assert_eq!(labels(catalogue, 6), Labels::default());
    assert_eq!(labels(catalogue, 5).tags, tags(&["stays"]));
}
