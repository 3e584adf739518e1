//! The service port over real TLS, each test with a gateway, an authority and clients of its own.

mod calls;
mod draining;
mod handshakes;
mod json;
mod probes;
mod running;
mod shares;
