//! Review, exceptions, training and acknowledgement: times that fit each other.

use super::{Checking, unique};

pub(super) fn check(checking: &mut Checking<'_>) {
    let promises = &checking.policy.promises;
    unique(&mut checking.problems, "trainings", promises.training.iter().map(|training| &training.id));
    if let Some(exceptions) = &promises.exceptions {
        let (longest, review) = (*exceptions.longest.as_ref(), *exceptions.review.as_ref());
        if review.is_longer_than(longest) {
            let what = format!("an exception lasts {longest} at most, and is looked at again after {review}");
            checking.problems.error("policy/contradiction", exceptions.review.span().start, what);
        }
        if exceptions.approved_by.is_empty() {
            let what = "nobody approves an exception".to_owned();
            checking.problems.error("policy/no-approver", exceptions.longest.span().start, what);
        }
        if exceptions.requested_by.is_empty() {
            let what = "nobody is said to ask for exceptions".to_owned();
            checking.problems.error("policy/nobody", exceptions.longest.span().start, what);
        }
        let asks_for_controls = exceptions.needs.contains(&crate::promises::ExceptionNeed::CompensatingControls);
        if asks_for_controls && exceptions.controls.is_empty() {
            let what = "an exception needs compensating controls, and none is named that counts".to_owned();
            let hint = "controls = [\"segmentation\", \"waf\", \"ips\"]";
            checking.problems.error("policy/empty-need", exceptions.longest.span().start, what).hint(hint);
        }
    }
    if let Some(acknowledgement) = &promises.acknowledgement {
        let within = *acknowledgement.within.as_ref();
        if let Some(remind) = &acknowledgement.remind
            && !within.is_longer_than(*remind.as_ref())
        {
            let what = format!("people have {within} to read the policy, and are reminded {} before", remind.as_ref());
            checking.problems.error("policy/contradiction", remind.span().start, what);
        }
        if within.is_longer_than(*acknowledgement.every.as_ref()) {
            let what = format!(
                "people have {within} to read the policy, and read it again every {}",
                acknowledgement.every.as_ref()
            );
            checking.problems.error("policy/contradiction", acknowledgement.every.span().start, what);
        }
    }
    for training in &promises.training {
        if training.within.is_longer_than(*training.every.as_ref()) {
            let what = format!(
                "the training `{}` is done within {}, and again every {}",
                training.id.as_ref(),
                training.within,
                training.every.as_ref()
            );
            checking.problems.error("policy/contradiction", training.every.span().start, what);
        }
    }
    for framework in &promises.frameworks {
        let known = checking.known.frameworks;
        if !known.contains(&framework.as_ref().as_str()) {
            let what = format!("no framework is called `{}`", framework.as_ref().escape_debug());
            checking
                .problems
                .error("policy/unknown-framework", framework.span().start, what)
                .hint(super::among(framework.as_ref(), known));
        }
    }
}
