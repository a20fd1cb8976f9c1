//! The code and the advice of each error of the application.

use std::borrow::Cow;

use resight_engine::{EngineError, RefusedCode};
use resight_models::ModelError;
use resight_store::StoreError;

use super::Code;
use crate::error::AppError;
use crate::store_advice;

impl AppError {
    /// Which error it is, for programs.
    pub fn code(&self) -> Code {
        match self {
            Self::Engine(error) => error.into(),
            Self::Store(error) => error.into(),
            Self::Model(error) => error.into(),
            Self::ByServer { code, .. } => *code,
            Self::NotAViseProject { .. } => Code::NotAViseProject,
            Self::UnknownCollection(_) => Code::UnknownCollection,
            Self::DefaultCollection => Code::BadCollectionName,
            Self::NameTaken(_) => Code::NameTaken,
            Self::CollectionInUse(_) | Self::FoldersInUse(_) => Code::Busy,
            Self::NothingIndexed { .. } => Code::NothingIndexed,
            Self::CatalogueLost { .. } => Code::CatalogueLost,
            Self::Refused { reason, .. } => reason.code.into(),
            Self::Unwritable { .. } => Code::Unwritable,
            Self::SettingOutOfRange { .. } => Code::BadParameter,
            Self::DataFolderName { .. } => Code::DataFolderName,
            Self::ModelsFolderName { .. } => Code::ModelsFolderName,
            Self::NoHomeFolder { .. } => Code::NoHomeFolder,
            Self::DecoderNotStarted { .. } => Code::DecoderNotStarted,
            Self::FfmpegNotFound { .. } => Code::FfmpegNotFound,
            Self::DataInsidePictures { .. } => Code::DataInsidePictures,
            Self::PluginNameTaken { .. } => Code::PluginNameTaken,
            Self::ExtractorUnknown { .. } => Code::ExtractorUnknown,
            Self::ExtractorAmbiguous { .. } => Code::ExtractorAmbiguous,
            Self::ExtractorNeeded { .. } => Code::ExtractorNeeded,
            Self::ModelNotUsed { .. } => Code::ModelNotUsed,
            Self::VocabularyMissing { .. } => Code::VocabularyMissing,
            Self::NotAVocabulary { .. } => Code::NotAVocabulary,
            Self::BackupTarget { .. } => Code::BackupTarget,
            Self::BackupOfAnother { .. } => Code::BackupOfAnother,
            Self::BackupBusy { .. } => Code::BackupBusy,
            Self::BackupSource { .. } => Code::BackupSource,
            Self::NoBackup { .. } => Code::NoBackup,
            Self::BackupDamaged { .. } => Code::BackupDamaged,
            Self::RestoreTarget { .. } => Code::RestoreTarget,
            Self::QuarantineOff => Code::QuarantineOff,
            Self::QuarantineFolder { .. } => Code::QuarantineFolder,
            Self::QuarantineUnwritable { .. } => Code::QuarantineFailed,
            Self::QuarantineGone { .. } => Code::QuarantineGone,
            Self::QuarantineAmongPictures { .. } => Code::QuarantineAmongPictures,
            Self::UnknownResolution(_) => Code::UnknownResolution,
            Self::NotBuiltIn { .. } => Code::NotBuiltIn,
            Self::OtherStores { .. } => Code::OtherStores,
            Self::OutsideStore { .. } => Code::OutsideStore,
            Self::KeysDamaged { .. } => Code::KeysDamaged,
            Self::BadKey { .. } => Code::BadKey,
            Self::UnknownKey(_) => Code::UnknownKey,
            Self::WebhooksDamaged { .. } => Code::WebhooksDamaged,
            Self::TooManyWebhooks { .. } => Code::BadWebhook,
            Self::UnknownWebhook(_) => Code::UnknownWebhook,
            Self::UnknownJob(_) => Code::UnknownJob,
            Self::JobEnded(_) => Code::JobEnded,
            Self::TooManyJobs => Code::Busy,
            Self::TooManyJobsOfKey { .. } => Code::TooManyJobs,
            Self::ExportTooLarge { .. } => Code::ExportTooLarge,
            Self::UnknownFolder(_) => Code::UnknownFolder,
            Self::FolderNotAllowed { .. } => Code::FolderNotAllowed,
            Self::NotAFolder { .. } => Code::NotAFolder,
            Self::BadRules(_) => Code::BadRules,
        }
    }

    /// A sentence that says what to do next.
    pub fn next_step(&self) -> Cow<'static, str> {
        match self {
            Self::Engine(EngineError::Store(error)) | Self::Store(error) => {
                store_advice::next_step(error).into()
            }
            Self::Engine(error) => error.next_step().into(),
            Self::Model(error) => error.next_step(),
            Self::ByServer { next_step, .. } => next_step.clone().into(),
            Self::Refused { reason, .. } if reason.code == RefusedCode::Unreadable => {
                "Check the name, and that it is a file which this user may read.".into()
            }
            Self::Refused { reason, .. } => reason.code.next_step().into(),
            Self::UnknownCollection(_) => "Name one that exists, or create it first.".into(),
            Self::DefaultCollection => {
                "Remove its pictures, or use a collection of another name.".into()
            }
            other => other.code().next_step().into(),
        }
    }

    /// Whether the settings have to change, rather than the state of the machine.
    pub fn is_wrong_setting(&self) -> bool {
        matches!(
            self,
            Self::Model(ModelError::Unknown { .. } | ModelError::WrongKind { .. })
                | Self::DefaultCollection
                | Self::NameTaken(_)
                | Self::SettingOutOfRange { .. }
                | Self::DataFolderName { .. }
                | Self::ModelsFolderName { .. }
                | Self::DataInsidePictures { .. }
                | Self::PluginNameTaken { .. }
                | Self::ExtractorUnknown { .. }
                | Self::ExtractorAmbiguous { .. }
                | Self::ModelNotUsed { .. }
                | Self::BackupTarget { .. }
                | Self::RestoreTarget { .. }
                | Self::QuarantineFolder { .. }
                | Self::QuarantineAmongPictures { .. }
                | Self::NotBuiltIn { .. }
                | Self::OtherStores { .. }
                | Self::OutsideStore { .. }
                | Self::Store(StoreError::Address { .. })
                | Self::BadKey { .. }
                | Self::UnknownKey(_)
                | Self::UnknownJob(_)
                | Self::JobEnded(_)
                | Self::UnknownFolder(_)
                | Self::BadRules(_)
        )
    }
}
