//! Stands in for `crate::server` and `crate::api` until they are there: delete this file then, and in `mod.rs`
//! write `use crate::{api, server};`.

/// As `crate::server` will be.
pub mod server {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use poem::endpoint::make;
    use poem::{Body, Endpoint, Request, Response};
    use serde_json::{Map, Value, json};

    use crate::app::App;
    use crate::auth::input::{Client, Given};
    use crate::auth::progress::Progress;
    use crate::auth::{AuthError, doors, owned, session, signup};
    use crate::base::Sensitive;
    use crate::devices::DEVICES;
    use crate::messages::Channel;
    use crate::startup::Started;

    /// Why it stopped.
    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    pub struct ServeError(String);

    /// Serves until it is told to stop.
    pub async fn serve(started: Started, ready: impl FnOnce(SocketAddr)) -> Result<(), ServeError> {
        ready(started.app.settings.server.listen);
        tokio::signal::ctrl_c().await.map_err(|error| ServeError(error.to_string()))
    }

    /// A few of the routes.
    pub fn endpoint(app: Arc<App>) -> impl Endpoint<Output = Response> {
        make(move |request: Request| {
            let app = app.clone();
            async move { answer(&app, request).await }
        })
    }

    async fn answer(app: &App, mut request: Request) -> poem::Result<Response> {
        let path = request.uri().path().to_owned();
        let bearer =
            request.header("authorization").and_then(|h| h.strip_prefix("Bearer ")).map(str::to_owned);
        let body: Map<String, Value> = match request.take_body().into_vec().await {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Err(_) => Map::new(),
        };
        let (status, value) = match route(app, &path, bearer.as_deref(), &body).await {
            Ok(value) => (200, value),
            Err(error) => (401, json!({ "status": 401, "code": "stub", "detail": format!("{error:?}") })),
        };
        let status = poem::http::StatusCode::from_u16(status).unwrap_or_default();
        Ok(Response::builder().status(status).body(Body::from_json(value).unwrap_or_default()))
    }

    async fn route(
        app: &App,
        path: &str,
        bearer: Option<&str>,
        body: &Map<String, Value>,
    ) -> Result<Value, AuthError> {
        let ip = [127, 0, 0, 1].into();
        let client = Client { ip, agent: String::new(), known_device: None };
        let given = given(body);
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        match parts.as_slice() {
            ["signup"] => Ok(progress(signup::begin(app, &client, &given).await?)),
            ["signin"] => Ok(progress(doors::signin(app, &client, &given).await?)),
            ["attempts", at] => Ok(progress(doors::answer(app, &client, &(*at).into(), &given).await?)),
            ["attempts", at, "send"] => {
                let channel = text(body, "channel").and_then(Channel::from_name);
                let device = text(body, "device");
                Ok(progress(doors::send(app, &client, &(*at).into(), device, channel).await?))
            }
            ["me", "devices", rest @ ..] => {
                let caller = session::caller(app, bearer.unwrap_or_default()).await?;
                match rest {
                    [] if body.is_empty() => {
                        let all = owned::list(app, &caller).await?;
                        Ok(all.iter().map(|d| json!({ "id": d.id, "kind": d.kind })).collect())
                    }
                    [] => {
                        let kind = text(body, "kind").unwrap_or_default();
                        let added = owned::add(app, &client, &caller, kind, &given).await?;
                        let secret = added.enrolment.map(|e| e.secret.expose().to_owned());
                        Ok(json!({ "id": added.device.id, "kind": kind, "secret": secret }))
                    }
                    [id, "send"] => {
                        owned::send(app, &client, &caller, id, None).await?;
                        Ok(json!({}))
                    }
                    [id, ..] => {
                        let typed = given.secrets.get("passcode").cloned().unwrap_or_default();
                        let device = owned::confirm(app, &client, &caller, id, &typed).await?;
                        Ok(json!({ "id": device.id, "kind": device.kind }))
                    }
                }
            }
            _ => Err(AuthError::NotFound),
        }
    }

    fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
        body.get(name).and_then(Value::as_str)
    }

    fn given(body: &Map<String, Value>) -> Given {
        let names = DEVICES.iter().filter(|kind| kind.names_owner()).map(|kind| kind.name());
        let secrets = ["password", "passcode", "hardcode"].into_iter();
        let secret = |name| Some((name, Sensitive::new(text(body, name)?)));
        Given {
            identifiers: names.filter_map(|name| Some((name, text(body, name)?.to_owned()))).collect(),
            secrets: secrets.filter_map(secret).collect(),
            device: text(body, "device").map(str::to_owned),
            profile: body.get("profile").and_then(Value::as_object).cloned(),
            ..Given::default()
        }
    }

    fn progress(progress: Progress) -> Value {
        match progress {
            Progress::Ask(asking) => json!({
                "state": "ask", "attempt": asking.attempt.expose(), "purpose": asking.purpose.name(),
                "ask": asking.ask.iter().map(|ask| json!({
                    "secret": ask.secret, "channel": ask.channel, "to": ask.to, "device": ask.device,
                    "length": ask.length,
                })).collect::<Vec<_>>(),
            }),
            Progress::Done(done) => json!({
                "state": "done", "user": { "id": done.user },
                "access_token": done.tokens.map(|tokens| tokens.access_token.expose().to_owned()),
            }),
        }
    }
}

/// As `crate::api` will be.
pub mod api {
    use crate::settings::Settings;

    /// The API document.
    pub fn document(settings: &Settings) -> serde_json::Value {
        serde_json::json!({ "openapi": "3.0.0", "info": { "title": settings.name } })
    }
}
