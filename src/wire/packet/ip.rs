//! IP headers by way of etherparse, and what follows them.
//!
//! IPv6 extension headers are walked here, not by etherparse: in 0.21 the iterator over the extensions of a leniently
//! read packet trusts lengths that were not checked and reads beyond the frame where it ends inside an extension.

use std::net::IpAddr;

use etherparse::{IpNumber, Ipv4HeaderSlice, Ipv6HeaderSlice, err};

use super::{Fragment, IpPacket, TcpFlags, TcpSegment, Transport, UdpDatagram};
use crate::wire::icmp::IcmpMessage;
use crate::wire::{DecodeError, Reader};

/// Takes an IPv4 or IPv6 packet apart; for frames without a link header, packets out of tunnels and tests.
pub fn decode_ip(bytes: &[u8]) -> Result<IpPacket<'_>, DecodeError> {
    let header = IpHeader::parse(bytes)?;
    let transport = match header.fragment {
        Some(fragment) => Transport::Fragment(fragment),
        None => transport(header.protocol, header.payload, header.missing)?,
    };
    Ok(IpPacket {
        source: header.source,
        destination: header.destination,
        hop_limit: header.hop_limit,
        dscp: header.dscp,
        identification: header.identification,
        transport,
    })
}

/// What a whole IP payload holds, as where it was put together from fragments: `protocol` may be an IPv6 extension.
pub fn transport_of(protocol: u8, payload: &[u8]) -> Result<Transport<'_>, DecodeError> {
    let mut reader = Reader::new(payload);
    let extensions = Extensions::skip(protocol, &mut reader).map_err(DecodeError::of_a_whole)?;
    match extensions.fragment {
        // Fragments of a fragment: nothing that a real stack sends.
        Some(fragment) if fragment.is_part() => Err(DecodeError::Malformed {
            field: "fragment inside a fragmented packet",
        }),
        Some(_) | None => transport(extensions.protocol, reader.rest(), 0),
    }
}

/// An IP header of either version with its extensions, and what follows it.
pub(in crate::wire) struct IpHeader<'a> {
    pub(in crate::wire) source: IpAddr,
    pub(in crate::wire) destination: IpAddr,
    hop_limit: u8,
    dscp: u8,
    identification: u32,
    /// The protocol of `payload`.
    pub(in crate::wire) protocol: u8,
    /// The piece, where the packet is one; `payload` is the same bytes.
    pub(in crate::wire) fragment: Option<Fragment<'a>>,
    pub(in crate::wire) payload: &'a [u8],
    /// How many bytes more belong to the payload and were not captured.
    pub(super) missing: usize,
}

