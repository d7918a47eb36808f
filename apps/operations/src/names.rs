//! Names as people write them, made the ones that the record knows.

use inventory::purl::package_named;

/// A package as a decision or a filter names it: a name stays what it is, a package URL becomes its kind and the name as its
/// ecosystem writes it (`pkg:npm/@scope/name`, `pkg:maven/group:name`), without a version.
///
/// # Errors
/// A sentence, if it begins as a package URL and is none.
pub fn package_name(text: &str) -> Result<String, String> {
    if !text.starts_with("pkg:") {
        return Ok(text.to_owned());
    }
    let package = package_named(text, "")?;
    Ok(format!("pkg:{}/{}", package.kind.name(), package.name))
}

#[cfg(test)]
mod tests {
    use super::package_name;

    #[test]
    fn a_package_url_names_one_package_and_no_other_of_the_same_last_name() {
        for (written, known) in [
            ("openssl", "openssl"),
            ("pkg:npm/%40angular/core@12.0.0", "pkg:npm/@angular/core"),
            ("pkg:npm/core", "pkg:npm/core"),
            ("pkg:maven/org.apache.logging.log4j/log4j-core", "pkg:maven/org.apache.logging.log4j:log4j-core"),
            ("pkg:deb/debian/openssl@3.0.1?arch=amd64", "pkg:deb/openssl"),
            ("pkg:golang/golang.org/x/net", "pkg:golang/golang.org/x/net"),
        ] {
            assert_eq!(package_name(written).as_deref(), Ok(known), "{written}");
        }
        assert!(package_name("pkg:npm").is_err());
    }
}
