//! The texts of a call, one behind the other in one piece of memory.
//!
//! A text of its own is a piece of memory that is asked for, and fetched again when it is long cold, only to be let go of.
//! They come in the order of [`Text`], so that a pack takes all of them as they are.

use ringfence_policy::CallTexts;

/// A text of a call. The facts may be told apart, or all of them in [`Text::Facts`]: see [`super::Kept::facts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    /// The label of the line.
    Line,
    /// The host of the caller's address.
    Host,
    /// The line as the rules name it.
    OnLine,
    UserAgent,
    Identity,
    CallId,
    /// The caller as the facts have it; of facts that are not told apart there is none.
    User,
    /// It is of the record as well as of the facts.
    DisplayName,
    Called,
    Diverted,
    Id,
    Source,
    Rule,
    List,
    /// The caller as it is shown.
    Caller,
    Entry,
    Reason,
    /// A JSON object.
    Facts,
}

impl Text {
    /// All of them in their order.
    pub(super) const ALL: [Self; Self::Facts as usize + 1] = [
        Self::Line,
        Self::Host,
        Self::OnLine,
        Self::UserAgent,
        Self::Identity,
        Self::CallId,
        Self::User,
        Self::DisplayName,
        Self::Called,
        Self::Diverted,
        Self::Id,
        Self::Source,
        Self::Rule,
        Self::List,
        Self::Caller,
        Self::Entry,
        Self::Reason,
        Self::Facts,
    ];
    /// How many of them belong together: what calls on a line have in common, what is of one call, what decided, what is said of
    /// it, and the facts.
    pub(super) const PARTS: [usize; 5] = [4, 7, 3, 3, 1];

    /// Returns the earlier text that it mostly is the same as.
    pub(super) const fn model(self) -> Option<Self> {
        match self {
            Self::User | Self::Caller => Some(Self::Identity),
            Self::OnLine => Some(Self::Line),
            Self::Identity
            | Self::CallId
            | Self::Line
            | Self::Host
            | Self::DisplayName
            | Self::Called
            | Self::UserAgent
            | Self::Diverted
            | Self::Id
            | Self::Source
            | Self::Rule
            | Self::List
            | Self::Entry
            | Self::Reason
            | Self::Facts => None,
        }
    }
}

/// The texts of a call, some of which may not be there.
#[derive(Debug, Clone)]
pub(crate) struct Texts {
    all: String,
    places: [Place; Text::ALL.len()],
    /// The number of the text that comes next.
    next: u32,
}

/// Where a text begins and ends.
type Place = (u32, u32);

/// Where a text is that is not there: beyond every other.
const NOWHERE: Place = (u32::MAX, u32::MAX);

impl Texts {
    /// Begins in a room that is made large enough for so many bytes. More make more room.
    pub(crate) fn in_room(mut room: String, bytes: usize) -> Self {
        room.clear();
        room.reserve(bytes);
        Self { all: room, places: [NOWHERE; Text::ALL.len()], next: 0 }
    }

    /// Lets go of the texts, and returns their room.
    pub(crate) fn take_room(&mut self) -> String {
        self.places = [NOWHERE; Text::ALL.len()];
        std::mem::take(&mut self.all)
    }

    /// Copies texts, the first of all or all of them. It makes room once.
    pub(crate) fn of<const COUNT: usize>(told: [(Text, Option<&str>); COUNT]) -> Self {
        let bytes = told.iter().filter_map(|(_, told)| *told).map(str::len).sum();
        let mut texts = Self::in_room(String::new(), bytes);
        for (text, told) in told {
            texts.tell(text, told);
        }
        texts
    }

    /// Copies these into a room where more can be told.
    pub(crate) fn copied_into(&self, mut room: String) -> Self {
        room.clear();
        room.push_str(&self.all);
        Self { all: room, ..*self }
    }

    /// Returns a copy without room for more, and the room.
    pub(crate) fn fitted(self) -> (Self, String) {
        (Self { all: self.all.as_str().to_owned(), ..self }, self.all)
    }

    /// Tells the next text, if there is one. It is kept once if it is the same as its model.
    #[inline]
    pub(crate) fn tell(&mut self, text: Text, told: Option<&str>) {
        let Some(told) = told else { return self.place(text, NOWHERE) };
        match text.model() {
            Some(model) if self.get(model) == Some(told) => self.place(text, self.places[model as usize]),
            Some(_) | None => self.say(text, |all| all.push_str(told)),
        }
    }

