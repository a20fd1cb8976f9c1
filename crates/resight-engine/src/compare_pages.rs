//! The pages or frames of two files that are compared, and the pair of them that is the surest.

use std::sync::atomic::AtomicBool;

use rayon::prelude::*;
use resight_decode::{decode, is_animation, may_have_pages};
use resight_vision::{LocalExtractor, LocalFeatures, MatchOptions, match_all};

use crate::describe_views::{First, describe_views};
use crate::error::EngineError;
use crate::library::Library;
use crate::library::visual_index::VisualIndex;
use crate::options::EngineOptions;
use crate::search::answer::QueryFacts;
use crate::search::cancelling::go_on;
use crate::search::evidence::agreement;
use crate::search::request::{Query, Variant};
use crate::search::variants::changed;

/// Pairs of pages of which mirrored and inverted ones are looked at as well, at most.
const MOST_IN_VARIANTS: usize = 64;

/// The page or frame of a file that a comparison is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedPage {
    /// Its number in the file, from 1.
    pub number: u32,
    /// Whether it is a frame of an animation or a video.
    pub is_frame: bool,
    /// When the frame begins, in milliseconds from the first; `None` of a page.
    pub time_ms: Option<u64>,
}

/// A page of one of the two files.
pub(crate) struct ComparedSide {
    pub(crate) facts: QueryFacts,
    /// `None` of a file of which one page is described alone.
    pub(crate) page: Option<ComparedPage>,
    pub(crate) features: LocalFeatures,
}

impl ComparedSide {
    fn page_of(number: u32, time_ms: Option<u64>, size: [u32; 2], features: LocalFeatures) -> Self {
        Self {
            facts: QueryFacts {
                id: None,
                width: size[0],
                height: size[1],
                region: None,
                features: features.len(),
            },
            page: Some(ComparedPage {
                number,
                is_frame: time_ms.is_some(),
                time_ms,
            }),
            features,
        }
    }
}

/// The sides of a file: its first page, and the further ones where there are some.
pub(crate) fn sides(
    mut first: ComparedSide,
    is_frame: bool,
    further: Vec<ComparedSide>,
) -> Vec<ComparedSide> {
    if !further.is_empty() {
        first.page = Some(ComparedPage {
            number: 1,
            is_frame,
            time_ms: is_frame.then_some(0),
        });
    }
    let id = first.facts.id.clone();
    let further = further.into_iter().map(|mut side| {
        side.facts.id.clone_from(&id);
        if let Some(page) = &mut side.page {
            page.is_frame = is_frame;
        }
        side
    });
    std::iter::once(first).chain(further).collect()
}

/// The further pages or frames of a file, as they are described when it is stored.
pub(crate) fn further_of_bytes(
    bytes: &[u8],
    first: &First<'_>,
    options: &EngineOptions,
    extractor: &dyn LocalExtractor,
    cancel: Option<&AtomicBool>,
) -> Result<Vec<ComparedSide>, EngineError> {
    let mut sides = Vec::new();
    describe_views(
        bytes,
        first,
        options,
        extractor,
        [cancel, None],
        &mut |view| {
            let (number, time_ms) = (view.number, view.time_ms);
            sides.push(ComparedSide::page_of(
                number,
                time_ms,
                view.size,
                view.features,
            ));
        },
    )?;
    Ok(sides)
}

