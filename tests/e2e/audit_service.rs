//! An auditor has entries, checkpoints and proofs, and needs to trust nothing but the log's public key. Failure: a proof that other
//! people's libraries do not verify against it; anything for somebody who is no auditor; bad input that is taken, or refused with
//! another reason; a question that was erased and is answered again.

use heyan::sample::cases::CASES;
use heyan_proto::v1;
use heyan_proto::v1::audit_service_client::AuditServiceClient;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, Told, entries, heyan, questions};
use sigstore_types::Sha256Hash;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};

type Auditor = AuditServiceClient<Channel>;

async fn auditor(gateway: &Gateway) -> Auditor {
    AuditServiceClient::new(gateway.try_connect("person/auditor").await.unwrap())
}

/// Asks some questions of the sample.
async fn ask(gateway: &Gateway) {
    for case in &CASES[..5] {
        let (_, question) = questions::named(case.id);
        VerificationServiceClient::new(gateway.connect(case.system).await).verify(question).await.unwrap();
    }
}

/// The log's public key, as the city has it for whoever comes.
fn public_key(city: &City) -> String {
    std::fs::read_to_string(city.file("log/vkey")).unwrap().trim_end().to_owned()
}

/// Size and root that a note signs, by other people's libraries.
fn signed(note: &str, key: &str) -> (u64, tlog_tiles::Hash) {
    let verifier = signed_note::StandardVerifier::new(key).unwrap();
    let note = signed_note::Note::from_bytes(note.as_bytes()).unwrap();
    note.verify(&signed_note::VerifierList::new(vec![Box::new(verifier)])).unwrap();
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
    (checkpoint.size(), *checkpoint.hash())
}

fn theirs(hashes: &[Vec<u8>]) -> Vec<tlog_tiles::Hash> {
    hashes.iter().map(|hash| tlog_tiles::Hash(hash.as_slice().try_into().unwrap())).collect()
}

fn sigstore(hash: &tlog_tiles::Hash) -> Sha256Hash {
    Sha256Hash::new(hash.0)
}

fn check_inclusion(index: u64, leaf: &[u8], hashes: &[tlog_tiles::Hash], (size, root): (u64, tlog_tiles::Hash)) {
    let leaf = tlog_tiles::record_hash(leaf);
    tlog_tiles::check_record(&hashes.to_vec(), size, root, index, leaf).unwrap();
    let path: Vec<_> = hashes.iter().map(sigstore).collect();
    sigstore_merkle::verify_inclusion_proof(&sigstore(&leaf), index, size, &path, &sigstore(&root)).unwrap();
}

