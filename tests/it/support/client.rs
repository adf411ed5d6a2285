//! A small HTTP client in the words of the API.

use serde_json::{Value, json};

use super::promised;

/// Somebody who calls the API, from one address, perhaps with a token.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    ip: String,
    token: Option<String>,
    languages: Option<String>,
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, sorted.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub text: String,
}

/// An attempt that asks.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The handle.
    pub attempt: String,
    /// The entries.
    pub ask: Vec<Value>,
}

/// An attempt that is done.
#[derive(Clone, Debug)]
pub struct Done {
    /// The user's id.
    pub user: String,
    /// The access token; empty after a recovery.
    pub access: String,
    /// The refresh token; empty where there is none.
    pub refresh: String,
    /// The credential of a device that was not known before.
    pub known_device: Option<String>,
}

impl Client {
    /// Somebody at `ip`.
    pub fn new(base: &str, ip: String) -> Self {
        // Reading the machine's roots takes a while, and nothing here is encrypted.
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Self { http, base: base.to_owned(), ip, token: None, languages: None }
    }

    /// The same with a token or key.
    pub fn bearing(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The token or key that it calls with.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The same with an `Accept-Language`.
    pub fn speaking(&self, languages: &str) -> Self {
        Self { languages: Some(languages.to_owned()), ..self.clone() }
    }

    /// The same at another instance.
    pub fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    /// Calls with a body exactly as it is written here.
    pub async fn raw(&self, method: &str, path: &str, body: Option<&str>) -> Answer {
        let url = format!("{}{path}", self.base);
        let mut call = self.http.request(method.parse().unwrap(), url);
        call = call.header("x-forwarded-for", &self.ip);
        if let Some(token) = &self.token {
            call = call.bearer_auth(token);
        }
        if let Some(languages) = &self.languages {
            call = call.header("accept-language", languages.as_bytes());
        }
        if let Some(body) = body {
            call = call.header("content-type", "application/json").body(body.to_owned());
        }
        let answer = Answer::read(call.send().await.unwrap()).await;
        promised::check(&self.base, method, path, answer.status, &answer.text);
        answer
    }

    /// `POST` of a page's form.
    pub async fn form(&self, path: &str, body: &str) -> Answer {
        let call = self.http.post(format!("{}{path}", self.base)).header("x-forwarded-for", &self.ip);
        let call = call.header("content-type", "application/x-www-form-urlencoded");
        let answer = Answer::read(call.body(body.to_owned()).send().await.unwrap()).await;
        promised::check(&self.base, "POST", path, answer.status, &answer.text);
        answer
    }

    /// `POST`
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.raw("POST", path, Some(&body.to_string())).await
    }

    /// `PATCH`
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.raw("PATCH", path, Some(&body.to_string())).await
    }

    /// `PUT`
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.raw("PUT", path, Some(&body.to_string())).await
    }

    /// `GET`
    pub async fn get(&self, path: &str) -> Answer {
        self.raw("GET", path, None).await
    }

    /// `DELETE`
    pub async fn delete(&self, path: &str) -> Answer {
        self.raw("DELETE", path, None).await
    }

    /// Begins a sign-in.
    pub async fn signin(&self, body: Value) -> Answer {
        self.post("/v1/signin", body).await
    }

    /// Begins a sign-up.
    pub async fn signup(&self, body: Value) -> Answer {
        self.post("/v1/signup", body).await
    }

    /// Begins a recovery.
    pub async fn recovery(&self, body: Value) -> Answer {
        self.post("/v1/recovery", body).await
    }

    /// Begins a re-authentication.
    pub async fn reauth(&self, body: Value) -> Answer {
        self.post("/v1/reauth", body).await
    }

    /// Answers an attempt.
    pub async fn answer(&self, attempt: &str, body: Value) -> Answer {
        self.post(&format!("/v1/attempts/{attempt}"), body).await
    }

    /// Answers an attempt with a passcode.
    pub async fn passcode(&self, attempt: &str, code: &str) -> Answer {
        self.answer(attempt, json!({ "passcode": code })).await
    }

    /// Asks for the passcode of an attempt to be sent.
    pub async fn send(&self, attempt: &str, body: Value) -> Answer {
        self.post(&format!("/v1/attempts/{attempt}/send"), body).await
    }

    /// Adds a device.
    pub async fn add(&self, body: Value) -> Answer {
        self.post("/v1/me/devices", body).await
    }

    /// Confirms a device by a code.
    pub async fn confirm(&self, device: &str, code: &str) -> Answer {
        self.post(&format!("/v1/me/devices/{device}/confirm"), json!({ "passcode": code })).await
    }

    /// Refreshes.
    pub async fn refresh(&self, token: &str) -> Answer {
        self.post("/v1/token", json!({ "refresh_token": token })).await
    }
}

impl Answer {
    async fn read(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let header = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
            (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
        };
        let mut headers: Vec<_> = response.headers().iter().map(header).collect();
        headers.sort();
        Self { status, headers, text: response.text().await.unwrap() }
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// One header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// It has this status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// It is the problem with this status and code.
    #[track_caller]
    pub fn fails(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.json()["code"].as_str()), (status, Some(code)), "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        self
    }

    /// It is a wrong secret.
    #[track_caller]
    pub fn wrong(self) -> Self {
        self.fails(401, "wrong_secret")
    }

    /// It is an attempt that asks.
    #[track_caller]
    pub fn asks(&self) -> Asked {
        let body = self.json();
        assert_eq!((self.status, &body["state"]), (200, &json!("ask")), "{self:?}");
        let attempt = body["attempt"].as_str().unwrap().to_owned();
        Asked { attempt, ask: body["ask"].as_array().unwrap().clone() }
    }

    /// It is an attempt that is done.
    #[track_caller]
    pub fn done(&self) -> Done {
        let body = self.json();
        assert_eq!((self.status, &body["state"]), (200, &json!("done")), "{self:?}");
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        Done {
            user: body["user"]["id"].as_str().unwrap().to_owned(),
            access: text("access_token"),
            refresh: text("refresh_token"),
            known_device: body["known_device"].as_str().map(str::to_owned),
        }
    }
}

impl Asked {
    /// The names of the secrets that are asked.
    pub fn secrets(&self) -> Vec<&str> {
        self.ask.iter().map(|entry| entry["secret"].as_str().unwrap()).collect()
    }

    /// The device of the entry with that channel.
    #[track_caller]
    pub fn device(&self, channel: &str) -> &str {
        let entry = self.ask.iter().find(|entry| entry["channel"] == channel);
        entry.and_then(|entry| entry["device"].as_str()).unwrap_or_else(|| panic!("{channel}: {self:?}"))
    }
}
