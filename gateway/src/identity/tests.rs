use proptest::prelude::*;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, KeyUsagePurpose, SanType, date_time_ymd};

use super::*;

const DESK: &str = "spiffe://sample-city.example/system/desk";
const AUDITOR: &str = "spiffe://sample-city.example/person/wang";

/// The desk, an auditor, and whether both are revoked.
struct Roll {
    revoked: bool,
}

impl Members for Roll {
    fn member(&self, uri: &str) -> Option<Member> {
        let kind = match uri {
            DESK => CallerKind::System {
                id: SystemId::parse("desk").unwrap(),
                department: DepartmentId::parse("service-centre").unwrap(),
            },
            AUDITOR => CallerKind::Person { id: PersonId::parse("wang").unwrap(), roles: [Role::Auditor].into() },
            _ => return None,
        };
        Some(Member { kind, revoked: self.revoked })
    }
}

fn certificate(change: impl FnOnce(&mut CertificateParams)) -> PeerCertificate {
    let mut params = CertificateParams::default();
    params.not_after = date_time_ymd(2030, 1, 1);
    change(&mut params);
    PeerCertificate::read(params.self_signed(&KeyPair::generate().unwrap()).unwrap().der()).unwrap()
}

fn names(params: &mut CertificateParams, uris: &[&str]) {
    params.subject_alt_names = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
}

fn identify_at(certificate: &PeerCertificate, now: &str, revoked: bool) -> Result<Caller, IdentityError> {
    identify(certificate, &Roll { revoked }, now.parse().unwrap())
}

const NOW: &str = "2026-11-23T08:00:00Z";

#[test]
fn a_system_is_known_with_its_department() {
    let certificate = certificate(|params| names(params, &[DESK]));
    let caller = identify_at(&certificate, NOW, false).unwrap();
    let (id, department) = caller.system().unwrap();
    assert_eq!((caller.uri().as_ref(), id.as_str(), department.as_str()), (DESK, "desk", "service-centre"));
    assert_eq!(caller.fingerprint().to_string().len(), 64);
    assert!(!caller.has_role(Role::Auditor));
}

#[test]
fn a_person_has_the_roles_of_the_directory_and_no_other() {
    let caller = identify_at(&certificate(|params| names(params, &[AUDITOR])), NOW, false).unwrap();
    assert!(caller.system().is_none() && caller.has_role(Role::Auditor) && !caller.has_role(Role::Approver));
}

#[test]
fn each_condition_is_told_by_its_own_error() {
    let refused = |change: fn(&mut CertificateParams)| identify_at(&certificate(change), NOW, false).unwrap_err();
    assert_eq!(refused(|params| names(params, &[])), IdentityError::NoUri);
    assert_eq!(refused(|params| names(params, &[DESK, DESK])), IdentityError::SeveralUris);
    assert_eq!(refused(|params| names(params, &[DESK, AUDITOR])), IdentityError::SeveralUris);
    assert_eq!(refused(|params| names(params, &["spiffe://sample-city.example/system/desk/"])), IdentityError::Unknown);
    assert_eq!(
        refused(|params| {
            names(params, &[DESK]);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }),
        IdentityError::Authority
    );
    assert_eq!(
        refused(|params| {
            names(params, &[DESK]);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        }),
        IdentityError::Authority
    );
    let desk = certificate(|params| names(params, &[DESK]));
    assert_eq!(identify_at(&desk, NOW, true).unwrap_err(), IdentityError::Revoked);
}

#[test]
fn names_beside_the_uri_do_not_count() {
    let certificate = certificate(|params| {
        names(params, &[DESK]);
        params.subject_alt_names.push(SanType::DnsName("desk.sample-city.example".try_into().unwrap()));
    });
    identify_at(&certificate, NOW, false).unwrap();
}

#[test]
fn a_certificate_ends_while_its_connection_is_open() {
    let certificate = certificate(|params| names(params, &[DESK]));
    identify_at(&certificate, "2030-01-01T00:00:00Z", false).unwrap();
    assert_eq!(identify_at(&certificate, "2030-01-01T00:00:01Z", false).unwrap_err(), IdentityError::Expired);
}

#[test]
fn a_certificate_without_an_end_can_be_read() {
    let certificate = certificate(|params| {
        names(params, &[DESK]);
        params.not_after = date_time_ymd(9999, 12, 31);
    });
    identify_at(&certificate, NOW, false).unwrap();
}

#[test]
fn bytes_after_the_certificate_are_refused() {
    let key = KeyPair::generate().unwrap();
    let mut der = CertificateParams::default().self_signed(&key).unwrap().der().to_vec();
    PeerCertificate::read(&der).unwrap();
    der.push(0);
    assert_eq!(PeerCertificate::read(&der).unwrap_err(), CertificateError);
}

#[test]
fn a_name_that_cannot_be_read_is_not_passed_over() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    names(&mut params, &[AUDITOR, DESK]);
    let mut der = params.self_signed(&key).unwrap().der().to_vec();
    let at = der.windows(AUDITOR.len()).position(|window| window == AUDITOR.as_bytes()).unwrap();
    // No URI is written with such a byte, and the other one is the desk's.
    der[at + 10] = 0x84;
    assert_eq!(PeerCertificate::read(&der).unwrap_err(), CertificateError);
}

#[test]
fn the_words_of_roles_and_reasons_are_distinct() {
    for role in Role::ALL {
        assert_eq!(Role::parse(role.as_str()), Some(role));
    }
    let reasons: std::collections::BTreeSet<_> = IdentityError::ALL.iter().map(|error| error.as_str()).collect();
    assert_eq!(reasons.len(), IdentityError::ALL.len());
}

proptest! {
    /// A certificate with one byte changed is read or refused, and never ends the process.
    #[test]
    fn no_bytes_are_too_strange(at in 0_usize..400, byte: u8, tail in proptest::collection::vec(any::<u8>(), 0..64)) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        names(&mut params, &[DESK]);
        let mut der = params.self_signed(&key).unwrap().der().to_vec();
        let at = at % der.len();
        der[at] = byte;
        drop(PeerCertificate::read(&der));
        drop(PeerCertificate::read(&tail));
    }
}
