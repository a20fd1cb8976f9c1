//! What decoding in a child costs beside decoding in this process: generated pictures of several formats and sizes,
//! decoded by turns, and their medians. `bench/decode_child.py` runs it.

#![allow(clippy::expect_used, reason = "a tool of a bench may stop")]

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    if std::env::args().nth(1).as_deref() == Some("child") {
        return resight_decode_child::serve();
    }
    beside::run();
    std::process::ExitCode::SUCCESS
}

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
mod beside {
    use std::sync::Arc;
    use std::time::Instant;

    use image::ImageFormat;
    use resight_decode::{DecodeLimits, Elsewhere, Formats, Place, decode};
    use resight_decode_child::{Pool, PoolOptions};
    use resight_test_support::{encode, textured};

    /// Decodings of each picture in each place.
    const TURNS: usize = 15;

    pub(super) fn run() {
        let pool = Pool::new(PoolOptions::of_this_program(vec!["child".into()], 1));
        let start = Instant::now();
        pool.check().expect("a child");
        let first = start.elapsed().as_secs_f64() * 1e3;
        let here = DecodeLimits::default();
        let there = DecodeLimits {
            place: Place::elsewhere(Arc::new(pool.clone()), Formats::Every),
            ..DecodeLimits::default()
        };
        let mut rows = Vec::new();
        for [width, height] in [[320, 240], [1600, 1200], [4000, 3000]] {
            let picture = textured(width, height, 1);
            for format in [
                ImageFormat::Gif,
                ImageFormat::Tiff,
                ImageFormat::Bmp,
                ImageFormat::Qoi,
                ImageFormat::Jpeg,
            ] {
                let bytes = encode(&picture, format);
                rows.push(row(&bytes, (format, width, height), [&here, &there]));
            }
        }
        let counts = pool.counts();
        println!(
            "{}",
            serde_json::json!({"first_child_ms": first, "rows": rows, "children": counts.started, "turns": TURNS})
        );
    }

    fn row(
        bytes: &[u8],
        (format, width, height): (ImageFormat, u32, u32),
        places: [&DecodeLimits; 2],
    ) -> serde_json::Value {
        let mut times = [Vec::new(), Vec::new()];
        let mut pictures = [None, None];
        for turn in 0..=TURNS {
            for (place, limits) in places.into_iter().enumerate() {
                let start = Instant::now();
                let decoded = decode(bytes, limits).expect("a sound picture");
                // The first turn warms both.
                if turn > 0 {
                    times[place].push(start.elapsed().as_secs_f64() * 1e3);
                }
                pictures[place] = Some(decoded);
            }
        }
        assert!(pictures[0] == pictures[1], "the pixels differ");
        let [here, there] = times.map(|mut times| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        });
        let name = format.extensions_str().first().copied().unwrap_or_default();
        println!(
            "{name:>5} {width:>5} x {height:<5} here {here:9.3} ms, in a child {there:9.3} ms, ratio {:.2}",
            there / here
        );
        serde_json::json!({"format": name, "width": width, "height": height, "here_ms": here, "child_ms": there, "ratio": there / here})
    }
}
