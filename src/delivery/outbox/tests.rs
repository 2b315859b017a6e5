use std::fs;

use super::*;
use crate::alert::Policy;
use crate::config;
use crate::delivery::sender::test_message;

fn state() -> State {
    Policy::new(config::Alert::default()).state()
}

fn message(receiver: &str, thread: &str, sequence: u32) -> Notification {
    let mut message = test_message(receiver, Timestamp::from_secs(1));
    message.thread = thread.into();
    message.sequence = sequence;
    message.id = format!("{thread}-{sequence}");
    message
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_secs(seconds)
}

fn due(outbox: &Outbox, receiver: &str, seconds: u64) -> Pending {
    match outbox.next(receiver, at(seconds)).unwrap() {
        Next::Message(pending) => *pending,
        other @ (Next::At(_) | Next::Nothing) => panic!("{other:?}"),
    }
}

#[test]
fn a_folder_that_it_makes_is_nobody_elses() {
    use std::os::unix::fs::PermissionsExt;

    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("state");
    Outbox::open(&folder).unwrap();
    let mode = fs::metadata(&folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn messages_of_one_outage_come_in_order_and_others_do_not_wait_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(folder.path()).unwrap();
    let messages = [
        message("a", "one", 1),
        message("a", "one", 2),
        message("a", "two", 1),
        message("b", "one", 1),
    ];
    outbox.store(&state(), &messages).unwrap();
    // The same again is the same.
    outbox.store(&state(), &messages).unwrap();
    assert_eq!(outbox.pending().unwrap(), 4);

    let first = due(&outbox, "a", 10);
    assert_eq!(first.notification, messages[0]);
    outbox.later(first.number, at(20)).unwrap();
    let other = due(&outbox, "a", 10);
    assert_eq!(other.notification, messages[2]);
    outbox.delivered(&other, false).unwrap();
    assert_eq!(outbox.next("a", at(10)).unwrap(), Next::At(at(20)));

    let again = due(&outbox, "a", 20);
    assert_eq!((again.number, again.attempts), (first.number, 1));
    outbox.refused(again.number).unwrap();
    assert_eq!(due(&outbox, "a", 20).notification, messages[1]);
    assert_eq!(due(&outbox, "b", 20).notification, messages[3]);
    assert_eq!(outbox.next("c", at(20)).unwrap(), Next::Nothing);
}

#[test]
fn who_answers_again_is_sent_all_that_waits_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(folder.path()).unwrap();
    let threads = ["one", "two", "three"];
    for receiver in ["a", "b"] {
        let messages = threads.map(|thread| message(receiver, thread, 1));
        outbox.store(&state(), &messages).unwrap();
        for thread in ["one", "two"] {
            let pending = due(&outbox, receiver, 10);
            assert_eq!(pending.notification.thread, thread);
            outbox.later(pending.number, at(600)).unwrap();
        }
    }
    let through = due(&outbox, "a", 20);
    assert_eq!(through.notification.thread, "three");
    outbox.answered("a").unwrap();
    outbox.delivered(&through, false).unwrap();
    for thread in ["one", "two"] {
        let pending = due(&outbox, "a", 20);
        let found = (&*pending.notification.thread, pending.attempts);
        assert_eq!(found, (thread, 1));
        outbox.delivered(&pending, false).unwrap();
    }
    assert_eq!(outbox.next("a", at(20)).unwrap(), Next::Nothing);
    outbox.delivered(&due(&outbox, "b", 20), false).unwrap();
    assert_eq!(outbox.next("b", at(20)).unwrap(), Next::At(at(600)));
}

#[test]
fn what_was_stored_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(folder.path()).unwrap();
    assert!(outbox.state().unwrap().is_none());
    outbox.store(&state(), &[message("a", "one", 1)]).unwrap();
    drop(outbox);
    let mut outbox = Outbox::open(folder.path()).unwrap();
    assert_eq!(outbox.state().unwrap(), Some(state()));
    assert_eq!(due(&outbox, "a", 0).notification.id, "one-1");
    assert_eq!(outbox.keep_only(&["b"]).unwrap(), 1);
    assert_eq!(outbox.pending().unwrap(), 0);
}

