//! Filters, objects, pairs and decisions.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::catalogue::{MemoryCatalogue, above};
use super::state::{State, Stored};
use crate::clock::now_ms;
use crate::decisions::{Decisions, NotAMatch};
use crate::error::StoreError;
use crate::id::PictureId;
use crate::integrity::Integrity;
use crate::label_queries::{Filter, LabelQueries, MediaTypeCount, ObjectCount};
use crate::labels::ObjectId;
use crate::order::{Order, Position};
use crate::pairs::{PairLink, PairedPicture, Pairs, PicturePair};
use crate::picture::PictureRecord;
use crate::repairs::Repairs;

/// `offset` and `limit` may be above what a `usize` counts.
fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn matches(state: &State, stored: &Stored, filter: &Filter) -> bool {
    let labels = &stored.record.labels;
    filter.tags.iter().all(|tag| labels.tags.contains(tag))
        && !filter.not_tags.iter().any(|tag| labels.tags.contains(tag))
        && (filter.object.is_none() || labels.object == filter.object)
        && filter
            .entries
            .iter()
            .all(|entry| stored.entries.contains(entry))
        && filter
            .features_below
            .is_none_or(|features| has_fewer(state, stored.record.key, features))
        && (!filter.paired || is_paired(state, &stored.record))
        && matches_more(&stored.record, filter)
}

/// Whether a picture has more than one source, or belongs to a pair that no decision refutes.
fn is_paired(state: &State, record: &PictureRecord) -> bool {
    let id = |key: u64| state.pictures.get(&key).map(|stored| &stored.record.id);
    let mut others = state.pairs.keys().filter_map(|&(a, b)| match record.key {
        key if key == a => id(b),
        key if key == b => id(a),
        _ => None,
    });
    let is_refuted = |other: &PictureId| {
        let (a, b) = ((&record.id).min(other), (&record.id).max(other));
        state.decisions.contains_key(&(a.clone(), b.clone()))
    };
    record.sources.len() > 1 || others.any(|other| !is_refuted(other))
}

/// Whether a picture and each of its views have fewer features.
fn has_fewer(state: &State, picture: u64, features: u32) -> bool {
    let own = state.pictures.get(&picture);
    let views = state.views.values().map(|view| &view.record);
    let views = views.filter(|view| view.picture == picture);
    own.is_none_or(|own| own.record.feature_count < features)
        && views
            .map(|view| view.feature_count)
            .all(|count| count < features)
}

fn matches_more(record: &PictureRecord, filter: &Filter) -> bool {
    let tags = &record.labels.tags;
    let begins = |text: &str, prefix: &String| text.starts_with(prefix.as_str());
    let is_in = |folder: &String| {
        let folder = format!("{}/", folder.trim_end_matches('/'));
        record.sources.iter().any(|path| begins(path, &folder))
    };
    (filter.any_tags.is_empty() || filter.any_tags.iter().any(|tag| tags.contains(tag)))
        && filter
            .tag_prefixes
            .iter()
            .all(|prefix| tags.iter().any(|tag| begins(tag.as_str(), prefix)))
        && filter
            .name_prefix
            .as_ref()
            .is_none_or(|prefix| begins(&record.name, prefix))
        && (filter.folders.is_empty() || filter.folders.iter().any(is_in))
        && (filter.media_types.is_empty() || filter.media_types.contains(&record.media_type))
        && filter.bytes.has(record.byte_len.cast_signed())
        && filter.width.has(record.width.into())
        && filter.height.has(record.height.into())
        && filter.added_ms.has(record.added_ms)
        && (filter.taken_ms.is_all()
            || record
                .taken_ms
                .is_some_and(|taken| filter.taken_ms.has(taken)))
}

