//! Files that do not fit. What is said of each is all that is said: no value of it.

use super::workbook::{text, workbook};
use super::{City, HEADER, SUBJECTS, ask, months, row, until};
use crate::{Adapter, AdapterError};

/// Drops a file that does not fit after one that does: the snapshot stays, and health says why.
async fn is_refused(like: &City, good: &[u8], broken: &[u8], why: &str) {
    let city = like.another();
    city.drop("licence-1.csv", good);
    let files = city.connect();
    assert_eq!(months(&files).await, Some(36), "{why}");
    city.drop("licence-2.csv", broken);
    let told = Err(AdapterError::Malformed { what: format!("`licence`: {why}") });
    until(why, async || {
        let health = files.check_health().await;
        assert!(health.is_ok() || health == told, "{health:?} instead of {told:?}");
        health.is_err()
    })
    .await;
    assert_eq!(months(&files).await, Some(36), "{why}");
    assert!(!format!("{:?}", files.check_health().await).contains("canary"));
    // Where there is nothing to fall back on, look-ups are told the same.
    let alone = like.another();
    alone.drop("licence-2.csv", broken);
    assert_eq!(ask(&alone.connect()).await.map(drop), told);
    // A file that fits mends it.
    city.drop("licence-3.csv", good);
    until("it recovers", async || files.check_health().await.is_ok()).await;
}

#[tokio::test]
async fn csv() {
    let city = City::new();
    let gb18030 = |text: &str| encoding_rs::GB18030.encode(text).0.into_owned();
    let good = format!("{HEADER}{}", row(SUBJECTS[0], "36"));
    let after = |rows: &str| gb18030(&format!("{good}{rows}"));
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (vec![], "the file is empty"),
        (b"\n\r\n".to_vec(), "the file has no header"),
        ([good.as_bytes(), b"\xff\xff\n"].concat(), "line 2: is not gb18030"),
        ([&after("")[..], b"canary\x81"].concat(), "line 3: is not gb18030"),
        (gb18030(&good.replace("until", "canary")), "the header has no column `until`"),
        (gb18030(&good.replace("holders", "subject")), "the header has the column `subject` more than once"),
        (gb18030(&good.replace("no,", "no,no,")), "the header has the column `no` more than once"),
        (after("canary\n"), "line 3: has 1 cells, and the header has 7"),
        (after("\n\ncanary,,,,,,,\n"), "line 5: has 8 cells, and the header has 7"),
        (after("\"canary\n\n"), "line 5: a quote is not closed"),
        (after("\"a\nb\",,,,,,\n\"canary\"x,,,,,,\n"), "line 5: text stands after a closing quote"),
        (after("canary\r,,,,,,\n"), "line 3: a carriage return stands alone"),
        (
            after(&format!("\"{}", "canary\n".repeat(100_000))),
            "line 74901: a row is longer than 512 KiB; perhaps a quote is not closed",
        ),
        (gb18030(&good.replace(SUBJECTS[0], " ")), "the column `subject` is blank in every row"),
        (gb18030(&",".repeat(2000)), "line 1: has more than 1024 cells"),
        // The header of UTF-8 with its mark, declared as something else.
        ([b"\xEF\xBB\xBF", good.as_bytes()].concat(), "the header has no column `subject`"),
    ];
    for (broken, why) in cases {
        is_refused(&city, &after(""), &broken, why).await;
    }
}

#[tokio::test]
async fn json_lines() {
    let city = City::with("format = \"csv\"\nencoding = \"gb18030\"", "format = \"jsonl\"\nencoding = \"utf-8\"");
    let good = format!(
        r#"{{"subject": "{}", "no": 1, "holders": "样例甲有限公司", "state": "01", "issued": "20240301", "until": "长期", "months": 36, "more": {{}}}}"#,
        SUBJECTS[0]
    );
    let deep = format!("{good}\n{{\"x\": {}", "[".repeat(100_000));
    let cases = [
        ("\n \n".to_owned(), "the file has no line"),
        (format!("{good}\n[\"canary\"]"), "line 2: is not a JSON object"),
        (format!("{good}\n{good} \"canary\""), "line 2: is not a JSON object"),
        (format!("\n{}", &good[..good.len() - 4]), "line 2: is not a JSON object"),
        (deep, "line 2: is not a JSON object"),
        (good.replace("subject", "canary"), "line 1: has no member `subject`"),
        (format!("{good}\n{{\"subject\": \"canary\", \"holders\": \"\"}}"), "line 2: has no member `no`"),
        (good.replace("until", "canary"), "no line has the member `until`"),
        (good.replace("more", "state"), "line 1: has a member more than once"),
        (good.replace("\"no\": 1", "\"no\": 1.5"), NO_TEXT),
        (good.replace("\"no\": 1", "\"no\": [\"canary\"]"), NO_TEXT),
        (format!("{good}\n\"{}\"", "canary".repeat(100_000)), "line 2: is longer than 512 KiB"),
    ];
    for (broken, why) in cases {
        is_refused(&city, good.as_bytes(), broken.as_bytes(), why).await;
    }
}

const NO_TEXT: &str = "line 1: column `no` has neither a text nor a whole number of which every digit was kept";

