use std::path::Path;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};

use crate::fixtures::{Bench, ask, get};

#[tokio::test]
async fn every_file_of_the_page_is_served_under_its_policy() {
    let app = Bench::new().app();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    let mut served = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(parts) = name.rsplit_once('.') else {
            continue;
        };
        let (address, media_type) = match parts {
            ("index", "html") => ("/".to_owned(), "text/html; charset=utf-8"),
            (_, "css") => (format!("/{name}"), "text/css; charset=utf-8"),
            (_, "js") => (format!("/{name}"), "text/javascript; charset=utf-8"),
            _ => continue,
        };
        served += 1;
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
    assert!(served >= 3, "{served} files");
}
