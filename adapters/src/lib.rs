#![doc = include_str!("../README.md")]

mod adapter;
mod declaration;
mod error;
mod holding;
mod mapping;

pub use adapter::{Adapter, Lookup, OfficialOnCall};
pub use declaration::{
    CatalogueEntry, Channel, Coverage, DateForm, Department, DepartmentDeclaration, Example, ExampleOutcome,
    Expectation, Field, FieldForm, Fold, FreshnessDeclaration, Input, Limits, NotShared, Renewal, ResultType,
    SharingMethod, Source, SqlDialect, SqlSource, UpdateFrequency, Validity, read_declaration,
};
pub use error::AdapterError;
pub use holding::{Holder, Holding, Holdings};
