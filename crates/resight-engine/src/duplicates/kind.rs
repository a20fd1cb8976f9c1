//! The kind of a pair, from where one picture lies in the other and whether their pixels agree.
//!
//! The bounds were chosen on `copies_synth`, whose queries name what was done to them; `cargo test -p
//! resight-engine --test engine duplicates_kinds -- --nocapture` prints what each becomes.

use resight_vision::Transform;

use super::aligned::PixelDifference;
use crate::geometry;

/// How two pictures that show the same thing are related, the closest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PairKind {
    /// The same bytes in several files: one stored picture, so never a pair.
    Identical,
    /// The same frame and, compression and size aside, the same pixels.
    ReEncoded,
    /// The same frame with other colours, something laid over it, turned or stretched.
    Edited,
    /// The same pixels, and one shows a part of the other only.
    Cropped,
    /// The same thing in other pixels: another view, another moment, another copy of it.
    SameScene,
}

impl PairKind {
    /// All, the closest first.
    pub const ALL: [Self; 5] = [
        Self::Identical,
        Self::ReEncoded,
        Self::Edited,
        Self::Cropped,
        Self::SameScene,
    ];

    /// Its name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::ReEncoded => "re-encoded",
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

/// Share of the blocks that must be alike for the pixels to be the same. An overlay may cover the rest.
const ALIKE: f64 = 0.4;

/// The same where the view is another one: two photographs of one thing come that close only where they
/// are one photograph.
const ALIKE_TILTED: f64 = 0.9;

/// Common share of both frames from which on nothing was cut off.
const WHOLE_FRAME: f64 = 0.94;

/// Ratio of the areas to which a square grows in two corners, up to which a view is flat.
const FLAT_VIEW: f64 = 1.5;

/// Turn in radians and stretch of one side against the other, up to which neither was intended.
const UPRIGHT: f64 = 0.03;
const STRETCH: f64 = 1.04;

/// The most that compression changes, in grey levels: brightness and contrast of the whole,
const SAME_TONE: f64 = 5.0;
/// a typical block,
const SAME_PIXELS: f64 = 20.0;
/// the worst block, as a multiple of the typical one or at least the second number,
const EVENLY: f64 = 4.0;
const LITTLE: f64 = 10.0;
/// and a block's mean colours, likewise.
const COLOUR_EVENLY: f64 = 1.5;
const LITTLE_COLOUR: f64 = 3.0;

/// The kind of a verified pair. `transform` maps pixels of the first to the second; sizes are width and
/// height in pixels; `inverted` means that one is the other's negative, and was compared as such. Without a
/// comparison of the pixels they do not count as the same.
pub(crate) fn kind_of(
    transform: &Transform,
    a: [u32; 2],
    b: [u32; 2],
    inverted: bool,
    difference: Option<&PixelDifference>,
) -> PairKind {
    let Some(difference) = difference.filter(|d| d.alike >= ALIKE) else {
        return PairKind::SameScene;
    };
    let Some(shape) = Shape::of(transform, a, b) else {
        return PairKind::SameScene;
    };
    if shape.tilt > FLAT_VIEW {
        return if difference.alike >= ALIKE_TILTED {
            PairKind::Edited
        } else {
            PairKind::SameScene
        };
    }
    if shape.of_a.min(shape.of_b) < WHOLE_FRAME {
        return PairKind::Cropped;
    }
    let straight =
        !inverted && !shape.mirrored && shape.turn <= UPRIGHT && shape.stretch <= STRETCH;
    if straight && is_compressed(difference) {
        PairKind::ReEncoded
    } else {
        PairKind::Edited
    }
}

/// Whether compression explains all differences: it is spread evenly, and neither brightens nor
/// colours the whole.
fn is_compressed(difference: &PixelDifference) -> bool {
    let PixelDifference {
        typical,
        worst,
        colour,
        tone,
        ..
    } = *difference;
    tone <= SAME_TONE
        && typical <= SAME_PIXELS
        && worst <= LITTLE.max(EVENLY * typical)
        && colour <= LITTLE_COLOUR.max(COLOUR_EVENLY * typical)
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

    const SAME: PixelDifference = PixelDifference {
        alike: 1.0,
        typical: 2.0,
        worst: 5.0,
        colour: 1.0,
        tone: 0.5,
    };
    const SIZE: [u32; 2] = [400, 300];

    fn kind(matrix: [f64; 9], b: [u32; 2], difference: PixelDifference) -> PairKind {
        kind_of(&Transform(matrix), SIZE, b, false, Some(&difference))
    }

    #[test]
    fn the_frame_and_the_pixels_decide() {
        let one = Transform::IDENTITY.0;
        let half = [0.5, 0.0, -0.25, 0.0, 0.5, -0.25, 0.0, 0.0, 1.0];
        assert_eq!(kind(one, SIZE, SAME), PairKind::ReEncoded);
        assert_eq!(kind(half, [200, 150], SAME), PairKind::ReEncoded);
        // Half of it, at the same scale.
        assert_eq!(kind(one, [200, 300], SAME), PairKind::Cropped);
        // Pasted small into another.
        assert_eq!(kind(half, SIZE, SAME), PairKind::Cropped);
        let stretched = [1.5, 0.0, 0.25, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        assert_eq!(kind(stretched, [600, 300], SAME), PairKind::Edited);
        let mirrored = [-1.0, 0.0, 399.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        assert_eq!(kind(mirrored, SIZE, SAME), PairKind::Edited);
        let upside_down = [-1.0, 0.0, 399.0, 0.0, -1.0, 299.0, 0.0, 0.0, 1.0];
        assert_eq!(kind(upside_down, SIZE, SAME), PairKind::Edited);
        let brighter = PixelDifference {
            typical: 12.0,
            colour: 12.0,
            tone: 12.0,
            ..SAME
        };
        assert_eq!(kind(one, SIZE, brighter), PairKind::Edited);
        let labelled = PixelDifference {
            alike: 0.9,
            worst: 60.0,
            ..SAME
        };
        assert_eq!(kind(one, SIZE, labelled), PairKind::Edited);
        let tilted = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 2e-3, 0.0, 1.0];
        assert_eq!(kind(tilted, SIZE, SAME), PairKind::Edited);
        assert_eq!(
            kind(tilted, SIZE, PixelDifference { alike: 0.8, ..SAME }),
            PairKind::SameScene
        );
        assert_eq!(
            kind(one, SIZE, PixelDifference { alike: 0.3, ..SAME }),
            PairKind::SameScene
        );
        assert_eq!(
            kind_of(&Transform::IDENTITY, SIZE, SIZE, true, Some(&SAME)),
            PairKind::Edited
        );
        assert_eq!(
            kind_of(&Transform::IDENTITY, SIZE, SIZE, false, None),
            PairKind::SameScene
        );
        let away = [1.0, 0.0, 900.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        assert_eq!(kind(away, SIZE, SAME), PairKind::SameScene);
    }

    #[test]
    fn numbers_and_kinds_go_both_ways() {
        for kind in PairKind::ALL {
            assert_eq!(PairKind::from_number(kind.number()), kind);
        }
        assert_eq!(PairKind::from_number(77), PairKind::SameScene);
    }
}
