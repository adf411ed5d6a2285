//! Authenticator apps: codes computed from a shared seed and the time (RFC 6238, SHA-1, 6 digits, 30 s).

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use super::{Address, DeviceKind, Rules, no_address};
use crate::base::clock::SECOND;
use crate::base::seal::same;
use crate::base::{Fault, Millis, Random, Sensitive, typed};
use crate::flows::Factor;

/// How long one code is shown, in seconds.
pub const STEP_SECONDS: i64 = 30;
/// Digits of a code.
pub const DIGITS: usize = 6;
/// The length of a new seed in bytes: the 160 bits that RFC 4226 recommends.
pub const SEED_BYTES: usize = 20;
/// The shortest seed that is worked with: the 128 bits that RFC 4226 demands.
const MINIMUM_SEED_BYTES: usize = 16;

/// An app or token that computes codes. It has no address: its seed is kept sealed by whoever stores it.
pub struct Authenticator;

impl DeviceKind for Authenticator {
    fn name(&self) -> &'static str {
        "authenticator"
    }

    fn field(&self) -> &'static str {
        ""
    }

    fn title(&self) -> &'static str {
        "Authenticator app"
    }

    fn example(&self) -> &'static str {
        ""
    }

    fn names_owner(&self) -> bool {
        false
    }

    fn channels(&self) -> &'static [&'static str] {
        &[]
    }

    fn carries_passcode(&self) -> bool {
        true
    }

    fn factor(&self) -> Option<Factor> {
        Some(Factor::Held)
    }

    fn holds_secret(&self) -> bool {
        false
    }

    fn several(&self) -> bool {
        true
    }

    fn canonical(&self, _: &str, _: &Rules) -> Result<Address, Fault> {
        Err(no_address(self))
    }

    fn mask(&self, _: &str) -> String {
        String::new()
    }
}

/// A fresh seed of 160 bits.
pub fn new_seed(random: &Random) -> Zeroizing<[u8; SEED_BYTES]> {
    Zeroizing::new(random.bytes())
}

/// The seed as people type it into an app: base-32 without padding (RFC 4648).
pub fn seed_text(seed: &[u8]) -> Sensitive {
    Sensitive::new(data_encoding::BASE32_NOPAD.encode(seed))
}

/// The `otpauth://` link that an app reads, with the service's name and a label of the account.
///
/// A colon, which separates the two, becomes a space; each is cut to 64 characters.
pub fn uri(seed: &[u8], issuer: &str, account: &str) -> Sensitive {
    let plain = |text: &str| -> String { text.replace(':', " ").trim().chars().take(64).collect() };
    let (issuer, account) = (plain(issuer), plain(account));
    let account = if account.is_empty() { "account".to_owned() } else { account };
    let issuer = Some(issuer).filter(|issuer| !issuer.is_empty());
    let totp = Builder::new().with_secret(seed).with_issuer(issuer).with_account_name(account);
    Sensitive::new(totp.build_noncompliant().to_url().unwrap_or_default())
}

/// The link of [`uri`] as a QR code, an SVG document; `None` where it is longer than a QR code holds.
pub fn qr_svg(uri: &Sensitive) -> Option<Sensitive> {
    let code = QrCode::with_error_correction_level(uri.expose(), EcLevel::L).ok()?;
    Some(Sensitive::new(code.render::<svg::Color<'_>>().min_dimensions(240, 240).build()))
}

/// What is kept of the last right code of an app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Last {
    /// Its step; no code of that step or of an earlier one is right any more (R69).
    pub step: Option<i64>,
    /// When it was typed.
    pub at: Option<Millis>,
}

/// How many steps ahead of now a last step may lie, a day. What lies further was taken by a clock that was ahead. It
/// counts as taken now, and the first right code says so ([`Seen::Ahead`]): the next one passes.
pub const AHEAD: i64 = 86_400 / STEP_SECONDS;

impl Last {
    /// Whether a clock that was ahead took it.
    fn is_of_the_future(self, now: Millis) -> bool {
        self.step.is_some_and(|step| step > step_at(now).saturating_add(AHEAD))
    }

    /// Whether the code was of a step that had not begun: the app's clock is ahead of ours.
    fn was_ahead(self) -> bool {
        self.step.is_some_and(|step| self.at.is_none_or(|at| step > step_at(at)))
    }
}

/// Which steps' codes are right beside the step of now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// None.
    Now,
    /// One: the step before, or the one after where the last right code was ahead (RFC 6238, section 6). So no more
    /// than two codes are right at any time.
    Two,
    /// Both, while an app is set up: whoever types its first code was shown the seed.
    Three,
}

