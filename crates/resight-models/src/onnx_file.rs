//! Checks that an ONNX file is complete, before a runtime parses it.
//!
//! The built-in runtime's parser trusts the lengths in a file: a damaged file can make it loop for
//! ever, or allocate all memory. [`check`] therefore verifies the outer form: every field ends
//! within its message, numbers have a valid length, nesting and the number of operators are
//! bounded, and all weights are inside. It does not interpret the messages.
//!
//! Wire format: <https://protobuf.dev/programming-guides/encoding/>; numbers of fields: `onnx.proto3`
//! of ONNX 1.20.

/// Deepest nesting of messages, the limit of Protocol Buffers' own parser.
const DEEPEST: usize = 100;
/// Most operators in a file.
pub(crate) const MOST_NODES: usize = 50_000;
/// Most bytes of a number: 7 bits each, 64 in all.
const LONGEST_NUMBER: usize = 10;
/// `TensorProto.data_location`, and its value for weights in another file.
const DATA_LOCATION: u64 = 14;
const EXTERNAL: u64 = 1;

/// Why a file is not passed to a runtime.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InvalidFile {
    pub(crate) detail: String,
    pub(crate) next_step: &'static str,
}

const BROKEN: &str =
    "Check that it is a complete ONNX file: download or export it again, and add it again.";
const ONE_FILE: &str = "Save the model as one file, with its weights inside: onnx.save(model, path, save_as_external_data=False).";

/// Checks that `bytes` have the form of a `ModelProto`. Takes time proportional to the number of
/// fields; weights are skipped.
pub(crate) fn check(bytes: &[u8]) -> Result<(), InvalidFile> {
    if bytes.is_empty() {
        return Err(broken("the file is empty".into()));
    }
    let (mut has_graph, mut nodes) = (false, 0);
    for field in Fields::of(bytes, Message::Model, 0) {
        let field = field?;
        has_graph |= field.number == GRAPH_OF_MODEL;
        field.descend(&mut nodes)?;
    }
    if has_graph {
        Ok(())
    } else {
        Err(broken("it is no ONNX file: there is no graph in it".into()))
    }
}

const GRAPH_OF_MODEL: u64 = 7;

fn broken(detail: String) -> InvalidFile {
    InvalidFile {
        detail,
        next_step: BROKEN,
    }
}

/// The type of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    SparseTensor,
    Function,
    Training,
    ValueInfo,
    Type,
    /// The type of a tensor.
    TensorType,
    /// The type of a sequence, map or optional.
    HolderType,
    Shape,
    Annotation,
    /// A message of numbers and strings only.
    Leaf,
    /// Packed numbers.
    Numbers,
}

impl Message {
    /// The type of the length-delimited field `number`; `None` for bytes and strings.
    fn inside(self, number: u64) -> Option<Self> {
        Some(match (self, number) {
            (Self::Model, GRAPH_OF_MODEL) => Self::Graph,
            (Self::Model, 8 | 14 | 26) => Self::Leaf,
            (Self::Model, 20) => Self::Training,
            (Self::Model, 25) => Self::Function,
            (Self::Training, 1 | 2) => Self::Graph,
            (Self::Training, 3 | 4) => Self::Leaf,
            (Self::Graph, 1) | (Self::Function, 7) => Self::Node,
            (Self::Graph, 5) => Self::Tensor,
            (Self::Graph, 11..=13) | (Self::Function, 12) => Self::ValueInfo,
            (Self::Graph, 14) => Self::Annotation,
            (Self::Graph, 15) => Self::SparseTensor,
            (Self::Graph, 16) | (Self::Function, 9 | 14) => Self::Leaf,
            (Self::Node, 5) | (Self::Function, 11) => Self::Attribute,
            (Self::Node, 9) | (Self::ValueInfo, 4) => Self::Leaf,
            (Self::Attribute, 5 | 10) | (Self::SparseTensor, 1 | 2) => Self::Tensor,
            (Self::Attribute, 6 | 11) => Self::Graph,
            (Self::Attribute, 14 | 15) => Self::Type,
            (Self::Attribute, 22 | 23) => Self::SparseTensor,
            (Self::Attribute, 8) | (Self::SparseTensor, 3) => Self::Numbers,
            (Self::Tensor, 1 | 5 | 7 | 11) => Self::Numbers,
            (Self::Tensor, 3 | 13 | 16) => Self::Leaf,
            (Self::ValueInfo, 2) => Self::Type,
            (Self::Type, 1 | 8) => Self::TensorType,
            (Self::Type, 4 | 5 | 9) => Self::HolderType,
            (Self::HolderType, 1 | 2) => Self::Type,
            (Self::TensorType, 2) => Self::Shape,
            (Self::Type, 7) | (Self::Shape, 1) | (Self::Annotation, 2) => Self::Leaf,
            _ => return None,
        })
    }
}

