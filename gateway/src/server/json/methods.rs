//! The methods that plain JSON serves, read from the contract's descriptors.

use std::collections::{BTreeMap, HashSet};

use prost::Message as _;
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};
use prost_types::{FileDescriptorProto, FileDescriptorSet};

use crate::server::ServerError;

/// A method that plain JSON serves.
#[derive(Debug)]
pub(in crate::server) struct Served {
    method: MethodDescriptor,
    input: MessageDescriptor,
    output: MessageDescriptor,
}

impl Served {
    pub(in crate::server) fn method(&self) -> &MethodDescriptor {
        &self.method
    }

    pub(in crate::server) fn input(&self) -> &MessageDescriptor {
        &self.input
    }

    pub(in crate::server) fn output(&self) -> &MessageDescriptor {
        &self.output
    }
}

/// The methods of the server, by path.
#[derive(Debug)]
pub(in crate::server) struct Methods {
    served: BTreeMap<String, Served>,
    grpc_alone: HashSet<String>,
    pool: DescriptorPool,
}

impl Methods {
    /// The unary methods of the contract; streaming ones, and those of `standard`, are for gRPC alone.
    ///
    /// # Errors
    /// [`ServerError`] when the descriptor cannot be read, or when a request has a field that cannot be read from JSON.
    pub(in crate::server) fn of(descriptor: &[u8], standard: &[&str]) -> Result<Self, ServerError> {
        let pool = with_details(descriptor)?;
        let mut served = BTreeMap::new();
        let mut grpc_alone: HashSet<String> = standard.iter().map(|&path| path.to_owned()).collect();
        for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            if method.is_client_streaming() || method.is_server_streaming() {
                grpc_alone.insert(path);
                continue;
            }
            readable(&method.input(), &mut HashSet::new())?;
            served.insert(path, Served { input: method.input(), output: method.output(), method });
        }
        Ok(Self { served, grpc_alone, pool })
    }

    pub(in crate::server) fn served(&self, path: &str) -> Option<&Served> {
        self.served.get(path)
    }

    /// Every method that plain JSON serves, by path.
    pub(in crate::server) fn all(&self) -> &BTreeMap<String, Served> {
        &self.served
    }

    pub(in crate::server) fn needs_grpc(&self, path: &str) -> bool {
        self.grpc_alone.contains(path)
    }

    /// Whether the path is one of a method, however it is called.
    pub(in crate::server) fn is_method(&self, path: &str) -> bool {
        self.served.contains_key(path) || self.needs_grpc(path)
    }

    /// The messages of the contract and of `google.rpc`.
    pub(in crate::server) fn pool(&self) -> &DescriptorPool {
        &self.pool
    }
}

/// The contract with the messages that errors have as details.
fn with_details(descriptor: &[u8]) -> Result<DescriptorPool, ServerError> {
    let mut pool = DescriptorPool::decode(descriptor).map_err(|error| ServerError(error.to_string()))?;
    let details = FileDescriptorSet::decode(tonic_types::pb::FILE_DESCRIPTOR_SET);
    let details = details.map_err(|error| ServerError(error.to_string()))?;
    // `google.rpc.Status` is in the contract already, under another file name.
    let is_new = |file: &FileDescriptorProto| {
        let mut messages = file.message_type.iter().map(|message| format!("{}.{}", file.package(), message.name()));
        messages.all(|name| pool.get_message_by_name(&name).is_none())
    };
    let missing: Vec<_> = details.file.into_iter().filter(is_new).collect();
    pool.add_file_descriptor_protos(missing).map_err(|error| ServerError(error.to_string()))?;
    Ok(pool)
}

/// Holds that every field of a request is of a kind that `read` knows, so that no call can find out otherwise.
fn readable(message: &MessageDescriptor, seen: &mut HashSet<String>) -> Result<(), ServerError> {
    if message.full_name() == "google.protobuf.Duration" || !seen.insert(message.full_name().to_owned()) {
        return Ok(());
    }
    let unreadable = |field: &FieldDescriptor| {
        ServerError(format!("plain JSON cannot read {}: add its kind to server/json/read.rs", field.full_name()))
    };
    for field in message.fields() {
        match field.kind() {
            _ if field.is_map() || field.is_group() => return Err(unreadable(&field)),
            Kind::Message(of) if of.package_name() == "google.protobuf" && of.name() != "Duration" => {
                return Err(unreadable(&field));
            }
            Kind::Message(of) => readable(&of, seen)?,
            Kind::Bool | Kind::String | Kind::Enum(_) | Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 => {}
            _ => return Err(unreadable(&field)),
        }
    }
    Ok(())
}
