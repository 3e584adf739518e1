//! Frames that RFC 9113 forbids, and what becomes of them. Failure: another outcome than the table's, or a gateway that serves
//! nobody after it.

mod table;

use heyan_tests::{City, Gateway};

use super::raw::{GOAWAY, HEADERS, RST_STREAM, Raw};
use super::watch::Watch;
use table::{Expected, table};

#[tokio::test]
async fn every_forbidden_frame_has_its_outcome() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let watch = Watch::over(&gateway).await;
    let mut wrong = Vec::new();
    for case in table() {
        let mut raw = Raw::open(&city, &gateway).await;
        raw.send(&case.bytes).await;
        // A PING may be answered before a stream is: what is expected is waited for, and silence only taken as such twice over.
        let mut said = match case.expected {
            Expected::Ignored => raw.is_alive().await.1,
            _ => raw.next_of(&[RST_STREAM, HEADERS, GOAWAY]).await.into_iter().collect(),
        };
        let (alive, more) = raw.is_alive().await;
        said.extend(more);
        let goaway = said.iter().find(|frame| frame.kind == GOAWAY).map(|frame| frame.code());
        let resets: Vec<_> = said.iter().filter(|frame| frame.kind == RST_STREAM).map(|frame| frame.code()).collect();
        let headers = said.iter().filter(|frame| frame.kind == HEADERS).count();
        let fits = match &case.expected {
            Expected::Connection(code) => !alive && goaway == Some(*code),
            Expected::Stream(code) => alive && resets == [*code],
            Expected::Answered => alive && goaway.is_none() && headers > 0,
            Expected::Ignored => alive && goaway.is_none() && resets.is_empty() && headers == 0,
        };
        if !fits {
            let seen = format!("alive {alive}, GOAWAY {goaway:?}, RST_STREAM {resets:?}, HEADERS {headers}");
            wrong.push(format!("{} ({}): expected {:?}, seen {seen}", case.what, case.section, case.expected));
        }
    }
    watch.end("forbidden frames").await;
    assert!(wrong.is_empty(), "{} outcomes differ:\n{}", wrong.len(), wrong.join("\n"));
}
