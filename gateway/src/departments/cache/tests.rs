mod flights;
mod keeping;
mod same_question;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use heyan_adapters::{Holding, Holdings, Input, Lookup, OfficialOnCall, ResultType, read_declaration};
use heyan_proto::identifier::{SubjectKind, SubjectNumber};
use heyan_proto::vocabulary::{DepartmentId, Disclosure, PersonalText, ResultState, ResultTypeId};
use jiff::Timestamp;
use jiff::civil::date;

use super::{Cache, Generation, Lifetime, Patience, Reuse, Sent};
use crate::clock::ManualClock;
use crate::telemetry::Metrics;

/// A cache, its clock and what it counts.
struct Bench {
    cache: Cache,
    clock: Arc<ManualClock>,
    metrics: Arc<Metrics>,
}

impl Bench {
    fn new() -> Self {
        Self::of_bytes(1 << 20)
    }

    fn of_bytes(bytes: u64) -> Self {
        let now: Timestamp = "2026-11-23T04:00:00Z".parse().unwrap();
        let (clock, metrics) = (Arc::new(ManualClock::at(now)), Arc::new(Metrics::new()));
        Self { cache: Cache::new(bytes, Arc::clone(&clock) as Arc<_>, Arc::clone(&metrics)), clock, metrics }
    }

    fn reuse(&self, sent: &Sent<'_>) -> Reuse {
        let lifetime = Lifetime::declared(sent.result_type, Disclosure::Claims).unwrap();
        Reuse { key: self.cache.key(sent), lifetime, max_age: Duration::MAX }
    }

    fn counted(&self, outcome: &str) -> u64 {
        let line = format!("heyan_cache_total{{outcome=\"{outcome}\"}} ");
        let metrics = String::from_utf8(self.metrics.render()).unwrap();
        metrics.lines().find_map(|metric| metric.strip_prefix(&line)).map_or(0, |count| count.parse().unwrap())
    }
}

const PATIENCE: Patience = Patience { caller: Duration::from_secs(5), declared: Duration::from_secs(1) };

/// A result type of these inputs; `terms` is what it says of disclosure, sensitivity and freshness.
fn result_type(inputs: &[Input], terms: &str) -> Arc<ResultType> {
    let compared: String = inputs.iter().map(|input| format!(" AND :{} IS NOT NULL", input.as_str())).collect();
    let text = format!(
        r#"schema = 1
[department]
id = "provider"
name = {{ zh-CN = "样例部门", en = "Sample department" }}
credit_code = "11500000MB0000027A"
sharing_office = "数据共享科"
contact = "data@provider.example"
[sql]
dialect = "sqlite"
database = "provider.db"
[[result_type]]
id = "licence"
name = {{ zh-CN = "样例许可证", en = "Sample licence" }}
subject_kinds = ["credit_code", "citizen_number"]
sharing = "unconditional"
legal_basis = "《样例办法》第一条"
{terms}
[result_type.catalogue]
name = "样例许可证"
format = "数据库"
update_frequency = "daily"
sharing_method = "service_interface"
conditions = "办理政务服务事项"
classification = "一般数据1级"
entry = "000000001/000001"
channel = "city_platform"
[result_type.lookup]
query = "SELECT no, kind FROM licence WHERE subject = :subject_number{compared}"
max_rows = 2
certificate_number = {{ from = "no" }}
[result_type.fields.kind]
title = {{ zh-CN = "类别", en = "Kind" }}
type = "text"
fold = "exact"
from = "kind"
[[result_type.example]]
name = "none"
subject = {{ kind = "credit_code", number = "91500000MA0000015Q" }}
reply = []
expect = {{ existence = "not_issued" }}
"#
    );
    let declaration = read_declaration("departments/provider.toml", &text);
    Arc::clone(&declaration.unwrap_or_else(|problems| panic!("{problems}")).result_types[0])
}

const OPEN: &str = "disclosure = \"fields\"\nsensitivity = 1\n[result_type.freshness]\nmax_age = \"1h\"";

fn text(text: &str) -> PersonalText {
    PersonalText::parse(text, 64).unwrap()
}

fn lookup() -> Lookup {
    Lookup {
        result_type: ResultTypeId::parse("licence").unwrap(),
        subject: SubjectNumber::parse(SubjectKind::CreditCode, "91500000MA0000015Q").unwrap(),
        subject_name: None,
        certificate_number: None,
        as_of: date(2026, 11, 23),
        reason: text("办件材料核验"),
        official: OfficialOnCall { id: text("w-017"), name: text("甲"), unit: text("窗口"), terminal: text("t-1") },
        requester: DepartmentId::parse("housing").unwrap(),
        deadline: Duration::from_secs(5),
        traceparent: None,
    }
}

fn sent<'a>(generation: Generation, result_type: &'a ResultType, lookup: &'a Lookup) -> Sent<'a> {
    Sent { generation, with_credentials: false, result_type, lookup }
}

/// Holdings of one record that says `what`.
fn holdings(what: &str) -> Holdings {
    let record = Holding {
        certificate_number: Some(what.into()),
        holders: Vec::new(),
        state: ResultState::InForce,
        valid_from: None,
        valid_to: None,
        fields: [].into(),
    };
    Holdings { records: vec![record], more: false, updated_at: None }
}

/// What comes of a future that waits for nothing.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("it waits for nothing")
}

fn said(reading: &super::Reading) -> &str {
    reading.holdings().records[0].certificate_number.as_deref().unwrap()
}
