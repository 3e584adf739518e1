//! `DirectoryService`: what a caller needs to know before it asks.

use std::collections::HashMap;
use std::fs;

use heyan_proto::v1;
use heyan_proto::v1::directory_service_client::DirectoryServiceClient;
use heyan_tests::{City, Gateway, Told, questions};
use tonic::Code;
use tonic::transport::Channel;

type Directory = DirectoryServiceClient<Channel>;

async fn directory(gateway: &Gateway) -> Directory {
    DirectoryServiceClient::new(gateway.connect("service-window").await)
}

async fn result_types(directory: &mut Directory, page_size: i32, provider: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut page_token = String::new();
    loop {
        let wanted = v1::ListResultTypesRequest { page_size, page_token, provider: provider.into() };
        let page = directory.list_result_types(wanted).await.unwrap().into_inner();
        assert!(page_size == 0 || page.result_types.len() <= usize::try_from(page_size).unwrap());
        assert!(!page.result_types.is_empty(), "no page is empty");
        all.extend(page.result_types.into_iter().map(|result_type| result_type.id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return all;
        }
    }
}

#[tokio::test]
async fn pages_of_any_size_hold_everything_once_and_in_order() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let mut directory = directory(&gateway).await;
    let whole = result_types(&mut directory, 0, "").await;
    assert_eq!(whole.len(), 16);
    assert!(whole.is_sorted());
    for size in [1, 2, 7, 14, 15, 16, 200, i32::MAX] {
        assert_eq!(result_types(&mut directory, size, "").await, whole, "pages of {size}");
    }
    assert_eq!(result_types(&mut directory, 1, "market-regulation").await, ["business-licence", "food-licence"]);

    let mut ids = Vec::new();
    let mut page_token = String::new();
    loop {
        let wanted = v1::ListDepartmentsRequest { page_size: 5, page_token };
        let page = directory.list_departments(wanted).await.unwrap().into_inner();
        for of in page.departments {
            let name = of.name.clone().unwrap();
            assert!(!name.zh_cn.is_empty() && !name.en.is_empty() && of.credit_code.len() == 18, "{of:?}");
            assert!(!of.sharing_office.is_empty() && !of.contact.is_empty(), "{of:?}");
            assert_eq!(of.health(), v1::DeclarationHealth::Good, "{of:?}");
            ids.push(of.id);
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert!(ids.len() == 12 && ids.is_sorted(), "{ids:?}");
}

#[tokio::test]
async fn a_bad_page_is_told() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let mut directory = directory(&gateway).await;
    for (page_size, page_token, field) in
        [(-1, "", "page_size"), (0, "No Token!", "page_token"), (0, "\0", "page_token")]
    {
        let wanted = v1::ListDepartmentsRequest { page_size, page_token: page_token.into() };
        let told = Told::by(&directory.list_departments(wanted).await.unwrap_err());
        assert_eq!((told.code, told.reason.as_str()), (Code::InvalidArgument, "FIELD_INVALID"));
        assert_eq!(told.fields(), [field]);
        let wanted = v1::ListResultTypesRequest { page_size, page_token: page_token.into(), ..Default::default() };
        assert_eq!(Told::by(&directory.list_result_types(wanted).await.unwrap_err()).fields(), [field]);
    }
    for provider in ["nobody", "No Department!"] {
        let wanted = v1::ListResultTypesRequest { provider: provider.into(), ..Default::default() };
        let told = Told::by(&directory.list_result_types(wanted).await.unwrap_err());
        assert_eq!((told.code, told.reason.as_str()), (Code::NotFound, "DEPARTMENT_UNKNOWN"), "{provider}");
    }
    for result_type in ["", "no-such", "Food Licence"] {
        let wanted = v1::GetResultTypeRequest { result_type: result_type.into() };
        let told = Told::by(&directory.get_result_type(wanted).await.unwrap_err());
        assert_eq!((told.code, told.reason.as_str()), (Code::InvalidArgument, "RESULT_TYPE_UNKNOWN"), "{result_type}");
    }
}

#[tokio::test]
async fn every_result_type_says_what_a_caller_needs() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let mut directory = directory(&gateway).await;
    let askers = askers(&city);
    let mut lacking = Vec::new();
    for id in result_types(&mut directory, 0, "").await {
        let wanted = v1::GetResultTypeRequest { result_type: id.clone() };
        let of = directory.get_result_type(wanted).await.unwrap().into_inner().result_type.unwrap();
        lacking.extend(lacks(&of).into_iter().map(|what| format!("{id}: {what}")));
        // The example can be asked as it stands, once request_id, purpose and official are the caller's own.
        let (system, item) = askers.get(&id).unwrap_or_else(|| panic!("no item of the sample needs {id}"));
        let mut question = questions::named("food-licence-in-force").1;
        question.purpose.as_mut().unwrap().item.clone_from(item);
        let example = of.example.unwrap();
        let question = v1::VerifyRequest {
            request_id: question.request_id,
            purpose: question.purpose,
            official: question.official,
            ..example
        };
        if let Err(status) = super::client(&gateway, system).await.verify(question).await {
            lacking.push(format!("{id}: its example is no question: {status}"));
        }
    }
    assert!(lacking.is_empty(), "{}", lacking.join("\n"));
}

