//! What of a folder is left out: by the run's patterns, by `.resightignore` files, and by default what systems
//! and network storage keep beside pictures.
//!
//! The patterns are those of `.gitignore`. The patterns of the run decide first, then the `.resightignore` of the
//! nearest folder, then the default. What a pattern takes in is not left out by what comes after it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::error::EngineError;

/// The file with the patterns of a folder and of those below it.
const IGNORE_FILE: &str = ".resightignore";
/// The longest such file that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// Folders in which systems and network storage keep thumbnails, deleted files and snapshots, in any case.
const SYSTEM_FOLDERS: [&str; 10] = [
    "@eaDir",
    "@Recycle",
    "@Recently-Snapshot",
    "#recycle",
    "#snapshot",
    "$RECYCLE.BIN",
    "lost+found",
    "__MACOSX",
    "System Volume Information",
    "Network Trash Folder",
];

/// Patterns of a run, in the syntax of `.gitignore`. A pattern with a slash in its middle or at its beginning is
/// taken from the folder that is indexed; it may also be an absolute path below that folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns {
    exclude: Vec<String>,
    include: Vec<String>,
}

/// A pattern that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pattern {pattern:?} cannot be read: {reason}")]
pub struct BadPattern {
    /// As it was given.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Each pattern was read before; only all of them together may be too many.
impl From<BadPattern> for EngineError {
    fn from(bad: BadPattern) -> Self {
        Self::Internal(bad.to_string())
    }
}

impl Patterns {
    /// Patterns of what is left out, and of what is taken in whatever leaves it out.
    ///
    /// # Errors
    /// For a pattern that cannot be read.
    pub fn new(exclude: Vec<String>, include: Vec<String>) -> Result<Self, BadPattern> {
        for pattern in exclude.iter().chain(&include) {
            if pattern.trim().is_empty() {
                return Err(bad(pattern, "it is empty"));
            }
            if pattern.starts_with('!') {
                return Err(bad(
                    pattern,
                    "it begins with an exclamation mark; what takes in is a pattern of its own kind",
                ));
            }
        }
        let patterns = Self { exclude, include };
        patterns.below(Path::new("/"), Path::new("/"))?;
        Ok(patterns)
    }

    /// As they are read within `root`, whose path, also as it is spelled in `named`, a pattern may begin with.
    pub(crate) fn below(&self, root: &Path, named: &Path) -> Result<Gitignore, BadPattern> {
        let excluded = self.exclude.iter().map(|pattern| (pattern, ""));
        let included = self.include.iter().map(|pattern| (pattern, "!"));
        let mut builder = GitignoreBuilder::new(root);
        // In a file, a bracket without its end stands for itself; here it is more likely a mistake.
        builder.allow_unclosed_class(false);
        for (pattern, sign) in excluded.chain(included) {
            let line = format!("{sign}{}", from_root(pattern, [root, named]));
            let added = builder.add_line(None, &line).map(drop);
            added.map_err(|error| bad(pattern, &error.to_string()))?;
        }
        let built = builder.build();
        built.map_err(|error| bad("all patterns together", &error.to_string()))
    }
}

fn bad(pattern: &str, reason: &str) -> BadPattern {
    BadPattern {
        pattern: pattern.to_owned(),
        reason: reason.to_owned(),
    }
}

fn from_root(pattern: &str, spellings: [&Path; 2]) -> String {
    let within = spellings.iter().find_map(|root| {
        let rest = pattern.strip_prefix(root.to_str()?.trim_end_matches('/'))?;
        rest.starts_with('/').then_some(rest)
    });
    match within.or_else(|| {
        pattern
            .strip_prefix('.')
            .filter(|rest| rest.starts_with('/'))
    }) {
        Some(rest) => rest.to_owned(),
        // In a file this would begin a remark.
        None if pattern.starts_with('#') => format!("\\{pattern}"),
        None => pattern.to_owned(),
    }
}

/// Why something is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// By a pattern.
    Pattern,
    /// A folder of [`SYSTEM_FOLDERS`], or a link into one.
    System(&'static str),
    /// Its name begins with a dot.
    Hidden,
    /// The data folder.
    Skipped,
    /// A file with patterns.
    Rules,
}

/// An entry of the folder that is indexed.
pub(super) struct Entry<'a> {
    pub(super) path: &'a Path,
    /// Number of folders above it, within the one that is indexed.
    pub(super) depth: usize,
    pub(super) is_folder: bool,
    pub(super) is_link: bool,
}

