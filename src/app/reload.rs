//! What a configuration that was read again changes in the running daemon, and what it does not.

use crate::config::{
    Capture, Config, Copies, Dhcp, Evidence, Flap, Keepalive, Limits, Log, Metrics, Sccp, State,
    Tftp, Web, differing_thresholds,
};

/// Takes over from `new` what can change while the daemon runs; the keys that differ and need a restart.
pub(super) fn apply(running: &mut Config, new: &Config) -> Vec<&'static str> {
    running.log.level.clone_from(&new.log.level);
    running.metrics.clone_from(&new.metrics);
    running.thresholds.clone_from(&new.thresholds);
    running.inventory.clone_from(&new.inventory);
    running.callmanager.clone_from(&new.callmanager);
    running.copies.clone_from(&new.copies);
    running.keepalive.clone_from(&new.keepalive);
    running.flap.clone_from(&new.flap);
    running.dhcp.clone_from(&new.dhcp);
    running.site.clone_from(&new.site);
    let state_dir = running.alert.state_dir.clone();
    running.alert.clone_from(&new.alert);
    running.alert.state_dir = state_dir;
    running.web.admin = new.web.admin;
    running.web.config_file.clone_from(&new.web.config_file);
    differing(running, new)
}

/// Compares key by key. The patterns name every field, so a key that is added is missed by the compiler.
macro_rules! differing_keys {
    ($one:ident, $other:ident: $($table:ident: $type:ident { $($key:ident),* };)*) => {{
        let mut keys = Vec::new();
        let Config { callmanager: _, alert: _, thresholds: _, inventory: _, site: _, $($table: _),* } = $one;
        $(
            let $type { $($key: _),* } = &$one.$table;
            $(
                if $one.$table.$key != $other.$table.$key {
                    keys.push(concat!(stringify!($table), ".", stringify!($key)));
                }
            )*
        )*
        keys
    }};
}

fn differing(one: &Config, other: &Config) -> Vec<&'static str> {
    let mut keys = differing_keys! { one, other:
        capture: Capture { interfaces, promiscuous, snaplen, kernel_buffer, ring, reorder, filter, tunnels };
        copies: Copies { mode, window };
        sccp: Sccp { ports, secure_ports };
        tftp: Tftp { port };
        keepalive: Keepalive { interval, standby };
        flap: Flap { moves, window };
        dhcp: Dhcp { requests, window };
        state: State { keep_for };
        limits: Limits {
            devices, strangers, connections, callmanagers, transfers, dns_names, fragments, stream_buffer,
            streams_buffer, config_file, events, recorder, recorder_frames
        };
        evidence: Evidence { enabled, keep_for, size, per_minute };
        metrics: Metrics { per_phone, per_phone_limit };
        web: Web { listen, admin, config_file };
        log: Log { format, level };
    };
    if one.alert.state_dir != other.alert.state_dir {
        keys.push("alert.state_dir");
    }
    keys.extend(differing_thresholds(&one.thresholds, &other.thresholds));
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PerPhone;

    fn read(text: &str) -> Config {
        Config::parse("test", text).unwrap()
    }

    #[test]
    fn nothing_differs_from_itself() {
        let mut running = Config::default();
        assert_eq!(apply(&mut running, &Config::default()), [""; 0]);
        assert_eq!(running, Config::default());
    }

    #[test]
    fn what_can_change_does_and_the_rest_is_named() {
        let mut running = Config::default();
        let new = read(
            "[log]\nlevel = 'debug'\nformat = 'json'\n[metrics]\nper_phone = 'none'\n\
             [copies]\nwindow = '5ms'\n[keepalive]\ninterval = '60s'\n[flap]\nmoves = 7\n\
             [dhcp]\nrequests = 3\nwindow = '5m'\n[[callmanager]]\naddress = '10.1.1.10'\n\
             [server]\nphones = 9\n[findings.callmanager_down]\nenabled = false\n",
        );
        assert_eq!(apply(&mut running, &new), ["log.format"]);
        assert_eq!(running.log.level, "debug");
        assert_eq!(running.thresholds.server_phones, 9);
        assert!(running.thresholds.is_off("callmanager_down"));
        assert_eq!(running.metrics.per_phone, PerPhone::None);
        assert_eq!(running.copies.window.as_millis(), 5);
        assert_eq!(running.keepalive.interval.as_secs(), 60);
        assert_eq!(running.flap.moves, 7);
        assert_eq!(
            (running.dhcp.requests, running.dhcp.window.as_secs()),
            (3, 300)
        );
        assert_eq!(running.callmanager.len(), 1);
        assert_eq!(
            apply(&mut running, &new),
            ["log.format"],
            "it says so again"
        );
    }

    #[test]
    fn what_needs_a_restart_stays_and_is_named() {
        for (text, key) in [
            ("[capture]\ninterfaces = ['a']", "capture.interfaces"),
            ("[capture]\nfilter = 'none'", "capture.filter"),
            ("[capture]\ntunnels = false", "capture.tunnels"),
            ("[sccp]\nports = [2001]", "sccp.ports"),
            ("[tftp]\nport = 70", "tftp.port"),
            ("[state]\nkeep_for = '1d'", "state.keep_for"),
            ("[limits]\ndevices = 7", "limits.devices"),
            ("[web]\nlisten = ''", "web.listen"),
            ("[alert]\nstate_dir = '/tmp'", "alert.state_dir"),
        ] {
            let mut running = Config::default();
            assert_eq!(apply(&mut running, &read(text)), [key]);
            assert_eq!(running, Config::default(), "{key}");
        }
    }
}
