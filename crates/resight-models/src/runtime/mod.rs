//! The runtimes: ONNX Runtime where its library is found, otherwise `rten`, which is built in.

mod built_in;
mod library;
pub(crate) mod network;
mod onnxruntime;
mod slots;

use std::sync::Arc;

use crate::error::ModelError;
use crate::numerics::{BUILT_IN, ONNX_RUNTIME};
use crate::onnx_file;

pub use library::{Choice, LibraryPlace};
pub use onnxruntime::OnnxRuntime;

use network::{LoadRequest, Network};

/// A runtime that loads models.
#[derive(Clone, Debug)]
pub enum Runtime {
    /// The dynamically loaded library.
    OnnxRuntime(Arc<OnnxRuntime>),
    /// The built-in runtime.
    BuiltIn {
        /// Why it is not ONNX Runtime, for people.
        instead: String,
    },
}

impl Runtime {
    /// Finds the runtime. A process loads one library of ONNX Runtime; a request for another one
    /// later is refused.
    ///
    /// # Errors
    /// [`ModelError::Runtime`] where `choice` or `ORT_DYLIB_PATH` names a library that cannot be
    /// used. Where a library that was found cannot be used, the built-in runtime is returned.
    pub fn choose(choice: &Choice) -> Result<Self, ModelError> {
        if *choice == Choice::BuiltIn {
            return Ok(Self::BuiltIn {
                instead: "the built-in runtime was requested".into(),
            });
        }
        let (named, detail) = match library::find(choice) {
            Ok(found) => match OnnxRuntime::load(&found) {
                Ok(runtime) => return Ok(Self::OnnxRuntime(runtime)),
                Err(detail) => (found.place.is_named(), detail),
            },
            Err(missing) => (missing.named, missing.detail),
        };
        if named {
            Err(ModelError::Runtime { detail })
        } else {
            Ok(Self::BuiltIn { instead: detail })
        }
    }

    /// `onnxruntime` or `rten`: the part of a model's id that names the arithmetic. The two give
    /// different vectors for int8 models; for f32 models they agree to about 3e-5.
    pub fn numerics(&self) -> &'static str {
        match self {
            Self::OnnxRuntime(_) => ONNX_RUNTIME,
            Self::BuiltIn { .. } => BUILT_IN,
        }
    }

    pub(crate) fn load(&self, request: LoadRequest<'_>) -> Result<Arc<dyn Network>, ModelError> {
        onnx_file::check(&request.bytes).map_err(|invalid| ModelError::Load {
            model: request.model.to_owned(),
            runtime: self.numerics(),
            detail: invalid.detail,
            next_step: invalid.next_step.to_owned(),
        })?;
        match self {
            Self::OnnxRuntime(runtime) => runtime.network(request),
            Self::BuiltIn { .. } => built_in::network(request),
        }
    }
}
