//! Names of the entries of an archive: safe on every system, and each once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::intake::clean_name;

/// The longest name of an entry, in bytes.
const LONGEST: usize = 180;
/// Names that Windows gives to devices.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// The names that an archive has so far, in lower case: some systems do not tell cases apart. With each the number that is
/// tried next where it comes again, so that thousands of one name take one try each.
#[derive(Default)]
pub(super) struct EntryNames(HashMap<String, u64>);

impl EntryNames {
    /// The name of a further entry, for a picture of the name `name`.
    pub(super) fn add(&mut self, name: &str) -> String {
        let name = safe(name);
        let (stem, ending) = split(&name);
        let lower = name.to_lowercase();
        let Some(&first) = self.0.get(&lower) else {
            self.0.insert(lower, 2);
            return name;
        };
        let mut number = first;
        let entry = loop {
            let tried = format!("{stem} ({number}){ending}");
            number += 1;
            if let Entry::Vacant(free) = self.0.entry(tried.to_lowercase()) {
                free.insert(2);
                break tried;
            }
        };
        self.0.insert(lower, number);
        entry
    }
}

/// A name without its ending, and the ending with its dot.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if at > 0 => name.split_at(at),
        _ => (name, ""),
    }
}

fn safe(name: &str) -> String {
    let last = clean_name(name);
    let plain = |c: char| match c {
        '<' | '>' | ':' | '"' | '|' | '?' | '*' => '_',
        other => other,
    };
    let mut name: String = last.chars().map(plain).collect();
    // Windows drops dots and spaces at the end.
    name.truncate(name.trim_end_matches(['.', ' ']).len());
    if name.is_empty() {
        name.push_str("picture");
    }
    if name.len() > LONGEST {
        let (stem, ending) = split(&name);
        let ending = if ending.len() <= 16 { ending } else { "" };
        let kept = stem.floor_char_boundary((LONGEST - ending.len()).min(stem.len()));
        name = format!("{}{ending}", &stem[..kept]);
    }
    let device = name.split('.').next().unwrap_or_default().trim_end();
    let device = device.to_ascii_lowercase();
    let has_number = |port: &str| {
        let rest = device.strip_prefix(port).unwrap_or_default();
        rest.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_digit())
    };
    if DEVICES.contains(&&*device) || has_number("com") || has_number("lpt") {
        name.insert(0, '_');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_each_once() {
        let mut names = EntryNames::default();
        let long = format!("{}.jpeg", "é".repeat(200));
        for (given, entry) in [
            ("a.jpg", "a.jpg"),
            ("A.JPG", "A (2).JPG"),
            ("a.jpg", "a (3).jpg"),
            ("a (2).jpg", "a (2) (2).jpg"),
            ("../../etc/passwd", "passwd"),
            ("/etc/passwd", "passwd (2)"),
            ("C:\\x\\b.png", "b.png"),
            ("..", "picture"),
            ("", "picture (2)"),
            ("a:b?.png", "a_b_.png"),
            ("dots. . .", "dots"),
            ("NUL.png", "_NUL.png"),
            ("com1", "_com1"),
            ("com10", "com10"),
            (".hidden", ".hidden"),
            (".hidden", ".hidden (2)"),
        ] {
            assert_eq!(names.add(given), entry, "{given}");
        }
        let name = names.add(&long);
        assert!(name.len() <= LONGEST && name.ends_with("é.jpeg"), "{name}");
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        resight_test_support::fuzz(
            "entry names",
            3000,
            &[b"../a/b\\c:d .. \x00x.jpg".to_vec()],
            |bytes| {
                let name = EntryNames::default().add(&String::from_utf8_lossy(bytes));
                assert!(!name.is_empty() && name != "." && name != "..", "{name:?}");
                assert!(!name.contains(['/', '\\', ':', '\0']), "{name:?}");
            },
        );
    }
}
