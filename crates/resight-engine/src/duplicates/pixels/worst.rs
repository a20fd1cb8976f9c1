//! Whether two pictures that lie over each other are the same everywhere, judged by the worst region.
//!
//! Compression and scaling change all regions of one activity alike, so the pair itself tells how much they
//! changed it: the median of its cells of that activity. A region that differs by much more was changed by
//! something else. Luma is judged by its difference in small windows
//! (`crates/resight-engine/src/duplicates/pixels/difference.rs`), shifts and chroma by those of cells. All bounds
//! were chosen on one half of the pictures of `bench/run kinds.py` (`--half even`); `bench/results/duplicates.md`
//! has what they do on the other.

use super::cells::{CELL, Cell, Cells};
use super::difference::SQUARE;
use crate::median::median;

/// Sides of the windows in cells.
const WINDOWS: [usize; 4] = [1, 2, 4, 8];

/// Squares of [`super::difference`] along a cell.
const SQUARES: usize = CELL / SQUARE;

/// Share of a window's cells that must count.
const LEAST_SHARE: f64 = 0.75;

/// Cells that must count, at least.
const LEAST_CELLS: usize = 6;

/// What is allowed in every pair, in grey levels: excess of chroma (root mean square) and mean shift.
const EXCESS: f64 = 6.5;
const SHIFT: f64 = 4.9;

/// What is allowed beside it, as a multiple of the pair's own noise.
const TIMES_NOISE: f64 = 2.6;

/// A single cell is one JPEG block: with more noise than the first, in grey levels, it may differ by more, by
/// the second for each further grey level, up to the third in all.
const WIDER_FROM: f64 = 1.0;
const WIDER_BY: f64 = 0.25;
const WIDEST: f64 = 2.0;

/// Most noise in grey levels that compression explains.
const MOST_NOISE: f64 = 10.0;

/// Activities, in powers of two of the contrast.
const ACTIVITIES: usize = 7;

/// Cells of one activity from which on their median counts.
const LEAST_OF_ACTIVITY: usize = 12;

/// Contrast in grey levels from which on a cell has structure. Others are uniform: bars, paper and sky.
const STRUCTURED: f32 = 4.0;

/// Correlation from which on two cells show the same structure.
const CORRELATED: f32 = 0.85;

/// Share of the width and height that the inner part leaves out on each side.
const OUTER: f64 = 0.2;

/// Boxes of changes, at most.
const MOST_BOXES: usize = 8;

/// How two pictures agree that lie over each other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Agreement {
    /// The worst region's difference as a multiple of what compression and scaling explain: the pictures are
    /// the same everywhere where it is at most 1.
    pub(crate) worst: f64,
    /// Noise of luma in grey levels, the median over all cells.
    pub(crate) noise: f64,
    /// Root mean squared change of luma or chroma that a change of tone of the whole explains.
    pub(crate) tone: f64,
    /// Cells with structure.
    pub(crate) structured: usize,
    /// Share of those that show the same, of all and of the inner ones, 0..1.
    pub(crate) alike: [f64; 2],
}

/// A box of changes in pixels of the grid: left, top, right and bottom.
pub(crate) type ChangedBox = [f64; 4];

