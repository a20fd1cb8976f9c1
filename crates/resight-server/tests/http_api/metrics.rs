//! What a monitor reads, and what `docs/metrics.md` says of it.

use std::collections::BTreeSet;

use crate::fixtures::{Bench, add, ask, get, png, post, textured};

/// Names of metrics with their types, as the lines `# TYPE` have them.
fn types(text: &str) -> BTreeSet<(String, String)> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    lines
        .filter_map(|line| line.split_once(' '))
        .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
        .collect()
}

/// The same from the table of the document.
fn documented() -> BTreeSet<(String, String)> {
    let text = include_str!("../../../../docs/metrics.md");
    let rows = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `resight_"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let name = cells[0].trim_end_matches('`');
        (format!("resight_{name}"), cells[1].to_owned())
    })
    .collect()
}

/// Checks that the document has each metric of an exposition, with its type.
pub(crate) fn are_documented(text: &str) {
    let (found, documented) = (types(text), documented());
    let missing: Vec<_> = found.difference(&documented).collect();
    assert!(missing.is_empty(), "docs/metrics.md lacks {missing:?}");
    assert!(found.len() > 10, "{text}");
}

fn value(text: &str, of: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(of));
    let line = line.unwrap_or_else(|| panic!("no {of}:\n{text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn searches_are_timed_by_stage_and_requests_by_route() {
    let bench = Bench::new();
    let app = bench.app();
    let picture = png(&textured(200, 160, 5));
    let id = add(&app, "a.png", &picture).await;
    for _ in 0..2 {
        let answer = ask(&app, post("/v1/search", "image/png", picture.clone())).await;
        assert_eq!(answer.status, 200);
    }
    get(&app, &format!("/v1/images/{id}")).await;
    get(&app, "/made/up/by/a/client").await;
    let text = String::from_utf8(get(&app, "/metrics").await.body).unwrap();
    for stage in ["decode", "describe", "candidates", "verify", "total"] {
        let count = format!("resight_search_stage_seconds_count{{stage=\"{stage}\"}}");
        assert_eq!(value(&text, &count), 2.0, "{stage}");
    }
    for (method, route, status, number) in [
        ("POST", "/v1/search", 200, 2.0),
        ("POST", "/v1/images", 201, 1.0),
        ("GET", "/v1/images/{id}", 200, 1.0),
        // No label of a client's making.
        ("GET", "none", 404, 1.0),
    ] {
        let of = format!(
            "resight_http_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}"
        );
        assert_eq!(value(&text, &of), number, "{of}");
    }
    assert!(!text.contains("made/up"));
    assert_eq!(value(&text, "resight_index_pictures"), 1.0);
    assert_eq!(value(&text, "resight_work_running{lane=\"heavy\"}"), 0.0);
    let cache = |result| format!("resight_feature_cache_requests_total{{result=\"{result}\"}}");
    assert!(value(&text, &cache("miss")) >= 1.0);
    assert!(value(&text, &cache("hit")) >= 1.0);
    assert!(text.ends_with("# EOF\n"));
    are_documented(&text);
}
