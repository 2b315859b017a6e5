//! Silences and maintenance, as people ask for them over HTTP.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::Counts;
use super::keeper::Command;
use crate::alert::{
    Maintenance, MaintenanceRequest, NumberedSilence, Policy, Silence, SilenceRequest,
};
use crate::app::clock;
use crate::metrics::{MaintenanceState, SilenceCounts};
use crate::report::Report;
use crate::time::Timestamp;
use crate::web::{MuteAnswer, MuteRefusal, MuteRequest};

/// What the policy is to change; what to answer.
pub(super) type Change = Box<dyn FnOnce(&mut Policy, Timestamp) -> MuteAnswer + Send>;

/// Storing takes milliseconds, unless the disk is busy.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// What holds alerts back, or will.
#[derive(Debug, Default)]
pub(super) struct Muted {
    silences: Vec<NumberedSilence>,
    maintenance: Option<Maintenance>,
}

impl Muted {
    pub(super) fn of(policy: &Policy) -> Self {
        Self {
            silences: policy.silences().to_vec(),
            maintenance: policy.in_maintenance().cloned(),
        }
    }

    /// What of the silences has not ended by now.
    fn silences(&self, now: Timestamp) -> impl Iterator<Item = &NumberedSilence> {
        let silences = self.silences.iter();
        silences.filter(move |numbered| numbered.silence.end > now)
    }

    pub(super) fn silence_counts(&self, now: Timestamp) -> SilenceCounts {
        let mut counts = SilenceCounts::default();
        for numbered in self.silences(now) {
            if numbered.silence.start <= now {
                counts.active += 1;
            } else {
                counts.pending += 1;
            }
        }
        counts
    }

    fn maintenance(&self, now: Timestamp) -> Option<&Maintenance> {
        self.maintenance.as_ref().filter(|it| it.until > now)
    }

    pub(super) fn maintenance_state(&self, now: Timestamp) -> Option<MaintenanceState> {
        self.maintenance(now).map(|it| MaintenanceState {
            until: it.until,
            author: it.author.clone(),
            reason: it.reason.clone(),
        })
    }
}

/// Asks the thread that owns the policy.
#[derive(Clone)]
pub(in crate::app) struct Mutes {
    commands: mpsc::Sender<Command>,
    counts: Arc<Counts>,
}

impl Mutes {
    pub(super) const fn new(commands: mpsc::Sender<Command>, counts: Arc<Counts>) -> Self {
        Self { commands, counts }
    }

    /// Does what is asked for; a change is stored before it is answered.
    pub(in crate::app) async fn ask(self, request: MuteRequest) -> MuteAnswer {
        let now = clock::now();
        match request {
            MuteRequest::Silences => {
                let muted = self.counts.muted();
                let silences: Vec<Value> = muted.silences(now).map(|it| shown(it, now)).collect();
                Ok(json!({"schema": Report::SCHEMA, "silences": silences}))
            }
            MuteRequest::Maintenance => {
                let muted = self.counts.muted();
                Ok(maintenance_page(muted.maintenance(now)))
            }
            MuteRequest::AddSilence(body) => {
                let request: SilenceRequest = parsed(&body)?;
                let silence = request.silence(now).map_err(MuteRefusal::Invalid)?;
                self.change(move |policy, now| add(policy, silence, now))
                    .await
            }
            MuteRequest::EndSilence(number) => {
                self.change(move |policy, now| {
                    if !policy.end_silence(number, now) {
                        return Err(MuteRefusal::NoSuch);
                    }
                    tracing::info!(silence = number, "silence removed");
                    Ok(json!({"schema": Report::SCHEMA, "removed": number}))
                })
                .await
            }
            MuteRequest::BeginMaintenance(body) => {
                let request: MaintenanceRequest = parsed(&body)?;
                let maintenance = request.maintenance(now).map_err(MuteRefusal::Invalid)?;
                self.change(move |policy, now| {
                    tracing::info!(
                        until = %maintenance.until,
                        author = maintenance.author,
                        reason = maintenance.reason,
                        "maintenance begins: no alerts are sent"
                    );
                    policy.maintenance(Some(maintenance), now);
                    Ok(maintenance_page(policy.in_maintenance()))
                })
                .await
            }
            MuteRequest::EndMaintenance => {
                self.change(|policy, now| {
                    tracing::info!("maintenance ends: alerts are sent");
                    policy.maintenance(None, now);
                    Ok(maintenance_page(None))
                })
                .await
            }
        }
    }

    async fn change(
        &self,
        change: impl FnOnce(&mut Policy, Timestamp) -> MuteAnswer + Send + 'static,
    ) -> MuteAnswer {
        let (answer, answered) = oneshot::channel();
        let command = Command::Change(Box::new(change), answer);
        if self.commands.send(command).is_err() {
            return Err(MuteRefusal::Unavailable);
        }
        match timeout(ANSWERS_WITHIN, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(MuteRefusal::Unavailable),
        }
    }
}

fn add(policy: &mut Policy, silence: Silence, now: Timestamp) -> MuteAnswer {
    let number = policy
        .silence(silence.clone(), now)
        .ok_or(MuteRefusal::Full)?;
    tracing::info!(
        silence = number,
        start = %silence.start,
        end = %silence.end,
        author = silence.author,
        comment = silence.comment,
        "silence added"
    );
    let silence = shown(&NumberedSilence { number, silence }, now);
    Ok(json!({"schema": Report::SCHEMA, "silence": silence}))
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, MuteRefusal> {
    serde_json::from_slice(body).map_err(|error| {
        let said = error.to_string();
        MuteRefusal::Invalid(crate::net::safe_text(said.as_bytes(), 300))
    })
}

/// The silence with its state.
fn shown(silence: &NumberedSilence, now: Timestamp) -> Value {
    let state = if silence.silence.start <= now {
        "active"
    } else {
        "pending"
    };
    let mut shown = json!(silence);
    if let Some(object) = shown.as_object_mut() {
        object.insert("state".to_owned(), state.into());
    }
    shown
}

fn maintenance_page(maintenance: Option<&Maintenance>) -> Value {
    json!({"schema": Report::SCHEMA, "maintenance": maintenance})
}
