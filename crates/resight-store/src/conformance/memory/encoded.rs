//! Features, words and staged words of pictures and views, and the views.

use std::collections::BTreeMap;

use super::catalogue::{MemoryCatalogue, Page, above};
use super::state::Encoded;
use crate::encoded::{EncodedFeatures, EncodedWords, StagedWords};
use crate::error::StoreError;
use crate::views::{ViewRecord, Views};

impl MemoryCatalogue {
    fn each_encoded(
        &self,
        keys: &[u64],
        read: impl Fn(&Encoded) -> Vec<u8>,
    ) -> Page<Option<Vec<u8>>> {
        let state = self.state.read();
        let each = keys.iter().map(|key| state.encoded(*key).map(&read));
        Ok(each.collect())
    }

    fn encoded_page(
        &self,
        after: Option<u64>,
        limit: usize,
        read: impl Fn(&Encoded) -> Option<Vec<u8>>,
    ) -> Page<(u64, Vec<u8>)> {
        let state = self.state.read();
        let all = state.all_encoded();
        let read = above(&all, after).filter_map(|(key, one)| Some((key, read(one)?)));
        Ok(read.take(limit).collect())
    }
}

impl EncodedFeatures for MemoryCatalogue {
    fn features(&self, keys: &[u64]) -> Page<Option<Vec<u8>>> {
        self.each_encoded(keys, |one| one.features.clone())
    }

    fn features_after(&self, after: Option<u64>, limit: usize) -> Page<(u64, Vec<u8>)> {
        self.encoded_page(after, limit, |one| Some(one.features.clone()))
    }
}

impl EncodedWords for MemoryCatalogue {
    fn words(&self, keys: &[u64]) -> Page<Option<Vec<u8>>> {
        self.each_encoded(keys, |one| one.words.clone())
    }

    fn words_after(&self, after: Option<u64>, limit: usize) -> Page<(u64, Vec<u8>)> {
        self.encoded_page(after, limit, |one| Some(one.words.clone()))
    }
}

impl StagedWords for MemoryCatalogue {
    fn stage_words(&self, words: &[(u64, Vec<u8>)]) -> Result<(), StoreError> {
        let mut state = self.state.write();
        for (key, bytes) in words {
            if let Some(one) = state.encoded_mut(*key) {
                one.staged = Some(bytes.clone());
            }
        }
        Ok(())
    }

    fn staged_after(&self, after: Option<u64>, limit: usize) -> Page<(u64, Vec<u8>)> {
        self.encoded_page(after, limit, |one| one.staged.clone())
    }

    fn staged_last(&self) -> Result<Option<u64>, StoreError> {
        let state = self.state.read();
        let all = state.all_encoded();
        let staged = all.iter().rev().find(|(_, one)| one.staged.is_some());
        Ok(staged.map(|(key, _)| *key))
    }

    fn discard_staged(&self) -> Result<(), StoreError> {
        let state = &mut *self.state.write();
        let pictures = state.pictures.values_mut().map(|one| &mut one.encoded);
        let views = state.views.values_mut().map(|one| &mut one.encoded);
        for one in pictures.chain(views) {
            one.staged = None;
        }
        Ok(())
    }

    fn adopt_staged(&self, setting: &str, value: &str) -> Result<bool, StoreError> {
        let state = &mut *self.state.write();
        if state.all_encoded().values().any(|one| one.staged.is_none()) {
            return Ok(false);
        }
        let pictures = state.pictures.values_mut().map(|one| &mut one.encoded);
        let views = state.views.values_mut().map(|one| &mut one.encoded);
        for one in pictures.chain(views) {
            one.words = one.staged.take().unwrap_or_default();
        }
        state.settings.insert(setting.to_owned(), value.to_owned());
        Ok(true)
    }
}

impl Views for MemoryCatalogue {
    fn views(&self, keys: &[u64]) -> Page<Option<ViewRecord>> {
        let state = self.state.read();
        let views = keys.iter().map(|key| state.views.get(key));
        Ok(views
            .map(|view| view.map(|view| view.record.clone()))
            .collect())
    }

    fn views_of(&self, picture: u64) -> Page<ViewRecord> {
        let state = self.state.read();
        let views = state.views.values().map(|view| &view.record);
        Ok(views
            .filter(|view| view.picture == picture)
            .cloned()
            .collect())
    }

    fn view_keys_after(&self, after: Option<u64>, limit: usize) -> Page<(u64, u64)> {
        let state = self.state.read();
        let views = above(&state.views, after).take(limit);
        Ok(views
            .map(|(key, view)| (key, view.record.picture))
            .collect())
    }

    fn described_after(&self, after: Option<u64>, limit: usize) -> Page<(u64, u32)> {
        let state = self.state.read();
        let pictures = above(&state.pictures, after);
        let pictures = pictures.map(|(key, stored)| (key, stored.record.feature_count));
        let views = above(&state.views, after);
        let views = views.map(|(key, view)| (key, view.record.feature_count));
        let all: BTreeMap<u64, u32> = pictures.chain(views).collect();
        Ok(all.into_iter().take(limit).collect())
    }

    fn view_count(&self) -> Result<u64, StoreError> {
        Ok(self.state.read().views.len() as u64)
    }
}