#[tokio::test]
async fn an_auditor_has_proofs_that_others_verify() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let mut auditor = auditor(&gateway).await;
    ask(&gateway).await;
    let early = auditor.get_checkpoint(v1::GetCheckpointRequest::default()).await.unwrap().into_inner();
    ask(&gateway).await;
    let named = v1::GetCheckpointRequest { origin: Some(early.origin.clone()) };
    let late = auditor.get_checkpoint(named).await.unwrap().into_inner();
    heyan_tests::until("the log is published", async || city.file("log/vkey").exists()).await;
    let key = public_key(&city);
    let (before, after) = (signed(&early.checkpoint, &key), signed(&late.checkpoint, &key));
    assert_eq!((late.size, late.root_hash.as_slice(), late.first_index), (after.0, &after.1.0[..], 0));
    assert!(before.0 < after.0 && early.checkpoint.starts_with(&format!("{}\n", early.origin)), "{early:?}");

    let grown = v1::GetConsistencyProofRequest { origin: early.origin.clone(), from_size: before.0, to_size: after.0 };
    let hashes = theirs(&auditor.get_consistency_proof(grown).await.unwrap().into_inner().hashes);
    tlog_tiles::check_tree(&hashes, after.0, after.1, before.0, before.1).unwrap();
    let path: Vec<_> = hashes.iter().map(sigstore).collect();
    let roots = (sigstore(&before.1), sigstore(&after.1));
    sigstore_merkle::verify_consistency_proof(before.0, after.0, &path, &roots.0, &roots.1).unwrap();

    let log = entries(&city);
    assert_eq!(log.len() as u64, after.0);
    for entry in log {
        let index = entry.index;
        let got = auditor.get_entry(v1::GetEntryRequest { index }).await.unwrap().into_inner();
        let shown = got.entry.unwrap();
        assert_eq!((shown.index, &shown.leaf, shown.erased_under), (index, &entry.bytes, None));
        assert_eq!(shown.body(), v1::EntryBody::Present);
        assert_eq!(shown.leaf_hash, tlog_tiles::record_hash(&shown.leaf).0);
        let (path, note) = got.proof.split_once("\n\n").unwrap();
        let proven = heyan::tlog::proof::TlogProof::parse(&got.proof).unwrap();
        assert!(path.starts_with("c2sp.org/tlog-proof@v1\n") && proven.index() == index);
        let hashes: Vec<_> = proven.hashes().iter().copied().map(tlog_tiles::Hash).collect();
        check_inclusion(index, &shown.leaf, &hashes, signed(note, &key));

        for (tree_size, tree) in [(Some(before.0), before), (Some(after.0), after), (None, after)] {
            let asked = v1::GetInclusionProofRequest { index, tree_size };
            let proof = match auditor.get_inclusion_proof(asked).await {
                Ok(proof) => proof.into_inner(),
                Err(status) if index >= tree.0 => {
                    assert_eq!(Told::by(&status).fields(), ["tree_size"]);
                    continue;
                }
                Err(status) => panic!("entry {index} of {tree_size:?}: {status}"),
            };
            assert_eq!((proof.origin.as_str(), proof.leaf_index, proof.tree_size), (&*late.origin, index, tree.0));
            assert_eq!(proof.leaf_hash, shown.leaf_hash);
            assert_eq!(proof.checkpoint, if tree_size.is_none() { &*late.checkpoint } else { "" });
            check_inclusion(index, &shown.leaf, &theirs(&proof.hashes), tree);
        }
    }
}

/// Calls every method with what an auditor would be answered.
async fn every_method(client: &mut Auditor, origin: &str) -> [Option<Status>; 4] {
    let grown = v1::GetConsistencyProofRequest { origin: origin.into(), from_size: 1, to_size: 2 };
    [
        client.get_entry(v1::GetEntryRequest { index: 0 }).await.err(),
        client.get_checkpoint(v1::GetCheckpointRequest::default()).await.err(),
        client.get_inclusion_proof(v1::GetInclusionProofRequest { index: 0, tree_size: None }).await.err(),
        client.get_consistency_proof(grown).await.err(),
    ]
}

#[tokio::test]
async fn nobody_but_an_auditor_is_told_anything() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    ask(&gateway).await;
    let mut auditor = auditor(&gateway).await;
    let origin = auditor.get_checkpoint(v1::GetCheckpointRequest::default()).await.unwrap().into_inner().origin;
    assert!(every_method(&mut auditor, &origin).await.iter().all(Option::is_none));
    for member in ["system/health-intake", "person/approver", "person/administrator"] {
        let mut client = AuditServiceClient::new(gateway.try_connect(member).await.unwrap());
        for status in every_method(&mut client, &origin).await {
            let told = Told::by(&status.unwrap_or_else(|| panic!("{member} was answered")));
            assert_eq!((told.code, told.reason.as_str()), (Code::PermissionDenied, "ROLE_REQUIRED"), "{member}");
        }
    }
    // The role goes with the next call, on a connection that is open.
    city.edit("people/people.toml", |text| text.replace("roles = [\"auditor\"]", "roles = [\"approver\"]"));
    heyan_tests::until("the role is taken away", async || {
        every_method(&mut auditor.clone(), &origin).await.iter().all(Option::is_some)
    })
    .await;
}

