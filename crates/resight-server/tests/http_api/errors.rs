use std::collections::BTreeSet;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, header};
use http_body::Frame;
use resight_engine::{DecodeLimits, EngineOptions};
use resight_server::HttpSettings;
use serde_json::{Value, json};

use crate::fixtures::{Bench, Gated, ask, form, get, png, post, request, textured};

const ID: &str = "0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn addresses_and_methods_that_do_not_exist() {
    let app = Bench::new().app();
    let nothing = get(&app, "/v1/nothing").await;
    let detail = nothing.problem(404, "unknown_route");
    assert!(detail.contains("/v1/nothing"));
    for (method, address, allowed) in [
        ("PUT", "/v1/images", ["GET", "POST"]),
        ("POST", "/v1/count", ["GET", "HEAD"]),
        ("PUT", "/", ["GET", "HEAD"]),
    ] {
        let answer = ask(&app, request(method, address)).await;
        answer.problem(405, "method_not_allowed");
        let allow = answer.header(header::ALLOW);
        assert!(
            allowed.iter().all(|method| allow.contains(method)),
            "{address}: {allow:?}"
        );
    }
}

#[tokio::test]
async fn no_address_ends_with_a_slash() {
    let app = Bench::new().app();
    let image = format!("/v1/images/{ID}/");
    for address in [
        "/v1/",
        "/v1/images/",
        &image,
        "/v1/count/",
        "/v1/plugins/",
        "/v1/collections/",
        "/v1/collections/default/",
        "/v1/collections/default/images/",
        "/healthz/",
        "/errors/",
    ] {
        let detail = get(&app, address).await.problem(404, "unknown_route");
        assert!(detail.contains(address), "{detail}");
    }
}

/// A body of as many frames as are left.
struct Frames(Arc<AtomicUsize>);

impl HttpBody for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let left = self.0.load(Ordering::SeqCst);
        self.0.store(left.saturating_sub(1), Ordering::SeqCst);
        let frame = (left > 0).then(|| Ok(Frame::data(Bytes::from_static(&[7; 1000]))));
        Poll::Ready(frame)
    }
}

#[tokio::test]
async fn a_body_sent_to_a_wrong_address_is_read_away() {
    let app = Bench::new().app();
    for (method, address, status, code) in [
        ("POST", "/v1/nothing", 404, "unknown_route"),
        ("POST", "/v1/count", 405, "method_not_allowed"),
        ("PUT", "/", 405, "method_not_allowed"),
        (
            "POST",
            "/v1/collections/default/nothing",
            404,
            "unknown_route",
        ),
        (
            "PUT",
            "/v1/collections/default/images",
            405,
            "method_not_allowed",
        ),
        (
            "PUT",
            "/v1/collections/A/images",
            422,
            "bad_collection_name",
        ),
        ("POST", "/v1/plugins/none/f", 404, "unknown_plugin"),
        ("POST", "/v1/plugins/%ff/f", 422, "bad_parameter"),
        ("POST", "/v1/plugins/none/%ff", 422, "bad_parameter"),
    ] {
        let left = Arc::new(AtomicUsize::new(9));
        let body = Body::new(Frames(Arc::clone(&left)));
        let asked = Request::builder().method(method).uri(address);
        let answer = ask(&app, asked.body(body).unwrap()).await;
        answer.problem(status, code);
        assert_eq!(left.load(Ordering::SeqCst), 0, "{method} {address}");
    }
}

