//! What a mirror port shows of a fleet: it must not change what the engine finds of the phones.

use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use phonewatch::phone::keepalive::GapDirection;
use phonewatch::record::LinkType;
use phonewatch::savefile::PcapWriter;
use phonewatch::simulate::{Erspan, Fleet, FleetTruth, Mirror, Percent, Plan, Side, View};
use phonewatch::snapshot::Snapshot;

use super::{Simulated, assert_found, assert_found_as, everything, plan, told_over_ipv6, watch};

struct Watched {
    snapshot: Arc<Snapshot>,
    truth: FleetTruth,
    frames: u64,
}

fn mirrored(plan: &Plan, view: &View) -> Watched {
    let mirror = Mirror::new(Fleet::new(plan), view, plan.seed);
    let end = mirror.end();
    let mut source = Simulated::new(mirror, end);
    let snapshot = watch(&mut source);
    Watched {
        frames: snapshot.totals.frames,
        truth: source.frames.truth(),
        snapshot,
    }
}

/// What tshark shows of the frames with this filter; `None` where it is not installed, and need not be.
fn tshark(plan: &Plan, view: &View, filter: &str) -> Option<String> {
    if Command::new("tshark").arg("--version").output().is_err() {
        assert!(
            std::env::var_os("PHONEWATCH_REQUIRE_CAPTURES").is_none(),
            "tshark is not installed (apt install tshark)"
        );
        eprintln!("SKIPPED: tshark is not installed (apt install tshark)");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mirror.pcap");
    write(plan, view, &path);
    let output = Command::new("tshark")
        .args(["-n", "-r", path.to_str().unwrap(), "-Y", filter])
        // Without these it does not look at the sums.
        .args(["-o", "ip.check_checksum:TRUE"])
        .args(["-o", "udp.check_checksum:TRUE"])
        .args(["-o", "tcp.check_checksum:TRUE"])
        .args([
            "-o",
            "rtp.heuristic_rtp:TRUE",
            "--enable-heuristic",
            "rtp_udp",
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).unwrap())
}

fn write(plan: &Plan, view: &View, path: &Path) {
    let mut writer =
        PcapWriter::new(std::fs::File::create(path).unwrap(), LinkType::Ethernet).unwrap();
    for frame in Mirror::new(Fleet::new(plan), view, plan.seed) {
        writer.write(frame.at, &frame.bytes).unwrap();
    }
    writer.finish().unwrap();
}

fn calls(calls: u32) -> View {
    View {
        calls,
        ..View::default()
    }
}

/// What no frame of a simulation may be.
const WRONG: &str = "_ws.malformed || ip.checksum.status == \"Bad\" || udp.checksum.status == \"Bad\" \
                     || tcp.checksum.status == \"Bad\" || icmpv6.checksum.status == \"Bad\"";

#[test]
fn calls_do_not_change_what_is_found() {
    let plan = plan(&everything(), 90, 12, 2);
    let without = mirrored(&plan, &View::default());
    let with = mirrored(&plan, &calls(5));
    assert_found(&with.snapshot, &with.truth, "calls");
    assert_eq!(without.truth, with.truth);
    // Five calls from about the second minute on, at a hundred packets a second.
    let packets = with.frames - without.frames;
    assert!((250_000..360_000).contains(&packets), "{packets}");
}

pub(super) fn percent(text: &str) -> Percent {
    text.parse().unwrap()
}

/// Views that show all that can be known of phones.
fn whole_views() -> Vec<(&'static str, View)> {
    let view = View::default;
    let tagged = |vlans: &str| Some(vlans.parse().unwrap());
    vec![
        (
            "vlan",
            View {
                vlans: tagged("110"),
                ..view()
            },
        ),
        (
            "QinQ",
            View {
                vlans: tagged("110.100"),
                ..view()
            },
        ),
        (
            "ERSPAN II",
            View {
                erspan: Some(Erspan::Two),
                ..view()
            },
        ),
        (
            "ERSPAN III",
            View {
                erspan: Some(Erspan::Three),
                ..view()
            },
        ),
        (
            "copies",
            View {
                copies: percent("100"),
                ..view()
            },
        ),
        (
            "router",
            View {
                behind_router: true,
                ..view()
            },
        ),
        (
            "all",
            View {
                calls: 2,
                vlans: tagged("110.100"),
                behind_router: true,
                erspan: Some(Erspan::Three),
                copies: percent("50"),
                ..view()
            },
        ),
    ]
}

#[test]
fn a_mirror_that_shows_everything_does_not_change_what_is_found() {
    for (what, view) in whole_views() {
        let shares = if view.behind_router {
            routed()
        } else {
            everything()
        };
        let watched = mirrored(&plan(&shares, 90, 12, 2), &view);
        assert_found(&watched.snapshot, &watched.truth, what);
    }
}

#[test]
fn a_mirror_that_hides_something_makes_nothing_up() {
    let plan = plan(&everything(), 150, 12, 3);
    let view = View::default;
    for (what, view) in [
        (
            "loss of 1 %",
            View {
                loss: percent("1"),
                ..view()
            },
        ),
        (
            "phones only",
            View {
                one_way: Some(Side::Phones),
                ..view()
            },
        ),
        (
            "servers only",
            View {
                one_way: Some(Side::Servers),
                ..view()
            },
        ),
        (
            "NAT",
            View {
                nat: true,
                ..view()
            },
        ),
    ] {
        let watched = mirrored(&plan, &view);
        let claims = claims(&watched);
        assert!(claims.is_empty(), "{what}:\n{}", claims.join("\n"));
        assert!(watched.snapshot.shown().count() > 50, "{what}");
    }
}

/// Where every tenth frame is missing and nothing says so, an answer and all that would tell of it are sometimes missing
/// together: only gaps may then be made up.
#[test]
fn a_mirror_that_hides_much_makes_up_no_more_than_gaps() {
    let plan = plan(&everything(), 150, 12, 3);
    let view = View::default;
    for (what, view) in [
        (
            "loss of 10 %",
            View {
                loss: percent("10"),
                ..view()
            },
        ),
        (
            "loss of 50 %",
            View {
                loss: percent("50"),
                ..view()
            },
        ),
        (
            "loss of copies behind a router",
            View {
                behind_router: true,
                copies: percent("30"),
                loss: percent("10"),
                ..view()
            },
        ),
    ] {
        let mut claims = claims(&mirrored(&plan, &view));
        claims.retain(|claim| !claim.contains("gaps of"));
        assert!(claims.is_empty(), "{what}:\n{}", claims.join("\n"));
    }
}

/// The counts that are above the truth.
fn claims(watched: &Watched) -> Vec<String> {
    let mut claims = Vec::new();
    for phone in &watched.truth.phones {
        let label = phone.name.to_string();
        let Some(device) = watched
            .snapshot
            .shown()
            .find(|device| device.label() == label)
        else {
            continue;
        };
        let registration = &device.registration;
        for (count, found, truth) in [
            (
                "registrations",
                registration.registrations,
                phone.registrations,
            ),
            ("moves", registration.moves, phone.moves),
            ("rejects", registration.rejects, phone.rejects),
            (
                "gaps of its CallManager",
                device.keepalives.gaps(GapDirection::CallManager).into(),
                phone.keepalive_gaps.callmanager,
            ),
            (
                "gaps of its own",
                device.keepalives.gaps(GapDirection::Phone).into(),
                phone.keepalive_gaps.phone,
            ),
            ("DHCP requests", device.dhcp_requests(), phone.dhcp_requests),
            (
                "refused connections",
                device.tcp_refused.into(),
                phone.tcp_refused,
            ),
            (
                "files not found",
                device.tftp.not_found.into(),
                phone.tftp_not_found,
            ),
        ] {
            if found > truth {
                let scenario = phone.scenario.label();
                claims.push(format!(
                    "{label} ({scenario}): {found} {count}, in truth {truth}"
                ));
            }
        }
    }
    claims
}

#[test]
fn every_view_is_in_the_order_of_time_and_the_same_each_time() {
    let plan = plan(&everything(), 20, 6, 5);
    for (what, view) in whole_views() {
        let mirror = || Mirror::new(Fleet::new(&plan), &view, plan.seed);
        let frames: Vec<_> = mirror().collect();
        assert!(frames.is_sorted_by_key(|frame| frame.at), "{what}");
        let end = mirror().end();
        assert!(frames.last().is_some_and(|last| last.at <= end), "{what}");
        assert!(frames.iter().eq(&mirror().collect::<Vec<_>>()), "{what}");
    }
}

#[test]
fn a_fleet_over_ipv6_registers_where_it_should() {
    let plan = plan(&["healthy", "boot", "failover", "dns-failure"], 40, 12, 1);
    let told = |view: &View| {
        let watched = mirrored(&plan, view);
        let addresses: Vec<_> = watched
            .snapshot
            .callmanagers
            .iter()
            .map(|server| server.address)
            .collect();
        let phones: Vec<_> = watched
            .snapshot
            .shown()
            .map(|device| {
                let registration = &device.registration;
                let role = registration.current.map(|current| current.role);
                let counts = (
                    registration.registrations,
                    registration.moves,
                    device.tftp.completed,
                );
                (device.label(), device.stage, role, counts)
            })
            .collect();
        (addresses, phones)
    };
    let (_, known) = told(&View::default());
    let (addresses, found) = told(&View {
        ipv6: true,
        ..View::default()
    });
    assert_eq!(found, known);
    let expected = ["fd00::b", "fd00::c"].map(|address| address.parse::<IpAddr>().unwrap());
    assert_eq!(addresses, expected);
}

#[test]
fn over_ipv6_every_phone_does_what_it_does_over_ipv4() {
    for (what, behind_router) in [("IPv6", false), ("IPv6 behind a router", true)] {
        let view = View {
            ipv6: true,
            behind_router,
            copies: percent("30"),
            ..View::default()
        };
        let shares = if behind_router {
            [&routed()[..], &["dhcp-renewal", "dhcp-nak", "dhcp-no-ack"]].concat()
        } else {
            everything()
        };
        let watched = mirrored(&plan(&shares, 132, 15, 2), &view);
        assert_found_as(&watched.snapshot, &watched.truth, what, told_over_ipv6);
    }
}

#[test]
fn tshark_finds_nothing_wrong_with_dhcp_over_ipv6() {
    let shares = ["dhcp-nak", "dhcp-renewal", "dhcp-decline", "dhcp-rogue"];
    let plan = plan(&shares, 12, 15, 1);
    for (behind_router, from) in [
        (false, "udp.srcport == 546"),
        (true, "dhcpv6.msgtype == 12"),
    ] {
        let view = View {
            ipv6: true,
            behind_router,
            ..View::default()
        };
        let Some(wrong) = tshark(&plan, &view, WRONG) else {
            return;
        };
        assert_eq!(wrong, "", "behind a router: {behind_router}");
        let asked = tshark(&plan, &view, from).unwrap();
        for name in ["Solicit", "Request", "Renew", "Release", "Rebind"] {
            assert!(asked.contains(name), "{name}: {asked}");
        }
        let told = "dhcpv6.vendoropts.enterprise == 9 || dhcpv6.status_code == 3";
        let told = tshark(&plan, &view, told).unwrap();
        assert!(
            told.contains("Advertise") && told.contains("Reply"),
            "{told}"
        );
    }
}

#[test]
fn tshark_finds_nothing_wrong_in_any_view() {
    let plan = plan(&everything(), 20, 6, 1);
    let mut views = whole_views();
    for (what, behind_router) in [("IPv6", false), ("IPv6 behind a router", true)] {
        views.push((
            what,
            View {
                ipv6: true,
                behind_router,
                calls: 1,
                vlans: (!behind_router).then(|| "110.100".parse().unwrap()),
                copies: percent("30"),
                ..View::default()
            },
        ));
    }
    views.push((
        "NAT",
        View {
            nat: true,
            calls: 2,
            ..View::default()
        },
    ));
    for (what, view) in views {
        let Some(wrong) = tshark(&plan, &view, WRONG) else {
            return;
        };
        assert_eq!(wrong, "", "{what}");
        let registers = tshark(&plan, &view, "skinny.messageId == 1").unwrap();
        assert_ne!(registers, "", "{what}");
    }
}

/// The scenarios of which everything happens within the reach of a router and the servers behind it.
fn routed() -> Vec<&'static str> {
    vec![
        "healthy",
        "boot",
        "failover",
        "flapping",
        "keepalive-gap",
        "silent",
        "unconfigured",
        "refused",
        "rejected",
        "dhcp-silent",
        "dhcp-ascii-150",
        "tftp-silent",
        "dns-failure",
        "user-reset",
        "admin-reset",
    ]
}

