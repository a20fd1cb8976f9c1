//! A file finds itself by its bytes, whatever its features.

use crate::support::{Bench, parts, picture};
use resight_engine::{EngineOptions, Filter, ObjectId, Query, QueryPicture, Region, SearchOptions};
use resight_test_support::png;

/// A picture of one colour, in which nothing can be found.
fn plain(grey: u8) -> Vec<u8> {
    png(&image::GrayImage::from_pixel(90, 60, image::Luma([grey])))
}

fn bench(root: &std::path::Path) -> Bench {
    let bench = Bench::open(parts(root), EngineOptions::default()).unwrap();
    for n in 0..30 {
        bench.indexer.add(&picture(n, 0), "other.png").unwrap();
    }
    bench.indexer.add(&plain(200), "plain.png").unwrap();
    bench
}

#[test]
fn the_same_bytes_come_first_and_are_identical() {
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path());
    // A brighter copy has the same features, and agrees as surely.
    bench.indexer.add(&picture(3, 9), "copy.png").unwrap();
    for bytes in [plain(200), picture(3, 0), picture(3, 9)] {
        let answer = bench
            .searcher
            .search(Query::Bytes(&bytes), &SearchOptions::default());
        let answer = answer.unwrap();
        let first = &answer.hits[0];
        assert!(first.identical && first.verified && first.examined);
        assert_eq!(bench.library.file(&first.picture.id).unwrap().bytes, bytes);
        assert_eq!((first.coverage_query, first.coverage_result), (1.0, 1.0));
        assert_eq!(first.instances.len(), 1);
        assert_eq!(first.region.as_ref().map(Vec::len), Some(4));
        assert!(answer.hits[1..].iter().all(|hit| !hit.identical));
        let verified = answer.hits.iter().filter(|hit| hit.verified).count();
        assert_eq!(answer.verified, verified);
        assert!(answer.total >= answer.hits.len());
    }
    // Other bytes without features find nothing.
    let answer = bench
        .searcher
        .search(Query::Bytes(&plain(90)), &SearchOptions::default());
    assert!(answer.unwrap().hits.is_empty());
}

#[test]
fn a_region_and_a_filter_hold_for_the_same_bytes() {
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path());
    let bytes = plain(200);
    let part = QueryPicture {
        query: Query::Bytes(&bytes),
        region: Some(Region::Pixels([45.0, 0.0, 45.0, 30.0])),
    };
    let answer = bench
        .searcher
        .search_all(&[part], &SearchOptions::default())
        .unwrap();
    let hit = &answer.hits[0];
    assert!(hit.identical);
    assert_eq!((hit.coverage_query, hit.coverage_result), (1.0, 0.25));
    let corner = [44.5, -0.5];
    assert_eq!(hit.region.as_ref().map(|region| region[0]), Some(corner));
    let options = SearchOptions {
        filter: Filter {
            object: ObjectId::parse("of no picture"),
            ..Filter::default()
        },
        ..SearchOptions::default()
    };
    let answer = bench.searcher.search_all(&[part], &options).unwrap();
    assert!(answer.hits.is_empty());
}

#[test]
fn two_files_of_the_same_bytes_are_compared_as_identical() {
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path());
    let bytes = plain(200);
    let stored = bench.library.pictures(0, 1).unwrap().remove(0).id;
    for (a, b) in [
        (Query::Bytes(&bytes), Query::Bytes(&bytes)),
        (Query::Bytes(&bytes), Query::Stored(&stored)),
        (Query::Stored(&stored), Query::Stored(&stored)),
    ] {
        let comparison = bench.searcher.compare(a, b).unwrap();
        assert!(comparison.identical && comparison.verified);
        assert_eq!((comparison.coverage_a, comparison.coverage_b), (1.0, 1.0));
        assert!(comparison.transform.is_some() && comparison.region.is_some());
    }
    let other = plain(150);
    let comparison = bench
        .searcher
        .compare(Query::Bytes(&bytes), Query::Bytes(&other));
    let comparison = comparison.unwrap();
    assert!(!comparison.identical && !comparison.verified);
}
