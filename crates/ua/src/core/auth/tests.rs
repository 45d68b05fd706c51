//! The RFCs' examples, and what a registrar may do to its clients.

use ringfence_wire::sip::{HeaderName, Message, Printer};

use super::*;

/// The cnonce of RFC 7616 section 3.9.1.
const CNONCE: &str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

/// The challenges of RFC 7616 section 3.9.1, strongest first.
const SHA_256: &str = r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;
const MD5: &str = r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;

/// An authenticator with the user of RFC 7616 section 3.9.1.
fn mufasa() -> Authenticator {
    Authenticator::new(Credentials::new("Mufasa", "Circle of Life"))
}

/// Hands the authenticator a 401 or 407 with these challenges.
fn challenge(authenticator: &mut Authenticator, status: u16, challenges: &[&str]) -> Result<(), AuthError> {
    let header = if status == 407 { "Proxy-Authenticate" } else { "WWW-Authenticate" };
    let fields: Vec<_> = challenges.iter().map(|challenge| format!("{header}: {challenge}\r\n")).collect();
    let text = format!("SIP/2.0 {status} Challenge\r\n{}\r\n", fields.concat());
    authenticator.handle_challenge(&Message::parse(text.as_bytes()).unwrap())
}

fn accept(authenticator: &mut Authenticator, headers: &str) {
    let text = format!("SIP/2.0 200 OK\r\n{headers}\r\n");
    authenticator.handle_success(&Message::parse(text.as_bytes()).unwrap());
}

/// Returns the request that is sent next.
fn send(
    authenticator: &mut Authenticator,
    method: &str,
    uri: &str,
    body: &str,
    cnonce: &str,
) -> Message<'static> {
    let mut out = Vec::new();
    let mut printer = Printer::request(&mut out, method, uri.as_bytes());
    authenticator.authorize(method, uri.as_bytes(), body.as_bytes(), cnonce, &mut printer);
    printer.finish();
    Message::parse(&out).unwrap().into_owned()
}

fn get(authenticator: &mut Authenticator) -> Message<'static> {
    send(authenticator, "GET", "/dir/index.html", "", CNONCE)
}

/// Returns a parameter of the request's only `Authorization`.
fn param(request: &Message<'_>, name: &str) -> Option<String> {
    assert!(request.count(HeaderName::Authorization) <= 1);
    let answer = request.challenges(HeaderName::Authorization).next()?;
    Some(answer.param(name)?.into_owned())
}

mod vectors {
    use super::*;

    fn response_of(challenge_text: &str) -> Option<String> {
        let mut authenticator = mufasa();
        challenge(&mut authenticator, 401, &[challenge_text]).unwrap();
        param(&get(&mut authenticator), "response")
    }

    #[test]
    fn rfc_7616_example_with_md5() {
        assert_eq!(response_of(MD5).as_deref(), Some("8ca523f5e9506fed4657c9700eebdbec"));
    }

