//! What a vendor class (option 60) says about the device that sends it.
//!
//! Cisco phones write `Cisco Systems, Inc. IP Phone CP-7960G`, `Cisco Systems, Inc. IP Phone 7912` or
//! `Cisco Systems Inc. Wireless Phone 7921`; the 6901 writes no more than `Cisco Systems, Inc.`, as other devices may.

/// Whether a vendor class is a Cisco phone's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhoneClass {
    /// A phone; its model as it is shown elsewhere (`Cisco 7960`), where the class names one.
    Phone {
        /// The model.
        model: Option<String>,
    },
    /// Cisco's, and it may be a phone.
    MaybePhone,
    /// Not a Cisco phone's.
    No,
}

impl PhoneClass {
    /// The model, where one is named.
    pub fn model(&self) -> Option<&str> {
        match self {
            Self::Phone { model } => model.as_deref(),
            Self::MaybePhone | Self::No => None,
        }
    }
}

/// Reads a vendor class.
pub fn phone_model(vendor_class: &str) -> PhoneClass {
    const VENDOR: &str = "cisco systems";
    let class =
        vendor_class.trim_matches(|character: char| character == '\0' || character.is_whitespace());
    let Some((vendor, product)) = class.split_at_checked(VENDOR.len()) else {
        return PhoneClass::No;
    };
    if !vendor.eq_ignore_ascii_case(VENDOR) {
        return PhoneClass::No;
    }
    let mut words = product
        .split(|character: char| character.is_whitespace() || character == ',')
        .filter(|word| !matches!(*word, "" | "Inc" | "Inc."))
        .peekable();
    if words.peek().is_none() {
        return PhoneClass::MaybePhone;
    }
    if words.any(|word| word.eq_ignore_ascii_case("Phone")) {
        PhoneClass::Phone {
            model: words.next().and_then(model),
        }
    } else {
        PhoneClass::No
    }
}

/// `CP-7960G` as `Cisco 7960`: the G, which stands for "global", names no other model; `7961G-GE` does.
fn model(word: &str) -> Option<String> {
    let word = word.strip_prefix("CP-").unwrap_or(word);
    let is_model = word.len() <= 16
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_model {
        return None;
    }
    let number = word
        .strip_suffix('G')
        .filter(|number| number.ends_with(|last: char| last.is_ascii_digit()))
        .unwrap_or(word);
    Some(format!("Cisco {number}"))
}
