//! Interfaces of other services: what their clients send, and what they get.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use resight_server::{HttpSettings, Interface};
use serde_json::{Value, json};

use crate::fixtures::{Answer, Bench, ask, form, form_of, get, png, post, request, textured};

fn on(interface: Interface) -> HttpSettings {
    HttpSettings {
        interfaces: vec![interface],
        ..HttpSettings::default()
    }
}

fn part(seed: u64) -> Vec<u8> {
    let whole = textured(400, 300, seed);
    png(&image::imageops::crop_imm(&whole, 80, 60, 240, 180).to_image())
}

/// A form with one file and texts.
pub(crate) fn fields(
    method: &str,
    address: &str,
    file: Option<(&str, &[u8])>,
    texts: &[(&str, &str)],
) -> Request<Body> {
    let texts = texts
        .iter()
        .map(|&(name, text)| (name, None, text.as_bytes()));
    let file = file.map(|(name, bytes)| (name, Some("x.png"), bytes));
    let mut made = form_of(address, &texts.chain(file).collect::<Vec<_>>());
    *made.method_mut() = method.parse().unwrap();
    made
}

pub(crate) async fn done(app: &Router, asked: Request<Body>, method: &str) -> Value {
    let answer = ask(app, asked).await;
    let body = answer.json();
    assert_eq!(answer.status, 200, "{body}");
    assert_eq!(
        (&body["status"], &body["method"]),
        (&json!("ok"), &json!(method))
    );
    assert_eq!(body["error"], json!([]));
    body["result"].clone()
}

#[tokio::test]
async fn match_keeps_pictures_by_their_paths() {
    let bench = Bench::new();
    let app = bench.app_with(on(Interface::Match));
    let whole = png(&textured(400, 300, 1));
    let texts = [("filepath", "shop/1.png"), ("metadata", "{\"price\": 5}")];
    done(
        &app,
        fields("POST", "/add", Some(("image", &whole)), &texts),
        "add",
    )
    .await;
    let other = png(&textured(400, 300, 2));
    let texts = [("filepath", "shop/2.png")];
    done(
        &app,
        fields("POST", "/add", Some(("image", &other)), &texts),
        "add",
    )
    .await;
    assert_eq!(
        done(&app, request("GET", "/count"), "count").await,
        json!([2])
    );
    assert_eq!(
        done(&app, request("GET", "/list?limit=5"), "list").await,
        json!(["shop/2.png", "shop/1.png"])
    );
    let found = done(
        &app,
        fields("POST", "/search", Some(("image", &part(1))), &[]),
        "search",
    )
    .await;
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found[0]["filepath"], "shop/1.png");
    assert_eq!(found[0]["metadata"]["price"], 5);
    let score = found[0]["score"].as_f64().unwrap();
    assert!((50.0..100.0).contains(&score), "{score}");
    let same = fields(
        "POST",
        "/search",
        Some(("image", &whole)),
        &[("min_score", "99.5")],
    );
    let same = done(&app, same, "search").await;
    assert_eq!(
        (same.as_array().unwrap().len(), &same[0]["score"]),
        (1, &json!(100.0))
    );

    // Another picture takes the path.
    let third = png(&textured(400, 300, 3));
    let texts = [("filepath", "shop/1.png")];
    done(
        &app,
        fields("POST", "/add", Some(("image", &third)), &texts),
        "add",
    )
    .await;
    assert_eq!(
        done(&app, request("GET", "/count"), "count").await,
        json!([2])
    );
    let mut texts = post(
        "/delete",
        "application/x-www-form-urlencoded",
        "filepath=shop%2F2.png",
    );
    *texts.method_mut() = "DELETE".parse().unwrap();
    done(&app, texts, "delete").await;
    assert_eq!(
        done(&app, request("GET", "/list"), "list").await,
        json!(["shop/1.png"])
    );
    for method in ["GET", "POST"] {
        done(&app, request(method, "/ping"), "ping").await;
    }
}

