//! Which radio or program has which tocall: the table built in, or a newer one.

use std::sync::{Arc, PoisonError, RwLock};

use godwit_packet::DeviceDatabase;

/// The table in use, shared by all that answer.
#[derive(Debug, Clone, Default)]
pub struct Devices(Arc<RwLock<Option<Arc<DeviceDatabase>>>>);

impl Devices {
    /// Puts a newer table in the place of the one in use.
    pub fn set(&self, table: DeviceDatabase) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(table));
    }

    /// Asks the table in use.
    pub fn with<T>(&self, ask: impl FnOnce(&DeviceDatabase) -> T) -> T {
        let newer = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        ask(newer.as_deref().unwrap_or_else(|| DeviceDatabase::built_in()))
    }
}
