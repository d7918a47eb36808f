//! Small hosts of our own making.

use plimsoll_inventory::{Directory, Inventory, Os, pending, readers};
use std::path::PathBuf;

/// Writes a host's files below a folder of its own, and reads its databases and pending updates.
pub(crate) fn host(name: &str, files: &[(&str, &[u8])]) -> (PathBuf, Inventory) {
    let root = std::env::temp_dir().join(format!("plimsoll-pending-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&root);
    for (path, content) in files {
        let file = root.join(path);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("created");
        std::fs::write(file, content).expect("written");
    }
    let inventory = read(&root);
    (root, inventory)
}

/// Reads the host that lies below a folder.
pub(crate) fn read(root: &std::path::Path) -> Inventory {
    let directory = Directory::new(std::fs::File::open(root).expect("opens").into());
    let os = directory.read("etc/os-release", 1 << 16).expect("read").map(|bytes| Os::parse(&bytes));
    let mut inventory = Inventory { os, ..Inventory::default() };
    readers::read_databases(&directory, &mut inventory);
    pending::collect(&directory, &mut inventory);
    inventory
}
