//! A small APRS-IS server with believable traffic, the same for the same seed.
//!
//! [`Simulator`] makes the traffic (no I/O, no clock); [`Server`] sends it to every client at its pace. Our demo, load
//! generator and test peer.

mod filter;
mod places;
mod server;
mod simulator;
mod station;
mod traffic;
mod weather;

pub use server::Server;
pub use simulator::{Line, Simulator, SimulatorConfig};
