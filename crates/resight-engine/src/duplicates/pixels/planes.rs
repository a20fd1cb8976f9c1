//! Luma and chroma of a picture as planes of `f32`, and how to sample and smooth them.

use resight_vision::{Image, Transform};

/// One value a pixel, row-major, in grey levels of 0..255.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plane {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) values: Vec<f32>,
}

impl Plane {
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            values: vec![0.0; width * height],
        }
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn height(&self) -> usize {
        self.height
    }

    pub(crate) fn at(&self, x: usize, y: usize) -> f32 {
        self.values[y * self.width + x]
    }

    /// Bilinear interpolation at a place within.
    #[inline]
    pub(crate) fn sample(&self, place: &Place) -> f32 {
        let v = &self.values;
        let [i, next, below] = [place.at, place.next, place.below];
        let upper = v[i] + place.fx * (v[i + next] - v[i]);
        let lower = v[i + below] + place.fx * (v[i + below + next] - v[i + below]);
        upper + place.fy * (lower - upper)
    }

    /// Where a point lies; `None` more than a thousandth of a pixel outside the pixels' centres.
    #[inline]
    pub(crate) fn place(&self, [x, y]: [f64; 2]) -> Option<Place> {
        const SLACK: f64 = 1e-3;
        let (right, bottom) = ((self.width - 1) as f64, (self.height - 1) as f64);
        if !(x >= -SLACK && y >= -SLACK && x <= right + SLACK && y <= bottom + SLACK) {
            return None;
        }
        let (x, y) = (x.clamp(0.0, right), y.clamp(0.0, bottom));
        let (left, top) = (x as usize, y as usize);
        Some(Place {
            at: top * self.width + left,
            next: usize::from(left + 1 < self.width),
            below: usize::from(top + 1 < self.height) * self.width,
            fx: (x - left as f64) as f32,
            fy: (y - top as f64) as f32,
        })
    }

    /// Mean of each 2 × 2 pixels; an odd last row or column is left out.
    pub(super) fn halved(&self) -> Self {
        let mut half = Self::new((self.width / 2).max(1), (self.height / 2).max(1));
        let (dx, dy) = (
            usize::from(self.width > 1),
            usize::from(self.height > 1) * self.width,
        );
        for y in 0..half.height {
            for x in 0..half.width {
                let i = 2 * y * self.width + 2 * x;
                let v = &self.values;
                half.values[y * half.width + x] =
                    0.25 * (v[i] + v[i + dx] + v[i + dy] + v[i + dx + dy]);
            }
        }
        half
    }

    /// Smoothed by (1 2 1) / 4 along both axes; the border repeats.
    pub(crate) fn smoothed(&self) -> Self {
        let along = self.by_neighbours(1, |a, b, c| 0.25 * (a + c) + 0.5 * b);
        along.by_neighbours(0, |a, b, c| 0.25 * (a + c) + 0.5 * b)
    }

    /// The least or the greatest value of each 3 × 3 pixels.
    pub(super) fn extreme(&self, of: impl Fn(f32, f32) -> f32 + Copy) -> Self {
        let along = self.by_neighbours(1, |a, b, c| of(of(a, b), c));
        along.by_neighbours(0, |a, b, c| of(of(a, b), c))
    }

    /// `of` the neighbour before, the pixel and the neighbour behind, along rows (1) or columns (0).
    fn by_neighbours(&self, axis: usize, of: impl Fn(f32, f32, f32) -> f32) -> Self {
        let (w, h) = (self.width, self.height);
        let mut out = Self::new(w, h);
        for y in 0..h {
            let row = &self.values[y * w..(y + 1) * w];
            let into = &mut out.values[y * w..(y + 1) * w];
            if axis == 1 {
                // The border apart, so that the loop has no branches.
                into[0] = of(row[0], row[0], row[1.min(w - 1)]);
                into[w - 1] = of(row[w.saturating_sub(2)], row[w - 1], row[w - 1]);
                for (v, three) in into[1..].iter_mut().zip(row.windows(3)) {
                    *v = of(three[0], three[1], three[2]);
                }
            } else {
                let above = y.saturating_sub(1) * w;
                let below = (y + 1).min(h - 1) * w;
                let (a, c) = (
                    &self.values[above..above + w],
                    &self.values[below..below + w],
                );
                for x in 0..w {
                    into[x] = of(a[x], row[x], c[x]);
                }
            }
        }
        out
    }
}

/// A point between four pixels: the first, the steps to the next and to the row below, and the shares of
/// those, 0..1.
pub(crate) struct Place {
    at: usize,
    next: usize,
    below: usize,
    fx: f32,
    fy: f32,
}

/// A picture as luma and chroma (Rec. 601, as JPEG has them).
#[derive(Clone, Debug)]
pub(crate) struct Ycc {
    pub(crate) luma: Plane,
    /// Blue and red difference, centred on 128.
    pub(super) chroma: [Plane; 2],
}

impl Ycc {
    /// Of a picture, or of its negative.
    pub(crate) fn of(image: &Image, inverted: bool) -> Self {
        let (w, h) = (image.width() as usize, image.height() as usize);
        let mut planes = [Plane::new(w, h), Plane::new(w, h), Plane::new(w, h)];
        for (i, p) in image.rgb().chunks_exact(3).enumerate() {
            let value = |v: u8| f32::from(if inverted { 255 - v } else { v });
            let [r, g, b] = [value(p[0]), value(p[1]), value(p[2])];
            let luma = 0.299 * r + 0.587 * g + 0.114 * b;
            planes[0].values[i] = luma;
            planes[1].values[i] = 128.0 + 0.564 * (b - luma);
            planes[2].values[i] = 128.0 + 0.713 * (r - luma);
        }
        let [luma, blue, red] = planes;
        Self {
            luma,
            chroma: [blue, red],
        }
    }
}

/// Coordinates of a plane of half the resolution as those of the whole one.
pub(super) const FROM_HALF: Transform = Transform([2.0, 0.0, 0.5, 0.0, 2.0, 0.5, 0.0, 0.0, 1.0]);
/// The way back.
pub(super) const TO_HALF: Transform = Transform([0.5, 0.0, -0.25, 0.0, 0.5, -0.25, 0.0, 0.0, 1.0]);
