//! Whether a file is whole, before a runtime takes it apart.
//!
//! The built-in runtime's parser trusts the lengths it reads: a damaged file can keep it busy for ever,
//! or have it ask for all memory. So the outer form is checked here: every field ends within its
//! message, numbers are no longer than they may be, messages are not nested without end nor operators
//! without number, and all weights are inside. What the messages mean is the runtime's business.
//!
//! Wire format: <https://protobuf.dev/programming-guides/encoding/>; numbers of fields: `onnx.proto3`
//! of ONNX 1.20.

/// Messages inside each other at most, as Protocol Buffers' own parser has it.
const DEEPEST: usize = 100;
/// Operators in a file at most.
pub(crate) const MOST_NODES: usize = 50_000;
/// Bytes of a number at most: 7 bits each, 64 in all.
const LONGEST_NUMBER: usize = 10;
/// `TensorProto.data_location`, and its value for weights in another file.
const DATA_LOCATION: u64 = 14;
const EXTERNAL: u64 = 1;

/// Why a file is not given to a runtime.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) detail: String,
    pub(crate) next_step: &'static str,
}

const BROKEN: &str =
    "Check that it is an ONNX file and whole: download or export it again, and add it anew.";
const ONE_FILE: &str = "Save the model as one file, with its weights inside: onnx.save(model, path, save_as_external_data=False).";

/// Checks that `bytes` have the form of a `ModelProto`. Takes time in proportion to the number of
/// fields; weights are stepped over.
pub(crate) fn check(bytes: &[u8]) -> Result<(), Refused> {
    if bytes.is_empty() {
        return Err(broken("the file is empty".into()));
    }
    let (mut has_graph, mut nodes) = (false, 0);
    for field in Fields::of(bytes, Message::Model, 0) {
        let field = field?;
        has_graph |= field.number == GRAPH_OF_MODEL;
        field.descend(&mut nodes)?;
    }
    match has_graph {
        true => Ok(()),
        false => Err(broken("it is no ONNX file: there is no graph in it".into())),
    }
}

const GRAPH_OF_MODEL: u64 = 7;

fn broken(detail: String) -> Refused {
    Refused {
        detail,
        next_step: BROKEN,
    }
}

/// What bytes hold.
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
    /// The type of what holds values of another: a sequence, a map, an optional.
    HolderType,
    Shape,
    Annotation,
    /// A message of numbers and texts only.
    Leaf,
    /// Numbers behind each other.
    Numbers,
}

impl Message {
    /// What the field `number`, which has a length, holds in it; `None`: bytes or text.
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
    /// Of a field with a length.
    bytes: Option<&'a [u8]>,
    /// Of a field that is a number.
    value: Option<u64>,
}

impl Field<'_> {
    /// Checks what is in it, and counts the operators.
    fn descend(&self, nodes: &mut usize) -> Result<(), Refused> {
        if self.message == Message::Tensor
            && self.number == DATA_LOCATION
            && self.value == Some(EXTERNAL)
        {
            return Err(Refused {
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

/// The fields of a message, up to the first that is broken.
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
            // Groups, which ONNX has none of, and what there is not.
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
    type Item = Result<Field<'a>, Refused>;

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

fn ends_early() -> Refused {
    broken("it is no ONNX file, or damaged, or cut short".into())
}

/// A number in front of `rest`, which it is taken from.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for i in 0..LONGEST_NUMBER {
        let byte = take(rest, 1)?[0];
        value |= u64::from(byte & 0x7F) << (7 * i);
        if byte < 0x80 {
            // Of the last byte one bit counts.
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
    use super::*;

    /// A field with a length.
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
    fn what_is_whole_and_what_is_not() {
        let ten = [0xFF; 10];
        let graph = |bytes: &[u8]| field(7, bytes);
        let tensor = |bytes: &[u8]| graph(&field(5, bytes));
        // (what, the file, what is said)
        for (what, bytes, said) in [
            ("the least", graph(&[]), None),
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
            let refused = check(&bytes).err();
            match said {
                None => assert_eq!(refused, None, "{what}"),
                Some(said) => {
                    let detail = refused.map(|refused| refused.detail).unwrap_or_default();
                    assert!(detail.contains(said), "{what}: {detail}");
                }
            }
        }
    }

    #[test]
    fn graphs_inside_graphs_come_to_an_end() {
        let nested = |count: usize| {
            let inner = (0..count).fold(Vec::new(), |graph, _| {
                let attribute = field(6, &graph);
                field(1, &field(5, &attribute))
            });
            field(7, &inner)
        };
        assert_eq!(check(&nested(30)), Ok(()));
        let refused = check(&nested(1000)).unwrap_err();
        assert!(refused.detail.contains("nested"), "{refused:?}");
    }
}
