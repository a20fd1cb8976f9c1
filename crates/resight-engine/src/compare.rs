//! Comparing two pictures without the index: all features with all, as they are and with the first
//! mirrored or inverted; of files with several pages or frames, those two that agree most.

use std::borrow::Cow;

use resight_decode::is_animation;
use resight_vision::{Image, LocalExtractor, LocalFeatures, MatchOptions, Transform, match_all};

use crate::compare_pages::{
    ComparedPage, ComparedSide, best_pair, further_of_bytes, sides, sides_of_query,
};
use crate::describe::{Described, describe};
use crate::describe_views::page;
use crate::error::EngineError;
use crate::geometry;
use crate::library::plain::is_plain_pair;
use crate::options::EngineOptions;
use crate::picture::id_of;
use crate::same_pixels::same_pixels;
use crate::search::Searcher;
use crate::search::answer::{EvidenceKind, QueryFacts, Timings};
use crate::search::cancelling::go_on;
use crate::search::evidence::{SharedPart, agreement, inlier_points};
use crate::search::fair_share::on_fair_share;
use crate::search::pixel_evidence::{SmallPair, is_open};
use crate::search::query::{QueryResolver, ResolvedQuery, small_copy};
use crate::search::request::{Query, Variant};
use crate::search::variants::changed;

/// The evidence that two pictures show the same thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The first picture, or its page or frame.
    pub a: QueryFacts,
    /// The second picture, or its page or frame.
    pub b: QueryFacts,
    /// Which page or frame of each it is; `None` of a picture of which one page is described alone.
    pub pages: [Option<ComparedPage>; 2],
    /// Whether the two files have the same bytes. Such pictures are verified, whatever their features.
    pub identical: bool,
    /// Whether the pixels verify them: both show the same in the same frame, and the features are too few
    /// to tell.
    pub by_pixels: bool,
    /// Matches before verification.
    pub matches: usize,
    /// Whether they agree on one transform beyond chance.
    pub verified: bool,
    /// What it rests on; when verified. A mirrored or inverted pair is never a mark.
    pub evidence: Option<EvidenceKind>,
    /// Matches that agree.
    pub inliers: usize,
    /// log10 of the number of false alarms; `None` when nothing agrees.
    pub log10_nfa: Option<f64>,
    /// Share of the first picture that the matched part covers, 0..1.
    pub coverage_a: f64,
    /// Share of the second picture that the matched part covers, 0..1.
    pub coverage_b: f64,
    /// The variant of the first picture that the second shows; when verified.
    pub variant: Variant,
    /// First to second in pixels, row-major 3×3, of the first as it was given; when verified.
    pub transform: Option<[f64; 9]>,
    /// The first picture's outline in the second's pixels; when verified.
    pub region: Option<[[f64; 2]; 4]>,
    /// The inliers: x and y in the first, x and y in the second.
    pub points: Vec<[f64; 4]>,
}

/// Compares the bytes of two picture files, described by `extractor`. Of a file with several pages or frames those are
/// compared that are described when it is stored, [`EngineOptions::most_views`] at most. Returns also the two upright
/// pictures, pages or frames that agree most.
pub fn compare(
    a: &[u8],
    b: &[u8],
    extractor: &dyn LocalExtractor,
    options: &EngineOptions,
) -> Result<(Comparison, [Image; 2]), EngineError> {
    let identical = a == b;
    let firsts = [
        describe(a, options, extractor, None)?,
        describe(b, options, extractor, None)?,
    ];
    let sides_of = |bytes: &[u8], first: &Described| {
        let further = match identical {
            // The same pages: the first are as good as any.
            true => Vec::new(),
            false => further_of_bytes(bytes, &first.into(), options, extractor, None)?,
        };
        let side = ComparedSide {
            facts: QueryFacts {
                id: None,
                width: first.image.width(),
                height: first.image.height(),
                region: None,
                features: first.features.len(),
            },
            page: None,
            features: first.features.clone(),
        };
        Ok::<_, EngineError>(sides(side, is_animation(first.media_type), further))
    };
    let sides = [sides_of(a, &firsts[0])?, sides_of(b, &firsts[1])?];
    let at = best_pair([&sides[0], &sides[1]], extractor, options, None)?;
    let chosen = [&sides[0][at[0]], &sides[1][at[1]]];
    let [of_a, of_b] = firsts;
    let images = [
        image_of(a, of_a.image, at[0], chosen[0], options)?,
        image_of(b, of_b.image, at[1], chosen[1], options)?,
    ];
    let pair = Pair {
        sides: chosen,
        images: [Some(&images[0]), Some(&images[1])],
        smalls: &|| Some([small_copy(&images[0]), small_copy(&images[1])]),
        identical,
    };
    let comparison = compared(&pair, extractor, options);
    Ok((comparison, images))
}

