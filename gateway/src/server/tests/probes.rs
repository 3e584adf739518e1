//! Health, readiness, and the admin listener.

use std::net::SocketAddr;

use heyan_proto::vocabulary::DepartmentId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::running::{Running, limits};
use crate::departments::{DepartmentHealth, DepartmentsHealth};
use crate::server::{Admin, AdminError};

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    reply
}

#[tokio::test]
async fn health_follows_what_every_answer_needs() {
    let gateway = Running::start(limits()).await;
    let mut client = HealthClient::new(gateway.desk().await);
    let mut readiness = gateway.readiness.clone();
    readiness.wait_for(Result::is_ok).await.unwrap();
    for service in ["", "grpc.health.v1.Health"] {
        let request = HealthCheckRequest { service: service.into() };
        assert_eq!(client.check(request).await.unwrap().into_inner().status(), ServingStatus::Serving);
    }
    gateway.able.send(Err("the disk is full".into())).unwrap();
    readiness.wait_for(Result::is_err).await.unwrap();
    let status = client.check(HealthCheckRequest::default()).await.unwrap().into_inner().status();
    assert_eq!(status, ServingStatus::NotServing);
    gateway.able.send(Ok(())).unwrap();
    readiness.wait_for(Result::is_ok).await.unwrap();
    let unknown = HealthCheckRequest { service: "heyan.v1.Nothing".into() };
    assert_eq!(client.check(unknown).await.unwrap_err().code(), tonic::Code::NotFound);
}

/// A department's outage and its broken file are told under its own name, and never flip the gateway's own state.
#[tokio::test]
async fn a_department_has_a_health_of_its_own() {
    let gateway = Running::start(limits()).await;
    gateway.readiness.clone().wait_for(Result::is_ok).await.unwrap();
    let mut client = HealthClient::new(gateway.desk().await);
    let id = DepartmentId::parse("transport").unwrap();
    for (is_newest, can_be_asked, expected) in [
        (true, None, ServingStatus::Unknown),
        (false, Some(true), ServingStatus::NotServing),
        (true, Some(true), ServingStatus::Serving),
        (true, Some(false), ServingStatus::NotServing),
    ] {
        let health = DepartmentHealth { is_newest, can_be_asked };
        gateway.departments.send_replace(DepartmentsHealth::from([(id.clone(), health)]));
        let mut told =
            client.watch(HealthCheckRequest { service: "department/transport".into() }).await.unwrap().into_inner();
        while told.message().await.unwrap().unwrap().status() != expected {}
        let own = client.check(HealthCheckRequest::default()).await.unwrap().into_inner().status();
        assert_eq!(own, ServingStatus::Serving);
    }
}

#[tokio::test]
async fn probes_and_metrics_are_served_on_loopback() {
    let gateway = Running::start(limits()).await;
    gateway.readiness.clone().wait_for(Result::is_ok).await.unwrap();
    let admin = Admin::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = admin.address();
    tokio::spawn(admin.serve(gateway.metrics.clone(), gateway.readiness.clone(), std::future::pending()));
    assert!(get(address, "/healthz").await.starts_with("HTTP/1.1 200"));
    assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 200"));
    let metrics = get(address, "/metrics").await;
    assert!(metrics.contains(&format!("heyan_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"))), "{metrics}");
    gateway.able.send(Err("the disk is full".into())).unwrap();
    gateway.readiness.clone().wait_for(Result::is_err).await.unwrap();
    let not_ready = get(address, "/readyz").await;
    assert!(
        not_ready.starts_with("HTTP/1.1 503") && not_ready.ends_with("not ready: the disk is full\n"),
        "{not_ready}"
    );
    assert!(get(address, "/healthz").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn the_admin_listener_refuses_any_other_address() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:9464"] {
        let refused = Admin::bind(address.parse().unwrap()).await;
        assert!(matches!(refused, Err(AdminError::NotLoopback(_))), "{address}");
    }
}
