//! The tensors of a PyTorch checkpoint.
//!
//! Such a file is a zip archive whose entries are stored uncompressed: `NAME/data.pkl`, a pickle that
//! says which tensor is where, and `NAME/data/0`, `NAME/data/1` and so on with the tensors' values.
//! To read a pickle is to run it, so it is not read: tensors are known by their numbers.
//!
//! Zip's records: APPNOTE 6.3.10, §4.3.

use std::collections::HashMap;

/// The record at the end of a zip archive, without its comment.
const END: usize = 22;
/// Longest comment of an archive.
const COMMENT: usize = 0xffff;
/// A record of the directory, and one before an entry, without names and further fields.
const DIRECTORY: usize = 46;
const LOCAL: usize = 30;
/// Most entries of a checkpoint.
const ENTRIES: usize = 10_000;

/// A checkpoint's tensors, as bytes.
pub(super) struct Checkpoint<'a> {
    tensors: HashMap<usize, &'a [u8]>,
}

impl<'a> Checkpoint<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let cut = || "the checkpoint was cut off or changed".to_owned();
        let end = end_record(bytes).ok_or("it is no PyTorch checkpoint (a zip archive)")?;
        let count = usize::from(short(end, 10).ok_or_else(cut)?);
        let mut at = long(end, 16).ok_or_else(cut)?;
        if count > ENTRIES {
            return Err(format!("the checkpoint has {count} entries"));
        }
        let mut tensors = HashMap::new();
        for _ in 0..count {
            let record = bytes.get(at..).ok_or_else(cut)?;
            if !record.starts_with(b"PK\x01\x02") {
                return Err(cut());
            }
            let field = |offset| short(record, offset).map(usize::from).ok_or_else(cut);
            let (name, extra, comment) = (field(28)?, field(30)?, field(32)?);
            let path = record.get(DIRECTORY..DIRECTORY + name).ok_or_else(cut)?;
            at += DIRECTORY + name + extra + comment;
            let Some(number) = tensor_number(path) else {
                continue;
            };
            if field(10)? != 0 {
                return Err(format!("tensor {number} is compressed"));
            }
            let length = long(record, 24).ok_or_else(cut)?;
            let local = bytes.get(long(record, 42).ok_or_else(cut)?..);
            let local = local.ok_or_else(cut)?;
            if !local.starts_with(b"PK\x03\x04") {
                return Err(cut());
            }
            let skip = |offset| short(local, offset).map(usize::from).ok_or_else(cut);
            let start = LOCAL + skip(26)? + skip(28)?;
            let values = local.get(start..start + length).ok_or_else(cut)?;
            tensors.insert(number, values);
        }
        Ok(Self { tensors })
    }

    /// Tensor `number`, which has `count` floats.
    pub(super) fn floats(&self, number: usize, count: usize) -> Result<Vec<f32>, String> {
        let bytes = self.tensors.get(&number);
        let bytes = bytes.ok_or_else(|| format!("the checkpoint has no tensor {number}"))?;
        if bytes.len() != 4 * count {
            return Err(format!(
                "tensor {number} has {} bytes; expected {}",
                bytes.len(),
                4 * count
            ));
        }
        let (values, _) = bytes.as_chunks();
        Ok(values.iter().map(|v| f32::from_le_bytes(*v)).collect())
    }
}

/// The record at the end: the last one in the bytes that may contain it.
fn end_record(bytes: &[u8]) -> Option<&[u8]> {
    let last = bytes.len().checked_sub(END)?;
    let first = last.saturating_sub(COMMENT);
    let at = (first..=last).rev();
    let mut records = at.map(|at| &bytes[at..]);
    records.find(|record| record.starts_with(b"PK\x05\x06"))
}

