#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod comment;
mod diagnostic;
pub mod encode;
mod header;
mod message;
mod mic_e;
mod nmea;
mod object;
mod packet;
mod position;
mod status;
mod symbol;
mod telemetry;
mod text;
mod time;
mod units;
mod weather;

#[cfg(feature = "serde")]
mod json;

pub use comment::{Comment, Dao, Phg};
pub use diagnostic::{Diagnostic, Diagnostics, ParseError};
pub use header::{Heard, Hop, Hops, Path};
#[cfg(feature = "serde")]
pub use json::json;
pub use message::Message;
pub use mic_e::MicEMessage;
pub use packet::{Kind, Packet, parse};
pub use position::{Format, Position};
pub use symbol::{Symbol, symbol_name};
pub use telemetry::{Definition, Telemetry};
pub use text::Text;
pub use time::Timestamp;
pub use weather::Weather;
