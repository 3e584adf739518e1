//! What a look-up says over HTTP. Values of a question are encoded for the place where they stand.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeSet;

use heyan_proto::document::{Located, Table, Value as Declared};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::words::{self, percent};
use crate::declaration::{Input, Template};
use crate::exchange::{Encoding, Endpoint, Request};
use crate::{AdapterError, Lookup};

/// The most parameters of a query or form, and the most headers.
const NAMES_MAX: usize = 64;

/// What is sent for a look-up.
#[derive(Debug, Clone)]
pub(super) struct Question {
    method: Method,
    path: Template,
    query: Vec<(String, Template)>,
    headers: Vec<(HeaderName, Template)>,
    body: Body,
}

#[derive(Debug, Clone)]
enum Body {
    None,
    Json(Tree),
    Form(Vec<(String, Template)>),
}

/// JSON whose texts are templates.
#[derive(Debug, Clone)]
enum Tree {
    Text(Template),
    Integer(i64),
    Flag(bool),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Question {
    /// Reads what `[result_type.lookup]` says of the question, and the inputs that it sends.
    pub(super) fn read(table: &mut Table<'_>) -> Option<(Self, BTreeSet<Input>)> {
        let method = table.one_of("method", &[("GET", false), ("POST", true)]);
        let path = table.parse("path", parse_path);
        let query = read_parameters(table, "query");
        let headers = read_headers(table);
        let body = Body::read(table);
        let method = method?;
        if !*method && body.as_ref().is_some_and(|body| !matches!(body, Body::None)) {
            let help = "write `method = \"POST\"`, or parameters under `query`";
            table.problem_at(&method, "a question by GET has no `json` and no `form`", Some(help.into()));
            return None;
        }
        let method = if *method { Method::POST } else { Method::GET };
        let place = path?;
        let path = place.clone().into_inner();
        let question = Self { method, path, query: query?, headers: headers?, body: body? };
        let inputs: BTreeSet<Input> = question.templates().into_iter().flat_map(Template::inputs).collect();
        if !inputs.contains(&Input::SubjectNumber) {
            let help = "write it where the department expects the number: `query = { uscc = \"{{subject_number}}\" }`";
            table.problem_at(&place, "the look-up does not use `{{subject_number}}`", Some(help.into()));
            return None;
        }
        Some((question, inputs))
    }

    fn templates(&self) -> Vec<&Template> {
        let mut templates = vec![&self.path];
        templates.extend(self.query.iter().map(|(_, template)| template));
        templates.extend(self.headers.iter().map(|(_, template)| template));
        match &self.body {
            Body::None => {}
            Body::Form(form) => templates.extend(form.iter().map(|(_, template)| template)),
            Body::Json(tree) => tree.templates(&mut templates),
        }
        templates
    }

    /// The message for a look-up. What the question does not give is left out of query, form and headers, and is null in JSON.
    pub(super) fn request(
        &self,
        lookup: &Lookup,
        endpoint: &Endpoint,
        encoding: Encoding,
    ) -> Result<Request, AdapterError> {
        let misconfigured = |what: &str| AdapterError::Misconfigured { what: what.into() };
        let unknown = Cell::new(false);
        let encoded = |text: &str, into: &mut String| match encoding.encode(text) {
            Some(bytes) => percent(&bytes, into),
            None => unknown.set(true),
        };
        let path = self.path.render(|input| lookup.value(input), encoded);
        let path = path.ok_or_else(|| misconfigured("its path needs an input that the look-up lacks"))?;
        let query = parameters(&self.query, lookup, encoded);
        let mut headers = HeaderMap::new();
        for (name, template) in &self.headers {
            if let Some(value) = template.render(|input| lookup.value(input), encoded) {
                let value = HeaderValue::from_str(&value).map_err(|_| misconfigured("a header cannot be sent"))?;
                headers.append(name, value);
            }
        }
        let (content_type, body) = match &self.body {
            Body::None => (None, Vec::new()),
            Body::Form(form) => {
                (Some("application/x-www-form-urlencoded"), parameters(form, lookup, encoded).into_bytes())
            }
            Body::Json(tree) => {
                let content_type = match encoding {
                    Encoding::Utf8 => "application/json",
                    Encoding::Gb18030 => "application/json; charset=gb18030",
                    Encoding::Gbk => "application/json; charset=gbk",
                };
                let text = tree.render(lookup).to_string();
                let bytes = encoding.encode(&text).map(Cow::into_owned);
                unknown.set(unknown.get() || bytes.is_none());
                (Some(content_type), bytes.unwrap_or_default())
            }
        };
        if unknown.get() {
            return Err(misconfigured("the question has a character that its encoding has no form for"));
        }
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        let url = endpoint.join(&path, (!query.is_empty()).then_some(&query))?;
        Ok(Request { method: self.method.clone(), url, headers, body })
    }
}

impl Body {
    fn read(table: &mut Table<'_>) -> Option<Self> {
        let json = match table.optional_value("json") {
            Some(Some(json)) => Tree::read(table, json).map(Some),
            Some(None) => Some(None),
            None => None,
        };
        let form = if table.has("form") { read_parameters(table, "form").map(Some) } else { Some(None) };
        match (json?, form?) {
            (None, None) => Some(Self::None),
            (Some(json), None) => Some(Self::Json(json)),
            (None, Some(form)) => Some(Self::Form(form)),
            (Some(_), Some(_)) => {
                table.problem("the look-up has both `json` and `form`", Some("keep one of them".into()));
                None
            }
        }
    }
}

impl Tree {
    fn read(table: &Table<'_>, value: Declared) -> Option<Self> {
        match value {
            Declared::Text(text) => read_template(table, "json", &text).map(Self::Text),
            Declared::Integer(number) => Some(Self::Integer(number)),
            Declared::Flag(flag) => Some(Self::Flag(flag)),
            Declared::List(values) => {
                let values: Vec<_> = values.into_iter().map(|value| Self::read(table, value)).collect();
                values.into_iter().collect::<Option<_>>().map(Self::List)
            }
            Declared::Table(members) => {
                let members: Vec<_> =
                    members.into_iter().map(|(name, value)| Some((name, Self::read(table, value)?))).collect();
                members.into_iter().collect::<Option<_>>().map(Self::Object)
            }
        }
    }

