//! Package URLs (<https://github.com/package-url/purl-spec>): read for matching, written for output.

use crate::model::{Package, PackageType, SourcePackage};
use ecow::EcoString;
use smallvec::SmallVec;
use std::borrow::Cow;

/// A parsed package URL; only what matching needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purl<'a> {
    /// The type, lower case.
    pub kind: Cow<'a, str>,
    /// The namespace with its slashes; may be empty.
    pub namespace: Cow<'a, str>,
    /// The name.
    pub name: Cow<'a, str>,
    /// The version; may be empty.
    pub version: Cow<'a, str>,
    /// Qualifiers in their order.
    pub qualifiers: SmallVec<[(Cow<'a, str>, Cow<'a, str>); 4]>,
    /// The subpath; may be empty.
    pub subpath: Cow<'a, str>,
}

impl<'a> Purl<'a> {
    /// Reads a package URL; the error says what is wrong with it.
    ///
    /// # Errors
    /// A short phrase, if the text is no package URL.
    pub fn parse(text: &'a str) -> Result<Self, &'static str> {
        let rest = text.trim().strip_prefix("pkg:").ok_or("it does not begin with `pkg:`")?;
        let rest = rest.trim_start_matches('/');
        let (rest, subpath) = split(rest, b'#').unwrap_or((rest, ""));
        let (rest, qualifiers) = split(rest, b'?').unwrap_or((rest, ""));
        let (kind, path) = split(rest, b'/').ok_or("it has no name")?;
        // A version's `@` comes after the last slash; `@scope` of npm stands before one.
        let slash = memchr::memrchr(b'/', path.as_bytes()).map_or(0, |at| at + 1);
        let (path, version) = match memchr::memrchr(b'@', &path.as_bytes()[slash..]).filter(|at| *at > 0) {
            Some(at) => (&path[..slash + at], &path[slash + at + 1..]),
            None => (path, ""),
        };
        let path = path.trim_end_matches('/');
        let (namespace, name) = match memchr::memrchr(b'/', path.as_bytes()) {
            Some(at) => (&path[..at], &path[at + 1..]),
            None => ("", path),
        };
        // `pkg:apk/alpine/@1.36.1`: what looks like a name is a version.
        if kind.is_empty() || name.is_empty() || name.starts_with('@') {
            return Err("its type or name is empty");
        }
        if !kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-')) {
            return Err("its type has characters that no type may have");
        }
        let mut pairs = SmallVec::new();
        let mut rest = qualifiers;
        while !rest.is_empty() {
            let (pair, tail) = split(rest, b'&').unwrap_or((rest, ""));
            if let Some((key, value)) = split(pair, b'=') {
                pairs.push((lower(key), decode(value)));
            }
            rest = tail;
        }
        Ok(Self {
            kind: lower(kind),
            namespace: namespace_of(namespace),
            name: decode(name),
            version: decode(version),
            qualifiers: pairs,
            subpath: decode(subpath),
        })
    }

