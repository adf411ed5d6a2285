//! Persons, each from a new device to the end, under five lists of flows (a recovery is always by the code of an
//! address or a number). `→` leads to the end; `✗` is refused on the way; `–` cannot be there.
//!
//! | person | built-in | email+passcode | username+password, +passcode | phone+passcode | email+password |
//! |---|---|---|---|---|---|
//! | 1 plain, an address | password, mail → in; a changed address → in, old ✗; recovers after a day | mail → in; a changed address → in, old ✗; no password to recover | password, mail → in; the same | – no address lets in | password → in; the same |
//! | 2 with a phone | ten codes; password, sms → in; mail for sms ✗ | ten codes; mail, sms → in | ten codes; password, sms → in | sms → in; no codes, last way in stays | password → in: nothing asks for it; no codes |
//! | 3 with an app | ten codes; password, app → in | ten codes; mail, app → in | ten codes; password, app → in | ten codes; sms, app → in | ✗ `never_asked` |
//! | 4 lost the phone | a recovery code → in, new phone, new codes; without: ✗ → reset, key | the same, after the mail; reset alone opens | the same | ✗ → the operator's new number; the old one goes after three days | password → in, removes it |
//! | 5 lost the app | a recovery code → in, new app, new codes; without: ✗, recovery ✗ → reset, key | the same; reset | the same; reset, key | the same; reset | – |
//! | 6 lost the mailbox | password, sms → changes the address; a code made by hand → the same; else ✗ → the operator's address | ✗ even with a phone or a code → the operator's address | as built-in | sms → changes the address | password → changes the address |
//! | 7 lost password and phone | recovers by mail; sms ✗, a recovery code older than three days → in; else reset, key | – no password: 4 | the same | – no password: 4 | recovers by mail → in |
//! | 8 a username alone | app ✗ `never_asked`; forgot the password → reset, key | – | app, ten codes, a code when lost; forgot the password → reset, key | – | – |
//! | 9 a number and a card | card, sms → changes the number; lost it: a recovery code → the same; else the operator's number | – no card there | – | – | – |
//! | 10 two apps | either → in unnamed; the old goes by its own code, by the new one ✗ until three days old | the same | the same | the same | – |
//! | 11 set up by the operator | given an address: recovers at once → password, mail; waits until enabled | given an address → in, recovers at once | as built-in | given a number → in, recovers at once | given an address → in, recovers at once |
//! | 12 mail opened elsewhere | the code is shown to type, or the password confirms there; the laptop stays | the press confirms, and the laptop signs in anew | – no address at sign-up | – | as built-in |
//! | 13 robbed of a session | the oldest undo at once and after 71 h → new password, then sms → in; the thief has nothing | the same; mail, sms → in | as built-in; the name is nobody else's meanwhile, but where the operator gives it away → another of theirs | the same by a text message; sms → in | the same; new password → in |

mod alone;
mod apps;
mod elsewhere;
mod hand;
mod list;
mod mailbox;
mod phone;
mod plain;
mod reset;
mod robbed;
