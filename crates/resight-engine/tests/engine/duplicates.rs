//! Pairs and groups of pictures that are made here.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, crop_imm, overlay, resize, rotate90};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use resight_engine::{
    DuplicateGroup, DuplicateOptions, Duplicates, Engine, EngineError, EngineOptions,
    FolderOptions, PairKind, Parts, PictureId, Query, SearchOptions, Vocabulary,
};
use resight_store::{FolderBlobs, SqliteCatalogue};
use resight_vision::{Sift, SiftOptions};

fn open(root: &Path) -> Engine {
    let parts = Parts {
        catalogue: Arc::new(SqliteCatalogue::open(root).unwrap()),
        blobs: Arc::new(FolderBlobs::open(&root.join("blobs")).unwrap()),
        extractor: Arc::new(Sift::new(SiftOptions::default())),
        vocabulary: Vocabulary::generic(),
        convert: false,
        index: None,
    };
    Engine::open(parts, EngineOptions::default()).unwrap()
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

fn png(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::from(picture.clone())
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

fn jpeg(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode_image(picture)
        .unwrap();
    bytes
}

fn add(engine: &Engine, bytes: &[u8], name: &str) -> PictureId {
    engine.add(bytes, name).unwrap().picture.id
}

fn update(engine: &Engine) {
    let go = AtomicBool::new(false);
    engine.update_pairs(&go, &mut |_| {}).unwrap();
}

fn duplicates(engine: &Engine) -> Duplicates {
    engine.duplicates(&DuplicateOptions::default()).unwrap()
}

fn names(group: &DuplicateGroup) -> BTreeSet<&str> {
    group.members.iter().map(|m| m.name.as_str()).collect()
}

/// Kind and names of every group.
fn shown(found: &Duplicates) -> Vec<(PairKind, BTreeSet<&str>)> {
    let groups = found.groups.iter();
    groups.map(|group| (group.kind, names(group))).collect()
}

#[test]
fn copies_are_found_with_their_kind_and_strangers_are_not() {
    let root = tempfile::tempdir().unwrap();
    let engine = open(root.path());
    let first = textured(480, 360, 1);
    let second = textured(480, 360, 2);
    let third = textured(480, 360, 3);
    add(&engine, &png(&first), "first");
    add(&engine, &jpeg(&first, 60), "first saved anew");
    let half = resize(&first, 240, 180, FilterType::Triangle);
    add(&engine, &jpeg(&half, 80), "first at half size");
    add(&engine, &png(&second), "second");
    add(
        &engine,
        &png(&crop_imm(&second, 90, 60, 300, 240).to_image()),
        "part of second",
    );
    add(&engine, &png(&third), "third");
    let mut changed = third;
    overlay(
        &mut changed,
        &RgbImage::from_pixel(160, 90, Rgb([250, 30, 30])),
        40,
        200,
    );
    add(&engine, &png(&changed), "third with a label");
    for seed in 10..16 {
        add(&engine, &png(&textured(480, 360, seed)), "stranger");
    }
    assert_eq!(duplicates(&engine).pending, 13);
    update(&engine);
    let found = duplicates(&engine);
    assert_eq!((found.pending, found.total), (0, 3));
    assert_eq!(
        shown(&found),
        [
            (
                PairKind::ReEncoded,
                BTreeSet::from(["first", "first at half size", "first saved anew"])
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
    assert_eq!(copies.members[0].width, 480, "the largest leads");
    assert_eq!(copies.members[2].name, "first at half size");
    assert_eq!((copies.pair_count, copies.pairs.len()), (3, 3));
    let crop = &found.groups[2].pairs[0];
    assert_eq!(crop.kind, PairKind::Cropped);
    assert!(crop.coverage_b > 0.7 && crop.coverage_a < 0.5, "{crop:?}");
    // From the whole to its part: moved by where it was cut out.
    let [a, _, x, _, d, y, ..] = crop.transform;
    assert!((a - 1.0).abs() < 0.01 && (d - 1.0).abs() < 0.01, "{crop:?}");
    assert!((x + 90.0).abs() < 1.0 && (y + 60.0).abs() < 1.0, "{crop:?}");

    let page = |options: DuplicateOptions| engine.duplicates(&options).unwrap();
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
    let engine = open(root.path());
    let picture = textured(400, 300, 5);
    let mut bright = picture.clone();
    bright
        .pixels_mut()
        .for_each(|p| p.0 = p.0.map(|v| v / 2 + 110));
    add(&engine, &png(&picture), "as it was");
    add(&engine, &png(&bright), "brighter");
    add(&engine, &png(&rotate90(&picture)), "turned");
    update(&engine);
    let found = duplicates(&engine);
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
    let engine = open(root.path());
    let picture = textured(400, 300, 1);
    let original = add(&engine, &png(&picture), "original");
    add(&engine, &png(&textured(400, 300, 2)), "stranger");
    update(&engine);
    assert_eq!(duplicates(&engine).total, 0);

    let copy = jpeg(&picture, 70);
    let id = add(&engine, &copy, "copy");
    assert_eq!(duplicates(&engine).pending, 1);
    let go = AtomicBool::new(false);
    let mut steps = Vec::new();
    engine
        .update_pairs(&go, &mut |step| steps.push(step))
        .unwrap();
    assert_eq!(steps.len(), 1, "only the new one is looked for");
    assert_eq!((steps[0].done, steps[0].left, steps[0].pairs), (1, 0, 1));
    assert_eq!(duplicates(&engine).total, 1);

    engine.remove(&[id]).unwrap();
    assert_eq!(duplicates(&engine).total, 0);
    add(&engine, &copy, "copy");
    update(&engine);
    assert_eq!(duplicates(&engine).total, 1);
    engine.remove(&[original]).unwrap();
    let found = duplicates(&engine);
    assert_eq!((found.total, found.pending), (0, 0));
}

#[test]
fn what_was_done_before_a_cancellation_is_kept() {
    let root = tempfile::tempdir().unwrap();
    let engine = open(root.path());
    for seed in 0..40 {
        let picture = textured(160, 120, seed % 20 + 1);
        let bytes = if seed < 20 {
            png(&picture)
        } else {
            jpeg(&picture, 90)
        };
        add(&engine, &bytes, "picture");
    }
    let cancel = AtomicBool::new(false);
    let mut first = None;
    let stopped = engine.update_pairs(&cancel, &mut |step| {
        first.get_or_insert(step);
        cancel.store(true, Ordering::Relaxed);
    });
    assert!(
        matches!(stopped, Err(EngineError::Cancelled)),
        "{stopped:?}"
    );
    let first = first.unwrap();
    assert!(first.left > 0 && first.left < 40, "{first:?}");
    drop(engine);
    let engine = open(root.path());
    assert_eq!(duplicates(&engine).pending, first.left);
    update(&engine);
    let found = duplicates(&engine);
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
    let engine = open(root.path());
    let (left, right) = (textured(300, 300, 1), textured(300, 300, 2));
    let mut both = RgbImage::new(600, 300);
    overlay(&mut both, &left, 0, 0);
    overlay(&mut both, &right, 300, 0);
    add(&engine, &png(&left), "left");
    add(&engine, &png(&right), "right");
    add(&engine, &png(&both), "both");
    update(&engine);
    let found = duplicates(&engine);
    assert_eq!(found.total, 1, "{:?}", shown(&found));
    let group = &found.groups[0];
    assert_eq!((group.kind, group.members.len()), (PairKind::Cropped, 2));
    assert!(names(group).contains("both"));
    assert!(!(names(group).contains("left") && names(group).contains("right")));
}

#[test]
fn what_is_no_match_stays_apart_in_groups_and_searches_after_a_restart() {
    let root = tempfile::tempdir().unwrap();
    let engine = open(root.path());
    let picture = textured(400, 300, 1);
    let bytes = jpeg(&picture, 70);
    let a = add(&engine, &png(&picture), "a");
    let b = add(&engine, &bytes, "b");
    let c = add(&engine, &jpeg(&picture, 40), "c");
    update(&engine);
    assert_eq!(duplicates(&engine).groups[0].members.len(), 3);
    let unknown = PictureId::parse(&"0".repeat(32)).unwrap();
    let code = |a, b| engine.add_not_a_match(a, b).unwrap_err().code();
    assert_eq!(code(&a, &unknown), "unknown_picture");
    assert_eq!(code(&a, &a), "same_picture");
    assert!(engine.add_not_a_match(&b, &a).unwrap());
    assert!(!engine.add_not_a_match(&a, &b).unwrap());
    drop(engine);

    let engine = open(root.path());
    for group in duplicates(&engine).groups {
        assert_eq!(group.members.len(), 2);
        assert!(names(&group).contains("c"), "{group:?}");
    }
    let hits = |id: &PictureId| {
        let answer = engine
            .search(Query::Stored(id), &SearchOptions::default())
            .unwrap();
        let hits = answer.hits.iter().map(|hit| hit.picture.id.clone());
        (answer.left_out, hits.collect::<Vec<_>>())
    };
    assert_eq!(hits(&a), (1, vec![c.clone()]));
    assert_eq!(hits(&b), (1, vec![c.clone()]));
    assert_eq!(hits(&c).1.len(), 2);
    // A search by pixels is another question: nothing was said of them.
    let sent = engine
        .search(Query::Bytes(&bytes), &SearchOptions::default())
        .unwrap();
    assert_eq!((sent.left_out, sent.hits.len()), (0, 3));

    // It is about the content: the same file, removed and added again, stays apart.
    engine.remove(std::slice::from_ref(&b)).unwrap();
    assert_eq!(hits(&a), (0, vec![c.clone()]));
    add(&engine, &bytes, "b");
    update(&engine);
    assert_eq!(hits(&a), (1, vec![c]));
    let listed = engine.not_matches(0, 9).unwrap();
    assert_eq!(listed.total, 1);
    assert!(listed.pairs[0].a.1.is_some() && listed.pairs[0].b.1.is_some());

    assert!(engine.drop_not_a_match(&a, &b).unwrap());
    assert!(!engine.drop_not_a_match(&a, &b).unwrap());
    assert_eq!(hits(&a).1.len(), 2);
    assert_eq!(duplicates(&engine).groups[0].members.len(), 3);
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
    let engine = open(&root.path().join("data"));
    let go = AtomicBool::new(false);
    let index = || {
        let options = FolderOptions::default();
        engine
            .index_folder(&folder, &options, &go, &mut |_| {})
            .unwrap()
    };
    index();
    update(&engine);
    let found = duplicates(&engine);
    assert_eq!(found.total, 1);
    let group = &found.groups[0];
    assert_eq!((group.kind, group.members.len()), (PairKind::Identical, 1));
    assert_eq!(group.members[0].sources.len(), 2);
    assert!(group.pairs.is_empty());

    // With a copy that is not the same bytes, all three files are one group.
    std::fs::write(folder.join("d.jpg"), jpeg(&picture, 80)).unwrap();
    index();
    update(&engine);
    let found = duplicates(&engine);
    assert_eq!(
        (found.total, found.groups[0].kind),
        (1, PairKind::ReEncoded)
    );
    let options = DuplicateOptions {
        min_size: 3,
        ..DuplicateOptions::default()
    };
    assert_eq!(engine.duplicates(&options).unwrap().total, 1);
}

#[test]
fn damaged_features_of_one_picture_stop_neither_searches_nor_the_looking() {
    let root = tempfile::tempdir().unwrap();
    let picture = textured(300, 220, 5);
    let engine = open(root.path());
    for (quality, name) in [(90, "a.jpg"), (80, "b.jpg"), (70, "c.jpg")] {
        add(&engine, &jpeg(&picture, quality), name);
    }
    drop(engine);
    let catalogue = rusqlite::Connection::open(root.path().join("catalogue.sqlite3")).unwrap();
    let second = "(SELECT key FROM picture WHERE name = 'b.jpg')";
    let damage = format!("UPDATE features SET bytes = x'00' WHERE key = {second}");
    assert_eq!(catalogue.execute(&damage, []).unwrap(), 1);
    drop(catalogue);

    let engine = open(root.path());
    update(&engine);
    let found = duplicates(&engine);
    let [group] = &found.groups[..] else {
        panic!("{:?}", shown(&found));
    };
    assert_eq!(names(group), BTreeSet::from(["a.jpg", "c.jpg"]));
    let query = jpeg(&picture, 60);
    let answer = engine.search(Query::Bytes(&query), &SearchOptions::default());
    let answer = answer.unwrap();
    assert_eq!(answer.verified, 2);
    assert!(answer.hits.iter().all(|hit| hit.picture.name != "b.jpg"));
}

#[test]
fn a_negative_is_an_edited_copy() {
    let root = tempfile::tempdir().unwrap();
    let engine = open(root.path());
    let picture = textured(300, 220, 8);
    let mut negative = picture.clone();
    image::imageops::invert(&mut negative);
    add(&engine, &png(&picture), "picture.png");
    add(&engine, &jpeg(&negative, 90), "negative.jpg");
    let part = crop_imm(&negative, 40, 30, 180, 130).to_image();
    add(&engine, &jpeg(&part, 90), "part.jpg");
    update(&engine);
    let found = duplicates(&engine);
    let [group] = &found.groups[..] else {
        panic!("{:?}", shown(&found));
    };
    assert_eq!(names(group).len(), 3);
    let kinds: BTreeSet<PairKind> = group.pairs.iter().map(|pair| pair.kind).collect();
    assert_eq!(kinds, BTreeSet::from([PairKind::Edited, PairKind::Cropped]));
}
