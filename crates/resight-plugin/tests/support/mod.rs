//! Finds interpreters, configures plug-ins, and counts what a test leaves behind.

#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use resight_plugin::{Call, Plugin, PluginConfig, PluginError, Reply};
use resight_test_support::Random;
use resight_vision::Image;

/// Interpreters to test with: those in `RESIGHT_TEST_PYTHONS` (separated by colons), otherwise
/// `python3` and one of another version if there is one. At most two, so that a run stays short.
pub fn pythons() -> Vec<PathBuf> {
    let mut found: Vec<(String, PathBuf)> = Vec::new();
    let named = std::env::var("RESIGHT_TEST_PYTHONS").ok();
    let candidates: Vec<PathBuf> = match &named {
        Some(list) => list.split(':').map(PathBuf::from).collect(),
        None => {
            let mut all = vec![PathBuf::from("python3")];
            let home = std::env::var("HOME").unwrap_or_default();
            for folder in [
                Path::new(&home).join(".pyenv/versions"),
                "/opt/python".into(),
            ] {
                let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
                let mut paths: Vec<PathBuf> =
                    entries.map(|e| e.path().join("bin/python3")).collect();
                paths.sort();
                all.extend(paths.into_iter().rev());
            }
            all.extend((9..=14).map(|minor| PathBuf::from(format!("python3.{minor}"))));
            all
        }
    };
    for python in candidates {
        let print = "import sys; print('%d.%d' % sys.version_info[:2], sys.version_info >= (3, 9))";
        let Ok(output) = Command::new(&python).args(["-c", print]).output() else {
            continue;
        };
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if let Some(version) = text.strip_suffix(" True")
            && (named.is_some() || found.iter().all(|(v, _)| v != version))
        {
            found.push((version.to_owned(), python));
        }
        if named.is_none() && found.len() == 2 {
            break;
        }
    }
    if found.is_empty() {
        println!("SKIPPED: no Python from 3.9 on was found");
    } else if found.len() == 1 {
        println!(
            "SKIPPED for a second version: only Python {} was found",
            found[0].0
        );
    }
    found.into_iter().map(|(_, python)| python).collect()
}

/// An interpreter that can import `module`.
pub fn scientific(module: &str) -> Option<PathBuf> {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/.venv/bin/python");
    let named = std::env::var("RESIGHT_TEST_PYTHONS").unwrap_or_default();
    let named = named.split(':').filter(|p| !p.is_empty());
    let all = named.map(PathBuf::from).chain([bench, "python3".into()]);
    let found = all.into_iter().find(|python| {
        Command::new(python)
            .args(["-c", &format!("import {module}")])
            .output()
            .is_ok_and(|o| o.status.success())
    });
    if found.is_none() {
        println!("SKIPPED: no Python with {module} was found");
    }
    found
}

/// The file of `tests/support/chaos.py`.
pub fn chaos() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/chaos.py")
}

/// Writes a plug-in of the given text into `dir`.
pub fn written(dir: &Path, text: &str) -> PathBuf {
    let file = dir.join("algorithm.py");
    std::fs::write(&file, text).unwrap();
    file
}

/// The number of the line in chaos.py that ends with `mark`.
pub fn line(mark: &str) -> u32 {
    let text = std::fs::read_to_string(chaos()).unwrap();
    let found = text.lines().position(|l| l.ends_with(mark)).unwrap();
    found as u32 + 1
}

/// A configuration with short limits, and a mark to find its processes by.
pub fn config(file: &Path, python: &Path) -> PluginConfig {
    let mut config = PluginConfig::new(file);
    config.python = python.into();
    config.time_limit = Duration::from_millis(1500);
    config.memory_limit = Some(400 << 20);
    config.breaker_deaths = 100_000;
    config.restart_delay = Duration::from_millis(100);
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mark = format!("{}-{number}", std::process::id());
    config.environment.push(("RESIGHT_TEST".into(), mark));
    config
}

pub fn start(config: PluginConfig) -> Plugin {
    let wanted = config.workers;
    let plugin = Plugin::start(config).unwrap();
    plugin.wait_ready(Duration::from_secs(60)).unwrap();
    until("all workers", || plugin.status().workers == wanted);
    plugin
}

pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "waited for {what}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub fn image(first: u8, width: u32, height: u32) -> Image {
    let mut rgb = vec![10; (width * height * 3) as usize];
    rgb[0] = first;
    Image::from_rgb(width, height, rgb).unwrap()
}

/// Rectangles of random grey with soft edges.
pub fn blurred_blocks(width: usize, height: usize) -> Image {
    let mut random = Random::new(1);
    let mut next = |below: usize| random.below(below);
    let mut grey = vec![90usize; width * height];
    for _ in 0..120 {
        let (size, x, y, level) = (6 + next(34), next(width), next(height), next(256));
        for row in y..(y + size).min(height) {
            grey[row * width + x..row * width + (x + size).min(width)].fill(level);
        }
    }
    for _ in 0..2 {
        let old = grey.clone();
        for y in 1..height - 1 {
            for x in 1..width - 1 {
                let around = (y - 1..=y + 1).flat_map(|r| (x - 1..=x + 1).map(move |c| (r, c)));
                grey[y * width + x] = around.map(|(r, c)| old[r * width + c]).sum::<usize>() / 9;
            }
        }
    }
    let rgb = grey.iter().flat_map(|g| [*g as u8; 3]).collect();
    Image::from_rgb(width as u32, height as u32, rgb).unwrap()
}

pub fn ok(plugin: &Plugin) {
    let answer = plugin.call(Call::new("ok")).unwrap();
    assert_eq!(answer, Reply::Json("fine".into()));
}

pub fn failed(plugin: &Plugin, call: Call<'_>) -> PluginError {
    match plugin.call(call.clone()) {
        Err(error) => error,
        Ok(reply) => panic!("{} answered {reply:?}", call.function),
    }
}

/// Open descriptors of this process.
pub fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// Children of this process, with zombies.
pub fn children() -> Vec<String> {
    let me = std::process::id().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        if let Some((_, rest)) = stat.rsplit_once(')')
            && rest.split_ascii_whitespace().nth(1) == Some(&me)
        {
            found.push(stat);
        }
    }
    found
}

/// The number of processes that a plug-in with this configuration started and that still run.
pub fn marked(config: &PluginConfig) -> usize {
    let wanted = format!("RESIGHT_TEST={}", config.environment[0].1);
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter(|e| {
            std::fs::read(e.path().join("environ"))
                .is_ok_and(|bytes| bytes.split(|b| *b == 0).any(|v| v == wanted.as_bytes()))
        })
        .count()
}
