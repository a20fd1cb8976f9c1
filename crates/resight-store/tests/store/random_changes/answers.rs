//! Everything that a catalogue answers, in a form in which two can be compared.

use resight_store::conformance::fixtures::{id, tags};
use resight_store::{
    Catalogue, Effect, Filter, ObjectId, PairLink, PairedPicture, PictureId, PictureRecord,
    SourceFile,
};

use super::{KEYS, MODELS, NUMBERS, OBJECTS, TAGS};

/// A catalogue, and the keys that it has assigned, in their order. Two catalogues may leave out different keys,
/// so pictures are named by their place in this order, from 1 on.
pub(super) struct Subject<'a> {
    pub(super) catalogue: &'a dyn Catalogue,
    pub(super) keys: Vec<u64>,
    /// Whether a picture was retaken. The newest picture then need not have the highest key, and which one that is of
    /// several added in one millisecond differs between two catalogues.
    pub(super) has_retaken: bool,
}

impl Subject<'_> {
    /// The key of a place; of a place without a picture, one that is never assigned.
    pub(super) fn key(&self, place: u64) -> u64 {
        let known = (place as usize)
            .checked_sub(1)
            .and_then(|at| self.keys.get(at));
        known.copied().unwrap_or(1_000_000 + place)
    }

    /// A view has the place of its picture plus a thousand for each view up to it.
    fn place(&self, key: u64) -> u64 {
        let at = self.keys.iter().position(|known| *known == key);
        if let Some(at) = at {
            return at as u64 + 1;
        }
        let view = self.catalogue.views(&[key]).unwrap().remove(0);
        view.map_or(0, |view| {
            1000 * (key - view.picture) + self.place(view.picture)
        })
    }

    /// The same bytes for the views of each picture, by which they differ.
    pub(super) fn with_views(&self, keyed: Vec<(u64, Vec<u8>)>) -> Vec<(u64, Vec<u8>)> {
        let mut all = Vec::new();
        for (key, bytes) in keyed {
            let views = self.catalogue.views_of(key).unwrap();
            all.push((key, bytes.clone()));
            all.extend(views.into_iter().map(|view| {
                let page = [bytes.clone(), view.number.to_le_bytes().to_vec()];
                (view.key, page.concat())
            }));
        }
        all
    }

    fn places(&self, keys: &[u64]) -> Vec<u64> {
        keys.iter().map(|key| self.place(*key)).collect()
    }

    pub(super) fn keyed(&self, bytes: &[(u64, Vec<u8>)]) -> Vec<(u64, Vec<u8>)> {
        let keyed = bytes
            .iter()
            .map(|(place, bytes)| (self.key(*place), bytes.clone()));
        keyed.collect()
    }

    /// A part of a list that is newest first; all of it, by place, where the order may differ.
    fn part(
        &self,
        (offset, limit): (u64, u64),
        read: impl Fn(u64, u64) -> Vec<PictureRecord>,
    ) -> Vec<PictureRecord> {
        let (offset, limit) = match self.has_retaken {
            true => (0, 99),
            false => (offset, limit),
        };
        let listed = read(offset, limit).into_iter();
        let mut listed: Vec<_> = listed.map(|one| self.timeless(one)).collect();
        if self.has_retaken {
            listed.sort_by_key(|record| record.key);
        }
        listed
    }

    pub(super) fn effect(&mut self, effect: Effect) -> Effect {
        self.has_retaken |= matches!(effect, Effect::Retaken { .. });
        if let Effect::Added { key, .. } | Effect::Retaken { key, .. } = &effect {
            assert!(self.keys.last() < Some(key), "keys ascend");
            self.keys.push(*key);
        }
        let gone = |gone: Option<(u64, PictureId)>| gone.map(|(key, id)| (self.place(key), id));
        match effect {
            Effect::Added { key, replaced } => Effect::Added {
                key: self.place(key),
                replaced: gone(replaced),
            },
            Effect::AlreadyThere { key, replaced } => Effect::AlreadyThere {
                key: self.place(key),
                replaced: gone(replaced),
            },
            Effect::Retaken {
                key,
                before,
                replaced,
            } => Effect::Retaken {
                key: self.place(key),
                before: self.place(before),
                replaced: gone(replaced),
            },
            Effect::Removed { key, id } => Effect::Removed {
                key: self.place(key),
                id,
            },
            Effect::SourceDropped { removed } => Effect::SourceDropped {
                removed: gone(removed),
            },
            Effect::Refused { removed } => Effect::Refused {
                removed: gone(removed),
            },
            other => other,
        }
    }

    /// The record without the time, which each catalogue takes from the clock.
    fn timeless(&self, mut record: PictureRecord) -> PictureRecord {
        record.added_ms = 0;
        record.key = self.place(record.key);
        record
    }
}