/// How the cells agree, and boxes around the changes; `None` where too few count.
pub(super) fn agreement(cells: &Cells) -> Option<(Agreement, Vec<ChangedBox>)> {
    let counting = cells.cells.iter().filter(|cell| cell.counts());
    if counting.clone().count() < LEAST_CELLS {
        return None;
    }
    let activity: Vec<usize> = (0..cells.cells.len()).map(|i| cells.activity(i)).collect();
    let count = Sums::new(cells, &|_, _| 1.0);
    let fields = Measure::ALL.map(|measure| {
        let noise = Noise::of(cells, &activity, measure);
        Field::new(cells, &activity, measure, &noise)
    });
    let noise = median(counting.clone().map(|c| f64::from(c.excess)).collect()).sqrt();
    let wider = (1.0 + WIDER_BY * (noise - WIDER_FROM).max(0.0)).min(WIDEST);
    let mut changed = vec![false; cells.cells.len()];
    let of_luma = cells.squares.judged(noise);
    for &[x, y] in &of_luma.beyond {
        for (y, x) in [(y, x), (y, x + 1), (y + 1, x), (y + 1, x + 1)] {
            changed[y / SQUARES * cells.columns + x / SQUARES] = true;
        }
    }
    let mut worst = of_luma.worst;
    for side in WINDOWS {
        for field in &fields {
            if side >= field.measure.least_side() {
                let times = if side == 1 { wider } else { 1.0 };
                worst = worst.max(field.worst(&count, (side, times), &mut changed));
            }
        }
    }
    let result = Agreement {
        worst,
        noise,
        tone: tone(cells),
        structured: counting.filter(|cell| cell.is_structured()).count(),
        alike: alike(cells),
    };
    Some((result, boxes(cells, &changed)))
}

#[derive(Clone, Copy, PartialEq)]
enum Measure {
    /// What neither picture's values within one pixel explain.
    ChromaExcess,
    /// The mean.
    Shift,
    ChromaShift,
}

impl Measure {
    const ALL: [Self; 3] = [Self::ChromaExcess, Self::Shift, Self::ChromaShift];

    /// Side of the smallest window in cells. The mean of a single cell moves with the quantisation of its JPEG
    /// block.
    fn least_side(self) -> usize {
        match self {
            Self::ChromaExcess => 1,
            Self::Shift | Self::ChromaShift => 2,
        }
    }

    fn is_shift(self) -> bool {
        matches!(self, Self::Shift | Self::ChromaShift)
    }

    /// What is allowed in every pair, and beside it as a multiple of the noise.
    fn allowed(self) -> (f64, f64) {
        match self {
            Self::ChromaExcess => (EXCESS, TIMES_NOISE),
            Self::Shift | Self::ChromaShift => (SHIFT, TIMES_NOISE),
        }
    }

    /// The square of what it measures in one cell.
    fn squared(self, cell: &Cell) -> f64 {
        match self {
            Self::ChromaExcess => f64::from(cell.chroma_excess),
            Self::Shift => f64::from(cell.shift * cell.shift),
            Self::ChromaShift => {
                let [blue, red] = cell.chroma_shift.map(f64::from);
                (blue * blue).max(red * red)
            }
        }
    }
}

impl Cell {
    fn is_structured(&self) -> bool {
        self.variances[0].max(self.variances[1]) >= STRUCTURED * STRUCTURED
    }

    fn is_alike(&self) -> bool {
        let [p, q] = self.variances.map(|v| v.max(4.0));
        self.covariance >= CORRELATED * (p * q).sqrt()
    }
}

/// What compression and scaling did to cells of each activity: the median square.
struct Noise {
    by_activity: [f64; ACTIVITIES],
}

impl Noise {
    fn of(cells: &Cells, activity: &[usize], measure: Measure) -> Self {
        let mut values = vec![Vec::new(); ACTIVITIES];
        for (cell, &activity) in cells.cells.iter().zip(activity) {
            if cell.counts() {
                values[activity].push(measure.squared(cell));
            }
        }
        let most = MOST_NOISE * MOST_NOISE;
        let mut last = 0.0_f64;
        let mut by_activity = [0.0; ACTIVITIES];
        for (noise, values) in by_activity.iter_mut().zip(values) {
            // More activity is never less noise.
            if values.len() >= LEAST_OF_ACTIVITY {
                last = last.max(median(values)).min(most);
            }
            *noise = last;
        }
        Self { by_activity }
    }
}

