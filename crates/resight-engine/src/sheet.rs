//! Contact sheets, collages and pages of thumbnails: pictures made of many pictures.
//!
//! The strongest features of a sheet lie in a few of its pictures, and the others could not be found by the
//! usual number of features. A sheet is a grid: lines across its whole width and height, at which unrelated
//! pictures meet or a gap between them lies. What else is drawn as a grid (tiles, boards, codes, tables, plots)
//! repeats one cell, has flat cells, or is mostly paper. The bounds were chosen on generated sheets, on 1,994
//! photographs, of which none counts as a sheet, and on the classes of `bench/run classes.py`, of which only
//! some pages of icons and façades do.

use std::ops::Range;

use resight_vision::{GrayImage, Image};

use crate::median::median;

/// Longest side in pixels of the copy that is examined.
const SIDE: u32 = 512;
/// Step in grey levels between two neighbours that counts.
const STEP: u8 = 10;
/// Share of the neighbours along a border that have such a step.
const CROSSED: f64 = 0.6;
/// How many times the share of the lines nearby, and of the median line, a border must have.
const ABOVE_NEARBY: f64 = 1.8;
const ABOVE_MEDIAN: f64 = 2.0;
/// Lines on each side with which a border is compared, and the nearest that are left out.
const NEARBY: usize = 6;
const TOO_NEAR: usize = 2;
/// Range of grey levels of a line in a gap.
const GAP_RANGE: u8 = 8;
/// Shortest side of a cell as a share of the sheet's.
const SMALLEST: f64 = 1.0 / 16.0;
/// Cells of a sheet, at least.
const LEAST_CELLS: usize = 6;
/// Three quarters of the cells differ from the median side by this factor at most.
const REGULAR: f64 = 1.3;
/// Deviation of the cells' mean grey levels, at least: they show different things.
const LEAST_DEVIATION: f64 = 14.0;
/// Share of neighbours within the median cell that have a step, at least: it is no flat field.
const LEAST_TEXTURE: f64 = 0.1;
/// Share of the sheet that one tone may cover.
const MOST_PAPER: f64 = 0.55;
/// Grey levels on each side that belong to one tone.
const TONE: usize = 4;
/// Median correlation of two cells, at most: they do not repeat.
const MOST_REPEATED: f64 = 0.5;
/// Side in values of the reduced cells that are correlated.
const REDUCED: usize = 8;
/// Cells for which the usual number of features is enough.
const CELLS_PER_SHARE: usize = 6;
/// Most features, as a multiple of the usual number.
const MOST_TIMES: usize = 4;

/// How many times the usual number of features `image` needs; `None` for a picture that is no sheet.
pub(crate) fn times_features(image: &Image) -> Option<usize> {
    let small = resight_decode::fit_within(image, SIDE);
    let gray = small.as_ref().unwrap_or(image).to_gray();
    let [columns, rows] = grid(&gray)?;
    let cells = columns.len() * rows.len();
    (cells >= LEAST_CELLS && are_different_pictures(&gray, &columns, &rows))
        .then(|| cells.div_ceil(CELLS_PER_SHARE).clamp(2, MOST_TIMES))
}

/// The columns and rows into which borders or gaps divide a picture; `None` unless there are two of each, of
/// about one size.
fn grid(gray: &GrayImage) -> Option<[Vec<Range<usize>>; 2]> {
    let (w, h) = (gray.width(), gray.height());
    let at = |x: usize, y: usize| gray.pixels()[y * w + x];
    // Rows first: they lie together in memory, and most pictures end here.
    let down = parts([h, w], |y, x| at(x, y))?;
    let across = parts([w, h], at)?;
    Some([across, down])
}

