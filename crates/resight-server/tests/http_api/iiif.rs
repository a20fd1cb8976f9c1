//! The IIIF interfaces: images, `info.json`, manifests, and the access of sites and keys.

use std::sync::Arc;

use axum::Router;
use image::{Rgb, RgbImage};
use resight_app::keys::{Keys, NewKey, Scope};
use resight_server::{AccessSettings, HttpSettings, Policy};
use resight_store::CollectionName;
use resight_test_support::jpeg;
use serde_json::Value;

use crate::access::with;
use crate::fixtures::{Answer, Bench, add, ask, get, png, request, textured};

fn on() -> HttpSettings {
    HttpSettings {
        iiif: true,
        ..HttpSettings::default()
    }
}

/// Red, green, blue and white, a quarter each, of 200 × 100 pixels.
fn quarters() -> RgbImage {
    RgbImage::from_fn(200, 100, |x, y| {
        Rgb(match (x < 100, y < 50) {
            (true, true) => [255, 0, 0],
            (false, true) => [0, 255, 0],
            (true, false) => [0, 0, 255],
            (false, false) => [255, 255, 255],
        })
    })
}

/// The same JPEG with the orientation 6 in its Exif: to be turned a quarter clockwise.
fn turned(jpeg: &[u8]) -> Vec<u8> {
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0".to_vec();
    exif.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0]);
    exif.extend([0; 4]);
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

