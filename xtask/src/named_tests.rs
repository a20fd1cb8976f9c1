//! Names of tests in Markdown: each must be a function of this repository.

use std::collections::BTreeSet;

/// Fewest underscores of a name that counts as a test's: codes of errors have fewer.
const FEWEST: usize = 3;

/// (line, name) of each name in backticks in `text` that looks like a test's and is none of `functions`.
pub(crate) fn missing_tests(text: &str, functions: &BTreeSet<&str>) -> Vec<(usize, String)> {
    let mut missing = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        for name in line.split('`').skip(1).step_by(2) {
            if is_test_name(name) && !functions.contains(name) {
                missing.push((number, name.to_owned()));
            }
        }
    }
    missing
}

/// The names of all functions that begin a line of `source`.
pub(crate) fn functions(source: &str) -> impl Iterator<Item = &str> {
    source.lines().filter_map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("async ").unwrap_or(line);
        line.strip_prefix("fn ")?.split(['(', '<']).next()
    })
}

fn is_test_name(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.matches('_').count() >= FEWEST && name.chars().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_must_be_a_function() {
        let source = "#[test]\nfn it_is_so_here() {}\n    async fn and_so_it_is<T>() {}\n// fn it_is_not_here()";
        let all: BTreeSet<&str> = functions(source).collect();
        let text = "| x | `it_is_so_here`, `and_so_it_is` |\n`it_is_not_here`, `a_code`, `--an_option_of_it`";
        let missing = missing_tests(text, &all);
        assert_eq!(missing, [(2, "it_is_not_here".to_owned())]);
    }
}