    fn templates<'t>(&'t self, into: &mut Vec<&'t Template>) {
        match self {
            Self::Text(template) => into.push(template),
            Self::Integer(_) | Self::Flag(_) => {}
            Self::List(values) => values.iter().for_each(|value| value.templates(into)),
            Self::Object(members) => members.iter().for_each(|(_, value)| value.templates(into)),
        }
    }

    fn render(&self, lookup: &Lookup) -> serde_json::Value {
        match self {
            Self::Text(template) => template.render(|input| lookup.value(input), as_it_is).into(),
            Self::Integer(number) => (*number).into(),
            Self::Flag(flag) => (*flag).into(),
            Self::List(values) => values.iter().map(|value| value.render(lookup)).collect(),
            Self::Object(members) => members.iter().map(|(name, value)| (name.clone(), value.render(lookup))).collect(),
        }
    }
}

fn as_it_is(value: &str, into: &mut String) {
    into.push_str(value);
}

/// Parameters as `application/x-www-form-urlencoded` has them; those whose value the question does not give are left out.
fn parameters(named: &[(String, Template)], lookup: &Lookup, encoded: impl Fn(&str, &mut String)) -> String {
    let mut written = String::new();
    for (name, template) in named {
        let Some(value) = template.render(|input| lookup.value(input), as_it_is) else { continue };
        if !written.is_empty() {
            written.push('&');
        }
        encoded(name, &mut written);
        written.push('=');
        encoded(&value, &mut written);
    }
    written
}

fn read_parameters(table: &mut Table<'_>, key: &str) -> Option<Vec<(String, Template)>> {
    let Some(mut named) = table.optional_table(key)? else { return Some(Vec::new()) };
    let names = named.keys();
    if names.len() > NAMES_MAX {
        named.problem(format!("`{key}` has more than {NAMES_MAX} names"), None);
    }
    let read: Vec<_> = names
        .into_iter()
        .map(|name| {
            let text = named.text(&name)?;
            Some((name.into_inner(), read_template(&named, key, &text)?))
        })
        .collect();
    read.into_iter().collect()
}

/// A template for a text that is a value on its own. Two values in one text, or a value within a condition, could be read by the
/// department as something else; only inputs that are nothing but letters, digits and `-` may stand beside other text.
fn read_template(table: &Table<'_>, key: &str, text: &Located<String>) -> Option<Template> {
    let plain = [Input::SubjectNumber, Input::SubjectKind, Input::AsOf, Input::Requester];
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(error) => {
            table.problem_at(text, format!("`{key}` {error}"), None);
            return None;
        }
    };
    let freely_written = template.inputs().into_iter().find(|input| !plain.contains(input));
    match freely_written.filter(|_| !template.is_one_place()) {
        None => Some(template),
        Some(input) => {
            let message = format!("`{key}` has the place `{{{{{}}}}}` within other text", input.as_str());
            let help = "give it a text of its own: within another, a value could be read as more than a value";
            table.problem_at(text, message, Some(help.into()));
            None
        }
    }
}

fn read_headers(table: &mut Table<'_>) -> Option<Vec<(HeaderName, Template)>> {
    words::read_headers(table, NAMES_MAX, |text| {
        let template = Template::parse(text)?;
        if template.texts().all(words::is_header_text) { Ok(template) } else { Err(words::HEADER_TEXT.to_owned()) }
    })
}

/// A path whose text is written as it is sent.
fn parse_path(text: &str) -> Result<Template, String> {
    let template = Template::parse(text)?;
    let sent = |c: char| c.is_ascii_alphanumeric() || "/-._~!$&'()*+,;=:@%".contains(c);
    if !text.starts_with('/') || !template.texts().all(|text| text.chars().all(sent)) {
        return Err("must begin with `/` and be written as it is sent; parameters are declared under `query`".into());
    }
    let with_values = template.render(|_| Some("x".into()), as_it_is).unwrap_or_default();
    if with_values
        .split('/')
        .any(|segment| matches!(segment.to_ascii_lowercase().as_str(), "." | ".." | "%2e" | "%2e%2e"))
    {
        return Err("must not have `.` or `..` as a segment".into());
    }
    Ok(template)
}
