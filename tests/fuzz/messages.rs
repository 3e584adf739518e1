//! What callers send: bytes to a message of the contract, to the words of a question, to a question or everything that is wrong.

use heyan::api::question;
use heyan::directory::{Asked, Question, Rejection, Words};
use heyan::sample::cases::{CASES, FURTHER_CASES};
use heyan_proto::reason::Reason;
use heyan_proto::v1;
use heyan_proto::v1::claim::Value;
use heyan_proto::vocabulary::{ClaimValue, Operator, PersonalText, Term};
use heyan_tests::questions;
use prost::Message;
use tonic::Code;

use super::chance::Chance;
use super::harness::{Outcome, Shape, Target, run};
use super::mutation::Mutator;
use super::{city, holds};

#[test]
fn questions_of_callers() {
    run(&Target { name: "messages", shape: Shape::Made(made), bytes_max: 64 << 10, seeds, check: &check });
}

fn seeds() -> Vec<Vec<u8>> {
    let mut questions: Vec<v1::VerifyRequest> = CASES.iter().chain(FURTHER_CASES).map(questions::of_case).collect();
    // The same ones each time.
    for (number, question) in questions.iter_mut().enumerate() {
        question.request_id = format!("0199f3f2-0000-7000-8000-{number:012}");
    }
    let mut seeds: Vec<Vec<u8>> = questions.iter().map(Message::encode_to_vec).collect();
    seeds.extend(questions.iter().map(|of| retrieval(of.clone()).encode_to_vec()));
    seeds.push(v1::BatchVerifyRequest { requests: questions }.encode_to_vec());
    seeds
}

fn retrieval(of: v1::VerifyRequest) -> v1::RetrieveResultRequest {
    v1::RetrieveResultRequest {
        request_id: of.request_id,
        purpose: of.purpose,
        official: of.official,
        subject: of.subject,
        result_type: of.result_type,
        fields: of.claims.into_iter().map(|claim| claim.field).collect(),
        ..Default::default()
    }
}

/// Another question: some of its texts written in another way, some of its numbers others.
fn made(mutator: &Mutator, chance: &mut Chance, from: &[u8], other: &[u8]) -> Option<Vec<u8>> {
    if let Ok(mut question) = v1::RetrieveResultRequest::decode(from)
        && !question.fields.is_empty()
    {
        let at = chance.below(question.fields.len());
        question.fields[at] = mutator.text(chance, &question.fields[at], "");
        return Some(question.encode_to_vec());
    }
    let mut question = v1::VerifyRequest::decode(from).ok()?;
    let other = v1::VerifyRequest::decode(other).unwrap_or_default();
    for _ in 0..=chance.below(3) {
        match chance.below(9) {
            0 => question.as_of = Some(mutator.text(chance, question.as_of.as_deref().unwrap_or("2026-01-31"), "")),
            1 => question.max_age = Some(prost_types::Duration { seconds: whole(chance), nanos: whole(chance) as i32 }),
            2 => question.claims.extend(other.claims.clone()),
            3 => question.subject.clone_from(&other.subject),
            4 => question.result_type.clone_from(&other.result_type),
            5 => question.certificate_number = Some(mutator.text(chance, "JY15001120000001", "")),
            6 => question.subject.get_or_insert_default().kind = chance.below(9) as i32,
            7 if !question.claims.is_empty() => {
                let at = chance.below(question.claims.len());
                question.claims[at] = claim(mutator, chance, &question.claims[at]);
            }
            _ => {
                let mut texts = texts_of(&mut question);
                let at = chance.below(texts.len());
                *texts[at] = mutator.text(chance, texts[at], "");
            }
        }
    }
    Some(question.encode_to_vec())
}

fn whole(chance: &mut Chance) -> i64 {
    *chance.pick(&[0, 1, -1, 86_400, 999_999_999, 1_000_000_000, i64::MAX, i64::MIN, i64::from(i32::MAX)])
}

pub(crate) fn claim(mutator: &Mutator, chance: &mut Chance, of: &v1::Claim) -> v1::Claim {
    let mut claim = of.clone();
    match chance.below(6) {
        0 => claim.operator = chance.below(9) as i32,
        1 => claim.value = Some(Value::Integer(whole(chance))),
        2 => claim.value = Some(Value::Flag(chance.once_in(2))),
        3 => claim.field = mutator.text(chance, &of.field, ""),
        _ => {
            claim.value = Some(match of.value.clone() {
                Some(Value::Text(text)) => Value::Text(mutator.text(chance, &text, "2026年1月31日")),
                Some(Value::Texts(mut list)) => {
                    list.items.push(mutator.text(chance, "热食类食品制售", "长期"));
                    Value::Texts(list)
                }
                Some(Value::Integers(mut list)) => {
                    list.items.push(whole(chance));
                    Value::Integers(list)
                }
                _ => Value::Text(mutator.text(chance, "2026-01-31", "长期")),
            });
        }
    }
    claim
}

