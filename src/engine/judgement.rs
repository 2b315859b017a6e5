//! When the diagnosis is asked, and what becomes of its answers.
//!
//! A device is judged once for each record in which a fact of it changed, and at the deadlines that the rules name. The
//! site is judged at most once a second, soon after a server failed or recovered, and every few seconds while frames come.

use std::sync::Arc;
use std::time::Duration;

use super::settings::Reconfiguration;
use super::timers::Timer;
use super::world::World;
use crate::diagnosis::{self, Case, Judgement, News, Site, SiteJudgement};
use crate::event::EventKind;
use crate::finding::{Finding, Findings, Subject};
use crate::phone::{Device, DeviceId};
use crate::time::Timestamp;

/// The site is not judged more often.
const SITE_AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// The site is judged this often as long as frames come.
const SITE_EVERY: Duration = Duration::from_secs(10);

/// Findings about servers and the sensor, cleared ones included.
const SITE_FINDINGS: usize = 4096;

/// What was concluded about the site, and when it is concluded anew.
#[derive(Default)]
pub(super) struct SiteFindings {
    all: Vec<(Subject, Arc<Finding>)>,
    armed: Option<Timestamp>,
    judged: Timestamp,
}

impl SiteFindings {
    pub(super) fn all(&self) -> &[(Subject, Arc<Finding>)] {
        &self.all
    }

    /// What was concluded before this run.
    pub(super) fn restore(&mut self, subject: Subject, finding: Arc<Finding>) {
        if self.all.len() < SITE_FINDINGS {
            self.put(subject, finding);
        }
    }

    fn put(&mut self, subject: Subject, finding: Arc<Finding>) {
        let place = self
            .all
            .binary_search_by(|(known, other)| (other.code, known).cmp(&(finding.code, &subject)));
        match place {
            Ok(place) => {
                if let Some(known) = self.all.get_mut(place) {
                    known.1 = finding;
                }
            }
            Err(place) => self.all.insert(place, (subject, finding)),
        }
    }
}

impl World {
    /// Facts of this device changed: it is judged once the record at hand is done with.
    pub(super) fn touch(&mut self, id: DeviceId) {
        if self.touched.last() != Some(&id) {
            self.touched.push(id);
        }
    }

    /// Changes a device without judging it: nothing that any rule reads changes, or the judgement itself changes it.
    pub(super) fn quietly<R>(
        &mut self,
        id: DeviceId,
        change: impl FnOnce(&mut Device) -> R,
    ) -> Option<R> {
        self.devices.device_mut(id).map(change)
    }

    /// Everything is judged anew, by other settings.
    pub(super) fn reconfigure(&mut self, change: Reconfiguration, now: Timestamp) {
        let Reconfiguration {
            callmanagers,
            keepalive,
            flap,
            dhcp,
            thresholds,
            inventory,
            copy_window,
            sites,
        } = change;
        self.settings.keepalive = keepalive;
        self.settings.flap = flap;
        self.settings.dhcp = dhcp;
        self.settings.thresholds = thresholds;
        self.settings.inventory = inventory;
        self.settings.sites = sites;
        self.settings.copy_window = copy_window;
        if self.settings.callmanagers != callmanagers {
            self.rename_servers(callmanagers);
        }
        self.touched
            .extend(self.devices.table.iter().map(|(id, _)| id));
        self.settle(now);
        self.site_changed(now);
    }

    /// Judges every device of which facts changed.
    pub(super) fn settle(&mut self, now: Timestamp) {
        if self.touched.is_empty() {
            return;
        }
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        for id in touched.drain(..) {
            self.review(id, now);
        }
        // Its room is used again. Nothing that a review does touches a device.
        self.touched = touched;
    }

    /// Reviews what depends on time, judges the device, and sees to it that it is reviewed again when time asks for it.
    pub(super) fn review(&mut self, id: DeviceId, now: Timestamp) {
        let (flap, dhcp) = (self.settings.flap, self.settings.dhcp);
        let Some(device) = self.devices.device(id) else {
            return;
        };
        let flapping = device.registration.review(now, flap);
        let excessive = device
            .needed_dhcp()
            .and_then(|tracker| tracker.review(now, dhcp));
        if let Some(began) = flapping {
            self.quietly(id, |device| device.registration.set_flapping(began));
            self.tell(id, now, EventKind::Flapping { began });
            if began {
                self.flaps(id, now);
            }
        }
        if let Some(began) = excessive {
            self.quietly(id, |device| {
                if let Some(tracker) = device.needed_dhcp_mut() {
                    tracker.set_excessive(began);
                }
            });
            self.tell(id, now, EventKind::ExcessiveDhcp { began });
        }
        let judged = self.judge(id, now);
        self.note_waiting(id, now);
        let Some(device) = self.devices.device(id) else {
            return;
        };
        let flapping_until = device.registration.deadline(flap);
        let excessive_until = device
            .needed_dhcp()
            .and_then(|tracker| tracker.deadline(dhcp));
        let deadline = [flapping_until, excessive_until, judged]
            .into_iter()
            .flatten()
            .min();
        if deadline.is_none() {
            return;
        }
        let mut armed = self.device_timers.get(&id).copied();
        self.timers.arm(Timer::Device(id), deadline, &mut armed);
        if let Some(armed) = armed {
            self.device_timers.insert(id, armed);
        }
    }