#[tokio::test]
async fn match_compares_two_pictures_and_says_what_is_wrong() {
    let bench = Bench::new();
    let app = bench.app_with(on(Interface::Match));
    let [whole, other] = [1, 2].map(|seed| png(&textured(400, 300, seed)));
    let two = |first: &[u8], second: &[u8]| {
        let parts = [("image1", Some("x"), first), ("image2", Some("x"), second)];
        form_of("/compare", &parts)
    };
    let score = |result: Value| result[0]["score"].as_f64().unwrap();
    assert!(score(done(&app, two(&whole, &part(1)), "compare").await) >= 50.0);
    assert_eq!(
        score(done(&app, two(&whole, &whole), "compare").await),
        100.0
    );
    assert_eq!(score(done(&app, two(&whole, &other), "compare").await), 0.0);
    for (asked, status) in [
        (fields("POST", "/add", None, &[("filepath", "a")]), 422),
        (
            fields(
                "POST",
                "/add",
                Some(("image", b"no picture")),
                &[("filepath", "a")],
            ),
            422,
        ),
        (
            fields("POST", "/search", None, &[("url", "http://x.example/a")]),
            403,
        ),
        (fields("DELETE", "/delete", None, &[]), 422),
        (request("GET", "/list?limit=x"), 422),
    ] {
        let answer = ask(&app, asked).await;
        let body = answer.json();
        assert_eq!(answer.status, status, "{body}");
        assert_eq!(body["status"], "fail");
        assert!(body["error"][0].as_str().unwrap().len() > 10);
        assert_eq!(body["result"], json!([]));
    }
}

pub(crate) fn raw(method: &str, address: &str, body: impl Into<Body>) -> Request<Body> {
    let mut made = post(address, "image/png", body);
    *made.method_mut() = method.parse().unwrap();
    // As curl's --data-binary and pastec's own client send it.
    let form = "application/x-www-form-urlencoded".parse().unwrap();
    made.headers_mut().insert(header::CONTENT_TYPE, form);
    made
}

pub(crate) async fn typed(app: &Router, asked: Request<Body>, status: u16, kind: &str) -> Value {
    let answer = ask(app, asked).await;
    let body = answer.json();
    assert_eq!(
        (answer.status.as_u16(), &body["type"]),
        (status, &json!(kind)),
        "{body}"
    );
    body
}

#[tokio::test]
async fn pastec_keeps_pictures_by_their_numbers() {
    let bench = Bench::new();
    let app = bench.app_with(on(Interface::Pastec));
    let whole = png(&textured(400, 300, 1));
    let added = typed(
        &app,
        raw("PUT", "/index/images/23", whole.clone()),
        200,
        "IMAGE_ADDED",
    )
    .await;
    assert_eq!(added["image_id"], 23);
    assert!(added["nb_features_extracted"].as_u64().unwrap() > 50);
    let other = png(&textured(400, 300, 2));
    typed(
        &app,
        raw("PUT", "/index/images/7", other.clone()),
        200,
        "IMAGE_ADDED",
    )
    .await;
    let tag = raw("PUT", "/index/images/23/tag", "a poster");
    typed(&app, tag, 200, "IMAGE_TAG_ADDED").await;
    let search = || raw("POST", "/index/searcher", part(1));
    let found = typed(&app, search(), 200, "SEARCH_RESULTS").await;
    assert_eq!(found["image_ids"], json!([23]));
    assert_eq!(found["tags"], json!(["a poster"]));
    assert!(found["scores"][0].as_u64().unwrap() > 4);
    let rect = &found["bounding_rects"][0];
    assert!(rect["width"].as_u64().unwrap() > 120, "{rect}");
    let listed = get(&app, "/index/imageIds").await.json();
    assert_eq!(
        listed,
        json!({"type": "INDEX_IMAGE_IDS", "image_ids": [7, 23]})
    );
}

#[tokio::test]
async fn pastec_gives_a_number_to_another_picture_and_names_what_is_wrong() {
    let bench = Bench::new();
    let app = bench.app_with(on(Interface::Pastec));
    let [whole, other] = [1, 2].map(|seed| png(&textured(400, 300, seed)));
    let search = || raw("POST", "/index/searcher", part(1));
    typed(
        &app,
        raw("PUT", "/index/images/23", whole.clone()),
        200,
        "IMAGE_ADDED",
    )
    .await;
    // The same bytes under a second number are one picture with both.
    typed(
        &app,
        raw("PUT", "/index/images/24", whole.clone()),
        200,
        "IMAGE_ADDED",
    )
    .await;
    typed(
        &app,
        request("DELETE", "/index/images/23"),
        200,
        "IMAGE_REMOVED",
    )
    .await;
    let found = typed(&app, search(), 200, "SEARCH_RESULTS").await;
    assert_eq!(found["image_ids"], json!([24]));
    // Another picture takes a number.
    typed(
        &app,
        raw("PUT", "/index/images/24", other.clone()),
        200,
        "IMAGE_ADDED",
    )
    .await;
    let found = typed(&app, search(), 200, "SEARCH_RESULTS").await;
    assert_eq!(found["image_ids"], json!([]));
    typed(
        &app,
        request("DELETE", "/index/images/24/tag"),
        200,
        "IMAGE_TAG_REMOVED",
    )
    .await;
    typed(
        &app,
        request("DELETE", "/index/images/99"),
        200,
        "IMAGE_NOT_FOUND",
    )
    .await;
    typed(
        &app,
        raw("PUT", "/index/images/1", "text"),
        200,
        "IMAGE_NOT_DECODED",
    )
    .await;
    typed(
        &app,
        raw("PUT", "/index/images/x", whole),
        422,
        "MISFORMATTED_REQUEST",
    )
    .await;
}