    #[test]
    fn rfc_7616_example_with_sha_256() {
        let expected = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
        assert_eq!(response_of(SHA_256).as_deref(), Some(expected));
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-22.4
    //= type=test
    //# For SIP, the 'uri' MUST be enclosed in quotation marks.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-22.4
    //= type=test
    //# If a client receives a "qop" parameter in a challenge header field, it MUST send the "qop"
    //# parameter in any resulting authorization header field.
    //= https://www.rfc-editor.org/rfc/rfc7616#section-3.4
    //= type=test
    //# For historical reasons, a sender MUST only generate the quoted string syntax for the
    //# following parameters: username, realm, nonce, uri, response, cnonce, and opaque.
    //= https://www.rfc-editor.org/rfc/rfc7616#section-3.4
    //= type=test
    //# For historical reasons, a sender MUST NOT generate the quoted string syntax for the
    //# following parameters: algorithm, qop, and nc.
    //= https://www.rfc-editor.org/rfc/rfc8760#section-2.6
    //= type=test
    //# The "uri" parameter of the Authorization header field MUST be enclosed in quotation marks.
    //= https://www.rfc-editor.org/rfc/rfc8760#section-2.6
    //= type=test
    //# a UAC MUST send the "qop" parameter in any resulting authorization header field.
    //= https://www.rfc-editor.org/rfc/rfc7616#section-3.4
    //= type=test
    //# This parameter MUST be used by all implementations.
    #[test]
    fn a_request_carries_every_parameter_in_its_prescribed_form() {
        let mut authenticator = mufasa();
        challenge(&mut authenticator, 401, &[MD5]).unwrap();
        let request = get(&mut authenticator);
        assert_eq!(
            std::str::from_utf8(request.first(HeaderName::Authorization).unwrap()).unwrap(),
            "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", \
            nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", uri=\"/dir/index.html\", \
            response=\"8ca523f5e9506fed4657c9700eebdbec\", algorithm=MD5, qop=auth, nc=00000001, \
            cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", \
            opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        );
    }

    /// The inputs of the example of RFC 7616 section 3.9.2. Its printed `username` and `response` are made
    /// with SHA-512 cut to 256 bits, which is another function than SHA-512/256 (FIPS 180-4 section 5.3.6
    /// gives it initial values of its own). The values here are Python's `hashlib` and OpenSSL's.
    //= https://www.rfc-editor.org/rfc/rfc7616#section-3.4.4
    //= type=test
    //# If the client supports the userhash parameter, and the userhash parameter value in the
    //# WWW-Authentication header field is set to "true", then the client MUST calculate a hash of
    //# the username after any other hash calculation and include the userhash parameter with the
    //# value of "true" in the Authorization header field.
    #[test]
    fn sha_512_256_and_userhash_agree_with_independent_implementations() {
        let mut authenticator =
            Authenticator::new(Credentials::new("J\u{e4}s\u{f8}n Doe", "Secret, or not?"));
        let text = r#"Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true"#;
        challenge(&mut authenticator, 401, &[text]).unwrap();
        let cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v";
        let request = send(&mut authenticator, "GET", "/doe.json", "", cnonce);
        let username = "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b";
        let response = "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5";
        assert_eq!(param(&request, "username").as_deref(), Some(username));
        assert_eq!(param(&request, "response").as_deref(), Some(response));
        assert_eq!(param(&request, "userhash").as_deref(), Some("true"));
    }

    /// Computed with Python's `hashlib` from the inputs of RFC 7616 section 3.9.1 and the body `v=0`.
    #[test]
    fn every_algorithm_and_protection_agrees_with_an_independent_implementation() {
        let vectors = [
            ("MD5", "auth-int", "d1b8e2ac3f6782372de4bf3d8735b406"),
            ("MD5-sess", "auth", "e783283f46242139c486a698fec7211d"),
            ("MD5-sess", "auth-int", "4321e8772738f242cc32334079264d8c"),
            ("SHA-256", "auth-int", "385d2de062660ced11876f42d9497c69cacf5caaf3d951dd424aee9f7157d563"),
            ("SHA-256-sess", "auth", "2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7"),
            ("SHA-256-sess", "auth-int", "cade7e5b751d9c3c2f066a95f2405c5509ad0171cf93f117e98b7f0ebb212e57"),
            ("SHA-512-256", "auth", "430d05014cecc49cab6fbe03176d41a1da86cbfe24a16580e22aaad928d960d0"),
            ("SHA-512-256", "auth-int", "5e69357dfa951887c95e88aae45b1f7f834aeba94f85648b86d532e82afdb589"),
            ("SHA-512-256-sess", "auth", "3f2a34f923c38b0fb26dce2fdfc2ce326c23cecf86fbb1444f3e51fbbc2cb92e"),
            (
                "SHA-512-256-sess",
                "auth-int",
                "1ba4333021256e8b4eebe5c8d20ba53b167f1dac1f6d8c916a08c17ef99eae9a",
            ),
        ];
        for (algorithm, qop, expected) in vectors {
            let text = MD5.replace("MD5", algorithm).replace("auth, auth-int", qop);
            let mut authenticator = mufasa();
            challenge(&mut authenticator, 401, &[&text]).unwrap();
            let request = send(&mut authenticator, "GET", "/dir/index.html", "v=0\r\n", CNONCE);
            assert_eq!(param(&request, "response").as_deref(), Some(expected), "{algorithm} {qop}");
            assert_eq!(param(&request, "qop").as_deref(), Some(qop));
        }
    }

    #[test]
    fn rfc_2617_example() {
        let mut authenticator = Authenticator::new(Credentials::new("Mufasa", "Circle Of Life"));
        let text = r#"Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#;
        challenge(&mut authenticator, 401, &[text]).unwrap();
        let request = send(&mut authenticator, "GET", "/dir/index.html", "", "0a4f113b");
        assert_eq!(param(&request, "response").as_deref(), Some("6629fae49393a05397450978507c4ef1"));
        assert_eq!(param(&request, "algorithm"), None); // none was named
    }

    #[test]
    fn the_hash_of_no_body_is_that_of_the_empty_string() {
        //= https://www.rfc-editor.org/rfc/rfc8760#section-2.6
        //= type=test
        //# H(entity-body) = SHA-256("") =
        //# "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Algorithm::SHA_256.hash(&[b""]).as_str(), empty);
        //= https://www.rfc-editor.org/rfc/rfc3261#section-22.4
        //= type=test
        //# H(entity-body) = MD5("") =
        //# "d41d8cd98f00b204e9800998ecf8427e"
        assert_eq!(Algorithm::MD5.hash(&[b""]).as_str(), "d41d8cd98f00b204e9800998ecf8427e");
    }

    /// RFC 3665 section 2.1 prints 31 digits for an MD5 and no password, so that nothing can be checked
    /// but that its challenge, with `opaque=""` and `stale=FALSE`, is answered; the value is `hashlib`'s.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-22.4
    //= type=test
    //# RFC 2617 notes that a cnonce value MUST NOT be sent in an Authorization (and by extension
    //# Proxy-Authorization) header field if no qop directive has been sent.
    #[test]
    fn rfc_3665_challenge_without_qop_in_the_answer_of_rfc_2069() {
        let mut authenticator = Authenticator::new(Credentials::new("bob", "zanzibar"));
        let text = r#"Digest realm="atlanta.example.com", nonce="ea9c8e88df84f1cec4341ae6cbe5a359", opaque="", stale=FALSE, algorithm=MD5"#;
        challenge(&mut authenticator, 401, &[text]).unwrap();
        let request = send(&mut authenticator, "REGISTER", "sips:ss2.biloxi.example.com", "", CNONCE);
        assert_eq!(param(&request, "response").as_deref(), Some("b5f508175c6cccc6f0600285b4391fbf"));
        assert_eq!(param(&request, "opaque").as_deref(), Some(""));
        assert_eq!(
            (param(&request, "qop"), param(&request, "nc"), param(&request, "cnonce")),
            (None, None, None)
        );
    }
}

mod choice {
    use super::*;

