use std::borrow::Cow;

use encoding_rs::{GB18030, GBK, UTF_8};
use heyan_proto::document::Table;

/// How a department writes text. Declared, and never guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Encoding {
    /// UTF-8.
    #[default]
    Utf8,
    /// GB 18030, and what it contains: GBK and GB 2312.
    Gb18030,
    /// GBK alone: what only GB 18030 has is not in it.
    Gbk,
}

impl Encoding {
    /// Reads `encoding`; UTF-8 where there is none.
    pub(crate) fn read(table: &mut Table<'_>) -> Option<Self> {
        let words = [("utf-8", Self::Utf8), ("gb18030", Self::Gb18030), ("gbk", Self::Gbk)];
        Some(table.optional_one_of("encoding", &words)?.map_or(Self::Utf8, |word| *word))
    }

    /// The name that messages give it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Gb18030 => "gb18030",
            Self::Gbk => "gbk",
        }
    }

    /// The text, without a byte order mark; `None` where the bytes are not wholly in this encoding.
    pub(crate) fn decode(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            Self::Utf8 => UTF_8.decode_without_bom_handling_and_without_replacement(
                bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes),
            ),
            Self::Gb18030 => GB18030.decode_without_bom_handling_and_without_replacement(bytes),
            // The decoder of GBK is that of GB 18030; its encoder is its own.
            Self::Gbk => {
                GBK.decode_without_bom_handling_and_without_replacement(bytes).filter(|text| !GBK.encode(text).2)
            }
        }
    }

    /// The bytes; `None` where the encoding has no form for a character.
    pub(crate) fn encode(self, text: &str) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Utf8 => Some(text.as_bytes().into()),
            Self::Gb18030 => encode_all(GB18030, text),
            Self::Gbk => encode_all(GBK, text),
        }
    }

    /// Whether a reply whose content type has this `charset` is written so.
    pub(crate) fn is_named(self, charset: &str) -> bool {
        let named = encoding_rs::Encoding::for_label(charset.as_bytes());
        match self {
            Self::Utf8 => named == Some(UTF_8),
            Self::Gb18030 => named == Some(GB18030) || named == Some(GBK),
            Self::Gbk => named == Some(GBK),
        }
    }
}

fn encode_all<'t>(encoding: &'static encoding_rs::Encoding, text: &'t str) -> Option<Cow<'t, [u8]>> {
    let (bytes, _, unmappable) = encoding.encode(text);
    (!unmappable).then_some(bytes)
}