fn texts_of(of: &mut v1::VerifyRequest) -> Vec<&mut String> {
    let mut texts = vec![&mut of.request_id, &mut of.result_type];
    let purpose = of.purpose.get_or_insert_default();
    texts.extend([&mut purpose.item, &mut purpose.case_number, &mut purpose.reason]);
    let official = of.official.get_or_insert_default();
    texts.extend([&mut official.id, &mut official.name, &mut official.unit, &mut official.terminal]);
    let subject = of.subject.get_or_insert_default();
    texts.extend([&mut subject.number, subject.name.get_or_insert_default()]);
    texts
}

fn check(input: &[u8]) -> Outcome {
    let verified = v1::VerifyRequest::decode(input).ok().map(|question| {
        same_again(&question);
        resolved(&question::verify(&question))
    });
    let retrieved = v1::RetrieveResultRequest::decode(input).ok().map(|question| {
        same_again(&question);
        resolved(&question::retrieve(&question))
    });
    let batch = v1::BatchVerifyRequest::decode(input).ok().map(|batch| {
        same_again(&batch);
        batch.requests.iter().take(100).map(|question| resolved(&question::verify(question))).collect::<Vec<_>>()
    });
    Outcome::of((verified, retrieved, batch))
}

/// A message is written as it was read, and shows nothing of itself.
fn same_again<M: Message + Default + PartialEq + std::fmt::Debug>(message: &M) {
    assert!(M::decode(message.encode_to_vec().as_slice()).unwrap() == *message, "is written in another way");
    let shown = format!("{message:?}");
    assert!(shown.len() < 64 || shown.starts_with("BatchVerifyRequest"), "Debug shows a question: {shown}");
}

/// Held against the sample's directory.
pub(crate) fn resolved(words: &Words<'_>) -> Outcome {
    assert!(format!("{words:?}").len() < 16, "Debug shows the words");
    match city::directory().resolve(words, city::TODAY) {
        Ok(question) => {
            accepted(words, &question);
            Outcome::of((question.result_type.id.as_str(), question.subject.kind(), question.as_of == city::TODAY))
        }
        Err(rejection) => rejected(words, &rejection),
    }
}

/// A question that is accepted is whole, and says the same when it is asked again in its own words.
fn accepted(words: &Words<'_>, question: &Question) {
    let (result_type, item) = (&question.result_type, &question.purpose.item);
    assert!(item.is_in_force(city::TODAY) && item.needs(&result_type.id));
    assert!(result_type.subject_kinds.contains(&question.subject.kind()));
    assert!(question.as_of <= city::TODAY && !question.request_id.is_nil());
    assert_eq!(question.request_id.to_string(), words.request_id.to_lowercase());
    assert_eq!(question.purpose.case_number.expose(), words.purpose.case_number);
    for field in question.asked.fields() {
        assert!(result_type.field(field.as_str()).is_some());
    }
    if let Asked::Claims(claims) = &question.asked {
        assert!(claims.len() <= 32);
        for claim in claims {
            let field_type = result_type.field(claim.field.as_str()).unwrap().field_type();
            assert!(field_type.operators().contains(&claim.operator), "{:?} of {field_type:?}", claim.operator);
        }
    }
    let shown = format!("{question:?}");
    // Its id and its day are no secrets, and somebody may write the same for a name.
    let own = [question.request_id.to_string(), question.as_of.to_string()];
    for personal in personal(words) {
        let may_be_shown = is_public(personal) || own.iter().any(|own| own.contains(personal));
        assert!(!shown.contains(personal) || may_be_shown, "Debug of a question shows {personal}");
    }
    let again = rewritten(question);
    let second = city::directory().resolve(&question::verify(&again), city::TODAY).unwrap();
    if let Asked::Claims(_) = &question.asked {
        assert!(rewritten(&second) == again && second.asked == question.asked, "is another question when asked again");
    }
    assert!(second.subject == question.subject && second.max_age == question.max_age);
}

