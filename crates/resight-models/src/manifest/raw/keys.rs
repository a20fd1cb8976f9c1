//! Checks of keys that exclude each other.

/// The first key that has a value.
pub(super) fn first_given<'a>(keys: &[(&'a str, bool)]) -> Option<&'a str> {
    let given = keys.iter().find(|(_, is_given)| *is_given);
    given.map(|(key, _)| *key)
}
