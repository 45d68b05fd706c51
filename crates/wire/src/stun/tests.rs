use super::*;

/// RFC 5769's transaction.
const ID: [u8; 12] = [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];
/// RFC 5769 section 2.2.
const IPV4: &str = "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220\
    002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96";
/// RFC 5769 section 2.3.
const IPV6: &str = "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220\
    002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275\
    bfe3ed4180280004c8fb0b4c";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.bytes().map(|digit| u8::try_from((digit as char).to_digit(16).unwrap()).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Returns a message of a type with these attributes, as bytes.
fn message(kind: u16, attributes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(attributes.len()).unwrap();
    [&kind.to_be_bytes()[..], &length.to_be_bytes(), &MAGIC_COOKIE.to_be_bytes(), &ID, attributes].concat()
}

const PLAIN: [u8; 12] = [0x00, 0x01, 0x00, 0x08, 0, 1, 0x13, 0xc4, 192, 0, 2, 1];

#[test]
fn a_request_is_a_header_and_nothing_else() {
    let expected = [&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &ID].concat();
    assert_eq!(binding_request(TransactionId::new(ID)).to_vec(), expected);
}

#[test]
fn the_addresses_of_rfc_5769_are_read() {
    let address = |hex| Answer::parse(&bytes(hex)).unwrap();
    let answer = |mapped: &str| Answer { id: TransactionId::new(ID), mapped: Ok(mapped.parse().unwrap()) };
    assert_eq!(address(IPV4), answer("192.0.2.1:32853"));
    assert_eq!(address(IPV6), answer("[2001:db8:1234:5678:11:2233:4455:6677]:32853"));
}

#[test]
fn an_address_that_a_router_may_have_rewritten_counts_only_without_the_other() {
    let mapped = |attributes: &[u8]| Answer::parse(&message(BINDING_SUCCESS, attributes)).unwrap().mapped;
    assert_eq!(mapped(&PLAIN), Ok("192.0.2.1:5060".parse().unwrap()));
    let xored = [0x00, 0x20, 0x00, 0x08, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
    assert_eq!(mapped(&[PLAIN, xored].concat()), Ok("192.0.2.1:32853".parse().unwrap()));
}

#[test]
fn an_error_says_its_code() {
    let answer = |value: [u8; 4]| {
        let attribute = [&[0x00, 0x09, 0x00, 0x04][..], &value].concat();
        Answer::parse(&message(BINDING_ERROR, &attribute)).map(|answer| answer.mapped)
    };
    assert_eq!(answer([0, 0, 4, 20]), Ok(Err(420)));
    assert_eq!(answer([0, 0, 2, 0]), Err(ParseError::Value(ERROR_CODE)));
    assert_eq!(answer([0, 0, 4, 100]), Err(ParseError::Value(ERROR_CODE)));
    assert_eq!(Answer::parse(&message(BINDING_ERROR, &[])), Err(ParseError::NoCode));
}

#[test]
fn what_breaks_the_format_says_where() {
    let read = |attributes: &[u8]| Answer::parse(&message(BINDING_SUCCESS, attributes)).unwrap_err();
    assert_eq!(read(&[]), ParseError::NoAddress);
    assert_eq!(read(&[0x80, 0x22, 0x00]), ParseError::Length { said: 3, is: 3 });
    assert_eq!(read(&[0x80, 0x22, 0x00, 0x01]), ParseError::CutOff(0x8022));
    assert_eq!(read(&[0x80, 0x22, 0xff, 0xff]), ParseError::CutOff(0x8022));
    assert_eq!(read(&[0x00, 0x20, 0x00, 0x00]), ParseError::Value(XOR_MAPPED_ADDRESS));
    assert_eq!(read(&[0x00, 0x01, 0x00, 0x08, 0, 2, 0, 1, 1, 2, 3, 4]), ParseError::Value(MAPPED_ADDRESS));
    let unknown = [&[0x7f, 0xff, 0x00, 0x00][..], &PLAIN].concat();
    assert_eq!(read(&unknown), ParseError::Unknown(0x7fff));
    assert_eq!(Answer::parse(&message(BINDING_REQUEST, &[])), Err(ParseError::Type(BINDING_REQUEST)));
}

#[test]
fn a_message_that_is_cut_anywhere_is_none() {
    for hex in [IPV4, IPV6] {
        let whole = bytes(hex);
        for end in 0..whole.len() {
            assert!(Answer::parse(&whole[..end]).is_err(), "{end}");
        }
    }
}

#[test]
fn no_byte_that_is_another_makes_a_panic() {
    let whole = bytes(IPV6);
    for (index, value) in (0..whole.len()).flat_map(|index| (0..=255).map(move |value| (index, value))) {
        let mut changed = whole.clone();
        changed[index] = value;
        // Whatever it is read as.
        let _ = Answer::parse(&changed);
    }
}
