//! Models by their numbers: `Cisco 7961G-GE`, `CP-7961G-GE` and `Cisco IP Phone 7961G-GE` are one.

/// Whether two names may mean the same model; `None` where either has no model number.
pub fn is_same_model(one: &str, other: &str) -> Option<bool> {
    Some(number(one)? == number(other)?)
}

/// The four digits of a model, and whether it is the one with gigabit ports, which is another model to CallManager.
fn number(name: &str) -> Option<(&str, bool)> {
    let name_bytes = name.as_bytes();
    let place = name_bytes
        .windows(4)
        .position(|window| window.iter().all(u8::is_ascii_digit))?;
    let is_longer = name_bytes.get(place + 4).is_some_and(u8::is_ascii_digit);
    if is_longer {
        return None;
    }
    let rest = name.get(place + 4..)?;
    let suffix: String = rest
        .chars()
        .take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '-')
        .collect();
    Some((name.get(place..place + 4)?, suffix.ends_with("GE")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_compared_by_their_numbers() {
        for (one, other, is_same) in [
            ("Cisco 7960", "Cisco IP Phone 7960", Some(true)),
            ("Cisco 7960", "CP-7960G", Some(true)),
            ("Cisco 7960", "Cisco 7940", Some(false)),
            ("Cisco 7961G-GE", "Cisco 7961", Some(false)),
            ("Cisco 7961G-GE", "7961G-GE", Some(true)),
            ("Cisco ATA 186", "Cisco 7960", None),
            ("", "Cisco 7960", None),
            ("12345", "1234", None),
            ("é7960é", "7960", Some(true)),
        ] {
            assert_eq!(is_same_model(one, other), is_same, "{one}, {other}");
        }
    }
}