/// For each view what tshark must not find in it, so that a view that changes nothing is found out.
#[test]
fn each_view_looks_as_it_says() {
    let plan = plan(&routed(), 20, 6, 1);
    let nat = View {
        nat: true,
        ..View::default()
    };
    let one_way = |side| View {
        one_way: Some(side),
        ..View::default()
    };
    let mut views = whole_views();
    views.push(("NAT", nat));
    views.push(("phones only", one_way(Side::Phones)));
    views.push(("servers only", one_way(Side::Servers)));
    for (what, behind_router) in [("IPv6", false), ("IPv6 behind a router", true)] {
        views.push((
            what,
            View {
                ipv6: true,
                behind_router,
                ..View::default()
            },
        ));
    }
    for (what, view) in views {
        let never = match what {
            "vlan" => "!(vlan.id == 110)",
            "QinQ" => "!(ieee8021ad.id == 110 && vlan.id == 100)",
            "ERSPAN II" => "!(erspan.version == 1 && gre.proto == 0x88be)",
            "ERSPAN III" => "!(erspan.version == 2 && gre.proto == 0x22eb)",
            "router" => {
                "eth.addr[0:3] == 00:13:80 || cdp || (dhcp && dhcp.ip.relay == 0.0.0.0) \
                 || (ip.src == 10.32.0.0/11 && ip.ttl > 63 && !dhcp)"
            }
            "NAT" => "ip.addr == 10.32.0.0/11 || dhcp || cdp",
            "IPv6" => "ip || arp || dhcp",
            "IPv6 behind a router" => "ip || arp || eth.addr[0:3] == 00:13:80 || udp.port == 546",
            "phones only" => "eth.src[0:3] == 00:50:56",
            "servers only" => "eth.src[0:3] == 00:13:80",
            _ => continue,
        };
        let Some(found) = tshark(&plan, &view, never) else {
            return;
        };
        assert_eq!(found, "", "{what}");
        let without = tshark(&plan, &View::default(), never).unwrap();
        assert_ne!(without, "", "{what}: this is never found");
    }
}

