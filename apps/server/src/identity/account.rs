//! Accounts: how somebody signs in. They lie beside the ledger, which tells only that something has changed.

use super::password::{self, authenticator, step_of};
use crate::app::{App, random};
use crate::problem::{Answer, Problem};
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use lifecycle::{Command, Credential, PersonId, SYSTEM};
use serde::{Deserialize, Serialize};
use store::Plan;

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

impl Account {
    /// The account of somebody; an empty one where there is none.
    pub(crate) async fn of(app: &App, person: &PersonId) -> Answer<Self> {
        let text = app.organisation.store.account(person).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    /// Whether they can sign in at all.
    pub(crate) fn is_usable(&self) -> bool {
        self.password.is_some() || self.provider.is_some()
    }

    /// Whether codes are asked for.
    pub(crate) fn has_authenticator(&self) -> bool {
        self.authenticator.as_ref().is_some_and(|authenticator| authenticator.is_confirmed)
    }

    /// Keeps it, and tells the ledger what has changed.
    pub(crate) async fn keep(
        &self,
        app: &App,
        (person, by): (&PersonId, &PersonId),
        changed: &[(Credential, bool)],
    ) -> Answer<()> {
        let text = serde_json::to_string(self).map_err(|error| Problem::internal(&error))?;
        let command = |(credential, is_there): &(Credential, bool)| {
            Command::ChangeCredential(person.clone(), *credential, *is_there)
        };
        let plan = Plan {
            commands: changed.iter().map(command).collect(),
            accounts: vec![(person.clone(), Some(text))],
            ..Plan::default()
        };
        app.organisation.store.commit(by, app.now(), move |_| Ok(plan)).await?;
        Ok(())
    }
}

/// Somebody tries to sign in. Every way that it may fail looks the same from outside.
pub(crate) async fn sign_in(app: &App, person: &str, password: &str, code: &str) -> Answer<PersonId> {
    let wrong =
        || Problem::new(StatusCode::UNAUTHORIZED, "account/wrong", "the name, the password or the code is not right");
    let id = PersonId::new(person.trim());
    let account = match &id {
        Ok(id) => Account::of(app, id).await?,
        Err(_) => Account::default(),
    };
    let is_right = password::is_right(password.to_owned(), account.password.clone()).await;
    let id = id.map_err(|_| wrong())?;
    let is_known = {
        let record = app.organisation.store.record().await?;
        record.state.people.get(&id).is_some_and(|known| !known.is_erased)
    };
    if !is_right || !is_known {
        return Err(wrong());
    }
    let Some(known) = account.authenticator.clone().filter(|known| known.is_confirmed) else { return Ok(id) };
    let step = step(app, &id, &known, code).ok_or_else(wrong)?;
    let used = Account { authenticator: Some(Authenticator { last_step: step, ..known }), ..account };
    used.keep(app, (&id, &id), &[]).await?;
    Ok(id)
}

/// The step that a code of somebody's authenticator is of, if it is right.
pub(crate) fn step(app: &App, person: &PersonId, known: &Authenticator, code: &str) -> Option<u64> {
    let secret = app.sealer.unseal(&known.secret, person.as_str())?;
    step_of(&authenticator(&secret, person.as_str())?, code, (app.now(), known.last_step))
}

/// Invites somebody: the answer is the secret of a link that holds once. What they signed in with before holds no longer.
pub(crate) async fn invite(app: &App, person: &PersonId, by: &PersonId) -> Answer<String> {
    let secret = protocol::hexadecimal(&random::<32>().map_err(|error| Problem::internal(&error))?);
    let until = app.now() + SignedDuration::from_hours(24 * INVITED_DAYS);
    let invitation = Some((ledger::digest(secret.as_bytes()), until));
    let account = Account { invitation, ..Account::default() };
    account.keep(app, (person, by), &[(Credential::Invitation, true)]).await?;
    app.organisation.store.end_sessions_of(person).await?;
    Ok(secret)
}

/// Who an invitation is for, if it holds.
pub(crate) async fn invited(app: &App, secret: &str) -> Answer<Option<PersonId>> {
    let digest = ledger::digest(secret.as_bytes());
    if let Ok(setup) = app.setup.lock()
        && let Some((known, person)) = setup.as_ref()
        && protocol::is_same(known.as_bytes(), digest.as_bytes())
    {
        return Ok(Some(person.clone()));
    }
    let now = app.now();
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

/// Somebody takes an invitation up, and chooses a password. The link holds no longer.
pub(crate) async fn accept(app: &App, secret: &str, password: &str) -> Answer<PersonId> {
    let gone = || {
        Problem::new(StatusCode::GONE, "account/invitation-over", "this link was used, or is over: ask for another one")
    };
    let person = invited(app, secret).await?.ok_or_else(gone)?;
    password::check(password, person.as_str())?;
    let hash = password::hash(password.to_owned()).await?;
    // Of two who take it up at once one is the first.
    let _one = ACCEPTING.lock().await;
    if invited(app, secret).await? != Some(person.clone()) {
        return Err(gone());
    }
    let account = Account { password: Some(hash), ..Account::default() };
    let system = PersonId::new(SYSTEM)?;
    let digest = ledger::digest(secret.as_bytes());
    let own = |(known, _): &mut (String, PersonId)| *known == digest;
    let was_setup = app.setup.lock().ok().and_then(|mut setup| setup.take_if(own)).is_some();
    let changed: &[(Credential, bool)] = if was_setup { &[] } else { &[(Credential::Invitation, false)] };
    account.keep(app, (&person, &system), changed).await?;
    account.keep(app, (&person, &person), &[(Credential::Password, true)]).await?;
    Ok(person)
}

/// Somebody chooses another password; everybody who is signed in under their name is signed out.
pub(crate) async fn change_password(app: &App, person: &PersonId, (old, new): (&str, &str)) -> Answer<()> {
    let account = Account::of(app, person).await?;
    if account.password.is_some() && !password::is_right(old.to_owned(), account.password.clone()).await {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "account/wrong",
            "the password that you have now is another one",
        ));
    }
    password::check(new, person.as_str())?;
    let hash = password::hash(new.to_owned()).await?;
    let account = Account { password: Some(hash), ..account };
    account.keep(app, (person, person), &[(Credential::Password, true)]).await?;
    app.organisation.store.end_sessions_of(person).await?;
    Ok(())
}
