//! How a command reaches a gateway: with a certificate of its own, like every caller.

use std::path::{Path, PathBuf};

use clap::Args;
use tonic::transport::Channel;

use super::{Exit, Failure, Language};
use crate::channel;
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
    /// The gateway's address
    #[arg(long, value_name = "HOST:PORT", required_unless_present = "city")]
    address: Option<String>,
    /// The authority that signed the gateway's certificate (PEM)
    #[arg(long, value_name = "FILE", required_unless_present = "city")]
    ca: Option<PathBuf>,
    /// The caller's certificate (PEM)
    #[arg(long, value_name = "FILE", required_unless_present = "city", requires = "key")]
    cert: Option<PathBuf>,
    /// The caller's private key (PEM)
    #[arg(long, value_name = "FILE", required_unless_present = "city", requires = "cert")]
    key: Option<PathBuf>,
}

impl Connection {
    /// Connects.
    pub(super) async fn open(&self) -> Result<Channel, Failure> {
        let keys = self.city.as_ref().map(|city| city.join("keys"));
        let caller = self.caller.as_deref();
        let file = |given: &Option<PathBuf>, name: Option<String>, option: &str| -> Result<PathBuf, Failure> {
            given.clone().or_else(|| Some(keys.as_ref()?.join(name?))).ok_or_else(|| {
                Failure::new(Exit::Usage, format!("say who asks: `--as ID` with `--city`, or `{option} FILE`"))
            })
        };
        let member = caller.map(|id| self.member(id));
        let ca = file(&self.ca, Some("client-ca.pem".into()), "--ca")?;
        let cert = file(&self.cert, member.as_ref().map(|member| format!("{member}.pem")), "--cert")?;
        let key = file(&self.key, member.as_ref().map(|member| format!("{member}.key")), "--key")?;
        let address = self.address()?;
        let (ca, cert, key) = (read(&ca)?, read(&cert)?, read(&key)?);
        let name = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host).trim_matches(['[', ']']);
        channel::connect(&address, &ca, &cert, &key, name)
            .await
            .map_err(|error| Failure::new(Exit::Unreachable, error.to_string()))
    }

    /// Where the keys of a system or a person lie, below `keys/`.
    fn member(&self, id: &str) -> String {
        let is_person = self.city.as_ref().is_some_and(|city| city.join(format!("keys/person/{id}.pem")).exists());
        format!("{}/{id}", if is_person { "person" } else { "system" })
    }

    fn address(&self) -> Result<String, Failure> {
        if let Some(address) = &self.address {
            return Ok(address.clone());
        }
        let city = self.city.as_ref().expect("the command line wants `--address` or `--city`");
        let config = Config::read(city).map_err(|problems| Failure::new(Exit::Configuration, problems.to_string()))?;
        Ok(config.listen.service.to_string())
    }
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
