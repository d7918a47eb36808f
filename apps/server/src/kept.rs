//! Answers that are kept: what takes long to compute is computed once for all who ask, and anew beside them when it has changed.

use jiff::{SignedDuration, Timestamp};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// For how long an answer holds while no entry comes in: a due date may pass in between.
const HOLDS: SignedDuration = SignedDuration::from_secs(10);
/// How old an answer may be that is given while the next one is computed.
const OLDEST: SignedDuration = SignedDuration::from_secs(5);
/// The same for a past day.
const OLDEST_OF_PAST: SignedDuration = SignedDuration::from_mins(5);
/// What takes less is computed for everybody who asks.
const DEAR: Duration = Duration::from_millis(10);
/// More answers than this are not kept: the ones that were asked for longest ago go.
const MOST: usize = 64;

/// What an answer follows from: as of which entry of the ledger, and when it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AsOf {
    pub(crate) entries: u64,
    pub(crate) now: Timestamp,
    /// Whether it is about a past day: then no clock changes it.
    pub(crate) is_past: bool,
}

/// Answers to questions.
#[derive(Debug)]
pub(crate) struct Kept<Q, A>(Arc<Mutex<Vec<Slot<Q, A>>>>);

#[derive(Debug)]
struct Slot<Q, A> {
    question: Q,
    answer: Option<Answered<A>>,
    /// Held by whoever computes the answer.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct Answered<A> {
    answer: Arc<A>,
    as_of: AsOf,
    took: Duration,
}

/// What is at hand.
enum Found<A> {
    /// It holds.
    Holds(Arc<A>),
    /// It may be given while the next one is computed.
    MayDo(Arc<A>),
    Nothing,
}

