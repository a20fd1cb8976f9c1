//! Measuring on small ground truths.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use resight_app::eval::{EvalError, EvalEvent, Outcome, evaluate};
use resight_engine::{Library, SearchOptions};
use resight_test_support::{jpeg, textured};

use crate::support::{World, add, picture, verified};

/// The database has the pictures 1.png to 4.png, and 1.jpg to 4.jpg are altered copies of them.
fn with_pictures() -> World {
    let world = World::new();
    fs::create_dir_all(world.path("truth/images")).unwrap();
    for seed in 1..=4 {
        let images = world.path("truth/images");
        fs::write(images.join(format!("{seed}.png")), picture(seed)).unwrap();
        let copy = jpeg(&textured(240, 180, seed), 70);
        fs::write(images.join(format!("{seed}.jpg")), copy).unwrap();
    }
    world
}

/// Measures with these keys, `queries` among them, in `groundtruth.json`.
fn measure(world: &World, library: &Arc<Library>, keys: &str) -> Result<Outcome, EvalError> {
    let text = format!(r#"{{"name": "made", {keys}}}"#);
    fs::write(world.path("truth/groundtruth.json"), text).unwrap();
    let go = AtomicBool::new(false);
    let options = SearchOptions {
        // These three have no effect.
        limit: 1,
        offset: 1,
        verified_only: true,
        ..SearchOptions::default()
    };
    evaluate(library, &world.path("truth"), &options, &go, &mut |_| {})
}

const DATABASE: &str = r#""database": ["1.png", "2.png", "3.png", "4.png"]"#;

#[test]
fn perfect_copies_are_all_found_and_the_database_is_taken_away_again() {
    let world = with_pictures();
    let library = world.open().library;
    let kept = add(&library, 1);
    let distractor = add(&library, 9);
    let queries = r#""queries": [
        {"query": "1.png", "relevant": ["1.png"], "attack": "none"},
        {"query": "2.jpg", "relevant": ["2.png"], "attack": "jpeg"},
        {"query": "3.jpg", "relevant": ["3.png"], "attack": "jpeg"}]"#;
    let outcome = measure(&world, &library, &format!("{DATABASE}, {queries}")).unwrap();
    let scores = &outcome.scores;
    assert_eq!((scores.queries, scores.pictures), (3, 5));
    assert_eq!(
        (scores.map, scores.recall_at_1, scores.recall_at_10),
        (1.0, 1.0, 1.0)
    );
    assert_eq!((scores.shortlist_recall, scores.verified_true), (1.0, 3));
    assert_eq!((scores.verified_false, &outcome.misses), (0, &vec![]));
    let attacks: Vec<_> = outcome
        .attacks
        .iter()
        .map(|a| (&*a.attack, a.queries))
        .collect();
    assert_eq!(attacks, [("jpeg", 2), ("none", 1)]);
    assert!(scores.bytes_per_picture > 1000.0);

    // What was stored before stays.
    assert_eq!(library.count().unwrap(), 2);
    assert_eq!(verified(&library, 1), [kept]);
    assert_eq!(verified(&library, 9), [distractor]);
}

#[test]
fn wrong_labels_give_misses_and_false_matches_that_name_the_query() {
    let world = with_pictures();
    let library = world.open().library;
    let queries = r#""queries": [
        {"query": "1.jpg", "relevant": ["2.png"]},
        {"query": "3.jpg", "relevant": ["3.png"]}]"#;
    let outcome = measure(&world, &library, &format!("{DATABASE}, {queries}")).unwrap();
    assert_eq!(outcome.scores.recall_at_1, 0.5);
    assert!(outcome.scores.map <= 0.75, "{}", outcome.scores.map);
    let [miss] = &outcome.misses[..] else {
        panic!("{:?}", outcome.misses)
    };
    assert_eq!(
        (&*miss.query, miss.first.as_deref()),
        ("1.jpg", Some("1.png"))
    );
    // Unverified hits are ranked too, whatever the options say.
    assert!(miss.relevant_rank > Some(1), "{miss:?}");
    let [wrong] = &outcome.false_matches[..] else {
        panic!("{:?}", outcome.false_matches)
    };
    assert_eq!((&*wrong.query, &*wrong.result), ("1.jpg", "1.png"));
    assert_eq!(outcome.scores.verified_false, 1);
}

