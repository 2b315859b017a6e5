//! The thread that owns the policy, with a real outbox; receivers are the test.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::thread::JoinHandle;

use serde_json::{Value, json};

use super::*;
use crate::alert::{Notification, Reason};
use crate::config::Config;
use crate::delivery::{Next, Pending};
use crate::event::{self, Event, EventKind};
use crate::finding::{self, Finding, Severity};
use crate::net::{DeviceName, MacAddr};
use crate::snapshot::Snapshot;
use crate::web::{MuteAnswer, MuteRefusal, MuteRequest};
use keeper::Settled;

const CALLMANAGER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 11));
/// Nothing here takes as long; so a test fails rather than hangs.
const LONG: Duration = Duration::from_secs(60);

struct Trial {
    commands: mpsc::Sender<Command>,
    bell: watch::Receiver<u64>,
    counts: Arc<Counts>,
    feed: Feed,
    thread: JoinHandle<()>,
}

fn settings(receivers: &str) -> Settings {
    let config = Config::parse("test", receivers);
    let mut settings = config.map_err(|it| it.to_string()).unwrap().alert;
    // Shorter than a configuration may have it: what one batch of events brings is in one message all the same.
    settings.group_wait = Duration::from_millis(1);
    settings.group_interval = Duration::from_millis(1);
    settings.resolve_after = Duration::ZERO;
    settings
}

const HOOK: &str =
    "[[alert.receiver]]\nname = 'hook'\nkind = 'webhook'\nurl = 'http://127.0.0.1/'\n";

impl Trial {
    fn start(settings: &Settings, folder: &Path) -> Self {
        let (commands, received) = mpsc::channel();
        let (bell, rung) = watch::channel(0);
        let counts = Arc::new(Counts::default());
        let outbox = Some(Outbox::open(folder).unwrap());
        let keeper = Keeper::new(settings, outbox, Arc::clone(&counts), bell);
        Self {
            feed: Feed::new(commands.clone(), Arc::clone(&counts)),
            thread: std::thread::spawn(move || keeper.run(&received)),
            commands,
            bell: rung,
            counts,
        }
    }

    /// What happened, all of it in one batch.
    fn happen(&mut self, events: impl Iterator<Item = Event>) {
        for event in events {
            self.feed.event(&event, None);
        }
        self.feed.publish(&Arc::new(Snapshot::default()));
    }

    /// What this receiver is sent next.
    async fn next(&mut self, receiver: &str) -> Box<Pending> {
        loop {
            self.bell.borrow_and_update();
            let (answer, answered) = oneshot::channel();
            let ask = Command::Next(receiver.to_owned(), answer);
            self.commands.send(ask).unwrap();
            match answered.await.unwrap() {
                Next::Message(pending) => return pending,
                Next::At(_) | Next::Nothing => {
                    timeout(LONG, self.bell.changed()).await.unwrap().unwrap();
                }
            }
        }
    }

    /// The same, and it is delivered.
    async fn told(&mut self, receiver: &str) -> Notification {
        let pending = self.next(receiver).await;
        let notification = pending.notification.clone();
        let keeps_alerts = receiver.starts_with("am");
        let settled = Settled::Delivered {
            pending,
            keeps_alerts,
        };
        self.commands.send(Command::Settle(settled)).unwrap();
        notification
    }

    async fn standing(&self, receiver: &str) -> usize {
        let (answer, answered) = oneshot::channel();
        let ask = Command::Standing(receiver.to_owned(), answer);
        self.commands.send(ask).unwrap();
        answered.await.unwrap().len()
    }

    async fn mute(&self, request: MuteRequest) -> MuteAnswer {
        let mutes = Mutes::new(self.commands.clone(), Arc::clone(&self.counts));
        mutes.ask(request).await
    }

    fn stop(self) {
        let (done, _) = oneshot::channel();
        self.commands.send(Command::Stop(done)).unwrap();
        self.thread.join().unwrap();
    }

    /// Ends it as a kill does: without a word to the policy.
    fn cut(self) {
        drop((self.commands, self.feed));
        self.thread.join().unwrap();
    }
}

