//! The whole command line for a program with kinds of its own. It stands here, for the server may not name what is
//! above it.

use std::process::ExitCode;

use clap::Parser;

use super::Args;
use crate::server::Builder;

impl Builder {
    /// Does what the arguments of the process say, as `multauth` does, with these kinds: `serve`, `check`, `flows`,
    /// `simulate`, `openapi`, and every other command. `--config` goes before [`Builder::settings`].
    ///
    /// `examples/own_device.rs` and `examples/own_secret.rs` are programs that do nothing else. What it gives is the
    /// exit code: 0 where all is fine, 1 for a failure, 2 for wrong settings or arguments, which are told already.
    pub async fn run(self) -> ExitCode {
        crate::startup::choose_cryptography();
        let (file, own) = self.into_parts();
        let mut args = Args::parse();
        args.config = args.config.or(file);
        super::run_with(args, &own).await
    }
}
