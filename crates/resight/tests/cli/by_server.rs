//! Commands that change something beside a server, which does it: what they write and how they end is as without one.

use std::fs;
use std::path::Path;
use std::process::{Child, Output, Stdio};

use crate::support::{World, fill, first_line, json, lines, resight, text};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|e| (e.path(), e.file_name())).unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

fn serve(data: &Path) -> Child {
    let mut server = resight(data)
        .args(["serve", "--listen", "127.0.0.1:0", "--threads", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert!(first_line(&mut server).contains("Resight is serving"));
    server
}

fn stop(mut server: Child) {
    server.kill().unwrap();
    server.wait().unwrap();
}

/// Runs the same commands on a data folder; `gone` is a file that is deleted before they begin.
fn outputs(data: &Path, pictures: &Path, ids: &[String]) -> Vec<(String, Output)> {
    let file = |number: usize| text(&pictures.join(format!("0{number}.png"))).to_owned();
    let many: Vec<String> = (0..65)
        .flat_map(|number| ["--add".to_owned(), format!("t{number}")])
        .collect();
    let commands: Vec<Vec<String>> = [
        format!(
            "tag {} --add vase --object seven --metadata {{\"a\":1}}",
            file(0)
        ),
        format!("--json tag {} {} --add blue", file(1), ids[2]),
        format!("tag {} --remove blue --no-object --no-metadata", ids[2]),
        format!("tag {} {} --add x", ids[0], "0".repeat(32)),
        format!("--json tag {} --add x", file(9)),
        format!("not-a-match {} {}", file(0), ids[1]),
        format!("not-a-match {} {}", file(0), ids[1]),
        format!("--json not-a-match {} {} --undo", ids[0], ids[1]),
        format!("not-a-match {} {} --undo", ids[0], ids[1]),
        format!("not-a-match {} {}", ids[0], ids[0]),
        format!("--json forget {} /nowhere", file(3)),
        format!("forget {} --prune", file(4)),
        "forget /nowhere".to_owned(),
        format!("remove {}", file(5)),
        format!("--json remove {} {}", ids[1], "0".repeat(32)),
        format!("remove {}", file(9)),
        "collections create museum".to_owned(),
        "collections create museum".to_owned(),
        "--json collections create gallery".to_owned(),
        "collections rename museum hall".to_owned(),
        "collections rename museum hall".to_owned(),
        "--json collections rename hall museum".to_owned(),
        "collections rename gallery museum".to_owned(),
        "collections rename default museum".to_owned(),
        "collections delete museum".to_owned(),
        "collections delete museum".to_owned(),
        "--json collections delete gallery --yes".to_owned(),
        "collections delete default --yes".to_owned(),
        "tag --collection nowhere x --add y".to_owned(),
    ]
    .iter()
    .map(|line| line.split(' ').map(str::to_owned).collect())
    .chain([[vec!["tag".to_owned(), ids[0].clone()], many].concat()])
    .collect();
    let run = |command: Vec<String>| {
        let output = resight(data).args(&command).output().unwrap();
        (command.join(" "), output)
    };
    commands.into_iter().map(run).collect()
}

#[test]
fn commands_beside_a_server_do_and_say_what_they_do_without_one() {
    let world = World::empty();
    let [alone, served, pictures] = ["alone", "served", "pictures"].map(|name| world.path(name));
    fill(&pictures, 6);
    json(&alone, &["index", text(&pictures)]);
    copy(&alone, &served);
    let listed = &json(&alone, &["list"])[0];
    let mut ids: Vec<(String, String)> = listed["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| ["name", "id"].map(|key| one[key].as_str().unwrap().to_owned()))
        .map(|[name, id]| (name, id))
        .collect();
    ids.sort();
    let ids: Vec<String> = ids.into_iter().map(|(_, id)| id).collect();
    for gone in ["03.png", "04.png"] {
        fs::remove_file(pictures.join(gone)).unwrap();
    }
    let expected = outputs(&alone, &pictures, &ids);
    assert!(expected.iter().any(|(_, output)| !output.status.success()));
    let server = serve(&served);
    let found = outputs(&served, &pictures, &ids);
    for ((command, expected), (_, found)) in expected.into_iter().zip(found) {
        let shown = |output: &Output| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("served", "alone");
            (
                output.status.code(),
                text(&output.stdout),
                text(&output.stderr),
            )
        };
        assert_eq!(shown(&found), shown(&expected), "{command}");
    }
    let left = |data: &Path| -> Vec<(String, String)> {
        let all = json(data, &["list"]);
        let images = all[0]["images"].as_array().unwrap().clone();
        let facts = |one: &serde_json::Value| {
            (
                one["id"].as_str().unwrap().to_owned(),
                format!(
                    "{} {} {} {}",
                    one["tags"], one["object"], one["metadata"], one["paths"]
                ),
            )
        };
        let mut all: Vec<_> = images.iter().map(facts).collect();
        all.sort();
        all
    };
    assert_eq!(left(&served), left(&alone));
    assert_eq!(left(&alone).len(), 3);
    stop(server);
    // A server that was killed has left its socket, which keeps nobody waiting.
    let tagged = resight(&served)
        .args(["--json", "tag", &ids[0], "--add", "later"])
        .output()
        .unwrap();
    assert!(tagged.status.success(), "{tagged:?}");
    assert_eq!(lines(&tagged.stdout)[0]["changed"][0], ids[0].as_str());
}

#[test]
fn only_the_server_s_user_may_enter_the_folder_of_its_socket() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::empty();
    let (data, pictures) = (world.path("data"), world.path("pictures"));
    fill(&pictures, 1);
    json(&data, &["index", text(&pictures)]);
    let server = serve(&data);
    let folder = fs::metadata(data.join("local")).unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
    stop(server);
}
