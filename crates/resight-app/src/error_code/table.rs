//! The one table of error codes: identifier, HTTP status, title and next step. `docs/errors.md` repeats it
//! for readers, and a test holds the two together.

use super::Row;
use super::declare::codes;

codes! {
    // The request itself.
    UnknownRoute = "unknown_route", Some(404), "There is nothing at this address",
        "Compare the address with the list in /openapi.json.";
    MethodNotAllowed = "method_not_allowed", Some(405), "This address does not take that method",
        "Use one of the methods in the answer's Allow header.";
    UnsupportedMediaType = "unsupported_media_type", Some(415),
        "The body's content type is not taken here",
        "Send multipart/form-data with a field named file, or the picture itself as image/* or application/octet-stream.";
    BadBody = "bad_body", Some(422), "The request's body could not be understood",
        "Correct the body as the detail says; /openapi.json describes each one.";
    BadParameter = "bad_parameter", Some(422), "A parameter is not valid",
        "Correct the parameter that the detail names.";
    IiifBadRequest = "iiif_bad_request", Some(400), "The address of the image is not valid",
        "Correct the part that the detail names; the IIIF Image API 3.0 has their forms.";
    IiifNotImplemented = "iiif_not_implemented", Some(501), "Images of this kind are not drawn",
        "Ask for what the picture's info.json lists.";
    RangeBeyondEnd = "range_beyond_end", Some(416),
        "The part that is asked for lies beyond the file's end",
        "Ask for bytes below the length that the answer's Content-Range header names, or for the whole file.";
    DownloadTooLarge = "download_too_large", Some(422),
        "More pictures are asked for than are sent in one file",
        "Ask for fewer pictures at once, or raise the server's bounds of downloads.";
    QuarantineOff = "quarantine_off", Some(403), "This server moves no files",
        "Remove the pictures alone, or start the server with --quarantine and a folder for the files.";
    QuarantineFolder = "quarantine_folder", Some(500),
        "Files of duplicates cannot be moved to that folder",
        "Choose a folder that neither is in the data folder or a registered folder nor has one of them in it.";
    QuarantineFailed = "quarantine_failed", Some(500), "A file could not be moved",
        "Do what the detail suggests, such as letting the server write to a folder, and ask again: the picture is as it was.";
    QuarantineGone = "quarantine_gone", Some(503), "The folder for files of duplicates is not there",
        "Mount its disk; or, where you have emptied the folder yourself, put an empty file named .resightignore there.";
    QuarantineAmongPictures = "quarantine_among_pictures", Some(422),
        "Files of removed duplicates lie among the pictures",
        "Choose a folder for files of duplicates elsewhere, or name the folders of pictures one by one.";
    FileShared = "file_shared", Some(409), "Another collection has a picture of the file, too",
        "Remove the picture without its file; or have the other collection forget the folder, and remove its picture first.";
    CollectionUnreadable = "collection_unreadable", Some(500),
        "Another collection cannot be read, and may have the file, too",
        "Have an admin of the whole server see to the collection that the detail and the log name; or remove the picture without its file.";
    FileChanged = "file_changed", Some(409), "The file has other bytes than those that were indexed",
        "Index its folder again, and look at the duplicates that there are then.";
    FileNotRegistered = "file_not_registered", Some(403), "The file lies in no registered folder",
        "Register its folder, or remove the picture without its file.";
    FolderGone = "folder_gone", Some(409), "The registered folder of the file is not there",
        "Make the folder available, such as by mounting its disk, and ask again; have it indexed where you emptied it; or remove the picture without its files.";
    UnknownResolution = "unknown_resolution", Some(404), "No files were moved under this id",
        "See the list of resolutions for those there are.";
    NameTaken = "name_taken", Some(409), "Another collection has the name",
        "Choose another name.";
    UploadTooSlow = "upload_too_slow", Some(408), "The request's body did not arrive in time",
        "Send it again over a faster connection, or send a smaller picture.";
    BadCursor = "bad_cursor", Some(422), "The cursor does not belong to this list",
        "Begin again without a cursor, and give `next` back as it is, with the same filters and sort.";
    FilterNeeded = "filter_needed", Some(422), "Changing all pictures needs a condition",
        "Name at least one, such as tag=old; what it would change is counted with dry_run=true.";
    TooManyFiles = "too_many_files", Some(422), "The request has more files than are taken at once",
        "Send the files in several requests.";
    BadArchive = "bad_archive", Some(422), "The archive could not be read",
        "Pack the pictures again, as a ZIP, tar or tar.gz archive.";
    ArchiveTooLarge = "archive_too_large", Some(422),
        "The archive is larger than is taken, or becomes so when it is unpacked",
        "Send the pictures in several smaller archives, or as files of a form.";
    NestedArchive = "nested_archive", Some(422), "There is an archive within the archive",
        "Unpack the inner archive and send its files.";
    EncryptedEntry = "encrypted_entry", Some(422), "The file in the archive is encrypted",
        "Pack it again without a password.";
    EntryNotSupported = "entry_not_supported", Some(422),
        "This kind of entry of an archive is not taken",
        "Pack the files themselves, uncompressed or by Deflate; links, devices and other methods are left out.";
    IdempotencyKeyReused = "idempotency_key_reused", Some(422),
        "The Idempotency-Key belongs to another request",
        "Send each new request with a key of its own.";
    IdempotencyKeyInUse = "idempotency_key_in_use", Some(409),
        "A request with this Idempotency-Key is at work",
        "Wait until the first request is answered, then send it again with the same key.";
    FetchNotAllowed = "fetch_not_allowed", Some(403), "This server does not fetch addresses",
        "Send the file itself; the server fetches public addresses when it is started with --allow-fetch.";
    FetchBadAddress = "fetch_bad_address", Some(422), "The address cannot be fetched",
        "Give an address of http or https without a name or a password in it.";
    FetchForbiddenAddress = "fetch_forbidden_address", Some(403), "The address may not be fetched",
        "Give an address on the public internet, at port 80 or 443, or send the file itself.";
    FetchFailed = "fetch_failed", Some(502), "The address could not be fetched",
        "Open the address elsewhere; when it works there, try again or send the file itself.";
    FetchTooManyRedirects = "fetch_too_many_redirects", Some(502), "The address leads on too often",
        "Give the address at which the picture itself is.";
    FetchWrongType = "fetch_wrong_type", Some(422), "What is at the address is not sent as a picture",
        "Give the address of the picture itself and not of a page with it, or send the file itself.";
    FetchTooSlow = "fetch_too_slow", Some(504), "The address took too long",
        "Try again later, or send the file itself.";
    KeyMissing = "key_missing", Some(401), "This server asks for an API key",
        "Send a key as Authorization: Bearer KEY, or sign in on the page; `resight keys create` makes one.";
    KeyUnknown = "key_unknown", Some(401), "The API key is not accepted",
        "Check that the whole key was sent; one that was revoked is replaced by a new one.";
    KeyEnded = "key_ended", Some(401), "The API key's time is over",
        "Use another key, or sign in again.";
    KeyNotAllowed = "key_not_allowed", Some(403), "The API key does not allow this",
        "Use a key with the scope and for the collection that the detail names.";
    RateLimited = "rate_limited", Some(429), "The API key has reached its limit",
        "Send the request again after the time that the Retry-After header names.";
    BadKey = "bad_key", Some(422), "There can be no such API key",
        "Correct what the detail names.";
    UnknownKey = "unknown_key", Some(404), "No API key has this id",
        "List the keys with GET /v1/keys or `resight keys list`.";
    KeysDamaged = "keys_damaged", Some(503), "The API keys cannot be read",
        "Check that the server's user may read keys.json of the data folder, or put it back from a backup; or stop the server, delete the file and make new keys.";
    CrossOrigin = "cross_origin", Some(403), "A page of another site may not change anything here",
        "Use the server's own page, or send the request from a program without an Origin header; a proxy in front must pass the Host header on.";
    UnknownHost = "unknown_host", Some(421), "The server does not answer to this name",
        "Use http://localhost and the port, or start the server with --allow-host NAME.";
    BadQuery = "bad_query", Some(422), "This cannot be searched for",
        "Correct what the detail names.";
    NoModel = "no_model", Some(422), "No model is in use that tells what looks alike",
        "Search with mode=exact, or start the server with --model NAME; `resight models list` names some.";
    BadFeatures = "bad_features", Some(422), "The features that were sent cannot be used",
        "Make them again with POST /v1/features of this server.";
    // The picture.
    Empty = "empty", Some(422), "The picture holds no bytes",
        "Choose the file again and check that it is not empty.";
    TooManyBytes = "too_many_bytes", Some(413), "The picture's file is too large",
        "Save the picture at a smaller size or with stronger compression.";
    TooManyPixels = "too_many_pixels", Some(422), "The picture has too many pixels",
        "Scale the picture down and send that.";
    TooSmall = "too_small", Some(422), "The picture is too small to be recognised",
        "Use a larger version of the picture.";
    NotAnImage = "not_an_image", Some(422), "The file is not a picture",
        "Choose a picture, for example a JPEG or PNG file.";
    FormatNotSupported = "format_not_supported", Some(422), "Pictures of this format cannot be read",
        "Convert the picture to JPEG or PNG and send that.";
    Broken = "broken", Some(422), "The picture's data is damaged",
        "Fetch or export the picture again; if it opens elsewhere, save it again as JPEG or PNG.";
    VideoUnreadable = "video_unreadable", Some(422), "ffmpeg cannot read the video",
        "Fetch or export the video again; if it plays elsewhere, save it again as MP4 with H.264.";
    ExtractorFailed = "extractor_failed", Some(502), "The feature extractor failed on this picture",
        "Correct what the detail names in the extractor, or send another picture.";
    ModelFailed = "model_failed", Some(502), "The model failed on this picture",
        "Send another picture; `resight models check NAME` tries the model.";
    DecoderFailed = "decoder_failed", Some(422), "The picture's data made the decoder fail",
        "Convert the picture to JPEG or PNG and send that.";
    Unreadable = "unreadable", Some(422), "The picture's file could not be read",
        "Check that the file is still there and that the server may read it.";
    UnknownPicture = "unknown_picture", Some(404), "There is no picture with this id",
        "List the pictures with GET /v1/images; this one may have been removed.";
    UnknownObject = "unknown_object", Some(404), "No picture belongs to this object",
        "List the objects with GET /v1/objects; its pictures may have been removed.";
    TooManyTags = "too_many_tags", Some(422), "A picture has at most 64 tags",
        "Remove tags that are no longer needed, or keep such facts as metadata.";
    SamePicture = "same_picture", Some(422), "Both pictures are the same",
        "Give the ids of two different pictures.";
    FileGone = "file_gone", Some(410), "The picture's file is no longer where it was indexed",
        "Put the file back, or index its folder again.";
    UnknownCollection = "unknown_collection", Some(404), "There is no collection of this name",
        "List the collections with GET /v1/collections, or make it with PUT.";
    BadCollectionName = "bad_collection_name", Some(422),
        "This cannot be done with a collection of this name",
        "Use 1 to 63 of a-z, 0-9, _ and -, the first a letter or a digit; the one named default cannot be removed.";
    // Webhooks.
    BadWebhook = "bad_webhook", Some(422), "There can be no such webhook",
        "Correct what the detail names; remove webhooks that are not needed with DELETE /v1/webhooks/{id}.";
    UnknownWebhook = "unknown_webhook", Some(404), "No webhook has this id",
        "List them with GET /v1/webhooks.";
    // Jobs and registered folders.
    UnknownJob = "unknown_job", Some(404), "There is no job of this number",
        "List the jobs with GET /v1/jobs; those that ended long ago are forgotten.";
    NoExport = "no_export", Some(404), "The job has no file",
        "Make a job of the kind export and wait until it is done; its file is kept for 7 days, unless later ones need the room.";
    ExportTooLarge = "export_too_large", Some(507), "The export has more bytes than exports may have",
        "Raise the server's room for exports, or write the export with `resight export --out FILE`.";
    JobEnded = "job_ended", Some(409), "The job has ended already",
        "Read what it has done with GET /v1/jobs, or make another job.";
    TooManyJobs = "too_many_jobs", Some(429), "The API key has as many jobs as it may",
        "Wait until some of its jobs have ended, or cancel some with DELETE /v1/jobs, and send the request again.";
    UnknownFolder = "unknown_folder", Some(404), "No registered folder has this number",
        "List the folders with GET /v1/folders or `resight folders list`.";
    FolderNotAllowed = "folder_not_allowed", Some(403), "The server does not allow this folder",
        "Start the server with --allow-folder ROOT (for backups --allow-backup ROOT), and name a folder below ROOT by its whole path.";
    NotAFolder = "not_a_folder", Some(422), "A folder cannot be read",
        "Check the name, and that this user may read the folder.";
    DataInsidePictures = "data_inside_pictures", Some(422), "The data folder lies among the pictures",
        "Choose a data folder elsewhere, or index the folders of pictures one by one.";
    BadRules = "bad_rules", Some(422), "The rules of a folder cannot be used",
        "Correct what the detail names: patterns are lines of a .gitignore without an exclamation mark.";
    // Plug-ins.
    UnknownPlugin = "unknown_plugin", Some(404), "There is no plug-in of this name",
        "List the plug-ins with GET /v1/plugins.";
    PluginNoFunction = "plugin_no_function", Some(404), "The plug-in has no such function",
        "Use one of the functions that the detail lists.";
    PluginBadArgument = "plugin_bad_argument", Some(422),
        "The plug-in's function does not take these arguments",
        "Send the arguments that the detail lists; GET /openapi.json describes them.";
    PluginRaised = "plugin_raised", Some(502), "The plug-in's function raised an exception",
        "Look at the line that the traceback names.";
    PluginAnswered = "plugin_answered", Some(502), "The plug-in's function answered with a failure",
        "Do what the detail says; the author of the plug-in wrote it.";
    PluginBadResult = "plugin_bad_result", Some(502),
        "The plug-in's function returned what cannot be used",
        "Return what the detail says is expected; `resight plugin check FILE` tries it.";
    PluginCrashed = "plugin_crashed", Some(502), "The plug-in's function ended its worker process",
        "Look at the cause and the last lines of output; the worker has been replaced.";
    PluginTimeout = "plugin_timeout", Some(504), "The plug-in's function took too long",
        "Make the function faster, or raise the plug-in's time limit.";
    PluginTooMuch = "plugin_too_much", Some(502),
        "The plug-in's function took too much memory or too many processes",
        "Take less memory and fewer processes, or raise the plug-in's limits.";
    PluginQuarantined = "plugin_quarantined", Some(422),
        "This input ended a worker of the plug-in before",
        "Correct what the reason names and reload the plug-in; other inputs are served.";
    PluginBusy = "plugin_busy", Some(429), "The plug-in has as many calls waiting as it takes",
        "Try again after the time in Retry-After, or start more workers.";
    PluginBroken = "plugin_broken", Some(503), "The plug-in does not work at present",
        "Correct what the reason names and reload the plug-in; it is retried by itself.";
    PluginCrashLoop = "plugin_crash_loop", Some(503),
        "The plug-in's function ended one worker after the other",
        "Correct the function as the reason says; it is tried again after Retry-After.";
    PluginStartFailed = "plugin_start_failed", Some(503), "The plug-in is not running",
        "Run `resight plugin check FILE` with the same interpreter and correct the error.";
    PluginProtocol = "plugin_protocol", Some(502),
        "The plug-in's worker broke its connection to the server",
        "Leave descriptors alone that the code did not open; the worker has been replaced.";
    PluginTooLarge = "plugin_too_large", Some(502), "The plug-in's function returned more than is taken",
        "Return less, or raise the plug-in's limit for results.";
    PluginModelChanged = "plugin_model_changed", Some(500),
        "The plug-in gives other features now than those that are stored",
        "Index the pictures again with the new model, or set the old version back.";
    PluginCancelled = "plugin_cancelled", Some(503), "The call was taken back",
        "Send the request again.";
    PluginClosed = "plugin_closed", Some(503),
        "The plug-in has been shut down",
        "Start the server again.";
    PluginConfig = "plugin_config", Some(500),
        "The plug-in's settings cannot work",
        "Correct the plug-in's settings as the detail says.";
    PluginIo = "plugin_io", Some(502),
        "The server could not reach the plug-in's worker",
        "Try again; if it stays, look into the server's log.";
    // The server.
    Busy = "busy", Some(503),
        "The server has as much work waiting as it takes",
        "Send the request again after the time in the Retry-After header.";
    TooManyConnections = "too_many_connections", Some(503),
        "The server has as many connections as it takes",
        "Close connections that are not needed, and send the request again after the time in the Retry-After header.";
    StoreBusy = "store_busy", Some(503), "The catalogue is busy with another program's work",
        "Send the request again after the time in the Retry-After header.";
    StoreUnreachable = "store_unreachable", Some(503),
        "The server does not reach its database or its object store",
        "Send the request again after the time in the Retry-After header; if it stays, the server's log names the address and the reason.";
    DataFolderGone = "data_folder_gone", Some(503),
        "The server's data folder was removed or replaced",
        "Put the data folder back and start the server again; nothing of this request was kept.";
    StoreFull = "store_full", Some(507), "The server has no space left",
        "Free space on the disk of the data folder and send the request again; nothing of it was kept.";
    StoreCutShort = "store_cut_short", Some(500),
        "A change was cut short, and the server may not write to its data folder to undo it",
        "Start the server as a user who may write to the data folder.";
    StoreIo = "store_io", Some(500), "The server could not read or write its data folder",
        "Check the permissions of the server's data folder, and its disk; the server's log names the file and the reason.";
    StoreDamaged = "store_damaged", Some(500), "The server's catalogue is damaged",
        "Stop the server, move its data folder away and index the pictures again; the server's log names the file and the reason.";
    PictureDamaged = "picture_damaged", Some(500),
        "What is stored of a picture is damaged",
        "Stop the server and run `resight verify --repair`; the detail names the picture, which can also be removed and added again.";
    StoreMissing = "store_missing", Some(500), "The server's catalogue is missing",
        "Look in the server's log: it names the file and the reason.";
    StoreNewer = "store_newer", Some(500), "A newer version of the program wrote the server's catalogue",
        "Start the newer version of Resight on this data folder.";
    StoreLocked = "store_locked", Some(500), "Another process holds the server's data folder",
        "Stop the other process, then start the server again.";
    StoreDenied = "store_denied", Some(500), "The database or object store refuses the server's credentials",
        "Start the server with credentials that permit reading, writing, listing and deleting; its log says what was refused.";
    StoreAbsent = "store_absent", Some(500), "There is no database or bucket of the name that the server was given",
        "Create it, or start the server with another address; its log names it.";
    StoreAddress = "store_address", Some(500), "The address of the catalogue or of the blobs cannot be used",
        "Correct the address as the detail says.";
    OutsideStore = "outside_store", Some(501),
        "This is not possible while the catalogue or the blobs lie outside the data folder",
        "See docs/scaling.md for what takes its place.";
    StoreReadOnly = "store_read_only", Some(500), "The server has opened its catalogue for reading only",
        "Try again; if it happens again, look in the server's log and report it.";
    StoreBadName = "store_bad_name", Some(500), "The server gave a stored file a name that cannot be used",
        "Try again; if it happens again, look in the server's log and report it.";
    StoreFailed = "store_failed", Some(500), "The server's catalogue refused an operation",
        "Try again; if it happens again, look in the server's log and report it.";
    ModelMismatch = "model_mismatch", Some(500),
        "The stored pictures were described by another model or vocabulary",
        "Start the server with the settings that the data folder was made with.";
    VocabularyUnusable = "vocabulary_unusable", Some(500),
        "The server's vocabulary cannot be used",
        "Start the server with a vocabulary made by resight train, or without one.";
    FolderUnreadable = "folder_unreadable", Some(500),
        "A folder of pictures could not be read",
        "Look in the server's log: it names the file and the reason.";
    Cancelled = "cancelled", Some(500),
        "The server stopped the work before its end",
        "Send the request again; what was done is kept.";
    Internal = "internal", Some(500),
        "Something in the server went wrong",
        "Try again; if it happens again, look in the server's log and report it.";
    // Opening a data folder.
    WebhooksDamaged = "webhooks_damaged", None, "The webhooks cannot be read",
        "Put webhooks.json of the data folder back from a backup; or move it away, start the server and make the webhooks again.";
    NothingIndexed = "nothing_indexed", None,
        "Nothing is indexed in the data folder yet",
        "Index a folder of pictures first, or name another data folder.";
    CatalogueLost = "catalogue_lost", None,
        "The data folder has files of pictures and no catalogue",
        "Put a backup of the catalogue back, or run `resight index` or `resight serve`: uploaded pictures are added again without names and labels, and folders are indexed again.";
    Unwritable = "unwritable", None,
        "A file could not be written",
        "Check that the folder exists, that there is space, and that this user may write there.";
    NotBuiltIn = "not_built_in", None, "The program was built without what a setting needs",
        "Use a published program, or build one with `--features cluster`.";
    OtherStores = "other_stores", None, "The data folder was used with another catalogue, or with other blobs",
        "Name the same ones again; or, where they were moved on purpose, delete the file stores.json in the data folder.";
    DataFolderName = "data_folder_name", None,
        "The path cannot name a data folder",
        "Name a data folder.";
    ModelsFolderName = "models_folder_name", None,
        "The path cannot name a folder of models",
        "Name a folder for models.";
    NoHomeFolder = "no_home_folder", None,
        "This user's folder for application data could not be found",
        "Name a data folder.";
    DecoderNotStarted = "decoder_not_started", None,
        "No process for decoding can be started",
        "Have pictures decoded in the program's own process, or remove what the detail names.";
    FfmpegNotFound = "ffmpeg_not_found", None,
        "The ffmpeg that was named does not run",
        "Name the program itself, or leave videos out.";
    PluginNameTaken = "plugin_name_taken", None,
        "Two plug-ins have one name",
        "Rename one of the files: a plug-in is named after its file.";
    ExtractorUnknown = "extractor_unknown", None,
        "No extractor has this name",
        "Give the plug-in's file as well, install the model, or choose one of those that the detail names.";
    ExtractorAmbiguous = "extractor_ambiguous", None,
        "Several plug-ins can describe pictures",
        "Choose one of them as the extractor.";
    ExtractorNeeded = "extractor_needed", None,
        "A plug-in that is not given described the stored pictures",
        "Give the plug-in's file, or another data folder.";
    VocabularyMissing = "vocabulary_missing", None,
        "No vocabulary fits the extractor",
        "Index a folder of pictures first: a vocabulary is learnt from them. Or name one.";
    NotAVocabulary = "not_a_vocabulary", None,
        "The file holds no vocabulary",
        "Name a file that `resight train` has written.";
    // Backups.
    BackupTarget = "backup_target", None,
        "The folder cannot take a backup",
        "Name a new folder, or one that has an earlier backup, outside the data folder.";
    BackupOfAnother = "backup_of_another", None,
        "The backup seems to be of another data folder",
        "Check --data and whether its disk is mounted. Name another folder, or give --replace where the backup is to give way.";
    BackupBusy = "backup_busy", None,
        "Another process uses the backup",
        "Wait until it has ended, and try again.";
    BackupSource = "backup_source", None,
        "The data folder is damaged, so the backup before stays",
        "Run `resight verify --repair`, do what it says, and make the backup again.";
    NotAViseProject = "not_a_vise_project", None,
        "The folder has no project of VISE",
        "Name the folder of the project that has filelist.txt, which is called data.";
    NoBackup = "no_backup", None,
        "The folder has no whole backup",
        "Name the folder that `resight backup` was given; where its list is damaged, use another backup.";
    BackupDamaged = "backup_damaged", None,
        "A file does not have the content it should have",
        "Check the disk; make the backup again if the data folder is there, or use another backup.";
    RestoreTarget = "restore_target", None,
        "The data folder cannot be restored there",
        "Name a data folder that does not exist or is empty with --data, outside the backup; in place of a mount point or a link, a folder below it.";
    // Models.
    ModelNotUsed = "model_not_used", None,
        "No stored picture was described by this model",
        "Index a folder with this model first.";
    ModelManifest = "model_manifest", None,
        "A model's description cannot be used",
        "Correct it as docs/models.md describes, and try again.";
    ModelNotInstalled = "model_not_installed", None,
        "No model of this name is installed",
        "Install it with `resight models add` or `pull`.";
    ModelUnknown = "model_unknown", None,
        "No model of this name is known",
        "Choose one that `resight models list` names.";
    ModelKind = "model_kind", None,
        "The model is of another kind",
        "Choose a model of the kind that the detail names.";
    ModelExists = "model_exists", None,
        "A model of this name is installed already",
        "Remove it first, or give yours another name.";
    ModelHash = "model_hash", None,
        "The model's file has changed",
        "Fetch the file again; if it was replaced on purpose, remove the model and add it again.";
    ModelLoad = "model_load", None,
        "The runtime cannot load the model",
        "Compare the file with its description; `resight doctor` names the runtime.";
    RuntimeMissing = "runtime_missing", None,
        "There is no runtime for models",
        "Name another library, or use the built-in runtime.";
    ModelFetch = "model_fetch", None,
        "The model could not be fetched",
        "Correct what the detail names, and try again.";
    ModelIo = "model_io", None,
        "A model's file could not be read or written",
        "Check the folder of models' permissions, and its disk.";
    // Commands.
    Usage = "usage", None,
        "The arguments cannot be understood",
        "Run `resight --help`, or `resight COMMAND --help`.";
    BadConfig = "bad_config", None, "The configuration cannot be used",
        "Correct what the detail names; docs/configuration.md lists all options, and `resight config check` looks for mistakes.";
    Interrupted = "interrupted", None,
        "The command was interrupted",
        "Run the same command again to go on.";
    Output = "output", None,
        "The result could not be written",
        "Check where the output goes.";
    NoSignalHandler = "no_signal_handler", None,
        "Interrupts cannot be listened for",
        "This is a defect or a limit of the system; please report it.";
    KeysNeeded = "keys_needed", None,
        "Others could reach a server that asks for no key",
        "Make a key with `resight keys create me --scope admin`, or serve everyone with --open.";
    PortInUse = "port_in_use", None,
        "Another program listens at this address",
        "Choose another port, for example --listen 127.0.0.1:7778, or port 0 for any free one.";
    ListenAddress = "listen_address", None,
        "This is no address with a port",
        "Write it as in --listen 127.0.0.1:7777 or --listen [::1]:7777.";
    BasePath = "base_path", None,
        "This cannot be the path that all addresses begin with",
        "Write it as in --base-path /photos: letters, digits and -._~ between slashes.";
    TrustedProxy = "trusted_proxy", None,
        "This is no network and no address of a proxy",
        "Write it as in --trusted-proxy 127.0.0.1 or --trusted-proxy 10.0.0.0/8.";
    BadCertificate = "bad_certificate", None, "The certificate for HTTPS cannot be used",
        "Name PEM files that belong together with --tls-cert (the server's certificate first, then those that signed it) and --tls-key.";
    CannotListen = "cannot_listen", None,
        "The server cannot listen at this address",
        "Choose an address of this machine and a port from 1024 upwards with --listen.";
    ServerFailed = "server_failed", None,
        "The server could not go on",
        "Nothing that was acknowledged is lost; start it again, with -v for more.";
    NothingToSay = "nothing_to_say", None,
        "No change of labels was asked for",
        "Give --add, --remove, --object or --metadata.";
    HasOtherFiles = "has_other_files", None,
        "Other files have the bytes of the picture",
        "Forget the path with `resight forget PATH`, or remove the picture with `resight remove ID`.";
    BadLabel = "bad_label", None,
        "A tag, an object or metadata is not valid",
        "Correct it as the sentence before says.";
    GroundTruth = "ground_truth", None,
        "groundtruth.json cannot be used",
        "See `resight eval --help` for the form of groundtruth.json.";
    RelatedUnusable = "related_unusable", None,
        "The list of related pairs cannot be used",
        "Give a text file with two file names a line, separated by a space.";
    DrawingFailed = "drawing_failed", None,
        "The drawing could not be made",
        "Leave --out away to see the numbers alone.";
    NotAPngName = "not_a_png_name", None,
        "The drawing is a PNG, and its name says otherwise",
        "Choose a name that ends in .png.";
    OutIsAPicture = "out_is_a_picture", None,
        "The drawing would replace one of the pictures",
        "Choose another name for the drawing.";
    OutIsNoDrawing = "out_is_no_drawing", None,
        "The drawing would replace a file that is no PNG",
        "Choose another name for the drawing, or remove that file first.";
    PluginName = "plugin_name", None,
        "The name cannot be that of a plug-in",
        "Take 1 to 64 lower-case letters, digits and _, as in my_algorithm.";
    FileExists = "file_exists", None,
        "There is a file of this name already",
        "Choose another name, or remove the file first.";
    PluginCheckFailed = "plugin_check_failed", None,
        "Some of the calls of the plug-in failed",
        "Correct the lines that the tracebacks name, and check again.";
    VerifyFailed = "verify_failed", None,
        "Something that is stored is damaged or missing",
        "Do what the next step of each finding says; docs/cli.md lists the kinds.";
    NotAgreed = "not_agreed", None,
        "What was asked for was not agreed to",
        "Say y when asked, or give --yes.";
}
