use std::io::{self, BufRead, BufReader, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding};

use super::{Fault, ROW_BYTES_MAX};

/// How much of a file is read at once, in bytes.
const CHUNK_BYTES: usize = 64 << 10;

pub(super) const UNREADABLE: Fault = Fault::Hindered("the file cannot be read");

/// A file of lines.
pub(super) struct Text<R> {
    reader: BufReader<R>,
    /// The line that is read, counted from 1.
    pub(super) line: u64,
    encoding: &'static str,
}

/// Gives a file as UTF-8. What is not of its encoding is an error and never a replacement character.
pub(super) struct Decoded<R> {
    inner: R,
    decoder: Decoder,
    raw: Box<[u8]>,
    /// What of `raw` was read and is not decoded yet.
    held: std::ops::Range<usize>,
    at_end: bool,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Decoding,
    Ended,
    Malformed,
}

impl<R: Read> Text<Decoded<R>> {
    pub(super) fn decoded(inner: R, encoding: &'static Encoding) -> Self {
        let decoded = Decoded {
            inner,
            decoder: encoding.new_decoder_with_bom_removal(),
            raw: vec![0; CHUNK_BYTES].into(),
            held: 0..0,
            at_end: false,
            state: State::Decoding,
        };
        Self::new(decoded, encoding.name())
    }
}

impl<R: Read> Text<R> {
    /// The bytes as they stand in the file.
    pub(super) fn raw(inner: R) -> Self {
        Self::new(inner, "")
    }

    fn new(inner: R, encoding: &'static str) -> Self {
        Self { reader: BufReader::with_capacity(CHUNK_BYTES, inner), line: 1, encoding }
    }

    /// What comes next, empty at the end. Counting lines is for whoever consumes it.
    pub(super) fn fill(&mut self) -> Result<&[u8], Fault> {
        let (line, encoding) = (self.line, self.encoding);
        self.reader.fill_buf().map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => Fault::in_line(line, &format!("is not {encoding}")),
            _ => UNREADABLE,
        })
    }

    pub(super) fn consume(&mut self, bytes: usize) {
        self.reader.consume(bytes);
    }

    /// The next line into `line`, without its end; its number, or `None` at the end.
    pub(super) fn read_line(&mut self, line: &mut Vec<u8>) -> Result<Option<u64>, Fault> {
        line.clear();
        let number = self.line;
        loop {
            let buffer = self.fill()?;
            if buffer.is_empty() {
                return Ok((!line.is_empty()).then_some(number));
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let part = &buffer[..end.unwrap_or(buffer.len())];
            if line.len() + part.len() > ROW_BYTES_MAX {
                return Err(Fault::in_line(number, "is longer than 512 KiB"));
            }
            line.extend_from_slice(part);
            let used = part.len() + usize::from(end.is_some());
            self.consume(used);
            if end.is_some() {
                self.line += 1;
                line.pop_if(|byte| *byte == b'\r');
                return Ok(Some(number));
            }
        }
    }
}

impl<R: Read> Read for Decoded<R> {
    /// `out` must have room for a character, as the buffer around this has.
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.state {
                State::Decoding => {}
                State::Ended => return Ok(0),
                State::Malformed => return Err(io::ErrorKind::InvalidData.into()),
            }
            let held = &self.raw[self.held.clone()];
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(held, out, self.at_end);
            self.held.start += read;
            match result {
                // What came before is given first, so that whoever counts lines has counted up to here.
                DecoderResult::Malformed(..) => self.state = State::Malformed,
                DecoderResult::OutputFull => return Ok(written),
                DecoderResult::InputEmpty if self.at_end => self.state = State::Ended,
                DecoderResult::InputEmpty => {
                    let count = self.inner.read(&mut self.raw)?;
                    self.held = 0..count;
                    self.at_end = count == 0;
                }
            }
            if written > 0 {
                return Ok(written);
            }
        }
    }
}
