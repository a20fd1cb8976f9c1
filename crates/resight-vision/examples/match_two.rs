//! Matches two pictures and prints whether they show the same object: `match_two A B`.

use resight_vision::{Evidence, Image, LocalExtractor, MatchOptions, Sift, VerifyOptions};
use resight_vision::{match_all, verify};

fn load(path: &str) -> Result<Image, Box<dyn std::error::Error>> {
    let rgb = image::open(path)?.into_rgb8();
    let (width, height) = rgb.dimensions();
    Image::from_rgb(width, height, rgb.into_raw()).ok_or_else(|| format!("{path}: empty").into())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [a, b] = &paths[..] else {
        return Err("usage: match_two A B".into());
    };
    let (a, b) = (load(a)?, load(b)?);
    let sift = Sift::default();
    let (query, result) = (sift.extract(&a)?, sift.extract(&b)?);
    let options = MatchOptions::default();
    let matches = match_all(&query.descriptors, &result.descriptors, &options);
    let evidence = Evidence {
        query: &query.keypoints,
        result: &result.keypoints,
        matches: &matches,
        query_size: [a.width() as f32, a.height() as f32],
        result_size: [b.width() as f32, b.height() as f32],
        mirrored: false,
    };
    let found = verify(&evidence, &VerifyOptions::default());
    println!("features: {} and {}", query.len(), result.len());
    println!("matches:  {}", matches.len());
    match found {
        Some(v) => println!("inliers:  {}, verified: {}", v.inliers.len(), v.verified),
        None => println!("inliers:  none"),
    }
    Ok(())
}
