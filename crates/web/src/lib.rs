//! HTTP and WebSocket: the page, the API, the live stream. The list of routes is in [`router`].
//!
//! Invariant: no domain logic and no SQL; a handler asks the live side or the store and writes JSON.

mod answer;
mod api;
mod basemap;
mod conditional;
mod coordinates;
mod cost;
mod devices;
mod embed;
mod error;
mod heavy;
mod history;
mod limit;
mod live;
mod metrics;
mod missing;
mod origin;
mod pages;
mod panics;
mod places;
mod router;
mod server;

use std::sync::{Arc, atomic::AtomicBool};

use godwit_live::Live;
use godwit_store::{Blocks, Store};
use serde_json::Value;

pub use api::status::breaker_json;
pub use basemap::FileMap;
pub use devices::Devices;
pub use limit::{Limit, Proxies};
pub use live::ViewerTiming;
pub use origin::Origins;
pub use panics::Panics;
pub use router::{guarded, operators, router};
pub use server::{Bounds, Server, Timing};

/// Who asks: routes answer operators in full, strangers without hosts, ports, names of replicas, or errors of drivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Anybody.
    Public,
    /// Who can reach the operators' address (`--metrics-listen`).
    Operators,
}

/// What the handlers are given.
pub(crate) type SiteState = axum::extract::State<Arc<Site>>;

/// All that a site is made of.
pub struct Site {
    /// The live side.
    pub live: Arc<Live>,
    /// The archive.
    pub store: Arc<dyn Store>,
    /// The past in blocks.
    pub blocks: Arc<Blocks>,
    /// Which radio or program has which tocall.
    pub devices: Devices,
    /// What the page is told at its start (`/live/v1/page.json`).
    pub page: Arc<Value>,
    /// `feed` and `packets` of `/api/v1/status`, made by the program.
    pub status: Arc<dyn Fn() -> Value + Send + Sync>,
    /// Whether the program is ready to answer, and what there is to know about that (`/readyz`).
    pub ready: Arc<dyn Fn() -> (bool, Value) + Send + Sync>,
    /// What is wrong now, part by part: for operators.
    pub health: godwit_flow::Health,
    /// The tasks that must live; when one has failed, `/livez` says so.
    pub tasks: godwit_flow::Tasks,
    /// Panics in answers and viewers.
    pub panics: Panics,
    /// Hosts that online base maps come from, for the content policy; none by default.
    pub image_hosts: Arc<str>,
    /// A base map of the operator's own.
    pub basemap_file: Option<Arc<FileMap>>,
    /// The clock: microseconds since 1970 UTC.
    pub clock: fn() -> i64,
    /// When the program ends: viewers are asked to go elsewhere.
    pub stop: godwit_flow::Stop,
    /// How long viewers are waited for.
    pub viewers: ViewerTiming,
    /// How often one client may ask the API and the past; `None`: as often as it likes.
    pub limit: Option<Limit>,
    /// How answers are made, and what goes with them.
    pub answers: Answers,
}

/// How answers are made, and what goes with them.
#[derive(Debug, Default)]
pub struct Answers {
    hsts_seconds: u64,
    origins: Origins,
    heavy: heavy::Heavy,
    /// The site was ready once.
    started: AtomicBool,
    status: api::status::Latest,
}

impl Answers {
    /// `hsts_seconds`: browsers are told to come back over TLS alone for so long; 0: they are not told. `origins`: sites
    /// whose pages may open a live stream, beside this one.
    #[must_use]
    pub fn new(hsts_seconds: u64, origins: Origins) -> Self {
        Self { hsts_seconds, origins, ..Self::default() }
    }
}
