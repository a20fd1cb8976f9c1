//! The runtimes that the tests run on.

use resight_models::{Choice, Runtime};

/// The built-in runtime.
pub(crate) fn built_in() -> Runtime {
    Runtime::choose(&Choice::BuiltIn).unwrap()
}

/// ONNX Runtime if it is found; otherwise prints that tests are skipped.
pub(crate) fn onnx_runtime() -> Option<Runtime> {
    match Runtime::choose(&Choice::Auto).unwrap() {
        runtime @ Runtime::OnnxRuntime(_) => Some(runtime),
        Runtime::BuiltIn { instead } => {
            eprintln!("SKIPPED: {instead} (python3 -m pip install onnxruntime, or ORT_DYLIB_PATH)");
            None
        }
    }
}

/// The runtimes of this machine.
pub(crate) fn runtimes() -> Vec<Runtime> {
    std::iter::once(built_in()).chain(onnx_runtime()).collect()
}
