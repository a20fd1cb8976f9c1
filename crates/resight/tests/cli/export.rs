//! `resight export`.

use std::fs;

use crate::support::{World, fill, json, json_error, lines, run, text};

#[test]
fn an_export_goes_to_standard_output_or_to_a_file_that_appears_whole() {
    let world = World::empty();
    let [data, pictures, out] = ["data", "pictures", "labels.jsonl"].map(|name| world.path(name));
    fill(&pictures, 3);
    json(&data, &["index", text(&pictures), "--tag", "rome"]);
    let shown = run(&data, &["export"]);
    assert!(shown.status.success(), "{shown:?}");
    let all = lines(&shown.stdout);
    assert_eq!(all.len(), 5);
    assert_eq!(all[0]["record"], "export");
    assert_eq!(all[1]["tags"][0], "rome");
    assert!(all[1]["paths"][0].as_str().unwrap().ends_with("/00.png"));
    assert_eq!(all[4]["pictures"], 3);
    assert!(String::from_utf8_lossy(&shown.stderr).contains("Exported 3 pictures"));

    let told = &json(&data, &["export", "--out", text(&out)])[0];
    assert_eq!(told["pictures"], 3);
    let written = lines(&fs::read(&out).unwrap());
    assert_eq!(written[1..], all[1..]);
    let csv = run(&data, &["export", "--format", "csv", "--quiet"]);
    let csv = String::from_utf8(csv.stdout).unwrap();
    assert_eq!(csv.lines().count(), 8, "{csv}");
    assert!(csv.starts_with("record,id,other,group,kind,path,name"));

    let without = json_error(&data, &["export"], 2);
    assert_eq!(without["code"], "usage");
    let nowhere = world.path("no/such/folder.jsonl");
    let unwritable = json_error(&data, &["export", "--out", text(&nowhere)], 1);
    assert_eq!(unwritable["code"], "unwritable");
    let unknown = run(&data, &["export", "--format", "xml"]);
    assert_eq!(unknown.status.code(), Some(2));
    let nothing = json_error(&world.path("other"), &["export", "--out", text(&out)], 1);
    assert_eq!(nothing["code"], "nothing_indexed");
    // The file of the export before stays.
    assert_eq!(lines(&fs::read(&out).unwrap()), written);
}
