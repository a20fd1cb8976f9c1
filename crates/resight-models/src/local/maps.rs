//! Networks whose outputs are maps: a detector of one cell of pixels for each place, and descriptors
//! between which a keypoint's is interpolated.
//!
//! The detector's form is that of SuperPoint (DeTone et al., CVPR Workshops 2018, §3.2): s² + 1
//! logits for each cell of s × s pixels, of which the last says that there is no keypoint. The map of
//! reliability, its product with the detector's probability, and the cubic interpolation of the
//! descriptors are those of XFeat (Potje et al., CVPR 2024, §3.2).

use resight_vision::{Descriptors, Keypoint, LocalFeatures};

use super::places::Places;
use crate::manifest::MapOutput;
use crate::runtime::network::Tensor;

/// The coefficient of the cubic filter, as PyTorch's `grid_sample` has it.
const CUBIC: f32 = -0.75;

/// The names of the outputs, in the order in which [`read`] takes them.
pub(super) fn names(output: &MapOutput) -> Vec<&str> {
    [&output.descriptors, &output.logits]
        .into_iter()
        .chain(&output.reliability)
        .map(String::as_str)
        .collect()
}

/// Reads at most `most` keypoints with their descriptors, strongest first.
///
/// # Errors
/// Where the shapes do not agree with each other or with the input, and for numbers that are not
/// finite.
pub(super) fn read(
    outputs: Vec<Tensor>,
    output: &MapOutput,
    places: &Places,
    most: usize,
) -> Result<LocalFeatures, String> {
    let mut outputs = outputs.into_iter();
    let mut next = |name: &str, channels: usize| {
        let tensor = outputs.next().ok_or_else(|| format!("no output {name}"))?;
        Map::new(tensor, name, channels)
    };
    let mut descriptors = next(&output.descriptors, output.dimension)?;
    let logits = next(&output.logits, output.cell * output.cell + 1)?;
    let reliability = output.reliability.as_deref();
    let reliability = reliability.map(|name| next(name, 1)).transpose()?;
    let heat = Heat::new(&logits, output.cell);
    let size = [heat.width, heat.height].map(|side| side as f64);
    if size != places.size {
        return Err(format!(
            "{} has cells for {} × {} pixels, and the input has {} × {}; see output.cell and input.multiple",
            output.logits, size[0], size[1], places.size[0], places.size[1]
        ));
    }
    let mut found: Vec<(f32, usize, usize)> = heat
        .peaks(output.threshold, output.radius)
        .into_iter()
        .map(|(x, y)| {
            let sure = reliability.as_ref().map_or(1.0, |map| {
                let [u, v] = heat.place(map, x, y);
                map.linear(u, v)
            });
            (heat.at(x, y) * sure, x, y)
        })
        .filter(|(score, ..)| *score > 0.0)
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.2, a.1).cmp(&(b.2, b.1))));
    found.truncate(most);
    descriptors.normalise();
    let mut keypoints = Vec::with_capacity(found.len());
    let mut values = Vec::with_capacity(found.len() * output.dimension);
    for (score, x, y) in found {
        keypoints.push(Keypoint {
            x: places.pixel(0, x as f32),
            y: places.pixel(1, y as f32),
            scale: places.length(output.scale),
            angle: 0.0,
            response: score,
        });
        let [u, v] = heat.place(&descriptors, x, y);
        values.extend(unit(&descriptors.cubic(u, v)));
    }
    let range = output.range;
    let descriptors = Descriptors::from_floats(output.dimension, &values, -range, 2.0 * range);
    Ok(LocalFeatures {
        keypoints,
        descriptors: descriptors.ok_or("descriptors of no length")?,
    })
}

/// One output: `channels` values at each of `rows * columns` places.
struct Map {
    channels: usize,
    columns: usize,
    rows: usize,
    /// Place by place, so that the values of one place are adjacent.
    values: Vec<f32>,
}

impl Map {
    fn new(tensor: Tensor, name: &str, channels: usize) -> Result<Self, String> {
        let Tensor { shape, values } = tensor;
        let (rows, columns) = match shape[..] {
            [1, c, rows, columns] if c == channels && rows > 0 && columns > 0 => (rows, columns),
            _ => {
                return Err(format!(
                    "{name} of shape {shape:?}; expected [1, {channels}, rows, columns]"
                ));
            }
        };
        let places = rows * columns;
        if values.len() != channels * places {
            return Err(format!("{name} has {} values for its shape", values.len()));
        }
        if !values.iter().all(|value| value.is_finite()) {
            return Err(format!("{name} contains a value that is not finite"));
        }
        let by_place = (0..places).flat_map(|place| {
            let values = &values;
            (0..channels).map(move |channel| values[channel * places + place])
        });
        Ok(Self {
            channels,
            columns,
            rows,
            values: by_place.collect(),
        })
    }

