//! A pool of a few threads, and the line before it: first come, first served, and bounded in length and in time.
//!
//! A thread that is done takes the next job itself, so that no core stands idle while a waiting request is woken
//! and scheduled; on a loaded machine that is an eighth of the throughput.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tracing::Span;

/// Too many callers wait already, or this one has waited too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being checked; try again in {retry_after_seconds} s")]
pub struct Busy {
    /// When to try again, 1 to 5 seconds from now.
    pub retry_after_seconds: u64,
}

type Job<M> = Box<dyn FnOnce(&mut M) + Send>;

/// The threads, and the line before them; `M` is memory that a thread hands on from job to job.
pub(crate) struct Pool<M> {
    threads: usize,
    queue: usize,
    wait: Duration,
    state: Mutex<State<M>>,
    /// Callers that wait. Of those in `state`, some may have left.
    waiting: AtomicUsize,
}

struct State<M> {
    jobs: VecDeque<Job<M>>,
    working: usize,
    /// Memory that no thread uses; together with `working` never more than `threads`.
    idle: Vec<M>,
}

impl<M: Default + Send + 'static> Pool<M> {
    /// At most `threads` jobs at once and `queue` callers waiting, each for at most `wait`.
    pub(crate) fn new(threads: usize, queue: usize, wait: Duration) -> Arc<Self> {
        let state = State { jobs: VecDeque::new(), working: 0, idle: Vec::new() };
        Arc::new(Self { threads, queue, wait, state: Mutex::new(state), waiting: AtomicUsize::new(0) })
    }

    /// Runs `job` when its turn comes; the last tenth of the places is taken by `whole` alone. A caller that leaves
    /// before takes its job along; a job that has begun is finished on its thread, and keeps it, though nobody waits
    /// any more.
    pub(crate) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        whole: bool,
        job: impl FnOnce(&mut M) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let (begin, begun) = oneshot::channel();
        let (answer, answered) = oneshot::channel();
        let span = Span::current();
        let job = Box::new(move |memory: &mut M| {
            if begin.send(()).is_ok() {
                let _ = answer.send(span.in_scope(|| job(memory)));
            }
        });
        let place = self.enter(whole, job)?;
        if let Some(place) = place {
            let turn = tokio::time::timeout(self.wait, begun).await;
            drop(place);
            turn.map_err(|_| self.busy())?.map_err(|_| self.busy())?;
            return answered.await.map_err(|_| self.busy());
        }
        let answer = answered.await;
        drop(begun); // lives until here, because the job asks for it
        answer.map_err(|_| self.busy())
    }

    /// Puts a job at the end of the line. `None`: a thread was free and takes it.
    fn enter(self: &Arc<Self>, whole: bool, job: Job<M>) -> Result<Option<Place<'_>>, Busy> {
        let mut state = self.lock();
        // A thread goes only when the line is empty, so nobody is overtaken here.
        let free = state.working < self.threads;
        let place = if free { None } else { Some(self.place(whole)?) };
        state.working += usize::from(free);
        state.jobs.push_back(job);
        drop(state);
        if free {
            let pool = Arc::clone(self);
            tokio::task::spawn_blocking(move || pool.work());
        }
        Ok(place)
    }

    /// What a thread does: job after job until the line is empty.
    fn work(&self) {
        let mut memory = self.lock().idle.pop().unwrap_or_default();
        while let Some(job) = self.next() {
            // A job that panics fails its caller alone; the others are still served.
            let _ = catch_unwind(AssertUnwindSafe(|| job(&mut memory)));
        }
        self.lock().idle.push(memory);
    }

    fn next(&self) -> Option<Job<M>> {
        let mut state = self.lock();
        let job = state.jobs.pop_front();
        state.working -= usize::from(job.is_none());
        job
    }

    fn place(&self, whole: bool) -> Result<Place<'_>, Busy> {
        let places = if whole { self.queue } else { self.queue - self.queue / 10 };
        let one_more = |count: usize| (count < places).then_some(count + 1);
        let taken = self.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more);
        taken.map(|_| Place(&self.waiting)).map_err(|_| self.busy())
    }

    /// How long a caller waits at most.
    pub(crate) fn wait(&self) -> Duration {
        self.wait
    }

    pub(crate) fn busy(&self) -> Busy {
        Busy { retry_after_seconds: self.wait.as_secs().clamp(1, 5) }
    }

    fn lock(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the line, given up when it is dropped.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn pool(threads: usize, queue: usize, wait_ms: u64) -> Arc<Pool<Vec<u8>>> {
        Pool::new(threads, queue, Duration::from_millis(wait_ms))
    }

    /// Occupies one thread until the returned sender is dropped.
    async fn occupy(pool: &Arc<Pool<Vec<u8>>>) -> mpsc::Sender<()> {
        let (release, released) = mpsc::channel::<()>();
        let (started, begun) = oneshot::channel();
        let pool = Arc::clone(pool);
        let job = move |_: &mut Vec<u8>| {
            started.send(()).unwrap();
            let _ = released.recv();
        };
        tokio::spawn(async move { pool.run(true, job).await });
        begun.await.unwrap();
        release
    }

    async fn nothing(pool: &Arc<Pool<Vec<u8>>>) -> Result<(), Busy> {
        pool.run(true, |_| ()).await
    }

    #[tokio::test]
    async fn a_full_line_turns_away_at_once() {
        let pool = pool(1, 2, 600_000);
        let release = occupy(&pool).await;
        let wait = || {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { nothing(&pool).await })
        };
        let waiting = [wait(), wait()];
        while pool.waiting.load(Ordering::Acquire) < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(nothing(&pool).await, Err(Busy { retry_after_seconds: 5 }));
        drop(release);
        for caller in waiting {
            assert_eq!(caller.await.unwrap(), Ok(()));
        }
        assert_eq!(nothing(&pool).await, Ok(()));
    }

    #[tokio::test]
    async fn a_long_wait_turns_away_and_frees_the_place() {
        let pool = pool(1, 1, 5);
        let release = occupy(&pool).await;
        for _ in 0..3 {
            assert_eq!(nothing(&pool).await, Err(Busy { retry_after_seconds: 1 }));
            assert_eq!(pool.waiting.load(Ordering::Acquire), 0);
        }
        drop(release);
    }

    #[tokio::test]
    async fn first_come_first_served() {
        let pool = pool(1, 8, 60_000);
        let release = occupy(&pool).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let callers = (0..8).map(|n| {
            let order = Arc::clone(&order);
            pool.run(true, move |_| order.lock().unwrap().push(n))
        });
        // The callers are polled, and so stand in line, before the thread is freed.
        let free = async { drop(release) };
        let (answers, ()) = tokio::join!(futures_util::future::join_all(callers), free);
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(*order.lock().unwrap(), (0..8).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_dropped_request_keeps_its_thread_until_that_is_done() {
        let pool = pool(1, 0, 50);
        let (release, released) = mpsc::channel::<()>();
        let (started, begun) = mpsc::channel();
        let request = pool.run(true, move |_| {
            started.send(()).unwrap();
            let _ = released.recv();
        });
        assert!(tokio::time::timeout(Duration::from_millis(20), request).await.is_err());
        begun.recv().unwrap();
        assert!(nothing(&pool).await.is_err(), "the thread still works");
        drop(release);
        while nothing(&pool).await.is_err() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn who_leaves_takes_the_job_along() {
        let pool = pool(1, 1, 60_000);
        let release = occupy(&pool).await;
        let (ran, saw) = mpsc::channel();
        let left = pool.run(true, move |_| ran.send(()).unwrap());
        assert!(tokio::time::timeout(Duration::from_millis(5), left).await.is_err());
        assert_eq!(pool.waiting.load(Ordering::Acquire), 0);
        let (after, ()) = tokio::join!(nothing(&pool), async { drop(release) });
        assert_eq!(after, Ok(()));
        assert!(saw.try_recv().is_err(), "nobody wanted it any more");
    }

    #[tokio::test]
    async fn never_more_threads_than_allowed_and_memory_is_handed_on() {
        let pool = pool(2, 64, 60_000);
        let working = Arc::new(AtomicUsize::new(0));
        let all = (0..50).map(|_| {
            let working = Arc::clone(&working);
            pool.run(true, move |memory| {
                let now = working.fetch_add(1, Ordering::AcqRel) + 1;
                std::thread::sleep(Duration::from_micros(200));
                working.fetch_sub(1, Ordering::AcqRel);
                memory.push(0);
                now
            })
        });
        let most = futures_util::future::join_all(all).await.into_iter().map(Result::unwrap).max();
        assert_eq!(most, Some(2));
        while pool.lock().idle.is_empty() || pool.lock().working > 0 {
            tokio::task::yield_now().await;
        }
        assert!(pool.lock().idle.len() <= 2);
    }

    #[tokio::test]
    async fn a_job_that_panics_fails_its_caller_alone() {
        let pool = pool(1, 4, 60_000);
        let (failed, next) = tokio::join!(pool.run(true, |_| -> () { panic!("on purpose") }), nothing(&pool));
        assert_eq!((failed.is_err(), next), (true, Ok(())));
    }

    #[tokio::test]
    async fn the_last_tenth_of_the_line_is_for_who_has_shown_something() {
        let pool = pool(1, 10, 10_000);
        let busy = occupy(&pool).await;
        let mut waiting = Vec::new();
        for _ in 0..9 {
            let pool = Arc::clone(&pool);
            waiting.push(tokio::spawn(async move { pool.run(false, |_| ()).await }));
        }
        while pool.waiting.load(Ordering::Acquire) < 9 {
            tokio::task::yield_now().await;
        }
        assert!(pool.run(false, |_| ()).await.is_err(), "nine of ten places are for everybody");
        let spared = {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { pool.run(true, |_| ()).await })
        };
        while pool.waiting.load(Ordering::Acquire) < 10 {
            tokio::task::yield_now().await;
        }
        assert!(pool.run(true, |_| ()).await.is_err(), "and then it is full");
        drop(busy);
        assert!(spared.await.unwrap().is_ok());
        for one in waiting {
            assert!(one.await.unwrap().is_ok());
        }
    }
}
