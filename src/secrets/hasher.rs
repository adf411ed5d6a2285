//! Argon2id on a bounded number of threads (R63, R64).
//!
//! At most as many hashes at once as there are cores, each in memory that is used again; who finds no thread free
//! waits in a line, and is turned away when the line is full or the wait too long.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

pub use super::pool::Busy;
use super::pool::Pool;
use crate::base::Sensitive;
use crate::base::seal::same;
use crate::settings;

/// The length of a hash in bytes.
const OUTPUT: usize = 32;
/// What a stored hash may ask for at most, in KiB and in passes: what is imported is not to be trusted with more.
const MAXIMUM_MEMORY: u32 = 256 * 1_024;
const MAXIMUM_PASSES: u32 = 64;

/// How hard to hash, and how many at once.
#[derive(Clone, Debug)]
pub struct HashSettings {
    /// Memory of one hash in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub iterations: u32,
    /// How many hashes are computed at once; 0 means one for each core.
    pub threads: usize,
    /// How many callers may wait for a thread.
    pub queue: usize,
    /// How long a caller waits at most.
    pub wait: Duration,
}

impl From<&settings::Password> for HashSettings {
    fn from(settings: &settings::Password) -> Self {
        Self {
            memory_kib: settings.memory_kib,
            iterations: settings.iterations,
            threads: settings.threads as usize,
            queue: settings.queue as usize,
            wait: settings.wait.duration(),
        }
    }
}

impl Default for HashSettings {
    fn default() -> Self {
        Self { memory_kib: 19_456, iterations: 2, threads: 0, queue: 32, wait: Duration::from_secs(2) }
    }
}

/// The settings ask for what Argon2 cannot do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("argon2id cannot use {memory_kib} KiB and {iterations} passes: {reason}")]
pub struct Unusable {
    memory_kib: u32,
    iterations: u32,
    reason: String,
}

/// What a check of a password found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whether it is the right one.
    pub ok: bool,
    /// Whether the stored hash is weaker than a new one would be: when `ok`, hash and store it anew (R63).
    pub stale: bool,
}

/// Hashes and verifies passwords and hardcodes. Cheap to clone; clones share the threads and the line.
#[derive(Clone)]
pub struct Hasher {
    present: Arc<Present>,
    pool: Arc<Pool<Vec<Block>>>,
    /// Whether the places of the line that are kept for who has shown something may be taken.
    whole: bool,
}

/// How hashes are made at present.
struct Present {
    argon: Argon2<'static>,
    /// A hash of these parameters that no password has.
    nobody: String,
}

impl Hasher {
    /// A hasher of these settings. Memory is taken when it is first needed, and kept.
    ///
    /// # Errors
    /// [`Unusable`] where Argon2 refuses the parameters, or they exceed 256 MiB or 64 passes.
    pub fn new(settings: HashSettings) -> Result<Self, Unusable> {
        let argon = new_argon(&settings)?;
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if settings.threads == 0 { cores() } else { settings.threads };
        let nobody = phc(argon.params(), &[0; 16], &[0; OUTPUT]);
        let pool = Pool::new(threads, settings.queue, settings.wait);
        Ok(Self { present: Arc::new(Present { argon, nobody }), pool, whole: false })
    }

    /// The same for who has proven a secret, or comes from a known device: a tenth of the line's places is theirs
    /// alone, so that strangers who fill it turn nobody else away.
    #[must_use]
    pub fn kept_for(&self, trusted: bool) -> Self {
        Self { whole: trusted, ..self.clone() }
    }

    /// The hash of `secret` as a PHC string. `salt`: fresh random bytes.
    ///
    /// # Errors
    /// [`Busy`] when the line is full or too slow.
    pub async fn hash(&self, secret: Sensitive, salt: [u8; 16]) -> Result<String, Busy> {
        self.run(move |present, memory| {
            let mut output = [0; OUTPUT];
            compute(&present.argon, &secret, &salt, &mut output, memory);
            phc(present.argon.params(), &salt, &output)
        })
        .await
    }

    /// Whether `secret` is the one of which `phc` was made. A `phc` that cannot be read takes the time of one that can.
    ///
    /// # Errors
    /// [`Busy`] when the line is full or too slow.
    pub async fn verify(&self, secret: Sensitive, phc: String) -> Result<Verified, Busy> {
        self.run(move |present, memory| verify(present, &secret, &phc, memory).0).await
    }

    /// Spends the time of a check where there is nothing to check against, so that nobody's account takes as long
    /// as somebody's.
    ///
    /// # Errors
    /// [`Busy`] when the line is full or too slow.
    pub async fn verify_nobody(&self, secret: Sensitive) -> Result<(), Busy> {
        self.run(move |present, memory| verify(present, &secret, &present.nobody, memory)).await.map(drop)
    }

    /// How long a caller waits at most, for a thread and for the turn of an account.
    pub fn wait(&self) -> Duration {
        self.pool.wait()
    }

    /// What is said to one who waited for too long.
    pub fn busy(&self) -> Busy {
        self.pool.busy()
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Present, &mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let present = Arc::clone(&self.present);
        self.pool.run(self.whole, move |memory| job(&present, memory)).await
    }
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hasher")
    }
}

