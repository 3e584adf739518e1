//! The client credentials grant of OAuth 2 (RFC 6749, section 4.4).

use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;
use tokio::time::Instant;

use super::auth::Grant;
use super::credentials::{self, Kept};
use super::{json, words};
use crate::AdapterError;
use crate::exchange::{self, Encoding, Exchange, Request, trouble_of_status};

/// How long a token is used whose life the server does not say.
const LIFE_UNSAID: Duration = Duration::from_secs(60);

/// So long before its end a token is no longer used, so that it does not end on the way; a tenth of its life at most.
const MARGIN_MAX: Duration = Duration::from_secs(30);

/// Asks for a token.
pub(super) async fn ask(
    grant: &Grant,
    city_folder: &Path,
    exchange: &Exchange,
    deadline: Instant,
) -> Result<Kept, AdapterError> {
    let secret = grant.client_secret.reveal(city_folder)?;
    let mut body = "grant_type=client_credentials".to_owned();
    let mut add = |name: &str, value: &str| {
        body.push_str(name);
        words::percent(value.as_bytes(), &mut body);
    };
    let mut headers = HeaderMap::new();
    if grant.in_form {
        add("&client_id=", &grant.client_id);
        add("&client_secret=", secret.expose());
    } else {
        let user = words::percent_encoded(&grant.client_id);
        let basic = exchange::basic(&user, &words::percent_encoded(secret.expose()));
        credentials::put(&mut headers, AUTHORIZATION, &basic)?;
    }
    if let Some(scope) = &grant.scope {
        add("&scope=", scope);
    }
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let asked = Instant::now();
    let request = Request { method: Method::POST, url: grant.token_url.clone(), headers, body: body.into_bytes() };
    let reply = exchange.send(request, deadline).await?;
    if matches!(reply.status.as_u16(), 400 | 401 | 403) {
        let what = format!("it refuses the client (HTTP {})", reply.status);
        return Err(AdapterError::Misconfigured { what });
    }
    if !reply.status.is_success() {
        return Err(trouble_of_status(reply.status));
    }
    let malformed = |problem: &str| AdapterError::Malformed { what: format!("the reply of `token_url` {problem}") };
    let text = Encoding::Utf8.decode(&reply.body).ok_or_else(|| malformed("is not UTF-8"))?;
    let reply = json::parse(&text).map_err(malformed)?;
    let is_bearer = |kind: &str| kind.eq_ignore_ascii_case("bearer");
    if reply["token_type"].as_str().is_some_and(|kind| !is_bearer(kind)) {
        return Err(malformed("has a token of another type than `bearer`"));
    }
    let token = reply["access_token"].as_str().filter(|token| !token.is_empty() && words::is_header_text(token));
    let token = token.ok_or_else(|| malformed("has no `access_token`"))?;
    let life = match &reply["expires_in"] {
        Value::Number(seconds) => seconds.as_u64(),
        Value::String(seconds) => seconds.parse().ok(),
        _ => None,
    };
    let until = end(asked, life.map_or(LIFE_UNSAID, Duration::from_secs));
    Ok(Kept { secret: token.into(), until: Some(until) })
}

/// When what was asked for at this time is to be asked for again.
pub(super) fn end(asked: Instant, life: Duration) -> Instant {
    // A life of centuries is a day: the server may have been restarted by then.
    let life = life.min(Duration::from_secs(24 * 60 * 60));
    asked + (life - MARGIN_MAX.min(life / 10))
}
