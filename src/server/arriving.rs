//! How a body arrives: when somebody asks for it, no larger than its path takes, no slower than 1 KiB/s (R103, R107).
//! Nothing is held for a body that nobody asks for.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use hyper::body::Bytes;
use poem::Body;
use tokio::time::{Instant, timeout_at};

use crate::api::cut::Cut;

/// What a body may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    /// Its bytes.
    pub(super) most: usize,
    /// How many bytes of a body that nobody reads are taken and thrown away, so that the connection can go on; none
    /// where that makes no sense.
    pub(super) lingers: Option<usize>,
    /// How long the whole of it may take. After a sixth of that it has to have come at [`RATE`].
    pub(super) patience: Duration,
    /// The length that was announced.
    pub(super) length: Option<usize>,
}

/// Bytes a second that a body has to keep up.
const RATE: f64 = 1024.0;

impl Allowance {
    /// When a body that began then, and of which so much is here, is too slow.
    fn due(&self, began: Instant, received: usize) -> Instant {
        let grace = self.patience / 6;
        // Sizes here are far below what a float keeps exactly.
        let earned = Duration::from_secs_f64(received as f64 / RATE);
        began + (grace + earned).min(self.patience)
    }
}

/// Room for what is large: bodies beyond [`SMALL`] share it, those within have their own.
#[derive(Debug)]
pub(super) struct Room(AtomicUsize);

/// Bytes of a body that are always taken: nearly every body of the API has fewer.
const SMALL: usize = 4 * 1024;
/// Bytes that all larger bodies under way may have together.
const ROOM: usize = 32 * 1024 * 1024;

impl Default for Room {
    fn default() -> Self {
        Self(AtomicUsize::new(ROOM))
    }
}

/// A part of the room, given back at its end.
struct Taken {
    room: Arc<Room>,
    bytes: usize,
}

impl Taken {
    /// Takes what a body of that length needs; whether there is as much.
    fn grow(&mut self, length: usize) -> bool {
        let more = length.saturating_sub(SMALL).saturating_sub(self.bytes);
        let taken =
            self.room.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(more));
        self.bytes += if taken.is_ok() { more } else { 0 };
        taken.is_ok()
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.room.0.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

/// The body as whoever asks for it has it: whole, or a [`Cut`].
pub(super) fn arriving(body: Body, allowance: Allowance, room: Arc<Room>) -> Body {
    let unread = Unread { parts: Some(body.into_bytes_stream().boxed()), allowance };
    Body::from_bytes_stream(stream::once(unread.whole(room)))
}

/// A body on its way.
struct Unread {
    /// Absent once nothing more is to be taken.
    parts: Option<BoxStream<'static, io::Result<Bytes>>>,
    allowance: Allowance,
}

impl Unread {
    async fn whole(mut self, room: Arc<Room>) -> io::Result<Vec<u8>> {
        let allowance = self.allowance;
        let mut taken = Taken { room, bytes: 0 };
        let mut all = Vec::new();
        if allowance.length.is_some_and(|length| length > allowance.most) {
            return Err(Cut::TooLarge.into());
        }
        let began = Instant::now();
        while let Some(parts) = &mut self.parts {
            let part = match timeout_at(allowance.due(began, all.len()), parts.next()).await {
                Ok(Some(part)) => part?,
                Ok(None) => {
                    self.parts = None;
                    break;
                }
                Err(_) => {
                    self.parts = None;
                    return Err(Cut::TooSlow.into());
                }
            };
            if all.len() + part.len() > allowance.most {
                return Err(Cut::TooLarge.into());
            }
            if !taken.grow(all.len() + part.len()) {
                return Err(Cut::Crowded.into());
            }
            all.extend_from_slice(&part);
        }
        Ok(all)
    }
}

impl Drop for Unread {
    /// What was answered without being read: closing at once would let the client lose the answer.
    fn drop(&mut self) {
        let (Some(parts), Some(lingers)) = (self.parts.take(), self.allowance.lingers) else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(discard(parts, self.allowance, lingers));
        }
    }
}

/// Takes and forgets what still comes, within the same limits.
async fn discard(mut parts: BoxStream<'static, io::Result<Bytes>>, allowance: Allowance, most: usize) {
    let (began, mut received) = (Instant::now(), 0);
    while received < most {
        match timeout_at(allowance.due(began, received), parts.next()).await {
            Ok(Some(Ok(part))) => received += part.len(),
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use poem::error::ReadBodyError;

    use super::*;
    use crate::api::problem::Problem;

    fn allowance(most: usize) -> Allowance {
        Allowance { most, lingers: None, patience: Duration::from_secs(30), length: None }
    }

    async fn read(parts: &[usize], allowance: Allowance, room: &Arc<Room>) -> Result<usize, u16> {
        let parts: Vec<_> =
            parts.iter().map(|&length| Ok::<_, io::Error>(Bytes::from(vec![0; length]))).collect();
        let body = arriving(Body::from_bytes_stream(stream::iter(parts)), allowance, room.clone());
        let status = |error: ReadBodyError| Problem::unread(&error).response().status().as_u16();
        body.into_bytes().await.map(|bytes| bytes.len()).map_err(status)
    }

    #[tokio::test]
    async fn a_body_is_as_large_as_it_may_be() {
        let room = Arc::new(Room::default());
        assert_eq!(read(&[6, 4], allowance(10), &room).await, Ok(10));
        assert_eq!(read(&[6, 5], allowance(10), &room).await, Err(413));
        let announced = Allowance { length: Some(11), ..allowance(10) };
        assert_eq!(read(&[], announced, &room).await, Err(413));
    }

    #[tokio::test]
    async fn large_bodies_share_their_room_and_give_it_back() {
        let room = Arc::new(Room(AtomicUsize::new(10_000)));
        assert_eq!(read(&[SMALL, 10_000], allowance(100_000), &room).await, Ok(SMALL + 10_000));
        assert_eq!(read(&[SMALL, 10_001], allowance(100_000), &room).await, Err(503));
        assert_eq!(read(&[SMALL, 10_000], allowance(100_000), &room).await, Ok(SMALL + 10_000));
        let mut taken = Taken { room: room.clone(), bytes: 0 };
        assert!(taken.grow(SMALL + 10_000) && !taken.grow(SMALL + 10_001));
        assert_eq!(read(&[SMALL], allowance(100_000), &room).await, Ok(SMALL), "a small one always fits");
    }

    #[test]
    fn a_body_earns_its_time() {
        let (began, rules) = (Instant::now(), allowance(1 << 20));
        let after = |received: usize| rules.due(began, received) - began;
        assert_eq!(after(0), Duration::from_secs(5));
        assert_eq!(after(10 * 1024), Duration::from_secs(15));
        assert_eq!(after(1 << 20), Duration::from_secs(30), "and never more than the whole");
    }
}
