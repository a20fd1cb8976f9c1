//! What a request needs, by its method and the route that it matches.

use axum::http::Method;
use resight_app::keys::Scope;

/// What the routes of each collection lie below.
const IN_COLLECTION: &str = "/v1/collections/{collection}/";

/// What a request must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing.
    Nothing,
    /// Nothing for a part of the answer; the rest is for admins.
    NothingInPart,
    /// A key.
    AnyKey,
    /// A key with this scope.
    Of(Scope),
    /// A key with this scope; the handler sees to it that the key reaches only its collections.
    OfSome(Scope),
    /// A key with one of these scopes; the handler sees to the rest, and to the collections.
    OneOf(&'static [Scope]),
}

/// A job of some kinds takes the one, an export the other.
const OF_JOBS: Need = Need::OneOf(&[Scope::Read, Scope::Add]);

/// Of all routes of the API: method, route, need. Those of a collection stand here as those of the default one.
const ROUTES: &[(&str, &str, Need)] = &[
    ("GET", "/livez", Need::Nothing),
    ("GET", "/healthz", Need::Nothing),
    ("GET", "/readyz", Need::NothingInPart),
    ("GET", "/metrics", Need::Of(Scope::Read)),
    ("GET", "/openapi.json", Need::AnyKey),
    ("GET", "/api/tot_num", Need::Of(Scope::Read)),
    ("GET", "/v1/session", Need::AnyKey),
    ("POST", "/v1/session", Need::Nothing),
    ("DELETE", "/v1/session", Need::Nothing),
    ("GET", "/v1/keys", Need::Of(Scope::Admin)),
    ("POST", "/v1/keys", Need::Of(Scope::Admin)),
    ("DELETE", "/v1/keys/{key}", Need::Of(Scope::Admin)),
    ("GET", "/v1/webhooks", Need::Of(Scope::Admin)),
    ("POST", "/v1/webhooks", Need::Of(Scope::Admin)),
    ("DELETE", "/v1/webhooks/{webhook}", Need::Of(Scope::Admin)),
    ("GET", "/v1/collections", Need::AnyKey),
    ("GET", "/v1/collections/{collection}", Need::Of(Scope::Read)),
    (
        "PUT",
        "/v1/collections/{collection}",
        Need::Of(Scope::Admin),
    ),
    (
        "PATCH",
        "/v1/collections/{collection}",
        Need::Of(Scope::Admin),
    ),
    (
        "DELETE",
        "/v1/collections/{collection}",
        Need::Of(Scope::Admin),
    ),
    ("GET", "/v1/images", Need::Of(Scope::Read)),
    ("POST", "/v1/images", Need::Of(Scope::Add)),
    ("PATCH", "/v1/images", Need::Of(Scope::Add)),
    ("DELETE", "/v1/images", Need::Of(Scope::Delete)),
    ("GET", "/v1/images/download", Need::Of(Scope::Read)),
    ("POST", "/v1/images/download", Need::Of(Scope::Read)),
    ("GET", "/v1/images/{id}", Need::Of(Scope::Read)),
    ("PATCH", "/v1/images/{id}", Need::Of(Scope::Add)),
    ("DELETE", "/v1/images/{id}", Need::Of(Scope::Delete)),
    ("GET", "/v1/images/{id}/thumbnail", Need::Of(Scope::Read)),
    ("GET", "/v1/images/{id}/file", Need::Of(Scope::Read)),
    ("GET", "/v1/images/{id}/exif", Need::Of(Scope::Read)),
    ("GET", "/v1/media-types", Need::Of(Scope::Read)),
    ("GET", "/v1/objects", Need::Of(Scope::Read)),
    ("GET", "/v1/objects/{object}", Need::Of(Scope::Read)),
    ("DELETE", "/v1/objects/{object}", Need::Of(Scope::Delete)),
    ("GET", "/v1/search", Need::Of(Scope::Search)),
    ("POST", "/v1/search", Need::Of(Scope::Search)),
    ("POST", "/v1/features", Need::Of(Scope::Search)),
    ("POST", "/v1/compare", Need::Of(Scope::Search)),
    ("GET", "/v1/duplicates", Need::Of(Scope::Read)),
    // Moving files takes the scope admin too, which the handler asks for.
    ("POST", "/v1/duplicates/resolve", Need::Of(Scope::Delete)),
    ("GET", "/v1/duplicates/resolutions", Need::Of(Scope::Read)),
    ("POST", "/v1/duplicates/undo", Need::Of(Scope::Admin)),
    ("GET", "/v1/not-a-match", Need::Of(Scope::Read)),
    ("POST", "/v1/not-a-match", Need::Of(Scope::Add)),
    ("DELETE", "/v1/not-a-match", Need::Of(Scope::Delete)),
    ("GET", "/v1/count", Need::Of(Scope::Read)),
    ("GET", "/v1/models", Need::Of(Scope::Read)),
    // It has paths of the server.
    ("GET", "/v1/refused", Need::Of(Scope::Admin)),
    ("GET", "/v1/jobs", Need::OfSome(Scope::Read)),
    ("POST", "/v1/jobs", OF_JOBS),
    ("GET", "/v1/jobs/{job}", Need::OfSome(Scope::Read)),
    ("DELETE", "/v1/jobs/{job}", OF_JOBS),
    ("GET", "/v1/jobs/{job}/events", Need::OfSome(Scope::Read)),
    // They have paths of the server, which its handler shows to admins of all collections alone.
    ("GET", "/v1/jobs/{job}/refused", Need::OfSome(Scope::Admin)),
    ("GET", "/v1/jobs/{job}/file", Need::OfSome(Scope::Read)),
    ("GET", "/v1/folders", Need::OfSome(Scope::Read)),
    ("POST", "/v1/folders", Need::OfSome(Scope::Admin)),
    ("PATCH", "/v1/folders/{folder}", Need::OfSome(Scope::Admin)),
    ("DELETE", "/v1/folders/{folder}", Need::OfSome(Scope::Admin)),
    ("GET", "/v1/storage", Need::OfSome(Scope::Read)),
    ("GET", "/v1/plugins", Need::Of(Scope::Search)),
    ("GET", "/v1/plugins/{name}", Need::Of(Scope::Search)),
    (
        "GET",
        "/v1/plugins/{name}/{function}",
        Need::Of(Scope::Search),
    ),
    (
        "POST",
        "/v1/plugins/{name}/{function}",
        Need::Of(Scope::Search),
    ),
];

