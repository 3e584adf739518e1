//! The `.proto` files themselves, for whoever makes a client from them.

macro_rules! files {
    ($($import:literal from $path:literal,)*) => {
        /// Each file under the name by which others import it, with its text. The well-known types of `google/protobuf` are
        /// not among them: every compiler has them.
        pub const FILES: &[(&str, &str)] = &[$(($import, include_str!(concat!("../", $path)))),*];
    };
}

files! {
    "google/rpc/error_details.proto" from "third_party/google/rpc/error_details.proto",
    "google/rpc/status.proto" from "third_party/google/rpc/status.proto",
    "heyan/v1/answer.proto" from "heyan/v1/answer.proto",
    "heyan/v1/audit.proto" from "heyan/v1/audit.proto",
    "heyan/v1/directory.proto" from "heyan/v1/directory.proto",
    "heyan/v1/error.proto" from "heyan/v1/error.proto",
    "heyan/v1/verification.proto" from "heyan/v1/verification.proto",
    "heyan/v1/vocabulary.proto" from "heyan/v1/vocabulary.proto",
}

/// The licence of the files under `google/rpc`.
pub const LICENCE: &str = include_str!("../third_party/LICENSE");
