//! Vectors of whole pictures beside their words: one ranking, made in the background, exchanged whole.

use std::sync::atomic::{AtomicBool, Ordering};

use image::{GrayImage, Luma, imageops};
use resight_engine::{
    EngineError, Filter, LabelPatch, Mode, ModelComponents, Query, SearchAnswer, SearchOptions,
    Stage, Tag,
};
use resight_store::Vectors;

use crate::afar::*;

#[test]
fn verified_hits_come_first_then_what_looks_alike() {
    let world = World::new();
    let query = picture(1, 1);
    // The same thing, smaller and with a rim that changes how it looks from afar.
    let mut copy = GrayImage::from_pixel(320, 260, Luma([250]));
    imageops::overlay(&mut copy, &query, 110, 90);
    let copy = world.add(&copy);
    let alike = world.add(&picture(1, 2));
    let other = world.add(&picture(3, 3));
    let exact = world.ask(&query, Mode::Auto);
    assert_eq!(exact.verified, 1);
    assert!(
        exact
            .hits
            .iter()
            .all(|hit| hit.cosine.is_none() && !hit.alike)
    );
    assert_eq!(
        exact,
        SearchAnswer {
            timings: exact.timings,
            ..world.ask(&query, Mode::Exact)
        }
    );

    let afar = Afar::new("1");
    world.attach(&afar);
    // Nothing is described yet, and all is found as before.
    assert_eq!(ids(&world.ask(&query, Mode::Auto)), ids(&exact));
    assert_eq!(world.states()[0].pending, 3);
    let steps = world.embed();
    assert_eq!(steps.last().map(|s| (s.done, s.total)), Some((3, 3)));
    let state = world.states().remove(0);
    assert_eq!((state.vectors, state.pending, state.without), (3, 0, 0));
    assert_eq!(state.alike, Some(0.9));

    let answer = world.ask(&query, Mode::Auto);
    assert_eq!(ids(&answer)[..2], [&copy, &alike]);
    assert_eq!((answer.verified, answer.alike), (1, 1));
    let [first, second] = [&answer.hits[0], &answer.hits[1]];
    assert!(first.verified && !second.verified);
    assert!(!first.alike && first.cosine.is_some_and(|c| c < 0.9));
    assert!(second.alike && second.cosine.is_some_and(|c| c >= 0.9));
    assert_eq!(second.model.as_deref(), Some("afar"));

    let similar = world.ask(&query, Mode::Similar);
    assert_eq!(ids(&similar)[0], &alike);
    assert_eq!((similar.total, similar.verified, similar.alike), (3, 0, 1));
    assert!(
        similar
            .hits
            .iter()
            .all(|hit| hit.stage == Stage::Dense && !hit.examined)
    );
    assert!(ids(&similar).contains(&&other));
    let first = SearchOptions {
        mode: Mode::Similar,
        limit: 1,
        ..SearchOptions::default()
    };
    let first = world
        .bench
        .searcher
        .search(Query::Bytes(&png(&query)), &first)
        .unwrap();
    assert_eq!((first.total, first.hits.len()), (3, 1));
    let exact_again = world.ask(&query, Mode::Exact);
    assert_eq!(ids(&exact_again), ids(&exact));
    assert!(exact_again.hits.iter().all(|hit| hit.cosine.is_none()));
}

#[test]
fn pictures_that_share_no_word_are_found_by_their_vectors() {
    let world = World::new();
    world.attach(&Afar::new("1"));
    // Smooth: no feature at all.
    let smooth = |from: u32| {
        GrayImage::from_fn(120, 120, |x, y| {
            Luma([((x * from + y) * 200 / 120 / (from + 1)) as u8])
        })
    };
    let wanted = world.add(&smooth(1));
    world.add(&GrayImage::from_fn(120, 120, |x, _| {
        Luma([250 - (x * 2) as u8])
    }));
    let answer = world.ask(&smooth(2), Mode::Auto);
    assert_eq!(ids(&answer), [&wanted]);
    let hit = &answer.hits[0];
    assert_eq!((hit.stage, hit.alike, hit.words), (Stage::Dense, true, 0.0));
    assert_eq!((answer.total, answer.alike), (1, 1));
    // A stored picture is not among its own results.
    let stored = Query::Stored(&wanted);
    let found = world
        .bench
        .searcher
        .search(stored, &SearchOptions::default())
        .unwrap();
    assert!(found.hits.is_empty());
}

