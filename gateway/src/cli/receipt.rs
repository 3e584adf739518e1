//! `heyan receipt`: what a receipt of the case archive proves, with no network and no gateway.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use heyan_proto::v1;
use prost::Message as _;
use serde_json::json;

use super::audit::verifier_key;
use super::show::{self, pick};
use super::{Exit, Failure, Language, Output, print};
use crate::clock::{Clock as _, SystemClock};
use crate::receipt::{BYTES_MAX, Proven, ReceiptError, ReceiptFile};

/// What to do with a receipt.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Verify a receipt with the log's public key alone, and say what it proves
    Verify(Verify),
}

/// Options of `heyan receipt verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  heyan receipt verify case-1.receipt.json --key city/log/vkey
  heyan receipt verify case-1.receipt.json --key city/log/vkey \\
      --caller spiffe://sample-city.example/system/health-intake      it has to be this system's receipt
  heyan verify ... --receipt case-1.receipt.json                      keeps the receipt of an answer

Exit codes: 0 it proves what is printed, 2 usage, 4 it proves nothing")]
struct Verify {
    /// The receipt
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The log's public key: a verifier key line, or a file with one
    #[arg(long, value_name = "KEY|FILE")]
    key: String,
    /// The URI of the system whose receipt it has to be
    #[arg(long, value_name = "URI")]
    caller: Option<String>,
    /// How to print what is found
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
    /// The language of what is printed
    #[arg(long, value_enum, default_value = "zh-CN")]
    lang: Language,
}

/// Runs a command about a receipt.
pub(super) fn run(options: &Options) -> Result<Exit, Failure> {
    match &options.command {
        Command::Verify(options) => verify(options),
    }
}

fn verify(options: &Verify) -> Result<Exit, Failure> {
    let key = verifier_key(&options.key)?;
    let file = options.file.display();
    let usage = |what: String| Failure::new(Exit::Usage, format!("{file}: {what}"));
    let size = std::fs::metadata(&options.file).map_err(|error| usage(error.to_string()))?.len();
    if size > BYTES_MAX as u64 {
        return Err(usage(format!("a receipt has at most {BYTES_MAX} bytes")));
    }
    let text = std::fs::read(&options.file).map_err(|error| usage(error.to_string()))?;
    let verified = ReceiptFile::parse(&text).and_then(|receipt| {
        let proven = receipt.verify(&key, options.caller.as_deref(), SystemClock.now())?;
        Ok((receipt, proven))
    });
    match verified {
        Ok((receipt, proven)) => {
            print_proven(options, &receipt, &proven)?;
            Ok(Exit::Ok)
        }
        Err(error) => {
            print_refuted(options, &error)?;
            Ok(Exit::Broken)
        }
    }
}

fn print_proven(options: &Verify, receipt: &ReceiptFile, proven: &Proven) -> Result<(), Failure> {
    if options.output == Output::Table {
        return print(sentence(receipt, proven, options.lang));
    }
    let Proven { caller, decision, at, origin, index, size } = proven;
    print(json!({
        "verdict": "proven", "caller": caller, "decision_id": decision, "recorded_at": at.to_string(),
        "origin": origin, "index": index, "size": size, "answer": answer(receipt, options.lang),
    }))
}

/// What a receipt proves, in one sentence.
pub(super) fn sentence(receipt: &ReceiptFile, proven: &Proven, language: Language) -> String {
    let Proven { caller, at, origin, index, size, .. } = proven;
    let answer = answer(receipt, language);
    match language {
        Language::Chinese => format!(
            "本回执证明：{caller} 于 {at} 提出此核验并得到此答复（{answer}），已作为第 {index} 条记入 {origin} 的留痕（该次签名时共 {size} 条）。"
        ),
        Language::English => format!(
            "This receipt proves that at {at} {caller} asked this question and was given this answer ({answer}), recorded as entry \
             {index} of the {size} that {origin} had signed by then."
        ),
    }
}

fn print_refuted(options: &Verify, error: &ReceiptError) -> Result<(), Failure> {
    match options.output {
        Output::Json => print(json!({ "verdict": "refuted", "what": error.to_string() })),
        Output::Table => {
            let nothing = pick(options.lang, "本回执不能证明任何事", "this receipt proves nothing");
            print(format_args!("{nothing}: {error}"))
        }
    }
}

/// The answer in a few words.
fn answer(receipt: &ReceiptFile, language: Language) -> String {
    let unread = || pick(language, "答复内容不可读", "the answer is not readable here").to_owned();
    if receipt.question.starts_with(b"retrieve:") {
        return pick(language, "字段值", "field values").to_owned();
    }
    let Ok(response) = v1::VerifyResponse::decode(receipt.answer.as_slice()) else { return unread() };
    let shown = show::show(&response, language);
    format!("{}: {}", shown.answer, shown.finding)
}

/// The receipt of an answer to a question, to be kept.
pub(super) fn receipt_of(request: &v1::VerifyRequest, response: &v1::VerifyResponse) -> Option<ReceiptFile> {
    let receipt = response.receipt.as_ref()?;
    let answer = v1::VerifyResponse { decision_id: String::new(), receipt: None, ..response.clone() };
    Some(ReceiptFile {
        question: [b"verify:", request.encode_to_vec().as_slice()].concat(),
        answer: answer.encode_to_vec(),
        salt: receipt.salt.clone(),
        leaf: String::from_utf8(receipt.leaf.clone()).ok()?,
        proof: receipt.proof.clone(),
    })
}
