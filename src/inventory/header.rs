//! The names of the columns, as CallManager's Bulk Administration Tool and people write them.

use csv::StringRecord;

/// Where the columns stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: usize,
    pub(super) description: Option<usize>,
    pub(super) device_pool: Option<usize>,
    pub(super) model: Option<usize>,
    pub(super) directory_number: Option<usize>,
    pub(super) status: Option<usize>,
}

/// Letters and digits in lower case; of several names the first one that is there counts.
const NAME: &[&str] = &[
    "devicename",
    "macaddressdevicename",
    "macaddress",
    "mac",
    "device",
    "phonename",
    "phone",
    "name",
];
const DESCRIPTION: &[&str] = &["description", "devicedescription", "owner"];
const DEVICE_POOL: &[&str] = &["devicepool", "devicepoolname", "pool"];
const MODEL: &[&str] = &[
    "model",
    "phonemodel",
    "devicemodel",
    "devicetype",
    "phonetype",
    "producttype",
    "product",
    "type",
];
const DIRECTORY_NUMBER: &[&str] = &[
    "directorynumber",
    "directorynumber1",
    "dn",
    "dn1",
    "extension",
    "line1",
    "number",
];
const STATUS: &[&str] = &[
    "status",
    "devicestatus",
    "registrationstatus",
    "registration",
];

impl Header {
    /// Finds the columns; an error names what is there.
    pub(super) fn read(titles: &StringRecord) -> Result<Self, String> {
        let titles: Vec<String> = titles.iter().map(plain).collect();
        let find = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| titles.iter().position(|title| title == name))
        };
        let name = find(NAME).ok_or_else(|| {
            "no column names the devices: its first line needs a column \"Device Name\" or \"MAC Address\", as \
             CallManager's phone export has it"
                .to_owned()
        })?;
        Ok(Self {
            name,
            description: find(DESCRIPTION),
            device_pool: find(DEVICE_POOL),
            model: find(MODEL),
            directory_number: find(DIRECTORY_NUMBER),
            status: find(STATUS),
        })
    }
}

fn plain(title: &str) -> String {
    title
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}
