//! `phonewatch run`: the daemon.
//!
//! Threads: one per interface, the engine's, and tokio's for what is served. All that can fail at the start fails
//! before the first frame is read, with an exit status that a service manager sees.

mod engine;
mod loaded;
mod signals;
mod web;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use arc_swap::ArcSwap;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{interval, timeout};

use self::engine::{LiveOutlet, engine_failure, start_engine};
use self::loaded::{Loaded, complain, load, no_interface};
use self::signals::{Received, Signals};
use self::web::{Web, listen, web_failure};
use super::alerts::{Alerts, Prepared};
use super::evidence::Evidence;
use super::logging::{EventLog, Logging};
use super::orders::{EngineHandle, orders};
use super::sensor::{Interfaces, Sensor};
use super::service::ServiceManager;
use super::state::{Opened, StateKeeper};
use super::vitals::Standstill;
use super::{reload, settings};
use crate::cli;
use crate::config::{Config, Metrics, ShownConfig};
use crate::engine::Engine;
use crate::metrics::{MetricsSettings, SensorState};
use crate::phone::Stage;
use crate::snapshot::Snapshot;
use crate::web::{Admin, Gate, ReloadRequest, WebState};

/// Runs the daemon until SIGTERM or SIGINT; SIGHUP reads the configuration again.
pub fn run(arguments: &cli::Run) -> anyhow::Result<()> {
    let loaded = load(arguments)?;
    let config = &loaded.config;
    if config.capture.interfaces.is_empty() {
        bail!(no_interface(arguments.config.path()));
    }
    let logging = Logging::start(&config.log)?;
    let manager = ServiceManager::of_environment()?;
    complain(loaded.inventory.as_deref(), config);
    let interfaces = Interfaces::open(config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("outputs")
        .enable_all()
        .build()
        .context("start the threads of the outputs")?;
    let result = runtime.block_on(async {
        let daemon = Daemon::start(loaded, logging, manager, interfaces).await?;
        daemon.run(|| load(arguments)).await
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}

/// Stopping as a whole takes less than 5 seconds; what is not done within its share is left undone.
const STOP_ENGINE_WITHIN: Duration = Duration::from_secs(3);
const STOP_OUTPUTS_WITHIN: Duration = Duration::from_secs(1);

struct Daemon {
    /// What it runs with; not in all what the file says by now.
    config: Config,
    /// The same, as people see it.
    shown: ShownConfig,
    logging: Logging,
    manager: ServiceManager,
    metrics: Arc<ArcSwap<MetricsSettings>>,
    gate: Arc<ArcSwap<Gate>>,
    admin: Arc<Admin>,
    /// Whoever asks by HTTP for a reload.
    reloads: mpsc::Receiver<ReloadRequest>,
    snapshot: Arc<ArcSwap<Snapshot>>,
    sensor: Sensor,
    engine: EngineHandle,
    /// Answers when the engine's thread ends; an error where it panicked.
    engine_ended: oneshot::Receiver<()>,
    web: Option<Web>,
    evidence: Evidence,
    alerts: Alerts,
    state: StateKeeper,
    signals: Signals,
}

impl Daemon {
    async fn start(
        loaded: Loaded,
        logging: Logging,
        manager: ServiceManager,
        interfaces: Interfaces,
    ) -> anyhow::Result<Self> {
        let Loaded {
            config,
            shown,
            inventory,
            gate,
        } = loaded;
        let signals = Signals::listen().context("listen to signals")?;
        let listener = match config.web.listen {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let (engine, orders) = orders();
        let (evidence, evidence_feed) = Evidence::start(&config, engine.clone())?;
        let alerts = Alerts::start(Prepared::new(&config.alert, evidence.folder(), false)?)?;
        // Before the captures: it takes a while for a large fleet.
        let mut state = Opened::new(&config);
        let mut engine_to_run = Engine::new(settings::engine(&config, inventory));
        state.restore(&mut engine_to_run);
        let (state, state_feed) = state.start()?;
        let (sensor, source) = interfaces.start(&config)?;
        let snapshot = Arc::new(ArcSwap::new(engine_to_run.snapshot()));
        let engine_ended = start_engine(
            engine_to_run,
            source,
            LiveOutlet {
                snapshot: Arc::clone(&snapshot),
                vitals: Arc::clone(&sensor.vitals),
                log: EventLog::default(),
                alerts: alerts.feed(),
                evidence: evidence_feed,
                state: state_feed,
                orders,
            },
        )?;
        let metrics = Arc::new(ArcSwap::from_pointee(metrics_settings(&config.metrics)));
        let gate = Arc::new(ArcSwap::from_pointee(gate));
        let (admin, reloads) = Admin::new();
        admin.set(shown.to_string(), config.web.admin);
        let admin = Arc::new(admin);
        let web = listener.map(|listener| {
            let vitals = Arc::clone(&sensor.vitals);
            let counts = alerts.counts();
            let evidence_counts = evidence.counts();
            let state = WebState::new(
                Arc::clone(&snapshot),
                move || SensorState {
                    alerts: counts.read(),
                    evidence: evidence_counts.read(),
                    ..vitals.read()
                },
                Arc::clone(&metrics),
            )
            .behind(Arc::clone(&gate))
            .administered(Arc::clone(&admin))
            .with_recordings(evidence.recordings());
            let mutes = alerts.mutes();
            let state = state.with_mutes(move |request| mutes.clone().ask(request));
            Web::start(listener, state)
        });
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            interfaces = config.capture.interfaces.join(","),
            http = config.web.listen.map(tracing::field::display),
            "listening"
        );
        Ok(Self {
            config,
            shown,
            logging,
            manager,
            metrics,
            gate,
            admin,
            reloads,
            snapshot,
            sensor,
            engine,
            engine_ended,
            web,
            evidence,
            alerts,
            state,
            signals,
        })
    }

    async fn run(mut self, load: impl Fn() -> anyhow::Result<Loaded>) -> anyhow::Result<()> {
        let mut looks = interval(self.manager.look_every());
        let mut standstill = None;
        self.manager.ready();
        let result = loop {
            let web = async {
                match &mut self.web {
                    Some(web) => (&mut web.serving).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                received = self.signals.next() => match received {
                    Received::Stop => break Ok(()),
                    // What came of it stands in the log.
                    Received::Reload => drop(self.reload(load())),
                },
                Some(asked) = self.reloads.recv() => {
                    // Whoever asked may have gone.
                    asked.send(self.reload(load())).ok();
                }
                _ = looks.tick() => self.look(&mut standstill),
                failure = self.alerts.failure() => break Err(failure),
                ended = &mut self.engine_ended => break Err(engine_failure(&ended)),
                served = web => {
                    self.web = None;
                    break Err(web_failure(served));
                }
            }
        };
        tracing::info!("stopping");
        self.manager.stopping();
        let stopped = self.stop(result.is_ok()).await;
        result.and(stopped)
    }

    /// Tells the service manager how it goes. What hangs brings no sign of life any more, until it is ended for that.
    fn look(&mut self, before: &mut Option<Standstill>) {
        let standstill = self.sensor.vitals.standstill();
        let status = if let Some(standstill) = &standstill {
            standstill.to_string()
        } else {
            self.manager.alive();
            in_short(&self.snapshot.load())
        };
        self.manager.status(status);
        if standstill != *before {
            if let Some(standstill) = &standstill {
                tracing::error!("{standstill}");
            } else {
                tracing::info!("captures and engine get on again");
            }
            *before = standstill;
        }
    }

    /// Takes over what can change while running. A configuration with an error in it changes nothing. What came of it is
    /// logged, and told to whoever asked.
    fn reload(&mut self, loaded: anyhow::Result<Loaded>) -> Result<String, String> {
        self.manager.reloading();
        let result = loaded.and_then(|loaded| {
            let new = loaded.config;
            let folder = self.evidence.folder();
            let alerts = Prepared::new(&new.alert, folder, self.alerts.has_outbox())?;
            self.logging.set_level(&new.log.level)?;
            complain(loaded.inventory.as_deref(), &new);
            self.alerts.reconfigure(alerts);
            self.gate.store(Arc::new(loaded.gate));
            let need_restart = reload::apply(&mut self.config, &new);
            let mut shown = loaded.shown;
            shown.keep(&self.shown, &need_restart);
            self.admin.set(shown.to_string(), self.config.web.admin);
            self.shown = shown;
            Ok((need_restart, loaded.inventory))
        });
        self.manager.ready();
        self.sensor.vitals.set_reloaded(result.is_ok());
        match result {
            Ok((need_restart, inventory)) => {
                self.metrics
                    .store(Arc::new(metrics_settings(&self.config.metrics)));
                let change = settings::reconfiguration(&self.config, inventory);
                if let Err(error) = self.engine.reconfigure(change) {
                    tracing::error!("the engine goes on with its old thresholds: {error}");
                }
                tracing::info!("configuration read again");
                if need_restart.is_empty() {
                    return Ok("configuration read again".to_owned());
                }
                let keys = need_restart.join(", ");
                let note = "these settings have changed and need a restart of phonewatch";
                tracing::warn!(keys, "{note}");
                Ok(format!("configuration read again; {note}: {keys}"))
            }
            Err(error) => {
                let told = format!("configuration not taken over, the old one stays: {error:#}");
                tracing::error!("{told}");
                Err(told)
            }
        }
    }

    async fn stop(self, is_engine_running: bool) -> anyhow::Result<()> {
        self.sensor.stop();
        let mut result = Ok(());
        if is_engine_running {
            result = match timeout(STOP_ENGINE_WITHIN, self.engine_ended).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(anyhow::anyhow!("the engine failed while it was stopped")),
                Err(_) => Err(anyhow::anyhow!("the engine did not stop in time")),
            };
        }
        // After the engine, so that its last findings are stored too.
        tokio::join!(self.alerts.stop(), self.state.stop());
        let captures = tokio::task::spawn_blocking(|| self.sensor.join());
        let outputs = async {
            if let Some(web) = self.web {
                web.stop().await;
            }
            captures.await.ok();
        };
        if timeout(STOP_OUTPUTS_WITHIN, outputs).await.is_err() {
            tracing::debug!("not everything stopped in time");
        }
        result
    }
}

/// What the daemon sees, in one line.
fn in_short(snapshot: &Snapshot) -> String {
    let (mut phones, mut registered) = (0, 0);
    for device in snapshot.shown() {
        phones += 1;
        registered += u64::from(device.stage == Stage::Registered);
    }
    format!("{phones} phones seen, {registered} of them registered")
}

fn metrics_settings(metrics: &Metrics) -> MetricsSettings {
    MetricsSettings {
        per_phone: metrics.per_phone,
        per_phone_limit: metrics.per_phone_limit,
    }
}
