//! Messages in the JSON form of protobuf, as other people's libraries write and read them.

use std::sync::LazyLock;

use heyan_proto::v1;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::Value;

static CONTRACT: LazyLock<DescriptorPool> = LazyLock::new(|| DescriptorPool::decode(v1::DESCRIPTOR).unwrap());

fn descriptor(name: &str) -> MessageDescriptor {
    CONTRACT.get_message_by_name(name).unwrap_or_else(|| panic!("the contract has no message {name}"))
}

/// The JSON of a message of `heyan.v1`.
///
/// # Errors
/// Where it has none: a span of time that protobuf does not allow.
pub fn to_json<M: Message>(name: &str, message: &M) -> Result<Value, serde_json::Error> {
    let mut dynamic = DynamicMessage::new(descriptor(&format!("heyan.v1.{name}")));
    dynamic.transcode_from(message).unwrap();
    serde_json::to_value(dynamic)
}

/// The message of `heyan.v1` that this JSON is; nothing may be in it that the contract does not know.
///
/// # Panics
/// Where it is none.
pub fn of_json<M: Message + Default>(name: &str, json: Value) -> M {
    let read = DynamicMessage::deserialize(descriptor(&format!("heyan.v1.{name}")), json);
    read.unwrap_or_else(|error| panic!("{name}: {error}")).transcode_to().unwrap()
}