fn is_said(text: Option<&v1::LocalizedText>) -> bool {
    text.is_some_and(|text| !text.zh_cn.is_empty() && !text.en.is_empty())
}

/// What is missing of a result type.
fn lacks(of: &v1::ResultType) -> Vec<String> {
    let catalogue = of.catalogue.clone().unwrap_or_default();
    let withholds = of.sharing() == v1::SharingClass::NotShared;
    let all = [
        (is_said(of.name.as_ref()), "name"),
        (!of.provider.is_empty(), "provider"),
        (!of.subject_kinds.is_empty(), "subject kinds"),
        (of.sharing() != v1::SharingClass::Unspecified, "sharing class"),
        (!of.legal_basis.is_empty(), "legal basis"),
        (of.disclosure() != v1::Disclosure::Unspecified, "disclosure"),
        ((1..=4).contains(&of.sensitivity), "sensitivity"),
        (of.freshness.is_some_and(|freshness| freshness.update_frequency != 0), "freshness"),
        (of.coverage.as_ref().is_none_or(|coverage| is_said(coverage.note.as_ref())), "coverage"),
        (!withholds || !of.exceptions.is_empty(), "the exception by which it is not shared"),
        (!of.fields.is_empty(), "fields"),
        (
            of.example.as_ref().is_some_and(|example| example.subject.is_some() && example.result_type == of.id),
            "example",
        ),
        (!catalogue.entry.is_empty() && !catalogue.name.is_empty(), "catalogue entry"),
        (catalogue.data_items.len() == of.fields.len(), "data items"),
        (!catalogue.providing_unit.is_empty() && !catalogue.format.is_empty(), "providing unit and format"),
        (catalogue.update_frequency != 0 && catalogue.sharing == of.sharing, "update frequency and sharing"),
        (catalogue.sharing_method != 0 && catalogue.channel != 0, "sharing method and channel"),
        (!catalogue.conditions.is_empty() && !catalogue.classification.is_empty(), "conditions and classification"),
    ];
    let mut lacking: Vec<String> = all.iter().filter(|(there, _)| !there).map(|(_, what)| (*what).into()).collect();
    for field in &of.fields {
        let is_code = field.r#type() == v1::FieldType::Code;
        let whole = !field.name.is_empty()
            && is_said(field.title.as_ref())
            && field.r#type != 0
            && !field.operators.is_empty()
            && is_said(field.matching_rule.as_ref())
            && field.code_words.is_empty() != is_code
            && (field.unit.is_empty() || field.r#type() == v1::FieldType::Integer);
        if !whole {
            lacking.push(format!("{field:?}"));
        }
    }
    for exception in &of.exceptions {
        let cites = exception.legal_basis.as_ref().is_some_and(|law| law.kind != 0 && !law.citation.is_empty());
        if !cites || !is_said(exception.title.as_ref()) || exception.owner.is_empty() || exception.review_by.is_empty()
        {
            lacking.push(format!("{exception:?}"));
        }
    }
    lacking
}

/// For each result type a system whose department accepts an item in force that needs it, and the item.
fn askers(city: &City) -> HashMap<String, (String, String)> {
    let read = |name: &str| -> toml::Table { fs::read_to_string(city.file(name)).unwrap().parse().unwrap() };
    let text = |table: &toml::Value, key: &str| table[key].as_str().unwrap().to_owned();
    let systems = read("systems/systems.toml");
    let systems: HashMap<String, String> = (systems["system"].as_array().unwrap().iter())
        .filter(|system| system.get("revoked").is_none())
        .map(|system| (text(system, "department"), text(system, "id")))
        .collect();
    let mut askers = HashMap::new();
    for file in fs::read_dir(city.file("items")).unwrap() {
        let table = read(&format!("items/{}", file.unwrap().file_name().to_string_lossy()));
        if table["item"]["status"].as_str() != Some("in_force") {
            continue;
        }
        let asker = (systems[&text(&table["item"], "department")].clone(), text(&table["item"], "code"));
        for material in table["material"].as_array().unwrap() {
            if let Some(result_type) = material.get("result_type") {
                askers.insert(result_type.as_str().unwrap().to_owned(), asker.clone());
            }
        }
    }
    askers
}
