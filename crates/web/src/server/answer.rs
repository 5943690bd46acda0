//! The body of an answer on its way: its bytes count until the kernel has taken the last of them.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::{
    bounds::{Place, Taken},
    io::Progress,
};

/// A body that holds what it was given until it is over.
pub(super) struct Answer {
    pub(super) body: Body,
    /// Its bytes, of those of all answers.
    pub(super) bytes: Option<Arc<Taken>>,
    /// The place of a client that a proxy asks for.
    pub(super) _place: Option<Place>,
    pub(super) progress: Arc<Progress>,
}

/// Bytes that the connection holds until they are written, and that count for as long.
struct Counted(Bytes, #[allow(dead_code, reason = "held, not read")] Arc<Taken>);

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let counted = |bytes: Bytes| match &self.bytes {
            Some(taken) => Bytes::from_owner(Counted(bytes, taken.clone())),
            None => bytes,
        };
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(counted))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.progress.body_over();
    }
}
