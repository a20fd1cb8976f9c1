//! Compression, tags of JSON, and what is left alone.

use axum::http::{StatusCode, header};

use crate::fixtures::{Answer, Bench, add, ask, asset, get, png, request, textured, unpacked};

/// Asks with an `Accept-Encoding` and an `If-None-Match`, where there are some.
async fn with(
    app: &axum::Router,
    (method, address): (&str, &str),
    accepts: Option<&str>,
    holds: Option<&str>,
) -> Answer {
    let mut request = request(method, address);
    let headers = request.headers_mut();
    if let Some(accepts) = accepts {
        headers.insert(header::ACCEPT_ENCODING, accepts.parse().unwrap());
    }
    if let Some(holds) = holds {
        headers.insert(header::IF_NONE_MATCH, holds.parse().unwrap());
    }
    ask(app, request).await
}

/// `/openapi.json` is long, whatever is stored.
const LONG: &str = "/openapi.json";

#[tokio::test]
async fn long_json_is_compressed_as_the_client_takes_it() {
    let bench = Bench::new();
    let app = bench.app();
    let plain = get(&app, LONG).await;
    assert_eq!(plain.header(header::CONTENT_ENCODING), "");
    for (accepts, encoding) in [
        ("gzip", "gzip"),
        ("br", "br"),
        ("gzip, deflate, br", "br"),
        ("gzip;q=1, br;q=0.5", "gzip"),
        ("gzip;q=0", ""),
        ("zstd", ""),
        // It is answered, and not refused.
        ("identity;q=0", ""),
        ("zstd, *;q=0", ""),
    ] {
        let answer = with(&app, ("GET", LONG), Some(accepts), None).await;
        assert_eq!(answer.status, StatusCode::OK, "{accepts}");
        assert_eq!(
            answer.header(header::CONTENT_ENCODING),
            encoding,
            "{accepts}"
        );
        assert!(unpacked(&answer) == plain.body, "{accepts}");
        assert_eq!(answer.header(header::ETAG), plain.header(header::ETAG));
        if !encoding.is_empty() {
            assert!(answer.body.len() * 3 < plain.body.len(), "{accepts}");
            let varies = answer.headers.get_all(header::VARY);
            assert!(varies.iter().any(|value| value == "accept-encoding"));
        }
    }
    let (script, style) = (asset(&app, "js").await, asset(&app, "css").await);
    for page in ["/errors", &*script, &*style] {
        let answer = with(&app, ("GET", page), Some("gzip"), None).await;
        assert_eq!(answer.header(header::CONTENT_ENCODING), "gzip", "{page}");
    }
}

#[tokio::test]
async fn what_is_short_a_picture_a_part_or_a_stream_is_not_compressed() {
    let bench = Bench::new();
    let app = bench.app();
    let bytes = png(&textured(200, 160, 3));
    let id = add(&app, "a.png", &bytes).await;
    let file = format!("/v1/images/{id}/file");
    for address in [
        "/livez",
        "/v1/count",
        &format!("/v1/images/{id}/thumbnail"),
        &file,
        "/nothing",
    ] {
        let answer = with(&app, ("GET", address), Some("gzip, br"), None).await;
        assert_eq!(answer.header(header::CONTENT_ENCODING), "", "{address}");
    }
    let mut part = request("GET", &file);
    let headers = part.headers_mut();
    headers.insert(header::RANGE, "bytes=5-1999".parse().unwrap());
    headers.insert(header::ACCEPT_ENCODING, "gzip".parse().unwrap());
    let part = ask(&app, part).await;
    assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
    assert!(part.body == bytes[5..2000]);
    // Lines of JSON are to arrive as they come.
    let mut lines = crate::fixtures::form("/v1/images", "file", "b.png", &bytes);
    let headers = lines.headers_mut();
    headers.insert(header::ACCEPT, "application/x-ndjson".parse().unwrap());
    headers.insert(header::ACCEPT_ENCODING, "gzip".parse().unwrap());
    let lines = ask(&app, lines).await;
    assert_eq!(lines.header(header::CONTENT_ENCODING), "");
    // Of a request for the head alone nothing is compressed.
    let head = with(&app, ("HEAD", LONG), Some("gzip"), None).await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
}

#[tokio::test]
async fn json_that_a_client_has_is_not_sent_again() {
    let bench = Bench::new();
    let app = bench.app();
    let first = get(&app, "/v1/images").await;
    let tag = first.header(header::ETAG).to_owned();
    assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{tag}");
    assert_eq!(first.header(header::CACHE_CONTROL), "private, no-cache");
    for holds in [
        &*tag,
        tag.trim_start_matches("W/"),
        "*",
        &format!("\"x\", {tag}"),
    ] {
        let again = with(&app, ("GET", "/v1/images"), Some("gzip"), Some(holds)).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{holds}");
        assert_eq!((again.body.len(), again.header(header::ETAG)), (0, &*tag));
        assert_eq!(again.header(header::CONTENT_TYPE), "");
    }
    add(&app, "a.png", &png(&textured(200, 160, 3))).await;
    let changed = with(&app, ("GET", "/v1/images"), None, Some(&tag)).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_ne!(changed.header(header::ETAG), tag);
    // What changes something, what failed and what nobody may keep has none.
    let count = with(&app, ("DELETE", "/v1/count"), None, Some("*")).await;
    let nothing = with(&app, ("GET", "/nothing"), None, Some("*")).await;
    for answer in [count, nothing] {
        assert!(answer.status.is_client_error());
        assert_eq!(answer.header(header::ETAG), "");
    }
}
