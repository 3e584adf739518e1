//! The frames, section by section, and what the RFC says about each. Where the gateway is stricter or names another code, the
//! row says so.

use super::super::raw::{
    ACK, CALL, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING, PRIORITY, PUSH_PROMISE,
    RST_STREAM, SETTINGS, WINDOW_UPDATE, WITH_PRIORITY, block, call, frame,
};

const PROTOCOL_ERROR: u32 = 1;
const FLOW_CONTROL_ERROR: u32 = 3;
const STREAM_CLOSED: u32 = 5;
const FRAME_SIZE_ERROR: u32 = 6;

/// What becomes of a row's frames.
#[derive(Debug)]
pub(super) enum Expected {
    /// A connection error: GOAWAY with this code, and the end.
    Connection(u32),
    /// A stream error: `RST_STREAM` with this code; the connection goes on.
    Stream(u32),
    /// The request is answered, with an error of gRPC or HTTP; the connection goes on.
    Answered,
    /// Nothing is said; the connection goes on.
    Ignored,
}

use Expected::{Answered, Connection, Ignored, Stream};

/// One row.
pub(super) struct Case {
    pub(super) section: &'static str,
    pub(super) what: &'static str,
    pub(super) bytes: Vec<u8>,
    pub(super) expected: Expected,
}

pub(super) fn table() -> Vec<Case> {
    let chapters = [framing(), streams(), data(), headers(), resets(), settings(), pings(), windows(), messages()];
    let rows = chapters.into_iter().flatten();
    rows.map(|(section, what, frames, expected)| Case { section, what, bytes: frames.concat(), expected }).collect()
}

type Row = (&'static str, &'static str, Vec<Vec<u8>>, Expected);

fn framing() -> Vec<Row> {
    let continued = |stream, end| frame(CONTINUATION, end, stream, &block(&CALL[3..]));
    let begun = || frame(HEADERS, 0, 1, &block(&CALL[..3]));
    vec![
        ("4.1", "a frame of an unknown type", vec![frame(0xBE, 0xFF, 0, b"?"), frame(0xBE, 0, 7, b"?")], Ignored),
        ("4.1", "flags that mean nothing", vec![frame(PING, 0xF0, 0, &[0; 8])], Ignored),
        // h2 says FRAME_SIZE_ERROR for what is larger than SETTINGS_MAX_FRAME_SIZE.
        ("4.2", "a frame larger than the setting", vec![frame(DATA, 0, 1, &[0; 16_385])], Connection(FRAME_SIZE_ERROR)),
        ("4.3", "a header block that is no HPACK", vec![frame(HEADERS, 5, 1, &[0xFF; 40])], Connection(PROTOCOL_ERROR)),
        ("4.3", "an index of HPACK that is nothing", vec![frame(HEADERS, 5, 1, &[0xFE])], Connection(PROTOCOL_ERROR)),
        ("6.10", "CONTINUATION without HEADERS", vec![continued(1, END_HEADERS)], Connection(PROTOCOL_ERROR)),
        ("6.10", "CONTINUATION on stream 0", vec![begun(), continued(0, END_HEADERS)], Connection(PROTOCOL_ERROR)),
        (
            "6.10",
            "CONTINUATION of another stream",
            vec![begun(), continued(3, END_HEADERS)],
            Connection(PROTOCOL_ERROR),
        ),
        ("6.10", "CONTINUATION after the end", vec![call(1), continued(1, END_HEADERS)], Connection(PROTOCOL_ERROR)),
        ("6.10", "PING inside a header block", vec![begun(), frame(PING, 0, 0, &[0; 8])], Connection(PROTOCOL_ERROR)),
        ("6.10", "DATA inside a header block", vec![begun(), frame(DATA, 1, 1, &[])], Connection(PROTOCOL_ERROR)),
        // 5.5 would let frames of unknown types pass, but not inside a header block.
        (
            "5.5",
            "an unknown frame inside a header block",
            vec![begun(), frame(0xBE, 0, 1, b"?")],
            Connection(PROTOCOL_ERROR),
        ),
    ]
}

