//! Links of Markdown files that lead to files of the repository.

use std::path::Path;

/// (line, target) of each relative link in `text`, the text of a file in `folder`, whose file is
/// missing.
pub(crate) fn dead_links(text: &str, folder: &Path) -> Vec<(usize, String)> {
    let mut dead = Vec::new();
    let mut is_code = false;
    for (line, number) in text.lines().zip(1..) {
        if line.starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        for rest in line.split("](").skip(1) {
            let target = rest.split([')', '#', ' ']).next().unwrap_or_default();
            let is_relative =
                !target.is_empty() && !target.contains(':') && !target.starts_with('/');
            if is_relative && !folder.join(target).exists() {
                dead.push((number, target.to_owned()));
            }
        }
    }
    dead
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_links_lead_to_files() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        // (text, targets that are missing)
        let cases: [(&str, &[&str]); 6] = [
            (
                "See [this](src/main.rs) and [that](src/none.rs#part).",
                &["src/none.rs"],
            ),
            (
                "[web](https://example.org/a) [part](#here) [root](/errors)",
                &[],
            ),
            ("a\n![picture](none.png)", &["none.png"]),
            ("[up](../Cargo.toml)", &[]),
            ("```\n[x](none)\n```\n[y](gone)", &["gone"]),
            ("`a[b](c)`", &["c"]),
        ];
        for (text, expected) in cases {
            let found: Vec<String> = dead_links(text, folder)
                .into_iter()
                .map(|(_, target)| target)
                .collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
