//! Accounts: how somebody signs in. They lie beside the ledger, which tells only that something has changed.

use super::password::{self, authenticator, step_of};
use super::session;
use crate::app::{App, random};
use crate::problem::{Answer, Problem};
use axum::http::{HeaderValue, StatusCode};
use jiff::{SignedDuration, Timestamp};
use lifecycle::{Command, Credential, PersonId, Refusal};
use serde::{Deserialize, Serialize};
use store::{AccountChange, Plan, Record, Session};

/// How long an invitation holds.
const INVITED_DAYS: i64 = 7;

/// One invitation is taken up at a time.
static ACCEPTING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// How somebody signs in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Account {
    /// A link that holds once: the digest of its secret, and until when.
    pub(crate) invitation: Option<(String, Timestamp)>,
    /// The hash of the password.
    pub(crate) password: Option<String>,
    /// The authenticator.
    pub(crate) authenticator: Option<Authenticator>,
    /// Who they are at the identity provider: its address, and its own id for them.
    pub(crate) provider: Option<(String, String)>,
    /// What they are called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// Their address for mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    /// Their id at the identity provider that keeps people up to date here (SCIM `externalId`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) external: Option<String>,
}

/// An authenticator as it is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Authenticator {
    /// Its secret, sealed.
    pub(crate) secret: String,
    /// The step of the last code that was used: none holds twice.
    pub(crate) last_step: u64,
    /// Whether a code was seen: before that it keeps nobody out.
    pub(crate) is_confirmed: bool,
}

/// An account as it was read: what is kept later is kept only if nobody has changed it since.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) account: Account,
    person: PersonId,
    text: Option<String>,
}

impl Known {
    /// The account of somebody; an empty one where there is none.
    pub(crate) async fn of(app: &App, person: &PersonId) -> Answer<Self> {
        let text = app.organisation.store.account(person).await?;
        // One that cannot be read is not taken for none: nobody signs in in its place.
        let read = text.as_deref().map(serde_json::from_str).transpose();
        let account = read.map_err(|error| Problem::internal(&error))?.unwrap_or_default();
        Ok(Self { account, person: person.clone(), text })
    }

    /// Whose it is.
    pub(crate) fn person(&self) -> &PersonId {
        &self.person
    }

    /// Keeps another account in its place, and tells the ledger what has changed. It is refused if somebody has changed the account
    /// since it was read, or the person is gone.
    pub(crate) async fn keep(
        &self,
        app: &App,
        (account, by): (&Account, &PersonId),
        (changed, ends_sessions): (&[(Credential, bool)], bool),
    ) -> Answer<()> {
        self.commit(app, (account, by), (changed, ends_sessions), Vec::new()).await
    }

    /// The same, and signs them in.
    pub(crate) async fn keep_and_sign_in(
        &self,
        app: &App,
        (account, by): (&Account, &PersonId),
        changed: &[(Credential, bool)],
    ) -> Answer<HeaderValue> {
        let (session, cookie) = session::new(app, &self.person)?;
        self.commit(app, (account, by), (changed, false), vec![session]).await?;
        Ok(cookie)
    }

    async fn commit(
        &self,
        app: &App,
        (account, by): (&Account, &PersonId),
        (changed, ends_sessions): (&[(Credential, bool)], bool),
        sessions: Vec<Session>,
    ) -> Answer<()> {
        let text = serde_json::to_string(account).map_err(|error| Problem::internal(&error))?;
        let (person, changed) = (self.person.clone(), changed.to_vec());
        let planner = move |record: &Record| {
            if record.state.people.get(&person).is_none_or(|known| known.is_erased) {
                return Err(Refusal::Unknown { what: "person", id: person.to_string() }.into());
            }
            let command = |(credential, is_there)| Command::ChangeCredential(person.clone(), credential, is_there);
            Ok(Plan {
                commands: changed.into_iter().map(command).collect(),
                accounts: vec![AccountChange { person: person.clone(), body: Some(text), ends_sessions }],
                sessions,
                ..Plan::default()
            })
        };
        let expects = (self.person.clone(), self.text.clone());
        app.organisation.store.commit_on_account(by, app.now(), expects, planner).await?;
        Ok(())
    }
}