/// The rules of a walk, which goes into a folder before it goes on beside it.
pub(super) struct Exclusions {
    root: PathBuf,
    by_run: Gitignore,
    /// Of the folders above the one that is indexed, the nearest first.
    by_parents: Vec<Gitignore>,
    /// Of the folders above the entry, with their depths.
    by_folders: Vec<(usize, Gitignore)>,
    skip: Option<PathBuf>,
}

impl Exclusions {
    pub(super) fn new(
        root: &Path,
        named: &Path,
        patterns: &Patterns,
        skip: Option<&Path>,
    ) -> Result<Self, BadPattern> {
        let named = std::path::absolute(named).unwrap_or_else(|_| named.to_owned());
        Ok(Self {
            root: root.to_owned(),
            by_run: patterns.below(root, &named)?,
            by_parents: root.ancestors().skip(1).filter_map(patterns_of).collect(),
            by_folders: Vec::new(),
            skip: skip.and_then(|path| fs::canonicalize(path).ok()),
        })
    }

    /// Why the entry is left out, if it is. The folder that is indexed never is.
    pub(super) fn why(&mut self, entry: &Entry<'_>) -> Option<Why> {
        while self
            .by_folders
            .last()
            .is_some_and(|(depth, _)| *depth >= entry.depth)
        {
            self.by_folders.pop();
        }
        let why = match entry.depth {
            0 => None,
            _ => self.decide(entry),
        };
        if why.is_none() && entry.is_folder {
            let own = patterns_of(entry.path);
            self.by_folders
                .extend(own.map(|patterns| (entry.depth, patterns)));
        }
        why
    }

    fn decide(&self, entry: &Entry<'_>) -> Option<Why> {
        let is_skipped = entry.is_folder
            && self.skip.is_some()
            && fs::canonicalize(entry.path).ok() == self.skip;
        if is_skipped {
            return Some(Why::Skipped);
        }
        let name = entry.path.file_name().unwrap_or_default();
        if name == IGNORE_FILE && !entry.is_folder {
            return Some(Why::Rules);
        }
        let nearest_first = self.by_folders.iter().rev().map(|(_, patterns)| patterns);
        let by_files = nearest_first.chain(&self.by_parents);
        for patterns in std::iter::once(&self.by_run).chain(by_files) {
            match patterns.matched(entry.path, entry.is_folder) {
                Match::Ignore(_) => return Some(Why::Pattern),
                Match::Whitelist(_) => return None,
                Match::None => {}
            }
        }
        let named = match entry.is_folder {
            true => system_folder(name),
            false => None,
        };
        if let Some(system) = named.or_else(|| self.leads_into(entry)) {
            return Some(Why::System(system));
        }
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        is_hidden.then_some(Why::Hidden)
    }

    /// The system's folder to which a link leads. A folder that is indexed within one has no such links.
    fn leads_into(&self, entry: &Entry<'_>) -> Option<&'static str> {
        let within = |path: &Path| path.iter().find_map(system_folder);
        if !entry.is_link || within(&self.root).is_some() {
            return None;
        }
        let real = fs::canonicalize(entry.path).ok()?;
        match entry.is_folder {
            true => within(&real),
            false => within(real.parent()?),
        }
    }
}

fn system_folder(name: &OsStr) -> Option<&'static str> {
    let mut all = SYSTEM_FOLDERS.into_iter();
    all.find(|system| name.eq_ignore_ascii_case(system))
}

