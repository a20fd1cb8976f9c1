use axum::http::StatusCode;
use image::imageops;
use serde_json::{Value, json};

use crate::fixtures::{Bench, add, ask, form, get, png, post, request, textured};

// Long because one answer is searched for, and every field of it is checked.
#[tokio::test]
async fn a_turned_copy_finds_its_original_verified() {
    let bench = Bench::new();
    let app = bench.app();
    let picture = textured(320, 240, 21);
    let id = add(&app, "original.png", &png(&picture)).await;
    for seed in 22..25 {
        add(&app, "other.png", &png(&textured(320, 240, seed))).await;
    }

    let turned = png(&imageops::rotate90(&picture));
    let answer = ask(
        &app,
        form("/v1/search?matches=true", "file", "turned.png", &turned),
    )
    .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    let found = answer.json();
    assert_eq!(found["query"]["image_id"], Value::Null);
    assert_eq!(
        (&found["query"]["width"], &found["query"]["height"]),
        (&json!(240), &json!(320))
    );
    assert!(found["query"]["features"].as_u64().unwrap() > 50);
    assert_eq!(found["query"]["name"], Value::Null);
    assert!(found["took_ms"].as_f64().unwrap() > 0.0);
    let timings = found["timings"].as_object().unwrap();
    assert_eq!(timings.len(), 8, "{timings:?}");
    assert_eq!(timings["total_ms"], found["took_ms"]);
    let steps = [
        "decode_ms",
        "extract_ms",
        "candidates_ms",
        "verify_ms",
        "expand_ms",
        "variants_ms",
        "likeness_ms",
    ];
    let sum: f64 = steps
        .map(|step| timings[step].as_f64().unwrap())
        .iter()
        .sum();
    let total = timings["total_ms"].as_f64().unwrap();
    // Each is rounded to a tenth.
    assert!(sum > 0.0 && sum <= total + 0.3, "{timings:?}");
    assert_eq!(found["verified_hits"], 1);
    assert_eq!((&found["offset"], &found["limit"]), (&json!(0), &json!(20)));

    let best = &found["hits"][0];
    assert_eq!(best["image"]["id"], id);
    assert_eq!(
        (&best["verified"], &best["stage"]),
        (&json!(true), &json!("words"))
    );
    assert!(best["nfa_log10"].as_f64().unwrap() < -10.0, "{best}");
    for share in ["coverage_query", "coverage_result"] {
        assert!(
            (0.0..=1.0).contains(&best[share].as_f64().unwrap()),
            "{best}"
        );
    }
    assert!(best["words"].is_number() && best["cosine"].is_null());
    assert!((4..=8).contains(&best["region"].as_array().unwrap().len()));
    assert_eq!(best["transform"].as_array().unwrap().len(), 9);

    // Turning by 90 degrees takes (x, y) to (239 - y, x), and the points must say so.
    let matches = best["matches"].as_array().unwrap();
    assert_eq!(best["inliers"], matches.len());
    assert!(matches.len() > 30, "{}", matches.len());
    for point in matches {
        let [qx, qy, rx, ry] = [0, 1, 2, 3].map(|i| point[i].as_f64().unwrap());
        assert!(
            (qx - (239.0 - ry)).abs() < 5.0 && (qy - rx).abs() < 5.0,
            "{point}"
        );
    }
    // The same must hold for the transform, at the query's centre.
    let m: Vec<f64> = best["transform"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect();
    let at = |row: usize| m[row] * 120.0 + m[row + 1] * 160.0 + m[row + 2];
    let (x, y) = (at(0) / at(6), at(3) / at(6));
    assert!(
        (x - 160.0).abs() < 4.0 && (y - 119.0).abs() < 4.0,
        "({x}, {y})"
    );
}

#[tokio::test]
async fn a_stored_picture_is_left_out_of_its_own_results() {
    let bench = Bench::new();
    let app = bench.app();
    let picture = textured(320, 240, 31);
    let id = add(&app, "a.png", &png(&picture)).await;
    let copy = add(
        &app,
        "b.png",
        &png(&imageops::crop_imm(&picture, 40, 30, 240, 180).to_image()),
    )
    .await;

    let body = json!({ "image_id": id }).to_string();
    let found = ask(&app, post("/v1/search", "application/json", body.clone()))
        .await
        .json();
    assert_eq!(found["query"]["image_id"], id);
    assert_eq!(found["query"]["name"], "a.png");
    let ids: Vec<_> = found["hits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["image"]["id"].clone())
        .collect();
    assert_eq!(ids[0], copy);
    assert!(!ids.contains(&json!(id)));
    assert!(
        found["hits"][0].get("matches").is_none(),
        "points were not asked for"
    );

    let removed = ask(&app, request("DELETE", &format!("/v1/images/{copy}"))).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    let found = ask(
        &app,
        post("/v1/search", "application/json; charset=utf-8", body),
    )
    .await
    .json();
    assert_eq!(
        found["verified_hits"], 0,
        "a removed picture was found: {found}"
    );
    assert_eq!(found["hits"], json!([]));
}

#[tokio::test]
async fn hits_come_in_pages_and_can_be_limited_to_verified_ones() {
    let bench = Bench::new();
    let app = bench.app();
    let picture = textured(320, 240, 41);
    for (name, turned) in [
        ("a", imageops::rotate90(&picture)),
        ("b", imageops::rotate180(&picture)),
        ("c", imageops::rotate270(&picture)),
    ] {
        add(&app, name, &png(&turned)).await;
    }
    add(&app, "other", &png(&textured(320, 240, 42))).await;
    let query = png(&picture);
    let search = |address: &str| {
        let request = post(address, "image/png", query.clone());
        let app = app.clone();
        async move { ask(&app, request).await.json() }
    };

    let all = search("/v1/search?verified_only=true").await;
    assert_eq!(
        (&all["total"], &all["verified_hits"]),
        (&json!(3), &json!(3))
    );
    let hits = all["hits"].as_array().unwrap();
    assert!(hits.iter().all(|hit| hit["verified"] == true));
    let mut joined = Vec::new();
    for offset in 0..4 {
        let page = search(&format!(
            "/v1/search?verified_only=true&limit=1&offset={offset}"
        ))
        .await;
        assert_eq!(
            (&page["total"], &page["offset"]),
            (&json!(3), &json!(offset))
        );
        joined.extend(page["hits"].as_array().unwrap().clone());
    }
    assert_eq!(joined, *hits);
    let loose = search("/v1/search?verified_only=false").await;
    assert_eq!(loose["verified_hits"], 3);
    assert!(loose["total"].as_u64() >= Some(3));
}

#[tokio::test]
async fn the_mode_is_checked_and_likeness_needs_a_model() {
    let bench = Bench::new();
    let app = bench.app();
    let picture = textured(320, 240, 31);
    let id = add(&app, "a.png", &png(&picture)).await;
    let copy = imageops::crop_imm(&picture, 40, 30, 240, 180).to_image();
    add(&app, "b.png", &png(&copy)).await;
    let at = |mode: &str| format!("/v1/search?image_id={id}&mode={mode}");
    for mode in ["exact", "auto"] {
        let found = get(&app, &at(mode)).await.json();
        let hit = &found["hits"][0];
        assert_eq!(
            (&found["verified_hits"], &found["alike_hits"]),
            (&json!(1), &json!(0))
        );
        assert_eq!(hit["alike"], false);
        assert!(hit["model"].is_null() && hit["cosine"].is_null(), "{hit}");
        assert_eq!(found["timings"]["likeness_ms"], 0.0);
    }
    let answer = get(&app, &at("similar")).await;
    let detail = answer.problem(422, "no_model");
    assert!(detail.contains("model"), "{detail}");
    let answer = get(&app, &format!("{}&verified_only=true", at("similar"))).await;
    answer.problem(422, "bad_query");
    get(&app, &at("alike")).await.problem(422, "bad_parameter");
    assert_eq!(get(&app, "/v1/models").await.json(), json!({"models": []}));
}

#[tokio::test]
async fn each_variant_can_be_left_out() {
    let bench = Bench::new();
    let app = bench.app();
    let picture = textured(240, 200, 1);
    let mut negative = picture.clone();
    imageops::invert(&mut negative);
    let negative = add(&app, "negative.png", &png(&negative)).await;
    let flip = add(&app, "flip.png", &png(&imageops::flip_horizontal(&picture))).await;
    add(&app, "other.png", &png(&textured(240, 200, 2))).await;
    for (asked, mirrored, inverted) in [
        ("", true, true),
        ("?inverted=false", true, false),
        ("?mirrored=false", false, true),
        ("?mirrored=false&inverted=false", false, false),
    ] {
        let request = post(&format!("/v1/search{asked}"), "image/png", png(&picture));
        let found = ask(&app, request).await.json();
        assert_eq!(
            (&found["mirrored"], &found["inverted"]),
            (&json!(mirrored), &json!(inverted))
        );
        let hits = found["hits"].as_array().unwrap();
        let hits = hits.iter().filter(|hit| hit["verified"] == true);
        let told: Vec<_> = hits
            .map(|hit| {
                (
                    hit["image"]["id"].clone(),
                    hit["mirrored"].clone(),
                    hit["inverted"].clone(),
                )
            })
            .collect();
        let is = |id: &str, m: bool, i: bool| told.contains(&(json!(id), json!(m), json!(i)));
        assert_eq!(told.len(), usize::from(mirrored) + usize::from(inverted));
        assert_eq!(is(&flip, true, false), mirrored);
        assert_eq!(is(&negative, false, true), inverted);
    }
    get(&app, "/v1/search?image_id=x&inverted=maybe")
        .await
        .problem(422, "bad_parameter");
}
