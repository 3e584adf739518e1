//! Checkpoints (C2SP tlog-checkpoint): the text of a signed note that says where a log stands.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Hash;

/// The size and root of a log's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    /// Further lines, which this project does not write.
    extension: String,
}

/// What is wrong with a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not a checkpoint: {0}")]
pub struct CheckpointError(&'static str);

impl Checkpoint {
    /// The checkpoint of a tree; `origin` is one line that names the log.
    pub fn new(origin: String, size: u64, root: Hash) -> Self {
        Self { origin, size, root, extension: String::new() }
    }

    /// Reads the text of a note, strictly.
    ///
    /// # Errors
    /// [`CheckpointError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        if text.chars().any(|c| c < '\u{20}' && c != '\n') {
            return Err(CheckpointError("it has a control character"));
        }
        let text = text.strip_suffix('\n').ok_or(CheckpointError("it does not end in a line feed"))?;
        let mut lines = text.splitn(4, '\n');
        let mut line = |lacking| lines.next().filter(|line| !line.is_empty()).ok_or(CheckpointError(lacking));
        let origin = line("it has no origin")?.to_owned();
        let size = decimal(line("it has no size")?).ok_or(CheckpointError("its size is not a number below 2^64"))?;
        let root = STANDARD.decode(line("it has no root")?).ok().and_then(|root| root.try_into().ok());
        let root = root.ok_or(CheckpointError("its root is not 32 bytes in base64"))?;
        let extension = lines.next().unwrap_or_default().to_owned();
        if text.split('\n').skip(3).any(str::is_empty) {
            return Err(CheckpointError("it has an empty line"));
        }
        Ok(Self { origin, size, root, extension })
    }

    /// The name of the log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree.
    pub fn root(&self) -> &Hash {
        &self.root
    }
}

impl fmt::Display for Checkpoint {
    /// The text of the note, with a line feed at its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, size, root, extension } = self;
        writeln!(f, "{origin}\n{size}\n{}", STANDARD.encode(root))?;
        if extension.is_empty() { Ok(()) } else { writeln!(f, "{extension}") }
    }
}

/// A decimal number without a sign and without zeros before it.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let fits = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    text.parse().ok().filter(|_| fits)
}
