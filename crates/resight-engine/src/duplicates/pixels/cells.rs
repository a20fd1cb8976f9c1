//! Two pictures laid over each other, and how each small square of them differs.

use resight_vision::Transform;

use super::difference::Squares;
use super::planes::{Plane, Ycc};

/// Side of a cell in pixels of the coarser picture.
pub(super) const CELL: usize = 8;

/// Pixels of a cell that both pictures must show for it to count.
const LEAST_PIXELS: f32 = 24.0;

/// What was measured in one cell. Differences are the second minus the first, in grey levels.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cell {
    /// Pixels that both pictures show.
    pub(super) n: f32,
    /// Mean squared excess of luma: what neither picture's values within one pixel explain.
    pub(super) excess: f32,
    /// The same of chroma, the worse channel.
    pub(super) chroma_excess: f32,
    /// Mean difference of luma.
    pub(super) shift: f32,
    /// Mean differences of chroma.
    pub(super) chroma_shift: [f32; 2],
    /// Mean luma of the two.
    pub(super) means: [f32; 2],
    /// Mean chroma of the first.
    pub(super) chroma: [f32; 2],
    /// Variances of luma of the two, and their covariance.
    pub(super) variances: [f32; 2],
    pub(super) covariance: f32,
}

impl Cell {
    /// Whether both pictures show enough of it.
    pub(super) fn counts(&self) -> bool {
        self.n >= LEAST_PIXELS
    }
}

/// The cells of the coarser picture.
pub(super) struct Cells {
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) cells: Vec<Cell>,
    /// The differences of luma, in smaller squares.
    pub(super) squares: Squares,
}

/// Lays `second` over `first` by `transform`, from pixels of the first to those of the second. Both have
/// about the same scale.
pub(super) fn cells(first: &Ycc, second: &Ycc, transform: &Transform) -> Cells {
    let (w, h) = (first.luma.width, first.luma.height);
    let (columns, rows) = (w.div_ceil(CELL), h.div_ceil(CELL));
    let (laid, shown) = laid(first, second, transform);
    let luma = Layers::new(&first.luma, &laid.luma, shown.clone());
    let mut all = Cells {
        columns,
        rows,
        cells: vec![Cell::default(); columns * rows],
        squares: Squares::new(&luma.first, &luma.second, &shown),
    };
    all.sum_luma(&luma);
    let shown = halved_mask(&shown, [w, h]);
    for (channel, (a, b)) in first.chroma.iter().zip(&laid.chroma).enumerate() {
        // JPEG stores chroma at half the resolution.
        let layers = Layers::new(&a.halved(), &b.halved(), shown.clone());
        all.sum_chroma(channel, &layers);
    }
    all
}

/// `second` on the grid of `first`, and which pixels it shows; others are those of `first`.
fn laid(first: &Ycc, second: &Ycc, transform: &Transform) -> (Ycc, Vec<bool>) {
    let (w, h) = (first.luma.width, first.luma.height);
    let mut laid = first.clone();
    let mut shown = vec![false; w * h];
    for y in 0..h {
        for x in 0..w {
            let there = transform.apply([x as f64, y as f64]);
            if let Some(place) = there.and_then(|at| second.luma.place(at)) {
                let i = y * w + x;
                shown[i] = true;
                laid.luma.values[i] = second.luma.sample(&place);
                for (into, from) in laid.chroma.iter_mut().zip(&second.chroma) {
                    into.values[i] = from.sample(&place);
                }
            }
        }
    }
    (laid, shown)
}

/// Which pixels of half the resolution are shown as wholes.
fn halved_mask(shown: &[bool], [w, h]: [usize; 2]) -> Vec<bool> {
    let (half_w, half_h) = ((w / 2).max(1), (h / 2).max(1));
    let places = (0..half_h).flat_map(|y| (0..half_w).map(move |x| 2 * y * w + 2 * x));
    let (dx, dy) = (usize::from(w > 1), usize::from(h > 1) * w);
    places
        .map(|i| shown[i] && shown[i + dx] && shown[i + dy] && shown[i + dx + dy])
        .collect()
}

