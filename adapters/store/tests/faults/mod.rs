//! A disk with faults: a small library between a process and its files, compiled from `tests/shim/faults.c`.

use crate::world::player::open_with;
use crate::world::{asset, day, register};
use plimsoll_store::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The variable with the orders that hold from the moment at which a process asks for them.
const ORDERS: &str = "PLIMSOLL_TEST_ORDERS";
/// The variable with the address of the survivor's database.
pub(crate) const URL: &str = "PLIMSOLL_TEST_URL";

/// The compiled library.
#[derive(Debug, Clone)]
pub(crate) struct Shim {
    library: PathBuf,
}

/// The library; none, said visibly, where there is no C compiler.
pub(crate) fn shim() -> Option<Shim> {
    static SHIM: OnceLock<Option<Shim>> = OnceLock::new();
    SHIM.get_or_init(compile).clone()
}

fn compile() -> Option<Shim> {
    let library = std::env::temp_dir().join(format!("plimsoll-faults-{}.so", std::process::id()));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shim/faults.c");
    let compiled =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl").status();
    match compiled {
        Err(_) => {
            eprintln!("SKIPPED: there is no C compiler");
            None
        }
        Ok(status) => {
            assert!(status.success(), "the library of faults does not compile");
            Some(Shim { library })
        }
    }
}

impl Shim {
    /// The environment of a process for whose database these orders are to hold, once it calls [`begin`].
    pub(crate) fn orders(&self, url: &str, orders: &str) -> Vec<(&'static str, String)> {
        let folder = Path::new(url).parent().expect("a folder");
        let beside = folder.with_extension("orders");
        std::fs::write(&beside, "").expect("written");
        vec![
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAULT_FOLDER", folder.display().to_string()),
            ("FAULT_ORDERS", beside.display().to_string()),
            (ORDERS, orders.to_owned()),
        ]
    }
}

/// Lets the orders hold from now on, if there are any.
pub(crate) fn begin() {
    let (Ok(path), Ok(orders)) = (std::env::var("FAULT_ORDERS"), std::env::var(ORDERS)) else { return };
    std::fs::write(path, orders).expect("written");
}

fn end() {
    std::fs::write(std::env::var("FAULT_ORDERS").expect("a path"), "").expect("written");
}

/// The process: it writes before, during and after the fault.
pub(crate) fn survive() {
    let Ok(url) = std::env::var(URL) else { return };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let store = open_with(&url, 0, None).await;
        register(&store, "before", day(1)).await.expect("kept");
        begin();
        let during = register(&store, "during", day(2)).await;
        if during.is_err() {
            // After two failures in a row everything was acknowledged, and nothing was written.
            for number in 0..3 {
                let again = register(&store, &format!("again-{number}"), day(2)).await;
                assert!(again.is_err(), "the fault goes on, and it is called kept");
            }
        }
        match &during {
            Ok(_) => println!("KEPT during"),
            // It may be there or not, and the answer says so.
            Err(Error::Group(cause)) if matches!(**cause, Error::Uncertain(_)) => println!("UNCERTAIN during"),
            Err(Error::Group(cause)) => {
                let record = store.record().await;
                let is_seen = record.is_ok_and(|record| record.state.assets.contains_key(&asset("during")));
                assert!(!is_seen, "nobody sees what was not kept: {cause:?}");
            }
            Err(other) => panic!("{other:?}"),
        }
        end();
        register(&store, "after", day(3)).await.expect("the store goes on");
    });
}
