//! Inputs made from other inputs: what people mistype and what attackers send.

use std::collections::BTreeSet;

use super::chance::Chance;

/// Characters that parsers have been wrong about: white space of all kinds, controls, marks that turn text around, full-width
/// and combining forms, the ends of the ranges of Unicode, and what has a meaning in the languages read here.
const SPECIAL: &[&str] = &[
    "\0",
    "\u{1}",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\u{7F}",
    "\u{85}",
    "\u{A0}",
    "\u{3000}",
    "\u{2028}",
    "\u{2029}",
    "\u{FEFF}",
    "\u{202E}",
    "\u{2066}",
    "\u{200B}",
    "\u{200D}",
    "\u{AD}",
    "\u{301}",
    "\u{FE0F}",
    "\u{E0020}",
    "\u{10FFFF}",
    "\u{E000}",
    "０",
    "９",
    "Ａ",
    "ｘ",
    "．",
    "·",
    "•",
    "（",
    "）",
    "ß",
    "İ",
    "ı",
    "ﷺ",
    "Å",
    "㎏",
    "٣",
    "𝟗",
    "长期",
    "年",
    "月",
    "日",
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "\\",
    "\\u0000",
    "\\uD800",
    "\\U0010FFFF",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "(",
    ")",
    "=",
    "==",
    "#",
    "//",
    "/*",
    "*/",
    ";",
    "--",
    ",",
    ".",
    ":",
    "@",
    "%",
    "%Y%m%d",
    "%s",
    "%c",
    "%-m",
    "%9999Y",
    "$1",
    "?1",
    ":x",
    "0",
    "-0",
    "+1",
    "-1",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "0x7fffffffffffffff",
    "1e999",
    "nan",
    "inf",
    "0.1",
    "true",
    "false",
    "null",
    "NULL",
    "1979-05-27",
    "0000-01-01",
    "9999-12-31",
    "-009999-01-01",
    "2026-02-30",
    "00:00:60",
    "1979-05-27T07:32:00Z",
    "99999999H",
    "00000000",
    "18446744073709551615",
    "\"a\\nb\" = 1",
    "\"\\u202Ea\"",
    "\"\"",
    "'a b'",
    "' OR '1'='1",
    "SELECT",
    "UNION",
    "forbid",
    "permit",
    "principal",
    "context",
    "when",
    "unless",
    "in",
    "like",
    "is",
    "has",
];

/// The same as bytes: ends of ranges, and the tags of protobuf and DER.
const BYTES: &[u8] = &[0x00, 0x01, 0x06, 0x0A, 0x12, 0x30, 0x55, 0x7F, 0x80, 0x81, 0x82, 0x84, 0x86, 0xA3, 0xC0, 0xFF];

/// How deeply parsers are nested in one go.
const DEEP: &[usize] = &[2, 8, 64, 200, 1_000, 20_000];

/// Makes inputs out of a pool of them.
#[derive(Debug)]
pub(crate) struct Mutator {
    /// Words of the seeds: keys, values, names.
    words: Vec<String>,
    bytes_max: usize,
}

impl Mutator {
    pub(crate) fn new(seeds: &[Vec<u8>], bytes_max: usize) -> Self {
        let mut words = BTreeSet::new();
        for seed in seeds.iter().map(|seed| String::from_utf8_lossy(seed)) {
            let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
            words.extend(seed.split(|c| !word(c)).filter(|word| !word.is_empty()).take(2_000).map(str::to_owned));
            words.extend(seed.split('"').skip(1).step_by(2).filter(|said| said.len() < 200).map(str::to_owned));
        }
        Self { words: words.into_iter().collect(), bytes_max }
    }

    /// A text like this one, or like a crossing of both.
    pub(crate) fn text(&self, chance: &mut Chance, from: &str, other: &str) -> String {
        let mut text: Vec<char> = from.chars().collect();
        for _ in 0..=chance.below(4) {
            self.change(chance, &mut text, other);
        }
        let mut changed: String = text.into_iter().collect();
        while changed.len() > self.bytes_max {
            let half = changed.floor_char_boundary(changed.len() / 2);
            changed.truncate(half);
        }
        changed
    }

