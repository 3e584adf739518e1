//! Certificates that a gateway must not take, and an authority that signs them.

use heyan_tests::{City, Gateway};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Error, Identity};

/// The certificate that a client shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    pub(super) uris: &'static [&'static str],
    pub(super) common_name: &'static str,
    pub(super) not_before: i32,
    pub(super) not_after: i32,
    pub(super) is_authority: bool,
    pub(super) is_server: bool,
    pub(super) of_another_authority: bool,
    pub(super) is_shown: bool,
}

/// How a certificate is refused: the word in the log, and the reason that the caller is told.
#[derive(Debug)]
pub(super) enum Refused {
    InTheHandshake(&'static str),
    OnEachCall(&'static str, &'static str),
}

const HEALTH: &[&str] = &["spiffe://sample-city.example/system/health-intake"];

const GOOD: Shown = Shown {
    uris: HEALTH,
    common_name: "health-intake",
    not_before: 2020,
    not_after: 2099,
    is_authority: false,
    is_server: false,
    of_another_authority: false,
    is_shown: true,
};

pub(super) const BAD_CERTIFICATES: &[(&str, Shown, Refused)] = &[
    ("none", Shown { is_shown: false, ..GOOD }, Refused::InTheHandshake("no_certificate")),
    (
        "of another authority",
        Shown { of_another_authority: true, ..GOOD },
        Refused::InTheHandshake("unknown_authority"),
    ),
    ("expired", Shown { not_after: 2021, ..GOOD }, Refused::InTheHandshake("expired")),
    ("not valid yet", Shown { not_before: 2098, ..GOOD }, Refused::InTheHandshake("not_yet_valid")),
    ("an authority's", Shown { is_authority: true, ..GOOD }, Refused::InTheHandshake("authority")),
    ("a server's", Shown { is_server: true, ..GOOD }, Refused::InTheHandshake("wrong_purpose")),
    ("no URI", Shown { uris: &[], ..GOOD }, Refused::OnEachCall("no_uri", "CERTIFICATE_NAMES_AMBIGUOUS")),
    (
        "two URIs",
        Shown { uris: &[HEALTH[0], "spiffe://sample-city.example/system/housing-intake"], ..GOOD },
        Refused::OnEachCall("several_uris", "CERTIFICATE_NAMES_AMBIGUOUS"),
    ),
    (
        "the same URI twice",
        Shown { uris: &[HEALTH[0], HEALTH[0]], ..GOOD },
        Refused::OnEachCall("several_uris", "CERTIFICATE_NAMES_AMBIGUOUS"),
    ),
    (
        "a name that nobody has",
        Shown { uris: &["spiffe://sample-city.example/system/nobody"], ..GOOD },
        Refused::OnEachCall("unknown", "CERTIFICATE_UNKNOWN"),
    ),
    (
        "a name of another city",
        Shown { uris: &["spiffe://other-city.example/system/health-intake"], ..GOOD },
        Refused::OnEachCall("unknown", "CERTIFICATE_UNKNOWN"),
    ),
    (
        "a name in other letters",
        Shown { uris: &["spiffe://Sample-City.example/system/health-intake"], ..GOOD },
        Refused::OnEachCall("unknown", "CERTIFICATE_UNKNOWN"),
    ),
    (
        "a revoked one",
        Shown { uris: &["spiffe://sample-city.example/system/housing-legacy"], ..GOOD },
        Refused::OnEachCall("revoked", "CERTIFICATE_REVOKED"),
    ),
];

impl Shown {
    /// The certificate that this system should show.
    pub(super) fn system(id: &'static str) -> Self {
        assert!(HEALTH[0].ends_with(id), "the good certificate is of one system");
        GOOD
    }
}

/// An authority of the test's own.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = params(name, 2020, 2099);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Connects with a certificate of this authority. The handshake may end only with the first call.
    pub(super) async fn show(&self, gateway: &Gateway, city: &City, shown: &Shown) -> Result<Channel, Error> {
        let mut params = params(shown.common_name, shown.not_before, shown.not_after);
        params.subject_alt_names = shown.uris.iter().map(|&uri| SanType::URI(uri.try_into().unwrap())).collect();
        params.extended_key_usages = vec![match shown.is_server {
            true => ExtendedKeyUsagePurpose::ServerAuth,
            false => ExtendedKeyUsagePurpose::ClientAuth,
        }];
        if shown.is_authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &*self.0).unwrap();
        let ca = std::fs::read(city.file("keys/client-ca.pem")).unwrap();
        let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(ca)).domain_name("localhost");
        if shown.is_shown {
            tls = tls.identity(Identity::from_pem(certificate.pem(), key.serialize_pem()));
        }
        Endpoint::from_shared(format!("https://{}", gateway.address()))?.tls_config(tls)?.connect().await
    }
}

fn params(name: &str, not_before: i32, not_after: i32) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = rcgen::date_time_ymd(not_before, 1, 1);
    params.not_after = rcgen::date_time_ymd(not_after, 1, 1);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
