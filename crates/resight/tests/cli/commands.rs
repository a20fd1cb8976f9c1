//! The commands, end to end, on generated pictures.

use std::path::Path;

use crate::support::{count, events, json, json_error, run, save, text, textured};
use image::imageops;
use resight_test_support::tiff_pages;
use serde_json::Value;

/// The folder's report, which is the last line.
fn done(lines: &[Value]) -> &Value {
    let last = lines.last().unwrap();
    assert_eq!(last["event"], "done");
    last
}

// Long because it is one scenario, in which each command meets the state that the last one left.
#[test]
fn a_folder_is_indexed_searched_changed_and_pruned() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().canonicalize().unwrap();
    let (data, pictures) = (root.join("data"), root.join("pictures"));
    std::fs::create_dir_all(pictures.join("deep")).unwrap();
    for seed in 0..5 {
        save(
            &textured(280, 220, seed),
            &pictures.join(format!("{seed}.png")),
        );
    }
    let last = pictures.join("deep/5.jpg");
    save(&textured(280, 220, 5), &last);
    std::fs::write(
        pictures.join("broken.png"),
        b"\x89PNG\r\n\x1a\nnothing more",
    )
    .unwrap();
    let dir = text(&pictures);

    let first = json(&data, &["index", dir]);
    assert_eq!(first[0]["event"], "listed");
    assert_eq!(first[0]["to_do"], 7);
    assert_eq!(events(&first, "indexed").len(), 6);
    let refused = events(&first, "refused");
    assert_eq!(refused.len(), 1);
    assert!(refused[0]["path"].as_str().unwrap().ends_with("broken.png"));
    assert_eq!(
        (&done(&first)["indexed"], &done(&first)["refused"]),
        (&6.into(), &1.into())
    );
    assert_eq!(count(&data), 6);

    // A rotated copy is found and verified, with its outline.
    let rotated = root.join("rotated.png");
    save(&imageops::rotate90(&textured(280, 220, 3)), &rotated);
    let answer = &json(&data, &["search", text(&rotated)])[0];
    let hit = &answer["hits"][0];
    assert_eq!(hit["image"]["name"], "3.png");
    assert_eq!(hit["image"]["paths"][0], text(&pictures.join("3.png")));
    assert_eq!(hit["verified"], true);
    assert!(hit["inliers"].as_u64().unwrap() >= 20, "{hit}");
    // Clipped to the result, a hair outside which a corner may lie.
    let corners = hit["region"].as_array().unwrap().len();
    assert!((4..=8).contains(&corners), "{hit}");
    assert_eq!(hit["mirrored"], false);
    assert_eq!(hit["inverted"], false);
    let negative = root.join("negative.png");
    let mut inverted = textured(280, 220, 3);
    imageops::invert(&mut inverted);
    save(&inverted, &negative);
    let found = |more: &[&str]| {
        let arguments = [&["search", "--verified", text(&negative)], more].concat();
        json(&data, &arguments)[0].clone()
    };
    assert_eq!(found(&["--no-mirrored"])["hits"][0]["inverted"], true);
    let without = found(&["--no-inverted"]);
    assert_eq!(
        (
            &without["verified_hits"],
            &without["inverted"],
            &without["mirrored"]
        ),
        (&0.into(), &false.into(), &true.into())
    );
    let only = &json(&data, &["search", "--verified", text(&rotated)])[0];
    assert_eq!(only["hits"].as_array().unwrap().len(), 1);
    let table = run(&data, &["search", text(&rotated)]);
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(table.starts_with("rank  verified"), "{table}");
    assert!(table.lines().nth(1).unwrap().ends_with("3.png"), "{table}");
    // By id a picture does not find itself.
    let id = hit["image"]["id"].as_str().unwrap();
    let by_id = &json(&data, &["search", id])[0];
    assert_eq!(by_id["query"]["image_id"], id);
    assert_eq!(by_id["query"]["name"], "3.png");
    assert_eq!(by_id["verified_hits"], 0);

    // Again: nothing to do, not even the broken one.
    let second = json(&data, &["index", dir]);
    assert_eq!(second.len(), 2, "listed and done only");
    assert_eq!(
        (
            &done(&second)["unchanged"],
            &done(&second)["unchanged_refused"]
        ),
        (&6.into(), &1.into())
    );
    assert_eq!(
        events(&json(&data, &["index", dir, "--retry"]), "refused").len(),
        1
    );

    // New, changed, and the same under another name.
    save(&textured(280, 220, 6), &pictures.join("6.png"));
    save(&textured(300, 200, 7), &pictures.join("0.png"));
    std::fs::copy(pictures.join("1.png"), pictures.join("copy.png")).unwrap();
    let third = json(&data, &["index", dir]);
    let indexed = events(&third, "indexed");
    assert_eq!(indexed.len(), 3);
    let again: Vec<_> = indexed
        .iter()
        .filter(|line| line["already_there"] == true)
        .collect();
    assert_eq!(again.len(), 1);
    assert!(again[0]["path"].as_str().unwrap().ends_with("copy.png"));
    assert_eq!(count(&data), 7, "0.png replaced, 6.png new");
    let old = root.join("old.png");
    save(&textured(280, 220, 0), &old);
    assert_eq!(
        json(&data, &["search", text(&old)])[0]["verified_hits"],
        0,
        "the old 0.png is gone"
    );

    // A file that is gone stays known until it is pruned.
    std::fs::remove_file(&last).unwrap();
    let fourth = json(&data, &["index", dir]);
    assert_eq!(
        (&done(&fourth)["missing"], &done(&fourth)["pruned"]),
        (&1.into(), &0.into())
    );
    assert_eq!(count(&data), 7);
    let fifth = json(&data, &["index", dir, "--prune"]);
    assert_eq!(events(&fifth, "pruned")[0]["path"], text(&last));
    assert_eq!(count(&data), 6);

    // Removed by path and by id; the files stay.
    let removed = json(&data, &["remove", id, text(&pictures.join("2.png"))]);
    assert_eq!(removed[0]["removed"].as_array().unwrap().len(), 2);
    assert_eq!(removed[0]["returning"].as_array().unwrap().len(), 2);
    assert_eq!(count(&data), 4);
    assert!(pictures.join("2.png").exists());
    assert_eq!(
        json_error(&data, &["remove", id], 1)["code"],
        "unknown_picture"
    );

    let list = &json(&data, &["list", "--offset", "1", "--limit", "2"])[0];
    assert_eq!(
        (&list["total"], list["images"].as_array().unwrap().len()),
        (&4.into(), 2)
    );
    let refused = json(&data, &["refused"]);
    assert_eq!(refused.len(), 1);
    assert!(refused[0]["path"].as_str().unwrap().ends_with("broken.png"));
    assert!(refused[0]["code"].is_string() && refused[0]["reason"].is_string());
    let left: Vec<_> = std::fs::read_dir(&pictures).unwrap().collect();
    assert_eq!(left.len(), 9, "nothing was written among the pictures");
}

