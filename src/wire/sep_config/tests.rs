#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use proptest::prelude::*;

use super::*;

/// As CallManager 4 writes it: no declaration, `xsi` undeclared.
const PHONE: &str = r#"<device  xsi:type="axl:XIPPhone" ctiid="1">
<deviceProtocol>SCCP</deviceProtocol>
<sshUserId>admin</sshUserId>
<devicePool  uuid="{0}">
<name>Default &amp; more</name>
<callManagerGroup>
<members>
<member  priority="1">
<callManager>
<name>Second</name>
<ports><ethernetPhonePort>2010</ethernetPhonePort><securedEthernetPhonePort>2443</securedEthernetPhonePort></ports>
<processNodeName>cm2.example.com</processNodeName>
</callManager>
</member>
<member  priority="0">
<callManager>
<ports><mgcpPorts><listen>2427</listen></mgcpPorts></ports>
<processNodeName>10.0.0.180</processNodeName>
</callManager>
</member>
<member priority="2"><callManager><processNodeName></processNodeName></callManager></member>
</members>
</callManagerGroup>
<srstInfo><srstOption>user</srstOption>
<ipAddr1>10.0.0.1</ipAddr1><port1>2001</port1><ipAddr2></ipAddr2><port2>2000</port2><ipAddr3>10.0.0.3</ipAddr3></srstInfo>
<connectionMonitorDuration>120</connectionMonitorDuration>
</devicePool>
<vendorConfig><detectCMConnectionFailure>1</detectCMConnectionFailure><loadServer>10.0.0.9</loadServer></vendorConfig>
<versionStamp>{5D6C2E9C}</versionStamp>
<loadInformation>CP7912060000SCCP050124A</loadInformation>
<deviceSecurityMode>3</deviceSecurityMode>
<dscpForCm2Dvce>96</dscpForCm2Dvce>
</device>
"#;

const DEFAULT: &str = r#"<Default>
<callManagerGroup><members><member priority="0"><callManager>
<ports><ethernetPhonePort>2000</ethernetPhonePort></ports><processNodeName>CUCM4</processNodeName>
</callManager></member></members></callManagerGroup>
<loadInformation7 model="Cisco 7960">P00308000500</loadInformation7>
<loadInformation30007>CP7912080000SCCP051117A</loadInformation30007>
<loadInformation8 model="Cisco 7940"></loadInformation8>
<loadInformationX>what</loadInformationX>
</Default>"#;

fn corrupt(file: &str) -> (u32, u32, String) {
    match parse(file.as_bytes()) {
        Err(ConfigError::Corrupt { line, column, what }) => (line, column, what),
        other => panic!("{other:?}"),
    }
}

#[test]
fn reads_a_phone_s_configuration() {
    let config = parse(PHONE.as_bytes()).unwrap();
    let primary = Member {
        priority: 0,
        host: Host::Address("10.0.0.180".parse().unwrap()),
        name: None,
        description: None,
        port: 2000,
        secure_port: None,
    };
    let secondary = Member {
        priority: 1,
        host: Host::Name("cm2.example.com".into()),
        name: Some("Second".into()),
        description: None,
        port: 2010,
        secure_port: Some(2443),
    };
    assert_eq!(
        config,
        SepConfig {
            is_default: false,
            protocol: Some(DeviceProtocol::Sccp),
            device_pool: Some("Default & more".into()),
            members: vec![primary, secondary],
            srst: vec![
                SrstReference {
                    host: Host::Address("10.0.0.1".parse().unwrap()),
                    port: 2001
                },
                SrstReference {
                    host: Host::Address("10.0.0.3".parse().unwrap()),
                    port: 2000
                },
            ],
            srst_option: Some("user".into()),
            load: Some("CP7912060000SCCP050124A".into()),
            default_loads: vec![],
            load_server: Some(Host::Address("10.0.0.9".parse().unwrap())),
            version_stamp: Some("{5D6C2E9C}".into()),
            device_security: Some(DeviceSecurity::Encrypted),
            connection_monitor: Some(Duration::from_secs(120)),
            detect_delayed: Some(true),
            signalling_tos: Some(96),
        }
    );
    assert!(!format!("{config:?}").contains("admin"));
}