#[test]
fn filters_and_removals_hold_for_vectors_too() {
    let world = World::new();
    world.attach(&Afar::new("1"));
    let red = Tag::parse("red").unwrap();
    let tagged = LabelPatch {
        add_tags: vec![red.clone()],
        ..LabelPatch::default()
    };
    let bytes = png(&picture(1, 5));
    let added = world
        .bench
        .indexer
        .add_labelled(&bytes, "a.png", tagged)
        .unwrap();
    let plain = world.add(&picture(1, 6));
    let options = |mode, filter| SearchOptions {
        mode,
        filter,
        ..SearchOptions::default()
    };
    let query = png(&picture(1, 7));
    for mode in [Mode::Similar, Mode::Auto] {
        let filter = Filter {
            tags: vec![red.clone()],
            ..Filter::default()
        };
        let ask = |filter| {
            let options = options(mode, filter);
            world
                .bench
                .searcher
                .search(Query::Bytes(&query), &options)
                .unwrap()
        };
        assert_eq!(ids(&ask(filter)), [&added.picture.id], "{mode:?}");
        assert_eq!(ask(Filter::default()).alike, 2);
    }
    world.bench.library.remove(&[plain]).unwrap();
    let left = world.ask(&picture(1, 7), Mode::Similar);
    assert_eq!(ids(&left), [&added.picture.id]);
    assert_eq!(world.catalogue.vector_counts().unwrap()[0].vectors, 1);
}

#[test]
fn vectors_are_there_again_and_only_new_pictures_are_described() {
    let world = World::new();
    let afar = Afar::new("1");
    world.attach(&afar);
    for n in 0..5 {
        world.add(&picture(n, n));
    }
    assert_eq!(afar.asked.load(Ordering::SeqCst), 5);
    let before = world.ask(&picture(2, 9), Mode::Similar);
    let world = world.again();
    let afar = Afar::new("1");
    world.add(&picture(7, 7));
    world.attach(&afar);
    assert_eq!(world.states()[0].pending, 1);
    world.embed();
    assert_eq!(afar.asked.load(Ordering::SeqCst), 1);
    let after = world.ask(&picture(2, 9), Mode::Similar);
    assert_eq!(ids(&after)[0], ids(&before)[0]);
    assert_eq!(after.total, 6);
    assert_eq!(
        world.bench.models.model_of_name("afar").unwrap().as_deref(),
        Some("afar/1")
    );
}

#[test]
fn another_model_takes_the_place_once_it_has_all() {
    let world = World::new();
    world.attach(&Afar::new("1"));
    for n in 0..40 {
        world.add(&picture(n, n));
    }
    world.embed();
    let world = world.again();
    // The earlier one is no longer at hand; its vectors are.
    let before = ModelComponents {
        can_embed: false,
        ..world.parts(&Afar::new("1"))
    };
    world.bench.models.attach(before).unwrap();
    let second = Afar::new("2");
    world.attach(&second);
    let stop_after_first = AtomicBool::new(false);
    let stopped = world
        .bench
        .models
        .embed_missing(&stop_after_first, &mut |step| {
            stop_after_first.store(step.done > 0, Ordering::SeqCst);
        });
    assert!(matches!(stopped, Err(EngineError::Cancelled)));
    let states = world.states();
    let made: Vec<_> = states.iter().map(|s| (&*s.model, s.vectors)).collect();
    assert_eq!(made, [("afar/1", 40), ("afar/2", 32)]);
    assert_eq!(
        world.bench.models.model_of_name("afar").unwrap().as_deref(),
        Some("afar/1")
    );
    // A stored picture is compared by the vectors that are complete.
    let id = world.bench.library.pictures(0, 1).unwrap().remove(0).id;
    let options = SearchOptions {
        mode: Mode::Similar,
        ..SearchOptions::default()
    };
    let found = world
        .bench
        .searcher
        .search(Query::Stored(&id), &options)
        .unwrap();
    assert_eq!(found.total, 39);

    world.embed();
    let states = world.states();
    let made: Vec<_> = states.iter().map(|s| (&*s.model, s.vectors)).collect();
    assert_eq!(made, [("afar/2", 40)]);
    assert_eq!(second.asked.load(Ordering::SeqCst), 40);
    assert_eq!(
        world.bench.models.model_of_name("afar").unwrap().as_deref(),
        Some("afar/2")
    );
    let counts = world.catalogue.vector_counts().unwrap();
    assert_eq!(counts.len(), 1);
    // Few vectors have no files.
    let folders = std::fs::read_dir(world.root.path().join("vectors"));
    assert!(folders.map_or(0, Iterator::count) <= 1);
    world.bench.models.detach("afar");
    assert!(world.states().is_empty());
}

