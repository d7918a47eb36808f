//! Words that may reach a package manager: nothing in them is read as an option, a path or a pattern.

/// Whether it is a package's name, with its architecture after a colon if there is one: as Debian (Policy 5.6.1 and 5.6.8) and rpm
/// (rpm-spec(5), "Name" and "BuildArch") have them.
#[must_use]
pub fn is_package(word: &str) -> bool {
    let (name, architecture) = word.split_once(':').unwrap_or((word, "amd64"));
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte);
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let is_of_architecture =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    let is_architecture =
        !architecture.is_empty() && architecture.bytes().all(is_of_architecture) && !architecture.starts_with('-');
    begins && name.len() <= MOST && name.bytes().all(is_name) && is_architecture
}

/// Whether it is a version: as Debian (Policy 5.6.12) and rpm (rpm-version(7)) have them.
#[must_use]
pub fn is_version(word: &str) -> bool {
    let is_of = |byte: u8| byte.is_ascii_alphanumeric() || b".+-:~^_".contains(&byte);
    let begins = word.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    begins && word.len() <= MOST && word.bytes().all(is_of)
}

/// Longer than any.
const MOST: usize = 255;

#[cfg(test)]
mod tests {
    use super::{is_package, is_version};

    #[test]
    fn what_could_be_read_as_something_else_is_no_package_and_no_version() {
        for word in [
            "R",
            "libc6",
            "g++-12",
            "libstdc++6:amd64",
            "0ad",
            "linux-image-6.1.0-30-amd64",
            "x11-common:all",
            "NetworkManager-libnm:x86_64",
            "java-21-openjdk",
            "perl_x:noarch",
        ] {
            assert!(is_package(word), "{word}");
        }
        for word in ["", "-y", "--force", "libc6=1", "lib c", "../x.deb", "/x.deb", "libc*", "libc6:", "x\n", "libc6-:"]
        {
            assert!(!is_package(word), "{word}");
        }
        for word in ["1:2.36-9+deb12u9", "5.36.0-7+deb12u3", "2~rc1", "0", "32:9.16.23-18.el9_4.6", "1.0^git2-1"] {
            assert!(is_version(word), "{word}");
        }
        for word in ["", "-1", "+1", "1;2", "1 2", "$(x)", "1/2", "~1"] {
            assert!(!is_version(word), "{word}");
        }
    }
}
