//! Groups of duplicates by key, from the stored pairs.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use resight_decode::is_raw;
use resight_store::{PairLink, PairedPicture};

use super::answer::DuplicateOptions;
use super::groups::{Share, agglomerate};
use super::kind::{PairKind, master_rank};

/// What a picture is grouped and sorted by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupedPicture {
    pub(crate) worth: Worth,
    /// Files that have its bytes; 0 where all are gone.
    pub(crate) files: u64,
}

/// What makes a member of a group the one to keep, the most important first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Worth {
    pages: u32,
    /// The sensor of a raw file has more pixels than the JPEG in it.
    is_raw: bool,
    pixels: u64,
    master_rank: u8,
    byte_len: u64,
}

impl Worth {
    pub(crate) fn of(picture: &PairedPicture) -> Self {
        Self {
            pages: picture.pages.unwrap_or(1),
            is_raw: is_raw(&picture.media_type),
            pixels: u64::from(picture.width) * u64::from(picture.height),
            master_rank: master_rank(&picture.media_type, picture.depth),
            byte_len: picture.byte_len,
        }
    }
}

/// A group by its keys.
#[derive(Debug, PartialEq)]
pub(crate) struct KeyGroup {
    pub(crate) kind: PairKind,
    pub(crate) keys: Vec<u64>,
    pub(crate) pairs: Vec<PairLink>,
}

/// The number of groups that match the options, and the requested ones. `links` are the surest first;
/// `no_match` are pairs that somebody decided are no match.
pub(crate) fn page_of_groups(
    links: &[PairLink],
    no_match: &HashSet<(u64, u64)>,
    pictures: &HashMap<u64, GroupedPicture>,
    options: &DuplicateOptions,
) -> (usize, Vec<KeyGroup>) {
    let files = |keys: &[u64]| -> u64 {
        let members = keys.iter().filter_map(|key| pictures.get(key));
        members.map(|picture| picture.files.max(1)).sum()
    };
    let mut groups = grouped(links, no_match, pictures);
    groups.retain(|group| {
        options.kind.is_none_or(|kind| kind == group.kind)
            && files(&group.keys) >= options.min_size as u64
    });
    groups.sort_by_key(|group| (group.kind, Reverse(files(&group.keys)), group.keys.clone()));
    let total = groups.len();
    let page = groups.into_iter().skip(options.offset).take(options.limit);
    (total, page.collect())
}

