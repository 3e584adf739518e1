//! `heyan verify`: one question, as a business system would ask it.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use heyan_proto::v1;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use uuid::Uuid;

use super::claims::{self, FieldTypes};
use super::client::{Connection, failed, speak};
use super::receipt::receipt_of;
use super::{Exit, Failure, Language, Output, block_on, print, show};

/// Options of `heyan verify`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    #[command(flatten)]
    connection: Connection,
    /// The result type, by its id in the directory
    #[arg(long, value_name = "ID")]
    result_type: String,
    /// Whose result: the kind of the number, a colon, and the number; kinds are listed below
    #[arg(long, value_name = "KIND:NUMBER")]
    subject: String,
    /// The subject's name, to be compared with the record
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The number on the certificate, where it is known
    #[arg(long, value_name = "NUMBER")]
    certificate_number: Option<String>,
    /// A claim; may be given again. Lists have commas between their values; operators are listed below
    #[arg(long, num_args = 3, value_names = ["FIELD", "OPERATOR", "VALUE"])]
    claim: Vec<String>,
    /// The service item for which it is asked, by its 31-character code
    #[arg(long, value_name = "CODE")]
    item: String,
    /// The number of the case
    #[arg(long, value_name = "NUMBER")]
    case: String,
    /// Why it is asked
    #[arg(long, default_value = "material check")]
    reason: String,
    /// The official who asks: id, name, unit and terminal with commas
    #[arg(long, value_name = "ID,NAME,UNIT,TERMINAL", default_value = "cli,command line,command line,localhost")]
    official: String,
    /// The day on which the answer shall hold, yyyy-MM-dd; today unless given
    #[arg(long, value_name = "DATE")]
    as_of: Option<String>,
    /// A UUID for this question; the same id repeats the recorded answer. Made anew unless given
    #[arg(long, value_name = "UUID")]
    request_id: Option<Uuid>,
    /// Check and decide without asking the department
    #[arg(long)]
    validate_only: bool,
    /// Keep the receipt of the answer in this new file, for the case archive
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// How to print the answer
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
    /// The language of what is printed
    #[arg(long, value_enum, default_value = "zh-CN")]
    lang: Language,
}

const EXAMPLES: &str = "\
Examples:
  heyan verify --city city --as health-intake --result-type food-licence --subject credit_code:91500000MA0000015Q \\
      --claim business_items contains 热食类食品制售 --item 11500000MB000006XJ2001023004001 --case CASE-1
  heyan verify ... --receipt case-1.receipt.json      keep the receipt; `heyan receipt verify` says what it proves
  heyan directory --city city --as health-intake show food-licence     which fields and operators there are

Kinds: citizen_number, residence_permit, permanent_resident_card, credit_code, passport, mainland_travel_permit,
       taiwan_travel_permit
Operators: equals, one_of, contains, at_least, at_most, on_or_before, on_or_after

Exit codes: 0 confirmed, 1 not confirmed or refused, 2 the question is wrong, 3 unreachable or undetermined";

/// Asks, prints, and ends as the answer says.
pub(super) fn run(options: &Options) -> Result<Exit, Failure> {
    if let Some(file) = options.receipt.as_ref().filter(|file| file.exists()) {
        return Err(Failure::new(Exit::Usage, format!("{}: exists already and is never overwritten", file.display())));
    }
    let (asked, response) = block_on(async {
        let channel = options.connection.open().await?;
        let types = claims::field_types(&options.result_type, channel.clone()).await?;
        let asked = request(options, &types)?;
        let mut call = tonic::Request::new(asked.clone());
        call.set_timeout(Duration::from_secs(10));
        speak(options.lang, &mut call);
        let answered = VerificationServiceClient::new(channel).verify(call).await;
        let answered = answered.map(tonic::Response::into_inner).map_err(|status| failed(&status))?;
        Ok::<_, Failure>((asked, answered))
    })??;
    if let Some(file) = &options.receipt {
        keep(file, &asked, &response)?;
    }
    match options.output {
        Output::Json => print(show::to_json(&response))?,
        Output::Table => print_lines(&response, options.lang)?,
    }
    Ok(exit(&response))
}

/// Writes the receipt for its owner alone: it holds what was asked and answered.
pub(super) fn keep(file: &Path, asked: &v1::VerifyRequest, response: &v1::VerifyResponse) -> Result<(), Failure> {
    let failed = |what: String| Failure::new(Exit::Wanting, format!("{}: {what}", file.display()));
    let receipt = receipt_of(asked, response).ok_or_else(|| failed("the answer has no readable receipt".into()))?;
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let written = written.and_then(|mut file| file.write_all(receipt.to_string().as_bytes()));
    written.map_err(|error| failed(error.to_string()))
}

fn print_lines(response: &v1::VerifyResponse, language: Language) -> Result<(), Failure> {
    let shown = show::show(response, language);
    print(format_args!("{}: {}", shown.answer, shown.finding))?;
    if !shown.detail.is_empty() {
        print(format_args!("  {}", shown.detail))?;
    }
    if let Some(receipt) = &response.receipt {
        let entry = show::pick(language, "留痕", "entry");
        print(format_args!("  {entry} #{} · {}", receipt.index, receipt.decision_id))?;
    }
    Ok(())
}

fn exit(response: &v1::VerifyResponse) -> Exit {
    use v1::verify_response::Answer;
    match &response.answer {
        Some(Answer::Determination(of)) if of.finding() == v1::Finding::Confirmed => Exit::Ok,
        Some(Answer::Determination(_) | Answer::Refusal(_)) => Exit::Wanting,
        Some(Answer::Undetermined(_)) => Exit::Unreachable,
        None => Exit::Ok,
    }
}

fn request(options: &Options, types: &FieldTypes) -> Result<v1::VerifyRequest, Failure> {
    let usage = |message: &str| Failure::new(Exit::Usage, message);
    let (kind, number) = options.subject.split_once(':').ok_or_else(|| usage("write `--subject KIND:NUMBER`"))?;
    let kind = v1::SubjectKind::from_str_name(&format!("SUBJECT_KIND_{}", kind.to_ascii_uppercase()));
    let kind = kind.ok_or_else(|| usage("`--subject` has an unknown kind; see `heyan verify --help`"))?;
    let official: Vec<&str> = options.official.split(',').collect();
    let [id, name, unit, terminal] = official[..] else {
        return Err(usage("write `--official ID,NAME,UNIT,TERMINAL`"));
    };
    let claims: Result<Vec<_>, _> = options.claim.chunks(3).map(|words| claims::claim(words, types)).collect();
    Ok(v1::VerifyRequest {
        request_id: options.request_id.unwrap_or_else(Uuid::new_v4).to_string(),
        purpose: Some(v1::Purpose {
            item: options.item.clone(),
            case_number: options.case.clone(),
            reason: options.reason.clone(),
        }),
        official: Some(v1::Official { id: id.into(), name: name.into(), unit: unit.into(), terminal: terminal.into() }),
        subject: Some(v1::Subject { kind: kind.into(), number: number.into(), name: options.name.clone() }),
        result_type: options.result_type.clone(),
        certificate_number: options.certificate_number.clone(),
        claims: claims?,
        as_of: options.as_of.clone(),
        max_age: None,
        validate_only: options.validate_only,
    })
}
