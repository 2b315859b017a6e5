//! What to do about a rejected registration, by its reason.

use crate::wire::sccp::RejectReason;

/// What to do about a rejection for this reason of a phone that says it is this model.
pub(super) fn of(reason: RejectReason, model: Option<&str>) -> &'static [&'static str] {
    match reason {
        RejectReason::Mismatch | RejectReason::VersionError => match model {
            Some(model) if model.contains("7961") => MODEL_7961,
            Some(model) if model.contains("7931") => MODEL_7931,
            _ => MODEL,
        },
        RejectReason::DatabaseConfig | RejectReason::UnknownDevice => NOT_IN_DATABASE,
        RejectReason::Database => DATABASE,
        RejectReason::NoLicense => LICENCE,
        RejectReason::MaxPhones => FULL,
        RejectReason::NotAuthorized => NOT_AUTHORIZED,
        RejectReason::Security => SECURITY,
        RejectReason::PassLimit => PASS_LIMIT,
        RejectReason::Unknown => UNKNOWN,
    }
}

const RESET_AFTER: &str =
    "Reset the phone from CallManager, or with **#** at its keypad, when that is done.";

const NOT_IN_DATABASE: &[&str] = &[
    "Device > Phone: find the phone by its device name (SEP and its twelve digits). Read them on the phone itself, not \
     on the label: labels can be wrong.",
    "It is not there: add it, or switch auto-registration on (System > Cisco CallManager, a range of directory numbers) \
     and delete unassigned directory numbers if the range is used up; then restart the TFTP service.",
    "It is there: delete it and add it again, so that its entry and its configuration file are made anew.",
    "Do publisher and subscribers run the same version, and is the database replicated (DBLHelper on CallManager 4)? Do \
     the hosts and lmhosts files of the servers name each other?",
    "Rebuild the configuration files: Service > Service Parameters, the TFTP server, Cisco TFTP, Build CNF Files: Build \
     All. Then set the phone back to its factory defaults.",
];

const DATABASE: &[&str] = &[
    "Is the database of that server up? Look at its services in Control Center and at the Event Viewer.",
    "Check the replication between publisher and subscribers (DBLHelper on CallManager 4; utils dbreplication \
     runtimestate later), and that all run the same version.",
    "CallManager 4.1(3) SR1 can miss a stored procedure after its installation (Cisco bug CSCsb76677): install it again, \
     or a later one.",
    RESET_AFTER,
];

const LICENCE: &[&str] = &[
    "System > Licensing > License Unit Report: how many units are used, how many are there?",
    "Delete phones that nobody uses any more: each one takes units.",
    "Order and upload more licences, then restart the CallManager service so that it counts anew.",
    RESET_AFTER,
];

const FULL: &[&str] = &[
    "Count the phones on that server: this text comes from a router that stands in for CallManager (SRST, CallManager \
     Express) or from a server that is full.",
    "On the router raise max-ephones under call-manager-fallback or telephony-service, as far as its licence and memory \
     allow.",
    "On CallManager raise Maximum Number of Registered Devices in the service parameters, or move phones to another \
     group.",
    "If the phone should not be on a router at all: look why it cannot reach its CallManager.",
];

const NOT_AUTHORIZED: &[&str] = &[
    "Does the server allow phones it does not know by name, and from this network? Look at its lists of permitted \
     addresses.",
    "Add the phone by its device name, exactly as the evidence has it.",
    "Is another phone or softphone using the same name? Find it by its address and give it a name of its own.",
];

const SECURITY: &[&str] = &[
    "Device > Phone: compare the phone's security profile with those that work; try a non-secure one.",
    "Delete the phone's trust list (CTL, ITL) in its security settings, so that it fetches the present one.",
    "Install the phone's certificate (LSC) anew: CAPF on the phone's page.",
    "Are the clocks of the servers right? Certificates depend on them.",
];

const PASS_LIMIT: &[&str] = &[
    "Wait some minutes, then reset the phone once: CallManager limits how often a phone may try.",
    "Find what made it try so often: its other findings from before, a second phone of the same name, a wrong entry in \
     the database.",
    "Delete the phone in CallManager and add it again if it goes on.",
];

const MODEL: &[&str] = &[
    "Device > Phone: which model is the phone there? It must be the one in the finding. The model cannot be changed: \
     delete the phone and add it again with the right type.",
    "If the model is right, install the device package for it on every CallManager, publisher first.",
    "Look at the phone's load (Device > Device Settings > Device Defaults): does the TFTP server have that file?",
    RESET_AFTER,
];

const MODEL_7961: &[&str] = &[
    "A 7961 and a 7961G are the same phone and are added as 7961. A 7961G-GE is another phone, with gigabit ports: read \
     the model on its back, and compare it with Device > Phone.",
    "The model cannot be changed: delete the phone and add it again as Cisco 7961 (or 7961G-GE, if it is one).",
    RESET_AFTER,
];

const MODEL_7931: &[&str] = &[
    "The 7931 needs CallManager 6.0 or later, or an earlier one with a device package that has it: look at Help > About.",
    "Is it added as 7931? Delete it and add it again with that type if it is not.",
    "Install the device package on every CallManager, publisher first, and restart the TFTP service.",
    RESET_AFTER,
];

/// What to do where the text says nothing that is known.
pub(super) const UNKNOWN: &[&str] = &[
    "Look the phone up in CallManager by its device name: is it there, and of the right model?",
    "Is auto-registration off, or its range of directory numbers used up? Add the phone, or widen the range.",
    "Do publisher and subscribers run the same version of CallManager?",
    "Rebuild the configuration files (Service > Service Parameters, Cisco TFTP, Build CNF Files: Build All).",
    "Delete the phone in CallManager and add it again, so that its database entry is made anew.",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_steps_of_its_own_and_models_have_theirs() {
        for reason in RejectReason::ALL {
            let steps = of(reason, None);
            assert!((3..=6).contains(&steps.len()), "{reason:?}");
            assert!(steps.iter().all(|step| !step.contains("  ")), "{reason:?}");
        }
        let mismatch = |model| of(RejectReason::Mismatch, Some(model))[0];
        assert!(mismatch("Cisco 7961").contains("7961G-GE"));
        assert!(mismatch("Cisco 7931").contains("6.0"));
        assert!(mismatch("Cisco 7912").contains("Device > Phone"));
        assert_ne!(
            of(RejectReason::NoLicense, None),
            of(RejectReason::Database, None)
        );
    }
}