#[tokio::test]
async fn pastec_s_commands_about_its_index_are_understood() {
    let bench = Bench::new();
    let app = bench.app_with(on(Interface::Pastec));
    let picture = png(&textured(400, 300, 1));
    typed(
        &app,
        raw("PUT", "/index/images/1", picture),
        200,
        "IMAGE_ADDED",
    )
    .await;
    let ping = || post("/", "application/json", r#"{"type": "PING"}"#);
    typed(&app, ping(), 200, "PONG").await;
    for (kind, expected) in [
        ("WRITE", "INDEX_WRITTEN"),
        ("LOAD", "INDEX_LOADED"),
        ("CLEAR", "INDEX_CLEARED"),
    ] {
        let body = json!({"type": kind, "index_path": "x.dat"}).to_string();
        typed(
            &app,
            post("/index/io", "application/json", body),
            200,
            expected,
        )
        .await;
    }
    let listed = get(&app, "/index/imageIds").await.json();
    assert_eq!(listed["image_ids"], json!([]));
    assert_eq!(get(&app, "/v1/count").await.json()["count"], 0);
    // The page is still there.
    assert_eq!(get(&app, "/").await.status, 200);
}

#[tokio::test]
async fn pastec_leaves_pictures_that_others_have_added() {
    let bench = Bench::new();
    let app = bench.app_with(on(Interface::Pastec));
    let picture = png(&textured(400, 300, 1));
    ask(
        &app,
        form(
            "/v1/images?tag=mine",
            "file",
            "a.png",
            &png(&textured(400, 300, 4)),
        ),
    )
    .await;
    typed(
        &app,
        raw("PUT", "/index/images/1", picture),
        200,
        "IMAGE_ADDED",
    )
    .await;
    let clear = json!({"type": "CLEAR"}).to_string();
    typed(
        &app,
        post("/index/io", "application/json", clear),
        200,
        "INDEX_CLEARED",
    )
    .await;
    assert_eq!(get(&app, "/v1/count?tag=mine").await.json()["count"], 1);
}

#[tokio::test]
async fn the_origin_s_answers_have_code_msg_and_data() {
    let bench = Bench::new();
    let app = bench.app_with(on(Interface::Origin));
    let ok = |answer: Answer| {
        let body = answer.json();
        assert_eq!(
            (&body["code"], &body["msg"]),
            (&json!(200), &json!("success")),
            "{body}"
        );
        body["data"].clone()
    };
    let whole = png(&textured(400, 300, 1));
    let added = ok(ask(&app, form("/api/add", "file", "a.png", &whole)).await);
    assert_eq!(
        (&added["name"], &added["exists"]),
        (&json!("a.png"), &json!(false))
    );
    let id = added["id"].as_str().unwrap();
    let search = fields(
        "POST",
        "/api/search",
        Some(("image", &part(1))),
        &[("topk", "3")],
    );
    let found = ok(ask(&app, search).await);
    assert_eq!(found[0]["id"], id);
    assert_eq!(found[0]["verified"], true);
    assert_eq!(
        get(&app, found[0]["url"].as_str().unwrap()).await.status,
        200
    );
    let listed = ok(get(&app, "/api/list?page=1&size=5").await);
    assert_eq!(
        (&listed["total"], &listed["list"][0]["id"]),
        (&json!(1), &json!(id))
    );
    let beyond = ok(get(&app, "/api/list?page=99999999999999999999&size=5").await);
    assert_eq!(beyond["list"], json!([]));
    assert_eq!(ok(get(&app, "/api/tot_num").await), json!(1));
    let body = json!({"id": id}).to_string();
    ok(ask(&app, post("/api/delete", "application/json", body.clone())).await);
    let again = ask(&app, post("/api/delete", "application/json", body)).await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["code"]),
        (404, &json!(404))
    );
    let nothing = ask(&app, post("/api/search", "application/json", "{}")).await;
    assert_eq!(nothing.json()["code"], 422);
    assert_eq!(nothing.json()["data"], Value::Null);
}

#[tokio::test]
async fn an_interface_is_there_only_where_it_is_switched_on() {
    let bench = Bench::new();
    let app = bench.app();
    for (method, address) in [
        ("POST", "/add"),
        ("GET", "/count"),
        ("GET", "/index/imageIds"),
        ("POST", "/api/search"),
    ] {
        let answer = ask(&app, request(method, address)).await;
        answer.problem(404, "unknown_route");
    }
    assert_eq!(ask(&app, request("POST", "/")).await.status, 405);
}
