//! A gateway that runs, an authority that signs, and a service that does what a call's path says.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::post;
use heyan_proto::vocabulary::{DepartmentId, SystemId};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose, SanType,
    date_time_ymd,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt as _;

use crate::channel::{self, ChannelError};
use crate::clock::SystemClock;
use crate::config::Limits;
use crate::departments::DepartmentsHealth;
use crate::identity::{CallerKind, Member, Members};
use crate::server::{Cores, Deadline, DecisionId, Readiness, Server, Setup, Tls};
use crate::telemetry::Metrics;

pub(super) const DESK: &str = "spiffe://sample-city.example/system/desk";
pub(super) const OTHER: &str = "spiffe://sample-city.example/system/other-desk";

/// A certificate and its key, in PEM.
pub(super) struct Pair {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// An authority that signs what it is told to.
#[derive(Clone)]
pub(super) struct Authority(Arc<CertifiedIssuer<'static, KeyPair>>);

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Self(Arc::new(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()))
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(super) fn sign(&self, params: &CertificateParams) -> Pair {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &*self.0).unwrap();
        Pair { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// A certificate that names these URIs and is right otherwise.
    pub(super) fn name(&self, uris: &[&str]) -> Pair {
        self.sign(&naming(uris))
    }
}

pub(super) fn naming(uris: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.subject_alt_names = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
    params
}

pub(super) fn expired() -> CertificateParams {
    let mut params = naming(&[DESK]);
    params.not_before = date_time_ymd(2019, 1, 1);
    params.not_after = date_time_ymd(2020, 1, 1);
    params
}

/// The members of a city: the desk and another one.
pub(super) struct Roll(HashMap<&'static str, Member>);

impl Roll {
    pub(super) fn with_desk(revoked: bool) -> Self {
        let system = |id| CallerKind::System {
            id: SystemId::parse(id).unwrap(),
            department: DepartmentId::parse("service-centre").unwrap(),
        };
        let (desk, other) = (system("desk"), system("other-desk"));
        Self(HashMap::from([(DESK, Member { kind: desk, revoked }), (OTHER, Member { kind: other, revoked: false })]))
    }
}

impl Members for Roll {
    fn member(&self, uri: &str) -> Option<Member> {
        self.0.get(uri).cloned()
    }
}

pub(super) fn limits() -> Limits {
    Limits {
        deadline_default: Duration::from_secs(5),
        deadline_max: Duration::from_secs(30),
        in_flight: 64,
        in_flight_per_caller: 64,
        message_bytes: 1024 * 1024,
        cache_bytes: 0,
        connections: 64,
        connections_per_caller: 64,
        handshakes_per_address: 64,
        streams: 128,
        header_bytes: 16 * 1024,
        handshake: Duration::from_secs(5),
        first_request: Duration::from_secs(60),
        headers: Duration::from_secs(30),
        body: Duration::from_secs(10),
        reply: Duration::from_secs(30),
        keep_alive: Duration::from_secs(20),
        keep_alive_reply: Duration::from_secs(10),
        idle: Duration::from_secs(300),
        age: Duration::from_secs(900),
        drain: Duration::from_millis(100),
        grace: Duration::from_secs(5),
    }
}

/// A gateway that runs until it is dropped or stopped.
pub(super) struct Running {
    pub(super) authority: Authority,
    pub(super) address: SocketAddr,
    pub(super) metrics: Arc<Metrics>,
    pub(super) members: Arc<ArcSwap<Roll>>,
    pub(super) able: watch::Sender<Readiness>,
    pub(super) departments: watch::Sender<DepartmentsHealth>,
    pub(super) readiness: watch::Receiver<Readiness>,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

impl Running {
    pub(super) async fn start(limits: Limits) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        Self::start_on(listener, Authority::new("city"), limits)
    }

    pub(super) fn start_on(listener: TcpListener, authority: Authority, limits: Limits) -> Self {
        let gateway = authority.sign(&CertificateParams::new(["localhost".into()]).unwrap());
        let tls =
            Tls::from_pem(gateway.certificate.as_bytes(), gateway.key.as_bytes(), authority.pem().as_bytes()).unwrap();
        let members = Arc::new(ArcSwap::from_pointee(Roll::with_desk(false)));
        let metrics = Arc::new(Metrics::new());
        let (able, watched) = watch::channel(Ok(()));
        let departments = watch::Sender::new(DepartmentsHealth::new());
        let setup = Setup {
            tls,
            limits,
            members: members.clone(),
            clock: Arc::new(SystemClock),
            metrics: metrics.clone(),
            able: watched,
            departments: departments.subscribe(),
        };
        let server = Server::new(setup, dummy(), tonic_health::pb::FILE_DESCRIPTOR_SET).unwrap();
        let (address, readiness) = (listener.local_addr().unwrap(), server.readiness());
        let stop = CancellationToken::new();
        let (cores, stopped) = (Cores::of_this_test(), stop.clone());
        let served = tokio::spawn(async move { server.serve(listener, &cores, stopped.cancelled_owned()).await });
        Self { authority, address, metrics, members, able, departments, readiness, stop, served }
    }

    pub(super) async fn connect(&self, pair: &Pair) -> Result<Channel, ChannelError> {
        let (ca, certificate, key) = (self.authority.pem(), pair.certificate.as_bytes(), pair.key.as_bytes());
        channel::connect(&self.address.to_string(), ca.as_bytes(), certificate, key, "localhost").await
    }

    /// A bare connection after its handshake.
    pub(super) async fn tls(&self, pair: &Pair, protocol: &[u8]) -> TlsStream<TcpStream> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.pem().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap(),
            )
            .unwrap();
        config.alpn_protocols = vec![protocol.to_vec()];
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }

    /// A channel of the desk.
    pub(super) async fn desk(&self) -> Channel {
        self.connect(&self.authority.name(&[DESK])).await.unwrap()
    }

    pub(super) fn begin_to_stop(&self) {
        self.stop.cancel();
    }

    pub(super) async fn stopped(mut self) {
        self.stop.cancel();
        (&mut self.served).await.unwrap();
    }

    /// How many calls were refused because of this identity.
    pub(super) fn refusals(&self, reason: &str) -> u32 {
        let text = String::from_utf8(self.metrics.render()).unwrap();
        let line = format!("heyan_identity_failures_total{{reason=\"{reason}\"}} ");
        text.lines().find_map(|found| found.strip_prefix(&line)).map_or(0, |count| count.parse().unwrap())
    }

    /// Waits until the metrics hold this line.
    pub(super) async fn until_metric(&self, line: &str) {
        for _ in 0..200 {
            let text = String::from_utf8(self.metrics.render()).unwrap();
            if text.lines().any(|found| found == line) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no line `{line}` in\n{}", String::from_utf8(self.metrics.render()).unwrap());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A service whose methods echo, are slow, and panic.
fn dummy() -> Routes {
    let mut routes = Routes::default();
    let router = std::mem::take(routes.axum_router_mut())
        .route("/test.Dummy/Echo", post(|request| answer(request, Duration::from_millis(2))))
        .route("/test.Dummy/Slow", post(|request| answer(request, Duration::from_secs(2))))
        .route("/test.Dummy/Panic", post(panic));
    *routes.axum_router_mut() = router;
    routes
}

async fn answer(request: Request, after: Duration) -> Response {
    let extensions = request.extensions();
    assert!(extensions.get::<DecisionId>().is_some() && extensions.get::<Deadline>().is_some());
    let service = tower::service_fn(move |_: tonic::Request<()>| async move {
        tokio::time::sleep(after).await;
        Ok::<_, Status>(tonic::Response::new(()))
    });
    let mut grpc = tonic::server::Grpc::new(ProstCodec::<(), ()>::default());
    grpc.unary(service, request.map(tonic::body::Body::new)).await.map(axum::body::Body::new)
}

async fn panic() -> Response {
    panic!("11010519900307803X must go nowhere")
}

/// Calls a method of the dummy service.
pub(super) async fn call(channel: &Channel, method: &'static str) -> Result<tonic::Response<()>, Status> {
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.map_err(|error| Status::unknown(error.to_string()))?;
    let path = http::uri::PathAndQuery::from_static(method);
    grpc.unary(tonic::Request::new(()), path, ProstCodec::<(), ()>::default()).await
}

/// Holds that an error has this code and reason, says it in Chinese, and carries the decision id.
pub(super) fn assert_error(status: &Status, code: Code, reason: &str) {
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!((status.code(), info.reason.as_str(), info.domain.as_str()), (code, reason, "heyan"));
    let decision = status.metadata().get("x-decision-id").unwrap().to_str().unwrap();
    assert_eq!(info.metadata["decision_id"], decision);
    assert_eq!(details.localized_message().unwrap().locale, "zh-CN");
    assert!(!format!("{status:?}").contains("11010519900307803X"));
}
