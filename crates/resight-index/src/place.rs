//! Position, scale and angle of a keypoint in four bytes: precise enough to find out whether several
//! matches agree on one similarity, and so which candidates are verified first.

use resight_vision::Keypoint;

/// A keypoint in units of its picture's longer side: column and row in 1/1024ths, scale in sixths of
/// an octave, angle in 1/64ths of a turn.
///
/// Bits, from the lowest: 10 column, 10 row, 6 scale, 6 angle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(pub u32);

/// Steps of a column or row.
const STEPS: u32 = 1024;
/// Scales and angles have 64 steps each.
const SIX_BITS: u32 = 63;
/// Steps of scale in an octave.
pub(crate) const STEPS_IN_OCTAVE: f32 = 6.0;

impl Place {
    /// The place of a keypoint in a picture of these sides, in pixels. Positions outside are moved to
    /// the rim; scales are distinguished from 1/1024 to 1.4 times the longer side.
    pub fn of(keypoint: &Keypoint, size: [u32; 2]) -> Self {
        let unit = STEPS as f32 / size[0].max(size[1]).max(1) as f32;
        // Conversions to integers saturate, and NaN becomes 0.
        let at = |v: f32| ((v + 0.5) * unit).max(0.0) as u32;
        let scale = libm::log2f((keypoint.scale * unit).max(1.0)) * STEPS_IN_OCTAVE;
        let turn = keypoint.angle / std::f32::consts::TAU;
        let angle = ((turn - turn.floor()) * 64.0) as u32;
        Self(
            at(keypoint.x).min(STEPS - 1)
                | at(keypoint.y).min(STEPS - 1) << 10
                | (scale as u32).min(SIX_BITS) << 20
                | angle.min(SIX_BITS) << 26,
        )
    }

    /// The places of keypoints of one picture, in their order.
    pub fn all(keypoints: &[Keypoint], size: [u32; 2]) -> Vec<Self> {
        keypoints.iter().map(|k| Self::of(k, size)).collect()
    }

    /// Column and row in 1/1024ths of the longer side.
    pub(crate) fn position(self) -> [f32; 2] {
        let half = 0.5;
        [
            (self.0 % STEPS) as f32 + half,
            (self.0 >> 10 & (STEPS - 1)) as f32 + half,
        ]
    }

    /// Sixths of an octave above 1/1024 of the longer side.
    pub(crate) fn scale(self) -> i32 {
        (self.0 >> 20 & SIX_BITS) as i32
    }

    /// 1/64ths of a turn.
    pub(crate) fn angle(self) -> i32 {
        (self.0 >> 26) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keypoint_is_precise_to_a_step() {
        let keypoint = |x, y, scale, angle| Keypoint {
            x,
            y,
            scale,
            angle,
            response: 0.0,
        };
        let place = Place::of(&keypoint(99.5, 49.5, 8.0, 3.2), [400, 200]);
        assert_eq!(place.position(), [256.5, 128.5]);
        // log2(8 * 1024 / 400) * 6 = 26.1; 3.2 / 2π * 64 = 32.6
        assert_eq!((place.scale(), place.angle()), (26, 32));
        let odd = [
            keypoint(-5.0, 1e9, 0.0, -0.1),
            keypoint(f32::NAN, f32::INFINITY, f32::NAN, f32::NAN),
            keypoint(0.0, 0.0, 1e30, 1e9),
        ];
        let far = Place::of(&odd[0], [100, 100]);
        assert_eq!(far.position(), [0.5, 1023.5]);
        assert_eq!((far.scale(), far.angle()), (0, 62));
        Place::of(&odd[1], [0, 0]);
        assert_eq!(Place::of(&odd[2], [1, 1]).scale(), 63);
    }
}
