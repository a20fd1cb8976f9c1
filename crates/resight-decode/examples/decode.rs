//! Decodes the files whose paths are the lines of standard input. Writes a line of JSON for each to standard output,
//! and its pixels as PPM into the folder that is the argument, named by the line's number. `bench/formats.py` compares
//! them with what other libraries read.

#![allow(clippy::expect_used, reason = "a tool of a bench may stop")]

use std::io::Write;
use std::time::Instant;

use resight_decode::{DecodeLimits, decode};

fn main() {
    let folder = std::env::args().nth(1).expect("a folder for the pixels");
    let limits = DecodeLimits {
        min_side: 1,
        ..DecodeLimits::default()
    };
    for (number, path) in std::io::stdin().lines().enumerate() {
        let path = path.expect("a path");
        let bytes = std::fs::read(&path).expect("a file");
        let start = Instant::now();
        let result = decode(&bytes, &limits);
        let milliseconds = start.elapsed().as_secs_f64() * 1e3;
        let line = match result {
            Ok(decoded) => {
                let image = decoded.image;
                let head = format!("P6\n{} {}\n255\n", image.width(), image.height());
                let path = format!("{folder}/{number}.ppm");
                let mut file = std::fs::File::create(path).expect("a file for the pixels");
                file.write_all(head.as_bytes())
                    .expect("the pixels are written");
                file.write_all(image.rgb()).expect("the pixels are written");
                serde_json::json!({"ms": milliseconds, "pages": decoded.pages, "depth": decoded.depth})
            }
            Err(refused) => {
                serde_json::json!({"ms": milliseconds, "code": refused.code.as_str(), "detail": refused.detail})
            }
        };
        println!("{line}");
    }
}