/// The question in its own words; a retrieval as a verification without claims.
fn rewritten(of: &Question) -> v1::VerifyRequest {
    let text = |text: &PersonalText| text.expose().to_owned();
    let claims = match &of.asked {
        Asked::Claims(claims) => claims.as_slice(),
        Asked::Fields(_) => &[],
    };
    v1::VerifyRequest {
        request_id: of.request_id.to_string(),
        purpose: Some(v1::Purpose {
            item: of.purpose.item.code.to_string(),
            case_number: of.purpose.case_number.expose().into(),
            reason: text(&of.purpose.reason),
        }),
        official: Some(v1::Official {
            id: text(&of.official.id),
            name: text(&of.official.name),
            unit: text(&of.official.unit),
            terminal: text(&of.official.terminal),
        }),
        subject: Some(v1::Subject {
            kind: v1::SubjectKind::from(of.subject.kind()).into(),
            number: of.subject.expose().into(),
            name: of.subject_name.as_ref().map(text),
        }),
        result_type: of.result_type.id.to_string(),
        certificate_number: of.certificate_number.as_ref().map(text),
        claims: claims
            .iter()
            .map(|claim| v1::Claim {
                field: claim.field.to_string(),
                operator: v1::Operator::from(claim.operator).into(),
                value: Some(value(&claim.value)),
            })
            .collect(),
        as_of: Some(of.as_of.to_string()),
        max_age: of.max_age.map(|age| prost_types::Duration {
            seconds: age.as_secs().try_into().unwrap(),
            nanos: age.subsec_nanos().cast_signed(),
        }),
        validate_only: of.validate_only,
    }
}

fn value(of: &ClaimValue) -> Value {
    match of {
        ClaimValue::Text(text) => Value::Text(text.expose().into()),
        ClaimValue::Texts(texts) => {
            Value::Texts(v1::TextList { items: texts.iter().map(|text| text.expose().to_owned()).collect() })
        }
        ClaimValue::Integer(number) => Value::Integer(*number),
        ClaimValue::Integers(numbers) => Value::Integers(v1::IntegerList { items: numbers.clone() }),
        ClaimValue::Flag(flag) => Value::Flag(*flag),
        ClaimValue::Date(date) => Value::Text(match (date.term, date.in_record_form) {
            (Term::LongTerm, true) => "长期".into(),
            (Term::LongTerm, false) => "长期有效".into(),
            (Term::On(day), true) => day.to_string(),
            (Term::On(day), false) => day.strftime("%Y%m%d").to_string(),
        }),
    }
}

/// A rejection says what is wrong, where, in both languages, and repeats nothing of it.
fn rejected(words: &Words<'_>, rejection: &Rejection) -> Outcome {
    assert!(!rejection.violations.is_empty());
    assert!(matches!(
        rejection.reason.code(),
        Code::InvalidArgument | Code::FailedPrecondition | Code::PermissionDenied
    ));
    assert!(rejection.violations.iter().any(|violation| violation.reason == rejection.reason));
    let mut texts = String::new();
    for violation in &rejection.violations {
        holds::one_line(&violation.expected.zh, 4_096);
        holds::one_line(&violation.expected.en, 4_096);
        assert!(Reason::ALL.contains(&violation.reason));
        let place = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '[' | ']');
        assert!(violation.field.chars().all(place) && violation.field.len() < 40, "{}", violation.field);
        texts.extend([&violation.expected.zh, "\n", &violation.expected.en, "\n"]);
    }
    for personal in personal(words) {
        assert!(!texts.contains(personal) || is_public(personal), "{personal} is repeated in {texts}");
    }
    let shapes = rejection.violations.iter().map(|violation| (&violation.field, violation.reason.as_str()));
    Outcome::of(shapes.take(3).collect::<Vec<_>>())
}

/// What was written that may be about a person and is long enough to be recognised.
fn personal<'w>(words: &Words<'w>) -> Vec<&'w str> {
    use heyan::directory::{AskedWords, ValueWords};
    let mut all = vec![
        words.purpose.case_number,
        words.purpose.reason,
        words.official.id,
        words.official.name,
        words.official.unit,
        words.official.terminal,
        words.subject.number,
    ];
    all.extend(words.subject.name);
    all.extend(words.certificate_number);
    if let AskedWords::Claims(claims) = &words.asked {
        for claim in claims {
            match &claim.value {
                Some(ValueWords::Text(text)) => all.push(text),
                Some(ValueWords::Texts(texts)) => all.extend(texts),
                _ => {}
            }
        }
    }
    all.retain(|text| text.chars().count() >= 6);
    all
}

/// What everybody may read in the directory, or the product says of itself, is no secret of a caller. Errors list names of the
/// directory: `mother, child` has `other,` in it.
fn is_public(text: &str) -> bool {
    static PUBLIC: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let public = PUBLIC.get_or_init(|| {
        let operators = Operator::ALL.map(Operator::as_str).join(", ");
        format!("{:?} {operators} 2026-11-23 810000, 820000 or 830000", city::directory())
    });
    public.contains(text) || text.split([',', '、', ' ']).all(|part| public.contains(part))
}
