//! The id of what a model makes.

use resight_vision::ModelId;

use crate::hash::hexadecimal;
use crate::manifest::Manifest;

/// How the ids of these models begin; the model's name follows.
pub const MODEL_PREFIX: &str = "onnx:";
/// What stands before the name of the runtime, at the end of an id.
const NUMERICS: &str = ";run=";
/// Bytes of a hash that an id shows.
const SHOWN: usize = 6;

/// `onnx:NAME/VERSION;file=HASH;set=HASH;run=RUNTIME`: the file's bytes, the settings of the manifest
/// that change what comes out, and whose arithmetic it was.
pub(crate) fn identity(manifest: &Manifest, bytes: &[u8], numerics: &str) -> ModelId {
    let file = blake3::hash(bytes);
    let settings = blake3::hash(manifest.settings().as_bytes());
    let short = |hash: &blake3::Hash| hexadecimal(&hash.as_bytes()[..SHOWN]);
    ModelId::new(format!(
        "{MODEL_PREFIX}{}/{};file={};set={}{NUMERICS}{numerics}",
        manifest.name,
        manifest.version,
        short(&file),
        short(&settings)
    ))
}

/// The name of the model that an id is of; `None` for what no model of ours made.
pub fn model_name(id: &str) -> Option<&str> {
    id.strip_prefix(MODEL_PREFIX)?.split('/').next()
}

/// The runtime whose arithmetic an id tells of.
pub fn numerics(id: &str) -> Option<&str> {
    let (_, runtime) = id.rsplit_once(NUMERICS)?;
    id.starts_with(MODEL_PREFIX).then_some(runtime)
}

/// Whether two ids are of one file with one set of settings, run by whichever runtime: what they made
/// can be compared, though not to the last digit (int8 SSCD: cosine at least 0.9986 on 16 photographs).
pub fn same_model(a: &str, b: &str) -> bool {
    let without = |id: &str| match numerics(id) {
        Some(runtime) => id[..id.len() - NUMERICS.len() - runtime.len()].to_owned(),
        None => id.to_owned(),
    };
    without(a) == without(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_tell_name_and_runtime() {
        let id = "onnx:sscd/1;file=aa;set=bb;run=rten";
        assert_eq!(model_name(id), Some("sscd"));
        assert_eq!(numerics(id), Some("rten"));
        assert_eq!((model_name("sift/1"), numerics("x;run=rten")), (None, None));
        assert!(same_model(id, "onnx:sscd/1;file=aa;set=bb;run=onnxruntime"));
        assert!(!same_model(id, "onnx:sscd/1;file=aa;set=cc;run=rten"));
    }
}
