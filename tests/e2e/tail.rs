//! `heyan audit tail` beside a running gateway. Failure: a line that is not the log's, one that is missing, one twice; an entry that
//! was changed and is printed; a follower that does not end when it is told to, or when nobody reads.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, entries, heyan, questions, until};

fn tail(city: &City, options: &[&str]) -> Command {
    let mut tail = heyan();
    tail.args(["audit", "tail", "--city"]).arg(city.path()).args(options);
    tail
}

/// Exit code, lines of standard output, standard error.
fn printed(city: &City, options: &[&str]) -> (Option<i32>, Vec<String>, String) {
    let output = tail(city, options).output().unwrap();
    let [said, told] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.code(), said.lines().map(str::to_owned).collect(), told)
}

async fn ask(gateway: &Gateway) {
    let (case, question) = questions::named("food-licence-in-force");
    VerificationServiceClient::new(gateway.connect(case.system).await).verify(question).await.unwrap();
}

/// Waits until everything is published, and gives the size of the log.
async fn published(city: &City) -> usize {
    let size = entries(city).len();
    let checkpoint = city.file("log/checkpoint");
    let holds =
        || std::fs::read_to_string(&checkpoint).is_ok_and(|note| note.lines().nth(1) == Some(&size.to_string()));
    until("the log is published", async || holds()).await;
    size
}

fn signal(process: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &process.id().to_string()]).status().unwrap().success());
}

#[tokio::test]
async fn the_newest_entries_are_printed_and_then_those_that_come() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    for _ in 0..3 {
        ask(&gateway).await;
    }
    let size = published(&city).await;
    let (code, lines, told) = printed(&city, &["--lines", "2", "--lang", "en"]);
    assert_eq!((code, lines.len(), told.as_str()), (Some(0), 3, ""), "{lines:?}");
    assert_eq!(lines[0], "index  time  class  event  caller  provider  item");
    let newest = &entries(&city)[size - 1];
    let columns: Vec<&str> = lines[2].split("  ").collect();
    assert_eq!((columns[0], columns[2], columns[4]), (&*newest.index.to_string(), "answered", newest.text("caller")));
    assert_eq!(columns[5..], ["market-regulation", newest.text("purpose")]);
    assert!(printed(&city, &[]).1[0].starts_with("序号"));
    let (_, lines, _) = printed(&city, &["--output", "json", "--lines", "99"]);
    for (line, entry) in lines.iter().zip(entries(&city)) {
        let leaf = String::from_utf8(entry.bytes).unwrap();
        assert_eq!(*line, format!("{{\"index\":{},\"leaf\":{leaf}}}", entry.index));
    }
    assert_eq!(lines.len(), size);

    let options = ["--follow", "--lines", "0", "--output", "json"];
    let mut follower = tail(&city, &options).stdout(Stdio::piped()).spawn().unwrap();
    let mut unread = tail(&city, &["--follow", "--lines", "1"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut comes = BufReader::new(follower.stdout.take().unwrap()).lines();
    drop(BufReader::new(unread.stdout.take().unwrap()).lines().next().unwrap().unwrap());
    ask(&gateway).await;
    let after = published(&city).await;
    for index in size..after {
        let line = comes.next().unwrap().unwrap();
        assert!(line.starts_with(&format!("{{\"index\":{index},")), "{line}");
    }
    signal(&follower, "-INT");
    assert_eq!(follower.wait().unwrap().code(), Some(0));
    assert!(comes.next().is_none(), "each entry once");
    until("a follower that nobody reads ends", || std::future::ready(unread.try_wait().unwrap().is_some())).await;
    assert_eq!(unread.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn an_entry_that_was_changed_is_named_and_not_printed() {
    let city = City::new();
    assert_eq!(printed(&city, &[]).0, Some(3), "nothing was ever published");
    let gateway = Gateway::start(&city);
    ask(&gateway).await;
    let size = published(&city).await;
    gateway.signal("TERM");
    gateway.wait();
    let shard = std::fs::read_link(city.file("log/checkpoint")).unwrap().parent().unwrap().to_owned();
    let bundle = city.file("log").join(shard).join(format!("tile/entries/000.p/{size}"));
    let mut bytes = std::fs::read(&bundle).unwrap();
    let last = bytes.len() - 5;
    bytes[last] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    let (code, lines, told) = printed(&city, &["--output", "json"]);
    assert_eq!((code, lines.len()), (Some(4), size - 1));
    assert!(told.contains(&format!("entry {}: it is not what was signed", size - 1)), "{told}");
}
