use std::path::Path;
use std::sync::Arc;

use crate::declaration::{DepartmentDeclaration, Source};
use crate::{Adapter, Breaker, GuardListener, Limit, Retry, Sql, Timeout};

/// The department, behind its guards, of which `listener` hears.
///
/// From the outside in:
/// - [`Breaker`]: while the department is left alone nothing else happens. It is outside of `Timeout` so that a time-out
///   reaches it as an error; a look-up that merely vanishes is a caller who hung up.
/// - [`Timeout`]: the deadline holds for waiting, asking and asking again together.
/// - [`Retry`]: outside of `Limit`, so that its pause takes nobody's turn, and a repetition waits for its own.
/// - [`Limit`]: next to the department, so that everything that reaches it is counted.
///
/// Opens nothing yet: a department that is down is trouble of the questions that meet it, not of the start. `None` where
/// the department issues nothing.
pub fn connect(
    declaration: &DepartmentDeclaration,
    city_folder: &Path,
    listener: &Arc<dyn GuardListener>,
) -> Option<Arc<dyn Adapter>> {
    let limits = declaration.limits;
    let kind: Arc<dyn Adapter> = match declaration.source.as_ref()? {
        Source::Sql(source) => Arc::new(Sql::new(source, declaration, city_folder)),
    };
    let limited = Limit::new(kind, limits.concurrency, limits.deadline);
    let retried = Retry::new(Arc::new(limited), limits.deadline, Arc::clone(listener));
    let timed = Timeout::new(Arc::new(retried), limits.deadline);
    Some(Arc::new(Breaker::new(Arc::new(timed), limits, Arc::clone(listener))))
}
