//! What moves on one connection: requests that are being answered, and answers on their way out. A connection on which
//! nothing is under way rests; one whose answer is not taken stands. Neither lasts (R107).

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::Instant;

/// A connection's requests and answers.
pub(super) struct Pace(Mutex<State>);

struct State {
    /// How many requests there were.
    heard: u64,
    under_way: Vec<Going>,
    /// Since when nothing is under way, where nothing is.
    rested: Instant,
}

/// A request, until the last byte of its answer has left.
struct Going {
    number: u64,
    /// When its answer moved last; absent while it is being made.
    moved: Option<Instant>,
}

/// How a connection does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// Well; it is worth another look then.
    Well(Instant),
    /// It has rested for too long.
    Rests,
    /// An answer has not been taken for too long.
    Stands,
}

impl Pace {
    /// Of a connection that begins now.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { heard: 0, under_way: Vec::new(), rested: Instant::now() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request begins.
    pub(super) fn begin(self: &Arc<Self>) -> Arc<UnderWay> {
        let mut state = self.state();
        state.heard += 1;
        let number = state.heard;
        state.under_way.push(Going { number, moved: None });
        Arc::new(UnderWay { pace: self.clone(), number })
    }

    /// Whether there was any request.
    pub(super) fn has_heard(&self) -> bool {
        self.state().heard > 0
    }

    /// How the connection does, where nothing may rest or stand for longer than `idle`.
    pub(super) fn look(&self, now: Instant, idle: Duration) -> Doing {
        let state = self.state();
        let (since, otherwise) = if state.under_way.is_empty() {
            (Some(state.rested), Doing::Rests)
        } else {
            (state.under_way.iter().filter_map(|going| going.moved).min(), Doing::Stands)
        };
        match since.map(|since| since + idle) {
            Some(due) if due <= now => otherwise,
            due => Doing::Well(due.unwrap_or(now + idle)),
        }
    }
}

/// A request that is under way, for as long as anybody has this.
pub(super) struct UnderWay {
    pace: Arc<Pace>,
    number: u64,
}

impl UnderWay {
    /// Its answer moves.
    fn moves(&self) {
        let now = Instant::now();
        if let Some(going) = self.pace.state().under_way.iter_mut().find(|going| going.number == self.number)
        {
            going.moved = Some(now);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.pace.state();
        state.under_way.retain(|going| going.number != self.number);
        state.rested = Instant::now();
    }
}

/// The body of an answer, on its way out in pieces, each of which counts as it leaves.
pub(super) struct Leaving<B> {
    body: B,
    rest: Bytes,
    under_way: Arc<UnderWay>,
}

/// Bytes of a piece: what a client has to take within the longest rest.
const PIECE: usize = 16 * 1024;

impl<B> Leaving<B> {
    pub(super) fn new(body: B, under_way: Arc<UnderWay>) -> Self {
        under_way.moves();
        Self { body, rest: Bytes::new(), under_way }
    }
}

/// A piece, which HTTP drops when it has left.
struct Piece {
    bytes: Bytes,
    under_way: Arc<UnderWay>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.under_way.moves();
    }
}

impl<B: Body<Data = Bytes, Error = io::Error> + Unpin> Body for Leaving<B> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                other => return Poll::Ready(other),
            }
        }
        let length = self.rest.len().min(PIECE);
        let piece = Piece { bytes: self.rest.split_to(length), under_way: self.under_way.clone() };
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(inner.lower() + rest);
        hint
    }
}
