//! The id of a model's output.

use resight_vision::ModelId;

use crate::manifest::Manifest;

/// Prefix of the ids of ONNX models; the model's name follows.
pub const MODEL_PREFIX: &str = "onnx:";
/// Precedes the name of the runtime, at the end of an id.
const NUMERICS: &str = ";run=";
/// Bytes of a hash in an id.
const SHOWN: usize = 6;

/// `onnx:NAME/VERSION;file=HASH;set=HASH;run=RUNTIME`: the hash of the file's bytes, the hash of the
/// settings that change the output, and the runtime.
pub(crate) fn identity(manifest: &Manifest, bytes: &[u8], numerics: &str) -> ModelId {
    let file = blake3::hash(bytes);
    let settings = blake3::hash(manifest.settings().as_bytes());
    let short = |hash: &blake3::Hash| hex::encode(&hash.as_bytes()[..SHOWN]);
    ModelId::new(format!(
        "{MODEL_PREFIX}{}/{};file={};set={}{NUMERICS}{numerics}",
        manifest.name,
        manifest.version,
        short(&file),
        short(&settings)
    ))
}

/// The name of the model in an id; `None` for ids without [`MODEL_PREFIX`].
pub fn model_name(id: &str) -> Option<&str> {
    id.strip_prefix(MODEL_PREFIX)?.split('/').next()
}

/// The runtime in an id; `None` for ids without [`MODEL_PREFIX`].
pub fn numerics(id: &str) -> Option<&str> {
    let (_, runtime) = id.rsplit_once(NUMERICS)?;
    id.starts_with(MODEL_PREFIX).then_some(runtime)
}

/// Whether two ids have the same file and settings, whatever the runtime. Their outputs can be
/// compared, but not to the last digit (int8 SSCD: cosine at least 0.9986 on 16 photographs).
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
    fn ids_contain_name_and_runtime() {
        let id = "onnx:sscd/1;file=aa;set=bb;run=rten";
        assert_eq!(model_name(id), Some("sscd"));
        assert_eq!(numerics(id), Some("rten"));
        assert_eq!((model_name("sift/1"), numerics("x;run=rten")), (None, None));
        assert!(same_model(id, "onnx:sscd/1;file=aa;set=bb;run=onnxruntime"));
        assert!(!same_model(id, "onnx:sscd/1;file=aa;set=cc;run=rten"));
    }
}
