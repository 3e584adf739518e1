//! `heyan directory`: what can be asked of whom.

mod result_type;

use clap::{Args, Subcommand};
use comfy_table::Table;
use heyan_proto::v1;
use heyan_proto::v1::directory_service_client::DirectoryServiceClient;
use serde_json::{Value, json};
use tonic::transport::Channel;

use super::client::{Connection, failed, speak};
use super::show::{text, word};
use super::{Exit, Failure, Language, Output, block_on, print};

/// Options of `heyan directory`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  heyan directory --city city --as health-intake result-types
  heyan directory --city city --as health-intake show food-licence --lang en")]
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
    /// One result type: all that is to be known before a question about it
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
        Output::Json => print(object)?,
        Output::Table => print(table(rows))?,
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
    let titles = match language {
        Language::Chinese => ["标识", "名称", "数据共享工作机构", "联系方式", "接入声明"],
        Language::English => ["id", "name", "sharing office", "contact", "declaration"],
    };
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    let mut objects = Vec::new();
    let mut page_token = String::new();
    loop {
        let mut call = tonic::Request::new(v1::ListDepartmentsRequest { page_size: 200, page_token });
        speak(language, &mut call);
        let page = client.list_departments(call).await.map_err(|status| failed(&status))?.into_inner();
        for department in &page.departments {
            let health = word(department.health().as_str_name(), "DECLARATION_HEALTH_");
            let name = text(department.name.as_ref(), language);
            objects.push(json!({
                "id": department.id, "name": name, "credit_code": department.credit_code,
                "sharing_office": department.sharing_office, "contact": department.contact, "declaration": health,
            }));
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
    let titles = match language {
        Language::Chinese => ["标识", "名称", "提供部门", "共享属性", "披露层级"],
        Language::English => ["id", "name", "provider", "sharing", "disclosure"],
    };
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
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
    Ok((result_type::rows(&of, language), result_type::object(&of, language)))
}