#[tokio::test]
async fn fixed_width() {
    let said = "format = \"fixed\"\nencoding = \"gbk\"\ncolumns = { subject = [1, 18], no = [19, 22], holders = [23, 38], state = [39, 40], issued = [41, 48], until = [49, 56], months = [57, 58] }";
    let city = City::with("format = \"csv\"\nencoding = \"gb18030\"", said);
    let gbk = |text: &str| encoding_rs::GBK.encode(text).0.into_owned();
    let good = format!("{}JY1 样例甲有限公司  012024030120301231 36\n", SUBJECTS[0]).replace(" 36", "36");
    let cases = [
        (b"\n\n".to_vec(), "the file has no line"),
        (gbk(&good.replace("36\n", "3\n")), "line 1: has 57 bytes, which is not the length of a line"),
        (
            gbk(&format!("{good}{}", good.replace("36\n", "36 \n"))),
            "line 2: has 59 bytes, which is not the length of a line",
        ),
        (
            gbk(&good.replace("JY1 样例甲有限公司  ", "JY1样例甲有限公司   ")),
            "line 1: is not of its encoding, or a column cuts a character",
        ),
        ([&gbk(&good)[..56], b"\xff\xff\n"].concat(), "line 1: is not of its encoding, or a column cuts a character"),
    ];
    for (broken, why) in cases {
        is_refused(&city, &gbk(&good), &broken, why).await;
    }
}

#[tokio::test]
async fn workbooks() {
    let city = City::with("format = \"csv\"\nencoding = \"gb18030\"", "format = \"xlsx\"\nsheet = \"许可\"");
    let header: Vec<&str> = HEADER.trim().split(',').collect();
    let cells = [SUBJECTS[0], "JY1", "样例甲有限公司", "01", "20240301", "长期", "36"];
    let rows = vec![text(1, &header), text(2, &cells)];
    let good = workbook("许可", &rows);
    let with = |row: &str| workbook("许可", &[rows.clone(), vec![row.to_owned()]].concat());
    let number = |column: &str, number: &str| format!("<c r=\"{column}3\"><v>{number}</v></c>");
    let not_whole = "the file is not a whole workbook that can be read without a password";
    let cases = [
        (b"canary".to_vec(), not_whole),
        (good[..good.len() / 2].to_vec(), not_whole),
        (good[..good.len() - 30].to_vec(), not_whole),
        (workbook("canary", &rows), "the workbook has no sheet `许可`"),
        (workbook("许可", &[]), "the sheet is empty"),
        (workbook("许可", &rows[1..]), "the header has no column `subject`"),
        (with(&number("B", "2")), "row 3: column `subject` is blank; are cells merged?"),
        (with("<c r=\"H3\"><v>1</v></c>"), "row 3: has a cell after the 7 columns that there may be"),
        (with("<c r=\"B3\"><v>1</v></c><c r=\"A3\"><v>1</v></c>"), "row 3: has its cells in disorder"),
        (with("<c r=\"A2\"><v>1</v></c><c r=\"A1\"><v>1</v></c>"), "row 2: has its cells in disorder"),
        // The number of a citizen that was typed as a number: its last digits are gone.
        (
            with(&number("A", "110101199003078000")),
            "row 3: column `subject` has neither a text nor a whole number of which every digit was kept",
        ),
        (with("<c r=\"A3\"><v>canary</c>"), not_whole),
    ];
    for (broken, why) in cases {
        is_refused(&city, &good, &broken, why).await;
    }
}

/// Values that one record is malformed by spoil only its own answer; the file is loaded.
#[tokio::test]
async fn cells_of_workbooks() {
    let said = "format = \"xlsx\"\nsheet = \"许可\"";
    let city = City::with("format = \"csv\"\nencoding = \"gb18030\"", said);
    let header: Vec<&str> = HEADER.trim().split(',').collect();
    let cells = [SUBJECTS[0], "JY1", "样例甲有限公司", "01", "20240301", "长期"];
    let malformed = |problem: &str| Err(AdapterError::malformed("months", problem));
    let floating = "is a floating-point number; only text and whole numbers are read";
    for (cell, expected) in [
        ("<c r=\"G2\"><v>36</v></c>", Ok(1)),
        ("<c r=\"G2\"><f>6*6</f><v>36</v></c>", Ok(1)),
        ("<c r=\"G2\" t=\"str\"><v>36</v></c>", Ok(1)),
        ("", Ok(0)),
        ("<c r=\"G2\"><v>36.5</v></c>", malformed(floating)),
        ("<c r=\"G2\"><v>1e17</v></c>", malformed(floating)),
        ("<c r=\"G2\" t=\"e\"><v>#N/A</v></c>", malformed("is binary; only text and whole numbers are read")),
        ("<c r=\"G2\" t=\"b\"><v>1</v></c>", malformed("is not a whole number")),
        ("<c r=\"G2\" s=\"1\"><v>45352</v></c>", malformed("is not a whole number")),
    ] {
        let rows = [text(1, &header), text(2, &cells) + cell];
        let city = city.another();
        city.drop("licence-1.csv", workbook("许可", &rows));
        let files = city.connect();
        assert_eq!(ask(&files).await.map(|holdings| holdings.records[0].fields.len()), expected, "{cell}");
    }
    // A date is written as such.
    let mut city = city.another();
    city.declaration = city.declaration.replace("20240301", "2024-03-01").replacen("%Y%m%d", "%Y-%m-%d", 1);
    let date = text(2, &["", "", "", "01"]).replace("</c>", "</c><c r=\"E2\" s=\"1\"><v>45352</v></c>");
    city.drop("licence-1.csv", workbook("许可", &[text(1, &header), text(2, &[SUBJECTS[0]]) + &date]));
    let holdings = ask(&city.connect()).await.unwrap();
    let expected = heyan_proto::vocabulary::Term::On(jiff::civil::date(2024, 3, 1));
    assert_eq!(holdings.records[0].valid_from, Some(expected));
}
