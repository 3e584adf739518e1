//! Ideographs that were standardised without a place in Unicode.
//!
//! GBK and the first edition of GB 18030 put 80 ideographs and radicals (0xFE50 to 0xFEA0) into Unicode's private use
//! area, U+E815 to U+E864, because Unicode did not have them yet. It has them since, and GB 18030-2022 uses those places;
//! but old databases and fonts still write the private ones, also in names: 䶮 is one. Nothing else in the private use area
//! has a meaning that is the same everywhere.

/// The character that was meant: its place in Unicode where `c` is one of the 80, otherwise `c`.
pub(super) fn assigned(c: char) -> char {
    match u32::from(c).checked_sub(FIRST) {
        Some(i) => ASSIGNED.get(i as usize).copied().unwrap_or(c),
        None => c,
    }
}

const FIRST: u32 = 0xE815;

/// In the order of the code points from [`FIRST`], which is that of 0xFE50 to 0xFEA0 (0xFE7F is no character).
#[rustfmt::skip]
const ASSIGNED: [char; 80] = [
    '\u{2E81}', '\u{20087}', '\u{20089}', '\u{200CC}', '\u{2E84}', '\u{3473}', '\u{3447}', '\u{2E88}', '\u{2E8B}', '\u{9FB4}',
    '\u{359E}', '\u{361A}', '\u{360E}', '\u{2E8C}', '\u{2E97}', '\u{396E}', '\u{3918}', '\u{9FB5}', '\u{39CF}', '\u{39DF}',
    '\u{3A73}', '\u{39D0}', '\u{9FB6}', '\u{9FB7}', '\u{3B4E}', '\u{3C6E}', '\u{3CE0}', '\u{2EA7}', '\u{215D7}', '\u{9FB8}',
    '\u{2EAA}', '\u{4056}', '\u{415F}', '\u{2EAE}', '\u{4337}', '\u{2EB3}', '\u{2EB6}', '\u{2EB7}', '\u{2298F}', '\u{43B1}',
    '\u{43AC}', '\u{2EBB}', '\u{43DD}', '\u{44D6}', '\u{4661}', '\u{464C}', '\u{9FB9}', '\u{4723}', '\u{4729}', '\u{477C}',
    '\u{478D}', '\u{2ECA}', '\u{4947}', '\u{497A}', '\u{497D}', '\u{4982}', '\u{4983}', '\u{4985}', '\u{4986}', '\u{499F}',
    '\u{499B}', '\u{49B7}', '\u{49B6}', '\u{9FBA}', '\u{241FE}', '\u{4CA3}', '\u{4C9F}', '\u{4CA0}', '\u{4CA1}', '\u{4C77}',
    '\u{4CA2}', '\u{4D13}', '\u{4D14}', '\u{4D15}', '\u{4D16}', '\u{4D17}', '\u{4D18}', '\u{4D19}', '\u{4DAE}', '\u{9FBB}',
];
