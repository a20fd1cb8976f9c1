//! Whether the pixels of a verified pair bear out what its keypoints say.
//!
//! Keypoints alone do not tell the frame of a form, a board or a code from what is printed in it: the frame
//! agrees exactly, and there is little else to count. So both pictures are laid over each other and compared cell
//! by cell. A cell may be displaced by two pixels, since an object in a photograph is never quite flat.
//!
//! The bounds were chosen on chess diagrams, sudoku, go boards, codes, pages and invoices of `bench/run
//! classes.py` and on smvs_dvd, at the size of thumbnails; docs/calibration.md has what they do on others.

use std::sync::OnceLock;

use rayon::prelude::*;
use resight_decode::shrink;
use resight_vision::{Image, Transform};

use super::answer::{EvidenceKind, Hit};
use super::query::ResolvedQuery;
use crate::duplicates::pixels::planes::{Plane, Ycc};
use crate::geometry;
use crate::library::Library;

/// Side of a cell in pixels of the coarser picture, and by how many pixels it may be displaced.
const CELL: usize = 10;
const REACH: usize = 2;
/// Ratio of scales from which on the finer picture is averaged.
const AVERAGED: f64 = 1.2;
/// Variance from which on a cell has structure in one picture, and below which it has none in the other.
const STRUCTURED: f32 = 100.0;
const FLAT: f32 = 20.0;
/// Correlations from which on cells are alike, and below which they are unlike.
const ALIKE: f32 = 0.8;
const UNLIKE: f32 = 0.4;

/// Cells of the matched part that decide that it is a mark, the share of alike ones at most, and of unlike ones
/// at least.
const LEAST_WITHIN: usize = 20;
const ALIKE_WITHIN: f64 = 0.8;
const UNLIKE_WITHIN: f64 = 0.05;
/// Cells of all that both show that decide that it is no mark, the share of unlike ones at most, and of alike
/// ones at least.
const LEAST_IN_ALL: usize = 40;
const UNLIKE_IN_ALL: f64 = 0.05;
const ALIKE_IN_ALL: f64 = 0.8;

/// Cells with structure, by how they compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CellCounts {
    pub(crate) compared: usize,
    pub(crate) alike: usize,
    pub(crate) unlike: usize,
}

impl CellCounts {
    fn add(&mut self, correlation: f32) {
        self.compared += 1;
        self.alike += usize::from(correlation >= ALIKE);
        self.unlike += usize::from(correlation < UNLIKE);
    }

    fn share(self, of: usize) -> f64 {
        of as f64 / self.compared.max(1) as f64
    }
}

/// How the cells of two pictures compare that lie over each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PixelEvidence {
    /// In the matched part.
    pub(crate) within: CellCounts,
    /// In all that both show.
    pub(crate) in_all: CellCounts,
}

impl PixelEvidence {
    /// What a pair rests on that its keypoints say rests on `kind`. Another view of a building is neither as
    /// exact as print nor flat: only an exact pair becomes a mark.
    pub(crate) fn decide(&self, kind: EvidenceKind, is_exact: bool) -> EvidenceKind {
        let Self { within, in_all } = self;
        let contradicts = within.compared >= LEAST_WITHIN
            && within.share(within.alike) <= ALIKE_WITHIN
            && within.share(within.unlike) >= UNLIKE_WITHIN;
        let agrees = in_all.compared >= LEAST_IN_ALL
            && in_all.share(in_all.unlike) <= UNLIKE_IN_ALL
            && in_all.share(in_all.alike) >= ALIKE_IN_ALL;
        match kind {
            EvidenceKind::Object if is_exact && contradicts => EvidenceKind::Mark,
            EvidenceKind::Mark if agrees => EvidenceKind::Object,
            kind => kind,
        }
    }
}

/// Decides for the verified hits of a page by their pixels whether they are marks, as far as thumbnails are
/// at hand.
pub(crate) fn decide_marks(library: &Library, queries: &[ResolvedQuery], page: &mut [Option<Hit>]) {
    let smalls: Vec<OnceLock<_>> = queries.iter().map(|_| OnceLock::new()).collect();
    page.par_iter_mut().flatten().for_each(|hit| {
        let Some(query) = queries
            .get(hit.query)
            // The thumbnail shows the first page.
            .filter(|_| is_open(hit.evidence, hit.is_exact) && !hit.is_of_further_page())
        else {
            return;
        };
        let (Some(kind), Some(transform), Some(part)) =
            (hit.evidence, hit.transform, &hit.shared_query)
        else {
            return;
        };
        let small = smalls[hit.query].get_or_init(|| query.small_copy(library));
        let result = || library.stored_thumbnail_image(&hit.picture.id);
        if let Some((small, result)) = small.as_ref().zip(result()) {
            let own = [query.facts.width, query.facts.height];
            let sizes = [own, [hit.picture.width, hit.picture.height]];
            let pair = SmallPair {
                images: [small, &result],
                sizes,
            };
            hit.evidence = Some(pair.decide(kind, hit.is_exact, &Transform(transform), part));
        }
    });
}

