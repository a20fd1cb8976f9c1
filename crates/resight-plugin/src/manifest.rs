//! The functions of a loaded file, as a worker's handshake describes them.

use std::ops::Deref;
use std::sync::Arc;

use serde::Deserialize;

use crate::error::PluginError;

/// The version of the worker protocol that both sides must speak.
pub(crate) const PROTOCOL: u32 = 1;

/// A parameter of a function.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Python's name of its kind: `positional_or_keyword`, `keyword_only`, …
    pub kind: String,
    /// Whether it has no default.
    pub required: bool,
    /// Its annotation as text; empty without one.
    #[serde(default)]
    pub annotation: String,
    /// What is to be made of a file that is sent for it.
    #[serde(default)]
    pub takes: Takes,
    /// The JSON schema of its values; empty where anything may come.
    #[serde(default)]
    pub schema: serde_json::Value,
}

/// What is to be made of a file that is sent for a parameter.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Takes {
    /// What its content type says.
    #[default]
    #[serde(rename = "")]
    Any,
    /// Its bytes, also of a picture.
    Bytes,
    /// A decoded picture.
    Picture,
    /// It takes no file that is sent under another name.
    None,
}

/// How calls of one function are gathered into one.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
pub struct Batch {
    /// Most calls in a batch.
    pub max: usize,
    /// How long the first call waits for others, in milliseconds.
    pub wait_ms: f64,
}

/// What a function is for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Local features of one picture.
    Extract,
    /// One vector for each picture of a list.
    Embed,
    /// Anything else.
    Function,
}

impl Role {
    /// The function's name without a decorator.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Extract => "extract",
            Self::Embed => "embed",
            Self::Function => "function",
        }
    }
}

/// The kind of descriptor that an author declares.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum DeclaredKind {
    /// 32-bit floats under Euclidean distance.
    Float,
    /// Bytes under Euclidean distance.
    Uint8,
    /// Packed bits under Hamming distance.
    Binary,
}

/// A function of the file.
#[derive(Clone, Debug, Deserialize)]
pub struct Function {
    /// The name that calls use.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// Its signature as Python prints it.
    pub signature: String,
    /// Its docstring.
    #[serde(default)]
    pub doc: String,
    /// Its first line in the file.
    #[serde(default)]
    pub line: u32,
    /// Its parameters.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    /// How its calls are gathered, if they are.
    #[serde(default)]
    pub batch: Option<Batch>,
    /// The HTTP path that the author wants beside the usual one.
    #[serde(default)]
    pub route: Option<String>,
    /// The HTTP methods that the author allows; all without.
    #[serde(default)]
    pub methods: Option<Vec<String>>,
    /// The model's name; the plug-in's without.
    #[serde(default)]
    pub model: Option<String>,
    /// The model's version.
    #[serde(default)]
    pub version: Option<String>,
    /// The kind of its descriptors, if declared.
    #[serde(default)]
    pub kind: Option<DeclaredKind>,
    /// Values in a descriptor or vector, if declared.
    #[serde(default)]
    pub dimension: Option<usize>,
}

/// One loaded version of the file, its generation. All its workers run the same bytes.
#[derive(Clone, Debug, Deserialize)]
pub struct Manifest {
    protocol: u32,
    /// Python's version, such as `3.12.1`.
    pub python: String,
    /// Python's implementation, usually `CPython`.
    pub implementation: String,
    /// The interpreter's path.
    #[serde(default)]
    pub executable: String,
    /// Whether it has a global interpreter lock.
    pub gil: bool,
    /// numpy's version, if it can be imported.
    #[serde(default)]
    pub numpy: Option<String>,
    /// The file's `__version__`, if it is text.
    #[serde(default)]
    pub version: Option<String>,
    /// The file's docstring.
    #[serde(default)]
    pub doc: String,
    /// Time to load and warm up, in milliseconds.
    #[serde(default)]
    pub load_ms: f64,
    /// The functions that can be called.
    pub functions: Vec<Function>,
    /// Hash of the file's bytes, set by the server.
    #[serde(skip)]
    pub hash: String,
    /// Number of this load of the file, set by the server.
    #[serde(skip)]
    pub generation: u64,
}

