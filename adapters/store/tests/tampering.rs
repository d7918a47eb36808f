//! What anybody changes in the tables behind the program's back is found, and said to be where it is.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

mod world;

use ledger::{Report, Tampering, Tile};
use lifecycle::{
    Attributes, Breach, BreachKind, Command, DecisionId, DecisionKind, FeedId, Holder, Party, Reach, TokenId,
};
use plimsoll_store::{Difference, DifferenceKind, Error, Plan, Store, backup, digest, replay_at, restore, verify_at};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement, Value};
use world::{Place, act, asset, both, day, open, person, populate, push, register, signer, words};

/// The tables, without the program.
struct Tables(DatabaseConnection);

impl Tables {
    async fn of(place: &Place) -> Self {
        let is_sqlite = place.is_sqlite();
        let url = if is_sqlite { format!("sqlite://{}", place.url) } else { place.url.clone() };
        let mut options = ConnectOptions::new(url);
        options.max_connections(1).sqlx_logging(false);
        let tables = Self(Database::connect(options).await.expect("connected"));
        if is_sqlite {
            tables.run("PRAGMA synchronous = OFF", []).await;
        }
        tables
    }

    async fn run<const N: usize>(&self, text: &str, values: [Value; N]) -> u64 {
        self.try_run(text, values).await.expect("it is done")
    }

    async fn try_run<const N: usize>(&self, text: &str, values: [Value; N]) -> Result<u64, sea_orm::DbErr> {
        let statement = Statement::from_sql_and_values(self.0.get_database_backend(), text, values);
        Ok(self.0.execute_raw(statement).await?.rows_affected())
    }

    /// The rows of `SELECT a, b, blob`.
    async fn blobs(&self, text: &str) -> Vec<(i64, i64, Vec<u8>)> {
        let statement = Statement::from_string(self.0.get_database_backend(), text);
        let rows = self.0.query_all_raw(statement).await.expect("read");
        let at = |row: &sea_orm::QueryResult| {
            (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap(), row.try_get_by_index(2).unwrap())
        };
        rows.iter().map(at).collect()
    }

    async fn batches(&self) -> Vec<(i64, i64, Vec<u8>)> {
        self.blobs("SELECT first, count, entries FROM ledger_batches ORDER BY first").await
    }

    async fn tiles(&self) -> Vec<(i64, i64, Vec<u8>)> {
        self.blobs("SELECT level, place, hashes FROM ledger_tiles ORDER BY level, place").await
    }

    async fn set_batch(&self, first: i64, bytes: Vec<u8>) {
        let done =
            self.run("UPDATE ledger_batches SET entries = $1 WHERE first = $2", [bytes.into(), first.into()]).await;
        assert_eq!(done, 1);
    }

    async fn set_tile(&self, (level, place): (i64, i64), bytes: Vec<u8>) {
        let text = "UPDATE ledger_tiles SET hashes = $1 WHERE level = $2 AND place = $3";
        assert_eq!(self.run(text, [bytes.into(), level.into(), place.into()]).await, 1);
    }

    async fn set_head(&self, size: u64, checkpoint: &str) {
        let text = "UPDATE ledger_head SET size = $1, checkpoint = $2";
        assert_eq!(self.run(text, [(size as i64).into(), checkpoint.into()]).await, 1);
    }
}

async fn look(store: &Store, kept: &[&str]) -> Result<Report, Error> {
    let kept = kept.iter().map(|checkpoint| checkpoint.as_bytes().to_vec()).collect();
    store.verify(&signer().verifier(), kept, |_| {}).await
}

/// What is wrong; whoever cannot even read the checkpoint has found it, too.
async fn found(store: &Store) -> Vec<Tampering> {
    match look(store, &[]).await {
        Ok(report) => report.tampering,
        Err(error) => vec![Tampering::Checkpoint { what: words(&error) }],
    }
}

/// Five entries in four rows.
async fn small(place: &Place) -> Store {
    let store = open(&place.url).await;
    let two = ["a", "b"].map(|id| Command::RegisterAsset(asset(id), Attributes::default()));
    let plan = Plan { commands: two.to_vec(), ..Plan::default() };
    store.commit(&person("root"), day(1), move |_| Ok(plan)).await.expect("registered");
    push(&store, "a", day(2), &[("openssl", "3")]).await.expect("pushed");
    register(&store, "d", day(3)).await.expect("registered");
    assert_eq!(look(&store, &[]).await.expect("looked").tampering, []);
    store
}

