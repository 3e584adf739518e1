//! A client as those of gRPC are: one connection to each of its servers, calls by turns to those that are well.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use heyan::channel::{self, was_not_taken};
use heyan::sample::client_keys;
use heyan_proto::v1;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, questions};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tonic::transport::Channel;
use tonic::{Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

pub(super) const GATEWAYS: usize = 2;
/// The pause before a connection is tried again that could not be made.
const AGAIN: Duration = Duration::from_millis(20);

#[derive(Clone)]
pub(super) struct Balancer {
    /// A connection to each gateway that says SERVING.
    serving: watch::Receiver<[Option<Channel>; GATEWAYS]>,
    turn: Arc<AtomicUsize>,
    following: Vec<AbortHandle>,
}

/// A call that was made.
pub(super) struct Called {
    pub(super) answer: Result<Response<v1::VerifyResponse>, Status>,
    /// Who answered.
    pub(super) gateway: usize,
    /// How often it was sent again because its connection had closed before it was sent.
    pub(super) unsent: usize,
}

/// The client's certificate and the authority that it trusts.
struct Identity {
    ca: Vec<u8>,
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Balancer {
    /// Calls the gateways at these addresses, with the certificate of the system that asks about food licences.
    pub(super) fn start(city: &City, addresses: [String; GATEWAYS]) -> Self {
        let (case, _) = questions::named("food-licence-in-force");
        let keys = client_keys(city.path(), &format!("system/{}", case.system));
        let read = |file: &std::path::Path| std::fs::read(file).unwrap();
        let ca = read(&city.file("keys/client-ca.pem"));
        let identity = Arc::new(Identity { ca, certificate: read(&keys.certificate), key: read(&keys.key) });
        let (serving, is_serving) = watch::channel([const { None }; GATEWAYS]);
        let serving = Arc::new(serving);
        let following = addresses.into_iter().enumerate().map(|(gateway, address)| {
            let following = follow(gateway, address, Arc::clone(&identity), Arc::clone(&serving));
            tokio::spawn(following).abort_handle()
        });
        Self { following: following.collect(), serving: is_serving, turn: Arc::default() }
    }

    /// How many gateways say that they serve.
    pub(super) fn serving(&self) -> usize {
        self.serving.borrow().iter().flatten().count()
    }

    /// Closes the connections.
    pub(super) fn stop(&self) {
        for following in &self.following {
            following.abort();
        }
    }

    /// One call, to the gateway whose turn it is.
    pub(super) async fn verify(&self, question: v1::VerifyRequest) -> Called {
        let mut unsent = 0;
        loop {
            let (gateway, channel) = self.next().await;
            let answer = VerificationServiceClient::new(channel).verify(question.clone()).await;
            match answer {
                Err(status) if was_not_taken(&status) => unsent += 1,
                answer => return Called { answer, gateway, unsent },
            }
        }
    }

    /// Waits until a gateway serves.
    async fn next(&self) -> (usize, Channel) {
        let mut serving = self.serving.clone();
        let serving = serving.wait_for(|serving| serving.iter().flatten().next().is_some()).await.unwrap();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut by_turns = (0..GATEWAYS).map(|step| (turn + step) % GATEWAYS);
        by_turns.find_map(|gateway| Some((gateway, serving[gateway].clone()?))).unwrap()
    }
}

/// Keeps a connection to one gateway and follows what it says of its health, on and on.
async fn follow(
    gateway: usize,
    address: String,
    identity: Arc<Identity>,
    serving: Arc<watch::Sender<[Option<Channel>; GATEWAYS]>>,
) {
    let Identity { ca, certificate, key } = &*identity;
    loop {
        if let Ok(channel) = channel::connect(&address, ca, certificate, key, "localhost").await
            && let Ok(health) = HealthClient::new(channel.clone()).watch(HealthCheckRequest::default()).await
        {
            let mut health = health.into_inner();
            while let Ok(Some(said)) = health.message().await {
                let is_serving = said.status() == ServingStatus::Serving;
                serving.send_modify(|serving| serving[gateway] = is_serving.then(|| channel.clone()));
            }
            serving.send_modify(|serving| serving[gateway] = None);
        }
        tokio::time::sleep(AGAIN).await;
    }
}