/// The number of a tensor from its path, `NAME/data/NUMBER`.
fn tensor_number(path: &[u8]) -> Option<usize> {
    let path = std::str::from_utf8(path).ok()?;
    let (folder, number) = path.rsplit_once('/')?;
    folder.ends_with("/data").then(|| number.parse().ok())?
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let (value, _) = bytes.get(at..)?.split_first_chunk()?;
    Some(u16::from_le_bytes(*value))
}

fn long(bytes: &[u8], at: usize) -> Option<usize> {
    let (value, _) = bytes.get(at..)?.split_first_chunk()?;
    usize::try_from(u32::from_le_bytes(*value)).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A checkpoint with these tensors.
    pub(in super::super) fn archive(tensors: &[Vec<f32>]) -> Vec<u8> {
        let mut entries = vec![("archive/data.pkl".to_owned(), b"\x80\x02.".to_vec())];
        entries.extend(tensors.iter().enumerate().map(|(i, values)| {
            let bytes = values.iter().flat_map(|v| v.to_le_bytes());
            (format!("archive/data/{i}"), bytes.collect())
        }));
        let (mut out, mut directory) = (Vec::new(), Vec::new());
        for (path, content) in &entries {
            let at = out.len() as u32;
            let (length, name) = (content.len() as u32, path.len() as u16);
            let mut common = vec![0; 12];
            common.extend([0; 4]);
            common.extend(length.to_le_bytes());
            common.extend(length.to_le_bytes());
            common.extend(name.to_le_bytes());
            // PyTorch aligns the values by a further field.
            let further = |n: u16| n.to_le_bytes();
            out.extend(b"PK\x03\x04");
            out.extend(&common[2..]);
            out.extend(further(7));
            out.extend(path.as_bytes());
            out.extend([0xfb; 7]);
            out.extend(content);
            directory.extend(b"PK\x01\x02");
            directory.extend(&common);
            directory.extend(further(0));
            directory.extend([0; 10]);
            directory.extend(at.to_le_bytes());
            directory.extend(path.as_bytes());
        }
        let start = out.len() as u32;
        let (size, count) = (directory.len() as u32, entries.len() as u16);
        out.extend(&directory);
        out.extend(b"PK\x05\x06\0\0\0\0");
        out.extend(count.to_le_bytes());
        out.extend(count.to_le_bytes());
        out.extend(size.to_le_bytes());
        out.extend(start.to_le_bytes());
        out.extend([0, 0]);
        out
    }

    #[test]
    fn tensors_are_found_by_their_numbers() {
        let bytes = archive(&[vec![1.0, 2.0], vec![-3.5]]);
        let checkpoint = Checkpoint::read(&bytes).unwrap();
        assert_eq!(checkpoint.floats(0, 2), Ok(vec![1.0, 2.0]));
        assert_eq!(checkpoint.floats(1, 1), Ok(vec![-3.5]));
        assert!(
            checkpoint
                .floats(1, 2)
                .unwrap_err()
                .contains("4 bytes; expected 8")
        );
        assert!(checkpoint.floats(2, 1).unwrap_err().contains("no tensor 2"));
    }

    #[test]
    fn damaged_files_are_refused() {
        let bytes = archive(&[vec![1.0; 64], vec![2.0; 64]]);
        assert!(Checkpoint::read(b"no archive").is_err());
        for end in 0..bytes.len() {
            assert!(Checkpoint::read(&bytes[..end]).is_err(), "{end}");
        }
        // No single wrong byte may cause a panic.
        for at in 0..bytes.len() {
            for wrong in [0x00, 0x7f, 0xff] {
                let mut changed = bytes.clone();
                changed[at] = wrong;
                if let Ok(checkpoint) = Checkpoint::read(&changed) {
                    let _ = checkpoint.floats(0, 64);
                }
            }
        }
        let mut compressed = bytes.clone();
        let directory = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
        let second = directory + DIRECTORY + "archive/data.pkl".len();
        compressed[second + 10] = 8;
        let error = Checkpoint::read(&compressed).err().unwrap();
        assert!(error.contains("compressed"), "{error}");
    }
}