/// Whether pixels can change what keypoints say of a verified pair.
pub(crate) fn is_open(kind: Option<EvidenceKind>, is_exact: bool) -> bool {
    match kind {
        Some(EvidenceKind::Object) => is_exact,
        kind => kind == Some(EvidenceKind::Mark),
    }
}

/// Small copies of two pictures, and the sizes of the pictures themselves.
pub(crate) struct SmallPair<'a> {
    pub(crate) images: [&'a Image; 2],
    pub(crate) sizes: [[u32; 2]; 2],
}

impl SmallPair<'_> {
    /// What the pair rests on. `transform` and `part` are in pixels of the pictures themselves.
    pub(crate) fn decide(
        &self,
        kind: EvidenceKind,
        is_exact: bool,
        transform: &Transform,
        part: &[[f64; 2]],
    ) -> EvidenceKind {
        let reduce = [0, 1].map(|i| geometry::same_frame(self.sizes[i], size(self.images[i])));
        let enlarge = reduce[0].inverse();
        let onto = enlarge.map(|enlarge| enlarge.then(transform).then(&reduce[1]));
        let part: Option<Vec<[f64; 2]>> =
            part.iter().map(|&corner| reduce[0].apply(corner)).collect();
        let found = onto
            .zip(part)
            .and_then(|(onto, part)| pixel_evidence(self.images, &onto, &part));
        found.map_or(kind, |found| found.decide(kind, is_exact))
    }
}

/// Compares two pictures by `transform` from pixels of the first to those of the second. `part` is the matched
/// part in pixels of the first. `None` where the transform has no scale there.
pub(crate) fn pixel_evidence(
    [first, second]: [&Image; 2],
    transform: &Transform,
    part: &[[f64; 2]],
) -> Option<PixelEvidence> {
    let scale = geometry::scale_at(transform, middle(part))?;
    let back = transform.inverse()?;
    let (coarse, fine, onto, scale) = if scale >= 1.0 {
        (first, second, *transform, scale)
    } else {
        (second, first, back, 1.0 / scale)
    };
    let averaged = (scale >= AVERAGED)
        .then(|| shrink(fine, 1.0 / scale))
        .flatten();
    let onto = match &averaged {
        Some(small) => onto.then(&geometry::same_frame(size(fine), size(small))),
        None => onto,
    };
    let grid = Ycc::of(coarse, false).luma.smoothed();
    let laid = Ycc::of(averaged.as_ref().unwrap_or(fine), false)
        .luma
        .smoothed();
    let is_first = std::ptr::eq(coarse, first);
    let in_part = |at: [f64; 2]| {
        let at = if is_first { Some(at) } else { back.apply(at) };
        at.is_some_and(|at| geometry::contains(part, at))
    };
    let mut found = PixelEvidence::default();
    let steps = |side: usize| (REACH..(side + 1).saturating_sub(CELL + REACH)).step_by(CELL);
    for y in steps(grid.height()) {
        for x in steps(grid.width()) {
            let Some(correlation) = correlation(&grid, [x, y], &laid, &onto) else {
                continue;
            };
            found.in_all.add(correlation);
            let middle = [x, y].map(|v| v as f64 + (CELL as f64 - 1.0) / 2.0);
            if in_part(middle) {
                found.within.add(correlation);
            }
        }
    }
    Some(found)
}

fn size(image: &Image) -> [u32; 2] {
    [image.width(), image.height()]
}

/// The middle of a polygon's corners.
fn middle(part: &[[f64; 2]]) -> [f64; 2] {
    let n = part.len().max(1) as f64;
    [0, 1].map(|i| part.iter().map(|corner| corner[i]).sum::<f64>() / n)
}

/// The best correlation of a cell with its place in the other picture and those within reach; `None` where the
/// other shows it in part only, or where neither has structure.
fn correlation(
    grid: &Plane,
    [left, top]: [usize; 2],
    laid: &Plane,
    onto: &Transform,
) -> Option<f32> {
    const WIDE: usize = CELL + 2 * REACH;
    let mut other = [[0.0_f32; WIDE]; WIDE];
    for (y, row) in (top - REACH..).zip(&mut other) {
        for (x, value) in (left - REACH..).zip(row) {
            let there = onto.apply([x as f64, y as f64])?;
            *value = laid.sample(&laid.place(there)?);
        }
    }
    let own = Window::new(|x, y| grid.at(left + x, top + y));
    let at = |dx: usize, dy: usize| {
        let other = &other;
        Window::new(move |x, y| other[y + dy][x + dx])
    };
    let [own_variance, variance] = [own.variance(), at(REACH, REACH).variance()];
    if own_variance.max(variance) < STRUCTURED {
        return None;
    }
    if own_variance.min(variance) < FLAT {
        return Some(0.0);
    }
    let shifts = (0..=2 * REACH).flat_map(|dy| (0..=2 * REACH).map(move |dx| (dx, dy)));
    let correlations = shifts.map(|(dx, dy)| own.correlation(&at(dx, dy)));
    Some(correlations.fold(0.0, f32::max))
}