fn streams() -> Vec<Row> {
    vec![
        ("5.1", "DATA on an idle stream", vec![frame(DATA, END_STREAM, 1, b"x")], Connection(PROTOCOL_ERROR)),
        (
            "5.1",
            "RST_STREAM on an idle stream",
            vec![frame(RST_STREAM, 0, 1, &[0, 0, 0, 8])],
            Connection(PROTOCOL_ERROR),
        ),
        (
            "5.1",
            "WINDOW_UPDATE on an idle stream",
            vec![frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 9])],
            Connection(PROTOCOL_ERROR),
        ),
        ("5.1", "PRIORITY on an idle stream", vec![frame(PRIORITY, 0, 9, &[0, 0, 0, 0, 1])], Ignored),
        ("5.1.1", "HEADERS on an even stream", vec![call(2)], Connection(PROTOCOL_ERROR)),
        ("5.1.1", "a stream lower than the last", vec![call(5), call(3)], Connection(PROTOCOL_ERROR)),
    ]
}

fn data() -> Vec<Row> {
    vec![
        ("6.1", "DATA on stream 0", vec![frame(DATA, 0, 0, b"x")], Connection(PROTOCOL_ERROR)),
        (
            "6.1",
            "padding longer than the frame",
            vec![call(1), frame(DATA, PADDED, 1, &[9, 0])],
            Connection(PROTOCOL_ERROR),
        ),
        // A stream error STREAM_CLOSED by 5.1, which may be treated as a connection error; h2 does so.
        ("6.1", "DATA after END_STREAM", vec![ended(1), frame(DATA, END_STREAM, 1, b"x")], Connection(PROTOCOL_ERROR)),
        (
            "6.1",
            "DATA after our RST_STREAM",
            vec![call(1), reset(1), frame(DATA, END_STREAM, 1, b"x")],
            Stream(STREAM_CLOSED),
        ),
    ]
}

fn headers() -> Vec<Row> {
    let depends_on_itself = [&[0, 0, 0, 1, 16][..], &block(&CALL)].concat();
    vec![
        ("6.2", "HEADERS on stream 0", vec![call(0)], Connection(PROTOCOL_ERROR)),
        (
            "6.2",
            "padding longer than the frame",
            vec![frame(HEADERS, END_HEADERS | PADDED, 1, &[200, 0])],
            Connection(PROTOCOL_ERROR),
        ),
        // As DATA in 6.1.
        (
            "6.2",
            "HEADERS after END_STREAM",
            vec![ended(1), frame(HEADERS, 5, 1, &block(&[("x", "y")]))],
            Connection(PROTOCOL_ERROR),
        ),
        // RFC 9113 has given up priorities; RFC 7540, 5.3.1, made these stream errors.
        (
            "5.3.2",
            "a stream that depends on itself",
            vec![frame(HEADERS, END_HEADERS | WITH_PRIORITY, 1, &depends_on_itself)],
            Stream(PROTOCOL_ERROR),
        ),
        (
            "5.3.2",
            "PRIORITY that depends on itself",
            vec![call(1), frame(PRIORITY, 0, 1, &[0, 0, 0, 1, 16])],
            Stream(PROTOCOL_ERROR),
        ),
        ("6.3", "PRIORITY on stream 0", vec![frame(PRIORITY, 0, 0, &[0, 0, 0, 0, 1])], Connection(PROTOCOL_ERROR)),
        // A stream error FRAME_SIZE_ERROR by the RFC; h2 ends the connection.
        ("6.3", "PRIORITY of four bytes", vec![call(1), frame(PRIORITY, 0, 1, &[0; 4])], Connection(PROTOCOL_ERROR)),
        (
            "8.1",
            "trailers without END_STREAM",
            vec![call(1), frame(HEADERS, END_HEADERS, 1, &block(&[("x", "y")]))],
            Stream(PROTOCOL_ERROR),
        ),
    ]
}

