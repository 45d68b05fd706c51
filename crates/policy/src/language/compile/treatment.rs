//! Treatments, with those that they name.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Chosen, Compiler};
use crate::action::Action;
use crate::language::diagnostic::Span;
use crate::language::document::{
    AnswerBlock, ChallengeBlock, ForwardBlock, HowWord, PresetWord, RejectBlock, RetryAfterForm, RingBlock,
    TreatmentBlock, TreatmentForm,
};
use crate::language::read::{At, brief};
use crate::language::value::{Line, NameOr};
use crate::rejection::{Rejection, RetryAfter};
use crate::treatment::{
    Announcement, Challenge, Forward, Hold, Only, Ringing, Target, Then, Treatment, TreatmentError, Work,
};

/// Sets a text of a refusal.
type Set = fn(Rejection, Box<str>) -> Result<Rejection, TreatmentError>;

/// The treatments that are made so far.
#[derive(Debug, Default)]
pub(super) struct Treatments {
    made: HashMap<String, Option<Arc<Treatment>>>,
    /// Those that are being made, from the outermost to the innermost.
    within: Vec<String>,
}

/// `hold` that holds that holds: nobody means more of it than that.
const DEEPEST: usize = 16;

/// How long a caller has for a try unless something else is said.
const TRY: Duration = Duration::from_secs(8);

impl<'c> Compiler<'c> {
    /// Makes all treatments, the built-in ones first. One of the same name takes a built-in's place.
    pub(super) fn compile_treatments(&mut self) -> Vec<Arc<Treatment>> {
        let blocks = &self.blocks.treatments;
        let mut all: Vec<Arc<Treatment>> = Treatment::built_in().map(Arc::new).into();
        let built_in = all.len();
        for (name, _) in blocks.iter() {
            let Some(treatment) = self.named(name) else { continue };
            // What the prelude lets through rings by `ring`, also where there are no other phones.
            let lets_ring = match &*name.value {
                "ring" => treatment.rings(),
                "stand_aside" => treatment.lets_ring(),
                _ => true,
            };
            if !lets_ring {
                let message = format!("[treatment.{}] does not let the call ring", name.value);
                let hint = "emergency calls and `never_block` go through by it: give this another name, such as \"no_thanks\"";
                self.report.error(name.span, message, hint);
            }
            match all.iter_mut().take(built_in).find(|known| known.name() == name.value) {
                Some(built_in) => *built_in = treatment,
                None => all.push(treatment),
            }
        }
        all
    }

    /// Finds a treatment by its name, or makes the one that is written out.
    pub(super) fn treatment(&mut self, chosen: &'c Chosen) -> Option<Arc<Treatment>> {
        match &chosen.value {
            NameOr::Name(name) => self.named(&At { value: name.clone(), span: chosen.span }),
            NameOr::Itself(block) => {
                let work = self.work(block)?;
                let name = Treatment::new("", work.clone()).to_string();
                Some(Arc::new(Treatment::new(&name, work)))
            }
        }
    }

    fn named(&mut self, name: &At<String>) -> Option<Arc<Treatment>> {
        if let Some(made) = self.treatments.made.get(&name.value) {
            return made.clone();
        }
        let blocks = &self.blocks.treatments;
        let Some(place) = blocks.position(name) else {
            let built_in = Treatment::built_in().into_iter().find(|treatment| treatment.name() == name.value);
            if built_in.is_none() {
                let built_in = ["ring", "stand_aside", "busy", "decline", "unavailable"];
                self.report.unknown("treatment", name, name.span, blocks.names().chain(built_in));
            }
            return built_in.map(Arc::new);
        };
        if let Some(start) = self.treatments.within.iter().position(|outer| *outer == name.value) {
            let way = self.treatments.within[start..].join(" → ");
            let message =
                format!("the treatment \"{}\" leads back to itself: {way} → {}", brief(name), brief(name));
            self.report.error(name.span, message, "let one of them end in a refusal, or ring");
            return None;
        }
        if self.treatments.within.len() == DEEPEST {
            let message = format!("expected at most {DEEPEST} treatments after one another, found more");
            self.report.error(name.span, message, "name the last of them at once");
            return None;
        }
        let block = blocks.get(place);
        self.treatments.within.push(name.value.clone());
        let work = block.and_then(|block| self.work(block));
        self.treatments.within.pop();
        let made = work.map(|work| Arc::new(Treatment::new(name, work)));
        self.treatments.made.insert(name.value.clone(), made.clone());
        made
    }