/// Of interfaces that are switched on, which the API's description leaves out.
const SWITCHED_ON: &[(&str, &str, Need)] = &[
    // The identifier may name a collection.
    ("GET", "/iiif/3/{id}", Need::OfSome(Scope::Read)),
    ("GET", "/iiif/3/{id}/info.json", Need::OfSome(Scope::Read)),
    (
        "GET",
        "/iiif/3/{id}/{region}/{size}/{rotation}/{file}",
        Need::OfSome(Scope::Read),
    ),
    (
        "GET",
        "/iiif/presentation/3/{id}/manifest",
        Need::OfSome(Scope::Read),
    ),
    (
        "GET",
        "/iiif/presentation/3/{id}/search",
        Need::OfSome(Scope::Read),
    ),
];

/// Of interfaces of other services, which are about the default collection.
const COMPATIBLE: &[(&str, &str, Need)] = &[
    ("POST", "/add", Need::Of(Scope::Add)),
    ("POST", "/search", Need::Of(Scope::Search)),
    ("POST", "/compare", Need::Of(Scope::Search)),
    ("DELETE", "/delete", Need::Of(Scope::Delete)),
    ("GET", "/count", Need::Of(Scope::Read)),
    ("POST", "/count", Need::Of(Scope::Read)),
    ("GET", "/list", Need::Of(Scope::Read)),
    ("POST", "/list", Need::Of(Scope::Read)),
    ("GET", "/ping", Need::AnyKey),
    ("POST", "/ping", Need::AnyKey),
    ("PUT", "/index/images/{image}", Need::Of(Scope::Add)),
    ("DELETE", "/index/images/{image}", Need::Of(Scope::Delete)),
    ("PUT", "/index/images/{image}/tag", Need::Of(Scope::Add)),
    ("DELETE", "/index/images/{image}/tag", Need::Of(Scope::Add)),
    ("POST", "/index/searcher", Need::Of(Scope::Search)),
    ("GET", "/index/imageIds", Need::Of(Scope::Read)),
    ("POST", "/index/io", Need::Of(Scope::Delete)),
    ("POST", "/", Need::AnyKey),
    ("POST", "/api/search", Need::Of(Scope::Search)),
    ("POST", "/api/add", Need::Of(Scope::Add)),
    ("POST", "/api/delete", Need::Of(Scope::Delete)),
    ("DELETE", "/api/delete", Need::Of(Scope::Delete)),
    ("GET", "/api/list", Need::Of(Scope::Read)),
];

