//! Parts of the report: which phones and findings are asked for, and how many of them at a time.

use std::fmt::Write;

use serde::Serialize;

use super::notes::notes;
use super::table::listing;
use super::wording::{counted, number};
use super::{DeviceEntry, FindingEntry, Report, Style};
use crate::diagnosis::{self, codes_like};
use crate::finding::Severity;
use crate::phone::{Device, DeviceId, Stage};
use crate::snapshot::Snapshot;

/// Which phones or findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Phones at this stage.
    pub stage: Option<Stage>,
    /// Phones that call for attention, and findings that hold.
    pub unhealthy: bool,
    /// Findings of this code, and phones of which such a one holds.
    pub code: Option<&'static str>,
    /// Findings of this severity, and phones of which such a one holds.
    pub severity: Option<Severity>,
    /// So many at most.
    pub limit: usize,
    /// So many are passed over.
    pub offset: usize,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            stage: None,
            unhealthy: false,
            code: None,
            severity: None,
            limit: Self::LIMIT,
            offset: 0,
        }
    }
}

impl Query {
    /// How many are given where nobody says how many.
    pub const LIMIT: usize = 1000;
    /// The most that are given at a time.
    pub const MOST: usize = 10_000;

    /// Takes one parameter in; an error says what is allowed.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "stage" => self.stage = Some(stage(value)?),
            "unhealthy" => self.unhealthy = truth(key, value)?,
            "code" => self.code = Some(code(value)?),
            "severity" => self.severity = Some(severity(value)?),
            "limit" => {
                self.limit = whole(key, value)?;
                if !(1..=Self::MOST).contains(&self.limit) {
                    return Err(format!(
                        "limit: a number from 1 to {} is allowed",
                        Self::MOST
                    ));
                }
            }
            "offset" => self.offset = whole(key, value)?,
            _ => {
                return Err(format!(
                    "there is no parameter {key:?}: there are stage, unhealthy, code, severity, limit and offset"
                ));
            }
        }
        Ok(())
    }

    /// The query as a part of a URL; empty where everything is at its default.
    pub fn to_url(&self) -> String {
        let mut parts = Vec::new();
        if let Some(stage) = self.stage {
            parts.push(format!("stage={}", stage.label()));
        }
        if self.unhealthy {
            parts.push("unhealthy=true".to_owned());
        }
        if let Some(code) = self.code {
            parts.push(format!("code={code}"));
        }
        if let Some(severity) = self.severity {
            parts.push(format!("severity={}", severity.label()));
        }
        if self.limit != Self::LIMIT {
            parts.push(format!("limit={}", self.limit));
        }
        if self.offset != 0 {
            parts.push(format!("offset={}", self.offset));
        }
        parts.join("&")
    }

    fn wants_device(&self, device: &Device) -> bool {
        let of_findings = self.code.is_none() && self.severity.is_none()
            || device.findings.active().any(|finding| {
                self.code.is_none_or(|code| code == finding.code)
                    && self
                        .severity
                        .is_none_or(|severity| severity == finding.severity)
            });
        of_findings
            && self.stage.is_none_or(|stage| stage == device.stage)
            && (!self.unhealthy || device.is_unhealthy())
    }

    fn wants_finding(&self, finding: &FindingEntry) -> bool {
        self.code.is_none_or(|code| code == finding.code)
            && self
                .severity
                .is_none_or(|severity| severity == finding.severity)
            && (!self.unhealthy || finding.active)
            && self.stage.is_none_or(|stage| {
                diagnosis::entry(finding.code).is_some_and(|entry| entry.stage == stage.label())
            })
    }

    fn page<T>(&self, all: Vec<T>) -> Vec<T> {
        all.into_iter().skip(self.offset).take(self.limit).collect()
    }
}

fn stage(value: &str) -> Result<Stage, String> {
    let found = Stage::ALL.into_iter().find(|stage| stage.label() == value);
    found.ok_or_else(|| {
        let all = Stage::ALL.map(Stage::label).join(", ");
        format!("stage: {value:?} is none: the stages are {all}")
    })
}

fn severity(value: &str) -> Result<Severity, String> {
    let found = Severity::ALL.into_iter().find(|it| it.label() == value);
    found
        .ok_or_else(|| format!("severity: {value:?} is none: there are info, warning and critical"))
}

fn code(value: &str) -> Result<&'static str, String> {
    let found = diagnosis::entry(value).map(|entry| entry.code);
    found.ok_or_else(|| {
        let meant = match codes_like(value).first() {
            Some(code) => format!(" did you mean {code}?"),
            None => String::new(),
        };
        format!("code: there is no finding {value:?}:{meant} `phonewatch explain` lists all")
    })
}

fn truth(key: &str, value: &str) -> Result<bool, String> {
    match value {
        "true" | "1" | "" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(format!("{key}: {value:?} is neither true nor false")),
    }
}

fn whole(key: &str, value: &str) -> Result<usize, String> {
    value
        .parse()
        .map_err(|_| format!("{key}: {value:?} is no whole number"))
}

/// Some of the phones.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhonesPage {
    /// The version of this object's form.
    pub schema: u32,
    /// How many were asked for, on this page and on others.
    pub total: usize,
    /// How many were passed over.
    pub offset: usize,
    /// How many are given at most.
    pub limit: usize,
    /// Those of this page, in the order of the report.
    pub devices: Vec<DeviceEntry>,
}

