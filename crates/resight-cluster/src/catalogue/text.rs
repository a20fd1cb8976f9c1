//! PostgreSQL's text has no NUL, and a catalogue's may: names, paths, metadata.
//!
//! U+0000 is written as U+0001 U+0001, and U+0001 as U+0001 U+0002. So text sorts as before, and begins with what it
//! began with. Tags and ids of objects have no control characters and stay as they are.

use std::borrow::Cow;

/// The text as it is stored.
pub(super) fn stored(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte < 2) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\0' => escaped.push_str("\u{1}\u{1}"),
            '\u{1}' => escaped.push_str("\u{1}\u{2}"),
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}

/// The text as it was before [`stored`].
pub(super) fn read(text: String) -> String {
    if !text.contains('\u{1}') {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\u{1}' => match characters.next() {
                Some('\u{1}') => plain.push('\0'),
                Some('\u{2}') => plain.push('\u{1}'),
                // Nothing writes this; the record's checksum finds it.
                Some(other) => plain.push(other),
                None => {}
            },
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 12] = [
        "",
        "\0",
        "\0\0",
        "\0\u{1}",
        "\0a",
        "\u{1}",
        "\u{1}\0",
        "\u{1}\u{2}",
        "\u{2}",
        "a",
        "a\0",
        "a\u{1}b",
    ];

    #[test]
    fn text_comes_back_and_has_no_nul_meanwhile() {
        for text in TEXTS {
            let stored = stored(text);
            assert!(!stored.contains('\0'), "{text:?}");
            assert_eq!(read(stored.into_owned()), text);
        }
    }

    #[test]
    fn order_and_prefixes_stay() {
        for a in TEXTS {
            for b in TEXTS {
                let (stored_a, stored_b) = (stored(a), stored(b));
                assert_eq!(a.cmp(b), stored_a.cmp(&stored_b), "{a:?} {b:?}");
                let begins = stored_a.starts_with(&*stored_b);
                assert_eq!(a.starts_with(b), begins, "{a:?} {b:?}");
            }
        }
    }
}
