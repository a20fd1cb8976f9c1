//! What decoding takes, measured in a process of its own, against the estimate that the budget of memory is
//! asked for.
//!
//! `RESIGHT_PICTURES=FOLDER cargo test -p resight-decode --test pictures memory -- --nocapture` measures the
//! files of a folder as well; `bench/decode_memory.py` makes one of the formats that no encoder here writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use resight_decode::{DecodeLimits, MemoryBudget, decode};
use resight_test_support::encode;

/// Names the file that a child is to decode.
const FILE: &str = "RESIGHT_DECODE_FILE";
/// Names a folder of further pictures.
const FOLDER: &str = "RESIGHT_PICTURES";

fn kib(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Run by [`measured`] only.
#[test]
#[ignore = "a child of another test"]
fn child() {
    let Some(file) = std::env::var_os(FILE) else {
        return;
    };
    let bytes = fs::read(file).unwrap();
    let memory = MemoryBudget::default();
    let limits = DecodeLimits {
        memory: memory.clone(),
        ..DecodeLimits::default()
    };
    // Sets the highest use back to what is in use now.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = kib("VmRSS:");
    let decoded = match decode(&bytes, &limits) {
        Ok(decoded) => decoded,
        Err(refused) => {
            println!("\nREFUSED {refused}");
            return;
        }
    };
    let took = kib("VmHWM:").saturating_sub(before) << 10;
    let estimate = memory.in_use().most_work;
    let pixels = decoded.image.rgb().len() / 3;
    println!("\nMEASURED {took} {estimate} {pixels}");
}

/// The bytes that decoding a file took, those that were estimated, and its pixels; or why it was refused.
fn measured(file: &Path) -> Result<[u64; 3], String> {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["memory::child", "--exact", "--ignored", "--nocapture"])
        .env(FILE, file)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&child.stdout);
    if let Some(why) = text.lines().find_map(|line| line.strip_prefix("REFUSED ")) {
        return Err(why.to_owned());
    }
    let line = text.lines().find_map(|line| line.strip_prefix("MEASURED "));
    let line = line.unwrap_or_else(|| panic!("{}: {text}", file.display()));
    let numbers: Vec<u64> = line.split(' ').map(|n| n.parse().unwrap()).collect();
    Ok(numbers.try_into().unwrap())
}

/// An uncompressed TIFF of one colour in four inks: in one strip, or in one tile with sides of this many pixels.
fn cmyk_tiff([width, height]: [u32; 2], tile: Option<u32>) -> Vec<u8> {
    let stored = tile.map_or([width, height], |side| [side; 2]);
    let length = stored[0] * stored[1] * 4;
    let mut tags = vec![
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 4, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 5),
        (277, 3, 1, 4),
    ];
    match tile {
        None => tags.extend([(273, 4, 1, 16), (278, 4, 1, height), (279, 4, 1, length)]),
        Some(side) => tags.extend([
            (322, 4, 1, side),
            (323, 4, 1, side),
            (324, 4, 1, 16),
            (325, 4, 1, length),
        ]),
    }
    tags.sort_unstable();
    let mut bytes = b"II*\0".to_vec();
    bytes.extend((16 + length).to_le_bytes());
    // Bits a sample, of each.
    bytes.extend([8, 0, 8, 0, 8, 0, 8, 0]);
    bytes.resize(bytes.len() + length as usize, 40);
    bytes.extend((tags.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in tags {
        bytes.extend((tag as u16).to_le_bytes());
        bytes.extend((kind as u16).to_le_bytes());
        bytes.extend((count as u32).to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 4]);
    bytes
}

#[test]
fn no_format_takes_more_memory_than_is_estimated() {
    if !Path::new("/proc/self/clear_refs").exists() {
        println!("SKIPPED: there is no /proc");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let rgb = DynamicImage::ImageRgb8(RgbImage::from_fn(3000, 2000, |x, y| {
        Rgb([(x / 9) as u8, (y / 9) as u8, ((x * y) >> 16) as u8])
    }));
    let mut files: Vec<PathBuf> = Vec::new();
    let mut add = |name: &str, picture: &DynamicImage, format| {
        let file = folder.path().join(name);
        fs::write(&file, encode(picture, format)).unwrap();
        files.push(file);
    };
    for format in [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::WebP,
        ImageFormat::Tiff,
        ImageFormat::Bmp,
        ImageFormat::Pnm,
    ] {
        let name = format.extensions_str()[0];
        add(&format!("rgb8.{name}"), &rgb, format);
        add(&format!("l8.{name}"), &rgb.to_luma8().into(), format);
    }
    for format in [ImageFormat::Png, ImageFormat::Tiff] {
        let name = format.extensions_str()[0];
        for (kind, picture) in [
            ("rgba8", DynamicImage::from(rgb.to_rgba8())),
            ("l16", rgb.to_luma16().into()),
            ("rgb16", rgb.to_rgb16().into()),
            ("rgba16", rgb.to_rgba16().into()),
        ] {
            add(&format!("{kind}.{name}"), &picture, format);
        }
    }
    add("rgba8.webp", &rgb.to_rgba8().into(), ImageFormat::WebP);
    add("p8.gif", &rgb, ImageFormat::Gif);
    let small = rgb.crop_imm(0, 0, 2000, 1500);
    add("rgb32f.tiff", &small.to_rgb32f().into(), ImageFormat::Tiff);
    for (name, tile) in [("cmyk.tiff", None), ("cmyk-tile.tiff", Some(3008))] {
        let file = folder.path().join(name);
        fs::write(&file, cmyk_tiff([3000, 2000], tile)).unwrap();
        files.push(file);
    }
    let own = files.len();
    if let Some(further) = std::env::var_os(FOLDER) {
        let further = fs::read_dir(further).unwrap();
        files.extend(further.map(|entry| entry.unwrap().path()));
    }
    let mut exceeded = Vec::new();
    for (at, file) in files.iter().enumerate() {
        let [took, estimate, pixels] = match measured(file) {
            Ok(numbers) => numbers,
            Err(why) => {
                assert!(at >= own, "{}: {why}", file.display());
                println!("{}: {why}", file.display());
                continue;
            }
        };
        let each = |bytes: u64| bytes as f64 / pixels as f64;
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let line = format!(
            "{name}: took {:.1} bytes a pixel, estimated {:.1}",
            each(took),
            each(estimate)
        );
        println!("{line}");
        if took > estimate {
            exceeded.push(line);
        }
    }
    assert!(exceeded.is_empty(), "{exceeded:#?}");
}
