//! Selects the extrema that become keypoints.

use std::cmp::Ordering;

use super::extrema::Extremum;

/// Strongest first. A total order, so that sorting does not depend on the order before.
pub(super) fn by_strength(a: &Extremum, b: &Extremum) -> Ordering {
    (b.response.total_cmp(&a.response))
        .then(a.octave.cmp(&b.octave))
        .then(a.layer.cmp(&b.layer))
        .then(a.y.total_cmp(&b.y))
        .then(a.x.total_cmp(&b.x))
        .then(a.s.total_cmp(&b.s))
}

/// Keeps about `wanted` of `extrema`, which are sorted by strength, spread over the picture.
/// `place` returns an extremum's place in the picture of `width` × `height` pixels.
pub(super) fn spread(
    extrema: &mut Vec<Extremum>,
    wanted: usize,
    (width, height): (usize, usize),
    place: impl Fn(&Extremum) -> (f32, f32),
) {
    if extrema.len() <= wanted || wanted == 0 {
        return;
    }
    let places: Vec<(f32, f32)> = extrema.iter().map(place).collect();
    let mut cover = Cover::default();
    // One disc a keypoint covers the picture at most about twice.
    let mut low = 0.0f32;
    let mut high = 2.0 * (width as f32 * height as f32 / wanted as f32).sqrt();
    let mut best: Vec<usize> = (0..wanted).collect();
    for _ in 0..12 {
        let distance = 0.5 * (low + high);
        let kept = cover.keep(&places, distance, (width, height));
        if kept.len() >= wanted {
            low = distance;
            best = kept;
            if best.len() <= wanted + wanted / 50 {
                break;
            }
        } else {
            high = distance;
        }
    }
    best.truncate(wanted);
    *extrema = best.into_iter().map(|i| extrema[i]).collect();
}

/// Kept places in cells as wide as the distance, so that nine cells have all near ones.
#[derive(Default)]
struct Cover {
    cells: Vec<Vec<(f32, f32)>>,
}

impl Cover {
    fn keep(
        &mut self,
        places: &[(f32, f32)],
        distance: f32,
        (width, height): (usize, usize),
    ) -> Vec<usize> {
        let cell = distance.max(1.0);
        let across = (width as f32 / cell) as usize + 3;
        let down = (height as f32 / cell) as usize + 3;
        self.cells.iter_mut().for_each(Vec::clear);
        self.cells.resize_with(across * down, Vec::new);
        let mut kept = Vec::new();
        for (i, &(x, y)) in places.iter().enumerate() {
            let cx = ((x.max(0.0) / cell) as usize).min(across - 3) + 1;
            let cy = ((y.max(0.0) / cell) as usize).min(down - 3) + 1;
            let free = (cy - 1..=cy + 1).all(|cy| {
                self.cells[cy * across + cx - 1..cy * across + cx + 2]
                    .iter()
                    .flatten()
                    .all(|&(px, py)| {
                        let (dx, dy) = (px - x, py - y);
                        dx * dx + dy * dy >= distance * distance
                    })
            });
            if free {
                self.cells[cy * across + cx].push((x, y));
                kept.push(i);
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use resight_test_support::Random;

    use super::*;

    fn crowd() -> Vec<Extremum> {
        // Four hundred strong ones in a corner, a hundred weak ones over the whole picture.
        let at = |x: f32, y: f32, response: f32| Extremum {
            octave: 0,
            layer: 1,
            x,
            y,
            s: 1.0,
            response,
        };
        let strong = (0..400).map(|i| at((i % 20) as f32, (i / 20) as f32, 1.0 - i as f32 * 1e-4));
        let weak = (0..100).map(|i| {
            let (x, y) = (50.0 + (i % 10) as f32 * 40.0, 50.0 + (i / 10) as f32 * 40.0);
            at(x, y, 0.1 - i as f32 * 1e-4)
        });
        strong.chain(weak).collect()
    }

    #[test]
    fn the_weak_but_lonely_are_kept() {
        let mut extrema = crowd();
        extrema.sort_by(by_strength);
        spread(&mut extrema, 120, (500, 500), |e| (e.x, e.y));
        assert_eq!(extrema.len(), 120);
        let lonely = extrema.iter().filter(|e| e.x >= 50.0).count();
        assert!(lonely >= 95, "{lonely}");
        assert!(extrema.is_sorted_by(|a, b| by_strength(a, b).is_le()));
    }

    #[test]
    fn kept_keypoints_are_a_distance_apart() {
        let mut random = Random::new(6);
        let mut extrema: Vec<Extremum> = (0..2000)
            .map(|_| Extremum {
                octave: 0,
                layer: 1,
                x: random.between(0.0, 600.0) as f32,
                y: random.between(0.0, 400.0) as f32,
                s: 1.0,
                response: random.unit() as f32,
            })
            .collect();
        extrema.sort_by(by_strength);
        let strongest = extrema[0];
        for wanted in [1, 2, 50, 300] {
            let mut kept = extrema.clone();
            spread(&mut kept, wanted, (600, 400), |e| (e.x, e.y));
            assert_eq!((kept.len(), kept[0]), (wanted, strongest));
            let nearest = (0..wanted)
                .flat_map(|i| (0..i).map(move |j| (i, j)))
                .map(|(i, j)| (kept[i].x - kept[j].x).hypot(kept[i].y - kept[j].y))
                .fold(f32::INFINITY, f32::min);
            // Discs of half that radius would fill a third of the picture.
            let apart = (600.0 * 400.0 / wanted as f32).sqrt() * 0.6;
            assert!(
                wanted == 1 || nearest > apart,
                "{wanted}: {nearest} {apart}"
            );
        }
    }

    #[test]
    fn few_are_left_alone() {
        let mut extrema = crowd();
        spread(&mut extrema, 500, (500, 500), |e| (e.x, e.y));
        assert_eq!(extrema, crowd());
    }
}
