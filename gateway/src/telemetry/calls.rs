//! The durations of calls, by method and final status, with the labels of the OpenTelemetry conventions for RPC metrics.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus::{Histogram, HistogramVec};
use tonic::Code;

/// The method label of calls to methods that do not exist, so that callers cannot make labels.
const OTHER: &str = "_OTHER";

/// The name of the system by which methods are called.
pub(super) const SYSTEM: &str = "grpc";

/// The labels of a duration, in the order in which their values are given.
pub(super) const LABELS: [&str; 4] = ["rpc_system_name", "rpc_method", "rpc_response_status_code", "error_type"];

/// How many status codes there are.
const CODES: usize = 17;

/// One method: its name, and a histogram for each status with which a call of it has ended.
pub(crate) struct MethodMeter {
    name: Arc<str>,
    durations: HistogramVec,
    by_code: [OnceLock<Histogram>; CODES],
}

impl MethodMeter {
    fn new(name: &str, durations: HistogramVec) -> Self {
        Self { name: name.into(), durations, by_code: std::array::from_fn(|_| OnceLock::new()) }
    }

    /// `heyan.v1.VerificationService/Verify`, or `_OTHER`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What its spans are called: the method, or the system where callers could make names.
    pub(super) fn span_name(&self) -> &str {
        if &*self.name == OTHER { SYSTEM } else { &self.name }
    }

    /// A call has ended.
    pub(crate) fn observe(&self, status: Code, took: Duration) {
        let made = self.by_code[status as usize].get_or_init(|| {
            let code = code_name(status);
            self.durations.with_label_values(&[SYSTEM, &self.name, code, error_type(status).unwrap_or_default()])
        });
        made.observe(took.as_secs_f64());
    }
}

impl fmt::Debug for MethodMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MethodMeter").field(&self.name).finish()
    }
}

/// The methods that exist, by the path of a call.
#[derive(Debug, Clone)]
pub(crate) struct MethodMeters {
    known: Arc<HashMap<String, Arc<MethodMeter>>>,
    other: Arc<MethodMeter>,
}

impl MethodMeters {
    /// From paths such as `/heyan.v1.VerificationService/Verify`.
    pub(super) fn new(paths: impl IntoIterator<Item = String>, durations: &HistogramVec) -> Self {
        let method = |path: String| {
            let method = MethodMeter::new(path.trim_start_matches('/'), durations.clone());
            (path, Arc::new(method))
        };
        Self {
            known: Arc::new(paths.into_iter().map(method).collect()),
            other: Arc::new(MethodMeter::new(OTHER, durations.clone())),
        }
    }

    /// The method of a call.
    pub(crate) fn of(&self, path: &str) -> Arc<MethodMeter> {
        Arc::clone(self.known.get(path).unwrap_or(&self.other))
    }
}

/// The status as an error of the server. A refused caller, a bad argument and a caller who hangs up are none.
pub(crate) fn error_type(status: Code) -> Option<&'static str> {
    let is_ours = matches!(
        status,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    );
    is_ours.then(|| code_name(status))
}

/// The name of a status code as the gRPC specification writes it.
pub(crate) fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_place_and_six_are_errors_of_the_server() {
        let codes: Vec<Code> = (0..i32::try_from(CODES).unwrap()).map(Code::from_i32).collect();
        assert!(codes.iter().enumerate().all(|(place, code)| *code as usize == place));
        let errors: Vec<&str> = codes.into_iter().filter_map(error_type).collect();
        assert_eq!(errors, ["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"]);
    }
}