impl MemoryCatalogue {
    pub(super) fn newest_first(
        &self,
        is_wanted: impl Fn(&State, &Stored) -> bool,
        offset: u64,
        limit: u64,
    ) -> Vec<PictureRecord> {
        let state = self.state.read();
        let all = state.pictures.values();
        let wanted = all.filter(|stored| is_wanted(&state, stored));
        let mut records: Vec<&PictureRecord> = wanted.map(|stored| &stored.record).collect();
        records.sort_by_key(|record| Reverse((record.added_ms, record.key)));
        let page = records.into_iter().skip(count(offset)).take(count(limit));
        page.cloned().collect()
    }

    /// Objects with the number of their pictures, ascending.
    fn by_object(&self) -> BTreeMap<ObjectId, u64> {
        let state = self.state.read();
        let records = state.pictures.values().map(|stored| &stored.record);
        let mut counts = BTreeMap::new();
        for object in records.filter_map(|record| record.labels.object.clone()) {
            *counts.entry(object).or_default() += 1;
        }
        counts
    }

    /// All decisions, by their ids.
    fn decisions(&self) -> Vec<NotAMatch> {
        let state = self.state.read();
        let all = state.decisions.iter();
        all.map(|((a, b), decided_ms)| NotAMatch {
            a: a.clone(),
            b: b.clone(),
            decided_ms: *decided_ms,
        })
        .collect()
    }

    /// The decisions whose pictures are both stored, by their keys, lower key first, ascending.
    fn decided_keys(&self) -> BTreeSet<(u64, u64)> {
        let state = self.state.read();
        let keys = state.decisions.keys().filter_map(|(a, b)| {
            let (a, b) = (*state.keys.get(a)?, *state.keys.get(b)?);
            Some((a.min(b), a.max(b)))
        });
        keys.collect()
    }
}

