//! DHCP: what the phone asks and what it is given.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::link::{announce, probe_and_find_taken, resolve, resolve_in_vain};
use super::{NO_TFTP_SERVER, SERVICES};
use crate::net::DeviceName;
use crate::simulate::script::{Host, Script};
use crate::simulate::truth::Fact;
use crate::wire::dhcp::{self, DhcpBuilder, MessageType, code};

const VENDOR_CLASS: &[u8] = b"Cisco Systems, Inc. IP Phone CP-7960G\0";

/// How the phone fares with DHCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulate) enum LeaseStory {
    /// It gets an address.
    Given(Offer),
    /// Its DISCOVERs are answered after a minute.
    GivenLate,
    /// A second server offers an address too.
    Rogue,
    /// It gets an address that somebody else has, and declines it.
    Taken,
    /// Nobody answers its DISCOVERs.
    NoAnswer,
    /// Its DISCOVER is answered, its REQUESTs are not.
    NoAck,
    /// It was given its address by hand and asks nobody.
    ByHand,
    /// It asks for its address for longer, and is given it.
    Renewed,
    /// It asks for its address for longer, is refused and gives it back.
    RenewalRefused,
}

/// What comes with the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulate) enum Offer {
    /// All that a phone needs.
    Usual,
    /// The same for [`SHORT_LEASE`].
    Brief,
    /// A machine without a TFTP service.
    NoService,
    /// Text for option 150.
    Text,
    /// Six bytes for option 150.
    WrongLength,
    /// 0.0.0.0 for option 150.
    Zero,
    /// No TFTP server.
    NoTftpServer,
    /// A router that is not in its subnet.
    BadRouter,
}

/// How long an address is given for to a phone that is going to renew it: it does so at half of that.
pub(super) const SHORT_LEASE: Duration = Duration::from_secs(900);

/// A computer that is no phone asks everyone whether it may keep its address, and is answered (RFC 2131, section 3.2).
pub(in crate::simulate) fn renew(script: &mut Script, computer: &Host) {
    let transaction = script.random.number32();
    let ask = DhcpBuilder::new(MessageType::Request, transaction, computer.mac)
        .addresses(code::REQUESTED_ADDRESS, &[computer.address]);
    script.udp(
        (&computer.without_address(), dhcp::CLIENT_PORT),
        (&Host::everyone(), dhcp::SERVER_PORT),
        &ask.build(),
    );
    let answer = DhcpBuilder::new(MessageType::Ack, transaction, computer.mac)
        .your_address(computer.address)
        .addresses(code::SERVER_IDENTIFIER, &[SERVICES.address])
        .option(code::LEASE_TIME, &86_400_u32.to_be_bytes());
    script.udp(
        (&SERVICES, dhcp::SERVER_PORT),
        (computer, dhcp::CLIENT_PORT),
        &answer.build(),
    );
}

/// The phone asks for an address, or for its address for longer.
pub(in crate::simulate) fn lease(
    script: &mut Script,
    phone: &Host,
    name: &DeviceName,
    story: LeaseStory,
) {
    let transaction = script.random.number32();
    let mut client = Client {
        script,
        phone,
        name,
        transaction,
        asking: Duration::ZERO,
    };
    let usual = Terms::of(&SERVICES);
    match story {
        LeaseStory::Given(offer) => client.obtain(&Terms::offered(offer)),
        LeaseStory::GivenLate => {
            client.discovers(&[4, 8, 16, 32]);
            client.obtain(&usual);
        }
        LeaseStory::Rogue => {
            client.discover();
            client.offer(&usual);
            client.offer(&Terms::of(&ROGUE));
            client.take(&usual);
        }
        LeaseStory::Taken => client.decline(&usual),
        LeaseStory::NoAnswer => client.discovers(&[4, 8, 16, 32, 240]),
        LeaseStory::NoAck => {
            client.discover();
            client.offer(&usual);
            for seconds in [4, 8, 200] {
                client.request();
                client.wait(seconds);
            }
        }
        LeaseStory::ByHand => client.settle(&usual),
        LeaseStory::Renewed => client.renew(&Terms::offered(Offer::Brief)),
        LeaseStory::RenewalRefused => client.renew_in_vain(),
    }
}

/// A server that nobody set up on purpose.
const ROGUE: Host = Host::server(66);
/// A router in a subnet where no phone is.
const FOREIGN_ROUTER: Host = Host {
    address: Ipv4Addr::new(10, 99, 0, 1),
    ..Host::server(1)
};