fn event(phone: Option<u32>, holds: bool) -> Event {
    let at = clock::now();
    let (code, explained_by): (_, &[&str]) = match phone {
        Some(_) => ("tcp_no_answer", &["callmanager_down"]),
        None => ("callmanager_down", &[]),
    };
    let finding = Arc::new(Finding {
        code,
        severity: Severity::Critical,
        since: at,
        raised: at,
        last_seen: at,
        cleared: (!holds).then_some(at),
        count: 1,
        summary: "it was seen".into(),
        evidence: Vec::new(),
        remedy: &[],
        reference: "",
        server: Some(CALLMANAGER),
        explained_by,
    });
    let subject = phone.map(|number| {
        let [_, high, middle, low] = number.to_be_bytes();
        let mac = MacAddr([0, 0x13, 0x80, high, middle, low]);
        event::Subject {
            name: Some(DeviceName::from_mac(mac)),
            mac: Some(mac),
            address: Some(IpAddr::V4(Ipv4Addr::new(10, 1, middle, low))),
        }
    });
    let about = phone
        .is_none()
        .then_some(finding::Subject::CallManager(CALLMANAGER));
    let kind = if holds {
        EventKind::FindingRaised { about, finding }
    } else {
        EventKind::FindingCleared { about, finding }
    };
    Event { at, subject, kind }
}

#[tokio::test]
async fn a_crash_with_5000_phones_is_one_message_one_update_and_one_end() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(HOOK);
    let mut trial = Trial::start(&settings, folder.path());
    // The phones notice it before it is clear whose fault it is.
    let phones = (0..5000).map(|phone| event(Some(phone), true));
    trial.happen(phones.chain([event(None, true)]));
    let first = trial.told("hook").await;
    assert_eq!((first.reason, first.firing), (Reason::New, 5001));
    assert_eq!(first.devices, 5000);
    let names: Vec<String> = (0..10).map(|it| format!("SEP00138000000{it}")).collect();
    assert_eq!(first.names, names);
    assert_eq!(
        first.title,
        "CRITICAL: CallManager 10.0.0.11 serves nobody (5000 phones)"
    );

    trial.happen((0..3000).map(|phone| event(Some(phone), false)));
    let update = trial.told("hook").await;
    assert_eq!(
        (update.reason, update.firing, update.resolved),
        (Reason::Update, 2001, 3000)
    );

    let rest = (3000..5000).map(|phone| event(Some(phone), false));
    trial.happen(rest.chain([event(None, false)]));
    let end = trial.told("hook").await;
    assert_eq!(
        (end.reason, end.firing, end.devices),
        (Reason::Resolved, 0, 5000)
    );
    assert_eq!(end.thread, first.thread);
    assert_eq!((first.sequence, update.sequence, end.sequence), (1, 2, 3));
    assert_eq!(trial.counts.read().dropped, 0);
    trial.stop();
    let outbox = Outbox::open(folder.path()).unwrap();
    assert_eq!(outbox.pending().unwrap(), 0, "that was all");
}

