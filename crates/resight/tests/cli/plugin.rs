//! `resight plugin` and `resight serve --plugin` as a user runs them.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::{first_line, has_python, lines, resight};
use serde_json::Value;

/// Runs in `folder`, with its data folder there.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    resight(&folder.join("data"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn a_new_plug_in_passes_its_check_and_is_not_written_over() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    assert!(run(folder, &["plugin", "new", "mine"]).status.success());
    let again = run(folder, &["plugin", "new", "mine", "--json"]);
    assert_eq!(lines(&again.stderr)[0]["error"]["code"], "file_exists");
    let wrong = run(folder, &["plugin", "new", "../mine", "--json"]);
    assert_eq!(wrong.status.code(), Some(2));
    if !has_python() {
        return;
    }
    let checked = run(folder, &["plugin", "check", "mine.py", "--json"]);
    let report = &lines(&checked.stdout)[0];
    assert_eq!(report["passed"], true, "{report}");
    let model = report["model"].as_str().unwrap();
    assert!(model.ends_with("kind=vector;d=12"), "{model}");
}

#[test]
fn a_check_that_fails_names_the_author_s_line() {
    if !has_python() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("faulty.py");
    std::fs::write(&file, "def wrong():\n    return 1 // 0\n").unwrap();
    let checked = run(root.path(), &["plugin", "check", "faulty.py"]);
    assert_eq!(checked.status.code(), Some(1));
    let said = String::from_utf8(checked.stdout).unwrap();
    assert!(
        said.contains("FAILED") && said.contains("return 1 // 0"),
        "{said}"
    );
    std::fs::write(&file, "def wrong(:\n").unwrap();
    let checked = run(root.path(), &["plugin", "check", "faulty.py", "--json"]);
    // The log says it too, before.
    let said = String::from_utf8(checked.stderr).unwrap();
    let told: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(told["error"]["code"], "plugin_start_failed");
}

#[test]
fn the_course_project_is_served_and_its_workers_end_with_the_server() {
    if !has_python() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/course_project/retrieval.py");
    let mut child = resight(&root.path().join("data"))
        .args(["serve", "--listen", "127.0.0.1:0", "--json", "--plugin"])
        .arg(&file)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let said = first_line(&mut child);
    let serving: Value = serde_json::from_str(&said).unwrap();
    let url = serving["url"].as_str().unwrap();

    // The origin's client in a few lines, without anything of ours.
    let script = r#"
import json, struct, sys, time, urllib.error, urllib.request, zlib
url = sys.argv[1]
def ask(path, body=None, kind="image/png"):
    request = urllib.request.Request(url + path, body, {"Content-Type": kind} if body else {})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
def png(colour):
    rows = b"".join(b"\0" + bytes(colour) * 32 for _ in range(32))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
for _ in range(300):
    if ask("/readyz")["plugins"][0]["state"] == "ok":
        break
    time.sleep(0.1)
assert ask("/api/tot_num") == {"code": 200, "msg": "success", "data": 0}
for colour in [(250, 0, 0), (0, 250, 0), (0, 0, 250)]:
    assert ask("/api/upload", png(colour))["code"] == 200
assert ask("/api/tot_num")["data"] == 3
found = ask("/api/search", png((10, 240, 10)))
assert found["code"] == 200 and found["data"][0]["id"] == 1, found
print(ask("/v1/plugins/retrieval")["state"])
"#;
    let client = Command::new("python3")
        .args(["-c", script, url])
        .output()
        .unwrap();
    let workers = Command::new("pgrep")
        .args(["-P", &child.id().to_string()])
        .output();
    let stopped = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(stopped.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let complaint = String::from_utf8_lossy(&client.stderr).into_owned();
    assert_eq!(
        String::from_utf8_lossy(&client.stdout).trim(),
        "ok",
        "{complaint}"
    );
    // pgrep is not everywhere; where it is, the workers it saw are gone.
    let seen = workers
        .map(|w| String::from_utf8_lossy(&w.stdout).into_owned())
        .unwrap_or_default();
    for pid in seen.split_whitespace() {
        assert!(
            !Path::new("/proc").join(pid).exists(),
            "worker {pid} outlived the server"
        );
    }
}