impl<Q, A> Default for Kept<Q, A> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<Q, A> Clone for Kept<Q, A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Q: Clone + PartialEq + Send + Sync + 'static, A: Send + Sync + 'static> Kept<Q, A> {
    /// The answer to a question, at hand or computed. Of those who ask at once, one computes it.
    ///
    /// # Errors
    /// What computing it fails with.
    pub(crate) async fn answer<E: Send + 'static>(
        &self,
        question: &Q,
        as_of: AsOf,
        compute: impl Future<Output = Result<A, E>> + Send + 'static,
    ) -> Result<Arc<A>, E> {
        let turn = self.turn(question);
        match self.find(question, as_of) {
            Found::Holds(answer) => Ok(answer),
            Found::MayDo(answer) => {
                if let Ok(turn) = turn.try_lock_owned() {
                    let (kept, question) = (self.clone(), question.clone());
                    tokio::spawn(async move {
                        // Whoever asks when the answer that is at hand is too old hears what went wrong.
                        let _ = kept.compute(&question, as_of, compute).await;
                        drop(turn);
                    });
                }
                Ok(answer)
            }
            Found::Nothing => {
                let _turn = turn.lock_owned().await;
                match self.find(question, as_of) {
                    Found::Holds(answer) | Found::MayDo(answer) => Ok(answer),
                    Found::Nothing => self.compute(question, as_of, compute).await,
                }
            }
        }
    }

    async fn compute<E>(
        &self,
        question: &Q,
        as_of: AsOf,
        compute: impl Future<Output = Result<A, E>>,
    ) -> Result<Arc<A>, E> {
        let start = Instant::now();
        let answer = Arc::new(compute.await?);
        let answered = Answered { answer: Arc::clone(&answer), as_of, took: start.elapsed() };
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.iter_mut().find(|slot| slot.question == *question) {
            slot.answer = Some(answered);
        }
        Ok(answer)
    }

    /// Whose turn it is to compute an answer; the question is the one that was asked last from then on.
    fn turn(&self, question: &Q) -> Arc<tokio::sync::Mutex<()>> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = match slots.iter().position(|slot| slot.question == *question) {
            Some(place) => slots.remove(place),
            None => Slot { question: question.clone(), answer: None, turn: Arc::default() },
        };
        let turn = Arc::clone(&slot.turn);
        slots.push(slot);
        let surplus = slots.len().saturating_sub(MOST);
        slots.drain(..surplus);
        turn
    }

    fn find(&self, question: &Q, as_of: AsOf) -> Found<A> {
        let slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.iter().find(|slot| slot.question == *question);
        let Some(known) = slot.and_then(|slot| slot.answer.as_ref()) else { return Found::Nothing };
        let age = as_of.now.duration_since(known.as_of.now);
        // A clock that was set back tells nothing of an age.
        let is_within = |most: SignedDuration| !age.is_negative() && age <= most;
        let is_dear = known.took >= DEAR;
        match known.as_of.entries == as_of.entries && is_dear && (as_of.is_past || is_within(HOLDS)) {
            true => Found::Holds(Arc::clone(&known.answer)),
            // Of a past day hardly anything changes: what was told late.
            false if is_dear && is_within(if as_of.is_past { OLDEST_OF_PAST } else { OLDEST }) => {
                Found::MayDo(Arc::clone(&known.answer))
            }
            false => Found::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "tests")]
    use super::*;

    fn as_of(entries: u64, second: i64) -> AsOf {
        AsOf { entries, now: Timestamp::from_second(second).expect("an instant"), is_past: false }
    }

    async fn slow(answer: u64) -> Result<u64, ()> {
        tokio::time::sleep(DEAR * 3).await;
        Ok(answer)
    }

    async fn at_once<E>(answer: u64) -> Result<u64, E> {
        Ok(answer)
    }

    async fn never() -> Result<u64, ()> {
        panic!("it is at hand")
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_dear_is_computed_once_and_anew_beside_those_who_ask() {
        let kept: Kept<&str, u64> = Kept::default();
        assert_eq!(*kept.answer(&"all", as_of(1, 100), slow(1)).await.expect("computed"), 1);
        assert_eq!(*kept.answer(&"all", as_of(1, 110), never()).await.expect("at hand"), 1);
        // An entry came in: who asks hears the last answer, and the next one is computed meanwhile.
        assert_eq!(*kept.answer(&"all", as_of(2, 104), slow(2)).await.expect("at hand"), 1);
        for _ in 0..200 {
            if *kept.answer(&"all", as_of(2, 104), at_once::<()>(3)).await.expect("at hand") == 2 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(*kept.answer(&"all", as_of(2, 105), never()).await.expect("at hand"), 2);
        // What is too old is nobody's answer, and neither is one from a later time.
        assert_eq!(*kept.answer(&"all", as_of(2, 116), slow(4)).await.expect("computed"), 4);
        assert_eq!(*kept.answer(&"all", as_of(3, 125), slow(5)).await.expect("computed"), 5);
        assert_eq!(*kept.answer(&"all", as_of(3, 1), slow(6)).await.expect("computed"), 6);
        assert_eq!(*kept.answer(&"other", as_of(3, 1), slow(7)).await.expect("computed"), 7);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_cheap_is_computed_for_everybody() {
        let kept: Kept<&str, u64> = Kept::default();
        for answer in 0..3 {
            assert_eq!(*kept.answer(&"all", as_of(1, 100), at_once::<()>(answer)).await.expect("computed"), answer);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_those_who_ask_at_once_one_computes() {
        let kept: Kept<&str, u64> = Kept::default();
        let first = kept.answer(&"all", as_of(1, 100), slow(1));
        let second = kept.answer(&"all", as_of(1, 100), slow(2));
        let (first, second) = tokio::join!(first, second);
        assert_eq!((*first.expect("computed"), *second.expect("at hand")), (1, 1));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_past_day_does_not_grow_old() {
        let kept: Kept<&str, u64> = Kept::default();
        let past = |second| AsOf { is_past: true, ..as_of(1, second) };
        kept.answer(&"then", past(100), slow(1)).await.expect("computed");
        assert_eq!(*kept.answer(&"then", past(100_000), never()).await.expect("at hand"), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_fails_is_not_kept() {
        let kept: Kept<&str, u64> = Kept::default();
        assert_eq!(kept.answer(&"all", as_of(1, 100), async { Err("no policy") }).await, Err("no policy"));
        assert_eq!(*kept.answer(&"all", as_of(1, 100), at_once::<&str>(1)).await.expect("computed"), 1);
    }
}
