//! Sources and refusals under a prefix.

use super::fixtures::{Make, added, file, found, id, refusal, upload};
use crate::{Catalogue, Change};

const PATHS: [&str; 9] = [
    "/p/100%/a",
    "/p/100%/b",
    "/p/1000/a",
    "/p/A_b/x",
    "/p/A_b/y",
    "/p/Acb/x",
    "/p/a_b/x",
    "/p/\u{e9}t\u{e9}/x",
    "/q",
];

fn filled(make: Make<'_>) -> Box<dyn Catalogue> {
    let catalogue = make();
    let sources = (1..).zip(PATHS).map(|(number, path)| found(number, path));
    catalogue.commit(sources.collect()).unwrap();
    // One path holds one of both, so the refusals get paths of their own.
    let refused = PATHS.map(|path| Change::Refuse(refusal(&format!("/r{path}"), "broken")));
    catalogue.commit(refused.to_vec()).unwrap();
    catalogue
}

fn check(
    catalogue: &dyn Catalogue,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
    expected: &[&str],
) {
    let sources = catalogue.sources_under(prefix, after, limit).unwrap();
    let sources: Vec<_> = sources.into_iter().map(|(file, _)| file.path).collect();
    assert_eq!(
        sources, expected,
        "sources under {prefix:?} after {after:?}"
    );

    let after = after.map(|after| format!("/r{after}"));
    let refusals = catalogue
        .refusals_under(&format!("/r{prefix}"), after.as_deref(), limit)
        .unwrap();
    let refusals: Vec<_> = refusals.into_iter().map(|one| one.source.path).collect();
    let expected: Vec<_> = expected.iter().map(|path| format!("/r{path}")).collect();
    assert_eq!(refusals, expected, "refusals under {prefix:?}");
}

pub(super) fn wildcards_and_case_in_a_prefix_are_plain_text(make: Make<'_>) {
    let catalogue = &*filled(make);
    check(catalogue, "/p/100%/", None, 9, &PATHS[0..2]);
    check(catalogue, "/p/A_b/", None, 9, &PATHS[3..5]);
    check(catalogue, "/p/a_b/", None, 9, &PATHS[6..7]);
    check(catalogue, "%", None, 9, &[]);
    check(catalogue, "_", None, 9, &[]);
    check(catalogue, "/p/\u{e9}", None, 9, &PATHS[7..8]);
    check(catalogue, "/p/10", None, 9, &PATHS[0..3]);
    check(catalogue, "/q", None, 9, &PATHS[8..]);
    check(catalogue, "/q/", None, 9, &[]);
}

pub(super) fn pages_follow_one_another(make: Make<'_>) {
    let catalogue = &*filled(make);
    check(catalogue, "/p/", None, 3, &PATHS[0..3]);
    check(catalogue, "/p/", Some(PATHS[2]), 3, &PATHS[3..6]);
    check(catalogue, "/p/", Some(PATHS[5]), 3, &PATHS[6..8]);
    check(catalogue, "/p/", Some(PATHS[7]), 3, &[]);
    check(catalogue, "/p/", Some("/a"), 1, &PATHS[0..1]);
    check(catalogue, "/p/", Some("/z"), 9, &[]);
    check(catalogue, "/p/", None, 0, &[]);
    check(catalogue, "/p/", None, usize::MAX, &PATHS[0..8]);
}

pub(super) fn the_empty_prefix_is_everything(make: Make<'_>) {
    let catalogue = &*filled(make);
    let all = catalogue.sources_under("", None, 99).unwrap();
    assert_eq!(all.len(), PATHS.len());
    assert_eq!(catalogue.refusals_under("", None, 99).unwrap().len(), 9);
    let number = catalogue.refusal_count().unwrap();
    assert_eq!(number, PATHS.len() as u64);
}

pub(super) fn paths_come_by_picture(make: Make<'_>) {
    let catalogue = &*make();
    let one = added(catalogue, found(1, "/b"));
    let none = added(catalogue, upload(2));
    let source = file("/a");
    let again = Change::AddSource { id: id(1), source };
    catalogue.commit(vec![again]).unwrap();
    let paths = catalogue.source_paths(&[none, one, 99, one]).unwrap();
    assert_eq!(paths, [&[][..], &["/a", "/b"], &[], &["/a", "/b"]]);
    assert!(catalogue.source_paths(&[]).unwrap().is_empty());
}
