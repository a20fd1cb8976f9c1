//! Vectors of whole pictures beside their words: one ranking, made in the background, exchanged whole.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use image::{DynamicImage, GrayImage, ImageFormat, Luma, imageops};
use resight_engine::{
    EmbedStep, Engine, EngineError, EngineOptions, Filter, GlobalParts, GlobalState, IndexFolder,
    LabelPatch, Mode, Parts, PictureId, Query, SearchAnswer, SearchOptions, Stage, Tag, Vocabulary,
};
use resight_store::{FolderBlobs, SqliteCatalogue, Vectors};
use resight_vision::{ExtractError, Fault, GlobalExtractor, Image, ModelId, Sift};

/// Brightness on a grid of 4 × 4, less its mean: what a picture is like from afar.
struct Afar {
    model: ModelId,
    asked: AtomicUsize,
    fails: AtomicBool,
}

const SIDE: usize = 4;

impl Afar {
    fn new(version: &str) -> Arc<Self> {
        Arc::new(Self {
            model: ModelId::new(format!("afar/{version}")),
            asked: AtomicUsize::new(0),
            fails: AtomicBool::new(false),
        })
    }

    fn of(image: &Image) -> Option<Vec<f32>> {
        let (w, h) = (image.width() as usize, image.height() as usize);
        let mut sums = [0f64; SIDE * SIDE];
        for (i, pixel) in image.rgb().chunks_exact(3).enumerate() {
            sums[i / w * SIDE / h * SIDE + i % w * SIDE / w] += f64::from(pixel[0]);
        }
        let mean = sums.iter().sum::<f64>() / sums.len() as f64;
        let length = sums.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>();
        let unit = sums.iter().map(|s| ((s - mean) / length.sqrt()) as f32);
        (length > 0.0).then(|| unit.collect())
    }
}

impl GlobalExtractor for Afar {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn dimension(&self) -> usize {
        SIDE * SIDE
    }

    fn embed(&self, images: &[Image]) -> Result<Vec<Vec<f32>>, ExtractError> {
        self.asked.fetch_add(images.len(), Ordering::SeqCst);
        let fails = |fault| ExtractError {
            fault,
            ..ExtractError::new("it was told to")
        };
        if self.fails.load(Ordering::SeqCst) {
            return Err(fails(Fault::Extractor));
        }
        let vectors = images.iter().map(Self::of);
        vectors.collect::<Option<_>>().ok_or(fails(Fault::Picture))
    }
}

fn noise(mut cell: u32) -> u32 {
    for _ in 0..3 {
        cell = (cell ^ (cell >> 15)).wrapping_mul(0x2C1B_3C6D);
    }
    cell >> 24
}

/// A layout of 4 × 4 that differs from number to number, and details that differ from kind to kind.
fn picture(layout: u32, details: u32) -> GrayImage {
    GrayImage::from_fn(200, 160, |x, y| {
        let far = noise(x * 4 / 200 + ((y * 4 / 160) << 8) + (layout << 16));
        let near = noise(x / 9 + ((y / 8) << 8) + (details << 16) + 77);
        Luma([(far * 5 / 10 + near * 4 / 10) as u8])
    })
}

fn png(picture: &GrayImage) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::from(picture.clone())
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

struct World {
    root: tempfile::TempDir,
    catalogue: Arc<SqliteCatalogue>,
    engine: Engine,
}

impl World {
    fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap())
    }

    fn at(root: tempfile::TempDir) -> Self {
        let catalogue = Arc::new(SqliteCatalogue::open(root.path()).unwrap());
        let engine = opened(root.path(), &catalogue);
        Self {
            root,
            catalogue,
            engine,
        }
    }

    /// The same after the end of the process.
    fn again(self) -> Self {
        let Self {
            root,
            catalogue,
            engine,
        } = self;
        drop((engine, catalogue));
        Self::at(root)
    }

    fn parts(&self, extractor: &Arc<Afar>) -> GlobalParts {
        GlobalParts {
            name: "afar".into(),
            extractor: extractor.clone(),
            can_embed: true,
            vectors: self.catalogue.clone(),
            index: Some(IndexFolder {
                path: self.root.path().join("vectors"),
                writable: true,
            }),
            alike: Some(0.9),
        }
    }

    fn attach(&self, extractor: &Arc<Afar>) {
        self.engine.attach(self.parts(extractor)).unwrap();
    }

    fn add(&self, picture: &GrayImage) -> PictureId {
        self.engine.add(&png(picture), "a.png").unwrap().picture.id
    }

    fn embed(&self) -> Vec<EmbedStep> {
        let mut steps = Vec::new();
        let go_on = AtomicBool::new(false);
        let result = self
            .engine
            .embed_missing(&go_on, &mut |step| steps.push(step));
        result.unwrap();
        steps
    }

    fn ask(&self, picture: &GrayImage, mode: Mode) -> SearchAnswer {
        let options = SearchOptions {
            mode,
            ..SearchOptions::default()
        };
        let bytes = png(picture);
        self.engine.search(Query::Bytes(&bytes), &options).unwrap()
    }

    fn states(&self) -> Vec<GlobalState> {
        self.engine.globals().unwrap()
    }
}

