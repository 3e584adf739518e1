//! Which differences between two texts are differences of form alone.

use heyan_adapters::Fold;
use unicode_normalization::UnicodeNormalization;

use super::rare;

/// Brings a text to the form in which it is compared. Folding what was folded changes nothing.
///
/// - All rules but [`Fold::Exact`]: width and compatibility forms (Unicode NFKC, which also unifies compatibility
///   ideographs and radicals), ideographs that older software writes in the private use area, invisible characters,
///   middle dots (`•` `‧` `・` as `·`), brackets (`（` `【` `〔` `［` as `(`), and spaces, except one between two words in
///   letters that are written apart.
/// - [`Fold::Name`] also: `.` as a middle dot, and capitals of Latin letters, since passports print names in capitals.
pub fn fold(text: &str, rule: Fold) -> String {
    if rule == Fold::Exact {
        return text.to_owned();
    }
    let mut folded = pass(text, rule);
    // Where a space goes, a letter may meet a mark that composes with it, so one pass need not be the last. Passes after
    // the first only shorten the text, so there is a last one.
    loop {
        let again = pass(&folded, rule);
        if again == folded {
            return folded;
        }
        folded = again;
    }
}

/// Brings a number that an authority gave (of a certificate, of a holder) to the form in which it is compared: as an
/// organisation's name, in capitals, without spaces.
pub(super) fn fold_number(text: &str) -> String {
    let mut folded = fold(text, Fold::Organisation).to_ascii_uppercase();
    folded.retain(|c| c != ' ');
    folded
}

fn pass(text: &str, rule: Fold) -> String {
    let narrow = text.chars().filter(|&c| !is_invisible(c)).map(rare::assigned).nfkc().map(|c| common(c, rule));
    let mut folded = String::with_capacity(text.len());
    let mut spaced = false;
    for c in narrow {
        if c.is_whitespace() {
            spaced = true;
            continue;
        }
        if spaced && folded.chars().next_back().is_some_and(is_letter) && is_letter(c) {
            folded.push(' ');
        }
        spaced = false;
        folded.push(c);
    }
    folded
}

/// The one character that stands for all that look like it and mean the same.
fn common(c: char, rule: Fold) -> char {
    match c {
        '\u{2022}' | '\u{2027}' | '\u{2219}' | '\u{22C5}' | '\u{2E31}' | '\u{30FB}' | '\u{A78F}' => '·',
        '.' if rule == Fold::Name => '·',
        '【' | '〔' | '〖' | '[' => '(',
        '】' | '〕' | '〗' | ']' => ')',
        other if rule == Fold::Name => other.to_ascii_uppercase(),
        other => other,
    }
}

/// Whether words of such characters are written with spaces between them; ideographs (from U+2E80 on) are not.
fn is_letter(c: char) -> bool {
    c < '\u{2E80}' && c.is_alphanumeric()
}

/// Characters that nobody sees: soft hyphen, joiners, direction marks, variation selectors.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{61C}' | '\u{180B}'..='\u{180D}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2069}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{E0100}'..='\u{E01EF}')
}
