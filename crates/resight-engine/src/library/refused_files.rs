//! Files that could not be read, and which of them are no pictures at all.

use std::path::Path;

use resight_decode::RefusedCode;

use super::Library;
use crate::error::EngineError;
use crate::stored_path::path_of_text;

/// A file that could not be read as a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedFile {
    /// Its path, as [`crate::Picture::sources`] has paths.
    pub path: String,
    /// Stable code.
    pub code: String,
    /// What was wrong with it.
    pub detail: String,
    /// When it was tried, in milliseconds since 1970 (UTC).
    pub seen_ms: i64,
}

/// What a refused file is, as far as its content and the ending of its name tell. In the order of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusedKind {
    /// A picture that is damaged or incomplete, or a file with a picture's name that contains none.
    Broken,
    /// A picture that was refused for another reason, a video that ffmpeg cannot read, or a file of which nothing is
    /// known.
    Other,
    /// A file that lies beside pictures: a sidecar, a video, a text.
    NoPicture,
}

/// Endings of pictures, also of those that cannot be read. A file of such a name without a picture in it is
/// broken.
const OF_PICTURES: &[&str] = &[
    "3fr", "apng", "arw", "avif", "bmp", "cr2", "cr3", "crw", "dib", "dng", "erf", "exr", "gif",
    "heic", "heif", "hif", "ico", "iiq", "j2k", "jfif", "jp2", "jpe", "jpeg", "jpf", "jpg", "jpx",
    "jxl", "kdc", "mrw", "nef", "nrw", "orf", "pam", "pbm", "pcx", "pef", "pgm", "png", "pnm",
    "ppm", "psb", "psd", "qoi", "raf", "rw2", "rwl", "sr2", "srf", "srw", "svg", "svgz", "tga",
    "tif", "tiff", "webp", "x3f",
];

/// Endings of videos, sound, archives and documents: whatever they were refused for, they are no pictures.
const OF_OTHERS: &[&str] = &[
    "3g2", "3gp", "7z", "aac", "aae", "avi", "db", "dmg", "doc", "docx", "flac", "flv", "gz",
    "html", "insv", "iso", "json", "lrv", "m2ts", "m4a", "m4v", "mkv", "mov", "mp3", "mp4", "mpeg",
    "mpg", "mts", "ogg", "ogv", "opus", "rar", "tar", "tgz", "txt", "vob", "wav", "webm", "wmv",
    "xls", "xlsx", "xml", "xmp", "xz", "zip",
];

impl RefusedKind {
    /// Of a file that was refused with this code.
    pub fn of(code: &str, path: &Path) -> Self {
        use RefusedCode::{
            Broken, DecoderFailed, Empty, FormatNotSupported, NotAnImage, TooManyBytes,
            VideoUnreadable,
        };
        let ending = ending_of(path);
        let is_one_of = |endings: &[&str]| endings.contains(&&*ending);
        match RefusedCode::from_str(code) {
            Some(VideoUnreadable) => Self::Other,
            Some(DecoderFailed) if is_one_of(OF_OTHERS) => Self::Other,
            Some(Broken | DecoderFailed) => Self::Broken,
            Some(Empty | NotAnImage) if is_one_of(OF_PICTURES) => Self::Broken,
            Some(Empty | NotAnImage) => Self::NoPicture,
            Some(FormatNotSupported | TooManyBytes) if is_one_of(OF_OTHERS) => Self::NoPicture,
            _ => Self::Other,
        }
    }
}

/// The last part of a file's name, in lower case and without its dot, as files that are no pictures are
/// counted by; empty where there is none, or none that looks like one.
pub fn ending_of(path: &Path) -> String {
    let ending = path.extension().and_then(|ending| ending.to_str());
    let is_one = |ending: &&str| {
        ending.len() <= 10 && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    ending
        .filter(is_one)
        .unwrap_or_default()
        .to_ascii_lowercase()
}

/// Conditions of a list of refused files; without one, all are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefusedFilter {
    /// Only files with one of these codes; empty for all.
    pub codes: Vec<RefusedCode>,
    /// Only files of this kind.
    pub kind: Option<RefusedKind>,
}

