//! What the rules did not allow does not come into the ledger unseen, and nobody goes on from what was put in its place.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

mod world;

use lifecycle::{AssetId, Attributes, Command, DecisionId, DecisionKind, Reach, Refusal, Role};
use plimsoll_store::{
    AccountChange, Error, Keys, NewJob, Options, Plan, Session, Store, backup, replay_at, restore, verify_at,
};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use std::collections::BTreeSet;
use std::path::Path;
use world::{Place, act, asset, both, day, open, person, populate, push, register, signer, words};

async fn tables(place: &Place) -> DatabaseConnection {
    let url = if place.is_sqlite() { format!("sqlite://{}", place.url) } else { place.url.clone() };
    Database::connect(url).await.expect("connected")
}

async fn run(tables: &DatabaseConnection, text: &str) {
    tables.execute_unprepared(text).await.expect(text);
}

fn request(id: &str) -> Command {
    let reach = Reach { vulnerability: "CVE-2026-1".to_owned(), package: None, assets: Vec::new() };
    let (decision, kind) = (DecisionId::new(id).expect("an id"), DecisionKind::FalsePositive);
    Command::RequestDecision {
        decision,
        kind,
        reach,
        reason: "not built".to_owned(),
        until: day(99),
        renews: None,
        assessment: Default::default(),
    }
}

