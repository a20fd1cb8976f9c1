//! When pictures were taken, of those that an earlier version stored without asking.

use super::Library;
use crate::error::EngineError;

/// Pictures that are asked before what they tell is stored.
const BATCH: usize = 100;

impl Library {
    /// Asks the files of some pictures with keys above `after` when they were taken. Returns the last of the keys;
    /// `None` where there are no more. A file that is gone is asked when it is there again.
    pub fn ask_taken(&self, after: Option<u64>) -> Result<Option<u64>, EngineError> {
        let unasked = self.catalogue().unasked_taken(after, BATCH)?;
        let mut taken = Vec::with_capacity(unasked.len());
        for (key, id) in &unasked {
            if let Ok(file) = self.file(id) {
                taken.push((*key, resight_decode::taken(&file.bytes)));
            }
        }
        if !taken.is_empty() {
            self.catalogue().put_taken(&taken)?;
            self.filters.invalidate();
        }
        Ok(unasked.last().map(|(key, _)| *key))
    }
}
