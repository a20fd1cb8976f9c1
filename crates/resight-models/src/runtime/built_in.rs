//! `rten`, the built-in runtime.

use std::sync::Arc;

use rten::{
    LoadErrorKind, Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView,
};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, Tensor as Array};

use super::network::{
    Batch, LoadRequest, MISMATCH, Network, Tensor, Values, input_position, output_positions,
    panic_message,
};
use super::slots::Slots;
use crate::error::ModelError;
use crate::numerics::BUILT_IN;

/// `rten` plans a chain of operators recursively, with about 350 bytes of stack for each. This is
/// enough for [`crate::onnx_file::MOST_NODES`].
const STACK: usize = 32 << 20;

struct RtenNetwork {
    model: Model,
    input: NodeId,
    outputs: Vec<NodeId>,
    /// Of one thread each. Runs are concurrent instead.
    pools: Slots<Arc<ThreadPool>>,
}

pub(super) fn network(request: LoadRequest<'_>) -> Result<Arc<dyn Network>, ModelError> {
    let failed = |detail: String, next_step: &str| ModelError::Load {
        model: request.model.to_owned(),
        runtime: BUILT_IN,
        detail,
        next_step: next_step.to_owned(),
    };
    let loaded = on_own_thread(|| {
        Ok(ModelOptions::with_all_ops()
            .prepack_weights(true)
            .load(request.bytes))
    });
    let model = loaded
        .map_err(|detail| failed(detail, UNREADABLE))?
        .map_err(|error| failed(error.to_string(), advice(error.kind())))?;
    let names = |ids: &[NodeId]| -> Vec<String> {
        let name = |id: &NodeId| {
            let info = model.node_info(*id);
            info.and_then(|info| info.name().map(str::to_owned))
                .unwrap_or_default()
        };
        ids.iter().map(name).collect()
    };
    let inputs = names(model.input_ids());
    let mismatch = |detail| failed(detail, MISMATCH);
    let at = input_position(request.input, &inputs).map_err(mismatch)?;
    let outputs = names(model.output_ids());
    let outputs = output_positions(request.outputs, &outputs).map_err(mismatch)?;
    Ok(Arc::new(RtenNetwork {
        input: model.input_ids()[at],
        outputs: outputs.iter().map(|i| model.output_ids()[*i]).collect(),
        pools: Slots::new(single(), request.at_once),
        model,
    }))
}

const UNREADABLE: &str = "Check that it is a complete ONNX file. ONNX Runtime may load models of a newer format (`resight doctor` says how to get it).";

fn advice(kind: LoadErrorKind) -> &'static str {
    match kind {
        LoadErrorKind::OperatorInvalid | LoadErrorKind::OptimizeError => {
            "ONNX Runtime has more operators than the built-in runtime: install it with `python3 -m pip install onnxruntime`, and `resight doctor` says whether it is found. Or export the model again without this operator."
        }
        _ => UNREADABLE,
    }
}

/// The result of `job` on a thread with a large stack. A panic becomes an error: an untrusted file
/// must not end the program.
fn on_own_thread<T: Send>(job: impl FnOnce() -> Result<T, String> + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let running = thread.spawn_scoped(scope, job).map_err(|e| e.to_string())?;
        let joined = running.join();
        joined.unwrap_or_else(|panic| Err(panic_message(&*panic)))
    })
}

fn single() -> Arc<ThreadPool> {
    Arc::new(ThreadPool::with_num_threads(1))
}

impl Network for RtenNetwork {
    fn run(&self, input: Batch) -> Result<Vec<Tensor>, String> {
        self.pools.with(
            || Ok(single()),
            |pool| {
                let options = RunOptions::default().with_thread_pool(Some(Arc::clone(pool)));
                // On a thread outside all pools: a thread of another pool that waits for this pool
                // would take jobs of its own pool meanwhile, which may wait for this very slot.
                on_own_thread(|| self.run_with(input, options))
            },
        )
    }
}

impl RtenNetwork {
    fn run_with(&self, input: Batch, options: RunOptions) -> Result<Vec<Tensor>, String> {
        let wrong = |_| "the input has another size than it says".to_owned();
        let shape = input.shape;
        let value = match input.values {
            Values::Bytes(v) => Value::from(NdTensor::try_from_data(shape, v).map_err(wrong)?),
            Values::Floats(v) => Value::from(NdTensor::try_from_data(shape, v).map_err(wrong)?),
        };
        let inputs = vec![(self.input, ValueOrView::from(value))];
        let given = self
            .model
            .run(inputs, &self.outputs, Some(options))
            .map_err(|error| error.to_string())?;
        given.into_iter().map(tensor).collect()
    }
}

fn tensor(value: Value) -> Result<Tensor, String> {
    fn floats<T: Copy>(array: Array<T>, float: impl Fn(T) -> f32) -> Tensor {
        Tensor {
            shape: array.shape().to_vec(),
            values: array.to_vec().into_iter().map(float).collect(),
        }
    }
    match value {
        Value::FloatTensor(t) => Ok(floats(t, |v| v)),
        Value::Int32Tensor(t) => Ok(floats(t, |v| v as f32)),
        Value::Int8Tensor(t) => Ok(floats(t, f32::from)),
        Value::UInt8Tensor(t) => Ok(floats(t, f32::from)),
        _ => Err("one of its outputs is no tensor".into()),
    }
}
