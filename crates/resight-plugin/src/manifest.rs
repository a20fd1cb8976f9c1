//! What a worker says about itself and about the file it has loaded.

use serde::Deserialize;

/// A parameter of a function.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Python's name for its kind: `positional_or_keyword`, `keyword_only`, …
    pub kind: String,
    /// Whether it has no default.
    pub required: bool,
    /// Its annotation as text, or nothing.
    #[serde(default)]
    pub annotation: String,
}

/// How calls are gathered.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
pub struct Batch {
    /// At most so many.
    pub max: usize,
    /// Others are waited for so long after the first.
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
    /// The function's name where no decorator says otherwise.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Extract => "extract",
            Self::Embed => "embed",
            Self::Function => "function",
        }
    }
}

/// What kind of descriptor an author declares.
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
    /// The name it is called by.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// As Python shows it.
    pub signature: String,
    /// Its docstring.
    #[serde(default)]
    pub doc: String,
    /// Where it begins in the file.
    #[serde(default)]
    pub line: u32,
    /// Its parameters.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    /// Whether and how calls are gathered.
    #[serde(default)]
    pub batch: Option<Batch>,
    /// The route that the author wants.
    #[serde(default)]
    pub route: Option<String>,
    /// The HTTP methods that the author wants.
    #[serde(default)]
    pub methods: Option<Vec<String>>,
    /// The model's name, where it is not the plug-in's.
    #[serde(default)]
    pub model: Option<String>,
    /// The model's version.
    #[serde(default)]
    pub version: Option<String>,
    /// The kind of its descriptors.
    #[serde(default)]
    pub kind: Option<DeclaredKind>,
    /// Their length.
    #[serde(default)]
    pub dimension: Option<usize>,
}

/// A generation of workers: all of them run the same bytes of the file.
#[derive(Clone, Debug, Deserialize)]
pub struct Manifest {
    protocol: u32,
    /// Python's version, such as `3.12.1`.
    pub python: String,
    /// `CPython`, as a rule.
    pub implementation: String,
    /// The interpreter.
    #[serde(default)]
    pub executable: String,
    /// Whether it has a global interpreter lock.
    pub gil: bool,
    /// numpy's version.
    #[serde(default)]
    pub numpy: Option<String>,
    /// The file's `__version__`.
    #[serde(default)]
    pub version: Option<String>,
    /// The file's docstring.
    #[serde(default)]
    pub doc: String,
    /// How long loading and warming up took.
    #[serde(default)]
    pub load_ms: f64,
    /// What can be called.
    pub functions: Vec<Function>,
    /// Hash of the file's bytes; set by the server.
    #[serde(skip)]
    pub hash: String,
    /// Counts loads of the file; set by the server.
    #[serde(skip)]
    pub generation: u64,
}

impl Manifest {
    /// Reads a worker's handshake; a sentence about what is wrong with it otherwise.
    pub(crate) fn read(meta: &[u8], hash: &str, generation: u64) -> Result<Self, String> {
        let mut manifest: Self =
            serde_json::from_slice(meta).map_err(|e| format!("its handshake is not valid: {e}"))?;
        if manifest.protocol != crate::wire::PROTOCOL {
            return Err(format!(
                "it speaks version {} of the worker protocol and the server version {}",
                manifest.protocol,
                crate::wire::PROTOCOL
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

    /// The function called `name`.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|f| f.name == name)
    }

    /// The function that has `role`: `extract` or `embed`.
    pub fn with_role(&self, role: Role) -> Option<&Function> {
        self.functions.iter().find(|f| f.role == role)
    }

    /// All names, for a message.
    pub(crate) fn names(&self) -> String {
        let names: Vec<&str> = self.functions.iter().map(|f| f.name.as_str()).collect();
        if names.is_empty() {
            "none".into()
        } else {
            names.join(", ")
        }
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
    fn old_speakers_are_refused() {
        let good = check(crate::wire::PROTOCOL, "3.13.0").unwrap();
        assert_eq!(good.function("f").unwrap().batch.unwrap().max, 1);
        assert!(check(99, "3.13.0").unwrap_err().contains("version 99"));
        assert!(check(1, "3.8.18").unwrap_err().contains("older than 3.9"));
        assert!(check(1, "x").is_err());
        assert!(
            Manifest::read(b"[]", "", 0)
                .unwrap_err()
                .contains("not valid")
        );
    }
}
