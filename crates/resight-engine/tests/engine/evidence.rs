//! The evidence of a hit: mirrored or not, where in the result, and each of several instances.

use std::sync::Arc;

use image::imageops::{self, FilterType};
use image::{GrayImage, Luma};
use resight_engine::{
    Components, EngineOptions, EvidenceKind, Hit, Query, SearchOptions, Variant, Vocabulary,
};
use resight_store::{FolderBlobs, SqliteCatalogue};
use resight_test_support::{png, scrambled};
use resight_vision::{ExtractError, Image, LocalExtractor, LocalFeatures, ModelId, Sift};

use crate::support::Bench;

/// Cells of grey without order, softened: like no other number's.
fn picture(number: u32) -> GrayImage {
    let cells = GrayImage::from_fn(40, 30, |x, y| {
        let grey = scrambled(x + (y << 8) + (number << 16)) >> 24;
        Luma([grey as u8])
    });
    imageops::resize(&cells, 320, 240, FilterType::CatmullRom)
}

fn bench(root: &std::path::Path, extractor: Arc<dyn LocalExtractor>) -> Bench {
    let parts = Components {
        catalogue: Arc::new(SqliteCatalogue::in_memory().unwrap()),
        blobs: Arc::new(FolderBlobs::open(&root.join("blobs")).unwrap()),
        extractor,
        vocabulary: Vocabulary::generic(),
        index: None,
        convert: false,
    };
    Bench::open(parts, EngineOptions::default()).unwrap()
}

fn search(bench: &Bench, query: GrayImage, wanted: bool) -> Vec<Hit> {
    search_for(bench, query, wanted, wanted)
}

fn search_for(bench: &Bench, query: GrayImage, mirrored: bool, inverted: bool) -> Vec<Hit> {
    let variants = Variant { mirrored, inverted };
    let options = SearchOptions {
        variants,
        limit: 100,
        ..SearchOptions::default()
    };
    let answer = bench
        .searcher
        .search(Query::Bytes(&png(&query)), &options)
        .unwrap();
    assert_eq!(answer.variants, variants);
    assert_eq!(answer.total, answer.hits.len());
    answer.hits
}

fn applied(m: &[f64; 9], [x, y]: [f64; 2]) -> [f64; 2] {
    let w = m[6] * x + m[7] * y + m[8];
    [
        (m[0] * x + m[1] * y + m[2]) / w,
        (m[3] * x + m[4] * y + m[5]) / w,
    ]
}

fn near([ax, ay]: [f64; 2], [bx, by]: [f64; 2]) -> bool {
    (ax - bx).hypot(ay - by) < 3.0
}

#[test]
fn a_mirrored_copy_is_found_and_marked() {
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path(), Arc::new(Sift::default()));
    bench
        .indexer
        .add(&png(&imageops::flip_horizontal(&picture(1))), "flip.png")
        .unwrap();
    bench.indexer.add(&png(&picture(1)), "copy.png").unwrap();
    for number in 2..6 {
        bench
            .indexer
            .add(&png(&picture(number)), "other.png")
            .unwrap();
    }
    let hits = search(&bench, picture(1), true);
    let verified: Vec<&Hit> = hits.iter().filter(|hit| hit.verified).collect();
    assert_eq!(verified.len(), 2);
    let hit = |name| {
        *verified
            .iter()
            .find(|hit| hit.picture.name == name)
            .unwrap()
    };
    assert!(!hit("copy.png").variant.mirrored);
    let flip = hit("flip.png");
    assert!(flip.variant.mirrored);
    // Of the query as it is given, points and corners too.
    let transform = flip.transform.unwrap();
    assert!(near(applied(&transform, [20.0, 30.0]), [299.0, 30.0]));
    for m in &flip.matches {
        assert!(near([319.0 - m[0], m[1]], [m[2], m[3]]), "{m:?}");
    }
    let region = flip.region.as_ref().unwrap();
    assert_eq!(region.len(), 4);
    assert!(near(region[0], [319.5, -0.5]), "{region:?}");

    let names = |hits: &[Hit]| -> Vec<String> {
        let hits = hits.iter().filter(|hit| hit.verified);
        hits.map(|hit| hit.picture.name.clone()).collect()
    };
    assert_eq!(names(&search(&bench, picture(1), false)), ["copy.png"]);
    let turned = search(&bench, imageops::rotate90(&picture(1)), true);
    assert_eq!(names(&turned).len(), 2);
}

