//! Manifests changed at random: each is read, or refused with a code and a next step.

use std::path::Path;

use resight_models::Manifest;
use resight_test_support::fuzz;
use resight_test_support::onnx::colour_manifest;

#[test]
fn a_changed_manifest_is_read_or_refused() {
    let corpus =
        ["name = \"vector\"", ""].map(|output| colour_manifest("colours", output).into_bytes());
    let (mut read, mut refused) = (0, 0);
    fuzz("manifest", 5000, &corpus, |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        match Manifest::parse(text, Path::new("model.toml")) {
            Ok(_) => read += 1,
            Err(error) => {
                refused += 1;
                assert!(!error.code().is_empty() && !error.next_step().is_empty());
            }
        }
    });
    assert!(read > 50 && refused > 50, "{read} {refused}");
}
