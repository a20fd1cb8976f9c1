//! Single bits of the catalogue's file that are the other way round.

use std::fs;

use resight_app::{AppError, Code, data_folder};
use resight_engine::{FindingKind, Picture, PictureId, Query, SearchOptions};
use resight_test_support::Random;

use crate::support::{World, add, ask, picture};
use crate::verify::verified_folder;

/// Bits that are flipped in turn.
const FLIPS: usize = 80;

/// What searches by a file that is like the first pictures answer: each hit with its record.
type Answers = Vec<(Picture, usize, bool, Option<f64>)>;

fn answers(world: &World) -> Result<Answers, AppError> {
    let library = data_folder::open_for_listing(&world.config(), false)?;
    let mut found = Vec::new();
    for stored in library.pictures(0, 2)? {
        let answer = ask(
            &library,
            Query::Stored(&stored.id),
            &SearchOptions::default(),
        )?;
        let facts =
            |hit: resight_engine::Hit| (hit.picture, hit.inliers, hit.verified, hit.log10_nfa);
        found.extend(answer.hits.into_iter().map(facts));
    }
    Ok(found)
}

/// A data folder in which searches have hits: three pictures and a copy of each.
fn stored(world: &World) -> Vec<PictureId> {
    let folder = world.open();
    let library = &folder.library;
    let ids = [1, 2, 3].map(|seed| {
        let copy = image::load_from_memory(&picture(seed)).unwrap();
        let copy = resight_test_support::jpeg(&copy.to_rgb8(), 80);
        let added = resight_engine::Indexer::new(library.clone()).add(&copy, "copy.jpg");
        added.unwrap();
        add(library, seed)
    });
    ids.to_vec()
}

fn put(world: &World, bytes: &[u8]) {
    for side in ["catalogue.sqlite3-wal", "catalogue.sqlite3-shm"] {
        let _ = fs::remove_file(world.path("data").join(side));
    }
    fs::write(world.path("data/catalogue.sqlite3"), bytes).unwrap();
}

#[test]
fn a_flipped_bit_is_noticed_or_changes_no_answer() {
    let world = World::new();
    stored(&world);
    let path = world.path("data/catalogue.sqlite3");
    let whole = fs::read(&path).unwrap();
    let before = answers(&world).unwrap();
    assert_eq!(before.iter().filter(|hit| hit.2).count(), 2, "{before:?}");
    let mut random = Random::new(7);
    let (mut noticed_count, mut refused) = (0, 0);
    for _ in 0..FLIPS {
        let (byte, bit) = (random.below(whole.len()), random.below(8));
        let mut flipped = whole.clone();
        flipped[byte] ^= 1 << bit;
        put(&world, &flipped);
        let is_whole = verified_folder(&world).is_ok_and(|found| found.findings.is_empty());
        let is_noticed = !is_whole;
        noticed_count += usize::from(is_noticed);
        match answers(&world) {
            Ok(after) => assert!(after == before, "bit {bit} of byte {byte}"),
            Err(error) => {
                refused += 1;
                assert!(is_noticed, "bit {bit} of byte {byte}: {error}");
            }
        }
    }
    // The rest of the file is free, or says nothing that is used.
    assert!(noticed_count > FLIPS / 4, "{noticed_count}");
    assert!(refused > FLIPS / 8, "{refused}");
}

#[test]
fn a_bit_of_a_picture_s_features_is_found_and_a_search_that_needs_them_names_the_picture() {
    let world = World::new();
    let ids = stored(&world);
    let path = world.path("data/catalogue.sqlite3");
    let raw = rusqlite::Connection::open(&path).unwrap();
    let sql = "SELECT bytes FROM features JOIN picture USING (key) WHERE id = ?1";
    let features: Vec<u8> = raw
        .query_row(sql, [ids[2].as_str()], |row| row.get(0))
        .unwrap();
    drop(raw);
    let whole = fs::read(&path).unwrap();
    // Descriptors that stand together in one page.
    let part = &features[features.len() / 2..][..64];
    let at = whole.windows(part.len()).position(|w| w == part).unwrap();
    let mut flipped = whole.clone();
    flipped[at + 11] ^= 4;
    put(&world, &flipped);

    let found = verified_folder(&world).unwrap();
    let kinds: Vec<_> = found.findings.iter().map(|f| (f.kind, &*f.thing)).collect();
    assert_eq!(kinds, [(FindingKind::FeaturesDamaged, ids[2].as_str())]);
    let error = answers(&world).unwrap_err();
    assert_eq!(error.code(), Code::PictureDamaged);
    assert!(error.to_string().contains(ids[2].as_str()), "{error}");
}
