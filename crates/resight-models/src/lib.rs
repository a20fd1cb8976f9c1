//! ONNX models behind the extractors' traits of `resight-vision`.
//!
//! Useful for: any image-embedding or keypoint network that a user has as one ONNX file. A small
//! `model.toml` says how pictures go in and what comes out ([`Manifest`]); a folder keeps models
//! ([`ModelFolder`]); [`GlobalModel`] and [`LocalModel`] run them.
//!
//! Not useful for: deciding what is done with vectors and features, and for networks that need more
//! than one picture.
//!
//! Invariant: no model's weights are part of this crate, and none is fetched unless somebody asks.
//! Invariant: a model's file is hashed before a runtime sees it, and those same bytes are run.
//! Invariant: what a model gives for a picture does not depend on the other pictures, nor on how many
//! are described at once.

mod error;
mod global;
mod hash;
mod identity;
mod known;
mod loaded;
mod local;
mod manifest;
mod onnx_file;
mod pixels;
mod pull;
mod runtime;
mod store;

pub use error::ModelError;
pub use global::GlobalModel;
pub use hash::FileHash;
pub use identity::{MODEL_PREFIX, model_name, numerics, same_model};
pub use known::{KNOWN, Known, Origin, known};
pub use local::LocalModel;
pub use manifest::{
    Colour, Coordinates, Element, FILE_NAME, Filter, Fit, GlobalOutput, Input, Layout, LocalOutput,
    Manifest, Output, Pooling,
};
pub use pull::pull;
pub use runtime::{Choice, OnnxRuntime, Place, Runtime};
pub use store::{Installed, ModelFolder};