    /// Scales the values of each place to length 1.
    fn normalise(&mut self) {
        for values in self.values.chunks_exact_mut(self.channels) {
            let scaled = unit(values);
            values.copy_from_slice(&scaled);
        }
    }

    /// The values of a place; `None` outside of the map.
    fn get(&self, column: i64, row: i64) -> Option<&[f32]> {
        let column = usize::try_from(column).ok().filter(|c| *c < self.columns)?;
        let row = usize::try_from(row).ok().filter(|r| *r < self.rows)?;
        let at = (row * self.columns + column) * self.channels;
        Some(&self.values[at..at + self.channels])
    }

    /// The first channel between four places. Outside of the map are zeros.
    fn linear(&self, u: f32, v: f32) -> f32 {
        let (left, top) = (u.floor(), v.floor());
        let weights = |t: f32| [1.0 - t, t];
        let (across, down) = (weights(u - left), weights(v - top));
        let mut sum = 0.0;
        for (j, down) in (0..).zip(down) {
            for (i, across) in (0..).zip(across) {
                let value = self.get(left as i64 + i, top as i64 + j);
                sum += value.map_or(0.0, |value| value[0]) * across * down;
            }
        }
        sum
    }

    /// All channels between sixteen places, by the cubic filter. Outside of the map are zeros.
    fn cubic(&self, u: f32, v: f32) -> Vec<f32> {
        let (left, top) = (u.floor(), v.floor());
        let (across, down) = (cubic_weights(u - left), cubic_weights(v - top));
        let mut sum = vec![0.0; self.channels];
        for (j, down) in (-1..).zip(down) {
            for (i, across) in (-1..).zip(across) {
                let Some(values) = self.get(left as i64 + i, top as i64 + j) else {
                    continue;
                };
                let weight = across * down;
                for (sum, value) in sum.iter_mut().zip(values) {
                    *sum += value * weight;
                }
            }
        }
        sum
    }
}

/// The weights of the places at −1, 0, 1 and 2 for a point at `t` from 0 to 1.
fn cubic_weights(t: f32) -> [f32; 4] {
    let near = |x: f32| ((CUBIC + 2.0) * x - (CUBIC + 3.0)) * x * x + 1.0;
    let far = |x: f32| ((CUBIC * x - 5.0 * CUBIC) * x + 8.0 * CUBIC) * x - 4.0 * CUBIC;
    [far(1.0 + t), near(t), near(1.0 - t), far(2.0 - t)]
}

/// The same direction, of length 1.
fn unit(values: &[f32]) -> Vec<f32> {
    let length = values.iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-12);
    values.iter().map(|v| v / length).collect()
}

/// The probability of a keypoint at each pixel.
struct Heat {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

impl Heat {
    /// The softmax over each cell's logits, without the last one.
    fn new(logits: &Map, cell: usize) -> Self {
        let (width, height) = (logits.columns * cell, logits.rows * cell);
        let mut values = vec![0.0; width * height];
        let mut powers = vec![0.0; logits.channels];
        for (place, logits) in logits.values.chunks_exact(logits.channels).enumerate() {
            let top = logits.iter().copied().fold(f32::MIN, f32::max);
            for (power, logit) in powers.iter_mut().zip(logits) {
                *power = libm::expf(logit - top);
            }
            let sum: f32 = powers.iter().sum();
            let (row, column) = (place * cell / width, place % (width / cell));
            for (i, power) in powers[..cell * cell].iter().enumerate() {
                let (y, x) = (row * cell + i / cell, column * cell + i % cell);
                values[y * width + x] = power / sum;
            }
        }
        Self {
            width,
            height,
            values,
        }
    }

    fn at(&self, x: usize, y: usize) -> f32 {
        self.values[y * self.width + x]
    }

    /// Pixels above `threshold` that no pixel of the window of `radius` exceeds. The last column and
    /// row and the first pixel have none, as in XFeat's own program.
    fn peaks(&self, threshold: f32, radius: usize) -> Vec<(usize, usize)> {
        let is_peak = |x: usize, y: usize| {
            let value = self.at(x, y);
            let columns = x.saturating_sub(radius)..(x + radius + 1).min(self.width);
            let mut rows = y.saturating_sub(radius)..(y + radius + 1).min(self.height);
            rows.all(|y| {
                let row = &self.values[y * self.width..][columns.clone()];
                row.iter().all(|other| *other <= value)
            })
        };
        let pixels = (0..self.height - 1).flat_map(|y| (0..self.width - 1).map(move |x| (x, y)));
        pixels
            .filter(|&(x, y)| (x, y) != (0, 0) && self.at(x, y) > threshold && is_peak(x, y))
            .collect()
    }

