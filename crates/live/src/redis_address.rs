//! Where Redis is: one server, a primary that sentinels know, or the node of a cluster that has our keys. All our keys
//! are in one slot (their name begins with a hash tag), so that one connection to one server is all there ever is.

use std::{
    fmt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo as _, RedisConnectionInfo, RedisError,
    RedisResult, TlsCertificates, Value, aio::MultiplexedConnection, cmd, pipe,
};

/// Most hosts that an address may name.
const HOSTS: usize = 32;

/// Why an address of Redis cannot be used. None of these shows the password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Certificates are always checked.
    #[error(
        "the address of Redis asks not to check its certificate (#insecure)\n\n  hint: leave that out and name the authority's certificate instead"
    )]
    Insecure,
    /// Not an address.
    #[error(
        "the address of Redis cannot be read: {0}\n\n  hint: redis://HOST:PORT/DB, rediss://USER:PASSWORD@HOST:PORT for TLS, unix:///path/to/socket, redis+sentinel://HOST:PORT,HOST:PORT/NAME or redis+cluster://HOST:PORT,HOST:PORT"
    )]
    Form(String),
    /// The certificate of the authority.
    #[error(
        "the certificate {0} cannot be used: {1}\n\n  hint: it must be a PEM file with the authority that signed the certificate of Redis"
    )]
    Authority(String, String),
}

/// Where Redis is: read, checked, not yet connected. Its text form leaves out the password.
#[derive(Clone)]
pub struct RedisAddress {
    kind: Kind,
    /// One, or those that know where to go from there, in turn.
    hosts: Arc<[ConnectionInfo]>,
    /// Which of them is asked first: the last that knew.
    first: Arc<AtomicUsize>,
    /// User, password and database of the server that is used.
    login: RedisConnectionInfo,
    /// PEM.
    authority: Option<Arc<[u8]>>,
    shown: Arc<str>,
}

#[derive(Clone)]
enum Kind {
    Server,
    /// The name that the sentinels know the primary by.
    Sentinel(String),
    Cluster,
}

impl RedisAddress {
    /// Reads an address: `redis://`, `rediss://` (TLS, checked against the system's authorities or `authority`, a PEM
    /// file), `unix://`; `redis+sentinel://HOST,HOST/NAME/DB` and `redis+cluster://HOST,HOST`, both also with `rediss`.
    /// User and password are those of the servers, not of the sentinels.
    ///
    /// # Errors
    /// It asks not to check certificates, or cannot be read.
    pub fn parse(url: &str, authority: Option<&Path>) -> Result<Self, AddressError> {
        let url = url.trim();
        if url.to_ascii_lowercase().ends_with("#insecure") {
            return Err(AddressError::Insecure);
        }
        let parts = Parts::of(url)?;
        let hosts = parts.servers().map(|url| url.into_connection_info().map_err(|error| AddressError::Form(error.to_string())));
        let hosts = hosts.collect::<Result<Vec<_>, _>>()?;
        let secure = hosts.iter().any(|host| matches!(host.addr(), ConnectionAddr::TcpTls { .. }));
        let unusable = |why: String| AddressError::Authority(authority.unwrap_or(Path::new("")).display().to_string(), why);
        let authority = match authority.filter(|_| secure) {
            Some(path) => Some(std::fs::read(path).map_err(|error| unusable(error.to_string()))?.into()),
            None => None,
        };
        let login = hosts[0].redis_settings().clone();
        let address = Self { shown: parts.shown().into(), kind: parts.kind, hosts: hosts.into(), first: Arc::default(), login, authority };
        if secure {
            // The first provider stays; ours is the only one in the tree.
            let _ = rustls::crypto::ring::default_provider().install_default();
            address.client(address.hosts[0].clone()).map_err(|error| unusable(error.to_string()))?;
        }
        Ok(address)
    }

