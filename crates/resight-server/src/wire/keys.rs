//! API keys and sessions.

use resight_app::keys::Key;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::timestamp;

/// A key without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyPresented {
    /// Twelve hexadecimal digits, by which it is revoked.
    #[schema(example = "0a1b2c3d4e5f")]
    id: String,
    /// What it is for.
    name: String,
    /// What it allows: search, read, add, delete or admin, which is all of them.
    #[schema(example = json!(["search", "read"]))]
    scopes: Vec<&'static str>,
    /// The collections it is good for; null for all.
    #[schema(required)]
    collections: Option<Vec<String>>,
    /// When it was made (RFC 3339, UTC).
    #[schema(format = DateTime)]
    created: String,
    /// When it ends; null for never.
    #[schema(required, format = DateTime)]
    expires: Option<String>,
    /// Whether it has ended.
    ended: bool,
    /// When it was last used, to the minute; null for never.
    #[schema(required, format = DateTime)]
    last_used: Option<String>,
    /// Requests that it may make a minute; null for any number.
    #[schema(required)]
    per_minute: Option<u32>,
    /// Requests that it may make at once; null for any number.
    #[schema(required)]
    at_once: Option<u32>,
}

impl From<&Key> for KeyPresented {
    fn from(key: &Key) -> Self {
        let names = key.collections.as_ref();
        Self {
            id: key.id.clone(),
            name: key.name.clone(),
            scopes: key.scopes.iter().map(|scope| scope.as_str()).collect(),
            collections: names.map(|names| names.iter().map(ToString::to_string).collect()),
            created: timestamp(key.created_ms),
            expires: key.expires_ms.map(timestamp),
            ended: key.has_ended(),
            last_used: key.used_ms.map(timestamp),
            per_minute: key.per_minute,
            at_once: key.at_once,
        }
    }
}

impl KeyPresented {
    /// What [`KeyPresented::row`] shows.
    pub const HEADINGS: [&str; 6] = [
        "id",
        "name",
        "scopes",
        "collections",
        "expires",
        "last used",
    ];

    /// The key as a row of a table.
    pub fn row(&self) -> Vec<String> {
        let time = |time: &Option<String>| time.clone().unwrap_or_else(|| "never".into());
        let ended = if self.ended { " (ended)" } else { "" };
        let collections = self.collections.as_ref();
        vec![
            self.id.clone(),
            self.name.clone(),
            self.scopes.join(","),
            collections.map_or("all".into(), |names| names.join(",")),
            format!("{}{ended}", time(&self.expires)),
            time(&self.last_used),
        ]
    }
}

/// All keys.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyList {
    /// The oldest first.
    pub keys: Vec<KeyPresented>,
}

/// A key that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyMade {
    /// What requests carry as `Authorization: Bearer SECRET`. It is shown now and never again.
    pub secret: String,
    /// The key.
    #[serde(flatten)]
    pub key: KeyPresented,
}

/// A key that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyWanted {
    /// What it is for, 1 to 100 bytes.
    #[schema(min_length = 1, max_length = 100)]
    pub(crate) name: String,
    /// What it allows: search, read, add, delete, admin.
    #[schema(min_items = 1)]
    pub(crate) scopes: Vec<String>,
    /// The collections it is good for; all without it.
    pub(crate) collections: Option<Vec<String>>,
    /// After how many days it ends, at least 1; never without it.
    #[schema(minimum = 1)]
    pub(crate) lasts_days: Option<u32>,
    /// Requests that it may make a minute, at least 1; any number without it.
    #[schema(minimum = 1)]
    pub(crate) per_minute: Option<u32>,
    /// Requests that it may make at once, at least 1; any number without it.
    #[schema(minimum = 1)]
    pub(crate) at_once: Option<u32>,
}

/// A key to be exchanged for a cookie.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionWanted {
    /// The key's secret.
    pub(crate) key: String,
}

/// What a session or a key stands for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionState {
    /// The key of the request or of its session; null where the server asks for none.
    #[schema(required)]
    pub(crate) key: Option<KeyPresented>,
}
