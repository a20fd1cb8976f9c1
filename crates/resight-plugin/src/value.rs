//! What a function is called with, and what it answers.

use std::borrow::Cow;
use std::sync::Arc;

use resight_vision::Image;
use serde_json::{Map, Value};

/// Bytes that are borrowed for a call at once, or shared with one that waits.
#[derive(Clone, Debug)]
pub enum Data<'a> {
    /// The caller's.
    Borrowed(&'a [u8]),
    /// Kept alive by whoever holds it.
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
            Data::Borrowed(bytes) => Data::Shared(Arc::new(bytes.to_vec())),
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
    /// Anything else, given to the function as `bytes`.
    Bytes(Data<'a>),
}

/// A binary argument.
#[derive(Clone, Debug)]
pub struct Attachment<'a> {
    /// The parameter; `None` for the next positional one.
    pub name: Option<String>,
    /// Its value.
    pub content: Content<'a>,
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
    /// Binary arguments.
    pub attachments: Vec<Attachment<'a>>,
}

impl<'a> Call<'a> {
    /// A call without arguments.
    pub fn new(function: impl Into<Cow<'a, str>>) -> Self {
        Self {
            function: function.into(),
            ..Self::default()
        }
    }

    /// With a keyword argument.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.named.insert(name.into(), value.into());
        self
    }

    /// With a positional argument.
    pub fn arg(mut self, value: impl Into<Value>) -> Self {
        self.positional.push(value.into());
        self
    }

    /// With a picture as the next positional argument.
    pub fn picture(mut self, image: &'a Image) -> Self {
        self.attachments.push(Attachment {
            name: None,
            content: Content::Picture {
                width: image.width(),
                height: image.height(),
                rgb: Data::Borrowed(image.rgb()),
            },
        });
        self
    }

    /// With bytes as the next positional argument.
    pub fn bytes(mut self, bytes: &'a [u8]) -> Self {
        self.attachments.push(Attachment {
            name: None,
            content: Content::Bytes(Data::Borrowed(bytes)),
        });
        self
    }

    /// The same call, owning its bytes: one that has to wait.
    pub fn into_owned(self) -> Call<'static> {
        Call {
            function: Cow::Owned(self.function.into_owned()),
            positional: self.positional,
            named: self.named,
            attachments: self
                .attachments
                .into_iter()
                .map(|a| Attachment {
                    name: a.name,
                    content: match a.content {
                        Content::Picture { width, height, rgb } => Content::Picture {
                            width,
                            height,
                            rgb: rgb.into_shared(),
                        },
                        Content::Bytes(data) => Content::Bytes(data.into_shared()),
                    },
                })
                .collect(),
        }
    }

    /// The bytes of each attachment.
    pub(crate) fn contents(&self) -> impl Iterator<Item = &[u8]> {
        self.attachments.iter().map(|a| match &a.content {
            Content::Picture { rgb, .. } => rgb.as_slice(),
            Content::Bytes(data) => data.as_slice(),
        })
    }
}

/// Rows of descriptors as an author gave them.
#[derive(Clone, Debug, PartialEq)]
pub enum Rows {
    /// 32-bit floats, finite.
    Float(Vec<f32>),
    /// Bytes: small integers, or packed bits.
    Bytes(Vec<u8>),
}

/// What `extract` returned, checked: `keypoints.len() * dimension` values in `rows`.
#[derive(Clone, Debug, PartialEq)]
pub struct Local {
    /// Where.
    pub keypoints: Vec<resight_vision::Keypoint>,
    /// Values in one row.
    pub dimension: usize,
    /// What it looks like there.
    pub rows: Rows,
}

/// What a function returned.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Anything that JSON can say.
    Json(Value),
    /// Bytes with their content type.
    Bytes {
        /// As the function said, else `application/octet-stream`.
        content_type: String,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A picture, to be encoded.
    Picture(Image),
    /// `extract`'s features of one picture.
    Local(Local),
    /// `embed`'s vector of one picture, as it was given.
    Vector(Vec<f32>),
}
