//! Webhooks.

use resight_app::webhooks::Webhook;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::timestamp;

/// An address to which the server reports jobs that have ended, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookShown {
    /// Twelve hexadecimal digits, by which it is removed.
    #[schema(example = "0a1b2c3d4e5f")]
    id: String,
    /// Where messages are sent.
    url: String,
    /// When it was made (RFC 3339, UTC).
    #[schema(format = DateTime)]
    created: String,
    /// The id of the key that made it; null without one.
    #[schema(required)]
    made_by: Option<String>,
}

impl From<&Webhook> for WebhookShown {
    fn from(hook: &Webhook) -> Self {
        Self {
            id: hook.id.clone(),
            url: hook.url.clone(),
            created: timestamp(hook.made_ms),
            made_by: hook.made_by.clone(),
        }
    }
}

/// All webhooks.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookList {
    /// The oldest first.
    pub webhooks: Vec<WebhookShown>,
}

/// A webhook that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookWanted {
    /// Where messages are to be sent: http or https.
    #[schema(example = "https://example.org/resight")]
    pub(crate) url: String,
}

/// A webhook that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookMade {
    /// What messages are signed with, in the form of Standard Webhooks. It is shown once.
    #[schema(example = "whsec_…")]
    pub secret: String,
    /// The webhook.
    pub webhook: WebhookShown,
}
