//! Damaged input: files changed at random, and a loop that tries many.

#![allow(clippy::panic, reason = "a helper of a test may fail the test")]

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use crate::random::Random;

/// Numbers at which lengths and counts go wrong.
const EDGES: [u64; 12] = [
    0,
    1,
    2,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
];

/// `bytes` with one to eight changes: bits, bytes, numbers of both byte orders, parts removed, repeated, or
/// taken from `other`, and the end cut off.
pub fn mutated(bytes: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..1 << random.below(4) {
        if out.is_empty() {
            out.push(random.byte());
        }
        let at = place(random, out.len());
        match random.below(10) {
            0 | 1 => out[at] ^= 1 << random.below(8),
            2 => out[at] = random.byte(),
            3 | 4 => put_number(&mut out, at, random),
            5 => {
                let to = (at + run(random)).min(out.len());
                out.drain(at..to);
            }
            6 => {
                let to = (at + run(random)).min(out.len());
                let part = out[at..to].to_vec();
                let place = place(random, out.len());
                out.splice(place..place, part);
            }
            7 if !other.is_empty() => {
                let from = random.below(other.len());
                let to = (from + run(random)).min(other.len());
                let end = (at + to - from).min(out.len());
                out.splice(at..end, other[from..to].iter().copied());
            }
            8 => out.truncate(at),
            _ => {
                let to = (at + run(random)).min(out.len());
                let value = random.byte();
                out[at..to].fill(value);
            }
        }
    }
    out
}

/// Often near the beginning, where headers are.
fn place(random: &mut Random, length: usize) -> usize {
    let within = match random.below(3) {
        0 => length.min(64),
        1 => length.min(512),
        _ => length,
    };
    random.below(within.max(1))
}

fn run(random: &mut Random) -> usize {
    let longest = 1 << random.below(8);
    1 + random.below(longest)
}

/// Writes an edge, or what is there plus or minus a little, in 1, 2, 4 or 8 bytes.
fn put_number(out: &mut [u8], at: usize, random: &mut Random) {
    let width = [1, 2, 4, 8][random.below(4)].min(out.len() - at);
    let is_big = random.below(2) == 0;
    let mut bytes = [0; 8];
    bytes[..width].copy_from_slice(&out[at..at + width]);
    if is_big {
        bytes[..width].reverse();
    }
    let before = u64::from_le_bytes(bytes);
    let number = match random.below(3) {
        0 => before.wrapping_add(random.below(9) as u64).wrapping_sub(4),
        _ => EDGES[random.below(EDGES.len())],
    };
    let mut bytes = number.to_le_bytes();
    if is_big {
        bytes[..width].reverse();
    }
    out[at..at + width].copy_from_slice(&bytes[..width]);
}

/// Inputs to be changed: `made`, and what the folder `name` of the fuzzers' corpora has. Where `RESIGHT_FUZZ_SEEDS` names
/// a folder, those made are written there as seeds for the fuzzers.
pub fn fuzz_corpus(name: &str, mut made: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    if let Some(folder) = std::env::var_os("RESIGHT_FUZZ_SEEDS") {
        let folder = Path::new(&folder).join(name);
        fs::create_dir_all(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        for bytes in &made {
            // Two tests may make seeds for one target.
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            let path = folder.join(format!("made-{:016x}", hasher.finish()));
            fs::write(&path, bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let kept = paths
        .iter()
        .map(|path| fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())));
    made.extend(kept);
    made
}

/// Calls `check` with `count` changed inputs made from `corpus`, or that times `RESIGHT_FUZZ_FACTOR` of the
/// environment. They follow from `RESIGHT_FUZZ_SEED`, 1 where it is absent. Returns their number.
///
/// Panics as `check` does, after it has written the input's number and where its bytes are kept.
pub fn fuzz(name: &str, count: u64, corpus: &[Vec<u8>], mut check: impl FnMut(&[u8])) -> u64 {
    assert!(!corpus.is_empty(), "{name}: nothing to change");
    let asked = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let count = count * asked("RESIGHT_FUZZ_FACTOR").unwrap_or(1);
    let seed = asked("RESIGHT_FUZZ_SEED").unwrap_or(1);
    for number in 0..count {
        let mut random = Random::new(seed.wrapping_mul(0x1_0000_0001).wrapping_add(number));
        let one = &corpus[random.below(corpus.len())];
        let other = &corpus[random.below(corpus.len())];
        let input = mutated(one, other, &mut random);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(&input))) {
            let kept = std::env::temp_dir().join(format!("resight-fuzz-{name}-{seed}-{number}"));
            let written = std::fs::write(&kept, &input).is_ok();
            eprintln!(
                "{name}: seed {seed}, input {number}, {} bytes, kept in {}: {written}",
                input.len(),
                kept.display()
            );
            resume_unwind(panic);
        }
    }
    eprintln!("{name}: {count} inputs of seed {seed}");
    count
}

/// Calls a reader, which returns whether it read something, with `made`, with the fuzzers' corpus `name`, and with `count`
/// changed ones of both, as [`fuzz`] does. Returns how many of the changed ones were read and how many refused.
pub fn fuzz_reader(
    name: &str,
    count: u64,
    made: Vec<Vec<u8>>,
    mut reader: impl FnMut(&[u8]) -> bool,
) -> (u64, u64) {
    let corpus = fuzz_corpus(name, made);
    for bytes in &corpus {
        reader(bytes);
    }
    let mut read = 0;
    let all = fuzz(name, count, &corpus, |bytes| {
        read += u64::from(reader(bytes));
    });
    (read, all - read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_change_is_made_and_a_seed_gives_one_input() {
        let bytes: Vec<u8> = (0..=255).collect();
        let change = |seed| mutated(&bytes, b"another file", &mut Random::new(seed));
        let changed: Vec<Vec<u8>> = (0..400).map(change).collect();
        assert_eq!(changed[7], change(7));
        assert!(changed.iter().any(|one| one.len() < 200));
        assert!(changed.iter().any(|one| one.len() > 260));
        assert!(
            changed
                .iter()
                .any(|one| one.windows(4).any(|four| four == [255; 4]))
        );
        let same = changed.iter().filter(|one| **one == bytes).count();
        assert!(same < 20, "{same} are not changed");
        assert!(!mutated(b"", b"", &mut Random::new(1)).is_empty() || change(1) != bytes);
    }

    #[test]
    fn a_panic_is_passed_on_with_its_input_kept() {
        let found = catch_unwind(|| {
            fuzz("self-test", 500, &[b"abcdef".to_vec()], |input| {
                assert!(!input.contains(&0xff));
            })
        });
        assert!(found.is_err());
        let mut tried = 0;
        fuzz("self-test", 20, &[b"abc".to_vec()], |_| tried += 1);
        assert!(tried >= 20);
    }
}
