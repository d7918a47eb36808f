//! An identity provider (OpenID Connect Core 1.0, authorization code flow with PKCE): it says who somebody is; what they may do is
//! said here.

use super::account::{Account, Known};
use crate::app::App;
use crate::error::Error;
use crate::problem::{Answer, Problem};
use crate::settings::ProviderSettings;
use axum::http::{HeaderValue, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use lifecycle::{Command, Credential, GroupId, PersonId, SYSTEM, Source};
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreIdTokenClaims, CoreProviderMetadata};
use openidconnect::{
    AsyncHttpClient, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    TokenResponse,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::Duration;
use store::Plan;

/// The page that the provider sends people back to.
pub(crate) const BACK_PATH: &str = "/sign-in/provider/back";
/// What the attempt is sealed for.
const PURPOSE: &str = "sign-in by provider";
/// How long an attempt may take.
const MINUTES: i64 = 10;
/// The most bytes of what the provider answers.
const MOST_BYTES: usize = 1 << 20;

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// An identity provider, as it is set.
pub(crate) struct Provider {
    settings: ProviderSettings,
    http: Http,
    /// What the provider says of itself, and when it did.
    described: tokio::sync::Mutex<Option<(Timestamp, CoreProviderMetadata)>>,
}

/// For so long it is believed to be as it was.
const DESCRIBED: SignedDuration = SignedDuration::from_mins(5);

/// What the provider is asked with.
struct Http(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Asking;

    fn call(&'c self, request: HttpRequest) -> Asking {
        asked(self.0.clone(), request)
    }
}

/// An attempt to sign in: it travels with the browser, sealed, so that any replica can go on with it.
#[derive(Serialize, Deserialize)]
struct Attempt {
    state: String,
    nonce: String,
    verifier: String,
    until: Timestamp,
    next: String,
}

/// What the provider sends somebody back with.
pub(crate) struct Back {
    pub(crate) code: String,
    pub(crate) state: String,
    /// Its own words, where it refused.
    pub(crate) refused: Option<String>,
}

/// Why the provider could not be asked.
#[derive(Debug, thiserror::Error)]
enum HttpError {
    #[error(transparent)]
    Client(#[from] reqwest::Error),
    #[error(transparent)]
    Http(#[from] axum::http::Error),
    #[error("its answer is larger than {MOST_BYTES} bytes")]
    Large,
    #[error("it names the address `{0}`, which is not https")]
    Plain(String),
}

/// Whether an address may be asked: over TLS, or on this machine.
fn is_trusted(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return false };
    let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    url.scheme() == "https" || url.scheme() == "http" && is_here
}

/// What the provider is asked, on its way.
type Asking = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send>>;

fn asked(http: reqwest::Client, request: HttpRequest) -> Asking {
    Box::pin(async move {
        let address = request.uri().to_string();
        if !is_trusted(&address) {
            return Err(HttpError::Plain(address));
        }
        let mut answer = http.execute(reqwest::Request::try_from(request)?).await?;
        let mut built = axum::http::Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            built = built.header(name, value);
        }
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await? {
            body.extend_from_slice(&part);
            if body.len() > MOST_BYTES {
                return Err(HttpError::Large);
            }
        }
        Ok(built.body(body)?)
    })
}

impl Provider {
    pub(crate) fn new(settings: &ProviderSettings) -> Result<Self, Error> {
        if !is_trusted(&settings.issuer) {
            return Err(Error::Setting(format!(
                "the identity provider's address `{}` must begin with https://",
                settings.issuer
            )));
        }
        let client = ::feeds::client_builder()
            .timeout(Duration::from_secs(15))
            .redirect(reqwest::redirect::Policy::none())
            .build();
        let http = client.map_err(|error| Error::Setting(format!("no client for the identity provider: {error}")))?;
        Ok(Self { settings: settings.clone(), http: Http(http), described: tokio::sync::Mutex::default() })
    }

    async fn client(&self, app: &App) -> Answer<Client> {
        let issuer = IssuerUrl::new(self.settings.issuer.clone()).map_err(|error| failed(&error))?;
        let mut described = self.described.lock().await;
        let now = app.now();
        let metadata = match described.as_ref().filter(|(at, _)| now.duration_since(*at).abs() < DESCRIBED) {
            Some((_, metadata)) => metadata.clone(),
            None => {
                let metadata = CoreProviderMetadata::discover_async(issuer, &self.http).await;
                let metadata = metadata.map_err(|error| failed(&error))?;
                *described = Some((now, metadata.clone()));
                metadata
            }
        };
        drop(described);
        let secret = Some(ClientSecret::new(self.settings.secret.clone()));
        let back = RedirectUrl::new(app.settings.address_of(BACK_PATH)).map_err(|error| failed(&error))?;
        let client = CoreClient::from_provider_metadata(metadata, ClientId::new(self.settings.client.clone()), secret);
        Ok(client.set_redirect_uri(back))
    }

    /// Where to send somebody who wants to sign in, and what their browser is to bring back.
    pub(crate) async fn begin(&self, app: &App, next: String) -> Answer<(String, String)> {
        let client = self.client(app).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let request =
            client.authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random);
        let request = request.add_scope(Scope::new("profile".to_owned())).add_scope(Scope::new("email".to_owned()));
        let (url, state, nonce) = request.set_pkce_challenge(challenge).url();
        let attempt = Attempt {
            state: state.secret().clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
            until: app.now() + SignedDuration::from_mins(MINUTES),
            next,
        };
        let text = serde_json::to_vec(&attempt).map_err(|error| Problem::internal(&error))?;
        let sealed = app.sealer.seal(&text, PURPOSE).map_err(|error| Problem::internal(&error))?;
        Ok((url.to_string(), sealed))
    }

    /// Somebody comes back: who they are, and where they wanted to go.
    pub(crate) async fn end(
        &self,
        app: &App,
        sealed: &str,
        Back { code, state, refused: error }: Back,
    ) -> Answer<(PersonId, String, HeaderValue)> {
        let attempt = app.sealer.unseal(sealed, PURPOSE).and_then(|text| serde_json::from_slice::<Attempt>(&text).ok());
        let attempt = attempt.filter(|attempt| app.now() < attempt.until);
        let attempt = attempt.ok_or_else(|| refused("this attempt to sign in is unknown or over: begin anew"))?;
        if !protocol::is_same(attempt.state.as_bytes(), state.as_bytes()) {
            return Err(refused("this is the answer to another attempt to sign in: begin anew"));
        }
        if let Some(error) = error {
            let words: String = error.chars().take(300).collect();
            return Err(refused(&format!("the identity provider refused: {words}")));
        }
        let client = self.client(app).await?;
        let exchange = client.exchange_code(AuthorizationCode::new(code)).map_err(|error| failed(&error))?;
        let token = exchange.set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier)).request_async(&self.http).await;
        let token = token.map_err(|error| failed(&error))?;
        let id_token = token.id_token().ok_or_else(|| refused("the identity provider did not say who you are"))?;
        // Signature, issuer, audience, expiry and nonce.
        let claims = id_token.claims(&client.id_token_verifier(), &Nonce::new(attempt.nonce));
        let claims =
            claims.map_err(|error| refused(&format!("what the identity provider said cannot be trusted: {error}")))?;
        // INVARIANT: its signature was held against the provider's keys.
        let groups = groups_of(&id_token.to_string());
        let (person, cookie) = self.known(app, claims).await?;
        if let Some(groups) = groups {
            take_groups(app, &person, groups).await?;
        }
        Ok((person, attempt.next, cookie))
    }

    /// Who somebody is here. The first time they are known by a claim; from then on by the provider's own id for them, so that
    /// nobody who is given their name later is taken for them.
    async fn known(&self, app: &App, claims: &CoreIdTokenClaims) -> Answer<(PersonId, HeaderValue)> {
        let own = (self.settings.issuer.clone(), claims.subject().as_str().to_owned());
        for (person, text) in app.organisation.store.accounts().await? {
            let account: Account = serde_json::from_str(&text).unwrap_or_default();
            if account.provider.as_ref() == Some(&own) {
                let known = Known::of(app, &self.there(app, PersonId::new(person)?).await?).await?;
                return self.sign_in(app, &known, own).await;
            }
        }
        let name = match self.settings.claim.as_str() {
            "email" if claims.email_verified() == Some(true) => claims.email().map(|email| email.as_str().to_owned()),
            "email" => None,
            "sub" => Some(own.1.clone()),
            _ => claims.preferred_username().map(|name| name.as_str().to_owned()),
        };
        let unsaid = || refused(&format!("the identity provider did not say your `{}`", self.settings.claim));
        let name = name.ok_or_else(unsaid)?;
        let person =
            PersonId::new(name.as_str()).map_err(|_| refused(&format!("`{name}` can be nobody's name here")))?;
        let known = Known::of(app, &self.there(app, person).await?).await?;
        if known.account.is_usable() {
            // A name at the provider is no proof of being whoever signs in here by other means.
            return Err(refused(
                "somebody signs in under this name by other means: ask an administrator for an invitation, and sign in here before taking it up",
            ));
        }
        self.sign_in(app, &known, own).await
    }

    async fn sign_in(&self, app: &App, known: &Known, own: (String, String)) -> Answer<(PersonId, HeaderValue)> {
        let is_new = known.account.provider.as_ref() != Some(&own);
        let account = Account { provider: Some(own), invitation: None, ..known.account.clone() };
        let changed: &[(Credential, bool)] = if is_new { &[(Credential::Provider, true)] } else { &[] };
        let cookie = known.keep_and_sign_in(app, (&account, known.person()), changed).await?;
        Ok((known.person().clone(), cookie))
    }

    async fn there(&self, app: &App, person: PersonId) -> Answer<PersonId> {
        let record = app.organisation.store.record().await?;
        match record.state.people.get(&person).is_some_and(|known| !known.is_erased && !known.roles.is_empty()) {
            true => Ok(person),
            false => Err(refused(&format!("nobody called `{person}` has a role here: ask an administrator"))),
        }
    }
}

