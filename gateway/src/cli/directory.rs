//! `heyan directory`: what can be asked of whom.

use clap::{Args, Subcommand};
use comfy_table::Table;
use heyan_proto::v1;
use heyan_proto::v1::directory_service_client::DirectoryServiceClient;
use serde_json::{Value, json};
use tonic::transport::Channel;

use super::client::{Connection, failed, speak};
use super::show::{text, word};
use super::{Exit, Failure, Language, Output, block_on};

/// Options of `heyan directory`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  heyan directory --city city --as market-regulation result-types
  heyan directory --city city --as market-regulation show food-licence --lang en")]
pub(crate) struct Options {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    what: What,
    /// How to print it
    #[arg(long, value_enum, default_value = "table", global = true)]
    output: Output,
    /// The language of what is printed
    #[arg(long, value_enum, default_value = "zh-CN", global = true)]
    lang: Language,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The departments that take part
    Departments,
    /// The result types that can be asked about
    ResultTypes {
        /// Only those of this department
        #[arg(long, value_name = "ID")]
        provider: Option<String>,
    },
    /// One result type: fields, operators, coverage, freshness, sharing class, legal basis
    Show {
        /// The result type
        id: String,
    },
}

/// Asks the directory and prints.
pub(super) fn run(options: &Options) -> Result<Exit, Failure> {
    let (rows, object) = block_on(async {
        let client = DirectoryServiceClient::new(options.connection.open().await?);
        match &options.what {
            What::Departments => departments(client, options.lang).await,
            What::ResultTypes { provider } => result_types(client, provider.as_deref(), options.lang).await,
            What::Show { id } => show(client, id, options.lang).await,
        }
    })??;
    match options.output {
        Output::Json => println!("{object}"),
        Output::Table => println!("{}", table(rows)),
    }
    Ok(Exit::Ok)
}

type Client = DirectoryServiceClient<Channel>;
type Listing = (Vec<Vec<String>>, Value);

fn table(rows: Vec<Vec<String>>) -> Table {
    let mut table = Table::new();
    let mut rows = rows.into_iter();
    table.load_style(comfy_table::presets::NOTHING).set_header(rows.next().unwrap_or_default());
    for row in rows {
        table.add_row(row);
    }
    table
}

async fn departments(mut client: Client, language: Language) -> Result<Listing, Failure> {
    let mut rows = vec![["id", "name", "sharing office", "contact", "declaration"].map(str::to_owned).to_vec()];
    let mut objects = Vec::new();
    let mut page_token = String::new();
    loop {
        let mut call = tonic::Request::new(v1::ListDepartmentsRequest { page_size: 200, page_token });
        speak(language, &mut call);
        let page = client.list_departments(call).await.map_err(|status| failed(&status))?.into_inner();
        for department in &page.departments {
            let health = word(department.health().as_str_name(), "DECLARATION_HEALTH_");
            let name = text(department.name.as_ref(), language);
            objects.push(
                json!({ "id": department.id, "name": name, "contact": department.contact, "declaration": health }),
            );
            rows.push(vec![
                department.id.clone(),
                name,
                department.sharing_office.clone(),
                department.contact.clone(),
                health,
            ]);
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok((rows, json!({ "departments": objects })));
        }
    }
}

async fn result_types(mut client: Client, provider: Option<&str>, language: Language) -> Result<Listing, Failure> {
    let mut rows = vec![["id", "name", "provider", "sharing", "disclosure"].map(str::to_owned).to_vec()];
    let mut objects = Vec::new();
    let mut page_token = String::new();
    loop {
        let provider = provider.unwrap_or_default().to_owned();
        let mut call = tonic::Request::new(v1::ListResultTypesRequest { page_size: 200, page_token, provider });
        speak(language, &mut call);
        let page = client.list_result_types(call).await.map_err(|status| failed(&status))?.into_inner();
        for of in &page.result_types {
            let name = text(of.name.as_ref(), language);
            let sharing = word(of.sharing().as_str_name(), "SHARING_CLASS_");
            let disclosure = word(of.disclosure().as_str_name(), "DISCLOSURE_");
            objects.push(json!({ "id": of.id, "name": name, "provider": of.provider, "sharing": sharing, "disclosure": disclosure }));
            rows.push(vec![of.id.clone(), name, of.provider.clone(), sharing, disclosure]);
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok((rows, json!({ "result_types": objects })));
        }
    }
}

async fn show(mut client: Client, id: &str, language: Language) -> Result<Listing, Failure> {
    let mut call = tonic::Request::new(v1::GetResultTypeRequest { result_type: id.into() });
    speak(language, &mut call);
    let response = client.get_result_type(call).await.map_err(|status| failed(&status))?.into_inner();
    let of = response.result_type.unwrap_or_default();
    let mut rows = vec![vec![of.id.clone(), text(of.name.as_ref(), language)]];
    let mut fact = |name: &str, value: String| {
        if !value.is_empty() {
            rows.push(vec![name.to_owned(), value]);
        }
    };
    fact("provider", of.provider.clone());
    fact(
        "subject kinds",
        of.subject_kinds().map(|kind| word(kind.as_str_name(), "SUBJECT_KIND_")).collect::<Vec<_>>().join(", "),
    );
    fact("sharing", word(of.sharing().as_str_name(), "SHARING_CLASS_"));
    fact("legal basis", of.legal_basis.clone());
    fact("disclosure", word(of.disclosure().as_str_name(), "DISCLOSURE_"));
    for exception in &of.exceptions {
        let citation = exception.legal_basis.as_ref().map(|basis| basis.citation.clone()).unwrap_or_default();
        fact("exception", format!("{} · {citation} · {}", exception.id, text(exception.title.as_ref(), language)));
    }
    if let Some(coverage) = &of.coverage {
        fact("coverage", format!("{} {}", text(coverage.note.as_ref(), language), coverage.issued_from).trim().into());
    }
    if let Some(freshness) = &of.freshness {
        fact("updated", word(freshness.update_frequency().as_str_name(), "UPDATE_FREQUENCY_").to_lowercase());
    }
    let mut fields = Vec::new();
    for field in &of.fields {
        let operators: Vec<_> =
            field.operators().map(|operator| word(operator.as_str_name(), "OPERATOR_").to_lowercase()).collect();
        let kind = word(field.r#type().as_str_name(), "FIELD_TYPE_").to_lowercase();
        let title = text(field.title.as_ref(), language);
        let rule = text(field.matching_rule.as_ref(), language);
        fact(&field.name, format!("{title} · {kind} · {} · {rule}", operators.join(" ")));
        fields.push(json!({
            "name": field.name, "title": title, "type": kind, "operators": operators, "unit": field.unit,
            "code_words": field.code_words, "disclosed": field.disclosed,
        }));
    }
    let object = json!({
        "id": of.id, "provider": of.provider, "sharing": word(of.sharing().as_str_name(), "SHARING_CLASS_"),
        "legal_basis": of.legal_basis, "disclosure": word(of.disclosure().as_str_name(), "DISCLOSURE_"), "fields": fields,
    });
    Ok((rows, object))
}
