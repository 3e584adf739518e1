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
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use tokio::time::Instant;

pub(crate) use self::ask::HttpAsk;
use self::credentials::{Credentials, Whose};
pub(crate) use self::path::JsonPath;
pub(crate) use self::reply::column;
use self::reply::{Answer, ReplyForm, Said};
pub use self::source::HttpSource;
use crate::declaration::{Ask, DepartmentDeclaration, ResultType};
use crate::exchange::{Encoding, Exchange, Reply, Request, trace, trouble_of_status};
use crate::mapping;
use crate::{Adapter, AdapterError, Holdings, Lookup};

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
        form.read_text(reply.status, &reply.text(self.encoding)?)
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
}

#[async_trait]
impl Adapter for Http {
    async fn look_up(&self, lookup: &Lookup) -> Result<Holdings, AdapterError> {
        let Some(result_type) = self.result_types.get(&lookup.result_type) else {
            return Err(AdapterError::undeclared(&lookup.result_type));
        };
        let Ask::Http(ask) = &result_type.ask else {
            return Err(AdapterError::Misconfigured { what: format!("`{}` has no question", result_type.id) });
        };
        result_type.check_required(lookup)?;
        let deadline = Instant::now() + self.deadline.min(lookup.deadline);
        let mut request = ask.question.request(lookup, self.exchange.endpoint(), self.encoding)?;
        trace(&mut request.headers, lookup);
        let whose = (lookup.requester.clone(), result_type.id.clone());
        let Answer { records, more, updated_at } = self.ask(request, &ask.reply, &whose, deadline).await?;
        mapping::read_holdings(result_type, &records, more, updated_at)
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
