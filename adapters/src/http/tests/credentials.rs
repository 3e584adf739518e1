use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use heyan_proto::vocabulary::DepartmentId;

use super::super::auth::Interface;
use super::super::platform;
use super::*;
use crate::Secret;

/// The header of a message.
fn header<'m>(message: &'m str, name: &str) -> Option<&'m str> {
    message.split("\r\n").find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn unauthorized() -> Vec<u8> {
    canned::reply("401 Unauthorized", "")
}

#[tokio::test]
async fn secrets_are_sent_read_again_when_refused_and_shown_by_nothing() {
    for (auth, name, value) in [
        (
            "{ kind = \"basic\", user = \"gateway\", password = { file = \"secret\" } }",
            "authorization",
            "Basic Z2F0ZXdheTpjYW5hcnk=",
        ),
        ("{ kind = \"header\", name = \"X-Api-Key\", value = { file = \"secret\" } }", "x-api-key", "canary"),
        ("{ kind = \"header\", name = \"Authorization\", value = { file = \"secret\" } }", "authorization", "canary"),
    ] {
        let folder = folder_with("canary\n");
        let expected = format!("{name}: {value}\r\n");
        let service = Canned::new(move |message| match message.contains(&expected) {
            true => ok(LICENCE),
            false => unauthorized(),
        })
        .await;
        let adapter = adapter(&service, &format!("auth = {auth}"), &[], folder.path());
        ask(&adapter).await.unwrap();
        assert_eq!(adapter.check_health().await, Ok(()));
        fs::write(folder.path().join("secret"), "old").unwrap();
        ask(&adapter).await.expect("what is kept is not read for every look-up");
        service.heard();
        let other = folder_with("old-canary");
        let adapter = super::adapter(&service, &format!("auth = {auth}"), &[], other.path());
        let error = ask(&adapter).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the declaration does not fit the department's system: it refuses the credentials (HTTP 401 Unauthorized)"
        );
        assert_eq!(service.heard().len(), 1, "a wrong password is not tried twice");
        assert!(!format!("{adapter:?} {:?}", adapter.credentials).contains("canary"));
        fs::write(other.path().join("secret"), "canary").unwrap();
        ask(&adapter).await.unwrap();
    }
}

#[tokio::test]
async fn a_secret_that_cannot_be_sent_is_misconfigured() {
    for (secret, problem) in [
        ("a\nb", "what `auth` puts into `x-key` cannot be sent"),
        ("\u{1}", "what `auth` puts into `x-key` cannot be sent"),
    ] {
        let folder = folder_with(secret);
        let service = Canned::new(|_| ok(LICENCE)).await;
        let auth = "auth = { kind = \"header\", name = \"X-Key\", value = { file = \"secret\" } }";
        assert_eq!(ask(&adapter(&service, auth, &[], folder.path())).await, misconfigured(problem));
    }
}

