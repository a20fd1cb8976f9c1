//! What must be stored: the acknowledged changes applied to plain collections, and for a change without an
//! answer both outcomes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// Labels of a picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Labels {
    pub(crate) tags: BTreeSet<String>,
    pub(crate) object: Option<String>,
    pub(crate) metadata: Option<String>,
}

impl Labels {
    /// Those in the JSON of a stored picture.
    pub(crate) fn of(picture: &Value) -> Self {
        let tags = picture["tags"].as_array().into_iter().flatten();
        let metadata = &picture["metadata"];
        Self {
            tags: tags
                .filter_map(|tag| Some(tag.as_str()?.to_owned()))
                .collect(),
            object: picture["object"].as_str().map(str::to_owned),
            metadata: (!metadata.is_null()).then(|| metadata.to_string()),
        }
    }

    /// The body of a request that sets exactly these.
    pub(crate) fn to_json(&self) -> Value {
        let metadata = self.metadata.as_ref().map(|text| {
            serde_json::from_str::<Value>(text).unwrap_or_else(|_| json!({ "broken": text }))
        });
        json!({ "tags": self.tags, "object": self.object, "metadata": metadata })
    }
}

/// One possible state of a picture: absent, or stored with these labels.
pub(crate) type State = Option<Labels>;

/// The possible states of one picture. More than one while a change of it had no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Possible(Vec<State>);

impl Possible {
    pub(crate) fn only(state: State) -> Self {
        Self(vec![state])
    }

    /// The change was acknowledged.
    pub(crate) fn set(&mut self, state: State) {
        self.0 = vec![state];
    }

    /// The change had no answer: it may have happened.
    pub(crate) fn may_be(&mut self, state: State) {
        if !self.0.contains(&state) {
            self.0.push(state);
        }
    }

    /// The change was acknowledged, or had no answer.
    pub(crate) fn note(&mut self, state: State, is_done: bool) {
        match is_done {
            true => self.set(state),
            false => self.may_be(state),
        }
    }

    pub(crate) fn allows(&self, found: &State) -> bool {
        self.0.contains(found)
    }

    /// Whether it is absent in every possible state.
    pub(crate) fn is_absent(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}

/// The pictures of one collection, by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Collection {
    /// Whether a removal or a creation had no answer.
    pub(crate) may_be_gone: bool,
    pub(crate) pictures: BTreeMap<u64, Possible>,
}

impl Collection {
    pub(crate) fn of(&mut self, number: u64) -> &mut Possible {
        let entry = self.pictures.entry(number);
        entry.or_insert_with(|| Possible::only(None))
    }
}

/// All collections, by name.
#[derive(Clone, Debug)]
pub(crate) struct Oracle {
    pub(crate) collections: BTreeMap<String, Collection>,
}

/// The collection that always exists.
pub(crate) const DEFAULT: &str = "default";

impl Oracle {
    pub(crate) fn new() -> Self {
        Self {
            collections: BTreeMap::from([(DEFAULT.to_owned(), Collection::default())]),
        }
    }

    pub(crate) fn of(&mut self, collection: &str) -> &mut Collection {
        self.collections.entry(collection.to_owned()).or_default()
    }

    /// A sentence on what is wrong with the collections that were found; then takes them as they are.
    pub(crate) fn settle_collections(&mut self, found: &BTreeSet<String>) -> Result<(), String> {
        for name in found {
            if !self.collections.contains_key(name) {
                return Err(format!(
                    "the collection {name} exists and was removed or never made"
                ));
            }
        }
        for (name, collection) in &self.collections {
            if !found.contains(name) && !collection.may_be_gone {
                return Err(format!("the collection {name} is lost"));
            }
        }
        self.collections.retain(|name, _| found.contains(name));
        for collection in self.collections.values_mut() {
            collection.may_be_gone = false;
        }
        Ok(())
    }
}

impl Collection {
    /// A sentence on what is wrong with the pictures that were found, by number; then takes them as they are.
    pub(crate) fn settle(&mut self, found: &BTreeMap<u64, Labels>) -> Result<(), String> {
        for number in found.keys() {
            if !self.pictures.contains_key(number) {
                return Err(format!("picture {number} is stored and was never added"));
            }
        }
        for (number, possible) in &mut self.pictures {
            let found = found.get(number).cloned();
            if !possible.allows(&found) {
                return Err(format!(
                    "picture {number} is {found:?}; possible are {:?}",
                    possible.0
                ));
            }
            possible.set(found);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(tag: &str) -> Labels {
        Labels {
            tags: [tag.to_owned()].into(),
            ..Labels::default()
        }
    }

    #[test]
    fn an_acknowledged_change_must_be_there() {
        let mut collection = Collection::default();
        collection.of(1).set(Some(tagged("a")));
        collection.of(2).set(None);
        let settle = |found: &[(u64, Labels)]| {
            let found = found.iter().cloned().collect();
            collection.clone().settle(&found)
        };
        assert!(settle(&[(1, tagged("a"))]).is_ok());
        assert!(settle(&[]).is_err(), "lost");
        assert!(settle(&[(1, tagged("b"))]).is_err(), "other labels");
        assert!(
            settle(&[(1, tagged("a")), (2, tagged("a"))]).is_err(),
            "removed"
        );
        assert!(
            settle(&[(1, tagged("a")), (3, tagged("a"))]).is_err(),
            "unknown"
        );
    }

    #[test]
    fn a_change_without_an_answer_may_or_may_not_be_there_and_is_settled_then() {
        let mut collection = Collection::default();
        collection.of(1).may_be(Some(tagged("a")));
        let with: BTreeMap<_, _> = [(1, tagged("a"))].into();
        assert!(collection.clone().settle(&BTreeMap::new()).is_ok());
        assert!(collection.settle(&with).is_ok());
        assert!(collection.settle(&BTreeMap::new()).is_err(), "seen before");
    }

    #[test]
    fn collections_are_lost_and_come_back_only_without_an_answer() {
        let mut oracle = Oracle::new();
        oracle.of("a");
        let both: BTreeSet<String> = [DEFAULT.to_owned(), "a".to_owned()].into();
        let one: BTreeSet<String> = [DEFAULT.to_owned()].into();
        assert!(oracle.clone().settle_collections(&both).is_ok());
        assert!(oracle.clone().settle_collections(&one).is_err());
        oracle.of("a").may_be_gone = true;
        assert!(oracle.settle_collections(&one).is_ok());
        assert!(oracle.settle_collections(&both).is_err(), "it was gone");
    }

    #[test]
    fn labels_are_those_of_the_json() {
        let picture = json!({"tags": ["b", "a"], "object": null, "metadata": {"k": 1}});
        let labels = Labels::of(&picture);
        assert_eq!(labels.tags.len(), 2);
        assert_eq!(labels.metadata.as_deref(), Some("{\"k\":1}"));
        assert_eq!(Labels::of(&labels.to_json()), labels);
    }
}
