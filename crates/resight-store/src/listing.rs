//! What stores need to answer in the order and the range that they were asked for.

use std::collections::HashMap;
use std::hash::Hash;

/// One value for each of `keys`, which may repeat a key, in their order.
pub fn in_order<K, T>(keys: &[K], mut by_key: HashMap<K, T>) -> Vec<Option<T>>
where
    K: Copy + Eq + Hash,
    T: Clone,
{
    let mut first: HashMap<K, usize> = HashMap::with_capacity(keys.len());
    let mut ordered: Vec<Option<T>> = Vec::with_capacity(keys.len());
    for (at, key) in keys.iter().enumerate() {
        let value = match first.get(key) {
            Some(&earlier) => ordered[earlier].clone(),
            None => {
                first.insert(*key, at);
                by_key.remove(key)
            }
        };
        ordered.push(value);
    }
    ordered
}

/// The lowest text above every text that starts with `prefix`; `None` if there is no such text.
/// Correct because bytes of UTF-8 sort as the characters do.
pub fn after_all_with(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // Steps over the surrogates, which no text contains.
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// A number as databases have it, whose numbers are signed: larger ones become the largest.
pub fn at_most(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The limit of a page.
pub fn page(limit: usize) -> i64 {
    at_most(limit as u64)
}

/// The key below a page; keys start at 1.
pub fn above(after: Option<u64>) -> i64 {
    at_most(after.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_be_asked_for_twice() {
        let by_key = HashMap::from([(1_u64, "a"), (2, "b")]);
        let asked = in_order(&[2, 3, 2, 1], by_key);
        assert_eq!(asked, [Some("b"), None, Some("b"), Some("a")]);
    }

    #[test]
    fn the_end_of_a_prefix_is_the_next_text_that_lacks_it() {
        let end = |prefix: &str| after_all_with(prefix);
        assert_eq!(end("/a/"), Some("/a0".into()));
        assert_eq!(end("%"), Some("&".into()));
        assert_eq!(end("\u{d7ff}"), Some("\u{e000}".into()));
        assert_eq!(end("a\u{10ffff}"), Some("b".into()));
        assert_eq!(end("\u{10ffff}"), None);
        assert_eq!(end(""), None);
    }
}
