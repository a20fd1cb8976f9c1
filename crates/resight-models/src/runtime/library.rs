//! Finds the library of ONNX Runtime.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The environment variable that names the library; other programs use it too.
const VARIABLE: &str = "ORT_DYLIB_PATH";
/// Folders in which system packages put it.
const SYSTEM: [&str; 4] = [
    "/usr/local/lib",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib",
];
/// Prints the folders of Python's packages. Run with `-I`, so that no code of the current folder
/// runs.
const PRINT_FOLDERS: &str = "import site, sysconfig; p = sysconfig.get_paths(); \
print(p['purelib'], p['platlib'], site.getusersitepackages(), sep='\\n')";

/// A request for a runtime.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// ONNX Runtime where it is found, otherwise the built-in runtime.
    #[default]
    Auto,
    /// The built-in runtime.
    BuiltIn,
    /// ONNX Runtime from this library, or from a folder that contains one, such as a virtual
    /// environment.
    From(PathBuf),
}

/// Where a library was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LibraryPlace {
    /// Named on the command line.
    Option,
    /// Named by `ORT_DYLIB_PATH`.
    Variable,
    /// In the active virtual environment.
    VirtualEnvironment,
    /// Among the packages of the `python3` on the path.
    Python,
    /// Among the system's libraries.
    System,
}

impl LibraryPlace {
    /// Whether the user named the library, so that it is an error when it cannot be used.
    pub fn is_named(&self) -> bool {
        matches!(self, Self::Option | Self::Variable)
    }
}

impl fmt::Display for LibraryPlace {
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

/// The file of a library.
pub(super) struct FoundLibrary {
    pub(super) library: PathBuf,
    pub(super) place: LibraryPlace,
}

/// Why no library was found.
pub(super) struct MissingLibrary {
    /// Whether the user named one.
    pub(super) named: bool,
    /// Where `find` looked, for people.
    pub(super) detail: String,
}

/// The library that the user names, otherwise the first that is found.
pub(super) fn find(choice: &Choice) -> Result<FoundLibrary, MissingLibrary> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let named = match choice {
        Choice::From(path) => Some((path.clone(), LibraryPlace::Option)),
        _ => variable(VARIABLE).map(|value| (PathBuf::from(value), LibraryPlace::Variable)),
    };
    if let Some((path, place)) = named {
        return match at(&path) {
            Some(library) => Ok(FoundLibrary { library, place }),
            None => Err(MissingLibrary {
                named: true,
                detail: format!("{place} names {}, and no library is there", path.display()),
            }),
        };
    }
    let environment = variable("VIRTUAL_ENV").and_then(|path| at(Path::new(&path)));
    let in_python = || packages_of_python().iter().find_map(|path| at(path));
    let in_system = || SYSTEM.iter().find_map(|path| in_folder(Path::new(path)));
    environment
        .map(|library| (library, LibraryPlace::VirtualEnvironment))
        .or_else(|| Some((in_python()?, LibraryPlace::Python)))
        .or_else(|| Some((in_system()?, LibraryPlace::System)))
        .map(|(library, place)| FoundLibrary { library, place })
        .ok_or_else(|| MissingLibrary {
            named: false,
            detail: format!(
                "no library of ONNX Runtime was found: {VARIABLE} is not set, and there is none among the packages of python3 or the system's libraries"
            ),
        })
}

/// The library at `path`, which may be the file, its folder, a folder of Python packages or a
/// virtual environment.
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
    // Windows has no folder for the version.
    let windows = path.join("Lib/site-packages/onnxruntime/capi");
    let versions = sorted(&path.join("lib"))
        .into_iter()
        .map(|version| version.join("site-packages/onnxruntime/capi"));
    std::iter::once(windows)
        .chain(versions)
        .find_map(|folder| in_folder(&folder))
}

/// The library with the highest version in its name: `libonnxruntime.so.1.20.0`,
/// `libonnxruntime.1.20.0.dylib`, `onnxruntime.dll`.
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

/// The numbers in a file's name, by which 1.9 sorts before 1.20.
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
    let output = Command::new("python3")
        .args(["-I", "-c", PRINT_FOLDERS])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    // Without Python there are no packages.
    let printed = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&printed)
        .lines()
        .map(PathBuf::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_found_from_any_folder_above_it() {
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
    fn libraries_of_every_system_are_recognised() {
        // (file, whether it is the library)
        for (name, is_library) in [
            ("libonnxruntime.so", true),
            ("libonnxruntime.so.1.20.1", true),
            ("libonnxruntime.1.20.1.dylib", true),
            ("onnxruntime.dll", true),
            ("libonnxruntime.a", false),
            ("libonnxruntime_providers_cuda.so", false),
            ("onnxruntime.so", false),
            ("libonnxruntime.sock", false),
        ] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(name), b"").unwrap();
            let found = in_folder(folder.path()).is_some();
            assert_eq!(found, is_library, "{name}");
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("libonnxruntime.so")).unwrap();
        assert_eq!(in_folder(folder.path()), None, "a folder");
    }

    #[test]
    fn a_missing_library_that_is_named_is_an_error() {
        let missing = find(&Choice::From("/nowhere/libonnxruntime.so".into()));
        let missing = missing.err().unwrap();
        assert!(missing.named && missing.detail.contains("/nowhere"));
    }
}
