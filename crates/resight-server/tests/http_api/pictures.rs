use axum::http::{Request, StatusCode, header};
use resight_store::{Change, Changes, PictureId, Refusal, SourceFile};
use serde_json::json;

use crate::fixtures::{Bench, add, ask, form, get, png, post, request, textured};

#[tokio::test]
async fn a_picture_is_added_listed_shown_and_removed() {
    let bench = Bench::new();
    let app = bench.app();
    let bytes = png(&textured(240, 160, 1));

    let answer = ask(&app, form("/v1/images", "file", "../Bl\u{e5}.png", &bytes)).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let picture = answer.json();
    let id = picture["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header(header::LOCATION), format!("/v1/images/{id}"));
    assert_eq!(picture["name"], "Bl\u{e5}.png");
    assert_eq!(
        (&picture["width"], &picture["height"]),
        (&json!(240), &json!(160))
    );
    assert_eq!(picture["bytes"], bytes.len());
    assert_eq!(picture["media_type"], "image/png");
    assert!(picture["features"].as_u64().unwrap() > 50, "{picture}");
    assert_eq!(picture["already_present"], false);
    assert_eq!(picture["thumbnail"], format!("/v1/images/{id}/thumbnail"));
    assert_eq!(picture["file"], format!("/v1/images/{id}/file"));
    let added = picture["added"].as_str().unwrap();
    assert!(
        added.starts_with("20") && added.ends_with('Z') && added.contains('T'),
        "{added}"
    );

    let mut shown = get(&app, &format!("/v1/images/{id}")).await.json();
    let own = shown.as_object_mut().unwrap();
    assert_eq!(own.remove("folder"), Some(json!(null)));
    assert_eq!(own.remove("paths"), Some(json!([])));
    let listed = get(&app, "/v1/images").await.json();
    assert_eq!(listed["images"], json!([shown]));
    assert_eq!(listed["total"], 1);
    assert_eq!(
        (&listed["offset"], &listed["limit"]),
        (&json!(0), &json!(60))
    );
    let mut sent = picture.clone();
    sent.as_object_mut().unwrap().remove("already_present");
    assert_eq!(sent, shown);
    assert_eq!(get(&app, "/v1/count").await.json(), json!({"count": 1}));

    let removed = ask(&app, request("DELETE", &format!("/v1/images/{id}"))).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert!(removed.body.is_empty());
    assert_eq!(get(&app, "/v1/count").await.json(), json!({"count": 0}));
    for end in ["", "/thumbnail", "/file"] {
        let gone = get(&app, &format!("/v1/images/{id}{end}")).await;
        assert!(gone.problem(404, "unknown_picture").contains(&id));
    }
    let again = ask(&app, request("DELETE", &format!("/v1/images/{id}"))).await;
    again.problem(404, "unknown_picture");
}

#[tokio::test]
async fn the_same_upload_twice_is_one_picture() {
    let bench = Bench::new();
    let app = bench.app();
    let bytes = png(&textured(200, 150, 2));
    let id = add(&app, "first.png", &bytes).await;
    let again = ask(&app, form("/v1/images", "file", "second.png", &bytes)).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.json()["id"], id);
    assert_eq!(again.json()["already_present"], true);
    assert_eq!(get(&app, "/v1/count").await.json()["count"], 1);
}

#[tokio::test]
async fn a_picture_may_be_sent_as_it_is() {
    let bench = Bench::new();
    let app = bench.app();
    for (seed, address, content_type, name) in [
        (3, "/v1/images?name=a%20b.png", "image/png", "a b.png"),
        (
            4,
            "/v1/images?name=..%2F..%2Fx%0Ay.png",
            "application/octet-stream",
            "xy.png",
        ),
        (5, "/v1/images", "Image/PNG; a=b", "picture"),
    ] {
        let bytes = png(&textured(160, 120, seed));
        let answer = ask(&app, post(address, content_type, bytes)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json());
        assert_eq!(answer.json()["name"], name);
    }
}

