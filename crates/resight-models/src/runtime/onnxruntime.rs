//! ONNX Runtime, through a library that is opened at run time.

use std::path::PathBuf;
use std::sync::Arc;

use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::{DynValue, Tensor as Array, TensorElementType};
use parking_lot::Mutex;

use super::library::{FoundLibrary, LibraryPlace};
use super::network::{
    Batch, LoadRequest, MISMATCH, Network, Tensor, Values, catch_panic, input_position,
    output_positions,
};
use super::slots::Slots;
use crate::error::ModelError;
use crate::numerics::ONNX_RUNTIME;

/// The loaded library.
#[derive(Debug)]
pub struct OnnxRuntime {
    environment: Environment,
    library: PathBuf,
    place: LibraryPlace,
}

/// A process loads one library and never unloads it.
static LOADED: Mutex<Option<Arc<OnnxRuntime>>> = Mutex::new(None);

impl OnnxRuntime {
    pub(super) fn load(found: &FoundLibrary) -> Result<Arc<Self>, String> {
        let mut loaded = LOADED.lock();
        if let Some(present) = &*loaded {
            if present.library == found.library {
                return Ok(present.clone());
            }
            return Err(format!(
                "{} is in use already in this process, and {} cannot be loaded beside it",
                present.library.display(),
                found.library.display()
            ));
        }
        let builder = ort::init_from(&found.library).map_err(|error| error.to_string())?;
        let environment = builder
            .with_name("resight")
            .with_telemetry(false)
            .with_logger(Arc::new(|level, category, _, _, message| match level {
                LogLevel::Fatal | LogLevel::Error => tracing::info!(category, "{message}"),
                _ => tracing::debug!(category, "{message}"),
            }))
            .build()
            .map_err(|error| error.to_string())?;
        environment.set_log_level(LogLevel::Error);
        let runtime = Arc::new(Self {
            environment,
            library: found.library.clone(),
            place: found.place.clone(),
        });
        *loaded = Some(runtime.clone());
        Ok(runtime)
    }

    /// The library's file.
    pub fn library(&self) -> &std::path::Path {
        &self.library
    }

    /// Where it was found.
    pub fn place(&self) -> &LibraryPlace {
        &self.place
    }

    /// The library's own description of its build.
    pub fn build(&self) -> &'static str {
        ort::info()
    }

    pub(super) fn network(
        self: &Arc<Self>,
        request: LoadRequest<'_>,
    ) -> Result<Arc<dyn Network>, ModelError> {
        let failed = |detail: String, next_step: &str| ModelError::Load {
            model: request.model.to_owned(),
            runtime: ONNX_RUNTIME,
            detail,
            next_step: next_step.to_owned(),
        };
        let first = catch_panic(|| self.session(&request.bytes))
            .map_err(|detail| failed(detail.clone(), advice(&detail)))?;
        let inputs: Vec<String> = first.inputs().iter().map(|i| i.name().to_owned()).collect();
        let outputs: Vec<String> = first
            .outputs()
            .iter()
            .map(|o| o.name().to_owned())
            .collect();
        let mismatch = |detail| failed(detail, MISMATCH);
        let at = input_position(request.input, &inputs).map_err(mismatch)?;
        let positions = output_positions(request.outputs, &outputs).map_err(mismatch)?;
        Ok(Arc::new(OrtNetwork {
            runtime: self.clone(),
            input: inputs[at].clone(),
            outputs: positions.iter().map(|i| outputs[*i].clone()).collect(),
            sessions: Slots::new(first, request.at_once),
            bytes: request.bytes,
        }))
    }

    /// A session that runs on the caller's thread and never spins.
    fn session(&self, bytes: &[u8]) -> Result<Session, String> {
        let builder = Session::builder(&self.environment).map_err(|e| e.to_string())?;
        let with = |builder: Result<_, ort::Error<_>>| builder.map_err(|e| e.message().to_owned());
        let builder = with(builder.with_intra_threads(1))?;
        let builder = with(builder.with_inter_threads(1))?;
        let builder = with(builder.with_intra_op_spinning(false))?;
        let builder = with(builder.with_inter_op_spinning(false))?;
        let mut builder = with(builder.with_optimization_level(GraphOptimizationLevel::All))?;
        builder
            .commit_from_memory(bytes)
            .map_err(|error| error.message().trim().replace('\n', " "))
    }
}

fn advice(detail: &str) -> &'static str {
    let operator = [
        "not a registered function",
        "No Op registered",
        "implementation",
        "opset",
        "IR version",
        "ir_version",
    ];
    if operator.iter().any(|words| detail.contains(words)) {
        "Install a newer ONNX Runtime (`python3 -m pip install --upgrade onnxruntime`), or export the model again without what this names, for example with a lower opset."
    } else {
        "Check that it is a complete ONNX file; --onnxruntime none uses the built-in runtime."
    }
}

struct OrtNetwork {
    runtime: Arc<OnnxRuntime>,
    input: String,
    outputs: Vec<String>,
    sessions: Slots<Session>,
    /// For further sessions.
    bytes: Vec<u8>,
}

impl Network for OrtNetwork {
    fn run(&self, input: Batch) -> Result<Vec<Tensor>, String> {
        let run = || {
            self.sessions.with(
                || self.runtime.session(&self.bytes),
                |session| {
                    let value: DynValue = match input.values {
                        Values::Bytes(v) => {
                            Array::from_array((input.shape, v)).map(|v| v.into_dyn())
                        }
                        Values::Floats(v) => {
                            Array::from_array((input.shape, v)).map(|v| v.into_dyn())
                        }
                    }
                    .map_err(|error| error.to_string())?;
                    let given = session
                        .run(vec![(self.input.as_str(), value)])
                        .map_err(|error| error.to_string())?;
                    let one = |name: &String| {
                        let value = given.get(name);
                        tensor(value.ok_or_else(|| format!("output {name} did not come"))?)
                    };
                    self.outputs.iter().map(one).collect()
                },
            )
        };
        catch_panic(run)
    }
}

fn tensor(value: &DynValue) -> Result<Tensor, String> {
    let wrong = |error: ort::Error| error.to_string();
    macro_rules! floats {
        ($element:ty, $float:expr) => {{
            let (shape, values) = value.try_extract_tensor::<$element>().map_err(wrong)?;
            let shape = shape.iter().map(|side| *side as usize).collect();
            let values = values.iter().map($float).collect();
            Ok(Tensor { shape, values })
        }};
    }
    match value.dtype().tensor_type() {
        Some(TensorElementType::Float32) => floats!(f32, |v| *v),
        Some(TensorElementType::Float64) => floats!(f64, |v| *v as f32),
        Some(TensorElementType::Int64) => floats!(i64, |v| *v as f32),
        Some(TensorElementType::Int32) => floats!(i32, |v| *v as f32),
        Some(TensorElementType::Int8) => floats!(i8, |v| f32::from(*v)),
        Some(TensorElementType::Uint8) => floats!(u8, |v| f32::from(*v)),
        other => Err(format!(
            "one of its outputs is {}; expected float32",
            other.map_or_else(|| "no tensor".into(), |kind| kind.to_string())
        )),
    }
}
