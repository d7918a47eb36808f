//! Signing in: invitations, passwords, authenticators, sessions, and forms that other sites send.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use lifecycle::Role;
use totp_rs::Builder;
use world::{PASSWORD, World, day};

/// The cookie that an answer sets.
fn cookie(response: &reqwest::Response) -> String {
    let set = response.headers().get("set-cookie").expect("a cookie").to_str().expect("text");
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax"), "{set}");
    set.split(';').next().expect("a pair").to_owned()
}

fn setup_path(world: &World) -> String {
    let link = world.service.as_ref().expect("running").setup.clone().expect("nobody can sign in yet");
    link.strip_prefix(&world.base).expect("a link of this service").to_owned()
}

/// Does the same several times at once.
async fn futures_of<T>(count: usize, act: impl AsyncFn() -> T) -> Vec<T> {
    let mut waiting: Vec<_> = (0..count).map(|_| Box::pin(act())).collect();
    let mut done: Vec<Option<T>> = (0..count).map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (waiting, done) in waiting.iter_mut().zip(&mut done).filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(answer) = waiting.as_mut().poll(context) {
                *done = Some(answer);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

async fn sign_in(world: &World, person: &str, password: &str, code: &str) -> reqwest::Response {
    world.form("/sign-in", "", &[("person", person), ("password", password), ("code", code), ("next", "/assets")]).await
}

async fn begin(world: &World) -> String {
    let done = world.form(&setup_path(world), "", &[("password", PASSWORD), ("again", PASSWORD)]).await;
    assert_eq!(done.status(), 303);
    cookie(&done)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_administrator_begins_by_a_link_that_holds_once() {
    let world = World::new("setup").await;
    let path = setup_path(&world);
    assert_eq!(sign_in(&world, "root", "", "").await.status(), 401, "there is no default password");
    let weak = world.form(&path, "", &[("password", "short"), ("again", "short")]).await;
    assert_eq!(weak.status(), 422);
    let differ = world.form(&path, "", &[("password", PASSWORD), ("again", "another one altogether")]).await;
    assert_eq!(differ.status(), 422);
    let session = begin(&world).await;
    let home = world.get("/").header("cookie", &session).send().await.expect("answered");
    assert_eq!(home.status(), 200);
    assert_eq!(world.get(&path).send().await.expect("answered").status(), 410, "it was used");
    let again = world.form(&path, "", &[("password", PASSWORD), ("again", PASSWORD)]).await;
    assert_eq!(again.status(), 410);
    assert_eq!(world.get("/invitation/0000").send().await.expect("answered").status(), 410);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_invited_chooses_a_password_and_who_is_erased_is_gone() {
    let world = World::new("invited").await;
    let root = begin(&world).await;
    let added = world.form("/people", &root, &[("person", "olaf"), ("role", "operator"), ("teams", "web, data")]).await;
    assert_eq!(added.status(), 303);
    let page = world.form("/people/olaf/invite", &root, &[]).await.text().await.expect("a body");
    let start = page.find("/invitation/").expect("a link");
    let path: String = page[start..].chars().take_while(|character| !"<\" ".contains(*character)).collect();
    let done = world.form(&path, "", &[("password", PASSWORD), ("again", PASSWORD)]).await;
    let olaf = cookie(&done);
    assert_eq!(world.get("/findings").header("cookie", &olaf).send().await.expect("answered").status(), 200);
    assert_eq!(sign_in(&world, "olaf", PASSWORD, "").await.status(), 303);
    // What has changed in how they sign in is told by the ledger; no secret is.
    let entries =
        world.organisation.store.entries(0, world.organisation.store.record().await.expect("read").state.entries).await;
    let text =
        entries.expect("entries").iter().map(|entry| String::from_utf8_lossy(entry).into_owned()).collect::<String>();
    assert!(text.contains("person/credential-changed") && !text.contains("argon2"), "{text}");
    assert_eq!(world.form("/people/olaf/erase", &root, &[]).await.status(), 303);
    assert_eq!(
        world.get("/findings").header("cookie", &olaf).send().await.expect("answered").status(),
        303,
        "signed out"
    );
    assert_eq!(sign_in(&world, "olaf", PASSWORD, "").await.status(), 401);
    assert_eq!(
        world.organisation.store.account(&world::person("olaf")).await.expect("read"),
        None,
        "nothing is kept of them"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_that_signing_in_fails_looks_the_same_and_many_are_slowed_down() {
    let world = World::new("wrong").await;
    begin(&world).await;
    let mut pages = Vec::new();
    for (person, password) in
        [("root", "not the password at all"), ("nobody", PASSWORD), ("../etc", PASSWORD), ("", "")]
    {
        let answer = sign_in(&world, person, password, "").await;
        assert_eq!(answer.status(), 401, "{person}");
        pages.push(answer.text().await.expect("a body"));
    }
    assert!(pages.windows(2).all(|pair| pair[0] == pair[1]));
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(sign_in(&world, "root", "guess after guess after guess", "").await.status().as_u16());
    }
    assert!(statuses.contains(&429), "{statuses:?}");
}

/// What the QR code on a page says.
fn picture_says(page: &str) -> String {
    let path = page.split("<svg class=\"code\"").nth(1).expect("a picture").split("<path d=\"").nth(1).expect("a path");
    let squares = path.split('"').next().expect("its end").split('M').skip(1).map(|square| {
        let (x, y) = square.split('h').next().expect("a place").split_once(' ').expect("two numbers");
        (x.parse::<usize>().expect("a number"), y.parse::<usize>().expect("a number"))
    });
    let dark: std::collections::HashSet<(usize, usize)> = squares.collect();
    let (first, last) = (dark.iter().map(|(x, _)| *x).min(), dark.iter().map(|(x, _)| *x).max());
    let (first, last) = (first.expect("a square"), last.expect("a square"));
    let grid = rqrr::SimpleGrid::from_func(last - first + 1, |x, y| dark.contains(&(x + first, y + first)));
    rqrr::Grid::new(grid).decode().expect("a code").1
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_is_asked_for_and_a_code_holds_once() {
    let world = World::new("totp").await;
    let session = begin(&world).await;
    let page = world.form("/account/authenticator", &session, &[]).await.text().await.expect("a body");
    let link = page.split("href=\"otpauth://").nth(1).and_then(|rest| rest.split('"').next()).expect("a link");
    assert_eq!(picture_says(&page), format!("otpauth://{}", link.replace("&amp;", "&")));
    let start = page.find("<pre>").expect("a key") + 5;
    let secret: String = page[start..].chars().take_while(|character| *character != '<').collect();
    let secret = totp_rs::Secret::try_from_base32(&secret).expect("a secret");
    let authenticator = Builder::new().with_secret(secret).with_account_name("root").build().expect("an authenticator");
    let code =
        |at: jiff::Timestamp| authenticator.generate(u64::try_from(at.as_second()).expect("after 1970")).to_string();
    let wrong = world.form("/account/authenticator/confirm", &session, &[("code", "000000")]).await;
    assert_eq!(wrong.status(), 403);
    let first = code(day(0));
    assert_eq!(world.form("/account/authenticator/confirm", &session, &[("code", &first)]).await.status(), 303);
    assert_eq!(sign_in(&world, "root", PASSWORD, "").await.status(), 401, "a code is asked for");
    assert_eq!(sign_in(&world, "root", PASSWORD, &first).await.status(), 401, "it was used");
    let later = day(0) + jiff::SignedDuration::from_mins(2);
    world.set_clock(later);
    // Of many who have the same code at the same time one is let in.
    let all = futures_of(3, async || sign_in(&world, "root", PASSWORD, &code(later)).await.status().as_u16()).await;
    assert_eq!(all.iter().filter(|status| **status == 303).count(), 1, "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_its_hours_with_the_password_and_when_somebody_signs_out() {
    let world = World::new("sessions").await;
    let session = begin(&world).await;
    let status = async |cookie: &str| {
        world.get("/assets").header("cookie", cookie).send().await.expect("answered").status().as_u16()
    };
    let other = cookie(&sign_in(&world, "root", PASSWORD, "").await);
    assert_eq!((status(&session).await, status(&other).await), (200, 200));
    assert_eq!(world.form("/sign-out", &session, &[]).await.status(), 303);
    assert_eq!((status(&session).await, status(&other).await), (303, 200));
    let wrong = world
        .form("/account/password", &other, &[("old", "wrong wrong wrong"), ("new", "another horse battery staple")])
        .await;
    assert_eq!(wrong.status(), 403);
    let changed =
        world.form("/account/password", &other, &[("old", PASSWORD), ("new", "another horse battery staple")]).await;
    assert_eq!(changed.status(), 303);
    assert_eq!(status(&other).await, 303, "whoever knew the old one is out");
    let last = cookie(&sign_in(&world, "root", "another horse battery staple", "").await);
    assert_eq!(status(&last).await, 200);
    world.set_clock(day(0) + jiff::SignedDuration::from_hours(13));
    assert_eq!(status(&last).await, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_that_other_sites_send_are_refused() {
    let world = World::new("csrf").await;
    world.somebody("olaf", &[Role::Operator], &[]).await;
    let cookie = world.cookie("olaf").await;
    let send = async |headers: &[(&str, &str)]| {
        let mut request =
            world.post("/assets").header("cookie", &cookie).header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.body("id=planted").send().await.expect("answered");
        let status = answer.status().as_u16();
        let page = answer.text().await.expect("a body");
        assert!(status != 403 || page.contains("sent from another site"), "{page}");
        status
    };
    for headers in [
        [("sec-fetch-site", "cross-site"), ("accept", "*/*")],
        [("sec-fetch-site", "same-site"), ("accept", "*/*")],
        [("origin", "https://evil.example"), ("accept", "*/*")],
        [("origin", "null"), ("accept", "*/*")],
    ] {
        assert_eq!(send(&headers).await, 403, "{headers:?}");
    }
    assert!(world.organisation.store.record().await.expect("read").state.assets.is_empty());
    assert_eq!(send(&[("sec-fetch-site", "same-origin")]).await, 303);
}

/// The path of an invitation on a page.
fn invitation_on(page: &str) -> String {
    let start = page.find("/invitation/").expect("a link");
    page[start..].chars().take_while(|character| !"<\" ".contains(*character)).collect()
}

/// Whether a cookie still opens a page.
async fn is_signed_in(world: &World, cookie: &str) -> bool {
    world.get("/assets").header("cookie", cookie).send().await.expect("answered").status() == 200
}

async fn take_up(world: &World, path: &str, password: &str) -> u16 {
    world.form(path, "", &[("password", password), ("again", password)]).await.status().as_u16()
}

const OTHER: &str = "another horse battery staple";

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_in_while_they_are_invited_anew_or_erased_gets_nothing() {
    let world = World::new("in-flight").await;
    let root = begin(&world).await;
    world.form("/people", &root, &[("person", "olaf"), ("role", "operator")]).await;
    let page = world.form("/people/olaf/invite", &root, &[]).await.text().await.expect("a body");
    take_up(&world, &invitation_on(&page), PASSWORD).await;
    let token = world.token("olaf", &[lifecycle::TokenScope::Read]).await;
    let attempts = futures_of(5, async || sign_in(&world, "olaf", PASSWORD, "").await);
    let act = async |path: &str| {
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        world.form(path, &root, &[]).await.text().await.expect("a body")
    };
    let (answers, page) = tokio::join!(attempts, act("/people/olaf/invite"));
    for answer in answers.iter().filter(|answer| answer.status() == 303) {
        assert!(!is_signed_in(&world, &cookie(answer)).await, "a session of before holds");
    }
    assert_eq!(world.status_with(&token).await, 401, "a token of before holds");
    world.set_clock(day(0) + jiff::SignedDuration::from_hours(1));
    assert_eq!(take_up(&world, &invitation_on(&page), OTHER).await, 303, "the link was not overwritten");
    let attempts = futures_of(3, async || sign_in(&world, "olaf", OTHER, "").await);
    let (answers, _) = tokio::join!(attempts, act("/people/olaf/erase"));
    assert_eq!(world.organisation.store.account(&world::person("olaf")).await.expect("read"), None);
    world.somebody("olaf", &[Role::Administrator], &[]).await;
    for answer in answers.iter().filter(|answer| answer.status() == 303) {
        assert!(!is_signed_in(&world, &cookie(answer)).await, "a session of somebody who was erased holds");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_the_first_administrator_is_over_when_somebody_can_sign_in() {
    let world = World::new("two-links").await;
    // Another replica of the same record prints a link of its own.
    let other = World::beside(&world).await;
    let (first, second) = (setup_path(&world), setup_path(&other));
    assert_eq!(take_up(&world, &first, PASSWORD).await, 303);
    assert_eq!(take_up(&other, &second, OTHER).await, 410);
    assert_eq!(sign_in(&world, "root", PASSWORD, "").await.status(), 303, "the password is the first one");
}

#[tokio::test(flavor = "multi_thread")]
async fn spaces_around_a_name_are_no_other_account() {
    let world = World::new("spaces").await;
    begin(&world).await;
    let mut statuses = Vec::new();
    for spaces in 0..10 {
        let name = format!("{}root", " ".repeat(spaces));
        statuses.push(sign_in(&world, &name, "guess after guess after guess", "").await.status().as_u16());
    }
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_only_the_cookie_that_no_other_host_can_set_counts() {
    let world = World::with("prefix", |set| set.public = Some("https://plimsoll.example".to_owned())).await;
    world.somebody("olaf", &[Role::Operator], &[]).await;
    let plain = world.cookie("olaf").await;
    let base = world.service.as_ref().expect("running").listens;
    let ask = async |method: reqwest::Method, path: &str, cookie: &str| {
        let request = world.client.request(method, format!("http://{base}{path}")).header("cookie", cookie);
        request.send().await.expect("answered").status().as_u16()
    };
    assert_eq!(ask(reqwest::Method::GET, "/assets", &plain).await, 303, "another host may have planted it");
    let own = plain.replace("plimsoll=", "__Host-plimsoll=");
    let both = format!("plimsoll=deadbeef; {own}");
    assert_eq!(ask(reqwest::Method::GET, "/assets", &both).await, 200);
    assert_eq!(ask(reqwest::Method::POST, "/sign-out", &both).await, 303);
    assert_eq!(ask(reqwest::Method::GET, "/assets", &own).await, 303, "signed out");
}

/// Damage opens nothing: neither somebody's account to another one, nor the first administrator's link.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_cannot_be_read_is_nobodys_to_take() {
    let world = World::new("unreadable").await;
    let change =
        store::AccountChange { person: world::person("root"), body: Some("{".to_owned()), ends_sessions: false };
    let plan = store::Plan { accounts: vec![change], ..store::Plan::default() };
    world.organisation.store.commit(&world::person("root"), day(0), move |_| Ok(plan)).await.expect("kept");
    let path = setup_path(&world);
    let taken = world.form(&path, "", &[("password", PASSWORD), ("again", PASSWORD)]).await;
    assert_eq!(taken.status(), 410, "somebody may sign in yet");
    assert_eq!(sign_in(&world, "root", PASSWORD, "").await.status(), 500);
    let port = world.agents.rsplit(':').next().expect("a port").parse().expect("a port");
    let mut world = world;
    world.service.take().expect("running").end().await;
    let world = World::again(world, port).await;
    assert_eq!(world.service.as_ref().expect("running").setup, None);
}