/// What a request needs whose route is `path`; `None` where it matches none, as an address at which nothing is, or
/// one that a plug-in's author chose: calling a function is checked beside.
pub(super) fn of(method: &Method, path: Option<&str>) -> Need {
    let Some(path) = path else {
        return Need::AnyKey;
    };
    let method = match *method {
        Method::HEAD => "GET",
        _ => method.as_str(),
    };
    match row(method, &in_default(path)) {
        Some(need) => need,
        // The files of the page: people sign in on it.
        None if method == "GET" && super::super::pages::has(path) => Need::Nothing,
        None => Need::AnyKey,
    }
}

fn row(method: &str, path: &str) -> Option<Need> {
    let mut rows = ROUTES.iter().chain(SWITCHED_ON).chain(COMPATIBLE);
    rows.find(|(m, p, _)| *m == method && *p == path)
        .map(|(.., need)| *need)
}

/// The same route of the default collection.
fn in_default(path: &str) -> String {
    match path.strip_prefix(IN_COLLECTION) {
        Some(rest) => format!("/v1/{rest}"),
        None => path.to_owned(),
    }
}

/// Whether a route without a collection's name is about the pictures of the default one.
pub(super) fn is_of_a_collection(path: &str) -> bool {
    let first = path
        .strip_prefix("/v1/")
        .and_then(|rest| rest.split('/').next());
    let others = [
        "session",
        "keys",
        "collections",
        "plugins",
        "jobs",
        "folders",
        "storage",
        "webhooks",
    ];
    path == "/api/tot_num"
        || is_compatible(path)
        || first.is_some_and(|first| !others.contains(&first))
}

/// Whether a route of another service's interface is about pictures.
fn is_compatible(route: &str) -> bool {
    let mut rows = COMPATIBLE.iter();
    rows.any(|(_, path, need)| *path == route && *need != Need::AnyKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Method and route of everything that the API describes.
    fn described() -> Vec<(String, String)> {
        let document = crate::openapi_json().unwrap();
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        let mut all = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                all.push((method.to_uppercase(), path.clone()));
            }
        }
        all
    }

    #[test]
    fn every_route_has_a_row_and_every_row_a_route() {
        let all = described();
        assert!(all.len() > 50);
        for (method, path) in &all {
            assert!(row(method, &in_default(path)).is_some(), "{method} {path}");
        }
        for (method, path, _) in ROUTES {
            let is_there = all.iter().any(|(m, p)| m == method && p == path);
            assert!(is_there || *path == "/openapi.json", "{method} {path}");
        }
    }

    #[test]
    fn what_has_no_row_needs_a_key() {
        assert_eq!(of(&Method::GET, Some("/v1/new")), Need::AnyKey);
        assert_eq!(of(&Method::PUT, Some("/v1/images")), Need::AnyKey);
        assert_eq!(of(&Method::GET, None), Need::AnyKey);
        assert_eq!(of(&Method::GET, Some("/")), Need::Nothing);
        assert_eq!(of(&Method::POST, Some("/")), Need::AnyKey);
        assert_eq!(of(&Method::HEAD, Some("/v1/images")), Need::Of(Scope::Read));
    }

    #[test]
    fn a_row_that_needs_nothing_shows_no_picture() {
        for (method, path, need) in ROUTES {
            if [Need::Nothing, Need::NothingInPart].contains(need) {
                assert!(
                    ["/livez", "/healthz", "/readyz", "/v1/session"].contains(path),
                    "{method} {path}"
                );
            }
        }
    }
}