/// What a typed code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Right for this step.
    Right(i64),
    /// Of the step after that of now, in which it is not right, or of any nearby where the last one was taken by a clock
    /// that was ahead. Where this is noted, the next such code is.
    Ahead,
    /// Of the step before that of now, and the app was ahead until now. Where this is noted, the next such code is
    /// right.
    Behind,
    /// Of no step nearby, or of one that was taken.
    Wrong,
}

/// The step that holds `now`.
pub fn step_at(now: Millis) -> i64 {
    now.div_euclid(STEP_SECONDS * SECOND)
}

/// What `code`, six digits of any script, is at `now`. The caller stores the step of a right one as the next last step,
/// under the condition that it is still greater than the stored one, so that of two requests with one code one is
/// refused.
pub fn check(seed: &[u8], code: &str, now: Millis, last: Last, width: Width) -> Seen {
    if seed.len() < MINIMUM_SEED_BYTES {
        return Seen::Wrong;
    }
    let typed = typed::normal(code).unwrap_or_default();
    let totp = Builder::new().with_secret(seed).build_noncompliant();
    let current = step_at(now);
    // Every step is computed, so that the time does not tell which one was near.
    let fits: Vec<i64> = [current, current.saturating_sub(1), current.saturating_add(1)]
        .into_iter()
        .filter(|step| *step >= 0 && same(code_at(&totp, *step).as_bytes(), typed.expose().as_bytes()))
        .collect();
    if last.is_of_the_future(now) {
        return if fits.is_empty() { Seen::Wrong } else { Seen::Ahead };
    }
    let open = |step: &i64| match width {
        Width::Now => *step == current,
        Width::Two if last.was_ahead() => *step >= current,
        Width::Two => *step <= current,
        Width::Three => true,
    };
    let fresh = || fits.iter().copied().filter(|step| last.step.is_none_or(|last| *step > last));
    match (fresh().find(open), fresh().next()) {
        (Some(step), _) => Seen::Right(step),
        (None, Some(step)) if width == Width::Two => {
            if step > current {
                Seen::Ahead
            } else {
                Seen::Behind
            }
        }
        _ => Seen::Wrong,
    }
}

