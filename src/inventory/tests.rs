use proptest::prelude::*;

use super::*;

fn name(text: &str) -> DeviceName {
    DeviceName::from_wire(text.as_bytes()).unwrap()
}

#[test]
fn reads_an_export_however_it_was_saved() {
    let comma = "Device Name,Description,Device Pool,Device Type,Directory Number 1,Status\n\
                 SEP001380AD9E5F,\"Reception, ground floor\",Paris,Cisco 7960,1001,Registered\n";
    let semicolon = "\u{FEFF}device name;DESCRIPTION;Device-Pool;model;DN;status\r\n\
                     sep001380ad9e5f; Reception, ground floor ;Paris;Cisco 7960;1001;Registered\r\n";
    let reordered = "Status\tDN\tModel\tPool\tDescription\tMAC Address\tNumber of things\n\
                     Registered\t1001\tCisco 7960\tParis\tReception, ground floor\t00:13:80:ad:9e:5f\t7\n";
    let all: Vec<Inventory> = [comma, semicolon, reordered]
        .iter()
        .map(|text| Inventory::parse(text.as_bytes()).unwrap())
        .collect();
    let phone = all[0].of(name("SEP001380AD9E5F")).unwrap();
    assert_eq!(
        phone.description.as_deref(),
        Some("Reception, ground floor")
    );
    assert_eq!(phone.device_pool.as_deref(), Some("Paris"));
    assert_eq!(phone.model.as_deref(), Some("Cisco 7960"));
    assert_eq!(phone.directory_number.as_deref(), Some("1001"));
    assert_eq!(phone.status.as_deref(), Some("Registered"));
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0], all[2]);
}

#[test]
fn a_row_that_cannot_be_used_is_named_by_its_line_and_the_rest_is_used() {
    let text = "Device Name,Description\nSEP000000000001,one\n,nobody\nnot a name!,two\n\n\"SEP000000000003\",\"a\nb\"\n\
                SEP000000000001,again\nSEP000000000004\n";
    let inventory = Inventory::parse(text.as_bytes()).unwrap();
    assert_eq!(inventory.len(), 3);
    let problems: Vec<_> = inventory
        .problems()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        problems,
        [
            "line 3: it names no device",
            "line 4: \"not a name!\" is no device name (like \"SEP001380AD9E5F\")",
        ]
    );
    let described = |of| inventory.of(name(of)).unwrap().description.as_deref();
    assert_eq!(described("SEP000000000001"), Some("one"));
    assert_eq!(described("SEP000000000003"), Some("a\u{FFFD}b"));
    assert_eq!(described("SEP000000000004"), None);
}

#[test]
fn a_list_without_names_is_refused() {
    for (bytes, part) in [
        (&b""[..], "no column names the devices"),
        (b"Description,Pool\na,b\n", "no column names the devices"),
        (b"\xff\xfeD\0", "UTF-16"),
    ] {
        let refused = Inventory::parse(bytes).unwrap_err();
        assert!(refused.contains(part), "{refused}");
    }
}

#[test]
fn text_in_another_encoding_is_read_all_the_same() {
    let inventory = Inventory::parse(b"Device Name;Description\nSEP000000000001;R\xe9ception\n");
    let inventory = inventory.unwrap();
    let phone = inventory.of(name("SEP000000000001")).unwrap();
    assert_eq!(phone.description.as_deref(), Some("Réception"));
}

#[test]
fn what_is_kept_is_bounded_and_safe() {
    let mut text = format!(
        "Name,Description\nSEP000000000001,\"\x1b[2J{}\"\n",
        "x".repeat(9_999)
    );
    for _ in 0..1_000 {
        text.push_str("???,\n");
    }
    let inventory = Inventory::parse(text.as_bytes()).unwrap();
    let phone = inventory.of(name("SEP000000000001")).unwrap();
    let description = phone.description.as_deref().unwrap();
    assert!(description.chars().count() <= MAX_FIELD && !description.contains('\x1b'));
    assert_eq!(
        (inventory.problems().len(), inventory.unused()),
        (MAX_PROBLEMS, 1_000)
    );
}

#[test]
fn names_one_or_two_digits_away_are_near() {
    let text = "Name\nSEP001380AD9E5F\nSEP001380AD0000\nGATEWAY1\n";
    let inventory = Inventory::parse(text.as_bytes()).unwrap();
    for (other, is_near) in [
        ("SEP001380AD9E5E", true),
        ("SEP001380AD9EF5", true),
        ("SEP001380AD8E4F", true),
        ("SEP101380AD9E5E", true),
        ("SEP111380AD9E5F", true),
        ("SEP001380AD9E5F", false),
        ("SEP001380ADAAAA", false),
        ("GATEWAY2", false),
    ] {
        let near = inventory.near(name(other));
        assert_eq!(near.contains(&name("SEP001380AD9E5F")), is_near, "{other}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        drop(Inventory::parse(&bytes));
    }

    #[test]
    fn any_list_is_read_or_refused(text in "(Name|Device Name|Description)[,;]Pool\n([A-Za-z0-9\",;\n ]{0,100})") {
        drop(Inventory::parse(text.as_bytes()));
    }

    #[test]
    fn nobody_near_is_missed(digits in prop::collection::vec(0_u8..16, 12), at in 0_usize..12, other in 0_usize..12) {
        let name_of = |digits: &[u8]| {
            let digit = |digit: &u8| char::from_digit(u32::from(*digit), 16).unwrap();
            let digits: String = digits.iter().map(digit).collect();
            name(&format!("SEP{}", digits.to_uppercase()))
        };
        let listed = name_of(&digits);
        let inventory = Inventory::parse(format!("Name\n{listed}\n").as_bytes()).unwrap();
        let mut changed = digits;
        for place in [at, other] {
            changed[place] = (changed[place] + 1) % 16;
        }
        prop_assert_eq!(inventory.near(name_of(&changed)), [listed]);
    }
}