#[tokio::test]
async fn pages_of_the_list_join_without_a_gap() {
    let bench = Bench::new();
    let app = bench.app();
    for seed in 10..15 {
        add(&app, &format!("{seed}.png"), &png(&textured(128, 96, seed))).await;
    }
    let ids = |page: serde_json::Value| -> Vec<String> {
        let images = page["images"].as_array().unwrap().clone();
        images
            .iter()
            .map(|image| image["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = ids(get(&app, "/v1/images?limit=1000").await.json());
    assert_eq!(all.len(), 5);
    let mut joined = Vec::new();
    for (offset, count) in [(0, 2), (2, 2), (4, 1), (6, 0)] {
        let page = get(&app, &format!("/v1/images?offset={offset}&limit=2"))
            .await
            .json();
        assert_eq!(
            (&page["total"], &page["offset"], &page["limit"]),
            (&json!(5), &json!(offset), &json!(2))
        );
        let page = ids(page);
        assert_eq!(page.len(), count, "offset {offset}");
        joined.extend(page);
    }
    assert_eq!(joined, all);
}

#[tokio::test]
async fn files_and_thumbnails_are_kept_by_the_client() {
    let bench = Bench::new();
    let app = bench.app();
    let bytes = png(&textured(640, 480, 6));
    let id = add(&app, "quote\u{e9}.png", &bytes).await;

    let file = get(&app, &format!("/v1/images/{id}/file")).await;
    assert_eq!(file.body, bytes);
    assert_eq!(file.header(header::CONTENT_TYPE), "image/png");
    assert_eq!(
        file.header(header::CONTENT_DISPOSITION),
        "inline; filename=\"quote_.png\"; filename*=UTF-8''quote%C3%A9.png"
    );
    assert!(
        file.header(header::CONTENT_SECURITY_POLICY)
            .contains("sandbox")
    );

    let small = get(&app, &format!("/v1/images/{id}/thumbnail")).await;
    assert_eq!(small.header(header::CONTENT_TYPE), "image/jpeg");
    let picture = image::load_from_memory(&small.body).unwrap();
    assert!(picture.width() < 640 && picture.width() > picture.height());

    assert_ne!(file.header(header::ETAG), small.header(header::ETAG));
    for (end, answer) in [("file", &file), ("thumbnail", &small)] {
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.header(header::CACHE_CONTROL).contains("immutable"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let held = Request::get(format!("/v1/images/{id}/{end}"))
            .header(header::IF_NONE_MATCH, answer.header(header::ETAG));
        let held = ask(&app, held.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(held.status, StatusCode::NOT_MODIFIED);
        assert!(held.body.is_empty());
        assert_eq!(held.header(header::ETAG), answer.header(header::ETAG));
        let head = ask(&app, request("HEAD", &format!("/v1/images/{id}/{end}"))).await;
        assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    }
}

#[tokio::test]
async fn refused_files_are_listed_by_path() {
    let bench = Bench::new();
    let refusal = |path: &str| {
        Change::Refuse(Refusal {
            source: SourceFile {
                path: path.to_owned(),
                byte_len: 9,
                ..SourceFile::default()
            },
            code: "broken".to_owned(),
            reason: format!("{path} ends early"),
            seen_ms: 1_767_225_600_000,
        })
    };
    let paths = ["/p/a.jpg", "/p/b.jpg", "/p/c.jpg"];
    bench.catalogue.commit(paths.map(refusal).to_vec()).unwrap();
    let app = bench.app();

    let page = get(&app, "/v1/refused?limit=2").await.json();
    assert_eq!(
        page["refused"][0],
        json!({"path": "/p/a.jpg", "code": "broken", "reason": "/p/a.jpg ends early", "picture": true, "seen": "2026-01-01T00:00:00.000Z"})
    );
    assert_eq!(page["next"], "/p/b.jpg");
    let rest = get(&app, "/v1/refused?limit=2&after=%2Fp%2Fb.jpg")
        .await
        .json();
    assert_eq!(rest["refused"].as_array().unwrap().len(), 1);
    assert_eq!(rest["refused"][0]["path"], "/p/c.jpg");
    assert_eq!(rest["next"], json!(null));

    let sidecar = Change::Refuse(Refusal {
        code: "not_an_image".to_owned(),
        ..match refusal("/p/b.json") {
            Change::Refuse(refusal) => refusal,
            _ => unreachable!(),
        }
    });
    bench.catalogue.commit(vec![sidecar]).unwrap();
    let filtered = get(&app, "/v1/refused?code=not_an_image&code=empty").await;
    let filtered = filtered.json();
    assert_eq!(filtered["refused"].as_array().unwrap().len(), 1);
    assert_eq!(filtered["refused"][0]["path"], "/p/b.json");
    assert_eq!(filtered["refused"][0]["picture"], false);
    // The page ends where the list of these ends.
    let page = get(&app, "/v1/refused?code=broken&limit=2").await.json();
    assert_eq!(page["next"], "/p/b.jpg");
    let page = get(&app, "/v1/refused?code=broken&limit=3").await.json();
    assert_eq!(page["next"], json!(null));
    get(&app, "/v1/refused?code=x")
        .await
        .problem(422, "bad_parameter");
}

#[tokio::test]
async fn the_original_count_and_health_answer() {
    let bench = Bench::new();
    let app = bench.app();
    add(&app, "a.png", &png(&textured(128, 96, 7))).await;
    assert_eq!(
        get(&app, "/api/tot_num").await.json(),
        json!({"code": 200, "msg": "success", "data": 1})
    );
    assert_eq!(get(&app, "/healthz").await.json(), json!({"status": "ok"}));
}

#[tokio::test]
async fn a_picture_tells_its_folder_and_what_is_at_its_paths() {
    let bench = Bench::new();
    let app = bench.app();
    let bytes = png(&textured(240, 160, 1));
    let id = add(&app, "a.png", &bytes).await;
    let root = std::fs::canonicalize(bench.folder.path()).unwrap();
    let text = |name: &str| root.join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(root.join("2019")).unwrap();
    std::fs::write(root.join("2019/a.png"), &bytes).unwrap();
    let paths = [text("2018/gone.png"), text("2019/a.png")];
    let recorded = paths.clone().map(|path| Change::AddSource {
        id: PictureId::parse(&id).unwrap(),
        source: SourceFile {
            path,
            ..SourceFile::default()
        },
    });
    bench.catalogue.commit(recorded.to_vec()).unwrap();
    let shown = get(&app, &format!("/v1/images/{id}")).await.json();
    assert_eq!(shown["id"], id);
    assert_eq!(shown["folder"], text("2019"));
    assert_eq!(
        shown["paths"],
        json!([
            {"path": paths[1], "state": "present", "link_to": null},
            {"path": paths[0], "state": "missing", "link_to": null},
        ])
    );
    // A list tells no path.
    let listed = get(&app, "/v1/images").await.json();
    assert!(!listed.to_string().contains("2019"), "{listed}");
}