#[test]
fn reads_the_default_configuration() {
    let config = parse(DEFAULT.as_bytes()).unwrap();
    assert!(config.is_default);
    assert_eq!(config.members.len(), 1);
    assert_eq!(config.members[0].host, Host::Name("CUCM4".into()));
    assert_eq!(config.load, None);
    assert_eq!(
        config.default_loads,
        [
            DefaultLoad {
                device_type: 7,
                model: Some("Cisco 7960".into()),
                load: "P00308000500".into()
            },
            DefaultLoad {
                device_type: 30007,
                model: None,
                load: "CP7912080000SCCP051117A".into()
            },
        ]
    );
}

#[test]
fn members_without_a_priority_come_as_they_stand() {
    let config = parse(
        b"<device><devicePool><callManagerGroup><members>\
          <member><callManager><processNodeName>a</processNodeName></callManager></member>\
          <member priority='x'><callManager><processNodeName>b</processNodeName></callManager></member>\
          </members></callManagerGroup></devicePool></device>",
    )
    .unwrap();
    let hosts: Vec<String> = config
        .members
        .iter()
        .map(|member| format!("{} {}", member.priority, member.host))
        .collect();
    assert_eq!(hosts, ["0 a", "1 b"]);
}

#[test]
fn an_srst_element_that_is_off_names_nobody() {
    let off = PHONE.replace("<srstOption>user", "<srstOption>Disable");
    let config = parse(off.as_bytes()).unwrap();
    assert_eq!(config.srst, []);
    assert_eq!(config.srst_option.as_deref(), Some("Disable"));
}

#[test]
fn reads_around_what_servers_put_before_and_after_the_xml() {
    let expected = parse(PHONE.as_bytes()).unwrap();
    let mut byte_order_mark = b"\xEF\xBB\xBF".to_vec();
    byte_order_mark.extend(PHONE.as_bytes());
    let mut padded = PHONE.as_bytes().to_vec();
    padded.extend([0; 300]);
    let mut signed = vec![1, 0, 2, 1, 1, 2, 0, 2, 1, 0x0f, 0xff, b'<', 0x80];
    signed.extend(PHONE.as_bytes());
    let declared = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<!-- <device> -->\n{}",
        PHONE.replace("<device ", "<device xmlns:xsi=\"urn:x\" xmlns=\"urn:y\" ")
    );
    for file in [
        byte_order_mark,
        padded,
        signed,
        declared.into_bytes(),
        format!("\r\n{PHONE}").into_bytes(),
    ] {
        assert_eq!(parse(&file).as_ref(), Ok(&expected), "{:?}", &file[..30]);
    }
}

#[test]
fn reads_latin_1_where_it_is_not_utf_8() {
    let latin = b"<device><devicePool><name>Gen\xe8ve</name></devicePool></device>";
    let config = parse(latin).unwrap();
    assert_eq!(config.device_pool.as_deref(), Some("Gen\u{e8}ve"));
    let config = parse("<device><devicePool><name>Genève</name></devicePool></device>".as_bytes());
    assert_eq!(config.unwrap().device_pool.as_deref(), Some("Gen\u{e8}ve"));
}

#[test]
fn says_where_a_file_is_corrupt() {
    let broken = PHONE.replace("</members>", "</member>");
    let (line, column, what) = corrupt(&broken);
    let expected_line = PHONE[..PHONE.find("</members>").unwrap()].lines().count() + 1;
    assert_eq!((line as usize, column), (expected_line, 1));
    assert_eq!(what, "expected 'members' tag, not 'member'");
    assert_eq!(
        parse(broken.as_bytes()).unwrap_err().to_string(),
        format!("line {expected_line}, column 1: expected 'members' tag, not 'member'")
    );

    // What was added for the parser does not move the place: the file has one line.
    let (line, column, _) = corrupt("<device xsi:a='1'><name></nam></device>");
    assert_eq!((line, column), (1, 25));

    // A file that ends early.
    let (line, column, _) = corrupt("<device>\n<devicePool>\n<name>x");
    assert_eq!((line, column), (3, 8));
    let (_, _, what) = corrupt("<html><body>404</body></html>");
    assert_eq!(
        what,
        "the outermost element is <html>, not <device> or <Default>"
    );
    // A prefix that is longer than any real one is not declared for the file.
    let prefix = "p".repeat(33);
    let (line, column, _) = corrupt(&format!("<device><{prefix}:a/></device>"));
    assert_eq!((line, column), (1, 10));
    let (_, _, what) = corrupt("<device>&nbsp;</device>");
    assert_eq!(what, "unknown entity reference 'nbsp'");
    for empty in ["", "\0\0\0", " \n"] {
        assert_eq!(corrupt(empty), (1, 1, "the file is empty".into()));
    }
}

