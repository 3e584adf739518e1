//! A16: certificates that an authority should not have signed, or no longer would. Those with one fault of their own are in
//! `e2e/identity/certificates.rs`; here are chains, and what changes while a connection is open. Failure: a call that is answered,
//! or another reason for its refusal.

use std::time::{Duration, SystemTime};

use heyan_proto::v1;
use heyan_proto::v1::directory_service_client::DirectoryServiceClient;
use heyan_tests::{City, Gateway, Told, until};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Status};

use super::watch::Watch;

const HEALTH: &str = "spiffe://sample-city.example/system/health-intake";

type Issuer = CertifiedIssuer<'static, KeyPair>;
type Change = fn(&mut CertificateParams);

/// What stands between the authority and the caller, and the caller's own certificate.
struct Chain {
    what: &'static str,
    between: &'static [Change],
    shown: Change,
    /// The reason of the refusal in the metrics; none when it is taken.
    refused: Option<&'static str>,
}

const CHAINS: &[Chain] = &[
    Chain { what: "an authority under ours", between: &[|_| {}], shown: |_| {}, refused: None },
    Chain {
        what: "a system that signs for others",
        between: &[|params| params.is_ca = IsCa::ExplicitNoCa],
        shown: |_| {},
        refused: Some("bad_certificate"),
    },
    Chain {
        what: "an authority that may have none under it",
        between: &[|params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)), |_| {}],
        shown: |_| {},
        refused: Some("bad_certificate"),
    },
    Chain {
        what: "an authority for URIs of another city",
        between: &[|params| params.custom_extensions.push(uris_of_another_city())],
        shown: |_| {},
        refused: Some("bad_certificate"),
    },
    Chain {
        what: "an authority for hosts of another city",
        between: &[|params| {
            let permitted_subtrees = vec![GeneralSubtree::DnsName("other-city.example".into())];
            params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
        }],
        shown: |params| {
            params.subject_alt_names.push(SanType::DnsName("desk.sample-city.example".try_into().unwrap()));
        },
        refused: Some("bad_certificate"),
    },
    Chain {
        what: "an authority that has expired",
        between: &[|params| params.not_after = rcgen::date_time_ymd(2021, 1, 1)],
        shown: |_| {},
        refused: Some("expired"),
    },
    Chain {
        what: "an authority for servers",
        between: &[|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]],
        shown: |_| {},
        refused: Some("wrong_purpose"),
    },
];

/// nameConstraints that permit URIs of one host alone (RFC 5280, 4.2.1.10); rcgen has none for URIs.
fn uris_of_another_city() -> CustomExtension {
    let host = b"other-city.example";
    let length = |more: usize| u8::try_from(host.len() + more).unwrap();
    let head = [0x30, length(6), 0xA0, length(4), 0x30, length(2), 0x86, length(0)];
    let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 30], [&head[..], host].concat());
    extension.set_criticality(true);
    extension
}

#[tokio::test]
async fn chains_that_prove_nothing() {
    let city = City::new();
    let root = root();
    city.edit("keys/client-ca.pem", |text| text + &root.pem());
    let gateway = Gateway::start(&city);
    let watch = Watch::over(&gateway).await;
    for chain in CHAINS {
        let before = refusals(&gateway, chain.refused);
        let outcome = call(&show(&gateway, &city, &root, chain)).await;
        match chain.refused {
            None => outcome.unwrap_or_else(|status| panic!("{}: {status:?}", chain.what)),
            Some(_) => {
                outcome.expect_err(chain.what);
                until(chain.what, async || refusals(&gateway, chain.refused) > before).await;
            }
        }
    }
    watch.end("chains").await;
}

/// The handshake was long ago, and nobody is asked about the certificate again but the gateway's own clock and directory.
#[tokio::test]
async fn a_caller_that_ends_while_its_connection_is_open() {
    let city = City::new();
    let root = root();
    city.edit("keys/client-ca.pem", |text| text + &root.pem());
    let gateway = Gateway::start(&city);
    let watch = Watch::over(&gateway).await;
    let short = |params: &mut CertificateParams| params.not_after = (SystemTime::now() + Duration::from_secs(3)).into();
    let expiring = Chain { what: "expiring", between: &[], shown: short, refused: None };
    let expiring = show(&gateway, &city, &root, &expiring);
    call(&expiring).await.unwrap();
    let removed = gateway.connect("service-window").await;
    call(&removed).await.unwrap();

    city.edit("systems/systems.toml", |text| {
        let mut tables: Vec<_> = text.split("[[system]]").collect();
        tables.retain(|table| !table.contains("id = \"service-window\""));
        tables.join("[[system]]")
    });
    for (channel, reason) in [(&removed, "CERTIFICATE_UNKNOWN"), (&expiring, "CERTIFICATE_EXPIRED")] {
        until(reason, async || call(channel).await.is_err()).await;
        let told = Told::by(&call(channel).await.unwrap_err());
        assert_eq!((told.code, told.reason.as_str()), (Code::Unauthenticated, reason));
    }
    watch.end("callers that end").await;
}

fn root() -> Issuer {
    Issuer::self_signed(authority("Sample City second authority"), KeyPair::generate().unwrap()).unwrap()
}

fn authority(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    (params.not_before, params.not_after) = (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(2099, 1, 1));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// A channel that shows a certificate of the health department's system, and what is between it and the root.
fn show(gateway: &Gateway, city: &City, root: &Issuer, chain: &Chain) -> Channel {
    let mut between: Vec<Issuer> = Vec::new();
    for (at, change) in chain.between.iter().enumerate() {
        let mut params = authority(&format!("Between {at}"));
        change(&mut params);
        let issuer = between.last().unwrap_or(root);
        between.push(Issuer::signed_by(params, KeyPair::generate().unwrap(), issuer).unwrap());
    }
    let mut params = named("health-intake");
    params.subject_alt_names = vec![SanType::URI(HEALTH.try_into().unwrap())];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    (chain.shown)(&mut params);
    let key = KeyPair::generate().unwrap();
    let mut pem = params.signed_by(&key, &**between.last().unwrap_or(root)).unwrap().pem();
    pem.extend(between.iter().rev().map(|issuer| issuer.pem()));
    let ca = Certificate::from_pem(std::fs::read(city.file("keys/client-ca.pem")).unwrap());
    let tls = ClientTlsConfig::new().ca_certificate(ca).domain_name("localhost");
    let tls = tls.identity(Identity::from_pem(pem, key.serialize_pem()));
    Endpoint::from_shared(format!("https://{}", gateway.address())).unwrap().tls_config(tls).unwrap().connect_lazy()
}

async fn call(channel: &Channel) -> Result<(), Status> {
    let request = v1::ListDepartmentsRequest::default();
    DirectoryServiceClient::new(channel.clone()).list_departments(request).await.map(drop)
}

/// How many handshakes were refused for this reason so far.
fn refusals(gateway: &Gateway, reason: Option<&str>) -> usize {
    let line = format!("heyan_handshake_failures_total{{reason=\"{}\"}} ", reason.unwrap_or_default());
    let metrics = gateway.admin("/metrics").1;
    metrics.lines().find_map(|metric| metric.strip_prefix(&line)).unwrap_or("0").parse().unwrap()
}
