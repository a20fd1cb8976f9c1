//! Stable identifiers of everything that can go wrong, and the title and next step of each.

mod declare;
mod of_errors;
mod table;

use resight_engine::{EngineError, RefusedCode};
use resight_models::ModelError;
use resight_plugin::PluginError;
use resight_store::StoreError;

pub use table::Code;

/// What belongs to a code.
struct Row {
    text: &'static str,
    /// `None`: the HTTP API never answers with it.
    status: Option<u16>,
    title: &'static str,
    next_step: &'static str,
}

impl Code {
    /// The identifier as programs read it, for example `store_full`.
    pub const fn as_str(self) -> &'static str {
        self.row().text
    }

    /// The code with this identifier.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }

    /// Whether the HTTP API answers with it; the other codes are those of commands.
    pub const fn is_http(self) -> bool {
        self.row().status.is_some()
    }

    /// HTTP status, 400 to 599. Codes that the HTTP API does not document have 500.
    pub const fn http_status(self) -> u16 {
        match self.row().status {
            Some(status) => status,
            None => 500,
        }
    }

    /// What the code means, without a full stop; the same for every occurrence.
    pub const fn title(self) -> &'static str {
        self.row().title
    }

    /// What to do now, as a sentence.
    pub const fn next_step(self) -> &'static str {
        self.row().next_step
    }
}

impl From<RefusedCode> for Code {
    fn from(code: RefusedCode) -> Self {
        match code {
            RefusedCode::Empty => Self::Empty,
            RefusedCode::TooManyBytes => Self::TooManyBytes,
            RefusedCode::TooManyPixels => Self::TooManyPixels,
            RefusedCode::TooSmall => Self::TooSmall,
            RefusedCode::NotAnImage => Self::NotAnImage,
            RefusedCode::FormatNotSupported => Self::FormatNotSupported,
            RefusedCode::Broken => Self::Broken,
            RefusedCode::VideoUnreadable => Self::VideoUnreadable,
            RefusedCode::ExtractorFailed => Self::ExtractorFailed,
            RefusedCode::DecoderFailed => Self::DecoderFailed,
            RefusedCode::Unreadable => Self::Unreadable,
        }
    }
}

impl From<&StoreError> for Code {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Locked { .. } => Self::StoreLocked,
            StoreError::Damaged { .. } => Self::StoreDamaged,
            StoreError::PictureDamaged { .. } => Self::PictureDamaged,
            StoreError::Newer { .. } => Self::StoreNewer,
            StoreError::Missing { .. } => Self::StoreMissing,
            StoreError::Io { .. } => Self::StoreIo,
            StoreError::CutShort { .. } => Self::StoreCutShort,
            StoreError::Full { .. } => Self::StoreFull,
            StoreError::Gone { .. } => Self::DataFolderGone,
            StoreError::Busy { .. } => Self::StoreBusy,
            StoreError::Unreachable { .. } => Self::StoreUnreachable,
            StoreError::Denied { .. } => Self::StoreDenied,
            StoreError::Absent { .. } => Self::StoreAbsent,
            StoreError::Address { .. } => Self::StoreAddress,
            StoreError::ReadOnly => Self::StoreReadOnly,
            StoreError::BadName { .. } => Self::StoreBadName,
            StoreError::Failed { .. } => Self::StoreFailed,
        }
    }
}

impl From<&EngineError> for Code {
    fn from(error: &EngineError) -> Self {
        match error {
            EngineError::Refused(refused) => refused.code.into(),
            EngineError::BadQuery(_) => Self::BadQuery,
            EngineError::NoModel => Self::NoModel,
            EngineError::BadFeatures(_) => Self::BadFeatures,
            EngineError::UnknownPicture(_) => Self::UnknownPicture,
            EngineError::UnknownObject(_) => Self::UnknownObject,
            EngineError::TooManyTags => Self::TooManyTags,
            EngineError::SamePicture(_) => Self::SamePicture,
            EngineError::FileGone { .. } => Self::FileGone,
            EngineError::FolderUnreadable { .. } => Self::FolderUnreadable,
            EngineError::ModelMismatch { .. } => Self::ModelMismatch,
            // An extractor gives its code as text: it may be a plug-in's, a model's or one's own.
            EngineError::Extract(error) => Self::parse(error.code).unwrap_or(Self::ExtractorFailed),
            EngineError::Vocabulary(_) => Self::VocabularyUnusable,
            EngineError::Cancelled => Self::Cancelled,
            EngineError::Store(error) => error.into(),
            EngineError::Internal(_) => Self::Internal,
        }
    }
}

