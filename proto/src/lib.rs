#![doc = include_str!("../README.md")]

pub mod codec;
pub mod document;
pub mod identifier;
pub mod reason;
mod redacted;
pub mod source;
pub mod vocabulary;
pub mod wire;

/// The contract's messages and services, as generated from `heyan/v1/*.proto`. A field that is personal is never in their `Debug`.
// Lints are for code that people write.
#[allow(
    missing_docs,
    unused_qualifications,
    clippy::all,
    clippy::doc_markdown,
    clippy::too_long_first_doc_paragraph,
    clippy::too_many_lines
)]
pub mod v1 {
    include!("gen/heyan.v1.rs");

    /// The encoded `FileDescriptorSet` of the contract with its imports and comments, for reflection.
    pub const DESCRIPTOR: &[u8] = include_bytes!("gen/descriptor.binpb");
}
