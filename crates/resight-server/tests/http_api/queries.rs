//! Regions, several pictures, features in place of a picture, and comparison.

use axum::http::{StatusCode, header};
use image::{RgbImage, imageops};
use resight_engine::{EngineOptions, features_blob};
use resight_vision::{
    Descriptors, ExtractError, Image, LocalExtractor, LocalFeatures, ModelId, Sift, SiftOptions,
};
use serde_json::{Value, json};

use crate::fixtures::{Answer, Bench, add, ask, form, form_of, get, png, post, textured};

const FEATURES: &str = "application/vnd.resight.features";

/// Descriptors of two bytes under the name of SIFT.
struct Short(Sift);

impl LocalExtractor for Short {
    fn model(&self) -> &ModelId {
        self.0.model()
    }

    fn dimension(&self) -> usize {
        2
    }

    fn extract(&self, image: &Image) -> Result<LocalFeatures, ExtractError> {
        let LocalFeatures { keypoints, .. } = self.0.extract(image)?;
        let bytes = vec![7; 2 * keypoints.len()];
        Ok(LocalFeatures {
            keypoints,
            descriptors: Descriptors::from_bytes(2, bytes).unwrap(),
        })
    }
}

/// One picture beside another.
fn beside(left: &RgbImage, right: &RgbImage) -> RgbImage {
    let mut both = RgbImage::new(left.width() + right.width(), left.height());
    imageops::replace(&mut both, left, 0, 0);
    imageops::replace(&mut both, right, left.width().into(), 0);
    both
}

fn verified(found: &Value) -> Vec<&str> {
    let hits = found["hits"].as_array().unwrap().iter();
    let verified = hits.filter(|hit| hit["verified"] == true);
    let ids = verified.map(|hit| hit["image"]["id"].as_str().unwrap());
    let mut ids: Vec<&str> = ids.collect();
    ids.sort_unstable();
    ids
}

fn found(answer: &Answer) -> Value {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    answer.json()
}

#[tokio::test]
async fn a_region_finds_what_is_inside_it_only() {
    let bench = Bench::new();
    let app = bench.app();
    let (left, right) = (textured(300, 240, 51), textured(300, 240, 52));
    let (a, b) = (
        add(&app, "left.png", &png(&left)).await,
        add(&app, "right.png", &png(&right)).await,
    );
    let both = png(&beside(&left, &right));
    let both_id = add(&app, "both.png", &both).await;
    let mut all = [a.as_str(), &b, &both_id];
    all.sort_unstable();

    let whole = found(&ask(&app, post("/v1/search", "image/png", both.clone())).await);
    assert_eq!(verified(&whole), all);
    assert_eq!(whole["query"]["region"], Value::Null);

    // Upload, in pixels: the right half, and what is said of it is in pixels of the whole.
    let address = "/v1/search?region=300,0,300,240&matches=true";
    let half = found(&ask(&app, post(address, "image/png", both.clone())).await);
    let mut expected = [b.as_str(), &both_id];
    expected.sort_unstable();
    assert_eq!(verified(&half), expected);
    assert_eq!(half["query"]["region"], json!([300.0, 0.0, 300.0, 240.0]));
    assert_eq!(half["query"]["width"], 600);
    let hits = half["hits"].as_array().unwrap().iter();
    let hit = hits.clone().find(|hit| hit["image"]["id"] == b).unwrap();
    for point in hit["matches"].as_array().unwrap() {
        let [qx, qy, rx, ry] = [0, 1, 2, 3].map(|i| point[i].as_f64().unwrap());
        assert!(
            (qx - 300.0 - rx).abs() < 3.0 && (qy - ry).abs() < 3.0,
            "{point}"
        );
    }
    let m = hit["transform"].as_array().unwrap();
    let m: Vec<f64> = m.iter().map(|v| v.as_f64().unwrap()).collect();
    let at = |row: usize| m[row] * 400.0 + m[row + 1] * 100.0 + m[row + 2];
    let (x, y) = (at(0) / at(6), at(3) / at(6));
    assert!(
        (x - 100.0).abs() < 1.0 && (y - 100.0).abs() < 1.0,
        "{x} {y}"
    );
    let corner = hit["region"][0].as_array().unwrap();
    assert!(
        corner
            .iter()
            .all(|v| (v.as_f64().unwrap() + 0.5).abs() < 2.0),
        "{hit}"
    );
    assert!(hit["coverage_query"].as_f64().unwrap() > 0.6, "{hit}");

    // A stored one, in percent, in an address to keep; a small region of it is described again.
    for region in ["pct:0,0,50,100", "pct:5,10,30,60"] {
        let address = format!("/v1/search?image_id={both_id}&region={region}");
        let half = found(&get(&app, &address).await);
        assert_eq!(verified(&half), [a.as_str()], "{region}");
        assert_eq!(half["query"]["image_id"], both_id);
        assert_eq!(half["query"]["name"], "both.png");
    }
    let whole = found(&get(&app, &format!("/v1/search?image_id={both_id}")).await);
    let mut expected = [a.as_str(), &b];
    expected.sort_unstable();
    assert_eq!(verified(&whole), expected, "itself is left out");
}

