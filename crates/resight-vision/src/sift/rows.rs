//! Storage of rows of 16-bit pixels: whole planes, and rings of the last few rows.

use super::blur::{BLOCK, from_u8, from_u16};
use crate::dispatch::{Simd, prefetch, widest};
use crate::image::GrayView;

/// A whole blurred picture, row-major without padding.
#[derive(Clone, Debug, Default)]
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) data: Vec<i16>,
}

impl Plane {
    /// Changes the size; the contents are unspecified.
    pub(super) fn reshape(&mut self, width: usize, height: usize) {
        self.width = width;
        self.height = height;
        self.data.resize(width * height, 0);
    }

    #[inline(always)]
    pub(super) fn row(&self, y: usize) -> &[i16] {
        &self.data[y * self.width..(y + 1) * self.width]
    }

    /// Prefetches the pixels within `reach` of (x, y).
    pub(super) fn prefetch(&self, x: f32, y: f32, reach: f32) {
        /// Pixels in a cache line.
        const LINE: usize = 32;
        let from = |c: f32| (c - reach).max(0.0) as usize;
        let (left, right) = (from(x), ((x + reach) as usize).min(self.width - 1));
        for y in from(y)..=((y + reach) as usize).min(self.height - 1) {
            let row = y * self.width;
            for at in (row + left..=row + right).step_by(LINE) {
                prefetch(&self.data, at);
            }
            prefetch(&self.data, row + right);
        }
    }
}

/// `width` rounded up to whole blocks.
pub(super) fn columns(width: usize) -> usize {
    width.next_multiple_of(BLOCK)
}

/// The last rows of a picture, each with its edge pixels repeated at both ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Ring {
    width: usize,
    pad: usize,
    stride: usize,
    rows: usize,
    data: Vec<i16>,
}

impl Ring {
    /// Room for `rows` rows of `width` pixels with `pad` repeated pixels at each end.
    pub(super) fn reshape(&mut self, width: usize, pad: usize, rows: usize) {
        self.width = width;
        self.pad = pad;
        self.rows = rows;
        self.stride = columns(width) + 2 * pad;
        self.data.resize(self.stride * rows, 0);
    }

    fn at(&self, y: usize) -> usize {
        (y % self.rows) * self.stride
    }

    /// Row `y` from its first pixel, a whole number of blocks long.
    pub(super) fn row(&self, y: usize) -> &[i16] {
        let at = self.at(y) + self.pad;
        &self.data[at..at + self.stride - 2 * self.pad]
    }

    /// Row `y` from `reach` pixels left of its first pixel to the end of its padding.
    pub(super) fn padded(&self, y: usize, reach: usize) -> &[i16] {
        let at = self.at(y);
        &self.data[at + self.pad - reach..at + self.stride]
    }

    pub(super) fn row_mut(&mut self, y: usize) -> &mut [i16] {
        let at = self.at(y) + self.pad;
        let end = at + self.stride - 2 * self.pad;
        &mut self.data[at..end]
    }

    /// Four rows at once; `None` unless the ring holds at least four.
    pub(super) fn four_mut(&mut self, y: usize) -> Option<[&mut [i16]; 4]> {
        let (pad, length) = (self.pad, self.stride - 2 * self.pad);
        let start = [0, 1, 2, 3].map(|i| self.at(y + i) + pad);
        self.data
            .get_disjoint_mut(start.map(|at| at..at + length))
            .ok()
    }

    /// Overwrites the padding of row `y` with its first and last pixel.
    pub(super) fn repeat_edges(&mut self, y: usize) {
        let (at, first) = (self.at(y), self.at(y) + self.pad);
        let last = first + self.width - 1;
        let (left, right) = (self.data[first], self.data[last]);
        self.data[at..first].fill(left);
        let end = at + self.stride;
        self.data[last + 1..end].fill(right);
    }
}