    fn algorithm_of(challenges: &[&str]) -> Option<String> {
        let mut authenticator = mufasa();
        challenge(&mut authenticator, 401, challenges).unwrap();
        param(&get(&mut authenticator), "algorithm")
    }

    //= https://www.rfc-editor.org/rfc/rfc7616#section-5.6
    //= type=test
    //# A user agent MUST choose to use the strongest auth-scheme it understands and request
    //# credentials from the user based upon that challenge.
    //= https://www.rfc-editor.org/rfc/rfc8760#section-2.4
    //= type=test
    //# The client MUST ignore any challenge it does not understand.
    #[test]
    fn the_strongest_known_algorithm_wins_in_any_order() {
        let strongest = SHA_256.replace("SHA-256", "SHA-512-256");
        let unknown = SHA_256.replace("SHA-256", "SHA3-512");
        assert_eq!(algorithm_of(&[MD5, &unknown, SHA_256, &strongest]).as_deref(), Some("SHA-512-256"));
        assert_eq!(algorithm_of(&[&strongest, SHA_256, MD5]).as_deref(), Some("SHA-512-256"));
        assert_eq!(algorithm_of(&["Basic realm=\"http-auth@example.org\"", MD5]).as_deref(), Some("MD5"));
    }

    #[test]
    fn challenges_of_one_line_are_told_apart() {
        let line = format!("{MD5}, {SHA_256}, NTLM");
        assert_eq!(algorithm_of(&[&line]).as_deref(), Some("SHA-256"));
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-20
    //= type=test
    //# the header field MUST be understood by the UAC processing the response.
    //= https://www.rfc-editor.org/rfc/rfc8760#section-2.6
    //= type=test
    //# SIP clients and servers MUST NOT accept or request Basic authentication.
    #[test]
    fn what_cannot_be_answered_is_named() {
        let unknown = MD5.replace("algorithm=MD5", "algorithm=SHA3-512");
        let error = challenge(&mut mufasa(), 401, &["Basic realm=\"x\"", &unknown, "Digest realm=\"x\""])
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected a Digest challenge with a known algorithm, got Basic, Digest algorithm=SHA3-512, \
            Digest without a nonce"
        );
        let error = challenge(&mut mufasa(), 401, &[]).unwrap_err();
        assert_eq!(error, AuthError::NoUsableChallenge { offered: Vec::new() });
    }

