//! What holds for the repository as a whole: arrows between crates, paths in ARCHITECTURE.md,
//! names, lengths of files, and where `unsafe` may stand.

use std::fs;
use std::path::{Path, PathBuf};

/// Which of our crates each crate may depend on. Cargo refuses circles; this refuses the arrows
/// that would make a crate know what it must not.
const ARROWS: &[(&str, &[&str])] = &[
    ("resight-vision", &[]),
    ("resight-index", &["resight-vision"]),
    ("resight-decode", &["resight-vision"]),
    ("resight-store", &[]),
    ("resight-plugin", &["resight-vision"]),
    ("resight-models", &["resight-vision"]),
    (
        "resight-engine",
        &[
            "resight-vision",
            "resight-decode",
            "resight-index",
            "resight-store",
        ],
    ),
    (
        "resight",
        &[
            "resight-vision",
            "resight-decode",
            "resight-index",
            "resight-store",
            "resight-engine",
            "resight-plugin",
            "resight-models",
        ],
    ),
];

/// Files that may hold `unsafe` code: each says why it is sound and is compared with a twin.
const UNSAFE_FILES: &[&str] = &[
    "crates/resight-index/src/mapped.rs",
    "crates/resight-plugin/src/embedded/lent.rs",
    "crates/resight-plugin/src/mapping.rs",
    "crates/resight-vision/src/dispatch.rs",
    "crates/resight-vision/src/distance/x86.rs",
    "crates/resight-vision/src/matching/x86.rs",
    "crates/resight-vision/src/products/x86.rs",
    "crates/resight-vision/src/sift/blur/x86.rs",
    "crates/resight-vision/src/sift/gather.rs",
    "crates/resight-vision/src/signatures/x86.rs",
];

/// Nobody owns a drawer.
const DRAWERS: &[&str] = &["common", "utils", "util", "types", "helpers", "misc"];

/// A person reads a file in one sitting.
const LONGEST: usize = 500;

/// All complaints, in a stable order.
pub(crate) fn check(root: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    arrows(root, &mut problems);
    architecture(root, &mut problems);
    let mut sources = Vec::new();
    for folder in ["crates", "xtask", "web", "bench", "python", "examples"] {
        collect(&root.join(folder), &mut sources);
    }
    sources.sort();
    for path in &sources {
        source(root, path, &mut problems);
    }
    problems
}

fn arrows(root: &Path, problems: &mut Vec<String>) {
    let crates = root.join("crates");
    let Ok(entries) = fs::read_dir(&crates) else {
        problems.push("the folder crates is missing".into());
        return;
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|e| e.path().is_dir())
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    for name in names {
        let Some((_, allowed)) = ARROWS.iter().find(|(n, _)| *n == name) else {
            problems.push(format!(
                "crates/{name} has no row in xtask/src/tidy.rs: say what it may depend on"
            ));
            continue;
        };
        let manifest =
            fs::read_to_string(crates.join(&name).join("Cargo.toml")).unwrap_or_default();
        let parsed: toml::Table = match manifest.parse() {
            Ok(parsed) => parsed,
            Err(error) => {
                problems.push(format!("crates/{name}/Cargo.toml: {error}"));
                continue;
            }
        };
        let dependencies = parsed.get("dependencies").and_then(toml::Value::as_table);
        for dependency in dependencies.into_iter().flat_map(toml::Table::keys) {
            if ARROWS.iter().any(|(n, _)| n == dependency)
                && !allowed.contains(&dependency.as_str())
            {
                problems.push(format!(
                    "{name} must not depend on {dependency}: arrows only go down"
                ));
            }
        }
    }
}

/// Every `path/in/backticks` of ARCHITECTURE.md exists.
fn architecture(root: &Path, problems: &mut Vec<String>) {
    let Ok(text) = fs::read_to_string(root.join("ARCHITECTURE.md")) else {
        problems.push("ARCHITECTURE.md is missing".into());
        return;
    };
    let mut named = 0;
    for (line, number) in text.lines().zip(1..) {
        for word in line.split('`').skip(1).step_by(2) {
            let is_path = word.contains('/')
                && !word.starts_with('/')
                && !word.contains([' ', '{', '<', ':', '*']);
            if !is_path {
                continue;
            }
            named += 1;
            if !root.join(word).exists() {
                problems.push(format!(
                    "ARCHITECTURE.md:{number} names {word}, which does not exist"
                ));
            }
        }
    }
    if named == 0 {
        problems.push("ARCHITECTURE.md names no path: the map is empty".into());
    }
}

fn source(root: &Path, path: &Path, problems: &mut Vec<String>) {
    let shown = path
        .strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string();
    let stem = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let folder = path
        .parent()
        .and_then(Path::file_name)
        .unwrap_or_default()
        .to_string_lossy();
    if DRAWERS.contains(&stem.as_str()) || DRAWERS.contains(&&*folder) {
        problems.push(format!(
            "{shown}: a drawer belongs to nobody; name it after what it does"
        ));
    }
    let Ok(text) = fs::read_to_string(path) else {
        problems.push(format!("{shown}: not readable as UTF-8"));
        return;
    };
    let lines = text.lines().count();
    if lines > LONGEST {
        problems.push(format!(
            "{shown}: {lines} lines; split it (at most {LONGEST})"
        ));
    }
    let is_rust = path.extension().is_some_and(|e| e == "rs");
    if is_rust && !UNSAFE_FILES.contains(&shown.as_str()) && shown != "xtask/src/tidy.rs" {
        for (line, number) in text.lines().zip(1..) {
            let code = line.split("//").next().unwrap_or_default();
            if code.contains("unsafe {")
                || code.contains("unsafe fn")
                || code.contains("unsafe impl")
            {
                problems.push(format!(
                    "{shown}:{number}: unsafe code outside the named modules"
                ));
            }
        }
    }
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            let skipped = ["target", "node_modules", "out", "__pycache__"];
            if !name.as_encoded_bytes().starts_with(b".") && !skipped.iter().any(|s| name == *s) {
                collect(&path, into);
            }
        } else if path.extension().is_some_and(|e| {
            ["rs", "js", "mjs", "css", "py", "html"]
                .iter()
                .any(|k| e == *k)
        }) {
            into.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .canonicalize()
            .unwrap()
    }

    #[test]
    fn the_repository_is_tidy() {
        assert_eq!(check(&repository()), Vec::<String>::new());
    }

    #[test]
    fn each_fault_is_found() {
        let dir = std::env::temp_dir().join(format!("resight-tidy-{}", std::process::id()));
        let put = |path: &str, text: &str| {
            let path = dir.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put(
            "ARCHITECTURE.md",
            "See `crates/nowhere/src/lib.rs` and `a b/c`.\n",
        );
        put(
            "crates/resight-vision/Cargo.toml",
            "[dependencies]\nresight-store = \"1\"\n",
        );
        put(
            "crates/resight-vision/src/utils.rs",
            "fn f() { unsafe { g() } }\n",
        );
        put("crates/resight-new/Cargo.toml", "");
        put("web/long.js", &"x\n".repeat(501));
        let problems = check(&dir).join("\n");
        fs::remove_dir_all(&dir).unwrap();
        for expected in [
            "names crates/nowhere/src/lib.rs",
            "must not depend on resight-store",
            "a drawer",
            "unsafe code outside",
            "resight-new has no row",
            "501 lines",
        ] {
            assert!(
                problems.contains(expected),
                "{expected} missing in:\n{problems}"
            );
        }
    }
}