/// The address for mail in what is kept of how somebody signs in, if one is known.
pub(crate) fn address_of_account(account: &str) -> Option<String> {
    serde_json::from_str::<Account>(account).ok()?.email.filter(|address| !address.is_empty())
}

impl Account {
    /// What they are called, and nothing by which they sign in.
    fn called(&self) -> Self {
        let (name, email, external) = (self.name.clone(), self.email.clone(), self.external.clone());
        Self { name, email, external, ..Self::default() }
    }

    /// Whether they can sign in at all.
    pub(crate) fn is_usable(&self) -> bool {
        self.password.is_some() || self.provider.is_some()
    }

    /// Whether codes are asked for.
    pub(crate) fn has_authenticator(&self) -> bool {
        self.authenticator.as_ref().is_some_and(|authenticator| authenticator.is_confirmed)
    }
}

/// Somebody tries to sign in: who they are, and the cookie. Every way that it may fail looks the same from outside.
pub(crate) async fn sign_in(app: &App, person: &str, password: &str, code: &str) -> Answer<(PersonId, HeaderValue)> {
    let wrong =
        || Problem::new(StatusCode::UNAUTHORIZED, "account/wrong", "the name, the password or the code is not right");
    let id = PersonId::new(person);
    let hash = match &id {
        Ok(id) => Known::of(app, id).await?.account.password,
        Err(_) => None,
    };
    let is_right = password::is_right(password.to_owned(), hash.clone()).await;
    let id = id.map_err(|_| wrong())?;
    // Hashing takes its time: what is kept is read again, and nothing is done if it is changed once more.
    let known = Known::of(app, &id).await?;
    if !is_right || known.account.password != hash {
        return Err(wrong());
    }
    let mut account = known.account.clone();
    if let Some(authenticator) = account.authenticator.as_mut().filter(|authenticator| authenticator.is_confirmed) {
        authenticator.last_step = step(app, &id, authenticator, code).ok_or_else(wrong)?;
    }
    match known.keep_and_sign_in(app, (&account, &id), &[]).await {
        Ok(cookie) => Ok((id, cookie)),
        // Somebody else used the code, or changed the account, or the person is gone.
        Err(problem) if matches!(problem.status(), StatusCode::CONFLICT | StatusCode::NOT_FOUND) => Err(wrong()),
        Err(problem) => Err(problem),
    }
}

/// The step that a code of somebody's authenticator is of, if it is right.
pub(crate) fn step(app: &App, person: &PersonId, known: &Authenticator, code: &str) -> Option<u64> {
    let secret = app.sealer.unseal(&known.secret, person.as_str())?;
    step_of(&authenticator(&secret, person.as_str())?, code, (app.now(), known.last_step))
}

/// Invites somebody: the answer is the secret of a link that holds once. What they had before holds no longer: password,
/// authenticator, sessions and tokens.
pub(crate) async fn invite(app: &App, person: &PersonId, by: &PersonId) -> Answer<String> {
    let secret = protocol::hexadecimal(&random::<32>().map_err(|error| Problem::internal(&error))?);
    let until = app.now() + SignedDuration::from_hours(24 * INVITED_DAYS);
    let known = Known::of(app, person).await?;
    let account = Account { invitation: Some((digest_of(&secret), until)), ..known.account.called() };
    known.keep(app, (&account, by), (&[(Credential::Invitation, true)], true)).await?;
    Ok(secret)
}

fn digest_of(secret: &str) -> String {
    ledger::digest(secret.as_bytes())
}

/// Whether anybody can sign in. An account that cannot be read is somebody's: damage hands nobody the first administrator's link.
pub(crate) async fn is_anybody_usable(app: &App) -> Result<bool, store::Error> {
    let accounts = app.organisation.store.accounts().await?;
    let is_usable = |text: &String| serde_json::from_str::<Account>(text).map_or(true, |account| account.is_usable());
    Ok(accounts.values().any(is_usable))
}