/// The parts of the first direction, whose lines run along the second.
fn parts(
    [lines, length]: [usize; 2],
    at: impl Fn(usize, usize) -> u8,
) -> Option<Vec<Range<usize>>> {
    let share = |line: usize| {
        let steps = (0..length).filter(|&i| at(line, i).abs_diff(at(line + 1, i)) >= STEP);
        steps.count() as f64 / length as f64
    };
    let shares: Vec<f64> = (0..lines.saturating_sub(1)).map(share).collect();
    let is_gap = |line: usize| {
        let range = (0..length).fold([u8::MAX, 0], |[low, high], i| {
            let value = at(line, i);
            [low.min(value), high.max(value)]
        });
        range[1].saturating_sub(range[0]) <= GAP_RANGE
    };
    let least = SMALLEST * lines as f64;
    let meeting = between(
        lines,
        least,
        borders(&shares).map(|line| line + 1..line + 1),
    );
    let gaps = (0..lines).filter(|&line| is_gap(line));
    let apart = between(lines, least, gaps.map(|line| line..line + 1));
    let parts = if apart.len() > meeting.len() {
        apart
    } else {
        meeting
    };
    (parts.len() > 1 && is_regular(&parts)).then_some(parts)
}

/// Lines whose share of steps stands out.
fn borders(shares: &[f64]) -> impl Iterator<Item = usize> {
    let typical = ABOVE_MEDIAN * median(shares.to_vec());
    let stands_out = move |line: usize| {
        let from = line.saturating_sub(NEARBY);
        let nearby = (from..(line + NEARBY + 1).min(shares.len()))
            .filter(|near| near.abs_diff(line) > TOO_NEAR)
            .map(|near| shares[near]);
        shares[line] >= CROSSED
            && shares[line] >= typical
            && shares[line] >= ABOVE_NEARBY * median(nearby.collect())
    };
    (0..shares.len()).filter(move |&line| stands_out(line))
}

/// What `dividers`, ascending, leave of `0..lines` in parts of at least `least`.
fn between(
    lines: usize,
    least: f64,
    dividers: impl Iterator<Item = Range<usize>>,
) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut parts = Vec::new();
    for divider in dividers.chain(std::iter::once(lines..lines)) {
        if divider.start.saturating_sub(start) as f64 >= least {
            parts.push(start..divider.start);
        }
        start = divider.end;
    }
    parts
}

fn is_regular(parts: &[Range<usize>]) -> bool {
    let middle = median(parts.iter().map(|part| part.len() as f64).collect());
    let like_it = |part: &&Range<usize>| {
        let ratio = part.len() as f64 / middle;
        (1.0 / REGULAR..=REGULAR).contains(&ratio)
    };
    4 * parts.iter().filter(like_it).count() >= 3 * parts.len()
}

/// Whether the cells of the grid hold pictures, and different ones.
fn are_different_pictures(
    gray: &GrayImage,
    columns: &[Range<usize>],
    rows: &[Range<usize>],
) -> bool {
    let cells = rows
        .iter()
        .flat_map(|row| columns.iter().map(|column| Cell::new(gray, column, row)));
    let cells: Vec<Cell> = cells.collect();
    let texture = median(cells.iter().map(|cell| cell.texture).collect());
    let n = cells.len() as f64;
    let mean = cells.iter().map(|cell| cell.mean).sum::<f64>() / n;
    let squares = cells.iter().map(|cell| (cell.mean - mean).powi(2));
    let deviation = (squares.sum::<f64>() / n).sqrt();
    let pairs = cells
        .iter()
        .enumerate()
        .flat_map(|(i, a)| cells[..i].iter().map(|b| a.correlation(b)));
    texture >= LEAST_TEXTURE
        && deviation >= LEAST_DEVIATION
        && paper(gray) <= MOST_PAPER
        && median(pairs.collect()) <= MOST_REPEATED
}

struct Cell {
    mean: f64,
    /// Share of the neighbours in a row that have a step.
    texture: f64,
    /// Means of its parts, of mean 0 and norm 1 (0 where it is flat).
    reduced: Vec<f64>,
}