/// A service that gives token 1, 2, … and accepts those that `good` says.
async fn with_tokens(life: &'static str, good: impl Fn(usize) -> bool + Send + Sync + 'static) -> Canned {
    let given = AtomicUsize::new(0);
    Canned::new(move |message| {
        if message.starts_with("POST /token ") {
            let number = given.fetch_add(1, Ordering::Relaxed) + 1;
            return ok(&format!(r#"{{"access_token": "canary-{number}", "token_type": "Bearer"{life}}}"#));
        }
        let token =
            header(message, "authorization").and_then(|value| value.strip_prefix("Bearer canary-")?.parse().ok());
        if token.is_some_and(&good) { ok(LICENCE) } else { unauthorized() }
    })
    .await
}

fn oauth2(service: &Canned, more: &str) -> String {
    let url = &service.url;
    format!(
        "auth = {{ kind = \"oauth2\", token_url = \"{url}/token\", client_id = \"gate way\", client_secret = {{ file = \"secret\" }}{more} }}"
    )
}

#[tokio::test]
async fn a_token_is_kept_and_asked_for_once() {
    let folder = folder_with("can:ary");
    let service = with_tokens(", \"expires_in\": \"3600\"", |number| number == 1).await;
    let adapter = Arc::new(adapter(&service, &oauth2(&service, ", scope = \"licences\""), &[], folder.path()));
    let asked = futures::future::join_all((0..8).map(|_| ask(&adapter))).await;
    assert!(asked.iter().all(Result::is_ok));
    let heard = service.heard();
    let tokens: Vec<&String> = heard.iter().filter(|message| message.starts_with("POST /token ")).collect();
    let [token] = tokens[..] else { panic!("{} tokens were asked for", tokens.len()) };
    // `gate%20way:can%3Aary`, as RFC 6749 has it.
    assert_eq!(header(token, "authorization"), Some("Basic Z2F0ZSUyMHdheTpjYW4lM0Fhcnk="));
    assert!(token.ends_with("\r\n\r\ngrant_type=client_credentials&scope=licences"));
    assert!(!format!("{:?}", adapter.credentials).contains("canary"));
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_never_more() {
    let folder = folder_with("secret");
    let kinds = |service: &Canned| service.heard().iter().map(|m| m.starts_with("POST /token ")).collect::<Vec<_>>();
    let service = with_tokens(", \"expires_in\": 3600", |number| number == 2).await;
    let in_form = adapter(&service, &oauth2(&service, ", client_in = \"form\""), &[], folder.path());
    ask(&in_form).await.unwrap();
    assert_eq!(kinds(&service), [true, false, true, false]);
    ask(&in_form).await.unwrap();
    let heard = service.heard();
    assert_eq!(heard.len(), 1, "the good token is kept");
    let service = with_tokens("", |_| false).await;
    let refused = ask(&adapter(&service, &oauth2(&service, ""), &[], folder.path())).await;
    assert_eq!(refused, misconfigured("it refuses the credentials (HTTP 401 Unauthorized)"));
    assert_eq!(kinds(&service), [true, false, true, false]);
}

/// A service that lost its tokens is well again at the second try of its health, without a question.
#[tokio::test]
async fn health_does_not_keep_a_refused_token() {
    let folder = folder_with("secret");
    let service = with_tokens("", |number| number == 2).await;
    let adapter = adapter(&service, &format!("{}\nhealth = \"/health\"", oauth2(&service, "")), &[], folder.path());
    let refused = misconfigured("it refuses the credentials (HTTP 401 Unauthorized)");
    assert_eq!(adapter.check_health().await, refused);
    assert_eq!(adapter.check_health().await, Ok(()));
}

#[tokio::test]
async fn a_token_at_the_end_of_its_life_is_renewed() {
    let folder = folder_with("secret");
    let service = with_tokens(", \"expires_in\": 0", |_| true).await;
    let adapter = adapter(&service, &oauth2(&service, ""), &[], folder.path());
    ask(&adapter).await.unwrap();
    ask(&adapter).await.unwrap();
    assert_eq!(service.heard().len(), 4);
}

#[tokio::test]
async fn what_is_no_token_is_never_sent() {
    let folder = folder_with("canary");
    for (reply, error) in [
        (
            canned::reply("401 Unauthorized", "{\"error\": \"invalid_client\"}"),
            misconfigured("`auth.token_url`: it refuses the client (HTTP 401 Unauthorized)"),
        ),
        (
            canned::reply("404 Not Found", ""),
            misconfigured("`auth.token_url`: it does not know such a question (HTTP 404 Not Found)"),
        ),
        (canned::reply("503 Service Unavailable", ""), Err(AdapterError::Unavailable)),
        (ok("{}"), malformed("the reply of `token_url` has no `access_token`")),
        (ok("[]"), malformed("the reply of `token_url` has no `access_token`")),
        (ok("{\"access_token\": \"a\\r\\nb: c\"}"), malformed("the reply of `token_url` has no `access_token`")),
        (
            ok("{\"access_token\": \"a\", \"token_type\": \"mac\"}"),
            malformed("the reply of `token_url` has a token of another type than `bearer`"),
        ),
        (ok("<html>"), malformed("the reply of `token_url` is not JSON")),
    ] {
        let service = Canned::new(move |_| reply.clone()).await;
        assert_eq!(ask(&adapter(&service, &oauth2(&service, ""), &[], folder.path())).await, error);
        assert_eq!(service.heard().len(), 1);
    }
}

/// Known from `openssl dgst -sha256 -hmac canary -binary | base64` over `S-1R-11763856000000`.
#[test]
fn the_platform_is_told_who_asks() {
    let interface = Interface { rid: "R-1".into(), sid: "S-1".into(), secret: Secret::File("x".into()) };
    let mut headers = reqwest::header::HeaderMap::new();
    platform::sign_at(&mut headers, "gjzwfwpt", &interface, "canary", 1_763_856_000_000).unwrap();
    for (name, value) in [
        ("gjzwfwpt_rid", "R-1"),
        ("gjzwfwpt_sid", "S-1"),
        ("gjzwfwpt_rtime", "1763856000000"),
        ("gjzwfwpt_sign", "lZ+HWs/Nr5P5OD28Oz6Nk3JUOX6kYTnfyKLiKgTQSO0="),
    ] {
        assert_eq!(headers[name], value);
    }
    assert!(!format!("{headers:?}").contains("R-1"));
}

const PLATFORM: &str = "[http.auth]\nkind = \"platform\"\ngeneration = \"gjgxjhpt\"\nREFRESH\n\
    [http.auth.requesters.service-centre]\nrid = \"R-1\"\n\
    interfaces.licence = { sid = \"S-1\", secret = { file = \"secret\" } }\n\
    [http.auth.requesters.tax]\nrid = \"R-2\"\n\
    interfaces.licence = { sid = \"S-2\", secret = { file = \"other\" } }\n";

#[tokio::test]
async fn every_requester_asks_with_its_own() {
    let folder = folder_with("first");
    fs::write(folder.path().join("other"), "second").unwrap();
    let service = Canned::new(|_| ok(LICENCE)).await;
    let adapter = adapter(&service, &PLATFORM.replace("REFRESH", ""), &[], folder.path());
    let declared = declaration(&[(
        "base_url = \"http://127.0.0.1:9/api\"\n",
        &format!("base_url = \"http://127.0.0.1:9\"\n{}", PLATFORM.replace("REFRESH", "")),
    )]);
    assert!(declared.source.unwrap().sends_requester_credentials());
    let by = |id: &str| Lookup { requester: DepartmentId::parse(id).unwrap(), ..licence() };
    for id in ["service-centre", "tax"] {
        adapter.look_up(&by(id)).await.unwrap();
    }
    let nobodys = adapter.look_up(&by("education")).await;
    assert_eq!(nobodys, misconfigured("`auth` has nothing with which `education` asks for `licence`"));
    assert_eq!(adapter.check_health().await, Ok(()), "nobody's credentials are needed for it");
    let [first, second, health]: [String; 3] = service.heard().try_into().unwrap();
    for (message, rid, sid, secret) in [(&first, "R-1", "S-1", "first"), (&second, "R-2", "S-2", "second")] {
        let interface = Interface { rid: rid.into(), sid: sid.into(), secret: Secret::File("x".into()) };
        let time = header(message, "gjgxjhpt_rtime").unwrap().parse().unwrap();
        let mut expected = reqwest::header::HeaderMap::new();
        platform::sign_at(&mut expected, "gjgxjhpt", &interface, secret, time).unwrap();
        for (name, value) in &expected {
            assert_eq!(header(message, name.as_str()), Some(value.to_str().unwrap()), "{name}");
        }
    }
    assert!(!health.contains("gjgxjhpt"));
}

#[tokio::test]
async fn the_platforms_secret_is_refreshed_at_its_end_and_when_it_is_refused() {
    let folder = folder_with("first");
    fs::write(folder.path().join("other"), "second").unwrap();
    for (life, refused_first, expected) in [("30m", false, 3), ("30m", true, 5), ("1s", false, 3)] {
        let refused = AtomicUsize::new(usize::from(refused_first));
        let service = Canned::new(move |message| {
            if message.starts_with("POST /api/sysapi/auth/refreshappsecret ") {
                return ok("{\"code\": 200, \"data\": {\"secret\": \"canary\"}}");
            }
            match refused.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) {
                Ok(_) => unauthorized(),
                Err(_) => ok(LICENCE),
            }
        })
        .await;
        let refresh = format!(
            "refresh = {{ path = \"/sysapi/auth/refreshappsecret\", secret = \"$.data.secret\", life = \"{life}\" }}"
        );
        let adapter = adapter(&service, &PLATFORM.replace("REFRESH", &refresh), &[], folder.path());
        ask(&adapter).await.unwrap();
        ask(&adapter).await.unwrap();
        assert_eq!(service.heard().len(), expected, "{life} {refused_first}");
        assert!(!format!("{:?}", adapter.credentials).contains("canary"));
        if life == "1s" {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            ask(&adapter).await.unwrap();
            assert_eq!(service.heard().len(), 2);
        }
    }
}

/// Many services refuse with HTTP 200 and a code of their own.
#[tokio::test]
async fn a_code_can_say_that_a_secret_is_refused() {
    let refused = ("success =", "refused = { path = \"$.code\", equals = [40101] }\nsuccess =");
    let folder = folder_with("secret");
    let says = ok("{\"code\": 40101}");
    let service = Canned::new(move |message| match message.starts_with("POST /token ") {
        true => ok("{\"access_token\": \"a\"}"),
        false => says.clone(),
    })
    .await;
    let adapter = adapter(&service, &oauth2(&service, ""), &[refused], folder.path());
    assert_eq!(ask(&adapter).await, misconfigured("it refuses the credentials (`$.code`)"));
    let heard = service.heard();
    let kinds: Vec<bool> = heard.iter().map(|message| message.starts_with("POST /token ")).collect();
    assert_eq!(kinds, [true, false, true, false], "once more, with another token");
}

#[tokio::test]
async fn a_refresh_that_fails_is_not_no_record() {
    let folder = folder_with("first");
    fs::write(folder.path().join("other"), "second").unwrap();
    let refresh = "refresh = { path = \"/refresh\", secret = \"$.data.secret\" }";
    for (reply, error) in [
        (ok("{\"code\": 300, \"data\": null}"), malformed("the reply of `auth.refresh` has no secret")),
        (
            canned::reply("404 Not Found", ""),
            misconfigured("`auth.refresh`: it does not know such a question (HTTP 404 Not Found)"),
        ),
        (
            canned::reply("403 Forbidden", ""),
            misconfigured("`auth.refresh`: it refuses the credentials (HTTP 403 Forbidden)"),
        ),
    ] {
        let service = Canned::new(move |_| reply.clone()).await;
        let adapter = adapter(&service, &PLATFORM.replace("REFRESH", refresh), &[], folder.path());
        assert_eq!(ask(&adapter).await, error);
    }
}
