//! `Debug` of the messages that have personal fields: the contract says so in their comments, and no log or panic ever shows them.
//!
//! Nothing of a request is shown: until it is parsed, a caller may have put a number into any of its texts.

use std::fmt;

use crate::v1;

/// Shows the name of the type alone.
macro_rules! hidden {
    ($($type:ty: $name:literal),* $(,)?) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct($name).finish_non_exhaustive()
            }
        }
    )*};
}

hidden! {
    v1::VerifyRequest: "VerifyRequest",
    v1::RetrieveResultRequest: "RetrieveResultRequest",
    v1::Purpose: "Purpose",
    v1::Official: "Official",
    v1::Subject: "Subject",
    v1::Claim: "Claim",
    v1::claim::Value: "Value",
    v1::TextList: "TextList",
    v1::IntegerList: "IntegerList",
    v1::retrieved_field::Value: "Value",
}

impl fmt::Debug for v1::DeterminationDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeterminationDetail")
            .field("existence", &self.existence())
            .field("state", &self.state())
            .field("claims", &self.claims)
            .field("name_outcome", &self.name_outcome())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for v1::RetrievedResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetrievedResult").field("fields", &self.fields).finish_non_exhaustive()
    }
}

impl fmt::Debug for v1::RetrievedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetrievedField").field("field", &self.field).finish_non_exhaustive()
    }
}
