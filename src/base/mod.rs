//! The ground everything stands on: time, chance, ids, secrets that do not print, sealing, work that lasts.
//! No I/O here, and no other folder of the crate is named.

pub mod catalogue;
pub mod channel;
pub mod clock;
pub mod details;
pub mod fault;
pub mod faults;
pub mod ids;
pub mod lasting;
pub mod lease;
pub mod mistake;
pub mod moments;
pub mod net;
pub mod purpose;
pub mod random;
pub mod scope;
pub mod seal;
pub mod sensitive;
pub mod tuple;
pub mod turns;
pub mod typed;
pub mod unknown;

pub use channel::Channel;
pub use clock::{Clock, Millis};
pub use details::Detail;
pub use fault::Fault;
pub use faults::Wrong;
pub use ids::{AttemptId, DeviceId, KnownDeviceId, SessionId, UserId};
pub use lasting::Lasting;
pub use mistake::Mistake;
pub use purpose::Purpose;
pub use random::Random;
pub use scope::Scope;
pub use sensitive::Sensitive;
pub use tuple::TupleSpec;