#[tokio::test]
async fn regions_that_mean_nothing_are_refused() {
    let bench = Bench::new();
    let app = bench.app();
    let picture = png(&textured(200, 160, 53));
    let id = add(&app, "a.png", &picture).await;
    for bad in ["1,2,3", "0,0,0,9", "x", "pct:1,2,3,nan", "full"] {
        let address = format!("/v1/search?image_id={id}&region={bad}");
        let detail = get(&app, &address).await.problem(422, "bad_parameter");
        assert!(detail.contains("region"), "{detail}");
    }
    for outside in ["200,0,50,50", "0,0,5,50", "pct:99,0,50,50"] {
        let address = format!("/v1/search?image_id={id}&region={outside}");
        let detail = get(&app, &address).await.problem(422, "bad_query");
        assert!(detail.contains("200 × 160"), "{detail}");
    }
    get(&app, "/v1/search").await.problem(422, "bad_parameter");
    let unknown = format!("/v1/search?image_id={}", "0".repeat(32));
    get(&app, &unknown).await.problem(404, "unknown_picture");
}

#[tokio::test]
async fn several_pictures_of_one_thing_are_one_search() {
    let bench = Bench::new();
    let app = bench.app();
    let sides = [textured(300, 240, 61), textured(300, 240, 62)];
    let mut ids = Vec::new();
    for (i, side) in sides.iter().enumerate() {
        ids.push(add(&app, &format!("{i}.png"), &png(&imageops::rotate90(side))).await);
    }
    let other = add(&app, "other.png", &png(&textured(300, 240, 63))).await;
    let files: Vec<Vec<u8>> = sides.iter().map(png).collect();
    let both = [
        ("file", Some("a.png"), &files[0][..]),
        ("file", Some("b.png"), &files[1][..]),
    ];
    let answer = found(&ask(&app, form_of("/v1/search", &both)).await);
    let mut expected: Vec<&str> = ids.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(verified(&answer), expected);
    assert_eq!(answer["queries"].as_array().unwrap().len(), 2);
    for hit in answer["hits"].as_array().unwrap() {
        if let Some(side) = ids.iter().position(|id| hit["image"]["id"] == **id) {
            assert_eq!(hit["query"], side, "{hit}");
        }
    }
    // One alone does not find the other's.
    let alone = found(&ask(&app, post("/v1/search", "image/png", files[0].clone())).await);
    assert_eq!(verified(&alone), [ids[0].as_str()]);
    assert!(alone.get("queries").is_none());

    // A file and a stored picture together; stored ones are left out.
    let mixed = [
        ("file", Some("a.png"), &files[0][..]),
        ("image_id", None, other.as_bytes()),
    ];
    let answer = found(&ask(&app, form_of("/v1/search", &mixed)).await);
    assert_eq!(verified(&answer), [ids[0].as_str()]);
    let body = json!({"image_ids": [ids[0], other]}).to_string();
    let answer = found(&ask(&app, post("/v1/search", "application/json", body)).await);
    let hits = answer["hits"].as_array().unwrap();
    assert!(
        hits.iter().all(|hit| hit["image"]["id"] == *ids[1]),
        "{hits:?}"
    );

    let many: Vec<_> = (0..11).map(|_| both[0]).collect();
    let answer = ask(&app, form_of("/v1/search", &many)).await;
    answer.problem(422, "bad_query");
    let answer = ask(&app, form_of("/v1/search?region=0,0,99,99", &both)).await;
    answer.problem(422, "bad_query");
    for bad in [
        json!({}),
        json!({"image_ids": []}),
        json!({"image_id": ids[0], "image_ids": [ids[1]]}),
    ] {
        let request = post("/v1/search", "application/json", bad.to_string());
        ask(&app, request).await.problem(422, "bad_body");
    }
    let odd = [("files", Some("a.png"), &files[0][..])];
    let detail = ask(&app, form_of("/v1/search", &odd))
        .await
        .problem(422, "bad_body");
    assert!(detail.contains("files"), "{detail}");
}