impl RefusedFilter {
    fn means(&self, file: &RefusedFile) -> bool {
        let has_code = |code: &RefusedCode| code.as_str() == file.code;
        (self.codes.is_empty() || self.codes.iter().any(has_code))
            && self.kind.is_none_or(|kind| kind == file.kind())
    }
}

impl RefusedFile {
    /// What the file is.
    pub fn kind(&self) -> RefusedKind {
        RefusedKind::of(&self.code, &path_of_text(&self.path))
    }
}

/// Refusals read at once.
const PAGE: usize = 1000;

impl Library {
    /// A page of the files that could not be read, by ascending path, from above `after`.
    pub fn refusals(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<RefusedFile>, EngineError> {
        self.refusals_matching(&RefusedFilter::default(), after, limit)
    }

    /// As [`Library::refusals`], of the files that `filter` means.
    pub fn refusals_matching(
        &self,
        filter: &RefusedFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<RefusedFile>, EngineError> {
        let mut found = Vec::new();
        let mut after = after.map(str::to_owned);
        while found.len() < limit {
            let most = match filter == &RefusedFilter::default() {
                true => (limit - found.len()).min(PAGE),
                false => PAGE,
            };
            let page = self
                .catalogue()
                .refusals_under("", after.as_deref(), most)?;
            let Some(last) = page.last() else { break };
            let is_last = page.len() < most;
            after = Some(last.source.path.clone());
            let files = page.into_iter().map(|refusal| RefusedFile {
                path: refusal.source.path,
                code: refusal.code,
                detail: refusal.reason,
                seen_ms: refusal.seen_ms,
            });
            found.extend(files.filter(|file| filter.means(file)));
            if is_last {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    /// The refused file at exactly this path.
    pub fn refusal(&self, path: &str) -> Result<Option<RefusedFile>, EngineError> {
        // The path itself is the first of all that begin with it.
        let first = self.catalogue().refusals_under(path, None, 1)?;
        let mut same = first
            .into_iter()
            .filter(|refusal| refusal.source.path == path);
        Ok(same.next().map(|refusal| RefusedFile {
            path: refusal.source.path,
            code: refusal.code,
            detail: refusal.reason,
            seen_ms: refusal.seen_ms,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_file_is_told_from_what_lies_beside_pictures() {
        use RefusedKind::{Broken, NoPicture, Other};
        let cases = [
            ("broken", "a.jpg", Broken),
            ("broken", "a.json", Broken),
            ("decoder_failed", "a", Broken),
            ("decoder_failed", "a.mp4", Other),
            ("video_unreadable", "a.mp4", Other),
            ("video_unreadable", "a.jpg", Other),
            ("not_an_image", "IMG_7.JPG", Broken),
            ("empty", "a.heic", Broken),
            ("not_an_image", "a.jpg.json", NoPicture),
            ("not_an_image", "Thumbs.db", NoPicture),
            ("not_an_image", "notes", NoPicture),
            ("empty", "a.AAE", NoPicture),
            ("format_not_supported", "a.MOV", NoPicture),
            ("format_not_supported", "a.psd", Other),
            ("too_many_bytes", "disk.iso", NoPicture),
            ("too_many_bytes", "a.tif", Other),
            ("too_small", "a.json", Other),
            ("unreadable", "a.xmp", Other),
            ("a later version's", "a.xmp", Other),
        ];
        for (code, name, kind) in cases {
            assert_eq!(
                RefusedKind::of(code, Path::new(name)),
                kind,
                "{code} {name}"
            );
        }
    }

    #[test]
    fn endings_are_lower_case_and_short() {
        let cases = [
            ("a.JSON", "json"),
            ("a.jpg.xmp", "xmp"),
            ("a", ""),
            (".hidden", ""),
            ("a. and more", ""),
            ("a.much longer than that", ""),
            ("a.", ""),
        ];
        for (name, ending) in cases {
            assert_eq!(ending_of(Path::new(name)), ending, "{name}");
        }
    }
}