    //= https://www.rfc-editor.org/rfc/rfc7616#section-3.3
    //= type=test
    //# Unrecognized options MUST be ignored.
    //= https://www.rfc-editor.org/rfc/rfc7616#section-3.4
    //= type=test
    //# Its value MUST be one of the alternatives the server indicated it supports in the
    //# WWW-Authenticate header field.
    //= https://www.rfc-editor.org/rfc/rfc8760#section-2.6
    //= type=test
    //# a UAC MUST be able to properly handle a "qop" parameter received in WWW-Authenticate and
    //# Proxy-Authenticate header fields.
    #[test]
    fn only_protections_that_are_known_are_chosen() {
        let both = MD5.replace("auth, auth-int", "auth-int,auth");
        let mut authenticator = mufasa();
        challenge(&mut authenticator, 401, &[&both]).unwrap();
        assert_eq!(param(&get(&mut authenticator), "qop").as_deref(), Some("auth"));
        let unknown = MD5.replace("auth, auth-int", "auth-conf");
        assert!(challenge(&mut mufasa(), 401, &[&unknown]).is_err());
        let among_others = MD5.replace("auth, auth-int", "auth-conf, auth-int, x");
        let mut authenticator = mufasa();
        challenge(&mut authenticator, 401, &[&among_others]).unwrap();
        assert_eq!(param(&get(&mut authenticator), "qop").as_deref(), Some("auth-int"));
    }

    #[test]
    fn a_session_variant_without_qop_is_answered_with_auth() {
        let text = MD5.replace("qop=\"auth, auth-int\", ", "").replace("MD5", "MD5-sess");
        let mut authenticator = mufasa();
        challenge(&mut authenticator, 401, &[&text]).unwrap();
        assert_eq!(param(&get(&mut authenticator), "qop").as_deref(), Some("auth"));
    }

    #[test]
    fn registrar_and_proxy_both_get_their_answer() {
        let mut authenticator = mufasa();
        let proxy = MD5.replace("http-auth@example.org", "proxy");
        challenge(&mut authenticator, 407, &[&proxy]).unwrap();
        get(&mut authenticator);
        challenge(&mut authenticator, 401, &[MD5]).unwrap();
        let request = get(&mut authenticator);
        let realm = |name| request.challenges(name).next().unwrap().param("realm").unwrap().into_owned();
        assert_eq!(realm(HeaderName::Authorization), "http-auth@example.org");
        assert_eq!(realm(HeaderName::ProxyAuthorization), "proxy");
    }