/// One field of a message.
struct Field<'a> {
    message: Message,
    depth: usize,
    number: u64,
    /// Contents of a length-delimited field.
    bytes: Option<&'a [u8]>,
    /// Value of a field that is a number.
    value: Option<u64>,
}

impl Field<'_> {
    /// Checks the contents, and counts the operators.
    fn descend(&self, nodes: &mut usize) -> Result<(), InvalidFile> {
        if self.message == Message::Tensor
            && self.number == DATA_LOCATION
            && self.value == Some(EXTERNAL)
        {
            return Err(InvalidFile {
                detail: "some of its weights are in another file".into(),
                next_step: ONE_FILE,
            });
        }
        let inside = self.bytes.zip(self.message.inside(self.number));
        let Some((bytes, message)) = inside else {
            return Ok(());
        };
        if message == Message::Numbers {
            let mut rest = bytes;
            while !rest.is_empty() {
                number(&mut rest).ok_or_else(ends_early)?;
            }
            return Ok(());
        }
        *nodes += usize::from(message == Message::Node);
        if *nodes > MOST_NODES {
            return Err(broken(format!("it has more than {MOST_NODES} operators")));
        }
        if self.depth + 1 > DEEPEST {
            return Err(broken(format!(
                "its parts are nested more than {DEEPEST} deep"
            )));
        }
        for field in Fields::of(bytes, message, self.depth + 1) {
            field?.descend(nodes)?;
        }
        Ok(())
    }
}

/// The fields of a message, up to the first broken one.
struct Fields<'a> {
    rest: &'a [u8],
    message: Message,
    depth: usize,
}

impl<'a> Fields<'a> {
    fn of(rest: &'a [u8], message: Message, depth: usize) -> Self {
        Self {
            rest,
            message,
            depth,
        }
    }

