use heyan_proto::document::Table;
use reqwest::header::{HeaderMap, HeaderValue};

use super::auth::Auth;
use super::words;
use crate::exchange::{Encoding, Endpoint};

/// The most headers of a department.
const HEADERS_MAX: usize = 16;

/// The table `[http]`.
#[derive(Debug, Clone)]
pub struct HttpSource {
    pub(super) endpoint: Endpoint,
    pub(super) encoding: Encoding,
    /// Sent with every message.
    pub(super) headers: HeaderMap,
    pub(super) auth: Auth,
    /// The path that says whether the department's system works.
    pub(super) health: Option<String>,
}

impl HttpSource {
    pub(crate) fn read(table: &mut Table<'_>) -> Option<Self> {
        let endpoint = Endpoint::read(table, "base_url");
        let encoding = Encoding::read(table);
        let headers = words::read_headers(table, HEADERS_MAX, |text| {
            if !words::is_header_text(text) {
                return Err(words::HEADER_TEXT.to_owned());
            }
            if text.contains("{{") {
                return Err("has a place for a question; write it under `headers` of `[result_type.lookup]`".into());
            }
            HeaderValue::from_str(text).map_err(|_| words::HEADER_TEXT.to_owned())
        });
        let auth = match table.optional_table("auth") {
            Some(Some(mut auth)) => Auth::read(&mut auth),
            Some(None) => Some(Auth::None),
            None => None,
        };
        let health = table.optional_parse("health", |text| {
            let fits = text.starts_with('/') && text.len() <= 256 && !text.contains(['?', '#', '{']);
            if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
                Ok(text.to_owned())
            } else {
                Err("must be a path such as `/health`")
            }
        });
        let (endpoint, auth) = (endpoint?, auth?);
        if let Auth::OAuth2(grant) = &auth
            && grant.token_url.scheme() != endpoint.url().scheme()
        {
            let help = "write `https://` in both, as any but this very machine demands";
            table.problem("one of `base_url` and `auth.token_url` has TLS and the other has not", Some(help.into()));
            return None;
        }
        Some(Self {
            endpoint,
            encoding: encoding?,
            headers: headers?.into_iter().collect(),
            auth,
            health: health?.map(|health| health.into_inner()),
        })
    }

    /// Where the service is.
    pub fn url(&self) -> &str {
        self.endpoint.url().as_str()
    }

    /// Whether every department is asked with its own credentials.
    pub(crate) fn has_requester_credentials(&self) -> bool {
        matches!(self.auth, Auth::Platform(_))
    }
}
