//! What both runtimes have in common: the trait of a loaded network, its input and output, and the
//! lookup of inputs and outputs by name.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

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

/// One of a network's outputs, converted to floats.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    /// Length of each axis.
    pub(crate) shape: Vec<usize>,
    /// Row-major.
    pub(crate) values: Vec<f32>,
}

/// A loaded network. Calls from several threads run concurrently, each on one thread.
pub(crate) trait Network: Send + Sync {
    /// Runs the network on one picture. Returns the outputs of the load request, in its order.
    fn run(&self, input: Batch) -> Result<Vec<Tensor>, String>;
}

/// A network to load.
pub(crate) struct LoadRequest<'a> {
    /// The model's name, for errors.
    pub(crate) model: &'a str,
    /// The ONNX file.
    pub(crate) bytes: Vec<u8>,
    /// Name of the input; `None` for the only one.
    pub(crate) input: Option<&'a str>,
    /// Names of the outputs; empty for the first one.
    pub(crate) outputs: &'a [&'a str],
    /// Most concurrent runs.
    pub(crate) at_once: usize,
}

/// The next step when names do not agree.
pub(super) const MISMATCH: &str = "Correct the names in its model.toml; Netron or `python3 -c \"import onnx\"` shows those in the file.";

/// The result of `job`, with a panic turned into an error: an untrusted file must not end the
/// program.
pub(super) fn catch_panic<T>(job: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|panic| Err(panic_message(&*panic)))
}

/// The message of a panic, as the error of a run.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let said = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    match said {
        Some(said) => format!("the runtime stopped: {}", said.replace('\n', " ")),
        None => "the runtime stopped in the middle of the network".into(),
    }
}

/// The position of each requested output in the file; of the first where none is requested.
pub(super) fn output_positions(
    requested: &[&str],
    in_file: &[String],
) -> Result<Vec<usize>, String> {
    if requested.is_empty() && in_file.is_empty() {
        return Err("it has no output".into());
    }
    if requested.is_empty() {
        return Ok(vec![0]);
    }
    let find = |name: &&str| {
        let at = in_file.iter().position(|other| other == name);
        at.ok_or_else(|| format!("it has no output {name:?}; it has {}", in_file.join(", ")))
    };
    requested.iter().map(find).collect()
}

/// The position of the picture's input in the file, which must be the only one.
pub(super) fn input_position(requested: Option<&str>, in_file: &[String]) -> Result<usize, String> {
    let names = in_file.join(", ");
    match (requested, in_file) {
        (None, [_]) => Ok(0),
        (None, _) => Err(format!(
            "it has {} inputs ({names}); name the picture's with input.name",
            in_file.len()
        )),
        (Some(name), [only]) if only == name => Ok(0),
        (Some(name), _) if !in_file.iter().any(|other| other == name) => {
            Err(format!("it has no input {name:?}; it has {names}"))
        }
        (Some(name), _) => Err(format!(
            "it has {} inputs ({names}), and only {name:?} can be filled with a picture",
            in_file.len()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn outputs_are_found_by_name_or_the_first_is_taken() {
        let two = names(&["a", "b"]);
        assert_eq!(output_positions(&[], &two), Ok(vec![0]));
        assert_eq!(output_positions(&["b", "a", "b"], &two), Ok(vec![1, 0, 1]));
        let missing = output_positions(&["a", "c"], &two).unwrap_err();
        assert!(
            missing.contains("\"c\"") && missing.contains("a, b"),
            "{missing}"
        );
        assert!(output_positions(&[], &[]).is_err());
        assert!(output_positions(&["a"], &[]).is_err());
    }

    #[test]
    fn the_picture_fills_the_only_input() {
        let (one, two) = (names(&["x"]), names(&["x", "y"]));
        assert_eq!(input_position(None, &one), Ok(0));
        assert_eq!(input_position(Some("x"), &one), Ok(0));
        // (requested, in the file, what the error says)
        for (requested, in_file, says) in [
            (None, &two, "input.name"),
            (None, &names(&[]), "0 inputs"),
            (Some("z"), &two, "no input \"z\"; it has x, y"),
            (Some("z"), &one, "no input \"z\""),
            (Some("y"), &two, "only \"y\""),
        ] {
            let error = input_position(requested, in_file).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn panics_become_errors_with_their_message() {
        assert_eq!(catch_panic(|| Ok(7)), Ok(7));
        assert_eq!(catch_panic(|| Err::<(), _>("no".into())), Err("no".into()));
        let number = 3;
        let formatted = catch_panic(|| -> Result<(), _> { panic!("of {number}\nlines") });
        assert_eq!(formatted, Err("the runtime stopped: of 3 lines".into()));
        let literal = catch_panic(|| -> Result<(), _> { panic!("words") });
        assert_eq!(literal, Err("the runtime stopped: words".into()));
        let other = catch_panic(|| -> Result<(), _> { std::panic::panic_any(5) });
        assert!(other.unwrap_err().contains("in the middle"));
    }
}
