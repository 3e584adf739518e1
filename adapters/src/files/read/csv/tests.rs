use crate::files::read::text::Text;
use crate::files::read::{Fault, Value, Wanted};

/// Reads a text whose header is `a;b;c`; the cells of each row.
fn read(text: &[u8]) -> Result<Vec<Vec<String>>, Fault> {
    let wanted = Wanted { columns: ["c", "a", "b"].map(Into::into).into(), compared: 1 };
    let mut rows = Vec::new();
    super::read(Text::decoded(text, encoding_rs::UTF_8), b';', &wanted, &mut |row| {
        let text = |value: &Value| match value {
            Value::Text(text) => text.clone(),
            other => panic!("{other:?}"),
        };
        let [c, a, b] = row else { panic!("{} cells", row.len()) };
        rows.push([a, b, c].map(text).into());
        Ok(())
    })?;
    Ok(rows)
}

/// What the crate `csv` writes is read as it was, whatever stands in the cells.
#[test]
fn rows_are_those_of_another_writer() {
    let pieces = ["a", "许可", ";", "\"", "\n", "\r\n", "'", ",", "\\", " x", "\u{feff}", ""];
    let mut state = 7_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((state >> 33) % below).unwrap()
    };
    for round in 0..200 {
        let mut writer = csv::WriterBuilder::new();
        writer.delimiter(b';');
        if round % 2 == 0 {
            writer.quote_style(csv::QuoteStyle::Always).terminator(csv::Terminator::CRLF);
        }
        let mut writer = writer.from_writer(Vec::new());
        writer.write_record(["a", "b", "c"]).unwrap();
        let mut expected = Vec::new();
        for _ in 0..next(40) {
            let mut cell = || (0..next(6)).map(|_| pieces[next(12)]).collect::<String>();
            let row = [cell(), cell(), cell()];
            writer.write_record(&row).unwrap();
            expected.push(row.map(|cell| cell.trim().to_owned()).to_vec());
        }
        assert_eq!(read(&writer.into_inner().unwrap()), Ok(expected), "round {round}");
    }
}

#[test]
fn ends_of_lines_and_blank_lines_do_not_count() {
    let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
    for text in ["a;b;c\n1;2;\n", "\u{feff}a;b;c\r\n1;2;", "\n\r\n a ;b;c\n\n1;2;\r", "a;b;c\n1;2;\"\"\n\n"] {
        assert_eq!(read(text.as_bytes()), Ok(vec![row(["1", "2", ""])]), "{text:?}");
    }
    // A quote inside of a cell is text.
    assert_eq!(read(b"a;b;c\n1\";2\"\"3;4\n"), Ok(vec![row(["1\"", "2\"\"3", "4"])]));
    assert_eq!(read(b"a;b;c"), Ok(vec![]));
}

/// Failure is a row that is given although a quote before it is not closed: rows vanish in it.
#[test]
fn a_stray_quote_swallows_no_rows() {
    for text in ["a;b;c\n1;2;\"3\n4;5;6\n7;8;\"9\"\n", "a;b;c\n1;2;\"3\n4;5;6\n", "a;b;c\n1;2;\"3\"\"\n4;5;6\n"] {
        assert!(matches!(read(text.as_bytes()), Err(Fault::Broken(_))), "{text:?}");
    }
}
