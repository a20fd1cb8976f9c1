//! Paths as text, and back. The store, JSON and addresses have texts; a path of Unix is any bytes.
//!
//! A path that is valid UTF-8 is its own text. Otherwise each byte that belongs to no character stands as the
//! character U+10FF00 plus the byte, so U+10FF80 to U+10FFFF. Where a path has such a character itself, its four
//! bytes stand in the same way. So each path has one text, no two paths share one, and a text that begins with
//! a folder's text lies below that folder.

use std::path::{Path, PathBuf};

/// The character that stands for a byte is this number plus the byte. The code points are assigned to nothing.
const BASE: u32 = 0x10_ff00;

/// The byte that a character stands for.
fn byte_of(character: char) -> Option<u8> {
    let byte = (character as u32).checked_sub(BASE)?;
    u8::try_from(byte).ok().filter(|byte| *byte >= 0x80)
}

/// The path as text; `None` on systems on which it has no bytes and is not valid Unicode.
pub fn path_text(path: &Path) -> Option<String> {
    match path.to_str() {
        Some(text) if !text.chars().any(|one| byte_of(one).is_some()) => Some(text.to_owned()),
        _ => escaped(path),
    }
}

/// The path that this is the text of.
pub fn path_of_text(text: &str) -> PathBuf {
    match text.chars().any(|one| byte_of(one).is_some()) {
        true => unescaped(text),
        false => PathBuf::from(text),
    }
}

/// The text as people read it: each character that stands for a byte as `\x` and two digits. Different paths may
/// be read as the same.
pub fn readable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match byte_of(character) {
            Some(byte) => shown.push_str(&format!("\\x{byte:02X}")),
            None => shown.push(character),
        }
    }
    shown
}

#[cfg(unix)]
fn escaped(path: &Path) -> Option<String> {
    use std::os::unix::ffi::OsStrExt;

    let stand_in = |byte: u8| char::from_u32(BASE + u32::from(byte)).unwrap_or('\u{fffd}');
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            match byte_of(character) {
                Some(_) => text.extend(character.to_string().bytes().map(stand_in)),
                None => text.push(character),
            }
        }
        text.extend(chunk.invalid().iter().map(|byte| stand_in(*byte)));
    }
    Some(text)
}

#[cfg(unix)]
fn unescaped(text: &str) -> PathBuf {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match byte_of(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend(character.to_string().bytes()),
        }
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(not(unix))]
fn escaped(path: &Path) -> Option<String> {
    // The text of these characters would be another path's on Unix. Here nothing is escaped.
    path.to_str().map(str::to_owned)
}

#[cfg(not(unix))]
fn unescaped(text: &str) -> PathBuf {
    PathBuf::from(text)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use proptest::prelude::*;

    use super::*;

    fn path(bytes: &[u8]) -> &Path {
        Path::new(OsStr::from_bytes(bytes))
    }

    #[test]
    fn bytes_that_are_no_utf_8_have_a_text_of_their_own() {
        let cases: [(&[u8], &str, &str); 5] = [
            (b"/a/caf\xe9.jpg", "/a/caf\u{10ffe9}.jpg", "/a/caf\\xE9.jpg"),
            (b"/a/\xff\xfe", "/a/\u{10ffff}\u{10fffe}", "/a/\\xFF\\xFE"),
            ("/a/caf\u{e9}".as_bytes(), "/a/caf\u{e9}", "/a/caf\u{e9}"),
            // Two of the three bytes of a character.
            (b"/\xe2\x82", "/\u{10ffe2}\u{10ff82}", "/\\xE2\\x82"),
            // The character that stands for a byte elsewhere.
            (
                "/\u{10ffe9}".as_bytes(),
                "/\u{10fff4}\u{10ff8f}\u{10ffbf}\u{10ffa9}",
                "/\\xF4\\x8F\\xBF\\xA9",
            ),
        ];
        for (bytes, text, shown) in cases {
            assert_eq!(path_text(path(bytes)).as_deref(), Some(text), "{shown}");
            assert_eq!(path_of_text(text), path(bytes), "{shown}");
            assert_eq!(readable(text), shown);
        }
    }

    proptest! {
        #[test]
        fn each_path_comes_back_and_a_folder_is_a_prefix(
            folder in proptest::collection::vec(any::<u8>(), 0..12),
            name in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..12),
                "[\u{10ff70}-\u{10ffff}a/]{0,6}".prop_map(String::into_bytes),
            ],
        ) {
            let whole = [&b"/"[..], &folder, b"/", &name].concat();
            let text = path_text(path(&whole)).unwrap();
            prop_assert_eq!(path_of_text(&text), path(&whole));
            let above = path_text(path(&[&b"/"[..], &folder, b"/"].concat())).unwrap();
            prop_assert!(text.starts_with(&above));
        }
    }
}
