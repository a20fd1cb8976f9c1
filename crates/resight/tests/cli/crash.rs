//! What was acknowledged survives SIGKILL, and what was not is done by the next run.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::support::{count, events, fill, json, lines, resight};

/// Pictures in the folder.
const PICTURES: u64 = 60;
/// Acknowledged ones after which the process is killed.
const KILLED_AFTER: usize = 10;

#[test]
fn nothing_acknowledged_is_lost_to_a_kill() {
    let root = tempfile::tempdir().unwrap();
    let (data, pictures) = (root.path().join("data"), root.path().join("pictures"));
    fill(&pictures, PICTURES);
    let dir = pictures.to_str().unwrap();

    let mut child = resight(&data)
        .args(["index", dir, "--json", "--threads", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut said = Vec::new();
    let mut told = 0;
    while told < KILLED_AFTER {
        assert!(
            stdout.read_until(b'\n', &mut said).unwrap() > 0,
            "ended early"
        );
        told = events(&lines(&said), "indexed").len();
    }
    child.kill().unwrap();
    // What it said between the tenth line and the kill is acknowledged too; a line cut short is not.
    while stdout.read_until(b'\n', &mut said).unwrap() > 0 {}
    child.wait().unwrap();
    let whole = said
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let said = lines(&said[..whole]);
    let acknowledged: HashSet<String> = events(&said, "indexed")
        .iter()
        .map(|line| line["id"].as_str().unwrap().to_owned())
        .collect();
    assert!(acknowledged.len() >= KILLED_AFTER);

    let list = &json(&data, &["list", "--limit", "1000"])[0];
    let held: HashSet<String> = list["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|image| image["id"].as_str().unwrap().to_owned())
        .collect();
    let lost: Vec<_> = acknowledged.difference(&held).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");

    let rest = json(&data, &["index", dir]);
    let done = rest.last().unwrap();
    assert_eq!(done["unchanged"], held.len(), "{done}");
    assert_eq!(done["indexed"], PICTURES - held.len() as u64, "{done}");
    assert_eq!(count(&data), PICTURES);
    // And they are not only listed.
    let query = pictures.join("00.png");
    let answer = &json(&data, &["search", query.to_str().unwrap()])[0];
    assert_eq!(answer["hits"][0]["image"]["name"], "00.png");
    assert_eq!(answer["hits"][0]["verified"], true);
}