    pub(super) fn device_timer_fired(&mut self, id: DeviceId, now: Timestamp) {
        self.device_timers.remove(&id);
        self.review(id, now);
    }

    /// A phone that DHCP leaves without an answer counts against the DHCP service.
    fn note_waiting(&mut self, id: DeviceId, now: Timestamp) {
        let Some(device) = self.devices.device(id) else {
            return;
        };
        let is_waiting = device
            .needed_dhcp()
            .is_some_and(|dhcp| dhcp.exchange.is_some())
            && device
                .findings
                .of(diagnosis::DHCP_NO_ANSWER)
                .is_some_and(|finding| finding.is_active());
        if is_waiting {
            let service = if device.needs_dhcpv6() {
                &mut self.dhcpv6_service
            } else {
                &mut self.dhcp_service
            };
            service.left_waiting(id, now);
            self.site_changed(now);
        }
    }

    /// Asks the diagnosis about a device; when it wants to be asked again.
    fn judge(&mut self, id: DeviceId, now: Timestamp) -> Option<Timestamp> {
        let device = self.devices.device(id).filter(|device| device.is_proven)?;
        let last_seen = self.devices.table.pulse(id).last_seen;
        let Judgement {
            mut changed,
            mut deadline,
        } = self.ask(now, |site| {
            let case = Case {
                device,
                last_seen,
                site,
            };
            diagnosis::judge_device(&case, &device.findings)
        });
        if self.restart.is_old_news(last_seen) {
            changed.retain(|(_, news)| *news != News::Raised);
        }
        if let Some(overview) = self.restart.overview_at(now) {
            let before = changed.len();
            changed.retain(|(finding, news)| {
                *news != News::Cleared || !self.may_still_hold(id, finding, now)
            });
            if changed.len() < before {
                deadline = Some(deadline.map_or(overview, |known| known.min(overview)));
            }
        }
        let keep = self.settings.thresholds.keep_cleared;
        if !changed.is_empty() {
            self.quietly(id, |device| {
                let findings: &mut Findings = &mut device.findings;
                for (finding, _) in &changed {
                    findings.put(Arc::clone(finding));
                }
                findings.retain(|finding| {
                    finding
                        .cleared
                        .is_none_or(|cleared| now.since(cleared) < keep)
                });
            });
        }
        for (finding, news) in changed {
            self.finding_news(Some(id), None, finding, news, now);
        }
        deadline
    }

    fn ask<R>(&self, now: Timestamp, question: impl FnOnce(Site<'_>) -> R) -> R {
        question(Site {
            now,
            thresholds: &self.settings.thresholds,
            callmanagers: &self.servers,
            services: &self.services,
            sight: &self.sight,
            dhcp: &self.dhcp_service,
            dhcpv6: &self.dhcpv6_service,
            inventory: self.settings.inventory.as_deref(),
            devices: &self.devices,
            address_of: &|name| self.address_of(name),
        })
    }

    fn finding_news(
        &mut self,
        id: Option<DeviceId>,
        about: Option<Subject>,
        finding: Arc<Finding>,
        news: News,
        at: Timestamp,
    ) {
        match news {
            News::Raised => {
                self.totals.findings_raised.add(finding.code);
                self.emit(at, id, EventKind::FindingRaised { about, finding });
            }
            News::Cleared => self.emit(at, id, EventKind::FindingCleared { about, finding }),
            News::Updated => {}
        }
    }

    // --- the site ---

    /// A server failed or recovered, or the sensor lost frames: the site is judged soon.
    pub(super) fn site_changed(&mut self, at: Timestamp) {
        let due = at.max(self.site_findings.judged + SITE_AT_MOST_EVERY);
        self.arm_site(due);
    }

    /// Time goes on: the site is judged every now and then.
    pub(super) fn site_goes_on(&mut self, at: Timestamp) {
        if self.site_findings.armed.is_none() {
            self.arm_site(at + SITE_EVERY);
        }
    }

    fn arm_site(&mut self, due: Timestamp) {
        self.timers
            .arm(Timer::Site, Some(due), &mut self.site_findings.armed);
    }

    pub(super) fn site_timer_fired(&mut self, armed_for: Timestamp, now: Timestamp) {
        if self.site_findings.armed != Some(armed_for) {
            return;
        }
        self.site_findings.armed = None;
        self.site_findings.judged = now;
        let known = &self.site_findings.all;
        let SiteJudgement { changed, deadline } =
            self.ask(now, |site| diagnosis::judge_site(&site, known));
        for (subject, finding, news) in changed {
            if self.is_too_early(&subject, news, now) {
                continue;
            }
            if self.site_findings.all.len() >= SITE_FINDINGS {
                self.totals.evicted.add("site_findings");
                self.site_findings
                    .all
                    .retain(|(_, finding)| finding.is_active());
            }
            self.site_findings
                .put(subject.clone(), Arc::clone(&finding));
            self.finding_news(None, Some(subject), finding, news, now);
        }
        let keep = self.settings.thresholds.keep_cleared;
        self.site_findings.all.retain(|(_, finding)| {
            finding
                .cleared
                .is_none_or(|cleared| now.since(cleared) < keep)
        });
        if let Some(deadline) = deadline {
            self.arm_site(deadline.max(now + SITE_AT_MOST_EVERY));
        }
    }
}
