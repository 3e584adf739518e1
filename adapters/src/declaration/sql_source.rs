use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use encoding_rs::Encoding;
use heyan_proto::document::Table;
use heyan_proto::vocabulary::PlainText;

use super::Secret;

/// The table `[sql]`.
#[derive(Debug, Clone)]
pub struct SqlSource {
    /// In which dialect its queries are written.
    pub dialect: SqlDialect,
    /// Where it is.
    pub database: SqlDatabase,
}

/// A database system that the kind `sql` can ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlDialect {
    /// SQLite, opened read-only.
    Sqlite,
    /// PostgreSQL, and systems that speak its protocol.
    Postgres,
    /// MySQL, and systems that speak its protocol.
    Mysql,
    /// MariaDB.
    Mariadb,
}

/// Where a database is.
#[derive(Debug, Clone)]
pub enum SqlDatabase {
    /// In a file, relative to the city folder.
    File(PathBuf),
    /// On a server.
    Server(SqlServer),
}

/// A database on a server, and how it is reached.
#[derive(Debug, Clone)]
pub struct SqlServer {
    /// Its name or address.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
    /// The name of the database.
    pub database: String,
    /// Who logs in: a user that may do nothing but read.
    pub user: String,
    /// Their password.
    pub password: Option<Secret>,
    /// The authorities of the server's certificate, a PEM file relative to the city folder. Without it the server must be on this
    /// machine.
    pub ca: Option<PathBuf>,
    /// In which encoding columns of bytes hold text.
    pub encoding: Option<&'static Encoding>,
}

impl SqlSource {
    pub(super) fn read(table: &mut Table<'_>) -> Option<Self> {
        let dialects = [
            ("sqlite", SqlDialect::Sqlite),
            ("postgres", SqlDialect::Postgres),
            ("mysql", SqlDialect::Mysql),
            ("mariadb", SqlDialect::Mariadb),
        ];
        let Some(dialect) = table.one_of("dialect", &dialects) else {
            table.skip();
            return None;
        };
        let database = match *dialect {
            SqlDialect::Sqlite => {
                let file = table.parse("database", |text| PlainText::parse(text, 1024))?;
                SqlDatabase::File(PathBuf::from(file.as_str()))
            }
            SqlDialect::Postgres => SqlDatabase::Server(SqlServer::read(table, 5432)?),
            SqlDialect::Mysql | SqlDialect::Mariadb => SqlDatabase::Server(SqlServer::read(table, 3306)?),
        };
        Some(Self { dialect: *dialect, database })
    }
}

impl SqlServer {
    fn read(table: &mut Table<'_>, usual_port: u16) -> Option<Self> {
        let text = |table: &mut Table<'_>, key: &str| {
            Some(table.parse(key, |text| PlainText::parse(text, 255))?.as_str().to_owned())
        };
        let host = table.parse("host", check_host);
        let port = table.optional_integer("port", 1..=65_535);
        let (database, user) = (text(table, "database"), text(table, "user"));
        let password = match table.optional_table("password") {
            Some(Some(mut table)) => Secret::read(&mut table).map(Some),
            Some(None) => Some(None),
            None => None,
        };
        let ca = table.optional_parse("ca", |text| PlainText::parse(text, 1024));
        let encoding = table.optional_parse("encoding", |label| {
            Encoding::for_label(label.as_bytes()).ok_or("must be the name of an encoding, such as `gb18030` or `gbk`")
        });
        let (host, ca) = (host?, ca?);
        if ca.is_none() && !is_local(&host) {
            let help = "write `ca = \"keys/….pem\"`, the authority of the server's certificate";
            table.problem_at(&host, "a server on another machine is reached over TLS alone", Some(help.into()));
            return None;
        }
        Some(Self {
            host: host.into_inner(),
            port: port?.map_or(usual_port, |port| u16::try_from(*port).expect("the range was checked")),
            database: database?,
            user: user?,
            password: password?,
            ca: ca.map(|ca| PathBuf::from(ca.as_str())),
            encoding: encoding?.map(|encoding| *encoding),
        })
    }
}

impl fmt::Display for SqlSource {
    /// Where it is, for whoever looks after it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.database {
            SqlDatabase::File(file) => write!(f, "{}", file.display()),
            SqlDatabase::Server(server) => write!(f, "{}:{}/{}", server.host, server.port, server.database),
        }
    }
}

fn check_host(text: &str) -> Result<String, &'static str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_');
    if (1..=253).contains(&text.len()) && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("must be the name or the address of a server, without a port")
    }
}

fn is_local(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}
