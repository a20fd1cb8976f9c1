//! When keys are asked for.

use std::sync::Arc;

use resight_app::keys::Keys;

/// When a server asks for keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Never: everyone who reaches it may do everything but manage keys.
    #[default]
    Open,
    /// As soon as the data folder has a key, and from then on, also when the last one is removed.
    OncePresent,
    /// Always.
    Always,
}

/// The keys of the data folder, and when they are asked for.
#[derive(Clone, Debug, Default)]
pub struct AccessSettings {
    /// `None` where there is no data folder, as in tests.
    pub keys: Option<Arc<Keys>>,
    /// When they are asked for.
    pub policy: Policy,
}
