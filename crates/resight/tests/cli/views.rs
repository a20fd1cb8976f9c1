//! Pages and frames of files with several.

use std::fs;

use image::RgbImage;
use resight_test_support::{animated_gif, png, tiff_pages};

use crate::support::{World, count, textured};

fn pages(seeds: std::ops::Range<u64>) -> Vec<RgbImage> {
    seeds.map(|seed| textured(400, 320, seed)).collect()
}

#[test]
fn pages_and_frames_are_counted_found_and_named() {
    let world = World::empty();
    let folder = world.path("lib");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("album.tif"), tiff_pages(&pages(1..5))).unwrap();
    fs::write(folder.join("moving.gif"), animated_gif(&pages(11..14))).unwrap();
    let told = world.text(&["index", "@lib"]);
    assert!(
        told.contains("2 indexed, 5 further pages and frames of them"),
        "{told}"
    );
    assert_eq!(count(&world.path("data")), 2);

    fs::write(world.path("third.png"), png(&textured(400, 320, 3))).unwrap();
    let search = ["search", "@third.png", "--verified"];
    let hit = &world.json(&search)[0]["hits"][0];
    assert_eq!(
        (&hit["page"], &hit["view_size"][0]),
        (&3.into(), &400.into())
    );
    let table = world.text(&[&search[..], &["--format", "table"]].concat());
    assert!(table.contains("album.tif, page 3"), "{table}");
    let csv = world.text(&[&search[..], &["--format", "csv"]].concat());
    let rows: Vec<&str> = csv.lines().collect();
    assert!(rows[0].ends_with(",alike,page,frame,time_ms"), "{csv}");
    assert!(rows[1].ends_with(",3,,"), "{csv}");

    fs::write(world.path("frame.png"), png(&textured(400, 320, 13))).unwrap();
    let table = world.text(&["search", "@frame.png", "--format", "table"]);
    assert!(table.contains("moving.gif, frame 3, 0.2 s"), "{table}");
    world.text(&["verify"]);
}

#[test]
fn a_document_is_weak_where_no_page_has_features() {
    let world = World::empty();
    let folder = world.path("lib");
    fs::create_dir(&folder).unwrap();
    let blank = || RgbImage::from_pixel(400, 320, image::Rgb([250; 3]));
    let cover = [blank(), textured(400, 320, 5)];
    fs::write(folder.join("cover.tif"), tiff_pages(&cover)).unwrap();
    fs::write(folder.join("blank.tif"), tiff_pages(&[blank(), blank()])).unwrap();
    fs::write(folder.join("one.png"), png(&blank())).unwrap();
    let told = world.text(&["index", "@lib"]);
    assert!(told.contains("2 of these with few features"), "{told}");
    let listed = world.json(&["list", "--weak"]).remove(0);
    assert_eq!(listed["total"], 2);
    let mut names: Vec<&str> = listed["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|image| image["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["blank.tif", "one.png"]);
    // All of them, page by page of the list.
    for offset in ["0", "1"] {
        let page = ["list", "--weak", "--limit", "1", "--offset", offset];
        let page = world.json(&page).remove(0);
        assert_eq!(
            (&page["total"], page["images"].as_array().map(Vec::len)),
            (&2.into(), Some(1))
        );
    }
}
