//! The signing headers of the government platform: `…_rid`, `…_sid`, `…_rtime` in milliseconds, and `…_sign`, the base64 of
//! HMAC-SHA256 over the three with the secret as its key. The older generation is 国家数据共享交换平台 (`gjgxjhpt`), the newer
//! 国家政务服务平台 (`gjzwfwpt`).

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use super::auth::{Interface, Refresh};
use super::credentials::{self, Kept};
use super::{json, token};
use crate::AdapterError;
use crate::exchange::{Encoding, Exchange, Request, trouble_of_status};

/// Puts the headers of a message that is sent now.
pub(super) fn sign(
    headers: &mut HeaderMap,
    generation: &str,
    interface: &Interface,
    secret: &str,
) -> Result<(), AdapterError> {
    sign_at(headers, generation, interface, secret, Timestamp::now().as_millisecond())
}

pub(super) fn sign_at(
    headers: &mut HeaderMap,
    generation: &str,
    Interface { rid, sid, .. }: &Interface,
    secret: &str,
    milliseconds: i64,
) -> Result<(), AdapterError> {
    let time = milliseconds.to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let sign = STANDARD.encode(hmac::sign(&key, format!("{sid}{rid}{time}").as_bytes()));
    for (name, value) in [("rid", rid), ("sid", sid), ("rtime", &time), ("sign", &sign)] {
        let name = HeaderName::try_from(format!("{generation}_{name}"));
        credentials::put(headers, name.expect("both words are letters and `_`"), value)?;
    }
    Ok(())
}

/// Asks for the secret that works for some time, with the one that was handed out.
pub(super) async fn refresh(
    generation: &str,
    interface: &Interface,
    first: &str,
    refresh: &Refresh,
    exchange: &Exchange,
    deadline: Instant,
) -> Result<Kept, AdapterError> {
    let mut headers = HeaderMap::new();
    sign(&mut headers, generation, interface, first)?;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let url = exchange.endpoint().join(&refresh.path, None)?;
    let asked = Instant::now();
    let reply = exchange.send(Request { method: Method::POST, url, headers, body: b"{}".into() }, deadline).await?;
    if !reply.status.is_success() {
        return Err(trouble_of_status(reply.status));
    }
    let malformed = |problem: &str| AdapterError::Malformed { what: format!("the reply of `auth.refresh` {problem}") };
    let text = Encoding::Utf8.decode(&reply.body).ok_or_else(|| malformed("is not UTF-8"))?;
    let reply = json::parse(&text).map_err(malformed)?;
    let secret = refresh.secret.value(&reply).and_then(|secret| secret.as_str()).filter(|secret| !secret.is_empty());
    let secret = secret.ok_or_else(|| malformed("has no secret"))?;
    Ok(Kept { secret: secret.into(), until: Some(token::end(asked, refresh.life)) })
}