/// All keys of a listing that is read in small pages.
fn paged<T, C>(cursor: impl Fn(&T) -> C, page: impl FnMut(Option<C>, usize) -> Vec<T>) -> Vec<T> {
    let mut page = page;
    let read = resight_store::pages(3, cursor, |after, limit| Ok::<_, ()>(page(after, limit)));
    read.flat_map(Result::unwrap).collect()
}

fn filters() -> Vec<Filter> {
    let mut filters = vec![Filter::default()];
    for tag in TAGS {
        filters.push(Filter {
            tags: tags(&[tag]),
            ..Filter::default()
        });
        filters.push(Filter {
            not_tags: tags(&[tag]),
            ..Filter::default()
        });
    }
    filters.push(Filter {
        tags: tags(&["a"]),
        not_tags: tags(&["b"]),
        ..Filter::default()
    });
    for object in OBJECTS {
        let object = ObjectId::parse(object);
        filters.push(Filter {
            object,
            ..Filter::default()
        });
    }
    for (name, value) in (0..3).flat_map(|name| (0..3).map(move |value| (name, value))) {
        filters.push(Filter {
            entries: vec![(format!("k{name}"), format!("{value}"))],
            ..Filter::default()
        });
    }
    filters.push(Filter {
        features_below: Some(10),
        ..Filter::default()
    });
    filters
}

/// Everything that a catalogue answers, as lines.
pub(super) fn everything(subject: &Subject<'_>) -> Vec<String> {
    let c = subject.catalogue;
    let at = |key: u64| subject.place(key);
    let keys: Vec<u64> = (0..KEYS + 2).map(|place| subject.key(place)).collect();
    let mut lines = vec![
        format!("count {}", c.count().unwrap()),
        format!("bytes {:?}", c.stored_bytes().unwrap()),
        format!("removed {:?}", c.removed_pictures(99).unwrap()),
        format!("words {:?}", c.words(&keys).unwrap()),
        format!("features {:?}", c.features(&keys).unwrap()),
        format!("paths {:?}", c.source_paths(&keys).unwrap()),
        format!("objects {:?}", c.objects(0, 99).unwrap()),
        format!("object count {}", c.object_count().unwrap()),
        format!("checked {}", at(c.checked_up_to().unwrap())),
        format!("unchecked {}", c.unchecked_count().unwrap()),
        format!("refused {}", c.refusal_count().unwrap()),
        format!("last staged {:?}", c.staged_last().unwrap().map(at)),
        format!("vectors {:?}", c.vector_counts().unwrap()),
        format!("decisions {}", c.not_match_count().unwrap()),
        format!(
            "setting {:?} {:?}",
            c.setting("s0").unwrap(),
            c.setting("used").unwrap()
        ),
    ];
    let pictures = c.pictures(&keys).unwrap().into_iter();
    lines.extend(pictures.map(|one| format!("{:?}", one.map(|one| subject.timeless(one)))));
    let listed = subject.part((1, 4), |offset, limit| c.list(offset, limit).unwrap());
    lines.push(format!("list {listed:?}"));
    lines.extend(listings(subject));
    lines.extend(views(subject));
    lines.extend(matches(subject));
    for model in MODELS {
        let with = paged(
            |k: &u64| *k,
            |a, n| c.vector_keys_after(model, a, n).unwrap(),
        );
        let without = paged(
            |k: &u64| *k,
            |a, n| c.without_vector_after(model, a, n).unwrap(),
        );
        let (with, without) = (subject.places(&with), subject.places(&without));
        lines.push(format!(
            "{model}: {with:?} {without:?} {:?}",
            c.vectors(model, &keys).unwrap()
        ));
    }
    lines
}

