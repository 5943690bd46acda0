//! Certificates for servers of tests, by `openssl`: an authority, and what it signs.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::postgres::{run, unique_name};

/// An authority that nobody else believes.
#[derive(Debug)]
pub struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    /// Makes one.
    ///
    /// # Panics
    /// `openssl` is not installed.
    #[must_use]
    pub fn new() -> Self {
        let authority = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        run(openssl(&["req", "-x509", "-nodes", "-days", "2", "-subj", &format!("/CN=Authority {}", unique_name()), "-keyout"])
            .arg(authority.key())
            .arg("-out")
            .arg(authority.certificate()));
        authority
    }

    /// Its own certificate: the PEM file that clients are given.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("authority.key")
    }

    /// Puts `server.pem` and `server.key` into a folder, readable for its owner alone. `names` as openssl writes them:
    /// `DNS:localhost,IP:127.0.0.1`.
    ///
    /// # Panics
    /// `openssl` does not do it.
    #[must_use]
    pub fn issue(&self, folder: &Path, names: &str) -> (PathBuf, PathBuf) {
        let (certificate, key) = (folder.join("server.pem"), folder.join("server.key"));
        let (request, extensions) = (folder.join("server.csr"), folder.join("server.ext"));
        std::fs::write(&extensions, format!("basicConstraints=critical,CA:FALSE\nsubjectAltName={names}\n")).expect("a file");
        run(openssl(&["req", "-new", "-nodes", "-subj", "/CN=Test server", "-keyout"]).arg(&key).arg("-out").arg(&request));
        run(Command::new("openssl")
            .args(["x509", "-req", "-days", "2", "-CAcreateserial", "-in"])
            .arg(&request)
            .arg("-CA")
            .arg(self.certificate())
            .arg("-CAkey")
            .arg(self.key())
            .arg("-extfile")
            .arg(&extensions)
            .arg("-out")
            .arg(&certificate));
        for file in [&certificate, &key] {
            run(Command::new("chmod").arg("600").arg(file));
            run(Command::new("chown").arg("--reference").arg(folder).arg(file));
        }
        (certificate, key)
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

/// A request with a key of its own.
fn openssl(words: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    let (first, rest) = words.split_first().expect("words");
    command.arg(first).args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]).args(rest);
    command
}