impl PhonesPage {
    /// The phones that `query` asks for.
    pub fn new(snapshot: &Snapshot, query: &Query) -> Self {
        let mut devices: Vec<(DeviceId, &Device)> = snapshot
            .shown_with_places()
            .map(|(id, device)| (id, device.as_ref()))
            .filter(|(_, device)| query.wants_device(device))
            .collect();
        devices.sort_by_key(|(_, device)| DeviceEntry::place(device));
        Self {
            schema: Report::SCHEMA,
            total: devices.len(),
            offset: query.offset,
            limit: query.limit,
            devices: query
                .page(devices)
                .into_iter()
                .map(|(id, device)| DeviceEntry::new(id, device, snapshot))
                .collect(),
        }
    }

    /// The page for people.
    pub fn text(&self, style: Style) -> String {
        let mut out = String::new();
        if self.devices.is_empty() {
            out.push_str("No phones.\n");
        } else {
            let devices: Vec<&DeviceEntry> = self.devices.iter().collect();
            listing(&devices, style, &mut out);
        }
        more(self.total, self.offset, self.devices.len(), &mut out);
        out
    }
}

/// One phone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhonePage {
    /// The version of this object's form.
    pub schema: u32,
    /// The phone.
    pub device: DeviceEntry,
}

impl PhonePage {
    /// The phone that is called so: by its name, its hardware address or its network address.
    pub fn new(snapshot: &Snapshot, name: &str) -> Option<Self> {
        Some(Self {
            schema: Report::SCHEMA,
            device: DeviceEntry::called(snapshot, name)?,
        })
    }
}

/// Some of the findings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FindingsPage {
    /// The version of this object's form.
    pub schema: u32,
    /// How many were asked for, on this page and on others.
    pub total: usize,
    /// How many were passed over.
    pub offset: usize,
    /// How many are given at most.
    pub limit: usize,
    /// Those of this page, the worst first.
    pub findings: Vec<FindingEntry>,
}

impl FindingsPage {
    /// The findings of devices, of servers and of the sensor that `query` asks for.
    pub fn new(snapshot: &Snapshot, query: &Query) -> Self {
        let mut findings = FindingEntry::all(snapshot);
        findings.retain(|finding| query.wants_finding(finding));
        Self {
            schema: Report::SCHEMA,
            total: findings.len(),
            offset: query.offset,
            limit: query.limit,
            findings: query.page(findings),
        }
    }

    /// The page for people.
    pub fn text(&self, style: Style) -> String {
        let mut out = notes(&self.findings, style);
        more(self.total, self.offset, self.findings.len(), &mut out);
        out
    }
}

fn more(total: usize, offset: usize, shown: usize, out: &mut String) {
    let left = total.saturating_sub(offset).saturating_sub(shown);
    if left > 0 {
        let left = counted(u64::try_from(left).unwrap_or(u64::MAX), "more", "more");
        let next = number(u64::try_from(offset + shown).unwrap_or(u64::MAX)).replace(',', "");
        writeln!(out, "… and {left}: --offset {next}").ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::snapshot;

    fn asked(parameters: &[(&str, &str)]) -> Query {
        let mut query = Query::default();
        for (key, value) in parameters {
            query.set(key, value).unwrap();
        }
        query
    }

    fn names(parameters: &[(&str, &str)]) -> Vec<String> {
        let page = PhonesPage::new(&snapshot(), &asked(parameters));
        page.devices.into_iter().filter_map(|it| it.name).collect()
    }

    #[test]
    fn phones_are_filtered_and_paged() {
        assert_eq!(names(&[("stage", "rejected")]), ["SEP001380AD9E0D"]);
        assert_eq!(
            names(&[("code", "registration_flapping")]),
            ["SEP001380AD9E0F"]
        );
        assert_eq!(names(&[("severity", "warning")]), [""; 0]);
        assert!(!names(&[("unhealthy", "true")]).contains(&"SEP001380AD9E0A".to_owned()));
        let page = PhonesPage::new(&snapshot(), &asked(&[("limit", "2"), ("offset", "1")]));
        assert_eq!((page.total, page.devices.len()), (8, 2));
        assert!(
            page.text(Style::default())
                .ends_with("… and 5 more: --offset 3\n")
        );
    }

    #[test]
    fn findings_of_devices_and_of_the_site_are_listed_together() {
        let codes = |parameters: &[(&str, &str)]| -> Vec<_> {
            let page = FindingsPage::new(&snapshot(), &asked(parameters));
            page.findings.iter().map(|finding| finding.code).collect()
        };
        assert_eq!(
            codes(&[]),
            [
                "registration_flapping",
                "registration_rejected",
                "mirror_lossy"
            ]
        );
        assert_eq!(codes(&[("severity", "warning")]), ["mirror_lossy"]);
        assert_eq!(codes(&[("stage", "rejected")]), ["registration_rejected"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_is_allowed() {
        for (key, value, part) in [
            ("stage", "asleep", "the stages are unknown, link"),
            ("severity", "fatal", "info, warning and critical"),
            (
                "code",
                "registration_rejeced",
                "did you mean registration_rejected?",
            ),
            ("limit", "0", "from 1 to 10000"),
            ("limit", "many", "no whole number"),
            ("unhealthy", "perhaps", "neither true nor false"),
            ("colour", "red", "no parameter"),
        ] {
            let refused = Query::default().set(key, value).unwrap_err();
            assert!(refused.contains(part), "{refused}");
        }
    }

    #[test]
    fn a_query_survives_its_url() {
        let query = asked(&[
            ("stage", "tftp"),
            ("unhealthy", "true"),
            ("code", "mirror_lossy"),
            ("severity", "info"),
            ("limit", "7"),
            ("offset", "9"),
        ]);
        let mut read = Query::default();
        for part in query.to_url().split('&') {
            let (key, value) = part.split_once('=').unwrap();
            read.set(key, value).unwrap();
        }
        assert_eq!(read, query);
        assert_eq!(Query::default().to_url(), "");
    }
}
