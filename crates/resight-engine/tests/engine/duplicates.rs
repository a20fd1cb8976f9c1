//! Pairs and groups of pictures that are made here.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use image::imageops::{FilterType, crop_imm, overlay, resize, rotate90};
use image::{Rgb, RgbImage};
use resight_engine::{
    Components, DuplicateGroup, DuplicateGroups, DuplicateOptions, EngineError, EngineOptions,
    FolderOptions, PairKind, PictureId, Query, SearchOptions, Vocabulary,
};
use resight_store::{FolderBlobs, SqliteCatalogue};
use resight_test_support::{jpeg, png};
use resight_vision::{Sift, SiftOptions};

use crate::support::Bench;

fn open(root: &Path) -> Bench {
    let parts = Components {
        catalogue: Arc::new(SqliteCatalogue::open(root).unwrap()),
        blobs: Arc::new(FolderBlobs::open(&root.join("blobs")).unwrap()),
        extractor: Arc::new(Sift::new(SiftOptions::default())),
        vocabulary: Vocabulary::generic(),
        convert: false,
        index: None,
    };
    Bench::open(parts, EngineOptions::default()).unwrap()
}

/// Boxes of all sizes, different for each seed.
fn textured(width: u32, height: u32, seed: u64) -> RgbImage {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = |below: u32| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as u32 % below
    };
    let mut picture = RgbImage::from_pixel(width, height, Rgb([128; 3]));
    for _ in 0..width * height / 250 {
        let (x, y) = (random(width), random(height));
        let (w, h) = (4 + random(28), 4 + random(28));
        let colour = Rgb([random(256) as u8, random(256) as u8, random(256) as u8]);
        for (x, y) in
            (y..(y + h).min(height)).flat_map(|y| (x..(x + w).min(width)).map(move |x| (x, y)))
        {
            picture.put_pixel(x, y, colour);
        }
    }
    picture
}

fn add(bench: &Bench, bytes: &[u8], name: &str) -> PictureId {
    bench.indexer.add(bytes, name).unwrap().picture.id
}

fn update(bench: &Bench) {
    let go = AtomicBool::new(false);
    bench.duplicates.update(&go, &mut |_| {}).unwrap();
}

fn duplicates(bench: &Bench) -> DuplicateGroups {
    bench
        .duplicates
        .groups(&DuplicateOptions::default())
        .unwrap()
}

fn names(group: &DuplicateGroup) -> BTreeSet<&str> {
    let members = group.members.iter();
    members.map(|m| m.picture.name.as_str()).collect()
}

/// Kind and names of every group.
fn shown(found: &DuplicateGroups) -> Vec<(PairKind, BTreeSet<&str>)> {
    let groups = found.groups.iter();
    groups.map(|group| (group.kind, names(group))).collect()
}

