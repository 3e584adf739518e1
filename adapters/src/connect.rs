use std::path::Path;
use std::sync::Arc;

use crate::declaration::{DepartmentDeclaration, Source};
use crate::{Adapter, Breaker, Files, GuardListener, Http, Limit, Now, Opening, Rate, Retry, Soap, Sql, Timeout};

/// The department, behind its guards, of which `listener` hears; `now` tells the time of its hours.
///
/// From the outside in:
/// - [`Opening`], where hours are declared: a department that is closed is no trouble.
/// - [`Breaker`]: while the department is left alone nothing else happens. It is outside of `Timeout` so that a time-out
///   reaches it as an error; a look-up that merely vanishes is a caller who hung up.
/// - [`Timeout`]: the deadline holds for waiting, asking and asking again together.
/// - [`Retry`]: outside of `Limit`, so that its pause takes nobody's turn, and a repetition waits for its own.
/// - [`Rate`], where one is declared: whoever waits for it takes nobody's turn.
/// - [`Limit`]: next to the department, so that everything that reaches it is counted.
///
/// Opens nothing yet: a department that is down is trouble of the questions that meet it, not of the start. `None` where
/// the department issues nothing.
pub fn connect(
    declaration: &DepartmentDeclaration,
    city_folder: &Path,
    listener: &Arc<dyn GuardListener>,
    now: &Now,
) -> Option<Arc<dyn Adapter>> {
    let limits = declaration.limits;
    let kind: Arc<dyn Adapter> = match declaration.source.as_ref()? {
        Source::Sql(source) => Arc::new(Sql::new(source, declaration, city_folder)),
        Source::Http(source) => Arc::new(Http::new(source, declaration, city_folder)),
        Source::Soap(source) => Arc::new(Soap::new(source, declaration, city_folder)),
        Source::Files(source) => Arc::new(Files::new(source, declaration, city_folder, Arc::clone(listener))),
    };
    let mut guarded: Arc<dyn Adapter> = Arc::new(Limit::new(kind, limits.concurrency, limits.deadline));
    if let Some(rate) = limits.rate {
        guarded = Arc::new(Rate::new(guarded, rate, limits.deadline));
    }
    let retried = Retry::new(guarded, limits.deadline, Arc::clone(listener));
    let timed = Timeout::new(Arc::new(retried), limits.deadline);
    let broken = Arc::new(Breaker::new(Arc::new(timed), limits, Arc::clone(listener)));
    Some(match limits.hours {
        Some(hours) => Arc::new(Opening::new(broken, hours, Arc::clone(now))),
        None => broken,
    })
}
