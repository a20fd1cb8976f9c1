//! What holds for the repository as a whole: arrows between crates, circles of files, paths in
//! ARCHITECTURE.md, links, names, lengths of files and functions, where `unsafe` may stand, phrases.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{circles, functions, links, named_tests, prose};

/// Which of our crates each crate may depend on. Cargo refuses circles; this refuses the arrows
/// that would make a crate know what it must not.
const ARROWS: &[(&str, &[&str])] = &[
    ("resight-vision", &[]),
    ("resight-index", &["resight-vision"]),
    ("resight-resize", &[]),
    ("resight-decode", &["resight-vision", "resight-resize"]),
    (
        "resight-decode-child",
        &["resight-vision", "resight-decode"],
    ),
    ("resight-store", &[]),
    ("resight-cluster", &["resight-store"]),
    ("resight-plugin", &["resight-vision"]),
    (
        "resight-models",
        &["resight-vision", "resight-resize", "resight-onnx"],
    ),
    ("resight-onnx", &[]),
    // No row allows it: only `[dev-dependencies]`, which are not checked, may name it.
    ("resight-test-support", &["resight-onnx"]),
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
        "resight-app",
        &[
            "resight-vision",
            "resight-index",
            "resight-store",
            "resight-cluster",
            "resight-engine",
            "resight-decode-child",
            "resight-plugin",
            "resight-models",
        ],
    ),
    (
        "resight-server",
        &[
            "resight-vision",
            "resight-store",
            "resight-engine",
            "resight-plugin",
            "resight-app",
        ],
    ),
    (
        "resight",
        &[
            "resight-app",
            "resight-server",
            "resight-vision",
            "resight-decode",
            "resight-decode-child",
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
    "crates/resight-decode-child/src/worker/inherited.rs",
    "crates/resight-index/src/mapped.rs",
    "crates/resight-plugin/src/embedded/lent.rs",
    "crates/resight-plugin/src/worker/mapping.rs",
    "crates/resight-vision/src/dispatch.rs",
    "crates/resight-vision/src/distance/neon.rs",
    "crates/resight-vision/src/distance/x86.rs",
    "crates/resight-vision/src/matching/neon.rs",
    "crates/resight-vision/src/matching/packed/neon.rs",
    "crates/resight-vision/src/matching/packed/x86.rs",
    "crates/resight-vision/src/matching/x86.rs",
    "crates/resight-vision/src/neon.rs",
    "crates/resight-vision/src/products/neon.rs",
    "crates/resight-vision/src/products/x86.rs",
    "crates/resight-vision/src/sift/blur/neon.rs",
    "crates/resight-vision/src/sift/blur/vector.rs",
    "crates/resight-vision/src/sift/blur/x86.rs",
    "crates/resight-vision/src/sift/gather.rs",
    "crates/resight-vision/src/signatures/neon.rs",
    "crates/resight-vision/src/signatures/x86.rs",
];

/// The list of phrases, and the test that names one.
const ABOUT_PHRASES: &[&str] = &["xtask/src/prose.rs", "xtask/src/tidy.rs"];

/// Nobody owns a drawer.
const DRAWERS: &[&str] = &["common", "utils", "util", "types", "helpers", "misc"];

/// Types of the HTTP API for the web page, which a tool writes.
const GENERATED: &str = "web/src/api/schema.ts";

/// A person reads a file in one sitting.
const LONGEST: usize = 500;

/// All complaints, in a stable order.
pub(crate) fn check(root: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    arrows(root, &mut problems);
    architecture(root, &mut problems);
    circles_of_files(root, &mut problems);
    let mut sources = vec![
        root.join("ARCHITECTURE.md"),
        root.join("CHANGELOG.md"),
        root.join("CONTRIBUTING.md"),
        root.join("README.md"),
        root.join("README.zh-CN.md"),
    ];
    sources.retain(|path| path.exists());
    for folder in [
        "crates",
        "crash",
        "fuzz",
        "interleavings",
        "xtask",
        "web",
        "bench",
        "python",
        "examples",
        "docs",
        "packaging",
    ] {
        collect(&root.join(folder), &mut sources);
    }
    sources.sort();
    for path in &sources {
        source(root, path, &mut problems);
    }
    tests_of_the_threat_model(root, &sources, &mut problems);
    problems
}

/// Every test that docs/security.md names is one.
fn tests_of_the_threat_model(root: &Path, sources: &[PathBuf], problems: &mut Vec<String>) {
    let rust = sources
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "rs"));
    let read: Vec<(&Path, String)> = rust
        .filter_map(|path| Some((path.as_path(), fs::read_to_string(path).ok()?)))
        .collect();
    let files: Vec<(&Path, &str)> = read.iter().map(|(path, text)| (*path, &**text)).collect();
    let text = fs::read_to_string(root.join("docs/security.md")).unwrap_or_default();
    for (number, why) in named_tests::wrong_names(&text, &files) {
        problems.push(format!("docs/security.md:{number} {why}"));
    }
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

