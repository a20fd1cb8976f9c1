//! Why a data folder or a part of it cannot be used.

use std::io;
use std::path::{Path, PathBuf};

use crate::Code;
use crate::printable::printable;
use resight_engine::{EngineError, Refused};
use resight_models::ModelError;
use resight_plugin::PluginError;
use resight_store::{CollectionName, StoreError};
use resight_vision::{ExtractError, ModelId};

/// Everything that can fail below a front end. The messages name no command-line flag: a front end
/// adds its own advice.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The engine could not do it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The store could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A model or the runtime for models cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A server that was asked for a change refused it.
    #[error("{detail}")]
    ByServer {
        /// Which error it was there.
        code: Code,
        /// What it said.
        detail: String,
        /// What to do next.
        next_step: String,
    },
    /// A folder has no project of VISE.
    #[error("{}: {why}", printable(&path.to_string_lossy()))]
    NotAViseProject {
        /// What was looked for.
        path: PathBuf,
        /// Why it cannot be used.
        why: String,
    },
    /// No collection has this name.
    #[error("there is no collection named {0}")]
    UnknownCollection(CollectionName),
    /// The default collection always exists.
    #[error("the default collection is always there, and cannot be removed or renamed")]
    DefaultCollection,
    /// Another collection has the name.
    #[error("there is a collection named {0} already")]
    NameTaken(CollectionName),
    /// A removal waited too long for the requests that use the collection.
    #[error("the collection {0} is in use")]
    CollectionInUse(CollectionName),
    /// A data folder is only read, and no picture was ever added to it.
    #[error("nothing is indexed yet in {}", folder.display())]
    NothingIndexed {
        /// The data folder.
        folder: PathBuf,
    },
    /// A data folder has files of pictures and no catalogue.
    #[error("the catalogue of {} is missing, beside the files of its pictures", folder.display())]
    CatalogueLost {
        /// The folder of the collection.
        folder: PathBuf,
    },
    /// A file cannot be read or decoded.
    #[error("{}: {reason}", printable(&path.to_string_lossy()))]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: Refused,
    },
    /// A file cannot be written.
    #[error("{} could not be written: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A number among the settings is outside its range.
    #[error("the {what} is {value} and must be between {least} and {most}")]
    SettingOutOfRange {
        /// What the number counts.
        what: &'static str,
        /// The number.
        value: u64,
        /// The least accepted.
        least: u32,
        /// The greatest accepted.
        most: u32,
    },
    /// The path cannot name a data folder.
    #[error("{:?} cannot name a data folder: {source}", path.display())]
    DataFolderName {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The path cannot name a folder of models.
    #[error("{:?} cannot name a folder: {source}", path.display())]
    ModelsFolderName {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No data folder was named, and the system names none.
    #[error("this user's folder for application data could not be found: {detail}")]
    NoHomeFolder {
        /// What the system says.
        detail: String,
    },
    /// Pictures should be decoded in processes of their own, and none can be started.
    #[error("no process for decoding can be started: {detail}")]
    DecoderNotStarted {
        /// What the system says.
        detail: String,
    },
    /// An ffmpeg was named that does not run.
    #[error("{} cannot read videos: {detail}", printable(&program.to_string_lossy()))]
    FfmpegNotFound {
        /// As it was named.
        program: PathBuf,
        /// Why.
        detail: String,
    },
    /// The data folder is, or lies inside, a folder to be indexed.
    #[error(
        "the data folder {} lies in {}, which is to be indexed and is never written to",
        data.display(),
        pictures.display()
    )]
    DataInsidePictures {
        /// The data folder.
        data: PathBuf,
        /// The folder of pictures.
        pictures: PathBuf,
    },
    /// A plug-in is named after its file, and two files have one name.
    #[error("{} and {} are both named {name:?}", first.display(), second.display())]
    PluginNameTaken {
        /// The file given first.
        first: PathBuf,
        /// The file given later.
        second: PathBuf,
        /// The name of both.
        name: String,
    },
    /// No plug-in and no installed model has the name of the extractor that was chosen.
    #[error(
        "the extractor {name:?} is no plug-in that is given and no model that is installed; there are {}",
        known.join(", ")
    )]
    ExtractorUnknown {
        /// The name that was chosen.
        name: String,
        /// The names to choose from.
        known: Vec<String>,
    },
    /// Several plug-ins can describe pictures, and none was chosen.
    #[error("{} all have an extract, and pictures are described by one", names.join(", "))]
    ExtractorAmbiguous {
        /// The plug-ins' names.
        names: Vec<String>,
    },
    /// A plug-in described the stored pictures and was not given.
    #[error("the stored pictures were described by the plug-in {plugin}")]
    ExtractorNeeded {
        /// The plug-in's name.
        plugin: String,
    },
    /// No picture of the collection has been described by a global model that was asked for.
    #[error("no pictures have been described by the model {name:?} here")]
    ModelNotUsed {
        /// The model's name.
        name: String,
    },
    /// No vocabulary fits the extractor.
    #[error("there is no vocabulary for features of {model}")]
    VocabularyMissing {
        /// The extractor's model.
        model: ModelId,
        /// Whether stored pictures were indexed with one before.
        used_before: bool,
    },
    /// A file holds no vocabulary that this version can read.
    #[error("{} is not a vocabulary: {reason}", path.display())]
    NotAVocabulary {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A folder cannot take a backup.
    #[error("{} cannot take a backup: {why}", printable(&path.to_string_lossy()))]
    BackupTarget {
        /// The folder.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A folder has a backup that seems to be of another data folder.
    #[error("{} has another backup, which stays: {why}", printable(&path.to_string_lossy()))]
    BackupOfAnother {
        /// The folder.
        path: PathBuf,
        /// What speaks for it.
        why: String,
    },
    /// Another process writes a backup or restores it.
    #[error("{} is in use by another backup", path.display())]
    BackupBusy {
        /// The folder.
        path: PathBuf,
    },
    /// What is to be backed up is damaged.
    #[error("the data folder {} is damaged, and the backup before stays: {detail}", path.display())]
    BackupSource {
        /// The folder of the collection.
        path: PathBuf,
        /// What is damaged.
        detail: String,
    },
    /// A folder has no backup that is whole.
    #[error("{} is no backup: {why}", path.display())]
    NoBackup {
        /// The folder or its list of files.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A file of a backup, or a copy of one, does not have the content it should have.
    #[error("{} is damaged: {detail}", path.display())]
    BackupDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The file of API keys cannot be read.
    #[error("the API keys in {} cannot be read: {why}", path.display())]
    KeysDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// There can be no such API key.
    #[error("this key cannot be made: {why}")]
    BadKey {
        /// Why not.
        why: String,
    },
    /// No API key has this id.
    #[error("no API key has the id {0:?}")]
    UnknownKey(String),
    /// The file of webhooks cannot be read.
    #[error("the webhooks in {} cannot be read: {why}", path.display())]
    WebhooksDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// There are as many webhooks as may be.
    #[error("there are as many webhooks as may be, {most}")]
    TooManyWebhooks {
        /// How many there may be.
        most: usize,
    },
    /// No webhook has this id.
    #[error("no webhook has the id {0:?}")]
    UnknownWebhook(String),
    /// No job has this number.
    #[error("there is no job {0}")]
    UnknownJob(u64),
    /// A job has ended, so that it cannot be asked to end.
    #[error("job {0} has ended already")]
    JobEnded(u64),
    /// As many jobs wait as may.
    #[error("as many jobs wait as may wait")]
    TooManyJobs,
    /// A key has as many jobs that wait or run as it may.
    #[error("the key may have {most} jobs that wait or run at once")]
    TooManyJobsOfKey {
        /// How many it may have.
        most: u64,
    },
    /// An export has more bytes than all exports may have.
    #[error("the export has more bytes than all exports together may have, {most}")]
    ExportTooLarge {
        /// How many they may have.
        most: u64,
    },
    /// No registered folder has this number.
    #[error("no registered folder has the number {0}")]
    UnknownFolder(u64),
    /// A path of the server is not one that may be named over HTTP.
    #[error("{} lies in no folder that the server allows", printable(&path.to_string_lossy()))]
    FolderNotAllowed {
        /// The path.
        path: PathBuf,
    },
    /// A path is no folder that can be read.
    #[error("{} is no folder that can be read: {why}", printable(&path.to_string_lossy()))]
    NotAFolder {
        /// The path.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The rules of a folder cannot be used.
    #[error("these rules cannot be used: {0}")]
    BadRules(String),
    /// A backup cannot be restored to a place.
    #[error("nothing can be restored to {}: {why}", printable(&path.to_string_lossy()))]
    RestoreTarget {
        /// The data folder.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// Folders of a collection are looked through, or files of it moved, for longer than somebody waited.
    #[error("folders of the collection {0} are looked through, or files of it moved")]
    FoldersInUse(CollectionName),
    /// Files are not moved by this server.
    #[error("there is no folder that files of duplicates may be moved to")]
    QuarantineOff,
    /// Files cannot be moved there.
    #[error("files of duplicates cannot be moved to {}: {why}", path.display())]
    QuarantineFolder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The folder for files of duplicates, or a file in it, cannot be written to.
    #[error("{} cannot be written to, so no file of a duplicate is moved: {source}", path.display())]
    QuarantineUnwritable {
        /// The folder or file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The folder for files of duplicates is not the one that it was.
    #[error("there is no {}, which lies in the folder for files of duplicates: its disk is away, perhaps", mark.display())]
    QuarantineGone {
        /// The file by which it is known.
        mark: PathBuf,
    },
    /// A folder of pictures lies in the folder for files of duplicates, or around it.
    #[error(
        "{} lies in the folder for files of duplicates, {}, or around it",
        printable(&pictures.to_string_lossy()),
        quarantine.display()
    )]
    QuarantineAmongPictures {
        /// The folder for files of duplicates.
        quarantine: PathBuf,
        /// The folder of pictures.
        pictures: PathBuf,
    },
    /// The program lacks what a setting needs.
    #[error("this program was built without {what}")]
    NotBuiltIn {
        /// What is missing.
        what: &'static str,
    },
    /// The data folder was used with another catalogue, or with other blobs.
    #[error("the data folder {} was used with {used}, and the settings name {asked}", folder.display())]
    OtherStores {
        /// The data folder.
        folder: PathBuf,
        /// Which it was used with, without credentials.
        used: String,
        /// Which are named, without credentials.
        asked: String,
    },
    /// It cannot be done yet with parts outside the data folder.
    #[error("{what} is not possible while the catalogue or the blobs lie outside the data folder")]
    OutsideStore {
        /// What was asked for.
        what: &'static str,
    },
    /// Nothing was moved under this id.
    #[error("there is no resolution {0:?}")]
    UnknownResolution(String),
}

impl From<PluginError> for AppError {
    fn from(error: PluginError) -> Self {
        EngineError::from(ExtractError::from(error)).into()
    }
}

impl AppError {
    /// A file that was named cannot be read or decoded.
    pub fn refused(path: &Path, reason: Refused) -> Self {
        Self::Refused {
            path: path.to_owned(),
            reason,
        }
    }

    /// A file that was named cannot be written.
    pub fn unwritable(path: &Path, source: io::Error) -> Self {
        Self::Unwritable {
            path: path.to_owned(),
            source,
        }
    }

    /// The lines of a plug-in's code that failed.
    pub fn traceback(&self) -> Option<&str> {
        match self {
            Self::Engine(EngineError::Extract(error)) => error.traceback.as_deref(),
            _ => None,
        }
    }

    /// The store's failure, also with the engine around it.
    pub fn store(&self) -> Option<&StoreError> {
        match self {
            Self::Engine(EngineError::Store(error)) | Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use resight_engine::RefusedCode;

    use super::*;

    #[test]
    fn a_refused_file_is_named_and_cannot_steer_the_terminal() {
        let reason = Refused::new(RefusedCode::Broken, "it ends early");
        let error = AppError::refused(Path::new("a\u{1b}[1m.jpg"), reason);
        assert_eq!(error.to_string(), "a?[1m.jpg: it ends early");
        assert_eq!(error.code(), Code::Broken);
        assert_eq!(error.next_step(), RefusedCode::Broken.next_step());
    }

    #[test]
    fn the_store_gets_the_same_advice_with_the_engine_around_it() {
        let full = || StoreError::Full {
            location: "c.db".into(),
        };
        let direct = AppError::Store(full());
        let within = AppError::Engine(EngineError::Store(full()));
        assert_eq!(direct.code(), within.code());
        assert!(direct.store().is_some() && within.store().is_some());
    }
}