/// What a server gives with an address.
struct Terms {
    server: Host,
    mask: [u8; 4],
    router: Ipv4Addr,
    /// `None` leaves the option out.
    option_150: Option<Vec<u8>>,
    time: Duration,
    /// Whom the phone turns to with what it was given.
    next: Next,
}

enum Next {
    Server(Host),
    /// A router that does not exist.
    Nobody(Host),
    None,
}

impl Terms {
    /// What this server gives: itself for everything; the fleet's own has a router beside it.
    fn of(server: &Host) -> Self {
        Self {
            server: *server,
            mask: [255, 0, 0, 0],
            router: if *server == SERVICES {
                Ipv4Addr::new(10, 0, 0, 1)
            } else {
                server.address
            },
            option_150: Some(server.address.octets().to_vec()),
            time: Duration::from_secs(86_400),
            next: Next::Server(*server),
        }
    }

    fn offered(offer: Offer) -> Self {
        let terms = Self::of(&SERVICES);
        let with_option_150 = |option_150| Self {
            option_150,
            next: Next::None,
            ..Self::of(&SERVICES)
        };
        match offer {
            Offer::Usual => terms,
            Offer::Brief => Self {
                time: SHORT_LEASE,
                ..terms
            },
            Offer::NoService => Self {
                option_150: Some(NO_TFTP_SERVER.address.octets().to_vec()),
                next: Next::Server(NO_TFTP_SERVER),
                ..terms
            },
            Offer::Text => with_option_150(Some(SERVICES.address.to_string().into_bytes())),
            Offer::WrongLength => with_option_150(Some(vec![10, 0, 0, 5, 10, 0])),
            Offer::Zero => with_option_150(Some(vec![0; 4])),
            Offer::NoTftpServer => with_option_150(None),
            Offer::BadRouter => Self {
                mask: [255, 255, 255, 0],
                router: FOREIGN_ROUTER.address,
                next: Next::Nobody(FOREIGN_ROUTER),
                ..terms
            },
        }
    }

    fn message(&self, message_type: MessageType, transaction: u32, phone: &Host) -> DhcpBuilder {
        let seconds = u32::try_from(self.time.as_secs()).unwrap_or(u32::MAX);
        let message = DhcpBuilder::new(message_type, transaction, phone.mac)
            .your_address(phone.address)
            .addresses(code::SERVER_IDENTIFIER, &[self.server.address])
            .option(code::LEASE_TIME, &seconds.to_be_bytes())
            .option(code::SUBNET_MASK, &self.mask)
            .addresses(code::ROUTERS, &[self.router])
            .addresses(code::DNS_SERVERS, &[SERVICES.address]);
        match &self.option_150 {
            Some(value) => message.option(code::TFTP_SERVER_ADDRESSES, value),
            None => message,
        }
    }
}

/// The phone's side of one exchange.
struct Client<'a> {
    script: &'a mut Script,
    phone: &'a Host,
    name: &'a DeviceName,
    transaction: u32,
    /// For how long it has been asking.
    asking: Duration,
}

