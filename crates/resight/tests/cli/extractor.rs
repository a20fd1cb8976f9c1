//! A collection whose features come from a plug-in's `extract`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{
    count, events, first_line, has_python, json, json_error, resight, save, textured,
};
use image::imageops::crop_imm;
use serde_json::Value;
use tempfile::TempDir;

/// Corners and the 8 × 8 pixels around each, with nothing but the standard library. It stumbles
/// over pictures by their width.
const CORNERS: &str = r#"
import os

__version__ = "1"
NEAR = range(-3, 4)

def extract(image):
    height, width = image.shape[:2]
    if width == 111:
        raise ValueError("not this one")
    if width == 112:
        os._exit(3)
    flat = image.tobytes()
    grey = [flat[i * width * 3 + 1:(i + 1) * width * 3:3] for i in range(height)]
    strength = {}
    for y in range(8, height - 8):
        row, above, below = grey[y], grey[y - 2], grey[y + 2]
        for x in range(8, width - 8):
            dx, dy = row[x + 2] - row[x - 2], below[x] - above[x]
            both = min(abs(dx), abs(dy))
            if both > 24:
                strength[x, y] = both
    best = []
    for (x, y), value in strength.items():
        around = ((strength.get((x + i, y + j), 0), x + i, y + j) for i in NEAR for j in NEAR)
        if (value, x, y) == max(around):
            best.append((value, x, y))
    best.sort(reverse=True)
    keypoints, descriptors = [], []
    for value, x, y in best[:400]:
        keypoints.append((x, y, 2.0, 0.0, value))
        descriptors.append([grey[y + j][x + i] / 255 for j in range(-4, 4) for i in range(-4, 4)])
    return keypoints, descriptors
"#;

struct World {
    root: TempDir,
}

