//! What a power cut leaves: of each file what was synchronised, and of what was written since, any part.
//!
//! Rules, as far as POSIX promises something: `fsync` and `fdatasync` make a file's bytes durable, `fsync` of a
//! folder its entries. Everything else may be lost, kept, or mixed block by block. Entries of one folder are
//! lost or kept together, as journaling file systems do.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use resight_test_support::Random;

/// Bytes that a disk writes as one.
const BLOCK: usize = 4096;
/// The reserve's content means nothing, and it is large.
const WITHOUT_CONTENT: &str = "reserve";

/// Number and time of birth: numbers are used again.
type Inode = (u64, Option<SystemTime>);

fn inode_of(metadata: &fs::Metadata) -> Inode {
    (metadata.ino(), metadata.created().ok())
}

/// What is durable of a folder.
#[derive(Debug)]
pub(crate) struct Disk {
    root: PathBuf,
    /// Synchronised bytes. A file that was never synchronised has none.
    files: HashMap<Inode, Vec<u8>>,
    /// Synchronised entries of each folder.
    folders: HashMap<Inode, BTreeMap<OsString, Inode>>,
    /// Which inodes are folders.
    kinds: HashMap<Inode, bool>,
}

impl Disk {
    /// Everything that is in `root` now is durable. It need not exist.
    pub(crate) fn new(root: &Path) -> io::Result<Self> {
        let mut disk = Self {
            root: root.to_path_buf(),
            files: HashMap::new(),
            folders: HashMap::new(),
            kinds: HashMap::new(),
        };
        if root.exists() {
            disk.all(root)?;
        }
        Ok(disk)
    }

    fn all(&mut self, path: &Path) -> io::Result<()> {
        self.synced(path)?;
        if path.is_dir() {
            for entry in fs::read_dir(path)? {
                self.all(&entry?.path())?;
            }
        }
        Ok(())
    }

    /// The file or folder at this path was synchronised. A path of /proc that leads to it will do.
    pub(crate) fn synced(&mut self, path: &Path) -> io::Result<()> {
        let metadata = fs::metadata(path)?;
        let inode = inode_of(&metadata);
        self.kinds.insert(inode, metadata.is_dir());
        if metadata.is_dir() {
            let entries = self.entries(path)?;
            self.folders.insert(inode, entries);
        } else {
            self.files.insert(inode, bytes_of(path)?);
        }
        Ok(())
    }

    /// The present entries of a folder.
    fn entries(&mut self, path: &Path) -> io::Result<BTreeMap<OsString, Inode>> {
        let mut entries = BTreeMap::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            // One that is being removed.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            self.kinds.insert(inode_of(&metadata), metadata.is_dir());
            entries.insert(entry.file_name(), inode_of(&metadata));
        }
        Ok(entries)
    }

    /// Writes what a power cut may leave to `target`, which must not exist. The process has ended.
    pub(crate) fn cut(&mut self, random: &mut Random, target: &Path) -> io::Result<()> {
        if !self.root.exists() {
            return Ok(());
        }
        let inode = inode_of(&fs::metadata(&self.root)?);
        let all_or_each = random.below(3);
        self.folder(random, all_or_each, inode, Some(&self.root.clone()), target)
    }

    /// `present` is where the folder is now, if it still is.
    fn folder(
        &mut self,
        random: &mut Random,
        all_or_each: usize,
        inode: Inode,
        present: Option<&Path>,
        target: &Path,
    ) -> io::Result<()> {
        fs::create_dir(target)?;
        let durable = self.folders.get(&inode).cloned().unwrap_or_default();
        let current = match present {
            Some(path) => self.entries(path)?,
            None => durable.clone(),
        };
        let keeps_current = match all_or_each {
            0 => false,
            1 => true,
            _ => random.below(2) == 0,
        };
        let entries = if keeps_current { &current } else { &durable };
        for (name, inode) in entries {
            let here = present.map(|path| path.join(name));
            let is_same = current.get(name) == Some(inode);
            let here = here.filter(|_| is_same);
            let target = target.join(name);
            if self.kinds.get(inode) == Some(&true) {
                self.folder(random, all_or_each, *inode, here.as_deref(), &target)?;
            } else {
                let bytes = self.content(random, *inode, name, here.as_deref())?;
                fs::write(&target, bytes)?;
            }
        }
        Ok(())
    }

    fn content(
        &self,
        random: &mut Random,
        inode: Inode,
        name: &OsString,
        present: Option<&Path>,
    ) -> io::Result<Vec<u8>> {
        if name == WITHOUT_CONTENT {
            return Ok(Vec::new());
        }
        let durable = self.files.get(&inode).cloned().unwrap_or_default();
        let current = match present {
            Some(path) => bytes_of(path)?,
            None => durable.clone(),
        };
        if current == durable {
            return Ok(durable);
        }
        Ok(match random.below(3) {
            0 => durable,
            1 => current,
            _ => mixed(random, &durable, &current),
        })
    }
}

