//! Pages and frames of files with several.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use image::RgbImage;
use resight_engine::{
    Components, EngineOptions, Filter, FolderOptions, FolderReport, Hit, LabelPatch, PictureId,
    Query, SearchAnswer, SearchOptions, Tag, Update,
};
use resight_store::{Pictures, SqliteCatalogue, Views};
use resight_test_support::{
    TiffDirectory, animated_gif, animated_png, animated_webp, png, tiff, tiff_pages,
};

use crate::support::{Bench, page, parts};

type Maker = fn(&[RgbImage]) -> Vec<u8>;

pub(crate) fn pages(numbers: &[u32]) -> Vec<RgbImage> {
    numbers.iter().map(|number| page(*number)).collect()
}

pub(crate) fn album(numbers: &[u32]) -> Vec<u8> {
    tiff_pages(&pages(numbers))
}

fn bench() -> (tempfile::TempDir, Bench) {
    let root = tempfile::tempdir().unwrap();
    let bench = Bench::open(parts(root.path()), EngineOptions::default()).unwrap();
    (root, bench)
}

pub(crate) fn add(bench: &Bench, bytes: &[u8], name: &str) -> PictureId {
    bench.indexer.add(bytes, name).unwrap().picture.id
}

pub(crate) fn search(bench: &Bench, number: u32) -> SearchAnswer {
    search_with(bench, number, &SearchOptions::default())
}

fn search_with(bench: &Bench, number: u32, options: &SearchOptions) -> SearchAnswer {
    let query = png(&page(number));
    bench
        .searcher
        .search(Query::Bytes(&query), options)
        .unwrap()
}

/// The names of verified hits, each with its page or frame.
fn found(answer: &SearchAnswer) -> Vec<(&str, Option<u32>)> {
    let verified = answer.hits.iter().filter(|hit| hit.verified);
    verified
        .map(|hit| (&*hit.picture.name, number(hit)))
        .collect()
}

pub(crate) fn number(hit: &Hit) -> Option<u32> {
    hit.view.as_ref().map(|view| view.number)
}

#[test]
fn a_search_finds_each_page_and_frame_and_names_it() {
    let makers: [(Maker, Option<u64>); 4] = [
        (tiff_pages, None),
        (animated_gif, Some(80)),
        (animated_webp, Some(80)),
        (animated_png, None),
    ];
    for (number, (make, delay)) in makers.into_iter().enumerate() {
        let (_root, bench) = bench();
        let file = make(&pages(&[1, 2, 3, 4, 5]));
        let added = bench.indexer.add(&file, "album").unwrap().picture;
        add(&bench, &png(&page(9)), "single");
        assert_eq!((added.pages, bench.library.count().unwrap()), (Some(5), 2));
        for page in 1..=5_u32 {
            let answer = search(&bench, page);
            assert_eq!(found(&answer), [("album", Some(page))], "{number}");
            let hit = &answer.hits[0];
            assert!(
                hit.inliers > 20 && hit.coverage_result > 0.5,
                "{}",
                hit.inliers
            );
            let view = hit.view.as_ref().unwrap();
            assert_eq!([view.width, view.height], [150, 110]);
            if let Some(delay) = delay {
                assert_eq!(view.time_ms, Some(delay * u64::from(page - 1)));
            }
            assert!(answer.total <= 2, "a picture counts once");
        }
        let single = search(&bench, 9);
        assert_eq!(found(&single), [("single", None)]);
    }
}

#[test]
fn a_picture_of_equal_pages_is_one_hit() {
    let (_root, bench) = bench();
    add(&bench, &album(&[1, 1, 1, 1, 2, 1]), "equal");
    add(&bench, &png(&page(1)), "single");
    let answer = search(&bench, 1);
    let mut names: Vec<_> = found(&answer).into_iter().map(|one| one.0).collect();
    names.sort_unstable();
    assert_eq!(names, ["equal", "single"]);
    assert_eq!(
        (answer.total, answer.verified, answer.hits.len()),
        (2, 2, 2)
    );
    let listed = bench.library.pictures(0, 9).unwrap();
    assert_eq!(listed.len(), 2);
}

