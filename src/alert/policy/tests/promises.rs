//! What is true of everything that is told, whatever happens.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Raise(Whom, &'static str),
    Clear(Whom, &'static str),
    Wait(u64),
    Restart,
}

fn steps(causes: bool) -> impl Strategy<Value = Vec<Step>> {
    let phones = (0..4_u32).prop_map(|number| Whom::Phone(number * 200));
    let codes = prop::sample::select(vec!["cannot_connect", "registration_rejected"]);
    let of_phones = (phones, codes).boxed();
    let subject = if causes {
        prop_oneof![
            4 => of_phones,
            1 => Just((Whom::Server, "callmanager_down")),
            1 => Just((Whom::Sensor, "mirror_lossy")),
        ]
        .boxed()
    } else {
        of_phones
    };
    let step = prop_oneof![
        4 => subject.clone().prop_map(|(whom, code)| Step::Raise(whom, code)),
        4 => subject.prop_map(|(whom, code)| Step::Clear(whom, code)),
        6 => (0..200_u64).prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..60)
}

/// What must be true of everything that is told, whatever happens.
struct Promises {
    group_interval: Duration,
    /// Within which time what is raised must be told.
    within: Duration,
    /// What holds, and by when it must be told where it was not.
    owed: BTreeMap<Fingerprint, Timestamp>,
    /// Of what a reader would say that it holds.
    open: BTreeSet<Fingerprint>,
    /// Raised since its end was told.
    raised: BTreeSet<Fingerprint>,
    last_firing: BTreeMap<GroupKey, Timestamp>,
    threads: BTreeMap<String, u32>,
}

impl Promises {
    fn raised(&mut self, alert: Fingerprint, now: Timestamp) {
        self.raised.insert(alert);
        if !self.open.contains(&alert) {
            self.owed.entry(alert).or_insert(now + self.within);
        }
    }

    fn told(&mut self, told: &Notification) {
        if told.status == Status::Firing {
            let last = self.last_firing.insert(told.group.clone(), told.at);
            let earliest = last.map_or(told.at, |last| last + self.group_interval);
            assert!(told.at >= earliest, "too soon: {told:?}");
        }
        let before = self.threads.insert(told.thread.clone(), told.sequence);
        assert_eq!(told.sequence, before.unwrap_or(0) + 1, "{told:?}");
        assert_eq!(told.alerts.len(), told.firing + told.resolved);
        assert!(told.title.chars().count() <= Notification::MOST_TITLE);
        for alert in &told.alerts {
            if let Some(by) = self.owed.remove(&alert.fingerprint) {
                assert!(told.at <= by, "too late: {told:?}");
            }
            if alert.status == Status::Firing {
                self.open.insert(alert.fingerprint);
            } else {
                assert!(self.raised.remove(&alert.fingerprint), "twice: {told:?}");
                self.open.remove(&alert.fingerprint);
            }
        }
    }
}

fn keeps_its_promises(
    steps: Vec<Step>,
    causes: bool,
    (group_wait, group_interval, resolve_after): (u64, u64, u64),
) {
    let mut settings = settings("");
    settings.group_wait = Duration::from_secs(group_wait);
    settings.group_interval = Duration::from_secs(group_interval);
    settings.resolve_after = Duration::from_secs(resolve_after);
    settings.remember = Duration::from_secs(600);
    settings.receiver[0].alerts = 1000;
    // What is taken over by its cause while it waits begins to wait again.
    let waits = if causes { 2 } else { 1 };
    let mut promises = Promises {
        group_interval: settings.group_interval,
        within: (settings.group_wait + settings.group_interval) * waits,
        owed: BTreeMap::new(),
        open: BTreeSet::new(),
        raised: BTreeSet::new(),
        last_firing: BTreeMap::new(),
        threads: BTreeMap::new(),
    };
    let mut trial = Trial::with(settings);
    let mut now = 0;
    let mut seen = 0;
    for step in steps.into_iter().chain([Step::Wait(100_000)]) {
        match step {
            Step::Raise(whom, code) => {
                trial.until(now);
                let update = update(whom, code, at(now), true);
                let Update::Raised(facts) = &update else {
                    panic!("it was raised");
                };
                promises.raised(facts.fingerprints().next().unwrap(), at(now));
                trial.raise(now, whom, code);
            }
            Step::Clear(whom, code) => trial.clear(now, whom, code),
            Step::Wait(time) => {
                now += time;
                if time == 100_000 {
                    // The end of the run: nothing holds any more.
                    for whom in [0, 200, 400, 600].map(Whom::Phone) {
                        trial.clear(now, whom, "cannot_connect");
                        trial.clear(now, whom, "registration_rejected");
                    }
                    trial.clear(now, Whom::Server, "callmanager_down");
                    trial.clear(now, Whom::Sensor, "mirror_lossy");
                    now += 100_000;
                }
                trial.until(now);
            }
            Step::Restart => {
                trial.until(now);
                trial.restart();
            }
        }
        // What was stored in between does not matter.
        if now % 2 == 0 {
            trial.store();
        }
        for told in trial.told.iter().skip(seen) {
            promises.told(told);
        }
        seen = trial.told.len();
        for by in promises.owed.values() {
            assert!(*by >= at(now), "never told: {:?}", promises.owed);
        }
    }
    assert!(
        promises.open.is_empty(),
        "never resolved: {:?}",
        promises.open
    );
    assert!(trial.policy.alerts.is_empty(), "{:?}", trial.policy.alerts);
    assert!(trial.policy.groups.is_empty(), "{:?}", trial.policy.groups);
}

