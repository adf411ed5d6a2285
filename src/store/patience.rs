//! How long a request may wait for the database in all: for connections, however many it takes one after the other, and
//! for answers to its statements (R147). A commit is none of these: it is not cut off.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::{Instant, timeout};

/// For a request: then it is shed with 503.
pub const REQUEST: Duration = Duration::from_secs(2);
/// How much longer than one statement may take those of a request may take in all.
pub const MORE: Duration = Duration::from_secs(1);
/// For what nobody waits for, each time anew.
const ELSEWHERE: Duration = Duration::from_secs(5);

tokio::task_local! {
    /// What is left: for connections, and for answers.
    static LEFT: (Cell<Duration>, Cell<Duration>);
}

/// Does `work`, which waits for connections no longer than `patience` in all, and for answers no longer than `answers`.
pub async fn within<F: Future>(patience: Duration, answers: Duration, work: F) -> F::Output {
    LEFT.scope((Cell::new(patience), Cell::new(answers)), work).await
}

/// Until when a statement has to be answered that may take until `deadline`.
pub(super) fn until(began: Instant, deadline: Instant) -> Instant {
    LEFT.try_with(|(_, answers)| deadline.min(began + answers.get())).unwrap_or(deadline)
}

/// A statement that began then is answered, or is not.
pub(super) fn answered(began: Instant) {
    let _ = LEFT.try_with(|(_, answers)| answers.set(answers.get().saturating_sub(began.elapsed())));
}

/// What is waited for, or nothing where patience ends before. What is there at once is had without any patience.
pub(super) async fn wait<T>(connection: impl Future<Output = T>) -> Option<T> {
    let left = LEFT.try_with(|(left, _)| left.get()).unwrap_or(ELSEWHERE);
    let began = Instant::now();
    let had = timeout(left, connection).await.ok();
    // Outside of a request there is nothing to count down.
    let _ = LEFT.try_with(|(cell, _)| cell.set(left.saturating_sub(began.elapsed())));
    had
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::time::sleep;

    use super::*;

    #[tokio::test]
    async fn all_waits_of_a_request_share_its_patience() {
        let (patience, began) = (Duration::from_millis(20), Instant::now());
        within(patience, patience, async {
            assert_eq!(wait(sleep(patience / 2)).await, Some(()));
            assert_eq!(wait(pending::<()>()).await, None);
            let over = Instant::now();
            assert_eq!(wait(pending::<()>()).await, None);
            assert_eq!(LEFT.with(|(left, _)| left.get()), Duration::ZERO, "after {:?}", over.elapsed());
            assert_eq!(wait(ready(1)).await, Some(1), "what is there is had");
        })
        .await;
        assert!(began.elapsed() >= patience);
    }

    #[tokio::test]
    async fn all_statements_of_a_request_share_their_time() {
        let (span, far) = (Duration::from_millis(20), Instant::now() + Duration::from_secs(60));
        assert_eq!(until(Instant::now(), far), far, "outside of a request");
        within(span, span, async {
            let began = Instant::now();
            assert_eq!(until(began, far), began + span);
            sleep(span).await;
            answered(began);
            assert_eq!(until(began, far), began, "it is used up");
        })
        .await;
    }
}
