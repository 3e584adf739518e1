//! The gateway that runs on this machine, if one does: what certificate it shows, and what its probe says.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::report::{Findings, say};
use crate::cli::Exit;

/// What runs on this machine answers sooner.
const PATIENCE: Duration = Duration::from_secs(3);
/// A probe says less.
const REPLY_MAX: u64 = 16 << 10;

/// Checks the gateway at `service`, whose certificate should be the one in `certificate`.
pub(super) async fn check(
    service: SocketAddr,
    admin: Option<SocketAddr>,
    certificate: &Path,
    is_log_in_use: bool,
    found: &mut Findings<'_>,
) {
    if service.port() == 0 {
        return found.fine(
            "service",
            say(
                "端口由系统分配，未检查；可用 --listen 指定",
                "the port is any free one, so nobody was looked for; `--listen` names one",
            ),
        );
    }
    match tokio::time::timeout(PATIENCE, TcpStream::connect(service)).await {
        Ok(Ok(stream)) => check_certificate(service, stream, certificate, found).await,
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused && !is_log_in_use => {
            return found
                .fine("service", say(format!("{service} 上没有运行网关"), format!("no gateway runs on {service}")));
        }
        outcome => {
            let cause = outcome.map_or_else(
                |_| "timed out".to_owned(),
                |refused| refused.err().map(|error| error.to_string()).unwrap_or_default(),
            );
            let hint = if is_log_in_use {
                say(
                    "日志正被使用：网关可能以 --listen 启动在别处，或已停止响应",
                    "the log is in use: the gateway may run elsewhere by `--listen`, or hang",
                )
            } else {
                say("检查地址与防火墙", "look at the address and the firewall")
            };
            return found.wrong(
                Exit::Unreachable,
                "service",
                say(format!("{service} 无法连接：{cause}"), format!("{service} cannot be reached: {cause}")),
                hint,
            );
        }
    }
    match admin {
        Some(admin) => check_probe(admin, found).await,
        None => found.attention(
            "ready",
            say(
                "未配置 listen.admin，无法询问是否就绪",
                "listen.admin is off, so nobody can be asked whether it is ready",
            ),
            say("在 heyan.toml 的 [listen] 写入 admin", "write `admin` in [listen] of heyan.toml"),
        ),
    }
}

async fn check_certificate(service: SocketAddr, stream: TcpStream, file: &Path, found: &mut Findings<'_>) {
    let shown = tokio::time::timeout(PATIENCE, shown_certificate(stream)).await.ok().flatten();
    let Some(shown) = shown else {
        return found.wrong(
            Exit::Wanting,
            "service",
            say(format!("{service} 上的程序没有出示证书"), format!("what listens on {service} shows no certificate")),
            say("该端口可能被其他程序占用", "another program may have taken the port"),
        );
    };
    match CertificateDer::from_pem_file(file) {
        Ok(own) if own == shown => {
            found.fine(
                "service",
                say(
                    format!("{service} 上的网关出示配置的证书"),
                    format!("the gateway on {service} shows the configured certificate"),
                ),
            );
        }
        _ => found.attention(
            "service",
            say(
                format!("{service} 出示的证书与文件不同"),
                format!("what listens on {service} shows another certificate than the file"),
            ),
            say(
                "更换证书后须重启网关；也可能是另一个网关",
                "a certificate is read at the start: restart the gateway; or it is another one",
            ),
        ),
    }
}

/// The certificate that is shown to whoever connects. No certificate is shown in turn, so the gateway ends the connection.
async fn shown_certificate(stream: TcpStream) -> Option<CertificateDer<'static>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let looking = Arc::new(Looking { provider: Arc::clone(&provider), shown: Mutex::default() });
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    let mut config =
        config.dangerous().with_custom_certificate_verifier(Arc::clone(&looking) as Arc<_>).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let name = ServerName::try_from("localhost").ok()?;
    // Whether the handshake succeeds does not matter here.
    drop(TlsConnector::from(Arc::new(config)).connect(name, stream).await);
    looking.shown.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Keeps the certificate instead of judging it: nothing is sent over the connection.
#[derive(Debug)]
struct Looking {
    provider: Arc<CryptoProvider>,
    shown: Mutex<Option<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Looking {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(own.clone().into_owned());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, own, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, own, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

async fn check_probe(admin: SocketAddr, found: &mut Findings<'_>) {
    let reply = tokio::time::timeout(PATIENCE, probe(admin)).await;
    let reply = reply.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)));
    match reply {
        Ok(reply) if reply.starts_with("HTTP/1.1 200") => {
            found.fine("ready", say("网关已就绪", "the gateway is ready"));
        }
        Ok(reply) => {
            let said = reply.rsplit("\r\n\r\n").next().unwrap_or_default().trim();
            let cause = said.trim_start_matches("not ready: ");
            found.wrong(
                Exit::Wanting,
                "ready",
                say(format!("网关未就绪：{cause}"), format!("the gateway is not ready: {cause}")),
                say("上面的检查和网关日志说明原因", "the checks above and the gateway's log say why"),
            );
        }
        Err(error) => found.wrong(
            Exit::Unreachable,
            "ready",
            say(
                format!("{admin} 的探针无法访问：{error}"),
                format!("the probes on {admin} cannot be reached: {error}"),
            ),
            say("网关可能以 --admin 启动在别处", "the gateway may have been started with another `--admin`"),
        ),
    }
}

async fn probe(admin: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(admin).await?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
    let mut reply = String::new();
    stream.take(REPLY_MAX).read_to_string(&mut reply).await?;
    Ok(reply)
}