fn resets() -> Vec<Row> {
    vec![
        ("6.4", "RST_STREAM on stream 0", vec![reset(0)], Connection(PROTOCOL_ERROR)),
        // FRAME_SIZE_ERROR by the RFC, as in 6.5, 6.7 and 6.9; h2 says PROTOCOL_ERROR, and ends the connection as it must.
        (
            "6.4",
            "RST_STREAM of three bytes",
            vec![call(1), frame(RST_STREAM, 0, 1, &[0; 3])],
            Connection(PROTOCOL_ERROR),
        ),
        (
            "6.4",
            "RST_STREAM of five bytes",
            vec![call(1), frame(RST_STREAM, 0, 1, &[0; 5])],
            Connection(PROTOCOL_ERROR),
        ),
        ("6.4", "RST_STREAM twice", vec![call(1), reset(1), reset(1)], Ignored),
        (
            "6.4",
            "RST_STREAM with a code that nobody knows",
            vec![call(1), frame(RST_STREAM, 0, 1, &[0xFF; 4])],
            Ignored,
        ),
        (
            "8.4",
            "PUSH_PROMISE of a client",
            vec![call(1), frame(PUSH_PROMISE, END_HEADERS, 1, &promise())],
            Connection(PROTOCOL_ERROR),
        ),
        ("6.8", "GOAWAY on a stream", vec![frame(GOAWAY, 0, 1, &[0; 8])], Connection(PROTOCOL_ERROR)),
        ("6.8", "GOAWAY of seven bytes", vec![frame(GOAWAY, 0, 0, &[0; 7])], Connection(PROTOCOL_ERROR)),
    ]
}

