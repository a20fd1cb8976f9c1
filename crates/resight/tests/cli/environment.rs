//! Folders that environment variables name.

use std::path::Path;

use crate::support::{count, save, textured};

#[test]
fn folders_in_the_environment_are_used_and_leave_help_as_it_is() {
    let root = tempfile::tempdir().unwrap();
    let (data, pictures) = (root.path().join("data"), root.path().join("pictures"));
    std::fs::create_dir(&pictures).unwrap();
    save(&textured(120, 90, 1), &pictures.join("a.png"));
    let program = |set: Option<&Path>, arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_resight"));
        for variable in ["RESIGHT_DATA", "RESIGHT_MODELS"] {
            command.env_remove(variable);
            command.envs(set.map(|folder| (variable, folder)));
        }
        command.args(arguments).output().unwrap()
    };
    for arguments in [
        &[][..],
        &["--help"],
        &["plugin"],
        &["models"],
        &["index"],
        &["search", "--limit", "0", "a.png"],
    ] {
        let (set, unset) = (program(Some(&data), arguments), program(None, arguments));
        assert_eq!(set.status.code(), unset.status.code(), "{arguments:?}");
        let said = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        assert_eq!(said(&set.stdout), said(&unset.stdout), "{arguments:?}");
        assert_eq!(said(&set.stderr), said(&unset.stderr), "{arguments:?}");
    }
    assert!(!data.exists(), "no help makes a data folder");
    let help = String::from_utf8(program(None, &["--help"]).stdout).unwrap();
    for variable in ["[env: RESIGHT_DATA]", "[env: RESIGHT_MODELS]"] {
        assert!(help.contains(variable), "{help}");
    }
    let indexed = program(Some(&data), &["index", pictures.to_str().unwrap()]);
    assert!(indexed.status.success());
    assert_eq!(count(&data), 1);
}
