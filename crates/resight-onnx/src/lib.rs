//! A writer of small ONNX files: nodes, attributes, weights and the file around them.
//!
//! Useful for: a network that is described in code, whose weights come from elsewhere.
//!
//! Not useful for: reading ONNX files, or checking that a network is valid; the runtime that loads it
//! does that.
//!
//! Wire format: <https://protobuf.dev/programming-guides/encoding/>; numbers of fields: `onnx.proto3`
//! of ONNX 1.20.

/// A builder of Protocol Buffers messages.
#[derive(Clone, Default)]
pub struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// Appends a field that is a number.
    pub fn int(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    /// Appends a field of 32 bits.
    pub fn float(mut self, field: u64, value: f32) -> Self {
        self.varint(field << 3 | 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Appends a length-delimited field.
    pub fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
        self
    }

    /// Appends a string.
    pub fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    /// Appends a message.
    pub fn message(self, field: u64, value: &Self) -> Self {
        self.bytes(field, &value.0)
    }
}

/// `AttributeProto` of integers.
pub fn ints(name: &str, values: &[u64]) -> Message {
    let start = Message::default().text(1, name);
    let filled = values.iter().fold(start, |m, v| m.int(8, *v));
    filled.int(20, 7)
}

/// `AttributeProto` of one integer.
pub fn int(name: &str, value: u64) -> Message {
    Message::default().text(1, name).int(3, value).int(20, 2)
}

/// `NodeProto`.
pub fn node(operator: &str, inputs: &[&str], output: &str, attributes: &[Message]) -> Message {
    let start = inputs.iter().fold(Message::default(), |m, i| m.text(1, i));
    let named = start.text(2, output).text(3, output).text(4, operator);
    attributes.iter().fold(named, |m, a| m.message(5, a))
}

/// `TensorProto` of 32-bit floats.
pub fn floats(name: &str, shape: &[u64], values: &[f32]) -> Message {
    let start = shape
        .iter()
        .fold(Message::default(), |m, side| m.int(1, *side));
    let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    start.int(2, 1).text(8, name).bytes(9, &raw)
}

/// `TensorProto` of 64-bit integers.
pub fn longs(name: &str, values: &[i64]) -> Message {
    let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    Message::default()
        .int(1, values.len() as u64)
        .int(2, 7)
        .text(8, name)
        .bytes(9, &raw)
}

/// `TensorProto.DataType` of 32-bit floats.
pub const FLOAT: u64 = 1;
/// `TensorProto.DataType` of bytes.
pub const BYTE: u64 = 2;

/// `ValueInfoProto`; a side of 0 stands for any length.
pub fn value(name: &str, element: u64, shape: &[u64]) -> Message {
    let sides = shape
        .iter()
        .enumerate()
        .fold(Message::default(), |m, (i, side)| {
            m.message(
                1,
                &match side {
                    0 => Message::default().text(2, &format!("{name}{i}")),
                    side => Message::default().int(1, *side),
                },
            )
        });
    let tensor = Message::default().int(1, element).message(2, &sides);
    let kind = Message::default().message(1, &tensor);
    Message::default().text(1, name).message(2, &kind)
}

/// `ModelProto`, IR version 8, operator set 17.
pub fn model(
    nodes: &[Message],
    constants: &[Message],
    inputs: &[Message],
    outputs: &[Message],
) -> Vec<u8> {
    let graph = nodes
        .iter()
        .fold(Message::default(), |m, n| m.message(1, n));
    let graph = graph.text(2, "resight");
    let graph = constants.iter().fold(graph, |m, c| m.message(5, c));
    let graph = inputs.iter().fold(graph, |m, i| m.message(11, i));
    let graph = outputs.iter().fold(graph, |m, o| m.message(12, o));
    let operators = Message::default().text(1, "").int(2, 17);
    Message::default()
        .int(1, 8)
        .message(7, &graph)
        .message(8, &operators)
        .0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of <https://protobuf.dev/programming-guides/encoding/>.
    #[test]
    fn messages_are_encoded_as_documented() {
        let number = Message::default().int(1, 150);
        assert_eq!(number.0, [0x08, 0x96, 0x01]);
        let text = Message::default().text(2, "testing");
        assert_eq!(text.0, b"\x12\x07testing");
        let nested = Message::default().message(3, &number);
        assert_eq!(nested.0, [0x1a, 0x03, 0x08, 0x96, 0x01]);
        let float = Message::default().float(5, 1.0);
        assert_eq!(float.0, [0x2d, 0, 0, 0x80, 0x3f]);
    }
}