#[test]
fn a_negative_is_found_and_marked() {
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path(), Arc::new(Sift::default()));
    let mut negative = picture(1);
    imageops::invert(&mut negative);
    let part = imageops::crop_imm(&negative, 60, 40, 200, 150).to_image();
    bench.indexer.add(&png(&part), "negative.png").unwrap();
    for number in 2..6 {
        bench
            .indexer
            .add(&png(&picture(number)), "other.png")
            .unwrap();
    }
    let hits = search(&bench, picture(1), true);
    let verified: Vec<&Hit> = hits.iter().filter(|hit| hit.verified).collect();
    assert_eq!(verified.len(), 1);
    let hit = verified[0];
    assert_eq!(hit.picture.name, "negative.png");
    assert!(hit.variant.inverted && !hit.variant.mirrored);
    let transform = hit.transform.unwrap();
    assert!(near(applied(&transform, [160.0, 120.0]), [100.0, 80.0]));
    for m in &hit.matches {
        assert!(near([m[0] - 60.0, m[1] - 40.0], [m[2], m[3]]), "{m:?}");
    }
    // A negative of the negative is the picture, and what it shows it shows as it is.
    let same = search(&bench, negative, true);
    assert!(same[0].verified && same[0].variant == Variant::default());
    assert!(
        search(&bench, picture(1), false)
            .iter()
            .all(|hit| !hit.verified)
    );
}

#[test]
fn every_place_is_an_instance() {
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path(), Arc::new(Sift::default()));
    let mut shelf = imageops::resize(&picture(9), 900, 700, FilterType::Triangle);
    let small = imageops::resize(&picture(1), 288, 216, FilterType::CatmullRom);
    let places = [(40, 60), (500, 30), (300, 420)];
    for (i, &(x, y)) in places.iter().enumerate() {
        let mut copy = small.clone();
        // Another light and blur each: two photos of one thing are never the same bytes.
        for pixel in copy.pixels_mut() {
            pixel.0[0] = pixel.0[0] / 2 + 20 * i as u8;
        }
        let copy = imageops::blur(&copy, 0.4 + 0.5 * i as f32);
        let copy = if i == 2 {
            imageops::rotate180(&copy)
        } else {
            copy
        };
        imageops::replace(&mut shelf, &copy, x, y);
    }
    bench.indexer.add(&png(&shelf), "shelf.png").unwrap();
    bench.indexer.add(&png(&picture(2)), "other.png").unwrap();
    let hits = search(&bench, picture(1), true);
    let hit = &hits[0];
    assert!(hit.verified && hit.picture.name == "shelf.png");
    let first = &hit.instances[0];
    assert_eq!(Some(first.transform), hit.transform);
    assert_eq!(first.region, hit.region);
    assert_eq!(
        (first.inliers, first.log10_nfa),
        (hit.inliers, hit.log10_nfa)
    );
    assert_eq!(hit.instances.len(), 3);
    for (x, y) in places {
        let centre = [x as f64 + 143.5, y as f64 + 107.5];
        let there =
            |i: &resight_engine::Instance| near(applied(&i.transform, [159.5, 119.5]), centre);
        assert_eq!(hit.instances.iter().filter(|i| there(i)).count(), 1);
    }
    assert!(!hits[1].verified && hits[1].instances.is_empty());
}

/// SIFT whose features nobody knows how to mirror.
struct Foreign(Sift, ModelId);

impl LocalExtractor for Foreign {
    fn model(&self) -> &ModelId {
        &self.1
    }

    fn dimension(&self) -> usize {
        self.0.dimension()
    }

    fn extract(&self, image: &Image) -> Result<LocalFeatures, ExtractError> {
        self.0.extract(image)
    }
}

#[test]
fn features_of_others_are_not_mirrored_and_the_answer_says_so() {
    let root = tempfile::tempdir().unwrap();
    let sift = Sift::default();
    // The built-in vocabulary is for SIFT's model alone.
    let foreign = Foreign(Sift::default(), sift.model().clone());
    let bench = bench(root.path(), Arc::new(foreign));
    bench
        .indexer
        .add(&png(&imageops::flip_horizontal(&picture(1))), "flip.png")
        .unwrap();
    let query = png(&picture(1));
    let answer = bench
        .searcher
        .search(Query::Bytes(&query), &SearchOptions::default())
        .unwrap();
    assert!(answer.variants == Variant::default() && answer.verified == 0);
}

