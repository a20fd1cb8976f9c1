//! Running the program, and pictures to run it on.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use image::{ImageFormat, RgbImage};
use resight_test_support::encode;
pub(crate) use resight_test_support::textured;
use serde_json::Value;
use tempfile::TempDir;

/// The program with its data in `data`, standard input closed, and nothing of the caller's
/// environment that would change its answers.
pub(crate) fn resight(data: &Path) -> Command {
    let mut command = bare();
    command.arg("--data").arg(data);
    command
}

/// The program without an argument, standard input closed, and none of its variables in the environment.
pub(crate) fn bare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_resight"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("RESIGHT_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(data: &Path, arguments: &[S]) -> Output {
    resight(data).args(arguments).output().unwrap()
}

/// Whether plug-ins can run; says so where they cannot.
pub(crate) fn has_python() -> bool {
    let ask = "import sys; sys.exit(sys.version_info < (3, 9))";
    let run = Command::new("python3").args(["-c", ask]).status();
    let found = run.is_ok_and(|status| status.success());
    if !found {
        eprintln!("SKIPPED: no python3 from 3.9 on, so no plug-in can run");
    }
    found
}

/// The first line that a program writes; its standard output must be a pipe.
pub(crate) fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    let output = child.stdout.as_mut().unwrap();
    BufReader::new(output).read_line(&mut line).unwrap();
    line
}

/// Whether it succeeded: `search` and `compare` also where nothing was verified, of which 1 tells.
fn succeeded<S: AsRef<std::ffi::OsStr>>(output: &Output, arguments: &[S]) -> bool {
    let mut words = arguments.iter().map(AsRef::as_ref);
    let asks = words.any(|word| word == "search" || word == "compare");
    output.status.success() || asks && output.status.code() == Some(1)
}

/// Runs it with `--json`; panics unless it succeeds. One value for each line it writes.
pub(crate) fn json<S: AsRef<std::ffi::OsStr>>(data: &Path, arguments: &[S]) -> Vec<Value> {
    let output = resight(data)
        .arg("--json")
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        succeeded(&output, arguments),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    lines(&output.stdout)
}

/// The error of a run that must fail with this exit code.
pub(crate) fn json_error<S: AsRef<std::ffi::OsStr>>(
    data: &Path,
    arguments: &[S],
    exit: i32,
) -> Value {
    let output = resight(data)
        .arg("--json")
        .args(arguments)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "{stderr}");
    let error: Value = serde_json::from_str(stderr.lines().last().unwrap_or_default()).unwrap();
    for key in ["code", "detail", "next_step"] {
        assert!(error["error"][key].is_string(), "{error}");
    }
    error["error"].clone()
}

/// A folder with a data folder, models and pictures, and the program run on them.
pub(crate) struct World {
    root: TempDir,
}

impl World {
    pub(crate) fn empty() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
        }
    }

    /// Where something of this name is, or comes to be.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// A command line with a folder of models and the built-in runtime, which is always there; a word
    /// that begins with @ is a path in here.
    pub(crate) fn arguments(&self, arguments: &[&str]) -> Vec<OsString> {
        let own: [OsString; 4] = [
            "--models".into(),
            self.path("models").into_os_string(),
            "--onnxruntime".into(),
            "none".into(),
        ];
        let given = arguments.iter().map(|word| match word.strip_prefix('@') {
            Some(name) => self.path(name).into_os_string(),
            None => (*word).into(),
        });
        own.into_iter().chain(given).collect()
    }

    /// Everything that it writes when it succeeds, standard error after standard output.
    pub(crate) fn text(&self, arguments: &[&str]) -> String {
        let mut command = resight(&self.path("data"));
        let output = command.args(self.arguments(arguments)).output().unwrap();
        let all = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&all));
        String::from_utf8(all).unwrap()
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Vec<Value> {
        json(&self.path("data"), &self.arguments(arguments))
    }

    pub(crate) fn error(&self, arguments: &[&str], exit: i32) -> Value {
        json_error(&self.path("data"), &self.arguments(arguments), exit)
    }
}

/// Each line as JSON; all must be.
pub(crate) fn lines(stdout: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

/// A new folder of `count` different pictures that take the program a while.
pub(crate) fn fill(folder: &Path, count: u64) {
    std::fs::create_dir(folder).unwrap();
    for seed in 0..count {
        save(
            &textured(400, 320, seed + 1),
            &folder.join(format!("{seed:02}.png")),
        );
    }
}

/// The lines that tell of this event.
pub(crate) fn events<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["event"] == event).collect()
}

/// How many pictures the program says it holds.
pub(crate) fn count(data: &Path) -> u64 {
    json(data, &["count"])[0]["count"].as_u64().unwrap()
}

/// The path as text.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Writes a picture in the format of the file's extension.
pub(crate) fn save(picture: &RgbImage, path: &Path) {
    let format = ImageFormat::from_path(path).unwrap();
    std::fs::write(path, encode(picture, format)).unwrap();
}
