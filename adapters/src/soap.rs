//! The kind `soap`: a department's SOAP service, version 1.1 or 1.2, is called once per look-up.

mod ask;
mod body;
mod envelope;
mod path;
mod reply;
mod source;
mod tree;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use heyan_proto::vocabulary::ResultTypeId;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

pub(crate) use self::ask::SoapAsk;
use self::envelope::{Envelope, Version};
pub(crate) use self::path::XmlPath;
use self::reply::Answer;
use self::source::Basic;
pub use self::source::SoapSource;
use crate::declaration::{Ask, DepartmentDeclaration, ResultType};
use crate::exchange::{self, Exchange, Reply, Request, trace, trouble_of_status};
use crate::{Adapter, AdapterError, Holdings, Lookup, mapping};

/// What SOAP 1.1 says is called, beside the message.
const SOAP_ACTION: HeaderName = HeaderName::from_static("soapaction");

/// Calls a SOAP service over connections that are kept between look-ups.
pub struct Soap {
    exchange: Exchange,
    basic: Option<Basic>,
    city_folder: PathBuf,
    deadline: Duration,
    result_types: BTreeMap<ResultTypeId, Arc<ResultType>>,
}

impl Soap {
    /// Prepares to call; opens nothing yet, so that a service that is down is trouble of the questions that meet it.
    pub fn new(source: &SoapSource, declaration: &DepartmentDeclaration, city_folder: &Path) -> Self {
        let limits = declaration.limits;
        Self {
            exchange: Exchange::new(source.endpoint.clone(), city_folder, limits.concurrency),
            basic: source.basic.clone(),
            city_folder: city_folder.into(),
            deadline: limits.deadline,
            result_types: declaration.result_types.iter().map(|known| (known.id.clone(), Arc::clone(known))).collect(),
        }
    }

    async fn send(
        &self,
        method: Method,
        mut headers: HeaderMap,
        body: Vec<u8>,
        deadline: Duration,
    ) -> Result<Reply, AdapterError> {
        if let Some(basic) = &self.basic {
            let password = basic.password.reveal(&self.city_folder)?;
            let mut value = header(&exchange::basic(basic.user.as_str(), password.expose()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let request = Request { method, url: self.exchange.endpoint().url().clone(), headers, body };
        self.exchange.send(request, Instant::now() + deadline.min(self.deadline)).await
    }
}

#[async_trait]
impl Adapter for Soap {
    async fn look_up(&self, lookup: &Lookup) -> Result<Holdings, AdapterError> {
        let Some(result_type) = self.result_types.get(&lookup.result_type) else {
            return Err(AdapterError::undeclared(&lookup.result_type));
        };
        let Ask::Soap(ask) = &result_type.ask else {
            return Err(AdapterError::Misconfigured { what: format!("`{}` has no call", result_type.id) });
        };
        result_type.check_required(lookup)?;
        let body = ask.envelope.write(&ask.body, |input| lookup.value(input))?;
        let mut headers = headers(ask)?;
        trace(&mut headers, lookup);
        let reply = self.send(Method::POST, headers, body, lookup.deadline).await?;
        let text = read_text(ask, &reply)?;
        let Answer { records, more, updated_at } = ask.answer(&text)?;
        mapping::read_holdings(result_type, &records, more, updated_at)
    }

    /// Any reply to a HEAD says that the service is there: services differ in what they say then, and a call would be about
    /// somebody.
    async fn check_health(&self) -> Result<(), AdapterError> {
        let reply = self.send(Method::HEAD, HeaderMap::new(), Vec::new(), self.deadline).await?;
        match reply.status.as_u16() {
            300..=399 | 401 | 403 | 407 | 429 | 502..=504 => Err(trouble_of_status(reply.status)),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Soap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Soap").field("result_types", &self.result_types.keys()).finish_non_exhaustive()
    }
}

/// What a call says about itself beside its message.
fn headers(ask: &SoapAsk) -> Result<HeaderMap, AdapterError> {
    let Envelope { version, encoding, .. } = &*ask.envelope;
    let action = ask.action.as_deref().unwrap_or_default();
    let mut content = format!("{}; charset={}", version.media_type(), encoding.as_str());
    let mut headers = HeaderMap::new();
    match version {
        Version::V1_1 => drop(headers.insert(SOAP_ACTION, header(&format!("\"{action}\""))?)),
        Version::V1_2 if action.is_empty() => {}
        Version::V1_2 => content.push_str(&format!("; action=\"{action}\"")),
    }
    headers.insert(CONTENT_TYPE, header(&content)?);
    Ok(headers)
}

fn header(value: &str) -> Result<HeaderValue, AdapterError> {
    let unfit = |_| AdapterError::Misconfigured { what: "a header cannot be written".into() };
    HeaderValue::from_str(value).map_err(unfit)
}

/// The text of a reply, by its status and encoding. SOAP 1.1 sends every fault with status 500, and 1.2 some with 400.
fn read_text<'r>(ask: &SoapAsk, reply: &'r Reply) -> Result<Cow<'r, str>, AdapterError> {
    let status = reply.status;
    if !(status.is_success() || matches!(status.as_u16(), 400 | 500)) {
        return Err(trouble_of_status(status));
    }
    let text = reply.text(ask.envelope.encoding);
    if status.is_success() {
        return text;
    }
    Err(match text.and_then(|text| Ok(ask.envelope.trouble(&ask.envelope.open(&text)?))) {
        Ok(Some(trouble)) | Err(trouble @ AdapterError::Misconfigured { .. }) => trouble,
        _ => trouble_of_status(status),
    })
}
