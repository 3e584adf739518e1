//! What the gateway is asked: one question of the sample city, encoded once and then altered in place.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use heyan_proto::v1;
use heyan_tests::{City, questions};
use prost::Message as _;
use rusqlite::{Connection, OpenFlags};
use tonic::codegen::Bytes;
use uuid::Uuid;

use super::Failure;
use super::client::{self, Caller};

/// What clients call.
pub(crate) const PATH: &str = "/heyan.v1.VerificationService/Verify";
/// The case of the sample that is asked, and whose system asks.
const CASE: &str = "food-licence-in-force";
const DECLARATION: &str = "departments/market-regulation.toml";
const DATABASE: &str = "state/departments/market-regulation.db";
/// So many subjects are asked about in turn: more than are ever in flight, so that no two questions share one look-up.
const SUBJECTS_MAX: usize = 2_000;

/// Lets the department take as many look-ups at once as the benchmark has in flight: its limit is not what is measured.
pub(crate) fn make_room(city: &City) -> Result<(), Failure> {
    let file = city.file(DECLARATION);
    let declared = String::from_utf8_lossy(&super::read(&file)?).into_owned();
    let widened = declared.replacen("\nconcurrency = 16\n", "\nconcurrency = 32\n", 1);
    let widened = widened.replacen("\ndeadline = \"800ms\"\n", "\ndeadline = \"4s\"\n", 1);
    std::fs::write(&file, widened).map_err(|error| Failure(format!("{}: {error}", file.display())))
}

/// The request as it is sent, and where in it the id and the subject are.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    bytes: Vec<u8>,
    id_at: usize,
    subject_at: usize,
    subjects: Arc<[String]>,
}

impl Question {
    /// The same question again and again: the cache may answer it.
    pub(crate) fn repeated() -> Self {
        let (_, request) = questions::named(CASE);
        Self::of(&request, Vec::new())
    }

    /// A question that a department is to be asked each time: its answer may have no age, and the subject changes.
    pub(crate) fn changing(city: &Path) -> Result<Self, Failure> {
        let (_, mut request) = questions::named(CASE);
        request.max_age = Some(prost_types::Duration::default());
        Ok(Self::of(&request, subjects(city)?))
    }

    fn of(request: &v1::VerifyRequest, subjects: Vec<String>) -> Self {
        let bytes = request.encode_to_vec();
        let place = |text: &str| {
            let found = bytes.windows(text.len()).position(|window| window == text.as_bytes());
            found.expect("protobuf writes texts as they are")
        };
        let (id_at, subject_at) =
            (place(&request.request_id), request.subject.as_ref().map_or(0, |of| place(&of.number)));
        Self { bytes, id_at, subject_at, subjects: subjects.into() }
    }

    /// The request of the call with this number, under an id of its own.
    pub(crate) fn write(&self, number: u64) -> Bytes {
        let mut bytes = self.bytes.clone();
        Uuid::new_v4().hyphenated().encode_lower(&mut bytes[self.id_at..]);
        if !self.subjects.is_empty() {
            let subject = self.subjects[(number % self.subjects.len() as u64) as usize].as_bytes();
            bytes[self.subject_at..][..subject.len()].copy_from_slice(subject);
        }
        bytes.into()
    }
}

/// How many bytes a reply has; the echo's are to have as many.
pub(crate) async fn reply_size(city: &Path, gateway: SocketAddr) -> Result<usize, Failure> {
    let channel = client::connect(city, gateway).await?;
    let reply = Caller::new(channel, PATH).call(Question::repeated().write(0)).await?;
    read_reply(&reply).map(|_| reply.len())
}

/// Whether the answer was kept from an earlier question. Anything but a determination is a failure.
pub(crate) fn read_reply(reply: &Bytes) -> Result<bool, Failure> {
    use v1::verify_response::Answer;
    let response = v1::VerifyResponse::decode(reply.clone())
        .map_err(|error| Failure(format!("a reply of the gateway cannot be read: {error}")))?;
    match response.answer {
        Some(Answer::Determination(determination)) => Ok(determination.freshness() == v1::Freshness::Cached),
        Some(Answer::Refusal(refusal)) => Err(Failure(format!("the gateway refused: {:?}", refusal.cause()))),
        Some(Answer::Undetermined(of)) => Err(Failure(format!("the gateway could not determine: {:?}", of.cause()))),
        None => Err(Failure("a reply of the gateway has no answer".into())),
    }
}

/// Subjects of one licence each, as the department's database has them.
fn subjects(city: &Path) -> Result<Vec<String>, Failure> {
    let file = city.join(DATABASE);
    let failed = |error: rusqlite::Error| Failure(format!("{}: {error}", file.display()));
    let database = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
    let mut statement = database
        .prepare(
            "SELECT TYSHXYDM FROM SPJY_XKZ WHERE length(TYSHXYDM) = 18 GROUP BY TYSHXYDM HAVING count(*) = 1 LIMIT ?1",
        )
        .map_err(failed)?;
    let rows = statement.query_map([SUBJECTS_MAX as i64], |row| row.get(0)).map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}