/// Who an invitation is for, if it holds. The link of the first administrator holds for a day, and as long as nobody can sign in.
pub(crate) async fn invited(app: &App, secret: &str) -> Answer<Option<PersonId>> {
    let (digest, now) = (digest_of(secret), app.now());
    let setup = app.setup.lock().ok().and_then(|setup| setup.clone());
    if let Some(setup) = setup.filter(|setup| protocol::is_same(setup.digest.as_bytes(), digest.as_bytes())) {
        return Ok((now < setup.until && !is_anybody_usable(app).await?).then_some(setup.person));
    }
    for (person, text) in app.organisation.store.accounts().await? {
        let account: Account = serde_json::from_str(&text).unwrap_or_default();
        let holds = account
            .invitation
            .as_ref()
            .is_some_and(|(known, until)| protocol::is_same(known.as_bytes(), digest.as_bytes()) && now < *until);
        if holds {
            return Ok(PersonId::new(person).ok());
        }
    }
    Ok(None)
}

/// Somebody takes an invitation up, chooses a password, and is signed in. The link holds no longer.
pub(crate) async fn accept(app: &App, secret: &str, password: &str) -> Answer<(PersonId, HeaderValue)> {
    let gone = || {
        Problem::new(StatusCode::GONE, "account/invitation-over", "this link was used, or is over: ask for another one")
    };
    let person = invited(app, secret).await?.ok_or_else(gone)?;
    password::check(password, person.as_str())?;
    let hash = password::hash(password.to_owned()).await?;
    // Of two who take it up at once one is the first.
    let _one = ACCEPTING.lock().await;
    let known = Known::of(app, &person).await?;
    if invited(app, secret).await?.as_ref() != Some(&person) {
        return Err(gone());
    }
    let account = Account { password: Some(hash), ..known.account.called() };
    let changed = [(Credential::Password, true)];
    let cookie = known.keep_and_sign_in(app, (&account, &person), &changed).await?;
    if let Ok(mut setup) = app.setup.lock() {
        *setup = None;
    }
    Ok((person, cookie))
}

/// Somebody chooses another password; everybody who is signed in under their name is signed out.
pub(crate) async fn change_password(app: &App, person: &PersonId, (old, new): (&str, &str)) -> Answer<()> {
    let refuse = |words| Err(Problem::new(StatusCode::FORBIDDEN, "account/wrong", words));
    let known = Known::of(app, person).await?;
    if known.account.password.is_none() {
        return refuse("there is no password to change: an administrator can invite you to choose one");
    }
    if !password::is_right(old.to_owned(), known.account.password.clone()).await {
        return refuse("the password that you have now is another one");
    }
    password::check(new, person.as_str())?;
    let hash = password::hash(new.to_owned()).await?;
    let account = Account { password: Some(hash), ..known.account.clone() };
    known.keep(app, (&account, person), (&[(Credential::Password, true)], true)).await
}

/// Somebody signs with their name and does something by it: where they are called something already it must be that, else they are
/// called so once it is done.
pub(crate) async fn sign(app: &App, person: &PersonId, name: &str, command: Command) -> Answer<()> {
    const MOST_BYTES: usize = 200;
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let name = words(name);
    let refuse = |text: &str| Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "account/name", text));
    if name.is_empty() || name.len() > MOST_BYTES {
        return refuse("sign with your name, in 200 bytes at the most");
    }
    let known = Known::of(app, person).await?;
    match &known.account.name {
        Some(called) if words(called).to_lowercase() == name.to_lowercase() => {
            app.organisation.act(person, app.now(), command).await?;
            Ok(())
        }
        Some(_) => refuse("this is not the name that is known of you here: an administrator can change it"),
        None => {
            app.organisation.act(person, app.now(), command).await?;
            let account = Account { name: Some(name), ..known.account.clone() };
            known.keep(app, (&account, person), (&[], false)).await
        }
    }
}