impl World {
    /// Pictures, a crop of the third that is not among them, and the plug-in.
    fn new() -> Self {
        let world = Self {
            root: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(world.path("pictures")).unwrap();
        std::fs::write(world.path("corners.py"), CORNERS).unwrap();
        for seed in 1..=5 {
            let picture = textured(160, 120, seed);
            save(&picture, &world.path(&format!("pictures/{seed}.png")));
            if seed == 3 {
                let part = crop_imm(&picture, 20, 10, 120, 100).to_image();
                save(&part, &world.path("part.png"));
            }
        }
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// A command line with the paths of this world, and the plug-in where `with` says so.
    fn line(&self, words: &[&str], with: bool) -> Vec<String> {
        let path = |name: &str| self.path(name).to_string_lossy().into_owned();
        let known = ["pictures", "part.png", "corners.py", "own.vocabulary"];
        let word = |word: &&str| match known.iter().any(|name| word.starts_with(name)) {
            true => path(word),
            false => (*word).to_owned(),
        };
        let mut line: Vec<String> = words.iter().map(word).collect();
        if with {
            line.extend(["--plugin".to_owned(), path("corners.py")]);
        }
        line
    }

    fn json(&self, words: &[&str]) -> Vec<Value> {
        json(&self.data(), &self.line(words, true))
    }

    fn error(&self, words: &[&str], with: bool) -> Value {
        let exit = if words[0] == "search" { 2 } else { 1 };
        json_error(&self.data(), &self.line(words, with), exit)
    }
}

fn name(hit: &Value) -> &str {
    hit["image"]["name"].as_str().unwrap()
}

#[test]
fn a_plug_in_makes_the_features_of_a_collection() {
    if !has_python() {
        return;
    }
    let world = World::new();
    for (width, name) in [(111, "raises.png"), (112, "exits.png")] {
        save(
            &textured(width, 120, 9),
            &world.path(&format!("pictures/{name}")),
        );
    }

    let told = world.json(&["index", "pictures"]);
    let done = events(&told, "done")[0];
    assert_eq!((&done["indexed"], &done["refused"]), (&5.into(), &2.into()));
    assert!(
        !events(&told, "round").is_empty(),
        "a vocabulary was learnt"
    );
    let reasons: Vec<&str> = events(&told, "refused")
        .iter()
        .map(|event| {
            assert_eq!(event["code"], "extractor_failed");
            event["reason"].as_str().unwrap()
        })
        .collect();
    let reasons = reasons.join("\n");
    assert!(reasons.contains("ValueError: not this one"), "{reasons}");
    assert!(reasons.contains("exit"), "{reasons}");

    let answer = &world.json(&["search", "part.png"])[0];
    let hits = answer["hits"].as_array().unwrap();
    assert_eq!(
        (name(&hits[0]), &hits[0]["verified"]),
        ("3.png", &true.into())
    );
    assert_eq!(answer["verified_hits"], 1, "{answer}");
    let compared = &world.json(&["compare", "part.png", "pictures/3.png"])[0];
    assert_eq!(compared["verified"], true);

    // Nothing needs the plug-in that describes nothing.
    assert_eq!(count(&world.data()), 5);
    let held = &json(&world.data(), &["list"])[0]["images"];
    let id = held[0]["id"].as_str().unwrap();
    let found = &json(&world.data(), &["search", id])[0];
    assert_eq!(found["query"]["image_id"], id);
    json(
        &world.data(),
        &world.line(&["remove", "pictures/1.png"], false),
    );

    // What it failed on is tried again, and once mended is taken in. The version stays, so the
    // model does.
    let mended = CORNERS
        .replace("width == 111", "False")
        .replace("width == 112", "False");
    std::fs::write(world.path("corners.py"), mended).unwrap();
    let told = world.json(&["index", "pictures"]);
    let done = events(&told, "done")[0];
    assert_eq!(
        (&done["indexed"], &done["unchanged"]),
        (&3.into(), &4.into())
    );
    assert!(events(&told, "round").is_empty(), "it has its vocabulary");
}

#[test]
fn features_of_two_makers_are_never_mixed() {
    if !has_python() {
        return;
    }
    let world = World::new();
    world.json(&["index", "pictures"]);

    let needed = world.error(&["search", "part.png"], false);
    assert_eq!(needed["code"], "extractor_needed");
    assert!(
        needed["next_step"]
            .as_str()
            .unwrap()
            .contains("--plugin corners.py")
    );
    let sift = world.error(&["index", "pictures", "--extractor", "sift"], true);
    assert_eq!(sift["code"], "model_mismatch");
    let next = CORNERS.replace("__version__ = \"1\"", "__version__ = \"2\"");
    std::fs::write(world.path("corners.py"), next).unwrap();
    let newer = world.error(&["index", "pictures"], true);
    assert_eq!(newer["code"], "model_mismatch");
    assert!(
        newer["detail"].as_str().unwrap().contains("corners/1;"),
        "{newer}"
    );

    // The other way round; a server's plug-ins may be there for something else.
    let ours = world.path("ours");
    json(&ours, &world.line(&["index", "pictures"], false));
    let mixed = json_error(&ours, &world.line(&["index", "pictures"], true), 1);
    assert_eq!(mixed["code"], "model_mismatch");
    let mut server = resight(&ours)
        .args(world.line(&["serve", "--listen", "127.0.0.1:0", "--json"], true))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let said: Value = serde_json::from_str(&first_line(&mut server)).unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(
        said["model"].as_str().unwrap().starts_with("rootsift"),
        "{said}"
    );
}

#[test]
fn what_cannot_begin_says_why_and_leaves_nothing() {
    if !has_python() {
        return;
    }
    let world = World::new();
    // No folder to learn a vocabulary from.
    let missing = world.error(&["serve", "--listen", "127.0.0.1:0"], true);
    assert_eq!(missing["code"], "vocabulary_missing");
    let unknown = json_error(
        &world.data(),
        &world.line(&["index", "pictures", "--extractor", "other"], true),
        2,
    );
    assert_eq!(unknown["code"], "extractor_unknown");

    std::fs::write(
        world.path("corners.py"),
        "def extract(image):\n    return oops\n",
    )
    .unwrap();
    let raised = world.error(&["index", "pictures"], true);
    assert_eq!(raised["code"], "plugin_raised");
    assert!(
        raised["traceback"]
            .as_str()
            .unwrap()
            .contains("return oops"),
        "{raised}"
    );
    let long = "def extract(image):\n    return [(1, 1, 1, 0)], [[0.5] * 5000]\n";
    std::fs::write(world.path("corners.py"), long).unwrap();
    let refused = world.error(&["index", "pictures"], true);
    assert_eq!(refused["code"], "plugin_bad_result");
    assert!(
        refused["detail"].as_str().unwrap().contains("at most 4096"),
        "{refused}"
    );
    std::fs::write(world.path("corners.py"), "def other():\n    return 1\n").unwrap();
    let none = world.error(&["index", "pictures"], true);
    assert_eq!(none["code"], "plugin_no_function");
    assert!(!world.data().exists());

    // One that is learnt apart serves as well.
    std::fs::write(world.path("corners.py"), CORNERS).unwrap();
    world.json(&[
        "train",
        "pictures",
        "--out",
        "own.vocabulary",
        "--words",
        "32",
    ]);
    let told = world.json(&["index", "pictures", "--vocabulary", "own.vocabulary"]);
    assert_eq!(events(&told, "done")[0]["indexed"], 5);
    assert!(events(&told, "round").is_empty());
}

/// The examples that need OpenCV, by the first Python that has it.
#[test]
fn the_examples_for_opencv_make_collections() {
    let pythons = ["python3", "../../bench/.venv/bin/python"];
    let has_opencv = |python: &&&str| {
        let run = Command::new(python)
            .args(["-c", "import cv2, numpy"])
            .output();
        run.is_ok_and(|output| output.status.success())
    };
    let Some(python) = pythons.iter().find(has_opencv) else {
        eprintln!("SKIPPED: no python3 with OpenCV and numpy, so two examples are not tried");
        return;
    };
    let python = match std::fs::canonicalize(python) {
        // A virtual environment is known by its own path, not by where its link leads.
        Ok(_) => std::path::absolute(python).unwrap(),
        Err(_) => PathBuf::from(python),
    };
    let world = World::new();
    // ORB keeps away from the rim and finds many places close together: smaller pictures give too few
    // places of their own to verify by.
    for seed in 1..=5 {
        let picture = textured(400, 300, seed);
        save(&picture, &world.path(&format!("pictures/{seed}.png")));
        if seed == 3 {
            let part = crop_imm(&picture, 40, 30, 300, 240).to_image();
            save(&part, &world.path("part.png"));
        }
    }
    for example in ["opencv_sift", "opencv_orb"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("../../examples/plugins/{example}.py"));
        let with = [
            "--plugin".as_ref(),
            file.as_os_str(),
            "--python".as_ref(),
            python.as_os_str(),
        ];
        let run = |words: &[&str]| {
            let mut line: Vec<_> = world
                .line(words, false)
                .into_iter()
                .map(Into::into)
                .collect();
            line.extend(with.map(ToOwned::to_owned));
            json(&world.path(example), &line)
        };
        let told = run(&["index", "pictures"]);
        assert_eq!(events(&told, "done")[0]["indexed"], 5, "{example}");
        let hits = &run(&["search", "part.png"])[0]["hits"];
        assert_eq!(
            (name(&hits[0]), &hits[0]["verified"]),
            ("3.png", &true.into()),
            "{example}: {}",
            hits[0]
        );
    }
}
