//! `resight plugin` and `resight serve --plugin` as a user runs them.

use std::path::{Path, PathBuf};
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

/// Plug-in files that the tests of the plug-ins' crate have too.
fn ported() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../resight-plugin/tests/support/ported.py")
}

/// A server of ported.py with its address, and what it writes to its log in `folder`.
struct Ported {
    child: std::process::Child,
    url: String,
    log: PathBuf,
}

impl Ported {
    fn start(folder: &Path) -> Self {
        let log = folder.join("log");
        let mut child = resight(&folder.join("data"))
            .args(["serve", "--listen", "127.0.0.1:0", "--json", "--plugin"])
            .arg(ported())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let serving: Value = serde_json::from_str(&first_line(&mut child)).unwrap();
        let url = serving["url"].as_str().unwrap().to_owned();
        Self { child, url, log }
    }

    fn python(&self, script: &Path, arguments: &[&std::ffi::OsStr]) -> Output {
        let run = Command::new("python3")
            .arg(script)
            .arg(&self.url)
            .args(arguments)
            .output();
        run.unwrap()
    }
}

impl Drop for Ported {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

#[test]
fn what_people_s_programs_send_arrives_as_it_was_meant() {
    if !has_python() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let picture = root.path().join("a.png");
    crate::support::textured(30, 20, 1).save(&picture).unwrap();
    let served = Ported::start(root.path());
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/ported_client.py");
    let asked = served.python(&client, &[picture.as_os_str()]);
    let skipped = String::from_utf8_lossy(&asked.stderr);
    eprint!("{skipped}");
    let mistakes = String::from_utf8_lossy(&asked.stdout);
    assert_eq!(mistakes.trim(), "[]", "{skipped}");
}

#[test]
fn what_plug_ins_print_is_in_the_log_by_default() {
    if !has_python() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let served = Ported::start(root.path());
    let script = root.path().join("ask.py");
    let text = "import sys, time, urllib.request\n\
        for _ in range(300):\n    \
            try: urllib.request.urlopen(sys.argv[1] + '/v1/plugins/ported/says?words=so-it-goes').read(); break\n    \
            except OSError: time.sleep(.1)\n";
    std::fs::write(&script, text).unwrap();
    assert!(served.python(&script, &[]).status.success());
    let wanted = |line: &&str| line.contains("plugin=\"ported\" function=\"says\"");
    for _ in 0..300 {
        let log = std::fs::read_to_string(&served.log).unwrap();
        let lines: Vec<&str> = log.lines().filter(wanted).collect();
        let has = |text: &str| lines.iter().any(|line| line.contains(text));
        if has("so-it-goes") && has("and so-it-goes") {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("{}", std::fs::read_to_string(&served.log).unwrap());
}
