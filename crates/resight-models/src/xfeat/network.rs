//! XFeat's network: Potje et al., CVPR 2024, §3.1 and figure 3, with the sizes of the authors' program.
//!
//! Two things differ from that program, and neither changes the result beyond rounding. A
//! normalisation by fixed means and variances is folded into the convolution before it. The first
//! layer of the detector reads 8 × 8 pixels as a convolution with a stride of 8, where the program
//! reorders them into 64 channels and then applies a convolution of 1 × 1.

use resight_onnx::{FLOAT, Message, floats, ints, model, node, value};

use super::checkpoint::Checkpoint;

/// Added to variances by PyTorch's normalisations.
const EPSILON: f32 = 1e-5;

/// A convolution.
struct Layer {
    name: String,
    channels: [usize; 2],
    kernel: usize,
    stride: usize,
    padding: usize,
    /// Whether fixed statistics and ReLU follow; otherwise it has a bias.
    basic: bool,
}

/// Names and sizes of a block's layers: channels out, kernel, stride. Tensors are numbered in this
/// order, as the program registers them.
type Block = (&'static str, usize, &'static [(usize, usize, usize)]);

const BLOCKS: [Block; 5] = [
    ("block1", 1, &[(4, 3, 1), (8, 3, 2), (8, 3, 1), (24, 3, 2)]),
    ("block2", 24, &[(24, 3, 1), (24, 3, 1)]),
    ("block3", 24, &[(64, 3, 2), (64, 3, 1), (64, 1, 1)]),
    ("block4", 64, &[(64, 3, 2), (64, 3, 1), (64, 3, 1)]),
    (
        "block5",
        64,
        &[(128, 3, 2), (128, 3, 1), (128, 3, 1), (64, 1, 1)],
    ),
];

/// The network as it grows.
struct Writer<'a> {
    checkpoint: &'a Checkpoint<'a>,
    /// Number of the next tensor.
    next: usize,
    nodes: Vec<Message>,
    weights: Vec<Message>,
}

/// The ONNX file.
pub(super) fn write(checkpoint: &Checkpoint<'_>) -> Result<Vec<u8>, String> {
    let mut net = Writer {
        checkpoint,
        next: 0,
        nodes: Vec::new(),
        weights: Vec::new(),
    };
    net.grey();
    let skip = net.skip()?;
    let mut outputs = Vec::new();
    let mut input = "grey".to_owned();
    for (name, channels, layers) in BLOCKS {
        let output = net.block(name, &input, channels, layers)?;
        input = match name {
            "block1" => net.add("first", &output, &skip),
            _ => output.clone(),
        };
        outputs.push(output);
    }
    let doubled = net.enlarged("fourth", &outputs[3], 2.0);
    let fourfold = net.enlarged("fifth", &outputs[4], 4.0);
    let sum = net.add("two", &outputs[2], &doubled);
    let sum = net.add("three", &sum, &fourfold);
    let fused = net.block("fusion", &sum, 64, &[(64, 3, 1), (64, 3, 1)])?;
    net.plain("descriptors", &fused, [64, 64])?;
    let sure = net.block("sure", "descriptors", 64, &[(64, 1, 1), (64, 1, 1)])?;
    net.plain("sure", &sure, [64, 1])?;
    net.node("Sigmoid", &["sure"], "reliability", &[]);
    // The convolution of 1 × 1 over 64 reordered channels is one of 8 × 8 over the pixels.
    let cells = net.convolution(
        &Layer {
            name: "cells".into(),
            channels: [1, 64],
            kernel: 8,
            stride: 8,
            padding: 0,
            basic: true,
        },
        "grey",
    )?;
    let detector = net.block("detector", &cells, 64, &[(64, 1, 1), (64, 1, 1)])?;
    net.plain("logits", &detector, [64, 65])?;
    let map = |name, channels| value(name, FLOAT, &[1, channels, 0, 0]);
    Ok(model(
        &net.nodes,
        &net.weights,
        &[value("image", FLOAT, &[1, 3, 0, 0])],
        &[
            map("descriptors", 64),
            map("logits", 65),
            map("reliability", 1),
        ],
    ))
}

