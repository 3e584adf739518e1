use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;
use std::time::Instant;

use super::{City, HEADER, Heard, SUBJECTS, ask, forget_peak, months, peak_kib, row};

/// A file of 100,000 rows, with `HEYAN_LONG` of a million, or of as many as it says. Failure is memory that grows with the file.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_takes_the_memory_of_a_row() {
    let rows: u64 = match std::env::var("HEYAN_LONG") {
        Ok(rows) => rows.parse().ok().filter(|rows| *rows > 1).unwrap_or(1_000_000),
        Err(_) => 100_000,
    };
    let city = City::new();
    let mut file = BufWriter::new(File::create(city.file("licence-1.part")).unwrap());
    let rest = |months| encoding_rs::GB18030.encode(&row("", months)).0.into_owned();
    let (rest_of_all, rest_of_last) = (rest("12"), rest("36"));
    file.write_all(HEADER.as_bytes()).unwrap();
    for number in 1..rows {
        write!(file, "{number:018}").unwrap();
        file.write_all(&rest_of_all).unwrap();
    }
    file.write_all(SUBJECTS[0].as_bytes()).unwrap();
    file.write_all(&rest_of_last).unwrap();
    file.flush().unwrap();
    std::fs::rename(city.file("licence-1.part"), city.file("licence-1.csv")).unwrap();
    let bytes = std::fs::metadata(city.file("licence-1.csv")).unwrap().len();
    let heard = Arc::new(Heard::default());
    let files = city.connect_heard(heard.clone());
    forget_peak();
    let before = peak_kib();
    let begun = Instant::now();
    while ask(&files).await.is_err() {}
    let took = begun.elapsed();
    let begun = Instant::now();
    assert_eq!(months(&files).await, Some(36));
    let looked_up = begun.elapsed();
    let grown = peak_kib().zip(before).map(|(after, before)| after - before);
    println!(
        "{rows} rows of {} MiB loaded in {took:.2?}; peak memory grew by {} KiB; one look-up took {looked_up:.2?}",
        bytes >> 20,
        grown.map_or("an unknown number of".into(), |grown| grown.to_string()),
    );
    let heard = heard.0.lock().unwrap();
    assert_eq!(heard.last(), Some(&(rows, true)));
    assert!(heard.is_sorted() && heard.len() as u64 >= rows / 102_400, "{heard:?}");
    // The caches of SQLite, and what other tests of this process take meanwhile.
    assert!(grown.is_none_or(|grown| grown < 96 << 10), "{grown:?} KiB");
}