#[test]
fn two_pictures_are_compared_and_drawn() {
    let root = tempfile::tempdir().unwrap();
    let (a, b) = (root.path().join("a.png"), root.path().join("b.png"));
    let (other, out) = (
        root.path().join("other.png"),
        root.path().join("matches.png"),
    );
    let picture = textured(300, 240, 1);
    save(&picture, &a);
    save(
        &imageops::crop_imm(&picture, 60, 40, 200, 160).to_image(),
        &b,
    );
    save(&textured(300, 240, 2), &other);
    let data = root.path().join("data");

    let same = &json(&data, &["compare", text(&b), text(&a), "--out", text(&out)])[0];
    assert_eq!(same["verified"], true);
    let corner = &same["region"][0];
    for (i, expected) in [60.0, 40.0].into_iter().enumerate() {
        let found = corner[i].as_f64().unwrap();
        assert!((found - expected).abs() < 2.0, "{corner}");
    }
    let drawing = image::open(&out).unwrap();
    assert_eq!(drawing.height(), 240);
    assert!(drawing.width() > 500 && drawing.width() <= 1800);

    let different = &json(&data, &["compare", text(&a), text(&other)])[0];
    assert_eq!(different["verified"], false);

    let (flip, negative) = (root.path().join("f.png"), root.path().join("n.png"));
    save(&imageops::flip_horizontal(&picture), &flip);
    let mut inverted = picture.clone();
    imageops::invert(&mut inverted);
    save(&inverted, &negative);
    for (changed, mirrored, inverted) in [(&flip, true, false), (&negative, false, true)] {
        let found = &json(&data, &["compare", text(&a), text(changed)])[0];
        assert_eq!(found["verified"], true, "{found}");
        assert_eq!(
            (&found["mirrored"], &found["inverted"]),
            (&mirrored.into(), &inverted.into())
        );
        let corner = found["region"][0][0].as_f64().unwrap();
        let expected = if mirrored { 299.5 } else { -0.5 };
        assert!((corner - expected).abs() < 2.0, "{found}");
        for point in found["points"].as_array().unwrap() {
            let [ax, bx] = [0, 2].map(|i| point[i].as_f64().unwrap());
            let expected = if mirrored { 299.0 - ax } else { ax };
            assert!((bx - expected).abs() < 5.0, "{point}");
        }
    }
    let told = run(&data, &["compare", text(&a), text(&negative)]);
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.starts_with("The same thing, light for dark"), "{told}");
    let told = run(&data, &["compare", text(&a), text(&b)]);
    assert!(String::from_utf8_lossy(&told.stdout).starts_with("The same thing"));
    assert!(!data.exists(), "comparing keeps nothing");
}

