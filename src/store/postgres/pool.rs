//! Connections that are used in turn. A request waits for one that is free and no longer than its patience; connections
//! are made by tasks of their own, so that who leaves takes none down, and whoever gets one back first goes on.
//!
//! How many there are is one number (`live`): each [`Held`] counts itself out wherever it is dropped, which closes it
//! hard. The server may allow fewer than were asked for: then we make do with those that are there, and try again for
//! more after a while.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::super::error::NONE_FREE;
use super::super::{StoreError, patience};
use super::connect::{Hosts, Opened};

/// After how long a rest a connection is asked whether it still answers; to ask each time would double the round trips.
const RESTED: Duration = Duration::from_secs(1);
/// How long it may take to say so.
const CHECK: Duration = Duration::from_secs(1);
/// How long making a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// Between two tries to make one.
const PAUSE: Duration = Duration::from_millis(200);
/// How old a connection becomes.
const LIFE: Duration = Duration::from_secs(30 * 60);
/// After how long one that nobody needs is closed.
const IDLE: Duration = Duration::from_secs(10 * 60);
/// After how long more are tried for where fewer were allowed.
const REGROW: Duration = Duration::from_secs(30);

/// What is told where there are fewer than asked for, all of them in use, and none was tried a moment ago.
const FEWER: &str = "fewer than database.connections, and all are in use";

/// All connections to one database.
pub(super) struct Pool {
    hosts: Hosts,
    /// How many there may be.
    size: usize,
    /// A permit for each that is free.
    free: Semaphore,
    /// How many wait for one.
    waiting: AtomicUsize,
    /// Commits that go on though nobody waits for them, each on a connection that is not counted any more.
    stray: AtomicUsize,
    state: Mutex<State>,
}

struct State {
    free: Vec<Held>,
    /// Those that are free, in use, or being made.
    live: usize,
    /// How many there may be now: `size`, or what the server allows.
    most: usize,
    /// Since when there may be fewer than `size`.
    lessened: Option<Instant>,
    /// Connections that were last seen before this moment may be dead: another one was found so.
    doubted: Instant,
    /// Why the last one that was tried could not be made.
    trouble: Option<Trouble>,
}

#[derive(Clone)]
enum Trouble {
    None(String),
    Unreachable(String),
}

/// One connection, for as long as it is of use.
pub(super) struct Held {
    pub(super) opened: Opened,
    /// Its place among those that are live; none once it is given up.
    pub(super) counted: Option<Counted>,
}

/// One of `live`.
pub(super) struct Counted(Weak<Pool>);

impl Drop for Counted {
    fn drop(&mut self) {
        let Some(pool) = self.0.upgrade() else { return };
        pool.state().live -= 1;
        if pool.waiting.load(Ordering::Relaxed) > 0 {
            pool.grow();
        }
    }
}

