//! Chance is handed in, so that a walk through a flow can be repeated.

use std::sync::{Arc, Mutex};

use aws_lc_rs::digest;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Where random bytes come from: the system's generator, or a seeded one for tests.
#[derive(Clone, Default)]
pub enum Random {
    /// The operating system's cryptographic generator.
    #[default]
    System,
    /// A repeatable stream; never for a running server.
    Seeded(Arc<Mutex<u64>>),
}

impl Random {
    /// A repeatable stream of bytes, for tests and `simulate`.
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(Mutex::new(seed)))
    }

    /// `N` random bytes.
    ///
    /// # Panics
    /// Where the operating system refuses to give random bytes: nothing safe can be done then.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        match self {
            Self::System => SystemRandom::new().fill(&mut out).expect("the system gives random bytes"),
            Self::Seeded(seed) => {
                let mut seed = seed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                for chunk in out.chunks_mut(32) {
                    *seed = seed.wrapping_add(1);
                    let block = digest::digest(&digest::SHA256, &seed.to_be_bytes());
                    chunk.copy_from_slice(&block.as_ref()[..chunk.len()]);
                }
            }
        }
        out
    }

    /// 256 random bits as base64url without padding (43 characters).
    pub fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<32>())
    }

    /// A random UUID (version 4) as lower-case text.
    pub fn uuid(&self) -> String {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid().to_string()
    }
}

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random")
    }
}
