//! What `/openapi.json` states of parameters.

use serde_json::json;

use crate::fixtures::{Bench, get};

#[tokio::test]
async fn parameters_have_the_forms_that_are_accepted() {
    let app = Bench::new().app();
    let description = get(&app, "/openapi.json").await.json();
    let parameters = |method: &str, path: &str| {
        let all = description["paths"][path][method]["parameters"].clone();
        all.as_array().cloned().unwrap_or_default()
    };
    // (operation, parameter, key of its schema, value)
    for (method, path, name, key, value) in [
        (
            "get",
            "/v1/images/{id}",
            "id",
            "pattern",
            json!("^[0-9a-f]{32}$"),
        ),
        (
            "get",
            "/v1/collections/{collection}/images/{id}",
            "collection",
            "pattern",
            json!("^[a-z0-9][a-z0-9_-]{0,62}$"),
        ),
        (
            "get",
            "/v1/search",
            "image_id",
            "pattern",
            json!("^[0-9a-f]{32}$"),
        ),
        (
            "get",
            "/v1/search",
            "mode",
            "enum",
            json!(["exact", "similar", "auto"]),
        ),
        ("post", "/v1/search", "group_by", "enum", json!(["object"])),
        ("get", "/v1/images", "limit", "maximum", json!(1000)),
        (
            "get",
            "/v1/images",
            "offset",
            "maximum",
            json!(9_007_199_254_740_991_u64),
        ),
        (
            "get",
            "/v1/duplicates",
            "min_size",
            "maximum",
            json!(1_000_000),
        ),
    ] {
        let all = parameters(method, path);
        let found = all.iter().find(|parameter| parameter["name"] == name);
        let schema = &found.unwrap()["schema"];
        assert_eq!(schema[key], value, "{method} {path} {name}");
    }
    let kinds = parameters("get", "/v1/duplicates");
    let kinds = kinds.iter().find(|parameter| parameter["name"] == "kind");
    for kind in kinds.unwrap()["schema"]["enum"].as_array().unwrap() {
        let address = format!("/v1/duplicates?kind={}", kind.as_str().unwrap());
        assert_eq!(get(&app, &address).await.status.as_u16(), 200, "{address}");
    }
}