/// Each block of one or of the other, and the length of one of both; where the one is too short, zeros.
fn mixed(random: &mut Random, durable: &[u8], current: &[u8]) -> Vec<u8> {
    let length = match random.below(2) {
        0 => durable.len(),
        _ => current.len(),
    };
    let mut bytes = vec![0; length];
    for from in (0..length).step_by(BLOCK) {
        let source = match random.below(2) {
            0 => durable,
            _ => current,
        };
        let to = (from + BLOCK).min(length).min(source.len());
        if from < to {
            bytes[from..to].copy_from_slice(&source[from..to]);
        }
    }
    bytes
}

/// The bytes of a file; a socket has none.
fn bytes_of(path: &Path) -> io::Result<Vec<u8>> {
    match fs::metadata(path)?.is_file() {
        true => fs::read(path),
        false => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every outcome of many cuts.
    fn outcomes(disk: &mut Disk, root: &Path) -> BTreeMap<Vec<(String, Vec<u8>)>, usize> {
        let mut outcomes = BTreeMap::new();
        for seed in 0..60 {
            let target = root.join(format!("cut-{seed}"));
            disk.cut(&mut Random::new(seed), &target).unwrap();
            let mut files = Vec::new();
            for entry in fs::read_dir(&target).unwrap() {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                files.push((name, fs::read(entry.path()).unwrap()));
            }
            files.sort();
            *outcomes.entry(files).or_default() += 1;
        }
        outcomes
    }

    #[test]
    fn what_was_synchronised_stays_and_the_rest_may_go() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        fs::create_dir(&data).unwrap();
        fs::write(data.join("old"), b"old").unwrap();
        let mut disk = Disk::new(&data).unwrap();
        fs::write(data.join("old"), b"changed").unwrap();
        fs::write(data.join("new"), b"new").unwrap();
        let seen = outcomes(&mut disk, root.path());
        let contents: Vec<&Vec<u8>> = seen.keys().map(|files| &files[files.len() - 1].1).collect();
        assert!(
            contents.iter().any(|c| **c == b"old") && contents.iter().any(|c| **c == b"changed")
        );
        assert!(
            seen.keys().any(|files| files.len() == 1),
            "the new file is lost"
        );
        assert!(seen.keys().any(|files| files.len() == 2), "or it is kept");

        let root = tempfile::tempdir().unwrap();
        disk.synced(&data.join("old")).unwrap();
        disk.synced(&data.join("new")).unwrap();
        disk.synced(&data).unwrap();
        let seen = outcomes(&mut disk, root.path());
        let only = [
            ("new".to_owned(), b"new".to_vec()),
            ("old".to_owned(), b"changed".to_vec()),
        ];
        assert_eq!(seen.keys().collect::<Vec<_>>(), [&only.to_vec()]);
    }

    #[test]
    fn a_removal_is_undone_until_its_folder_is_synchronised() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        fs::create_dir(&data).unwrap();
        fs::write(data.join("gone"), b"x").unwrap();
        let mut disk = Disk::new(&data).unwrap();
        fs::remove_file(data.join("gone")).unwrap();
        assert_eq!(outcomes(&mut disk, root.path()).len(), 2);
        disk.synced(&data).unwrap();
        let root = tempfile::tempdir().unwrap();
        assert_eq!(outcomes(&mut disk, root.path()).len(), 1);
    }

    #[test]
    fn blocks_are_mixed() {
        let (old, new) = (vec![1; 3 * BLOCK], vec![2; 4 * BLOCK]);
        let mut kinds = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let mixed = mixed(&mut Random::new(seed), &old, &new);
            kinds.insert(mixed.iter().step_by(BLOCK).copied().collect::<Vec<_>>());
        }
        assert!(kinds.contains(&vec![1, 2, 1]) && kinds.contains(&vec![2, 1, 2, 0]));
    }
}
