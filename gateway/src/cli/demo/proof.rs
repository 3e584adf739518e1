//! The receipt that the demo leaves, and what verifies it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::super::audit::verifier_key;
use super::super::receipt::sentence;
use super::super::{Exit, Failure, Language};
use super::questions::Asked;
use crate::clock::{Clock as _, SystemClock};
use crate::receipt::{Proven, ReceiptFile};

/// The log is published within a second; the demo waits no longer than this.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);

/// A receipt in a file that outlives the demo, verified as anybody would.
#[derive(Debug)]
pub(super) struct Kept {
    file: PathBuf,
    /// The verifier key line of the log.
    key: String,
    receipt: ReceiptFile,
    proven: Proven,
}

/// Writes the receipt of the first answer, into the city folder where that is kept, and verifies it with the published key.
pub(super) async fn keep(city: &Path, is_kept: bool, asked: &[Asked]) -> Result<Kept, Failure> {
    let failed = |what: String| Failure::new(Exit::Wanting, format!("no receipt is left: {what}"));
    let receipt = asked.first().and_then(Asked::receipt).ok_or_else(|| failed("no answer has one".into()))?;
    let file = write(city, is_kept, &receipt).map_err(|error| failed(error.to_string()))?;
    let published = city.join("log/vkey");
    for _ in 0..TRIES {
        if published.exists() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    let key = verifier_key(&published.display().to_string())?;
    let written = fs::read(&file).map_err(|error| failed(error.to_string()))?;
    let verified = ReceiptFile::parse(&written).and_then(|receipt| receipt.verify(&key, None, SystemClock.now()));
    let proven = verified.map_err(|error| Failure::new(Exit::Broken, error.to_string()))?;
    Ok(Kept { file, key: key.to_string(), receipt, proven })
}

fn write(city: &Path, is_kept: bool, receipt: &ReceiptFile) -> std::io::Result<PathBuf> {
    if is_kept {
        let file = city.join("receipt.json");
        return fs::write(&file, receipt.to_string()).map(|()| file);
    }
    let mut file = tempfile::Builder::new().prefix("heyan-receipt-").suffix(".json").tempfile()?;
    std::io::Write::write_all(&mut file, receipt.to_string().as_bytes())?;
    Ok(file.keep()?.1)
}

impl Kept {
    /// The line that verifies the receipt.
    pub(super) fn line(&self) -> String {
        format!("heyan receipt verify {} --key '{}'", self.file.display(), self.key)
    }

    /// What it proves.
    pub(super) fn sentence(&self, language: Language) -> String {
        sentence(&self.receipt, &self.proven, language)
    }

    pub(super) fn to_json(&self) -> Value {
        json!({ "file": self.file.display().to_string(), "key": self.key, "verify": self.line(), "verdict": "proven" })
    }
}