fn opened(root: &Path, catalogue: &Arc<SqliteCatalogue>) -> Engine {
    let parts = Parts {
        catalogue: catalogue.clone(),
        blobs: Arc::new(FolderBlobs::open(&root.join("blobs")).unwrap()),
        extractor: Arc::new(Sift::default()),
        vocabulary: Vocabulary::generic(),
        index: None,
        convert: false,
    };
    Engine::open(parts, EngineOptions::default()).unwrap()
}

fn ids(answer: &SearchAnswer) -> Vec<&PictureId> {
    answer.hits.iter().map(|hit| &hit.picture.id).collect()
}

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
        .engine
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
    // By a picture held, which is left out.
    let stored = Query::Stored(&wanted);
    let found = world
        .engine
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
    let added = world.engine.add_labelled(&bytes, "a.png", tagged).unwrap();
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
            world.engine.search(Query::Bytes(&query), &options).unwrap()
        };
        assert_eq!(ids(&ask(filter)), [&added.picture.id], "{mode:?}");
        assert_eq!(ask(Filter::default()).alike, 2);
    }
    world.engine.remove(&[plain]).unwrap();
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
        world.engine.model_of_name("afar").unwrap().as_deref(),
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
    let before = GlobalParts {
        can_embed: false,
        ..world.parts(&Afar::new("1"))
    };
    world.engine.attach(before).unwrap();
    let second = Afar::new("2");
    world.attach(&second);
    let stop_after_first = AtomicBool::new(false);
    let stopped = world.engine.embed_missing(&stop_after_first, &mut |step| {
        stop_after_first.store(step.done > 0, Ordering::SeqCst);
    });
    assert!(matches!(stopped, Err(EngineError::Cancelled)));
    let states = world.states();
    let made: Vec<_> = states.iter().map(|s| (&*s.model, s.vectors)).collect();
    assert_eq!(made, [("afar/1", 40), ("afar/2", 32)]);
    assert_eq!(
        world.engine.model_of_name("afar").unwrap().as_deref(),
        Some("afar/1")
    );
    // A picture held is compared by the vectors that are complete.
    let id = world.engine.pictures(0, 1).unwrap().remove(0).id;
    let options = SearchOptions {
        mode: Mode::Similar,
        ..SearchOptions::default()
    };
    let found = world.engine.search(Query::Stored(&id), &options).unwrap();
    assert_eq!(found.total, 39);

    world.embed();
    let states = world.states();
    let made: Vec<_> = states.iter().map(|s| (&*s.model, s.vectors)).collect();
    assert_eq!(made, [("afar/2", 40)]);
    assert_eq!(second.asked.load(Ordering::SeqCst), 40);
    assert_eq!(
        world.engine.model_of_name("afar").unwrap().as_deref(),
        Some("afar/2")
    );
    let counts = world.catalogue.vector_counts().unwrap();
    assert_eq!(counts.len(), 1);
    // Few vectors have no files.
    let folders = std::fs::read_dir(world.root.path().join("vectors"));
    assert!(folders.map_or(0, Iterator::count) <= 1);
    world.engine.detach("afar");
    assert!(world.states().is_empty());
}

#[test]
fn what_cannot_be_described_is_passed_over_and_a_broken_model_is_told() {
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
        .engine
        .search(Query::Bytes(&bytes), &options)
        .unwrap_err();
    assert!(matches!(error, EngineError::Extract(_)), "{error}");
    let go_on = AtomicBool::new(false);
    let error = world.engine.embed_missing(&go_on, &mut |_| {}).unwrap_err();
    assert!(matches!(error, EngineError::Extract(_)), "{error}");
    afar.fails.store(false, Ordering::SeqCst);
    world.embed();
    assert_eq!(world.states()[0].pending, 0);

    // Nothing to compare: the query's mistake.
    let flat = png(&GrayImage::from_pixel(60, 60, Luma([9])));
    let error = world
        .engine
        .search(Query::Bytes(&flat), &options)
        .unwrap_err();
    assert_eq!(error.code(), "bad_query");
    world.engine.detach("afar");
    let error = world
        .engine
        .search(Query::Bytes(&bytes), &options)
        .unwrap_err();
    assert_eq!(error.code(), "no_model");
    assert!(error.next_step().contains("--model"));
    let both = SearchOptions {
        verified_only: true,
        ..options
    };
    let error = world
        .engine
        .search(Query::Bytes(&bytes), &both)
        .unwrap_err();
    assert_eq!(error.code(), "bad_query");
}

#[test]
fn pictures_held_tell_from_which_cosine_on_others_are_alike() {
    let world = World::new();
    let parts = GlobalParts {
        alike: None,
        ..world.parts(&Afar::new("1"))
    };
    world.engine.attach(parts).unwrap();
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