#[test]
fn a_picture_that_cannot_be_described_is_skipped_and_a_broken_model_is_an_error() {
    let world = World::new();
    let afar = Afar::new("1");
    world.add(&GrayImage::from_pixel(60, 60, Luma([9])));
    world.add(&picture(1, 1));
    world.attach(&afar);
    world.embed();
    let state = world.states().remove(0);
    assert_eq!((state.vectors, state.without, state.pending), (1, 1, 0));
    let asked = afar.asked.load(Ordering::SeqCst);
    world.embed();
    assert_eq!(afar.asked.load(Ordering::SeqCst), asked);

    afar.fails.store(true, Ordering::SeqCst);
    // Still added, and still searched by words.
    world.add(&picture(2, 2));
    assert_eq!(world.states()[0].pending, 1);
    assert!(!world.ask(&picture(2, 2), Mode::Auto).hits.is_empty());
    let options = SearchOptions {
        mode: Mode::Similar,
        ..SearchOptions::default()
    };
    let bytes = png(&picture(1, 1));
    let error = world
        .bench
        .searcher
        .search(Query::Bytes(&bytes), &options)
        .unwrap_err();
    assert!(matches!(error, EngineError::Extract(_)), "{error}");
    let go_on = AtomicBool::new(false);
    let error = world
        .bench
        .models
        .embed_missing(&go_on, &mut |_| {})
        .unwrap_err();
    assert!(matches!(error, EngineError::Extract(_)), "{error}");
    afar.fails.store(false, Ordering::SeqCst);
    world.embed();
    assert_eq!(world.states()[0].pending, 0);

    // Nothing to compare: the query's mistake.
    let flat = png(&GrayImage::from_pixel(60, 60, Luma([9])));
    let error = world
        .bench
        .searcher
        .search(Query::Bytes(&flat), &options)
        .unwrap_err();
    assert_eq!(error.code(), "bad_query");
    world.bench.models.detach("afar");
    let error = world
        .bench
        .searcher
        .search(Query::Bytes(&bytes), &options)
        .unwrap_err();
    assert_eq!(error.code(), "no_model");
    // The command line adds which flag helps.
    let next_step = error.next_step();
    assert!(next_step.contains("global model") && !next_step.contains("--"));
    let both = SearchOptions {
        verified_only: true,
        ..options
    };
    let error = world
        .bench
        .searcher
        .search(Query::Bytes(&bytes), &both)
        .unwrap_err();
    assert_eq!(error.code(), "bad_query");
}

#[test]
fn stored_pictures_show_from_which_cosine_on_others_are_alike() {
    let world = World::new();
    let parts = ModelComponents {
        alike: None,
        ..world.parts(&Afar::new("1"))
    };
    world.bench.models.attach(parts).unwrap();
    let add = |layout, details| {
        let small = imageops::thumbnail(&picture(layout, details), 64, 51);
        world.add(&small)
    };
    for n in 0..99 {
        add(n, n);
    }
    assert_eq!(world.states()[0].alike, None);
    let answer = world.ask(&picture(5, 500), Mode::Similar);
    assert_eq!((answer.alike, answer.total), (0, 99));
    add(99, 99);
    let alike = world.states()[0].alike.unwrap();
    // Of fifteen independent numbers one pair in a million reaches 0.87.
    assert!((0.8..0.99).contains(&alike), "{alike}");
}
