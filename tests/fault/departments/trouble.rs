//! The troubles of a department whose database is a SQLite file, and their end.

use std::fs;
use std::path::PathBuf;

use heyan_proto::v1::UndeterminedCause;
use heyan_tests::City;
use rusqlite::Connection;

use UndeterminedCause::{AnswerMalformed, DepartmentDown, DepartmentTimeout};

/// One way to be in trouble.
pub(super) struct Trouble {
    pub(super) name: &'static str,
    /// What questions are told until the breaker opens, one of them or more.
    pub(super) causes: &'static [UndeterminedCause],
    how: How,
}

enum How {
    /// The table of food licences becomes a view.
    View(&'static str),
    /// The file has these bytes instead of its own.
    Bytes(fn(Vec<u8>) -> Vec<u8>),
    /// There is no file.
    Gone,
}

/// A view of one record that never comes.
pub(super) const HANG: Trouble = Trouble {
    name: "hangs",
    causes: &[DepartmentTimeout],
    how: How::View(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT kept.* FROM kept, n WHERE n.i < 0",
    ),
};

/// Ten gigabytes of rows that fit, as far as one of them goes.
pub(super) const FLOOD: Trouble = Trouble {
    name: "10 GB of rows",
    // Whichever bound is met first: that of the answer's size, or on a busy machine that of its time.
    causes: &[AnswerMalformed, DepartmentTimeout],
    how: How::View(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000)
         SELECT XKZBH, TYSHXYDM, replace(hex(zeroblob(25000)), '0', '3') AS JYZMC, ZTYT, JYXM,
                replace(hex(zeroblob(25000)), '0', '3') AS JYCS, FZRQ, YXQZ, XKZT, YXSQ FROM kept, n",
    ),
};

/// Every kind. Each is asked by many at once.
pub(super) const TROUBLES: [Trouble; 12] = [
    HANG,
    Trouble {
        name: "drips",
        causes: &[DepartmentTimeout],
        how: How::View(
            "WITH RECURSIVE row(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM row LIMIT 20)
             SELECT kept.* FROM kept, row WHERE 0 <
               (WITH RECURSIVE n(i) AS (SELECT row.i UNION ALL SELECT i + 1 FROM n LIMIT 400000) SELECT count(*) FROM n)",
        ),
    },
    Trouble { name: "gone", causes: &[DepartmentDown], how: How::Gone },
    Trouble {
        name: "half a file",
        causes: &[AnswerMalformed, DepartmentDown],
        how: How::Bytes(|mut bytes| {
            bytes.truncate(bytes.len() / 8);
            bytes
        }),
    },
    Trouble {
        name: "another file",
        causes: &[AnswerMalformed],
        how: How::Bytes(|bytes| bytes.iter().map(|byte| byte ^ 0xA5).collect()),
    },
    Trouble {
        name: "a broken page",
        causes: &[AnswerMalformed],
        how: How::Bytes(|mut bytes| {
            // The header is whole, and what follows is not.
            bytes[100..].fill(0xA5);
            bytes
        }),
    },
    Trouble {
        name: "binary values",
        causes: &[AnswerMalformed],
        how: How::View("SELECT XKZBH, TYSHXYDM, x'00FF' AS JYZMC, ZTYT, JYXM, JYCS, FZRQ, YXQZ, XKZT, YXSQ FROM kept"),
    },
    Trouble {
        name: "values of wrong types",
        causes: &[AnswerMalformed],
        how: How::View("SELECT XKZBH, TYSHXYDM, JYZMC, ZTYT, JYXM, JYCS, 20240301.5 AS FZRQ, YXQZ, XKZT, YXSQ FROM kept"),
    },
    Trouble {
        name: "dates that are none",
        causes: &[AnswerMalformed],
        how: How::View("SELECT XKZBH, TYSHXYDM, JYZMC, ZTYT, JYXM, JYCS, FZRQ, '下月' AS YXQZ, XKZT, YXSQ FROM kept"),
    },
    FLOOD,
    Trouble {
        name: "10 GB sorted",
        causes: &[DepartmentTimeout, DepartmentDown],
        how: How::View(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000)
             SELECT XKZBH, TYSHXYDM, hex(randomblob(25000)) AS JYZMC, ZTYT, JYXM, hex(randomblob(25000)) AS JYCS, FZRQ,
                    YXQZ, XKZT, YXSQ FROM kept, n ORDER BY 3, 6",
        ),
    },
    Trouble {
        name: "a value of 2 GB",
        causes: &[AnswerMalformed],
        how: How::View(
            "SELECT XKZBH, TYSHXYDM, JYZMC, ZTYT, JYXM, hex(zeroblob(1000000000)) AS JYCS, FZRQ, YXQZ, XKZT, YXSQ FROM kept",
        ),
    },
];

/// A view whose records come, and take their time: three hundred thousand steps are about a tenth of a second.
pub(crate) fn slow(steps: u32) -> String {
    format!(
        "SELECT kept.* FROM kept WHERE 0 <
           (WITH RECURSIVE n(i) AS (SELECT kept.rowid UNION ALL SELECT i + 1 FROM n LIMIT {steps}) SELECT count(*) FROM n)"
    )
}

/// The department that has troubles, with its file as it was.
pub(crate) struct Department {
    file: PathBuf,
    kept: PathBuf,
}

impl Department {
    /// Market regulation, which issues food licences.
    pub(crate) fn of(city: &City) -> Self {
        let file = city.file("state/departments/market-regulation.db");
        let kept = city.file("state/kept.db");
        fs::copy(&file, &kept).unwrap();
        Self { file, kept }
    }

    pub(super) fn file(&self) -> &PathBuf {
        &self.file
    }

    pub(super) fn begins(&self, trouble: &Trouble) {
        match trouble.how {
            How::View(view) => self.shows(view),
            How::Bytes(change) => {
                let next = self.next();
                fs::write(&next, change(fs::read(&self.kept).unwrap())).unwrap();
                fs::rename(next, &self.file).unwrap();
            }
            How::Gone => fs::remove_file(&self.file).unwrap(),
        }
    }

    /// From now on the table of food licences is this view of it.
    pub(crate) fn shows(&self, view: &str) {
        let next = self.next();
        fs::copy(&self.kept, &next).unwrap();
        let script = format!("ALTER TABLE SPJY_XKZ RENAME TO kept; CREATE VIEW SPJY_XKZ AS {view};");
        Connection::open(&next).unwrap().execute_batch(&script).unwrap();
        fs::rename(next, &self.file).unwrap();
    }

    /// All is well again.
    pub(super) fn is_mended(&self) {
        let next = self.next();
        fs::copy(&self.kept, &next).unwrap();
        fs::rename(next, &self.file).unwrap();
    }

    fn next(&self) -> PathBuf {
        self.file.with_extension("next")
    }
}