#[test]
fn totals_and_places_of_a_page_of_hits_count_pictures() {
    let (_root, bench) = bench();
    for number in 0..12 {
        let first = 10 * number;
        let numbers = [first, first + 1, first + 2, first, first + 1];
        add(&bench, &album(&numbers), &number.to_string());
    }
    let options = |offset, limit| SearchOptions {
        offset,
        limit,
        ..SearchOptions::default()
    };
    let all = search_with(&bench, 31, &options(0, 100));
    // Not all albums share a word with the page.
    assert!(all.total == all.hits.len() && (6..=12).contains(&all.total));
    let names = |answer: &SearchAnswer| -> Vec<String> {
        answer
            .hits
            .iter()
            .map(|hit| hit.picture.name.clone())
            .collect()
    };
    assert_eq!(names(&all)[0], "3");
    for offset in 0..all.total {
        let some = search_with(&bench, 31, &options(offset, 2));
        assert_eq!(some.total, all.total);
        let until = (offset + 2).min(all.total);
        assert_eq!(names(&some), names(&all)[offset..until]);
        // Which page is named does not depend on the part that is shown.
        let of_all = all.hits[offset..until].iter().map(number);
        assert!(some.hits.iter().map(number).eq(of_all));
    }
}

#[test]
fn a_filter_has_the_pages_of_its_pictures() {
    let (_root, bench) = bench();
    let ids = [
        add(&bench, &album(&[1, 2, 3]), "tagged"),
        add(&bench, &album(&[4, 2, 5]), "other"),
    ];
    let tag = Tag::parse("chosen").unwrap();
    let filter = Filter {
        tags: vec![tag.clone()],
        ..Filter::default()
    };
    let options = SearchOptions {
        filter,
        ..SearchOptions::default()
    };
    assert_eq!(found(&search_with(&bench, 2, &options)), []);
    let patch = LabelPatch {
        tags: Update::Set(vec![tag]),
        ..LabelPatch::default()
    };
    bench.library.label(vec![(ids[0].clone(), patch)]).unwrap();
    let answer = search_with(&bench, 2, &options);
    assert_eq!(found(&answer), [("tagged", Some(2))]);
    assert_eq!(answer.total, 1);
    assert_eq!(found(&search_with(&bench, 5, &options)), []);
}

#[test]
fn a_search_by_a_stored_picture_does_not_find_its_own_pages() {
    let (_root, bench) = bench();
    let own = add(&bench, &album(&[1, 1, 2]), "own");
    add(&bench, &album(&[3, 4, 1]), "other");
    let answer = bench
        .searcher
        .search(Query::Stored(&own), &SearchOptions::default())
        .unwrap();
    assert_eq!(found(&answer), [("other", Some(3))]);
    let other = answer.hits[0].picture.id.clone();
    bench.duplicates.add_not_a_match(&own, &other).unwrap();
    let answer = bench
        .searcher
        .search(Query::Stored(&own), &SearchOptions::default())
        .unwrap();
    assert_eq!((answer.hits.len(), answer.left_out), (0, 1));
}

#[test]
fn pages_go_with_their_picture() {
    let (_root, bench) = bench();
    let id = add(&bench, &album(&[1, 2, 3]), "album");
    let kept = add(&bench, &album(&[4, 5]), "kept");
    assert_eq!(bench.library.remove(&[id]).unwrap(), [true]);
    for number in 1..=3 {
        assert_eq!(found(&search(&bench, number)), []);
    }
    assert_eq!(found(&search(&bench, 5)), [("kept", Some(2))]);
    // Again under other keys.
    add(&bench, &album(&[1, 2, 3]), "again");
    assert_eq!(found(&search(&bench, 3)), [("again", Some(3))]);
    bench.library.remove(&[kept]).unwrap();
    assert_eq!(found(&search(&bench, 5)), []);
    assert_eq!(search(&bench, 2).total, 1);
}

#[test]
fn further_pages_are_no_duplicates() {
    let (_root, bench) = bench();
    add(&bench, &album(&[1, 2, 3, 2]), "album");
    add(&bench, &png(&page(2)), "page two");
    add(&bench, &album(&[7, 2, 1]), "another");
    let go = AtomicBool::new(false);
    bench.duplicates.update(&go, &mut |_| {}).unwrap();
    let groups = bench.duplicates.groups(&Default::default()).unwrap();
    assert_eq!((groups.groups.len(), groups.pending), (0, 0));
}