// Long because one library is paired once, and every property of its groups is checked.
#[test]
fn copies_are_found_with_their_kind_and_strangers_are_not() {
    let root = tempfile::tempdir().unwrap();
    let bench = open(root.path());
    let first = textured(480, 360, 1);
    let second = textured(480, 360, 2);
    let third = textured(480, 360, 3);
    add(&bench, &png(&first), "first");
    add(&bench, &jpeg(&first, 60), "first saved again");
    let half = resize(&first, 240, 180, FilterType::Triangle);
    add(&bench, &jpeg(&half, 80), "first at half size");
    add(&bench, &png(&second), "second");
    add(
        &bench,
        &png(&crop_imm(&second, 90, 60, 300, 240).to_image()),
        "part of second",
    );
    add(&bench, &png(&third), "third");
    let mut changed = third;
    overlay(
        &mut changed,
        &RgbImage::from_pixel(160, 90, Rgb([250, 30, 30])),
        40,
        200,
    );
    add(&bench, &png(&changed), "third with a label");
    for seed in 10..16 {
        add(&bench, &png(&textured(480, 360, seed)), "stranger");
    }
    assert_eq!(duplicates(&bench).pending, 13);
    update(&bench);
    let found = duplicates(&bench);
    assert_eq!((found.pending, found.total), (0, 3));
    assert_eq!(
        shown(&found),
        [
            (
                PairKind::ReEncoded,
                BTreeSet::from(["first", "first at half size", "first saved again"])
            ),
            (
                PairKind::Edited,
                BTreeSet::from(["third", "third with a label"])
            ),
            (
                PairKind::Cropped,
                BTreeSet::from(["part of second", "second"])
            ),
        ]
    );
    let copies = &found.groups[0];
    assert_eq!(copies.members[0].picture.width, 480, "the largest leads");
    assert_eq!(copies.members[2].picture.name, "first at half size");
    assert_eq!((copies.pair_count, copies.pairs.len()), (3, 3));
    let crop = &found.groups[2].pairs[0];
    assert_eq!(crop.kind, PairKind::Cropped);
    assert!(crop.coverage_b > 0.7 && crop.coverage_a < 0.5, "{crop:?}");
    // From the whole to its part: moved by where it was cut out.
    let [a, _, x, _, d, y, ..] = crop.transform;
    assert!((a - 1.0).abs() < 0.01 && (d - 1.0).abs() < 0.01, "{crop:?}");
    assert!((x + 90.0).abs() < 1.0 && (y + 60.0).abs() < 1.0, "{crop:?}");

    let page = |options: DuplicateOptions| bench.duplicates.groups(&options).unwrap();
    let default = DuplicateOptions::default();
    let second = page(DuplicateOptions {
        offset: 1,
        limit: 1,
        ..default
    });
    assert_eq!(
        (second.total, shown(&second)),
        (3, shown(&found)[1..2].to_vec())
    );
    let cropped = page(DuplicateOptions {
        kind: Some(PairKind::Cropped),
        ..default
    });
    assert_eq!(
        (cropped.total, shown(&cropped)),
        (1, shown(&found)[2..].to_vec())
    );
    let large = page(DuplicateOptions {
        min_size: 3,
        ..default
    });
    assert_eq!(shown(&large), shown(&found)[..1]);
}

#[test]
fn another_frame_of_the_same_pixels_is_edited() {
    let root = tempfile::tempdir().unwrap();
    let bench = open(root.path());
    let picture = textured(400, 300, 5);
    let mut bright = picture.clone();
    bright
        .pixels_mut()
        .for_each(|p| p.0 = p.0.map(|v| v / 2 + 110));
    add(&bench, &png(&picture), "as it was");
    add(&bench, &png(&bright), "brighter");
    add(&bench, &png(&rotate90(&picture)), "turned");
    update(&bench);
    let found = duplicates(&bench);
    let all = BTreeSet::from(["as it was", "brighter", "turned"]);
    assert_eq!(shown(&found), [(PairKind::Edited, all)]);
    assert!(
        found.groups[0]
            .pairs
            .iter()
            .all(|p| p.kind == PairKind::Edited)
    );
}

#[test]
fn pictures_that_come_and_go_change_the_groups() {
    let root = tempfile::tempdir().unwrap();
    let bench = open(root.path());
    let picture = textured(400, 300, 1);
    let original = add(&bench, &png(&picture), "original");
    add(&bench, &png(&textured(400, 300, 2)), "stranger");
    update(&bench);
    assert_eq!(duplicates(&bench).total, 0);

    let copy = jpeg(&picture, 70);
    let id = add(&bench, &copy, "copy");
    assert_eq!(duplicates(&bench).pending, 1);
    let go = AtomicBool::new(false);
    let mut steps = Vec::new();
    bench
        .duplicates
        .update(&go, &mut |step| steps.push(step))
        .unwrap();
    assert_eq!(steps.len(), 1, "only the new one is paired");
    assert_eq!((steps[0].done, steps[0].left, steps[0].pairs), (1, 0, 1));
    assert_eq!(duplicates(&bench).total, 1);

    bench.library.remove(&[id]).unwrap();
    assert_eq!(duplicates(&bench).total, 0);
    add(&bench, &copy, "copy");
    update(&bench);
    assert_eq!(duplicates(&bench).total, 1);
    bench.library.remove(&[original]).unwrap();
    let found = duplicates(&bench);
    assert_eq!((found.total, found.pending), (0, 0));
}

