//! A call: a function and its arguments.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use resight_vision::Image;
use serde_json::{Map, Value};

use crate::error::PluginError;
use crate::manifest::{FunctionRef, Manifest};

/// Bytes of an attachment: borrowed by a call that runs at once, shared by one that waits.
#[derive(Clone, Debug)]
pub enum Data<'a> {
    /// The caller's bytes.
    Borrowed(&'a [u8]),
    /// Bytes that the call keeps alive.
    Shared(Arc<Vec<u8>>),
}

impl Data<'_> {
    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Data::Borrowed(bytes) => bytes,
            Data::Shared(bytes) => bytes,
        }
    }

    fn into_shared(self) -> Data<'static> {
        match self {
            Data::Borrowed(bytes) => bytes.to_vec().into(),
            Data::Shared(bytes) => Data::Shared(bytes),
        }
    }
}

impl From<Vec<u8>> for Data<'static> {
    fn from(bytes: Vec<u8>) -> Self {
        Data::Shared(Arc::new(bytes))
    }
}

/// What an attachment is.
#[derive(Clone, Debug)]
pub enum Content<'a> {
    /// A decoded picture: 8-bit RGB, row-major, `width * height * 3` bytes.
    Picture {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// The pixels.
        rgb: Data<'a>,
    },
    /// Anything else; the function gets `bytes`.
    Bytes(Data<'a>),
}

impl<'a> Content<'a> {
    pub(crate) fn data(&self) -> &Data<'a> {
        match self {
            Content::Picture { rgb: data, .. } | Content::Bytes(data) => data,
        }
    }

    fn into_owned(self) -> Content<'static> {
        match self {
            Content::Picture { width, height, rgb } => Content::Picture {
                width,
                height,
                rgb: rgb.into_shared(),
            },
            Content::Bytes(data) => Content::Bytes(data.into_shared()),
        }
    }
}

/// A binary argument.
#[derive(Clone, Debug)]
pub struct Attachment<'a> {
    /// The parameter, or any other name for the next free one that takes files; `None` for the next
    /// positional one.
    pub name: Option<String>,
    /// Its value.
    pub content: Content<'a>,
    /// What a form says of a file.
    pub file: FileFacts,
}

/// What a form says of a file beside its bytes.
#[derive(Clone, Debug, Default)]
pub struct FileFacts {
    /// The name that the client gave; `None` for a field that is no file.
    pub name: Option<String>,
    /// Its content type; empty if it has none.
    pub content_type: String,
}

/// One call of a function. Positional values come first, then positional attachments.
#[derive(Clone, Debug, Default)]
pub struct Call<'a> {
    /// The function's name.
    pub function: Cow<'a, str>,
    /// Positional arguments.
    pub positional: Vec<Value>,
    /// Keyword arguments.
    pub named: Map<String, Value>,
    /// Names and texts from a query or a form, in order; a name may occur several times. The worker
    /// converts them to what the function's annotations say.
    pub texts: Vec<(String, String)>,
    /// More keyword arguments: the text of a JSON object, with its numbers as they were sent.
    pub json: Option<String>,
    /// Binary arguments.
    pub attachments: Vec<Attachment<'a>>,
    /// The function in the version of the file that served when it was last looked up.
    resolved: Option<FunctionRef>,
}

impl<'a> Call<'a> {
    /// A call without arguments.
    pub fn new(function: impl Into<Cow<'a, str>>) -> Self {
        Self {
            function: function.into(),
            ..Self::default()
        }
    }

    /// A call without arguments of a function that was looked up before
    /// ([`crate::Plugin::function`]). It is looked up again only after a reload.
    pub fn of(function: FunctionRef) -> Self {
        Self {
            function: function.name.clone().into(),
            resolved: Some(function),
            ..Self::default()
        }
    }

