//! The kind `http`: a department's service is asked in JSON over HTTP, one question per result type.

mod ask;
mod auth;
mod credentials;
mod json;
mod path;
mod platform;
mod question;
mod reply;
mod source;
mod token;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use heyan_proto::vocabulary::ResultTypeId;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use tokio::time::Instant;

pub(crate) use self::ask::HttpAsk;
use self::credentials::{Credentials, Whose};
pub(crate) use self::path::JsonPath;
pub(crate) use self::reply::column;
use self::reply::{Answer, ReplyForm, Said};
pub use self::source::HttpSource;
use crate::declaration::{Ask, DepartmentDeclaration, ResultType};
use crate::exchange::{Encoding, Exchange, Reply, Request, trouble_of_status};
use crate::mapping;
use crate::{Adapter, AdapterError, Holdings, Lookup};

/// The header of the W3C trace context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Asks a service of JSON over HTTP/1.1 or HTTP/2. Connections and tokens are kept between look-ups.
pub struct Http {
    exchange: Exchange,
    credentials: Credentials,
    encoding: Encoding,
    headers: HeaderMap,
    health: Option<String>,
    deadline: Duration,
    result_types: BTreeMap<ResultTypeId, Arc<ResultType>>,
}

impl Http {
    /// Prepares to ask; opens and reads nothing yet, so that an absent file or service is trouble of the questions that
    /// meet it.
    pub fn new(source: &HttpSource, declaration: &DepartmentDeclaration, city_folder: &Path) -> Self {
        let HttpSource { endpoint, encoding, headers, auth, health } = source;
        let mut headers = headers.clone();
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        Self {
            exchange: Exchange::new(endpoint.clone(), city_folder, declaration.limits.concurrency),
            credentials: Credentials::new(auth.clone(), city_folder),
            encoding: *encoding,
            headers,
            health: health.clone(),
            deadline: declaration.limits.deadline,
            result_types: declaration.result_types.iter().map(|known| (known.id.clone(), Arc::clone(known))).collect(),
        }
    }

    /// Asks, and once more where what it was asked with is refused and can be renewed.
    async fn ask(
        &self,
        request: Request,
        form: &ReplyForm,
        whose: &Whose,
        deadline: Instant,
    ) -> Result<Answer, AdapterError> {
        let mut may_renew = self.credentials.can_renew();
        loop {
            let (reply, used) = self.send(request.clone(), Some(whose), deadline).await?;
            let refused = match self.read(form, &reply)? {
                Said::Answer(answer) => return Ok(answer),
                Said::Refused(error) => error,
            };
            self.credentials.forget(Some(whose), &used).await;
            // Forbidden is what is asked for, not with what: another token would not help.
            if !may_renew || reply.status == StatusCode::FORBIDDEN {
                return Err(refused);
            }
            may_renew = false;
        }
    }

    fn read(&self, form: &ReplyForm, reply: &Reply) -> Result<Said, AdapterError> {
        if matches!(reply.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Ok(Said::Refused(trouble_of_status(reply.status)));
        }
        // The page of an error may be in any encoding.
        form.check_status(reply.status)?;
        form.read_text(reply.status, &self.text(reply)?)
    }

    /// Sends a message with what the department demands of every message.
    async fn send(
        &self,
        mut request: Request,
        whose: Option<&Whose>,
        deadline: Instant,
    ) -> Result<(Reply, credentials::Used), AdapterError> {
        for (name, value) in &self.headers {
            request.headers.entry(name).or_insert_with(|| value.clone());
        }
        let putting = self.credentials.put(&mut request.headers, whose, &self.exchange, deadline);
        let used = tokio::time::timeout_at(deadline, putting).await.unwrap_or(Err(AdapterError::Timeout))?;
        Ok((self.exchange.send(request, deadline).await?, used))
    }

    /// The text of a reply, wholly in the declared encoding.
    fn text<'r>(&self, reply: &'r Reply) -> Result<std::borrow::Cow<'r, str>, AdapterError> {
        let encoding = self.encoding;
        let malformed = |problem: &str| {
            Err(AdapterError::Malformed { what: format!("the reply {problem} in `{}`", encoding.as_str()) })
        };
        if charset(&reply.headers).is_some_and(|charset| !encoding.is_named(charset)) {
            return malformed("says that it is not written");
        }
        encoding.decode(&reply.body).map_or_else(|| malformed("is not wholly written"), Ok)
    }
}

#[async_trait]
impl Adapter for Http {
    async fn look_up(&self, lookup: &Lookup) -> Result<Holdings, AdapterError> {
        let misconfigured = |what| AdapterError::Misconfigured { what };
        let Some(result_type) = self.result_types.get(&lookup.result_type) else {
            return Err(misconfigured(format!("it does not declare `{}`", lookup.result_type)));
        };
        let Ask::Http(ask) = &result_type.ask else {
            return Err(misconfigured(format!("`{}` has no question", result_type.id)));
        };
        if let Some(lacked) = result_type.requires.iter().find(|required| lookup.value(**required).is_none()) {
            return Err(misconfigured(format!("it requires `{}`, which the look-up lacks", lacked.as_str())));
        }
        let deadline = Instant::now() + self.deadline.min(lookup.deadline);
        let mut request = ask.question.request(lookup, self.exchange.endpoint(), self.encoding)?;
        if let Some(trace) = lookup.traceparent.as_ref().and_then(|trace| HeaderValue::from_str(trace).ok()) {
            request.headers.insert(TRACEPARENT, trace);
        }
        let whose = (lookup.requester.clone(), result_type.id.clone());
        holdings(result_type, self.ask(request, &ask.reply, &whose, deadline).await?)
    }

    /// Asks the declared path, or else whether anything but an error of the server answers at the base URL.
    async fn check_health(&self) -> Result<(), AdapterError> {
        let deadline = Instant::now() + self.deadline;
        let endpoint = self.exchange.endpoint();
        let (method, url) = match &self.health {
            Some(path) => (Method::GET, endpoint.join(path, None)?),
            None => (Method::HEAD, endpoint.url().clone()),
        };
        let request = Request { method, url, headers: HeaderMap::new(), body: Vec::new() };
        let (Reply { status, .. }, used) = self.send(request, None, deadline).await?;
        if status == StatusCode::UNAUTHORIZED {
            self.credentials.forget(None, &used).await;
        }
        match &self.health {
            Some(_) if !status.is_success() => Err(trouble_of_status(status)),
            None if status.is_server_error() => Err(trouble_of_status(status)),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("result_types", &self.result_types.keys()).finish_non_exhaustive()
    }
}

fn holdings(result_type: &ResultType, answer: Answer) -> Result<Holdings, AdapterError> {
    let Answer { records, more, updated_at } = answer;
    let more = more || records.len() > result_type.max_rows;
    let shown = records.iter().take(result_type.max_rows);
    let records = shown.map(|record| mapping::read_holding(result_type, record)).collect::<Result<_, _>>()?;
    Ok(Holdings { records, more, updated_at })
}

/// What the content type says of the encoding.
fn charset(headers: &HeaderMap) -> Option<&str> {
    let parameters = headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';').skip(1);
    let mut named = parameters.filter_map(|parameter| parameter.split_once('='));
    let (_, charset) = named.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    Some(charset.trim().trim_matches('"'))
}
