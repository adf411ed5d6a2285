//! What an attempt asks and answers, over HTTP, with codes read from delivered messages: steps, codes, guesses, windows,
//! sign-in and recovery.

mod channels;
mod concurrency;
mod counted;
mod delayed;
mod enumeration;
mod first_sign_in;
mod gone_secrets;
mod guesses;
mod lifetimes;
mod passcodes;
mod purposes;
mod recovery;
mod second_factor;
mod steps;
mod turns;
mod typing;
mod unfinished;
mod weighing;
mod windows;
mod worked_example;
mod wrong_values;
