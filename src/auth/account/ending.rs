//! Sessions and what hangs on them, ended.

use crate::auth::error::Result;
use crate::base::{SessionId, UserId};
use crate::store::{Tx, attempts, known_devices, sessions as session_rows};

/// Ends sessions, known devices and attempts under way of a user; gives how many sessions there were. Wrong guesses
/// stay counted: whoever ends all this has not shown every factor (R36, R38).
pub async fn end_everything(tx: &mut Tx, user_id: &UserId) -> Result<u64> {
    // Attempts before sessions, as an attempt that raises one takes them: otherwise the two could wait for each other.
    attempts::drop_of_user(tx, user_id).await?;
    let ended = session_rows::end_all(tx, user_id).await?;
    known_devices::forget(tx, user_id).await?;
    Ok(ended)
}

/// Ends every session of a user but one; gives how many there were. Whoever else was let in is strange again: known
/// devices are forgotten, but that at which the one was opened.
pub async fn end_others(tx: &mut Tx, user_id: &UserId, session: &SessionId) -> Result<u64> {
    let ended = session_rows::end_others(tx, user_id, session).await?;
    known_devices::forget_others(tx, user_id, session).await?;
    Ok(ended)
}
