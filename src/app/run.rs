//! `phonewatch run`: the daemon.
//!
//! Threads: one per interface, the engine's, and tokio's for what is served. All that can fail at the start fails
//! before the first frame is read, with an exit status that a service manager sees.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};

use super::alerts::{Alerts, Feed, Prepared};
use super::drive::{Outlet, drive};
use super::evidence::{Evidence, Feed as EvidenceFeed};
use super::logging::{EventLog, Logging};
use super::orders::{EngineHandle, Orders, orders};
use super::sensor::{Interfaces, Sensor, SensorSource};
use super::service::ServiceManager;
use super::state::{Opened, StateFeed, StateKeeper};
use super::vitals::{Standstill, Vitals};
use super::{clock, gate, inventory, reload, settings};
use crate::cli;
use crate::config::{Config, Metrics, ShownConfig};
use crate::engine::Engine;
use crate::event::Event;
use crate::inventory::Inventory;
use crate::metrics::{MetricsSettings, SensorState};
use crate::phone::Stage;
use crate::snapshot::Snapshot;
use crate::time::Timestamp;
use crate::web::{self, Admin, Gate, ReloadRequest, WebState};

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

/// The configuration with what it names.
struct Loaded {
    config: Config,
    shown: ShownConfig,
    /// The list of phones.
    inventory: Option<Arc<Inventory>>,
    /// TLS and passwords.
    gate: Gate,
}

fn load(arguments: &cli::Run) -> anyhow::Result<Loaded> {
    let (config, shown) = arguments.load_config()?;
    let path = arguments.config.path();
    Ok(Loaded {
        inventory: inventory::load(&config, path)?,
        gate: gate::load(&config, path)?,
        config,
        shown,
    })
}

/// Rows of the list that cannot be used are no reason to stop.
fn complain(inventory: Option<&Inventory>, config: &Config) {
    for complaint in inventory
        .into_iter()
        .flat_map(|it| inventory::complaints(it, config))
    {
        tracing::warn!("{complaint}");
    }
}

fn no_interface(config: &Path) -> String {
    let mut names: Vec<String> = std::fs::read_dir("/sys/class/net")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| Path::new("/sys/class/net").join(name).is_dir())
        .collect();
    names.sort_unstable();
    format!(
        "no interface to listen on: name that of the mirror port with --interface, or as capture.interfaces in {}; \
         there are: {}",
        config.display(),
        names.join(", ")
    )
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

/// Runs the engine in a thread of its own; what is received tells that it ended, an error that it panicked.
fn start_engine(
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

fn engine_failure(ended: &Result<(), oneshot::error::RecvError>) -> anyhow::Error {
    match ended {
        Ok(()) => anyhow::anyhow!("every capture has ended"),
        Err(_) => anyhow::anyhow!("the engine failed: please report what stands above"),
    }
}

/// Publishes what the engine knows, and logs what happens.
struct LiveOutlet {
    snapshot: Arc<ArcSwap<Snapshot>>,
    vitals: Arc<Vitals>,
    log: EventLog,
    alerts: Feed,
    /// None where no evidence is kept.
    evidence: Option<EvidenceFeed>,
    state: StateFeed,
    orders: Orders,
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

/// The HTTP server.
struct Web {
    serving: JoinHandle<io::Result<()>>,
    shutdown: oneshot::Sender<()>,
}

impl Web {
    fn start(listener: TcpListener, state: WebState) -> Self {
        let (shutdown, stopped) = oneshot::channel();
        let stopped = async {
            stopped.await.ok();
        };
        Self {
            serving: tokio::spawn(web::serve(listener, state, stopped)),
            shutdown,
        }
    }

    async fn stop(self) {
        drop(self.shutdown);
        self.serving.await.ok();
    }
}

fn web_failure(served: Result<io::Result<()>, tokio::task::JoinError>) -> anyhow::Error {
    match served {
        Ok(Ok(())) => anyhow::anyhow!("the HTTP server has ended"),
        Ok(Err(error)) => anyhow::Error::new(error).context("the HTTP server failed"),
        Err(error) => anyhow::Error::new(error).context("the HTTP server failed"),
    }
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let remedies = [
            (
                io::ErrorKind::AddrInUse,
                "another program, or another phonewatch, listens there: end it, or choose another port as web.listen",
            ),
            (
                io::ErrorKind::AddrNotAvailable,
                "this host does not have that address: choose one that `ip address` shows as web.listen",
            ),
            (
                io::ErrorKind::PermissionDenied,
                "ports below 1024 need the right CAP_NET_BIND_SERVICE: choose a higher one as web.listen",
            ),
        ];
        let remedy = remedies.iter().find(|(kind, _)| *kind == error.kind());
        let remedy = remedy.map_or("choose another address as web.listen", |(_, remedy)| remedy);
        anyhow::anyhow!("cannot serve HTTP on {address} ({error}): {remedy}")
    })
}

/// The signals that the daemon obeys.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

enum Received {
    Stop,
    Reload,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Received {
        tokio::select! {
            _ = self.terminate.recv() => Received::Stop,
            _ = self.interrupt.recv() => Received::Stop,
            _ = self.hangup.recv() => Received::Reload,
        }
    }
}