impl Client<'_> {
    /// DISCOVERs that nobody answers, with so many seconds after each.
    fn discovers(&mut self, pauses: &[u64]) {
        for &seconds in pauses {
            self.discover();
            self.wait(seconds);
        }
    }

    fn discover(&mut self) {
        let discover = self.message(MessageType::Discover);
        self.broadcast(discover);
        self.script.fact(Fact::AskedDhcp);
    }

    fn offer(&mut self, terms: &Terms) {
        let offer = terms.message(MessageType::Offer, self.transaction, self.phone);
        self.hear(&terms.server, &offer.build());
    }

    fn request(&mut self) {
        let request = self
            .message(MessageType::Request)
            .addresses(code::REQUESTED_ADDRESS, &[self.phone.address])
            .addresses(code::SERVER_IDENTIFIER, &[SERVICES.address]);
        self.broadcast(request);
        self.script.fact(Fact::AskedDhcp);
    }

    /// DISCOVER, OFFER, REQUEST, ACK.
    fn obtain(&mut self, terms: &Terms) {
        self.discover();
        self.offer(terms);
        self.take(terms);
    }

    /// It takes the address that it was offered.
    fn take(&mut self, terms: &Terms) {
        self.request();
        self.acknowledged(terms);
        self.settle(terms);
    }

    /// It tells everyone its address and turns to its next server.
    fn settle(&mut self, terms: &Terms) {
        announce(self.script, self.phone);
        match &terms.next {
            Next::Server(server) => resolve(self.script, self.phone, server),
            Next::Nobody(router) => resolve_in_vain(self.script, self.phone, router),
            Next::None => {}
        }
    }

    fn acknowledged(&mut self, terms: &Terms) {
        let ack = terms.message(MessageType::Ack, self.transaction, self.phone);
        self.hear(&terms.server, &ack.build());
        self.script.fact(Fact::HasAddress(self.phone.address));
    }

    /// RFC 2131, section 3.1, step 5.
    fn decline(&mut self, terms: &Terms) {
        self.discover();
        self.offer(terms);
        self.request();
        self.acknowledged(terms);
        probe_and_find_taken(self.script, self.phone);
        let decline = self
            .bare(MessageType::Decline)
            .addresses(code::REQUESTED_ADDRESS, &[self.phone.address])
            .addresses(code::SERVER_IDENTIFIER, &[SERVICES.address]);
        self.broadcast(decline);
        self.script.fact(Fact::Declined);
    }

    /// RFC 2131, section 4.4.5: at half of the lease it asks the server that gave it.
    fn ask_to_renew(&mut self) {
        let renewal = self
            .message(MessageType::Request)
            .client_address(self.phone.address);
        self.unicast(renewal);
        self.script.fact(Fact::Renewing);
    }

    fn renew(&mut self, terms: &Terms) {
        self.ask_to_renew();
        let ack = terms
            .message(MessageType::Ack, self.transaction, self.phone)
            .client_address(self.phone.address);
        self.hear(&terms.server, &ack.build());
    }

    fn renew_in_vain(&mut self) {
        self.ask_to_renew();
        let nak = DhcpBuilder::new(MessageType::Nak, self.transaction, self.phone.mac)
            .addresses(code::SERVER_IDENTIFIER, &[SERVICES.address]);
        // RFC 2131, section 4.1: a NAK goes to everyone.
        self.script.udp(
            (&SERVICES, dhcp::SERVER_PORT),
            (&Host::everyone(), dhcp::CLIENT_PORT),
            &nak.build(),
        );
        self.script.fact(Fact::DhcpRefused);
        let release = self
            .bare(MessageType::Release)
            .client_address(self.phone.address)
            .addresses(code::SERVER_IDENTIFIER, &[SERVICES.address]);
        self.unicast(release);
        self.script.fact(Fact::Released);
    }

    fn wait(&mut self, seconds: u64) {
        let wait = self.script.random.seconds(seconds, seconds + 1);
        self.asking += wait;
        self.script.pass(wait);
    }

    fn broadcast(&mut self, message: DhcpBuilder) {
        self.script.udp(
            (&self.phone.without_address(), dhcp::CLIENT_PORT),
            (&Host::everyone(), dhcp::SERVER_PORT),
            &message.build(),
        );
    }

    fn unicast(&mut self, message: DhcpBuilder) {
        self.script.udp(
            (self.phone, dhcp::CLIENT_PORT),
            (&SERVICES, dhcp::SERVER_PORT),
            &message.build(),
        );
    }

    fn hear(&mut self, server: &Host, message: &[u8]) {
        let server = (server, dhcp::SERVER_PORT);
        self.script
            .udp(server, (self.phone, dhcp::CLIENT_PORT), message);
    }

    /// A message that asks for something.
    fn message(&self, message_type: MessageType) -> DhcpBuilder {
        self.bare(message_type)
            .seconds(u16::try_from(self.asking.as_secs()).unwrap_or(u16::MAX))
            .option(code::VENDOR_CLASS, VENDOR_CLASS)
            .option(code::HOST_NAME, self.name.as_str().as_bytes())
            .option(code::PARAMETER_LIST, &[1, 66, 6, 3, 15, 150, 35])
    }

    fn bare(&self, message_type: MessageType) -> DhcpBuilder {
        const ETHERNET: u8 = 1;
        let identifier = [&[ETHERNET][..], &self.phone.mac.0].concat();
        DhcpBuilder::new(message_type, self.transaction, self.phone.mac)
            .option(code::CLIENT_IDENTIFIER, &identifier)
    }
}