/// The values of one cell, less their mean.
struct Window([f32; CELL * CELL]);

impl Window {
    fn new(value: impl Fn(usize, usize) -> f32) -> Self {
        let mut values = [0.0; CELL * CELL];
        for (i, v) in values.iter_mut().enumerate() {
            *v = value(i % CELL, i / CELL);
        }
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        values.iter_mut().for_each(|v| *v -= mean);
        Self(values)
    }

    fn variance(&self) -> f32 {
        self.product(self) / self.0.len() as f32
    }

    fn product(&self, other: &Self) -> f32 {
        self.0.iter().zip(&other.0).map(|(a, b)| a * b).sum()
    }

    fn correlation(&self, other: &Self) -> f32 {
        let norms = self.product(self) * other.product(other);
        self.product(other) / norms.sqrt().max(1e-3)
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage, imageops};
    use resight_test_support::textured;

    use super::*;

    fn as_image(picture: &RgbImage) -> Image {
        Image::from_rgb(picture.width(), picture.height(), picture.as_raw().clone()).unwrap()
    }

    fn compared(first: &RgbImage, second: &RgbImage, transform: &Transform) -> PixelEvidence {
        let [w, h] = [first.width(), first.height()].map(f64::from);
        let part = [[0.0, 0.0], [w, 0.0], [w, h], [0.0, h]];
        pixel_evidence([&as_image(first), &as_image(second)], transform, &part).unwrap()
    }

    /// A page of the same frame with something else in it.
    fn page(number: u64) -> RgbImage {
        let mut page = textured(320, 240, 1);
        let content = textured(160, 120, number);
        imageops::replace(&mut page, &content, 80, 60);
        page
    }

    #[test]
    fn a_view_of_the_same_page_is_an_object_whatever_the_keypoints_say() {
        let page = page(2);
        let smaller = imageops::resize(&page, 200, 150, imageops::FilterType::Triangle);
        let onto = geometry::same_frame([320, 240], [200, 150]);
        // Displaced by a pixel, as where the object is not flat.
        let onto = onto.then(&Transform::translation([0.9, -0.8]));
        for found in [
            compared(&page, &smaller, &onto),
            compared(&smaller, &page, &onto.inverse().unwrap()),
        ] {
            assert!(found.in_all.compared >= 200, "{found:?}");
            for kind in [EvidenceKind::Mark, EvidenceKind::Object] {
                assert_eq!(found.decide(kind, true), EvidenceKind::Object, "{found:?}");
            }
        }
    }

    #[test]
    fn one_frame_with_another_content_is_a_mark_where_it_is_exact() {
        let found = compared(&page(2), &page(3), &Transform::IDENTITY);
        assert_eq!(
            found.decide(EvidenceKind::Object, true),
            EvidenceKind::Mark,
            "{found:?}"
        );
        assert_eq!(
            found.decide(EvidenceKind::Object, false),
            EvidenceKind::Object
        );
        assert_eq!(found.decide(EvidenceKind::Mark, true), EvidenceKind::Mark);
    }

    #[test]
    fn the_matched_part_is_that_of_the_first_picture() {
        // They differ in the middle, and the part is the first one's upper left corner.
        let (first, second) = (page(2), page(3));
        let corner = [[0.0, 0.0], [75.0, 0.0], [75.0, 55.0], [0.0, 55.0]];
        let half = imageops::resize(&second, 160, 120, imageops::FilterType::Triangle);
        let double = imageops::resize(&second, 640, 480, imageops::FilterType::Triangle);
        for second in [second, half, double] {
            let onto = geometry::same_frame([320, 240], [second.width(), second.height()]);
            let images = [&as_image(&first), &as_image(&second)];
            let found = pixel_evidence(images, &onto, &corner).unwrap();
            assert!(found.within.compared > 0, "{found:?}");
            assert_eq!(found.within.unlike, 0, "{found:?}");
            assert!(found.in_all.unlike > 20, "{found:?}");
        }
    }

    #[test]
    fn what_shows_nothing_decides_nothing() {
        let blank = RgbImage::from_pixel(320, 240, Rgb([200; 3]));
        let found = compared(&blank, &blank, &Transform::IDENTITY);
        assert_eq!(found, PixelEvidence::default());
        for kind in [EvidenceKind::Mark, EvidenceKind::Object] {
            assert_eq!(found.decide(kind, true), kind);
        }
        let outside = Transform::translation([5000.0, 0.0]);
        assert_eq!(
            compared(&page(2), &page(2), &outside),
            PixelEvidence::default()
        );
    }
}