    fn read(&mut self) -> Option<Field<'a>> {
        let tag = number(&mut self.rest)?;
        let (mut bytes, mut value) = (None, None);
        match tag & 7 {
            0 => value = Some(number(&mut self.rest)?),
            1 => drop(take(&mut self.rest, 8)?),
            2 => {
                let length = number(&mut self.rest)?;
                bytes = Some(take(&mut self.rest, usize::try_from(length).ok()?)?);
            }
            5 => drop(take(&mut self.rest, 4)?),
            // Groups, which ONNX does not use, and unknown wire types.
            _ => return None,
        }
        Some(Field {
            message: self.message,
            depth: self.depth,
            number: tag >> 3,
            bytes,
            value,
        })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, InvalidFile>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.read().ok_or_else(ends_early);
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

fn ends_early() -> InvalidFile {
    broken("it is no ONNX file, or damaged, or cut short".into())
}

/// Takes a number from the front of `rest`.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for i in 0..LONGEST_NUMBER {
        let byte = take(rest, 1)?[0];
        value |= u64::from(byte & 0x7F) << (7 * i);
        if byte < 0x80 {
            // Only one bit of the last byte is valid.
            return (i + 1 < LONGEST_NUMBER || byte < 2).then_some(value);
        }
    }
    None
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use resight_test_support::Random;

    use super::*;

    /// A length-delimited field.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut field = vec![number << 3 | 2];
        let mut length = bytes.len();
        while length >= 0x80 {
            field.push(length as u8 | 0x80);
            length >>= 7;
        }
        field.push(length as u8);
        field.extend(bytes);
        field
    }

    #[test]
    fn complete_files_pass_and_others_are_refused_with_a_reason() {
        let ten = [0xFF; 10];
        let graph = |bytes: &[u8]| field(7, bytes);
        let tensor = |bytes: &[u8]| graph(&field(5, bytes));
        // (what, the file, what the error says)
        for (what, bytes, says) in [
            ("the smallest", graph(&[]), None),
            ("a name", graph(&field(2, b"g")), None),
            ("packed numbers", tensor(&field(1, &[0x80, 1, 3])), None),
            ("nothing", vec![], Some("empty")),
            ("a page", b"<html>".to_vec(), Some("no ONNX file")),
            ("no graph", vec![8, 8], Some("no graph")),
            ("a number without an end", ten.to_vec(), Some("cut short")),
            (
                "a length past the end",
                vec![7 << 3 | 2, 9, 1],
                Some("cut short"),
            ),
            (
                "a length of all there is",
                [&[7 << 3 | 2][..], &[0xFF; 9], &[1]].concat(),
                Some("cut short"),
            ),
            (
                "a packed number without an end",
                tensor(&field(1, &ten)),
                Some("cut short"),
            ),
            (
                "a part cut short",
                tensor(&[9 << 3 | 2, 4, 0]),
                Some("cut short"),
            ),
            (
                "weights elsewhere",
                tensor(&[DATA_LOCATION as u8 * 8, 1]),
                Some("another file"),
            ),
            (
                "weights inside",
                tensor(&[DATA_LOCATION as u8 * 8, 0]),
                None,
            ),
        ] {
            let invalid = check(&bytes).err();
            match says {
                None => assert_eq!(invalid, None, "{what}"),
                Some(says) => {
                    let detail = invalid.map(|invalid| invalid.detail).unwrap_or_default();
                    assert!(detail.contains(says), "{what}: {detail}");
                }
            }
        }
    }

    #[test]
    fn numbers_have_at_most_64_bits() {
        let (longest, most) = ([0xFF; 9], u64::MAX);
        // (bytes, value)
        for (bytes, value) in [
            (vec![0], Some(0)),
            (vec![0x7F], Some(127)),
            (vec![0x80, 1], Some(128)),
            ([&longest[..], &[1]].concat(), Some(most)),
            ([&longest[..], &[2]].concat(), None),
            ([&longest[..], &[0x81]].concat(), None),
            (vec![], None),
            (vec![0x80], None),
        ] {
            let mut rest = &bytes[..];
            assert_eq!(number(&mut rest), value, "{bytes:?}");
            assert!(value.is_none() || rest.is_empty());
        }
    }

    #[test]
    fn random_bytes_are_refused_without_a_panic() {
        let mut random = Random::new(1);
        let refused = (0..500).filter(|_| {
            let length = 20 + random.below(400);
            let bytes = random.bytes(length, 255);
            // As a file, and as an operator in one.
            check(&bytes).is_err() && check(&field(7, &field(1, &bytes))).is_err()
        });
        assert!(refused.count() > 480);
    }

    #[test]
    fn the_number_of_operators_is_bounded() {
        let nodes = |count: usize| field(7, &field(1, &[]).repeat(count));
        assert_eq!(check(&nodes(MOST_NODES)), Ok(()));
        let invalid = check(&nodes(MOST_NODES + 1)).unwrap_err();
        assert!(invalid.detail.contains("50000 operators"), "{invalid:?}");
    }

    #[test]
    fn the_nesting_of_graphs_is_bounded() {
        let nested = |count: usize| {
            let inner = (0..count).fold(Vec::new(), |graph, _| {
                let attribute = field(6, &graph);
                field(1, &field(5, &attribute))
            });
            field(7, &inner)
        };
        assert_eq!(check(&nested(30)), Ok(()));
        let invalid = check(&nested(1000)).unwrap_err();
        assert!(invalid.detail.contains("nested"), "{invalid:?}");
    }
}
