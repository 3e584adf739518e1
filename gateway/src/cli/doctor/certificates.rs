//! The gateway's certificate, its key, and the authorities of its callers.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, RootCertStore};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::report::{Findings, say};
use crate::cli::Exit;
use crate::config;
use crate::server::Tls;

/// Sooner than this, an end is worth a word.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Checks the files that `[tls]` names.
pub(super) fn check(tls: &config::Tls, now: Timestamp, found: &mut Findings<'_>) {
    match Tls::read(&tls.certificate, &tls.key, &tls.client_ca) {
        Ok(_) => found.fine("pair", say("证书与私钥相配", "the certificate and its key go together")),
        Err(error) => found.wrong(
            Exit::Configuration,
            "pair",
            say(format!("证书文件不可用：{error}"), error.to_string()),
            say("检查 heyan.toml 的 [tls] 所指文件", "look at the files that [tls] of heyan.toml names"),
        ),
    }
    check_mode(&tls.key, found);
    // What cannot be read is told above.
    let chain = read(&tls.certificate);
    let authorities = read(&tls.client_ca);
    if let Some(own) = chain.first().and_then(|own| parse(own)) {
        check_times("gateway-time", "网关证书", "the gateway's certificate", &own, now, found);
        let names = names(&own);
        if names.is_empty() {
            found.wrong(
                Exit::Configuration,
                "gateway-names",
                say("网关证书没有主机名或地址", "the gateway's certificate names no host and no address"),
                say("重新签发，写入 subjectAltName", "have it issued again with a subjectAltName"),
            );
        } else {
            let names = names.join(", ");
            found.fine(
                "gateway-names",
                say(format!("网关证书用于 {names}"), format!("the gateway's certificate is for {names}")),
            );
        }
        check_chain(&chain, &authorities, &own, now, found);
    }
    for authority in authorities.iter().filter_map(|authority| parse(authority)) {
        let name = authority.subject().to_string();
        check_times(
            "client-ca-time",
            &format!("调用方签发机构 {name} "),
            &format!("the callers' authority {name}"),
            &authority,
            now,
            found,
        );
    }
}

fn read(file: &Path) -> Vec<CertificateDer<'static>> {
    let read = CertificateDer::pem_file_iter(file).map(|found| found.filter_map(Result::ok).collect());
    read.unwrap_or_default()
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Option<X509Certificate<'a>> {
    X509Certificate::from_der(der).ok().map(|(_, certificate)| certificate)
}

fn check_mode(key: &Path, found: &mut Findings<'_>) {
    let Ok(metadata) = std::fs::metadata(key) else { return };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return found.fine("key-mode", say("私钥仅属主可读", "the key can be read by its owner alone"));
    }
    let key = key.display();
    found.attention(
        "key-mode",
        say(format!("他人可读私钥（权限 {mode:03o}）"), format!("others may read the key (mode {mode:03o})")),
        say(format!("执行 chmod 600 {key}"), format!("write `chmod 600 {key}`")),
    );
}

fn check_times(
    check: &str,
    zh: &str,
    en: &str,
    certificate: &X509Certificate<'_>,
    now: Timestamp,
    found: &mut Findings<'_>,
) {
    let at = |second: i64| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
    let validity = certificate.validity();
    let (from, until) = (at(validity.not_before.timestamp()), at(validity.not_after.timestamp()));
    if until <= now {
        return found.wrong(
            Exit::Configuration,
            check,
            say(format!("{zh}已于 {until} 到期"), format!("{en} has ended at {until}")),
            say("更换证书并重启网关", "replace it and restart the gateway"),
        );
    }
    if from > now {
        return found.wrong(
            Exit::Configuration,
            check,
            say(format!("{zh}自 {from} 起才有效"), format!("{en} begins at {from} only")),
            say("检查本机时钟，或重新签发", "look at this machine's clock, or have it issued again"),
        );
    }
    let days = until.duration_since(now).as_hours() / 24;
    if until.duration_since(now) < SOON {
        return found.attention(
            check,
            say(format!("{zh}还有 {days} 天到期（{until}）"), format!("{en} ends in {days} days ({until})")),
            say("尽快更换证书", "replace it soon"),
        );
    }
    found.fine(
        check,
        say(format!("{zh}有效至 {until}（{days} 天）"), format!("{en} is valid until {until} ({days} days)")),
    );
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Vec::new() };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| std::net::Ipv4Addr::from(bytes).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string()),
        },
        _ => None,
    };
    names.value.general_names.iter().filter_map(name).collect()
}

/// The chain is verified against its own last certificate, or against an authority of `tls.client_ca` that has signed it. Where
/// neither is there, callers must know the authority, and nobody here can tell.
fn check_chain(
    chain: &[CertificateDer<'static>],
    authorities: &[CertificateDer<'static>],
    own: &X509Certificate<'_>,
    now: Timestamp,
    found: &mut Findings<'_>,
) {
    let issuer = own.issuer().to_string();
    let (links, anchors) = match chain {
        [_, links @ .., last] => (links, vec![last.clone()]),
        _ => (&[][..], authorities.to_vec()),
    };
    let signed_by_known = chain.len() > 1
        || anchors.iter().filter_map(|anchor| parse(anchor)).any(|anchor| anchor.subject() == own.issuer());
    if !signed_by_known {
        return found.fine(
            "gateway-chain",
            say(
                format!("网关证书由 {issuer} 签发，调用方须信任该机构"),
                format!("the gateway's certificate is signed by {issuer}, which callers must trust"),
            ),
        );
    }
    match verify(&chain[0], links, anchors, own, now) {
        // Times are told by themselves.
        Ok(())
        | Err(rustls::Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        )) => found.fine(
            "gateway-chain",
            say(format!("证书链完整，由 {issuer} 签发"), format!("the chain holds; it is signed by {issuer}")),
        ),
        Err(error) => found.wrong(
            Exit::Configuration,
            "gateway-chain",
            say(format!("证书链不成立：{error}"), format!("the chain does not hold: {error}")),
            say(
                "证书文件应先写网关证书，再依次写签发它的证书",
                "the file holds the gateway's own certificate first, then each that signed the one before it",
            ),
        ),
    }
}

fn verify(
    own: &CertificateDer<'_>,
    links: &[CertificateDer<'_>],
    anchors: Vec<CertificateDer<'static>>,
    parsed: &X509Certificate<'_>,
    now: Timestamp,
) -> Result<(), rustls::Error> {
    let mut roots = RootCertStore::empty();
    for anchor in anchors {
        roots.add(anchor)?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build();
    let verifier = verifier.map_err(|error| rustls::Error::General(error.to_string()))?;
    let name = names(parsed).into_iter().next().and_then(|name| ServerName::try_from(name).ok());
    let Some(name) = name else { return Ok(()) };
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    verifier.verify_server_cert(own, links, &name, &[], now).map(drop)
}
