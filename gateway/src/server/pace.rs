//! The pace of a peer: how long it may take to send a request, to take a reply, and to do nothing at all.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::runtime::Handle;
use tokio::time::{Sleep, sleep};
use tonic::Status;

use crate::clock;
use crate::config::Limits;

/// A reply is handed to HTTP/2 in pieces of this size, and the next one only when the last may be sent. What is handed over
/// waits in the memory of the connection for as long as the peer likes.
const PIECE: usize = 16 * 1024;

/// What is said of a request that did not arrive in time. It has no details: the edge puts it into words.
pub(super) const TOO_SLOW: &str = "the body did not arrive in time";

/// What the calls of one connection are doing.
#[derive(Debug)]
pub(super) struct Traffic {
    opened: Instant,
    /// Calls that have begun and whose reply is not handed over yet.
    in_work: AtomicUsize,
    /// When a call last began or ended, in milliseconds since the connection was opened; zero as long as none has.
    last: AtomicU64,
    /// Replies with a piece that the peer has not taken yet, and since when.
    waiting: Mutex<HashMap<u64, Instant>>,
    replies: AtomicU64,
}

/// Why a connection is ended by its own calls, or for want of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overstay {
    NoRequest,
    Idle,
    ReplyNotTaken,
}

impl Overstay {
    /// One word for metrics.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::NoRequest => "no_request",
            Self::Idle => "idle",
            Self::ReplyNotTaken => "reply_not_taken",
        }
    }
}

impl Traffic {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            opened: clock::stopwatch(),
            in_work: AtomicUsize::new(0),
            last: AtomicU64::new(0),
            waiting: Mutex::default(),
            replies: AtomicU64::new(0),
        })
    }

    /// One more call is in work until what is returned is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Exchange {
        self.in_work.fetch_add(1, Ordering::Relaxed);
        self.touch();
        Exchange { traffic: self.clone(), waiting: None, answered: Arc::default() }
    }

    /// Done when the connection has been without a request, or a reply has waited, for too long.
    pub(super) async fn overstay(&self, limits: &Limits) -> Overstay {
        loop {
            // What begins meanwhile, a reply or a rest, may be due sooner than what is looked at.
            let soonest = limits.idle.min(limits.reply);
            let next = self.next(limits);
            let left = next.map_or(soonest, |(due, _)| left_until(due));
            match next {
                Some((_, overstay)) if left.is_zero() => return overstay,
                _ => sleep(left.min(soonest)).await,
            }
        }
    }

    /// What is due next as things are.
    fn next(&self, limits: &Limits) -> Option<(Instant, Overstay)> {
        let oldest = self.waiting().values().min().map(|&since| (since + limits.reply, Overstay::ReplyNotTaken));
        if oldest.is_some() || self.in_work.load(Ordering::Relaxed) > 0 {
            return oldest;
        }
        Some(match self.last.load(Ordering::Relaxed) {
            0 => (self.opened + limits.first_request, Overstay::NoRequest),
            last => (self.opened + Duration::from_millis(last) + limits.idle, Overstay::Idle),
        })
    }

    fn touch(&self) {
        let millis = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(millis.max(1), Ordering::Relaxed);
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, Instant>> {
        self.waiting.lock().expect("nothing panics while it holds this lock")
    }
}

fn left_until(due: Instant) -> Duration {
    due.saturating_duration_since(clock::stopwatch())
}

/// One call of a connection, until its reply is handed over or given up.
pub(super) struct Exchange {
    traffic: Arc<Traffic>,
    waiting: Option<u64>,
    answered: Arc<AtomicBool>,
}

impl Exchange {
    /// The body of the request, which must arrive within `allowed`.
    pub(super) fn request(&self, body: Incoming, allowed: Duration) -> Request {
        Request { body: Some(body), allowed, end: None, answered: self.answered.clone() }
    }

    /// The body of the reply, in pieces.
    pub(super) fn reply(self, body: Body) -> Reply {
        self.answered.store(true, Ordering::Relaxed);
        Reply { body, rest: Bytes::new(), exchange: self }
    }

    /// A piece was handed over, and is not asked for yet.
    fn hand_over(&mut self) {
        let number = self.traffic.replies.fetch_add(1, Ordering::Relaxed);
        self.traffic.waiting().insert(number, clock::stopwatch());
        self.waiting = Some(number);
    }

    /// The next piece is asked for, so the last one was taken.
    fn taken(&mut self) {
        if let Some(number) = self.waiting.take() {
            self.traffic.waiting().remove(&number);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.taken();
        self.traffic.touch();
        self.traffic.in_work.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of a reply, of which each piece is watched until it is taken.
pub(super) struct Reply {
    body: Body,
    rest: Bytes,
    exchange: Exchange,
}

impl http_body::Body for Reply {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.exchange.taken();
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end => return Poll::Ready(end),
            }
        }
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        self.exchange.hand_over();
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.rest.is_empty() { self.body.size_hint() } else { SizeHint::default() }
    }
}

/// The body of a request, which must have arrived in time. The time begins when it is first waited for, and no longer counts
/// once the reply has begun: a request that is a stream may then go on.
///
/// What is left of it when nobody reads on, because the call was refused or its deadline has passed, is read to its end all the
/// same, and thrown away. HTTP/2 would reset the stream else, and take what arrives later for an error of the peer; after about a
/// thousand such errors it gives up the whole connection, with every other call on it.
pub(super) struct Request {
    body: Option<Incoming>,
    allowed: Duration,
    end: Option<Pin<Box<Sleep>>>,
    answered: Arc<AtomicBool>,
}

impl http_body::Body for Request {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(|error| Status::from_error(Box::new(error)))));
        }
        if self.answered.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        let allowed = self.allowed;
        let end = self.end.get_or_insert_with(|| Box::pin(sleep(allowed)));
        ready!(end.as_mut().poll(context));
        if self.answered.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(Status::deadline_exceeded(TOO_SLOW))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Incoming::size_hint)
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let Some(mut body) = self.body.take_if(|body| !body.is_end_stream()) else { return };
        // Outside a runtime there is no connection left either.
        let Ok(runtime) = Handle::try_current() else { return };
        let allowed = self.allowed;
        runtime.spawn(async move {
            let unread = async { while let Some(Ok(_)) = body.frame().await {} };
            // Whether it ends, breaks off or is too slow, that is all.
            drop(tokio::time::timeout(allowed, unread).await);
        });
    }
}