    //= https://www.rfc-editor.org/rfc/rfc7616#section-3.3
    //= type=test
    //# This parameter is not meaningful in Proxy-Authenticate header fields, for which the
    //# protection space is always the entire proxy; if present, it MUST be ignored.
    #[test]
    fn the_domain_of_a_proxys_challenge_says_nothing() {
        let mut authenticator = mufasa();
        let elsewhere = MD5.replace("qop=", "domain=\"sip:elsewhere.example.com\", qop=");
        challenge(&mut authenticator, 407, &[&elsewhere]).unwrap();
        let request = get(&mut authenticator);
        let answer = request.challenges(HeaderName::ProxyAuthorization).next().unwrap();
        assert_eq!(answer.param("response").as_deref(), Some("8ca523f5e9506fed4657c9700eebdbec"));
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-7.3.1
    //= type=test
    //# Multiple header field rows with these names MAY be present in a message, but since their
    //# grammar does not follow the general form listed in Section 7.3, they MUST NOT be combined
    //# into a single header field row.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-20.28
    //= type=test
    //# Although not a comma-separated list, this header field name may be present multiple times,
    //# and MUST NOT be combined into a single header line using the usual rules described in
    //# Section 7.3.1.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-20.7
    //= type=test
    //# Although not a comma-separated list, this header field name may be present multiple times,
    //# and MUST NOT be combined into a single header line using the usual rules described in
    //# Section 7.3.
    #[test]
    fn each_realm_of_one_response_is_answered() {
        let other = SHA_256.replace("http-auth@example.org", "other");
        for (status, name) in [(401, HeaderName::Authorization), (407, HeaderName::ProxyAuthorization)] {
            let mut authenticator = mufasa();
            challenge(&mut authenticator, status, &[MD5, &other]).unwrap();
            assert_eq!(get(&mut authenticator).count(name), 2, "a field each");
        }
    }
}

mod sessions {
    use super::*;

    #[test]
    fn nothing_is_sent_before_a_challenge() {
        assert!(!get(&mut mufasa()).has(HeaderName::Authorization));
    }

    #[test]
    fn later_requests_count_up_with_the_same_nonce() {
        let mut authenticator = mufasa();
        challenge(&mut authenticator, 401, &[MD5]).unwrap();
        let counts: Vec<_> = (0..17).map(|_| param(&get(&mut authenticator), "nc").unwrap()).collect();
        assert_eq!((counts[0].as_str(), counts[16].as_str()), ("00000001", "00000011"));
    }

