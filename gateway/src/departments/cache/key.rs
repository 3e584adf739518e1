//! What makes two questions the same to a department: everything that is sent.

use aws_lc_rs::hmac;
use heyan_adapters::{Lookup, ResultType};

/// Which connection of which declaration; never used again after a change.
pub(in crate::departments) type Generation = u64;

/// A digest of all that is sent, under a secret of this process: it holds nothing personal, and equal keys mean that the
/// same is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::departments) struct Key {
    generation: Generation,
    digest: [u8; 32],
}

impl Key {
    pub(super) fn generation(&self) -> Generation {
        self.generation
    }
}

/// All that is sent.
pub(in crate::departments) struct Sent<'a> {
    /// To whom, as declared how.
    pub(in crate::departments) generation: Generation,
    /// Whether the requester's credentials go with it.
    pub(in crate::departments) with_credentials: bool,
    /// Under the declaration of this result type, which names the inputs.
    pub(in crate::departments) result_type: &'a ResultType,
    /// The inputs.
    pub(in crate::departments) lookup: &'a Lookup,
}

impl Sent<'_> {
    /// Each part has its length before it, and what is absent is written as such, so that no two differ alike.
    pub(super) fn key(&self, secret: &hmac::Key) -> Key {
        let mut written = Vec::with_capacity(512);
        written.extend(self.generation.to_be_bytes());
        write(&mut written, Some(self.result_type.id.as_str()));
        write(&mut written, self.with_credentials.then(|| self.lookup.requester.as_str()));
        for input in self.result_type.inputs() {
            write(&mut written, Some(input.as_str()));
            write(&mut written, self.lookup.value(input).as_deref());
        }
        let digest = *hmac::sign(secret, &written).as_ref().first_chunk().expect("HMAC-SHA256 gives 32 bytes");
        Key { generation: self.generation, digest }
    }
}

fn write(to: &mut Vec<u8>, part: Option<&str>) {
    to.push(part.is_some().into());
    if let Some(text) = part {
        to.extend((text.len() as u64).to_be_bytes());
        to.extend_from_slice(text.as_bytes());
    }
}
