//! The kind of a pair, from where one picture lies in the other and whether their pixels agree.
//!
//! The bounds were chosen on one half of the pictures of `bench/run kinds.py` (`--half even`);
//! `bench/results/duplicates.md` has what they do on the other.

use resight_decode::is_raw;
use resight_vision::Transform;

use super::pixels::PixelAgreement;
use super::pixels::worst::Agreement;
use crate::geometry;

/// How two pictures that show the same thing are related, the closest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PairKind {
    /// The same bytes in several files: one stored picture, so never a pair.
    Identical,
    /// The same frame and, compression and size aside, the same pixels.
    ReEncoded,
    /// As [`PairKind::ReEncoded`], and one file is a master of the other: see [`master_rank`].
    Derivative,
    /// The same frame with other colours, something laid over it, turned or stretched.
    Edited,
    /// The same pixels, and one shows a part of the other only.
    Cropped,
    /// The same thing in other pixels: another view, another moment, another copy of it.
    SameScene,
}

impl PairKind {
    /// All, the closest first.
    pub const ALL: [Self; 6] = [
        Self::Identical,
        Self::ReEncoded,
        Self::Derivative,
        Self::Edited,
        Self::Cropped,
        Self::SameScene,
    ];

    /// Its name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::ReEncoded => "re-encoded",
            Self::Derivative => "derivative",
            Self::Edited => "edited",
            Self::Cropped => "cropped",
            Self::SameScene => "same_scene",
        }
    }

    /// Whether one picture was made from the other.
    pub fn is_copy(self) -> bool {
        self != Self::SameScene
    }

    /// The number that is stored.
    pub(crate) fn number(self) -> u8 {
        self as u8
    }

    /// The kind of a stored number. An unknown number counts as the loosest kind.
    pub(crate) fn from_number(number: u8) -> Self {
        let found = Self::ALL.into_iter().find(|kind| kind.number() == number);
        found.unwrap_or(Self::SameScene)
    }
}

/// How much of a camera's or a scanner's data the format of a file keeps: 3 for raw files, 2 for more than eight
/// bits a sample without loss, 1 for TIFF, 0 for formats that pictures are delivered in. Of two files with
/// the same pixels the one with the higher rank is the master.
pub(crate) fn master_rank(media_type: &str, depth: Option<u8>) -> u8 {
    let is_lossless = matches!(
        media_type,
        "image/tiff" | "image/png" | "image/x-portable-anymap"
    );
    match media_type {
        _ if is_raw(media_type) => 3,
        _ if is_lossless && depth.is_some_and(|depth| depth > 8) => 2,
        "image/tiff" => 1,
        _ => 0,
    }
}

/// The kind of two files, from the kind of their first pages: a file with more pages or frames than the other
/// is never the same, and further pages must be as much the same as the first (`further_are_same`, asked only
/// where it matters).
pub(crate) fn of_whole_files(
    first: PairKind,
    pages: [u32; 2],
    further_are_same: impl FnOnce() -> bool,
) -> PairKind {
    let is_same = matches!(first, PairKind::ReEncoded | PairKind::Cropped);
    if !is_same || pages == [1, 1] {
        return first;
    }
    if first == PairKind::ReEncoded && pages[0] == pages[1] && further_are_same() {
        return first;
    }
    PairKind::Edited
}

/// Share of the structured cells that must show the same in an edited copy, at full resolution; uniform ones
/// (bars, frames, blank paper, sky) count for nothing.
const ALIKE: f64 = 0.6;

/// Share from which on the inner part may be what differs: an app's bars around other content reach 0.3.
const MOSTLY_ALIKE: f64 = 0.8;

/// A worst region and a noise up to which blur or stronger compression changed a copy everywhere: other
/// photographs of one thing have a worst region of at least 3.3 or much more noise.
const NEARLY: f64 = 2.5;
const BLURRED: f64 = 16.0;

/// Share of the structured cells that must show the same in any copy, where there are enough of them: what
/// compression leaves of faint texture is less alike than this, two exposures with noise of their own less still.
const STILL_ALIKE: f64 = 0.3;