    /// The value of a qualifier.
    #[must_use]
    pub fn qualifier(&self, key: &str) -> Option<&str> {
        self.qualifiers.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_ref())
    }

    /// The package's name as its ecosystem writes it.
    #[must_use]
    pub fn full_name(&self) -> String {
        match (self.kind.as_ref(), self.namespace.as_ref()) {
            (_, "") | ("deb" | "rpm" | "apk" | "alpm" | "opkg", _) => self.name.clone().into_owned(),
            ("maven", namespace) => format!("{namespace}:{}", self.name),
            (_, namespace) => format!("{namespace}/{}", self.name),
        }
    }

    /// The package that the URL names, if its type is known. Its ecosystem follows for languages only; for
    /// distributions see [`Purl::release`].
    #[must_use]
    pub fn to_package(&self, location: impl Into<EcoString>) -> Option<Package> {
        let kind = PackageType::from_name(&self.kind)?;
        let mut version = self.version.clone().into_owned();
        if let Some(epoch) =
            self.qualifier("epoch").filter(|epoch| *epoch != "0" && matches!(kind, PackageType::Rpm | PackageType::Deb))
            && !version.contains(':')
        {
            version = format!("{epoch}:{version}");
        }
        let mut package = Package::language(kind, self.full_name(), version, location);
        package.architecture = self.qualifier("arch").unwrap_or_default().into();
        let upstream = self.qualifier("upstream").or(self.qualifier("source")).or(self.qualifier("origin"));
        package.source = upstream.map(|upstream| upstream_package(upstream, &package.version, kind));
        if let (Some(source), Some(version)) = (&mut package.source, self.qualifier("sourceversion")) {
            source.version = version.into();
        }
        package.module = self.qualifier("rpmmod").or(self.qualifier("modularitylabel")).map(crate::readers::stream_of);
        if let Some(release) = self.release() {
            package.ecosystem = release.into();
        }
        // Without its group or vendor the name is another package's, or nobody's.
        if self.namespace.is_empty() && matches!(kind, PackageType::Maven | PackageType::Composer) {
            package.ecosystem = EcoString::new();
        }
        Some(package)
    }

    /// OSV's name of the distribution's release that the URL names in `distro=` or its namespace.
    #[must_use]
    pub fn release(&self) -> Option<String> {
        if !matches!(self.kind.as_ref(), "deb" | "rpm" | "apk") {
            return None;
        }
        let distro = self.qualifier("distro").or(self.qualifier("distro_name")).unwrap_or_default();
        let family = self.namespace.split('/').next().unwrap_or_default();
        let (id, version) =
            match distro.rsplit_once('-').filter(|(_, version)| version.starts_with(|c: char| c.is_ascii_digit())) {
                Some((id, version)) => (id, version),
                None if distro.starts_with(|c: char| c.is_ascii_digit()) => (family, distro),
                None => (family, ""),
            };
        let codename = if version.is_empty() { distro.split_once('-').map_or(distro, |(_, rest)| rest) } else { "" };
        let id = crate::os::usual_id(id);
        // `2 (Karoo)`
        let version = version.split(' ').next().unwrap_or_default();
        let is_versioned = !version.is_empty() || !codename.is_empty() || matches!(id, "wolfi" | "chainguard");
        is_versioned.then(|| crate::os::ecosystem_named(id, version, codename, false)).flatten()
    }
}

/// The package that a document's package URL names.
///
/// OCI images, GitHub repositories and the like are named, but nothing that has advisories of its own.
///
/// # Errors
/// A sentence, if the text is no package URL.
pub fn package_named(text: &str, location: impl Into<EcoString>) -> Result<Package, String> {
    let location = location.into();
    let purl = Purl::parse(text).map_err(|what| format!("its purl `{text}` is not valid: {what}"))?;
    Ok(purl.to_package(location.clone()).unwrap_or_else(|| {
        let name = format!("{}/{}", purl.kind, purl.full_name());
        Package::new(PackageType::Generic, "", name, purl.version.clone().into_owned(), location)
    }))
}

/// `upstream=curl@7.88-1`, `upstream=curl`, or for RPM `upstream=curl-7.88-1.src.rpm`.
fn upstream_package(upstream: &str, version: &str, kind: PackageType) -> SourcePackage {
    if kind == PackageType::Rpm
        && let Some(source) = crate::readers::source_of_rpm(upstream)
    {
        return source;
    }
    let (name, own) = upstream.split_once('@').unwrap_or((upstream, ""));
    SourcePackage::new(name, if own.is_empty() { version } else { own }, version)
}

/// Splits at the first such byte, which is ASCII.
fn split(text: &str, separator: u8) -> Option<(&str, &str)> {
    memchr::memchr(separator, text.as_bytes()).map(|at| (&text[..at], &text[at + 1..]))
}

fn lower(text: &str) -> Cow<'_, str> {
    match text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => text.to_ascii_lowercase().into(),
        false => text.into(),
    }
}

/// The parts of a namespace, each decoded, with one slash between them.
fn namespace_of(text: &str) -> Cow<'_, str> {
    if !text.contains("//") && !text.starts_with('/') && !text.contains('%') {
        return text.into();
    }
    text.split('/').filter(|part| !part.is_empty()).map(decode).collect::<Vec<_>>().join("/").into()
}

