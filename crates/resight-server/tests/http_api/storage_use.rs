//! How much room the data folder takes.

use std::fs;
use std::path::Path;

use resight_app::keys::Scope;
use resight_server::Policy;
use serde_json::Value;

use crate::access::with;
use crate::fixtures::{ask, form, get, png, request, textured};
use crate::jobs::World;

fn bytes_below(folder: &Path) -> u64 {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry.unwrap();
        bytes += match entry.metadata().unwrap() {
            of if of.is_dir() => bytes_below(&entry.path()),
            of => of.len(),
        };
    }
    bytes
}

#[tokio::test]
async fn room_is_told_by_collection_and_kind() {
    let world = World::new(Policy::Open);
    let app = world.app();
    let picture = png(&textured(320, 240, 5));
    let sent = ask(
        &app,
        form("/v1/collections/museum/images", "file", "a.png", &picture),
    )
    .await;
    assert_eq!(sent.status, 201);
    let told = get(&app, "/v1/storage").await.json();
    let [default, museum] = &told["collections"].as_array().unwrap()[..] else {
        panic!("{told}");
    };
    assert_eq!(
        (&default["name"], &museum["name"]),
        (&"default".into(), &"museum".into())
    );
    let number = |of: &Value, name: &str| of[name].as_u64().unwrap();
    assert_eq!(
        (number(default, "pictures"), number(default, "originals")),
        (0, 0)
    );
    assert_eq!(number(museum, "pictures"), 1);
    assert_eq!(number(museum, "originals"), picture.len() as u64);
    let data = world.path("data");
    let thumbnails = data.join("collections/museum/blobs/thumbnails");
    assert_eq!(number(museum, "thumbnails"), bytes_below(&thumbnails));
    assert!(number(museum, "features") > 0 && number(museum, "words") > 0);
    let kinds = ["originals", "thumbnails", "catalogue", "index"];
    let total: u64 = kinds.iter().map(|kind| number(museum, kind)).sum();
    assert_eq!(number(museum, "total"), total);
    let all = number(default, "total") + total + number(&told, "service");
    assert_eq!(number(&told, "total"), all);
    // Nothing is counted twice, and all but what SQLite writes meanwhile is counted.
    assert!(all <= bytes_below(&data), "{told}");
    assert!(told["free"].as_u64().is_some_and(|free| free > 0) || cfg!(not(target_os = "linux")));
    // Asked again at once, it is told again.
    assert_eq!(get(&app, "/v1/storage").await.json(), told);
}

#[tokio::test]
async fn a_damaged_catalogue_hides_no_other_collection() {
    let world = World::new(Policy::Open);
    let app = world.app();
    let made = ask(&app, request("PUT", "/v1/collections/attic")).await;
    assert!(made.status.is_success(), "{}", made.json());
    for (collection, seed) in [("museum", 5), ("attic", 6)] {
        let address = format!("/v1/collections/{collection}/images");
        let picture = png(&textured(320, 240, seed));
        let sent = ask(&app, form(&address, "file", "a.png", &picture)).await;
        assert_eq!(sent.status, 201);
    }
    drop(app);
    let folder = world.path("data").join("collections/museum");
    for name in ["catalogue.sqlite3", "catalogue.sqlite3-wal"] {
        fs::write(folder.join(name), b"no database").unwrap();
    }
    let told = get(&world.app(), "/v1/storage").await.json();
    let [_, attic, museum] = &told["collections"].as_array().unwrap()[..] else {
        panic!("{told}");
    };
    assert!(attic["code"].is_null() && attic["pictures"] == 1, "{told}");
    assert_eq!(museum["name"], "museum", "{told}");
    assert!(museum["code"].is_string(), "{told}");
    for unknown in ["pictures", "features", "words", "vectors"] {
        assert!(museum[unknown].is_null(), "{told}");
    }
    assert!(museum["originals"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_key_of_one_collection_learns_of_that_one() {
    let world = World::new(Policy::Always);
    let app = world.app();
    let key = world.key(&[Scope::Read], Some("museum"));
    let answer = ask(&app, with(request("GET", "/v1/storage"), &key)).await;
    let told = answer.json();
    assert_eq!(told["collections"].as_array().unwrap().len(), 1, "{told}");
    assert_eq!(told["collections"][0]["name"], "museum");
    assert!(told["service"].is_null() && told["free"].is_null());
    let searcher = world.key(&[Scope::Search], None);
    let answer = ask(&app, with(request("GET", "/v1/storage"), &searcher)).await;
    answer.problem(403, "key_not_allowed");
}
