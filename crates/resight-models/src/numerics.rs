//! Names of the runtimes, in ids and messages.

/// `rten`, which is built in.
pub(crate) const BUILT_IN: &str = "rten";
/// ONNX Runtime, a library that is loaded when it is found.
pub(crate) const ONNX_RUNTIME: &str = "onnxruntime";
