//! A verdict tells nothing but the verdict. Failure: a byte by which "no such record", "another value", "not in force",
//! "several records" or "another name" can be told apart, in the answer or in the log's leaf.

use std::collections::{BTreeMap, BTreeSet};

use heyan::sample::cases::{self, Subject, item};
use heyan_proto::identifier::{SubjectKind, SubjectNumber};
use heyan_proto::v1;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Entry, Gateway, entries, entries_from, questions};
use prost::Message as _;
use rusqlite::Connection;
use v1::verify_response::Answer;

/// Questions about one result type that all deserve the same "no", and one that is confirmed.
struct Verdicts {
    system: &'static str,
    item: &'static str,
    result_type: &'static str,
    /// Why it is "no", the subject, the claim, the name.
    no: &'static [(&'static str, Subject, Claimed, Option<&'static str>)],
    yes: (Subject, Claimed),
}

type Claimed = Option<fn() -> v1::Claim>;

fn claim(field: &str, value: v1::claim::Value) -> v1::Claim {
    v1::Claim { field: field.into(), operator: v1::Operator::Equals.into(), value: Some(value) }
}

fn nothing_owed() -> v1::Claim {
    claim("nothing_owed", v1::claim::Value::Flag(true))
}

fn no_record() -> v1::Claim {
    claim("no_record", v1::claim::Value::Flag(true))
}

fn rural() -> v1::Claim {
    claim("category", v1::claim::Value::Text("农村低保".into()))
}

/// Receives it twice, by what the test writes.
const TWICE: Subject = cases::RESIDENT;
/// It is suspended, by what the test writes.
const STOPPED: Subject = cases::CHILD;
/// It has ended though the register still calls it paid, by what the test writes.
const ENDED: Subject = cases::SEALED;
/// It is not due yet, by what the test writes.
const NOT_YET: Subject = cases::DIVORCED;

const VERDICTS: &[Verdicts] = &[
    Verdicts {
        system: "housing-intake",
        item: item::PUBLIC_RENTAL_HOUSING,
        result_type: "subsistence-allowance",
        no: &[
            ("not issued", cases::UNKNOWN_PERSON, None, None),
            ("not issued, with a claim and a name", cases::UNKNOWN_PERSON, Some(rural), Some("赵例安")),
            ("differs", cases::ON_ALLOWANCE, Some(rural), None),
            ("another name", cases::ON_ALLOWANCE, None, Some("另一个人的名字")),
            ("deregistered", cases::HUSBAND, None, None),
            ("suspended", STOPPED, None, None),
            ("expired", ENDED, None, None),
            ("not yet in force", NOT_YET, None, None),
            ("several", TWICE, None, None),
        ],
        yes: (cases::ON_ALLOWANCE, None),
    },
    Verdicts {
        system: "human-resources-intake",
        item: item::TALENT_SETTLEMENT,
        result_type: "tax-clearance",
        no: &[
            ("not issued", cases::CARE_HOME, None, None),
            ("differs", cases::BUILDER, Some(nothing_owed), None),
            ("another name", cases::SOFTWARE_HOUSE, Some(nothing_owed), Some("样例别家有限公司")),
        ],
        yes: (cases::SOFTWARE_HOUSE, Some(nothing_owed)),
    },
    Verdicts {
        system: "civil-affairs-hall",
        item: item::ADOPTION_REGISTRATION,
        result_type: "criminal-record",
        no: &[
            ("not issued", cases::UNKNOWN_PERSON, Some(no_record), None),
            ("differs", cases::CONVICTED, Some(no_record), None),
        ],
        yes: (cases::SEALED, Some(no_record)),
    },
];

/// Rows that the sample lacks: two live allowances of one person, one that is suspended, one that has ended on paper alone, and
/// one that begins later.
fn prepare(city: &City) {
    let database = Connection::open(city.file("state/departments/civil-affairs.db")).unwrap();
    for (subject, from, until, state) in [
        (TWICE, "2020-01-01", "9999-12-31", "在保"),
        (TWICE, "2021-01-01", "9999-12-31", "在保"),
        (STOPPED, "2020-01-01", "9999-12-31", "停发"),
        (ENDED, "2020-01-01", "2020-12-31", "在保"),
        (NOT_YET, "2999-01-01", "9999-12-31", "在保"),
    ] {
        let row = [subject.number, subject.name, "城市低保", from, until, state];
        database.execute("INSERT INTO shjz_dx VALUES (?1, ?2, ?3, ?4, ?5, ?6)", row).unwrap();
    }
}

