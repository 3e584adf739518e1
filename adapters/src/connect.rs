use std::path::Path;
use std::sync::Arc;

use crate::declaration::{DepartmentDeclaration, Source};
use crate::{Adapter, Limit, Sql, Timeout};

/// The department, behind its guards: the deadline holds for waiting and asking together.
///
/// Opens nothing yet: a department that is down is trouble of the questions that meet it, not of the start. `None` where
/// the department issues nothing.
pub fn connect(declaration: &DepartmentDeclaration, city_folder: &Path) -> Option<Arc<dyn Adapter>> {
    let limits = declaration.limits;
    let kind: Arc<dyn Adapter> = match declaration.source.as_ref()? {
        Source::Sql(source) => Arc::new(Sql::new(source, declaration, city_folder)),
    };
    let limited = Limit::new(kind, limits.concurrency, limits.deadline);
    Some(Arc::new(Timeout::new(Arc::new(limited), limits.deadline)))
}