/// Two planes on one grid, both smoothed, and what of their difference the neighbours do not explain.
struct Layers {
    first: Plane,
    second: Plane,
    excess: Plane,
    shown: Vec<bool>,
}

impl Layers {
    fn new(first: &Plane, second: &Plane, shown: Vec<bool>) -> Self {
        let (w, h) = (first.width, first.height);
        let (a, b) = (first.smoothed(), second.smoothed());
        // Birchfield & Tomasi, "A pixel dissimilarity measure that is insensitive to image sampling",
        // PAMI 1998, in two dimensions and both ways.
        let beyond = |of: &Plane, neighbours: &Plane| {
            let low = neighbours.extreme(f32::min);
            let high = neighbours.extreme(f32::max);
            let bounds = low.values.iter().zip(&high.values);
            let values = of.values.iter().zip(bounds);
            values
                .map(|(v, (low, high))| (low - v).max(v - high).max(0.0))
                .collect::<Vec<f32>>()
        };
        let (one, two) = (beyond(&a, &b), beyond(&b, &a));
        let mut excess = Plane::new(w, h);
        for (e, (p, q)) in excess.values.iter_mut().zip(one.iter().zip(&two)) {
            *e = p.max(*q);
        }
        Self {
            first: a,
            second: b,
            excess,
            shown,
        }
    }
}

impl Cells {
    fn sum_luma(&mut self, layers: &Layers) {
        let (w, h) = (layers.first.width, layers.first.height);
        for (i, cell) in self.cells.iter_mut().enumerate() {
            let (left, top) = (i % self.columns * CELL, i / self.columns * CELL);
            let (mut n, mut e) = (0.0, 0.0);
            let (mut p, mut q, mut pp, mut qq, mut pq) = (0.0, 0.0, 0.0, 0.0, 0.0);
            for y in top..(top + CELL).min(h) {
                for x in left..(left + CELL).min(w) {
                    let at = y * w + x;
                    if !layers.shown[at] {
                        continue;
                    }
                    let (a, b) = (layers.first.values[at], layers.second.values[at]);
                    n += 1.0;
                    e += layers.excess.values[at] * layers.excess.values[at];
                    p += a;
                    q += b;
                    pp += a * a;
                    qq += b * b;
                    pq += a * b;
                }
            }
            if n > 0.0 {
                let (p, q) = (p / n, q / n);
                cell.n = n;
                cell.excess = e / n;
                cell.shift = q - p;
                cell.means = [p, q];
                cell.variances = [pp / n - p * p, qq / n - q * q].map(|v| v.max(0.0));
                cell.covariance = pq / n - p * q;
            }
        }
    }

    fn sum_chroma(&mut self, channel: usize, layers: &Layers) {
        const HALF: usize = CELL / 2;
        let (w, h) = (layers.first.width, layers.first.height);
        for (i, cell) in self.cells.iter_mut().enumerate() {
            let (left, top) = (i % self.columns * HALF, i / self.columns * HALF);
            let (mut n, mut e, mut d, mut p) = (0.0, 0.0, 0.0, 0.0);
            for y in top..(top + HALF).min(h) {
                for x in left..(left + HALF).min(w) {
                    let at = y * w + x;
                    if layers.shown[at] {
                        n += 1.0;
                        e += layers.excess.values[at] * layers.excess.values[at];
                        d += layers.second.values[at] - layers.first.values[at];
                        p += layers.first.values[at];
                    }
                }
            }
            if n > 0.0 {
                cell.chroma_excess = cell.chroma_excess.max(e / n);
                cell.chroma_shift[channel] = d / n;
                cell.chroma[channel] = p / n;
            }
        }
    }
}
