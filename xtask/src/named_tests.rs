//! Names of tests in Markdown, as in `http_api/access.rs::a_key_reaches_nothing_else`: the file must be there, and the
//! function in it must be a test.

use std::path::Path;

/// Fewest underscores of a name that counts as a test's where no file stands before it: codes of errors have fewer.
const FEWEST: usize = 3;

/// Files of this repository by their paths, with their texts.
pub(crate) type Sources<'a> = [(&'a Path, &'a str)];

/// (line, what is wrong) of each name in backticks in `text` that looks like a test's and is none.
pub(crate) fn wrong_names(text: &str, sources: &Sources<'_>) -> Vec<(usize, String)> {
    let mut wrong = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        for quoted in line.split('`').skip(1).step_by(2) {
            if let Some(why) = why_wrong(quoted, sources) {
                wrong.push((number, why));
            }
        }
    }
    wrong
}

fn why_wrong(quoted: &str, sources: &Sources<'_>) -> Option<String> {
    let Some((file, name)) = quoted.split_once(".rs::") else {
        return looks_like_a_test(quoted)
            .then(|| format!("names the test {quoted} without the file that it stands in"));
    };
    let file = format!("{file}.rs");
    let mut files = sources.iter().filter(|(path, _)| path.ends_with(&file));
    match (files.next(), files.next()) {
        (None, _) => Some(format!("names {file}, which does not exist")),
        (_, Some(_)) => Some(format!("names {file}, which can be several files")),
        (Some((_, source)), None) => (!tests(source).any(|test| test == name))
            .then(|| format!("names {name}, which is no test of {file}")),
    }
}

/// The names of all tests in `source`: functions below an attribute that ends in `test`.
fn tests(source: &str) -> impl Iterator<Item = &str> {
    let mut is_test = false;
    source.lines().filter_map(move |line| {
        let line = line.trim_start();
        if let Some(attribute) = line.strip_prefix("#[") {
            let path = attribute.split([']', '(']).next().unwrap_or_default();
            is_test |= path == "test" || path.ends_with("::test");
            return None;
        }
        // Between an attribute and its function, comments at most.
        if line.starts_with("//") {
            return None;
        }
        let was_test = std::mem::take(&mut is_test);
        let line = line.strip_prefix("async ").unwrap_or(line);
        let name = line.strip_prefix("fn ")?.split(['(', '<']).next()?;
        was_test.then_some(name)
    })
}

fn looks_like_a_test(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.matches('_').count() >= FEWEST && name.chars().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "#[test]\nfn it_is_so_here() {}\n    #[tokio::test(flavor = \"multi_thread\")]\n    \
        // It waits.\n    async fn and_so_it_is<T>() {}\nfn it_only_helps_them() {}\n// fn it_is_not_here()";

    fn wrong(text: &str) -> Vec<(usize, String)> {
        let files = [
            (Path::new("/r/a/tests/api/main.rs"), SOURCE),
            (Path::new("/r/b/tests/api/main.rs"), ""),
        ];
        wrong_names(text, &files)
    }

    #[test]
    fn a_name_must_be_a_test_of_its_file() {
        let good = "| `a/tests/api/main.rs::it_is_so_here`, `a/tests/api/main.rs::and_so_it_is` |\n`a_code`, `--an_option_of_it`";
        assert_eq!(wrong(good), []);
        for (text, part) in [
            ("`it_is_so_here`", "without the file"),
            ("`a/tests/api/main.rs::it_only_helps_them`", "no test of"),
            ("`a/tests/api/main.rs::it_is_not_here`", "no test of"),
            ("`api/main.rs::it_is_so_here`", "several files"),
            ("`c/tests/api/main.rs::it_is_so_here`", "does not exist"),
        ] {
            let told = wrong(&format!("a line\n{text}"));
            assert_eq!(told.len(), 1, "{text}: {told:?}");
            assert!(told[0].0 == 2 && told[0].1.contains(part), "{told:?}");
        }
    }
}