/// Every bit on SQLite; on PostgreSQL, where each costs a round trip, as many as there is time for: an odd step meets every bit
/// of a byte.
fn step(place: &Place) -> usize {
    if place.is_sqlite() { 1 } else { 37 }
}

both! {
    async fn every_flipped_bit_of_an_entry_is_found_in_its_row(place) {
        let (store, tables) = (small(place).await, Tables::of(place).await);
        let rows = tables.batches().await;
        assert_eq!(rows.iter().map(|(first, count, _)| (*first, *count)).collect::<Vec<_>>(), [(0, 1), (1, 2), (3, 1), (4, 1)]);
        let bundle = Tile::holding(0, 0, 5).bundle_path();
        for (first, count, bytes) in rows {
            for bit in (0..bytes.len() * 8).step_by(step(place)) {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                tables.set_batch(first, flipped).await;
                let tampering = look(&store, &[]).await.expect("looked").tampering;
                let row = first as u64..(first + count) as u64;
                let is_here = |found: &Tampering| match found {
                    Tampering::EntryChanged { number } => row.contains(number),
                    // Where the length of an entry is changed, nobody can say where it ends.
                    Tampering::Bundle { path, .. } => *path == bundle,
                    _ => false,
                };
                assert!(!tampering.is_empty() && tampering.iter().all(is_here), "row {first}, bit {bit}: {tampering:?}");
            }
            tables.set_batch(first, bytes).await;
        }
        assert_eq!(look(&store, &[]).await.expect("looked").tampering, []);
    }

    async fn every_flipped_bit_of_a_hash_is_found_in_its_place(place) {
        let (store, tables) = (small(place).await, Tables::of(place).await);
        let tile = Tile::holding(0, 0, 5);
        for (level, index, bytes) in tables.tiles().await {
            assert_eq!((level, index, bytes.len()), (0, 0, 5 * 32));
            for bit in (0..bytes.len() * 8).step_by(step(place)) {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                tables.set_tile((level, index), flipped).await;
                let tampering = look(&store, &[]).await.expect("looked").tampering;
                assert_eq!(tampering, [Tampering::HashChanged { path: tile.path(), place: bit as u64 / 256 }], "bit {bit}");
            }
            tables.set_tile((level, index), bytes).await;
        }
        assert_eq!(look(&store, &[]).await.expect("looked").tampering, []);
    }

    async fn every_flipped_bit_of_the_checkpoint_is_found(place) {
        let (store, tables) = (small(place).await, Tables::of(place).await);
        let checkpoint = store.checkpoint().await.expect("read");
        let mut flips = 0;
        for bit in (0..checkpoint.len() * 8).step_by(step(place)) {
            let mut flipped = checkpoint.clone().into_bytes();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let done = match (place.is_sqlite(), String::from_utf8(flipped)) {
                // SQLite holds anything as text.
                (true, text) => {
                    let bytes = text.map_or_else(std::string::FromUtf8Error::into_bytes, String::into_bytes);
                    tables.try_run("UPDATE ledger_head SET checkpoint = CAST($1 AS TEXT)", [bytes.into()]).await
                }
                (false, Ok(text)) => tables.try_run("UPDATE ledger_head SET checkpoint = $1", [text.into()]).await,
                (false, Err(_)) => continue,
            };
            // PostgreSQL holds no NUL.
            if done.is_err() {
                continue;
            }
            flips += 1;
            let tampering = found(&store).await;
            assert!(tampering.iter().any(|found| matches!(found, Tampering::Checkpoint { .. })), "bit {bit}: {tampering:?}");
        }
        assert!(flips > checkpoint.len() / step(place), "{flips} flips");
        tables.set_head(5, &checkpoint).await;
        assert_eq!(look(&store, &[]).await.expect("looked").tampering, []);
    }

    async fn every_flipped_bit_of_a_number_is_found(place) {
        let (store, tables) = (small(place).await, Tables::of(place).await);
        let mut flips = 0;
        for (table, column, key) in [
            ("ledger_batches", "first", "first = 0"),
            ("ledger_batches", "first", "first = 1"),
            ("ledger_batches", "first", "first = 4"),
            ("ledger_batches", "count", "first = 1"),
            ("ledger_batches", "count", "first = 4"),
            ("ledger_tiles", "level", "place = 0"),
            ("ledger_tiles", "place", "level = 0"),
            ("ledger_head", "id", "size = 5"),
            ("ledger_head", "size", "id = 1"),
        ] {
            let number = number_of(&tables, table, column, key).await;
            for bit in 0..64 {
                let flipped = number ^ (1_i64.wrapping_shl(bit));
                let update = |from: i64, to: i64| {
                    let rest = if column == key.split(' ').next().unwrap() { format!("{column} = {from}") } else { key.to_owned() };
                    format!("UPDATE {table} SET {column} = {to} WHERE {rest}")
                };
                // A number that another row has cannot be taken.
                if tables.try_run(&update(number, flipped), []).await.is_err() {
                    continue;
                }
                flips += 1;
                assert!(!found(&store).await.is_empty(), "{table}.{column} of {key}, bit {bit}");
                assert_eq!(tables.run(&update(flipped, number), []).await, 1);
            }
        }
        assert!(flips > 9 * 60, "{flips} flips");
        assert_eq!(look(&store, &[]).await.expect("looked").tampering, []);
    }

    async fn rows_that_were_removed_swapped_lengthened_or_added_are_found(place) {
        let store = open(&place.url).await;
        for number in 0..4 {
            let id = |at| asset(&format!("{number}-{at}"));
            let many = (usize::from(number == 0)..130).map(|at| Command::RegisterAsset(id(at), Attributes::default()));
            let plan = Plan { commands: many.collect(), ..Plan::default() };
            store.commit(&person("root"), day(1), move |_| Ok(plan)).await.expect("registered");
        }
        let tables = Tables::of(place).await;
        let (batches, tiles) = (tables.batches().await, tables.tiles().await);
        assert_eq!(batches.iter().map(|(first, ..)| *first).collect::<Vec<_>>(), [0, 1, 130, 256, 260, 390, 512]);
        assert_eq!(tiles.iter().map(|(level, place, _)| (*level, *place)).collect::<Vec<_>>(), [(0, 0), (0, 1), (0, 2), (1, 0)]);
        let bundle_of = |first: i64| Tile::holding(0, first as u64, 520).bundle_path();
        for (first, count, bytes) in &batches {
            tables.run("DELETE FROM ledger_batches WHERE first = $1", [(*first).into()]).await;
            let tampering = found(&store).await;
            assert!(matches!(&tampering[..], [Tampering::Bundle { path, .. }] if *path == bundle_of(*first)), "{first}: {tampering:?}");
            let insert = "INSERT INTO ledger_batches (first, count, entries) VALUES ($1, $2, $3)";
            tables.run(insert, [(*first).into(), (*count).into(), bytes.clone().into()]).await;
            // The same row once more, in another place.
            for other in [first + 1000, first + 10, -1] {
                tables.run(insert, [other.into(), (*count).into(), bytes.clone().into()]).await;
                assert!(!found(&store).await.is_empty(), "{first} again as {other}");
                tables.run("DELETE FROM ledger_batches WHERE first = $1", [other.into()]).await;
            }
            tables.set_batch(*first, [bytes.as_slice(), &[0]].concat()).await;
            assert!(matches!(&found(&store).await[..], [Tampering::Bundle { path, .. }] if *path == bundle_of(*first)));
            tables.set_batch(*first, bytes.clone()).await;
        }
        for ((one, _, bytes), (other, _, others)) in batches.iter().zip(&batches[1..]) {
            tables.set_batch(*one, others.clone()).await;
            tables.set_batch(*other, bytes.clone()).await;
            let tampering = found(&store).await;
            assert!(!tampering.is_empty(), "{one} and {other} swapped");
            tables.set_batch(*one, bytes.clone()).await;
            tables.set_batch(*other, others.clone()).await;
        }
        for (level, index, bytes) in &tiles {
            let key = [Value::from(*level), Value::from(*index)];
            tables.run("DELETE FROM ledger_tiles WHERE level = $1 AND place = $2", key.clone()).await;
            let width = (bytes.len() / 32) as u16;
            let path = Tile { level: *level as u8, index: *index as u64, width }.path();
            let tampering = found(&store).await;
            assert!(tampering.iter().any(|found| matches!(found, Tampering::Tile { path: found, .. } if *found == path)), "{path}: {tampering:?}");
            let insert = "INSERT INTO ledger_tiles (level, place, hashes) VALUES ($1, $2, $3)";
            tables.run(insert, [key[0].clone(), key[1].clone(), bytes.clone().into()]).await;
            for (level, index) in [(*level, index + 7), (level + 2, *index), (*level, -1), (-1, *index)] {
                tables.run(insert, [level.into(), index.into(), bytes.clone().into()]).await;
                assert!(!found(&store).await.is_empty(), "{path} again as ({level}, {index})");
                tables.run("DELETE FROM ledger_tiles WHERE level = $1 AND place = $2", [level.into(), index.into()]).await;
            }
            for other in [[bytes.as_slice(), &[0]].concat(), bytes[1..].to_vec(), Vec::new()] {
                tables.set_tile((*level, *index), other).await;
                assert!(!found(&store).await.is_empty(), "{path} with another length");
            }
            tables.set_tile((*level, *index), bytes.clone()).await;
        }
        assert_eq!(found(&store).await, []);
        tables.run("DELETE FROM ledger_head", []).await;
        let gone = look(&store, &[]).await.expect_err("it cannot be looked at");
        assert!(words(&gone).contains("ledger_head"), "{}", words(&gone));
    }

    async fn a_kept_checkpoint_shows_that_the_end_was_cut_off(place) {
        let store = open(&place.url).await;
        let tables = Tables::of(place).await;
        let older = populated(&store, 3).await;
        let (batches, tiles) = (tables.batches().await, tables.tiles().await);
        for number in 0..300 {
            register(&store, &format!("more-{number}"), day(9)).await.expect("registered");
        }
        let newest = store.checkpoint().await.expect("read");
        assert_eq!(look(&store, &[&older, &newest]).await.expect("looked").tampering, []);
        drop(store);
        // Everything is as it was then, and signed.
        let size = batches.last().map_or(0, |(first, count, _)| first + count);
        tables.run("DELETE FROM ledger_batches WHERE first >= $1", [size.into()]).await;
        tables.run("DELETE FROM ledger_tiles", []).await;
        for (level, index, bytes) in tiles {
            let insert = "INSERT INTO ledger_tiles (level, place, hashes) VALUES ($1, $2, $3)";
            tables.run(insert, [level.into(), index.into(), bytes.into()]).await;
        }
        tables.set_head(size as u64, &older).await;
        let verify = async |kept: Vec<Vec<u8>>| {
            verify_at(&place.url, &signer().verifier(), kept, |_| {}).await.expect("looked").tampering
        };
        assert_eq!(verify(vec![older.clone().into_bytes()]).await, [], "by itself it is whole");
        let cut = Tampering::RolledBack { kept: size as u64 + 300, size: size as u64 };
        assert_eq!(verify(vec![newest.into_bytes()]).await, [cut]);
    }

    async fn a_kept_checkpoint_shows_another_history_of_the_same_key(place) {
        let store = open(&place.url).await;
        populated(&store, 3).await;
        let kept = store.checkpoint().await.expect("read");
        let size = store.record().await.expect("read").state.entries;
        let other_place = if place.is_sqlite() { Place::sqlite() } else { Place::postgres() };
        let other_place = other_place.expect("a place");
        let other = open(&other_place.url).await;
        populated(&other, 9).await;
        assert_eq!(look(&other, &[]).await.expect("looked").tampering, [], "by itself it is whole");
        assert_eq!(look(&other, &[&kept]).await.expect("looked").tampering, [Tampering::Forked { kept: size }]);
    }

    async fn a_kept_checkpoint_shows_that_an_old_backup_was_put_back(place) {
        let store = open(&place.url).await;
        populated(&store, 3).await;
        let mut old = Vec::new();
        let backed_up = backup((&place.url, None), &mut old, |_| {}).await.expect("backed up");
        register(&store, "later", day(9)).await.expect("registered");
        let newest = store.checkpoint().await.expect("read");
        let other_place = if place.is_sqlite() { Place::sqlite() } else { Place::postgres() };
        let other_place = other_place.expect("a place");
        let restored = restore(&other_place.url, old.as_slice(), &signer().verifier(), false, |_| {}).await.expect("restored");
        assert_eq!(restored.backup.checkpoint, backed_up.checkpoint);
        assert_eq!(restored.replayed.differences, []);
        let other = open(&other_place.url).await;
        assert_eq!(look(&other, &[&backed_up.checkpoint]).await.expect("looked").tampering, []);
        let rolled_back = Tampering::RolledBack { kept: backed_up.entries + 1, size: backed_up.entries };
        assert_eq!(look(&other, &[&newest]).await.expect("looked").tampering, [rolled_back]);
    }

    async fn a_changed_missing_or_foreign_row_of_each_table_is_found_by_replay(place) {
        let store = open(&place.url).await;
        populate(&store).await;
        one_of_each(&store).await;
        drop(store);
        let tables = Tables::of(place).await;
        let differences = async || replay_at((&place.url, None), None, |_| {}).await.expect("replayed").differences;
        assert_eq!(differences().await, []);
        for (table, key, body) in [
            ("assets", "id", "body"),
            ("people", "id", "body"),
            ("tokens", "id", "body"),
            ("feeds", "id", "body"),
            ("decisions", "id", "body"),
            ("in_force", "id", "body"),
            ("violations", "id", "body"),
            ("assets", "id", "entry"),
        ] {
            let id = text_of(&tables, &format!("SELECT CAST(MAX({key}) AS TEXT) FROM {table}")).await;
            let rest = if key == "id" { format!("'{id}'") } else { id.clone() };
            let differs = |key: &str, kind| [Difference { table, key: key.to_owned(), kind }];
            let columns = if key == "id" { "entry, body" } else { "entry" };
            let foreign = if key == "id" { "zzz" } else { "77777" };
            let other = if key == "id" { "'zzz'" } else { "77777" };
            tables.run(&format!("INSERT INTO {table} ({key}, {columns}) SELECT {other}, {columns} FROM {table} WHERE {key} = {rest}"), []).await;
            assert_eq!(differences().await, differs(foreign, DifferenceKind::Foreign));
            let change = if (key, body) == ("id", "entry") { "entry + 1".to_owned() } else { format!("{body} || ' '") };
            tables.run(&format!("UPDATE {table} SET {body} = {change} WHERE {key} = {other}"), []).await;
            tables.run(&format!("DELETE FROM {table} WHERE {key} = {rest}"), []).await;
            let mut both: Vec<Difference> = differs(&id, DifferenceKind::Missing).to_vec();
            both.extend(differs(foreign, DifferenceKind::Foreign));
            let mut seen = differences().await;
            seen.sort_by(|one, two| one.key.len().cmp(&two.key.len()).then(one.key.cmp(&two.key)));
            both.sort_by(|one, two| one.key.len().cmp(&two.key.len()).then(one.key.cmp(&two.key)));
            assert_eq!(seen, both);
            tables.run(&format!("UPDATE {table} SET {key} = {rest} WHERE {key} = {other}"), []).await;
            assert_eq!(differences().await, differs(&id, DifferenceKind::Changed));
            let back = if (key, body) == ("id", "entry") { "entry - 1".to_owned() } else { format!("substr({body}, 1, length({body}) - 1)") };
            tables.run(&format!("UPDATE {table} SET {body} = {back} WHERE {key} = {rest}"), []).await;
            assert_eq!(differences().await, []);
        }
    }

    async fn a_changed_or_missing_document_is_named_by_replay(place) {
        let (store, tables) = (small(place).await, Tables::of(place).await);
        let name = text_of(&tables, "SELECT MAX(digest) FROM documents").await;
        let whole = store.document(&name).await.expect("read");
        let bytes = tables.blobs("SELECT CAST(0 AS BIGINT), CAST(0 AS BIGINT), bytes FROM documents").await.remove(0).2;
        let set = async |bytes: Vec<u8>| tables.run("UPDATE documents SET bytes = $1", [bytes.into()]).await;
        for bit in (0..bytes.len() * 8).step_by(step(place)) {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            set(flipped).await;
            match store.replay(|_| {}).await {
                // How it is packed says nothing: it is the document that was named.
                Ok((replayed, _)) if replayed.stopped.is_some() => {
                    let why = replayed.stopped.unwrap_or_default();
                    assert!(why.contains(&name), "bit {bit}: {why}");
                }
                Ok((replayed, _)) => {
                    assert_eq!(replayed.differences, []);
                    assert_eq!(store.document(&name).await.expect("read"), whole, "bit {bit}");
                }
                Err(error) => assert!(words(&error).contains(&name), "bit {bit}: {}", words(&error)),
            }
        }
        tables.run("DELETE FROM documents", []).await;
        let missing = store.replay(|_| {}).await.expect("replayed").0.stopped.expect("it is gone");
        assert!(missing.contains("entry 3"), "{missing}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_was_changed_or_cut_anywhere_is_refused() {
    let (from, mut to) = (Place::sqlite().expect("a place"), Place::sqlite().expect("a place"));
    small(&from).await;
    let mut whole = Vec::new();
    let backed_up = backup((&from.url, None), &mut whole, |_| {}).await.expect("backed up");
    let mut unread = 0;
    for at in 0..whole.len() {
        let cut = restore(&to.url, &whole[..at], &signer().verifier(), false, |_| {}).await;
        assert!(cut.is_err(), "cut at {at}");
        for mask in [1 << (at % 8), 0xff] {
            let mut changed = whole.clone();
            changed[at] ^= mask;
            if let Ok(restored) = restore(&to.url, changed.as_slice(), &signer().verifier(), false, |_| {}).await {
                // Some bits of what is packed are never read: all that was backed up is there.
                assert_eq!(
                    (restored.backup, restored.replayed.differences),
                    (backed_up.clone(), Vec::new()),
                    "byte {at}"
                );
                to = Place::sqlite().expect("a place");
                unread += 1;
            }
        }
    }
    assert!(unread < 10, "{unread} changes without an effect");
    let longer =
        restore(&to.url, [whole.as_slice(), &[0]].concat().as_slice(), &signer().verifier(), false, |_| {}).await;
    assert!(longer.is_err(), "something stands behind the end");
    let restored = restore(&to.url, whole.as_slice(), &signer().verifier(), false, |_| {}).await;
    assert_eq!(restored.expect("nothing of what was refused is there").backup, backed_up);
}

/// An organisation, and some assets of a name of their own; says the checkpoint.
async fn populated(store: &Store, version: u32) -> String {
    populate(store).await;
    push(store, "web-2", day(8), &[("openssl", &version.to_string())]).await.expect("pushed");
    store.checkpoint().await.expect("read")
}

/// A token, a feed, a decision and a violation.
async fn one_of_each(store: &Store) {
    let (token, holder) = (TokenId::new("t").expect("an id"), Holder::Person(person("lead")));
    let issue = Command::IssueToken {
        token,
        holder,
        digest: digest(b"secret"),
        until: day(99),
        scopes: std::collections::BTreeSet::new(),
    };
    act(store, "root", day(9), issue).await.expect("issued");
    let feed = FeedId::new("debian").expect("an id");
    let update = Command::UpdateFeed { feed, digest: digest(b"feed"), records: 1, newest: None };
    act(store, "root", day(9), update).await.expect("updated");
    let decision = DecisionId::new("d").expect("an id");
    let reach = Reach { vulnerability: "CVE-2026-1".to_owned(), package: None, assets: Vec::new() };
    let (kind, reason, until) = (DecisionKind::FalsePositive, "not built".to_owned(), day(99));
    let ask =
        Command::RequestDecision { decision, kind, reach, reason, until, renews: None, assessment: Default::default() };
    act(store, "lead", day(9), ask).await.expect("asked for");
    let (first, last) = store.record().await.expect("read").state.days_to_tell(day(9)).expect("a day is over");
    let party = Party::Team("web".to_owned());
    let breach = Breach { day: last, kind: BreachKind::Deadline, party, count: 1 };
    act(store, "root", day(9), Command::TellViolations(first, last, vec![breach])).await.expect("told");
}

async fn number_of(tables: &Tables, table: &str, column: &str, key: &str) -> i64 {
    let text = format!("SELECT {column} FROM {table} WHERE {key}");
    let row = tables.0.query_one_raw(Statement::from_string(tables.0.get_database_backend(), text)).await;
    row.expect("read").expect("a row").try_get_by_index(0).expect("a number")
}

async fn text_of(tables: &Tables, text: &str) -> String {
    let row = tables.0.query_one_raw(Statement::from_string(tables.0.get_database_backend(), text)).await;
    row.expect("read").expect("a row").try_get_by_index(0).expect("a text")
}
