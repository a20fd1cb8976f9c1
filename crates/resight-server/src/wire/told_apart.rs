//! Short names of paths that tell them apart.

use std::collections::HashMap;

/// Names told of a path, at most: nobody learns over HTTP where the files of a machine lie.
const MOST_NAMES: usize = 3;

/// For each path its last names, joined by `/`: as few as no other of the paths ends with, and at most
/// [`MOST_NAMES`]. Paths that these do not tell apart are told alike.
pub(super) fn told_apart<'p>(paths: impl Iterator<Item = &'p str>) -> HashMap<String, String> {
    let split = |path: &'p str| {
        let names = path
            .split(std::path::is_separator)
            .filter(|name| !name.is_empty());
        (path, names.collect::<Vec<&str>>())
    };
    // Each path once.
    let mut left: HashMap<&str, Vec<&str>> = paths.map(split).collect();
    let mut short = HashMap::with_capacity(left.len());
    for count in 1.. {
        if left.is_empty() {
            break;
        }
        let ending = |names: &[&str]| names[names.len().saturating_sub(count)..].join("/");
        let mut endings: HashMap<String, usize> = HashMap::new();
        for names in left.values() {
            *endings.entry(ending(names)).or_default() += 1;
        }
        left.retain(|path, names| {
            let told = ending(names);
            let is_told =
                count == MOST_NAMES || names.len() <= count || endings.get(&told) == Some(&1);
            if is_told {
                short.insert((*path).to_owned(), told);
            }
            !is_told
        });
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_named_by_as_little_as_tells_them_apart() {
        let cases: [(&[&str], &[&str]); 5] = [
            (&["/home/me/a.jpg"], &["a.jpg"]),
            (&["/x/a.jpg", "/y/b.jpg"], &["a.jpg", "b.jpg"]),
            (
                &["/p/x/a.jpg", "/p/y/a.jpg", "/p/y/b.jpg"],
                &["x/a.jpg", "y/a.jpg", "b.jpg"],
            ),
            (
                &["/1/x/a.jpg", "/2/x/a.jpg", "/2/y/a.jpg"],
                &["1/x/a.jpg", "2/x/a.jpg", "y/a.jpg"],
            ),
            (&["/x/a.jpg", "/y/x/a.jpg"], &["x/a.jpg", "y/x/a.jpg"]),
        ];
        for (paths, expected) in cases {
            let short = told_apart(paths.iter().copied());
            let told: Vec<&str> = paths.iter().map(|path| &*short[*path]).collect();
            assert_eq!(told, expected);
        }
        let backup = ["/home/me/pics/1/a.jpg", "/mnt/b/home/me/pics/1/a.jpg"];
        let short = told_apart(backup.into_iter());
        assert!(short.values().all(|told| told == "pics/1/a.jpg"));
        let twice = told_apart(["/x/a.jpg", "/x/a.jpg"].into_iter());
        assert_eq!(twice["/x/a.jpg"], "a.jpg");
    }
}