impl Cells {
    /// The contrast around a cell as a power of two: compression spreads an edge over its whole block.
    fn activity(&self, i: usize) -> usize {
        let (x, y) = (i % self.columns, i / self.columns);
        let mut most = 1.0_f32;
        for y in y.saturating_sub(1)..(y + 2).min(self.rows) {
            for x in x.saturating_sub(1)..(x + 2).min(self.columns) {
                let cell = &self.cells[y * self.columns + x];
                if cell.counts() {
                    most = most.max(cell.variances[0]).max(cell.variances[1]);
                }
            }
        }
        // Of the variance every second power of two is one of the contrast.
        let steps = (1..ACTIVITIES).take_while(|&k| most >= (1u32 << (2 * k)) as f32);
        steps.count()
    }
}

/// Sums of one measure over rectangles of cells.
struct Field {
    measure: Measure,
    noise: Sums,
    /// Squares, or for shifts the signed values of up to two channels.
    values: Vec<Sums>,
}

impl Field {
    fn new(cells: &Cells, activity: &[usize], measure: Measure, noise: &Noise) -> Self {
        let sums = |of: &dyn Fn(usize, &Cell) -> f64| Sums::new(cells, of);
        let values = match measure {
            Measure::Shift => vec![sums(&|_, cell| f64::from(cell.shift))],
            Measure::ChromaShift => [0, 1]
                .map(|c| sums(&|_, cell| f64::from(cell.chroma_shift[c])))
                .into(),
            _ => vec![sums(&|_, cell| measure.squared(cell))],
        };
        Self {
            measure,
            noise: sums(&|i, _| noise.by_activity[activity[i]]),
            values,
        }
    }

    /// The worst of all windows of this side, which may differ by `times` as much. Marks the cells of those that
    /// changed, unless smaller windows have shown where within. `count` has 1 for each cell that counts.
    fn worst(&self, count: &Sums, (side, times): (usize, f64), changed: &mut [bool]) -> f64 {
        let full = (side * side) as f64;
        let (least, per_noise) = self.measure.allowed();
        // Errors of blocks average out in means, and add up in squares.
        let averaging = if self.measure.is_shift() {
            (side as f64).sqrt()
        } else {
            1.0
        };
        let mut worst: f64 = 0.0;
        let mut found = Vec::new();
        for y in 0..(count.rows + 1).saturating_sub(side) {
            for x in 0..(count.columns + 1).saturating_sub(side) {
                let n = count.over(x, y, side);
                if n < LEAST_SHARE * full {
                    continue;
                }
                let noise = (self.noise.over(x, y, side).max(0.0) / n).sqrt();
                let means = self.values.iter().map(|sums| sums.over(x, y, side) / n);
                let value = if self.measure.is_shift() {
                    means.fold(0.0, |most: f64, mean| most.max(mean.abs()))
                } else {
                    means.sum::<f64>().max(0.0).sqrt()
                };
                let allowed = times * (least + per_noise * noise / averaging);
                worst = worst.max(value / allowed);
                if value > allowed {
                    found.push((x, y));
                }
            }
        }
        let before = changed.to_vec();
        for (left, top) in found {
            let window = (top..top + side).flat_map(|y| {
                let row = y * count.columns;
                row + left..row + left + side
            });
            if window.clone().all(|i| !before[i]) {
                window.for_each(|i| changed[i] = true);
            }
        }
        worst
    }
}

/// A table of sums over the cells that count, from which every rectangle's follows.
struct Sums {
    columns: usize,
    rows: usize,
    table: Vec<f64>,
}

impl Sums {
    fn new(cells: &Cells, value: &dyn Fn(usize, &Cell) -> f64) -> Self {
        let (columns, rows) = (cells.columns, cells.rows);
        let wide = columns + 1;
        let mut table = vec![0.0; wide * (rows + 1)];
        for y in 0..rows {
            let mut row = 0.0;
            for x in 0..columns {
                let i = y * columns + x;
                let cell = &cells.cells[i];
                row += if cell.counts() { value(i, cell) } else { 0.0 };
                table[(y + 1) * wide + x + 1] = table[y * wide + x + 1] + row;
            }
        }
        Self {
            columns,
            rows,
            table,
        }
    }

    fn over(&self, x: usize, y: usize, side: usize) -> f64 {
        let at = |x: usize, y: usize| self.table[y * (self.columns + 1) + x];
        at(x + side, y + side) - at(x, y + side) - at(x + side, y) + at(x, y)
    }
}