/// Groups of copies, then of scenes; the best member of each first.
fn grouped(
    links: &[PairLink],
    no_match: &HashSet<(u64, u64)>,
    pictures: &HashMap<u64, GroupedPicture>,
) -> Vec<KeyGroup> {
    let kind = |link: &PairLink| PairKind::from_number(link.kind);
    let is_stored =
        |link: &&PairLink| pictures.contains_key(&link.a) && pictures.contains_key(&link.b);
    let (copies, scenes): (Vec<&PairLink>, Vec<&PairLink>) = links
        .iter()
        .filter(is_stored)
        .partition(|link| kind(link).is_copy());
    let ends = |links: &[&PairLink]| links.iter().map(|l| (l.a, l.b)).collect::<Vec<_>>();

    let mut found = agglomerate(&ends(&copies), no_match, Share::Majority);
    let best = |keys: &mut Vec<u64>| {
        keys.sort_by_key(|key| {
            let picture = pictures.get(key);
            let is_gone = picture.is_none_or(|p| p.files == 0);
            (is_gone, Reverse(picture.map(|p| p.worth)), *key)
        });
    };
    found.iter_mut().for_each(best);
    let copied: HashSet<u64> = found.iter().flatten().copied().collect();
    let hidden: HashSet<u64> = found.iter().flat_map(|g| &g[1..]).copied().collect();
    // Pictures in several files, and in no group of copies.
    let mut alone: Vec<u64> = pictures
        .iter()
        .filter(|(key, picture)| picture.files > 1 && !copied.contains(key))
        .map(|(key, _)| *key)
        .collect();
    alone.sort_unstable();
    found.extend(alone.into_iter().map(|key| vec![key]));

    let shown = |link: &&&PairLink| !hidden.contains(&link.a) && !hidden.contains(&link.b);
    let scenes: Vec<&PairLink> = scenes.iter().filter(shown).copied().collect();
    let copies_end = found.len();
    let scenes_found = agglomerate(&ends(&scenes), no_match, Share::ThreeQuarters);
    found.extend(scenes_found);
    found[copies_end..].iter_mut().for_each(best);

    let group_of = |range: std::ops::Range<usize>| -> HashMap<u64, usize> {
        let numbered = range.flat_map(|i| found[i].iter().map(move |key| (*key, i)));
        numbered.collect()
    };
    let (in_copies, in_scenes) = (group_of(0..copies_end), group_of(copies_end..found.len()));
    let mut groups: Vec<KeyGroup> = found
        .iter()
        .map(|keys| KeyGroup {
            kind: PairKind::Identical,
            keys: keys.clone(),
            pairs: Vec::new(),
        })
        .collect();
    for (links, numbers) in [(&copies, &in_copies), (&scenes, &in_scenes)] {
        for link in links {
            let (a, b) = (numbers.get(&link.a), numbers.get(&link.b));
            if let Some(&i) = a.filter(|a| b == Some(a)) {
                groups[i].kind = groups[i].kind.max(kind(link));
                groups[i].pairs.push(**link);
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(a: u64, b: u64, kind: PairKind) -> PairLink {
        PairLink {
            a,
            b,
            kind: kind.number(),
            log10_nfa: -20.0,
        }
    }

    /// Pictures 1, 2, … with their widths and numbers of files.
    fn pictures(widths: &[(u64, u64)]) -> HashMap<u64, GroupedPicture> {
        let picture = |&(width, files): &(u64, u64)| GroupedPicture {
            worth: Worth {
                pages: 1,
                pixels: 10 * width,
                ..Worth::default()
            },
            files,
        };
        (1..).zip(widths.iter().map(picture)).collect()
    }

    fn keys(groups: &[KeyGroup]) -> Vec<&[u64]> {
        groups.iter().map(|group| &group.keys[..]).collect()
    }

    #[test]
    fn copies_come_first_and_their_best_member_stands_for_them_in_scenes() {
        let links = [
            link(1, 2, PairKind::Edited),
            link(1, 3, PairKind::SameScene),
            link(2, 3, PairKind::SameScene),
        ];
        let paired = pictures(&[(10, 1), (20, 1), (30, 1)]);
        let options = DuplicateOptions::default();
        let (total, groups) = page_of_groups(&links, &HashSet::new(), &paired, &options);
        assert_eq!((total, keys(&groups)), (2, vec![&[2, 1][..], &[3, 2]]));
        assert_eq!(groups[0].kind, PairKind::Edited);
        assert_eq!(
            (groups[1].kind, groups[1].pairs.len()),
            (PairKind::SameScene, 1)
        );
    }

    #[test]
    fn a_picture_in_several_files_is_a_group_of_its_own() {
        let paired = pictures(&[(10, 3), (10, 1), (10, 0)]);
        let options = DuplicateOptions::default();
        let (_, groups) = page_of_groups(&[], &HashSet::new(), &paired, &options);
        assert_eq!(keys(&groups), [&[1][..]]);
        assert_eq!(groups[0].kind, PairKind::Identical);
    }

    #[test]
    fn a_picture_whose_files_are_gone_comes_last_and_counts_once() {
        let links = [
            link(1, 2, PairKind::ReEncoded),
            link(1, 3, PairKind::SameScene),
            link(2, 3, PairKind::SameScene),
        ];
        let pictures = pictures(&[(30, 0), (10, 2), (20, 1)]);
        let options = DuplicateOptions {
            min_size: 3,
            ..DuplicateOptions::default()
        };
        let (total, groups) = page_of_groups(&links, &HashSet::new(), &pictures, &options);
        assert_eq!((total, keys(&groups)), (2, vec![&[2, 1][..], &[3, 2]]));
    }

    #[test]
    fn options_choose_groups_by_kind_and_files() {
        let links = [
            link(1, 2, PairKind::ReEncoded),
            link(3, 4, PairKind::Cropped),
        ];
        let paired = pictures(&[(10, 1), (10, 1), (10, 2), (10, 1)]);
        let none = HashSet::new();
        let chosen = |kind, min_size, offset| {
            let options = DuplicateOptions {
                kind,
                min_size,
                offset,
                limit: 1,
            };
            let (total, groups) = page_of_groups(&links, &none, &paired, &options);
            (total, groups.first().map(|group| group.keys[0]))
        };
        assert_eq!(chosen(None, 2, 0), (2, Some(1)));
        assert_eq!(chosen(None, 2, 1), (2, Some(3)));
        assert_eq!(chosen(None, 3, 0), (1, Some(3)));
        assert_eq!(chosen(Some(PairKind::ReEncoded), 2, 0), (1, Some(1)));
        assert_eq!(chosen(Some(PairKind::SameScene), 2, 0), (0, None));
    }

    #[test]
    fn the_first_member_has_most_pages_then_pixels_then_depth() {
        let links = (1..5).flat_map(|a| (a + 1..6).map(move |b| link(a, b, PairKind::ReEncoded)));
        let links: Vec<PairLink> = links.collect();
        let mut paired = pictures(&[(20, 1), (20, 1), (10, 1), (30, 1), (20, 1)]);
        let mut change = |key, to: &dyn Fn(&mut Worth)| {
            if let Some(picture) = paired.get_mut(&key) {
                to(&mut picture.worth);
            }
        };
        change(2, &|worth| worth.master_rank = 2);
        change(3, &|worth| worth.pages = 3);
        change(5, &|worth| worth.is_raw = true);
        let options = DuplicateOptions::default();
        let (_, groups) = page_of_groups(&links, &HashSet::new(), &paired, &options);
        assert_eq!(keys(&groups), [&[3, 5, 4, 2, 1][..]]);
    }

    #[test]
    fn links_of_removed_pictures_are_left_out() {
        let links = [link(1, 7, PairKind::Edited)];
        let paired = pictures(&[(10, 1)]);
        let options = DuplicateOptions::default();
        let (total, _) = page_of_groups(&links, &HashSet::new(), &paired, &options);
        assert_eq!(total, 0);
    }
}
