//! `verify --batch`: a request on each line, an answer on each line.

use std::path::Path;

use secure_io::chain::batch::{Answer, Batch, Defaults};
use secure_io::files;

use super::{Args, Asked, trust};
use crate::cli::Outcome;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, json_line};

/// Lines answered at once: enough for all cores, few enough for the memory.
const LINES: usize = 512;

pub(super) fn run(path: &Path, args: &Args, asked: Asked, out: &mut Output) -> Result<Outcome, Failure> {
    let anchors = if asked.trusted.is_partial { trust::all(args.trusted(), out)? } else { asked.trusted.anchors };
    let batch = Batch::new(Defaults {
        anchors,
        presented: asked.presented,
        crls: asked.crls,
        host: asked.host,
        purpose: args.question.purpose.into(),
        at: asked.at,
        strict: args.strict,
    });
    let mut lines = files::lines(path)?;
    let (mut bad, mut refused) = (0_u64, 0_u64);
    loop {
        let chunk = lines.by_ref().take(LINES).collect::<Result<Vec<_>, _>>()?;
        if chunk.is_empty() {
            break;
        }
        let mut text = String::new();
        for (outcome, line) in batch.answer_all(&chunk, |answer| (outcome(&answer), json_line(&answer))) {
            refused += u64::from(outcome == Outcome::No);
            bad += u64::from(outcome == Outcome::Failed);
            text.push_str(&line?);
        }
        out.data(text.as_bytes())?;
    }
    match (bad, refused) {
        (0, 0) => Ok(Outcome::Done),
        (0, _) => Ok(Outcome::No),
        (bad, _) => Err(Failure::message(format!("{bad} of the lines in `{}` are no requests", path.display()))),
    }
}

fn outcome(answer: &Answer) -> Outcome {
    match answer {
        Answer::Verdict(verdict) if verdict.valid => Outcome::Done,
        Answer::Verdict(_) => Outcome::No,
        Answer::Bad(_) => Outcome::Failed,
    }
}
