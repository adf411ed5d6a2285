//! The four doors and the corridor behind them, over HTTP, with codes read from delivered messages.

mod worked_example;
