//! Samples a layer on a square grid laid over a keypoint in its own scale and direction.
//!
//! Orientation and descriptor measure gradients on such a grid instead of the layer's own pixels.
//! The weights of the samples are then the same for every keypoint and computed once.

use super::gather;
use super::rows::Plane;
use super::trig;

/// The place of a grid: its centre, and the step from one column to the next. The step from one
/// row to the next is the same, rotated by a quarter turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) step: (f32, f32),
}

/// Buffers of sampling. Every number is written before it is read, so all keypoints of a thread
/// share them.
pub(super) struct Scratch<const P: usize> {
    fx: [f32; P],
    fy: [f32; P],
    at: [i32; P],
    upper: [u32; P],
    lower: [u32; P],
    /// The samples.
    pub(super) samples: [f32; P],
}

impl<const P: usize> Default for Scratch<P> {
    fn default() -> Self {
        Self {
            fx: [0.0; P],
            fy: [0.0; P],
            at: [0; P],
            upper: [0; P],
            lower: [0; P],
            samples: [0.0; P],
        }
    }
}

/// The samples' places in steps from the centre, row by row.
pub(super) struct Grid<const P: usize> {
    u: [f32; P],
    v: [f32; P],
}

impl<const P: usize> Grid<P> {
    /// `side` × `side` centred places. The rest of the `P` lie at the centre, so that `P` may be a
    /// multiple of a register's lanes.
    pub(super) fn square(side: usize) -> Self {
        let middle = (side - 1) as f32 / 2.0;
        let place = |of: fn(usize, usize) -> usize| {
            std::array::from_fn(|p| {
                if p < side * side {
                    of(p, side) as f32 - middle
                } else {
                    0.0
                }
            })
        };
        Self {
            u: place(|p, side| p % side),
            v: place(|p, side| p / side),
        }
    }

    /// Interpolates every place bilinearly into `scratch.samples`. Edge pixels are repeated beyond
    /// the picture.
    #[inline(always)]
    pub(super) fn sample(&self, plane: &Plane, frame: &Frame, scratch: &mut Scratch<P>) {
        let Scratch {
            fx,
            fy,
            at,
            upper,
            lower,
            samples,
        } = scratch;
        let (ux, uy) = frame.step;
        let (w, h) = (plane.width as f32, plane.height as f32);
        let reach = frame.reach(self.u[0]);
        // Places are relative to a pixel above and left of all of them: positive, and small enough
        // to keep their fractions.
        let (cx, cy) = ((frame.x - reach).floor(), (frame.y - reach).floor());
        let (x0, y0) = (frame.x - cx, frame.y - cy);
        let inside =
            cx >= 0.0 && cy >= 0.0 && frame.x + reach < w - 2.0 && frame.y + reach < h - 2.0;
        let width = if inside { plane.width as i32 } else { 1 << 16 };
        for i in 0..P {
            let x = x0 + (self.u[i] * ux - self.v[i] * uy);
            let y = y0 + (self.u[i] * uy + self.v[i] * ux);
            let ((px, right), (py, down)) = (trig::split(x), trig::split(y));
            fx[i] = right;
            fy[i] = down;
            at[i] = py.wrapping_mul(width).wrapping_add(px);
        }
        if inside {
            let data = &plane.data[cy as usize * plane.width + cx as usize..];
            gather::pairs(data, plane.width, at, upper, lower);
        } else {
            let last = (plane.width as i64 - 1, plane.height as i64 - 1);
            let pixel = |x: i64, y: i64| {
                let (x, y) = (x.clamp(0, last.0), y.clamp(0, last.1));
                plane.data[y as usize * plane.width + x as usize]
            };
            for i in 0..P {
                let (x, y) = (
                    cx as i64 + i64::from(at[i] & 0xffff),
                    cy as i64 + i64::from(at[i] >> 16),
                );
                upper[i] = pair(pixel(x, y), pixel(x + 1, y));
                lower[i] = pair(pixel(x, y + 1), pixel(x + 1, y + 1));
            }
        }
        for i in 0..P {
            let left = |pair: u32| ((pair << 16) as i32 >> 16) as f32;
            let right = |pair: u32| (pair as i32 >> 16) as f32;
            let top = left(upper[i]) + fx[i] * (right(upper[i]) - left(upper[i]));
            let bottom = left(lower[i]) + fx[i] * (right(lower[i]) - left(lower[i]));
            samples[i] = top + fy[i] * (bottom - top);
        }
    }
}

impl Frame {
    /// Largest distance of a sample from the centre along x or y, in pixels, for a first column
    /// `first` steps from the centre.
    #[inline(always)]
    fn reach(&self, first: f32) -> f32 {
        first.abs() * (self.step.0.abs() + self.step.1.abs()) + 1.0
    }
}

/// Two neighbouring pixels as one number.
#[inline(always)]
fn pair(left: i16, right: i16) -> u32 {
    u32::from(left as u16) | u32::from(right as u16) << 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_without_curvature_is_read_exactly() {
        let (w, h) = (60, 50);
        let data = (0..w * h)
            .map(|i| (20 * (i % w) + 30 * (i / w)) as i16)
            .collect();
        let plane = Plane {
            width: w,
            height: h,
            data,
        };
        let grid = Grid::<32>::square(5);
        let frame = Frame {
            x: 30.25,
            y: 24.5,
            step: (1.5, 2.0),
        };
        let mut scratch = Scratch::default();
        grid.sample(&plane, &frame, &mut scratch);
        for (i, got) in scratch.samples[..25].iter().enumerate() {
            let (u, v) = ((i % 5) as f32 - 2.0, (i / 5) as f32 - 2.0);
            let x = 30.25 + 1.5 * u - 2.0 * v;
            let y = 24.5 + 2.0 * u + 1.5 * v;
            assert!((got - (20.0 * x + 30.0 * y)).abs() < 0.01, "{i}: {got}");
        }
    }

    #[test]
    fn the_edge_is_repeated() {
        let plane = Plane {
            width: 3,
            height: 3,
            data: vec![1, 1, 9, 1, 1, 9, 1, 1, 9],
        };
        let grid = Grid::<16>::square(3);
        let frame = Frame {
            x: 1.0,
            y: 1.0,
            step: (40.0, 0.0),
        };
        let mut scratch = Scratch::default();
        grid.sample(&plane, &frame, &mut scratch);
        assert_eq!(
            scratch.samples[..9],
            [1.0, 1.0, 9.0, 1.0, 1.0, 9.0, 1.0, 1.0, 9.0]
        );
    }
}