#[test]
fn what_was_done_before_a_cancellation_is_kept() {
    let root = tempfile::tempdir().unwrap();
    let bench = open(root.path());
    for seed in 0..40 {
        let picture = textured(160, 120, seed % 20 + 1);
        let bytes = if seed < 20 {
            png(&picture)
        } else {
            jpeg(&picture, 90)
        };
        add(&bench, &bytes, "picture");
    }
    let cancel = AtomicBool::new(false);
    let mut first = None;
    let stopped = bench.duplicates.update(&cancel, &mut |step| {
        first.get_or_insert(step);
        cancel.store(true, Ordering::Relaxed);
    });
    assert!(
        matches!(stopped, Err(EngineError::Cancelled)),
        "{stopped:?}"
    );
    let first = first.unwrap();
    assert!(first.left > 0 && first.left < 40, "{first:?}");
    drop(bench);
    let bench = open(root.path());
    assert_eq!(duplicates(&bench).pending, first.left);
    update(&bench);
    let found = duplicates(&bench);
    assert_eq!((found.total, found.pending), (20, 0));
    assert!(
        found
            .groups
            .iter()
            .all(|g| g.kind == PairKind::ReEncoded && g.members.len() == 2)
    );
}

#[test]
fn a_picture_of_two_others_does_not_join_them() {
    let root = tempfile::tempdir().unwrap();
    let bench = open(root.path());
    let (left, right) = (textured(300, 300, 1), textured(300, 300, 2));
    let mut both = RgbImage::new(600, 300);
    overlay(&mut both, &left, 0, 0);
    overlay(&mut both, &right, 300, 0);
    add(&bench, &png(&left), "left");
    add(&bench, &png(&right), "right");
    add(&bench, &png(&both), "both");
    update(&bench);
    let found = duplicates(&bench);
    assert_eq!(found.total, 1, "{:?}", shown(&found));
    let group = &found.groups[0];
    assert_eq!((group.kind, group.members.len()), (PairKind::Cropped, 2));
    assert!(names(group).contains("both"));
    assert!(!(names(group).contains("left") && names(group).contains("right")));
}

#[test]
fn what_is_no_match_stays_apart_in_groups_and_searches_after_a_restart() {
    let root = tempfile::tempdir().unwrap();
    let bench = open(root.path());
    let picture = textured(400, 300, 1);
    let bytes = jpeg(&picture, 70);
    let a = add(&bench, &png(&picture), "a");
    let b = add(&bench, &bytes, "b");
    let c = add(&bench, &jpeg(&picture, 40), "c");
    update(&bench);
    assert_eq!(duplicates(&bench).groups[0].members.len(), 3);
    let unknown = PictureId::parse(&"0".repeat(32)).unwrap();
    let code = |a, b| bench.duplicates.add_not_a_match(a, b).unwrap_err().code();
    assert_eq!(code(&a, &unknown), "unknown_picture");
    assert_eq!(code(&a, &a), "same_picture");
    assert!(bench.duplicates.add_not_a_match(&b, &a).unwrap());
    assert!(!bench.duplicates.add_not_a_match(&a, &b).unwrap());
    drop(bench);

    let bench = open(root.path());
    for group in duplicates(&bench).groups {
        assert_eq!(group.members.len(), 2);
        assert!(names(&group).contains("c"), "{group:?}");
    }
    let hits = |id: &PictureId| {
        let answer = bench
            .searcher
            .search(Query::Stored(id), &SearchOptions::default())
            .unwrap();
        let hits = answer.hits.iter().map(|hit| hit.picture.id.clone());
        (answer.left_out, hits.collect::<Vec<_>>())
    };
    assert_eq!(hits(&a), (1, vec![c.clone()]));
    assert_eq!(hits(&b), (1, vec![c.clone()]));
    assert_eq!(hits(&c).1.len(), 2);
    // The decision is about stored pictures and not about pixels that are sent.
    let sent = bench
        .searcher
        .search(Query::Bytes(&bytes), &SearchOptions::default())
        .unwrap();
    assert_eq!((sent.left_out, sent.hits.len()), (0, 3));

    // It is about the content: the same file, removed and added again, stays apart.
    bench.library.remove(std::slice::from_ref(&b)).unwrap();
    assert_eq!(hits(&a), (0, vec![c.clone()]));
    add(&bench, &bytes, "b");
    update(&bench);
    assert_eq!(hits(&a), (1, vec![c]));
    let listed = bench.duplicates.not_matches(0, 9).unwrap();
    assert_eq!(listed.total, 1);
    assert!(listed.pairs[0].a.1.is_some() && listed.pairs[0].b.1.is_some());

    assert!(bench.duplicates.drop_not_a_match(&a, &b).unwrap());
    assert!(!bench.duplicates.drop_not_a_match(&a, &b).unwrap());
    assert_eq!(hits(&a).1.len(), 2);
    assert_eq!(duplicates(&bench).groups[0].members.len(), 3);
}

