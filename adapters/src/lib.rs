#![doc = include_str!("../README.md")]

mod adapter;
mod connect;
#[cfg(feature = "contract")]
pub mod contract;
mod declaration;
mod error;
mod exchange;
mod files;
mod guard;
mod holding;
mod http;
mod mapping;
mod soap;
mod sql;
mod trial;

pub use adapter::{Adapter, Lookup, OfficialOnCall};
pub use connect::connect;
pub use declaration::{
    CatalogueEntry, Channel, Coverage, DateForm, Department, DepartmentDeclaration, Example, ExampleOutcome,
    Expectation, Field, FieldForm, Fold, FreshnessDeclaration, Hours, Input, Limits, NotShared, RateLimit, Renewal,
    ResultType, Secret, SharingMethod, Source, SqlDatabase, SqlDialect, SqlServer, SqlSource, UpdateFrequency,
    Validity, read_declaration,
};
pub use error::AdapterError;
pub use files::{Files, FilesSource};
pub use guard::{Breaker, BreakerState, GuardListener, Limit, Now, Opening, Rate, Retry, Timeout};
pub use holding::{Holder, Holding, Holdings};
pub use http::{Http, HttpSource};
pub use soap::{Soap, SoapSource};
pub use sql::Sql;
pub use trial::{Fit, Tried, try_examples};
