//! HTTP, WebSocket, the embedded front-end.
