//! This Windows host, asked by its registry and by its Update Agent.

mod registry;
mod updates;

use inventory::windows::{Program, Release, Updates, Windows};

/// The host that this program runs on.
pub(crate) struct ThisHost;

impl Windows for ThisHost {
    fn name(&self) -> String {
        registry::name()
    }

    fn release(&self) -> Result<Release, String> {
        registry::release()
    }

    fn programs(&self) -> (Vec<Program>, Vec<(String, String)>) {
        registry::programs()
    }

    fn updates(&self) -> Result<Updates, String> {
        // The interfaces of COM hold for the thread that asked for them: this one has nothing else to do.
        let asked = std::thread::spawn(updates::ask).join();
        asked.unwrap_or_else(|_| Err("asking ended in a panic".to_owned()))
    }

    fn restart_reasons(&self) -> Result<Vec<String>, String> {
        registry::restart_reasons()
    }
}