/// The rows that an octave is computed from.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// The picture as it is.
    Picture(GrayView<'a>),
    /// The picture at twice its size.
    Doubled(GrayView<'a>),
    /// Every second pixel of every second row of a finished layer.
    Halved(&'a Plane),
}

impl Source<'_> {
    /// Width and height after the change of size.
    pub(super) fn size(&self) -> (usize, usize) {
        match self {
            Self::Picture(view) => (view.width(), view.height()),
            Self::Doubled(view) => (2 * view.width(), 2 * view.height()),
            Self::Halved(plane) => (plane.width / 2, plane.height / 2),
        }
    }

    /// Writes row `y` to the front of `out`.
    pub(super) fn read(&self, simd: Simd, y: usize, out: &mut [i16]) {
        let width = self.size().0;
        let out = &mut out[..width];
        match self {
            Self::Picture(GrayView::U8(p)) => convert8(simd, p.row(y), out),
            Self::Picture(GrayView::U16(p)) => convert16(simd, p.row(y), out),
            Self::Doubled(GrayView::U8(p)) => {
                let below = (y.div_ceil(2)).min(p.height() - 1);
                double8(simd, p.row(y / 2), p.row(below), out);
            }
            Self::Doubled(GrayView::U16(p)) => {
                let below = (y.div_ceil(2)).min(p.height() - 1);
                double16(simd, p.row(y / 2), p.row(below), out);
            }
            Self::Halved(plane) => halve(simd, plane.row(2 * y), out),
        }
    }
}

#[inline(always)]
fn convert8_body(row: &[u8], out: &mut [i16]) {
    for (o, &p) in out.iter_mut().zip(row) {
        *o = from_u8(p);
    }
}

#[inline(always)]
fn convert16_body(row: &[u16], out: &mut [i16]) {
    for (o, &p) in out.iter_mut().zip(row) {
        *o = from_u16(p);
    }
}

#[inline(always)]
fn double8_body(above: &[u8], below: &[u8], out: &mut [i16]) {
    double(above, below, out, from_u8);
}

#[inline(always)]
fn double16_body(above: &[u16], below: &[u16], out: &mut [i16]) {
    double(above, below, out, from_u16);
}

/// Pixel x moves to 2x exactly, and the pixels between are the mean of their neighbours, so a place
/// u of the doubled row is u/2 of the original, without an offset.
#[inline(always)]
fn double<T: Copy>(above: &[T], below: &[T], out: &mut [i16], pixel: fn(T) -> i16) {
    let n = above.len();
    let sum = |x: usize| i32::from(pixel(above[x])) + i32::from(pixel(below[x]));
    for x in 0..n - 1 {
        let (here, next) = (sum(x), sum(x + 1));
        out[2 * x] = (here >> 1) as i16;
        out[2 * x + 1] = ((here + next) >> 2) as i16;
    }
    out[2 * n - 2] = (sum(n - 1) >> 1) as i16;
    out[2 * n - 1] = (sum(n - 1) >> 1) as i16;
}

#[inline(always)]
fn halve_body(row: &[i16], out: &mut [i16]) {
    for (o, pair) in out.iter_mut().zip(row.chunks_exact(2)) {
        *o = pair[0];
    }
}

widest! { fn convert8(row: &[u8], out: &mut [i16]) = convert8_body }
widest! { fn convert16(row: &[u16], out: &mut [i16]) = convert16_body }
widest! { fn double8(above: &[u8], below: &[u8], out: &mut [i16]) = double8_body }
widest! { fn double16(above: &[u16], below: &[u16], out: &mut [i16]) = double16_body }
widest! { fn halve(row: &[i16], out: &mut [i16]) = halve_body }

#[cfg(test)]
mod tests {
    use resight_test_support::Random;

    use super::*;
    use crate::{GrayImage, GrayRows};

    #[test]
    fn doubling_keeps_the_pixels_in_place() {
        let image = GrayImage::new(3, 2, vec![0, 10, 20, 40, 50, 60]).unwrap();
        let source = Source::Doubled(image.view());
        assert_eq!(source.size(), (6, 4));
        let grey = |v: i16| f32::from(v) / 128.0 + 128.0;
        for &simd in Simd::available() {
            let row = |y| {
                let mut out = vec![0; 32];
                source.read(simd, y, &mut out);
                out[..6].iter().map(|&v| grey(v)).collect::<Vec<_>>()
            };
            assert_eq!(row(0), [0.0, 5.0, 10.0, 15.0, 20.0, 20.0]);
            assert_eq!(row(1), [20.0, 25.0, 30.0, 35.0, 40.0, 40.0]);
            assert_eq!(row(3), [40.0, 45.0, 50.0, 55.0, 60.0, 60.0]);
        }
    }

    #[test]
    fn sixteen_bits_are_read_as_eight_are() {
        let (w, h) = (37, 5);
        let bytes = Random::new(1).bytes(w * h, 255);
        let wide: Vec<u16> = bytes.iter().map(|&b| u16::from(b) << 8).collect();
        let narrow = GrayView::U8(GrayRows::new(w, h, w, &bytes).unwrap());
        let wide = GrayView::U16(GrayRows::new(w, h, w, &wide).unwrap());
        for (a, b) in [
            (Source::Picture(narrow), Source::Picture(wide)),
            (Source::Doubled(narrow), Source::Doubled(wide)),
        ] {
            let (width, height) = a.size();
            for (y, &simd) in
                (0..height).flat_map(|y| Simd::available().iter().map(move |s| (y, s)))
            {
                let mut rows = [vec![0; width], vec![0; width]];
                a.read(Simd::PLAIN, y, &mut rows[0]);
                b.read(simd, y, &mut rows[1]);
                assert_eq!(rows[0], rows[1], "{} row {y}", simd.name());
            }
        }
    }

    #[test]
    fn halving_takes_every_second_pixel_of_every_second_row() {
        for (width, height) in [(2, 2), (9, 7), (64, 3)] {
            let data: Vec<i16> = (0..(width * height) as i16).collect();
            let plane = Plane {
                width,
                height,
                data,
            };
            let source = Source::Halved(&plane);
            assert_eq!(source.size(), (width / 2, height / 2));
            for y in 0..height / 2 {
                let mut row = vec![0; width / 2];
                source.read(Simd::widest(), y, &mut row);
                let expected = (0..width / 2).map(|x| (2 * y * width + 2 * x) as i16);
                assert_eq!(row, expected.collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_ring_forgets_the_oldest_row_and_repeats_edges() {
        let mut ring = Ring::default();
        ring.reshape(5, 3, 6);
        for y in 0..8 {
            ring.row_mut(y)[..5].copy_from_slice(&[y as i16, 1, 2, 3, 9]);
            ring.repeat_edges(y);
        }
        assert_eq!(ring.padded(7, 2)[..9], [7, 7, 7, 1, 2, 3, 9, 9, 9]);
        assert_eq!(ring.row(2)[0], 2);
        assert_eq!(ring.row(0)[0], 6);
        assert_eq!(ring.row(7).len(), 32);
    }
}
