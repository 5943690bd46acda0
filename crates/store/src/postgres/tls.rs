//! TLS to PostgreSQL: `sslmode` and `sslrootcert` of the URL, with the meaning that libpq gives them, by rustls.
//!
//! | `sslmode` | |
//! |---|---|
//! | `disable` | never TLS |
//! | `prefer` (default) | TLS if the server offers it; its certificate is not looked at |
//! | `require` | TLS; the certificate is not looked at, unless `sslrootcert` is given: then as `verify-ca` |
//! | `verify-ca` | TLS; the certificate must be signed by an authority of `sslrootcert` (default: those of the system) |
//! | `verify-full` | and be for the host of the URL |

use std::{
    error::Error,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{
    Socket,
    config::SslMode,
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream},
};
use tokio_rustls::TlsConnector;

/// How much of the server's certificate is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    Nothing,
    Authority,
    AuthorityAndName,
}

/// What a URL asks for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    mode: SslMode,
    check: Check,
    /// PEM file with authorities; `None`: those of the system.
    authorities: Option<String>,
}

/// Takes what this module reads out of a URL (or a list of `key=value`): the rest, how strict the connection is about
/// TLS, and what makes it.
///
/// # Errors
/// A word that `sslmode` does not know, or authorities that cannot be read.
pub(super) fn from_url(url: &str) -> Result<(String, SslMode, Tls), String> {
    let (rest, wanted) = wanted(url)?;
    let verifier = Verifier {
        provider: Arc::new(ring::default_provider()),
        check: wanted.check,
        trusted: if wanted.check == Check::Nothing { Trusted::nobody() } else { Trusted::read(wanted.authorities.as_deref())? },
        source: wanted.authorities.map_or_else(|| "this system".to_owned(), |file| format!("sslrootcert={file}")),
    };
    let mut config = ClientConfig::builder_with_provider(verifier.provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    // What PostgreSQL 17 wants to hear with sslnegotiation=direct; older ones do not listen.
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok((rest, wanted.mode, Tls(TlsConnector::from(Arc::new(config)))))
}

fn wanted(url: &str) -> Result<(String, Wanted), String> {
    let (mut mode, mut authorities) = (None, None);
    let mut ours = |pair: &str, value: fn(&str) -> String| {
        match pair.split_once('=') {
            Some(("sslmode", word)) => mode = Some(value(word)),
            Some(("sslrootcert", file)) => authorities = Some(value(file)),
            _ => return false,
        }
        true
    };
    let rest = match url.split_once('?') {
        Some((before, query)) => {
            let others: Vec<&str> = query.split('&').filter(|pair| !ours(pair, percent_decoded)).collect();
            if others.is_empty() { before.to_owned() } else { format!("{before}?{}", others.join("&")) }
        }
        None if url.contains("://") => url.to_owned(),
        None => url.split_whitespace().filter(|pair| !ours(pair, str::to_owned)).collect::<Vec<_>>().join(" "),
    };
    let authorities = authorities.filter(|file| file != "system");
    let (mode, check) = match mode.as_deref().unwrap_or("prefer") {
        "disable" => (SslMode::Disable, Check::Nothing),
        "prefer" => (SslMode::Prefer, Check::Nothing),
        "require" if authorities.is_none() => (SslMode::Require, Check::Nothing),
        "require" | "verify-ca" => (SslMode::Require, Check::Authority),
        "verify-full" => (SslMode::Require, Check::AuthorityAndName),
        other => return Err(format!("sslmode={other} is not known: disable, prefer, require, verify-ca or verify-full")),
    };
    Ok((rest, Wanted { mode, check, authorities }))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = (first == b'%').then(|| text_of(after.get(..2)?)).flatten();
        bytes.push(code.unwrap_or(first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn text_of(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// What went wrong with TLS for good, if that is what went wrong: a certificate, or a server without TLS.
pub(super) fn trouble(error: &tokio_postgres::Error) -> Option<String> {
    let why = error.source()?;
    if why.is::<NoTrust>() || why.is::<rustls::Error>() {
        return Some(why.to_string());
    }
    // The driver has no kind for it.
    let why = why.to_string();
    (why == "server does not support TLS").then(|| "the server offers none, and sslmode in the URL asks for it".to_owned())
}

/// Why a certificate is not believed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NoTrust(String);

/// Whom we believe.
#[derive(Debug)]
struct Trusted {
    authorities: RootCertStore,
    /// Certificates that are believed by themselves: a server's self-signed one is its own authority.
    themselves: Vec<CertificateDer<'static>>,
}

impl Trusted {
    fn nobody() -> Self {
        Self { authorities: RootCertStore::empty(), themselves: Vec::new() }
    }

    fn read(file: Option<&str>) -> Result<Self, String> {
        let themselves = match file {
            Some(file) => CertificateDer::pem_file_iter(file)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| format!("sslrootcert={file} cannot be read as PEM: {error}"))?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        let mut authorities = RootCertStore::empty();
        let (added, _) = authorities.add_parsable_certificates(themselves.iter().cloned());
        match (added, file) {
            (0, Some(file)) => Err(format!("sslrootcert={file} holds no certificate")),
            (0, None) => Err("this system has no list of authorities: name one with sslrootcert".to_owned()),
            _ => Ok(Self { authorities, themselves }),
        }
    }
}

#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    check: Check,
    trusted: Trusted,
    /// Where the authorities are from, for messages.
    source: String,
}

impl Verifier {
    fn words(&self, error: rustls::Error, name: &ServerName<'_>) -> rustls::Error {
        use CertificateError::{BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext, UnknownIssuer};
        let why = match &error {
            rustls::Error::InvalidCertificate(UnknownIssuer | BadSignature) => {
                format!("its certificate is signed by no authority of {}", self.source)
            }
            rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => {
                format!("its certificate is not for {}, the host in the URL", name.to_str())
            }
            rustls::Error::InvalidCertificate(Expired | ExpiredContext { .. }) => "its certificate has expired".to_owned(),
            _ => return error,
        };
        rustls::Error::General(why)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.check == Check::Nothing {
            return Ok(ServerCertVerified::assertion());
        }
        let certificate = ParsedCertificate::try_from(shown)?;
        if !self.trusted.themselves.iter().any(|trusted| trusted == shown) {
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, &self.trusted.authorities, between, now, algorithms)
                .map_err(|error| self.words(error, name))?;
        }
        if self.check == Check::AuthorityAndName {
            verify_server_name(&certificate, name).map_err(|error| self.words(error, name))?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Makes connections; one for all of a pool.
#[derive(Clone)]
pub(super) struct Tls(TlsConnector);

impl MakeTlsConnect<Socket> for Tls {
    type Stream = Stream;
    type TlsConnect = Connect;
    type Error = Box<dyn Error + Sync + Send>;

    fn make_tls_connect(&mut self, host: &str) -> Result<Connect, Self::Error> {
        // A socket of this machine has no name and never speaks TLS.
        let name = if host.is_empty() { "localhost" } else { host };
        Ok(Connect { connector: self.0.clone(), name: ServerName::try_from(name.to_owned())? })
    }
}

/// One connection to make.
pub(super) struct Connect {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl TlsConnect<Socket> for Connect {
    type Stream = Stream;
    type Error = Box<dyn Error + Sync + Send>;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Self::Error>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            // What rustls has to say comes wrapped as if the network had failed.
            self.connector.connect(self.name, socket).await.map(Stream).map_err(|error| match error.downcast::<rustls::Error>() {
                Ok(rustls::Error::General(why)) => NoTrust(why).into(),
                Ok(error) => error.into(),
                Err(error) => error.into(),
            })
        })
    }
}

/// A connection over TLS.
pub(super) struct Stream(tokio_rustls::client::TlsStream<Socket>);

impl TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_say_what_libpq_means_and_the_rest_stays() {
        let url = "postgresql://u:p@h:5432/d";
        for (query, rest, mode, check, authorities) in [
            ("", "", SslMode::Prefer, Check::Nothing, None),
            ("?sslmode=disable", "", SslMode::Disable, Check::Nothing, None),
            ("?a=1&sslmode=require&b=2", "?a=1&b=2", SslMode::Require, Check::Nothing, None),
            ("?sslrootcert=/ca.pem&sslmode=require", "", SslMode::Require, Check::Authority, Some("/ca.pem")),
            ("?sslmode=verify-ca&sslrootcert=%2Fmy%20ca%zz", "", SslMode::Require, Check::Authority, Some("/my ca%zz")),
            ("?sslmode=verify-full&sslrootcert=system", "", SslMode::Require, Check::AuthorityAndName, None),
        ] {
            let wanted = wanted(&format!("{url}{query}")).expect(query);
            assert_eq!(wanted, (format!("{url}{rest}"), Wanted { mode, check, authorities: authorities.map(str::to_owned) }), "{query}");
        }
        let (rest, pairs) = wanted("host=h sslmode=verify-full user=u").expect("pairs");
        assert_eq!((rest.as_str(), pairs.check), ("host=h user=u", Check::AuthorityAndName));
        assert!(wanted("postgresql://h?sslmode=allow").is_err_and(|why| why.contains("sslmode=allow")));
        assert!(from_url("postgresql://h?sslmode=verify-ca&sslrootcert=/nowhere.pem").is_err_and(|why| why.contains("/nowhere.pem")));
    }
}
