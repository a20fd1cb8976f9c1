//! ZIP archives, as which comic books come too.

use std::fs::File;

use flate2::read::DeflateDecoder;
use rawzip::{CompressionMethod, RECOMMENDED_BUFFER_SIZE, ZipArchive};
use resight_app::Code;

use super::limits::{MOST_FILES, too_many_files};
use super::unpacking::{Stopped, Unpacking, broken};
use crate::problem::Problem;

/// Reads all entries of an archive of `length` bytes, in the order of its directory.
pub(super) fn read(file: &File, length: u64, unpacking: &mut Unpacking) -> Result<(), Stopped> {
    let file = file.try_clone().map_err(|error| broken(&error))?;
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    let archive = ZipArchive::from_file(file, &mut buffer).map_err(|error| broken(&error))?;
    if archive.entries_hint() > MOST_FILES as u64 {
        return Err(Stopped::Broken(too_many_files()));
    }
    // Entries that overlap would have more bytes than the archive: each of them is unpacked.
    let mut packed = 0_u64;
    let mut entries = archive.entries(&mut buffer);
    loop {
        let Some(entry) = entries.next_entry().map_err(|error| broken(&error))? else {
            return Ok(());
        };
        unpacking.enter()?;
        packed = packed.saturating_add(entry.compressed_size_hint());
        if packed > length {
            let detail = "The archive's entries overlap.";
            return Err(Stopped::Broken(Problem::new(Code::BadArchive, detail)));
        }
        if entry.is_dir() {
            continue;
        }
        let name = String::from_utf8_lossy(entry.file_path().as_bytes()).into_owned();
        let (flags, method) = (entry.flags(), entry.compression_method());
        if flags.is_encrypted() || flags.has_strong_encryption() || flags.is_masked() {
            let detail = "The entry needs a password.";
            unpacking.refuse(name, Code::EncryptedEntry, detail)?;
            continue;
        }
        if entry.mode().is_symlink() {
            unpacking.skip(name, "a link")?;
            continue;
        }
        if method != CompressionMethod::STORE && method != CompressionMethod::DEFLATE {
            let detail = format!("The entry is compressed by method {}.", method.as_u16());
            unpacking.refuse(name, Code::EntryNotSupported, detail)?;
            continue;
        }
        let unpacked = entry.uncompressed_size_hint();
        let found = match archive.get_entry(entry.wayfinder()) {
            Ok(found) => found,
            Err(error) => {
                let detail = format!("The entry cannot be found: {error}");
                unpacking.refuse(name, Code::BadArchive, detail)?;
                continue;
            }
        };
        if method == CompressionMethod::STORE {
            unpacking.file(name, unpacked, found.verifying_reader(found.reader()))?;
        } else {
            let inflated = DeflateDecoder::new(found.reader());
            unpacking.file(name, unpacked, found.verifying_reader(inflated))?;
        }
    }
}
