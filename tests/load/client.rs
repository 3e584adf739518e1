//! The client, the same for every case: tonic's channel, with messages that are encoded already.

use std::net::SocketAddr;
use std::path::Path;

use bytes::{Buf as _, BufMut as _};
use heyan::channel;
use heyan::sample::client_keys;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::Bytes;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::{Failure, read};

/// Whose certificate the client shows; it is the system of the case that is asked.
const MEMBER: &str = "system/health-intake";

/// Opens a connection with the client's certificate.
pub(crate) async fn connect(city: &Path, address: SocketAddr) -> Result<Channel, Failure> {
    let keys = client_keys(city, MEMBER);
    let (ca, certificate, key) = (read(&city.join("keys/client-ca.pem"))?, read(&keys.certificate)?, read(&keys.key)?);
    let connected = channel::connect(&address.to_string(), &ca, &certificate, &key, "localhost").await;
    connected.map_err(|error| Failure(error.to_string()))
}

/// Calls one method on one connection.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    grpc: Grpc<Channel>,
    path: PathAndQuery,
}

impl Caller {
    pub(crate) fn new(channel: Channel, path: &'static str) -> Self {
        Self { grpc: Grpc::new(channel), path: PathAndQuery::from_static(path) }
    }

    /// Sends a request and waits for the whole reply; any status but OK is a failure.
    pub(crate) async fn call(&mut self, request: Bytes) -> Result<Bytes, Failure> {
        self.grpc.ready().await.map_err(|error| Failure(format!("a connection was lost: {error}")))?;
        let replied = self.grpc.unary(Request::new(request), self.path.clone(), Raw).await;
        let reply =
            replied.map_err(|status| Failure(format!("a call failed: {:?}: {}", status.code(), status.message())))?;
        Ok(reply.into_inner())
    }
}

/// Bytes in, bytes out.
#[derive(Debug, Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
