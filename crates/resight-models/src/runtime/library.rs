//! Where the library of ONNX Runtime is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Choice;

/// The environment variable that names the library, as other programs use it.
const VARIABLE: &str = "ORT_DYLIB_PATH";
/// Folders in which system packages put it.
const SYSTEM: [&str; 4] = [
    "/usr/local/lib",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib",
];
/// Where a Python's packages are. `-I`: nothing of the current folder runs.
const ASK: &str = "import site, sysconfig; p = sysconfig.get_paths(); \
print(p['purelib'], p['platlib'], site.getusersitepackages(), sep='\\n')";

/// How a library was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the command line.
    Option,
    /// By `ORT_DYLIB_PATH`.
    Variable,
    /// In the virtual environment that is active.
    VirtualEnvironment,
    /// Among the packages of the `python3` on the path.
    Python,
    /// Among the system's libraries.
    System,
}

impl Place {
    /// Whether somebody named it, so that it is an error when it cannot be used.
    pub fn is_named(&self) -> bool {
        matches!(self, Self::Option | Self::Variable)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Option => "--onnxruntime",
            Self::Variable => VARIABLE,
            Self::VirtualEnvironment => "the active virtual environment",
            Self::Python => "the packages of python3",
            Self::System => "the system's libraries",
        })
    }
}

/// A library's file.
pub(super) struct Found {
    pub(super) library: PathBuf,
    pub(super) place: Place,
}

/// Why there is none.
pub(super) struct Missing {
    /// Whether one was named.
    pub(super) named: bool,
    /// Where it was looked for, for people.
    pub(super) looked: String,
}

/// The library that is named, else the first that is found.
pub(super) fn find(choice: &Choice) -> Result<Found, Missing> {
    let named = match choice {
        Choice::From(path) => Some((path.clone(), Place::Option)),
        _ => std::env::var_os(VARIABLE)
            .filter(|value| !value.is_empty())
            .map(|value| (PathBuf::from(value), Place::Variable)),
    };
    if let Some((path, place)) = named {
        return match at(&path) {
            Some(library) => Ok(Found { library, place }),
            None => Err(Missing {
                named: true,
                looked: format!("{place} names {}, and no library is there", path.display()),
            }),
        };
    }
    let found = |library, place| Ok(Found { library, place });
    let environment = std::env::var_os("VIRTUAL_ENV").filter(|value| !value.is_empty());
    if let Some(library) = environment.and_then(|path| at(Path::new(&path))) {
        return found(library, Place::VirtualEnvironment);
    }
    if let Some(library) = packages_of_python().iter().find_map(|path| at(path)) {
        return found(library, Place::Python);
    }
    if let Some(library) = SYSTEM.iter().find_map(|path| in_folder(Path::new(path))) {
        return found(library, Place::System);
    }
    Err(Missing {
        named: false,
        looked: format!(
            "no library of ONNX Runtime was found: {VARIABLE} is not set, and there is none among the packages of python3 or the system's libraries"
        ),
    })
}

/// The library that `path` is or holds: a file, the folder it lies in, a folder of Python packages,
/// or a virtual environment.
fn at(path: &Path) -> Option<PathBuf> {
    if path.is_file() {
        return std::path::absolute(path).ok();
    }
    let path = &std::path::absolute(path).ok()?;
    in_folder(path)
        .or_else(|| in_folder(&path.join("capi")))
        .or_else(|| in_folder(&path.join("onnxruntime/capi")))
        .or_else(|| in_environment(path))
}

fn in_environment(path: &Path) -> Option<PathBuf> {
    // On Windows there is no folder of the version between.
    let windows = path.join("Lib/site-packages/onnxruntime/capi");
    let versions = sorted(&path.join("lib"))
        .into_iter()
        .map(|version| version.join("site-packages/onnxruntime/capi"));
    std::iter::once(windows)
        .chain(versions)
        .find_map(|folder| in_folder(&folder))
}

/// The newest by name: `libonnxruntime.so.1.20.0`, `libonnxruntime.1.20.0.dylib`, `onnxruntime.dll`.
fn in_folder(folder: &Path) -> Option<PathBuf> {
    let is_library = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let unix = name
            .strip_prefix("libonnxruntime.")
            .is_some_and(|rest| rest == "so" || rest.starts_with("so.") || rest.ends_with("dylib"));
        (unix || name == "onnxruntime.dll") && path.is_file()
    };
    let libraries = sorted(folder).into_iter().filter(is_library);
    libraries.max_by_key(|path| numbers(path))
}

/// The numbers in a file's name, so that 1.9 comes before 1.20.
fn numbers(path: &Path) -> Vec<u64> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect()
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn packages_of_python() -> Vec<PathBuf> {
    let asked = Command::new("python3")
        .args(["-I", "-c", ASK])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let Ok(answer) = asked else {
        return Vec::new();
    };
    String::from_utf8_lossy(&answer.stdout)
        .lines()
        .map(PathBuf::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_found_wherever_one_points() {
        let root = tempfile::tempdir().unwrap();
        let capi = root
            .path()
            .join("venv/lib/python3.12/site-packages/onnxruntime/capi");
        std::fs::create_dir_all(&capi).unwrap();
        for name in [
            "libonnxruntime.so.1.9.0",
            "libonnxruntime.so.1.20.1",
            "libonnxruntime_providers_shared.so",
        ] {
            std::fs::write(capi.join(name), b"").unwrap();
        }
        let newest = capi.join("libonnxruntime.so.1.20.1");
        let site = root.path().join("venv/lib/python3.12/site-packages");
        for (path, found) in [
            (newest.clone(), Some(&newest)),
            (capi.clone(), Some(&newest)),
            (site.join("onnxruntime"), Some(&newest)),
            (site, Some(&newest)),
            (root.path().join("venv"), Some(&newest)),
            (root.path().to_path_buf(), None),
            (root.path().join("nowhere"), None),
        ] {
            assert_eq!(at(&path).as_ref(), found, "{}", path.display());
        }
    }

    #[test]
    fn one_that_is_named_and_missing_is_an_error() {
        let missing = find(&Choice::From("/nowhere/libonnxruntime.so".into()));
        let missing = missing.err().unwrap();
        assert!(missing.named && missing.looked.contains("/nowhere"));
    }
}
