//! What is owed after emergency changes: each a duty of the people of its role, until one of them says what was done.

use crate::State;
use change::{Change, Owed};
use obligations::{Duty, DutyKind, Party};
use rules::{ChangeId, PersonId};

impl State {
    pub(crate) fn settlements_owed(&self) -> impl Iterator<Item = Duty> {
        let all = self.changes.iter().flat_map(|(id, known)| (0..known.owed.len()).map(move |item| (id, known, item)));
        all.filter_map(|(id, known, item)| self.settlement_owed((id, known), item))
    }

    /// One of them, by what its id says after its kind.
    pub(crate) fn settlement_of(&self, rest: &str) -> Option<Duty> {
        let (id, item) = owed_item(rest)?;
        self.settlement_owed(self.changes.get_key_value(&id)?, item)
    }

    /// The role that owed one of them, also where it is settled.
    pub(crate) fn party_that_settles(&self, rest: &str) -> Option<Party> {
        let (id, item) = owed_item(rest)?;
        self.changes.get(&id)?.owed.get(item).map(|owed| Party::Role(owed.by.role.clone()))
    }

    fn settlement_owed(&self, (id, known): (&ChangeId, &Change), item: usize) -> Option<Duty> {
        let owed: &Owed = known.owed.get(item).filter(|owed| owed.settled.is_none())?;
        let since = known.opened.as_ref()?.0;
        // Nobody looks back on what they planned themselves.
        let owners: Vec<PersonId> = self.people_of(&owed.by).into_iter().filter(|one| *one != known.by).collect();
        Some(Duty {
            id: format!("settle#{id}#{item}"),
            kind: DutyKind::Settle,
            subject: id.to_string(),
            title: format!("{} ({id}: {})", owed.what, known.planned.title),
            text: None,
            owners,
            since,
            due: owed.due,
            done_at: None,
            remind_at: since,
            owed_by: Some(owed.by.clone()),
            escalates_to: self.above(&owed.by).cloned(),
            campaign: None,
            excused: None,
        })
    }
}

fn owed_item(rest: &str) -> Option<(ChangeId, usize)> {
    let (id, item) = rest.rsplit_once('#')?;
    Some((ChangeId::new(id).ok()?, item.parse().ok()?))
}
