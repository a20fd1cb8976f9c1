//! Files from image libraries' own tests: broken ones, bombs, odd variants, every orientation.

use std::path::Path;
use std::time::Instant;

use resight_decode::{DecodeLimits, RefusedCode, decode};

#[test]
fn every_file_is_shown_or_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/nasty");
    let Ok(manifest) = std::fs::read(folder.join("manifest.json")) else {
        eprintln!("SKIPPED: no folder with nasty files");
        return;
    };
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let limits = DecodeLimits {
        min_side: 1,
        ..DecodeLimits::default()
    };
    let (mut shown, mut refused, mut others_show) = (0, Vec::new(), Vec::new());
    for entry in manifest.as_array().unwrap() {
        let name = entry["file"].as_str().unwrap();
        let bytes = std::fs::read(folder.join("files").join(name)).unwrap();
        let start = Instant::now();
        let result = decode(&bytes, &limits);
        let elapsed = start.elapsed();
        let pillow_opens = entry["pillow_opens"].as_bool().unwrap();
        match result {
            Ok(decoded) => {
                shown += 1;
                let (w, h) = (decoded.image.width(), decoded.image.height());
                assert!(u64::from(w) * u64::from(h) <= limits.max_pixels);
                // The manifest's size is the stored one, for TIFF the turned one; AVIF turns by
                // boxes of its own, of which the manifest says nothing.
                if let (true, Some(size)) = (pillow_opens, entry["size"].as_array()) {
                    let (sw, sh) = (size[0].as_u64().unwrap(), size[1].as_u64().unwrap());
                    let turned = entry["exif_orientation"].as_u64().unwrap_or(1) >= 5;
                    let expected = if turned && entry["format"] != "TIFF" {
                        (sh, sw)
                    } else {
                        (sw, sh)
                    };
                    let got = (u64::from(w), u64::from(h));
                    let turned_avif = entry["format"] == "AVIF" && got == (sh, sw);
                    assert!(got == expected || turned_avif, "{name}: {got:?} {entry}");
                }
            }
            Err(error) => {
                assert_ne!(error.code, RefusedCode::DecoderFailed, "{name}");
                let line = format!("{:<22} {name}: {error} ({elapsed:?})", error.code.as_str());
                if pillow_opens && error.code != RefusedCode::NotAnImage {
                    others_show.push(line.clone());
                }
                refused.push(line);
            }
        }
    }
    refused.sort();
    eprintln!(
        "{shown} shown, {} refused:\n{}",
        refused.len(),
        refused.join("\n")
    );
    eprintln!("{} of them opened elsewhere", others_show.len());
    assert!(shown > 100, "only {shown} files were shown");
}
