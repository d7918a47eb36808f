//! Passwords (Argon2id, RFC 9106) and the codes of an authenticator (TOTP, RFC 6238).

use crate::problem::{Answer, Problem};
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use axum::http::StatusCode;
use jiff::Timestamp;
use std::sync::LazyLock;
use tokio::sync::Semaphore;
use totp_rs::{Builder, Totp};

/// The fewest characters of a password (NIST SP 800-63B-4 asks for 15 where nothing stands beside it).
pub(crate) const FEWEST: usize = 15;
/// The most: more would only cost time.
const MOST: usize = 256;

/// Hashing takes 19 MiB of memory: one at a time, so that many attempts cannot take it all.
static ONE: Semaphore = Semaphore::const_new(1);

/// Says no to a password that nobody should have.
pub(crate) fn check(password: &str, person: &str) -> Answer<()> {
    let refuse = |words: String| Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "account/weak-password", words));
    let length = password.chars().count();
    if length < FEWEST {
        return refuse(format!("a password has {FEWEST} characters at the least; this one has {length}"));
    }
    if password.len() > MOST {
        return refuse(format!("a password has {MOST} bytes at the most"));
    }
    let mut different: Vec<char> = password.to_lowercase().chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < 5 || password.to_lowercase().contains(&person.to_lowercase()) && length < FEWEST + person.len()
    {
        return refuse("this password is too easy to guess".to_owned());
    }
    Ok(())
}

/// The hash that is kept of a password.
pub(crate) async fn hash(password: String) -> Answer<String> {
    let _permit = ONE.acquire().await;
    let work = move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string());
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(hash)) => Ok(hash),
        _ => Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "service/failed", "the password could not be hashed")),
    }
}

/// Whether a password is the one of a hash. Where there is none it takes as long, and the answer is no.
pub(crate) async fn is_right(password: String, hash: Option<String>) -> bool {
    static NOBODY: LazyLock<Option<String>> =
        LazyLock::new(|| Argon2::default().hash_password(b"nobody").map(|hash| hash.to_string()).ok());
    if password.len() > MOST {
        return false;
    }
    let _permit = ONE.acquire().await;
    let work = move || {
        let is_there = hash.is_some();
        let Some(hash) = hash.or_else(|| NOBODY.clone()) else { return false };
        Argon2::default().verify_password(password.as_bytes(), hash.as_str()).is_ok() && is_there
    };
    tokio::task::spawn_blocking(work).await.unwrap_or(false)
}

/// The authenticator of somebody.
pub(crate) fn authenticator(secret: &[u8], person: &str) -> Option<Totp> {
    // A colon would end the account's name.
    let account = person.replace(':', "_");
    Builder::new().with_secret(secret.to_vec()).with_account_name(account).with_issuer(Some("Plimsoll")).build().ok()
}

/// The step that a code is of, if it is right as of an instant and of a step after the last one that was used.
pub(crate) fn step_of(authenticator: &Totp, code: &str, (now, last): (Timestamp, u64)) -> Option<u64> {
    let code: String = code.chars().filter(|character| !character.is_whitespace()).collect();
    let seconds = u64::try_from(now.as_second()).ok()?;
    authenticator.check(&code, seconds).filter(|step| *step > last)
}

#[cfg(test)]
mod tests {
    use super::{authenticator, check, step_of};
    use jiff::Timestamp;

    #[test]
    fn weak_passwords_are_refused() {
        for weak in ["short", "aaaaaaaaaaaaaaaaaa", "rosa.meier12345", &"x".repeat(300)] {
            assert!(check(weak, "rosa.meier").is_err(), "{weak}");
        }
        assert!(check("correct horse battery staple", "rosa.meier").is_ok());
    }

    #[test]
    fn a_code_holds_once() {
        // RFC 6238, appendix B: the secret of the SHA-1 column, six of the eight digits.
        let authenticator = authenticator(b"12345678901234567890", "rosa").expect("an authenticator");
        let now = Timestamp::from_second(1_111_111_109).expect("an instant");
        let step = step_of(&authenticator, "081 804", (now, 0)).expect("the code is right");
        assert_eq!(step_of(&authenticator, "081804", (now, step)), None, "it was used");
        assert_eq!(step_of(&authenticator, "081805", (now, 0)), None);
        let later = Timestamp::from_second(1_111_111_109 + 90).expect("an instant");
        assert_eq!(step_of(&authenticator, "081804", (later, 0)), None, "it is over");
    }
}