impl<'a> IpHeader<'a> {
    /// Reads the header; the payload may be cut at any place, and empty.
    pub(in crate::wire) fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        match bytes.first().map(|byte| byte >> 4) {
            Some(4) => Self::parse_v4(bytes),
            Some(6) => Self::parse_v6(bytes),
            Some(_) => Err(DecodeError::Malformed {
                field: "IP version",
            }),
            None => Err(DecodeError::Truncated {
                field: "IP version",
                need: 1,
                have: 0,
            }),
        }
    }

    fn parse_v4(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let header = Ipv4HeaderSlice::from_slice(bytes).map_err(|error| match error {
            err::ipv4::HeaderSliceError::Len(error) => cut("IPv4 header", &error),
            err::ipv4::HeaderSliceError::Content(_) => DecodeError::Malformed {
                field: "IPv4 header",
            },
        })?;
        let mut reader = Reader::new(bytes);
        reader.take("IPv4 header", header.slice().len())?;
        let length = match usize::from(header.total_len()) {
            0 => None,
            total => Some(total.checked_sub(header.slice().len()).ok_or(
                DecodeError::Malformed {
                    field: "IPv4 total length",
                },
            )?),
        };
        let (mut body, missing) = body(&mut reader, length);
        let identification = u32::from(header.identification());
        let protocol = header.protocol();
        let (protocol, fragment) = if header.is_fragmenting_payload() {
            let fragment = Fragment {
                offset: u32::from(header.fragments_offset().value()).saturating_mul(8),
                more: header.more_fragments(),
                protocol: protocol.0,
                identification,
                payload: body.peek(),
                truncated: missing > 0,
            };
            (protocol.0, Some(fragment))
        } else if protocol == IpNumber::AUTHENTICATION_HEADER {
            let extensions = Extensions::skip(protocol.0, &mut body);
            (
                extensions.map_err(|error| blame(error, missing))?.protocol,
                None,
            )
        } else {
            (protocol.0, None)
        };
        Ok(Self {
            source: header.source_addr().into(),
            destination: header.destination_addr().into(),
            hop_limit: header.ttl(),
            dscp: header.dcp().value(),
            identification,
            protocol,
            fragment,
            payload: body.rest(),
            missing,
        })
    }

    fn parse_v6(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let header = Ipv6HeaderSlice::from_slice(bytes).map_err(|error| match error {
            err::ipv6::HeaderSliceError::Len(error) => cut("IPv6 header", &error),
            err::ipv6::HeaderSliceError::Content(_) => DecodeError::Malformed {
                field: "IPv6 header",
            },
        })?;
        let mut reader = Reader::new(bytes);
        reader.take("IPv6 header", header.slice().len())?;
        let length = match usize::from(header.payload_length()) {
            0 => None,
            length => Some(length),
        };
        let (mut body, missing) = body(&mut reader, length);
        let extensions = Extensions::skip(header.next_header().0, &mut body)
            .map_err(|error| blame(error, missing))?;
        let fragment = extensions.fragment.map(|fragment| Fragment {
            payload: body.peek(),
            truncated: missing > 0,
            ..fragment
        });
        Ok(Self {
            source: header.source_addr().into(),
            destination: header.destination_addr().into(),
            hop_limit: header.hop_limit(),
            dscp: header.dscp().value(),
            identification: fragment.map_or(0, |fragment| fragment.identification),
            protocol: extensions.protocol,
            fragment: fragment.filter(Fragment::is_part),
            payload: body.rest(),
            missing,
        })
    }
}

impl Fragment<'_> {
    /// Whether it is not the whole payload: an IPv6 packet may have a fragment header around everything (RFC 6946).
    fn is_part(&self) -> bool {
        self.more || self.offset > 0
    }
}

/// The bytes behind a header, as many as its length says, and how many of them are not there. Without a length
/// (segmentation offload) it is all there is.
fn body<'a>(reader: &mut Reader<'a>, length: Option<usize>) -> (Reader<'a>, usize) {
    match length {
        Some(length) => {
            let body = reader.take_up_to(length);
            (Reader::new(body), length.saturating_sub(body.len()))
        }
        None => (Reader::new(reader.rest()), 0),
    }
}

/// What the extension headers of an IPv6 packet said.
struct Extensions {
    /// The protocol behind them.
    protocol: u8,
    /// The last fragment header, without its payload.
    fragment: Option<Fragment<'static>>,
}

impl Extensions {
    /// Takes the extension headers (RFC 8200 section 4.1) up to another protocol, or up to the header of a piece, behind
    /// which nothing but the first piece has headers. Each takes at least eight bytes.
    fn skip(mut protocol: u8, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        const FIELD: &str = "IP extension header";

        let mut fragment = None;
        loop {
            match IpNumber(protocol) {
                IpNumber::IPV6_HEADER_HOP_BY_HOP
                | IpNumber::IPV6_ROUTE_HEADER
                | IpNumber::IPV6_DESTINATION_OPTIONS
                | IpNumber::MOBILITY_HEADER
                | IpNumber::HIP
                | IpNumber::SHIM6 => {
                    let [next, length] = reader.array(FIELD)?;
                    let rest = usize::from(length).saturating_mul(8).saturating_add(6);
                    reader.take(FIELD, rest)?;
                    protocol = next;
                }
                IpNumber::AUTHENTICATION_HEADER => {
                    // RFC 4302 section 2.2: in units of four bytes, two of them not counted.
                    let [next, length] = reader.array(FIELD)?;
                    let rest = usize::from(length).saturating_mul(4).saturating_add(6);
                    reader.take(FIELD, rest)?;
                    protocol = next;
                }
                IpNumber::IPV6_FRAGMENTATION_HEADER => {
                    let [next, _reserved] = reader.array(FIELD)?;
                    let offset_and_flags = reader.u16_be(FIELD)?;
                    let header = Fragment {
                        offset: u32::from(offset_and_flags & 0xfff8),
                        more: offset_and_flags & 1 == 1,
                        protocol: next,
                        identification: reader.u32_be(FIELD)?,
                        payload: &[],
                        truncated: false,
                    };
                    fragment = Some(header);
                    protocol = next;
                    if header.is_part() {
                        break;
                    }
                }
                _ => break,
            }
        }
        Ok(Self { protocol, fragment })
    }
}