    /// Tells that the next text is the same as its model. Returns whether there is one.
    pub(crate) fn tell_again(&mut self, text: Text) -> bool {
        let place = text.model().map_or(NOWHERE, |model| self.places[model as usize]);
        self.place(text, place);
        place != NOWHERE
    }

    /// Has the next text written.
    #[inline]
    pub(crate) fn say(&mut self, text: Text, say: impl FnOnce(&mut String)) {
        let begin = self.all.len();
        say(&mut self.all);
        self.place(text, (length(begin), length(self.all.len())));
    }

    /// Notes where the next text is. Whichever is meant, their order stays.
    #[inline]
    fn place(&mut self, text: Text, place: Place) {
        debug_assert_eq!(text as u32, self.next, "texts come in their order");
        if let Some(next) = self.places.get_mut(self.next as usize) {
            *next = place;
            self.next += 1;
        }
    }

    /// Returns a text.
    pub(crate) fn get(&self, text: Text) -> Option<&str> {
        let (begin, end) = self.places[text as usize];
        self.all.get(begin as usize..end as usize)
    }

    /// Returns those of the facts, if they are told apart.
    pub(crate) fn of_facts(&self) -> Option<CallTexts<'_>> {
        Some(CallTexts {
            caller: self.get(Text::User)?,
            host: self.get(Text::Host).unwrap_or_default(),
            name: self.get(Text::DisplayName),
            called: self.get(Text::Called),
            line: self.get(Text::OnLine),
            user_agent: self.get(Text::UserAgent),
            diverted: self.get(Text::Diverted),
            who: None,
        })
    }

    /// Returns all texts, one behind the other, and those that are the same as their model but once.
    pub(super) fn all(&self) -> &str {
        &self.all
    }

    /// Returns what of each stands in [`Texts::all`], in their order.
    pub(super) fn spans(&self) -> impl Iterator<Item = Span> {
        let mut end = 0;
        self.places.iter().map(move |place| match *place {
            NOWHERE => Span::Nothing,
            (begin, _) if begin < end => Span::Again,
            (begin, behind) => {
                end = behind;
                Span::Own(behind - begin)
            }
        })
    }

    /// Returns how many bytes they hold.
    pub(super) const fn bytes(&self) -> usize {
        self.all.capacity()
    }
}

/// What of a text stands behind those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    /// There is no such text.
    Nothing,
    /// It is the same as its model.
    Again,
    /// So many bytes.
    Own(u32),
}

/// What lies behind four gigabytes is not found again, and nothing that long is told of a call.
fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of an INVITE, some of them empty, some not there.
    const GIVEN: [(Text, Option<&str>); 7] = [
        (Text::Line, Some("Büro")),
        (Text::Host, None),
        (Text::OnLine, Some("Büro")),
        (Text::UserAgent, Some("")),
        (Text::Identity, Some("+41")),
        (Text::CallId, Some("Jörg")),
        (Text::User, Some("+4")),
    ];

    #[test]
    fn texts_come_out_as_they_went_in_also_those_that_are_empty_or_not_there() {
        let texts = Texts::of(GIVEN);
        assert_eq!(GIVEN.map(|(text, _)| texts.get(text)), GIVEN.map(|(_, told)| told));
        assert_eq!((texts.get(Text::Called), texts.get(Text::Facts)), (None, None));
    }

    #[test]
    fn what_is_the_same_as_its_model_is_there_once() {
        let texts = Texts::of(GIVEN);
        assert_eq!(texts.all(), "Büro+41Jörg+4");
        let [nothing, again] = [Span::Nothing, Span::Again];
        let [five, zero, three, two] = [5, 0, 3, 2].map(Span::Own);
        let expected = [five, nothing, again, zero, three, five, two];
        assert_eq!(texts.spans().take(7).collect::<Vec<_>>(), expected);
        assert!(texts.spans().skip(7).all(|span| span == nothing));
    }

    #[test]
    fn a_copy_takes_more_and_fits_in_the_end() {
        let texts = Texts::of(GIVEN);
        let mut copy = texts.copied_into("what was there before".to_owned());
        copy.tell(Text::DisplayName, None);
        copy.say(Text::Called, |out| out.extend(["a", "b"]));
        let (fitted, room) = copy.fitted();
        assert_eq!(GIVEN.map(|(text, _)| fitted.get(text)), GIVEN.map(|(_, told)| told));
        assert_eq!((fitted.get(Text::DisplayName), fitted.get(Text::Called)), (None, Some("ab")));
        assert_eq!((fitted.bytes(), room.capacity() > 0), (texts.all().len() + 2, true));
    }
}
