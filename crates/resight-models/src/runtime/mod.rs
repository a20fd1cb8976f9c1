//! What runs a network: ONNX Runtime where its library is found, `rten` built in everywhere else.

mod library;
mod onnxruntime;
mod pure;
mod slots;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::ModelError;
use crate::onnx_file;

pub use library::Place;
pub use onnxruntime::OnnxRuntime;
pub(crate) use pure::NAME as BUILT_IN;

/// One picture as a network's input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Batch {
    /// Length of each axis.
    pub(crate) shape: [usize; 4],
    pub(crate) values: Values,
}

/// The input's values, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    Bytes(Vec<u8>),
    Floats(Vec<f32>),
}

/// One of a network's outputs, as floats whatever its type was.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    /// Length of each axis.
    pub(crate) shape: Vec<usize>,
    /// Row-major.
    pub(crate) values: Vec<f32>,
}

/// A loaded network. Calls from several threads run beside each other, each on one thread.
pub(crate) trait Network: Send + Sync {
    /// Runs it on one picture; gives the outputs that it was loaded for, in that order.
    fn run(&self, input: Batch) -> Result<Vec<Tensor>, String>;
}

/// What a network is loaded from, and what of it is wanted.
pub(crate) struct Wanted<'a> {
    /// The model's name, for errors.
    pub(crate) model: &'a str,
    /// The ONNX file.
    pub(crate) bytes: Vec<u8>,
    /// The input's name; `None`: the only one.
    pub(crate) input: Option<&'a str>,
    /// The outputs' names; none: the first.
    pub(crate) outputs: &'a [&'a str],
    /// How many runs there may be at once.
    pub(crate) at_once: usize,
}

/// Which runtime somebody wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// ONNX Runtime where it is found, else the built-in one.
    #[default]
    Auto,
    /// The built-in one.
    BuiltIn,
    /// ONNX Runtime from this library, or from a folder that holds one: a virtual environment, say.
    From(PathBuf),
}

/// A runtime that models are loaded with.
#[derive(Clone, Debug)]
pub enum Runtime {
    /// The dynamically loaded library.
    OnnxRuntime(Arc<OnnxRuntime>),
    /// The built-in one, and why it is not ONNX Runtime.
    BuiltIn {
        /// What was looked for, and what was wrong with it; for people.
        instead: String,
    },
}

impl Runtime {
    /// Finds the runtime. The library of ONNX Runtime is loaded once in a process: another one asked
    /// for later is refused.
    ///
    /// # Errors
    /// [`ModelError::Runtime`] where a library was named, in `choice` or by `ORT_DYLIB_PATH`, and
    /// cannot be used. One that was only found falls back to the built-in runtime.
    pub fn choose(choice: &Choice) -> Result<Self, ModelError> {
        if *choice == Choice::BuiltIn {
            return Ok(Self::BuiltIn {
                instead: "the built-in runtime was asked for".into(),
            });
        }
        let found = match library::find(choice) {
            Ok(found) => found,
            Err(library::Missing {
                named: true,
                looked,
            }) => {
                return Err(ModelError::Runtime { detail: looked });
            }
            Err(library::Missing { looked, .. }) => return Ok(Self::BuiltIn { instead: looked }),
        };
        match OnnxRuntime::load(&found) {
            Ok(runtime) => Ok(Self::OnnxRuntime(runtime)),
            Err(detail) if found.place.is_named() => Err(ModelError::Runtime { detail }),
            Err(instead) => Ok(Self::BuiltIn { instead }),
        }
    }

    /// `onnxruntime` or `rten`: what a model's id says of the arithmetic. int8 models give other
    /// vectors in the one than in the other; f32 models the same to about 3e-5.
    pub fn numerics(&self) -> &'static str {
        match self {
            Self::OnnxRuntime(_) => onnxruntime::NAME,
            Self::BuiltIn { .. } => pure::NAME,
        }
    }

    pub(crate) fn load(&self, wanted: Wanted<'_>) -> Result<Arc<dyn Network>, ModelError> {
        onnx_file::check(&wanted.bytes).map_err(|refused| ModelError::Load {
            model: wanted.model.to_owned(),
            runtime: self.numerics(),
            detail: refused.detail,
            next_step: refused.next_step.to_owned(),
        })?;
        match self {
            Self::OnnxRuntime(runtime) => runtime.network(wanted),
            Self::BuiltIn { .. } => pure::network(wanted),
        }
    }
}

/// What `job` gives. A panic becomes an error: a file that nobody has checked must not end the program.
fn caught<T>(job: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|panic| Err(told(&*panic)))
}

/// A panic in its own words.
fn told(panic: &(dyn Any + Send)) -> String {
    let said = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    match said {
        Some(said) => format!("the runtime stopped: {}", said.replace('\n', " ")),
        None => "the runtime stopped in the middle of the network".into(),
    }
}

/// The position of each wanted output among those there are.
fn positions(wanted: &[&str], there: &[String]) -> Result<Vec<usize>, String> {
    if wanted.is_empty() {
        return match there.is_empty() {
            true => Err("it has no output".into()),
            false => Ok(vec![0]),
        };
    }
    let find = |name: &&str| {
        let at = there.iter().position(|other| other == name);
        at.ok_or_else(|| format!("it has no output {name:?}; it has {}", there.join(", ")))
    };
    wanted.iter().map(find).collect()
}

/// The input that a picture goes into.
fn input(wanted: Option<&str>, there: &[String]) -> Result<usize, String> {
    match (wanted, there) {
        (None, [_]) => Ok(0),
        (None, _) => Err(format!(
            "it has {} inputs ({}); name the picture's with input.name",
            there.len(),
            there.join(", ")
        )),
        (Some(name), [only]) if only == name => Ok(0),
        (Some(name), _) if !there.iter().any(|other| other == name) => Err(format!(
            "it has no input {name:?}; it has {}",
            there.join(", ")
        )),
        (Some(name), _) => Err(format!(
            "it has {} inputs ({}), and only {name:?} can be filled with a picture",
            there.len(),
            there.join(", ")
        )),
    }
}