/// Shares of the structured cells that show the same, of all and of the inner ones.
fn alike(cells: &Cells) -> [f64; 2] {
    let [mut all, mut inner] = [[0.0_f64; 2]; 2];
    let margin = [cells.columns, cells.rows].map(|side| (OUTER * side as f64) as usize);
    for (i, cell) in cells.cells.iter().enumerate() {
        if !cell.counts() || !cell.is_structured() {
            continue;
        }
        let (x, y) = (i % cells.columns, i / cells.columns);
        let is_inner = (margin[0]..cells.columns - margin[0]).contains(&x)
            && (margin[1]..cells.rows - margin[1]).contains(&y);
        let is_alike = f64::from(u8::from(cell.is_alike()));
        all = [all[0] + 1.0, all[1] + is_alike];
        if is_inner {
            inner = [inner[0] + 1.0, inner[1] + is_alike];
        }
    }
    [all, inner].map(|[n, alike]| alike / n.max(1.0))
}

/// Root mean squared difference of the cells' means that a gain and an offset of the whole explain, in the
/// channel where it is largest.
fn tone(cells: &Cells) -> f64 {
    let of = |first: &dyn Fn(&Cell) -> f64, difference: &dyn Fn(&Cell) -> f64| {
        let pairs = || {
            let counting = cells.cells.iter().filter(|cell| cell.counts());
            counting.map(|cell| (first(cell), difference(cell)))
        };
        let n = pairs().count().max(1) as f64;
        let (x, d) = pairs().fold((0.0, 0.0), |s, (x, d)| (s.0 + x, s.1 + d));
        let (x, d) = (x / n, d / n);
        let (xx, xd) = pairs().fold((0.0, 0.0), |s, (p, q)| {
            (s.0 + (p - x) * (p - x), s.1 + (p - x) * (q - d))
        });
        // Cells that are all of one tone show an offset only.
        let slope = if xx > n { xd / xx } else { 0.0 };
        (d * d + slope * slope * xx / n).sqrt()
    };
    let luma = of(&|c| c.means[0].into(), &|c| c.shift.into());
    let chroma = [0, 1].map(|i| of(&|c| c.chroma[i].into(), &|c| c.chroma_shift[i].into()));
    luma.max(chroma[0]).max(chroma[1])
}

/// Boxes around connected changed cells, in pixels of the grid, the largest first.
fn boxes(cells: &Cells, changed: &[bool]) -> Vec<ChangedBox> {
    let mut seen = vec![false; changed.len()];
    let mut found: Vec<(usize, [usize; 4])> = Vec::new();
    for start in 0..changed.len() {
        if !changed[start] || seen[start] {
            continue;
        }
        let (mut open, mut size) = (vec![start], 0);
        seen[start] = true;
        let (x, y) = (start % cells.columns, start / cells.columns);
        let mut around = [x, y, x, y];
        while let Some(i) = open.pop() {
            size += 1;
            let (x, y) = (i % cells.columns, i / cells.columns);
            around = [
                around[0].min(x),
                around[1].min(y),
                around[2].max(x),
                around[3].max(y),
            ];
            // Up to two cells away: a line of text is one change.
            for y in y.saturating_sub(2)..(y + 3).min(cells.rows) {
                for x in x.saturating_sub(2)..(x + 3).min(cells.columns) {
                    let next = y * cells.columns + x;
                    if changed[next] && !seen[next] {
                        seen[next] = true;
                        open.push(next);
                    }
                }
            }
        }
        found.push((size, around));
    }
    found.sort_by_key(|&(size, _)| std::cmp::Reverse(size));
    let side = super::cells::CELL as f64;
    let corners = found.into_iter().take(MOST_BOXES).map(|(_, around)| {
        let [left, top, right, bottom] = around.map(|v| v as f64);
        [left, top, right + 1.0, bottom + 1.0].map(|v| v * side)
    });
    corners.collect()
}
