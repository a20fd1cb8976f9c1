//! Changes of a running server, and what they do to the oracle.

use std::net::SocketAddr;

use resight_test_support::Random;
use serde_json::json;

use crate::harness::Result;
use crate::harness::check::{NUMBERS, base, id_of};
use crate::harness::http::{Answer, request};
use crate::harness::oracle::{DEFAULT, Labels, Oracle};
use crate::harness::pictures::sample;

/// Pictures below this number are uploaded; the others lie in folders.
pub(crate) const UPLOADED: u64 = NUMBERS / 2;

/// A change of what a server stores.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Add {
        collection: String,
        number: u64,
        tag: Option<String>,
    },
    Remove {
        collection: String,
        number: u64,
    },
    Label {
        collection: String,
        number: u64,
        labels: Labels,
    },
    Create {
        collection: String,
    },
    Drop {
        collection: String,
    },
    /// Changes nothing; other work beside changes.
    Search {
        collection: String,
        number: u64,
    },
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was acknowledged.
    Done,
    /// It was refused with this status and code, or nothing came: it may have happened.
    Unknown(String),
}

impl Change {
    /// Short, for figures.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Add { .. } => "add",
            Self::Remove { .. } => "remove",
            Self::Label { .. } => "label",
            Self::Create { .. } => "create",
            Self::Drop { .. } => "drop",
            Self::Search { .. } => "search",
        }
    }

    /// Whether its collection is gone by a removal that had no answer; then notes that.
    fn finds_collection_gone(&self, oracle: &mut Oracle, answer: &std::io::Result<Answer>) -> bool {
        let is_unknown = answer
            .as_ref()
            .is_ok_and(|a| a.code() == "unknown_collection");
        let Some(name) = self.collection().filter(|_| is_unknown) else {
            return false;
        };
        let may_be_gone = oracle
            .collections
            .get(name)
            .is_some_and(|one| one.may_be_gone);
        if may_be_gone {
            oracle.collections.remove(name);
        }
        may_be_gone
    }

    /// The collection that it needs.
    fn collection(&self) -> Option<&String> {
        match self {
            Self::Add { collection, .. }
            | Self::Remove { collection, .. }
            | Self::Label { collection, .. }
            | Self::Drop { collection }
            | Self::Search { collection, .. } => Some(collection),
            Self::Create { .. } => None,
        }
    }

    /// A change that makes sense in the oracle's state.
    pub(crate) fn random(random: &mut Random, oracle: &Oracle) -> Self {
        let names: Vec<&String> = oracle.collections.keys().collect();
        let collection = names[random.below(names.len())].clone();
        let pictures = &oracle.collections[&collection].pictures;
        let number = random.below(UPLOADED as usize) as u64;
        let is_absent = pictures.get(&number).is_none_or(|one| one.is_absent());
        match random.below(20) {
            0 => Self::Create {
                collection: format!("c{}", random.below(3)),
            },
            1 if collection != DEFAULT => Self::Drop { collection },
            2 | 3 => Self::Search { collection, number },
            _ if is_absent => {
                let tag = (random.below(2) == 0).then(|| format!("t{}", random.below(5)));
                Self::Add {
                    collection,
                    number,
                    tag,
                }
            }
            4..=9 => Self::Remove { collection, number },
            _ => Self::Label {
                collection,
                number,
                labels: labels(random),
            },
        }
    }

    /// Makes it, and notes in the oracle what is known of it then.
    pub(crate) fn make(&self, address: SocketAddr, oracle: &mut Oracle) -> Result<Outcome> {
        let answer = self.send(address);
        self.note(oracle, answer)
    }

    fn send(&self, address: SocketAddr) -> std::io::Result<Answer> {
        let send = |method: &str, path: String, kind: &str, body: &[u8]| {
            request(address, method, &path, kind, body)
        };
        match self {
            Self::Add {
                collection,
                number,
                tag,
            } => {
                let tag = tag
                    .as_ref()
                    .map(|tag| format!("&tag={tag}"))
                    .unwrap_or_default();
                let path = format!("{}/images?name=p{number}.png{tag}", base(collection));
                send("POST", path, "image/png", &sample(*number).file)
            }
            Self::Remove { collection, number } => {
                send("DELETE", one(collection, *number), "text/plain", b"")
            }
            Self::Label {
                collection,
                number,
                labels,
            } => {
                let body = labels.to_json().to_string();
                send(
                    "PATCH",
                    one(collection, *number),
                    "application/json",
                    body.as_bytes(),
                )
            }
            Self::Create { collection } => send(
                "PUT",
                format!("/v1/collections/{collection}"),
                "text/plain",
                b"",
            ),
            Self::Drop { collection } => send(
                "DELETE",
                format!("/v1/collections/{collection}"),
                "text/plain",
                b"",
            ),
            Self::Search { collection, number } => {
                let path = format!("{}/search?limit=3", base(collection));
                send("POST", path, "image/png", &sample(*number).query)
            }
        }
    }

    fn note(&self, oracle: &mut Oracle, answer: std::io::Result<Answer>) -> Result<Outcome> {
        if self.finds_collection_gone(oracle, &answer) {
            return Ok(Outcome::Done);
        }
        let done = match &answer {
            Ok(answer) if answer.is_success() => true,
            // What is to be removed or labelled was gone.
            Ok(answer) if answer.status == 404 => match self {
                Self::Remove { .. } | Self::Label { .. } => return self.note_absent(oracle),
                _ => return Err(format!("{self:?}: {}", told(answer)).into()),
            },
            Ok(answer) if answer.status < 500 => {
                return Err(format!("{self:?}: {}", told(answer)).into());
            }
            _ => false,
        };
        match self {
            Self::Add {
                collection,
                number,
                tag,
            } => {
                let labels = Labels {
                    tags: tag.iter().cloned().collect(),
                    ..Labels::default()
                };
                let possible = oracle.of(collection).of(*number);
                possible.note(Some(labels), done);
                if !done {
                    // Its file is stored and its record is not: it is added again without labels.
                    possible.may_be(Some(Labels::default()));
                }
            }
            Self::Remove { collection, number } => {
                oracle.of(collection).of(*number).note(None, done);
            }
            Self::Label {
                collection,
                number,
                labels,
            } => {
                let possible = oracle.of(collection).of(*number);
                possible.note(Some(labels.clone()), done);
            }
            Self::Create { collection } => {
                let is_new = !oracle.collections.contains_key(collection);
                let made = oracle.of(collection);
                made.may_be_gone = !done && (is_new || made.may_be_gone);
            }
            Self::Drop { collection } if done => {
                oracle.collections.remove(collection);
            }
            Self::Drop { collection } => oracle.of(collection).may_be_gone = true,
            Self::Search { .. } => {}
        }
        Ok(match answer {
            Ok(_) if done => Outcome::Done,
            Ok(answer) => Outcome::Unknown(told(&answer)),
            Err(error) => Outcome::Unknown(error.to_string()),
        })
    }

    /// The picture does not exist: right only if that is possible.
    fn note_absent(&self, oracle: &mut Oracle) -> Result<Outcome> {
        let (Self::Remove { collection, number }
        | Self::Label {
            collection, number, ..
        }) = self
        else {
            return Ok(Outcome::Done);
        };
        let possible = oracle.of(collection).of(*number);
        if !possible.allows(&None) {
            return Err(format!("{self:?}: the picture is gone").into());
        }
        possible.set(None);
        Ok(Outcome::Done)
    }
}