/// The pixels of a chosen page, which is the first where its place `at` is 0.
fn image_of(
    bytes: &[u8],
    first: Image,
    at: usize,
    side: &ComparedSide,
    options: &EngineOptions,
) -> Result<Image, EngineError> {
    let further = side.page.as_ref().filter(|_| at > 0);
    let Some(chosen) = further else {
        return Ok(first);
    };
    let read = page(bytes, chosen.number, options);
    read.map(|page| page.image).ok_or_else(|| {
        let why = format!("page or frame {} cannot be read again", chosen.number);
        EngineError::Internal(why)
    })
}

impl Searcher {
    /// Compares two pictures, sent or stored. Stored ones need no file: their stored features are
    /// compared. Of pictures with several pages or frames the two that agree most are told.
    ///
    /// # Errors
    /// `cancelled` ([`Searcher::until`]); those of the pictures, the extractor and the store.
    pub fn compare(&self, a: Query<'_>, b: Query<'_>) -> Result<Comparison, EngineError> {
        let span = tracing::Span::current();
        on_fair_share(|| span.in_scope(|| self.compare_pages(a, b)))
    }

    fn compare_pages(&self, a: Query<'_>, b: Query<'_>) -> Result<Comparison, EngineError> {
        let library = &*self.library;
        let visual = library.visual();
        let resolver = QueryResolver {
            library,
            visual: &visual,
            needs_pixels: false,
            cancel: self.cancel.as_deref(),
        };
        let identical = match (a, b) {
            (Query::Bytes(a), Query::Bytes(b)) => a == b,
            (Query::Stored(a), Query::Stored(b)) => a == b,
            (Query::Bytes(bytes), Query::Stored(id)) | (Query::Stored(id), Query::Bytes(bytes)) => {
                id_of(bytes) == *id
            }
            _ => false,
        };
        let mut timings = Timings::default();
        let firsts = [
            resolver.resolve(&a.into(), &mut timings)?,
            resolver.resolve(&b.into(), &mut timings)?,
        ];
        let cancel = self.cancel.as_deref();
        go_on(cancel)?;
        let sides_of = |query: Query<'_>, first: &ResolvedQuery| {
            let side = ComparedSide {
                facts: first.facts.clone(),
                page: None,
                features: first.features.clone(),
            };
            match identical {
                // The same pages: the first are as good as any.
                true => Ok(vec![side]),
                false => sides_of_query(library, &visual, query, (side, first.key), cancel),
            }
        };
        let sides = [sides_of(a, &firsts[0])?, sides_of(b, &firsts[1])?];
        go_on(cancel)?;
        let extractor = &**library.extractor();
        let at = best_pair([&sides[0], &sides[1]], extractor, library.options(), cancel)?;
        let [a, b] = &firsts;
        let images = [(at[0], a), (at[1], b)].map(|(at, first)| match at {
            0 => first.image.as_ref(),
            _ => None,
        });
        let pair = Pair {
            sides: [&sides[0][at[0]], &sides[1][at[1]]],
            images,
            smalls: &|| match at {
                [0, 0] => Some([a.small_copy(library)?, b.small_copy(library)?]),
                // No small copy of a further page is stored.
                _ => None,
            },
            identical,
        };
        Ok(compared(&pair, extractor, library.options()))
    }
}

/// Two pictures to compare.
struct Pair<'a> {
    sides: [&'a ComparedSide; 2],
    /// Their pixels, as far as they are at hand.
    images: [Option<&'a Image>; 2],
    /// Small copies of them, where both are at hand; asked only where pixels decide.
    smalls: &'a dyn Fn() -> Option<[Cow<'a, Image>; 2]>,
    /// Whether their files have the same bytes.
    identical: bool,
}

impl Pair<'_> {
    /// Whether the features are too few to tell, and the pixels are the same.
    fn has_same_pixels(&self) -> bool {
        let [a, b] = self.sides.map(|side| side.features.len());
        match self.images {
            [Some(x), Some(y)] => is_plain_pair(a, b) && same_pixels(x, y),
            _ => false,
        }
    }
}