#[tokio::test]
async fn a_bad_parameter_is_named_with_what_it_may_be() {
    let app = Bench::new().app();
    for (address, parts) in [
        ("/v1/images?limit=1001", &["limit", "1 to 1000", "1001"][..]),
        ("/v1/images?limit=0", &["limit", "1 to 1000"]),
        ("/v1/images?offset=-1", &["offset", "from 0"]),
        ("/v1/images?offset=99999999999999999999", &["offset"]),
        ("/v1/images?ofset=1", &["ofset", "offset, limit"]),
        ("/v1/images?limit=1&limit=2", &["limit", "once"]),
        ("/v1/refused?limit=x", &["limit", "\"x\""]),
        ("/v1/images/xyz", &["id", "32", "xyz"]),
        ("/v1/images/0123456789ABCDEF0123456789ABCDEF/file", &["id"]),
        ("/v1/images/xyz/thumbnail", &["id"]),
        // No text at all once it is decoded.
        ("/v1/images/%ff%fe", &["id", "cannot be read"]),
        ("/v1/images/%ff%fe/thumbnail", &["id", "cannot be read"]),
        ("/v1/images/%ff%fe/file", &["id", "cannot be read"]),
        ("/v1/plugins/%ff", &["parameter name cannot be read"]),
        ("/v1/plugins/%ff/f", &["parameter name cannot be read"]),
        ("/v1/plugins/p/%ff", &["parameter function cannot be read"]),
        // Of several values one is bad.
        ("/v1/images?tag=", &["parameter tag cannot be taken"]),
        (
            "/v1/count?not_tag=a&not_tag=",
            &["parameter not_tag cannot"],
        ),
    ] {
        let detail = get(&app, address).await.problem(422, "bad_parameter");
        assert!(
            parts.iter().all(|part| detail.contains(part)),
            "{address}: {detail}"
        );
    }
    for (address, parts) in [
        (
            "/v1/search?matches=yes",
            &["matches", "true or false", "yes"][..],
        ),
        ("/v1/search?limit=5000", &["limit", "1000"]),
        ("/v1/images?nam=x", &["nam", "name"]),
    ] {
        let detail = ask(&app, post(address, "image/png", "x"))
            .await
            .problem(422, "bad_parameter");
        assert!(
            parts.iter().all(|part| detail.contains(part)),
            "{address}: {detail}"
        );
    }
    for address in ["/v1/images/..%2fx", "/v1/images/%ff%fe"] {
        let answer = ask(&app, request("DELETE", address)).await;
        answer.problem(422, "bad_parameter");
    }
}

#[tokio::test]
async fn unknown_pictures() {
    let app = Bench::new().app();
    get(&app, &format!("/v1/images/{ID}"))
        .await
        .problem(404, "unknown_picture");
    ask(&app, request("DELETE", &format!("/v1/images/{ID}")))
        .await
        .problem(404, "unknown_picture");
    let query = json!({ "image_id": ID }).to_string();
    ask(&app, post("/v1/search", "application/json", query))
        .await
        .problem(404, "unknown_picture");
}

