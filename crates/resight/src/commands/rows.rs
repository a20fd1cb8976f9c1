//! Rows of CSV, with the names and values that the same things have as JSON.

use resight_engine::{DuplicateGroup, Hit, PathState, Picture, RefusedFile, RefusedKind, Tag};
use resight_server::wire::state_name;

/// Columns of a row of [`picture`].
pub(super) const PICTURE: &[&str] = &[
    "id",
    "path",
    "paths",
    "name",
    "width",
    "height",
    "bytes",
    "media_type",
    "features",
    "tags",
    "object",
];

/// `path` is the first of its paths, of which `paths` is the number; tags are separated by semicolons.
pub(super) fn picture(picture: &Picture) -> Vec<String> {
    let tags = picture.labels.tags.iter().map(Tag::as_str);
    let object = picture.labels.object.as_ref();
    vec![
        picture.id.to_string(),
        first_path(picture),
        picture.sources.len().to_string(),
        picture.name.clone(),
        picture.width.to_string(),
        picture.height.to_string(),
        picture.byte_len.to_string(),
        picture.media_type.clone(),
        picture.features.to_string(),
        tags.collect::<Vec<_>>().join(";"),
        object.map(ToString::to_string).unwrap_or_default(),
    ]
}

/// Columns of a row of [`hit`].
pub(super) const HIT: &[&str] = &[
    "rank",
    "id",
    "path",
    "name",
    "verified",
    "evidence",
    "identical",
    "mirrored",
    "inverted",
    "inliers",
    "nfa_log10",
    "coverage_query",
    "coverage_result",
    "words",
    "cosine",
    "alike",
    "page",
    "frame",
    "time_ms",
];

/// `rank` counts from 1, over all pages.
pub(super) fn hit(rank: usize, hit: &Hit) -> Vec<String> {
    let number = |value: Option<f64>| value.map(|number| number.to_string());
    let view = hit.view.as_ref();
    let is_frame = hit.is_frame();
    let page = || view.map(|view| view.number.to_string());
    let time = view
        .and_then(|view| view.time_ms)
        .map(|time| time.to_string());
    vec![
        rank.to_string(),
        hit.picture.id.to_string(),
        first_path(&hit.picture),
        hit.picture.name.clone(),
        hit.verified.to_string(),
        hit.evidence.map_or("", |kind| kind.as_str()).to_owned(),
        hit.identical.to_string(),
        hit.variant.mirrored.to_string(),
        hit.variant.inverted.to_string(),
        hit.inliers.to_string(),
        number(hit.log10_nfa).unwrap_or_default(),
        hit.coverage_query.to_string(),
        hit.coverage_result.to_string(),
        hit.words.to_string(),
        number(hit.cosine).unwrap_or_default(),
        hit.alike.to_string(),
        page().filter(|_| !is_frame).unwrap_or_default(),
        page().filter(|_| is_frame).unwrap_or_default(),
        time.unwrap_or_default(),
    ]
}

/// Columns of a row of [`group`].
pub(super) const MEMBER: &[&str] = &[
    "group", "kind", "id", "path", "state", "link_to", "largest", "width", "height", "bytes",
];

/// A row for each path of each picture of the group; one without a path for a picture that has none.
pub(super) fn group(number: usize, group: &DuplicateGroup) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for (member, i) in group.members.iter().zip(0..) {
        let picture = &member.picture;
        let mut row = |path: &str, state: &str, link_to: &str| {
            rows.push(vec![
                number.to_string(),
                group.kind.as_str().to_owned(),
                picture.id.to_string(),
                path.to_owned(),
                state.to_owned(),
                link_to.to_owned(),
                (i == 0 && !member.is_missing()).to_string(),
                picture.width.to_string(),
                picture.height.to_string(),
                picture.byte_len.to_string(),
            ]);
        };
        if member.paths.is_empty() {
            row("", "", "");
        }
        for one in &member.paths {
            let link_to = match &one.state {
                PathState::Link { to } | PathState::HardLink { to } => to,
                _ => "",
            };
            row(&one.path, state_name(&one.state), link_to);
        }
    }
    rows
}

/// Columns of a row of [`refused`].
pub(super) const REFUSED: &[&str] = &["path", "code", "picture", "reason"];

pub(super) fn refused(file: &RefusedFile) -> Vec<String> {
    let is_picture = file.kind() != RefusedKind::NoPicture;
    vec![
        file.path.clone(),
        file.code.clone(),
        is_picture.to_string(),
        file.detail.clone(),
    ]
}

fn first_path(picture: &Picture) -> String {
    picture.sources.first().cloned().unwrap_or_default()
}