    fn work(&mut self, block: &'c TreatmentBlock) -> Option<Work> {
        match &block.0 {
            TreatmentForm::Reject(reject) => self.rejection(reject).map(Work::Reject),
            TreatmentForm::Forward(forward) => self.forward(forward).map(Work::Forward),
            TreatmentForm::Answer(answer) => Some(Work::Answer(announcement(answer))),
            TreatmentForm::Challenge(challenge) => self.challenge(challenge).map(Work::Challenge),
            TreatmentForm::Ring(ring) => Some(Work::Ring(self.ringing(ring))),
            TreatmentForm::Hold(hold) => {
                let then = match &hold.then {
                    Some(then) => self.treatment(then)?,
                    None => Arc::new(Treatment::reject("unavailable", Rejection::unavailable())),
                };
                let seconds = hold.seconds.get()?.value.0;
                Some(Work::Hold(Hold { limit: Duration::from_secs(seconds.into()), then }))
            }
            TreatmentForm::Drop(drop) => {
                Some(Work::Drop(drop.only_if.map_or(Only::NotFromRegistrar, |only| only.value)))
            }
        }
    }

    fn rejection(&mut self, block: &At<RejectBlock>) -> Option<Rejection> {
        let mut rejection = match (&block.code, &block.preset) {
            (Some(code), None) => self.of_code(block, code.0?.0)?,
            (None, Some(preset)) => self.of_preset(block, preset.0?)?,
            (None, None) => {
                let message = "expected `code` or `preset` in a refusal, found neither";
                self.report.error(block.span, message, "for example: reject = { code = 486 }");
                return None;
            }
            (Some(_), Some(preset)) => {
                let message = "expected either `code` or `preset` in a refusal, found both";
                self.report.error(preset.span, message, "a preset has its code: leave `code` out");
                return None;
            }
        };
        if let Some(fallback) = block.fallback {
            rejection = rejection.clone().fallback(code(fallback.value.0)).unwrap_or(rejection);
        }
        if let Some(retry) = &block.retry_after {
            let fallback = block.fallback.map(|fallback| code(fallback.value.0));
            for status in [Some(rejection.code()), fallback].into_iter().flatten() {
                self.check_retry_after(status, retry.span);
            }
            rejection = rejection.retry_after(match &retry.value {
                RetryAfterForm::Time(time) => RetryAfter::In(*time),
                RetryAfterForm::EndOf(schedule) => {
                    let name = At { value: schedule.clone(), span: retry.span };
                    self.find("schedule", &self.blocks.schedules, &name)?;
                    RetryAfter::UntilEndOf(schedule.as_str().into())
                }
            });
        }
        let texts: [(&Option<At<Line>>, Set); 4] = [
            (&block.phrase, |rejection, text| rejection.phrase(text)),
            (&block.reason, |rejection, text| rejection.reason(text)),
            (&block.call_info, |rejection, text| rejection.call_info(uri_value(&text))),
            (&block.error_info, |rejection, text| rejection.error_info(uri_value(&text))),
        ];
        let fallback = block.fallback.map(|fallback| code(fallback.value.0));
        if rejection.code() == 608 || fallback == Some(608) {
            self.check_purpose(block);
        }
        for (text, set) in texts {
            let Some(text) = text else { continue };
            match set(rejection.clone(), text.0.as_str().into()) {
                Ok(with_text) => rejection = with_text,
                Err(error) => self.report.error(text.span, error.to_string(), ""),
            }
        }
        match &block.warning {
            Some(warning) if warning.0.is_empty() => Some(rejection.without_warning()),
            Some(warning) => Some(rejection.clone().warning(warning.0.as_str()).unwrap_or(rejection)),
            None => Some(rejection),
        }
    }

    /// Reports a Retry-After with a status that has none.
    fn check_retry_after(&mut self, status: u16, span: Span) {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-20.33
        //# The Retry-After header field can be used with a 500 (Server Internal
        //# Error) or 503 (Service Unavailable) response to indicate how long the
        //# service is expected to be unavailable to the requesting client and
        //# with a 404 (Not Found), 413 (Request Entity Too Large), 480
        //# (Temporarily Unavailable), 486 (Busy Here), 600 (Busy), or 603
        //# (Decline) response to indicate when the called party anticipates
        //# being available again.
        if !matches!(status, 404 | 413 | 480 | 486 | 500 | 503 | 600 | 603) {
            let message = format!("expected a code that has Retry-After, found {status}");
            let hint = "404, 413, 480, 486, 500, 503, 600 and 603 have it (RFC 3261 section 20.33): 480 says when to call again";
            self.report.error(span, message, hint);
        }
    }

