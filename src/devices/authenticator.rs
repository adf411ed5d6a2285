//! Authenticator apps: codes computed from a shared seed and the time (RFC 6238, SHA-1, 6 digits, 30 s).

use crate::flows::Factor;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use super::{Address, DeviceKind, Rules, no_address};
use crate::base::clock::SECOND;
use crate::base::seal::same;
use crate::base::{Fault, Millis, Random, Sensitive};

/// How long one code is shown, in seconds.
pub const STEP_SECONDS: i64 = 30;
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

/// The step for which `code` is right, to be stored as the next `last_step` (R69); `None` where it is wrong.
///
/// Right are the codes of the step that holds `now` and of `steps_back` steps before it (0 or 1; more counts as 1),
/// never one of `last_step` or earlier, and never one of the future. Spaces and hyphens in `code` are overlooked.
/// The caller stores the step under the condition that it is still greater than the stored one, so that of two
/// requests with one code one is refused.
pub fn check(seed: &[u8], code: &str, now: Millis, last_step: Option<i64>, steps_back: u8) -> Option<i64> {
    if seed.len() < MINIMUM_SEED_BYTES {
        return None;
    }
    let typed: Zeroizing<String> = Zeroizing::new(code.chars().filter(|c| !" -".contains(*c)).collect());
    let totp = Builder::new().with_secret(seed).build_noncompliant();
    let current = now.div_euclid(STEP_SECONDS * SECOND);
    let steps = (0..=i64::from(steps_back.min(1))).map(|back| current - back).filter(|step| *step >= 0);
    // Every step is computed, so that the time does not tell which one was near.
    let right: Vec<i64> =
        steps.filter(|step| same(code_at(&totp, *step).as_bytes(), typed.as_bytes())).collect();
    right.into_iter().find(|step| last_step.is_none_or(|last| *step > last))
}

fn code_at(totp: &Totp, step: i64) -> Zeroizing<String> {
    let seconds = u64::try_from(step.saturating_mul(STEP_SECONDS)).unwrap_or(0);
    Zeroizing::new(totp.generate(seconds).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::MINUTE;

    const SEED: &[u8; 20] = b"12345678901234567890";

    /// The code that a person would read at `at`.
    fn read(at: Millis) -> String {
        let totp = Builder::new().with_secret(SEED.as_slice()).build_noncompliant();
        code_at(&totp, at / (STEP_SECONDS * SECOND)).to_string()
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
            let step = check(SEED, &code[2..], seconds * SECOND, None, 0);
            assert_eq!(step, Some(seconds / 30), "{code}");
            assert_eq!(check(SEED, "000000", seconds * SECOND, None, 0), None);
        }
    }

    #[test]
    fn a_code_passes_once_and_never_an_older_one() {
        let now = 1_111_111_111 * SECOND;
        let earlier = read(now - 30 * SECOND);
        let step = check(SEED, &read(now), now, None, 1).unwrap();
        assert_eq!(check(SEED, &read(now), now, Some(step), 1), None, "within its step");
        assert_eq!(check(SEED, &read(now), now + 30 * SECOND, Some(step), 1), None, "in the next step");
        assert_eq!(check(SEED, &earlier, now, Some(step), 1), None, "an older code after a newer one");
        let next = now + 30 * SECOND;
        assert_eq!(check(SEED, &read(next), next, Some(step), 1), Some(step + 1));
    }

    #[test]
    fn a_sweep_of_two_minutes_to_either_side() {
        let shown = 1_111_111_110 * SECOND; // the first moment of a step
        let code = read(shown);
        for seconds in -120..=120 {
            let at = shown + seconds * SECOND;
            let with = |back| check(SEED, &code, at, None, back).is_some();
            assert_eq!(with(0), (0..30).contains(&seconds), "{seconds} s, this step only");
            assert_eq!(with(1), (0..60).contains(&seconds), "{seconds} s, one step back");
            assert_eq!(with(200), with(1), "{seconds} s, never more than one");
        }
    }

    #[test]
    fn only_six_digits_are_a_code() {
        let now = 59 * SECOND;
        for code in ["287082", "287 082", "287-082", " 287082 "] {
            assert!(check(SEED, code, now, None, 1).is_some(), "{code}");
        }
        for code in ["", "28708", "2870820", "94287082", "+287082", "287082\0", "٢٨٧٠٨٢", "28708x"] {
            assert_eq!(check(SEED, code, now, None, 1), None, "{code}");
        }
        assert_eq!(check(b"", "287082", now, None, 1), None);
        assert_eq!(check(SEED, &read(0), -1, None, 1), None, "before the epoch");
        assert_eq!(check(SEED, &read(MINUTE), i64::MIN, None, 1), None);
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
