//! From a network's input to the picture.

use resight_vision::Keypoint;

use crate::manifest::Coordinates;

/// Largest distance of a keypoint outside of the picture, in pixels of the input: networks refine
/// places beyond the border.
const MARGIN: f64 = 2.0;

/// Converts a model's coordinates to pixels of the picture.
pub(super) struct Places {
    pub(super) coordinates: Coordinates,
    /// Columns and rows of the input.
    pub(super) size: [f64; 2],
    /// Pixels of the picture for each of the input.
    pub(super) step: [f64; 2],
}

impl Places {
    pub(super) fn pixel(&self, axis: usize, value: f32) -> f32 {
        let (value, side) = (f64::from(value), self.size[axis]);
        let of_input = match self.coordinates {
            Coordinates::Pixels => value,
            Coordinates::Centred => (value + 1.0) / 2.0 * (side - 1.0),
            Coordinates::Unit => value * side - 0.5,
        };
        // Centres of pixels are whole numbers, so edges lie half a pixel before them.
        ((of_input + 0.5) * self.step[axis] - 0.5) as f32
    }

    /// Whether a keypoint lies in the picture, or within [`MARGIN`] of it.
    pub(super) fn contain(&self, keypoint: &Keypoint) -> bool {
        let inside = |axis: usize, value: f32| {
            let (step, value) = (self.step[axis], f64::from(value));
            (-MARGIN * step..=(self.size[axis] + MARGIN) * step).contains(&value)
        };
        inside(0, keypoint.x) && inside(1, keypoint.y)
    }

    /// A length in pixels of the picture, by the geometric mean of both axes.
    pub(super) fn length(&self, value: f32) -> f32 {
        (f64::from(value) * (self.step[0] * self.step[1]).sqrt()) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_pixels_of_the_picture() {
        let mut places = Places {
            coordinates: Coordinates::Pixels,
            size: [100.0, 50.0],
            step: [2.0, 1.0],
        };
        // (coordinates, first pixel of the input, last pixel)
        for (coordinates, first, last) in [
            (Coordinates::Pixels, 0.0, 99.0),
            (Coordinates::Centred, -1.0, 1.0),
            (Coordinates::Unit, 0.005, 0.995),
        ] {
            places.coordinates = coordinates;
            assert!(
                (places.pixel(0, first) - 0.5).abs() < 1e-4,
                "{coordinates:?}"
            );
            assert!(
                (places.pixel(0, last) - 198.5).abs() < 1e-4,
                "{coordinates:?}"
            );
        }
        assert_eq!(places.pixel(1, 1.0), 49.5);
    }
}
