//! Reads a file that may be a device, a pipe or longer than memory.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use crate::refused::{Refused, RefusedCode};

/// The bytes of a regular file of at most `limit` bytes.
///
/// # Errors
/// [`RefusedCode::Unreadable`] when the file cannot be read or is not a regular file (reading a pipe
/// or a device may never return), [`RefusedCode::TooManyBytes`] when it is longer than `limit`.
pub fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, Refused> {
    let (file, length) = open_bounded(path, limit)?;
    let mut bytes = Vec::with_capacity(length as usize);
    // The file may grow meanwhile: one byte more than the limit reveals it.
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(too_long(limit));
    }
    Ok(bytes)
}

/// A regular file of at most `limit` bytes, and its length.
///
/// # Errors
/// As [`read_bounded`].
pub fn open_bounded(path: &Path, limit: u64) -> Result<(File, u64), Refused> {
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Refused {
            code: RefusedCode::Unreadable,
            detail: "it is not a regular file".to_owned(),
        });
    }
    if metadata.len() > limit {
        return Err(too_long(limit));
    }
    Ok((File::open(path).map_err(unreadable)?, metadata.len()))
}

fn unreadable(error: std::io::Error) -> Refused {
    Refused {
        code: RefusedCode::Unreadable,
        detail: format!("the file cannot be read: {error}"),
    }
}

fn too_long(limit: u64) -> Refused {
    Refused {
        code: RefusedCode::TooManyBytes,
        detail: format!("the file is longer than the limit of {limit} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_within_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, b"12345").unwrap();
        assert_eq!(read_bounded(&path, 5).unwrap(), b"12345");
        let code = |path: &Path, limit| read_bounded(path, limit).unwrap_err().code;
        assert_eq!(code(&path, 4), RefusedCode::TooManyBytes);
        assert_eq!(code(dir.path(), 9), RefusedCode::Unreadable);
        assert_eq!(code(&dir.path().join("none"), 9), RefusedCode::Unreadable);
        assert_eq!(code(Path::new("/dev/zero"), 9), RefusedCode::Unreadable);
    }
}
