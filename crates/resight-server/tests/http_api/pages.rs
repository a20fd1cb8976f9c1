use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};

use crate::fixtures::{Bench, ask, asset, get, unpacked};

fn built() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/dist")
}

/// Address and path of each file of the built page.
fn files() -> Vec<(String, PathBuf)> {
    let mut found = vec![("/".to_owned(), built().join("index.html"))];
    for entry in std::fs::read_dir(built().join("assets")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        found.push((format!("/assets/{name}"), path));
    }
    found
}

#[tokio::test]
async fn every_file_of_the_page_is_served_under_its_policy() {
    let app = Bench::new().app();
    let files = files();
    assert!(files.len() >= 3, "{} files", files.len());
    for (address, path) in files {
        let media_type = match path.extension().unwrap().to_str().unwrap() {
            "html" => "text/html; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            other => panic!("{other}"),
        };
        let answer = get(&app, &address).await;
        assert_eq!(answer.status, StatusCode::OK, "{address}");
        assert_eq!(answer.body, std::fs::read(&path).unwrap(), "{address}");
        assert_eq!(answer.header(header::CONTENT_TYPE), media_type);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let policy = answer.header(header::CONTENT_SECURITY_POLICY);
        assert!(
            policy.starts_with("default-src 'self'; img-src 'self' blob: data:;"),
            "{policy}"
        );

        let held = Request::get(&address)
            .header(
                header::IF_NONE_MATCH,
                format!("\"x\", {}", answer.header(header::ETAG)),
            )
            .body(Body::empty())
            .unwrap();
        assert_eq!(ask(&app, held).await.status, StatusCode::NOT_MODIFIED);
    }
}

#[tokio::test]
async fn files_are_sent_as_they_lie_in_the_program_to_clients_that_take_brotli() {
    let app = Bench::new().app();
    for (address, path) in files() {
        let content = std::fs::read(&path).unwrap();
        for (accepts, encoding) in [
            ("gzip, br", "br"),
            ("br;q=0.5", "br"),
            ("br;q=0", ""),
            ("identity", ""),
        ] {
            let asked = Request::get(&address)
                .header(header::ACCEPT_ENCODING, accepts)
                .body(Body::empty())
                .unwrap();
            let answer = ask(&app, asked).await;
            let told = answer.header(header::CONTENT_ENCODING);
            assert_eq!(told, encoding, "{address}: {accepts}");
            assert!(unpacked(&answer) == content, "{address}: {accepts}");
        }
    }
}

#[tokio::test]
async fn only_what_is_named_by_its_content_is_kept_without_asking() {
    let app = Bench::new().app();
    let index = get(&app, "/").await;
    assert_eq!(index.header(header::CACHE_CONTROL), "no-cache");
    let script = get(&app, &asset(&app, "js").await).await;
    assert_eq!(
        script.header(header::CACHE_CONTROL),
        "public, max-age=31536000, immutable"
    );
    let gone = get(&app, "/assets/index-00000000.js").await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert_ne!(
        gone.header(header::CACHE_CONTROL),
        script.header(header::CACHE_CONTROL)
    );
}
