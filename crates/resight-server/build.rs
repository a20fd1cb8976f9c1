//! Puts the built web page (`web/dist`) into the program, each file compressed once.
//!
//! Writes `page_files.rs`, a table of addresses, media types, tags and contents, which `pages.rs` includes.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Media types by the ending of a name. A file of another ending stops the build: a browser would be told nothing of it.
const TYPES: &[(&str, &str)] = &[
    ("css", "text/css; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("woff2", "font/woff2"),
];

/// The best and slowest level of brotli: it is done once a build.
const QUALITY: u32 = 11;
const WINDOW: u32 = 22;

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../..");
    let dist = root.join("web/dist");
    let mut files = Vec::new();
    collect(&dist, &mut files)?;
    files.sort();
    let mut table = String::from("[\n");
    for (number, path) in files.iter().enumerate() {
        let name = path
            .strip_prefix(&dist)?
            .to_string_lossy()
            .replace('\\', "/");
        let address = match &*name {
            "index.html" => "/".to_owned(),
            _ => format!("/{name}"),
        };
        let ending = path.extension().unwrap_or_default();
        let known = TYPES.iter().find(|(one, _)| ending == *one);
        let (_, media_type) = known.ok_or_else(|| format!("{name} is of an unknown type"))?;
        row(&mut table, &out, number, (&address, media_type), path)?;
    }
    // Where the `type` of every problem points to.
    let errors = ("/errors", "text/plain; charset=utf-8");
    row(
        &mut table,
        &out,
        files.len(),
        errors,
        &root.join("docs/errors.md"),
    )?;
    table.push(']');
    fs::write(out.join("page_files.rs"), table)?;
    println!("cargo::rerun-if-changed={}", dist.display());
    Ok(())
}

fn row(
    table: &mut String,
    out: &Path,
    number: usize,
    (address, media_type): (&str, &str),
    path: &Path,
) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", path.display());
    let content = fs::read(path)?;
    let mut compressed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut compressed, 1 << 16, QUALITY, WINDOW);
    writer.write_all(&content)?;
    drop(writer);
    let kept = out.join(format!("{number}.br"));
    fs::write(&kept, compressed)?;
    let hash = blake3::hash(&content).to_hex();
    writeln!(
        table,
        "PageFile {{ address: {address:?}, media_type: {media_type:?}, tag: \"\\\"{}\\\"\", size: {}, compressed: include_bytes!({:?}) }},",
        &hash[..32],
        content.len(),
        kept.display().to_string(),
    )?;
    Ok(())
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        match path.is_dir() {
            true => collect(&path, into)?,
            false => into.push(path),
        }
    }
    Ok(())
}
