//! One gateway, put together from its city folder: read, open, bind, serve, drain.

mod ability;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use heyan_proto::document::Problems;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::api;
use crate::audit::{Audit, AuditKeys, Database, KeyError, OpenError, Place, WitnessingError};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Witnesses};
use crate::departments::Departments;
use crate::directory::{CurrentDirectory, Directory, LoadError, load};
use crate::server::{Admin, AdminError, Cores, PublicLog, Server, ServerError, Setup, Tls, TlsError};
use crate::telemetry::Metrics;
use crate::verification::Verification;

/// The folder of the audit log's keys, in the city folder.
pub const AUDIT_KEYS: &str = "keys/audit";

/// Why a gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// `heyan.toml` is wrong.
    #[error("{0}")]
    Config(Problems),
    /// The city folder cannot be served.
    #[error(transparent)]
    Directory(#[from] LoadError),
    /// The certificates cannot be used.
    #[error("certificates: {0}")]
    Tls(#[from] TlsError),
    /// The keys of the audit log cannot be used.
    #[error("audit keys: {0}")]
    Keys(#[from] KeyError),
    /// The audit log cannot be opened.
    #[error(transparent)]
    Audit(#[from] OpenError),
    /// The witnesses of the audit log cannot be asked.
    #[error("witnesses: {0}")]
    Witnesses(#[from] WitnessingError),
    /// The folder of the audit log cannot be made.
    #[error("cannot make the folder {folder}: {error}")]
    State {
        /// Which folder.
        folder: String,
        /// Why not.
        error: std::io::Error,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// Why not.
        error: std::io::Error,
    },
    /// The admin listener cannot be used.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The services cannot be mounted.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The threads that serve connections cannot be had.
    #[error("cannot start the threads that serve connections: {0}")]
    Cores(std::io::Error),
}

impl StartError {
    /// Whether the configuration is at fault, rather than the machine.
    pub fn is_configuration(&self) -> bool {
        matches!(self, Self::Config(_) | Self::Directory(_) | Self::Tls(_) | Self::Keys(_) | Self::Witnesses(_))
    }
}

/// A gateway that listens and does not serve yet.
#[derive(Debug)]
pub struct Gateway {
    server: Server,
    cores: Cores,
    listener: TcpListener,
    admin: Option<Admin>,
    public_log: Option<PublicLog>,
    address: SocketAddr,
    directory: Arc<CurrentDirectory>,
    departments: Arc<Departments>,
    audit: Audit,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
}

impl Gateway {
    /// Reads the city folder, opens the audit log and binds the listeners. Nothing is served before the log is open.
    ///
    /// # Errors
    /// [`StartError`] says what is wrong and where.
    pub async fn open(city: &Path, config: &Config) -> Result<Self, StartError> {
        Self::open_over(city, config, |clock| open_audit(city, config, clock)).await
    }

    /// The same over an audit log that keeps nothing: measured beside one that does.
    ///
    /// # Errors
    /// As [`Self::open`].
    #[cfg(feature = "bench")]
    pub async fn open_without_log(city: &Path, config: &Config) -> Result<Self, StartError> {
        let keys = AuditKeys::load(&city.join(AUDIT_KEYS))?;
        Self::open_over(city, config, |clock| Ok(Audit::nowhere(&log_name(config), keys, clock)?)).await
    }

    async fn open_over(
        city: &Path,
        config: &Config,
        open_audit: impl FnOnce(Arc<dyn Clock>) -> Result<Audit, StartError>,
    ) -> Result<Self, StartError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let metrics = Arc::new(Metrics::new());
        let loaded = load(city, None, clock.now())?;
        let directory = Arc::new(CurrentDirectory::new(city.to_owned(), loaded));
        let departments = {
            let (clock, metrics) = (Arc::clone(&clock), Arc::clone(&metrics));
            Arc::new(Departments::new(city.to_owned(), config.limits.cache_bytes, clock, metrics))
        };
        adopt(&directory.snapshot(), &departments, &metrics);
        let tls = Tls::read(&config.tls.certificate, &config.tls.key, &config.tls.client_ca)?;
        let audit = open_audit(Arc::clone(&clock))?;
        audit.observe(Arc::new(metrics.audit().clone()));
        let able = ability::follow(&audit, tls.not_after(), Arc::clone(&clock), Arc::clone(&metrics));
        let verification = Arc::new(Verification {
            directory: Arc::clone(&directory),
            departments: Arc::clone(&departments),
            audit: audit.clone(),
            clock: Arc::clone(&clock),
        });
        let setup = Setup {
            tls,
            limits: config.limits.clone(),
            members: Arc::clone(&directory) as Arc<_>,
            clock: Arc::clone(&clock),
            metrics: Arc::clone(&metrics),
            able,
            departments: departments.health(),
        };
        let services = api::routes(verification, Arc::clone(&metrics), config.limits.message_bytes);
        let server = Server::new(setup, services, api::DESCRIPTOR)?;
        let listen = config.listen.service;
        let listener = TcpListener::bind(listen).await;
        let listener = listener.map_err(|error| StartError::Listen { address: listen, error })?;
        let address = listener.local_addr().map_err(|error| StartError::Listen { address: listen, error })?;
        let admin = match config.listen.admin {
            Some(address) => Some(Admin::bind(address).await?),
            None => None,
        };
        let public_log = match config.listen.log {
            Some(address) => Some(
                PublicLog::bind(address, &config.audit.published)
                    .await
                    .map_err(|error| StartError::Listen { address, error })?,
            ),
            None => None,
        };
        let cores = Cores::start().map_err(StartError::Cores)?;
        Ok(Self { server, cores, listener, admin, public_log, address, directory, departments, audit, metrics, clock })
    }

    /// Where the service port is; a port 0 of the configuration has become a real one.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where metrics and probes are, if anywhere.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(Admin::address)
    }

    /// Where the published audit log is, if anywhere.
    pub fn public_log_address(&self) -> Option<SocketAddr> {
        self.public_log.as_ref().map(PublicLog::address)
    }

    /// What is counted.
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// Serves until `shutdown` is done, then drains, and closes the audit log last.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send + 'static) {
        let Self { server, cores, listener, admin, public_log, directory, departments, audit, metrics, clock, .. } =
            self;
        let (ended, end) = watch::channel(());
        if let Some(admin) = admin {
            let serving = admin.serve(Arc::clone(&metrics), server.readiness(), until_closed(end));
            tokio::spawn(async move {
                if let Err(error) = serving.await {
                    tracing::error!(%error, "the admin listener has failed");
                }
            });
        }
        let publishing = public_log.map(|log| tokio::spawn(log.serve()));
        let checking = tokio::spawn({
            let departments = Arc::clone(&departments);
            async move { departments.watch_over().await }
        });
        let watching = Arc::clone(&directory).watch(clock, move |directory| adopt(directory, &departments, &metrics));
        let watching = tokio::spawn(async move {
            let Err(error) = watching.await;
            tracing::error!(%error, "the city folder is not watched: changes need a restart");
        });
        server.serve(listener, &cores, shutdown).await;
        watching.abort();
        checking.abort();
        audit.close().await;
        if let Some(publishing) = publishing {
            publishing.abort();
        }
        drop(cores);
        drop(ended);
    }
}

fn open_audit(city: &Path, config: &Config, clock: Arc<dyn Clock>) -> Result<Audit, StartError> {
    let of = &config.audit;
    let witnessing = of.witnesses.as_ref().map(Witnesses::read).transpose()?;
    if let Database::Sqlite(file) = &of.database {
        make_folder_of(file)?;
    }
    let name = log_name(config);
    let (published, witnessing) = (of.published.as_path(), witnessing.as_ref());
    let place = Place { database: &of.database, published, name: &name, witnessing };
    let audit = Audit::open(&place, AuditKeys::load(&city.join(AUDIT_KEYS))?, clock)?;
    audit.retain(of.retention);
    Ok(audit)
}

/// What the names of the log's shards begin with.
fn log_name(config: &Config) -> String {
    format!("{}/audit", config.city.trust_domain)
}

/// `state/` is not under version control, so a city folder that was just cloned has none.
fn make_folder_of(database: &Path) -> Result<(), StartError> {
    let folder = database.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| StartError::State { folder: folder.display().to_string(), error })
}

/// Connects the departments of a snapshot, and tells metrics which declarations are stale.
fn adopt(directory: &Directory, departments: &Departments, metrics: &Metrics) {
    let before = departments.health().borrow().clone();
    departments.reconnect(directory);
    for entry in directory.departments() {
        metrics.set_stale(&entry.id, !entry.is_newest());
    }
    for gone in before.keys().filter(|id| directory.department(id).is_none()) {
        metrics.forget_department(gone);
    }
}

async fn until_closed(mut end: watch::Receiver<()>) {
    while end.changed().await.is_ok() {}
}
