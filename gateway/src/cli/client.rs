//! How a command reaches a gateway: with a certificate of its own, like every caller.

use std::path::{Path, PathBuf};

use clap::Args;
use tonic::transport::Channel;

use super::{Exit, Failure, Language};
use crate::channel::{self, ChannelError};
use crate::config::Config;

/// Which gateway, as whom.
#[derive(Debug, Clone, Args)]
pub(super) struct Connection {
    /// A city folder on this machine: gives the address, the authority and the certificates
    #[arg(long, value_name = "DIR")]
    city: Option<PathBuf>,
    /// The system or person to be, by id; its certificate lies in the city's keys/ folder
    #[arg(long = "as", value_name = "ID", requires = "city")]
    caller: Option<String>,
    /// The gateway's address; without it, that of the city folder
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
    /// The authority that signed the gateway's certificate (PEM)
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The caller's certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// The caller's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
}

/// What to write where the command line does not say which gateway, or who asks.
const WHO: &str = "write `--city DIR --as ID`, or `--address HOST:PORT --ca FILE --cert FILE --key FILE` where there is no city folder";

impl Connection {
    /// Connects.
    pub(super) async fn open(&self) -> Result<Channel, Failure> {
        let keys = self.city.as_ref().map(|city| city.join("keys"));
        let member = match (&keys, &self.caller) {
            (Some(keys), Some(id)) if self.cert.is_none() => Some(member(keys, id)?),
            _ => None,
        };
        let file = |given: &Option<PathBuf>, kept: Option<PathBuf>, lacking: &str| {
            let usage = || Failure::new(Exit::Usage, format!("{lacking}: {WHO}"));
            given.clone().or(kept).ok_or_else(usage)
        };
        let ca = file(&self.ca, keys.map(|keys| keys.join("client-ca.pem")), "it is not said which gateway")?;
        let cert = file(&self.cert, member.as_ref().map(|file| file.with_extension("pem")), "it is not said who asks")?;
        let key = file(&self.key, member.as_ref().map(|file| file.with_extension("key")), "it is not said who asks")?;
        let address = self.address()?;
        let (ca, cert, key) = (read(&ca)?, read(&cert)?, read(&key)?);
        let name = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host).trim_matches(['[', ']']);
        channel::connect(&address, &ca, &cert, &key, name).await.map_err(|error| {
            let exit = match error {
                ChannelError::Unusable(_) => Exit::Usage,
                ChannelError::Unreachable { .. } => Exit::Unreachable,
            };
            Failure::new(exit, error.to_string())
        })
    }

    fn address(&self) -> Result<String, Failure> {
        if let Some(address) = &self.address {
            return Ok(address.clone());
        }
        let unsaid = || Failure::new(Exit::Usage, format!("it is not said which gateway: {WHO}"));
        let city = self.city.as_ref().ok_or_else(unsaid)?;
        let config = Config::read(city).map_err(|problems| Failure::new(Exit::Configuration, problems.to_string()))?;
        Ok(config.listen.service.to_string())
    }
}

/// Where the certificate and the key of a system or a person lie, without their extensions.
fn member(keys: &Path, id: &str) -> Result<PathBuf, Failure> {
    let folders = ["system", "person"].map(|kind| keys.join(kind));
    let found = folders.iter().map(|folder| folder.join(id)).find(|file| file.with_extension("pem").is_file());
    found.ok_or_else(|| {
        let files = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        let certificates =
            files.map(|file| file.path()).filter(|file| file.extension().is_some_and(|end| end == "pem"));
        let mut known: Vec<_> =
            certificates.filter_map(|file| Some(file.file_stem()?.to_string_lossy().into_owned())).collect();
        known.sort();
        let known = if known.is_empty() { "nobody".to_owned() } else { known.join(", ") };
        let keys = keys.display();
        Failure::new(
            Exit::Usage,
            format!("there is no certificate of `{id}` below {keys}; there are those of: {known}"),
        )
    })
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| Failure::new(Exit::Usage, format!("cannot read {}: {error}", file.display())))
}

/// Asks for texts in the language that is printed.
pub(super) fn speak<T>(language: Language, call: &mut tonic::Request<T>) {
    let language = super::show::pick(language, "zh-CN", "en");
    let value = language.parse().expect("language tags are ASCII");
    call.metadata_mut().insert("accept-language", value);
}

/// What a gRPC error means to the person at the terminal.
pub(super) fn failed(status: &tonic::Status) -> Failure {
    use tonic::Code;
    use tonic_types::StatusExt;
    // With TLS 1.3 a client learns only after the handshake that its certificate was refused.
    if let Some(cause) = std::error::Error::source(status).filter(|_| status.code() == Code::Unknown) {
        let cause = channel::chain(cause);
        let message = format!(
            "the gateway closed the connection: {cause}\n  where it refuses a certificate, its log says why: an \
             authority other than `tls.client_ca`, a date, a name"
        );
        return Failure::new(Exit::Unreachable, message);
    }
    let exit = match status.code() {
        Code::InvalidArgument | Code::FailedPrecondition | Code::AlreadyExists | Code::NotFound => Exit::Usage,
        Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted => Exit::Unreachable,
        _ => Exit::Wanting,
    };
    let mut message = status.message().to_owned();
    if let Some(localized) = status.get_details_localized_message() {
        message = localized.message;
    }
    if let Some(bad) = status.get_details_bad_request() {
        for violation in bad.field_violations {
            message.push_str(&format!("\n  {}: {}", violation.field, violation.description));
        }
    }
    if let Some(info) = status.get_details_error_info() {
        message.push_str(&format!("\n  reason: {}", info.reason));
    }
    Failure::new(exit, message)
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;

    #[test]
    fn who_is_not_there_is_told_who_is() {
        let keys = tempfile::tempdir().unwrap();
        for file in ["system/health-intake", "person/auditor"] {
            std::fs::create_dir_all(keys.path().join(file).parent().unwrap()).unwrap();
            std::fs::write(keys.path().join(file).with_extension("pem"), "").unwrap();
        }
        assert_eq!(member(keys.path(), "health-intake").unwrap(), keys.path().join("system/health-intake"));
        assert_eq!(member(keys.path(), "auditor").unwrap(), keys.path().join("person/auditor"));
        let failure = member(keys.path(), "nobody").unwrap_err();
        assert!(failure.message.ends_with("there are those of: auditor, health-intake"), "{failure}");
        assert_eq!(failure.exit, Exit::Usage);
    }

    #[test]
    fn a_connection_that_is_cut_is_unreachable_and_an_unknown_status_is_not() {
        let cut = Status::from_error(Box::new(std::io::Error::other("received fatal alert: CertificateUnknown")));
        let failure = failed(&cut);
        assert_eq!(failure.exit, Exit::Unreachable);
        assert!(
            failure.message.contains("CertificateUnknown") && failure.message.contains("tls.client_ca"),
            "{failure}"
        );
        assert_eq!(failed(&Status::unknown("said by a gateway")).exit, Exit::Wanting);
    }
}