both! {
    async fn a_decision_that_rests_on_forged_rows_is_found_by_replay(place) {
        let store = open(&place.url).await;
        populate(&store).await;
        act(&store, "lead", day(9), request("d")).await.expect("asked for");
        let answer = Command::AnswerDecision(DecisionId::new("d").expect("an id"), true);
        assert!(act(&store, "lead", day(9), answer.clone()).await.is_err(), "nobody approves their own request");
        drop(store);
        let tables = tables(place).await;
        run(&tables, "UPDATE decisions SET body = REPLACE(body, '\"requested_by\":\"lead\"', '\"requested_by\":\"root\"')").await;
        let store = open(&place.url).await;
        act(&store, "lead", day(9), answer).await.expect("whoever wrote the row is believed");
        drop(store);
        run(&tables, "UPDATE decisions SET body = REPLACE(body, '\"requested_by\":\"root\"', '\"requested_by\":\"lead\"')").await;
        let report = verify_at(&place.url, &signer().verifier(), Vec::new(), |_| {}).await.expect("verified");
        assert_eq!(report.tampering, [], "the ledger is as it was written");
        let replayed = replay_at((&place.url, None), None, |_| {}).await.expect("replayed");
        assert_eq!(replayed.differences, []);
        let unlawful: Vec<_> = replayed.unlawful.iter().map(|(number, why)| (*number, why.code())).collect();
        assert_eq!(unlawful, [(replayed.entries - 1, "refusal/own-request")]);
    }

    async fn what_is_dated_back_is_told(place) {
        let store = open(&place.url).await;
        populate(&store).await;
        assert_eq!(store.replay(|_| {}).await.expect("replayed").0.dated_back, [] as [u64; 0]);
        let number = store.record().await.expect("read").state.entries;
        register(&store, "earlier", day(1)).await.expect("registered");
        assert_eq!(store.replay(|_| {}).await.expect("replayed").0.dated_back, [number]);
    }

    async fn nobody_goes_on_from_an_older_state_that_was_put_there_meanwhile(place) {
        let store = open(&place.url).await;
        populate(&store).await;
        let tables = tables(place).await;
        let size = store.record().await.expect("read").state.entries;
        let older = store.checkpoint().await.expect("read");
        register(&store, "later", day(9)).await.expect("registered");
        run(&tables, &format!("DELETE FROM ledger_batches WHERE first >= {size}")).await;
        run(&tables, &format!("UPDATE ledger_head SET size = {size}, checkpoint = '{older}'")).await;
        let refused = register(&store, "next", day(10)).await.expect_err("it was rolled back");
        assert!(words(&refused).contains("was put in its place"), "{}", words(&refused));
        assert!(register(&store, "next", day(10)).await.is_err(), "and stays so");
    }

    async fn nobody_signs_what_somebody_changed_before_it_was_followed(place) {
        let (one, two) = (open(&place.url).await, open(&place.url).await);
        populate(&one).await;
        register(&two, "of-two", day(9)).await.expect("registered");
        register(&one, "of-one", day(9)).await.expect("registered");
        let tables = tables(place).await;
        let found = tables
            .query_all_raw(sea_orm::Statement::from_string(
                tables.get_database_backend(),
                "SELECT first, entries FROM ledger_batches ORDER BY first DESC LIMIT 1",
            ))
            .await
            .expect("read");
        let (first, mut bytes): (i64, Vec<u8>) =
            (found[0].try_get_by_index(0).expect("a number"), found[0].try_get_by_index(1).expect("bytes"));
        let place_of = bytes.windows(6).position(|part| part == b"of-one").expect("the id");
        bytes[place_of..place_of + 6].copy_from_slice(b"xf-one");
        let change = if place.is_sqlite() { "UPDATE ledger_batches SET entries = ? WHERE first = ?" } else { "UPDATE ledger_batches SET entries = $1 WHERE first = $2" };
        let change = sea_orm::Statement::from_sql_and_values(tables.get_database_backend(), change, [bytes.into(), first.into()]);
        tables.execute_raw(change).await.expect("changed");
        assert!(register(&two, "next", day(10)).await.is_err(), "what it follows is not what was signed");
        let report = one.verify(&signer().verifier(), Vec::new(), |_| {}).await.expect("verified");
        assert!(!report.tampering.is_empty(), "nobody has signed it");
    }

    async fn what_could_answer_in_the_place_of_a_table_is_refused(place) {
        let store = open(&place.url).await;
        populate(&store).await;
        drop(store);
        let tables = tables(place).await;
        run(&tables, "ALTER TABLE decisions RENAME TO hidden").await;
        run(&tables, "CREATE VIEW decisions AS SELECT * FROM hidden").await;
        for error in [
            Store::open(Options::new(&place.url, signer()), |_| {}).await.expect_err("refused"),
            verify_at(&place.url, &signer().verifier(), Vec::new(), |_| {}).await.expect_err("refused"),
            replay_at((&place.url, None), None, |_| {}).await.expect_err("refused"),
        ] {
            assert!(words(&error).contains("view decisions"), "{}", words(&error));
        }
    }

    async fn entries_that_were_moved_into_another_row_are_found(place) {
        let store = open(&place.url).await;
        for number in 0..4 {
            register(&store, &format!("a-{number}"), day(1)).await.expect("registered");
        }
        let tables = tables(place).await;
        let rows = "SELECT first, entries FROM ledger_batches WHERE first IN (1, 2) ORDER BY first";
        let rows = tables.query_all_raw(sea_orm::Statement::from_string(tables.get_database_backend(), rows)).await;
        let rows: Vec<Vec<u8>> = rows.expect("read").iter().map(|row| row.try_get_by_index(1).expect("bytes")).collect();
        let both = rows.concat();
        let at = 7;
        for (first, part) in [(1_i64, &both[..at]), (2, &both[at..])] {
            let sql = match place.is_sqlite() {
                true => "UPDATE ledger_batches SET entries = ? WHERE first = ?",
                false => "UPDATE ledger_batches SET entries = $1 WHERE first = $2",
            };
            let change = [part.to_vec().into(), first.into()];
            let change = sea_orm::Statement::from_sql_and_values(tables.get_database_backend(), sql, change);
            tables.execute_raw(change).await.expect("changed");
        }
        let report = store.verify(&signer().verifier(), Vec::new(), |_| {}).await.expect("verified");
        assert!(!report.tampering.is_empty());
    }

    async fn a_size_that_somebody_made_up_keeps_nobody_busy(place) {
        let store = open(&place.url).await;
        populate(&store).await;
        drop(store);
        run(&tables(place).await, "UPDATE ledger_head SET size = 9223372036854775807").await;
        let error = verify_at(&place.url, &signer().verifier(), Vec::new(), |_| {}).await.expect_err("it cannot be");
        assert!(words(&error).contains("its head says"), "{}", words(&error));
    }

    async fn what_cannot_be_kept_is_refused_for_who_asked_alone(place) {
        let store = open(&place.url).await;
        populate(&store).await;
        let before = store.record().await.expect("read").state.entries;
        // The rules know how long a reason may be; how long an entry may be, the record alone.
        let wordy = Command::RetireAsset(asset("web-1"), "r".repeat(70_000));
        let named = Attributes { name: Some("n".repeat(70_000)), ..Attributes::default() };
        let long = Command::RegisterAsset(asset("long"), named);
        let text = b"[[class".to_vec();
        let adopt = Command::AdoptPolicy { name: "x".to_owned(), document: plimsoll_store::digest(&text), rule: lifecycle::PolicyRule::default() };
        let unreadable = Plan { commands: vec![adopt], documents: vec![text], ..Plan::default() };
        let lead = person("lead");
        let (too_wordy, too_long, unreadable, other) = tokio::join!(
            act(&store, "root", day(9), wordy),
            act(&store, "root", day(9), long),
            store.commit(&lead, day(9), move |_| Ok(unreadable)),
            register(&store, "other", day(9))
        );
        assert!(matches!(too_wordy, Err(Error::Refused(Refusal::TooLong { .. }))), "{too_wordy:?}");
        assert!(matches!(too_long, Err(Error::Plan(_))), "{too_long:?}");
        assert!(matches!(unreadable, Err(Error::Plan(_))), "{unreadable:?}");
        other.expect("registered");
        assert_eq!(store.record().await.expect("read").state.entries, before + 1);
    }

    async fn a_record_of_schema_1_is_brought_up_to_date(place) {
        drop(open(&place.url).await);
        let store = open(&place.url).await;
        populate(&store).await;
        let before = store.record().await.expect("read").state.clone();
        drop(store);
        let tables = tables(place).await;
        take_back_governance(&tables, &before).await;
        for text in [
            "DROP TABLE accounts",
            "DROP TABLE sessions",
            "DROP TABLE answers",
            "UPDATE schema_version SET version = 1",
            r#"UPDATE people SET body = REPLACE(body, '"approver"', '"executive"')"#,
        ] {
            run(&tables, text).await;
        }
        let mut bytes = Vec::new();
        backup((&place.url, None), &mut bytes, |_| {}).await.expect("backed up");
        assert_eq!(open(&place.url).await.record().await.expect("read").state, before);
        assert_eq!(replay_at((&place.url, None), None, |_| {}).await.expect("replayed").differences, []);
        let elsewhere = Place::sqlite().expect("a place");
        restore(&elsewhere.url, bytes.as_slice(), &signer().verifier(), false, |_| {}).await.expect("restored");
        assert_eq!(replay_at((&elsewhere.url, None), None, |_| {}).await.expect("replayed").differences, []);
    }

    async fn a_record_of_schema_3_is_brought_up_to_date(place) {
        let store = open(&place.url).await;
        populate(&store).await;
        let before = store.record().await.expect("read").state.clone();
        drop(store);
        let tables = tables(place).await;
        take_back_oversight(&tables).await;
        run(&tables, "UPDATE schema_version SET version = 3").await;
        let store = open(&place.url).await;
        assert_eq!(store.record().await.expect("read").state, before);
        let (first, last) = before.days_to_tell(day(400)).expect("a day is over");
        act(&store, "lead", day(400), Command::TellViolations(first, last, Vec::new())).await.expect("told");
        drop(store);
        assert_eq!(replay_at((&place.url, None), None, |_| {}).await.expect("replayed").differences, []);
        let told = open(&place.url).await.record().await.expect("read").state.told_until;
        assert_eq!(told, Some(last), "it is read back");
    }

    async fn a_record_that_is_refused_is_left_as_it_was(place) {
        if !place.url.starts_with("postgres") {
            return;
        }
        let before = open(&place.url).await.record().await.expect("read").state.entries;
        let tables = tables(place).await;
        take_back_governance(&tables, &lifecycle::State::default()).await;
        for text in ["DROP TABLE accounts", "DROP TABLE sessions", "DROP TABLE answers", "UPDATE schema_version SET version = 1"] {
            run(&tables, text).await;
        }
        // Another schema comes first on the way to the record: new tables would stand there, apart from the old ones.
        run(&tables, "CREATE SCHEMA nearer").await;
        let sign = if place.url.contains('?') { '&' } else { '?' };
        let url = format!("{}{sign}options[search_path]=nearer,public", place.url);
        let refused = Store::open(Options::new(&url, signer()), |_| {}).await.map(drop);
        assert!(matches!(refused, Err(Error::Damaged { .. })), "{refused:?}");
        assert_eq!(open(&place.url).await.record().await.expect("read").state.entries, before);
    }

    async fn sessions_end_with_an_account_also_where_another_one_follows_at_once(place) {
        let store = open(&place.url).await;
        let session = |digest: &str| Session {
            digest: digest.to_owned(),
            person: person("ops"),
            until: day(30),
            body: String::new(),
        };
        let signed_in = Plan { sessions: vec![session("old")], ..Plan::default() };
        store.commit(&person("root"), day(9), move |_| Ok(signed_in)).await.expect("signed in");
        let account = |body: Option<&str>| AccountChange {
            person: person("ops"),
            body: body.map(str::to_owned),
            ends_sessions: false,
        };
        let accounts = vec![account(None), account(Some("another"))];
        let plan = Plan { accounts, ..Plan::default() };
        store.commit(&person("root"), day(9), move |_| Ok(plan)).await.expect("kept");
        assert!(store.session("old", day(10)).await.expect("asked").is_none());
    }

    async fn a_job_that_ends_whoever_takes_it_is_dead_at_last(place) {
        let store = open(&place.url).await;
        let job = NewJob { id: "a".to_owned(), queue: "q".to_owned(), body: String::new(), not_before: day(0) };
        store.queue(&person("system"), day(0), vec![job]).await.expect("queued");
        let mut taken = 0;
        for number in 0..30 {
            taken += store.claim("q", "w", (day(number), day(number + 1)), 9).await.expect("asked").len();
        }
        assert_eq!(taken, 20);
        assert_eq!(store.count_jobs("q").await.expect("counted")["dead"], 1);
    }

    async fn a_record_can_be_read_without_its_key(place) {
        let store = open(&place.url).await;
        populate(&store).await;
        let reader = Store::open(Options::reading(&place.url), |_| {}).await.expect("opened");
        assert_eq!(reader.record().await.expect("read").state, store.record().await.expect("read").state);
        let refused = register(&reader, "x", day(9)).await.expect_err("it is read only");
        assert!(matches!(refused, Error::ReadOnly), "{refused:?}");
    }

    async fn a_backup_that_is_not_as_it_was_written_is_nowhere_to_be_seen(place) {
        let store = open(&place.url).await;
        populate(&store).await;
        drop(store);
        let forge = "INSERT INTO people (id, entry, body) VALUES ('mallory', 0, '{\"roles\":[\"approver\"],\"is_erased\":false}')";
        run(&tables(place).await, forge).await;
        let mut bytes = Vec::new();
        backup((&place.url, None), &mut bytes, |_| {}).await.expect("backed up");
        let to = if place.is_sqlite() { Place::sqlite() } else { Place::postgres() }.expect("a place");
        let key = signer().verifier();
        let restored = restore(&to.url, bytes.as_slice(), &key, false, |_| {}).await.expect("read");
        assert!(!restored.is_kept && !restored.is_as_written());
        assert!(matches!(Store::open(Options::reading(&to.url), |_| {}).await.map(|_| ()).err(), None | Some(Error::NoRecord { .. })));
        if to.is_sqlite() {
            let folder = Path::new(&to.url).parent().expect("a folder");
            assert_eq!(std::fs::read_dir(folder).expect("read").count(), 0, "nothing is left behind");
        } else {
            assert_eq!(open(&to.url).await.record().await.expect("read").state.entries, 1, "only those who act in it");
        }
    }

    async fn a_record_that_came_in_during_a_restore_stays(place) {
        let store = open(&place.url).await;
        populate(&store).await;
        let mut bytes = Vec::new();
        backup((&place.url, None), &mut bytes, |_| {}).await.expect("backed up");
        let to = if place.is_sqlite() { Place::sqlite() } else { Place::postgres() }.expect("a place");
        let key = signer().verifier();
        let meanwhile = std::cell::Cell::new(false);
        let input = Interrupted { bytes: &bytes, url: &to.url, meanwhile: &meanwhile };
        let refused = restore(&to.url, input, &key, false, |_| {}).await.map(|_| ()).expect_err("somebody was faster");
        assert!(meanwhile.get() && matches!(refused, Error::Occupied), "{refused:?}");
        let found = open(&to.url).await;
        assert!(found.record().await.expect("read").state.assets.contains_key(&asset("important")));
    }
}

