//! ONNX models behind the extractor traits of `resight-vision`.
//!
//! Useful for: any image-embedding or keypoint network that a user has as one ONNX file. A
//! [`Manifest`] (`model.toml`) describes its input and output, a [`ModelFolder`] stores models, and
//! [`GlobalModel`] and [`LocalModel`] run them.
//!
//! Not useful for: deciding what vectors and features are used for, and for networks that need more
//! than one picture.
//!
//! Invariant: this crate contains no weights and fetches none unless the user asks for it.
//! Invariant: a model's file is hashed before a runtime reads it, and those same bytes are run.
//! Invariant: a picture's vector or features do not depend on the other pictures, nor on the number
//! of concurrent runs.

mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod global;
mod hash;
mod identity;
mod known;
mod loaded;
mod local;
mod manifest;
mod numerics;
mod onnx_file;
mod pixels;
mod pull;
mod runtime;
mod store;
mod xfeat;

pub use error::ModelError;
pub use global::GlobalModel;
pub use hash::FileHash;
pub use identity::{MODEL_PREFIX, model_name, numerics, same_model};
pub use known::{KNOWN, Known, Origin, WheelFile, known};
pub use local::LocalModel;
pub use manifest::{
    Colour, Coordinates, Element, FILE_NAME, Filter, Fit, GlobalOutput, Input, Layout, LocalOutput,
    Manifest, MapOutput, Output, Pooling,
};
pub use pull::pull;
pub use runtime::{Choice, LibraryPlace, OnnxRuntime, Runtime};
pub use store::{Installed, ModelFolder};