impl Writer<'_> {
    fn node(&mut self, operator: &str, inputs: &[&str], output: &str, attributes: &[Message]) {
        self.nodes.push(node(operator, inputs, output, attributes));
    }

    fn weight(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let shape: Vec<u64> = shape.iter().map(|side| *side as u64).collect();
        self.weights.push(floats(name, &shape, values));
    }

    /// The mean of the channels, with mean 0 and variance 1 over the picture.
    fn grey(&mut self) {
        self.weight("third", &[1, 3, 1, 1], &[1.0 / 3.0; 3]);
        self.node(
            "Conv",
            &["image", "third"],
            "mean",
            &[ints("kernel_shape", &[1, 1])],
        );
        self.weight("one", &[1], &[1.0]);
        self.weight("zero", &[1], &[0.0]);
        let epsilon = Message::default()
            .text(1, "epsilon")
            .float(2, EPSILON)
            .int(20, 1);
        self.node(
            "InstanceNormalization",
            &["mean", "one", "zero"],
            "grey",
            &[epsilon],
        );
    }

    /// A quarter of the picture, in 24 channels.
    fn skip(&mut self) -> Result<String, String> {
        let sides = [ints("kernel_shape", &[4, 4]), ints("strides", &[4, 4])];
        self.node("AveragePool", &["grey"], "quarter", &sides);
        self.plain("skip", "quarter", [1, 24])?;
        Ok("skip".into())
    }

    /// Convolutions with ReLU, one after the other. Returns the last one's output.
    fn block(
        &mut self,
        name: &str,
        input: &str,
        channels: usize,
        layers: &[(usize, usize, usize)],
    ) -> Result<String, String> {
        let (mut input, mut channels) = (input.to_owned(), channels);
        for (i, &(out, kernel, stride)) in layers.iter().enumerate() {
            let layer = Layer {
                name: format!("{name}_{i}"),
                channels: [channels, out],
                kernel,
                stride,
                padding: kernel / 2,
                basic: true,
            };
            input = self.convolution(&layer, &input)?;
            channels = out;
        }
        Ok(input)
    }

    /// A convolution of 1 × 1 with a bias, and nothing after it. Its output has its name.
    fn plain(&mut self, name: &str, input: &str, channels: [usize; 2]) -> Result<(), String> {
        let layer = Layer {
            name: name.into(),
            channels,
            kernel: 1,
            stride: 1,
            padding: 0,
            basic: false,
        };
        self.convolution(&layer, input).map(|_| ())
    }

    fn tensor(&mut self, count: usize) -> Result<Vec<f32>, String> {
        let values = self.checkpoint.floats(self.next, count)?;
        self.next += 1;
        Ok(values)
    }

    fn convolution(&mut self, layer: &Layer, input: &str) -> Result<String, String> {
        let [channels, out] = layer.channels;
        let each = channels * layer.kernel * layer.kernel;
        let mut kernel = self.tensor(out * each)?;
        let bias = if layer.basic {
            let (mean, variance) = (self.tensor(out)?, self.tensor(out)?);
            // The number of training steps, which has no use here.
            self.next += 1;
            let factors = variance.iter().map(|v| 1.0 / (v + EPSILON).sqrt());
            let factors: Vec<f32> = factors.collect();
            for (values, factor) in kernel.chunks_exact_mut(each).zip(&factors) {
                values.iter_mut().for_each(|value| *value *= factor);
            }
            mean.iter().zip(&factors).map(|(m, f)| -m * f).collect()
        } else {
            self.tensor(out)?
        };
        let name = &layer.name;
        let (of_kernel, of_bias) = (format!("{name}_kernel"), format!("{name}_bias"));
        self.weight(
            &of_kernel,
            &[out, channels, layer.kernel, layer.kernel],
            &kernel,
        );
        self.weight(&of_bias, &[out], &bias);
        let sides = |n: usize| [n as u64; 2];
        let attributes = [
            ints("kernel_shape", &sides(layer.kernel)),
            ints("strides", &sides(layer.stride)),
            ints("pads", &[layer.padding as u64; 4]),
        ];
        let inputs = [input, &of_kernel, &of_bias];
        if !layer.basic {
            self.node("Conv", &inputs, name, &attributes);
            return Ok(name.clone());
        }
        let (before, after) = (format!("{name}_sum"), format!("{name}_positive"));
        self.node("Conv", &inputs, &before, &attributes);
        self.node("Relu", &[&before], &after, &[]);
        Ok(after)
    }

    fn add(&mut self, name: &str, a: &str, b: &str) -> String {
        self.node("Add", &[a, b], name, &[]);
        name.to_owned()
    }

    /// Enlarged by bilinear interpolation between the centres of pixels.
    fn enlarged(&mut self, name: &str, input: &str, factor: f32) -> String {
        let scales = format!("{name}_scales");
        self.weight(&scales, &[4], &[1.0, 1.0, factor, factor]);
        let text =
            |name: &str, value: &str| Message::default().text(1, name).text(4, value).int(20, 3);
        let attributes = [
            text("mode", "linear"),
            text("coordinate_transformation_mode", "half_pixel"),
        ];
        // Without the second input, a region of interest.
        self.node("Resize", &[input, "", &scales], name, &attributes);
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::checkpoint::tests::archive;
    use super::*;

    /// Tensors of the network's sizes with values from a formula.
    struct Tensors(Vec<Vec<f32>>);

    impl Tensors {
        fn add(&mut self, count: usize, low: f32) {
            let value = |i: usize| low + ((i * 37 + count) % 101) as f32 / 1000.0;
            self.0.push((0..count).map(value).collect());
        }

        fn basic(&mut self, channels: usize, out: usize, kernel: usize) {
            self.add(channels * out * kernel * kernel, -0.05);
            self.add(out, -0.05);
            self.add(out, 0.5);
            self.add(2, 0.0);
        }

        fn plain(&mut self, channels: usize, out: usize) {
            self.add(channels * out, -0.05);
            self.add(out, -0.05);
        }
    }

    fn tensors() -> Vec<Vec<f32>> {
        let mut tensors = Tensors(Vec::new());
        tensors.plain(1, 24);
        for (_, first, layers) in BLOCKS {
            let mut channels = first;
            for &(out, kernel, _) in layers {
                tensors.basic(channels, out, kernel);
                channels = out;
            }
        }
        for (basic, kernel, last) in [(2, 3, 64), (2, 1, 1), (3, 1, 65)] {
            (0..basic).for_each(|_| tensors.basic(64, 64, kernel));
            tensors.plain(64, last);
        }
        tensors.0
    }

    #[test]
    fn a_checkpoint_becomes_a_valid_file() {
        let tensors = tensors();
        assert_eq!(tensors.len(), 100);
        let bytes = archive(&tensors);
        let file = super::super::onnx(&bytes).unwrap();
        assert!(crate::onnx_file::check(&file).is_ok());
        let mut short = tensors;
        short[60].pop();
        let error = super::super::onnx(&archive(&short)).unwrap_err();
        assert!(error.contains("tensor 60"), "{error}");
    }
}