#[test]
fn pages_of_a_document_are_compared_and_drawn() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let data = at("data");
    let pages = [textured(200, 160, 1), textured(300, 200, 2)];
    std::fs::write(at("a.tif"), tiff_pages(&pages)).unwrap();
    save(&pages[1], &at("b.png"));
    let (a, b, out) = (at("a.tif"), at("b.png"), at("m.png"));
    let told = run(&data, &["compare", text(&a), text(&b), "--out", text(&out)]);
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.starts_with("The same thing"), "{told}");
    assert!(told.contains("a.tif, page 2  300 x 200 px"), "{told}");
    assert!(told.contains("b.png  300 x 200 px"), "{told}");
    // The page that is told is drawn.
    assert_eq!(image::open(&out).unwrap().height(), 200);
    let found = &json(&data, &["compare", text(&b), text(&a)])[0];
    assert_eq!(
        (&found["b"]["page"], found["a"].get("page")),
        (&2.into(), None),
        "{found}"
    );
}

#[test]
fn a_drawing_replaces_nothing_but_a_png() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let data = at("data");
    save(&textured(200, 160, 1), &at("a.png"));
    save(&textured(200, 160, 2), &at("b.png"));
    std::fs::write(at("letter.png"), b"Dear all,").unwrap();
    std::fs::write(at("empty.png"), b"").unwrap();
    std::fs::create_dir(at("folder.png")).unwrap();
    let (a, b) = (at("a.png"), at("b.png"));
    let detour = at("folder.png/../b.png");
    let held = |path: &Path| std::fs::read(path).unwrap();
    let before = (held(&a), held(&b));

    let cases = [
        (at("m.jpg"), "not_a_png_name"),
        (at("m"), "not_a_png_name"),
        (a.clone(), "out_is_a_picture"),
        (detour, "out_is_a_picture"),
        (at("letter.png"), "out_is_no_drawing"),
        (at("empty.png"), "out_is_no_drawing"),
        (at("folder.png"), "out_is_no_drawing"),
    ];
    for (out, code) in cases {
        let arguments = ["compare", text(&a), text(&b), "--out", text(&out)];
        let error = json_error(&data, &arguments, 2);
        assert_eq!(error["code"], code, "{}", out.display());
        assert!(error["detail"].as_str().unwrap().contains(text(&out)));
    }
    #[cfg(unix)]
    {
        let link = at("link.png");
        std::os::unix::fs::symlink(&b, &link).unwrap();
        let arguments = ["compare", text(&a), text(&b), "--out", text(&link)];
        assert_eq!(json_error(&data, &arguments, 2)["code"], "out_is_a_picture");
    }
    assert_eq!((held(&a), held(&b)), before);
    assert_eq!(held(&at("letter.png")), b"Dear all,");
    assert!(!at("m.jpg").exists() && !at("m").exists());

    // New, with a capital ending, and over an earlier drawing.
    let out = at("m.PNG");
    for _ in 0..2 {
        json(&data, &["compare", text(&a), text(&b), "--out", text(&out)]);
        assert!(held(&out).starts_with(b"\x89PNG"));
    }
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let root = tempfile::tempdir().unwrap();
    let (data, folder) = (root.path().join("data"), root.path().join("pictures"));
    std::fs::create_dir(&folder).unwrap();
    let at = |name: &str| root.path().join(name);
    let (good, garbage, long) = (folder.join("good.png"), at("garbage.jpg"), at("long.jpg"));
    save(&textured(200, 160, 1), &good);
    std::fs::write(&garbage, b"no picture at all").unwrap();
    // Takes no space on the disk.
    let limit = resight_engine::DecodeLimits::default().max_bytes;
    let file = std::fs::File::create(&long).unwrap();
    file.set_len(limit + 1).unwrap();
    json(&data, &["index", text(&folder)]);

    // (arguments, the file at fault, error code)
    let (good, garbage, long) = (text(&good), text(&garbage), text(&long));
    let dir = text(&folder);
    let mut cases = vec![
        (vec!["search", garbage], garbage, "not_an_image"),
        (vec!["search", long], long, "too_many_bytes"),
        (vec!["search", dir], dir, "unreadable"),
        (vec!["compare", garbage, good], garbage, "not_an_image"),
        (vec!["compare", good, garbage], garbage, "not_an_image"),
        (vec!["compare", good, long], long, "too_many_bytes"),
        (vec!["compare", dir, good], dir, "unreadable"),
        (vec!["count", "--vocabulary", dir], dir, "unreadable"),
    ];
    if cfg!(unix) {
        // Would wait for ever, or never end.
        cases.push((vec!["search", "/dev/zero"], "/dev/zero", "unreadable"));
        let vocabulary = vec!["count", "--vocabulary", "/dev/zero"];
        cases.push((vocabulary, "/dev/zero", "unreadable"));
    }
    for (arguments, file, code) in cases {
        let exit = if arguments[0] == "count" { 1 } else { 2 };
        let error = json_error(&data, &arguments, exit);
        assert_eq!(error["code"], code, "{arguments:?}");
        let detail = error["detail"].as_str().unwrap();
        assert!(detail.contains(file), "{arguments:?}: {detail}");
    }
    for command in [&["search", good][..], &["list"], &["refused"]] {
        let arguments = [command, &["--limit", "0"]].concat();
        assert_eq!(json_error(&data, &arguments, 2)["code"], "usage");
    }
}

