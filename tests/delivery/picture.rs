//! A mail as people see it: its HTML in a real browser.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use phonewatch::alert::{Known, Notification, Policy, Update};
use phonewatch::delivery::Outcome;
use phonewatch::event::{Event, EventKind, Subject};
use phonewatch::finding::{Evidence, Finding, Severity};
use phonewatch::net::DeviceName;
use phonewatch::time::Timestamp;

use super::browser::Browser;
use super::email::MailServer;
use super::{is_missing, now, sender, settings};

const CRITICAL: [u8; 3] = [0xb0, 0x00, 0x20];
const OVER: [u8; 3] = [0x1e, 0x7b, 0x34];
const BUTTON: [u8; 3] = [0x1a, 0x5f, 0xb4];
/// What somebody on the wire may call itself.
const HOSTILE: &str =
    "<img src=x onerror=alert(1)><script>document.title='hacked'</script>\"'&amp;";

/// An outage of fourteen phones, of which ten are named; and that it is over.
fn outage() -> Vec<Notification> {
    let mut settings =
        settings("kind = 'email'\nhost = 'x'\nfrom = 'a@b.c'\nto = ['a@b.c']\nalerts = 4");
    settings.group_wait = Duration::from_secs(1);
    settings.group_interval = Duration::from_secs(1);
    settings.resolve_after = Duration::ZERO;
    settings.external_url = Some("https://phonewatch.example.com".to_owned());
    let mut policy = Policy::new(settings);
    let mut messages = Vec::new();
    for cleared in [None, Some(now() + Duration::from_secs(600))] {
        let at = cleared.unwrap_or(now());
        for phone in 1..=14 {
            policy.handle(update(phone, cleared), at);
        }
        policy.handle_timeout(at + Duration::from_secs(2));
        messages.extend(std::iter::from_fn(|| policy.poll_notification()));
    }
    assert_eq!(messages.len(), 2);
    messages
}

fn update(phone: u8, cleared: Option<Timestamp>) -> Update {
    let name = format!("SEP0013800000{phone:02}");
    let about = None;
    let finding = Arc::new(Finding {
        code: "registration_rejected",
        severity: Severity::Critical,
        since: now(),
        raised: now(),
        last_seen: now(),
        cleared,
        count: 3,
        summary: "CallManager 10.0.0.11 rejected the registration 3 times: \"Error: DB Config\""
            .to_owned(),
        evidence: vec![Evidence {
            at: now(),
            text: "10.0.0.11 sent RegisterReject \"Error: DB Config\"".into(),
        }],
        remedy: &[
            "Look the phone up in CallManager under Device, Phone: is it there, with this name?",
            "If it is not, add it, or allow auto-registration for its subnet.",
            "If it is, restart the database replication and see that its status is 2.",
        ],
        reference: "",
        server: Some([10, 0, 0, 11].into()),
        explained_by: &[],
    });
    let event = Event {
        at: cleared.unwrap_or(now()),
        subject: Some(Subject {
            name: DeviceName::from_wire(name.as_bytes()),
            mac: None,
            address: Some([10, 1, 2, phone].into()),
        }),
        kind: match cleared {
            None => EventKind::FindingRaised { about, finding },
            Some(_) => EventKind::FindingCleared { about, finding },
        },
    };
    Update::of(&event, &Known::default()).unwrap()
}

#[tokio::test]
async fn a_mail_is_seen_as_it_is_meant() {
    let Some(browser) = Browser::new() else {
        is_missing("chromium");
        return;
    };
    let Some(mut server) = MailServer::start(&["plain"]) else {
        return;
    };
    let sender = sender(&server.receiver("none"));
    let [mut firing, over]: [Notification; 2] = outage().try_into().unwrap();
    firing.names[3] = HOSTILE.to_owned();
    firing.alerts[1].subject = HOSTILE.to_owned();
    // Where somebody wants to look at them, PHONEWATCH_PICTURES names a folder.
    let own = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("PHONEWATCH_PICTURES").map_or(own.path().to_owned(), Into::into);
    for (name, message, colour) in [("firing", &firing, CRITICAL), ("over", &over, OVER)] {
        let outcome = sender.send(message, now()).await;
        assert!(matches!(outcome, Outcome::Delivered(_)), "{outcome:?}");
        let mail = server.mail();
        let page = folder.join(format!("{name}.html"));
        fs::write(&page, mail["parts"]["text/html"].as_str().unwrap()).unwrap();
        let url = format!("file://{}", page.display());

        let picture = browser.picture(&url, 800, 1200, &folder.join(format!("{name}.png")));
        assert_eq!((picture.width, picture.height), (800, 1200));
        // The head has the width of 600 pixels and two lines at the most; text stands on it.
        let head = picture.count(colour);
        assert!((600 * 40..600 * 110).contains(&head), "{head}");
        assert!(
            picture.count([0xff, 0xff, 0xff]) > 600 * 200,
            "the page is white"
        );
        assert!(
            picture.count([0xec, 0xef, 0xf1]) > 190 * 1000,
            "beside it, it is grey"
        );

        if name == "firing" {
            assert!(
                picture.count(BUTTON) > 3 * 100 * 20,
                "each phone has a button to its page"
            );
        }
    }

    let url = format!("file://{}", folder.join("firing.html").display());
    let (document, complaints) = browser.document(&url);
    assert_eq!(complaints, [""; 0]);
    for element in ["<script", "<img", "onerror=alert(1)>"] {
        assert!(!document.contains(element), "{element} is in {document}");
    }
    assert!(
        document.contains(&format!("<title>{}</title>", firing.title)),
        "{document}"
    );
    for name in firing.names.iter().filter(|name| *name != HOSTILE) {
        assert!(
            document.contains(&format!(">{name}</span>")),
            "{name} is not in {document}"
        );
    }
    assert!(document.contains("and 4 more</span>"), "{document}");

    // As on a phone: nothing is wider than the screen. A browser's own window cannot be so narrow.
    let narrow = folder.join("phone.html");
    let frame = "<body style=\"margin:0;background:#000\"><iframe src=\"firing.html\" width=\"360\" height=\"1600\" \
                 style=\"border:0\"></iframe></body>";
    fs::write(&narrow, frame).unwrap();
    let url = format!("file://{}", narrow.display());
    let picture = browser.picture(&url, 600, 1600, &folder.join("phone.png"));
    let head = picture.count(CRITICAL);
    assert!((344 * 40..344 * 160).contains(&head), "{head}");
    assert_eq!(
        picture.count([0, 0, 0]) / 1600,
        240,
        "it keeps to its width"
    );
    assert!(firing.alerts.len() == 4 && firing.truncated == 10);
}
