//! The routes, and the HTTP responses to the outcomes of a hash.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::accounts::Accounts;
use crate::hashing::{Failure, Hasher, Load};

#[derive(Debug)]
pub(crate) struct Server {
    accounts: Accounts,
    hasher: Hasher,
    /// A hash of no account. A login with an unknown name checks it, so it takes as long as any other.
    decoy: String,
}

/// The body of a request.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Credentials {
    pub(crate) name: String,
    pub(crate) password: String,
}

impl Server {
    pub(crate) async fn new(hasher: Hasher) -> anyhow::Result<Self> {
        let decoy = hasher.hash(String::new()).await;
        Ok(Self {
            accounts: Accounts::default(),
            decoy: decoy.map_err(|failure| anyhow::anyhow!("no worker hashes: {failure:?}"))?,
            hasher,
        })
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    pub(crate) fn accounts(&self) -> &Accounts {
        &self.accounts
    }
}

pub(crate) fn routes(server: Arc<Server>) -> Router {
    Router::new()
        .route("/accounts", post(create_account))
        .route("/login", post(log_in))
        .route("/load", get(load))
        .with_state(server)
}

async fn create_account(
    State(server): State<Arc<Server>>,
    Json(Credentials { name, password }): Json<Credentials>,
) -> Result<StatusCode, Failure> {
    let hash = server.hasher.hash(password).await?;
    Ok(if server.accounts.insert(name, hash) {
        StatusCode::CREATED
    } else {
        StatusCode::CONFLICT
    })
}

async fn log_in(
    State(server): State<Arc<Server>>,
    Json(Credentials { name, password }): Json<Credentials>,
) -> Result<StatusCode, Failure> {
    let known = server.accounts.hash_of(&name);
    let is_known = known.is_some();
    let hash = known.unwrap_or_else(|| server.decoy.clone());
    let is_right = server.hasher.verify(password, hash).await? && is_known;
    Ok(if is_right {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::UNAUTHORIZED
    })
}

async fn load(State(server): State<Arc<Server>>) -> Json<Load> {
    Json(server.hasher.load())
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Failure::Overloaded => {
                let soon = [(header::RETRY_AFTER, "1")];
                (StatusCode::SERVICE_UNAVAILABLE, soon).into_response()
            }
            Failure::TimedOut => StatusCode::GATEWAY_TIMEOUT.into_response(),
            Failure::Broken(why) => {
                eprintln!("error: {why}");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}
