//! `resight backup` and `resight restore`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::support::{count, fill, first_line, json, json_error, resight, run, text};

#[test]
fn a_backup_beside_a_server_restores_to_the_same_answers() {
    let root = tempfile::tempdir().unwrap();
    let [data, pictures, backup, again] =
        ["data", "pictures", "backup", "again"].map(|name| root.path().join(name));
    fill(&pictures, 4);
    json(&data, &["index", text(&pictures)]);
    let mut server = resight(&data)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert!(first_line(&mut server).contains("Resight is serving"));
    let made = &json(&data, &["backup", text(&backup)])[0];
    assert_eq!(
        (&made["pictures"], &made["collections"]),
        (&4.into(), &1.into())
    );
    let made = &json(&data, &["backup", text(&backup)])[0];
    assert_eq!(made["copied"], 0, "{made}");
    server.kill().unwrap();
    server.wait().unwrap();

    let restored = &json(&again, &["restore", text(&backup)])[0];
    assert_eq!(restored["pictures"], 4, "{restored}");
    let query = pictures.join("02.png");
    let hits = |data: &Path| json(data, &["search", text(&query)])[0]["hits"].clone();
    assert_eq!(hits(&again), hits(&data));
    assert_eq!(run(&again, &["verify"]).status.code(), Some(0));

    let taken = json_error(&again, &["restore", text(&backup)], 2);
    assert_eq!(taken["code"], "restore_target");
    let wrong = json_error(&data, &["backup", text(&pictures)], 2);
    assert_eq!(wrong["code"], "backup_target");
}

#[test]
fn a_backup_that_is_killed_leaves_the_one_before_whole() {
    let root = tempfile::tempdir().unwrap();
    let [data, few, more, backup] =
        ["data", "few", "more", "backup"].map(|name| root.path().join(name));
    fill(&few, 3);
    json(&data, &["index", text(&few)]);
    json(&data, &["backup", text(&backup)]);
    fill(&more, 9);
    json(&data, &["index", text(&more)]);
    let all = count(&data);
    let mut killed = 0;
    for round in 0..12u64 {
        let mut child = resight(&data)
            .args(["backup", text(&backup)])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(4 * round));
        child.kill().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut said)
            .unwrap();
        child.wait().unwrap();
        killed += u64::from(said.is_empty());
        let again = root.path().join(format!("again{round}"));
        let restored = &json(&again, &["restore", text(&backup)])[0];
        let pictures = restored["pictures"].as_u64().unwrap();
        assert!(pictures == 3 || pictures == all, "{restored}");
        assert_eq!(run(&again, &["verify"]).status.code(), Some(0));
    }
    assert!(killed > 0);
    let made = &json(&data, &["backup", text(&backup)])[0];
    assert_eq!(made["pictures"], all);
    let again = root.path().join("at last");
    json(&again, &["restore", text(&backup)]);
    assert_eq!(count(&again), all);
}
