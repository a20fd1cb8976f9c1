//! Rust source as tokens with their lines: enough to find `use` trees, functions and test modules
//! without a compiler. Comments, strings and characters are left out.

/// An identifier, a `::`, or one character of anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    /// Counted from 1.
    pub(crate) line: usize,
}

/// All tokens of `text`, in order.
pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < bytes.len() {
        let end = end_of_token(bytes, at);
        if let Some(text) = text.get(at..end)
            && is_code(text)
        {
            found.push(Token { text, line });
        }
        line += bytes[at..end].iter().filter(|b| **b == b'\n').count();
        at = end;
    }
    found
}

fn is_code(text: &str) -> bool {
    let is_comment = text.starts_with("//") || text.starts_with("/*");
    let is_quoted =
        text.starts_with(['"', '\'']) || text.ends_with(['"', '\'']) || text.ends_with("\"#");
    !(text.trim().is_empty() || is_comment || text.len() > 1 && is_quoted)
}

/// Where the token, comment, literal or space that begins at `at` ends.
fn end_of_token(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let length = match rest {
        [b'/', b'/', ..] => position(rest, |b| b == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => quoted(rest, b'"', 1),
        [b'\'', ..] => character_or_lifetime(rest),
        [b':', b':', ..] => 2,
        [first, ..] if is_word(*first) => {
            let word = position(rest, |b| !is_word(b)).unwrap_or(rest.len());
            match &rest[..word] {
                b"r" | b"br" | b"cr" => raw_string(rest, word).unwrap_or(word),
                b"b" | b"c" if rest.get(word) == Some(&b'"') => quoted(rest, b'"', word + 1),
                b"b" if rest.get(word) == Some(&b'\'') => quoted(rest, b'\'', word + 1),
                _ => word,
            }
        }
        [first, ..] if first.is_ascii_whitespace() => {
            position(rest, |b| !b.is_ascii_whitespace()).unwrap_or(rest.len())
        }
        // A character of several bytes stands only where it does not matter here.
        _ => position(&rest[1..], |b| b & 0xC0 != 0x80).map_or(rest.len(), |more| more + 1),
    };
    at + length
}

fn position(bytes: &[u8], is_it: impl Fn(u8) -> bool) -> Option<usize> {
    bytes.iter().position(|b| is_it(*b))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at.min(rest.len())
}

/// Length of a literal that ends at `quote`, from `from` on.
fn quoted(rest: &[u8], quote: u8, from: usize) -> usize {
    let mut at = from;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// Length of `r"…"` or `r#"…"#` whose letters end at `word`; `None` for an identifier.
fn raw_string(rest: &[u8], word: usize) -> Option<usize> {
    let hashes = position(&rest[word..], |b| b != b'#')?;
    if rest.get(word + hashes) != Some(&b'"') {
        return None;
    }
    let mut closing = vec![b'"'];
    closing.resize(1 + hashes, b'#');
    let body = word + hashes + 1;
    let end = rest[body..]
        .windows(closing.len())
        .position(|w| w == closing);
    Some(end.map_or(rest.len(), |end| body + end + closing.len()))
}

fn character_or_lifetime(rest: &[u8]) -> usize {
    match rest {
        [_, b'\\', ..] => quoted(rest, b'\'', 1),
        // A lifetime: a word without a quote behind it.
        [_, first, ..] if is_word(*first) => {
            let word = 1 + position(&rest[1..], |b| !is_word(b)).unwrap_or(rest.len() - 1);
            if rest.get(word) == Some(&b'\'') {
                word + 1
            } else {
                word
            }
        }
        _ => quoted(rest, b'\'', 1),
    }
}

/// Index of the bracket that closes the one at `open`, or of the last token.
pub(crate) fn closing(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len().saturating_sub(1)
}

/// Marks the tokens of items under `#[cfg(test)]` or `#[test]`.
pub(crate) fn is_test(tokens: &[Token<'_>]) -> Vec<bool> {
    let mut marked = vec![false; tokens.len()];
    let mut at = 0;
    while at < tokens.len() {
        let begins = tokens[at].text == "#" && tokens.get(at + 1).is_some_and(|t| t.text == "[");
        if !begins {
            at += 1;
            continue;
        }
        let end = closing(tokens, at + 1);
        let words: Vec<&str> = tokens[at + 2..end].iter().map(|t| t.text).collect();
        let end_of_item = if matches!(words[..], ["test"] | ["cfg", "(", "test", ")"]) {
            end_of_item(tokens, end + 1)
        } else {
            at
        };
        marked[at..=end_of_item].fill(end_of_item > at);
        at = end_of_item.max(at) + 1;
    }
    marked
}

/// Index of the `;`, or of the brace that closes the body, of the item that begins at `from`.
fn end_of_item(tokens: &[Token<'_>], from: usize) -> usize {
    let mut at = from;
    while at < tokens.len() {
        match tokens[at].text {
            ";" => return at,
            "{" => return closing(tokens, at),
            "(" | "[" => at = closing(tokens, at) + 1,
            _ => at += 1,
        }
    }
    tokens.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        tokens(text).iter().map(|t| t.text).collect()
    }

    #[test]
    fn comments_strings_and_characters_are_left_out() {
        // (source, what stays)
        let cases: [(&str, &[&str]); 9] = [
            ("use a::b; // use c::d;", &["use", "a", "::", "b", ";"]),
            ("/* a /* b */ c */ d", &["d"]),
            (r#"x("use a; \" }")"#, &["x", "(", ")"]),
            (r##"r#"} " "# e"##, &["e"]),
            (r"'{' '\'' b'}' f", &["f"]),
            ("&'a str", &["&", "'a", "str"]),
            ("b\"}\" g", &["g"]),
            ("\"… ü\" h", &["h"]),
            ("r#type", &["r", "#", "type"]),
        ];
        for (text, expected) in cases {
            let expected: Vec<&str> = expected
                .iter()
                .filter(|w| !w.starts_with('\''))
                .copied()
                .collect();
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn lines_are_counted_through_comments_and_strings() {
        let found = tokens("a\n/*\n*/ b \"\n\n\" c");
        let lines: Vec<_> = found.iter().map(|t| (t.text, t.line)).collect();
        assert_eq!(lines, [("a", 1), ("b", 3), ("c", 5)]);
    }

    #[test]
    fn test_items_end_where_their_braces_close() {
        let text = "a #[cfg(test)] mod tests { fn b() { [c] } } d #[test] fn e() {} f #[cfg(test)] use g; h";
        let found = tokens(text);
        let marked = is_test(&found);
        let kept: Vec<&str> = found
            .iter()
            .zip(marked)
            .filter(|(_, m)| !m)
            .map(|(t, _)| t.text)
            .collect();
        assert_eq!(kept, ["a", "d", "f", "h"]);
    }
}
