//! Describes grey pictures and writes the features where another program can read them: the
//! bench beside OpenCV runs it.
//!
//! `describe MAX_FEATURES CONTRAST PICTURE.pgm…` writes `PICTURE.pgm.features` beside each: the
//! number of features as little-endian u32, then for each x, y, scale, angle, response as f32 and
//! 128 bytes. One line a picture goes to standard output: name, features, milliseconds.

use std::io::Write;
use std::time::Instant;

use resight_vision::{GrayImage, Sift, SiftOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let usage = "usage: describe MAX_FEATURES CONTRAST PICTURE.pgm…";
    let sift = Sift::new(SiftOptions {
        max_features: args.next().ok_or(usage)?.parse()?,
        contrast_threshold: args.next().ok_or(usage)?.parse()?,
        ..SiftOptions::default()
    });
    for path in args {
        let image = read_pgm(&std::fs::read(&path)?)
            .ok_or_else(|| format!("{path}: not an 8-bit binary PGM"))?;
        let start = Instant::now();
        let found = sift.extract_gray(&image);
        let took = start.elapsed();
        let mut out = std::io::BufWriter::new(std::fs::File::create(format!("{path}.features"))?);
        out.write_all(&(found.len() as u32).to_le_bytes())?;
        for (k, d) in found.keypoints.iter().zip(found.descriptors.iter()) {
            for v in [k.x, k.y, k.scale, k.angle, k.response] {
                out.write_all(&v.to_le_bytes())?;
            }
            out.write_all(d)?;
        }
        out.flush()?;
        println!("{path} {} {:.2}", found.len(), took.as_secs_f64() * 1e3);
    }
    Ok(())
}

/// P5, one byte a pixel, no comments: what the bench writes.
fn read_pgm(bytes: &[u8]) -> Option<GrayImage> {
    let mut fields = Vec::new();
    let mut at = 0;
    while fields.len() < 4 {
        let length = bytes[at..].iter().position(u8::is_ascii_whitespace)?;
        fields.push(std::str::from_utf8(&bytes[at..at + length]).ok()?);
        at += length + 1;
    }
    if fields[0] != "P5" || fields[3] != "255" {
        return None;
    }
    GrayImage::new(
        fields[1].parse().ok()?,
        fields[2].parse().ok()?,
        bytes[at..].to_vec(),
    )
}
