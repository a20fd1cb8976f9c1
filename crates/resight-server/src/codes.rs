//! The one table of error codes: HTTP status, title and next step. `docs/errors.md` repeats it for
//! readers, and a test holds the two together.

use axum::http::StatusCode;
use resight_vision::ExtractError;

/// One error code of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Stable identifier for programs.
    pub code: &'static str,
    /// HTTP status of the answer.
    pub status: StatusCode,
    /// What the code means; the same for every occurrence.
    pub title: &'static str,
    /// What to do now.
    pub next_step: &'static str,
}

const fn row(
    code: &'static str,
    status: StatusCode,
    title: &'static str,
    next_step: &'static str,
) -> Row {
    Row {
        code,
        status,
        title,
        next_step,
    }
}

const CONVERT: &str = "Convert the picture to JPEG or PNG and send that.";
const LOG: &str = "Try again; if it happens again, look in the server's log and report it.";
const ADMIN: &str = "Look in the server's log: it names the file and the reason.";

/// Every code that an answer can carry, grouped by who can help.
pub const TABLE: &[Row] = &[
    // The request itself.
    row(
        "unknown_route",
        StatusCode::NOT_FOUND,
        "There is nothing at this address",
        "Compare the address with the list in /openapi.json.",
    ),
    row(
        "method_not_allowed",
        StatusCode::METHOD_NOT_ALLOWED,
        "This address does not take that method",
        "Use one of the methods in the answer's Allow header.",
    ),
    row(
        "unsupported_media_type",
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "The body's content type is not taken here",
        "Send multipart/form-data with a field named file, or the picture itself as image/* or application/octet-stream.",
    ),
    row(
        "bad_body",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The request's body could not be understood",
        "Correct the body as the detail says; /openapi.json describes each one.",
    ),
    row(
        "bad_parameter",
        StatusCode::UNPROCESSABLE_ENTITY,
        "A parameter is not valid",
        "Correct the parameter that the detail names.",
    ),
    row(
        "upload_too_slow",
        StatusCode::REQUEST_TIMEOUT,
        "The request's body did not arrive in time",
        "Send it again over a faster connection, or send a smaller picture.",
    ),
    row(
        "cross_origin",
        StatusCode::FORBIDDEN,
        "A page of another site may not change anything here",
        "Use the server's own page, or send the request from a program without an Origin header; a proxy in front must pass the Host header on.",
    ),
    row(
        "unknown_host",
        StatusCode::MISDIRECTED_REQUEST,
        "The server does not answer to this name",
        "Use http://localhost and the port, or start the server with --allow-host NAME.",
    ),
    row(
        "bad_query",
        StatusCode::UNPROCESSABLE_ENTITY,
        "This cannot be searched for",
        "Correct what the detail names.",
    ),
    row(
        "no_model",
        StatusCode::UNPROCESSABLE_ENTITY,
        "No model is in use that tells what looks alike",
        "Search with mode=exact, or start the server with --model NAME; `resight models list` names some.",
    ),
    row(
        "bad_features",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The features that were sent cannot be used",
        "Make them anew with POST /v1/features of this server.",
    ),
    // The picture.
    row(
        "empty",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The picture holds no bytes",
        "Choose the file again and check that it is not empty.",
    ),
    row(
        "too_many_bytes",
        StatusCode::PAYLOAD_TOO_LARGE,
        "The picture's file is too large",
        "Save the picture at a smaller size or with stronger compression.",
    ),
    row(
        "too_many_pixels",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The picture has too many pixels",
        "Scale the picture down and send that.",
    ),
    row(
        "too_small",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The picture is too small to be recognised",
        "Use a larger version of the picture.",
    ),
    row(
        "not_an_image",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The file is not a picture",
        "Choose a picture, for example a JPEG or PNG file.",
    ),
    row(
        "format_not_supported",
        StatusCode::UNPROCESSABLE_ENTITY,
        "Pictures of this format cannot be read",
        CONVERT,
    ),
    row(
        "broken",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The picture's data is damaged",
        "Fetch or export the picture again; if it opens elsewhere, save it anew as JPEG or PNG.",
    ),
    row(
        ExtractError::CODE,
        StatusCode::BAD_GATEWAY,
        "The feature extractor failed on this picture",
        "Correct what the detail names in the extractor, or send another picture.",
    ),
    row(
        "model_failed",
        StatusCode::BAD_GATEWAY,
        "The model failed on this picture",
        "Send another picture; `resight models check NAME` tries the model.",
    ),
    row(
        "decoder_failed",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The picture's data made the decoder fail",
        CONVERT,
    ),
    row(
        "unreadable",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The picture's file could not be read",
        "Check that the file is still there and that the server may read it.",
    ),
    row(
        "unknown_picture",
        StatusCode::NOT_FOUND,
        "There is no picture with this id",
        "List the pictures with GET /v1/images; this one may have been removed.",
    ),
    row(
        "unknown_object",
        StatusCode::NOT_FOUND,
        "No picture belongs to this object",
        "List the objects with GET /v1/objects; its pictures may have been removed.",
    ),
    row(
        "too_many_tags",
        StatusCode::UNPROCESSABLE_ENTITY,
        "A picture has 64 tags at most",
        "Remove tags that are no longer needed, or keep such facts as metadata.",
    ),
    row(
        "same_picture",
        StatusCode::UNPROCESSABLE_ENTITY,
        "Both pictures are the same",
        "Give the ids of two different pictures.",
    ),
    row(
        "file_gone",
        StatusCode::GONE,
        "The picture's file is no longer where it was indexed",
        "Put the file back, or index its folder again.",
    ),
    row(
        "unknown_collection",
        StatusCode::NOT_FOUND,
        "There is no collection of this name",
        "List the collections with GET /v1/collections, or make it with PUT.",
    ),
    row(
        "bad_collection_name",
        StatusCode::UNPROCESSABLE_ENTITY,
        "This cannot be done with a collection of this name",
        "Use 1 to 63 of a-z, 0-9, _ and -, the first a letter or a digit; the one named default cannot be removed.",
    ),
    // Plug-ins.
    row(
        "unknown_plugin",
        StatusCode::NOT_FOUND,
        "There is no plug-in of this name",
        "List the plug-ins with GET /v1/plugins.",
    ),
    row(
        "plugin_no_function",
        StatusCode::NOT_FOUND,
        "The plug-in has no such function",
        "Use one of the functions that the detail lists.",
    ),
    row(
        "plugin_raised",
        StatusCode::BAD_GATEWAY,
        "The plug-in's function raised an exception",
        "Look at the line that the traceback names.",
    ),
    row(
        "plugin_bad_result",
        StatusCode::BAD_GATEWAY,
        "The plug-in's function returned what cannot be used",
        "Return what the detail says is expected; `resight plugin check FILE` tries it.",
    ),
    row(
        "plugin_crashed",
        StatusCode::BAD_GATEWAY,
        "The plug-in's function ended its worker process",
        "Look at the cause and the last lines of output; the worker has been replaced.",
    ),
    row(
        "plugin_timeout",
        StatusCode::GATEWAY_TIMEOUT,
        "The plug-in's function took too long",
        "Make the function faster, or raise the plug-in's time limit.",
    ),
    row(
        "plugin_too_much",
        StatusCode::BAD_GATEWAY,
        "The plug-in's function took too much memory or too many processes",
        "Take less memory and fewer processes, or raise the plug-in's limits.",
    ),
    row(
        "plugin_quarantined",
        StatusCode::UNPROCESSABLE_ENTITY,
        "This input ended a worker of the plug-in before",
        "Correct what the reason names and reload the plug-in; other inputs are served.",
    ),
    row(
        "plugin_busy",
        StatusCode::TOO_MANY_REQUESTS,
        "The plug-in has as many calls waiting as it takes",
        "Try again after the time in Retry-After, or start more workers.",
    ),
    row(
        "plugin_broken",
        StatusCode::SERVICE_UNAVAILABLE,
        "The plug-in does not work at present",
        "Correct what the reason names and reload the plug-in; it is retried by itself.",
    ),
    row(
        "plugin_start_failed",
        StatusCode::SERVICE_UNAVAILABLE,
        "The plug-in is not running",
        "Run `resight plugin check FILE` with the same interpreter and correct the error.",
    ),
    row(
        "plugin_protocol",
        StatusCode::BAD_GATEWAY,
        "The plug-in's worker broke its connection to the server",
        "Leave descriptors alone that the code did not open; the worker has been replaced.",
    ),
    row(
        "plugin_too_large",
        StatusCode::BAD_GATEWAY,
        "The plug-in's function returned more than is taken",
        "Return less, or raise the plug-in's limit for results.",
    ),
    row(
        "plugin_model_changed",
        StatusCode::INTERNAL_SERVER_ERROR,
        "The plug-in gives other features now than those that are stored",
        "Index the pictures again with the new model, or set the old version back.",
    ),
    row(
        "plugin_cancelled",
        StatusCode::SERVICE_UNAVAILABLE,
        "The call was taken back",
        "Send the request again.",
    ),
    row(
        "plugin_closed",
        StatusCode::SERVICE_UNAVAILABLE,
        "The plug-in has been shut down",
        "Start the server again.",
    ),
    row(
        "plugin_config",
        StatusCode::INTERNAL_SERVER_ERROR,
        "The plug-in's settings cannot work",
        "Correct the plug-in's settings as the detail says.",
    ),
    row(
        "plugin_io",
        StatusCode::BAD_GATEWAY,
        "The server could not reach the plug-in's worker",
        "Try again; if it stays, look into the server's log.",
    ),
    // The server.
    row(
        "busy",
        StatusCode::SERVICE_UNAVAILABLE,
        "The server has as much work waiting as it takes",
        "Send the request again after the time in the Retry-After header.",
    ),
    row(
        "store_busy",
        StatusCode::SERVICE_UNAVAILABLE,
        "The catalogue is busy with another program's work",
        "Send the request again after the time in the Retry-After header.",
    ),
    row(
        "store_full",
        StatusCode::INSUFFICIENT_STORAGE,
        "The server has no space left",
        "Free space on the disk of the data folder and send the request again; nothing of it was kept.",
    ),
    row(
        "store_io",
        StatusCode::INTERNAL_SERVER_ERROR,
        "The server could not read or write its data folder",
        "Check the permissions of the server's data folder, and its disk; the server's log names the file and the reason.",
    ),
    row(
        "store_damaged",
        StatusCode::INTERNAL_SERVER_ERROR,
        "The server's catalogue is damaged",
        "Stop the server, move its data folder away and index the pictures again; the server's log names the file and the reason.",
    ),
    row(
        "store_missing",
        StatusCode::INTERNAL_SERVER_ERROR,
        "The server's catalogue is missing",
        ADMIN,
    ),
    row(
        "store_newer",
        StatusCode::INTERNAL_SERVER_ERROR,
        "A newer version of the program wrote the server's catalogue",
        "Start the newer version of Resight on this data folder.",
    ),
    row(
        "store_locked",
        StatusCode::INTERNAL_SERVER_ERROR,
        "Another process holds the server's data folder",
        "Stop the other process, then start the server again.",
    ),
    row(
        "store_read_only",
        StatusCode::INTERNAL_SERVER_ERROR,
        "The server has opened its catalogue for reading only",
        LOG,
    ),
    row(
        "store_bad_name",
        StatusCode::INTERNAL_SERVER_ERROR,
        "The server gave a stored file a name that cannot be used",
        LOG,
    ),
    row(
        "store_failed",
        StatusCode::INTERNAL_SERVER_ERROR,
        "The server's catalogue refused an operation",
        LOG,
    ),
    row(
        "model_mismatch",
        StatusCode::INTERNAL_SERVER_ERROR,
        "The stored pictures were described by another model or vocabulary",
        "Start the server with the settings that the data folder was made with.",
    ),
    row(
        "vocabulary_unusable",
        StatusCode::INTERNAL_SERVER_ERROR,
        "The server's vocabulary cannot be used",
        "Start the server with a vocabulary made by resight train, or without one.",
    ),
    row(
        "folder_unreadable",
        StatusCode::INTERNAL_SERVER_ERROR,
        "A folder of pictures could not be read",
        ADMIN,
    ),
    row(
        "cancelled",
        StatusCode::INTERNAL_SERVER_ERROR,
        "The server stopped the work before its end",
        "Send the request again; what was done is kept.",
    ),
    row(
        "internal",
        StatusCode::INTERNAL_SERVER_ERROR,
        "Something in the server went wrong",
        LOG,
    ),
];

const INTERNAL: Row = TABLE[TABLE.len() - 1];

/// The row of `code`; a code that the table lacks is a defect of ours and answered as `internal`.
pub fn find(code: &str) -> &'static Row {
    TABLE
        .iter()
        .find(|row| row.code == code)
        .unwrap_or(&INTERNAL)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_code_is_listed_once_and_internal_stands_last() {
        let codes: HashSet<_> = TABLE.iter().map(|row| row.code).collect();
        assert_eq!(codes.len(), TABLE.len());
        assert_eq!(INTERNAL.code, "internal");
        assert_eq!(find("no such code"), &INTERNAL);
        assert_eq!(find("busy").status, StatusCode::SERVICE_UNAVAILABLE);
    }

    #[test]
    fn every_row_can_be_read() {
        for row in TABLE {
            assert!(row.status.is_client_error() || row.status.is_server_error());
            assert!(!row.title.ends_with('.'), "{}", row.code);
            assert!(row.next_step.ends_with('.'), "{}", row.code);
            assert!(!format!("{}{}", row.title, row.next_step).contains('|'));
        }
    }
}
