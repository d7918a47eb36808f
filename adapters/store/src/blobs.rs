//! Blobs: documents that are too large for the database, compressed, under their digests: in a folder, or in a bucket of storage
//! that speaks as Amazon's S3 does.
//!
//! A blob is in its place before the entry that names it is committed, and is never changed: what a commit that fails leaves behind
//! is what the next one finds.

use crate::error::Error;
use crate::file::write_whole;
use object_store::aws::AmazonS3Builder;
use object_store::{ObjectStore, ObjectStoreExt};
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A document that is larger than this, compressed, is a blob.
pub(crate) const LARGE: usize = 256 << 10;

/// Where blobs are kept.
#[derive(Debug, Clone)]
pub(crate) enum Blobs {
    /// Nowhere: every document is in the database.
    Nowhere,
    /// In a folder, each in a file of its own.
    Folder(PathBuf),
    /// In a bucket, below a prefix.
    Bucket { store: Arc<dyn ObjectStore>, prefix: String, url: String },
}

impl Blobs {
    /// Blobs in a folder, or at `s3://bucket/prefix`, behind which `?endpoint=https://…`, `&region=…` and `&keys=FILE` may stand: a file of
    /// two lines, the id of the access key and its secret.
    /// What is not said there is taken from the environment, under the names of Amazon's own tools: the keys
    /// (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`), the region, the endpoint.
    pub(crate) fn at(place: &str) -> Result<Self, Error> {
        let Some(rest) = place.strip_prefix("s3://") else { return Ok(Self::Folder(PathBuf::from(place))) };
        // Asking twice is no error: the first answer stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (path, settings) = rest.split_once('?').unwrap_or((rest, ""));
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
        for setting in settings.split('&').filter(|setting| !setting.is_empty()) {
            builder = match setting.split_once('=') {
                Some(("endpoint", url)) => builder.with_endpoint(url).with_allow_http(url.starts_with("http://")),
                Some(("region", region)) => builder.with_region(region),
                Some(("keys", path)) => with_keys(builder, path)?,
                _ => return Err(Error::Address { url: place.to_owned() }),
            };
        }
        let store = builder.build().map_err(Error::blobs(place))?;
        Ok(Self::Bucket { store: Arc::new(store), prefix: prefix.trim_matches('/').to_owned(), url: place.to_owned() })
    }

    /// Whether a document of so many bytes belongs here.
    pub(crate) fn wants(&self, bytes: usize) -> bool {
        bytes > LARGE && !matches!(self, Self::Nowhere)
    }

    /// Keeps bytes under a digest.
    pub(crate) async fn put(&self, digest: &str, bytes: &[u8]) -> Result<(), Error> {
        match self {
            Self::Nowhere => Ok(()),
            Self::Folder(folder) => {
                let path = folder.join(name(digest));
                let below = path.parent().unwrap_or(folder);
                DirBuilder::new().recursive(true).mode(0o700).create(below).map_err(Error::file("create", below))?;
                tokio::task::block_in_place(|| write_whole(&path, &[bytes])).map_err(Error::file("write", &path))
            }
            Self::Bucket { store, prefix, url } => {
                let path = object_store::path::Path::from(format!("{prefix}/{}", name(digest)));
                store.put(&path, bytes.to_vec().into()).await.map(|_| ()).map_err(Error::blobs(url))
            }
        }
    }

    /// The bytes under a digest; whoever asks compares them with it.
    pub(crate) async fn get(&self, digest: &str) -> Result<Vec<u8>, Error> {
        let missing = |what: String| Error::Damaged { place: format!("document `{digest}`"), what };
        match self {
            Self::Nowhere => {
                Err(missing("it lies among blobs, and nobody has said where those are (--blobs)".to_owned()))
            }
            Self::Folder(folder) => {
                let path = folder.join(name(digest));
                std::fs::read(&path).map_err(|error| missing(format!("`{}`: {error}", path.display())))
            }
            Self::Bucket { store, prefix, url } => {
                let path = object_store::path::Path::from(format!("{prefix}/{}", name(digest)));
                let got = async { store.get(&path).await?.bytes().await }.await;
                match got {
                    Ok(bytes) => Ok(bytes.to_vec()),
                    Err(object_store::Error::NotFound { .. }) => Err(missing(format!("`{url}` does not have it"))),
                    Err(error) => Err(Error::blobs(url)(error)),
                }
            }
        }
    }
}

fn with_keys(builder: AmazonS3Builder, path: &str) -> Result<AmazonS3Builder, Error> {
    let path = Path::new(path);
    let text = std::fs::read_to_string(path).map_err(Error::file("read", path))?;
    let mut lines = text.lines().map(str::trim);
    match (lines.next(), lines.next()) {
        (Some(id), Some(secret)) => Ok(builder.with_access_key_id(id).with_secret_access_key(secret)),
        _ => {
            let what = "it does not have two lines: the id of an access key, and its secret".to_owned();
            Err(Error::Damaged { place: format!("`{}`", path.display()), what })
        }
    }
}

/// `sha256/ab/cdef…`: so that no folder has too many.
fn name(digest: &str) -> String {
    let bare = digest.strip_prefix("sha256:").unwrap_or(digest);
    let (head, tail) = bare.split_at_checked(2).unwrap_or((bare, ""));
    format!("sha256/{head}/{tail}")
}