impl LabelQueries for MemoryCatalogue {
    fn matching_list(
        &self,
        filter: &Filter,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<PictureRecord>, StoreError> {
        Ok(self.newest_first(
            |state, stored| matches(state, stored, filter),
            offset,
            limit,
        ))
    }

    fn matching_page(
        &self,
        filter: &Filter,
        order: Order,
        after: Option<&Position>,
        limit: u64,
    ) -> Result<Vec<PictureRecord>, StoreError> {
        let state = self.state.read();
        let wanted = state
            .pictures
            .values()
            .filter(|one| matches(&state, one, filter));
        let mut placed: Vec<(Position, &PictureRecord)> = wanted
            .map(|one| (order.position(&one.record), &one.record))
            .collect();
        placed.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        if order.descending {
            placed.reverse();
        }
        let is_after = |place: &Position| match after {
            None => true,
            Some(after) if order.descending => place < after,
            Some(after) => place > after,
        };
        let page = placed.into_iter().filter(|(place, _)| is_after(place));
        Ok(page
            .take(count(limit))
            .map(|(_, one)| one.clone())
            .collect())
    }

    fn matching_count(&self, filter: &Filter) -> Result<u64, StoreError> {
        let state = self.state.read();
        let all = state.pictures.values();
        Ok(all.filter(|stored| matches(&state, stored, filter)).count() as u64)
    }

    fn matching_keys_after(
        &self,
        filter: &Filter,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<u64>, StoreError> {
        let state = self.state.read();
        let all = above(&state.pictures, after);
        let matching = all.filter(|(_, stored)| matches(&state, stored, filter));
        Ok(matching.map(|(key, _)| key).take(limit).collect())
    }

    fn media_types(&self) -> Result<Vec<MediaTypeCount>, StoreError> {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for stored in self.state.read().pictures.values() {
            *counts.entry(stored.record.media_type.clone()).or_default() += 1;
        }
        let counts = counts.into_iter();
        Ok(counts
            .map(|(media_type, pictures)| MediaTypeCount {
                media_type,
                pictures,
            })
            .collect())
    }

    fn objects(&self, offset: u64, limit: u64) -> Result<Vec<ObjectCount>, StoreError> {
        let all = self.by_object().into_iter();
        let page = all.skip(count(offset)).take(count(limit));
        Ok(page
            .map(|(id, pictures)| ObjectCount { id, pictures })
            .collect())
    }

    fn objects_after(&self, after: &ObjectId, limit: u64) -> Result<Vec<ObjectCount>, StoreError> {
        let all = self.by_object().into_iter();
        let page = all.filter(|(id, _)| id > after).take(count(limit));
        Ok(page
            .map(|(id, pictures)| ObjectCount { id, pictures })
            .collect())
    }

    fn object_count(&self) -> Result<u64, StoreError> {
        Ok(self.by_object().len() as u64)
    }

    fn memberships_after(
        &self,
        after: Option<&(ObjectId, u64)>,
        limit: usize,
    ) -> Result<Vec<(ObjectId, u64)>, StoreError> {
        let state = self.state.read();
        let records = state.pictures.values().map(|stored| &stored.record);
        let all = records.filter_map(|record| Some((record.labels.object.clone()?, record.key)));
        let mut members: Vec<_> = all
            .filter(|member| after.is_none_or(|a| member > a))
            .collect();
        members.sort_unstable();
        members.truncate(limit);
        Ok(members)
    }
}

impl Pairs for MemoryCatalogue {
    fn put_pairs(&self, pairs: &[PicturePair], checked_up_to: u64) -> Result<(), StoreError> {
        let state = &mut *self.state.write();
        for pair in pairs.iter().filter(|pair| pair.a < pair.b) {
            let ends = [pair.a, pair.b];
            if ends.iter().all(|key| state.pictures.contains_key(key)) {
                state.pairs.insert((pair.a, pair.b), pair.clone());
            }
        }
        state.checked_up_to = state.checked_up_to.max(checked_up_to);
        Ok(())
    }

    fn checked_up_to(&self) -> Result<u64, StoreError> {
        Ok(self.state.read().checked_up_to)
    }

    fn unchecked_count(&self) -> Result<u64, StoreError> {
        let state = self.state.read();
        Ok(above(&state.pictures, Some(state.checked_up_to)).count() as u64)
    }

    fn links_after(
        &self,
        after: Option<(u64, u64)>,
        limit: usize,
    ) -> Result<Vec<PairLink>, StoreError> {
        let state = self.state.read();
        let links = above(&state.pairs, after).map(|((a, b), pair)| PairLink {
            a,
            b,
            kind: pair.kind,
            log10_nfa: pair.log10_nfa,
        });
        Ok(links.take(limit).collect())
    }

    fn pairs(&self, keys: &[(u64, u64)]) -> Result<Vec<Option<PicturePair>>, StoreError> {
        let state = self.state.read();
        Ok(keys
            .iter()
            .map(|keys| state.pairs.get(keys).cloned())
            .collect())
    }

    fn paired_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<PairedPicture>, StoreError> {
        let state = self.state.read();
        let ends: BTreeSet<u64> = state.pairs.keys().flat_map(|(a, b)| [*a, *b]).collect();
        let paired = above(&state.pictures, after).filter_map(|(key, stored)| {
            let record = &stored.record;
            let sources = record.sources.len() as u64;
            (sources > 1 || ends.contains(&key)).then_some(PairedPicture {
                key,
                width: record.width,
                height: record.height,
                byte_len: record.byte_len,
                media_type: record.media_type.clone(),
                pages: record.pages,
                depth: record.depth,
                sources,
                uploaded: record.uploaded,
            })
        });
        Ok(paired.take(limit).collect())
    }
}

impl Decisions for MemoryCatalogue {
    fn add_not_a_match(&self, a: &PictureId, b: &PictureId) -> Result<bool, StoreError> {
        let mut state = self.state.write();
        let ids = ordered(a, b);
        let is_new = a != b && !state.decisions.contains_key(&ids);
        if is_new {
            state.decisions.insert(ids, now_ms());
        }
        Ok(is_new)
    }

    fn drop_not_a_match(&self, a: &PictureId, b: &PictureId) -> Result<bool, StoreError> {
        let dropped = self.state.write().decisions.remove(&ordered(a, b));
        Ok(dropped.is_some())
    }

    fn not_matches(&self, offset: u64, limit: u64) -> Result<Vec<NotAMatch>, StoreError> {
        let mut all = self.decisions();
        // Stable: of equal times, the lower ids first.
        all.sort_by_key(|decision| Reverse(decision.decided_ms));
        Ok(all
            .into_iter()
            .skip(count(offset))
            .take(count(limit))
            .collect())
    }

    fn not_matches_after(
        &self,
        after: &NotAMatch,
        limit: u64,
    ) -> Result<Vec<NotAMatch>, StoreError> {
        let place = |one: &NotAMatch| (Reverse(one.decided_ms), one.a.clone(), one.b.clone());
        let mut all = self.decisions();
        all.retain(|one| place(one) > place(after));
        all.sort_by_key(place);
        all.truncate(count(limit));
        Ok(all)
    }

    fn not_matches_by_id(
        &self,
        after: Option<(&PictureId, &PictureId)>,
        limit: u64,
    ) -> Result<Vec<NotAMatch>, StoreError> {
        let mut all = self.decisions();
        all.retain(|one| after.is_none_or(|after| (&one.a, &one.b) > after));
        all.truncate(count(limit));
        Ok(all)
    }

    fn not_match_count(&self) -> Result<u64, StoreError> {
        Ok(self.state.read().decisions.len() as u64)
    }

    fn not_matches_of_after(
        &self,
        id: &PictureId,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<u64>, StoreError> {
        let state = self.state.read();
        let others = state.decisions.keys().filter_map(|(a, b)| {
            let other = if a == id { b } else { a };
            (a == id || b == id).then_some(other)
        });
        let keys = others.filter_map(|other| state.keys.get(other).copied());
        let keys: BTreeSet<u64> = keys.collect();
        let page = keys
            .into_iter()
            .filter(|key| after.is_none_or(|after| *key > after));
        Ok(page.take(limit).collect())
    }

    fn not_match_keys_after(
        &self,
        after: Option<(u64, u64)>,
        limit: usize,
    ) -> Result<Vec<(u64, u64)>, StoreError> {
        let all = self.decided_keys().into_iter();
        let page = all.filter(|keys| after.is_none_or(|after| *keys > after));
        Ok(page.take(limit).collect())
    }
}

fn ordered(a: &PictureId, b: &PictureId) -> (PictureId, PictureId) {
    (a.min(b).clone(), a.max(b).clone())
}

impl Integrity for MemoryCatalogue {
    fn check_structure(&self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }
}

impl Repairs for MemoryCatalogue {
    fn seal(&self, _keys: &[u64]) -> Result<u64, StoreError> {
        // Memory needs no checksums.
        Ok(0)
    }

    fn unsealed_after(&self, _after: Option<u64>, _limit: usize) -> Result<Vec<u64>, StoreError> {
        Ok(Vec::new())
    }

    fn replace_features(
        &self,
        key: u64,
        feature_count: u32,
        features: &[u8],
        words: &[u8],
    ) -> Result<bool, StoreError> {
        let mut state = self.state.write();
        let picture = state.pictures.get_mut(&key);
        if let Some(stored) = picture {
            stored.record.feature_count = feature_count;
        } else if let Some(view) = state.views.get_mut(&key) {
            view.record.feature_count = feature_count;
        }
        let encoded = state.encoded_mut(key);
        Ok(encoded.is_some_and(|one| {
            one.features = features.to_vec();
            one.words = words.to_vec();
            true
        }))
    }

    fn replace_words(&self, key: u64, words: &[u8]) -> Result<bool, StoreError> {
        let mut state = self.state.write();
        let encoded = state.encoded_mut(key);
        Ok(encoded.is_some_and(|one| {
            one.words = words.to_vec();
            true
        }))
    }

    fn forget_vector(&self, model: &str, key: u64) -> Result<bool, StoreError> {
        let mut state = self.state.write();
        let of_model = state.vectors.get_mut(model);
        Ok(of_model.is_some_and(|vectors| vectors.remove(&key).is_some()))
    }

    fn rebuild_structure(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