    /// Adds a keyword argument.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.named.insert(name.into(), value.into());
        self
    }

    /// Adds a positional argument.
    pub fn arg(mut self, value: impl Into<Value>) -> Self {
        self.positional.push(value.into());
        self
    }

    /// Adds a picture as the next positional argument.
    pub fn picture(self, image: &'a Image) -> Self {
        self.attach(Content::Picture {
            width: image.width(),
            height: image.height(),
            rgb: Data::Borrowed(image.rgb()),
        })
    }

    /// Adds bytes as the next positional argument.
    pub fn bytes(self, bytes: &'a [u8]) -> Self {
        self.attach(Content::Bytes(Data::Borrowed(bytes)))
    }

    fn attach(mut self, content: Content<'a>) -> Self {
        self.attachments.push(Attachment {
            name: None,
            content,
            file: FileFacts::default(),
        });
        self
    }

    /// The same call with bytes of its own, so that it can wait.
    pub fn into_owned(self) -> Call<'static> {
        let attachments = self.attachments.into_iter().map(|a| Attachment {
            name: a.name,
            content: a.content.into_owned(),
            file: a.file,
        });
        Call {
            function: Cow::Owned(self.function.into_owned()),
            positional: self.positional,
            named: self.named,
            texts: self.texts,
            json: self.json,
            attachments: attachments.collect(),
            resolved: self.resolved,
        }
    }

    /// The bytes of each attachment.
    pub(crate) fn contents(&self) -> impl Iterator<Item = &[u8]> {
        self.attachments.iter().map(|a| a.content.data().as_slice())
    }

    /// Looks the function up in `manifest`, unless that was done before.
    pub(crate) fn resolve(&mut self, manifest: &Arc<Manifest>) -> Result<(), PluginError> {
        let is_current = |f: &FunctionRef| f.generation() == manifest.generation;
        if !self.resolved.as_ref().is_some_and(is_current) {
            self.resolved = Some(manifest.require(&self.function)?);
        }
        Ok(())
    }

    /// What was looked up; `None` before the first worker is ready.
    pub(crate) fn resolved(&self) -> Option<&FunctionRef> {
        self.resolved.as_ref()
    }
}

/// How one call is served.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallOptions {
    /// How long it may run; `None` for the plug-in's limit.
    pub time_limit: Option<Duration>,
    /// Kills the worker when the call is cancelled while it runs. Otherwise the function can ask
    /// (`resight.cancelled()`) and runs on up to its limit.
    pub kill_on_cancel: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(generation: u64, functions: &[&str]) -> Arc<Manifest> {
        let function =
            |name| format!(r#"{{"name": "{name}", "role": "function", "signature": ""}}"#);
        let functions: Vec<String> = functions.iter().map(function).collect();
        let text = format!(
            r#"{{"protocol": 1, "python": "3.13.0", "implementation": "CPython", "gil": true,
            "functions": [{}]}}"#,
            functions.join(",")
        );
        Arc::new(Manifest::read(text.as_bytes(), "h", generation).unwrap())
    }

    #[test]
    fn a_function_is_looked_up_again_only_in_a_new_version_of_the_file() {
        let (old, new) = (manifest(1, &["f", "g"]), manifest(2, &["g", "h"]));
        let mut call = Call::of(old.require("g").unwrap());
        call.resolve(&manifest(1, &[])).unwrap();
        assert_eq!(call.resolved().unwrap().generation(), 1);
        call.resolve(&new).unwrap();
        assert_eq!(call.resolved().unwrap().generation(), 2);
        let mut gone = Call::of(old.require("f").unwrap());
        let error = gone.resolve(&new).unwrap_err();
        assert!(error.to_string().contains("it has: g, h"), "{error}");
    }

    #[test]
    fn an_owned_call_has_the_same_arguments() {
        let image = Image::from_rgb(1, 1, vec![1, 2, 3]).unwrap();
        let call = Call::new("f")
            .arg(1)
            .with("k", 2)
            .picture(&image)
            .bytes(b"ab");
        let owned = call.clone().into_owned();
        assert_eq!(owned.function, call.function);
        assert_eq!(
            (&owned.positional, &owned.named),
            (&call.positional, &call.named)
        );
        let contents: Vec<&[u8]> = owned.contents().collect();
        assert_eq!(contents, [&[1, 2, 3][..], b"ab"]);
    }
}