    #[test]
    fn a_repeated_answer_that_is_challenged_anew_is_given_once_more_and_says_nothing_of_the_password() {
        let mut authenticator = mufasa();
        challenge(&mut authenticator, 401, &[MD5]).unwrap();
        get(&mut authenticator);
        authenticator.handle_repetition();
        let [second, third] = ["8ypf", "9ypf"].map(|nonce| MD5.replace("7ypf", nonce));
        challenge(&mut authenticator, 401, &[&second]).unwrap();
        assert!(param(&get(&mut authenticator), "nonce").unwrap().starts_with("8ypf"));
        let error = challenge(&mut authenticator, 401, &[&third]).unwrap_err();
        assert_eq!(error, AuthError::WrongPassword { realm: "http-auth@example.org".into() });
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-22.1
    //= type=test
    //# A UAC MUST NOT re-attempt requests with the credentials that have just been rejected (though
    //# the request may be retried if the nonce was stale).
    #[test]
    fn the_answer_to_a_fresh_challenge_refused_means_a_wrong_password() {
        let mut authenticator = mufasa();
        challenge(&mut authenticator, 401, &[MD5]).unwrap();
        get(&mut authenticator);
        let again = MD5.replace("7ypf", "8ypf");
        let error = challenge(&mut authenticator, 401, &[&again]).unwrap_err();
        assert_eq!(error, AuthError::WrongPassword { realm: "http-auth@example.org".into() });
        assert!(!authenticator.is_challenged()); // the next attempt starts anew
    }

    #[test]
    fn a_stale_nonce_is_replaced_by_the_new_one() {
        let mut authenticator = mufasa();
        challenge(&mut authenticator, 401, &[MD5]).unwrap();
        get(&mut authenticator);
        let stale = format!("{}, stale=TRUE", MD5.replace("7ypf", "8ypf"));
        challenge(&mut authenticator, 401, &[&stale]).unwrap();
        let request = get(&mut authenticator);
        assert!(param(&request, "nonce").unwrap().starts_with("8ypf"));
        assert_eq!(param(&request, "nc").as_deref(), Some("00000001"));
    }

    #[test]
    fn a_nonce_that_is_given_again_is_counted_on() {
        let mut authenticator = mufasa();
        let mut counted = |challenged: &str| {
            challenge(&mut authenticator, 401, &[challenged]).map(|()| {
                let request = get(&mut authenticator);
                param(&request, "nc").unwrap()
            })
        };
        let stale = format!("{MD5}, stale=true");
        assert_eq!(counted(MD5).unwrap(), "00000001");
        assert_eq!(counted(&stale).unwrap(), "00000002", "as stale");
        assert!(counted(MD5).is_err());
        assert_eq!(counted(MD5).unwrap(), "00000003", "after a refusal");
        accept(
            &mut authenticator,
            "Authentication-Info: nextnonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\"\r\n",
        );
        assert_eq!(param(&get(&mut authenticator), "nc").as_deref(), Some("00000004"), "as the next");
    }

    #[test]
    fn who_forgets_its_challenges_takes_md5_again_and_counts_on() {
        let mut authenticator = mufasa();
        let of_nonce_of_md5 = SHA_256.replace("nonce=\"", "nonce=\"7");
        challenge(&mut authenticator, 401, &[MD5]).unwrap();
        get(&mut authenticator);
        accept(&mut authenticator, "");
        challenge(&mut authenticator, 401, &[&of_nonce_of_md5]).unwrap();
        get(&mut authenticator);
        accept(&mut authenticator, "");
        authenticator.forget();
        assert!(!get(&mut authenticator).has(HeaderName::Authorization));
        challenge(&mut authenticator, 401, &[MD5]).unwrap();
        assert_eq!(param(&get(&mut authenticator), "nc").as_deref(), Some("00000002"));
    }

    #[test]
    fn a_nonce_that_is_given_again_after_others_is_counted_on() {
        let mut authenticator = mufasa();
        let stale = |nonce: &str| format!("{}, stale=true", MD5.replace("7ypf", nonce));
        let counted = |authenticator: &mut Authenticator, nonce: &str| {
            challenge(authenticator, 401, &[&stale(nonce)]).unwrap();
            let request = get(authenticator);
            accept(authenticator, "");
            param(&request, "nc").unwrap()
        };
        for round in ["00000001", "00000002", "00000003"] {
            for nonce in ["1ypf", "2ypf", "3ypf", "4ypf", "5ypf", "6ypf", "7ypf", "8ypf"] {
                // One that is never used lies between.
                challenge(&mut authenticator, 401, &[&stale("9ypf")]).unwrap();
                assert_eq!(counted(&mut authenticator, nonce), round, "{nonce}");
            }
        }
    }

    /// Registrars that were restarted do not know the nonce, and not all of them call that stale.
    #[test]
    fn a_reused_nonce_refused_without_stale_gets_one_more_answer() {
        let mut authenticator = mufasa();
        challenge(&mut authenticator, 401, &[MD5]).unwrap();
        get(&mut authenticator);
        accept(&mut authenticator, "");
        get(&mut authenticator);
        let [second, third] = ["8ypf", "9ypf"].map(|nonce| MD5.replace("7ypf", nonce));
        challenge(&mut authenticator, 401, &[&second]).unwrap();
        assert!(param(&get(&mut authenticator), "nonce").unwrap().starts_with("8ypf"));
        assert!(challenge(&mut authenticator, 401, &[&third]).is_err());
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-22.1
    //= type=test
    //# A UAC MUST NOT re-attempt requests with the credentials that have just been rejected (though
    //# the request may be retried if the nonce was stale).
    #[test]
    fn a_nonce_that_is_asked_for_again_and_is_not_stale_was_not_at_fault() {
        let stale = format!("{MD5}, stale=true");
        let repeated = |authenticator: &mut Authenticator| authenticator.handle_repetition();
        let accepted = |authenticator: &mut Authenticator| {
            accept(authenticator, "");
            get(authenticator);
        };
        for reuse in [&repeated as &dyn Fn(&mut Authenticator), &accepted] {
            let mut authenticator = mufasa();
            challenge(&mut authenticator, 401, &[MD5]).unwrap();
            get(&mut authenticator);
            reuse(&mut authenticator);
            challenge(&mut authenticator, 401, &[&stale]).unwrap();
            get(&mut authenticator);
            reuse(&mut authenticator);
            let error = challenge(&mut authenticator, 401, &[MD5]).unwrap_err();
            assert_eq!(error, AuthError::WrongPassword { realm: "http-auth@example.org".into() });
        }
    }

    #[test]
    fn nextnonce_is_used_from_the_next_request_on() {
        let mut authenticator = mufasa();
        challenge(&mut authenticator, 401, &[MD5]).unwrap();
        get(&mut authenticator);
        accept(&mut authenticator, "Authentication-Info: nextnonce=\"next\", qop=auth\r\n");
        let request = get(&mut authenticator);
        assert_eq!(param(&request, "nonce").as_deref(), Some("next"));
        assert_eq!(param(&request, "nc").as_deref(), Some("00000001"));
    }

    #[test]
    fn a_session_variant_keeps_its_key_and_cnonce() {
        let mut authenticator = mufasa();
        challenge(&mut authenticator, 401, &[&MD5.replace("MD5", "MD5-sess")]).unwrap();
        get(&mut authenticator);
        let second = send(&mut authenticator, "GET", "/dir/index.html", "", "another");
        assert_eq!(param(&second, "cnonce").as_deref(), Some(CNONCE));
        let key = Key::new(Algorithm::MD5.session(), "Mufasa", "http-auth@example.org", "Circle of Life");
        let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
        let protection = Some(Protection { qop: Qop::Auth, nonce_count: 2, cnonce: CNONCE });
        let digested = Digested { method: "GET", uri: b"/dir/index.html", body: b"", nonce, protection };
        let expected = key.of_session(nonce, CNONCE).response(&digested);
        assert!(expected.matches(param(&second, "response").unwrap().as_bytes()));
    }

    #[test]
    fn the_old_realm_of_a_registrar_is_not_answered_any_more() {
        let mut authenticator = mufasa();
        challenge(&mut authenticator, 401, &[MD5]).unwrap();
        get(&mut authenticator);
        accept(&mut authenticator, "");
        get(&mut authenticator);
        challenge(&mut authenticator, 401, &[&MD5.replace("http-auth@example.org", "renamed")]).unwrap();
        assert_eq!(param(&get(&mut authenticator), "realm").as_deref(), Some("renamed"));
    }
}

mod hostile {
    use super::*;

    #[test]
    fn a_realm_that_knew_sha_2_does_not_get_md5() {
        let mut authenticator = mufasa();
        challenge(&mut authenticator, 401, &[SHA_256, MD5]).unwrap();
        get(&mut authenticator);
        accept(&mut authenticator, "");
        get(&mut authenticator);
        let error = challenge(&mut authenticator, 401, &[MD5]).unwrap_err();
        assert_eq!(error, AuthError::Downgrade { realm: "http-auth@example.org".into() });
        // Not even after it was silenced.
        assert!(challenge(&mut authenticator, 401, &[MD5]).is_err());
        challenge(&mut authenticator, 401, &[SHA_256]).unwrap();
    }

    fn of_realm(challenge: &str, realm: &str) -> String {
        challenge.replace("http-auth@example.org", realm)
    }

    #[test]
    fn an_account_that_was_offered_sha_2_gives_md5_to_no_realm_that_is_new() {
        let mut authenticator = mufasa();
        challenge(&mut authenticator, 401, &[SHA_256]).unwrap();
        get(&mut authenticator);
        for status in [401, 407] {
            let error = challenge(&mut authenticator, status, &[&of_realm(MD5, "other")]).unwrap_err();
            assert_eq!(error, AuthError::Downgrade { realm: "other".into() });
            let request = get(&mut authenticator);
            assert!(!request.has(HeaderName::Authorization) && !request.has(HeaderName::ProxyAuthorization));
        }
    }

    #[test]
    fn realms_that_come_and_go_do_not_wash_away_that_an_account_was_offered_sha_2() {
        let mut authenticator = mufasa();
        challenge(&mut authenticator, 401, &[SHA_256]).unwrap();
        for realm in 0..20 {
            challenge(&mut authenticator, 407, &[&of_realm(SHA_256, &realm.to_string())]).unwrap();
            accept(&mut authenticator, "");
        }
        assert!(matches!(challenge(&mut authenticator, 401, &[MD5]), Err(AuthError::Downgrade { .. })));
    }

    #[test]
    fn a_proxy_that_was_given_md5_before_gets_it_beside_a_registrar_with_sha_2() {
        let mut authenticator = mufasa();
        let proxy = of_realm(MD5, "proxy");
        challenge(&mut authenticator, 407, &[&proxy]).unwrap();
        get(&mut authenticator);
        challenge(&mut authenticator, 401, &[SHA_256]).unwrap();
        get(&mut authenticator);
        accept(&mut authenticator, "");
        challenge(&mut authenticator, 407, &[&proxy.replace("7ypf", "8ypf")]).unwrap();
        assert!(get(&mut authenticator).has(HeaderName::ProxyAuthorization));
    }

    #[test]
    fn a_nonce_that_is_stale_for_ever_ends_in_an_error() {
        let mut authenticator = mufasa();
        let stale = format!("{MD5}, stale=true");
        let mut requests = 0;
        while challenge(&mut authenticator, 401, &[&stale]).is_ok() {
            get(&mut authenticator);
            requests += 1;
            assert!(requests < 100);
        }
        assert_eq!(requests, 8);
    }

    #[test]
    fn the_realms_of_one_line_are_bounded() {
        let mut authenticator = mufasa();
        for realm in 0..100 {
            let text = MD5.replace("http-auth@example.org", &realm.to_string());
            challenge(&mut authenticator, 407, &[&text]).unwrap();
            accept(&mut authenticator, "");
        }
        assert_eq!(authenticator.sessions.len(), MOST_REALMS);
    }

    #[test]
    fn quotes_and_backslashes_are_escaped_again_and_digested_without_escapes() {
        let mut authenticator = Authenticator::new(Credentials::new("a\"b\\c", "pass\"word"));
        let text = r#"Digest realm="say \"hi\\", nonce="n\"1", opaque="\o""#;
        challenge(&mut authenticator, 401, &[text]).unwrap();
        let request = send(&mut authenticator, "REGISTER", "sip:example.org", "", "c");
        let header =
            std::str::from_utf8(request.first(HeaderName::Authorization).unwrap()).unwrap().to_owned();
        assert!(
            header.starts_with(r#"Digest username="a\"b\\c", realm="say \"hi\\", nonce="n\"1""#),
            "{header}"
        );
        assert_eq!(param(&request, "opaque").as_deref(), Some("o"));
        assert!(header.contains(", uri=\"sip:example.org\", "), "{header}");
        let digested = Digested {
            method: "REGISTER",
            uri: b"sip:example.org",
            body: b"",
            nonce: "n\"1",
            protection: None,
        };
        let key = Key::new(Algorithm::MD5, "a\"b\\c", "say \"hi\\", "pass\"word");
        assert!(key.response(&digested).matches(param(&request, "response").unwrap().as_bytes()));
    }

    #[test]
    fn no_value_of_the_network_or_the_user_adds_a_line() {
        let mut authenticator = Authenticator::new(Credentials::new("u\r\nX-User: 1", "p"));
        let text = "Digest realm=\"a\r\n b\\\r\\\n X-Realm: 1\", nonce=\"n\"";
        if challenge(&mut authenticator, 401, &[text]).is_err() {
            challenge(&mut authenticator, 401, &[MD5]).unwrap();
        }
        let request = get(&mut authenticator);
        assert_eq!(request.fields().count(), 2); // Authorization, Content-Length
        assert!(request.malformed_line().is_none());
    }

    #[test]
    fn endless_values_are_not_kept() {
        let text = format!("Digest realm=\"a\", nonce=\"{}\"", "n".repeat(1025));
        let error = challenge(&mut mufasa(), 401, &[&text]).unwrap_err();
        assert_eq!(
            error,
            AuthError::NoUsableChallenge { offered: vec!["Digest with 1025 bytes of nonce".into()] }
        );
    }

    #[test]
    fn no_debug_form_shows_the_user_or_the_password() {
        let mut authenticator = mufasa();
        challenge(&mut authenticator, 401, &[&MD5.replace("MD5", "MD5-sess")]).unwrap();
        get(&mut authenticator);
        let shown = format!("{authenticator:?}");
        assert!(!shown.contains("Mufasa") && !shown.contains("Circle"), "{shown}");
    }
}

/// There may be fifty thousand.
#[test]
fn what_is_remembered_of_a_realm_does_not_grow_unnoticed() {
    assert!(size_of::<Session>() <= 104, "{}", size_of::<Session>());
}
