//! What each attack of one original of `copies_synth` becomes; `bench/run kinds.py` measures far
//! more. `cargo test -p resight-engine --test engine duplicates_kinds -- --nocapture` prints the table.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use resight_engine::{Components, EngineOptions, FolderOptions, PairKind, Vocabulary};
use resight_store::{FolderBlobs, PairLink, Pairs, Pictures, SqliteCatalogue};
use resight_vision::{Sift, SiftOptions};
use serde_json::Value;

use crate::support::Bench;

fn data() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/eval/copies_synth");
    let found = root.join("groundtruth.json").exists();
    if !found {
        eprintln!("SKIPPED: {} is not there", root.display());
    }
    found.then_some(root)
}

/// Every pair of the pictures in `folder`, and the name of each key.
fn pairs_of(folder: &Path) -> (Vec<PairLink>, HashMap<u64, String>) {
    let data = tempfile::tempdir().unwrap();
    let catalogue = Arc::new(SqliteCatalogue::in_memory().unwrap());
    let parts = Components {
        catalogue: catalogue.clone(),
        blobs: Arc::new(FolderBlobs::open(data.path()).unwrap()),
        extractor: Arc::new(Sift::new(SiftOptions::default())),
        vocabulary: Vocabulary::generic(),
        convert: false,
        index: None,
    };
    let bench = Bench::open(parts, EngineOptions::default()).unwrap();
    let go = AtomicBool::new(false);
    bench
        .indexer
        .index_folder(folder, &FolderOptions::default(), &go, &mut |_| {})
        .unwrap();
    bench.duplicates.update(&go, &mut |_| {}).unwrap();
    let keys = catalogue.keys_after(None, 1000).unwrap();
    let keys: Vec<u64> = keys.iter().map(|k| k.0).collect();
    let records = catalogue.pictures(&keys).unwrap().into_iter().flatten();
    let names = records.map(|record| (record.key, record.name)).collect();
    (catalogue.links_after(None, usize::MAX).unwrap(), names)
}

/// The kind that the name of an attack says.
fn named(attack: &str) -> PairKind {
    match attack {
        jpeg if jpeg.starts_with("jpeg") => PairKind::ReEncoded,
        part if part.starts_with("crop") || part.starts_with("pip") => PairKind::Cropped,
        _ => PairKind::Edited,
    }
}

// Long because the expected kinds stand beside each other.
#[test]
fn attacks_become_the_kinds_that_their_names_say() {
    let Some(root) = data() else {
        return;
    };
    let text = std::fs::read_to_string(root.join("groundtruth.json")).unwrap();
    let truth: Value = serde_json::from_str(&text).unwrap();
    let mut attack: HashMap<String, (String, String)> = HashMap::new();
    let some = tempfile::tempdir().unwrap();
    // One of the attacked originals, and an eighth of the others, which are the strangers: each pair is
    // compared at full size, and this is the longest test of the crate.
    let number = |original: &str| -> usize { original[1..4].parse().unwrap() };
    let is_used = |original: &str| number(original) == 4 || number(original).is_multiple_of(8);
    let take = |name: &str| {
        std::fs::copy(root.join("images").join(name), some.path().join(name)).unwrap();
    };
    for name in truth["database"].as_array().unwrap() {
        let name = name.as_str().unwrap();
        if is_used(name) {
            take(name);
        }
    }
    for query in truth["queries"].as_array().unwrap() {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let original = text(&query["relevant"][0]);
        if number(&original) != 4 {
            continue;
        }
        take(query["query"].as_str().unwrap());
        attack.insert(text(&query["query"]), (original, text(&query["attack"])));
    }
    let (links, names) = pairs_of(some.path());
    let original = |name: &str| attack.get(name).map_or(name.to_owned(), |a| a.0.clone());

    let mut table: BTreeMap<&str, [usize; 6]> = BTreeMap::new();
    for (_, attack) in attack.values() {
        table.entry(attack).or_default()[5] += 1;
    }
    let mut strangers = Vec::new();
    for link in &links {
        let (a, b) = (&names[&link.a], &names[&link.b]);
        if original(a) != original(b) {
            strangers.push((a, b, link));
        }
        // `o…` comes before `q…`, so the original is the first of the two.
        if let Some((_, attack)) = attack.get(b).filter(|found| found.0 == *a) {
            let row = table.get_mut(attack.as_str()).unwrap();
            row[usize::from(link.kind)] += 1;
            row[5] -= 1;
        }
    }
    let kinds = PairKind::ALL.map(PairKind::as_str);
    println!(
        "{:>10} | {:>10} | {:>10} | {:>10} | {:>10} | not found",
        "attack", kinds[1], kinds[2], kinds[3], kinds[4]
    );
    for (attack, row) in &table {
        println!(
            "{attack:>10} | {:>10} | {:>10} | {:>10} | {:>10} | {:>9}",
            row[1], row[2], row[3], row[4], row[5]
        );
    }
    let expected: usize = table
        .iter()
        .map(|(attack, row)| row[named(attack) as usize])
        .sum();
    let found: usize = table.values().flat_map(|row| &row[..5]).sum();
    println!(
        "{found} of {} copies are paired with their original, {expected} with the kind that the attack names",
        attack.len()
    );
    println!(
        "{} pairs, {} of them of different originals",
        links.len(),
        strangers.len()
    );
    for (a, b, link) in &strangers {
        println!(
            "  {a} {b} {:.1} {}",
            link.log10_nfa,
            kinds[usize::from(link.kind)]
        );
    }

    // What is left open: strong compression changes pixels as much as a light edit does.
    let is = |attack: &str, kind: PairKind| {
        let row = table[attack];
        assert_eq!(
            row[kind as usize],
            row.iter().sum::<usize>(),
            "{attack}: {row:?}"
        );
    };
    for attack in ["jpeg30", "jpeg50", "jpeg75"] {
        is(attack, PairKind::ReEncoded);
    }
    // Stronger compression may count as an edit, never as another kind.
    for attack in ["jpeg10", "jpeg15", "jpeg20"] {
        let row = table[attack];
        let copies: usize = row.iter().sum();
        let re_encoded = row[PairKind::ReEncoded as usize];
        assert!(
            2 * re_encoded >= copies && re_encoded + row[PairKind::Edited as usize] == copies,
            "{attack}: {row:?}"
        );
    }
    for attack in ["aspect", "dark", "flip", "gray", "invert", "persp", "text"] {
        is(attack, PairKind::Edited);
    }
    for attack in ["crop10", "crop20", "crop40", "crop60", "crop80", "pip20"] {
        is(attack, PairKind::Cropped);
    }
    // Two pictures with the same words laid over them share those.
    assert!(
        strangers
            .iter()
            .all(|(.., link)| link.kind == PairKind::SameScene as u8)
    );
}
