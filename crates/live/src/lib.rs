//! Now: the latest state of every entity in memory, cut into tiles, encoded once and shared.
//!
//! [`Live`] follows [`EntityChange`](godwit_pipeline::EntityChange)s; a [`Viewer`] takes what its tiles have that it has
//! not (docs/adr/0002, docs/protocol.md). A [`bus::Bus`] carries what one replica received to the others. Invariant: nothing here asks the database.

mod address;
pub mod bus;
mod find;
pub mod latency;
pub mod limit;
mod link;
mod live;
mod redis_address;
mod tile;
mod viewer;
pub mod wire;
mod world;

pub use address::{DENSITY_GRID, LEVELS, TileAddress};
pub use find::Near;
pub use latency::LatencyReading;
pub use link::{LinkError, RedisLink};
pub use live::{Figures, Limits, Live, TileAnswer};
pub use redis_address::{AddressError, RedisAddress};
pub use tile::TileMessage;
pub use viewer::{Message, SubscribeError, Viewer};
pub use world::{Area, Found};