#[test]
fn a_damaged_catalogue_comes_with_the_way_out() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let pictures = root.path().join("pictures");
    std::fs::create_dir(&pictures).unwrap();
    save(&textured(200, 160, 1), &pictures.join("a.png"));
    json(&data, &["index", text(&pictures)]);
    std::fs::write(data.join("catalogue.sqlite3"), b"no database at all").unwrap();
    let error = json_error(&data, &["count"], 1);
    assert_eq!(error["code"], "store_damaged");
    let next = error["next_step"].as_str().unwrap();
    assert!(next.contains("Move the data folder away"), "{next}");
}

#[test]
fn errors_say_what_to_do_next() {
    let root = tempfile::tempdir().unwrap();
    let (data, pictures) = (root.path().join("data"), root.path().join("pictures"));
    std::fs::create_dir(&pictures).unwrap();
    let garbage = root.path().join("garbage.jpg");
    std::fs::write(&garbage, b"no picture at all").unwrap();
    let inside = pictures.join("data");
    let garbage = text(&garbage);
    let dir = text(&pictures);

    // (data folder, arguments, exit code, error code)
    let cases: [(&Path, &[&str], i32, &str); 8] = [
        (&data, &["count"], 1, "nothing_indexed"),
        (&data, &["remove", "x.jpg"], 1, "nothing_indexed"),
        (&data, &["search", "no-such-file.jpg"], 2, "unreadable"),
        (&data, &["compare", garbage, garbage], 2, "not_an_image"),
        (&data, &["index", "no-such-folder"], 1, "not_a_folder"),
        (
            &data,
            &["index", dir, "--vocabulary", garbage],
            1,
            "not_a_vocabulary",
        ),
        (&inside, &["index", dir], 2, "data_inside_pictures"),
        (&data, &["no-such-command"], 2, "usage"),
    ];
    for (data, arguments, exit, code) in cases {
        assert_eq!(
            json_error(data, arguments, exit)["code"],
            code,
            "{arguments:?}"
        );
    }
    assert!(
        !data.exists() && !inside.exists(),
        "no failure leaves a data folder"
    );

    let told = run(&data, &["count"]);
    let stderr = String::from_utf8_lossy(&told.stderr);
    let lines: Vec<&str> = stderr.lines().collect();
    assert!(
        lines[0].starts_with("error: ") && lines[1].starts_with("hint: "),
        "{stderr}"
    );
    assert!(lines[1].contains("resight index"), "{stderr}");
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let root = tempfile::tempdir().unwrap();
    let (data, pictures) = (root.path().join("data"), root.path().join("pictures"));
    std::fs::create_dir(&pictures).unwrap();
    for seed in 0..3 {
        save(
            &textured(120, 90, seed),
            &pictures.join(format!("{seed}.png")),
        );
    }
    json(&data, &["index", text(&pictures)]);
    let mut child = crate::support::resight(&data)
        .args(["list", "--quiet"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn regions_several_pictures_and_features_are_searched_for() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().canonicalize().unwrap();
    let (data, pictures) = (root.join("data"), root.join("pictures"));
    std::fs::create_dir(&pictures).unwrap();
    for seed in 0..3 {
        let path = pictures.join(format!("{seed}.png"));
        save(&textured(280, 220, seed), &path);
    }
    json(&data, &["index", text(&pictures)]);

    let mut both = image::RgbImage::new(560, 220);
    imageops::replace(&mut both, &textured(280, 220, 0), 0, 0);
    imageops::replace(&mut both, &textured(280, 220, 2), 280, 0);
    let query = root.join("both.png");
    save(&both, &query);
    let names = |arguments: &[&str]| {
        let answer = &json(&data, &[&["search", "--verified"], arguments].concat())[0];
        let hits = answer["hits"].as_array().unwrap().iter();
        let mut names: Vec<String> = hits
            .map(|hit| hit["image"]["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    let query = text(&query);
    assert_eq!(names(&[query]), ["0.png", "2.png"]);
    assert_eq!(names(&[query, "--region", "280,0,280,220"]), ["2.png"]);
    assert_eq!(names(&[query, "--region", "pct:0,0,50,100"]), ["0.png"]);
    let (a, b) = (pictures.join("0.png"), pictures.join("1.png"));
    assert_eq!(names(&[text(&a), text(&b)]), ["0.png", "1.png"]);

    // Features find what their picture finds, and replace a file only when they are whole.
    let features = root.join("both.features");
    let features = text(&features);
    let written = &json(&data, &["features", query, "--out", features])[0];
    let length = std::fs::metadata(features).unwrap().len();
    assert_eq!(written["bytes"], length);
    assert_eq!(names(&[features]), ["0.png", "2.png"]);
    let error = json_error(&data, &["features", features, "--out", features], 1);
    assert_eq!(error["code"], "not_an_image");
    assert_eq!(std::fs::metadata(features).unwrap().len(), length);

    let two = ["search", text(&a), text(&b), "--region", "0,0,99,99"];
    assert_eq!(json_error(&data, &two, 2)["code"], "bad_query");
    let outside = ["search", query, "--region", "600,0,99,99"];
    assert_eq!(json_error(&data, &outside, 2)["code"], "bad_query");
    let output = run(&data, &["search", query, "--region", "1,2"]);
    assert_eq!(output.status.code(), Some(2));
}
