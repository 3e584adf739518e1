//! A throw-away authority and the certificates of the sample city. The authority's own key is never written: whoever
//! needs other certificates makes new ones.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
};

use super::chance::later;
use super::{SampleError, create_folder, files, write};

/// The files of the gateway's own identity and of the authority.
#[derive(Debug, Clone)]
pub struct SampleKeys {
    /// The authority's certificate, which clients use to know the gateway and the gateway to know clients.
    pub authority: PathBuf,
    /// The gateway's certificate, for `localhost`, 127.0.0.1 and `::1`.
    pub gateway_certificate: PathBuf,
    /// Its key.
    pub gateway_key: PathBuf,
}

/// The files of a client.
#[derive(Debug, Clone)]
pub struct ClientKeys {
    /// Its certificate, with exactly one URI.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// Where [`write_keys`] puts the certificate and key of a member: `system/housing-intake`, `person/auditor`.
pub fn client_keys(folder: &Path, member: &str) -> ClientKeys {
    let stem = folder.join("keys").join(member);
    ClientKeys { certificate: stem.with_extension("pem"), key: stem.with_extension("key") }
}

/// Writes `keys/`: an authority and, signed by it, certificates (P-256) for the gateway and every system and person.
///
/// They are valid from the day before `today` for a year. Key files can be read by their owner alone.
///
/// # Errors
/// [`SampleError`]; what was written until then stays.
pub fn write_keys(folder: &Path, today: Date) -> Result<SampleKeys, SampleError> {
    let signer = Signer::new(today)?;
    let keys = folder.join("keys");
    create_folder(&keys)?;
    let authority = keys.join("client-ca.pem");
    write(&authority, &signer.authority.pem())?;
    let (gateway_certificate, gateway_key) = (keys.join("gateway.pem"), keys.join("gateway.key"));
    let addresses = [
        SanType::DnsName(signer.name("localhost")?),
        SanType::IpAddress(std::net::Ipv4Addr::LOCALHOST.into()),
        SanType::IpAddress(std::net::Ipv6Addr::LOCALHOST.into()),
    ];
    signer.write(
        "gateway",
        addresses.into(),
        ExtendedKeyUsagePurpose::ServerAuth,
        &gateway_certificate,
        &gateway_key,
    )?;
    for uri in client_uris() {
        let member = uri.splitn(4, '/').nth(3).unwrap_or_default();
        let client = client_keys(folder, member);
        let name = vec![SanType::URI(signer.name(&uri)?)];
        signer.write(member, name, ExtendedKeyUsagePurpose::ClientAuth, &client.certificate, &client.key)?;
    }
    Ok(SampleKeys { authority, gateway_certificate, gateway_key })
}

/// The URIs in the sample's `systems/` and `people/`.
fn client_uris() -> Vec<String> {
    let texts = files::FILES.iter().filter(|(file, _)| file.starts_with("systems/") || file.starts_with("people/"));
    let tables = texts.filter_map(|(_, text)| text.parse::<toml::Table>().ok());
    let members =
        tables.flat_map(|table| ["system", "person"].into_iter().filter_map(move |key| table.get(key).cloned()));
    let uri = |member: &toml::Value| Some(member.get("uri")?.as_str()?.to_owned());
    members.filter_map(|list| Some(list.as_array()?.iter().filter_map(uri).collect::<Vec<_>>())).flatten().collect()
}

struct Signer {
    authority: CertifiedIssuer<'static, KeyPair>,
    from: Date,
}

impl Signer {
    fn new(today: Date) -> Result<Self, SampleError> {
        const NAME: &str = "Sample City throw-away authority";
        let from = later(today, -1);
        let mut params = valid(from, NAME);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let failed = |source| SampleError::Certificate { name: NAME.into(), source };
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        Ok(Self { authority: CertifiedIssuer::self_signed(params, key).map_err(failed)?, from })
    }

    /// Text as certificates write it.
    fn name(&self, text: &str) -> Result<rcgen::string::Ia5String, SampleError> {
        text.try_into().map_err(|source| SampleError::Certificate { name: text.into(), source })
    }

    fn write(
        &self,
        name: &str,
        alternative_names: Vec<SanType>,
        usage: ExtendedKeyUsagePurpose,
        certificate_file: &Path,
        key_file: &Path,
    ) -> Result<(), SampleError> {
        let failed = |source| SampleError::Certificate { name: name.into(), source };
        let mut params = valid(self.from, name);
        params.subject_alt_names = alternative_names;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let certificate = params.signed_by(&key, &*self.authority).map_err(failed)?;
        write(certificate_file, &certificate.pem())?;
        write_secret(key_file, &key.serialize_pem())
    }
}

/// A certificate of this name that is valid for a year and a day.
fn valid(from: Date, name: &str) -> CertificateParams {
    let midnight = |day: Date| {
        let (month, day_of_month) = (day.month().unsigned_abs(), day.day().unsigned_abs());
        rcgen::date_time_ymd(day.year().into(), month, day_of_month)
    };
    let mut params = CertificateParams::default();
    params.not_before = midnight(from);
    params.not_after = midnight(later(from, 366));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// Writes a file that its owner alone may read, also where it was there before with other rights.
fn write_secret(file: &Path, text: &str) -> Result<(), SampleError> {
    let run = || {
        match fs::remove_file(file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(file)?.write_all(text.as_bytes())
    };
    run().map_err(|source| SampleError::File { file: file.display().to_string(), source })
}
