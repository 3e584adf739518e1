//! What is asked with: secrets are read when they are needed, kept in memory, and forgotten when they are refused or at the
//! end of their life.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use heyan_proto::vocabulary::{DepartmentId, ResultTypeId};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::auth::Auth;
use super::{platform, token};
use crate::exchange::{Exchange, basic};
use crate::{AdapterError, Secret};

/// Who asks for what: one interface of the platform.
pub(super) type Whose = (DepartmentId, ResultTypeId);

/// The credentials of a department.
pub(super) struct Credentials {
    auth: Auth,
    city_folder: PathBuf,
    kept: Keeper,
    kept_by_interface: BTreeMap<Whose, Keeper>,
}

/// A secret that is kept until it is refused or old.
#[derive(Default)]
struct Keeper(Mutex<Option<Kept>>);

/// A secret as it was read or given.
pub(super) struct Kept {
    pub(super) secret: Arc<str>,
    /// When it is to be got anew; `None`: only when it is refused.
    pub(super) until: Option<Instant>,
}

/// The secret that a message was sent with; `None` where it was sent with none.
pub(super) type Used = Option<Arc<str>>;

impl Credentials {
    pub(super) fn new(auth: Auth, city_folder: &Path) -> Self {
        let kept_by_interface = match &auth {
            Auth::Platform(platform) => {
                platform.interfaces.keys().map(|whose| (whose.clone(), Keeper::default())).collect()
            }
            _ => BTreeMap::new(),
        };
        Self { auth, city_folder: city_folder.into(), kept: Keeper::default(), kept_by_interface }
    }

    /// Puts into the headers of a message what the department demands; where it demands it of each requester and nobody asks,
    /// nothing.
    pub(super) async fn put(
        &self,
        headers: &mut HeaderMap,
        whose: Option<&Whose>,
        exchange: &Exchange,
        deadline: Instant,
    ) -> Result<Used, AdapterError> {
        let secret = match &self.auth {
            Auth::None => return Ok(None),
            Auth::Basic { user, password } => {
                let secret = self.kept.take(self.read(password)).await?;
                put(headers, AUTHORIZATION, &basic(user, &secret))?;
                secret
            }
            Auth::Header { name, value } => {
                let secret = self.kept.take(self.read(value)).await?;
                put(headers, name.clone(), &secret)?;
                secret
            }
            Auth::OAuth2(grant) => {
                let secret = {
                    let token = token::ask(grant, &self.city_folder, exchange, deadline);
                    self.kept.take(token).await.map_err(|error| at("auth.token_url", error))?
                };
                put(headers, AUTHORIZATION, &format!("Bearer {secret}"))?;
                secret
            }
            Auth::Platform(platform) => {
                let Some(whose) = whose else { return Ok(None) };
                let found = platform.interfaces.get(whose).zip(self.kept_by_interface.get(whose));
                let Some((interface, keeper)) = found else {
                    let what = format!("`auth` has nothing with which `{}` asks for `{}`", whose.0, whose.1);
                    return Err(AdapterError::Misconfigured { what });
                };
                let secret = match &platform.refresh {
                    None => keeper.take(self.read(&interface.secret)).await?,
                    Some(refresh) => {
                        let first = async {
                            let first = self.read(&interface.secret).await?;
                            platform::refresh(
                                platform.generation,
                                interface,
                                &first.secret,
                                refresh,
                                exchange,
                                deadline,
                            )
                            .await
                        };
                        keeper.take(first).await.map_err(|error| at("auth.refresh", error))?
                    }
                };
                platform::sign(headers, platform.generation, interface, &secret)?;
                secret
            }
        };
        Ok(Some(secret))
    }

    /// Whether another secret can be got at once for one that was refused.
    pub(super) fn can_renew(&self) -> bool {
        match &self.auth {
            Auth::OAuth2(_) => true,
            Auth::Platform(platform) => platform.refresh.is_some(),
            Auth::None | Auth::Basic { .. } | Auth::Header { .. } => false,
        }
    }

    /// A secret was refused: the next message is sent with what the file has by then, or what is given.
    pub(super) async fn forget(&self, whose: Option<&Whose>, used: &Used) {
        self.kept.forget(used).await;
        if let Some(keeper) = whose.and_then(|whose| self.kept_by_interface.get(whose)) {
            keeper.forget(used).await;
        }
    }

    async fn read(&self, secret: &Secret) -> Result<Kept, AdapterError> {
        Ok(Kept { secret: secret.reveal(&self.city_folder)?.expose().into(), until: None })
    }
}

impl Keeper {
    /// The secret that is kept, or what `get` gives. Whoever comes meanwhile waits for it.
    async fn take(&self, get: impl Future<Output = Result<Kept, AdapterError>>) -> Result<Arc<str>, AdapterError> {
        let mut kept = self.0.lock().await;
        match &*kept {
            Some(Kept { secret, until }) if until.is_none_or(|until| Instant::now() < until) => Ok(Arc::clone(secret)),
            _ => Ok(Arc::clone(&kept.insert(get.await?).secret)),
        }
    }

    /// Forgets this one, and not another that somebody else has got meanwhile.
    async fn forget(&self, used: &Used) {
        let mut kept = self.0.lock().await;
        if kept.as_ref().map(|kept| &kept.secret) == used.as_ref() {
            *kept = None;
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("auth", &self.auth).finish_non_exhaustive()
    }
}

/// Says which setting does not fit, where the department's system as a whole would be meant otherwise.
fn at(setting: &str, error: AdapterError) -> AdapterError {
    match error {
        AdapterError::Misconfigured { what } => AdapterError::Misconfigured { what: format!("`{setting}`: {what}") },
        other => other,
    }
}

pub(super) fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) -> Result<(), AdapterError> {
    let unfit = |_| AdapterError::Misconfigured { what: format!("what `auth` puts into `{name}` cannot be sent") };
    let mut value = HeaderValue::from_str(value).map_err(unfit)?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}
