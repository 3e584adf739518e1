//! The files of one folder of the city folder, read within limits.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use heyan_proto::document::{BYTES_MAX, Problem, Problems};
use heyan_proto::vocabulary::DepartmentId;
use jiff::civil::Date;

use crate::config::reading;

use super::known::Known;

/// One folder of the city folder: how its files are read, and what the others must know of them.
pub(super) trait Folder {
    /// Its name in the city folder.
    const NAME: &'static str;

    /// What one file of it says.
    type Content;

    /// Reads a file and checks it against the others that were read. `earlier` is what it said before.
    fn read(
        file: &str,
        text: &str,
        earlier: Option<&Self::Content>,
        known: &Known<'_>,
    ) -> Result<Self::Content, Problems>;

    /// What a file said earlier, to be used while it is broken, without what other files have taken since.
    fn keep(earlier: &Self::Content, known: &Known<'_>) -> Self::Content;

    /// Lets the files that are read later know what this one says.
    fn add(file: &str, content: &Self::Content, known: &mut Known<'_>);

    /// Lets the files that are read later know that this one is broken and no earlier one was good.
    fn lose(_file: &str, _known: &mut Known<'_>) {}

    /// What deserves a look although the file is right.
    fn warnings(_file: &str, _text: &str, _content: &Self::Content, _today: Date) -> Problems {
        Problems::default()
    }

    /// The department that the file is about, where its name tells.
    fn department(_file: &str) -> Option<DepartmentId> {
        None
    }
}

/// The largest number of files in one folder.
pub(super) const FILES_MAX: usize = 2_000;

/// The files of a folder by their names relative to the city folder (`systems/housing.toml`): the text, or why it cannot
/// be read.
pub(super) type Files = BTreeMap<String, Result<String, Problems>>;

/// Reads every file of `folder` whose name ends in `.extension`. A folder that is not there has no files; hidden files and
/// those that editors leave behind are no files of the city. Symbolic links are followed.
///
/// # Errors
/// [`Problems`] where the folder itself cannot be listed or holds too many files.
pub(super) fn read(city: &Path, folder: &str, extension: &str) -> Result<Files, Problems> {
    let listing = match fs::read_dir(city.join(folder)) {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Files::new()),
        Err(error) => return Err(problem(folder, format!("folder cannot be listed: {}", reading(&error)), None)),
    };
    let mut files = Files::new();
    for entry in listing {
        let entry =
            entry.map_err(|error| problem(folder, format!("folder cannot be listed: {}", reading(&error)), None))?;
        let Ok(name) = entry.file_name().into_string() else {
            let help = Some("rename the file with letters, digits and `-`".into());
            return Err(problem(folder, "folder has a file whose name is not UTF-8".into(), help));
        };
        let is_ours =
            name.strip_suffix(extension).and_then(|stem| stem.strip_suffix('.')).is_some_and(|stem| !stem.is_empty());
        // `.name.toml` is hidden, `#name.toml#` and `name.toml~` do not end in the extension, `~$name.toml` is a lock.
        if !is_ours || name.starts_with(['.', '~', '#']) {
            continue;
        }
        if files.len() == FILES_MAX {
            let help = Some("put several tables into one file, or remove files that are not used".into());
            return Err(problem(folder, format!("folder has more than {FILES_MAX} files"), help));
        }
        let path = format!("{folder}/{name}");
        let text = read_text(&entry.path(), &path);
        files.insert(path, text);
    }
    Ok(files)
}

fn read_text(path: &Path, name: &str) -> Result<String, Problems> {
    let unreadable = |error: std::io::Error| problem(name, format!("cannot be read: {}", reading(&error)), None);
    // A named pipe would be waited for without end; opening it is enough to hang.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        let help = Some("put a regular file, or a link to one, in its place".into());
        return Err(problem(name, "is not a file".into(), help));
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > BYTES_MAX {
        return Err(problem(name, format!("has more than {BYTES_MAX} bytes"), Some("split the file".into())));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let before = &error.as_bytes()[..at];
        let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
        let start = before.iter().rposition(|&b| b == b'\n').map_or(0, |end| end + 1);
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        let help = Some("save the file as UTF-8 (files in GBK or GB 18030 must be converted)".into());
        Problems::one(Problem { file: name.into(), line, column, message: "is not UTF-8 text".into(), help })
    })
}

fn problem(file: &str, message: String, help: Option<String>) -> Problems {
    Problems::one(Problem { file: file.into(), line: 1, column: 1, message, help })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_our_files_and_says_why_the_others_cannot_be_read() {
        let city = tempfile::tempdir().unwrap();
        let folder = city.path().join("items");
        fs::create_dir(&folder).unwrap();
        for skipped in [".a.toml", "a.toml~", "#a.toml#", "~$a.toml", "a.toml.bak", "a.md", ".toml", "atoml"] {
            fs::write(folder.join(skipped), "x").unwrap();
        }
        fs::write(folder.join("good.toml"), "schema = 1\n").unwrap();
        fs::write(folder.join("gbk.toml"), b"a = 1\nb = \"\xd6\xd0\"\n").unwrap();
        fs::write(folder.join("large.toml"), vec![b'#'; BYTES_MAX + 1]).unwrap();
        fs::create_dir(folder.join("folder.toml")).unwrap();
        std::os::unix::fs::symlink("good.toml", folder.join("link.toml")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.join("dangling.toml")).unwrap();

        let files = read(city.path(), "items", "toml").unwrap();
        let said: Vec<_> = files
            .iter()
            .map(|(name, text)| match text {
                Ok(text) => format!("{name} {text}"),
                Err(problems) => problems.to_string(),
            })
            .collect();
        let expected = [
            "items/dangling.toml:1:1: cannot be read: no such file",
            "items/folder.toml:1:1: is not a file",
            "items/gbk.toml:2:6: is not UTF-8 text",
            "items/good.toml schema = 1",
            "items/large.toml:1:1: has more than 4194304 bytes",
            "items/link.toml schema = 1",
        ];
        assert_eq!(said.len(), expected.len(), "{said:?}");
        for (said, expected) in said.iter().zip(expected) {
            assert!(said.starts_with(expected), "expected {expected}, found {said}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_empty_and_one_that_is_too_full_is_refused() {
        let city = tempfile::tempdir().unwrap();
        assert!(read(city.path(), "grants", "toml").unwrap().is_empty());
        fs::create_dir(city.path().join("grants")).unwrap();
        for n in 0..=FILES_MAX {
            fs::write(city.path().join(format!("grants/g{n}.toml")), "").unwrap();
        }
        let said = read(city.path(), "grants", "toml").unwrap_err().to_string();
        assert!(said.starts_with("grants:1:1: folder has more than 2000 files"), "{said}");
    }
}
