//! Claims as they are written on the command line: a field, an operator and a value, typed as the directory says.

use std::collections::HashMap;

use heyan_proto::v1;
use heyan_proto::v1::directory_service_client::DirectoryServiceClient;
use heyan_proto::vocabulary::Operator;
use tonic::Code;
use tonic::transport::Channel;

use super::client::failed;
use super::{Exit, Failure};

/// The types of a result type's fields, by name.
pub type FieldTypes = HashMap<String, v1::FieldType>;

/// Asks the directory for the types of the fields. An unknown result type has none: the question will say so, and be
/// recorded.
pub(super) async fn field_types(result_type: &str, channel: Channel) -> Result<FieldTypes, Failure> {
    let wanted = v1::GetResultTypeRequest { result_type: result_type.into() };
    match DirectoryServiceClient::new(channel).get_result_type(wanted).await {
        Ok(response) => {
            let fields = response.into_inner().result_type.unwrap_or_default().fields;
            Ok(fields.into_iter().map(|field| (field.name.clone(), field.r#type())).collect())
        }
        Err(status) if status.code() == Code::InvalidArgument => Ok(FieldTypes::new()),
        Err(status) => Err(failed(&status)),
    }
}

/// A field, an operator and a value; lists have commas between their members. Whether they fit is for the gateway to say.
///
/// # Errors
/// [`Exit::Usage`] where these are no three words, where there is no such operator, or where the value of a number or of yes and
/// no is none.
pub fn claim<T: AsRef<str>>(words: &[T], types: &FieldTypes) -> Result<v1::Claim, Failure> {
    use v1::claim::Value;
    let [field, operator, value] = words else {
        return Err(Failure::new(Exit::Usage, "write `--claim FIELD OPERATOR VALUE`"));
    };
    let (field, operator, value) = (field.as_ref(), operator.as_ref(), value.as_ref());
    let Some(operator) = Operator::ALL.into_iter().find(|known| known.as_str() == operator) else {
        let known = Operator::ALL.map(Operator::as_str).join(", ");
        return Err(Failure::new(Exit::Usage, format!("`--claim` has an unknown operator; known: {known}")));
    };
    let number = |text: &str| {
        text.parse::<i64>().map_err(|_| Failure::new(Exit::Usage, format!("`--claim {field}` wants a whole number")))
    };
    let many = matches!(operator, Operator::OneOf | Operator::Contains);
    let items = || value.split(',');
    let value = match types.get(field) {
        Some(v1::FieldType::Integer) if many => {
            Value::Integers(v1::IntegerList { items: items().map(number).collect::<Result<_, _>>()? })
        }
        Some(v1::FieldType::Integer) => Value::Integer(number(value)?),
        Some(v1::FieldType::Flag) => Value::Flag(
            value.parse().map_err(|_| Failure::new(Exit::Usage, format!("`--claim {field}` wants true or false")))?,
        ),
        _ if many => Value::Texts(v1::TextList { items: items().map(str::to_owned).collect() }),
        _ => Value::Text(value.into()),
    };
    Ok(v1::Claim { field: field.into(), operator: v1::Operator::from(operator).into(), value: Some(value) })
}