#[test]
fn tells_what_is_no_xml() {
    assert_eq!(
        parse(&[1, 0, 2, 1, 1, 2, 0, 2, 1, 0x0f, 0xff, 0x80, 0x33]),
        Err(ConfigError::Encrypted)
    );
    assert_eq!(parse(b"\x10\x00\x00SEP\x7f"), Err(ConfigError::NotXml));
    assert_eq!(parse(b"Error 404"), Err(ConfigError::NotXml));
}

#[test]
fn refuses_a_dtd() {
    let bomb = "<!DOCTYPE device [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><device>&b;</device>";
    let (_, _, what) = corrupt(bomb);
    assert_eq!(what, "XML with DTD detected");
}

#[test]
fn refuses_what_no_phone_gets() {
    let limit = |file: String| match parse(file.as_bytes()) {
        Err(ConfigError::TooLarge { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(limit(" ".repeat(MAX_FILE + 1)), "bytes");
    assert_eq!(limit("<a>".repeat(20_000)), "tags");
    assert_eq!(
        limit(format!("<device>{}</device>", "<a/>".repeat(9000))),
        "nodes"
    );
    let repeat = |times: u32, tag: &dyn Fn(u32) -> String| -> String {
        (0..times).map(tag).collect::<Vec<_>>().concat()
    };
    let attributes = repeat(100, &|number| format!(" a{number}=''"));
    assert_eq!(
        limit(format!("<device{attributes}/>")),
        "attributes in an element"
    );
    let nested = repeat(100, &|number| format!("<a xmlns:n{number}='{number}'>"));
    assert_eq!(limit(nested), "namespaces");
    let prefixes = repeat(10, &|number| format!("<n{number}:a/>"));
    assert_eq!(
        limit(format!("<device>{prefixes}</device>")),
        "undeclared prefixes"
    );
}

#[test]
fn a_deep_file_is_an_error_and_no_stack_overflow() {
    let deep = format!("<device>{}", "<a>".repeat(8000));
    assert!(matches!(
        parse(deep.as_bytes()),
        Err(ConfigError::Corrupt { .. })
    ));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        xml in "(<[!?/]?[a-z:]{0,8}( [a-z:]{1,6}='[a-z&;#<]{0,4}')?[/?]?>?|[a-z&;#'=-]{0,6}|\\]\\]>|<!\\[CDATA\\[|-->){0,40}",
    ) {
        drop(parse(&bytes));
        drop(parse(xml.as_bytes()));
        drop(parse(format!("<device>{xml}</device>").as_bytes()));
        drop(parse(&[b"<device>".as_slice(), &bytes].concat()));
    }

    #[test]
    fn a_mutated_file_never_panics(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        length in any::<prop::sample::Index>(),
        cut in any::<bool>(),
        is_default in any::<bool>(),
    ) {
        let mut bytes = if is_default { DEFAULT } else { PHONE }.as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut {
            bytes.truncate(length.index(bytes.len() + 1));
        }
        match parse(&bytes) {
            Ok(config) => {
                prop_assert!(config.members.is_sorted_by_key(|member| member.priority));
                prop_assert!(config.members.len() <= MAX_MEMBERS);
            }
            Err(ConfigError::Corrupt { line, column, .. }) => {
                prop_assert!(line >= 1 && column >= 1);
                prop_assert!(line as usize <= bytes.split(|&byte| byte == b'\n').count());
            }
            Err(_) => {}
        }
    }
}
