//! What is fed to the readers of models by the tests and by the fuzzers of `fuzz`. Each function returns whether something
//! was read, and panics where a reader is wrong.

use std::path::Path;

use crate::manifest::Manifest;
use crate::onnx_file;

/// The text of a `model.toml`.
pub fn manifest(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    match Manifest::parse(text, Path::new("model.toml")) {
        Ok(_) => true,
        Err(error) => {
            assert!(!error.code().is_empty() && !error.next_step().is_empty());
            false
        }
    }
}

/// The form of an ONNX file, before a runtime parses it.
pub fn onnx(bytes: &[u8]) -> bool {
    match onnx_file::check(bytes) {
        Ok(()) => true,
        Err(invalid) => {
            assert!(!invalid.detail.is_empty() && !invalid.next_step.is_empty());
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use resight_test_support::fuzz_reader;
    use resight_test_support::onnx::{colour_manifest, colour_net, corner_manifest, corner_net};

    use super::*;

    fn tried(name: &str, count: u64, made: Vec<Vec<u8>>, reader: fn(&[u8]) -> bool) {
        let (read, refused) = fuzz_reader(name, count, made, reader);
        assert!(read > 50 && refused > 50, "{name}: {read} {refused}");
    }

    #[test]
    fn a_changed_manifest_is_read_or_refused() {
        let made = [
            colour_manifest("colours", "name = \"vector\""),
            colour_manifest("colours", ""),
            corner_manifest("corners"),
        ];
        let made = made.map(String::into_bytes).to_vec();
        tried("model_manifest", 5000, made, manifest);
    }

    #[test]
    fn a_changed_onnx_file_has_its_form_or_is_refused() {
        tried("onnx", 20_000, vec![colour_net(), corner_net()], onnx);
    }
}