#[test]
fn the_same_bytes_in_two_files_are_a_group_by_themselves() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("pictures");
    std::fs::create_dir(&folder).unwrap();
    let picture = textured(300, 200, 1);
    for name in ["a.png", "b.png"] {
        std::fs::write(folder.join(name), png(&picture)).unwrap();
    }
    std::fs::write(folder.join("c.png"), png(&textured(300, 200, 2))).unwrap();
    let bench = open(&root.path().join("data"));
    let go = AtomicBool::new(false);
    let index = || {
        let options = FolderOptions::default();
        bench
            .indexer
            .index_folder(&folder, &options, &go, &mut |_| {})
            .unwrap()
    };
    index();
    update(&bench);
    let found = duplicates(&bench);
    assert_eq!(found.total, 1);
    let group = &found.groups[0];
    assert_eq!((group.kind, group.members.len()), (PairKind::Identical, 1));
    assert_eq!(group.members[0].picture.sources.len(), 2);
    assert!(group.pairs.is_empty());

    // With a copy that is not the same bytes, all three files are one group.
    std::fs::write(folder.join("d.jpg"), jpeg(&picture, 80)).unwrap();
    index();
    update(&bench);
    let found = duplicates(&bench);
    assert_eq!(
        (found.total, found.groups[0].kind),
        (1, PairKind::ReEncoded)
    );
    let options = DuplicateOptions {
        min_size: 3,
        ..DuplicateOptions::default()
    };
    assert_eq!(bench.duplicates.groups(&options).unwrap().total, 1);
}

#[test]
fn damaged_features_of_one_picture_do_not_stop_pairing_and_are_named_by_searches() {
    let root = tempfile::tempdir().unwrap();
    let picture = textured(300, 220, 5);
    let bench = open(root.path());
    for (quality, name) in [(90, "a.jpg"), (80, "b.jpg"), (70, "c.jpg")] {
        add(&bench, &jpeg(&picture, quality), name);
    }
    drop(bench);
    let catalogue = rusqlite::Connection::open(root.path().join("catalogue.sqlite3")).unwrap();
    let second = "(SELECT key FROM picture WHERE name = 'b.jpg')";
    let damage = format!("UPDATE features SET bytes = x'00' WHERE key = {second}");
    assert_eq!(catalogue.execute(&damage, []).unwrap(), 1);
    drop(catalogue);

    let bench = open(root.path());
    update(&bench);
    let found = duplicates(&bench);
    let [group] = &found.groups[..] else {
        panic!("{:?}", shown(&found));
    };
    assert_eq!(names(group), BTreeSet::from(["a.jpg", "c.jpg"]));
    let query = jpeg(&picture, 60);
    let search = || {
        let query = Query::Bytes(&query);
        bench.searcher.search(query, &SearchOptions::default())
    };
    let pictures = bench.library.pictures(0, 9).unwrap();
    let second = pictures.into_iter().find(|picture| picture.name == "b.jpg");
    let second = second.unwrap().id;
    // An answer without it would be wrong.
    let error = search().unwrap_err();
    assert_eq!(error.code(), "picture_damaged");
    assert!(error.to_string().contains(second.as_str()), "{error}");
    bench.library.remove(&[second]).unwrap();
    assert_eq!(search().unwrap().verified, 2);
}

#[test]
fn a_negative_is_an_edited_copy() {
    let root = tempfile::tempdir().unwrap();
    let bench = open(root.path());
    let picture = textured(300, 220, 8);
    let mut negative = picture.clone();
    image::imageops::invert(&mut negative);
    add(&bench, &png(&picture), "picture.png");
    add(&bench, &jpeg(&negative, 90), "negative.jpg");
    let part = crop_imm(&negative, 40, 30, 180, 130).to_image();
    add(&bench, &jpeg(&part, 90), "part.jpg");
    update(&bench);
    let found = duplicates(&bench);
    let [group] = &found.groups[..] else {
        panic!("{:?}", shown(&found));
    };
    assert_eq!(names(group).len(), 3);
    let kinds: BTreeSet<PairKind> = group.pairs.iter().map(|pair| pair.kind).collect();
    assert_eq!(kinds, BTreeSet::from([PairKind::Edited, PairKind::Cropped]));
}