#[test]
fn long_files_are_sampled_and_frames_that_repeat_are_left_out() {
    let catalogue = Arc::new(SqliteCatalogue::in_memory().unwrap());
    let root = tempfile::tempdir().unwrap();
    let components = Components {
        catalogue: catalogue.clone(),
        ..parts(root.path())
    };
    let bench = Bench::open(components, EngineOptions::default()).unwrap();
    let numbers: Vec<u32> = (0..100).collect();
    let id = add(&bench, &album(&numbers), "long");
    let numbers_of = |id: &PictureId| -> Vec<u32> {
        let key = catalogue.picture(id).unwrap().unwrap().key;
        let views = catalogue.views_of(key).unwrap().into_iter();
        views.map(|view| view.number).collect()
    };
    let stored = numbers_of(&id);
    assert_eq!(stored.len(), 31, "with the first there are 32");
    assert_eq!(stored.last(), Some(&100));
    assert_eq!(found(&search(&bench, 99)), [("long", Some(100))]);

    let still = add(
        &bench,
        &animated_gif(&pages(&[200, 200, 200, 201, 201, 200])),
        "still",
    );
    assert_eq!(numbers_of(&still), [4, 6]);
    let never = add(&bench, &animated_webp(&pages(&[300; 9])), "never");
    assert_eq!(numbers_of(&never), [0; 0]);
}

#[test]
fn options_say_how_many_pages_are_described() {
    let root = tempfile::tempdir().unwrap();
    let options = EngineOptions {
        most_views: 1,
        ..EngineOptions::default()
    };
    let bench = Bench::open(parts(root.path()), options).unwrap();
    add(&bench, &album(&[1, 2, 3]), "album");
    assert_eq!(found(&search(&bench, 1)), [("album", None)]);
    assert_eq!(found(&search(&bench, 2)), []);
}

fn index(bench: &Bench, folder: &Path) -> FolderReport {
    let go = AtomicBool::new(false);
    let options = FolderOptions {
        prune: true,
        ..FolderOptions::default()
    };
    bench
        .indexer
        .index_folder(folder, &options, &go, &mut |_| {})
        .unwrap()
}

#[test]
fn a_page_that_cannot_be_read_costs_that_page() {
    let (root, bench) = bench();
    let folder = root.path().join("pictures");
    fs::create_dir(&folder).unwrap();
    let mut directories: Vec<_> = pages(&[1, 2, 3, 4])
        .iter()
        .map(TiffDirectory::rgb)
        .collect();
    // A compression that does not exist.
    for (tag, value) in &mut directories[1].tags {
        if *tag == 259 {
            *value = vec![54_321];
        }
    }
    fs::write(folder.join("broken.tif"), tiff(&directories)).unwrap();
    fs::write(folder.join("whole.gif"), animated_gif(&pages(&[5, 6]))).unwrap();
    let report = index(&bench, &folder);
    assert_eq!(
        (report.indexed, report.pages, report.unread_pages),
        (2, 3, 1)
    );
    assert_eq!(found(&search(&bench, 2)), []);
    for (number, page) in [(1, 1), (3, 3), (4, 4)] {
        assert_eq!(found(&search(&bench, number)), [("broken.tif", Some(page))]);
    }
    assert_eq!(found(&search(&bench, 6)), [("whole.gif", Some(2))]);

    // A file that changes brings its own pages.
    fs::write(folder.join("broken.tif"), album(&[7, 8])).unwrap();
    let report = index(&bench, &folder);
    assert_eq!(
        (report.indexed, report.pages, report.unread_pages),
        (1, 1, 0)
    );
    assert_eq!(found(&search(&bench, 4)), []);
    assert_eq!(found(&search(&bench, 8)), [("broken.tif", Some(2))]);
    fs::remove_file(folder.join("whole.gif")).unwrap();
    index(&bench, &folder);
    assert_eq!(found(&search(&bench, 6)), []);
}

#[test]
fn a_thumbnail_of_a_page_is_drawn() {
    let (_root, bench) = bench();
    let id = add(&bench, &album(&[1, 2, 3]), "album");
    let third = bench.library.page_thumbnail(&id, 3).unwrap();
    let answer = bench
        .searcher
        .search(Query::Bytes(&third), &SearchOptions::default())
        .unwrap();
    assert_eq!(found(&answer), [("album", Some(3))]);
    for none in [0, 4] {
        let error = bench.library.page_thumbnail(&id, none).unwrap_err();
        assert_eq!(error.code(), "bad_query");
    }
}