/// The sides of a query whose first page was resolved; its `key` is that of a stored picture.
pub(crate) fn sides_of_query(
    library: &Library,
    visual: &VisualIndex,
    query: Query<'_>,
    (first, key): (ComparedSide, Option<u64>),
    cancel: Option<&AtomicBool>,
) -> Result<Vec<ComparedSide>, EngineError> {
    let (is_frame, further) = match query {
        Query::Bytes(bytes) if may_have_pages(bytes) => {
            let decoded = decode(bytes, &library.options().decode)?;
            let first = First {
                media_type: decoded.media_type,
                pages: decoded.pages,
                image: &decoded.image,
            };
            let extractor = &**library.extractor();
            let further = further_of_bytes(bytes, &first, library.options(), extractor, cancel)?;
            (is_animation(decoded.media_type), further)
        }
        Query::Stored(id) => {
            let catalogue = library.catalogue();
            let views = key.map_or(Ok(Vec::new()), |key| catalogue.views_of(key))?;
            let keys: Vec<u64> = views.iter().map(|view| view.key).collect();
            let features = visual.features(catalogue, &keys)?;
            let further = views.iter().zip(features).filter_map(|(view, stored)| {
                let features = stored?.features.clone();
                let size = [view.width, view.height];
                Some(ComparedSide::page_of(
                    view.number,
                    view.time_ms,
                    size,
                    features,
                ))
            });
            let media_type = catalogue.picture(id)?.map(|record| record.media_type);
            let is_frame = media_type.is_some_and(|media_type| is_animation(&media_type));
            (is_frame, further.collect())
        }
        _ => (false, Vec::new()),
    };
    Ok(sides(first, is_frame, further))
}

/// The places of the two pages that agree most: as they are, or where none do, as variants of the first; the first two
/// where nothing agrees.
///
/// # Errors
/// `cancelled`.
pub(crate) fn best_pair(
    [a, b]: [&[ComparedSide]; 2],
    extractor: &dyn LocalExtractor,
    options: &EngineOptions,
    cancel: Option<&AtomicBool>,
) -> Result<[usize; 2], EngineError> {
    let all = (0..a.len()).flat_map(|i| (0..b.len()).map(move |j| [i, j]));
    let all: Vec<[usize; 2]> = all.collect();
    if all.len() < 2 {
        return Ok([0, 0]);
    }
    let none_changed = |i: usize| Some(&a[i].features);
    let variant = Variant::default();
    let as_they_are = surest(&all, [a, b], variant, &none_changed, options, cancel)?;
    if let Some((_, found)) = as_they_are {
        return Ok(found);
    }
    if all.len() > MOST_IN_VARIANTS {
        return Ok([0, 0]);
    }
    let variants = Variant::ALL.each().map(|variant| {
        go_on(cancel)?;
        let pages = a.par_iter().map(|side| {
            let width = side.facts.width;
            changed(variant, &side.features, width, extractor)
        });
        let pages: Vec<Option<LocalFeatures>> = pages.collect();
        let of_page = |i: usize| pages[i].as_ref();
        surest(&all, [a, b], variant, &of_page, options, cancel)
    });
    let variants = variants.collect::<Result<Vec<_>, EngineError>>()?;
    let best = variants.into_iter().flatten();
    let best = best.min_by(|(x, at), (y, other)| x.total_cmp(y).then(at.cmp(other)));
    Ok(best.map_or([0, 0], |(_, found)| found))
}

/// The verified pair with the least number of false alarms, by its logarithm; of equal ones the first.
///
/// # Errors
/// `cancelled`.
fn surest<'f>(
    pairs: &[[usize; 2]],
    [a, b]: [&[ComparedSide]; 2],
    variant: Variant,
    features_of: &(dyn Fn(usize) -> Option<&'f LocalFeatures> + Sync),
    options: &EngineOptions,
    cancel: Option<&AtomicBool>,
) -> Result<Option<(f64, [usize; 2])>, EngineError> {
    let verified = pairs.par_iter().filter_map(|&[i, j]| {
        go_on(cancel).ok()?;
        let (changed, other) = (features_of(i)?, &b[j]);
        let matches = match_all(
            &changed.descriptors,
            &other.features.descriptors,
            &MatchOptions::default(),
        );
        let sizes = [&a[i].facts, &other.facts].map(|facts| [facts.width, facts.height]);
        let sides = [changed, &other.features];
        let found = agreement(sides, sizes, &matches, variant.mirrored, &options.verify)?;
        found.verified.then_some((found.log10_nfa, [i, j]))
    });
    let surest = verified.min_by(|(x, at), (y, other)| x.total_cmp(y).then(at.cmp(other)));
    // Some pairs may have been left out.
    go_on(cancel)?;
    Ok(surest)
}