    fn change(&self, chance: &mut Chance, text: &mut Vec<char>, other: &str) {
        let len = text.len();
        match chance.below(12) {
            0 => drop(text.drain(chance.range(len, 12))),
            1 => drop(text.drain(line(chance, text))),
            2 => {
                let again = text[line(chance, text)].to_vec();
                insert(chance, text, &again);
            }
            3 | 4 => {
                let special = chars(chance.pick::<&str>(SPECIAL));
                insert(chance, text, &special);
            }
            5 => {
                let word = chars(self.word(chance));
                insert(chance, text, &word);
            }
            6 | 7 => {
                let at = word_at(chance, text);
                let new = if chance.once_in(3) { *chance.pick(SPECIAL) } else { self.word(chance) };
                text.splice(at, chars(new));
            }
            8 if len > 0 => {
                let at = chance.below(len);
                let up = chance.once_in(2);
                let code = u32::from(text[at]);
                let near = if up { code.saturating_add(1) } else { code.saturating_sub(1) };
                text[at] = char::from_u32(near).unwrap_or('\u{FFFD}');
            }
            9 => {
                let again = text[chance.range(len, 6)].to_vec();
                let times = *chance.pick(DEEP);
                let many: Vec<char> = again.iter().copied().cycle().take(again.len() * times).take(100_000).collect();
                insert(chance, text, &many);
            }
            10 => {
                let other: Vec<char> = other.chars().collect();
                let (head, tail) = (chance.below(len + 1), chance.below(other.len() + 1));
                text.truncate(head);
                text.extend_from_slice(&other[tail..]);
            }
            _ => {
                let other: Vec<char> = other.chars().collect();
                let taken = other[line(chance, &other)].to_vec();
                insert(chance, text, &taken);
            }
        }
    }

    fn word(&self, chance: &mut Chance) -> &str {
        if self.words.is_empty() { "a" } else { chance.pick(&self.words).as_str() }
    }

    /// Bytes like these, or like a crossing of both. Most changes keep the length: formats with lengths inside break at once
    /// when it changes.
    pub(crate) fn bytes(&self, chance: &mut Chance, from: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = from.to_vec();
        for _ in 0..=chance.below(4) {
            let len = bytes.len();
            match chance.below(10) {
                0..=2 if len > 0 => bytes[chance.below(len)] ^= 1 << chance.below(8),
                3 | 4 if len > 0 => bytes[chance.below(len)] = *chance.pick(BYTES),
                5 if len > 0 => bytes[chance.below(len)] = chance.byte(),
                6 => drop(bytes.drain(chance.range(len, 16))),
                7 => {
                    let again = bytes[chance.range(len, 64)].to_vec();
                    let at = chance.below(bytes.len() + 1);
                    let times = if chance.once_in(4) { *chance.pick(DEEP) } else { 1 };
                    let many: Vec<u8> = again.iter().copied().cycle().take(again.len() * times).take(100_000).collect();
                    drop(bytes.splice(at..at, many));
                }
                8 => {
                    let (head, tail) = (chance.below(len + 1), chance.below(other.len() + 1));
                    bytes.truncate(head);
                    bytes.extend_from_slice(&other[tail..]);
                }
                _ => {
                    let at = chance.below(len + 1);
                    let word = if chance.once_in(2) { *chance.pick(SPECIAL) } else { self.word(chance) };
                    drop(bytes.splice(at..at, word.bytes()));
                }
            }
        }
        bytes.truncate(self.bytes_max);
        bytes
    }
}

fn chars(text: &str) -> Vec<char> {
    text.chars().collect()
}

fn insert(chance: &mut Chance, text: &mut Vec<char>, new: &[char]) {
    let at = chance.below(text.len() + 1);
    text.splice(at..at, new.iter().copied());
}

/// A line, with its end.
fn line(chance: &mut Chance, text: &[char]) -> std::ops::Range<usize> {
    let at = chance.below(text.len() + 1);
    let start = text[..at].iter().rposition(|&c| c == '\n').map_or(0, |end| end + 1);
    let end = text[at..].iter().position(|&c| c == '\n').map_or(text.len(), |end| at + end + 1);
    start..end
}

/// A word, or nothing between two.
fn word_at(chance: &mut Chance, text: &[char]) -> std::ops::Range<usize> {
    let at = chance.below(text.len() + 1);
    let word = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let start = at - text[..at].iter().rev().take_while(|c| word(c)).count();
    let end = at + text[at..].iter().take_while(|c| word(c)).count();
    start..end
}