/// The size of an image, and its colour in the middle.
fn middle(answer: &Answer) -> ((u32, u32), [u8; 3]) {
    assert_eq!(
        answer.status,
        200,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    let image = image::load_from_memory(&answer.body).unwrap().to_rgb8();
    let (width, height) = image.dimensions();
    ((width, height), image.get_pixel(width / 2, height / 2).0)
}

/// A request as a viewer on another site makes it.
async fn view(app: &Router, address: &str) -> Answer {
    let mut asked = request("GET", address);
    for (name, value) in [
        ("host", "localhost:7777"),
        ("origin", "https://viewer.example"),
    ] {
        let name: axum::http::HeaderName = name.parse().unwrap();
        asked.headers_mut().insert(name, value.parse().unwrap());
    }
    ask(app, asked).await
}

#[tokio::test]
async fn parts_of_a_picture_are_drawn_upright_and_in_its_colours() {
    let bench = Bench::new();
    let app = bench.app_with(on());
    let id = add(&app, "a.png", &png(&quarters())).await;
    for (rest, size, colour) in [
        ("0,0,100,50/max/0/default.png", (100, 50), [255, 0, 0]),
        ("100,0,100,50/50,/0/default.png", (50, 25), [0, 255, 0]),
        ("pct:0,50,50,50/,25/90/default.png", (25, 50), [0, 0, 255]),
        (
            "150,75,100,100/max/0/default.png",
            (50, 25),
            [255, 255, 255],
        ),
        (
            "0,0,100,100/^200,300/0/default.png",
            (200, 300),
            [0, 0, 255],
        ),
        ("square/10,10/!180/default.png", (10, 10), [0, 0, 255]),
        ("0,0,90,50/max/0/gray.png", (90, 50), [76, 76, 76]),
        ("0,0,90,50/max/0/bitonal.png", (90, 50), [0, 0, 0]),
    ] {
        let answer = view(&app, &format!("/iiif/3/{id}/{rest}")).await;
        let (found, at_middle) = middle(&answer);
        assert_eq!(found, size, "{rest}");
        if !rest.starts_with("0,0,100,100") && !rest.starts_with("square") {
            assert_eq!(at_middle, colour, "{rest}");
        }
    }
    let jpeg = view(&app, &format!("/iiif/3/{id}/5,5,80,40/max/0/color.jpg")).await;
    assert_eq!(jpeg.header("content-type"), "image/jpeg");
    let (_, [red, green, blue]) = middle(&jpeg);
    assert!(red > 245 && green < 10 && blue < 10, "{red} {green} {blue}");
    let links = jpeg.header("link");
    assert!(
        links.contains(&format!(
            "<http://localhost:7777/iiif/3/{id}/5,5,80,40/max/0/default.jpg>;rel=\"canonical\""
        )),
        "{links}"
    );
    assert_eq!(jpeg.header("access-control-allow-origin"), "*");
    assert_eq!(jpeg.header("cross-origin-resource-policy"), "cross-origin");
}

#[tokio::test]
async fn the_orientation_of_a_photograph_is_applied() {
    let bench = Bench::new();
    let app = bench.app_with(on());
    // Orientation 6: what is at the top stands at the left of the file.
    let file = turned(&jpeg(&quarters(), 95));
    let id = add(&app, "turned.jpg", &file).await;
    let info = view(&app, &format!("/iiif/3/{id}/info.json")).await.json();
    assert_eq!(
        (&info["width"], &info["height"]),
        (&100.into(), &200.into())
    );
    // The blue quarter, at the bottom left of the file, is at the top left.
    let top = view(&app, &format!("/iiif/3/{id}/0,0,50,100/max/0/default.png")).await;
    let (_, [red, green, blue]) = middle(&top);
    assert!(blue > 235 && red < 20 && green < 20, "{red} {green} {blue}");
}

#[tokio::test]
async fn info_is_what_viewers_expect() {
    let bench = Bench::new();
    let app = bench.app_with(on());
    let id = add(&app, "a.png", &png(&textured(2100, 700, 3))).await;
    let answer = view(&app, &format!("/iiif/3/{id}/info.json")).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let info = answer.json();
    assert_eq!(info["id"], format!("http://localhost:7777/iiif/3/{id}"));
    assert_eq!(info["type"], "ImageService3");
    assert_eq!(info["profile"], "level2");
    assert_eq!(
        info["tiles"][0]["scaleFactors"],
        serde_json::json!([1, 2, 4])
    );
    assert_eq!(info["sizes"][0]["width"], 525);
    let mut linked = request("GET", &format!("/iiif/3/{id}/info.json"));
    let accept = "application/ld+json".parse().unwrap();
    linked.headers_mut().insert("accept", accept);
    let linked = ask(&app, linked).await;
    let media_type = linked.header("content-type");
    assert!(
        media_type.starts_with("application/ld+json"),
        "{media_type}"
    );
    let base = get(&app, &format!("/iiif/3/{id}")).await;
    assert_eq!(base.status, 303);
    assert!(base.header("location").ends_with("/info.json"));
    let mut preflight = request("OPTIONS", &format!("/iiif/3/{id}/info.json"));
    let origin = "https://viewer.example".parse().unwrap();
    preflight.headers_mut().insert("origin", origin);
    let preflight = ask(&app, preflight).await;
    assert_eq!(preflight.status, 204);
    assert_eq!(
        preflight.header("access-control-allow-headers"),
        "authorization"
    );
    // Kept by the client, as what the address names never changes.
    let address = format!("/iiif/3/{id}/full/100,/0/default.jpg");
    let first = get(&app, &address).await;
    let mut again = request("GET", &address);
    let tag = first.header("etag").parse().unwrap();
    again.headers_mut().insert("if-none-match", tag);
    assert_eq!(ask(&app, again).await.status, 304);
}

#[tokio::test]
async fn what_cannot_be_drawn_is_refused_as_the_specification_says() {
    let bench = Bench::new();
    let app = bench.app_with(on());
    let id = add(&app, "a.png", &png(&quarters())).await;
    for (rest, status, code) in [
        ("full/max/0/default.webp", 501, "iiif_not_implemented"),
        ("full/max/22.5/default.jpg", 501, "iiif_not_implemented"),
        ("full/300,/0/default.jpg", 400, "iiif_bad_request"),
        ("full/full/0/default.jpg", 400, "iiif_bad_request"),
        ("200,0,10,10/max/0/default.jpg", 400, "iiif_bad_request"),
        ("full/^5000,/0/default.jpg", 400, "iiif_bad_request"),
        ("full/max/0/native.jpg", 400, "iiif_bad_request"),
        ("full/max/0/default.xyz", 400, "iiif_bad_request"),
    ] {
        let answer = view(&app, &format!("/iiif/3/{id}/{rest}")).await;
        answer.problem(status, code);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
    for unknown in ["0".repeat(32), "a%2Fb".into(), "nowhere:x".into()] {
        let address = format!("/iiif/3/{unknown}/info.json");
        view(&app, &address).await.problem(404, "unknown_picture");
    }
    let removed = request("DELETE", &format!("/v1/images/{id}"));
    assert_eq!(ask(&app, removed).await.status, 204);
    let address = format!("/iiif/3/{id}/full/max/0/default.jpg");
    view(&app, &address).await.problem(404, "unknown_picture");
}

#[tokio::test]
async fn manifests_show_a_picture_and_what_is_found_by_it() {
    let bench = Bench::new();
    let app = bench.app_with(on());
    let whole = textured(400, 300, 5);
    let id = add(&app, "whole.png", &png(&whole)).await;
    let part = image::imageops::crop_imm(&whole, 100, 60, 200, 160).to_image();
    let found = add(&app, "part.png", &png(&part)).await;
    let one = view(&app, &format!("/iiif/presentation/3/{id}/manifest"))
        .await
        .json();
    assert_eq!(one["type"], "Manifest");
    assert_eq!(one["items"].as_array().unwrap().len(), 1);
    let service = &one["items"][0]["items"][0]["items"][0]["body"]["service"][0];
    assert_eq!(service["id"], format!("http://localhost:7777/iiif/3/{id}"));
    let hits = view(&app, &format!("/iiif/presentation/3/{id}/search?limit=5"))
        .await
        .json();
    let canvases = hits["items"].as_array().unwrap();
    assert_eq!(canvases.len(), 2);
    assert_eq!(canvases[1]["label"]["none"][0], "part.png");
    let marked = &canvases[1]["annotations"][0]["items"][0];
    assert_eq!(marked["motivation"], "highlighting");
    assert_eq!(marked["target"]["source"], canvases[1]["id"]);
    let svg = marked["target"]["selector"]["value"].as_str().unwrap();
    assert!(svg.contains("<polygon points="), "{svg}");
    let painted = canvases[1]["items"][0]["items"][0]["body"]["id"].as_str();
    assert!(painted.unwrap().contains(&found));
    view(&app, &format!("/iiif/presentation/3/{id}/search?limit=0"))
        .await
        .problem(422, "bad_parameter");
}

#[tokio::test]
async fn nothing_is_served_unless_it_is_switched_on() {
    let bench = Bench::new();
    let app = bench.app();
    let id = add(&app, "a.png", &png(&quarters())).await;
    let answer = view(&app, &format!("/iiif/3/{id}/info.json")).await;
    answer.problem(404, "unknown_route");
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_key_sees_the_pictures_of_its_collections_alone() {
    let mut world = crate::jobs::World::new(Policy::Open);
    let museum = CollectionName::parse("museum").unwrap();
    let open = world.app();
    let picture = png(&quarters());
    let form = crate::fixtures::form;
    let own = ask(&open, form("/v1/images", "file", "a.png", &picture)).await;
    let address = "/v1/collections/museum/images";
    ask(&open, form(address, "file", "a.png", &picture)).await;
    let id = own.json()["id"].as_str().unwrap().to_owned();
    let keys = Arc::new(Keys::open(&world.path("data")).unwrap());
    world.settings = HttpSettings {
        access: AccessSettings {
            keys: Some(keys.clone()),
            policy: Policy::Always,
        },
        iiif: true,
        ..world.settings.clone()
    };
    let app = world.app();
    let key = |scope: Scope, collections: Option<Vec<CollectionName>>| {
        let new = NewKey {
            name: "a test".into(),
            scopes: vec![scope],
            collections,
            ..NewKey::default()
        };
        keys.create(new).unwrap().1
    };
    let (all, of_museum) = (key(Scope::Read, None), key(Scope::Read, Some(vec![museum])));
    let search = key(Scope::Search, None);
    let status = |key: &str, address: String| {
        let asked = with(request("GET", &address), key);
        let app = app.clone();
        async move { ask(&app, asked).await.status.as_u16() }
    };
    let info = |name: &str| format!("/iiif/3/{name}/info.json");
    let in_museum = format!("museum:{id}");
    assert_eq!(status(&all, info(&id)).await, 200);
    assert_eq!(status(&all, info(&in_museum)).await, 200);
    assert_eq!(status(&of_museum, info(&in_museum)).await, 200);
    assert_eq!(status(&of_museum, info(&id)).await, 403);
    assert_eq!(status(&search, info(&id)).await, 403);
    let hits = format!("/iiif/presentation/3/{id}/search");
    assert_eq!(status(&all, hits).await, 403);
    let refused = view(&app, &info(&id)).await;
    refused.problem(401, "key_missing");
    assert_eq!(refused.header("access-control-allow-origin"), "*");
    let told: Value = {
        let asked = with(request("GET", &info(&in_museum)), &of_museum);
        ask(&app, asked).await.json()
    };
    assert!(told["id"].as_str().unwrap().ends_with(&in_museum));
}