fn told(answer: &Answer) -> String {
    format!("{} {}", answer.status, answer.code())
}

fn one(collection: &str, number: u64) -> String {
    format!(
        "{}/images/{}",
        base(collection),
        id_of(&sample(number).file)
    )
}

/// Labels of all kinds, some of them absent.
fn labels(random: &mut Random) -> Labels {
    let tags = (0..random.below(4)).map(|_| format!("t{}", random.below(8)));
    Labels {
        tags: tags.collect(),
        object: (random.below(2) == 0).then(|| format!("o{}", random.below(4))),
        metadata: (random.below(2) == 0)
            .then(|| json!({ "number": random.below(100) }).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16) -> std::io::Result<Answer> {
        Ok(Answer {
            status,
            body: Vec::new(),
        })
    }

    fn lost() -> std::io::Result<Answer> {
        Err(std::io::Error::other("lost"))
    }

    #[test]
    fn an_acknowledged_change_is_certain_and_another_is_not() {
        let mut oracle = Oracle::new();
        let add = Change::Add {
            collection: DEFAULT.into(),
            number: 1,
            tag: Some("a".into()),
        };
        add.note(&mut oracle, lost()).unwrap();
        assert!(oracle.of(DEFAULT).of(1).allows(&None) && !oracle.of(DEFAULT).of(1).is_absent());
        add.note(&mut oracle, answer(201)).unwrap();
        assert!(!oracle.of(DEFAULT).of(1).allows(&None));
        let remove = Change::Remove {
            collection: DEFAULT.into(),
            number: 1,
        };
        assert!(
            remove.note(&mut oracle, answer(404)).is_err(),
            "it was acknowledged"
        );
        remove.note(&mut oracle, answer(500)).unwrap();
        remove.note(&mut oracle, answer(404)).unwrap();
        assert!(oracle.of(DEFAULT).of(1).is_absent());
        assert!(
            add.note(&mut oracle, answer(422)).is_err(),
            "nothing is wrong with it"
        );
    }

    #[test]
    fn a_collection_without_an_answer_may_be_gone() {
        let mut oracle = Oracle::new();
        let name = || "c1".to_owned();
        let create = Change::Create { collection: name() };
        create.note(&mut oracle, lost()).unwrap();
        assert!(oracle.of("c1").may_be_gone);
        create.note(&mut oracle, answer(200)).unwrap();
        assert!(!oracle.of("c1").may_be_gone);
        create.note(&mut oracle, lost()).unwrap();
        assert!(
            !oracle.of("c1").may_be_gone,
            "it exists whatever becomes of this"
        );
        let drop = Change::Drop { collection: name() };
        drop.note(&mut oracle, lost()).unwrap();
        assert!(oracle.of("c1").may_be_gone);
        drop.note(&mut oracle, answer(204)).unwrap();
        assert!(!oracle.collections.contains_key("c1"));
        let gone = || {
            let body = b"{\"code\":\"unknown_collection\"}".to_vec();
            Ok(Answer { status: 404, body })
        };
        create.note(&mut oracle, answer(201)).unwrap();
        assert!(
            drop.note(&mut oracle, gone()).is_err(),
            "it was acknowledged"
        );
        drop.note(&mut oracle, lost()).unwrap();
        drop.note(&mut oracle, gone()).unwrap();
        assert!(!oracle.collections.contains_key("c1"));
    }

    #[test]
    fn a_seed_gives_one_sequence() {
        let sequence = |seed| {
            let mut random = Random::new(seed);
            let oracle = Oracle::new();
            let changes = (0..30).map(|_| format!("{:?}", Change::random(&mut random, &oracle)));
            changes.collect::<Vec<_>>()
        };
        assert_eq!(sequence(1), sequence(1));
        assert_ne!(sequence(1), sequence(2));
    }
}
