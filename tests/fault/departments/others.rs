//! Others beside a department in trouble, in interleaved rounds with and without the trouble: the same questions are asked
//! of both departments in both. A round with the trouble begins once the department is left alone and its last look-up has
//! ended, and lies within one pause: what it costs to find out, once a pause, is one look-up of at most its deadline.
//!
//! Failure: a question to the others without an answer, or a median of their throughput, or of the processor time per
//! call, that the trouble makes worse by more than the noise of a shared machine. The figures are printed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_proto::v1::verify_response::Answer;
use heyan_tests::{Gateway, questions, until};
use tokio::task::JoinSet;

use super::one_by_one::{city, client, is_open, question};
use super::trouble::{Department, FLOOD, HANG, Trouble};
use crate::process::{ALONE, processor_time};

const ROUNDS: usize = 4;
const ROUND: Duration = Duration::from_millis(900);
/// Who asks the others, one question after the other.
const ASKERS: usize = 8;
/// How often the department in trouble is asked.
const PACE: Duration = Duration::from_millis(20);
/// What the machine's other work may make of two medians of throughput, and of processor time per call.
const NOISE_OF_RATE: f64 = 4.0;
const NOISE_OF_COST: f64 = 2.5;
/// How long the department may work on a question.
const DEADLINE: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_go_on_beside_a_department_that_hangs() {
    beside(&HANG).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_go_on_beside_a_department_that_sends_ten_gigabytes() {
    beside(&FLOOD).await;
}

/// What a round showed of the others.
struct Round {
    per_second: f64,
    micros_per_call: f64,
}

async fn beside(trouble: &Trouble) {
    let _alone = ALONE.lock().await;
    let city = city();
    city.edit("departments/market-regulation.toml", |text| {
        let pauses = "pause = \"2s\"\npause_max = \"2s\"";
        text.replacen("pause = \"500ms\"\npause_max = \"1s\"", pauses, 1)
    });
    let department = Department::of(&city);
    let gateway = Gateway::start(&city);
    let ended = Arc::new(AtomicBool::new(false));
    let (others, troubled) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut asking = JoinSet::new();
    for _ in 0..ASKERS {
        asking.spawn(ask_others(&gateway, &ended, &others).await);
    }
    asking.spawn(ask_troubled(&gateway, &ended, &troubled).await);
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        without.push(round(&gateway, &others, &troubled).await);
        department.begins(trouble);
        until("the breaker opens", async || is_open(&gateway)).await;
        tokio::time::sleep(DEADLINE).await;
        with.push(round(&gateway, &others, &troubled).await);
        department.is_mended();
        until("the breaker closes", async || !is_open(&gateway)).await;
        // The first answer closes it for good.
        tokio::time::sleep(4 * PACE).await;
    }
    ended.store(true, Ordering::Relaxed);
    while let Some(asker) = asking.join_next().await {
        asker.unwrap();
    }
    let rate = |rounds: &[Round]| median(rounds.iter().map(|round| round.per_second));
    let cost = |rounds: &[Round]| median(rounds.iter().map(|round| round.micros_per_call));
    let (rate_with, rate_without) = (rate(&with), rate(&without));
    let (cost_with, cost_without) = (cost(&with), cost(&without));
    println!(
        "beside one with the trouble `{}`: others {rate_with:.0}/s, {cost_with:.0} µs a call; without the trouble \
         {rate_without:.0}/s, {cost_without:.0} µs: {:.2} and {:.2} times",
        trouble.name,
        rate_with / rate_without,
        cost_with / cost_without
    );
    assert!(rate_with * NOISE_OF_RATE > rate_without, "others do {rate_with:.0}/s instead of {rate_without:.0}/s");
    assert!(cost_with < NOISE_OF_COST * cost_without, "a call costs {cost_with:.0} µs instead of {cost_without:.0} µs");
}

async fn round(gateway: &Gateway, others: &AtomicU64, troubled: &AtomicU64) -> Round {
    let calls = || others.load(Ordering::Relaxed);
    let all = || calls() + troubled.load(Ordering::Relaxed);
    let (begun, calls_before, all_before) = (Instant::now(), calls(), all());
    let used = processor_time(gateway);
    tokio::time::sleep(ROUND).await;
    let used = processor_time(gateway) - used;
    let (calls, all) = (calls() - calls_before, all() - all_before);
    assert!(calls > 0, "the others got no answer at all");
    #[expect(clippy::cast_precision_loss, reason = "a round has few calls")]
    let (calls, all) = (calls as f64, all as f64);
    Round { per_second: calls / begun.elapsed().as_secs_f64(), micros_per_call: used.as_secs_f64() * 1e6 / all }
}

async fn ask_others(
    gateway: &Gateway,
    ended: &Arc<AtomicBool>,
    answered: &Arc<AtomicU64>,
) -> impl Future<Output = ()> + use<> {
    let (case, _) = questions::named("married-owners-of-a-flat");
    let mut client = VerificationServiceClient::new(gateway.connect(case.system).await);
    let (ended, answered) = (Arc::clone(ended), Arc::clone(answered));
    async move {
        while !ended.load(Ordering::Relaxed) {
            let (_, question) = questions::named("married-owners-of-a-flat");
            let answer = client.verify(questions::live(question)).await.unwrap().into_inner().answer.unwrap();
            assert!(matches!(answer, Answer::Determination(_)), "another department suffers: {answer:?}");
            answered.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// At a steady pace, whether or not earlier questions have been answered.
async fn ask_troubled(
    gateway: &Gateway,
    ended: &Arc<AtomicBool>,
    answered: &Arc<AtomicU64>,
) -> impl Future<Output = ()> + use<> {
    let client = client(gateway).await;
    let (ended, answered) = (Arc::clone(ended), Arc::clone(answered));
    async move {
        let mut asking = JoinSet::new();
        for number in 0.. {
            if ended.load(Ordering::Relaxed) {
                break;
            }
            let (mut client, answered) = (client.clone(), Arc::clone(&answered));
            asking.spawn(async move {
                client.verify(question(number)).await.unwrap();
                answered.fetch_add(1, Ordering::Relaxed);
            });
            tokio::time::sleep(PACE).await;
        }
        while let Some(asked) = asking.join_next().await {
            asked.unwrap();
        }
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
