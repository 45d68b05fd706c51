//! The least answer to an INVITE that is a valid 486: the five headers that a response must have.

/// Writes the answer to an INVITE; all else has none.
pub(crate) fn answer(request: &[u8], response: &mut Vec<u8>) -> bool {
    response.clear();
    if !request.starts_with(b"INVITE ") {
        return false;
    }
    response.extend_from_slice(b"SIP/2.0 486 Busy Here\r\n");
    for line in request.split_inclusive(|byte| *byte == b'\n').skip(1).take_while(|line| line.len() > 2) {
        let is_echoed = |name: &&[u8]| line.starts_with(name);
        if [&b"Via:"[..], b"From:", b"Call-ID:", b"CSeq:"].iter().any(is_echoed) {
            response.extend_from_slice(line);
        } else if line.starts_with(b"To:") {
            response.extend_from_slice(line.trim_ascii_end());
            response.extend_from_slice(b";tag=1\r\n");
        }
    }
    response.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    true
}