fn settings() -> Vec<Row> {
    let setting = |id: u16, value: u32| {
        let payload = [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
        vec![frame(SETTINGS, 0, 0, &payload)]
    };
    vec![
        ("6.5", "SETTINGS on a stream", vec![frame(SETTINGS, 0, 1, &[])], Connection(PROTOCOL_ERROR)),
        ("6.5", "SETTINGS ACK with a payload", vec![frame(SETTINGS, ACK, 0, &[0; 6])], Connection(PROTOCOL_ERROR)),
        ("6.5", "SETTINGS of five bytes", vec![frame(SETTINGS, 0, 0, &[0; 5])], Connection(PROTOCOL_ERROR)),
        // The RFC says nothing of it.
        ("6.5", "SETTINGS ACK of what was not sent", vec![frame(SETTINGS, ACK, 0, &[])], Connection(PROTOCOL_ERROR)),
        ("6.5.2", "ENABLE_PUSH of 2", setting(2, 2), Connection(PROTOCOL_ERROR)),
        // FLOW_CONTROL_ERROR by the RFC.
        ("6.5.2", "INITIAL_WINDOW_SIZE beyond 2^31-1", setting(4, 1 << 31), Connection(PROTOCOL_ERROR)),
        ("6.5.2", "MAX_FRAME_SIZE below 2^14", setting(5, 16_383), Connection(PROTOCOL_ERROR)),
        ("6.5.2", "MAX_FRAME_SIZE beyond 2^24-1", setting(5, 1 << 24), Connection(PROTOCOL_ERROR)),
        ("6.5.2", "a setting that nobody knows", setting(0xFEFE, 1), Ignored),
        ("6.5.2", "a table for headers of 4 GiB", setting(1, u32::MAX), Ignored),
    ]
}

fn pings() -> Vec<Row> {
    vec![
        ("6.7", "PING on a stream", vec![frame(PING, 0, 1, &[0; 8])], Connection(PROTOCOL_ERROR)),
        ("6.7", "PING of seven bytes", vec![frame(PING, 0, 0, &[0; 7])], Connection(PROTOCOL_ERROR)),
        ("6.7", "PING of nine bytes", vec![frame(PING, 0, 0, &[0; 9])], Connection(PROTOCOL_ERROR)),
        ("6.7", "an answer to a PING that nobody sent", vec![frame(PING, ACK, 0, b"whatever")], Ignored),
    ]
}

fn windows() -> Vec<Row> {
    let window = |stream, by: u32| frame(WINDOW_UPDATE, 0, stream, &by.to_be_bytes());
    vec![
        ("6.9", "WINDOW_UPDATE by 0 of the connection", vec![window(0, 0)], Connection(PROTOCOL_ERROR)),
        // A stream error by the RFC, which may be treated as a connection error; h2 does so.
        ("6.9", "WINDOW_UPDATE by 0 of a stream", vec![call(1), window(1, 0)], Connection(PROTOCOL_ERROR)),
        ("6.9", "WINDOW_UPDATE of three bytes", vec![frame(WINDOW_UPDATE, 0, 0, &[0; 3])], Connection(PROTOCOL_ERROR)),
        (
            "6.9.1",
            "a window of the connection beyond 2^31-1",
            vec![window(0, (1 << 31) - 1)],
            Connection(FLOW_CONTROL_ERROR),
        ),
        (
            "6.9.1",
            "a window of a stream beyond 2^31-1",
            vec![call(1), window(1, (1 << 31) - 1)],
            Stream(FLOW_CONTROL_ERROR),
        ),
    ]
}

fn messages() -> Vec<Row> {
    let request = |fields: &[(&str, &str)]| vec![frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(fields))];
    let with = |field| request(&[&CALL[..], &[field]].concat());
    let without = |name| request(&CALL.iter().copied().filter(|(field, _)| *field != name).collect::<Vec<_>>());
    let other = |name, value| {
        let fields = CALL.map(|(field, old)| if field == name { (field, value) } else { (field, old) });
        request(&fields)
    };
    let of_length = |length, body| {
        let fields = [&CALL[..], &[("content-length", length)]].concat();
        vec![frame(HEADERS, END_HEADERS, 1, &block(&fields)), frame(DATA, END_STREAM, 1, body)]
    };
    vec![
        ("8.2.1", "an uppercase name", with(("X-Upper", "y")), Connection(PROTOCOL_ERROR)),
        ("8.2.1", "a name with a space", with(("x y", "z")), Connection(PROTOCOL_ERROR)),
        ("8.2.1", "a line break in a value", with(("x", "y\r\nz: w")), Connection(PROTOCOL_ERROR)),
        ("8.2.2", "connection", with(("connection", "close")), Stream(PROTOCOL_ERROR)),
        ("8.2.2", "keep-alive", with(("keep-alive", "5")), Stream(PROTOCOL_ERROR)),
        ("8.2.2", "proxy-connection", with(("proxy-connection", "close")), Stream(PROTOCOL_ERROR)),
        ("8.2.2", "transfer-encoding", with(("transfer-encoding", "chunked")), Stream(PROTOCOL_ERROR)),
        ("8.2.2", "upgrade", with(("upgrade", "h2c")), Stream(PROTOCOL_ERROR)),
        ("8.2.2", "te other than trailers", with(("te", "gzip")), Stream(PROTOCOL_ERROR)),
        ("8.3", "a pseudo-header after a header", with((":authority", "x")), Stream(PROTOCOL_ERROR)),
        (
            "8.3",
            "a pseudo-header that is none",
            request(&[&[(":nothing", "x")], &CALL[..]].concat()),
            Connection(PROTOCOL_ERROR),
        ),
        ("8.3", ":status in a request", request(&[&[(":status", "200")], &CALL[..]].concat()), Stream(PROTOCOL_ERROR)),
        ("8.3.1", ":path twice", request(&[&[(":path", "/")], &CALL[..]].concat()), Stream(PROTOCOL_ERROR)),
        ("8.3.1", "no :method", without(":method"), Stream(PROTOCOL_ERROR)),
        ("8.3.1", "no :scheme", without(":scheme"), Stream(PROTOCOL_ERROR)),
        ("8.3.1", "no :path", without(":path"), Stream(PROTOCOL_ERROR)),
        ("8.3.1", "an empty :path", other(":path", ""), Stream(PROTOCOL_ERROR)),
        // Malformed by the RFC. h2 drops it unread: it changes nothing of the request, which is answered as one without a body.
        (
            "8.1",
            "a pseudo-header in trailers",
            vec![call(1), frame(HEADERS, 5, 1, &block(&[(":path", "/")]))],
            Answered,
        ),
        ("8.1.1", "content-length of more than comes", of_length("9", b"x"), Stream(PROTOCOL_ERROR)),
        ("8.1.1", "content-length of less than comes", of_length("1", b"xyz"), Stream(PROTOCOL_ERROR)),
        ("8.1.1", "content-length that is no number", of_length("x", b"x"), Stream(PROTOCOL_ERROR)),
        // Not malformed: gRPC's own errors answer them.
        ("8.1", "a call without a body", request(&CALL), Answered),
        ("8.1", "a method that gRPC does not have", other(":method", "DELETE"), Answered),
        ("8.5", "CONNECT", request(&[(":method", "CONNECT"), (":authority", "localhost:1")]), Answered),
        ("10.5.1", "headers larger than the setting", with(("x", &"y".repeat(16_100))), Answered),
    ]
}

/// A call whose request is at its end.
fn ended(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(&CALL))
}

fn reset(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])
}

fn promise() -> Vec<u8> {
    [&[0, 0, 0, 2][..], &block(&CALL)].concat()
}
