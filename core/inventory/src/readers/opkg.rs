//! opkg's database (OpenWrt): the form of dpkg's, at other places.

use super::dpkg::read_status;
use super::{Access, Document, Reader};
use crate::directory::Directory;
use crate::model::{Inventory, PackageType};

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader { id: "opkg", title: "opkg database", access: Access::Database(read) };

fn read(root: &Directory, inventory: &mut Inventory) {
    for path in ["usr/lib/opkg/status", "var/lib/opkg/status"] {
        match root.read(path, 64 << 20) {
            Ok(Some(bytes)) => {
                let start = inventory.packages.len();
                read_status(&Document { name: path, bytes: &bytes }, inventory);
                for package in &mut inventory.packages[start..] {
                    package.kind = PackageType::Opkg;
                    package.ecosystem.clear();
                }
            }
            Ok(None) => {}
            Err(error) => inventory.unreadable(path, error),
        }
    }
}