/// Resolves percent signs; a sign without two digits stays as it is.
fn decode(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'%', text.as_bytes()).is_none() {
        return text.into();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    while at < bytes.len() {
        let pair = bytes.get(at + 1).zip(bytes.get(at + 2)).filter(|_| bytes[at] == b'%');
        match pair.and_then(|(high, low)| Some(digit(*high)? << 4 | digit(*low)?)) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()).into()
}

fn encode(out: &mut String, text: &str, keep: &[u8]) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// Writes the package URL of a package.
#[must_use]
pub fn write(package: &Package) -> String {
    let mut out = format!("pkg:{}/", package.kind.name());
    let (family, release) = package.ecosystem.split_once(':').unwrap_or((&package.ecosystem, ""));
    let (namespace, name) = match package.kind {
        PackageType::Deb | PackageType::Rpm | PackageType::Apk => {
            (family.to_ascii_lowercase().replace(" linux", "").replace(' ', ""), package.name.as_str())
        }
        PackageType::Maven => package
            .name
            .split_once(':')
            .map_or((String::new(), package.name.as_str()), |(group, name)| (group.to_owned(), name)),
        _ => package
            .name
            .rsplit_once('/')
            .map_or((String::new(), package.name.as_str()), |(space, name)| (space.to_owned(), name)),
    };
    if !namespace.is_empty() {
        encode(&mut out, &namespace, b"/");
        out.push('/');
    }
    encode(&mut out, name, b"");
    if !package.version.is_empty() {
        out.push('@');
        encode(&mut out, &package.version, b":");
    }
    let mut separator = '?';
    if !package.architecture.is_empty() {
        out.push(separator);
        out.push_str("arch=");
        encode(&mut out, &package.architecture, b"");
        separator = '&';
    }
    if !release.is_empty() && package.kind.language_ecosystem().is_none() {
        out.push(separator);
        out.push_str("distro=");
        encode(
            &mut out,
            &format!("{}-{}", namespace, release.split(':').next().unwrap_or(release).trim_start_matches('v')),
            b"",
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_urls_are_read() {
        let purl = Purl::parse("pkg:npm/%40angular/core@17.0.1").expect("valid");
        assert_eq!((purl.full_name().as_str(), purl.version.as_ref()), ("@angular/core", "17.0.1"));
        let purl = Purl::parse("pkg:deb/debian/libcurl4@7.88.1-10%2Bdeb12u5?arch=amd64&upstream=curl&distro=debian-12")
            .expect("valid");
        let package = purl.to_package("x").expect("known");
        assert_eq!((package.ecosystem.as_str(), package.version.as_str()), ("Debian:12", "7.88.1-10+deb12u5"));
        assert_eq!(package.source.map(|source| source.name).as_deref(), Some("curl"));
        assert_eq!(Purl::parse("pkg:maven/org.apache/x@1").expect("valid").full_name(), "org.apache:x");
        assert_eq!(Purl::parse("pkg:npm/@scope/name").expect("valid").full_name(), "@scope/name");
        let purl =
            Purl::parse("pkg:deb/debian/bsdutils@2.38.1-5?arch=amd64&distro=debian-12.11&epoch=1").expect("valid");
        assert_eq!(purl.to_package("x").expect("known").version, "1:2.38.1-5");
        let purl = Purl::parse("pkg:deb/ubuntu/pcre3@2%3A8.39-12?distro=focal&source=pcre3").expect("valid");
        let package = purl.to_package("x").expect("known");
        assert_eq!((package.ecosystem.as_str(), package.version.as_str()), ("Ubuntu:20.04:LTS", "2:8.39-12"));
        assert_eq!(package.source.expect("a source").version, "2:8.39-12");
        assert!(Purl::parse("pkg:apk/alpine/@1.36.1-r27?arch=x86_64").is_err());
        assert!(Purl::parse("https://example.org").is_err() && Purl::parse("pkg:npm/").is_err());
    }
}
