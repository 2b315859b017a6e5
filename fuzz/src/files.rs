//! Files: those that phones fetch, and those that people write.

use phonewatch::config::Config;
use phonewatch::inventory::Inventory;
use phonewatch::wire::sep_config as phone_file;

/// A phone's configuration file.
pub fn sep_config(bytes: &[u8]) {
    if let Ok(config) = phone_file::parse(bytes) {
        assert!(config.members.len() <= 16 && config.srst.len() <= 3);
    }
}

/// CallManager's list of phones.
pub fn inventory(bytes: &[u8]) {
    match Inventory::parse(bytes) {
        Ok(inventory) => assert_eq!(inventory.len(), inventory.iter().count()),
        Err(problem) => assert!(!problem.is_empty()),
    }
}

/// phonewatch's own configuration.
pub fn config(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Err(errors) = Config::parse("fuzz.toml", &text) {
        assert!(errors.to_string().contains("fuzz.toml"), "{errors}");
    }
}