/// What is asked, and code, reason and fields of the error.
type Row = (&'static str, Asked, Code, &'static str, &'static [&'static str]);

#[derive(Debug, Clone, Copy)]
enum Asked {
    Entry(u64),
    Checkpoint(&'static str),
    Inclusion(u64, u64),
    /// Of the shard that there is where no origin is given here.
    Consistency(Option<&'static str>, u64, u64),
}

use Asked::{Checkpoint, Consistency, Entry, Inclusion};

const OTHER: &str = "another-city.example/audit/2026q4";

const BAD: &[Row] = &[
    ("the entry after the last", Entry(2), Code::NotFound, "ENTRY_UNKNOWN", &["index"]),
    ("an entry past what any log has", Entry(u64::MAX), Code::NotFound, "ENTRY_UNKNOWN", &["index"]),
    ("another log", Checkpoint(OTHER), Code::NotFound, "ORIGIN_UNKNOWN", &["origin"]),
    ("an origin that is empty", Checkpoint(""), Code::NotFound, "ORIGIN_UNKNOWN", &["origin"]),
    ("an origin with a line feed", Checkpoint("a\nb"), Code::NotFound, "ORIGIN_UNKNOWN", &["origin"]),
    ("no such leaf", Inclusion(2, 2), Code::NotFound, "ENTRY_UNKNOWN", &["index"]),
    ("a tree without the leaf", Inclusion(1, 1), Code::InvalidArgument, "TREE_SIZE_UNFIT", &["tree_size"]),
    ("a tree of nothing", Inclusion(0, 0), Code::InvalidArgument, "TREE_SIZE_UNFIT", &["tree_size"]),
    ("a tree to come", Inclusion(0, 3), Code::InvalidArgument, "TREE_SIZE_UNFIT", &["tree_size"]),
    ("a tree of any size", Inclusion(0, u64::MAX), Code::InvalidArgument, "TREE_SIZE_UNFIT", &["tree_size"]),
    ("growth of another log", Consistency(Some(OTHER), 1, 2), Code::NotFound, "ORIGIN_UNKNOWN", &["origin"]),
    ("growth of none", Consistency(Some(""), 1, 2), Code::NotFound, "ORIGIN_UNKNOWN", &["origin"]),
    ("growth from nothing", Consistency(None, 0, 2), Code::InvalidArgument, "TREE_SIZE_UNFIT", &["from_size"]),
    ("growth from a tree to come", Consistency(None, 3, 3), Code::InvalidArgument, "TREE_SIZE_UNFIT", &["from_size"]),
    ("growth to a tree to come", Consistency(None, 1, 3), Code::InvalidArgument, "TREE_SIZE_UNFIT", &["to_size"]),
    ("sizes the wrong way round", Consistency(None, 2, 1), Code::InvalidArgument, "TREE_SIZE_UNFIT", &["to_size"]),
    ("growth to nothing", Consistency(None, 1, 0), Code::InvalidArgument, "TREE_SIZE_UNFIT", &["to_size"]),
    ("growth to any size", Consistency(None, 1, u64::MAX), Code::InvalidArgument, "TREE_SIZE_UNFIT", &["to_size"]),
];

async fn refused(client: &mut Auditor, asked: Asked, origin: &str, language: &str) -> Option<Status> {
    fn call<T>(message: T, language: &str) -> Request<T> {
        let mut call = Request::new(message);
        call.metadata_mut().insert("accept-language", language.parse().unwrap());
        call
    }
    match asked {
        Entry(index) => client.get_entry(call(v1::GetEntryRequest { index }, language)).await.err(),
        Checkpoint(origin) => {
            let request = v1::GetCheckpointRequest { origin: Some(origin.into()) };
            client.get_checkpoint(call(request, language)).await.err()
        }
        Inclusion(index, size) => {
            let request = v1::GetInclusionProofRequest { index, tree_size: Some(size) };
            client.get_inclusion_proof(call(request, language)).await.err()
        }
        Consistency(other, from_size, to_size) => {
            let origin = other.unwrap_or(origin).into();
            let request = v1::GetConsistencyProofRequest { origin, from_size, to_size };
            client.get_consistency_proof(call(request, language)).await.err()
        }
    }
}

#[tokio::test]
async fn bad_input_is_refused_with_its_reason_and_its_field() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let mut auditor = auditor(&gateway).await;
    let empty = auditor.get_checkpoint(v1::GetCheckpointRequest::default()).await.unwrap_err();
    assert_eq!(Told::by(&empty).reason, "ORIGIN_UNKNOWN", "a log without entries has no checkpoint");
    let (case, question) = questions::named("food-licence-in-force");
    VerificationServiceClient::new(gateway.connect(case.system).await).verify(question).await.unwrap();
    let origin = auditor.get_checkpoint(v1::GetCheckpointRequest::default()).await.map(Response::into_inner);
    let origin = origin.unwrap().origin;
    for (what, asked, code, reason, fields) in BAD {
        for language in ["zh-CN", "en"] {
            let status = refused(&mut auditor, *asked, &origin, language).await;
            let told = Told::by(&status.unwrap_or_else(|| panic!("{what}: {asked:?} was answered")));
            assert_eq!((told.code, told.reason.as_str(), &told.fields()[..]), (*code, *reason, *fields), "{what}");
            let description = &told.violations[0].1;
            assert!(description.is_ascii() == (language == "en") && !description.is_empty(), "{what}: {description}");
        }
    }
}

#[tokio::test]
async fn an_erased_question_is_told_as_one_and_its_entry_stays_provable() {
    let city = City::new();
    let (case, question) = questions::named("food-licence-in-force");
    let gateway = Gateway::start(&city);
    let mut client = VerificationServiceClient::new(gateway.connect(case.system).await);
    let index = client.verify(question.clone()).await.unwrap().into_inner().receipt.unwrap().index;
    gateway.signal("TERM");
    assert!(gateway.wait().0);
    let erase = ["audit", "erase", "--ground", "个人信息保护法 第四十七条", "--by", "officer-12", "--index"];
    let erased = heyan().args(erase).arg(index.to_string()).arg("--city").arg(city.path()).output().unwrap();
    assert_eq!(erased.status.code(), Some(0), "{}", String::from_utf8_lossy(&erased.stderr));

    let gateway = Gateway::start(&city);
    let mut client = VerificationServiceClient::new(gateway.connect(case.system).await);
    for (language, said) in [("zh-CN", "已依法删除"), ("en", "was erased")] {
        let mut again = Request::new(question.clone());
        again.metadata_mut().insert("accept-language", language.parse().unwrap());
        let told = Told::by(&client.verify(again).await.unwrap_err());
        assert_eq!((told.code, told.reason.as_str()), (Code::AlreadyExists, "RECEIPT_ERASED"));
        assert_eq!((told.localized.0.as_str(), &told.metadata["index"]), (language, &index.to_string()));
        assert!(told.localized.1.contains(said), "{}", told.localized.1);
    }
    let mut auditor = auditor(&gateway).await;
    let under = index + 1;
    for (index, body, erased_under) in
        [(index, v1::EntryBody::Erased, Some(under)), (under, v1::EntryBody::Present, None)]
    {
        let got = auditor.get_entry(v1::GetEntryRequest { index }).await.unwrap().into_inner();
        let entry = got.entry.unwrap();
        assert_eq!((entry.body(), entry.erased_under), (body, erased_under));
        let (note, proof) = (got.proof.split_once("\n\n").unwrap().1, &got.proof);
        let hashes = heyan::tlog::proof::TlogProof::parse(proof).unwrap().hashes().to_vec();
        let hashes: Vec<_> = hashes.into_iter().map(tlog_tiles::Hash).collect();
        check_inclusion(index, &entry.leaf, &hashes, signed(note, &public_key(&city)));
    }
}