/// What people may do meanwhile.
#[derive(Clone, Debug)]
enum Meddling {
    Silence(u64, u64),
    EndSilence(u64),
    Maintenance(u64),
    EndMaintenance,
    Reconfigure(bool),
    Store,
    Step(Step),
}

fn meddling() -> impl Strategy<Value = Vec<Meddling>> {
    let steps = steps(true).prop_map(|steps| steps.into_iter().map(Meddling::Step).collect());
    let other = prop_oneof![
        (0..500_u64, 1..2000_u64).prop_map(|(start, length)| Meddling::Silence(start, length)),
        (1..6_u64).prop_map(Meddling::EndSilence),
        (1..2000_u64).prop_map(Meddling::Maintenance),
        Just(Meddling::EndMaintenance),
        any::<bool>().prop_map(Meddling::Reconfigure),
        Just(Meddling::Store),
    ];
    let others = prop::collection::vec((any::<prop::sample::Index>(), other), 0..20);
    (steps, others).prop_map(|(mut all, others): (Vec<Meddling>, _)| {
        for (place, other) in others {
            all.insert(place.index(all.len()), other);
        }
        all
    })
}

proptest! {
    /// Whatever people do: what is stored piece by piece is what there is, and in maintenance nobody is told anything.
    #[test]
    fn what_is_stored_is_what_there_is(steps in meddling()) {
        let mut trial = Trial::new("alert.group_interval = '60s'");
        let mut now = 0;
        for step in steps {
            let told = trial.told.len();
            trial.until(now);
            let was_in_maintenance = trial.policy.in_maintenance().is_some();
            match step {
                Meddling::Silence(start, length) => {
                    let silence = Silence {
                        phones: globs(&["*1*"]),
                        start: at(now + start),
                        end: at(now + start + length),
                        ..Silence::default()
                    };
                    trial.policy.silence(silence, at(now));
                }
                Meddling::EndSilence(number) => {
                    trial.policy.end_silence(number, at(now));
                }
                Meddling::Maintenance(length) => {
                    trial.policy.maintenance(Some(maintenance(now + length)), at(now));
                }
                Meddling::EndMaintenance => trial.policy.maintenance(None, at(now)),
                Meddling::Reconfigure(has_second) => {
                    let mut settings = settings("alert.group_interval = '60s'");
                    settings.receiver.extend(has_second.then(|| second("second")));
                    trial.policy.reconfigure(settings, at(now));
                }
                Meddling::Store => trial.store(),
                Meddling::Step(Step::Raise(whom, code)) => trial.raise(now, whom, code),
                Meddling::Step(Step::Clear(whom, code)) => trial.clear(now, whom, code),
                Meddling::Step(Step::Wait(time)) => now += time,
                Meddling::Step(Step::Restart) => trial.restart(),
            }
            trial.collect();
            if was_in_maintenance && trial.policy.in_maintenance().is_some() {
                prop_assert_eq!(trial.told.len(), told);
            }
        }
        // All of it ends by itself.
        trial.until(now + 3000);
        trial.policy.handle_timeout(trial.now);
        prop_assert!(trial.policy.in_maintenance().is_none());
        prop_assert!(trial.policy.silences().is_empty());
        trial.store();
    }

    #[test]
    fn promises_are_kept(
        steps in steps(false),
        times in (0..60_u64, 1..300_u64, 0..300_u64),
    ) {
        keeps_its_promises(steps, false, times);
    }

    #[test]
    fn promises_are_kept_with_causes(
        steps in steps(true),
        times in (0..60_u64, 1..300_u64, 0..300_u64),
    ) {
        keeps_its_promises(steps, true, times);
    }
}
