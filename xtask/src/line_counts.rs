//! How many lines of production and of tests each crate has: `cargo xtask lines`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::rust_text::{is_test, tokens};
use crate::tidy::collect;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Lines {
    production: usize,
    tests: usize,
}

/// A table by crate, then the lengths of files. All lines of `crates` count, comments and empty ones as
/// well.
/// Tests are `#[cfg(test)]` and `#[test]` items, files of modules that only tests have, `tests` and
/// `conformance` folders, and crates whose name ends in `-testing` or `-test-support`; examples count as neither.
pub(crate) fn report(root: &Path) -> String {
    let mut paths = Vec::new();
    collect(&root.join("crates"), &mut paths);
    paths.retain(|path| path.extension().is_some_and(|e| e == "rs"));
    paths.sort();
    let mut crates: BTreeMap<String, Lines> = BTreeMap::new();
    let mut lengths = Vec::new();
    for path in &paths {
        let below = path.strip_prefix(root).unwrap_or(path);
        let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
        if parts
            .iter()
            .any(|part| part == "examples" || part == "benches")
        {
            continue;
        }
        let [_, name, ..] = &parts[..] else {
            continue;
        };
        let text = fs::read_to_string(path).unwrap_or_default();
        let lines = if is_test_path(name, &parts) || is_declared_as_test(path) {
            Lines {
                production: 0,
                tests: text.lines().count(),
            }
        } else {
            lines_of(&text)
        };
        let sum = crates.entry(name.to_string()).or_default();
        sum.production += lines.production;
        sum.tests += lines.tests;
        lengths.extend((lines.production > 0).then_some(lines.production));
    }
    lengths.sort_unstable();
    table(&crates, &lengths)
}

fn table(crates: &BTreeMap<String, Lines>, lengths: &[usize]) -> String {
    let total = crates.values().fold(Lines::default(), |sum, lines| Lines {
        production: sum.production + lines.production,
        tests: sum.tests + lines.tests,
    });
    let mut out = format!(
        "{:24} {:>10} {:>8} {:>7}\n",
        "crate", "production", "tests", "share"
    );
    let all = crates.iter().map(|(name, lines)| (name.as_str(), lines));
    for (name, lines) in all.chain([("all", &total)]) {
        let share = 100.0 * lines.tests as f64 / (lines.production + lines.tests).max(1) as f64;
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{name:24} {:10} {:8} {share:6.1}%",
            lines.production, lines.tests
        );
    }
    let at = |share: f64| {
        lengths
            .get((lengths.len() as f64 * share) as usize)
            .copied()
            .unwrap_or(0)
    };
    let longest = lengths.last().copied().unwrap_or(0);
    let _ = writeln!(
        out,
        "production lines a file, {} files: median {}, p90 {}, most {longest}",
        lengths.len(),
        at(0.5),
        at(0.9),
    );
    out
}

fn is_test_path(name: &str, parts: &[impl AsRef<str>]) -> bool {
    let is_folder = |part: &str| ["tests", "tests.rs", "conformance"].contains(&part);
    name.ends_with("-testing")
        || name.ends_with("-test-support")
        || parts.iter().any(|part| is_folder(part.as_ref()))
}

/// Whether the module's parent declares it under `#[cfg(test)]`.
fn is_declared_as_test(path: &Path) -> bool {
    let (Some(folder), Some(stem)) = (path.parent(), path.file_stem()) else {
        return false;
    };
    let in_parent: [PathBuf; 4] = [
        folder.join("mod.rs"),
        folder.join("lib.rs"),
        folder.join("main.rs"),
        folder.with_extension("rs"),
    ];
    let stem = stem.to_string_lossy();
    in_parent
        .iter()
        .filter_map(|parent| fs::read_to_string(parent).ok())
        .any(|text| {
            let tokens = tokens(&text);
            let marked = is_test(&tokens);
            tokens.windows(3).zip(marked).any(|(three, is_test)| {
                is_test && three[0].text == "mod" && three[1].text == stem && three[2].text == ";"
            })
        })
}

fn lines_of(text: &str) -> Lines {
    let tokens = tokens(text);
    let marked = is_test(&tokens);
    let mut tests = 0;
    let mut at = 0;
    while at < tokens.len() {
        let end = (at..tokens.len())
            .find(|i| !marked[*i])
            .unwrap_or(tokens.len());
        if end > at {
            tests += tokens[end - 1].line + 1 - tokens[at].line;
        }
        at = end.max(at) + 1;
    }
    Lines {
        production: text.lines().count() - tests,
        tests,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_tests_are_told_from_the_others() {
        // (source, production, tests)
        let cases = [
            ("fn a() {}\n\n/// b\nfn b() {}\n", 4, 0),
            (
                "fn a() {}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn b() {}\n}\n",
                2,
                5,
            ),
            ("#[test]\nfn b() {\n}\nfn c() {}\n", 1, 3),
            ("#[cfg(test)]\nuse a::b;\nuse c::d;\n", 1, 2),
        ];
        for (text, production, tests) in cases {
            assert_eq!(lines_of(text), Lines { production, tests }, "{text}");
        }
    }

    #[test]
    fn files_are_sorted_by_what_they_are_for() {
        let root = std::env::temp_dir().join(format!("resight-lines-{}", std::process::id()));
        let files = [
            (
                "crates/a/src/lib.rs",
                "#[cfg(test)]\nmod cases;\nmod used;\n",
            ),
            ("crates/a/src/cases.rs", "fn x() {}\n"),
            ("crates/a/src/used.rs", "fn y() {}\n"),
            ("crates/a/tests/all.rs", "fn z() {}\n"),
            ("crates/a/src/conformance/c.rs", "fn c() {}\n"),
            ("crates/a/examples/e.rs", "fn e() {}\n"),
            ("crates/b-testing/src/lib.rs", "fn t() {}\n"),
        ];
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let report = report(&root);
        fs::remove_dir_all(&root).unwrap();
        let rows: Vec<Vec<&str>> = report
            .lines()
            .map(|l| l.split_whitespace().collect())
            .collect();
        assert_eq!(rows[1][..3], ["a", "2", "5"], "{report}");
        assert_eq!(rows[2][..3], ["b-testing", "0", "1"], "{report}");
        assert_eq!(rows[3][..3], ["all", "2", "6"], "{report}");
        assert!(report.contains("2 files: median 1"), "{report}");
    }
}