#[test]
fn only_what_changed_is_written_again() {
    let row = |key: &str, body: Option<&str>| Row {
        key: key.to_owned(),
        body: body.map(ToOwned::to_owned),
    };
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(folder.path()).unwrap();
    let mut stored = |is_whole, rows: &[Row]| {
        let rows = rows.to_vec();
        outbox.store(&State { is_whole, rows }, &[]).unwrap();
        let rows = outbox.state().unwrap().map(|state| state.rows);
        rows.into_iter().flatten().collect::<Vec<_>>()
    };
    let first = [
        row("alert/1", Some("a")),
        row("group/1", Some("b")),
        row("group/1/1", Some("true")),
        row("group/10", Some("c")),
        row("group/10/1", Some("false")),
    ];
    assert_eq!(stored(true, &first), first);
    // A group goes with all that is in it, and no other does.
    let changes = [row("alert/1", Some("d")), row("group/1", None)];
    let rest = [changes[0].clone(), first[3].clone(), first[4].clone()];
    assert_eq!(stored(false, &changes), rest);
    assert_eq!(stored(true, &first[..2]), first[..2]);
}

#[test]
fn what_an_older_version_wrote_is_taken_over_but_for_what_it_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(folder.path()).unwrap();
    outbox.store(&state(), &[message("a", "one", 1)]).unwrap();
    let before = "DROP TABLE policy; CREATE TABLE state (id INTEGER PRIMARY KEY, body TEXT) STRICT;
                  INSERT INTO state VALUES (1, '{}'); PRAGMA user_version = 1;";
    outbox.connection.execute_batch(before).unwrap();
    drop(outbox);
    let outbox = Outbox::open(folder.path()).unwrap();
    assert_eq!(outbox.state().unwrap(), None);
    assert_eq!(due(&outbox, "a", 0).notification.id, "one-1");
}

#[test]
fn a_peer_that_is_new_stands_like_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(folder.path()).unwrap();
    let begin = message("am", "one", 1);
    outbox
        .store(&state(), std::slice::from_ref(&begin))
        .unwrap();
    outbox.delivered(&due(&outbox, "am", 0), true).unwrap();
    outbox.stand_like("am", "second").unwrap();
    assert_eq!(outbox.standing("second").unwrap(), begin.alerts);
}

#[test]
fn what_cannot_be_read_holds_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(folder.path()).unwrap();
    let messages = [message("a", "one", 1), message("a", "one", 2)];
    outbox.store(&state(), &messages).unwrap();
    let change = "UPDATE outgoing SET body = '{}' WHERE sequence = 1";
    outbox.connection.execute(change, []).unwrap();
    assert_eq!(due(&outbox, "a", 0).notification, messages[1]);
}

#[test]
fn the_one_with_the_most_gives_up_its_oldest() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(folder.path()).unwrap();
    outbox.most.messages = 3;
    let messages = [
        message("healthy", "one", 1),
        message("dead", "one", 1),
        message("dead", "one", 2),
        message("dead", "one", 3),
        message("dead", "one", 4),
    ];
    assert_eq!(outbox.store(&state(), &messages).unwrap(), 2);
    assert_eq!(due(&outbox, "healthy", 0).notification.sequence, 1);
    assert_eq!(due(&outbox, "dead", 0).notification.sequence, 3);
    outbox.most.bytes = 100;
    outbox.store(&state(), &[]).unwrap();
    assert_eq!(outbox.pending().unwrap(), 0);
}

#[test]
fn what_a_receiver_was_told_of_stands_until_it_is_told_of_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(folder.path()).unwrap();
    let begin = message("am", "one", 1);
    let mut end = message("am", "one", 2);
    end.alerts[0] = Alert {
        status: Status::Resolved,
        ..begin.alerts[0].clone()
    };
    outbox.store(&state(), &[begin.clone(), end]).unwrap();
    outbox.delivered(&due(&outbox, "am", 0), true).unwrap();
    assert_eq!(outbox.standing("am").unwrap(), begin.alerts);
    outbox.delivered(&due(&outbox, "am", 0), true).unwrap();
    assert_eq!(outbox.standing("am").unwrap(), []);
}

#[test]
fn a_folder_or_file_that_cannot_be_used_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let error = |path: &Path| Outbox::open(path).unwrap_err().to_string();

    let in_use = Outbox::open(folder.path()).unwrap();
    assert!(error(folder.path()).contains("another phonewatch"));
    drop(in_use);

    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let told = error(&file.join("below"));
    assert!(
        told.contains("below") && told.contains("state_dir"),
        "{told}"
    );

    let damaged = folder.path().join("damaged");
    fs::create_dir(&damaged).unwrap();
    fs::write(damaged.join("alerts.sqlite"), "no database".repeat(1000)).unwrap();
    assert!(error(&damaged).contains("it is damaged"));

    let newer = folder.path().join("newer");
    drop(Outbox::open(&newer).unwrap());
    let connection = Connection::open(newer.join("alerts.sqlite")).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    assert!(error(&newer).contains("newer phonewatch"));
}