/// What is read in pages.
fn listings(subject: &Subject<'_>) -> Vec<String> {
    let c = subject.catalogue;
    let at = |key: u64| subject.place(key);
    let all = paged(|k: &(u64, u32)| k.0, |a, n| c.keys_after(a, n).unwrap());
    let all: Vec<_> = all
        .into_iter()
        .map(|(key, features)| (at(key), features))
        .collect();
    let staged = paged(
        |k: &(u64, Vec<u8>)| k.0,
        |a, n| c.staged_after(a, n).unwrap(),
    );
    let staged: Vec<_> = staged
        .into_iter()
        .map(|(key, words)| (at(key), words))
        .collect();
    let links = paged(
        |l: &PairLink| (l.a, l.b),
        |a, n| c.links_after(a, n).unwrap(),
    );
    let links: Vec<_> = links.iter().map(|l| (at(l.a), at(l.b), l.kind)).collect();
    let paired = paged(
        |p: &PairedPicture| p.key,
        |a, n| c.paired_after(a, n).unwrap(),
    );
    let paired: Vec<_> = paired
        .iter()
        .map(|p| (at(p.key), p.sources, p.uploaded))
        .collect();
    let apart = paged(
        |k: &(u64, u64)| *k,
        |a, n| c.not_match_keys_after(a, n).unwrap(),
    );
    let apart: Vec<_> = apart.iter().map(|(a, b)| (at(*a), at(*b))).collect();
    let members = paged(
        |m: &(ObjectId, u64)| m.clone(),
        |a, n| c.memberships_after(a.as_ref(), n).unwrap(),
    );
    let members: Vec<_> = members
        .into_iter()
        .map(|(object, key)| (object, at(key)))
        .collect();
    let mut lines = vec![
        format!("keys {all:?}"),
        format!("staged {staged:?}"),
        format!("links {links:?}"),
        format!("paired {paired:?}"),
        format!("apart {apart:?}"),
        format!("members {members:?}"),
    ];
    for prefix in ["", "/d/", "/d/e", "/d/ä"] {
        let sources = paged(
            |s: &(SourceFile, PictureId)| s.0.path.clone(),
            |a: Option<String>, n| c.sources_under(prefix, a.as_deref(), n).unwrap(),
        );
        let refusals = c.refusals_under(prefix, None, 99).unwrap();
        lines.push(format!("under {prefix}: {sources:?} {refusals:?}"));
    }
    for number in 0..NUMBERS {
        let page = |a, n| c.not_matches_of_after(&id(number), a, n).unwrap();
        let others = subject.places(&paged(|k: &u64| *k, page));
        lines.push(format!("not {number}: {others:?}"));
    }
    lines
}

/// The views, and what is stored of pictures and views.
fn views(subject: &Subject<'_>) -> Vec<String> {
    let c = subject.catalogue;
    let at = |key: u64| subject.place(key);
    let known = paged(
        |k: &(u64, u64)| k.0,
        |a, n| c.view_keys_after(a, n).unwrap(),
    );
    let keys: Vec<u64> = known.iter().map(|(key, _)| *key).collect();
    let mut lines = vec![format!("views {}", c.view_count().unwrap())];
    let records = c.views(&keys).unwrap();
    for ((key, picture), view) in known.into_iter().zip(records) {
        let mut view = view.unwrap();
        assert_eq!((view.key, view.picture), (key, picture));
        assert!(c.views_of(picture).unwrap().contains(&view));
        (view.key, view.picture) = (at(key), at(picture));
        let read = [c.features(&[key]).unwrap(), c.words(&[key]).unwrap()];
        lines.push(format!("{view:?} {read:?}"));
    }
    let described = paged(
        |k: &(u64, u32)| k.0,
        |a, n| c.described_after(a, n).unwrap(),
    );
    let described: Vec<_> = described.iter().map(|(key, n)| (at(*key), n)).collect();
    lines.push(format!("described {described:?}"));
    let words = paged(
        |k: &(u64, Vec<u8>)| k.0,
        |a, n| c.words_after(a, n).unwrap(),
    );
    let words: Vec<_> = words
        .into_iter()
        .map(|(key, words)| (at(key), words))
        .collect();
    lines.push(format!("all words {words:?}"));
    let all = paged(
        |k: &(u64, Vec<u8>)| k.0,
        |a, n| c.features_after(a, n).unwrap(),
    );
    let all: Vec<_> = all.into_iter().map(|(key, all)| (at(key), all)).collect();
    lines.push(format!("all features {all:?}"));
    lines
}

fn matches(subject: &Subject<'_>) -> Vec<String> {
    let c = subject.catalogue;
    let lines = filters().into_iter().map(|filter| {
        let matching = paged(
            |k: &u64| *k,
            |a, n| c.matching_keys_after(&filter, a, n).unwrap(),
        );
        let count = c.matching_count(&filter).unwrap();
        let read = |offset, limit| c.matching_list(&filter, offset, limit).unwrap();
        let list = subject.part((1, 2), read);
        let list: Vec<u64> = list.iter().map(|record| record.key).collect();
        format!(
            "{filter:?}: {:?} {count} {list:?}",
            subject.places(&matching)
        )
    });
    lines.collect()
}
