//! Files that broke other programs, offered by upload.

use std::path::Path;

use axum::http::StatusCode;

use crate::fixtures::{Bench, ask, form, get};

#[tokio::test]
async fn every_nasty_file_is_stored_or_refused_with_a_reason() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/nasty/files");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("SKIPPED: no folder with nasty files");
        return;
    };
    let bench = Bench::new();
    let app = bench.app();
    let (mut stored, mut refused) = (0, 0);
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let answer = ask(&app, form("/v1/images", "file", &name, &bytes)).await;
        if matches!(answer.status, StatusCode::CREATED | StatusCode::OK) {
            stored += 1;
            let id = answer.json()["id"].as_str().unwrap().to_owned();
            let thumbnail = get(&app, &format!("/v1/images/{id}/thumbnail")).await;
            assert_eq!(thumbnail.status, StatusCode::OK, "{name}");
        } else {
            refused += 1;
            let code = answer.json()["code"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let is_users = answer.status.is_client_error();
            assert!(is_users, "{name}: {} {code}", answer.status);
            answer.problem(answer.status.as_u16(), &code);
        }
    }
    assert!(
        stored > 100 && refused > 20,
        "{stored} stored, {refused} refused"
    );
    // The server still does its work.
    assert_eq!(get(&app, "/v1/count").await.status, StatusCode::OK);
}
