//! `DirectoryService`: what a caller needs to know before it asks.

mod result_type;

use std::sync::Arc;

use heyan_proto::reason::Reason;
use heyan_proto::v1;
use heyan_proto::v1::directory_service_server::DirectoryService;
use heyan_proto::vocabulary::{DepartmentId, Localized, ResultTypeId};
use tonic::{Request, Response, Status};

use super::words::localized;
use super::{Edge, error};
use crate::directory::{CurrentDirectory, DepartmentEntry};

/// How many entries a page has unless the caller says otherwise, and at most.
const PAGE: usize = 50;
const PAGE_MAX: usize = 200;

#[derive(Debug)]
pub(super) struct DirectoryApi {
    directory: Arc<CurrentDirectory>,
}

impl DirectoryApi {
    pub(super) fn new(directory: Arc<CurrentDirectory>) -> Self {
        Self { directory }
    }
}

#[tonic::async_trait]
impl DirectoryService for DirectoryApi {
    async fn list_departments(
        &self,
        request: Request<v1::ListDepartmentsRequest>,
    ) -> Result<Response<v1::ListDepartmentsResponse>, Status> {
        let edge = Edge::of(&request);
        let request = request.into_inner();
        let directory = self.directory.snapshot();
        let page = Page::read(request.page_size, &request.page_token, &edge)?;
        let (departments, next_page_token) = page.cut(directory.departments(), |entry| entry.id.as_str());
        let departments = departments.into_iter().map(department).collect();
        Ok(Response::new(v1::ListDepartmentsResponse { departments, next_page_token }))
    }

    async fn list_result_types(
        &self,
        request: Request<v1::ListResultTypesRequest>,
    ) -> Result<Response<v1::ListResultTypesResponse>, Status> {
        let edge = Edge::of(&request);
        let request = request.into_inner();
        let directory = self.directory.snapshot();
        let page = Page::read(request.page_size, &request.page_token, &edge)?;
        let provider = match request.provider.as_str() {
            "" => None,
            id => Some(
                DepartmentId::parse(id)
                    .ok()
                    .filter(|id| directory.department(id).is_some())
                    .ok_or_else(|| error::plain(Reason::DepartmentUnknown, edge.decision.as_uuid(), edge.language))?,
            ),
        };
        let of_provider = |id: &DepartmentId| provider.as_ref().is_none_or(|provider| provider == id);
        let all = directory.result_types().filter(|result_type| of_provider(&result_type.provider));
        let (result_types, next_page_token) = page.cut(all, |result_type| result_type.id.as_str());
        let result_types = result_types.into_iter().map(result_type::summary).collect();
        Ok(Response::new(v1::ListResultTypesResponse { result_types, next_page_token }))
    }

    async fn get_result_type(
        &self,
        request: Request<v1::GetResultTypeRequest>,
    ) -> Result<Response<v1::GetResultTypeResponse>, Status> {
        let edge = Edge::of(&request);
        let directory = self.directory.snapshot();
        let id = request.into_inner().result_type;
        let result_type = ResultTypeId::parse(&id).ok().and_then(|id| directory.result_type(id.as_str()));
        let Some(result_type) = result_type else {
            return Err(error::plain(Reason::ResultTypeUnknown, edge.decision.as_uuid(), edge.language));
        };
        let result_type = Some(result_type::whole(&directory, result_type));
        Ok(Response::new(v1::GetResultTypeResponse { result_type }))
    }
}

/// Which part of a list is wanted: so many, after this id. A token grants nothing; it is the id itself.
struct Page {
    size: usize,
    after: String,
}

impl Page {
    fn read(size: i32, token: &str, edge: &Edge) -> Result<Self, Status> {
        let refuse = |field: &str, zh: &str, en: &str| {
            let expected = Localized { zh: zh.into(), en: en.into() };
            error::about(Reason::FieldInvalid, field, &expected, edge.decision.as_uuid(), edge.language)
        };
        let Ok(size) = usize::try_from(size) else {
            return Err(refuse("page_size", "应为 0 或正整数", "must be 0 or more"));
        };
        if !token.is_empty() && DepartmentId::parse(token).is_err() {
            return Err(refuse(
                "page_token",
                "应为上一页给出的 next_page_token",
                "must be the next_page_token of the page before",
            ));
        }
        let size = if size == 0 { PAGE } else { size.min(PAGE_MAX) };
        Ok(Self { size, after: token.into() })
    }

    /// The entries of the page and the token of the next. `all` is in the order of its ids.
    fn cut<T>(&self, all: impl Iterator<Item = T>, id: impl Fn(&T) -> &str) -> (Vec<T>, String) {
        let mut rest = all.filter(|entry| self.after.is_empty() || id(entry) > self.after.as_str());
        let page: Vec<T> = rest.by_ref().take(self.size).collect();
        let more = rest.next().is_some();
        let token = page.last().filter(|_| more).map(|last| id(last).to_owned()).unwrap_or_default();
        (page, token)
    }
}

fn department(entry: &DepartmentEntry) -> v1::Department {
    let health = match (&entry.declaration, entry.stale_since) {
        (Some(_), None) => v1::DeclarationHealth::Good,
        _ => v1::DeclarationHealth::Stale,
    };
    let mut listed = v1::Department { id: entry.id.to_string(), health: health.into(), ..Default::default() };
    if let Some(declaration) = &entry.declaration {
        let department = &declaration.department;
        listed.name = Some(localized(&department.name));
        listed.sharing_office = department.sharing_office.to_string();
        listed.contact = department.contact.to_string();
        listed.credit_code = department.credit_code.expose().into();
    }
    listed
}
