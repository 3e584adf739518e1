use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use heyan_proto::document::Table;
use heyan_proto::vocabulary::PlainText;
use reqwest::{Certificate, ClientBuilder, Identity, Url};

use crate::{AdapterError, Secret};

/// The largest file of certificates, in bytes.
const CERTIFICATES_BYTES_MAX: u64 = 1 << 20;

/// Where a department's system is, and who is trusted there: a URL and `tls`.
#[derive(Clone)]
pub(crate) struct Endpoint {
    url: Url,
    tls: Tls,
}

/// The table `tls`; paths are relative to the city folder.
#[derive(Debug, Clone, Default)]
struct Tls {
    /// The only roots; without it, those of the system.
    ca: Option<PathBuf>,
    /// Our own certificate and its key.
    identity: Option<(PathBuf, Secret)>,
}

impl Endpoint {
    /// Reads the URL under `key`, and `tls`.
    pub(crate) fn read(table: &mut Table<'_>, key: &str) -> Option<Self> {
        let url = table.parse(key, parse_url);
        let tls = match table.optional_table("tls") {
            Some(Some(mut tls)) => Tls::read(&mut tls),
            Some(None) => Some(Tls::default()),
            None => None,
        };
        let (url, tls) = (url?, tls?);
        if url.scheme() == "http" && (tls.ca.is_some() || tls.identity.is_some()) {
            let help = "write `https://`, or remove `tls`";
            table.problem_at(&url, "`tls` is declared for a URL without TLS", Some(help.into()));
            return None;
        }
        Some(Self { url: url.into_inner(), tls })
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The URL with more behind its path, and a query. Both are encoded already.
    ///
    /// # Errors
    /// [`AdapterError::Misconfigured`] where the path would be read otherwise than it is written, as `..` is.
    pub(crate) fn join(&self, path: &str, query: Option<&str>) -> Result<Url, AdapterError> {
        let mut url = self.url.clone();
        let whole = format!("{}{path}", url.path().trim_end_matches('/'));
        url.set_path(&whole);
        url.set_query(query);
        if url.path() == whole || (whole.is_empty() && url.path() == "/") {
            Ok(url)
        } else {
            Err(AdapterError::Misconfigured { what: "a value of the question cannot stand in the path".into() })
        }
    }

    pub(super) fn with_tls(&self, builder: ClientBuilder, city_folder: &Path) -> Result<ClientBuilder, AdapterError> {
        let mut builder = builder.https_only(self.url.scheme() == "https");
        if self.url.scheme() == "http" {
            // Nobody is asked whether a certificate is good, so that the roots of the system need not be read.
            builder = builder.tls_certs_only([]);
        }
        if let Some(ca) = &self.tls.ca {
            let unusable = || unusable("`tls.ca` is not a list of certificates in PEM");
            let roots = Certificate::from_pem_bundle(&read_file("`tls.ca`", &city_folder.join(ca))?);
            let roots = roots.ok().filter(|roots| !roots.is_empty()).ok_or_else(unusable)?;
            builder = builder.tls_certs_only(roots);
        }
        if let Some((certificate, key)) = &self.tls.identity {
            let mut pem = read_file("`tls.certificate`", &city_folder.join(certificate))?;
            pem.push(b'\n');
            pem.extend_from_slice(key.reveal(city_folder)?.expose().as_bytes());
            let unusable = |_| unusable("`tls.certificate` and `tls.key` are not a certificate and its key in PEM");
            builder = builder.identity(Identity::from_pem(&pem).map_err(unusable)?);
        }
        Ok(builder)
    }

    /// Why no client can be built, where every file was read.
    pub(super) fn unfit(&self) -> AdapterError {
        unusable(match self.tls.identity {
            Some(_) => "`tls.certificate` and `tls.key` do not fit each other",
            None => "this machine has no list of authorities: declare `tls.ca`",
        })
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("url", &self.url.as_str()).field("tls", &self.tls).finish()
    }
}

impl Tls {
    fn read(table: &mut Table<'_>) -> Option<Self> {
        let mut file = |key: &str| table.optional_parse(key, |text| PlainText::parse(text, 1024));
        let (ca, certificate) = (file("ca"), file("certificate"));
        let key = match table.optional_table("key") {
            Some(Some(mut key)) => Secret::read(&mut key).map(Some),
            Some(None) => Some(None),
            None => None,
        };
        let path = |file: &str| PathBuf::from(file);
        let identity = match (certificate?, key?) {
            (Some(certificate), Some(key)) => Some((path(certificate.as_str()), key)),
            (None, None) => None,
            _ => {
                let help = "write both, or neither";
                table.problem("`tls` has one of `certificate` and `key` without the other", Some(help.into()));
                return None;
            }
        };
        Some(Self { ca: ca?.map(|ca| path(ca.as_str())), identity })
    }
}

/// Reads a URL of a department's system: with TLS, unless it is this very machine.
pub(crate) fn parse_url(text: &str) -> Result<Url, String> {
    const EXPECTED: &str = "must be a URL such as `https://licences.example.gov.cn/api/v2`";
    let url = Url::parse(text).map_err(|_| EXPECTED)?;
    let Some(host) = url.host_str().filter(|_| text.len() <= 1024) else { return Err(EXPECTED.into()) };
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(format!("{EXPECTED}, without user, password, query and fragment"));
    }
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_here = host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_here => Ok(url),
        "http" => Err("must begin with `https://`; `http://` is for loopback addresses such as `127.0.0.1`".into()),
        _ => Err(EXPECTED.into()),
    }
}

fn read_file(setting: &str, file: &Path) -> Result<Vec<u8>, AdapterError> {
    let fits = std::fs::metadata(file).is_ok_and(|file| file.is_file() && file.len() <= CERTIFICATES_BYTES_MAX);
    let read = if fits { std::fs::read(file).ok() } else { None };
    read.ok_or_else(|| unusable(&format!("the file of {setting} cannot be read")))
}

fn unusable(what: &str) -> AdapterError {
    AdapterError::Misconfigured { what: what.into() }
}
