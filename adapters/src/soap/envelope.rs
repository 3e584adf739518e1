use std::borrow::Cow;
use std::sync::Arc;

use super::body::{XmlTemplate, declare};
use super::path::Namespaces;
use super::tree::{Document, Element};
use crate::AdapterError;
use crate::declaration::Input;
use crate::exchange::Encoding;

/// How questions and replies are wrapped.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) version: Version,
    pub(super) encoding: Encoding,
    /// What the file declares, and `soap`.
    pub(super) namespaces: Namespaces,
    /// What stands in `soap:Header`.
    pub(super) header: Option<XmlTemplate>,
}

/// A version of SOAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// 1.1
    V1_1,
    /// 1.2
    V1_2,
}

impl Version {
    pub(super) fn namespace(self) -> &'static str {
        match self {
            Self::V1_1 => "http://schemas.xmlsoap.org/soap/envelope/",
            Self::V1_2 => "http://www.w3.org/2003/05/soap-envelope",
        }
    }

    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::V1_1 => "text/xml",
            Self::V1_2 => "application/soap+xml",
        }
    }

    /// Whether the element is the envelope's own of this name.
    fn is(self, element: &Element, local: &str) -> bool {
        &*element.name.local == local && element.name.namespace.as_deref() == Some(self.namespace())
    }
}

impl Envelope {
    /// A question in its envelope, in the declared encoding.
    ///
    /// # Errors
    /// [`AdapterError::Misconfigured`] where a value cannot be written so; nothing is ever replaced.
    pub(super) fn write<'v>(
        &self,
        body: &XmlTemplate,
        value: impl Fn(Input) -> Option<Cow<'v, str>>,
    ) -> Result<Vec<u8>, AdapterError> {
        let encoding = self.encoding.as_str();
        let unfit = |what: String| AdapterError::Misconfigured { what };
        let render = |template: &XmlTemplate| {
            let rendered = template.render(&value);
            rendered.ok_or_else(|| unfit("a value of the question has a character that XML cannot hold".into()))
        };
        let header = match &self.header {
            Some(header) => format!("<soap:Header>{}</soap:Header>", render(header)?),
            None => String::new(),
        };
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"{encoding}\"?>\n\
             <soap:Envelope{}>{header}<soap:Body>{}</soap:Body></soap:Envelope>",
            declare(&self.namespaces),
            render(body)?
        );
        let bytes = self.encoding.encode(&text).map(Cow::into_owned);
        bytes.ok_or_else(|| unfit(format!("a value of the question has a character that {encoding} cannot write")))
    }

    /// What stands in the body of a reply, be it a fault.
    ///
    /// # Errors
    /// [`AdapterError::Malformed`] where the text is no such envelope, [`AdapterError::Misconfigured`] where it is one of another
    /// version.
    pub(super) fn open(&self, text: &str) -> Result<Vec<Arc<Element>>, AdapterError> {
        let read = Document::parse(text);
        let Document { root, encoding } = read.map_err(|fault| malformed(format!("the reply {}", fault.what)))?;
        if encoding.is_some_and(|label| !self.encoding.is_named(&label)) {
            return Err(malformed(format!("the reply says that it is not written in `{}`", self.encoding.as_str())));
        }
        let own = self.version;
        if [Version::V1_1, Version::V1_2].into_iter().any(|other| other != own && other.is(&root, "Envelope")) {
            let what = "it replies in another version than `soap.version`".into();
            return Err(AdapterError::Misconfigured { what });
        }
        let is_known = |child: &Arc<Element>| own.is(child, "Header") || own.is(child, "Body");
        if !own.is(&root, "Envelope") || !root.children.iter().all(is_known) {
            return Err(malformed("the reply is no SOAP envelope".into()));
        }
        let bodies: Vec<_> = root.children.iter().filter(|child| own.is(child, "Body")).collect();
        let [body] = bodies[..] else { return Err(malformed("the reply has not one SOAP body".into())) };
        Ok(body.children.clone())
    }

    /// What a fault in the body means, by its code alone: its text is never repeated. `None` where there is none.
    pub(super) fn trouble(&self, tops: &[Arc<Element>]) -> Option<AdapterError> {
        let own = self.version;
        let fault = tops.iter().find(|top| own.is(top, "Fault"))?;
        // Those of SOAP 1.1 have no namespace; some services give them that of the envelope.
        let child = |of: &Element, local: &str| of.children.iter().find(|child| &*child.name.local == local).cloned();
        let code = match own {
            Version::V1_1 => child(fault, "faultcode"),
            Version::V1_2 => child(fault, "Code").and_then(|code| child(&code, "Value")),
        };
        let code = code.as_ref().map_or("", |code| code.text.trim());
        let code = code.rsplit_once(':').map_or(code, |(_, code)| code);
        Some(match code.split('.').next() {
            // Look-ups only read, so that asking again is safe.
            Some("Server" | "Receiver") => AdapterError::Unavailable,
            Some("Client" | "Sender" | "VersionMismatch" | "MustUnderstand" | "DataEncodingUnknown") => {
                AdapterError::Misconfigured { what: "it refuses the question with a SOAP fault".into() }
            }
            _ => malformed("the reply is a SOAP fault without a known code".into()),
        })
    }
}

pub(super) fn malformed(what: String) -> AdapterError {
    AdapterError::Malformed { what }
}