    /// Reports a Call-Info that says anything else of a 608 than the card it is for.
    fn check_purpose(&mut self, block: &RejectBlock) {
        let Some(call_info) = &block.call_info else { return };
        let after = call_info.0.split_once('>').map_or("", |(_, after)| after);
        //= https://www.rfc-editor.org/rfc/rfc8688#section-3.1
        //# If there is a Call-Info header field, it MUST have the "purpose"
        //# parameter of "jwscard".
        for purpose in after.split(';').skip(1).filter_map(purpose) {
            if !purpose.eq_ignore_ascii_case("jwscard") {
                let message = format!(
                    "expected a Call-Info of 608 with `purpose=jwscard`, found `purpose={}`",
                    brief(purpose)
                );
                let hint = "leave `purpose` out: a 608 always says jwscard (RFC 8688)";
                self.report.error(call_info.span, message, hint);
            }
        }
    }

    fn of_code(&mut self, block: &At<RejectBlock>, status: u32) -> Option<Rejection> {
        let rejection = Rejection::new(code(status)).ok()?;
        let rejection = match self.contact(block, status) {
            Some(contact) => rejection.clone().call_info(contact).unwrap_or(rejection),
            None => rejection,
        };
        // "Not now" is said without a word of screening.
        if status == 480 {
            return Some(rejection);
        }
        Some(rejection.clone().warning(Rejection::WARNING).unwrap_or(rejection))
    }

    /// Makes a refusal by the book. A refusal by somebody in the middle names whom to ask.
    fn of_preset(&mut self, block: &At<RejectBlock>, preset: PresetWord) -> Option<Rejection> {
        let code = match preset {
            PresetWord::NetworkBlocked => 603,
            PresetWord::Unwanted => 607,
            PresetWord::Rejected => 608,
            PresetWord::AnonymityDisallowed => 433,
        };
        let plain = Rejection::plain(code);
        match (preset, self.contact(block, code.into())) {
            (PresetWord::NetworkBlocked, Some(_)) => {
                let reason = network_blocked(&block.redress.as_ref()?.0);
                plain.phrase("Network Blocked").and_then(|plain| plain.reason(reason)).ok()
            }
            (PresetWord::NetworkBlocked, None) => self.report_no_contact(block, "603+"),
            //= https://www.rfc-editor.org/rfc/rfc8688#section-3.1
            //# the intermediary MUST include a
            //# Call-Info header field in the response.
            (PresetWord::Rejected, None) if block.call_info.is_none() => self.report_no_contact(block, "608"),
            (
                PresetWord::Unwanted | PresetWord::Rejected | PresetWord::AnonymityDisallowed,
                Some(contact),
            ) => plain.call_info(contact).ok(),
            (PresetWord::Unwanted | PresetWord::Rejected | PresetWord::AnonymityDisallowed, None) => {
                Some(plain)
            }
        }
    }

    fn report_no_contact<T>(&mut self, block: &At<RejectBlock>, preset: &str) -> Option<T> {
        // A contact that is there and wrong is told by itself.
        if block.redress.is_none() {
            let message =
                format!("the preset \"{preset}\" needs `redress`: whom a caller can ask, found none");
            self.report.error(block.span, message, "for example: redress = \"https://example.com/unblock\"");
        }
        None
    }

