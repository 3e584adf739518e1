//! One message to a department over HTTP and its reply: TLS, deadline, bounds, and what trouble on the way means. What is
//! said in them is for the kinds.

#[cfg(test)]
pub(crate) mod canned;
mod encoding;
mod endpoint;
mod trouble;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, StatusCode, Url};
use tokio::sync::Mutex;
use tokio::time::Instant;

pub(crate) use self::encoding::Encoding;
pub(crate) use self::endpoint::{Endpoint, parse_url};
pub(crate) use self::trouble::trouble_of_status;
use crate::{AdapterError, Lookup};

/// The largest reply, in bytes.
pub(crate) const REPLY_BYTES_MAX: usize = 1 << 20;

/// How long a connection is kept that nobody uses. Servers often close theirs after a minute.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// A connection of HTTP/2 on which nothing comes is tried after this time, and given up after the next; otherwise every
/// look-up would go on waiting on a connection whose other end is gone.
const SILENT_MAX: Duration = Duration::from_secs(10);
const SILENT_REPLY_MAX: Duration = Duration::from_secs(5);

/// Sends messages to one department over connections that are kept between them. Redirects are never followed, and no proxy of the
/// environment is used.
pub(crate) struct Exchange {
    endpoint: Endpoint,
    city_folder: PathBuf,
    connections_max: usize,
    /// Built for the first message, and again after trouble with TLS: certificates may have been renewed by then.
    client: Mutex<Option<Client>>,
}

/// A message. `Debug` shows nothing of it but its method.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    /// Empty: none is sent.
    pub(crate) body: Vec<u8>,
}

/// A reply of any status. `Debug` shows nothing of it but the status.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// At most [`REPLY_BYTES_MAX`] bytes.
    pub(crate) body: Vec<u8>,
}

/// User and password as RFC 7617 has them.
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// Carries the trace of a look-up on, in the header of the W3C trace context.
pub(crate) fn trace(headers: &mut HeaderMap, lookup: &Lookup) {
    let trace = lookup.traceparent.as_ref().and_then(|trace| HeaderValue::from_str(trace).ok());
    if let Some(trace) = trace {
        headers.insert(HeaderName::from_static("traceparent"), trace);
    }
}

impl Reply {
    /// Its text, wholly in this encoding; where the reply says which it is in, it must be this one.
    ///
    /// # Errors
    /// [`AdapterError::Malformed`] where it is not.
    pub(crate) fn text(&self, encoding: Encoding) -> Result<Cow<'_, str>, AdapterError> {
        let malformed =
            |problem: &str| AdapterError::Malformed { what: format!("the reply {problem} in `{}`", encoding.as_str()) };
        let foreign = || malformed("says that it is not written");
        let content =
            self.headers.get(CONTENT_TYPE).map(|content| content.to_str().map_err(|_| foreign())).transpose()?;
        for parameter in content.unwrap_or_default().split(';').skip(1) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            if name.trim().eq_ignore_ascii_case("charset") && !encoding.is_named(value.trim().trim_matches('"')) {
                return Err(foreign());
            }
        }
        encoding.decode(&self.body).ok_or_else(|| malformed("is not wholly written"))
    }
}

impl Exchange {
    /// Prepares to send; opens and reads nothing yet. At most `concurrency` connections are kept.
    pub(crate) fn new(endpoint: Endpoint, city_folder: &Path, concurrency: usize) -> Self {
        Self { endpoint, city_folder: city_folder.into(), connections_max: concurrency, client: Mutex::new(None) }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Sends a message and reads the whole reply. Dropping the future ends the exchange.
    ///
    /// # Errors
    /// [`AdapterError::Timeout`] at the deadline; [`AdapterError::Unavailable`] where there was no connection or it broke
    /// (for reads alone is that right, and look-ups are reads); [`AdapterError::Misconfigured`] where TLS does not fit;
    /// [`AdapterError::Malformed`] for a reply that is too large or compressed. No status is an error here.
    pub(crate) async fn send(&self, request: Request, deadline: Instant) -> Result<Reply, AdapterError> {
        tokio::time::timeout_at(deadline, self.send_now(request)).await.unwrap_or(Err(AdapterError::Timeout))
    }

    async fn send_now(&self, request: Request) -> Result<Reply, AdapterError> {
        let client = self.client().await?;
        let sent = exchange(&client, request).await;
        if matches!(sent, Err(AdapterError::Misconfigured { .. })) {
            *self.client.lock().await = None;
        }
        sent
    }

    /// Whoever comes while the client is being built waits for it.
    async fn client(&self) -> Result<Client, AdapterError> {
        let mut kept = self.client.lock().await;
        if let Some(client) = &*kept {
            return Ok(client.clone());
        }
        let (endpoint, city_folder, connections_max) =
            (self.endpoint.clone(), self.city_folder.clone(), self.connections_max);
        // It reads files, and without a declared CA the roots of the system.
        let built = tokio::task::spawn_blocking(move || build(&endpoint, &city_folder, connections_max)).await;
        let client = built.map_err(|_| AdapterError::Unavailable)??;
        Ok(kept.insert(client).clone())
    }
}

fn build(endpoint: &Endpoint, city_folder: &Path, connections_max: usize) -> Result<Client, AdapterError> {
    let builder = Client::builder()
        .user_agent("heyan")
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(connections_max)
        .pool_idle_timeout(IDLE_MAX)
        .http2_keep_alive_interval(SILENT_MAX)
        .http2_keep_alive_timeout(SILENT_REPLY_MAX);
    endpoint.with_tls(builder, city_folder)?.build().map_err(|_| endpoint.unfit())
}

async fn exchange(client: &Client, request: Request) -> Result<Reply, AdapterError> {
    let Request { method, url, headers, body } = request;
    let mut sending = client.request(method, url).headers(headers);
    if !body.is_empty() {
        sending = sending.body(body);
    }
    let mut response = sending.send().await.map_err(|error| trouble::trouble(&error))?;
    let malformed = |problem: &str| AdapterError::Malformed { what: format!("the reply {problem}") };
    // Nothing was said to be understood but the plain form, and a small reply could unfold to a huge one.
    if response
        .headers()
        .get(CONTENT_ENCODING)
        .is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Err(malformed("is compressed"));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| trouble::trouble(&error))? {
        if body.len() + chunk.len() > REPLY_BYTES_MAX {
            return Err(malformed("is too large"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { status: response.status(), headers: std::mem::take(response.headers_mut()), body })
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).finish_non_exhaustive()
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("status", &self.status).finish_non_exhaustive()
    }
}
