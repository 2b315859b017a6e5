//! Cases of findings about what a configuration says.

use super::Case;
use crate::support::phone::config_file;
use crate::support::stories::{self, DHCP_SERVER, PRIMARY};
use crate::support::{Phone, Scene};

pub(super) fn cases() -> Vec<Case> {
    let (corrupt, names) = ("config_corrupt", "config_uses_names");
    let good = config_file(&[PRIMARY]);
    let cut = good.replace("</members>", "");
    let empty = config_file(&[]);
    let by_name = good.replace(
        "<processNodeName>10.0.0.11</processNodeName>",
        "<processNodeName>CM-PUB</processNodeName>",
    );
    // As CallManager 4 writes it: the prefix is declared nowhere.
    let undeclared = good.replace("<device>", "<device xsi:type=\"axl:XIPPhone\">");
    let signed = [&[1, 0, 2, 1, 2, 2, 0, 2, 0, 0][..], good.as_bytes()].concat();
    vec![
        Case::raised(
            corrupt,
            "an element is not closed",
            &fetches(&[cut.as_bytes()]),
        ),
        Case::raised(corrupt, "no CallManager", &fetches(&[empty.as_bytes()])),
        Case::cleared(
            corrupt,
            "made anew",
            &fetches(&[cut.as_bytes(), good.as_bytes()]),
        ),
        Case::harmless(
            corrupt,
            "undeclared prefix",
            &fetches(&[undeclared.as_bytes()]),
        ),
        Case::harmless(corrupt, "compiled", &fetches(&[&[0x81, 2, 3, 4, 5, 6]])),
        Case::harmless(corrupt, "signed", &fetches(&[&signed])),
        Case::harmless(corrupt, "a block is missing", &fetches(&[good.as_bytes()])).seen_as(
            |mut entries| {
                // The last block but one of the file: what is left would not parse.
                let place = entries.iter().position(|entry| {
                    entry
                        .frame()
                        .is_some_and(|frame| frame.bytes.get(42..46) == Some(&[0, 3, 0, 1]))
                });
                entries.remove(place.expect("the file has a first block"));
                entries
            },
        ),
        Case::raised(names, "a host name", &fetches(&[by_name.as_bytes()])),
        Case::cleared(
            names,
            "addresses after all",
            &fetches(&[by_name.as_bytes(), good.as_bytes()]),
        ),
        Case::harmless(names, "a plain boot", &stories::boot(83)),
    ]
}

/// A phone fetches its configuration again and again, each time with the next content.
fn fetches(contents: &[&[u8]]) -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(82);
    phone.leases(&mut scene, &DHCP_SERVER, 0x5000);
    for (port, content) in (50_000..).zip(contents) {
        scene.pass(5.0);
        scene.tftp(
            (&phone.host, port),
            (&DHCP_SERVER, 40_000),
            &phone.config_file(),
            content,
        );
    }
    scene.pass(5.0);
    scene
}
