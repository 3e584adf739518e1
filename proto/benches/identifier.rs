//! What it costs to parse an identifier.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use heyan_proto::identifier::{CertificateId, ItemCode, SubjectKind, SubjectNumber};

fn identifiers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("identifier");
    for (name, kind, text) in [
        ("citizen_number", SubjectKind::CitizenNumber, "11010519491231002X"),
        ("citizen_number_full_width", SubjectKind::CitizenNumber, "１１０１０５１９４９１２３１００２ｘ"),
        ("credit_code", SubjectKind::CreditCode, "91350100M000100Y43"),
        ("passport", SubjectKind::Passport, "E12345678"),
    ] {
        group.bench_function(name, |bencher| bencher.iter(|| SubjectNumber::parse(kind, black_box(text))));
    }
    let certificate = "1.2.156.3005.2.11100000MB0143028R001.11500000MB0000027A.2026000000000001.001.2";
    group.bench_function("certificate_id", |bencher| bencher.iter(|| CertificateId::parse(black_box(certificate))));
    let item = "11370800MB285591843370117002011";
    group.bench_function("item_code", |bencher| bencher.iter(|| ItemCode::parse(black_box(item))));
    group.finish();
}

criterion_group!(benches, identifiers);
criterion_main!(benches);
