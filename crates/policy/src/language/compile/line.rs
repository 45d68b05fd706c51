//! Lines and groups of lines.

use super::Compiler;
use crate::language::document::{LineBlock, RingTarget, StandAsideForm, TrustBlock};
use crate::language::read::At;
use crate::policy::Group;
use crate::position::{Aside, Line, Pass, Position};
use crate::rejection::Rejection;
use crate::treatment::Target;
use crate::wildcard::Wildcard;

impl Compiler<'_> {
    pub(super) fn lines(&mut self) -> Vec<Line> {
        let blocks = self.blocks;
        blocks.lines.iter().filter_map(|(name, block)| Some(self.line(name, block?))).collect()
    }

    fn line(&mut self, name: &At<String>, block: &LineBlock) -> Line {
        let position = block.position.map(|position| position.value).unwrap_or_default();
        let trust = block.trust.as_ref();
        let identity = trust.and_then(|trust: &TrustBlock| trust.identity.as_ref());
        let peers = trust.and_then(|trust: &TrustBlock| trust.peers.as_ref());
        let mut line = Line::new(name);
        let account = block.account.as_ref().map_or(name.value.as_str(), |account| account.value.as_str());
        line.account = Some(account.into());
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
