//! Functions that are too long to read at once.

use crate::rust_text::{closing, tokens};

/// Most lines of a function without a reason beside it.
pub(crate) const LONGEST: usize = 80;

/// What a reason begins with, in a comment above the function or at its beginning.
const REASON: &str = "// Long because";

/// (line, name, lines) of each function that is longer than [`LONGEST`] and gives no reason.
pub(crate) fn long_functions(text: &str) -> Vec<(usize, String, usize)> {
    let tokens = tokens(text);
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let Some(name) = tokens.get(at + 1).filter(|_| token.text == "fn") else {
            continue;
        };
        // `fn(u32) -> u32` is a type.
        if name.text == "(" {
            continue;
        }
        let Some(open) = body(&tokens, at) else {
            continue;
        };
        let end = tokens[closing(&tokens, open)].line;
        let length = end + 1 - token.line;
        if length > LONGEST && !has_reason(&lines, token.line, tokens[open].line) {
            found.push((token.line, name.text.to_owned(), length));
        }
    }
    found
}

/// Index of the brace that opens the body of the function at `from`; `None` where it has none.
fn body(tokens: &[crate::rust_text::Token<'_>], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(token) = tokens.get(at) {
        match token.text {
            // A macro's arguments may end with a signature.
            ";" | "}" => return None,
            "{" => return Some(at),
            "(" | "[" => at = closing(tokens, at) + 1,
            _ => at += 1,
        }
    }
    None
}

/// Whether a reason stands in the comments and attributes above line `start`, or in the two lines
/// after the brace in line `open`; lines count from 1.
fn has_reason(lines: &[&str], start: usize, open: usize) -> bool {
    let above = lines[..start - 1].iter().rev().take_while(|line| {
        let line = line.trim_start();
        line.starts_with("//")
            || line.starts_with('#')
            || line.starts_with(')')
            || line.starts_with(']')
    });
    let inside = lines.iter().skip(open).take(2);
    above
        .chain(inside)
        .any(|line| line.trim_start().starts_with(REASON))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_function_needs_a_reason_beside_it() {
        let body = |lines: usize| "    let x = 1;\n".repeat(lines);
        // (source, names that are complained of)
        let cases = [
            (format!("fn short() {{\n{}}}\n", body(78)), vec![]),
            (format!("fn long() {{\n{}}}\n", body(79)), vec!["long"]),
            (
                format!(
                    "// Long because it lists all.\n#[inline]\nfn listed() {{\n{}}}\n",
                    body(90)
                ),
                vec![],
            ),
            (
                format!(
                    "fn inside() {{\n    // Long because it lists all.\n{}}}\n",
                    body(90)
                ),
                vec![],
            ),
            (
                format!("// Long because\n\nfn apart() {{\n{}}}\n", body(90)),
                vec!["apart"],
            ),
            (
                format!("wide! {{ fn f() = body }}\nmod m {{\n{}}}\n", body(90)),
                vec![],
            ),
            (
                format!("trait T {{ fn none(f: fn(u8));\n{}}}\n", body(90)),
                vec![],
            ),
            (
                format!(
                    "fn text() -> &'static str {{\n\"{}\"\n}}\n",
                    "}\n".repeat(90)
                ),
                vec!["text"],
            ),
        ];
        for (text, expected) in cases {
            let found: Vec<String> = long_functions(&text)
                .into_iter()
                .map(|(_, name, _)| name)
                .collect();
            assert_eq!(found, expected, "{}", &text[..40]);
        }
    }
}
