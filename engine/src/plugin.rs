use crate::inbox::Inbox;
use crate::queue::Queue;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// What the operator says of one plugin, by its id.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginConfig {
    /// Refused whatever the file holds.
    pub disabled: bool,
    /// Worker threads for CONCURRENT commands.
    pub threads: usize,
    /// Whether a new version that panics at once is replaced by the last good one.
    pub rollback: bool,
    /// Whether params are held against the plugin's schemas before it gets them.
    pub schema_check: bool,
    /// Time limits by key; none: no limit.
    pub deadlines: HashMap<String, Duration>,
    /// Handed to the plugin's `create`.
    pub config: Map<String, Value>,
}

impl Default for PluginConfig {
    fn default() -> Self {
        Self {
            disabled: false,
            threads: 4,
            rollback: true,
            schema_check: true,
            deadlines: HashMap::new(),
            config: Map::new(),
        }
    }
}

/// What stays the same of a plugin while its generations come and go.
pub(crate) struct PluginSlot {
    /// Unique in the engine.
    pub number: u64,
    pub id: String,
    pub queue: Arc<Queue>,
    /// The events that it subscribes to.
    pub inbox: Arc<Inbox>,
}
