//! Refuses inputs that killed a worker when no other call ran in it.

use std::collections::{HashMap, VecDeque};

use crate::call::Call;

/// Strikes after which an input is refused.
pub(crate) const OUT: u8 = 2;

#[derive(Debug)]
struct Entry {
    strikes: u8,
    reason: String,
}

/// A bounded set of inputs that drops the oldest. Hashes nothing while it is empty.
#[derive(Debug)]
pub(crate) struct Quarantine {
    capacity: usize,
    /// Lengths of the inputs in it, which rule out most other inputs without hashing them.
    lengths: HashMap<usize, usize>,
    entries: HashMap<blake3::Hash, Entry>,
    order: VecDeque<(blake3::Hash, usize)>,
}

impl Quarantine {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            lengths: HashMap::new(),
            entries: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Whether an input in it has the length of `call`.
    pub(crate) fn suspects(&self, call: &Call<'_>) -> bool {
        !self.lengths.is_empty() && self.lengths.contains_key(&length(call))
    }

    /// Why the input with this key is refused; `None` if it is not.
    pub(crate) fn reason(&self, key: &blake3::Hash) -> Option<&str> {
        let entry = self.entries.get(key)?;
        (entry.strikes >= OUT).then_some(entry.reason.as_str())
    }

    /// Counts `strikes` against `call`. Returns whether it is refused from now on. A call without
    /// attachments never is, as that would refuse its function.
    pub(crate) fn strike(&mut self, call: &Call<'_>, strikes: u8, reason: String) -> bool {
        if call.attachments.is_empty() {
            return false;
        }
        let (key, length) = (key(call), length(call));
        let entry = self.entries.entry(key).or_insert_with(|| {
            self.order.push_back((key, length));
            *self.lengths.entry(length).or_default() += 1;
            Entry {
                strikes: 0,
                reason: String::new(),
            }
        });
        entry.strikes = entry.strikes.saturating_add(strikes);
        entry.reason = reason;
        let out = entry.strikes >= OUT;
        while self.order.len() > self.capacity {
            if let Some((oldest, length)) = self.order.pop_front() {
                self.entries.remove(&oldest);
                if let Some(n) = self.lengths.get_mut(&length) {
                    *n -= 1;
                    if *n == 0 {
                        self.lengths.remove(&length);
                    }
                }
            }
        }
        out
    }

    /// Empties the set, as the code has changed.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.capacity);
    }

    /// The number of inputs refused.
    pub(crate) fn len(&self) -> usize {
        self.entries.values().filter(|e| e.strikes >= OUT).count()
    }
}

fn length(call: &Call<'_>) -> usize {
    call.contents().map(<[u8]>::len).sum()
}

/// A hash of the function, its arguments and the bytes of its attachments.
pub(crate) fn key(call: &Call<'_>) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(call.function.as_bytes());
    hasher.update(&[0]);
    let arguments = serde_json::to_vec(&(&call.positional, &call.named)).unwrap_or_default();
    hasher.update(&arguments);
    for bytes in call.contents() {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    }
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_bytes_are_refused_and_the_oldest_goes() {
        let mut q = Quarantine::new(2);
        let inputs: Vec<Vec<u8>> = (0..3).map(|i| vec![i; 10]).collect();
        let calls: Vec<Call<'_>> = inputs.iter().map(|b| Call::new("f").bytes(b)).collect();
        assert!(!q.suspects(&calls[0]));
        assert!(!q.strike(&calls[0], 1, "slow".into()));
        assert_eq!((q.reason(&key(&calls[0])), q.len()), (None, 0));
        assert!(q.strike(&calls[0], 1, "slow again".into()));
        assert_eq!(q.reason(&key(&calls[0])), Some("slow again"));
        assert!(q.suspects(&calls[1]) && q.reason(&key(&calls[1])).is_none());
        let other = Call::new("g").bytes(&inputs[0]);
        assert!(q.reason(&key(&other)).is_none());
        assert!(q.strike(&calls[1], OUT, "dead".into()));
        assert!(q.strike(&calls[2], OUT, "dead".into()));
        assert_eq!((q.reason(&key(&calls[0])), q.len()), (None, 2));
        q.clear();
        assert!(!q.suspects(&calls[2]));
        assert!(!q.strike(&Call::new("f"), OUT, "no bytes".into()));
    }
}
