//! Whether the daemon sees what it should.

use std::time::Duration;

use crate::metrics::SensorState;

/// The engine publishes about once a second; silent for so long it hangs, or is far behind.
const STALLED: Duration = Duration::from_secs(10);

/// What is missing before the daemon is ready, one reason each; nothing where it is.
pub(super) fn missing(sensor: &SensorState) -> Vec<String> {
    let mut missing = Vec::new();
    if sensor.interfaces.is_empty() {
        missing.push("no interface is captured".to_owned());
    }
    for interface in &sensor.interfaces {
        let name = &interface.name;
        if interface.is_stuck {
            missing.push(format!("interface {name}: its capture thread is stuck"));
        } else if !interface.capture.is_up {
            let reason = interface.capture.last_error.as_deref();
            let reason = reason.map_or_else(String::new, |error| format!(" (last error: {error})"));
            missing.push(format!(
                "interface {name}: it is not open, or has no carrier{reason}"
            ));
        }
    }
    match sensor.published {
        None => missing.push("the engine has published nothing yet".to_owned()),
        Some(ago) if ago > STALLED => {
            let seconds = ago.as_secs();
            missing.push(format!(
                "the engine has published nothing for {seconds} seconds"
            ));
        }
        Some(_) => {}
    }
    missing
}