#[test]
fn copies_and_losses_are_as_many_as_asked_for() {
    let plan = plan(&["healthy"], 100, 10, 1);
    let count = |view: &View| Mirror::new(Fleet::new(&plan), view, plan.seed).count();
    let all = count(&View::default());
    let copies = |copies: &str| {
        count(&View {
            copies: percent(copies),
            ..View::default()
        })
    };
    let loss = |loss: &str| {
        count(&View {
            loss: percent(loss),
            ..View::default()
        })
    };
    assert!(copies("100") > all * 2 - 10, "but those after the end");
    let tenth = all / 10;
    assert!((tenth * 9 / 10..tenth * 11 / 10).contains(&(copies("10") - all)));
    assert!((tenth * 9 / 10..tenth * 11 / 10).contains(&(all - loss("10"))));
    assert_eq!(loss("100"), 0);
}

#[test]
fn tshark_reads_the_voice_as_rtp() {
    let (plan, view) = (plan(&["healthy"], 6, 5, 1), calls(2));
    let Some(voice) = tshark(&plan, &view, "rtp.p_type == 0 && ip.dsfield.dscp == 46") else {
        return;
    };
    assert!(voice.lines().count() > 1000, "{voice}");
    assert_eq!(tshark(&plan, &view, WRONG).as_deref(), Some(""));
}