/// What a database's owner could put beside the tables so that they answer something else.
#[tokio::test(flavor = "multi_thread")]
async fn what_postgresql_could_hide_or_change_is_refused() {
    for (what, name) in [
        (
            "CREATE FUNCTION f() RETURNS trigger AS 'BEGIN RETURN NEW; END' LANGUAGE plpgsql; CREATE TRIGGER t BEFORE INSERT ON assets FOR EACH ROW EXECUTE FUNCTION f()",
            "trigger t",
        ),
        ("CREATE RULE r AS ON INSERT TO assets DO INSTEAD NOTHING", "rule r"),
        ("ALTER TABLE people ENABLE ROW LEVEL SECURITY", "row security on people"),
        ("CREATE TABLE child () INHERITS (people)", "table that inherits from people"),
        ("CREATE SCHEMA postgres; CREATE TABLE postgres.people AS SELECT * FROM public.people", "before another one"),
    ] {
        let Some(place) = Place::postgres() else { return };
        let store = open(&place.url).await;
        populate(&store).await;
        drop(store);
        run(&tables(&place).await, what).await;
        let error = Store::open(Options::new(&place.url, signer()), |_| {}).await.map(|_| ()).expect_err(name);
        assert!(words(&error).contains(name), "{name}: {}", words(&error));
    }
    // A schema that comes first hides no record.
    let Some(place) = Place::postgres() else { return };
    let store = open(&place.url).await;
    populate(&store).await;
    let entries = store.record().await.expect("read").state.entries;
    drop(store);
    run(&tables(&place).await, "CREATE SCHEMA postgres").await;
    let store = Store::open(Options::new(&place.url, signer()), |_| {}).await.expect("opened");
    assert_eq!(store.record().await.expect("read").state.entries, entries);
}