#[tokio::test]
async fn features_find_what_their_picture_finds() {
    let bench = Bench::new();
    let app = bench.app();
    let picture = textured(320, 240, 71);
    add(&app, "a.png", &png(&picture)).await;
    let query = png(&imageops::rotate180(&picture));
    let blob = ask(&app, form("/v1/features", "file", "q.png", &query)).await;
    assert_eq!(blob.status, StatusCode::OK);
    assert_eq!(blob.header(header::CONTENT_TYPE), FEATURES);

    let address = "/v1/search?matches=true";
    let by_picture = found(&ask(&app, post(address, "image/png", query)).await);
    for content_type in [FEATURES, "application/octet-stream"] {
        let by_features = ask(&app, post(address, content_type, blob.body.clone())).await;
        let by_features = found(&by_features);
        assert_eq!(by_features["hits"], by_picture["hits"]);
        assert_eq!(by_features["query"], by_picture["query"]);
        assert_eq!(by_features["timings"]["extract_ms"], 0.0);
    }
    let in_form = form(address, "file", "q.features", &blob.body);
    assert_eq!(found(&ask(&app, in_form).await)["hits"], by_picture["hits"]);

    let mut damaged = blob.body.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    ask(&app, post("/v1/search", FEATURES, damaged))
        .await
        .problem(422, "bad_features");
    let cut = blob.body[..40].to_vec();
    ask(&app, post("/v1/search", FEATURES, cut))
        .await
        .problem(422, "bad_features");
    let short = Short(Sift::new(SiftOptions::default()));
    let picture = png(&picture);
    let (short, _) = features_blob(&picture, &short, &EngineOptions::default()).unwrap();
    let detail = ask(&app, post("/v1/search", FEATURES, short))
        .await
        .problem(422, "bad_features");
    assert!(detail.contains("has 2 bytes"), "{detail}");
    assert!(detail.contains("have 128"), "{detail}");
    // They are no picture to be kept.
    ask(
        &app,
        post("/v1/images", "application/octet-stream", blob.body),
    )
    .await
    .problem(422, "not_an_image");
}

#[tokio::test]
async fn two_pictures_are_compared_sent_or_stored() {
    let bench = Bench::new();
    let app = bench.app();
    let picture = textured(320, 240, 81);
    let turned = png(&imageops::rotate90(&picture));
    let (a, b) = (
        add(&app, "a.png", &png(&picture)).await,
        add(&app, "b.png", &png(&textured(320, 240, 82))).await,
    );
    let pair = [("a", None, a.as_bytes()), ("b", Some("b.png"), &turned[..])];
    let same = found(&ask(&app, form_of("/v1/compare", &pair)).await);
    assert_eq!(same["verified"], true, "{same}");
    assert_eq!(same["a"]["image_id"], a);
    assert!(same["b"].get("image_id").is_none());
    assert_eq!(same["b"]["width"], 240);
    let points = same["points"].as_array().unwrap();
    assert_eq!(same["inliers"], points.len());
    for point in points {
        let [ax, ay, bx, by] = [0, 1, 2, 3].map(|i| point[i].as_f64().unwrap());
        assert!(
            (bx - (239.0 - ay)).abs() < 5.0 && (by - ax).abs() < 5.0,
            "{point}"
        );
    }

    let ids = json!({"a": a, "b": b}).to_string();
    let other = found(&ask(&app, post("/v1/compare", "application/json", ids)).await);
    assert_eq!(
        (&other["verified"], &other["transform"]),
        (&json!(false), &Value::Null)
    );

    let lone = [("a", None, a.as_bytes())];
    ask(&app, form_of("/v1/compare", &lone))
        .await
        .problem(422, "bad_body");
    let unknown = json!({"a": a, "b": "0".repeat(32)}).to_string();
    ask(&app, post("/v1/compare", "application/json", unknown))
        .await
        .problem(404, "unknown_picture");
    let request = post("/v1/compare?x=1", "application/json", "{}");
    ask(&app, request).await.problem(422, "bad_parameter");
    let raw = post("/v1/compare", "image/png", turned);
    ask(&app, raw).await.problem(422, "bad_body");
}