    fn client(&self, info: ConnectionInfo) -> RedisResult<Client> {
        match info.addr() {
            ConnectionAddr::TcpTls { .. } => {
                let root_cert = self.authority.as_deref().map(<[u8]>::to_vec);
                Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert })
            }
            _ => Client::open(info),
        }
    }

    /// A connection of its own to the server that may be written to and has this key.
    pub(crate) async fn connect(&self, key: &str, connecting: Duration, answering: Duration) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(connecting)).set_response_timeout(Some(answering));
        let first = self.first.load(Ordering::Relaxed);
        let mut failed = None;
        for at in (0..self.hosts.len()).map(|at| (first + at) % self.hosts.len()) {
            // Before it is asked: who gives up waiting for this one asks the next one first.
            self.first.store((at + 1) % self.hosts.len(), Ordering::Relaxed);
            match self.connect_by(&self.hosts[at], key, &config).await {
                Ok(connection) => {
                    self.first.store(at, Ordering::Relaxed);
                    return Ok(connection);
                }
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.unwrap_or_else(|| RedisError::from((ErrorKind::InvalidClientConfig, "no host"))))
    }

    async fn connect_by(&self, host: &ConnectionInfo, key: &str, config: &AsyncConnectionConfig) -> RedisResult<MultiplexedConnection> {
        let open = async |info: ConnectionInfo| self.client(info)?.get_multiplexed_async_connection_with_config(config).await;
        let there = |at: (String, u16)| host.clone().set_addr(moved(host.addr(), at)).set_redis_settings(self.login.clone());
        match &self.kind {
            Kind::Server => open(host.clone()).await,
            Kind::Sentinel(name) => {
                let mut sentinel = open(host.clone().set_redis_settings(RedisConnectionInfo::default())).await?;
                let at: Option<(String, u16)> = cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(name).query_async(&mut sentinel).await?;
                let Some(at) = at else {
                    return Err(RedisError::from((
                        ErrorKind::InvalidClientConfig,
                        "the sentinels know no primary by this name",
                        name.clone(),
                    )));
                };
                let mut connection = open(there(at)).await?;
                // A sentinel that was cut off tells of the one before.
                let role: Vec<Value> = cmd("ROLE").query_async(&mut connection).await?;
                match role.first() {
                    Some(Value::BulkString(role)) if role == b"master" => Ok(connection),
                    _ => Err(RedisError::from((ErrorKind::Io, "the sentinels are not agreed on a primary yet"))),
                }
            }
            Kind::Cluster => {
                let mut node = open(host.clone()).await?;
                let (slot, slots): (i64, Vec<Vec<Value>>) =
                    pipe().cmd("CLUSTER").arg("KEYSLOT").arg(key).cmd("CLUSTER").arg("SLOTS").query_async(&mut node).await?;
                let Some((name, port)) = slots.iter().find_map(|range| primary_of(range, slot)) else {
                    return Err(RedisError::from((ErrorKind::Io, "the cluster has no server for our keys at the moment")));
                };
                // Without a name it is the one that was asked.
                let name = if name.is_empty() { host_of(host.addr()) } else { name };
                open(there((name, port))).await
            }
        }
    }
}

/// Name and port of a range of slots' primary, if the slot is in it.
fn primary_of(range: &[Value], slot: i64) -> Option<(String, u16)> {
    let [Value::Int(from), Value::Int(to), Value::Array(primary), ..] = range else { return None };
    let [name, Value::Int(port), ..] = &primary[..] else { return None };
    let name = if let Value::BulkString(name) = name { String::from_utf8(name.clone()).ok()? } else { String::new() };
    (*from..=*to).contains(&slot).then_some((name, u16::try_from(*port).ok()?))
}

fn host_of(addr: &ConnectionAddr) -> String {
    match addr {
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => host.clone(),
        _ => String::new(),
    }
}

/// The same kind of address elsewhere.
fn moved(addr: &ConnectionAddr, (host, port): (String, u16)) -> ConnectionAddr {
    match addr {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
        }
        _ => ConnectionAddr::Tcp(host, port),
    }
}

/// What an address is made of.
struct Parts<'u> {
    /// `redis`, `rediss` or `unix`.
    transport: String,
    kind: Kind,
    /// `USER:PASSWORD@` or empty.
    login: &'u str,
    hosts: Vec<String>,
    /// What follows: the database, or a path.
    rest: String,
}

