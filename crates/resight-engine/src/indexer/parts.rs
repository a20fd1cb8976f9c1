//! The parts of a folder that a run is limited to.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::path::{Path, PathBuf};

/// Paths below the folder; each stands for all that is below it.
pub(super) struct Parts(BTreeSet<PathBuf>);

impl Parts {
    /// Those of `paths` that lie below `root`; `None` where the folder itself is among them.
    pub(super) fn below(root: &Path, paths: &[PathBuf]) -> Option<Self> {
        let below = paths.iter().filter(|path| path.starts_with(root));
        let parts: BTreeSet<PathBuf> = below.cloned().collect();
        (!parts.contains(root)).then_some(Self(parts))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &PathBuf> {
        self.0.iter()
    }

    /// Whether the path is a part or below one.
    pub(super) fn has(&self, path: &Path) -> bool {
        path.ancestors().any(|above| self.0.contains(above))
    }

    /// Whether the path is a part, below one or above one.
    pub(super) fn meets(&self, path: &Path) -> bool {
        // What is below a path follows it at once in their order.
        let from = (Bound::Included(path), Bound::Unbounded);
        let next = self.0.range::<Path, _>(from).next();
        next.is_some_and(|part| part.starts_with(path)) || self.has(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(paths: &[&str]) -> Option<Parts> {
        let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
        Parts::below(Path::new("/r"), &paths)
    }

    #[test]
    fn a_part_has_what_is_below_it_and_is_met_from_above() {
        let parts = parts(&["/r/a/b", "/r/c.png", "/elsewhere"]).unwrap();
        // (path, whether it is in a part, whether a walk has to go there)
        for (path, has, meets) in [
            ("/r", false, true),
            ("/r/a", false, true),
            ("/r/a/b", true, true),
            ("/r/a/b/c/d.png", true, true),
            ("/r/a/bc", false, false),
            ("/r/a/a", false, false),
            ("/r/c.png", true, true),
            ("/r/c.png2", false, false),
            ("/elsewhere", false, false),
        ] {
            let path = Path::new(path);
            assert_eq!(
                (parts.has(path), parts.meets(path)),
                (has, meets),
                "{path:?}"
            );
        }
        assert_eq!(parts.iter().count(), 2);
    }

    #[test]
    fn the_folder_itself_is_no_part() {
        assert!(parts(&["/r/a", "/r"]).is_none());
        assert!(parts(&[]).unwrap().iter().next().is_none());
    }
}
