//! The engine's thread, and what comes out of it.

use std::sync::Arc;

use anyhow::Context;
use arc_swap::ArcSwap;
use tokio::sync::oneshot;

use crate::app::alerts::Feed;
use crate::app::clock;
use crate::app::drive::{Outlet, drive};
use crate::app::evidence::Feed as EvidenceFeed;
use crate::app::logging::EventLog;
use crate::app::orders::Orders;
use crate::app::sensor::SensorSource;
use crate::app::state::StateFeed;
use crate::app::vitals::Vitals;
use crate::engine::Engine;
use crate::event::Event;
use crate::snapshot::Snapshot;
use crate::time::Timestamp;

/// Runs the engine in a thread of its own; what is received tells that it ended, an error that it panicked.
pub(super) fn start_engine(
    mut engine: Engine,
    mut source: SensorSource,
    mut outlet: LiveOutlet,
) -> anyhow::Result<oneshot::Receiver<()>> {
    let (ended, receiver) = oneshot::channel();
    std::thread::Builder::new()
        .name("engine".to_owned())
        .spawn(move || {
            drive(&mut source, &mut engine, &mut outlet);
            // Nobody waits for it any more where stopping took too long.
            ended.send(()).ok();
        })
        .context("start the engine's thread")?;
    Ok(receiver)
}

pub(super) fn engine_failure(ended: &Result<(), oneshot::error::RecvError>) -> anyhow::Error {
    match ended {
        Ok(()) => anyhow::anyhow!("every capture has ended"),
        Err(_) => anyhow::anyhow!("the engine failed: please report what stands above"),
    }
}

/// Publishes what the engine knows, and logs what happens.
pub(super) struct LiveOutlet {
    pub(super) snapshot: Arc<ArcSwap<Snapshot>>,
    pub(super) vitals: Arc<Vitals>,
    pub(super) log: EventLog,
    pub(super) alerts: Feed,
    /// None where no evidence is kept.
    pub(super) evidence: Option<EvidenceFeed>,
    pub(super) state: StateFeed,
    pub(super) orders: Orders,
}

impl Outlet for LiveOutlet {
    fn event(&mut self, event: &Event) {
        self.log.event(event, clock::now());
        let evidence = self.evidence.as_mut().and_then(|feed| feed.event(event));
        self.alerts.event(event, evidence);
    }

    fn attend(&mut self, engine: &mut Engine, now: Timestamp) {
        self.orders.carry_out(engine, now);
        self.state.attend(engine, now);
    }

    fn finish(&mut self, engine: &Engine) {
        self.state.finish(engine);
    }

    fn publish(&mut self, snapshot: Arc<Snapshot>) {
        if let Some(evidence) = &mut self.evidence {
            evidence.publish(&snapshot);
        }
        self.alerts.publish(&snapshot);
        self.snapshot.store(snapshot);
        self.vitals.set_published();
        self.log.settle(clock::now());
    }
}
