//! Trying a declaration on its department: the examples are asked of it. Their subjects are invented, so nobody is asked about.

use heyan_proto::vocabulary::{PersonalText, PlainText, ResultTypeId};
use jiff::civil::Date;

use crate::declaration::{DepartmentDeclaration, Example, ResultType};
use crate::{Adapter, AdapterError, Expectation, Lookup, OfficialOnCall};

/// What one example came to at the department.
#[derive(Debug)]
pub struct Tried {
    /// The result type that it is an example of.
    pub result_type: ResultTypeId,
    /// Its name.
    pub example: PlainText,
    /// What the department said.
    pub outcome: Result<Fit, AdapterError>,
}

/// How what the department holds compares with what the example says. Either is right: an example shows what a reply means,
/// and a department need not hold the invented record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// The department holds what the example says.
    AsExpected,
    /// It holds no record, or another.
    Otherwise,
}

/// Asks the department every example of its declaration, one after the other.
pub async fn try_examples(adapter: &dyn Adapter, declaration: &DepartmentDeclaration, today: Date) -> Vec<Tried> {
    let mut tried = Vec::new();
    for result_type in &declaration.result_types {
        for example in &result_type.examples {
            let lookup = lookup(declaration, result_type, example, today);
            let outcome = match adapter.look_up(&lookup).await {
                Err(AdapterError::Malformed { .. }) if matches!(example.expect, Expectation::Malformed) => {
                    Ok(Fit::AsExpected)
                }
                Err(error) => Err(error),
                Ok(holdings) => {
                    let fits = example.expect.compare(&Ok(holdings.records)).is_empty();
                    Ok(if fits { Fit::AsExpected } else { Fit::Otherwise })
                }
            };
            tried.push(Tried { result_type: result_type.id.clone(), example: example.name.clone(), outcome });
        }
    }
    tried
}

fn lookup(declaration: &DepartmentDeclaration, result_type: &ResultType, example: &Example, today: Date) -> Lookup {
    let text = |text: &str| PersonalText::parse(text, 64).expect("it is a constant of this function, and short");
    let invented = text("样例");
    Lookup {
        result_type: result_type.id.clone(),
        subject: example.subject.clone(),
        subject_name: Some(invented.clone()),
        certificate_number: None,
        as_of: today,
        reason: text("接口自检"),
        official: OfficialOnCall {
            id: invented.clone(),
            name: invented.clone(),
            unit: invented.clone(),
            terminal: invented,
        },
        requester: declaration.department.id.clone(),
        deadline: declaration.limits.deadline,
        traceparent: None,
    }
}
