//! Places in lists, which a client gives back as they are.
//!
//! Invariant: a cursor is accepted for the list that it was made for, and only as it was made.

use resight_app::Code;
use resight_app::cursor_key::CursorKey;
use resight_engine::{OrderValue, Position};
use serde_json::Value;

use crate::problem::Problem;

/// Bytes that tell a cursor that was changed.
const SEAL: usize = 16;
/// The longest cursor that is read.
const MOST: usize = 8192;

/// Makes and reads cursors; without a key it does neither.
#[derive(Clone)]
pub(crate) struct Cursors {
    key: Option<CursorKey>,
}

impl Cursors {
    /// With this key, or another one each time.
    pub(crate) fn of(key: Option<CursorKey>) -> Self {
        let random = || {
            let random = CursorKey::random();
            random.inspect_err(|error| tracing::error!(%error, "there are no random numbers"))
        };
        Self {
            key: key.or_else(|| random().ok()),
        }
    }

    /// The cursor of a place in a list.
    pub(crate) fn make(&self, list: &str, position: &Position) -> Option<String> {
        let value = match &position.value {
            OrderValue::Number(number) => Value::from(*number),
            OrderValue::Text(text) => Value::from(text.clone()),
        };
        let content = Value::from(vec![value, Value::from(position.key)]).to_string();
        let seal = self.seal(list, content.as_bytes())?;
        Some(hex::encode([&seal, content.as_bytes()].concat()))
    }

    /// The place that a cursor of a list stands for.
    pub(crate) fn read(&self, list: &str, text: &str) -> Result<Position, Problem> {
        self.checked(list, text).ok_or_else(|| {
            let detail =
                "The cursor was not made for this list, its filters and its order, or was changed.";
            Problem::new(Code::BadCursor, detail)
        })
    }

    fn checked(&self, list: &str, text: &str) -> Option<Position> {
        let bytes = hex::decode(text.get(..text.len().min(MOST))?).ok()?;
        let (seal, content) = bytes.split_at_checked(SEAL)?;
        // A comparison that takes as long whatever is wrong.
        let expected = self.seal(list, content)?;
        let wrong = expected.iter().zip(seal);
        if wrong.fold(0, |all, (a, b)| all | (a ^ b)) != 0 {
            return None;
        }
        let parts: Vec<Value> = serde_json::from_slice(content).ok()?;
        let value = match parts.first()? {
            Value::String(text) => OrderValue::Text(text.clone()),
            number => OrderValue::Number(number.as_i64()?),
        };
        let key = parts.get(1)?.as_u64()?;
        Some(Position { value, key })
    }

    fn seal(&self, list: &str, content: &[u8]) -> Option<[u8; SEAL]> {
        let mut hasher = blake3::Hasher::new_keyed(self.key.as_ref()?.bytes());
        hasher.update(&(list.len() as u64).to_le_bytes());
        hasher.update(list.as_bytes());
        hasher.update(content);
        let mut seal = [0; SEAL];
        seal.copy_from_slice(&hasher.finalize().as_bytes()[..SEAL]);
        Some(seal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_list_and_unchanged_alone() {
        let cursors = Cursors::of(None);
        let places = [
            (OrderValue::Number(i64::MIN), 0),
            (OrderValue::Text("é\"\\".into()), u64::from(u32::MAX)),
        ];
        for (value, key) in places {
            let place = Position { value, key };
            let cursor = cursors.make("a", &place).unwrap();
            let read = |list: &str, text: &str| cursors.read(list, text).ok();
            assert_eq!(read("a", &cursor), Some(place.clone()));
            assert_eq!(read("b", &cursor), None);
            assert!(Cursors::of(None).read("a", &cursor).is_err());
            for at in 0..cursor.len() {
                let other = if &cursor[at..=at] == "0" { "1" } else { "0" };
                let changed = [&cursor[..at], other, &cursor[at + 1..]].concat();
                assert_eq!(read("a", &changed), None, "{at}");
                assert_eq!(read("a", &cursor[..at]), None, "{at}");
            }
            assert_eq!(read("a", "é"), None);
        }
    }
}
