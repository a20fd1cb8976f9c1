//! What `/openapi.json` states of parameters.

use serde_json::{Value, json};

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
        (
            "get",
            "/v1/images",
            "cursor",
            "pattern",
            json!("^[0-9a-f]+$"),
        ),
        (
            "get",
            "/v1/jobs",
            "kind",
            "enum",
            json!(["index", "duplicates", "verify", "backup", "embed", "export"]),
        ),
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

/// All values of `key` below `value`, with the value that has it.
fn holders<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    let inner: Vec<&Value> = match value {
        Value::Object(map) => {
            if map.contains_key(key) {
                found.push(value);
            }
            map.values().collect()
        }
        Value::Array(all) => all.iter().collect(),
        _ => Vec::new(),
    };
    for one in inner {
        holders(one, key, found);
    }
}

#[tokio::test]
async fn failures_on_the_way_to_an_operation_are_described() {
    let app = Bench::new().app();
    let description = get(&app, "/openapi.json").await.json();
    let statuses = |path: &str, method: &str| {
        let all = description["paths"][path][method]["responses"].clone();
        all.as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
            .join(" ")
    };
    for (path, method, expected) in [
        ("/v1/images/{id}", "get", "200 401 403 404 422 429 default"),
        ("/v1/keys", "get", "200 401 403 429 default"),
        (
            "/v1/folders/{folder}",
            "patch",
            "200 401 403 404 415 422 429 default",
        ),
        ("/healthz", "get", "200"),
    ] {
        assert_eq!(statuses(path, method), expected, "{method} {path}");
    }
    assert_eq!(
        description["components"]["securitySchemes"]["key"]["scheme"],
        "bearer"
    );
    assert_eq!(description["security"], json!([{}, {"key": []}]));
}

/// Generated clients send a list of numbers, or fail, where bytes are described as one.
#[tokio::test]
async fn bytes_are_described_as_bytes() {
    let app = Bench::new().app();
    let description = get(&app, "/openapi.json").await.json();
    let mut with_content = Vec::new();
    holders(&description, "content", &mut with_content);
    let mut files = 0;
    for content in with_content {
        for (kind, body) in content["content"].as_object().unwrap() {
            let is_bytes = kind.starts_with("image/")
                || ["octet-stream", "zip", "x-tar", "gzip", "features"]
                    .iter()
                    .any(|end| kind.ends_with(end));
            if is_bytes {
                let expected = json!({"type": "string", "format": "binary"});
                assert_eq!(body["schema"], expected, "{kind}");
                files += 1;
            }
        }
    }
    assert!(files > 20, "{files}");
    let schemas = &description["components"]["schemas"];
    for (form, field) in [
        ("PictureForm", "file"),
        ("PairForm", "a"),
        ("PairForm", "b"),
    ] {
        let about = &schemas[form]["properties"][field];
        assert_eq!(about["format"], "binary", "{form} {field}");
        assert!(schemas[form]["required"].to_string().contains(field));
    }
    for form in ["AdditionForm", "PicturesForm"] {
        let each = &schemas[form]["properties"]["file"]["items"];
        assert_eq!(each["format"], "binary", "{form}");
    }
    // A search has files or ids.
    assert_eq!(schemas["PicturesForm"]["required"], Value::Null);
}

#[tokio::test]
async fn every_operation_that_asks_for_a_key_describes_failures() {
    let app = Bench::new().app();
    let description = get(&app, "/openapi.json").await.json();
    let mut operations = Vec::new();
    holders(&description["paths"], "operationId", &mut operations);
    assert!(operations.len() > 70, "{}", operations.len());
    for operation in operations {
        let is_free = ["health", "live"].map(|name| operation["operationId"] == name);
        if is_free.contains(&true) {
            let statuses: Vec<_> = operation["responses"].as_object().unwrap().keys().collect();
            assert_eq!(statuses, ["200"]);
            continue;
        }
        let content = &operation["responses"]["default"]["content"];
        let problem = &content["application/problem+json"]["schema"]["$ref"];
        let name = &operation["operationId"];
        assert_eq!(problem, "#/components/schemas/ProblemBody", "{name}");
    }
}

#[tokio::test]
async fn fields_of_bodies_have_the_forms_that_are_accepted() {
    let app = Bench::new().app();
    let description = get(&app, "/openapi.json").await.json();
    let schemas = &description["components"]["schemas"];
    let tag = json!({"minLength": 1, "maxLength": 100});
    let id = json!({"pattern": "^[0-9a-f]{32}$"});
    for (body, field, is_list, expected) in [
        ("LabelChange", "tags", true, &tag),
        ("LabelChange", "add_tags", true, &tag),
        ("PictureAtAddress", "tags", true, &tag),
        ("RulesShown", "tags", true, &tag),
        ("RulesWanted", "tags", true, &tag),
        ("StoredPair", "a", false, &id),
        ("TwoPictures", "b", false, &id),
        ("StoredQuery", "image_id", false, &id),
        ("StoredQuery", "image_ids", true, &id),
    ] {
        let about = &schemas[body]["properties"][field];
        let about = if is_list { &about["items"] } else { about };
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&about[key], value, "{body} {field} {key}");
        }
    }
    for (field, about) in schemas["LabelChange"]["properties"].as_object().unwrap() {
        assert_eq!(about.get("default"), None, "{field}");
    }
    for body in ["LabelChange", "PictureAtAddress", "Picture"] {
        let metadata = &schemas[body]["properties"]["metadata"];
        assert_eq!(metadata["additionalProperties"], true, "{body}");
    }
    let kinds = schemas["JobWanted"]["properties"]["kind"]["enum"].as_array();
    assert_eq!(kinds.unwrap().len(), 6);
    let scopes = schemas["KeyWanted"]["properties"]["scopes"]["items"]["enum"].as_array();
    assert_eq!(scopes.unwrap().len(), 5);
}
