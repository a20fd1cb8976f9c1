//! Packs a vocabulary as the program ships it: `cargo run --release -p resight-index --example pack_vocabulary -- IN OUT`.

use std::error::Error;
use std::fs;

use resight_index::Vocabulary;

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [from, to] = paths.as_slice() else {
        return Err("usage: pack_vocabulary IN OUT".into());
    };
    let bytes = fs::read(from)?;
    let packed = Vocabulary::from_bytes(&bytes)?.to_packed();
    fs::write(to, &packed)?;
    println!("{} bytes to {}", bytes.len(), packed.len());
    Ok(())
}