#[tokio::test]
async fn bodies_that_cannot_be_understood() {
    let app = Bench::new().app();
    let edge = "multipart/form-data; boundary=edge";
    for (content_type, body) in [
        ("application/json", "{"),
        ("application/json", ""),
        ("application/json", "[1]"),
        ("application/json", r#"{"image_id": 7}"#),
        ("application/json", r#"{"id": "x"}"#),
        ("application/json", r#"{"image_id": "x", "limit": 3}"#),
        (edge, "no form at all"),
        (edge, "--edge--\r\n"),
        (
            edge,
            "--edge\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\ncut of",
        ),
        ("multipart/form-data", "x"),
    ] {
        ask(&app, post("/v1/search", content_type, body))
            .await
            .problem(422, "bad_body");
    }
    let bytes = png(&textured(64, 64, 1));
    let answer = ask(&app, form("/v1/images", "picture", "a.png", &bytes)).await;
    assert!(answer.problem(422, "bad_body").contains("file"));
    let part = "--edge\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n";
    let twice = ask(
        &app,
        post("/v1/features", edge, format!("{part}{part}--edge--\r\n")),
    )
    .await;
    assert!(twice.problem(422, "bad_body").contains("one picture"));

    let text = "--edge\r\nContent-Disposition: form-data; name=\"tag\"\r\n\r\nx\r\n";
    let many = format!("{}{part}--edge--\r\n", text.repeat(1000));
    let many = ask(&app, post("/v1/images", edge, many)).await;
    assert!(many.problem(422, "bad_body").contains("1000 fields"));
    let long = ask(
        &app,
        post("/v1/search", "application/json", vec![b' '; 9 << 20]),
    )
    .await;
    assert!(long.problem(413, "too_many_bytes").contains("8388608"));

    let bad_id = ask(
        &app,
        post("/v1/search", "application/json", r#"{"image_id": "x"}"#),
    )
    .await;
    assert!(bad_id.problem(422, "bad_parameter").contains("image_id"));
}

#[tokio::test]
async fn content_types_that_are_not_taken() {
    let app = Bench::new().app();
    for (address, content_type) in [
        ("/v1/features", "application/json"),
        ("/v1/images", "text/plain"),
        ("/v1/search", "text/html"),
        ("/v1/search", "application/x-www-form-urlencoded"),
    ] {
        let answer = ask(&app, post(address, content_type, "{}")).await;
        let detail = answer.problem(415, "unsupported_media_type");
        assert!(detail.contains(content_type), "{detail}");
        assert_eq!(
            detail.contains("image/*, application/octet-stream, application/json"),
            address == "/v1/search"
        );
    }
    let nameless = Request::post("/v1/images").body(Body::from("x")).unwrap();
    ask(&app, nameless)
        .await
        .problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn pictures_that_cannot_be_used() {
    let app = Bench::new().app();
    let garbage: Vec<u8> = (0..4000_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let whole = png(&textured(200, 150, 2));
    for address in ["/v1/images", "/v1/search"] {
        ask(&app, form(address, "file", "a.png", b""))
            .await
            .problem(422, "empty");
        ask(&app, post(address, "image/png", ""))
            .await
            .problem(422, "empty");
        ask(&app, form(address, "file", "a.png", &garbage))
            .await
            .problem(422, "not_an_image");
        ask(&app, post(address, "image/png", "hello"))
            .await
            .problem(422, "not_an_image");
        ask(
            &app,
            post(address, "image/png", whole[..whole.len() / 3].to_vec()),
        )
        .await
        .problem(422, "broken");
        ask(&app, post(address, "image/png", png(&textured(5, 5, 3))))
            .await
            .problem(422, "too_small");
        let jpeg_xr = b"II\xbc\x01\x08\0\0\0\x01\0".to_vec();
        let answer = ask(&app, post(address, "image/jxr", jpeg_xr)).await;
        answer.problem(422, "format_not_supported");
    }
    assert_eq!(get(&app, "/v1/count").await.json()["count"], 0);
}

#[tokio::test]
async fn a_picture_over_a_limit_is_refused() {
    let decode = DecodeLimits {
        max_bytes: 4096,
        max_pixels: 20_000,
        ..DecodeLimits::default()
    };
    let bench = Bench::with(
        Gated::new(true),
        EngineOptions {
            decode,
            ..EngineOptions::default()
        },
    );
    let settings = HttpSettings {
        max_picture_bytes: 4096,
        ..HttpSettings::default()
    };
    let app = bench.app_with(settings);

    // Over the engine's limit, and still within what is read for the form around a picture.
    ask(&app, post("/v1/images", "image/png", vec![0; 5000]))
        .await
        .problem(413, "too_many_bytes");
    let flat = image::RgbImage::from_pixel(200, 150, image::Rgb([9; 3]));
    ask(&app, post("/v1/images", "image/png", png(&flat)))
        .await
        .problem(422, "too_many_pixels");

    // Over what is read at all: as it is and in a form, with its length stated and without.
    let large = vec![0; (1 << 20) + 5000];
    for mut request in [
        post("/v1/images", "image/png", large.clone()),
        form("/v1/search", "file", "a.png", &large),
        post("/v1/search", "application/json", large.clone()),
    ] {
        request
            .headers_mut()
            .insert(header::CONTENT_LENGTH, large.len().into());
        let detail = ask(&app, request).await.problem(413, "too_many_bytes");
        assert!(detail.contains(&((1 << 20) + 4096).to_string()), "{detail}");
    }
    for request in [
        post("/v1/images", "image/png", large.clone()),
        form("/v1/search", "file", "a.png", &large),
    ] {
        ask(&app, request).await.problem(413, "too_many_bytes");
    }
}

// Long because the description is read once and each of its promises is checked.
#[tokio::test]
async fn the_description_fits_the_routes() {
    let world = crate::jobs::World::new(resight_server::Policy::Open);
    let app = world.app();
    let answer = get(&app, "/openapi.json").await;
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/json");
    let description = answer.json();
    assert!(description["openapi"].as_str().unwrap().starts_with("3."));
    assert_eq!(description["info"]["title"], "Resight");
    let mut described = BTreeSet::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            described.insert(format!("{method} {path}"));
            assert!(
                operation["responses"]
                    .as_object()
                    .is_some_and(|all| !all.is_empty())
            );
            let asked = request(&method.to_uppercase(), &path.replace("{id}", ID));
            let answer = ask(&app, asked).await;
            let text = String::from_utf8_lossy(&answer.body);
            assert!(
                !text.contains("unknown_route") && !text.contains("method_not_allowed"),
                "{method} {path}"
            );
        }
    }
    let in_each = [
        "delete /images",
        "delete /images/{id}",
        "delete /not-a-match",
        "delete /objects/{object}",
        "get /count",
        "get /duplicates",
        "get /duplicates/resolutions",
        "get /images",
        "get /images/download",
        "get /images/{id}",
        "get /images/{id}/exif",
        "get /images/{id}/file",
        "get /images/{id}/thumbnail",
        "get /media-types",
        "get /models",
        "get /not-a-match",
        "get /objects",
        "get /objects/{object}",
        "get /refused",
        "get /search",
        "patch /images",
        "patch /images/{id}",
        "post /compare",
        "post /duplicates/resolve",
        "post /duplicates/undo",
        "post /features",
        "post /images",
        "post /images/download",
        "post /not-a-match",
        "post /search",
    ];
    let once = [
        "delete /v1/collections/{collection}",
        "delete /v1/folders/{folder}",
        "delete /v1/jobs/{job}",
        "delete /v1/keys/{key}",
        "delete /v1/session",
        "delete /v1/webhooks/{webhook}",
        "get /api/tot_num",
        "get /healthz",
        "get /livez",
        "get /metrics",
        "get /readyz",
        "get /v1/collections",
        "get /v1/collections/{collection}",
        "get /v1/folders",
        "get /v1/jobs",
        "get /v1/jobs/{job}",
        "get /v1/jobs/{job}/events",
        "get /v1/jobs/{job}/file",
        "get /v1/jobs/{job}/refused",
        "get /v1/keys",
        "get /v1/plugins",
        "get /v1/plugins/{name}",
        "get /v1/plugins/{name}/{function}",
        "get /v1/session",
        "get /v1/storage",
        "get /v1/webhooks",
        "patch /v1/collections/{collection}",
        "patch /v1/folders/{folder}",
        "post /v1/folders",
        "post /v1/jobs",
        "post /v1/keys",
        "post /v1/plugins/{name}/{function}",
        "post /v1/session",
        "post /v1/webhooks",
        "put /v1/collections/{collection}",
    ];
    let below = |base: &str| in_each.map(|one| one.replacen(" /", &format!(" {base}/"), 1));
    let mut wanted: BTreeSet<String> = once.map(str::to_owned).into();
    wanted.extend(below("/v1"));
    wanted.extend(below("/v1/collections/{collection}"));
    assert_eq!(described, wanted);
    let ids = |document: &Value| -> Vec<String> {
        let paths = document["paths"].as_object().unwrap().values();
        let operations = paths.flat_map(|methods| methods.as_object().unwrap().values());
        let ids = operations.filter_map(|one| one["operationId"].as_str());
        ids.map(str::to_owned).collect()
    };
    let ids = ids(&description);
    let different: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(
        (ids.len(), different.len()),
        (described.len(), described.len())
    );
    check_references(&description, &description);
    let picture = &description["components"]["schemas"]["Picture"]["properties"];
    assert!(picture["id"].is_object() && picture["paths"].is_null());
}

/// Every `$ref` in `part` must lead somewhere.
fn check_references(part: &Value, whole: &Value) {
    if let Some(reference) = part.get("$ref").and_then(Value::as_str) {
        let target = reference.strip_prefix('#').and_then(|at| whole.pointer(at));
        assert!(target.is_some(), "{reference} leads nowhere");
    }
    match part {
        Value::Object(fields) => fields
            .values()
            .for_each(|field| check_references(field, whole)),
        Value::Array(items) => items.iter().for_each(|item| check_references(item, whole)),
        _ => {}
    }
}

#[tokio::test]
async fn an_array_is_no_object() {
    let app = Bench::new().app();
    let two = format!("[\"{ID}\", \"{ID}\"]");
    for (method, address, body) in [
        ("PATCH", format!("/v1/images/{ID}"), "[[], [], []]"),
        ("PATCH", "/v1/images?tag=a".to_owned(), "[null, [\"a\"]]"),
        ("POST", "/v1/compare".to_owned(), &*two),
        ("POST", "/v1/not-a-match".to_owned(), &*two),
        ("POST", "/v1/session".to_owned(), " [\"key\"]"),
    ] {
        let mut request = post(&address, "application/json", body.to_owned());
        *request.method_mut() = method.parse().unwrap();
        let told = ask(&app, request).await.problem(422, "bad_body");
        assert!(told.contains("array"), "{address}: {told}");
    }
}
