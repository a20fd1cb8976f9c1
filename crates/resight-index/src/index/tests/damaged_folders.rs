//! Folders that a power cut, a bad disk or a person has left in any state: an opened index has what the
//! catalogue has. `RESIGHT_FUZZ_FACTOR` multiplies their number.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use resight_test_support::{Random, fuzz, mutated};

use super::*;

/// Enough that no further picture is merged with them.
const FULL: u64 = 49_200;
const ALL: u64 = FULL + 2500;

fn few(key: u64) -> PictureWords {
    PictureWords::new(words(key).postings()[..3].to_vec())
}

fn pictures(keys: impl Iterator<Item = u64>) -> Vec<(Key, PictureWords)> {
    keys.map(|key| (Key(key), few(key))).collect()
}

fn opened(folder: &Path, stored: &BTreeSet<u64>) -> (Index, Opened) {
    let stored = || Ok::<_, ()>(stored.iter().map(|key| (Key(*key), 3)).collect());
    Index::open(&Vocabulary::generic(), folder, true, stored).unwrap()
}

/// Every file of the folder with its name.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let mut files: Vec<_> = entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// Changes one file as a disk might, or a person.
fn damage(folder: &Path, files: &[(String, Vec<u8>)], random: &mut Random) {
    let (name, bytes) = &files[random.below(files.len())];
    let (other, of_other) = &files[random.below(files.len())];
    let path = folder.join(name);
    match random.below(7) {
        0 => fs::remove_file(&path).unwrap_or_default(),
        1 => fs::write(&path, of_other).unwrap(),
        2 => fs::rename(&path, folder.join(other)).unwrap_or_default(),
        3 => fs::write(&path, &bytes[..random.below(bytes.len() + 1)]).unwrap(),
        4 => {
            let from = random.below(bytes.len());
            let zeroed = [&bytes[..from], &vec![0; bytes.len() - from]].concat();
            fs::write(&path, zeroed).unwrap();
        }
        5 => {
            // The manifest names one twice, or in another order.
            let manifest = folder.join("manifest.json");
            let named = [name, other].map(|name| format!("\"{name}\""));
            let text = format!("{{\"format\":1,\"segments\":[{}]}}", named.join(","));
            fs::write(manifest, text).unwrap();
        }
        _ => fs::write(&path, mutated(bytes, of_other, random)).unwrap(),
    }
}

#[test]
fn an_index_opened_from_a_damaged_folder_has_what_the_catalogue_has() {
    let root = tempfile::tempdir().unwrap();
    let base = root.path().join("base");
    let (index, _) = opened(&base, &BTreeSet::new());
    for keys in [0..FULL, FULL..ALL] {
        index.add(pictures(keys));
        index.settle();
    }
    drop(index);
    let whole = files(&base);
    assert_eq!(whole.len(), 3, "two segments and the manifest");
    let mut with_lost = 0;
    fuzz("folders", 20, &[vec![0; 16]], |input| {
        let seed = input.iter().fold(input.len() as u64, |a, b| {
            a * 31 % 1_000_003 + u64::from(*b)
        });
        let mut random = Random::new(seed);
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in &whole {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        for _ in 0..1 + random.below(2) {
            damage(folder.path(), &whole, &mut random);
        }
        let gone = (
            random.below(ALL as usize) as u64,
            1 + random.below(300) as u64,
        );
        let stored: BTreeSet<u64> = (0..ALL)
            .filter(|key| *key < gone.0 || *key >= gone.0 + gone.1)
            .collect();
        let (index, opened) = opened(folder.path(), &stored);
        with_lost += u64::from(opened.lost.is_some());
        let above = stored
            .iter()
            .copied()
            .filter(|key| Some(Key(*key)) > opened.last);
        index.add(pictures(above));
        let snapshot = index.snapshot();
        assert!(
            snapshot
                .keys()
                .iter()
                .map(|key| key.0)
                .eq(stored.iter().copied())
        );
        let alone = Index::new(Vocabulary::generic().len());
        alone.add(pictures(stored.iter().copied()));
        assert_eq!(snapshot.frequencies, alone.snapshot().frequencies);
        for key in [7, FULL - 1, ALL - 3] {
            assert_eq!(results(&index, key), results(&alone, key));
        }
    });
    assert!(with_lost > 5, "{with_lost}");
}