    /// Reads the address of who can be asked, as the Call-Info header of a refusal has it.
    fn contact(&mut self, block: &RejectBlock, code: u32) -> Option<String> {
        let redress = block.redress.as_ref()?;
        let schemes: &[&str] = if code == 608 { &["https://"] } else { &["https://", "mailto:", "tel:"] };
        let is_address =
            schemes.iter().any(|scheme| redress.0.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
        let is_one_word = !redress.0.contains(|c: char| c.is_whitespace() || "<>\",;\\".contains(c));
        if !(is_address && is_one_word) {
            let expected = if code == 608 {
                "the https address of a signed jCard"
            } else {
                "an https, mailto or tel address"
            };
            let message = format!("expected {expected}, found \"{}\"", brief(&redress.0));
            self.report.error(
                redress.span,
                message,
                "for example: redress = \"https://example.com/unblock\"",
            );
            return None;
        }
        //= https://www.rfc-editor.org/rfc/rfc8688#section-3.1
        //# If there is a Call-Info header field, it MUST have the "purpose"
        //# parameter of "jwscard".
        let purpose = if code == 608 { "jwscard" } else { "info" };
        Some(format!("<{}>;purpose={purpose}", redress.0))
    }

    fn forward(&mut self, block: &At<ForwardBlock>) -> Option<Forward> {
        let to = match Target::parse(block.to.value.as_str()) {
            Ok(to) => to,
            Err(error) => {
                self.report.error(
                    block.to.span,
                    error.to_string(),
                    "write the whole address, with its scheme",
                );
                return None;
            }
        };
        if let Some(diversion) = &block.diversion
            && !diversion.0.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        {
            let message =
                format!("expected a reason such as \"time-of-day\", found \"{}\"", brief(&diversion.0));
            let hint = "by RFC 5806: unknown, user-busy, no-answer, unconditional, time-of-day, do-not-disturb, \
                        deflection, follow-me, away";
            self.report.error(diversion.span, message, hint);
        }
        Some(Forward {
            to,
            diversion: block.diversion.as_ref().map(|diversion| diversion.0.as_str().into()),
            unsupported: match block.how.map(|how| how.value) {
                Some(HowWord::Refer) => Some("a transfer by REFER"),
                Some(HowWord::Bridge) => Some("a bridge: audio"),
                Some(HowWord::Redirect) | None => None,
            },
        })
    }

    fn ringing(&mut self, block: &RingBlock) -> Ringing {
        if let Some(limit) = block.limit.filter(|limit| limit.value < Duration::from_secs(1)) {
            let message = "a phone that rings for less than a second does not ring";
            self.report.error(limit.span, message, "for example: limit = \"60s\"");
        }
        Ringing {
            is_silent: block.silent.is_some_and(|silent| silent.value),
            label: block.label.as_ref().map(|label| label.0.as_str().into()),
            limit: block.limit.map_or(Action::RING_LIMIT, |limit| limit.value),
        }
    }

    fn challenge(&mut self, block: &'c ChallengeBlock) -> Option<Challenge> {
        let small = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
        let [on_pass, on_fail] =
            [&block.on_pass, &block.on_fail].map(|next| next.get().and_then(|next| self.treatment(next)));
        Some(Challenge {
            prompt: block.prompt.get()?.value.as_str().into(),
            digits: block.digits.map_or(1, |digits| small(digits.value.0)),
            tries: block.tries.map_or(2, |tries| small(tries.value.0)),
            timeout: block.timeout.map_or(TRY, |timeout| timeout.value),
            on_pass: on_pass?,
            on_fail: on_fail?,
            remember_pass: block.remember_pass.map(|time| time.value),
        })
    }
}

fn announcement(block: &AnswerBlock) -> Announcement {
    Announcement {
        play: block.play.as_ref().map(|file| file.value.as_str().into()),
        limit: Duration::from_secs(block.max_seconds.value.0.into()),
        then: block.then.map_or(Then::HangUp, |then| then.value),
    }
}

/// Makes the Reason header of a call that analytics blocked (ATIS-1000099): a cause, and whom to ask.
fn network_blocked(redress: &str) -> String {
    let (key, address) = match redress.split_once(':') {
        Some(("tel", number)) => ("tel", number),
        Some(("mailto", address)) => ("email", address),
        Some(_) | None => ("url", redress),
    };
    format!("Q.850;cause=21;text=\"v=analytics1;{key}={address}\";location=LN")
}

/// Returns the value of a parameter of Call-Info, if it is the purpose.
fn purpose(parameter: &str) -> Option<&str> {
    let (name, value) = parameter.split_once('=')?;
    name.trim().eq_ignore_ascii_case("purpose").then(|| value.trim().trim_matches('"'))
}

/// Puts a bare address between `<` and `>`, as the header wants it.
fn uri_value(text: &str) -> Box<str> {
    if text.starts_with('<') { text.into() } else { format!("<{text}>").into() }
}

/// Every code was read as one from 400 to 699.
fn code(status: u32) -> u16 {
    u16::try_from(status).unwrap_or(486)
}
