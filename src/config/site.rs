//! The sites: places with a name, by their subnets and device pools.

use super::section::Section;
use super::wording::{described, quoted_text};
use crate::net::is_unsafe;
use crate::site::{Site, Subnet};

const MOST_SITES: usize = 1000;
const MOST_IN_SITE: usize = 256;

/// Reads every `[[site]]` of the document.
pub(super) fn read_all(document: &mut Section<'_>) -> Vec<Site> {
    let mut names: Vec<String> = Vec::new();
    let mut subnets: Vec<Subnet> = Vec::new();
    let mut pools: Vec<String> = Vec::new();
    document.tables("site", MOST_SITES, |section| {
        let name = section.required_text(
            "name",
            "a name of 1 to 64 characters that no other [[site]] has",
            |text| {
                let name = label(text)?;
                if names.contains(&name) {
                    return Err(format!("{} stands in another one too", quoted_text(&name)));
                }
                names.push(name.clone());
                Ok(name)
            },
        );
        let networks = section.list(
            "subnets",
            Vec::new(),
            0..=MOST_IN_SITE,
            (
                "subnets",
                "a subnet that no other [[site]] has (like \"10.1.0.0/16\")",
            ),
            |value| {
                let text = value.as_str().ok_or_else(|| described(value))?;
                let subnet: Subnet = text
                    .parse()
                    .map_err(|error| format!("{}: {error}", quoted_text(text)))?;
                if subnets.contains(&subnet) {
                    return Err(format!("{subnet} stands in another [[site]] too"));
                }
                Ok(subnet)
            },
        );
        let device_pools = section.list(
            "device_pools",
            Vec::new(),
            0..=MOST_IN_SITE,
            ("device pools", "a device pool that no other [[site]] has"),
            |value| {
                let text = value.as_str().ok_or_else(|| described(value))?;
                let pool = label(text)?;
                if pools.contains(&pool.to_lowercase()) {
                    return Err(format!(
                        "{} stands in another [[site]] too",
                        quoted_text(&pool)
                    ));
                }
                Ok(pool)
            },
        );
        if !section.has("subnets") && !section.has("device_pools") {
            section.refuse(
                "subnets",
                "missing: a site has subnets, device_pools or both",
            );
        }
        subnets.extend(&networks);
        pools.extend(device_pools.iter().map(|pool| pool.to_lowercase()));
        Some(Site {
            name: name?,
            subnets: networks,
            device_pools,
        })
    })
}

fn label(text: &str) -> Result<String, String> {
    let name = text.trim();
    let is_short = (1..=64).contains(&name.chars().count());
    if is_short && !name.chars().any(is_unsafe) {
        Ok(name.to_owned())
    } else {
        Err(format!("{} cannot be a name", quoted_text(text)))
    }
}
