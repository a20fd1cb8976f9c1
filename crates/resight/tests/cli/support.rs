//! Running the program, and pictures to run it on.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use serde_json::Value;
use tempfile::TempDir;

/// The program with its data in `data`, standard input closed, and nothing of the caller's
/// environment that would change its answers.
pub(crate) fn resight(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_resight"));
    command
        .env_remove("RESIGHT_DATA")
        .env_remove("RESIGHT_LOG")
        .env_remove("RESIGHT_MODELS")
        .arg("--data")
        .arg(data)
        .stdin(Stdio::null());
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

/// Runs it with `--json`; panics unless it succeeds. One value for each line it writes.
pub(crate) fn json<S: AsRef<std::ffi::OsStr>>(data: &Path, arguments: &[S]) -> Vec<Value> {
    let output = resight(data)
        .arg("--json")
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
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

/// A picture full of corners: overlapping discs and boxes, different for each seed.
pub(crate) fn textured(width: u32, height: u32, seed: u64) -> RgbImage {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = move |below: u32| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 33) % u64::from(below)) as u32
    };
    let mut picture = RgbImage::from_pixel(width, height, Rgb([128; 3]));
    for _ in 0..160 {
        let colour = Rgb([0; 3].map(|_: u8| random(256) as u8));
        let (cx, cy) = (random(width) as i64, random(height) as i64);
        let (rx, ry, round) = (4 + random(22) as i64, 4 + random(22) as i64, random(2) == 0);
        for y in (cy - ry).max(0)..(cy + ry).min(height as i64) {
            for x in (cx - rx).max(0)..(cx + rx).min(width as i64) {
                let inside = (x - cx) * (x - cx) + (y - cy) * (y - cy) <= rx * rx;
                if !round || inside {
                    picture.put_pixel(x as u32, y as u32, colour);
                }
            }
        }
    }
    picture
}

/// Writes it as the file's extension says.
pub(crate) fn save(picture: &RgbImage, path: &Path) {
    let format = ImageFormat::from_path(path).unwrap();
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture.clone())
        .write_to(&mut bytes, format)
        .unwrap();
    std::fs::write(path, bytes.into_inner()).unwrap();
}
