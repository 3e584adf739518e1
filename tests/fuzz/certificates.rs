//! Client certificates: bytes to the URIs among their alternative names, and to a caller.
//!
//! What is read is held against a second reader of DER, which knows the two things that identity rests on and nothing else.

use heyan::directory::Directory;
use heyan::identity::{IdentityError, PeerCertificate, identify};
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;

use super::harness::{Outcome, Shape, Target, run};
use super::{city, holds};

#[test]
fn peers() {
    run(&Target { name: "certificates", shape: Shape::Bytes, bytes_max: 8_000, seeds: Vec::new, check: &check });
}

fn check(input: &[u8]) -> Outcome {
    let shown = ParsedCertificate::try_from(&CertificateDer::from(input)).is_ok();
    let certificate = match PeerCertificate::read(input) {
        Ok(certificate) => certificate,
        Err(error) => {
            holds::one_line(&error.to_string(), 200);
            return Outcome::of(("unreadable", shown, extensions(input).map(|found| found.len())));
        }
    };
    // The handshake reads it before we do, more strictly.
    if !shown {
        return Outcome::of(("refused by the handshake", certificate.uris().len()));
    }
    let longer = [input, &[0]].concat();
    assert!(PeerCertificate::read(&longer).is_err(), "bytes after a certificate are read over");
    let extensions = extensions(input).expect("the second reader reads what the first one does");
    let of = |oid: &[u8]| extensions.iter().filter(|(id, _)| *id == oid).map(|(_, value)| *value).collect::<Vec<_>>();
    let names = of(&[0x55, 0x1D, 0x11]);
    assert!(names.len() <= 1, "two lists of alternative names, and one is read");
    let uris: Vec<&[u8]> = names.iter().flat_map(|names| uris(names)).collect();
    let read: Vec<&[u8]> = certificate.uris().iter().map(|uri| uri.as_bytes()).collect();
    assert_eq!(read, uris, "other URIs than are written");
    let authority = of(&[0x55, 0x1D, 0x13]).iter().any(|value| is_authority(value));
    assert!(!authority || certificate.is_authority(), "an authority is not seen to be one");

    let directory: &Directory = city::directory();
    let outcome = identify(&certificate, directory, city::now());
    match &outcome {
        Ok(caller) => {
            assert!(uris.len() == 1 && !authority, "a caller out of {} URIs", uris.len());
            let member = directory.member_by_uri(caller.uri()).expect("only members are callers");
            assert!(member.uri().as_str().as_bytes() == uris[0] && !member.is_revoked());
            assert!(certificate.not_after() >= city::now());
        }
        Err(error) => {
            assert_eq!(*error == IdentityError::NoUri, uris.is_empty());
            assert_eq!(*error == IdentityError::SeveralUris, uris.len() > 1);
        }
    }
    Outcome::of((outcome.map(|caller| caller.uri().len()).map_err(IdentityError::as_str), uris.len(), extensions.len()))
}

/// Tag, contents and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            (length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((tag, contents, rest))
}

/// The extensions of a certificate, each with its identifier and the bytes of its value.
fn extensions(der: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    // The classes of tags are not looked at: the handshake has refused what has another one.
    let (_, certificate, _) = element(der)?;
    let (_, mut body, _) = element(certificate)?;
    let mut found = Vec::new();
    while let Some((tag, contents, rest)) = element(body) {
        body = rest;
        if tag != 0xA3 {
            continue;
        }
        let (_, mut list, _) = element(contents)?;
        while let Some((_, extension, rest)) = element(list) {
            list = rest;
            let (_, id, mut value) = element(extension)?;
            // `critical` may stand between them.
            if let Some((0x01, _, after)) = element(value) {
                value = after;
            }
            let (_, value, _) = element(value)?;
            found.push((id, value));
        }
    }
    Some(found)
}

/// The names with the tag of a URI, `[6]`.
fn uris(names: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut list = element(names).map_or(&[][..], |(_, list, _)| list);
    while let Some((tag, name, rest)) = element(list) {
        list = rest;
        // Whether it is said to be in pieces does not make it another name.
        if tag & !0x20 == 0x86 {
            found.push(name);
        }
    }
    found
}

/// Basic constraints whose first element is `TRUE`.
fn is_authority(constraints: &[u8]) -> bool {
    let Some((_, inside, _)) = element(constraints) else { return false };
    matches!(element(inside), Some((0x01, [0xFF], _)))
}
