//! Pictures that lose and gain files in different batches of one run.

use super::fixtures::{
    Make, added, drop_source, file, found, id, one, refusal, tagged, tags, upload,
};
use crate::{Catalogue, Change, Effect, PictureId};

const FOLDER: &str = "/p/";

fn add_source(number: u64, path: &str) -> Change {
    Change::AddSource {
        id: id(number),
        source: file(path),
    }
}

fn part(catalogue: &dyn Catalogue, change: Change) -> Effect {
    let mut effects = catalogue.commit_part(FOLDER, vec![change]).unwrap();
    assert_eq!(effects.len(), 1);
    effects.remove(0)
}

fn settled(catalogue: &dyn Catalogue) -> Vec<(u64, PictureId)> {
    catalogue.settle_orphans(FOLDER, 99).unwrap()
}

fn has_tags(catalogue: &dyn Catalogue, number: u64, names: &[&str]) {
    let record = catalogue.picture(&id(number)).unwrap().unwrap();
    assert_eq!(record.labels.tags, tags(names), "picture {number}");
}

pub(super) fn a_picture_that_finds_another_file_in_a_later_batch_keeps_all_it_has(make: Make<'_>) {
    let takers = [
        found(2, "/p/a"),
        drop_source("/p/a"),
        Change::Refuse(refusal("/p/a", "broken")),
    ];
    for taker in takers {
        let catalogue = &*make();
        let key = added(catalogue, found(1, "/p/a"));
        one(catalogue, tagged(1, &["kept"]));
        let effect = part(catalogue, taker);
        assert!(
            matches!(
                effect,
                Effect::Added { replaced: None, .. }
                    | Effect::SourceDropped { removed: None }
                    | Effect::Refused { removed: None }
            ),
            "{effect:?}"
        );
        let there = Effect::AlreadyThere {
            key,
            replaced: None,
        };
        assert_eq!(part(catalogue, add_source(1, "/p/b")), there);
        assert_eq!(settled(catalogue), []);
        has_tags(catalogue, 1, &["kept"]);
        if catalogue.picture(&id(2)).unwrap().is_some() {
            has_tags(catalogue, 2, &[]);
        }
        assert_eq!(catalogue.removed_pictures(9).unwrap(), []);
    }
}

pub(super) fn an_orphan_goes_when_its_folder_is_settled_and_its_heir_inherits(make: Make<'_>) {
    let catalogue = &*make();
    let key = added(catalogue, found(1, "/p/a"));
    one(catalogue, tagged(1, &["kept"]));
    part(catalogue, found(2, "/p/a"));
    has_tags(catalogue, 1, &["kept"]);
    has_tags(catalogue, 2, &[]);
    for elsewhere in ["/p/deeper/", "/q/"] {
        assert_eq!(catalogue.settle_orphans(elsewhere, 9).unwrap(), []);
    }
    // A folder around it has all files of it.
    assert_eq!(catalogue.settle_orphans("/", 9).unwrap(), [(key, id(1))]);
    assert_eq!(catalogue.picture(&id(1)).unwrap(), None);
    has_tags(catalogue, 2, &["kept"]);
    assert_eq!(catalogue.removed_pictures(9).unwrap(), [id(1)]);
    assert_eq!(settled(catalogue), []);
}

pub(super) fn labels_pass_through_every_picture_that_a_path_had(make: Make<'_>) {
    let catalogue = &*make();
    let first = added(catalogue, found(1, "/p/a"));
    one(catalogue, tagged(1, &["kept"]));
    let Effect::Added { key: second, .. } = part(catalogue, found(2, "/p/a")) else {
        panic!("not new");
    };
    part(catalogue, found(3, "/p/a"));
    let page = || catalogue.settle_orphans(FOLDER, 1).unwrap();
    assert_eq!(page(), [(first, id(1))]);
    assert_eq!(page(), [(second, id(2))]);
    assert_eq!(page(), []);
    has_tags(catalogue, 3, &["kept"]);
}

pub(super) fn an_orphan_that_was_claimed_meanwhile_stays(make: Make<'_>) {
    let forget = Change::ForgetSource {
        path: "/q/b".into(),
    };
    for claims in [vec![upload(1)], vec![add_source(1, "/q/b"), forget]] {
        let catalogue = &*make();
        added(catalogue, found(1, "/p/a"));
        part(catalogue, drop_source("/p/a"));
        catalogue.commit(claims).unwrap();
        assert_eq!(settled(catalogue), []);
        assert!(catalogue.picture(&id(1)).unwrap().is_some());
    }
}

pub(super) fn the_heir_may_be_gone_by_the_end_of_its_batch(make: Make<'_>) {
    let batch = || vec![found(2, "/p/a"), Change::Remove(id(2))];
    let labelled = || {
        let catalogue = make();
        let key = added(&*catalogue, found(1, "/p/a"));
        one(&*catalogue, tagged(1, &["kept"]));
        (catalogue, key)
    };

    let (catalogue, _) = labelled();
    catalogue.commit(batch()).unwrap();
    assert_eq!(catalogue.count().unwrap(), 0);

    let (catalogue, key) = labelled();
    catalogue.commit_part(FOLDER, batch()).unwrap();
    has_tags(&*catalogue, 1, &["kept"]);
    assert_eq!(settled(&*catalogue), [(key, id(1))]);
    assert_eq!(catalogue.count().unwrap(), 0);
}

pub(super) fn the_heir_may_be_gone(make: Make<'_>) {
    let catalogue = &*make();
    let key = added(catalogue, found(1, "/p/a"));
    part(catalogue, found(2, "/p/a"));
    one(catalogue, Change::Remove(id(2)));
    assert_eq!(settled(catalogue), [(key, id(1))]);
    assert_eq!(catalogue.count().unwrap(), 0);
}