/// Structured cells that must show the same in an edited copy, at least.
const LEAST_ALIKE: f64 = 24.0;

/// Structured cells that a part must have.
const LEAST_OF_PART: usize = 12;

/// The share of the smaller frame that both show in an edited copy.
const EDITED_PART: f64 = 0.5;

/// Common share of a frame from which on nothing of it was cut off, and pixels of the coarser one that
/// rounding may cut off each side.
const WHOLE_FRAME: f64 = 0.985;
const ROUNDED: f64 = 1.5;

/// Ratio of the areas to which a square grows in two corners, up to which a view is flat.
const FLAT_VIEW: f64 = 1.02;

/// Turn in radians and stretch of one side against the other, up to which neither was intended.
const UPRIGHT: f64 = 0.01;
const STRETCH: f64 = 1.02;

/// The most that compression and the conversion of colours change the tone of the whole, in grey levels, and
/// as a multiple of the noise.
const SAME_TONE: (f64, f64) = (2.5, 0.5);

/// A pair as the kinds see it.
pub(crate) struct Compared<'a> {
    /// Width and height of the two in pixels.
    pub(crate) sizes: [[u32; 2]; 2],
    /// Whether one is the other's negative, and was compared as such.
    pub(crate) inverted: bool,
    /// Whether the pixels are those of the files, and not of thumbnails.
    pub(crate) whole: bool,
    /// How the pixels agree.
    pub(crate) pixels: &'a PixelAgreement,
}

/// The kind of a verified pair.
pub(crate) fn kind_of(pair: &Compared<'_>) -> PairKind {
    let [a, b] = pair.sizes;
    let pixels = pair.pixels;
    let Some(shape) = Shape::of(&pixels.transform, a, b) else {
        return PairKind::SameScene;
    };
    let agreement = &pixels.agreement;
    let least = a.into_iter().chain(b).min().unwrap_or(1);
    let rounding = 2.0 * ROUNDED / f64::from(least.max(1));
    let whole = WHOLE_FRAME.min(1.0 - 2.0 * rounding);
    let straight = !pair.inverted
        && !shape.mirrored
        && shape.tilt <= FLAT_VIEW
        && shape.turn <= UPRIGHT
        && shape.stretch <= STRETCH + rounding;
    let most_tone = SAME_TONE.0 + SAME_TONE.1 * agreement.noise;
    let same = pair.whole
        && agreement.worst <= 1.0
        && agreement.tone <= most_tone
        && is_still_alike(agreement);
    if straight && same {
        if shape.of_a.min(shape.of_b) >= whole {
            return PairKind::ReEncoded;
        }
        if shape.of_a.max(shape.of_b) >= whole && agreement.structured >= LEAST_OF_PART {
            return PairKind::Cropped;
        }
    }
    if shape.of_a.max(shape.of_b) >= EDITED_PART && shows_the_same(agreement) {
        PairKind::Edited
    } else {
        PairKind::SameScene
    }
}

/// Whether enough of what has structure is the same. An app's bars around other content are not: the inner
/// part must be the same as well.
fn shows_the_same(agreement: &Agreement) -> bool {
    let enough = agreement.alike[0] * agreement.structured as f64 >= LEAST_ALIKE;
    let [all, inner] = agreement.alike;
    let nearly = agreement.worst <= 1.0 || agreement.worst <= NEARLY && agreement.noise <= BLURRED;
    nearly && is_still_alike(agreement)
        || enough && (all >= MOSTLY_ALIKE || all.min(inner) >= ALIKE)
}

/// Whether what has structure still shows the same, where there is enough of it.
fn is_still_alike(agreement: &Agreement) -> bool {
    (agreement.structured as f64) < LEAST_ALIKE || agreement.alike[0] >= STILL_ALIKE
}

/// How a transform changes the frames.
struct Shape {
    /// Shares of the two frames that lie within the other, 0..1.
    of_a: f64,
    of_b: f64,
    /// Turn in radians, without sign.
    turn: f64,
    /// Longer over shorter axis of what a circle becomes.
    stretch: f64,
    /// Largest over smallest area to which a square grows in the corners of what both show.
    tilt: f64,
    mirrored: bool,
}