impl<'u> Parts<'u> {
    fn of(url: &'u str) -> Result<Self, AddressError> {
        let form = |why: &str| AddressError::Form(why.to_owned());
        let (scheme, after) = url.split_once("://").ok_or_else(|| form("it has no scheme"))?;
        let scheme = scheme.to_ascii_lowercase();
        let (transport, several) = scheme.split_once('+').unwrap_or((&scheme, ""));
        if !several.is_empty() && !matches!((transport, several), ("redis" | "rediss", "sentinel" | "cluster")) {
            return Err(form("its scheme is not known"));
        }
        if matches!(transport, "unix" | "redis") && several.is_empty() && after.starts_with('/') || transport == "unix" {
            let whole = vec![after.to_owned()];
            return Ok(Self { transport: scheme, kind: Kind::Server, login: "", hosts: whole, rest: String::new() });
        }
        let start = after.rfind('@').map_or(0, |at| at + 1);
        let end = after[start..].find(['/', '?']).map_or(after.len(), |at| start + at);
        let hosts: Vec<&str> = after[start..end].split(',').collect();
        let kind = match several {
            "sentinel" => {
                let name = after[end..].trim_start_matches('/').split(['/', '?']).next().unwrap_or_default();
                if name.is_empty() {
                    return Err(form("it does not say by which name the sentinels know the primary"));
                }
                Kind::Sentinel(name.to_owned())
            }
            "cluster" => Kind::Cluster,
            _ if hosts.len() > 1 => Kind::Cluster,
            _ => Kind::Server,
        };
        if hosts.len() > HOSTS || hosts.contains(&"") {
            return Err(form("it names no host, or too many"));
        }
        let rest = match &kind {
            Kind::Sentinel(name) => after[end..].replacen(&format!("/{name}"), "", 1),
            _ => after[end..].to_owned(),
        };
        if matches!(kind, Kind::Cluster) && rest.trim_matches('/').trim_start_matches('0').starts_with(|c: char| c != '?') {
            return Err(form("a cluster has only the database 0"));
        }
        let port = if matches!(kind, Kind::Sentinel(_)) { 26379 } else { 6379 };
        let hosts = hosts.iter().map(|host| if has_port(host) { (*host).to_owned() } else { format!("{host}:{port}") }).collect();
        Ok(Self { transport: transport.to_owned(), kind, login: &after[..start], hosts, rest })
    }

    /// The address of each host as if it were the only one.
    fn servers(&self) -> impl Iterator<Item = String> + '_ {
        self.hosts.iter().map(|host| format!("{}://{}{host}{}", self.transport, self.login, self.rest))
    }

    fn shown(&self) -> String {
        let (transport, hosts) = (&self.transport, self.hosts.join(","));
        match &self.kind {
            Kind::Server => format!("{transport}://{}", hosts.split('?').next().unwrap_or_default()),
            Kind::Sentinel(name) => format!("{transport}+sentinel://{hosts}/{name}"),
            Kind::Cluster => format!("{transport}+cluster://{hosts}"),
        }
    }
}

/// Whether a port follows the host, which may be an IPv6 address in brackets.
fn has_port(host: &str) -> bool {
    host.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'))
}

impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisAddress({})", self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_or_refused_with_a_sentence_that_hides_the_password() {
        for (url, shown) in [
            ("redis://127.0.0.1:6379/2", "redis://127.0.0.1:6379"),
            ("redis://:secret@cache", "redis://cache:6379"),
            ("rediss://user:secret@cache.example:6380/0", "rediss://cache.example:6380"),
            ("redis://[::1]/0", "redis://[::1]:6379"),
            ("unix:///run/redis.sock", "unix:///run/redis.sock"),
            ("unix:///run/redis.sock?db=1&pass=secret", "unix:///run/redis.sock"),
            ("redis+sentinel://:secret@a,b:7/main/3", "redis+sentinel://a:26379,b:7/main"),
            ("redis://a:1,b:2", "redis+cluster://a:1,b:2"),
            ("REDISS+cluster://user:secret@a:1,b/0", "rediss+cluster://a:1,b:6379"),
        ] {
            let address = RedisAddress::parse(url, None).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(address.to_string(), shown);
            assert!(!format!("{address:?}").contains("secret"));
        }
        let sentinels = RedisAddress::parse("redis+sentinel://user:secret@a,b:7/main/3", None).expect("an address");
        assert_eq!((sentinels.login.db(), sentinels.login.username(), sentinels.login.password()), (3, Some("user"), Some("secret")));
        for (url, said) in [
            ("redis+sentinel://:secret@a:26379", "by which name"),
            ("redis+cluster://:secret@a:1/2", "only the database 0"),
            ("redis+tls://:secret@a", "scheme"),
            ("redis://:secret@a,,b", "no host"),
            ("rediss://:secret@a#insecure", "not to check"),
            ("http://:secret@a", "cannot be read"),
            ("cache:6379", "cannot be read"),
            ("redis://a:notaport", "cannot be read"),
            ("redis://a/notadatabase", "cannot be read"),
            ("", "cannot be read"),
        ] {
            let error = RedisAddress::parse(url, None).expect_err(url).to_string();
            assert!(error.contains(said) && error.contains("hint:") && !error.contains("secret"), "{url}: {error}");
        }
        let missing = RedisAddress::parse("rediss://a", Some(Path::new("/nowhere/ca.pem"))).expect_err("no file");
        assert!(missing.to_string().contains("/nowhere/ca.pem"), "{missing}");
    }
}