impl Cell {
    fn new(gray: &GrayImage, column: &Range<usize>, row: &Range<usize>) -> Self {
        let mut sums = [[0.0; 2]; REDUCED * REDUCED];
        let (mut steps, mut neighbours) = (0.0, 0.0);
        for y in row.clone() {
            let line = &gray.pixels()[y * gray.width()..][column.clone()];
            for (x, &value) in line.iter().enumerate() {
                let part =
                    (y - row.start) * REDUCED / row.len() * REDUCED + x * REDUCED / column.len();
                sums[part][0] += f64::from(value);
                sums[part][1] += 1.0;
            }
            let step = |pair: &&[u8]| pair[0].abs_diff(pair[1]) >= STEP;
            steps += line.windows(2).filter(step).count() as f64;
            neighbours += line.len().saturating_sub(1) as f64;
        }
        let (sum, count) = sums.iter().fold((0.0, 0.0), |(sum, count), part| {
            (sum + part[0], count + part[1])
        });
        let mean = sum / f64::max(count, 1.0);
        let mut reduced: Vec<f64> = sums
            .iter()
            .map(|[sum, count]| {
                if *count > 0.0 {
                    sum / count - mean
                } else {
                    0.0
                }
            })
            .collect();
        let norm = reduced.iter().map(|v| v * v).sum::<f64>().sqrt().max(1e-3);
        reduced.iter_mut().for_each(|v| *v /= norm);
        Self {
            mean,
            texture: steps / f64::max(neighbours, 1.0),
            reduced,
        }
    }

    fn correlation(&self, other: &Self) -> f64 {
        let products = self.reduced.iter().zip(&other.reduced);
        products.map(|(a, b)| a * b).sum()
    }
}

/// Share of the pixels of the commonest tone.
fn paper(gray: &GrayImage) -> f64 {
    let mut histogram = [0_usize; 256];
    for &value in gray.pixels() {
        histogram[usize::from(value)] += 1;
    }
    let tones = histogram.windows(2 * TONE + 1);
    let most = tones.map(|tone| tone.iter().sum::<usize>()).max();
    most.unwrap_or(0) as f64 / gray.pixels().len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage, imageops};
    use resight_test_support::textured;

    use super::*;

    const TILE: [u32; 2] = [120, 90];

    fn as_image(picture: RgbImage) -> Image {
        Image::from_rgb(picture.width(), picture.height(), picture.into_raw()).unwrap()
    }

    /// A picture of its own brightness.
    fn tile(number: u64) -> RgbImage {
        let large = textured(2 * TILE[0], 2 * TILE[1], number);
        let mut tile = imageops::resize(&large, TILE[0], TILE[1], imageops::FilterType::Nearest);
        let gain = 0.5 + 0.25 * (number % 3) as f32;
        for value in tile.iter_mut() {
            *value = (f32::from(*value) * gain) as u8;
        }
        tile
    }

    fn sheet(columns: u32, rows: u32, gap: u32, tile: impl Fn(u64) -> RgbImage) -> Image {
        let [w, h] = TILE;
        let size = [columns * (w + gap) + gap, rows * (h + gap) + gap];
        let mut sheet = RgbImage::from_pixel(size[0], size[1], Rgb([255; 3]));
        for number in 0..columns * rows {
            let (column, row) = (number % columns, number / columns);
            let at = [gap + column * (w + gap), gap + row * (h + gap)];
            let tile = tile(u64::from(number));
            imageops::replace(&mut sheet, &tile, at[0].into(), at[1].into());
        }
        as_image(sheet)
    }

    #[test]
    fn sheets_get_features_by_the_number_of_their_pictures() {
        assert_eq!(times_features(&sheet(5, 5, 0, tile)), Some(4));
        assert_eq!(times_features(&sheet(5, 5, 6, tile)), Some(4));
        assert_eq!(times_features(&sheet(3, 3, 6, tile)), Some(2));
        assert_eq!(times_features(&sheet(2, 2, 6, tile)), None);
    }

    #[test]
    fn pictures_of_one_thing_and_other_grids_are_no_sheets() {
        let flat = |number: u64| {
            let tone = if (number + number / 5).is_multiple_of(2) {
                240
            } else {
                20
            };
            RgbImage::from_pixel(TILE[0], TILE[1], Rgb([tone; 3]))
        };
        assert_eq!(times_features(&as_image(textured(600, 450, 7))), None);
        assert_eq!(
            times_features(&sheet(5, 5, 6, |_| tile(1))),
            None,
            "one tile repeated"
        );
        assert_eq!(times_features(&sheet(5, 5, 0, flat)), None, "a board");
        for [w, h] in [[1, 1], [1, 40], [40, 1], [3, 3]] {
            assert_eq!(times_features(&as_image(textured(w, h, 1))), None);
        }
    }
}