fn circles_of_files(root: &Path, problems: &mut Vec<String>) {
    for (name, _) in ARROWS {
        for circle in circles::circles(&root.join("crates").join(name)) {
            problems.push(format!(
                "{name}: {} files import each other in a circle: {}",
                circle.len(),
                circle.join(", ")
            ));
        }
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
    let is_prose = path.extension().is_some_and(|e| e == "md");
    if is_prose {
        for (number, target) in links::dead_links(&text, path.parent().unwrap_or(root)) {
            problems.push(format!(
                "{shown}:{number}: a link to {target}, which does not exist"
            ));
        }
    }
    if lines > LONGEST && !is_prose {
        problems.push(format!(
            "{shown}: {lines} lines; split it (at most {LONGEST})"
        ));
    }
    if !ABOUT_PHRASES.contains(&shown.as_str()) {
        for (number, remedy) in prose::old_phrases(&text) {
            problems.push(format!("{shown}:{number}: {remedy}"));
        }
    }
    let is_rust = path.extension().is_some_and(|e| e == "rs");
    if is_rust {
        for (number, name, length) in functions::long_functions(&text) {
            problems.push(format!(
                "{shown}:{number}: {name} has {length} lines; split it (at most {}), or say why it is long",
                functions::LONGEST
            ));
        }
    }
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

pub(crate) fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            let skipped = [
                "target",
                "node_modules",
                "out",
                "__pycache__",
                // Built from what lies beside them.
                "dist",
                "paraglide",
            ];
            if !name.as_encoded_bytes().starts_with(b".") && !skipped.iter().any(|s| name == *s) {
                collect(&path, into);
            }
        } else if path.extension().is_some_and(|e| {
            ["rs", "js", "mjs", "ts", "svelte", "css", "py", "html", "md"]
                .iter()
                .any(|k| e == *k)
        }) && !path.ends_with(GENERATED)
        {
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
        put(
            "crates/resight-store/src/lib.rs",
            "mod a; mod b;\nuse a::A;\nstruct L(A);\n",
        );
        put(
            "crates/resight-store/src/a.rs",
            "use crate::b::B;\npub struct A(B);\n",
        );
        put(
            "crates/resight-store/src/b.rs",
            "use crate::L;\npub struct B(L);\n",
        );
        put(
            "xtask/src/long.rs",
            &format!("fn f() {{\n{}}}\n", "g();\n".repeat(80)),
        );
        put("CONTRIBUTING.md", "Whoever adds\nwaits: [why](gone.md).\n");
        put("crates/resight-new/Cargo.toml", "");
        put("web/src/long.svelte", &"x\n".repeat(501));
        put("web/dist/built.js", &"x\n".repeat(502));
        put("web/src/api/schema.ts", &"x\n".repeat(503));
        let problems = check(&dir).join("\n");
        fs::remove_dir_all(&dir).unwrap();
        for built in ["502 lines", "503 lines"] {
            assert!(!problems.contains(built), "{built} in:\n{problems}");
        }
        for expected in [
            "names crates/nowhere/src/lib.rs",
            "must not depend on resight-store",
            "a drawer",
            "unsafe code outside",
            "resight-new has no row",
            "501 lines",
            "3 files import each other in a circle: lib.rs, a.rs, b.rs",
            "long.rs:1: f has 82 lines",
            "CONTRIBUTING.md:1: \"whoever\"",
            "a link to gone.md",
        ] {
            assert!(
                problems.contains(expected),
                "{expected} missing in:\n{problems}"
            );
        }
    }
}
