//! How much it costs to build a request and decide it, with ever more exceptions of other result types loaded.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use heyan_policies::{AccessRequest, Action, Decision, PolicyBundle, PolicyEngine, read_grants};
use heyan_proto::identifier::{ItemCode, SubjectKind};
use heyan_proto::vocabulary::{DepartmentId, Disclosure, FieldName, ResultTypeId, SharingClass};
use jiff::civil::date;

const ITEM: &str = "11500000MB0000027A2000131001001";
/// How many exceptions each result type has; the one that is asked about too.
const PER_RESULT_TYPE: usize = 2;

fn engine(exceptions: usize) -> PolicyEngine {
    let mut text = String::new();
    for number in 0..exceptions {
        let result_type = number / PER_RESULT_TYPE;
        write!(
            text,
            "@id(\"exception-{number}\") @title_zh(\"例外\") @title_en(\"Exception\") @legal_basis(\"《样例法》第一条\")
             @legal_kind(\"law\") @owner(\"provider\") @review_by(\"2026-11-23\") @remedy_zh(\"申诉\") @remedy_en(\"Contest it\")
             forbid (principal, action, resource == ResultType::\"result-{result_type}\")
             when {{ context.fields.contains(\"secret_{number}\") && context.item != \"{ITEM}\" }};\n"
        )
        .expect("a String takes everything");
    }
    let day = date(2026, 11, 23);
    let bundle = PolicyBundle::load(&[("policies/provider.cedar", text)], day).expect("the exceptions are well formed");
    let grants = format!(
        "schema = 1\n[[grant]]\nid = \"grant\"\nrequester = \"requester\"\nresult_types = [\"result-3\"]\nitems = [\"{ITEM}\"]\n\
         purpose = \"p\"\nlegal_basis = \"b\"\nfrom = 2026-01-01\nuntil = 2026-12-31\napprover = \"a\"\n"
    );
    PolicyEngine::new(bundle, read_grants("grants/a.toml", &grants).expect("the grant is well formed"), Vec::new())
}

fn decide(criterion: &mut Criterion) {
    let requester = DepartmentId::parse("requester").expect("a name");
    let provider = DepartmentId::parse("provider").expect("a name");
    let result_type = ResultTypeId::parse("result-3").expect("a name");
    let item = ItemCode::parse(ITEM).expect("a code");
    let fields = ["business_items", "name", "valid_to"].map(|name| FieldName::parse(name).expect("a name"));
    let request = AccessRequest {
        action: Action::Verify,
        requester: &requester,
        requester_registered: true,
        provider: &provider,
        result_type: &result_type,
        sharing: SharingClass::Unconditional,
        disclosure: Disclosure::Fields,
        subject_kind: SubjectKind::CreditCode,
        item: &item,
        item_in_force: true,
        item_needs_result: true,
        item_accepted_by_requester: true,
        has_case_number: true,
        fields: &fields,
        today: date(2026, 11, 23),
    };
    let conditional = AccessRequest { sharing: SharingClass::Conditional, ..request };
    // More items than prepared requests are kept, so that every question is the first of its kind.
    let items: Vec<_> =
        (0..4_096).map(|number| ItemCode::parse(&format!("{}{number:012}", &ITEM[..19])).expect("a code")).collect();
    let mut group = criterion.benchmark_group("decide");
    for exceptions in [50, 500, 5_000] {
        let engine = engine(exceptions);
        for (name, request) in [("unconditional", &request), ("conditional", &conditional)] {
            group.bench_with_input(BenchmarkId::new(name, exceptions), request, |bencher, request| {
                bencher.iter(|| permitted(&engine, black_box(request)));
            });
        }
        group.bench_with_input(BenchmarkId::new("first of its kind", exceptions), &request, |bencher, request| {
            let mut items = items.iter().cycle();
            bencher.iter(|| {
                let item = items.next().expect("a cycle does not end");
                permitted(&engine, black_box(&AccessRequest { item, ..*request }))
            });
        });
    }
    group.finish();
}

fn permitted(engine: &PolicyEngine, request: &AccessRequest<'_>) -> Decision {
    let decision = engine.authorize(request).expect("the policies evaluate");
    assert!(matches!(decision, Decision::Permitted(_)));
    decision
}

criterion_group!(benches, decide);
criterion_main!(benches);