    /// The place of a pixel in `map`. XFeat's program divides by one less than the input's sides, and
    /// its network was trained so.
    fn place(&self, map: &Map, x: usize, y: usize) -> [f32; 2] {
        let along = |at: usize, side: usize, places: usize| {
            at as f32 * places as f32 / (side - 1) as f32 - 0.5
        };
        [
            along(x, self.width, map.columns),
            along(y, self.height, map.rows),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Coordinates;

    fn output() -> MapOutput {
        MapOutput {
            descriptors: "d".into(),
            logits: "l".into(),
            reliability: Some("r".into()),
            dimension: 2,
            cell: 2,
            threshold: 0.05,
            radius: 1,
            range: 1.0,
            scale: 4.0,
        }
    }

    fn places(width: f64, height: f64) -> Places {
        Places {
            coordinates: Coordinates::Pixels,
            size: [width, height],
            step: [1.0, 1.0],
        }
    }

    fn tensor(shape: &[usize], values: Vec<f32>) -> Tensor {
        Tensor {
            shape: shape.to_vec(),
            values,
        }
    }

    /// Maps of 3 × 2 cells of 2 × 2 pixels, with one strong logit at pixel (3, 1), which is the last of
    /// the second cell, and a weaker one at (0, 2).
    fn maps() -> Vec<Tensor> {
        let mut logits = vec![0.0; 5 * 6];
        for none in &mut logits[4 * 6..] {
            *none = 8.0;
        }
        logits[3 * 6 + 1] = 12.0;
        logits[3] = 9.0;
        let descriptors = [vec![3.0; 6], vec![4.0; 6]].concat();
        let reliability = vec![0.5; 6];
        vec![
            tensor(&[1, 2, 2, 3], descriptors),
            tensor(&[1, 5, 2, 3], logits),
            tensor(&[1, 1, 2, 3], reliability),
        ]
    }

    #[test]
    fn keypoints_are_the_peaks_of_the_cells() {
        let features = read(maps(), &output(), &places(6.0, 4.0), 10).unwrap();
        let at: Vec<(f32, f32)> = features.keypoints.iter().map(|k| (k.x, k.y)).collect();
        assert_eq!(at, [(3.0, 1.0), (0.0, 2.0)]);
        // The softmax of 12 beside 8 and three zeros, times the reliability.
        let expected = 0.5 * 1.0 / (1.0 + (-4f32).exp() + 3.0 * (-12f32).exp());
        assert!((features.keypoints[0].response - expected).abs() < 1e-6);
        // 3 : 4 scaled to length 1: 0.6 and 0.8 of −1 to 1.
        assert_eq!(features.descriptors.get(0), [204, 230]);
        let strongest = read(maps(), &output(), &places(6.0, 4.0), 1).unwrap();
        assert_eq!(strongest.len(), 1);
        assert_eq!(
            (strongest.keypoints[0].x, strongest.keypoints[0].y),
            (3.0, 1.0)
        );
    }

    #[test]
    fn without_a_map_of_reliability_the_probability_is_the_strength() {
        let without = MapOutput {
            reliability: None,
            ..output()
        };
        let mut outputs = maps();
        outputs.truncate(2);
        let features = read(outputs, &without, &places(6.0, 4.0), 10).unwrap();
        let doubled = read(maps(), &output(), &places(6.0, 4.0), 10).unwrap();
        let (a, b) = (features.keypoints[0], doubled.keypoints[0]);
        assert!((a.response - 2.0 * b.response).abs() < 1e-6);
    }

    #[test]
    fn shapes_and_numbers_are_checked() {
        let says = |change: &dyn Fn(&mut Vec<Tensor>), width: f64| {
            let mut outputs = maps();
            change(&mut outputs);
            read(outputs, &output(), &places(width, 4.0), 10).unwrap_err()
        };
        let none: &dyn Fn(&mut Vec<Tensor>) = &|_| {};
        assert!(says(none, 8.0).contains("input.multiple"));
        assert!(says(&|o| o[1].shape[1] = 4, 6.0).contains("expected [1, 5, rows, columns]"));
        assert!(says(&|o| o[0].values[3] = f32::NAN, 6.0).contains("not finite"));
        assert!(says(&|o| o[1].values.truncate(29), 6.0).contains("29 values"));
        assert!(says(&|o| o.truncate(2), 6.0).contains("no output r"));
    }

    #[test]
    fn interpolation_meets_the_places_and_keeps_constants() {
        let values = (0..12).map(|v| v as f32).collect();
        let map = Map::new(tensor(&[1, 1, 3, 4], values), "m", 1).unwrap();
        for (column, row) in [(1, 1), (2, 1)] {
            let expected = (row * 4 + column) as f32;
            assert_eq!(map.linear(column as f32, row as f32), expected);
            assert_eq!(map.cubic(column as f32, row as f32), [expected]);
        }
        assert_eq!(map.linear(1.5, 0.5), 3.5);
        // Outside of the map are zeros.
        assert_eq!(map.linear(-0.5, 1.0), 2.0);
        for t in [0.0, 0.25, 0.5, 0.9] {
            let sum: f32 = cubic_weights(t).iter().sum();
            assert!((sum - 1.0).abs() < 1e-6, "{t}: {sum}");
        }
    }
}
