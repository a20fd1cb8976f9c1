//! The ranking as a whole: past the shortlist, page by page.

use crate::support::{Bench, halves, parts, picture};
use resight_engine::{EngineOptions, Query, SearchAnswer, SearchOptions};

/// A library that examines five candidates, and more behind verified ones.
fn bench(root: &std::path::Path) -> Bench {
    let options = EngineOptions {
        shortlist: 5,
        ..EngineOptions::default()
    };
    Bench::open(parts(root), options).unwrap()
}

fn ask(bench: &Bench, number: u32, (offset, limit): (usize, usize)) -> SearchAnswer {
    ask_for(bench, number, (offset, limit), false)
}

fn ask_for(
    bench: &Bench,
    number: u32,
    (offset, limit): (usize, usize),
    verified_only: bool,
) -> SearchAnswer {
    let options = SearchOptions {
        offset,
        limit,
        verified_only,
        ..SearchOptions::default()
    };
    bench
        .searcher
        .search(Query::Bytes(&picture(number, 0)), &options)
        .unwrap()
}

#[test]
fn every_copy_is_verified_however_many_there_are() {
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path());
    for n in 0..52u32 {
        bench.indexer.add(&picture(0, n as u8), "copy.png").unwrap();
    }
    for n in 1..=200 {
        bench.indexer.add(&picture(n, 0), "other.png").unwrap();
    }
    let all = ask(&bench, 0, (0, 1000));
    assert_eq!(all.verified, 52);
    assert!(all.shortlist >= 102, "{}", all.shortlist);
    for (at, hit) in all.hits.iter().enumerate() {
        assert_eq!(hit.verified, at < 52);
        assert_eq!(hit.picture.name == "copy.png", at < 52);
    }
    let verified = ask_for(&bench, 0, (42, 100), true);
    assert_eq!((verified.total, verified.hits.len()), (52, 10));
    assert_eq!(verified.hits, all.hits[42..52]);

    // One that is there once: the ranking goes on past what was examined.
    let all = ask(&bench, 7, (0, 1000));
    assert_eq!((all.verified, all.shortlist), (1, 5));
    assert_eq!(all.total, all.hits.len());
    assert!(all.total > 60, "{} in all", all.total);
    let examined = all.hits.iter().filter(|hit| hit.examined).count();
    assert_eq!(examined, 5);
    assert!(all.hits.iter().all(|hit| hit.examined || hit.inliers == 0));
    assert!(all.hits[1..].is_sorted_by(|a, b| a.words >= b.words));

    // Pages are parts of it.
    for (offset, limit) in [(0, 10), (50, 10), (all.total - 3, 9), (5000, 5)] {
        let page = ask(&bench, 7, (offset, limit));
        assert_eq!((page.total, page.verified), (all.total, 1));
        let from = offset.min(all.total);
        let to = (offset + limit).min(all.total);
        assert_eq!(page.hits, all.hits[from..to], "{offset}, {limit}");
    }
}

#[test]
fn what_a_verified_hit_shows_finds_more() {
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path());
    // The query's right half is hidden; the first has both halves, the second the hidden one only.
    bench.indexer.add(&halves(1, 3, 0), "both.png").unwrap();
    bench.indexer.add(&halves(4, 3, 0), "hidden.png").unwrap();
    for n in 10..110 {
        bench.indexer.add(&picture(n, 0), "other.png").unwrap();
    }
    let query = halves(1, 2, 0);
    let search = |expand, limit| {
        let options = SearchOptions {
            expand,
            limit,
            ..SearchOptions::default()
        };
        bench
            .searcher
            .search(Query::Bytes(&query), &options)
            .unwrap()
    };
    let names = |answer: &SearchAnswer| -> Vec<String> {
        let hits = answer.hits.iter();
        hits.map(|hit| hit.picture.name.clone()).collect()
    };
    let (plain, expanded) = (search(false, 1000), search(true, 1000));
    assert_eq!((plain.verified, expanded.verified), (1, 1));
    assert_ne!(names(&plain)[1], "hidden.png");
    assert_eq!(names(&expanded)[..2], ["both.png", "hidden.png"]);
    // It shares nothing with the query itself.
    assert!(expanded.hits[1].examined && !expanded.hits[1].verified);
    assert_eq!(plain.timings.expand_ms, 0.0);
    assert!(expanded.timings.expand_ms > 0.0);
    assert_eq!(expanded.total, expanded.hits.len());
    assert!(expanded.hits[1..].is_sorted_by(|a, b| a.words >= b.words));
    assert_eq!(search(true, 2).hits, expanded.hits[..2]);
}

#[test]
fn an_answer_depends_on_no_number_of_threads() {
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path());
    for n in 0..9u32 {
        bench
            .indexer
            .add(&halves(1, 2 + n % 3, n as u8), "half.png")
            .unwrap();
        bench.indexer.add(&picture(10 + n, 0), "other.png").unwrap();
    }
    let options = SearchOptions {
        limit: 1000,
        ..SearchOptions::default()
    };
    let answers = [1, 2, 3, 8].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let search = || {
            bench
                .searcher
                .search(Query::Bytes(&halves(1, 2, 0)), &options)
        };
        pool.unwrap().install(search).unwrap()
    });
    assert!(answers[0].verified >= 9, "{}", answers[0].verified);
    for answer in &answers[1..] {
        assert_eq!(answer.hits, answers[0].hits);
        assert_eq!(answer.shortlist, answers[0].shortlist);
    }
}
