//! What can be wrong with what is stored.

/// What is wrong with a stored thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FindingKind {
    /// The catalogue's own structure.
    CatalogueDamaged,
    /// A picture's record does not have its checksum.
    RecordDamaged,
    /// The record of a picture's further page or frame does not have its checksum.
    PageDamaged,
    /// A picture's features cannot be read, or are missing.
    FeaturesDamaged,
    /// A picture's visual words cannot be read, or are missing.
    WordsDamaged,
    /// A vector of a global model cannot be read.
    VectorDamaged,
    /// An uploaded picture has no file.
    OriginalMissing,
    /// An uploaded file does not have the bytes that its id names.
    OriginalDamaged,
    /// An uploaded file has no record.
    OriginalUnrecorded,
    /// A thumbnail cannot be decoded.
    ThumbnailDamaged,
    /// A thumbnail has no picture.
    ThumbnailUnrecorded,
    /// A segment of the index cannot be read, or does not agree with the catalogue.
    IndexDamaged,
}

impl FindingKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::CatalogueDamaged,
        Self::RecordDamaged,
        Self::PageDamaged,
        Self::FeaturesDamaged,
        Self::WordsDamaged,
        Self::VectorDamaged,
        Self::OriginalMissing,
        Self::OriginalDamaged,
        Self::OriginalUnrecorded,
        Self::ThumbnailDamaged,
        Self::ThumbnailUnrecorded,
        Self::IndexDamaged,
    ];

    /// Stable identifier for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CatalogueDamaged => "catalogue_damaged",
            Self::RecordDamaged => "record_damaged",
            Self::PageDamaged => "page_damaged",
            Self::FeaturesDamaged => "features_damaged",
            Self::WordsDamaged => "words_damaged",
            Self::VectorDamaged => "vector_damaged",
            Self::OriginalMissing => "original_missing",
            Self::OriginalDamaged => "original_damaged",
            Self::OriginalUnrecorded => "original_unrecorded",
            Self::ThumbnailDamaged => "thumbnail_damaged",
            Self::ThumbnailUnrecorded => "thumbnail_unrecorded",
            Self::IndexDamaged => "index_damaged",
        }
    }

    /// What to do about it, as a sentence.
    pub fn next_step(self) -> &'static str {
        match self {
            Self::CatalogueDamaged => {
                "Repair the data folder, which rebuilds the catalogue's own indexes. If that does not help, put a backup of the data folder in its place, or move the catalogue away: uploaded pictures are then added again, and folders are indexed again."
            }
            Self::RecordDamaged => {
                "Put a backup of the data folder in its place, or remove the picture and add its file and its labels again."
            }
            Self::PageDamaged | Self::FeaturesDamaged | Self::WordsDamaged => {
                "Repair the data folder while the picture's file is where it was indexed, or remove the picture and add its file again."
            }
            Self::VectorDamaged => {
                "Repair the data folder: the model then describes the picture again."
            }
            Self::OriginalMissing | Self::OriginalDamaged => {
                "Upload the file again, repair the data folder while a file of the same bytes is at one of the picture's paths, or remove the picture."
            }
            Self::OriginalUnrecorded => {
                "Open the data folder for indexing or serving: the file is added again."
            }
            Self::ThumbnailDamaged | Self::ThumbnailUnrecorded => {
                "Repair the data folder, or delete the file while nothing has the folder open: a thumbnail is made from its picture where it is missing."
            }
            Self::IndexDamaged => {
                "Open the data folder for indexing or serving: the index is rebuilt from the catalogue."
            }
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub kind: FindingKind,
    /// Which picture, file or folder.
    pub thing: String,
    /// What was found.
    pub detail: String,
    /// The picture's key in the catalogue, where it is about one.
    pub key: Option<u64>,
    /// The id of the model, where it is about a vector.
    pub model: Option<String>,
}

/// What was checked, and what was wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Pictures checked.
    pub pictures: u64,
    /// Uploaded files checked.
    pub originals: u64,
    /// Thumbnails checked. One that is missing is made when it is asked for.
    pub thumbnails: u64,
    /// Files of indexed folders.
    pub sources: u64,
    /// Those that are not where they were indexed: on a disk that is not mounted, perhaps.
    pub sources_away: u64,
    /// Pictures without checksums, stored by an earlier version.
    pub without_checksums: u64,
    /// Everything that is wrong.
    pub findings: Vec<Finding>,
}

impl Verification {
    pub(super) fn find(&mut self, kind: FindingKind, thing: impl ToString, detail: impl ToString) {
        self.findings.push(Finding {
            kind,
            thing: thing.to_string(),
            detail: detail.to_string(),
            key: None,
            model: None,
        });
    }

    pub(super) fn find_of(
        &mut self,
        key: u64,
        kind: FindingKind,
        thing: impl ToString,
        detail: impl ToString,
    ) {
        self.find(kind, thing, detail);
        if let Some(finding) = self.findings.last_mut() {
            finding.key = Some(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_kind_has_a_name_of_its_own_and_a_next_step() {
        let names: HashSet<&str> = FindingKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(names.len(), FindingKind::ALL.len());
        assert!(
            FindingKind::ALL
                .iter()
                .all(|kind| kind.next_step().ends_with('.'))
        );
    }
}