#[test]
fn each_variant_is_looked_for_by_itself_by_uploads_and_stored_pictures() {
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path(), Arc::new(Sift::default()));
    let mut negative = picture(1);
    imageops::invert(&mut negative);
    bench.indexer.add(&png(&negative), "negative.png").unwrap();
    let flip = imageops::flip_horizontal(&picture(1));
    bench.indexer.add(&png(&flip), "flip.png").unwrap();
    for number in 2..40 {
        bench
            .indexer
            .add(&png(&picture(number)), "other.png")
            .unwrap();
    }
    let names = |hits: Vec<Hit>| {
        let verified = hits.into_iter().filter(|hit| hit.verified);
        let mut names: Vec<String> = verified.map(|hit| hit.picture.name).collect();
        names.sort();
        names
    };
    let with = |mirrored, inverted| names(search_for(&bench, picture(1), mirrored, inverted));
    assert_eq!(with(true, false), ["flip.png"]);
    assert_eq!(with(false, true), ["negative.png"]);
    assert_eq!(with(true, true), ["flip.png", "negative.png"]);
    assert!(with(false, false).is_empty());

    // Stored features stand in another order than those that were just made.
    let stored = bench
        .indexer
        .add(&png(&picture(1)), "itself.png")
        .unwrap()
        .picture
        .id;
    let answer = bench
        .searcher
        .search(Query::Stored(&stored), &SearchOptions::default());
    assert_eq!(names(answer.unwrap().hits), ["flip.png", "negative.png"]);
}

/// A copy that was mirrored, cut, laid over and compressed, all at once.
#[test]
fn a_copy_changed_in_several_ways_at_once_is_verified() {
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path(), Arc::new(Sift::default()));
    for number in 1..8 {
        let name = format!("{number}.png");
        bench.indexer.add(&png(&picture(number)), &name).unwrap();
    }
    for number in 1..8 {
        let mut changed = imageops::flip_horizontal(&picture(number));
        changed = imageops::crop_imm(&changed, 50, 40, 200, 160).to_image();
        let sticker = imageops::resize(&picture(90), 80, 60, FilterType::Triangle);
        imageops::replace(&mut changed, &sticker, 20, 70);
        let mut bytes = std::io::Cursor::new(Vec::new());
        let jpeg = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 30);
        changed.write_with_encoder(jpeg).unwrap();
        let query = Query::Bytes(bytes.get_ref());
        let answer = bench
            .searcher
            .search(query, &SearchOptions::default())
            .unwrap();
        let hit = &answer.hits[0];
        assert_eq!(hit.picture.name, format!("{number}.png"));
        assert!(hit.verified && hit.variant.mirrored && !hit.variant.inverted);
        assert_eq!(answer.verified, 1);
    }
}

#[test]
fn a_shared_logo_is_a_mark_and_a_copy_an_object() {
    let logo = imageops::crop_imm(&picture(9), 40, 40, 84, 63).to_image();
    let with_logo = |number| {
        let mut page = picture(number);
        imageops::replace(&mut page, &logo, 200, 20);
        page
    };
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path(), Arc::new(Sift::default()));
    bench.indexer.add(&png(&with_logo(1)), "1").unwrap();
    let query = with_logo(2);
    let hits = search(&bench, query.clone(), false);
    let kinds = |hits: &[Hit]| hits.iter().map(|h| h.evidence).collect::<Vec<_>>();
    assert_eq!(kinds(&hits), [Some(EvidenceKind::Mark)]);
    let compared = |a: &GrayImage, b: &GrayImage| {
        let (a, b) = (png(a), png(b));
        let found = bench.searcher.compare(Query::Bytes(&a), Query::Bytes(&b));
        found.unwrap().evidence
    };
    assert_eq!(compared(&query, &with_logo(1)), Some(EvidenceKind::Mark));
    // The logo itself fills its picture.
    let alone = imageops::resize(&logo, 176, 132, FilterType::CatmullRom);
    assert_eq!(compared(&alone, &query), Some(EvidenceKind::Object));
    let smaller = imageops::resize(&query, 240, 180, FilterType::Triangle);
    assert_eq!(compared(&query, &smaller), Some(EvidenceKind::Object));
    assert_eq!(compared(&query, &query), Some(EvidenceKind::File));
    let mirrored = imageops::flip_horizontal(&smaller);
    assert_eq!(compared(&query, &mirrored), Some(EvidenceKind::Object));
    assert_eq!(compared(&query, &picture(7)), None);
}
