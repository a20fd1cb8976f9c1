//! Which paths of the server may be named by others than its owner.

use std::path::{Path, PathBuf};

use crate::AppError;
use crate::config::resolved;

/// Folders below which paths may be named over HTTP; by default none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots(Vec<PathBuf>);

impl Roots {
    /// Those below these folders, and the folders themselves. Links are followed once, now.
    pub fn new(folders: &[PathBuf]) -> Self {
        Self(folders.iter().map(|folder| resolved(folder)).collect())
    }

    /// The path with links followed. Fails with `folder_not_allowed` where it lies elsewhere, whether something is
    /// there or not.
    pub fn allow(&self, path: &Path) -> Result<PathBuf, AppError> {
        let real = resolved(path);
        let is_plain = path.is_absolute() && self.0.iter().any(|root| real.starts_with(root));
        match is_plain {
            true => Ok(real),
            false => Err(AppError::FolderNotAllowed {
                path: path.to_owned(),
            }),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn neither_dots_nor_links_lead_out() {
        let world = tempfile::tempdir().unwrap();
        let (root, secret) = (world.path().join("root"), world.path().join("secret"));
        std::fs::create_dir_all(root.join("in")).unwrap();
        std::fs::create_dir(&secret).unwrap();
        std::os::unix::fs::symlink(&secret, root.join("link")).unwrap();
        std::os::unix::fs::symlink(root.join("in"), root.join("own")).unwrap();
        let roots = Roots::new(std::slice::from_ref(&root));
        // (path, whether it is allowed)
        for (path, allowed) in [
            (root.clone(), true),
            (root.join("in"), true),
            (root.join("own"), true),
            (root.join("new"), true),
            (root.join("link"), false),
            (root.join("link/new"), false),
            (root.join("../secret"), false),
            (root.join("in/../../secret"), false),
            (world.path().join("rooted"), false),
            (world.path().to_owned(), false),
            (PathBuf::from("root"), false),
            (PathBuf::from("/"), false),
        ] {
            assert_eq!(roots.allow(&path).is_ok(), allowed, "{path:?}");
            assert!(Roots::default().allow(&path).is_err());
        }
        assert!(roots.allow(&root.join("own")).unwrap().ends_with("root/in"));
    }
}
