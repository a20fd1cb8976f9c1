//! Files that broke other programs, offered as a folder.

use std::collections::HashSet;
use std::path::Path;

use crate::support::{count, events, json};

#[test]
fn every_nasty_file_is_indexed_or_refused_with_a_reason() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/nasty/files");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("SKIPPED: no folder with nasty files");
        return;
    };
    let files: HashSet<String> = entries
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let dir = folder.to_str().unwrap();

    let said = json(&data, &["index", dir]);
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let indexed = events(&said, "indexed");
    let refused = events(&said, "refused");
    let mut told: HashSet<String> = indexed
        .iter()
        .map(|e| name(e["path"].as_str().unwrap()))
        .collect();
    for event in &refused {
        for key in ["code", "reason"] {
            assert!(
                event[key].as_str().is_some_and(|text| !text.is_empty()),
                "{event}"
            );
        }
        told.insert(name(event["path"].as_str().unwrap()));
    }
    assert_eq!(told, files);
    assert!(indexed.len() > 100 && refused.len() > 20);
    let new = indexed
        .iter()
        .filter(|e| e["already_there"] == false)
        .count();
    assert_eq!(count(&data), new as u64);

    let listed = json(&data, &["refused", "--limit", "1000"]);
    assert_eq!(listed.len(), refused.len());
    let again = json(&data, &["index", dir]);
    assert!(events(&again, "indexed").is_empty() && events(&again, "refused").is_empty());
}