/// A backup that somebody founds a record in the midst of.
struct Interrupted<'b> {
    bytes: &'b [u8],
    url: &'b str,
    meanwhile: &'b std::cell::Cell<bool>,
}

impl std::io::Read for Interrupted<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if !self.meanwhile.replace(true) {
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(async {
                    let store = open(self.url).await;
                    register(&store, "important", day(1)).await.expect("registered");
                });
            });
        }
        std::io::Read::read(&mut self.bytes, into)
    }
}

fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("plimsoll-keys-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

#[test]
fn of_many_that_begin_at_once_all_get_the_same_key() {
    let data = folder("at-once");
    let found: BTreeSet<String> = std::thread::scope(|scope| {
        let one = || Keys::of(&data).found().expect("a key").verifier().to_string();
        let all: Vec<_> = (0..16).map(|_| scope.spawn(one)).collect();
        all.into_iter().map(|one| one.join().expect("a key")).collect()
    });
    assert_eq!(found.len(), 1);
    let keys = Keys::of(&data);
    assert_eq!(Some(&keys.first().expect("a key").to_string()), found.first());
    assert_eq!(Some(&keys.signer().expect("a key").verifier().to_string()), found.first());
    let _ = std::fs::remove_dir_all(&data);
}

#[test]
fn a_key_is_made_for_a_new_ledger_alone_and_the_one_before_is_kept() {
    let data = folder("kept");
    let keys = Keys::of(&data);
    assert!(matches!(keys.signer(), Err(Error::NoKey { .. })) && !data.exists(), "looking makes nothing");
    let first = keys.found().expect("a key");
    let next = keys.next(&first).expect("a key");
    keys.prepare(&next).expect("kept");
    keys.replace(&next).expect("replaced");
    let names = |signers: Vec<ledger::Signer>| signers.iter().map(|one| one.verifier().to_string()).collect::<Vec<_>>();
    assert_eq!(names(keys.candidates().expect("read")), [next.verifier().to_string(), first.verifier().to_string()]);
    // Whoever keeps the private key elsewhere keeps the public one here.
    std::fs::remove_file(data.join("keys/ledger.key")).expect("removed");
    assert!(matches!(keys.found(), Err(Error::NoKey { .. })));
    assert_eq!(keys.first().expect("a key").to_string(), first.verifier().to_string());
    let _ = std::fs::remove_dir_all(&data);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_for_its_owner_and_none_is_made_by_looking() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::sqlite().expect("a place");
    let store = open(&place.url).await;
    push_one(&store).await;
    let mode = |path: &str| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!([mode(&place.url), mode(&format!("{}-wal", place.url))], [0o600, 0o600]);
    let nowhere = Store::open(Options::reading("/nowhere/record.sqlite"), |_| {}).await.map(|_| ());
    assert!(matches!(nowhere, Err(Error::NoRecord { .. })), "{nowhere:?}");
    // What is no database is not taken for an empty place.
    let garbage = Place::sqlite().expect("a place");
    std::fs::write(&garbage.url, b"no database at all, and longer than a header is".repeat(40)).expect("written");
    let looked = Store::open(Options::reading(&garbage.url), |_| {}).await.map(|_| ());
    assert!(matches!(looked, Err(Error::Database { .. })), "{looked:?}");
    assert!(plimsoll_store::is_new(&garbage.url).await.is_err());
}

async fn push_one(store: &Store) {
    let id = AssetId::new("a").expect("an id");
    act(store, "root", day(1), Command::RegisterAsset(id, Attributes::default())).await.expect("registered");
    push(store, "a", day(2), &[("openssl", "3")]).await.expect("pushed");
    let auditor = Command::SetRoles(person("aino"), BTreeSet::from([Role::Auditor]), BTreeSet::new());
    act(store, "root", day(2), auditor).await.expect("a role");
}

/// Makes the tables what they were before anybody was told of violations, and before there were changes.
async fn take_back_oversight(tables: &sea_orm::DatabaseConnection) {
    for table in ["excused_duties", "violations", "changes", "change_steps"] {
        run(tables, &format!("DROP TABLE {table}")).await;
    }
    run(tables, "DELETE FROM in_force WHERE id = 'told'").await;
}

/// Makes the tables what they were before there were documents, and people who owe something.
async fn take_back_governance(tables: &sea_orm::DatabaseConnection, state: &lifecycle::State) {
    take_back_oversight(tables).await;
    for table in ["governing_documents", "document_versions", "people_groups", "campaigns", "missed_duties"] {
        run(tables, &format!("DROP TABLE {table}")).await;
    }
    run(tables, "DELETE FROM in_force WHERE id = 'courses'").await;
    for (id, person) in &state.people {
        let before = lifecycle::Person { since: std::collections::BTreeMap::new(), ..person.clone() };
        let body = serde_json::to_string(&before).expect("JSON");
        run(tables, &format!("UPDATE people SET body = '{body}' WHERE id = '{id}'")).await;
    }
}
