//! Lines and groups of lines.

use std::collections::HashMap;

use super::Compiler;
use crate::language::diagnostic::Severity;
use crate::language::document::{LineBlock, RingTarget, StandAsideForm, TrustBlock};
use crate::language::read::{At, brief};
use crate::language::renamed::account_of;
use crate::policy::Group;
use crate::position::{Aside, Line, Pass, Position};
use crate::rejection::Rejection;
use crate::treatment::Target;
use crate::wildcard::Wildcard;

impl Compiler<'_> {
    pub(super) fn lines(&mut self) -> Vec<Line> {
        let blocks = self.blocks;
        self.check_accounts();
        blocks.lines.iter().filter_map(|(name, block)| Some(self.line(name, block?))).collect()
    }

    /// Makes sure that each account has one line, and that a rule which names a line means one.
    fn check_accounts(&mut self) {
        let blocks = self.blocks;
        let mut lines: HashMap<&str, &At<String>> = HashMap::new();
        for (name, block) in blocks.lines.iter() {
            let Some(block) = block else { continue };
            let account = account_of(name, block);
            let Some(first) = lines.insert(account, name) else { continue };
            let (file, line) = self.place(first.span);
            let message = format!(
                "expected one line for each account, found a second for the account `{}`: {file}:{line} has [line.{}]",
                brief(account),
                brief(first)
            );
            let hint = match &block.account {
                Some(_) => "write both as one".to_owned(),
                None => format!(
                    "write both as one, or say which other account [line.{}] has: account = \"…\"",
                    brief(name)
                ),
            };
            self.report.error(name.span, message, hint);
        }
        let mut names: HashMap<String, &At<String>> = HashMap::new();
        for (name, _) in blocks.lines.iter() {
            let Some(first) = names.insert(name.to_lowercase(), name) else { continue };
            let (name, span, first) = (brief(name), name.span, brief(first));
            let message = format!(
                "expected a name that differs from others' in more than capitals, found `{name}` beside `{first}`"
            );
            let hint = format!("rules mean both by line = \"{name}\": give one of the two another name");
            self.report.error(span, message, hint);
        }
        // A block that could not be read may have named any account.
        if self.is_partial || blocks.lines.iter().any(|(_, block)| block.is_none()) {
            return;
        }
        let without = blocks.accounts.iter().filter(|account| !lines.contains_key(account.as_str()));
        let without: HashMap<String, &String> =
            without.map(|account| (account.to_lowercase(), account)).collect();
        for (name, _) in blocks.lines.iter() {
            let Some(account) = without.get(&name.to_lowercase()) else { continue };
            let (account, line) = (brief(account), brief(name));
            let message = format!(
                "expected a name that no other line has, found `{line}`: calls of the account `{account}` come on a \
                 line of that name, too"
            );
            let hint =
                format!("write [line.NAME] with account = \"{account}\", or give [line.{line}] another name");
            self.report.error(name.span, message, hint);
        }
    }

    fn line(&mut self, name: &At<String>, block: &LineBlock) -> Line {
        let position = block.position.map(|position| position.value).unwrap_or_default();
        let trust = block.trust.as_ref();
        let identity = trust.and_then(|trust: &TrustBlock| trust.identity.as_ref());
        let peers = trust.and_then(|trust: &TrustBlock| trust.peers.as_ref());
        let mut line = Line::new(name);
        line.account = Some(account_of(name, block).into());
        line.position = position;
        line.pass = self.pass(name, block, position);
        line.capture = block.capture.and_then(|code| {
            let code = u16::try_from(code.value.0).ok()?;
            Rejection::new(code).ok()?.warning(Rejection::WARNING).ok()
        });
        line.aside = match block.stand_aside.as_ref().map(|aside| &aside.value) {
            Some(StandAsideForm::Hold(aside)) => Aside::Ringing { hold: aside.hold.value },
            Some(StandAsideForm::Silence) => Aside::Silent,
            None => Aside::default(),
        };
        let passes = block.passes.iter().flat_map(|passes| passes.iter());
        line.passes = passes.filter_map(|code| u16::try_from(code.0).ok()).collect();
        line.peers =
            peers.iter().flat_map(|peers| peers.iter()).map(|peer| peer.value.as_str().into()).collect();
        line.identity = identity.iter().flat_map(|identity| identity.iter()).map(|kind| kind.value).collect();
        self.check_line(block, position);
        line
    }

    fn pass(&mut self, name: &At<String>, block: &LineBlock, position: Position) -> Option<Pass> {
        let Some(ring) = &block.ring else {
            let example = match position {
                Position::First => "ring = \"sip:201@pbx.example\"",
                Position::Inline => "ring = 404",
                Position::Sole | Position::Parallel => return None,
            };
            let message = format!(
                "[line.{}] needs `ring`: on a line that is `{}` nothing rings, so a welcome call goes elsewhere",
                name.value,
                position.as_str()
            );
            self.report.error(name.span, message, format!("for example: {example}"));
            return None;
        };
        match (&ring.value, position) {
            (RingTarget::Uri(uri), _) => match Target::parse(uri.as_str()) {
                Ok(target) => Some(Pass::Redirect(target)),
                Err(error) => {
                    self.report.error(
                        ring.span,
                        error.to_string(),
                        "write the whole address, with its scheme",
                    );
                    None
                }
            },
            (RingTarget::Code(503), Position::Inline) => Some(Pass::Unavailable),
            (RingTarget::Code(_), Position::Inline) => Some(Pass::NotFound),
            (RingTarget::Code(code), Position::Sole | Position::First | Position::Parallel) => {
                let message = format!("expected the URI of the phones, found the code {code}");
                self.report.error(ring.span, message, "a code is for lines whose position is \"inline\"");
                None
            }
        }
    }

    /// Warns of keys that do nothing on a line of this position.
    fn check_line(&mut self, block: &LineBlock, position: Position) {
        let is_parallel = position == Position::Parallel;
        let nothing_rings = matches!(position, Position::First | Position::Inline);
        let unused = [
            ("capture", block.capture.map(|capture| capture.span), is_parallel),
            ("stand_aside", block.stand_aside.as_ref().map(|aside| aside.span), is_parallel),
            ("ring", block.ring.as_ref().map(|ring| ring.span), nothing_rings),
        ];
        for (key, span, is_used) in unused {
            if let Some(span) = span.filter(|_| !is_used) {
                let message = format!("`{key}` does nothing on a line that is `{}`", position.as_str());
                self.report.warning(span, message, "leave it out, or set another position");
            }
        }
        let identity = block.trust.as_ref().and_then(|trust| trust.identity.as_ref());
        if let Some(first) = identity.and_then(|identity| identity.first())
            && !identity.iter().flat_map(|identity| identity.iter()).any(|kind| kind.value.names_callers())
        {
            let message = "neither `pai`, `rpid` nor `from` is believed: every caller is `unavailable`";
            let hint = "for example: identity = [\"verstat\", \"pai\", \"from\"]";
            self.report.warning(first.span, message, hint);
        }
        if let Some(StandAsideForm::Hold(aside)) = block.stand_aside.as_ref().map(|aside| &aside.value)
            && aside.hold.value < Aside::SHORTEST
        {
            let message = format!("less than {} s is held as long as that", Aside::SHORTEST.as_secs());
            let hint = "some routers drop a phone that refuses sooner";
            self.report.warning(aside.hold.span, message, hint);
        }
    }

    pub(super) fn groups(&mut self) -> Vec<Group> {
        let blocks = self.blocks;
        let mut groups = Vec::new();
        for (name, block) in blocks.groups.iter() {
            let Some(block) = block else { continue };
            let parents: Vec<&At<String>> =
                block.inherits.iter().flat_map(|parents| parents.iter()).collect();
            for parent in &parents {
                self.find("group", &blocks.groups, parent);
            }
            for name in block.lines.iter().flat_map(|lines| lines.iter()) {
                // What begins so may mean an address.
                let renamed = blocks.renamed(name).filter(|_| !name.starts_with(['*', '?']));
                if let Some(renamed) = renamed {
                    renamed.report(name, name.span, Severity::Warning, &mut self.report);
                }
            }
            groups.push(Group {
                name: name.value.as_str().into(),
                lines: block
                    .lines
                    .iter()
                    .flat_map(|lines| lines.iter())
                    .map(|line| Wildcard::new(line))
                    .collect(),
                inherits: parents.iter().map(|parent| parent.value.as_str().into()).collect(),
            });
        }
        groups
    }
}
