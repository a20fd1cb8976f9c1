//! A few kills and faults of each kind, in the gate. `just crash` tries all.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

#[test]
fn a_few_kills_and_faults_lose_nothing() {
    let tool = Path::new(env!("CARGO_BIN_EXE_resight-crash"));
    if !tool.with_file_name("resight").exists() {
        eprintln!("SKIPPED: the program is not built beside this test; test the whole workspace");
        return;
    }
    let arguments = ["--seed=1", "--only=label", "--step=5", "--rounds=6"];
    let output = Command::new(tool).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if said.starts_with("SKIPPED") {
        eprintln!("{said}");
        return;
    }
    assert!(output.status.success(), "{said}");
    let figures: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(figures["failed"], Value::Null);
    for (name, least) in [("kills_at_calls", 3), ("faults", 3), ("searches", 30)] {
        assert!(figures[name].as_u64() >= Some(least), "{name}: {figures}");
    }
}