/// What `bytes` hold; `missing` bytes more belong to them and were not captured.
fn transport(protocol: u8, bytes: &[u8], missing: usize) -> Result<Transport<'_>, DecodeError> {
    Ok(match IpNumber(protocol) {
        IpNumber::TCP => Transport::Tcp(tcp(bytes, missing)?),
        IpNumber::UDP => Transport::Udp(udp(bytes, missing)?),
        IpNumber::ICMP => {
            Transport::Icmp(IcmpMessage::parse_v4(bytes).map_err(|error| blame(error, missing))?)
        }
        IpNumber::IPV6_ICMP => {
            Transport::Icmp(IcmpMessage::parse_v6(bytes).map_err(|error| blame(error, missing))?)
        }
        IpNumber::GRE | IpNumber::IPV4 | IpNumber::IPV6 => Transport::Encapsulated {
            protocol,
            payload: bytes,
        },
        _ => Transport::Other { protocol },
    })
}

/// Read field by field, since a snap length that cuts the options away still leaves everything that is needed.
fn tcp(bytes: &[u8], missing: usize) -> Result<TcpSegment<'_>, DecodeError> {
    const FIXED_HEADER: usize = 20;

    let length = bytes.len().saturating_add(missing);
    if length < FIXED_HEADER {
        return Err(DecodeError::Malformed {
            field: "TCP length",
        });
    }
    let mut reader = Reader::new(bytes);
    let source_port = reader.u16_be("TCP source port")?;
    let destination_port = reader.u16_be("TCP destination port")?;
    let sequence = reader.u32_be("TCP sequence number")?;
    let acknowledgment = reader.u32_be("TCP acknowledgment number")?;
    let header_length = usize::from(reader.u8("TCP data offset")? >> 4).saturating_mul(4);
    let flags = TcpFlags(reader.u8("TCP flags")?);
    let window = reader.u16_be("TCP window")?;
    reader.take("TCP checksum and urgent pointer", 4)?;
    let (Some(options), Some(payload_length)) = (
        header_length.checked_sub(FIXED_HEADER),
        length.checked_sub(header_length),
    ) else {
        return Err(DecodeError::Malformed {
            field: "TCP data offset",
        });
    };
    reader.take_up_to(options);
    Ok(TcpSegment {
        source_port,
        destination_port,
        sequence,
        acknowledgment: flags.ack().then_some(acknowledgment),
        flags,
        window,
        payload: reader.rest(),
        payload_length: u32::try_from(payload_length).unwrap_or(u32::MAX),
    })
}

fn udp(bytes: &[u8], missing: usize) -> Result<UdpDatagram<'_>, DecodeError> {
    const HEADER: usize = 8;

    let available = bytes.len().saturating_add(missing);
    let malformed = DecodeError::Malformed {
        field: "UDP length",
    };
    if available < HEADER {
        return Err(malformed);
    }
    let mut reader = Reader::new(bytes);
    let source_port = reader.u16_be("UDP source port")?;
    let destination_port = reader.u16_be("UDP destination port")?;
    let length = match usize::from(reader.u16_be("UDP length")?) {
        // Segmentation offload and jumbograms (RFC 2675 section 4): up to the end of the packet.
        0 => available,
        length => length,
    };
    reader.take("UDP checksum", 2)?;
    let length = length.checked_sub(HEADER).ok_or(malformed)?;
    let payload = reader.take_up_to(length);
    Ok(UdpDatagram {
        source_port,
        destination_port,
        payload,
        payload_length: u32::try_from(length).unwrap_or(u32::MAX),
        truncated: payload.len() < length,
    })
}

/// What the end of the bytes means: the capture cut them where bytes are missing; else the packet is wrong.
fn blame(error: DecodeError, missing: usize) -> DecodeError {
    if missing > 0 {
        error
    } else {
        error.of_a_whole()
    }
}

fn cut(field: &'static str, error: &err::LenError) -> DecodeError {
    DecodeError::Truncated {
        field,
        need: error.required_len,
        have: error.len,
    }
}
