//! How text is written for URLs and headers.

use heyan_proto::document::Table;
use reqwest::header::HeaderName;

/// What the text of a header must be.
pub(super) const HEADER_TEXT: &str = "must be visible ASCII characters and spaces";

/// Headers that say how a message is sent; they are ours to write.
const OURS: [&str; 14] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "proxy-authorization",
    "te",
    "traceparent",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Writes bytes as one value of a URL: everything but letters, digits and `-._~` as `%` and two digits (RFC 3986).
pub(super) fn percent(bytes: &[u8], into: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            into.push(char::from(*byte));
        } else {
            into.push('%');
            into.push(char::from(DIGITS[usize::from(byte >> 4)]));
            into.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

/// A text as one value of a URL, in UTF-8.
pub(super) fn percent_encoded(text: &str) -> String {
    let mut written = String::new();
    percent(text.as_bytes(), &mut written);
    written
}

pub(super) fn is_header_text(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// Reads the name of a header that a declaration may write.
pub(super) fn parse_header_name(text: &str) -> Result<HeaderName, &'static str> {
    let name = HeaderName::from_bytes(text.as_bytes()).map_err(|_| "is not the name of a header")?;
    if OURS.contains(&name.as_str()) { Err("is a header that is written for you") } else { Ok(name) }
}

/// Reads the table `headers`; `parse` reads a value.
pub(super) fn read_headers<T>(
    table: &mut Table<'_>,
    names_max: usize,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Option<Vec<(HeaderName, T)>> {
    let Some(mut headers) = table.optional_table("headers")? else { return Some(Vec::new()) };
    let names = headers.keys();
    if names.len() > names_max {
        headers.problem(format!("more than {names_max} headers are declared"), None);
    }
    let read: Vec<_> = names
        .into_iter()
        .map(|written| {
            let value = headers.parse(&written, &parse);
            match parse_header_name(&written) {
                Ok(name) => Some((name, value?.into_inner())),
                Err(error) => {
                    headers.problem_at(&written, format!("`headers`: `{}` {error}", shortened(&written)), None);
                    None
                }
            }
        })
        .collect();
    read.into_iter().collect()
}

fn shortened(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).take(64).collect()
}