fn new_argon(settings: &HashSettings) -> Result<Argon2<'static>, Unusable> {
    let HashSettings { memory_kib, iterations, .. } = *settings;
    let refused = |reason: String| Unusable { memory_kib, iterations, reason };
    if memory_kib > MAXIMUM_MEMORY || iterations > MAXIMUM_PASSES {
        return Err(refused("at most 262144 KiB and 64 passes".into()));
    }
    let params = Params::new(memory_kib, iterations, 1, Some(OUTPUT)).map_err(|e| refused(e.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// What a hash of these parameters costs: blocks of memory that are filled, each pass anew.
fn cost(params: &Params) -> u64 {
    u64::try_from(params.block_count()).unwrap_or(u64::MAX).saturating_mul(params.t_cost().into())
}

/// Hashes, and gives what that cost.
fn compute(
    argon: &Argon2<'_>,
    secret: &Sensitive,
    salt: &[u8],
    output: &mut [u8],
    memory: &mut Vec<Block>,
) -> u64 {
    let needed = argon.params().block_count();
    if memory.len() < needed {
        memory.reserve_exact(needed - memory.len());
        memory.resize(needed, Block::new());
    }
    let done =
        argon.hash_password_into_with_memory(secret.expose().as_bytes(), salt, output, &mut memory[..needed]);
    done.expect("parameters, salt and length were checked, and no password has 4 GiB");
    cost(argon.params())
}

/// Spends what a hash that was made for less has left of today's cost, so that time does not tell whose hash is old
/// from whom there is none (R16); gives what that cost.
fn spend_rest(present: &Present, spent: u64, secret: &Sensitive, memory: &mut Vec<Block>) -> u64 {
    let today = present.argon.params();
    let rest = cost(today).saturating_sub(spent);
    let passes = rest.div_ceil(cost(today) / u64::from(today.t_cost())).max(1);
    let blocks = rest / passes;
    let of_both = u32::try_from(blocks).ok().zip(u32::try_from(passes).ok());
    let params = of_both.and_then(|(blocks, passes)| Params::new(blocks, passes, 1, Some(OUTPUT)).ok());
    // What is less than Argon2 can do is too little to be seen.
    let Some(params) = params else { return 0 };
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    compute(&argon, secret, &[0; 16], &mut [0; OUTPUT], memory)
}

/// The PHC string, by hand: the format is fixed and needs no second parse of the parameters.
fn phc(params: &Params, salt: &[u8], output: &[u8]) -> String {
    let (m, t, p) = (params.m_cost(), params.t_cost(), params.p_cost());
    let (salt, output) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(output));
    format!("$argon2id$v=19$m={m},t={t},p={p}${salt}${output}")
}

/// What a check found, and what it cost: today's hash at least, whatever is stored.
fn verify(present: &Present, secret: &Sensitive, phc: &str, memory: &mut Vec<Block>) -> (Verified, u64) {
    let Some(stored) = Stored::parse(phc) else {
        let spent = compute(&present.argon, secret, &[0; 16], &mut [0; OUTPUT], memory);
        return (Verified { ok: false, stale: false }, spent);
    };
    let mut output = vec![0; stored.output.len()];
    let spent = compute(&stored.argon, secret, &stored.salt, &mut output, memory);
    let rest = spend_rest(present, spent, secret, memory);
    // What one old hash needed beyond the usual is not kept.
    let usual = present.argon.params().block_count();
    memory.truncate(usual);
    memory.shrink_to(usual);
    let stale = stored.is_weaker_than(present.argon.params());
    (Verified { ok: same(&output, &stored.output), stale }, spent + rest)
}

/// A stored hash, taken apart.
struct Stored {
    algorithm: Algorithm,
    version: Version,
    argon: Argon2<'static>,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Stored {
    /// Reads argon2id, argon2i and argon2d, as other systems write them too; `None` for all else.
    fn parse(phc: &str) -> Option<Self> {
        let parsed = PasswordHash::new(phc).ok()?;
        let algorithm: Algorithm = parsed.algorithm.as_str().parse().ok()?;
        let version = Version::try_from(parsed.version.unwrap_or(0x13)).ok()?;
        let params = Params::try_from(&parsed).ok()?;
        let (salt, output) = (parsed.salt?.as_ref().to_vec(), parsed.hash?.as_bytes().to_vec());
        let bounded = params.m_cost() <= MAXIMUM_MEMORY && params.t_cost() <= MAXIMUM_PASSES;
        if !bounded || salt.len() < argon2::MIN_SALT_LEN || output.len() < 16 {
            return None;
        }
        Some(Self { algorithm, version, argon: Argon2::new(algorithm, version, params), salt, output })
    }

    fn is_weaker_than(&self, now: &Params) -> bool {
        let params = self.argon.params();
        let less = params.m_cost() < now.m_cost() || params.t_cost() < now.t_cost();
        let short = self.salt.len() < 16 || self.output.len() < OUTPUT;
        less || short || self.algorithm != Algorithm::Argon2id || self.version != Version::V0x13
    }
}

#[cfg(test)]
#[path = "hasher_tests.rs"]
mod tests;
