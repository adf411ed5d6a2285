//! How long a request may wait for connections in all, however many it takes one after the other (R147).

use std::cell::Cell;
use std::time::Duration;

use tokio::time::{Instant, timeout};

/// For a request: then it is shed with 503.
pub const REQUEST: Duration = Duration::from_secs(2);
/// For what nobody waits for, each time anew.
const ELSEWHERE: Duration = Duration::from_secs(5);

tokio::task_local! {
    /// What is left of it.
    static LEFT: Cell<Duration>;
}

/// Does `work`, which waits for connections no longer than `patience` in all.
pub async fn within<F: Future>(patience: Duration, work: F) -> F::Output {
    LEFT.scope(Cell::new(patience), work).await
}

/// What is waited for, or nothing where patience ends before. What is there at once is had without any patience.
pub(super) async fn wait<T>(connection: impl Future<Output = T>) -> Option<T> {
    let left = LEFT.try_with(Cell::get).unwrap_or(ELSEWHERE);
    let began = Instant::now();
    let had = timeout(left, connection).await.ok();
    // Outside of a request there is nothing to count down.
    let _ = LEFT.try_with(|cell| cell.set(left.saturating_sub(began.elapsed())));
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
        within(patience, async {
            assert_eq!(wait(sleep(patience / 2)).await, Some(()));
            assert_eq!(wait(pending::<()>()).await, None);
            let over = Instant::now();
            assert_eq!(wait(pending::<()>()).await, None);
            assert_eq!(LEFT.with(Cell::get), Duration::ZERO, "after {:?}", over.elapsed());
            assert_eq!(wait(ready(1)).await, Some(1), "what is there is had");
        })
        .await;
        assert!(began.elapsed() >= patience);
    }
}
