//! A collection that uses a global model: its vectors are made, searched, exchanged and forgotten.

use crate::support::{World, events, resight, save, textured};
use image::{Rgb, RgbImage};
use resight_test_support::onnx;
use serde_json::Value;

/// A picture of one colour in front, with some texture.
fn coloured(seed: u64, colour: [u8; 3]) -> RgbImage {
    let mut picture = textured(200, 150, seed);
    for pixel in picture.pixels_mut() {
        let [r, g, b] = pixel.0;
        let mixed = |own: u8, front: u8| ((u16::from(own) + 3 * u16::from(front)) / 4) as u8;
        *pixel = Rgb([
            mixed(r, colour[0]),
            mixed(g, colour[1]),
            mixed(b, colour[2]),
        ]);
    }
    picture
}

impl World {
    /// A model that knows mean colours, and four pictures of two colours.
    fn of_two_colours() -> Self {
        let world = Self::empty();
        world.install("1");
        std::fs::create_dir(world.path("pictures")).unwrap();
        let (red, blue) = ([220, 30, 30], [30, 30, 220]);
        for (name, seed, colour) in [("a", 1, red), ("b", 2, red), ("c", 3, blue), ("d", 4, blue)] {
            save(
                &coloured(seed, colour),
                &world.path(&format!("pictures/{name}.png")),
            );
        }
        save(&coloured(9, [20, 30, 230]), &world.path("blue.png"));
        world
    }

    fn install(&self, version: &str) {
        let manifest = onnx::colour_manifest("colours", "name = \"vector\"");
        let manifest = manifest.replace("version = \"1\"", &format!("version = \"{version}\""));
        onnx::folder(&self.path("colours"), &manifest, &onnx::colour_net());
        self.json(&["models", "add", "@colours"]);
    }

    fn first_id(&self, arguments: &[&str]) -> String {
        let answer = self.json(arguments).remove(0);
        answer["hits"][0]["image"]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    fn names(&self, arguments: &[&str]) -> Vec<String> {
        let answer = self.json(arguments).remove(0);
        let hits = answer["hits"].as_array().unwrap();
        let name = |hit: &Value| hit["image"]["name"].as_str().unwrap().to_owned();
        hits.iter().map(name).collect()
    }
}

#[test]
fn a_model_is_remembered_and_asked() {
    let world = World::of_two_colours();
    // First without: all works, and nothing is similar.
    world.json(&["index", "@pictures"]);
    let error = world.error(&["search", "@blue.png", "--mode", "similar"], 2);
    assert_eq!(error["code"], "no_model");
    let error = world.error(&["search", "@blue.png", "--model", "colours"], 2);
    assert_eq!(error["code"], "model_not_used");
    let error = world.error(&["index", "@pictures", "--model", "colors"], 1);
    assert_eq!(error["code"], "model_not_installed");

    let lines = world.json(&["index", "@pictures", "--model", "colours"]);
    let embedded = events(&lines, "embedded");
    let last = embedded.last().unwrap();
    assert_eq!(
        (&last["done"], &last["total"], &last["model"]),
        (&4.into(), &4.into(), &"colours".into())
    );
    let lines = world.json(&["index", "@pictures"]);
    assert!(events(&lines, "embedded").is_empty(), "all are described");

    let similar = ["search", "@blue.png", "--mode", "similar"];
    let mut first = world.names(&similar)[..2].to_vec();
    first.sort();
    assert_eq!(first, ["c.png", "d.png"]);
    let answer = world.json(&similar).remove(0);
    let hit = &answer["hits"][0];
    assert_eq!(
        (&hit["stage"], &hit["model"]),
        (&"dense".into(), &"colours".into())
    );
    assert!(hit["cosine"].as_f64().unwrap() > 0.95, "{hit}");
    assert_eq!(hit["alike"], false, "too few are held to tell");
    let copy = world.json(&["search", "@pictures/c.png"]).remove(0);
    let hit = &copy["hits"][0];
    assert_eq!(
        (&hit["verified"], &hit["stage"]),
        (&true.into(), &"words".into())
    );
    assert!(hit["cosine"].as_f64().unwrap() > 0.999, "{hit}");
    let exact = world
        .json(&["search", "@pictures/c.png", "--mode", "exact"])
        .remove(0);
    assert!(exact["hits"][0]["cosine"].is_null());

    // A picture held needs no model: not even an installed one.
    world.json(&["models", "remove", "colours"]);
    let id = hit["image"]["id"].as_str().unwrap();
    assert_eq!(
        world.names(&["search", id, "--mode", "similar"])[0],
        "d.png"
    );
    let mut command = resight(&world.path("data"));
    let output = command
        .args(world.arguments(&["search", "@pictures/c.png"]))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "a verified hit");
    assert!(String::from_utf8_lossy(&output.stderr).contains("colours"));

    // Another of the same name describes all again.
    world.install("2");
    let lines = world.json(&["index", "@pictures"]);
    assert_eq!(events(&lines, "embedded").last().unwrap()["done"], 4);
    assert_eq!(world.names(&similar)[..2].len(), 2);

    world.json(&["index", "--forget-model", "colours"]);
    assert_eq!(world.error(&similar, 2)["code"], "no_model");
}

#[test]
fn a_served_collection_describes_what_it_holds_in_the_background() {
    let world = World::of_two_colours();
    world.json(&["index", "@pictures"]);
    let mut command = resight(&world.path("data"));
    command.arg("--json").args(world.arguments(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--model",
        "colours",
    ]));
    let mut server = command
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let line: Value = serde_json::from_str(&crate::support::first_line(&mut server)).unwrap();
    let address = line["url"]
        .as_str()
        .unwrap()
        .strip_prefix("http://")
        .unwrap();
    let get = |path: &str| -> Value {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
    };
    // It ends some time: how soon is of no concern.
    while get("/v1/models")["models"][0]["pending"] != 0 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let model = &get("/v1/models")["models"][0];
    assert_eq!(
        (&model["name"], &model["vectors"]),
        (&"colours".into(), &4.into())
    );
    assert_eq!(get("/readyz")["models"][0]["vectors"], 4);
    let held = get("/v1/images");
    let id = held["images"][0]["id"].as_str().unwrap();
    let answer = get(&format!("/v1/search?image_id={id}&mode=similar"));
    assert_eq!(answer["total"], 3);
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn models_are_those_of_one_collection() {
    let world = World::of_two_colours();
    world.json(&["index", "@pictures"]);
    let own = [
        "--collection",
        "own",
        "index",
        "@pictures",
        "--model",
        "colours",
    ];
    let lines = world.json(&own);
    assert_eq!(events(&lines, "embedded").last().unwrap()["done"], 4);
    let similar = ["search", "@blue.png", "--mode", "similar"];
    assert_eq!(world.error(&similar, 2)["code"], "no_model");
    let there = [&["--collection", "own"][..], &similar].concat();
    assert_eq!(world.names(&there).len(), 4);
    // A picture takes its vector with it.
    world.json(&["--collection", "own", "remove", &world.first_id(&there)]);
    assert_eq!(world.names(&there).len(), 3);
}