impl Shape {
    /// `None` where a corner lies behind the horizon, or the frames have nothing in common.
    fn of(transform: &Transform, a: [u32; 2], b: [u32; 2]) -> Option<Self> {
        let back = transform.inverse()?;
        let b_in_a = geometry::region(&back, b, a)?;
        let a_in_b = geometry::region(transform, a, b)?;
        let share = |corners: &[[f64; 2]], size: [u32; 2]| {
            let area = f64::from(size[0]) * f64::from(size[1]);
            geometry::area(corners) / area
        };
        let (of_a, of_b) = (share(&b_in_a, a), share(&a_in_b, b));
        let areas = b_in_a.iter().map(|&corner| {
            let [p, q, r, s] = transform.jacobian(corner)?;
            Some((p * s - q * r).abs())
        });
        let areas = areas.collect::<Option<Vec<f64>>>()?;
        let least = areas.iter().copied().fold(f64::INFINITY, f64::min);
        let most = areas.iter().copied().fold(0.0, f64::max);
        let n = b_in_a.len() as f64;
        let sum = b_in_a
            .iter()
            .fold([0.0; 2], |s, p| [s[0] + p[0], s[1] + p[1]]);
        let [p, q, r, s] = transform.jacobian([sum[0] / n, sum[1] / n])?;
        let determinant = p * s - q * r;
        // Singular values of a 2×2 matrix from its norm and determinant.
        let norm = p * p + q * q + r * r + s * s;
        let root = (norm * norm - 4.0 * determinant * determinant)
            .max(0.0)
            .sqrt();
        let stretch = ((norm + root) / (norm - root).max(1e-12)).sqrt();
        let mirrored = determinant < 0.0;
        let turn = if mirrored {
            0.0
        } else {
            libm::atan2(r - q, p + s).abs()
        };
        let shape = Self {
            of_a,
            of_b,
            turn,
            stretch,
            tilt: most / least,
            mirrored,
        };
        (of_a > 0.0 && of_b > 0.0 && shape.tilt.is_finite()).then_some(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: [u32; 2] = [400, 300];

    fn same() -> Agreement {
        Agreement {
            worst: 0.5,
            noise: 1.0,
            tone: 0.5,
            structured: 900,
            alike: [1.0; 2],
        }
    }

    fn kind(matrix: [f64; 9], b: [u32; 2], agreement: Agreement) -> PairKind {
        kind_of_either(matrix, b, agreement, false, true)
    }

    fn kind_of_either(
        matrix: [f64; 9],
        b: [u32; 2],
        agreement: Agreement,
        inverted: bool,
        whole: bool,
    ) -> PairKind {
        let pixels = PixelAgreement {
            transform: Transform(matrix),
            agreement,
            regions: Vec::new(),
        };
        kind_of(&Compared {
            sizes: [SIZE, b],
            inverted,
            whole,
            pixels: &pixels,
        })
    }

    #[test]
    fn the_frame_decides_where_all_pixels_agree() {
        let one = Transform::IDENTITY.0;
        let half = [0.5, 0.0, -0.25, 0.0, 0.5, -0.25, 0.0, 0.0, 1.0];
        assert_eq!(kind(one, SIZE, same()), PairKind::ReEncoded);
        assert_eq!(kind(half, [200, 150], same()), PairKind::ReEncoded);
        // Half of it, at the same scale.
        assert_eq!(kind(one, [200, 300], same()), PairKind::Cropped);
        // Pasted small into another.
        assert_eq!(kind(half, SIZE, same()), PairKind::Cropped);
        // A part of each.
        let moved = |by: f64| [1.0, 0.0, -by, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        assert_eq!(kind(moved(100.0), SIZE, same()), PairKind::Edited);
        assert_eq!(kind(moved(260.0), SIZE, same()), PairKind::SameScene);
        assert_eq!(kind(moved(900.0), SIZE, same()), PairKind::SameScene);
        let stretched = [1.5, 0.0, 0.25, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        assert_eq!(kind(stretched, [600, 300], same()), PairKind::Edited);
        let mirrored = [-1.0, 0.0, 399.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        assert_eq!(kind(mirrored, SIZE, same()), PairKind::Edited);
        let upside_down = [-1.0, 0.0, 399.0, 0.0, -1.0, 299.0, 0.0, 0.0, 1.0];
        assert_eq!(kind(upside_down, SIZE, same()), PairKind::Edited);
        let tilted = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 2e-4, 0.0, 1.0];
        assert_eq!(kind(tilted, SIZE, same()), PairKind::Edited);
        let of_either = |inverted, whole| kind_of_either(one, SIZE, same(), inverted, whole);
        assert_eq!(of_either(true, true), PairKind::Edited);
        assert_eq!(of_either(false, false), PairKind::Edited);
    }

    #[test]
    fn the_worst_region_and_the_share_of_equal_cells_decide_in_one_frame() {
        let one = Transform::IDENTITY.0;
        let with = |change: &dyn Fn(&mut Agreement)| {
            let mut agreement = same();
            change(&mut agreement);
            kind(one, SIZE, agreement)
        };
        assert_eq!(with(&|a| a.worst = 1.1), PairKind::Edited);
        assert_eq!(with(&|a| a.tone = 12.0), PairKind::Edited);
        assert_eq!(
            with(&|a| (a.worst, a.alike) = (9.0, [0.7; 2])),
            PairKind::Edited
        );
        assert_eq!(
            with(&|a| (a.worst, a.alike) = (9.0, [0.4; 2])),
            PairKind::SameScene
        );
        // Noise of its own everywhere, as in two exposures.
        assert_eq!(with(&|a| a.alike = [0.2; 2]), PairKind::SameScene);
        assert_eq!(
            with(&|a| (a.worst, a.alike) = (2.0, [0.1; 2])),
            PairKind::SameScene
        );
        // Only a border is the same, or next to nothing has structure.
        assert_eq!(
            with(&|a| (a.worst, a.alike) = (9.0, [0.7, 0.2])),
            PairKind::SameScene
        );
        assert_eq!(
            with(&|a| (a.worst, a.structured) = (9.0, 10)),
            PairKind::SameScene
        );
    }

    #[test]
    fn a_file_with_more_pages_is_never_the_same() {
        let with = |first, pages, further| of_whole_files(first, pages, || further);
        for kind in [PairKind::ReEncoded, PairKind::Cropped] {
            assert_eq!(with(kind, [1, 1], false), kind);
            assert_eq!(with(kind, [3, 1], true), PairKind::Edited);
            assert_eq!(with(kind, [3, 3], false), PairKind::Edited);
        }
        assert_eq!(with(PairKind::ReEncoded, [3, 3], true), PairKind::ReEncoded);
        assert_eq!(with(PairKind::Cropped, [3, 3], true), PairKind::Edited);
        assert_eq!(with(PairKind::SameScene, [3, 3], true), PairKind::SameScene);
    }

    #[test]
    fn masters_are_ranked_by_what_their_format_keeps() {
        let ranks = [
            ("image/x-adobe-dng", Some(14), 3),
            ("image/png", Some(16), 2),
            ("image/tiff", Some(16), 2),
            ("image/tiff", Some(8), 1),
            ("image/tiff", None, 1),
            ("image/png", Some(8), 0),
            ("image/avif", Some(10), 0),
            ("image/jpeg", Some(8), 0),
        ];
        for (media_type, depth, rank) in ranks {
            assert_eq!(
                master_rank(media_type, depth),
                rank,
                "{media_type} {depth:?}"
            );
        }
    }

    #[test]
    fn numbers_and_kinds_go_both_ways() {
        for kind in PairKind::ALL {
            assert_eq!(PairKind::from_number(kind.number()), kind);
        }
        assert_eq!(PairKind::from_number(77), PairKind::SameScene);
    }
}