/// The patterns of a folder's own file. One that cannot be read, and a line that cannot, are told and passed over.
fn patterns_of(folder: &Path) -> Option<Gitignore> {
    let path = folder.join(IGNORE_FILE);
    let metadata = fs::metadata(&path).ok()?;
    let told = |what: &dyn std::fmt::Display| {
        tracing::warn!("{} is not applied: {what}", path.display());
    };
    if !metadata.is_file() || metadata.len() > LONGEST {
        told(&"it is no file of at most 1 MiB");
        return None;
    }
    let text = fs::read(&path).map_err(|error| told(&error)).ok()?;
    let text = String::from_utf8_lossy(&text);
    let mut builder = GitignoreBuilder::new(folder);
    for line in text.trim_start_matches('\u{feff}').lines() {
        if let Err(error) = builder.add_line(None, line) {
            told(&format_args!("the line {line:?}: {error}"));
        }
    }
    builder.build().map_err(|error| told(&error)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the rules say of paths below a folder, each with whether it is a folder.
    fn check(exclude: &[&str], include: &[&str], cases: &[(&str, bool, Option<Why>)]) {
        let owned = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
        let patterns = Patterns::new(owned(exclude), owned(include)).unwrap();
        let root = Path::new("/lib");
        let mut rules = Exclusions::new(root, Path::new("/named"), &patterns, None).unwrap();
        for (name, is_folder, expected) in cases {
            let path = root.join(name);
            let entry = Entry {
                depth: path.iter().count() - 2,
                path: &path,
                is_folder: *is_folder,
                is_link: false,
            };
            assert_eq!(rules.why(&entry), *expected, "{name}");
        }
    }

    #[test]
    fn folders_of_systems_are_left_out_and_files_of_their_names_are_not() {
        use Why::{Hidden, System};
        check(
            &[],
            &[],
            &[
                ("@eaDir", true, Some(System("@eaDir"))),
                ("a/b/@EADIR", true, Some(System("@eaDir"))),
                ("#recycle", true, Some(System("#recycle"))),
                ("$Recycle.Bin", true, Some(System("$RECYCLE.BIN"))),
                ("__macosx", true, Some(System("__MACOSX"))),
                ("lost+found", true, Some(System("lost+found"))),
                (".Trash-1000", true, Some(Hidden)),
                (".a.jpg", false, Some(Hidden)),
                ("@eaDir", false, None),
                ("lost+found", false, None),
                ("#recycle.jpg", false, None),
                ("@eaDir 2", true, None),
                ("my lost+found", true, None),
            ],
        );
    }

    #[test]
    fn patterns_leave_out_and_take_in_as_those_of_git_do() {
        use Why::{Hidden, Pattern, System};
        check(
            &[
                "raw/",
                "*.tif",
                "/top.jpg",
                "/lib/a/b.jpg",
                "./c/d",
                "#x",
                "/named/e/",
            ],
            &["keep.tif", "@eaDir/", ".private"],
            &[
                ("raw", true, Some(Pattern)),
                ("x/raw", true, Some(Pattern)),
                ("x/raw", false, None),
                ("a.tif", false, Some(Pattern)),
                ("x/keep.tif", false, None),
                ("top.jpg", false, Some(Pattern)),
                ("x/top.jpg", false, None),
                ("a/b.jpg", false, Some(Pattern)),
                ("x/a/b.jpg", false, None),
                ("c/d", true, Some(Pattern)),
                ("#x", true, Some(Pattern)),
                ("e", true, Some(Pattern)),
                ("x/e", true, None),
                ("x/@eaDir", true, None),
                ("#recycle", true, Some(System("#recycle"))),
                (".private", true, None),
                (".other", true, Some(Hidden)),
            ],
        );
    }

    #[test]
    fn patterns_that_cannot_be_read_are_refused() {
        for pattern in ["", "  ", "a{", "!a"] {
            let bad = Patterns::new(vec![pattern.to_owned()], Vec::new()).unwrap_err();
            assert_eq!(bad.pattern, pattern);
            assert!(Patterns::new(Vec::new(), vec![pattern.to_owned()]).is_err());
        }
    }
}
