//! A witness that is ahead of a gateway. Failure: a log that is refused because another gateway of it was faster, or one that is not
//! although it lost entries.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::conversation::Tree;
use super::cosigning::Cosigners;
use super::*;
use crate::clock::SystemClock;
use crate::tlog::checkpoint::Checkpoint;
use crate::tlog::cosignature::CosigningKey;
use crate::tlog::note::{Note, SigningKey};
use crate::tlog::policy::Policy;

const ORIGIN: &str = "city.example/audit/2026q4";

/// A log that has grown to so many entries.
#[derive(Debug)]
struct Grown(u64);

impl Source for Grown {
    fn newest(&self, _: u64) -> Result<Option<Signed>, StoreError> {
        Ok(Some(Signed { shard: shard(), size: 100 + self.0, note: String::new() }))
    }

    fn leaves(&self, _: u64, _: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(Vec::new())
    }

    fn holds(&self, _: &str, _: u64, _: &Hash) -> Result<bool, StoreError> {
        Ok(true)
    }

    fn consistency(&self, _: u64, _: u64, _: u64) -> Result<Vec<Hash>, StoreError> {
        Ok(Vec::new())
    }
}

fn shard() -> Shard {
    Shard { first: 100, origin: ORIGIN.into() }
}

/// Says to whoever asks that it has cosigned nine entries.
fn witness_of_nine() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let read = stream.read(&mut [0; 4_096]).unwrap();
            assert!(read > 0);
            write!(stream, "HTTP/1.1 409 Conflict\r\nconnection: close\r\ncontent-length: 2\r\n\r\n9\n").unwrap();
        }
    });
    url
}

#[test]
fn a_witness_that_is_ahead_contradicts_only_a_log_that_has_not_what_it_has_seen() {
    let key = CosigningKey::from_seed("office.example/witness", &[9; 32]).unwrap();
    let policy = format!("witness office {} {}\nquorum office\n", key.verifier(), witness_of_nine());
    let witnessing = Witnessing::new(Policy::parse(policy.as_bytes()).unwrap(), None).unwrap();
    let log = SigningKey::from_seed(ORIGIN, &[1; 32]).unwrap();
    let note = Note::sign(Checkpoint::new(ORIGIN.into(), 4, [4; 32]).to_string(), &log);
    for (grown, expected) in [(4, None), (8, None), (9, Some(false)), (12, Some(false))] {
        let mut cosigners = Cosigners::new(&witnessing, Arc::new(SystemClock)).unwrap();
        let tree = Tree { source: &Grown(grown), shard: &shard(), size: 4, note: &note };
        let checked = cosigners.check(&tree, &mut note.clone());
        assert_eq!(checked.as_ref().ok(), expected.as_ref(), "{grown}: {checked:?}");
        assert!(!cosigners.cosign(&tree, &mut note.clone()), "{grown}");
    }
}