/// Compares the pictures as they are, and with variants of the first; a variant counts where it is
/// verified and surer. Where nothing is verified, the bytes of the files and the pixels of plain pictures
/// may do so.
fn compared(
    pair: &Pair<'_>,
    extractor: &dyn LocalExtractor,
    options: &EngineOptions,
) -> Comparison {
    let sides = pair.sides.map(|side| side.facts.clone());
    let features = pair.sides.map(|side| &side.features);
    let as_is = Variant::default();
    let (mut best, in_doubt) = compared_as(as_is, &sides, features[0], features, options);
    if let (Some(doubt), Some(kind), Some(transform)) = (in_doubt, best.evidence, best.transform)
        && let Some([a, b]) = (pair.smalls)()
    {
        let sizes = [&sides[0], &sides[1]].map(|side| [side.width, side.height]);
        let small = SmallPair {
            images: [&a, &b],
            sizes,
        };
        let kind = small.decide(kind, doubt.is_exact, &Transform(transform), &doubt.part);
        best.evidence = Some(kind);
    }
    for variant in Variant::ALL.each() {
        let Some(changed) = changed(variant, features[0], sides[0].width, extractor) else {
            continue;
        };
        let (other, _) = compared_as(variant, &sides, &changed, features, options);
        let order = |c: &Comparison| (!c.verified, c.log10_nfa.unwrap_or(f64::MAX));
        if other.verified && order(&other) < order(&best) {
            best = other;
        }
    }
    best.pages = pair.sides.map(|side| side.page.clone());
    best.identical = pair.identical;
    best.by_pixels = !best.verified && !pair.identical && pair.has_same_pixels();
    if pair.identical || best.by_pixels {
        best.evidence = Some(match pair.identical {
            true => EvidenceKind::File,
            false => EvidenceKind::Pixels,
        });
        (best.coverage_a, best.coverage_b) = (1.0, 1.0);
        if !best.verified {
            let [a, b] = [&best.a, &best.b].map(|side| [side.width, side.height]);
            let transform = geometry::same_frame(a, b);
            best.verified = true;
            best.transform = Some(transform.0);
            best.region = geometry::outline(&transform, a[0], a[1]);
        }
    }
    best
}

/// A verified pair of which pixels may decide what it rests on.
struct InDoubt {
    is_exact: bool,
    /// The matched part in the first picture.
    part: Vec<[f64; 2]>,
}

/// Compares a variant of the first picture; `changed` are its features in that variant.
fn compared_as(
    variant: Variant,
    [a, b]: &[QueryFacts; 2],
    changed: &LocalFeatures,
    [of_a, of_b]: [&LocalFeatures; 2],
    options: &EngineOptions,
) -> (Comparison, Option<InDoubt>) {
    let matches = match_all(
        &changed.descriptors,
        &of_b.descriptors,
        &MatchOptions::default(),
    );
    let (a_size, b_size) = ([a.width, a.height], [b.width, b.height]);
    let (sides, sizes) = ([changed, of_b], [a_size, b_size]);
    let verification = agreement(sides, sizes, &matches, variant.mirrored, &options.verify);
    let points = verification
        .as_ref()
        .map(|f| inlier_points(f, &matches, of_a, of_b))
        .unwrap_or_default();
    let verified = verification.as_ref().filter(|f| f.verified);
    let shared = verification
        .as_ref()
        .map(|found| SharedPart::of(found, &matches, [of_a, of_b], [a_size, b_size]));
    let [coverage_a, coverage_b] = shared.as_ref().map_or([0.0; 2], |shared| shared.coverage);
    let shared = verified.and(shared);
    let evidence = shared.as_ref().map(|shared| shared.evidence(variant));
    let (evidence, is_exact) = evidence.map_or((None, false), |(kind, exact)| (Some(kind), exact));
    let part = shared.and_then(|shared| shared.parts.into_iter().next().flatten());
    let in_doubt = part
        .filter(|_| is_open(evidence, is_exact))
        .map(|part| InDoubt { is_exact, part });
    let comparison = Comparison {
        evidence,
        identical: false,
        by_pixels: false,
        matches: matches.len(),
        verified: verified.is_some(),
        inliers: points.len(),
        log10_nfa: verification.as_ref().map(|f| f.log10_nfa),
        coverage_a,
        coverage_b,
        variant: verified.map_or(Variant::default(), |_| variant),
        transform: verified.map(|f| f.transform.0),
        region: verified.and_then(|f| geometry::outline(&f.transform, a.width, a.height)),
        points,
        pages: [None, None],
        a: a.clone(),
        b: b.clone(),
    };
    (comparison, in_doubt)
}