impl From<&ModelError> for Code {
    fn from(error: &ModelError) -> Self {
        match error {
            ModelError::Manifest { .. } => Self::ModelManifest,
            ModelError::NotInstalled { .. } => Self::ModelNotInstalled,
            ModelError::Unknown { .. } => Self::ModelUnknown,
            ModelError::WrongKind { .. } => Self::ModelKind,
            ModelError::Exists { .. } => Self::ModelExists,
            ModelError::Hash { .. } => Self::ModelHash,
            ModelError::Load { .. } => Self::ModelLoad,
            ModelError::Run { .. } | ModelError::Output { .. } => Self::ModelFailed,
            ModelError::Runtime { .. } => Self::RuntimeMissing,
            ModelError::Fetch { .. } => Self::ModelFetch,
            ModelError::Io { .. } => Self::ModelIo,
        }
    }
}

impl From<&PluginError> for Code {
    fn from(error: &PluginError) -> Self {
        match error {
            PluginError::Config { .. } => Self::PluginConfig,
            PluginError::NoFunction { .. } => Self::PluginNoFunction,
            PluginError::BadArgument { .. } => Self::PluginBadArgument,
            PluginError::Raised { .. } => Self::PluginRaised,
            PluginError::Answered { .. } => Self::PluginAnswered,
            PluginError::BadResult { .. } => Self::PluginBadResult,
            PluginError::Crashed { .. } => Self::PluginCrashed,
            PluginError::Timeout { .. } => Self::PluginTimeout,
            PluginError::TooMuch { .. } => Self::PluginTooMuch,
            PluginError::Quarantined { .. } => Self::PluginQuarantined,
            PluginError::Busy { .. } => Self::PluginBusy,
            PluginError::Broken { .. } => Self::PluginBroken,
            PluginError::CrashLoop { .. } => Self::PluginCrashLoop,
            PluginError::StartFailed { .. } => Self::PluginStartFailed,
            PluginError::Protocol { .. } => Self::PluginProtocol,
            PluginError::TooLarge { .. } => Self::PluginTooLarge,
            PluginError::ModelChanged { .. } => Self::PluginModelChanged,
            PluginError::Cancelled => Self::PluginCancelled,
            PluginError::Closed => Self::PluginClosed,
            PluginError::Io { .. } => Self::PluginIo,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_identifier_belongs_to_one_code() {
        let texts: HashSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
        for &code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(code));
        }
        assert_eq!(Code::parse("no such code"), None);
    }

    #[test]
    fn every_row_can_be_read() {
        for code in Code::ALL {
            let (title, next_step) = (code.title(), code.next_step());
            assert!((400..600).contains(&code.http_status()), "{code:?}");
            assert!(!title.ends_with('.'), "{code:?}");
            assert!(next_step.ends_with('.'), "{code:?}");
            assert!(!format!("{title}{next_step}").contains('|'), "{code:?}");
        }
    }

    #[test]
    fn the_crates_below_spell_their_codes_as_the_table_does() {
        let refused = RefusedCode::ALL.map(RefusedCode::as_str);
        for text in [&refused[..], StoreError::CODES, EngineError::CODES].concat() {
            assert!(Code::parse(text).is_some_and(Code::is_http), "{text}");
        }
        for code in RefusedCode::ALL {
            assert_eq!(Code::from(code).as_str(), code.as_str());
        }
        let full = StoreError::Full {
            location: "c.db".into(),
        };
        assert_eq!(Code::from(&full).as_str(), full.code());
        let closed = PluginError::Closed;
        assert_eq!(Code::from(&closed).as_str(), closed.code());
    }

    #[test]
    fn the_document_lists_exactly_the_codes_of_the_table() {
        let document = include_str!("../../../../docs/errors.md");
        let listed: Vec<&str> = document
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect();
        let row = |code: &Code| {
            let (text, title, next_step) = (code.as_str(), code.title(), code.next_step());
            if code.is_http() {
                format!(
                    "| `{text}` | {} | {title} | {next_step} |",
                    code.http_status()
                )
            } else {
                format!("| `{text}` | {title} | {next_step} |")
            }
        };
        let wanted: Vec<String> = Code::ALL.iter().map(row).collect();
        assert_eq!(
            listed,
            wanted,
            "docs/errors.md must hold these lines:\n{}\n",
            wanted.join("\n")
        );
    }
}
