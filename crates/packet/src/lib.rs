//! APRS packets: bytes to typed values, with a reason for every byte, and back.
//!
//! [`parse`] reads one packet as written on APRS-IS (the TNC2 text form) and borrows everything from it: no
//! allocation (third-party packets excepted), no clock, no panic. [`explain`] says what every byte means,
//! [`encode`] writes what a station sends.
//!
//! ```
//! let packet = godwit_packet::parse(b"OE9XXX-9>APRS,WIDE1-1:!4722.85N/00832.46E>088/036 on the road").unwrap();
//! let position = packet.position.unwrap();
//! assert_eq!((position.latitude * 1e4).round(), 473808.0);
//! assert_eq!(packet.comment.to_string_lossy(), "on the road");
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod address;
mod base91;
mod blocks;
mod comment;
mod compressed;
mod dao;
pub mod device;
mod df;
mod diagnostic;
mod dx;
pub mod encode;
mod explain;
mod extension;
mod frequency;
mod grid;
mod header;
mod info;
mod item;
#[cfg(feature = "serde")]
mod json;
mod message;
mod mic_e;
mod nmea;
mod object;
mod ogn;
mod packet;
mod path;
mod position;
mod query;
mod raw_weather;
mod signal;
mod span;
mod status;
mod storm;
mod symbol;
mod telemetry;
mod text;
mod third_party;
mod timestamp;
mod weather;

pub use address::Address;
pub use comment::Comment;
pub use dao::{Dao, DaoPrecision};
pub use device::{Device, DeviceDatabase};
pub use df::DirectionFinding;
pub use diagnostic::{Diagnostic, DiagnosticCode, Diagnostics};
pub use dx::DxSpot;
pub use explain::{Explained, Explanation, explain};
pub use extension::{Dfs, Phg};
pub use frequency::{Frequency, Tone};
pub use header::Header;
pub use info::{parse, parse_header, parse_into};
#[cfg(feature = "serde")]
pub use json::{Json, json, json_with};
pub use message::{Bulletin, Message, NwsBulletin};
pub use mic_e::{MicE, MicEMessage};
pub use object::AreaObject;
pub use ogn::{Ogn, OgnAircraft, OgnReceiver};
pub use packet::{Kind, Packet, ParseError, Position, PositionFormat};
pub use path::{Digipeaters, Heard, Hop, Hops, NETWORK_MARKS, Path, is_alias, is_network_mark};
pub use query::Capabilities;
pub use signal::{Emergency, Signal};
pub use span::{Field, Span};
pub use status::Status;
pub use storm::{Outline, Storm, StormStage};
pub use symbol::{Symbol, symbol_name};
pub use telemetry::{Telemetry, TelemetryDefinition};
pub use text::Text;
pub use timestamp::{Timestamp, TimestampForm};
pub use weather::Weather;

/// Longest line taken, in bytes. APRS-IS allows 512; a longer line is decoded with a diagnostic up to this bound
/// and refused beyond it, so that every offset fits 16 bits.
pub const MAX_LINE: usize = 4096;
/// Most path elements taken (AX.25 has 8; servers and trace lists add more).
pub const MAX_PATH: usize = 24;

/// Runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