/// More groups than this of one person are not taken in.
const MOST_GROUPS: usize = 200;

/// The groups that a token says somebody is in, where it says anything of them; what can be no id here is left out.
fn groups_of(token: &str) -> Option<BTreeSet<GroupId>> {
    #[derive(Deserialize)]
    struct Claims {
        groups: Vec<String>,
    }
    let body = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Claims = serde_json::from_slice(&body).ok()?;
    let told = claims.groups.len();
    // A name that is an id is one; another gives one.
    let id = |name: String| GroupId::new(name.as_str()).ok().or_else(|| GroupId::named(&name));
    let groups: BTreeSet<GroupId> = claims.groups.into_iter().filter_map(id).take(MOST_GROUPS).collect();
    if groups.len() < told {
        tracing::warn!(told, taken = groups.len(), "not all groups of somebody's token can be taken in");
    }
    Some(groups)
}

/// Somebody is in these groups of the provider's, and in no others of it. Groups of another word stay as they are.
async fn take_groups(app: &App, person: &PersonId, groups: BTreeSet<GroupId>) -> Answer<()> {
    let system = PersonId::new(SYSTEM)?;
    let person = person.clone();
    let plan = move |record: &store::Record| {
        let known = &record.state.groups;
        let of_provider = |group: &GroupId| known.get(group).filter(|group| !group.is_gone);
        let mut commands = Vec::new();
        let all = known.keys().chain(groups.iter().filter(|group| !known.contains_key(group)));
        for id in all {
            let group = of_provider(id);
            let is_theirs = group.is_none_or(|group| group.source == Source::Oidc);
            let (is_in, belongs) =
                (group.is_some_and(|group| group.members.contains_key(&person)), groups.contains(id));
            if !is_theirs || is_in == belongs {
                continue;
            }
            let is_here =
                |other: &&PersonId| record.state.people.get(other).is_some_and(|known| !known.roles.is_empty());
            let others = group.into_iter().flat_map(|group| group.members.keys()).filter(is_here).cloned();
            let mut members: BTreeSet<PersonId> = others.filter(|other| *other != person).collect();
            members.extend(belongs.then(|| person.clone()));
            let title = group.map_or_else(|| id.to_string(), |group| group.title.clone());
            commands.push(Command::SetGroup(id.clone(), title, Source::Oidc, members));
        }
        Ok(Plan { commands, ..Plan::default() })
    };
    app.organisation.store.commit(&system, app.now(), plan).await?;
    Ok(())
}

fn refused(words: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "account/provider", words)
}

fn failed(error: &dyn std::error::Error) -> Problem {
    tracing::warn!(error = %store::in_words(error), "the identity provider could not be asked");
    let words = "the identity provider cannot be asked now; the service's log says why";
    Problem::new(StatusCode::BAD_GATEWAY, "account/provider-away", words)
}
