//! A ZIP archive of a few texts, stored as they are (PKWARE APPNOTE 6.3, sections 4.3.7 to 4.3.16). The same texts give the same bytes.

use flate2::Crc;

/// Version 2.0 of the format.
const VERSION: u16 = 20;
/// Written on Unix, by that version.
const MADE_BY: u16 = 3 << 8 | VERSION;
/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;
const STORED: u16 = 0;
/// 1980-01-01 00:00, from which the format counts.
const TIME: u16 = 0;
const DATE: u16 = 1 << 5 | 1;
/// A file that its owner may write and everyone may read.
const MODE: u32 = 0o100_644 << 16;

/// The archive of these files: name and text.
pub(super) fn of<'a>(files: impl IntoIterator<Item = &'a (&'a str, &'a str)>) -> Vec<u8> {
    let (mut archive, mut directory, mut count) = (Vec::new(), Vec::new(), 0_u16);
    for (name, text) in files {
        let offset = size(archive.len());
        let described = described(name, text);
        archive.extend(0x0403_4b50_u32.to_le_bytes());
        archive.extend(&described);
        archive.extend(name.as_bytes());
        archive.extend(text.as_bytes());
        directory.extend(0x0201_4b50_u32.to_le_bytes());
        directory.extend(MADE_BY.to_le_bytes());
        directory.extend(&described);
        // No comment; on the first disk; no internal attributes.
        directory.extend([0; 6]);
        directory.extend(MODE.to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
        count += 1;
    }
    let offset = size(archive.len());
    archive.extend(&directory);
    archive.extend(0x0605_4b50_u32.to_le_bytes());
    // This disk, and the one where the directory begins, are the first.
    archive.extend([0; 4]);
    archive.extend(count.to_le_bytes());
    archive.extend(count.to_le_bytes());
    archive.extend(size(directory.len()).to_le_bytes());
    archive.extend(offset.to_le_bytes());
    // No comment.
    archive.extend([0; 2]);
    archive
}

/// What the header of a file and its place in the directory have in common.
fn described(name: &str, text: &str) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(text.as_bytes());
    let mut described = Vec::new();
    for number in [VERSION, FLAGS, STORED, TIME, DATE] {
        described.extend(number.to_le_bytes());
    }
    // The size as stored is the size itself.
    for number in [crc.sum(), size(text.len()), size(text.len())] {
        described.extend(number.to_le_bytes());
    }
    let name = u16::try_from(name.len()).expect("names of files in the contract are short");
    // Nothing extra.
    for number in [name, 0] {
        described.extend(number.to_le_bytes());
    }
    described
}

fn size(of: usize) -> u32 {
    u32::try_from(of).expect("the contract is far smaller than 4 GiB")
}