#[tokio::test]
async fn silences_and_maintenance_outlive_the_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(HOOK);
    let trial = Trial::start(&settings, folder.path());
    let body = |value: Value| value.to_string().into_bytes();
    let silence = json!({"codes": ["dhcp_*"], "for": "2h", "comment": "moves", "author": "anna"});
    let added = trial.mute(MuteRequest::AddSilence(body(silence))).await;
    let added = added.unwrap();
    assert_eq!(
        (&added["silence"]["id"], &added["silence"]["state"]),
        (&json!(1), &json!("active"))
    );
    let later = json!({"phones": ["SEP*"], "start": "2500-01-01T00:00:00Z", "for": "1h", "comment": "c",
        "author": "a"});
    let refused = trial.mute(MuteRequest::AddSilence(body(later))).await;
    assert!(
        matches!(refused, Err(MuteRefusal::Invalid(_))),
        "{refused:?}"
    );
    let soon = (clock::now() + Duration::from_secs(3600)).to_string();
    let later =
        json!({"phones": ["SEP*"], "start": soon, "for": "1h", "comment": "c", "author": "a"});
    let added = trial.mute(MuteRequest::AddSilence(body(later))).await;
    assert_eq!(added.unwrap()["silence"]["state"], "pending");
    let maintenance = json!({"for": "1h", "reason": "new switches", "author": "ben"});
    let began = trial
        .mute(MuteRequest::BeginMaintenance(body(maintenance)))
        .await;
    assert_eq!(began.unwrap()["maintenance"]["reason"], "new switches");
    let nonsense = trial
        .mute(MuteRequest::BeginMaintenance(b"{".to_vec()))
        .await;
    assert!(
        matches!(nonsense, Err(MuteRefusal::Invalid(_))),
        "{nonsense:?}"
    );
    // It was answered, so it is stored.
    trial.cut();

    let mut trial = Trial::start(&settings, folder.path());
    let state = trial.counts.read();
    assert_eq!((state.silences.active, state.silences.pending), (1, 1));
    assert_eq!(state.maintenance.unwrap().author, "ben");
    let listed = trial.mute(MuteRequest::Silences).await.unwrap();
    assert_eq!(listed["silences"].as_array().unwrap().len(), 2);
    assert_eq!(listed["silences"][0]["codes"], json!(["dhcp_*"]));
    assert_eq!(listed["silences"][0]["author"], "anna");
    assert_eq!(
        trial.mute(MuteRequest::Maintenance).await.unwrap()["maintenance"]["author"],
        "ben"
    );

    // Nothing is told until it ends; then what holds is.
    trial.happen(
        [
            event(None, true),
            event(Some(1), true),
            event(Some(1), false),
        ]
        .into_iter(),
    );
    let removed = trial.mute(MuteRequest::EndSilence(1)).await;
    assert_eq!(removed.unwrap()["removed"], 1);
    assert_eq!(
        trial.mute(MuteRequest::EndSilence(1)).await,
        Err(MuteRefusal::NoSuch)
    );
    let (answer, answered) = oneshot::channel();
    trial
        .commands
        .send(Command::Next("hook".to_owned(), answer))
        .unwrap();
    assert_eq!(answered.await.unwrap(), Next::Nothing);
    let ended = trial.mute(MuteRequest::EndMaintenance).await;
    assert_eq!(ended.unwrap()["maintenance"], Value::Null);
    let told = trial.told("hook").await;
    assert_eq!(
        (told.reason, told.firing, told.resolved),
        (Reason::New, 1, 0)
    );
    assert_eq!(trial.counts.read().maintenance, None);
    trial.stop();
}

#[tokio::test]
async fn each_peer_is_sent_to_for_itself() {
    let folder = tempfile::tempdir().unwrap();
    let peers = |urls: &str| {
        settings(&format!(
            "[[alert.receiver]]\nname = 'am'\nkind = 'alertmanager'\n{urls}\n"
        ))
    };
    let both = peers("urls = ['http://a:9093', 'http://b:9093']");
    let second = "am at http://b:9093";
    let mut trial = Trial::start(&both, folder.path());
    trial.happen([event(Some(1), true)].into_iter());
    // The first is down, and is tried again in an hour.
    let pending = trial.next("am").await;
    let later = Settled::Later(pending.number, clock::now() + Duration::from_secs(3600));
    trial.commands.send(Command::Settle(later)).unwrap();
    let begun = trial.told(second).await;
    assert_eq!(begun.id, pending.notification.id);
    assert_eq!(
        (trial.standing("am").await, trial.standing(second).await),
        (0, 1)
    );
    trial.happen([event(Some(1), false)].into_iter());
    assert_eq!(trial.told(second).await.reason, Reason::Resolved);
    assert_eq!(trial.standing(second).await, 0);
    trial.stop();
    assert_eq!(Outbox::open(folder.path()).unwrap().pending().unwrap(), 2);

    // What waits for the first peer is sent to it when it is the only one.
    let mut trial = Trial::start(&peers("url = 'http://a:9093'"), folder.path());
    trial.happen([event(Some(2), true)].into_iter());
    assert_eq!(trial.told("am").await.reason, Reason::New);
    assert_eq!(trial.standing("am").await, 1);
    // One that is new hears again of what holds, though it was told before.
    let reconfigure = Command::Reconfigure(Box::new(both), None);
    trial.commands.send(reconfigure).unwrap();
    assert_eq!(trial.standing(second).await, 1);
    trial.stop();
}