impl Manifest {
    /// Reads a worker's handshake. The error is a sentence about what is wrong with it.
    pub(crate) fn read(meta: &[u8], hash: &str, generation: u64) -> Result<Self, String> {
        let mut manifest: Self =
            serde_json::from_slice(meta).map_err(|e| format!("its handshake is not valid: {e}"))?;
        if manifest.protocol != PROTOCOL {
            return Err(format!(
                "it speaks version {} of the worker protocol and the server version {}",
                manifest.protocol, PROTOCOL
            ));
        }
        let number = |i| manifest.python.split('.').nth(i)?.parse::<u32>().ok();
        if (number(0), number(1)) < (Some(3), Some(9)) {
            return Err(format!("Python {} is older than 3.9", manifest.python));
        }
        for function in &mut manifest.functions {
            if let Some(batch) = &mut function.batch {
                batch.max = batch.max.clamp(1, 1024);
                batch.wait_ms = batch.wait_ms.clamp(0.0, 10_000.0);
            }
        }
        manifest.hash = hash.into();
        manifest.generation = generation;
        Ok(manifest)
    }

    /// The first function that satisfies `is`, to be called by [`crate::Call::of`].
    pub fn find(self: &Arc<Self>, is: impl FnMut(&Function) -> bool) -> Option<FunctionRef> {
        let index = self.functions.iter().position(is)?;
        let manifest = self.clone();
        Some(FunctionRef { manifest, index })
    }

    /// The function named `name`, or an error that lists the names there are.
    pub fn require(self: &Arc<Self>, name: &str) -> Result<FunctionRef, PluginError> {
        self.find(|f| f.name == name)
            .ok_or_else(|| self.lacks(name))
    }

    /// The error for a function that the file does not have.
    pub(crate) fn lacks(&self, function: &str) -> PluginError {
        let names: Vec<&str> = self.functions.iter().map(|f| f.name.as_str()).collect();
        PluginError::NoFunction {
            function: function.into(),
            known: if names.is_empty() {
                "none".into()
            } else {
                names.join(", ")
            },
        }
    }
}

/// A function of one loaded version of the file. Cheap to clone.
#[derive(Clone, Debug)]
pub struct FunctionRef {
    manifest: Arc<Manifest>,
    index: usize,
}

impl FunctionRef {
    pub(crate) fn generation(&self) -> u64 {
        self.manifest.generation
    }
}

impl Deref for FunctionRef {
    type Target = Function;

    fn deref(&self) -> &Function {
        &self.manifest.functions[self.index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(protocol: u32, python: &str) -> Result<Manifest, String> {
        let text = format!(
            r#"{{"protocol":{protocol},"python":"{python}","implementation":"CPython","gil":true,
            "functions":[{{"name":"f","role":"function","signature":"()",
            "batch":{{"max":0,"wait_ms":-1}}}}]}}"#
        );
        Manifest::read(text.as_bytes(), "h", 3)
    }

    #[test]
    fn a_worker_of_another_protocol_or_an_old_python_is_refused() {
        let good = check(PROTOCOL, "3.13.0").unwrap();
        assert_eq!(good.functions[0].batch.unwrap().max, 1);
        assert!(check(99, "3.13.0").unwrap_err().contains("version 99"));
        assert!(check(1, "3.8.18").unwrap_err().contains("older than 3.9"));
        assert!(check(1, "x").is_err());
        assert!(
            Manifest::read(b"[]", "", 0)
                .unwrap_err()
                .contains("not valid")
        );
    }

    #[test]
    fn a_function_is_found_once_and_a_missing_one_lists_the_others() {
        let manifest = Arc::new(check(PROTOCOL, "3.13.0").unwrap());
        let found = manifest.require("f").unwrap();
        assert_eq!((found.name.as_str(), found.generation()), ("f", 3));
        let missing = manifest.require("g").unwrap_err();
        assert_eq!(missing.code(), "plugin_no_function");
        assert!(missing.to_string().ends_with("it has: f"), "{missing}");
    }
}
