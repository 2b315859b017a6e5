//! Whom to tell of an alert.

use super::update::{Facts, SubjectKind};
use crate::config::{Alert as Settings, Glob, Route};

/// The names of those who are told of this alert, each once, in the order of the routes.
pub(super) fn receivers(settings: &Settings, facts: &Facts) -> Vec<String> {
    let mut receivers: Vec<String> = Vec::new();
    let mut is_taken = false;
    for route in settings.routes.iter().filter(|route| takes(route, facts)) {
        is_taken = true;
        for receiver in &route.receivers {
            if !receivers.contains(receiver) {
                receivers.push(receiver.clone());
            }
        }
        if !route.continues {
            break;
        }
    }
    if is_taken {
        receivers
    } else if settings.receivers.is_empty() {
        let all = settings.receiver.iter();
        all.map(|receiver| receiver.name.clone()).collect()
    } else {
        settings.receivers.clone()
    }
}

/// Whether every condition of the route is met.
fn takes(route: &Route, facts: &Facts) -> bool {
    let known = &facts.known;
    let server = match facts.subject.kind {
        SubjectKind::Device => known.callmanager.or(facts.server),
        SubjectKind::Server => facts.subject.address,
        SubjectKind::Sensor => None,
    };
    facts.severity >= route.severity
        && (route.codes.is_empty() || any_matches(&route.codes, Some(&facts.code)))
        && (route.sites.is_empty() || any_matches(&route.sites, known.site.as_deref()))
        && (route.device_pools.is_empty()
            || any_matches(&route.device_pools, known.device_pool.as_deref()))
        && (route.callmanagers.is_empty()
            || server.is_some_and(|server| route.callmanagers.contains(&server)))
        && (route.stages.is_empty()
            || (route.stages.iter()).any(|stage| known.stage.as_deref() == Some(stage.label())))
}

pub(super) fn any_matches(globs: &[Glob], text: Option<&str>) -> bool {
    text.is_some_and(|text| globs.iter().any(|glob| glob.matches(text)))
}