fn code_at(totp: &Totp, step: i64) -> Zeroizing<String> {
    let seconds = u64::try_from(step.saturating_mul(STEP_SECONDS)).unwrap_or(0);
    Zeroizing::new(totp.generate(seconds).to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::clock::MINUTE;

    const SEED: &[u8; 20] = b"12345678901234567890";

    /// The code that a person would read at `at`.
    fn read(at: Millis) -> String {
        let totp = Builder::new().with_secret(SEED.as_slice()).build_noncompliant();
        code_at(&totp, at / (STEP_SECONDS * SECOND)).to_string()
    }

    fn at(code: &str, now: Millis, step: Option<i64>, width: Width) -> Seen {
        // Typed in its own step: not ahead.
        check(SEED, code, now, Last { step, at: step.map(|step| step * STEP_SECONDS * SECOND) }, width)
    }

    #[test]
    fn the_vectors_of_rfc_6238() {
        // Appendix B, SHA-1, of which an app with six digits shows the last six.
        let vectors = [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ];
        for (seconds, code) in vectors {
            assert_eq!(
                at(&code[2..], seconds * SECOND, None, Width::Now),
                Seen::Right(seconds / 30),
                "{code}"
            );
            assert_eq!(at("000000", seconds * SECOND, None, Width::Now), Seen::Wrong);
        }
    }

    #[test]
    fn a_code_passes_once_and_never_an_older_one() {
        let now = 1_111_111_111 * SECOND;
        let (earlier, step, next) = (read(now - 30 * SECOND), step_at(now), now + 30 * SECOND);
        assert_eq!(at(&read(now), now, None, Width::Two), Seen::Right(step));
        for width in [Width::Now, Width::Two, Width::Three] {
            assert_eq!(at(&read(now), now, Some(step), width), Seen::Wrong, "within its step");
            assert_eq!(at(&read(now), next, Some(step), width), Seen::Wrong, "in the next step");
            assert_eq!(at(&earlier, now, Some(step), width), Seen::Wrong, "an older code after a newer one");
            assert_eq!(at(&read(next), next, Some(step), width), Seen::Right(step + 1));
        }
    }

    #[test]
    fn a_sweep_of_two_minutes_to_either_side() {
        let shown = 1_111_111_110 * SECOND; // the first moment of a step
        let (code, step) = (read(shown), step_at(shown));
        let ahead = Last { step: Some(step - 9), at: Some(shown - 330 * SECOND) };
        let even = Last { at: Some(shown - 270 * SECOND), ..ahead };
        for seconds in -120..=120 {
            let right =
                |last, width| check(SEED, &code, shown + seconds * SECOND, last, width) == Seen::Right(step);
            assert_eq!(right(even, Width::Now), (0..30).contains(&seconds), "{seconds} s, this step only");
            assert_eq!(right(ahead, Width::Now), (0..30).contains(&seconds), "{seconds} s, this step only");
            assert_eq!(right(even, Width::Two), (0..60).contains(&seconds), "{seconds} s, one step back");
            assert_eq!(right(ahead, Width::Two), (-30..30).contains(&seconds), "{seconds} s, one step ahead");
            assert_eq!(right(even, Width::Three), (-30..60).contains(&seconds), "{seconds} s, set up");
        }
    }

    #[test]
    fn a_code_beyond_is_known_for_what_it_is() {
        let now = 1_111_111_111 * SECOND;
        let (before, after, step) = (read(now - 30 * SECOND), read(now + 30 * SECOND), step_at(now));
        assert_eq!(at(&after, now, Some(step - 9), Width::Two), Seen::Ahead);
        // What is noted of it: the step of now is taken, at an earlier time.
        let noted = Last { step: Some(step), at: Some(now - 300 * SECOND) };
        assert_eq!(check(SEED, &after, now, noted, Width::Two), Seen::Right(step + 1));
        assert_eq!(check(SEED, &after, now, Last { at: None, ..noted }, Width::Two), Seen::Right(step + 1));
        let ahead = Last { step: Some(step - 9), at: Some(now - 330 * SECOND) };
        assert_eq!(check(SEED, &before, now, ahead, Width::Two), Seen::Behind);
        assert_eq!(
            check(SEED, &before, now, Last { at: Some(now), ..ahead }, Width::Two),
            Seen::Right(step - 1)
        );
        assert_eq!(at(&after, now, None, Width::Now), Seen::Wrong, "no clock is ahead where one step counts");
    }

    #[test]
    fn a_step_that_was_taken_ahead_is_noted_and_the_next_one_passes() {
        let now = 1_111_111_111 * SECOND;
        let (far, next) = (now + 3_650 * 24 * 60 * MINUTE, now + 30 * SECOND);
        let last = Last { step: Some(step_at(far)), at: Some(far) };
        for width in [Width::Now, Width::Two, Width::Three] {
            assert_eq!(check(SEED, &read(now), now, last, width), Seen::Ahead);
            assert_eq!(check(SEED, "000000", now, last, width), Seen::Wrong);
            let noted = Last { step: Some(step_at(now)), ..last };
            assert_eq!(check(SEED, &read(now), now, noted, width), Seen::Wrong, "once");
            assert_eq!(check(SEED, &read(next), next, noted, width), Seen::Right(step_at(next)));
        }
        let near = Last { step: Some(step_at(now) + AHEAD), at: Some(now) };
        assert_eq!(check(SEED, &read(now), now, near, Width::Two), Seen::Wrong, "it may have been this one");
    }

    #[test]
    fn only_six_digits_are_a_code() {
        let now = 59 * SECOND;
        for code in [
            "287082",
            "287 082",
            "287-082",
            " 287082 ",
            "۲۸۷۰۸۲",
            "٢٨٧٠٨٢",
            "２８７\u{a0}０８２",
            "287\u{200b}082",
        ] {
            assert!(matches!(at(code, now, None, Width::Two), Seen::Right(_)), "{code}");
        }
        for code in ["", "28708", "2870820", "94287082", "+287082", "287082\0", "28708x"] {
            assert_eq!(at(code, now, None, Width::Three), Seen::Wrong, "{code}");
        }
        assert_eq!(check(b"", "287082", now, Last::default(), Width::Two), Seen::Wrong);
        assert_eq!(at(&read(0), -31 * SECOND, None, Width::Three), Seen::Wrong, "before the epoch");
        assert_eq!(at(&read(MINUTE), i64::MIN, None, Width::Three), Seen::Wrong);
    }

    proptest! {
        /// Whatever was typed before, and however what was seen of it is noted.
        #[test]
        fn no_more_than_two_codes_are_right_at_any_time(typed in prop::collection::vec((-2_i64..=2, 0_i64..200), 1..20)) {
            let (mut now, mut last) = (1_111_111_111 * SECOND, Last::default());
            for (off, seconds) in typed {
                now += seconds * SECOND;
                let right = |step: i64| {
                    let code = read(step * STEP_SECONDS * SECOND);
                    matches!(check(SEED, &code, now, last, Width::Two), Seen::Right(_))
                };
                let all = (-5..=5).filter(|off| right(step_at(now) + off)).count();
                prop_assert!(all <= 2, "{} codes are right at {}", all, now);
                let code = read(now + off * STEP_SECONDS * SECOND);
                match check(SEED, &code, now, last, Width::Two) {
                    Seen::Right(step) => last = Last { step: Some(step), at: Some(now) },
                    Seen::Ahead => last.step = last.step.max(Some(step_at(now))),
                    Seen::Behind => last.at = Some(now),
                    Seen::Wrong => {}
                }
            }
        }
    }

    #[test]
    fn a_link_holds_what_an_app_needs() {
        let seed = new_seed(&Random::seeded(1));
        let link = uri(seed.as_slice(), "Ex: ample", "ada@example.com");
        let text = seed_text(seed.as_slice());
        assert_eq!(text.expose().len(), 32);
        let expected = format!(
            "otpauth://totp/Ex%20%20ample:ada%40example.com?secret={}&issuer=Ex%20%20ample",
            text.expose()
        );
        assert_eq!(link.expose(), expected);
        assert!(uri(seed.as_slice(), "", "").expose().starts_with("otpauth://totp/account?secret="));
        let svg = qr_svg(&link).unwrap();
        assert!(svg.expose().contains("<svg") && !svg.expose().contains(text.expose()));
    }

    #[test]
    fn the_longest_link_fits_a_qr_code() {
        let long = "🙂".repeat(300);
        assert!(qr_svg(&uri(&[7; 64], &long, &long)).is_some());
        assert!(qr_svg(&Sensitive::new("x".repeat(4_000))).is_none());
    }

    #[test]
    fn two_seeds_differ() {
        let random = Random::seeded(1);
        assert_ne!(new_seed(&random), new_seed(&random));
    }
}