/// What came of one question: its response on the wire, and the leaf of its answer.
struct Seen {
    why: &'static str,
    response: v1::VerifyResponse,
    leaf: Entry,
}

impl Seen {
    /// The determination as it is written; the time of asking is that of `other` if a second has begun meanwhile.
    fn determination(&self, other: &Self) -> Vec<u8> {
        let mut of = determination(&self.response).clone();
        of.retrieved_at = determination(&other.response).retrieved_at;
        of.encode_to_vec()
    }
}

impl Seen {
    /// How long the response is but for the proof, which is as long as place and size of the tree make it, whatever was found.
    fn length_without_proof(&self) -> usize {
        let mut response = self.response.clone();
        response.receipt.as_mut().unwrap().proof.clear();
        response.encoded_len()
    }
}

fn determination(response: &v1::VerifyResponse) -> &v1::Determination {
    match &response.answer {
        Some(Answer::Determination(of)) => of,
        other => panic!("no determination: {other:?}"),
    }
}

#[tokio::test]
async fn every_no_of_a_verdict_is_the_same_no() {
    let city = City::new();
    prepare(&city);
    let gateway = Gateway::start(&city);
    // Indices are written in as many bytes as they need: those from 10 to 99 need the same.
    for _ in 0..5 {
        ask(&gateway, &city, VERDICTS[0].system, questions::named("allowance-verdict").1, "warm-up").await;
    }
    for of in VERDICTS {
        let mut seen = Vec::new();
        for (why, subject, claim, name) in of.no {
            let question = question(of, *subject, *claim, *name);
            seen.push(ask(&gateway, &city, of.system, question, why).await);
        }
        let first = &seen[0];
        for seen in &seen {
            let what = format!("{}: {} and {}", of.result_type, first.why, seen.why);
            assert_eq!(determination(&seen.response).finding(), v1::Finding::NotConfirmed, "{what}");
            assert_eq!(determination(&seen.response).detail, None, "{what}");
            assert_eq!(seen.determination(first), first.determination(first), "{what}");
            assert_eq!(seen.length_without_proof(), first.length_without_proof(), "{what}");
            assert_eq!(seen.leaf.bytes.len(), first.leaf.bytes.len(), "{what}");
        }
        let yes = ask(&gateway, &city, of.system, question(of, of.yes.0, of.yes.1, None), "confirmed").await;
        assert_eq!(determination(&yes.response).finding(), v1::Finding::Confirmed, "{}", of.result_type);
        assert_eq!(yes.leaf.bytes.len(), first.leaf.bytes.len(), "{}: the leaf does not tell", of.result_type);
    }
}

fn question(of: &Verdicts, subject: Subject, claim: Claimed, name: Option<&str>) -> v1::VerifyRequest {
    let (_, mut question) = questions::named("allowance-verdict");
    question.purpose.as_mut().unwrap().item = of.item.into();
    question.result_type = of.result_type.into();
    question.subject = Some(v1::Subject {
        kind: v1::SubjectKind::from(subject.kind).into(),
        number: subject.number.into(),
        name: name.map(Into::into),
    });
    question.claims = claim.map(|claim| claim()).into_iter().collect();
    question
}

async fn ask(gateway: &Gateway, city: &City, system: &str, question: v1::VerifyRequest, why: &'static str) -> Seen {
    let mut client = VerificationServiceClient::new(gateway.connect(system).await);
    let response = client.verify(question).await.unwrap_or_else(|status| panic!("{why}: {status}")).into_inner();
    let index = response.receipt.as_ref().unwrap().index;
    let leaf = entries(city).into_iter().find(|entry| entry.index == index).unwrap();
    Seen { why, response, leaf }
}

