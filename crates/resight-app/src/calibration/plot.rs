//! The calibration as a picture, in SVG.

use std::fmt::Write;

use super::Scores;

/// Pixels of the drawing and of the margins: left, top, right, bottom.
const SIZE: (f64, f64) = (760.0, 460.0);
const MARGIN: (f64, f64, f64, f64) = (70.0, 40.0, 20.0, 60.0);
/// Lowest and highest rate drawn, as log10.
const RATES: (f64, f64) = (-12.0, 0.0);

/// The share of unrelated pairs at or below each score as steps, the fitted tail beyond it, what the
/// chance model alone promises, and the threshold of `verified`.
// Long because it draws the parts of one picture in their order.
pub fn plot(scores: &Scores, threshold: f64) -> String {
    let tail = scores.tail();
    let lowest = scores.all().first().copied().unwrap_or(0.0);
    let last = lowest.min(threshold * 1.3).min(-12.0).floor();
    let (width, height) = (SIZE.0 - MARGIN.0 - MARGIN.2, SIZE.1 - MARGIN.1 - MARGIN.3);
    let x = |score: f64| MARGIN.0 + width * (score / last).clamp(0.0, 1.0);
    let y = |rate: f64| {
        let log = rate.max(1e-300).log10().clamp(RATES.0, RATES.1);
        MARGIN.1 + height * (RATES.1 - log) / (RATES.1 - RATES.0)
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        SIZE.0, SIZE.1
    );
    let mut put = |line: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(svg, "{line}");
    };
    for exponent in (RATES.0 as i32..=RATES.1 as i32).step_by(2) {
        let at = y(10f64.powi(exponent));
        put(rule((MARGIN.0, at), (MARGIN.0 + width, at), "#ddd", ""));
        put(text(
            (MARGIN.0 - 8.0, at + 4.0),
            "end",
            &format!("1e{exponent}"),
        ));
    }
    for score in (last as i32..=0).rev().step_by(2) {
        let at = x(f64::from(score));
        put(rule((at, MARGIN.1), (at, MARGIN.1 + height), "#eee", ""));
        put(text(
            (at, MARGIN.1 + height + 18.0),
            "middle",
            &score.to_string(),
        ));
    }
    put(text(
        (MARGIN.0 + width / 2.0, SIZE.1 - 12.0),
        "middle",
        "log10 number of false alarms",
    ));
    put(text(
        (MARGIN.0, MARGIN.1 - 16.0),
        "start",
        &format!("share of {} unrelated pairs at or below it", scores.pairs()),
    ));
    put(rule(
        (x(0.0), y(1.0)),
        (x(RATES.0), y(10f64.powf(RATES.0))),
        "#999",
        "2 4",
    ));
    put(rule(
        (MARGIN.0, y(1e-6)),
        (MARGIN.0 + width, y(1e-6)),
        "#c60",
        "6 4",
    ));
    put(rule(
        (x(threshold), MARGIN.1),
        (x(threshold), MARGIN.1 + height),
        "#070",
        "6 4",
    ));
    if let Some(tail) = tail {
        let end = tail.score(10f64.powf(RATES.0), false).max(last);
        let most = tail.score(10f64.powf(RATES.0), true).max(last);
        let from = (x(tail.level), y(tail.share));
        put(rule(from, (x(most), y(tail.rate(most, true))), "#e99", ""));
        put(rule(from, (x(end), y(tail.rate(end, false))), "#c00", ""));
    }
    put(format!(
        "<polyline fill=\"none\" stroke=\"#026\" stroke-width=\"1.5\" points=\"{}\"/>",
        steps(scores, x, y)
    ));
    let legend = [
        ("#026", "counted"),
        ("#c00", "fitted tail, and its 95 % bound"),
        ("#999", "chance model: one in 10^-score"),
        ("#c60", "one in a million"),
        ("#070", "threshold of verified"),
    ];
    for (i, (colour, what)) in legend.iter().enumerate() {
        let at = (MARGIN.0 + width - 220.0, MARGIN.1 + 14.0 + 18.0 * i as f64);
        put(rule((at.0, at.1), (at.0 + 24.0, at.1), colour, ""));
        put(text((at.0 + 32.0, at.1 + 4.0), "start", what));
    }
    svg.push_str("</svg>\n");
    svg
}

/// The counted shares, from the highest score to the lowest.
fn steps(scores: &Scores, x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) -> String {
    let all = scores.all();
    let pairs = scores.pairs().max(1) as f64;
    let mut points = String::new();
    let mut before = f64::NAN;
    for (i, &score) in all.iter().enumerate().rev() {
        let (px, py) = (x(score), y((i + 1) as f64 / pairs));
        // Thousands of scores lie within a pixel of each other.
        if i >= 200 && (px - before).abs() < 1.0 {
            continue;
        }
        before = px;
        let _ = write!(
            points,
            "{px:.1},{py:.1} {px:.1},{:.1} ",
            y(i as f64 / pairs)
        );
    }
    points.trim_end().to_owned()
}

fn rule(from: (f64, f64), to: (f64, f64), colour: &str, dashes: &str) -> String {
    format!(
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{colour}\" \
         stroke-width=\"1.5\" stroke-dasharray=\"{dashes}\"/>",
        from.0, from.1, to.0, to.1
    )
}

fn text(at: (f64, f64), anchor: &str, what: &str) -> String {
    let (x, y) = at;
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{what}</text>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_drawn_within_the_picture() {
        let scores = (0..500).map(|i| -1.0 + 0.4 * ((f64::from(i) + 0.5) / 500.0).ln());
        let svg = plot(&Scores::new(1_000_000, scores.collect()), -9.0);
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        for name in ["x1", "x2"] {
            for part in svg.split(&format!("{name}=\"")).skip(1) {
                let value: f64 = part.split('"').next().unwrap().parse().unwrap();
                assert!((0.0..=SIZE.0).contains(&value), "{value}");
            }
        }
        // Nothing to fit is no failure.
        assert!(plot(&Scores::new(3, Vec::new()), -9.0).contains("counted"));
    }
}