/// One of `waiting`.
struct Waits<'a>(&'a AtomicUsize);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    pub(super) fn new(hosts: Hosts, size: usize) -> Self {
        let state = State {
            free: Vec::new(),
            live: 0,
            most: size,
            lessened: None,
            doubted: Instant::now(),
            trouble: None,
        };
        let (free, waiting, stray) = (Semaphore::new(0), AtomicUsize::default(), AtomicUsize::default());
        Self { hosts, size, free, waiting, stray, state: Mutex::new(state) }
    }

    /// Makes the first connection.
    ///
    /// # Errors
    /// What keeps it from being made, where that does not pass in a few seconds.
    pub(super) async fn start(self: &Arc<Self>) -> Result<(), StoreError> {
        let began = Instant::now();
        loop {
            let failed = match timeout(CONNECT, self.hosts.connect()).await {
                Ok(Ok(opened)) => {
                    self.state().live += 1;
                    self.put(Held { opened, counted: Some(Counted(Arc::downgrade(self))) });
                    return Ok(());
                }
                Ok(Err(error)) => error,
                Err(_) => StoreError::Unreachable("it does not answer".into()),
            };
            // Whoever starts both together lets the database come up first.
            if !matches!(failed, StoreError::Unreachable(_)) || began.elapsed() >= CONNECT {
                return Err(failed);
            }
            sleep(PAUSE).await;
        }
    }

    /// A connection that answers.
    ///
    /// # Errors
    /// Why there is none, once patience is over.
    pub(super) async fn take(self: &Arc<Self>) -> Result<Held, StoreError> {
        match patience::wait(self.next()).await {
            Some(held) => Ok(held),
            None => Err(self.why_none()),
        }
    }

    async fn next(self: &Arc<Self>) -> Held {
        loop {
            match self.free.try_acquire() {
                Ok(permit) => permit.forget(),
                Err(_) => self.wait().await,
            }
            let held = self.state().free.pop();
            let Some(held) = held else { continue };
            if let Some(held) = self.sound(held).await {
                return held;
            }
        }
    }

    async fn wait(self: &Arc<Self>) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waits = Waits(&self.waiting);
        self.grow();
        // It is never closed.
        if let Ok(permit) = self.free.acquire().await {
            permit.forget();
        }
    }

    /// The connection, unless it is of no more use; one that rested is asked.
    async fn sound(&self, mut held: Held) -> Option<Held> {
        let opened = &mut held.opened;
        // Where writes are taken again, new connections take them.
        if opened.born.elapsed() > LIFE || (opened.read_only && opened.born.elapsed() > RESTED) {
            return None;
        }
        if opened.seen > self.state().doubted && opened.seen.elapsed() < RESTED {
            return Some(held);
        }
        if matches!(timeout(CHECK, opened.check()).await, Ok(Ok(()))) {
            return Some(held);
        }
        drop(held);
        self.doubt();
        None
    }

    /// One connection was found dead: the others that rest and were not seen since are let go, and those in use are
    /// asked before they are used again.
    pub(super) fn doubt(&self) {
        let mut state = self.state();
        state.doubted = Instant::now();
        let mut gone = Vec::new();
        while let Ok(permit) = self.free.try_acquire() {
            permit.forget();
            gone.extend(state.free.pop());
        }
        drop(state);
        drop(gone);
    }

    /// Takes a connection back.
    pub(super) fn put(&self, held: Held) {
        let mut state = self.state();
        state.free.push(held);
        let resting = state.free.first().filter(|first| first.opened.seen.elapsed() > IDLE).is_some();
        // The one that rested longest is first.
        let gone = if resting && state.free.len() > 1 { Some(state.free.remove(0)) } else { None };
        drop(state);
        if gone.is_none() {
            self.free.add_permits(1);
        }
    }

    /// Has one more made, where there may be more.
    fn grow(self: &Arc<Self>) {
        let mut state = self.state();
        if state.lessened.is_some_and(|since| since.elapsed() > REGROW) {
            state.most = (state.most + 1).min(self.size);
            state.lessened = (state.most < self.size).then(Instant::now);
        }
        if state.live >= state.most {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        state.live += 1;
        drop(state);
        let pool = self.clone();
        // Counted from within: where the runtime is about to end, a task is dropped before it begins, and would have
        // another one made, and so on.
        runtime.spawn(async move {
            let counted = Counted(Arc::downgrade(&pool));
            pool.make(counted).await;
        });
    }

    /// Makes a connection; tries again for as long as somebody waits for it.
    async fn make(self: Arc<Self>, counted: Counted) {
        loop {
            match timeout(CONNECT, self.hosts.connect()).await {
                Ok(Ok(opened)) => {
                    self.grown();
                    return self.put(Held { opened, counted: Some(counted) });
                }
                Ok(Err(StoreError::NoConnection(why))) => {
                    if self.make_do(&why) {
                        return;
                    }
                }
                Ok(Err(error)) => self.state().trouble = Some(Trouble::of(error)),
                Err(_) => {
                    self.state().trouble = Some(Trouble::Unreachable("it does not answer".into()));
                }
            }
            if self.waiting.load(Ordering::Relaxed) == 0 {
                return;
            }
            sleep(PAUSE).await;
        }
    }

    /// One could be made: where there were fewer, there may be one more.
    fn grown(&self) {
        let mut state = self.state();
        state.trouble = None;
        if state.lessened.is_some() {
            state.most = (state.most + 1).min(self.size);
            state.lessened = state.lessened.filter(|_| state.most < self.size);
        }
    }

    /// Whether one more commit that nobody waits for may have a connection beside those of the pool; [`Pool::settled`]
    /// is called when it ended.
    pub(super) fn may_stray(&self) -> bool {
        let more = |stray: usize| (stray < self.size).then_some(stray + 1);
        self.stray.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Such a commit ended.
    pub(super) fn settled(&self) {
        self.stray.fetch_sub(1, Ordering::Relaxed);
    }

    /// No more are allowed: we make do with the others, if there are any.
    fn make_do(&self, why: &str) -> bool {
        let mut state = self.state();
        let others = state.live.saturating_sub(1);
        state.trouble = Some(Trouble::None(why.to_owned()));
        if others == 0 {
            return false;
        }
        if state.lessened.is_none() {
            tracing::warn!(
                why,
                wanted = self.size,
                "the database allows fewer connections than database.connections: those that there are go round"
            );
        }
        state.most = others;
        state.lessened = Some(Instant::now());
        true
    }

    fn why_none(&self) -> StoreError {
        let state = self.state();
        match state.trouble.clone() {
            Some(Trouble::None(why)) => StoreError::NoConnection(why),
            Some(Trouble::Unreachable(why)) => StoreError::Unreachable(why),
            None if state.lessened.is_some() => StoreError::NoConnection(FEWER.into()),
            None => StoreError::Busy(NONE_FREE),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Trouble {
    fn of(error: StoreError) -> Self {
        match error {
            StoreError::Unreachable(why) => Self::Unreachable(why),
            other => Self::Unreachable(other.to_string()),
        }
    }
}
