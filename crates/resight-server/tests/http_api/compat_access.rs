//! Keys and scopes at the interfaces of other services.

use resight_app::keys::Scope;
use resight_server::{Interface, Policy};

use crate::access::with;
use crate::compat::{done, fields, raw, typed};
use crate::fixtures::{ask, form, png, request, textured};

#[tokio::test]
async fn keys_and_scopes_hold() {
    let mut world = crate::jobs::World::new(Policy::Always);
    let of = |scope| world.key(&[scope], None);
    let (read, search, add) = (of(Scope::Read), of(Scope::Search), of(Scope::Add));
    let museum = world.key(&[Scope::Read, Scope::Search], Some("museum"));
    world.settings.interfaces = Interface::ALL.to_vec();
    let app = world.app();
    for (method, address, key, status) in [
        ("GET", "/count", None, 401),
        ("GET", "/count", Some(&read), 200),
        ("GET", "/count", Some(&search), 403),
        ("GET", "/count", Some(&museum), 403),
        ("GET", "/list", Some(&museum), 403),
        ("POST", "/search", Some(&read), 403),
        ("POST", "/add", Some(&search), 403),
        ("DELETE", "/delete", Some(&add), 403),
        ("GET", "/ping", Some(&search), 200),
        ("GET", "/ping", None, 401),
        ("PUT", "/index/images/1", Some(&read), 403),
        ("DELETE", "/index/images/1", Some(&add), 403),
        ("POST", "/index/searcher", Some(&museum), 403),
        ("GET", "/index/imageIds", Some(&read), 200),
        ("POST", "/index/io", Some(&add), 403),
        ("POST", "/", None, 401),
        ("POST", "/api/search", Some(&add), 403),
        ("POST", "/api/add", Some(&read), 403),
        ("POST", "/api/delete", Some(&add), 403),
        ("GET", "/api/list", Some(&museum), 403),
        ("GET", "/api/list", Some(&read), 200),
    ] {
        let asked = request(method, address);
        let asked = match key {
            Some(key) => with(asked, key),
            None => asked,
        };
        let answer = ask(&app, asked).await;
        assert_eq!(answer.status, status, "{method} {address}");
    }
}

#[tokio::test]
async fn a_key_that_may_only_add_removes_nothing() {
    let mut world = crate::jobs::World::new(Policy::Always);
    let add = world.key(&[Scope::Add], None);
    let all = world.key(&[Scope::Read, Scope::Add, Scope::Delete], None);
    world.settings.interfaces = Interface::ALL.to_vec();
    let app = world.app();
    let stored = async || {
        let answer = ask(&app, with(request("GET", "/v1/count"), &all)).await;
        answer.json()["count"].as_u64().unwrap()
    };
    let pictures: Vec<Vec<u8>> = (1..7).map(|seed| png(&textured(160, 120, seed))).collect();
    let uploaded = with(form("/v1/images", "file", "a.png", &pictures[0]), &all);
    let id = ask(&app, uploaded).await.json()["id"].clone();
    let id = id.as_str().unwrap();
    // The path is the id of a picture, and then the path of one.
    for (path, picture) in [(id, &pictures[1]), ("p", &pictures[2]), ("p", &pictures[3])] {
        let asked = fields(
            "POST",
            "/add",
            Some(("image", picture)),
            &[("filepath", path)],
        );
        done(&app, with(asked, &add), "add").await;
    }
    for picture in &pictures[4..] {
        let asked = with(raw("PUT", "/index/images/7", picture.clone()), &add);
        typed(&app, asked, 200, "IMAGE_ADDED").await;
    }
    assert_eq!(stored().await, 6);
    // One that may delete has the earlier picture give way; one that only has such a path as its id stays.
    for path in [id, "p"] {
        let again = png(&textured(160, 120, 20 + path.len() as u64));
        let asked = fields(
            "POST",
            "/add",
            Some(("image", &again)),
            &[("filepath", path)],
        );
        done(&app, with(asked, &all), "add").await;
    }
    assert_eq!(stored().await, 6);
    let first = with(request("GET", &format!("/v1/images/{id}")), &all);
    assert_eq!(ask(&app, first).await.status, 200);
}
