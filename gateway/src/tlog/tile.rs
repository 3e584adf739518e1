//! Tiles (C2SP tlog-tiles): a log as files that never change.

/// Hashes of a full tile, entries of a full bundle.
pub const WIDTH: u64 = 256;

/// The path of a tile: `width` hashes of `level`, from the one at `index` times 256 on.
///
/// # Panics
/// Where `width` is not 1 to 256.
pub fn tile_path(level: u8, index: u64, width: u64) -> String {
    format!("tile/{level}/{}", numbered(index, width))
}

/// The path of a bundle of entries.
///
/// # Panics
/// As [`tile_path`].
pub fn entries_path(index: u64, width: u64) -> String {
    format!("tile/entries/{}", numbered(index, width))
}

/// Adds an entry to a bundle: its length in two bytes, the larger one first, then its bytes.
///
/// # Panics
/// Where the entry has 64 KiB or more.
pub fn add_entry(bundle: &mut Vec<u8>, entry: &[u8]) {
    let length = u16::try_from(entry.len()).expect("an entry is smaller than 64 KiB");
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
}

/// Three digits to a folder, `x` before all but the last: 1234067 is `x001/x234/067`.
fn numbered(index: u64, width: u64) -> String {
    assert!((1..=WIDTH).contains(&width), "a tile has 1 to 256 hashes");
    let mut path = format!("{:03}", index % 1_000);
    let mut rest = index / 1_000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1_000);
        rest /= 1_000;
    }
    if width < WIDTH {
        path.push_str(&format!(".p/{width}"));
    }
    path
}