#[test]
fn ignored_pictures_and_the_query_itself_count_neither_way() {
    let world = with_pictures();
    let library = world.open().library;
    let database = r#""database": ["1.png", "1.jpg", "2.png"], "query_in_database": true"#;
    let own = r#""queries": [{"query": "1.png", "relevant": ["1.jpg"]}]"#;
    let outcome = measure(&world, &library, &format!("{database}, {own}")).unwrap();
    assert_eq!(outcome.scores.map, 1.0, "the query is not the first hit");

    let ignore = r#""queries": [{"query": "1.png", "relevant": ["2.png"], "ignore": ["1.jpg"]}]"#;
    let outcome = measure(&world, &library, &format!("{database}, {ignore}")).unwrap();
    assert_eq!(outcome.false_matches, []);
    assert_eq!(outcome.scores.verified_false, 0);
}

#[test]
fn a_broken_picture_counts_as_not_found_and_is_named() {
    let world = with_pictures();
    let library = world.open().library;
    fs::write(world.path("truth/images/2.png"), "no picture").unwrap();
    fs::write(world.path("truth/images/3.jpg"), "no picture").unwrap();
    let queries = r#""queries": [
        {"query": "1.jpg", "relevant": ["1.png", "2.png"]},
        {"query": "3.jpg", "relevant": ["3.png"]}]"#;
    let outcome = measure(&world, &library, &format!("{DATABASE}, {queries}")).unwrap();
    assert_eq!(outcome.scores.map, 0.25);
    let [database, query] = &outcome.unusable[..] else {
        panic!("{:?}", outcome.unusable)
    };
    assert!(database.starts_with("2.png of the database"), "{database}");
    assert!(query.starts_with("query 3.jpg"), "{query}");
    assert_eq!(outcome.misses[0].first, None);
}

#[test]
fn labels_that_contradict_themselves_name_the_query_and_add_nothing() {
    let world = with_pictures();
    let library = world.open().library;
    let queries = r#""queries": [{"query": "1.jpg", "relevant": ["7.png"]}]"#;
    let error = measure(&world, &library, &format!("{DATABASE}, {queries}")).unwrap_err();
    assert!(matches!(error, EvalError::GroundTruth(_)), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("\"1.jpg\"") && text.contains("\"7.png\""),
        "{text}"
    );

    // A query without a file ends the measurement.
    let queries = r#""queries": [{"query": "7.jpg", "relevant": ["1.png"]}]"#;
    let error = measure(&world, &library, &format!("{DATABASE}, {queries}")).unwrap_err();
    assert!(matches!(error, EvalError::Unreadable { .. }), "{error}");
    assert!(error.to_string().contains("7.jpg"), "{error}");
    assert_eq!(library.count().unwrap(), 0);
}

#[test]
fn a_cancelled_measurement_takes_away_what_it_added() {
    let world = with_pictures();
    let library = world.open().library;
    let queries = r#""queries": [{"query": "1.jpg", "relevant": ["1.png"]}]"#;
    let text = format!(r#"{{"name": "made", {DATABASE}, {queries}}}"#);
    fs::write(world.path("truth/groundtruth.json"), text).unwrap();
    let cancel = AtomicBool::new(false);
    let mut most = 0;
    let mut on_event = |event| {
        most = most.max(library.count().unwrap());
        cancel.store(event == EvalEvent::Adding(2, 4), Ordering::SeqCst);
    };
    let (dir, options) = (world.path("truth"), SearchOptions::default());
    let outcome = evaluate(&library, &dir, &options, &cancel, &mut on_event);
    assert!(matches!(outcome, Err(EvalError::Cancelled)));
    assert_eq!((most, library.count().unwrap()), (2, 0));
}