/// A person of the test's own: a number with a check character that fits, and a name.
fn somebody(order: usize) -> (String, String) {
    let body = format!("50010119900101{order:03}");
    let checked = |check: &char| SubjectNumber::parse(SubjectKind::CitizenNumber, &format!("{body}{check}")).is_ok();
    let check = ('0'..='9').chain(['X']).find(checked).expect("one check character fits");
    (format!("{body}{check}"), format!("样例{}", char::from_u32(0x4E00 + order as u32).unwrap()))
}

/// Any number of records of any state, and any claim and name: whoever gets the same verdict gets the same bytes.
#[tokio::test]
async fn whatever_a_register_holds_a_verdict_has_one_form() {
    const PEOPLE: usize = 60;
    let city = City::new();
    // Every choice follows from the number of the person, so that a failure can be had again.
    let choice = |order: usize, of: usize, among: usize| ((order * 2_654_435_761) >> (7 * of)) % among;
    {
        let mut database = Connection::open(city.file("state/departments/civil-affairs.db")).unwrap();
        let write = database.transaction().unwrap();
        for order in 0..PEOPLE {
            let (number, name) = somebody(order);
            for record in 0..choice(order, 1, 4) {
                let pick = |of: usize, among: &[&'static str]| among[choice(order + 97 * record, of, among.len())];
                let row = [
                    number.as_str(),
                    name.as_str(),
                    pick(2, &["城市低保", "农村低保"]),
                    pick(3, &["2019-07-01", "2024-02-29", "2999-01-01"]),
                    pick(4, &["2020-12-31", "9999-12-31", "2031-01-01"]),
                    pick(1, &["在保", "在保", "停发"]),
                ];
                write.execute("INSERT INTO shjz_dx VALUES (?1, ?2, ?3, ?4, ?5, ?6)", row).unwrap();
            }
        }
        write.commit().unwrap();
    }
    let gateway = Gateway::start(&city);
    let mut client = VerificationServiceClient::new(gateway.connect("housing-intake").await);
    let mut forms = BTreeMap::<_, (usize, BTreeSet<_>)>::new();
    for order in 0..PEOPLE {
        let (number, name) = somebody(order);
        let (_, mut question) = questions::named("allowance-verdict");
        let name = [None, Some(name), Some("另一个人".to_owned())][choice(order, 3, 3)].clone();
        question.subject = Some(v1::Subject { kind: v1::SubjectKind::CitizenNumber.into(), number, name });
        question.claims = [None, Some(rural())][choice(order, 2, 2)].clone().into_iter().collect();
        let mut response = client.verify(question).await.unwrap().into_inner();
        let receipt = response.receipt.as_mut().unwrap();
        let leaf = entries_from(&city, receipt.index).remove(0);
        // What differs from one entry of the log to the next, whatever was asked.
        (receipt.index, receipt.leaf_hash) = (0, vec![0; receipt.leaf_hash.len()]);
        receipt.recorded_at = None;
        (receipt.salt, receipt.leaf, receipt.proof) = (vec![0; receipt.salt.len()], Vec::new(), String::new());
        let id = "0".repeat(response.decision_id.len());
        receipt.decision_id.clone_from(&id);
        response.decision_id = id;
        let Some(Answer::Determination(of)) = &mut response.answer else { panic!("no determination: {response:?}") };
        of.retrieved_at = None;
        let finding = of.finding();
        let (count, forms) = forms.entry(finding).or_default();
        *count += 1;
        // An index is written in as many digits as it needs.
        let digits = leaf.intent().map_or(0, |intent| intent.to_string().len());
        forms.insert((response.encode_to_vec(), leaf.bytes.len() - digits));
    }
    let found: Vec<_> = forms.iter().map(|(finding, (count, forms))| (*finding, *count >= 5, forms.len())).collect();
    assert_eq!(found, [(v1::Finding::Confirmed, true, 1), (v1::Finding::NotConfirmed, true, 1)]);
    let lengths: BTreeSet<_> = forms.values().flat_map(|(_, forms)| forms).map(|(_, leaf)| *leaf).collect();
    assert_eq!(lengths.len(), 1, "the length of a leaf tells the verdict");
}
