//! Texts that a terminal shows.

use resight_engine::readable;

/// `text` with control characters shown as `?`, because a file's name must not steer a terminal, and with bytes of
/// a name that are no UTF-8 as `\x` and two digits.
pub fn printable(text: &str) -> String {
    readable(text)
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\nc"), "a?[31mb?c");
        assert_eq!(printable("caf\u{10ffe9}"), "caf\\xE9");
    }
}
